#!/usr/bin/env bats
# tests/op/kill.bats, many times.

setup() {
    load ../lib
    load ../op/lib
    # Codes keyed in once more count as wrong ones.
    instance '.throttle = { total: 1000000, per_caller: 1000 }'
}

@test "kill: 1,000 streams killed at a random moment: what was answered stands, nothing is half done" {
    run --separate-stderr "$IDB_ROOT/tests/tools/kill-rounds" 1000 "${SEED:-$RANDOM}"
    printf '%s\n' "$output" "$stderr" | head -n 30
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    printf '%s\n' "$output" >&3
    is_sound
}
