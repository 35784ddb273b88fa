#!/usr/bin/env bats
# Guessing codes, for longer: see tests/op/guess.bats.

setup() {
    load ../lib
    load ../op/lib
    load ../op/guess
}

@test "guess: of 100,000 codes of ten digits no more hit than chance allows; three a call, the honest get through" {
    guess 100000 10
}

@test "guess: of 100,000 codes of eight digits no more hit than chance allows; three a call, the honest get through" {
    guess 100000 8
}
