#!/usr/bin/env bats
# The plain build only: connections that stay, as inetd or a telephone exchange
# makes them; one program each.

setup() {
    load ../lib
    load ../op/lib
    cd "$BATS_TEST_TMPDIR" || return
    instance
}

teardown() {
    { exec 7>&-; } 2>/dev/null
    [ -z "${LISTENER-}" ] || kill "$LISTENER" 2>/dev/null || true
    wait || true
}

@test "connections: 50 that are kept are all answered, hold up nobody, and let erased bytes go" {
    local code began took client ended=0
    socat "UNIX-LISTEN:$PWD/door,fork,backlog=64" EXEC:idb-verify 2>socat.complaints 3>&- &
    LISTENER=$!
    issue 90 | jq -r .code >codes
    for _ in {1..100}; do
        [ ! -S door ] || break
        sleep 0.05
    done
    mkfifo again
    head -n 50 codes >kept.codes
    "$IDB_ROOT/tests/tools/connections" door kept.codes <again >told 3>&- &
    client=$!
    exec 7>again
    for _ in {1..1200}; do
        ! grep -q kept told || break
        sleep 0.05
    done
    [ "$(cat told)" = kept ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'called'")" = 50 ]
    # Meanwhile others come and go.
    began=${EPOCHREALTIME/./}
    while read -r code; do
        run --separate-stderr -0 timeout 60 idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"d-$code\"}"
        [ "$(json result)" = accepted ]
    done < <(tail -n 40 codes)
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "# 40 programs beside 50 kept ones: $took ms" >&3
    # What ends is erased to the last byte, though 50 have the store open.
    sql "SELECT sealed FROM session WHERE call_id = 'kept-7'" | cut -d. -f4 | fold -w 40 |
        grep -E '.{40}' >pieces
    LC_ALL=C grep -qaFf pieces "$IDB_STORE" "$IDB_STORE-wal"
    run --separate-stderr -0 idb-end <<<'{"call_id":"kept-7"}'
    run --separate-stderr -0 idb-purge
    [ "$(json pending_erasure)" = false ]
    run -1 env LC_ALL=C grep -qaFf pieces "$IDB_STORE" "$IDB_STORE-wal"
    [ "$(stat -c %s "$IDB_STORE-wal")" = 0 ]
    # The same question, the same answer: but for the call that has ended.
    echo >&7
    exec 7>&-
    wait "$client" || ended=$?
    [ "$ended" = 1 ]
    [ "$(cat told)" = "kept
connection 7: {\"result\":\"call_ended\",\"attempts_left\":3}" ]
    is_sound
}
