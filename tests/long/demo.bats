#!/usr/bin/env bats
# The plain build only: scripts/demo by other users, from other places, cut off at any
# moment and at ports that are taken.

load ../lib
load ../demo
load ../tools/inetd

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
    local port pid
    port=$(free_ports 12)
    socat "TCP-LISTEN:$((port + 2)),bind=127.0.0.1,fork" /dev/null 3>&- &
    pid=$!
    until (: <"/dev/tcp/127.0.0.1/$((port + 2))") 2>/dev/null; do sleep 0.02; done
    run --separate-stderr -69 "$demo" --port="$port"
    kill "$pid"
    [ "$stderr" = "demo: ports $port to $((port + 11)) are not all free" ]
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

@test "demo --serve: at the ports that were asked for; a closed terminal ends it" {
    local port
    port=$(free_ports 12)
    background 'idb-verify$' --serve --port="$port"
    [[ $(printed 'Start page') == "https://localhost:$port/"* ]]
    [ "$(printed Desk)" = "https://127.0.0.1:$((port + 1))/desk" ]
    kill -HUP -- "-$pid"
    ended 129
}
