#!/usr/bin/env bats
# With --long alone: the quick ones of its kind are run each time.
# On PostgreSQL with --long
# Sanitized with --long: the programs' own files are it each time.
# Guessing codes; tests/long/guess.bats guesses more.

setup() {
    load ../lib
    load lib
    load guess
    cd "$BATS_TEST_TMPDIR" || return
}

@test "guessing: 6,000 tries against 200 codes of 8 digits hit no more than chance, and no more than three a call" {
    guess 200 6000 8
}

@test "guessing: 2,400 tries against 200 codes of 10 digits hit hardly ever" {
    guess 200 2400 10
}

@test "guessing: a new code, a restart or another number does not give a call more tries" {
    local issued code left
    instance
    issued=$(issue 1)
    code=$(code_of "$issued")
    for left in 2 1 0; do
        run --separate-stderr -1 verify "$(wrong_code "$code")" c-1 "+3160000000$left"
        [ "$(json attempts_left)" = "$left" ]
    done
    run --separate-stderr -1 verify "$code" c-1
    [ "$(json result)" = throttled ]
    run --separate-stderr -0 idb-renew < <(jq -nc --arg c "$(cookies_of "$issued")" '{cookies: $c}')
    code=$(json code)
    quietly idb-keys rotate code
    run --separate-stderr -1 verify "$code" c-1 +31600000009
    [ "$(json result)" = throttled ]
    run --separate-stderr -1 at_offset +9m verify "$code" c-1
    [ "$(json result)" = throttled ]
    run --separate-stderr -0 at_offset +9m verify "$code" c-2
    [ "$(json result)" = accepted ]
}

@test "guessing: after the window the page is no longer asked for" {
    local i
    instance '.throttle = { total: 5, window: 60 }'
    issue 2 | jq -r .code >codes
    for i in {1..5}; do
        verify "$(wrong_code "$(head -n 1 codes)")" "g-$i" >answer || true
    done
    run --separate-stderr -0 verify "$(head -n 1 codes)" c-1
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result)" = unconfirmed ]
    run --separate-stderr -0 at_offset +2m verify "$(tail -n 1 codes)" c-2
    run --separate-stderr -0 at_offset +2m lookup_as alice '{"call_id":"c-2"}'
    [ "$(json result)" = open ]
}
