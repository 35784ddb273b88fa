#!/usr/bin/env bats
# tests/op/race.bats, again and again.

setup() {
    load ../lib
    load ../op/lib
    load ../op/race
    cd "$BATS_TEST_TMPDIR" || return
    instance
}

@test "race: 20 times 200 programs with one code: one is accepted each time" {
    local round
    for round in {1..20}; do
        race 200 || { echo "round $round"; return 1; }
    done
}
