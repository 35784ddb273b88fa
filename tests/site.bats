#!/usr/bin/env bats
# The site to try, of scripts/demo --serve, and scripts/site, which it stands on.
# The plain build only: that is what they make and run.

load lib
load demo
load tools/inetd

# ---- the site to try ----

@test "demo --serve: what it prints leads through a login to the agent; Ctrl-C ends it" {
    local browser folder code login
    cd /
    background 'idb-verify$' --serve
    folder=$(sed -n 's/^    cd //p' "$BATS_TEST_TMPDIR/out")
    browser=(curl -sS -L --max-time 20 --cacert "$folder/site/cert.pem" -b "$BATS_TEST_TMPDIR/jar" -c "$BATS_TEST_TMPDIR/jar")
    start=$(printed 'Start page')
    [[ $("${browser[@]}" "$start") == *'Log in with DigiD'* ]]
    login=$("${browser[@]}" -d 'purpose=status&method=digid' "${start%/start/status}/login")
    [[ $login =~ action=\"([^\"]+)\" ]]
    consent=$("${browser[@]}" -d user=anna "$(printed Login)${BASH_REMATCH[1]}")
    [[ $consent =~ name=\"offer\"\ value=\"([^\"]+)\" ]]
    code=$("${browser[@]}" -d "offer=${BASH_REMATCH[1]}&consent=yes" "${start%/start/status}/consent" |
        grep -oP 'tel:\+31241234567,\K\d+' | head -n 1)
    # The lines to paste, with the code in its place.
    sed -n '/^    cd /,/\/end$/s/^    //p' "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/paste"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/paste")" = 3 ]
    sed -i "s/CODE/$code/" "$BATS_TEST_TMPDIR/paste"
    run --separate-stderr -0 bash -euo pipefail -c "$(head -n 2 "$BATS_TEST_TMPDIR/paste")"
    [ "$(member result "$output")" = accepted ]
    run --separate-stderr -1 bash -euo pipefail -c "$(sed -n '/export IDB_CONFIG/,$s/^    //p' "$BATS_TEST_TMPDIR/out" | sed "s/CODE/$code/; s/c-1/c-2/")"
    [ "$(member result "$output")" = used ]
    password=$(sed -n 's/.*name alice, password //p' "$BATS_TEST_TMPDIR/out")
    page=$("${browser[@]}" -u "alice:$password" "$(printed Desk)?call_id=c-1")
    [[ $page == *'T. Estpersoon'* ]]
    [[ $("${browser[@]}" -u "alice:$password" "$(printed Tickets)") == *'Find a ticket'* ]]
    run --separate-stderr -0 bash -euo pipefail -c "$(sed 2d "$BATS_TEST_TMPDIR/paste")"
    [ "$(member result "$output")" = wrap_up ]
    line=$(printed Telephone)
    run -0 timeout 20 sipp -sn uac -i 127.0.0.1 -s line -m 1 -d 200 -nostdin "${line#sip:line@}" 3>&-
    until grep -q ' ended$' "$folder/line.log"; do kill -0 "$pid" && sleep 0.05; done
    kill -INT -- "-$pid"
    ended 130
    background 'idb-verify$' --serve
    [ "$(sed -n 's/.*name alice, password //p' "$BATS_TEST_TMPDIR/out")" != "$password" ]
    kill -TERM "$pid"
    ended 143
}

# ---- scripts/site ----

@test "site: a port that is taken, and a server that does not start, are exit 69" {
    local port
    port=$(free_ports 1)
    export IDB_CONFIG=/none
    run --separate-stderr -0 "$site" start "$TMPDIR/one" web "$port"
    run --separate-stderr -64 "$site" start "$TMPDIR/one" web "$port"
    [[ $stderr == 'site: '*' has one running; first: scripts/site stop '* ]]
    run --separate-stderr -69 "$site" start "$TMPDIR/two" web "$port"
    [ "$stderr" = "site: port $port is taken" ]
    run --separate-stderr -0 "$site" stop "$TMPDIR/one"
    [ -z "$output$stderr" ]
    run --separate-stderr -0 "$site" stop "$TMPDIR/one" web
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\necho "no such module" >&2\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/lighttpd"
    chmod +x "$BATS_TEST_TMPDIR/bin/lighttpd"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run --separate-stderr -69 "$site" start "$TMPDIR/two" web "$port"
    [[ $stderr == 'site: it does not start; '*'no such module' ]]
    rm -r "$TMPDIR"/{one,two}
    nothing_left
}

@test "site: anything that it does not take is exit 64" {
    export IDB_CONFIG=/none
    for arguments in '' start "start $TMPDIR/x other 20000" "start $TMPDIR/x web 0x" \
        "start $TMPDIR/x web 20000 --fast x" "start $TMPDIR/x web 20000 --user" stop 'stop a b c'; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr -64 "$site" $arguments
        [[ $stderr == *'usage: scripts/site '* ]]
    done
    unset IDB_CONFIG
    run --separate-stderr -64 "$site" start "$TMPDIR/x" web 20000
    nothing_left
}

@test "site --user: the server and its programs are that user's" {
    local port=$((20000 + RANDOM % 12000))
    if [ "$(id -u)" != 0 ]; then
        IDB_CONFIG=/none run --separate-stderr -64 "$site" start "$TMPDIR/x" web "$port" --user root
        [[ $stderr == 'site: --user is for root'* ]]
        return
    fi
    copy_tree
    mkdir -m 777 "$tree/idb"
    export IDB_CONFIG=$tree/idb/idb.json IDB_BUILD=$tree/build
    store_new "$tree/idb"
    idb_config "$tree/idb" >"$IDB_CONFIG"
    runuser -u nobody -- "$tree/build/idb-keys" create
    run --separate-stderr -0 "$tree/scripts/site" start "$tree/site" web "$port" --user nobody
    pid=$(cat "$tree/site/web.pid")
    [ "$(stat -c %U "/proc/$pid")" = nobody ]
    [ "$(stat -c %U "$tree/site/log/nobody")" = nobody ]
    run -0 grep -E '^Groups:\s*[0-9 ]*$' "/proc/$pid/status"
    page=$(curl -sS --cacert "$tree/site/cert.pem" "https://localhost:$port/nl/start/appointment")
    [[ $page == *'Een afspraak maken'* ]]
    run --separate-stderr -0 "$tree/scripts/site" stop "$tree/site"
    grep -q /nl/start/appointment "$tree/site/log/nobody/web-access.log"
    [ -z "$(processes "$tree")" ]
}
