#!/usr/bin/env bats
# Sanitized with --long: the programs' own files are it each time.
# Programs killed at a random moment; tests/long/kill.bats does more of it.

setup() {
    load ../lib
    load lib
    # Codes keyed in once more count as wrong ones.
    instance '.throttle = { total: 1000000, per_caller: 1000 }'
}

teardown() {
    stopped_end 9
}

@test "kill: 100 streams killed at a random moment: what was answered stands, nothing is half done" {
    run --separate-stderr "$IDB_ROOT/tests/tools/kill-rounds" 100 "${SEED:-$RANDOM}"
    printf '%s\n' "$output" "$stderr" | head -n 30
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    printf '%s\n' "$output" >&3
    is_sound
}

@test "kill: a writer killed while it holds the queue holds up nobody" {
    local code request
    code=$(issue 1 | jq -r .code)
    request="{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    # Stopped while its commit goes to the disk, then killed.
    stopped_at fsync,fdatasync idb-verify <<<"$request" >"$BATS_TEST_TMPDIR/answer"
    run --separate-stderr -75 timeout 30 env IDB_CONFIG="$(impatient)" idb-end <<<'{"call_id":"c-2"}'
    is_error busy
    stopped_end 9
    [ ! -s "$BATS_TEST_TMPDIR/answer" ]
    run --separate-stderr -0 timeout 30 idb-verify <<<"$request"
    [ "$(json result)" = accepted ]
    is_sound
}
