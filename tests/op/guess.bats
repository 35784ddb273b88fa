#!/usr/bin/env bats
# Guessing codes.

setup() {
    load ../lib
    load lib
    load guess
}

@test "guess: of 5,000 codes of ten digits no more hit than chance allows; three a call, the honest get through" {
    guess 5000 10
}

@test "guess: of 5,000 codes of eight digits no more hit than chance allows; three a call, the honest get through" {
    guess 5000 8
}
