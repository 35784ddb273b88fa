#!/usr/bin/env bats
# scripts/demo: both walks and the site to try, and that nothing of them stays;
# scripts/site, which it stands on.
# The plain build only: that is what the demo makes and runs.

load lib

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    demo=$IDB_ROOT/scripts/demo
    site=$IDB_ROOT/scripts/site
}

# Whatever a failed case left running is found by what it was started with.
teardown() {
    local pid
    for pid in $(processes "$TMPDIR") ${tree:+$(processes "$tree")}; do
        kill "$pid" 2>/dev/null || true
    done
    [ -z "${tree-}" ] || rm -rf "$tree"
}

# processes FOLDER: those with that folder in an argument or in the environment.
processes() {
    (
        unset TMPDIR IDB_CONFIG IDB_BUILD
        grep -lsE "${1%?}[${1: -1}]" /proc/[0-9]*/{cmdline,environ} | cut -d / -f 3 | sort -u
    ) || true
}

# Nothing in the temporary folder, and no process that knows it.
nothing_left() {
    [ -z "$(ls -A "${1:-$TMPDIR}")" ]
    [ -z "$(processes "${1:-$TMPDIR}")" ]
}

# walked [OPTION]: one walk for all the cases that read it; its output in $output,
# the rest in the folder $walk. It is watched for what it runs, with which arguments.
walked() {
    local status=0
    walk=$BATS_FILE_TMPDIR/walked$*
    if [ ! -e "$walk/status" ]; then
        mkdir -p "$walk/tmp"
        TMPDIR=$walk/tmp strace -f --seccomp-bpf -v -s 100000 -qq -e trace=execve -e signal=none \
            -o "$walk/trace" "$demo" "$@" >"$walk/out" 2>"$walk/err" 3>&- || status=$?
        processes "$walk/tmp" >"$walk/processes"
        echo "$status" >"$walk/status"
    fi
    cat "$walk/err"
    [ "$(cat "$walk/status")" = 0 ]
    output=$(cat "$walk/out")
}

# walked_without_trace: that one left nothing.
walked_without_trace() {
    [ -z "$(ls -A "$walk/tmp")" ]
    [ ! -s "$walk/processes" ]
}

# copy_tree: a checkout that anyone may read, at $tree; to make, nothing is to do.
copy_tree() {
    tree=$(mktemp -d /tmp/idb-demo.XXXXXX)
    chmod 755 "$tree"
    mkdir -p "$tree/build" "$tree/tests/op"
    cp -a "$IDB_ROOT"/{Makefile,cmd,lib,scripts} "$tree"
    cp -a "$IDB_ROOT/tests/op/provider" "$tree/tests/op"
    cp -a "$IDB_ROOT"/build/{cmd,lib,libidb.a,idb-*} "$tree/build"
    chmod -R a+rX "$tree"
    find "$tree" -exec touch -hd '1 hour ago' {} +
}

@test "demo --quick: goes through every step and says so" {
    walked --quick
    [ ! -s "$walk/err" ]
    for title in 'An instance' 'Keys and store' 'A code for a resident' 'A slip of the finger' \
        'A wrong code' 'The right code' 'The same code again' 'The agent opens the call' \
        'The same as JSON, with the masked value' 'A transfer' 'Hang-up, and wrap-up' \
        'The agent is done' 'Another code, and no call' 'The purge' 'What the store holds now'; do
        grep -qE "^[0-9]+\. $title\$" <<<"$output"
    done
    for program in idb-config idb-keys idb-store idb-issue idb-renew idb-status idb-verify \
        idb-lookup idb-transfer idb-end idb-purge; do
        grep -qE "^    \\$ .*\b$program\b" <<<"$output"
    done
    for result in mistyped wrong accepted used transferred wrap_up ended; do
        grep -qF "\"result\": \"$result\"" <<<"$output"
    done
    [[ $output == *"All $(grep -cE '^[0-9]+\. ' <<<"$output") steps went as they should."* ]]
}

@test "demo --quick: leaves nothing behind" {
    walked --quick
    walked_without_trace
}

@test "demo --quick: what is personal is found in the store neither during nor after, the sealed record only during" {
    walked --quick
    run -0 grep -E ' [0-9]+ of [0-9]+ found$' <<<"$output"
    [ "${#lines[@]}" = 12 ]
    for i in "${!lines[@]}"; do
        if [ "$i" = 5 ]; then
            [[ ${lines[i]} =~ sealed.*\ ([0-9]+)\ of\ ([0-9]+)\ found ]]
            [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
            [ "${BASH_REMATCH[1]}" -gt 10 ]
        else
            [[ ${lines[i]} == *' 0 of '* ]]
        fi
    done
}

@test "demo --quick: from another directory, by a link, with a space in TMPDIR" {
    mkdir "$TMPDIR/a b"
    ln -s "$demo" "$BATS_TEST_TMPDIR/link"
    cd /
    TMPDIR="$TMPDIR/a b" run --separate-stderr -0 "$BATS_TEST_TMPDIR/link" --quick
    [ -z "$stderr" ]
    [[ $output == *'steps went as they should.'* ]]
    nothing_left "$TMPDIR/a b"
}

@test "demo --quick: as an ordinary user" {
    copy_tree
    local as=()
    [ "$(id -u)" != 0 ] || as=(runuser -u nobody --)
    mkdir -m 1777 "$tree/tmp"
    run --separate-stderr -0 env TMPDIR="$tree/tmp" "${as[@]}" "$tree/scripts/demo" --quick
    [ -z "$stderr" ]
    [[ $output == *'steps went as they should.'* ]]
    nothing_left "$tree/tmp"
}

@test "demo --quick: by sudo, whose user is then the agent" {
    SUDO_USER=jansen run --separate-stderr -0 "$demo" --quick
    [[ $output == *agent:jansen*open* ]]
}

@test "demo --quick: what is personal stands in no argument and in no environment" {
    walked --quick
    grep -q idb-verify "$walk/trace"
    { printf '%s\n' 999990019 Estpersoon 612345678
        grep -oP '"code(_display)?": "\K[0-9 ]+' <<<"$output"
        grep -oP '__Host-idb-session=\K[^;"]+' <<<"$output"
    } | sort -u >"$BATS_TEST_TMPDIR/personal"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/personal")" -ge 11 ]
    run -1 grep -Ff "$BATS_TEST_TMPDIR/personal" "$walk/trace"
}

@test "demo --quick --keep: says where, and what it says to try works" {
    run -0 "$demo" --quick --keep
    local script
    script=$(sed -n '/^The instance is in/,$s/^    //p' <<<"$output")
    [ "$(wc -l <<<"$script")" -ge 7 ]
    run -0 bash -euo pipefail -c "$script"
    [[ $output == *'"result":"accepted"'* ]]
    [[ $output == *'T. Estpersoon'* ]]
    [[ $output == *'"result":"ended"'* ]]
    [ "$(find "$TMPDIR" -name idb.db | wc -l)" = 1 ]
}

@test "demo --quick: stops with a message when an answer is not what it should be" {
    copy_tree
    rm "$tree/build/idb-verify"
    printf '#!/bin/sh\necho "{\\"result\\":\\"accepted\\"}"\n' >"$tree/build/idb-verify"
    chmod +x "$tree/build/idb-verify"
    run --separate-stderr -1 "$tree/scripts/demo" --quick
    [[ $stderr =~ ^$'\n'?'demo: stopped at step '[0-9]+': exit 1 was expected, not 0'$ ]]
    [[ $output == *'A slip of the finger'* ]]
    [[ $output != *'The right code'* ]]
    nothing_left
}

@test "demo --quick: ends at once on a signal, and leaves nothing" {
    local signal code
    for signal in TERM:143 HUP:129; do
        code=${signal#*:}
        "$demo" --quick >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
        until grep -q 'A code for a resident' "$BATS_TEST_TMPDIR/out"; do sleep 0.02; done
        kill "-${signal%:*}" $!
        status=0
        wait $! || status=$?
        [ "$status" = "$code" ]
        nothing_left
        run -1 grep -q 'steps went' "$BATS_TEST_TMPDIR/out"
    done
}

@test "demo --quick: ends when nobody reads it any more, and leaves nothing" {
    run --separate-stderr -0 bash -c '"$1" --quick | head -n 3' - "$demo"
    [ -z "$stderr" ]
    until [ -z "$(ls -A "$TMPDIR")" ]; do sleep 0.05; done
    nothing_left
}

@test "demo --quick: colour on a terminal alone" {
    walked --quick
    [[ $output != *$'\e'* ]]
    run -0 script -qec "$demo --quick" /dev/null
    [[ $output == *$'\e[1m'* ]]
    NO_COLOR=1 run -0 script -qec "$demo --quick" /dev/null
    [[ $output != *$'\e['* ]]
}

@test "demo: --help says what it does, anything else is exit 64" {
    run --separate-stderr -0 "$demo" --help
    [[ $output == 'usage: scripts/demo [--port=N]'* ]]
    for options in --fast --keep '--serve --keep' '--quick --serve' '--quick --port=2000' --port --port= \
        --port=80 --port=65525 --port=x '--port=20000 -- x'; do
        # shellcheck disable=SC2086 # one or two words
        run --separate-stderr -64 "$demo" $options
        [[ $stderr == 'demo: '*'usage: scripts/demo '* ]]
        [ -z "$output" ]
    done
    run --separate-stderr -64 "$demo" --fast
    [[ $stderr == 'demo: not understood: --fast'* ]]
    nothing_left
}

# ---- the whole flow ----

# step_of TITLE: what the walk printed in that step.
step_of() { sed -nE "/^[0-9]+\. $1\$/,/^[0-9]+\. /p" <<<"$output"; }

@test "demo: walks through the whole flow, and says so" {
    walked
    [ ! -s "$walk/err" ]
    for title in 'A login provider' 'Configuration, keys and store' 'Three web servers' \
        'The start page' 'On to the login provider' 'Cancelled there' 'Logged in, and asked' \
        'A no' 'A yes: number and code' 'Loaded again' 'A new code' \
        'The call: a slip of the finger' 'A wrong code' 'A telephone line without an exchange' \
        'The resident calls' "The agent's telephone rings" "The resident's page, during the call" "The agent's page, with a wrong password" \
        "The agent's page" 'The hidden value' 'What the store holds during the call' 'Hang-up' \
        'The agent is done' "The resident's page, after the call" 'The purge' \
        'The servers stop, and what their logs say' 'What is left'; do
        grep -qE "^[0-9]+\. $title\$" <<<"$output"
    done
    [ "$(grep -cE '^[0-9]+\. ' <<<"$output")" = 27 ]
    [[ $output == *'All 27 steps went as they should.'* ]]
}

@test "demo: pages are shown as text, with what counts on them" {
    walked
    [[ $(step_of 'The start page') == *'> - Citizen service number'*'> - Name'*'(tel:+31241234567)'*'> [ Log in with DigiD ]'* ]]
    [[ $(step_of 'Logged in, and asked') == *'> Citizen service number: 999990019'*'> Name: T. Estpersoon'* ]]
    yes=$(step_of 'A yes: number and code')
    [[ $yes =~ tel:\+31241234567,([0-9]{10})\).*'Key in this code: '([0-9 ]+) ]]
    [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]// /}" ]
    [[ $(step_of 'Loaded again') == *"${BASH_REMATCH[1]}"* ]]
    [[ $(step_of 'A new code') != *"${BASH_REMATCH[1]}"* ]]
    [[ $(step_of 'A wrong code') == *"\"code\": \"${BASH_REMATCH[1]}\""*'"result": "wrong"'* ]]
    [[ $(step_of "The agent's page, with a wrong password") == *'> 401 https://'* ]]
    [[ $(step_of "The agent's page") == *'number: hidden'*'Name: T. Estpersoon'* ]]
    [[ $(step_of 'The hidden value') == *'number: 999990019'* ]]
    [[ $(step_of 'The agent is done') != *Estpersoon* ]]
    # HTML and characters written out in it nowhere, and no line without end.
    run -1 grep -nE '<[a-z/]|&[a-z#0-9]+;' <(grep -E '^    > ' "$walk/out")
    run -1 grep -nE '.{400}' "$walk/out"
}

@test "demo: a telephone keys the code of the page in, and the call reaches the agent with its id" {
    walked
    calls=$(step_of 'The resident calls')
    [[ $calls == *': plays welcome'*'> Welcome to your municipality.'*': plays accepted'*'> Thank you. Your code is right.'* ]]
    [[ $(step_of 'A new code') =~ 'Key in this code: '([0-9 ]+) ]]
    [[ $calls == *"keys in ${BASH_REMATCH[1]// /}, and #"* ]]
    [[ $calls =~ 'call '(sip-[0-9a-f]{32})': transferred' ]]
    [[ $(step_of "The agent's telephone rings") == *"> sip:agent@127.0.0.1:"*";idb-call-id=${BASH_REMATCH[1]}"* ]]
    [[ $(step_of "The agent's page") == *"call_id=${BASH_REMATCH[1]}"*'Name: T. Estpersoon'* ]]
    # The line says no digit of it.
    run -1 grep -E 'sip-line: .*[^0-9a-f][0-9]{10}' <(grep -v ':[0-9]\+;' <<<"$calls")
}

@test "demo: before a yes the store does not change, and afterwards nothing personal is anywhere" {
    walked
    [ "$(grep -c '\$ sha256sum -c before$' <<<"$output")" = 3 ]
    [ "$(grep -cE '^    > store/idb\.db: OK$' <<<"$output")" = 3 ]
    run -0 grep -E ' [0-9]+ of [0-9]+ found$' "$walk/out"
    [ "${#lines[@]}" = 14 ]
    for i in "${!lines[@]}"; do
        if [ "$i" = 5 ]; then
            [[ ${lines[i]} =~ sealed.*\ ([0-9]+)\ of\ ([0-9]+)\ found ]]
            [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ] && [ "${BASH_REMATCH[1]}" -gt 10 ]
        else
            [[ ${lines[i]} == *' 0 of '[1-9]* ]]
        fi
    done
    [[ ${lines[12]} =~ cookie.*' of '([0-9]+) ]]
    [ "${BASH_REMATCH[1]}" -ge 8 ]
    grep -qE '^    agent:alice +reveal +[A-Za-z0-9_-]{22} ok \{"attributes":\["bsn"\]\}$' "$walk/out"
}

@test "demo: the whole flow leaves nothing" {
    walked
    walked_without_trace
}

# CGI imposes query, cookie and authorization; lighttpd adds the query in REQUEST_URI.
@test "demo: what is personal stands in no argument, nor else in an environment" {
    walked
    grep -q 'idb-oidc-callback' "$walk/trace"
    { printf '%s\n' 999990019 Estpersoon 612345678
        grep -oP '"code": "\K[0-9]+' "$walk/out"
        grep -oP 'Key in this code: \K[0-9 ]+' "$walk/out"
        grep -oP 'the resident keys in \K[0-9]+' "$walk/out"
    } | sort -u >"$BATS_TEST_TMPDIR/personal"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/personal")" -ge 8 ]
    run -1 grep -Ff "$BATS_TEST_TMPDIR/personal" "$walk/trace"
    run -1 grep -E '[^-]offer=|user=anna' "$walk/trace"
    sed -E 's/"(HTTP_COOKIE|QUERY_STRING|REQUEST_URI|HTTP_AUTHORIZATION)=[^"]*"//g' "$walk/trace" \
        >"$BATS_TEST_TMPDIR/rest"
    [ "$(grep -c HTTP_COOKIE= "$walk/trace")" -gt 5 ]
    run -1 grep -E '__Host-[A-Za-z0-9-]+=|Basic [A-Za-z0-9]|[?&]code=|alice:[0-9a-f]{20}' "$BATS_TEST_TMPDIR/rest"
}

@test "demo: the whole flow as an ordinary user, who can write nothing of the tree" {
    copy_tree
    local as=()
    [ "$(id -u)" != 0 ] || as=(runuser -u nobody --)
    if "${as[@]}" test -x "$IDB_ROOT/build/provider/node_modules/.bin/node"; then
        ln -s "$IDB_ROOT/build/provider" "$tree/build/provider"
    else
        cp -a "$IDB_ROOT/build/provider" "$tree/build"
        chmod -R a+rX "$tree/build/provider"
    fi
    mkdir -m 1777 "$tree/tmp"
    run --separate-stderr -0 env TMPDIR="$tree/tmp" "${as[@]}" "$tree/scripts/demo"
    [ -z "$stderr" ]
    [[ $output == *'steps went as they should.'* ]]
    nothing_left "$tree/tmp"
}

@test "demo: the whole flow stops with a message when an answer is not what it should be" {
    copy_tree
    ln -s "$IDB_ROOT/build/provider" "$tree/build/provider"
    rm "$tree/build/idb-issue"
    printf '#!/bin/sh\necho "{\\"error\\":\\"no_code\\",\\"message\\":\\"x\\"}"\n' >"$tree/build/idb-issue"
    chmod +x "$tree/build/idb-issue"
    run --separate-stderr -1 "$tree/scripts/demo"
    [[ $stderr == *'demo: stopped at step 8: HTTP 200 was expected, not 503' ]]
    [[ $output != *'A yes: number and code'* ]]
    nothing_left
}

@test "demo: ports that are taken are passed by, and refused where they were asked for" {
    local port=$((20000 + RANDOM % 12000)) pid
    socat "TCP-LISTEN:$((port + 2)),bind=127.0.0.1,fork" /dev/null 3>&- &
    pid=$!
    until (: <"/dev/tcp/127.0.0.1/$((port + 2))") 2>/dev/null; do sleep 0.02; done
    run --separate-stderr -69 "$demo" --port="$port"
    kill "$pid"
    [ "$stderr" = "demo: ports $port to $((port + 11)) are not all free" ]
    nothing_left
}

# background LINE [OPTION…]: the demo as a terminal runs it, until it has printed
# LINE; its process, and group, is $pid.
background() {
    local line=$1 try
    shift
    setsid env --default-signal=INT "$demo" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    for ((try = 0; try < 1000; try++)); do
        grep -qe "$line" "$BATS_TEST_TMPDIR/out" && return
        kill -0 "$pid"
        sleep 0.02
    done
    return 1
}

# ended STATUS: it ends so, without a word, and leaves nothing.
ended() {
    local status=0
    wait "$pid" || status=$?
    [ "$status" = "$1" ]
    # Of a command that the signal ended as well the shell may say so.
    run grep -vE ': line [0-9]+: +[0-9]+ (Hangup|Terminated|Interrupt) ' "$BATS_TEST_TMPDIR/err"
    [ "$status" = 1 ] || { echo "$output"; return 1; }
    nothing_left
}

@test "demo: Ctrl-C, TERM or HUP end the whole flow wherever it is, and leave nothing" {
    background '/scripts/provider start'
    # The provider is there, and does not answer yet.
    until cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -q "provider\.mjs $TMPDIR/"; do
        kill -0 "$pid"
    done
    kill -INT -- "-$pid"
    ended 130
    background '/scripts/site start site desk'
    kill -INT -- "-$pid"
    ended 130
    background 'Loaded again'
    kill -TERM "$pid"
    ended 143
    background 'the resident keys in'
    kill -INT -- "-$pid"
    ended 130
    background 'On to the login provider'
    kill -HUP -- "-$pid"
    ended 129
    run -1 grep -q 'steps went' "$BATS_TEST_TMPDIR/out"
}

@test "demo: the whole flow ends when nobody reads it any more, and leaves nothing" {
    for count in 1 60; do
        run --separate-stderr -0 bash -c '"$1" | head -n "$2"' - "$demo" "$count"
        [ -z "$stderr" ]
        nothing_left
    done
}

# ---- the site to try ----

# printed NAME: the address behind that word.
printed() { sed -nE "s/^    $1 +(at )?([^ ,]+).*/\2/p" "$BATS_TEST_TMPDIR/out"; }

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
        grep -oP 'tel:\+31241234567,\K\d+')
    # The lines to paste, with the code in its place.
    sed -n '/^    cd /,/\/end$/s/^    //p' "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/paste"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/paste")" = 3 ]
    sed -i "s/CODE/$code/" "$BATS_TEST_TMPDIR/paste"
    run --separate-stderr -0 bash -euo pipefail -c "$(head -n 2 "$BATS_TEST_TMPDIR/paste")"
    [ "$(jq -r .result <<<"$output")" = accepted ]
    run --separate-stderr -1 bash -euo pipefail -c "$(sed -n '/export IDB_CONFIG/,$s/^    //p' "$BATS_TEST_TMPDIR/out" | sed "s/CODE/$code/; s/c-1/c-2/")"
    [ "$(jq -r .result <<<"$output")" = used ]
    password=$(sed -n 's/.*name alice, password //p' "$BATS_TEST_TMPDIR/out")
    page=$("${browser[@]}" -u "alice:$password" "$(printed Desk)?call_id=c-1")
    [[ $page == *'T. Estpersoon'* ]]
    [[ $("${browser[@]}" -u "alice:$password" "$(printed Tickets)") == *'Find a ticket'* ]]
    run --separate-stderr -0 bash -euo pipefail -c "$(sed 2d "$BATS_TEST_TMPDIR/paste")"
    [ "$(jq -r .result <<<"$output")" = wrap_up ]
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

@test "demo --serve: at the ports that were asked for; a closed terminal ends it" {
    local port=$((20000 + RANDOM % 12000))
    background 'idb-verify$' --serve --port="$port"
    [[ $(printed 'Start page') == "https://localhost:$port/"* ]]
    [ "$(printed Desk)" = "https://127.0.0.1:$((port + 1))/desk" ]
    kill -HUP -- "-$pid"
    ended 129
}

# ---- scripts/site ----

@test "site: a port that is taken, and a server that does not start, are exit 69" {
    local port=$((20000 + RANDOM % 12000))
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
