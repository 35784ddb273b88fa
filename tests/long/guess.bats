#!/usr/bin/env bats
# tests/op/guess.bats with numbers in which chance shows.

setup() {
    load ../lib
    load ../op/lib
    load ../op/guess
    cd "$BATS_TEST_TMPDIR" || return
}

@test "guessing: 100,000 tries against 200 codes of 8 digits hit as often as chance" {
    guess 200 100000 8
}

@test "guessing: 100,000 tries against 3,000 codes of 8 digits hit as often as chance" {
    guess 3000 100000 8
}
