#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: bugs.bats and the unit tests do it each time.
# Userinfo, the level of assurance, and the BSN.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up userinfo; }
teardown_file() { rp_down; }
setup() { rp_case; }

# answer_refused WORD EXIT CASE…: each is refused for what userinfo, asked once, says.
answer_refused() {
    local word=$1 exit=$2 name
    shift 2
    for name; do
        refused "$name" "$word" "$exit" 1
    done
}

@test "rp: scope-userinfo-claims: attributes come from userinfo" {
    accepted scope-userinfo-claims
    [ "$(asked scope-userinfo-claims userinfo)" = 1 ]
    [ "$(json '.attributes | map(.value) | join(",")')" = '999990019,T. Estpersoon' ]
    request_of scope-userinfo-claims userinfo | jq -e '.method == "GET" and .body == ""
        and (.headers.authorization | test("^Bearer [A-Za-z0-9_-]+$"))'
}
@test "rp: userinfo-invalid-sub: userinfo about another sub" { answer_refused provider_answer 69 userinfo-invalid-sub; }
@test "rp: userinfo: sub missing, or not byte for byte" {
    answer_refused provider_answer 69 sub-absent sub-case sub-blank sub-zero sub-number
}
@test "rp: userinfo: signed, as configured; encrypted too" {
    accepted signed-ok
    accepted both-ok
}
@test "rp: userinfo: signed expected and plain received" {
    answer_refused provider_answer 69 signed-plain signed-json-type
}
@test "rp: userinfo: plain expected and signed received" { answer_refused provider_answer 69 plain-signed; }
@test "rp: userinfo: not signed, with another algorithm, or by another key" {
    answer_refused bad_token_signature 69 signed-none signed-other-alg signed-wrong-key signed-hs256
}
@test "rp: userinfo: signed with another iss, or none" { answer_refused provider_answer 69 signed-other-iss signed-no-iss; }
@test "rp: userinfo: signed for another aud, more of them, or none" {
    answer_refused provider_answer 69 signed-other-aud signed-more-aud signed-no-aud
}
@test "rp: userinfo: signed about another sub" { answer_refused provider_answer 69 signed-other-sub; }
@test "rp: userinfo: encrypted expected and plain received, or to another key" {
    answer_refused bad_token_encryption 69 both-not-encrypted both-other-key
}
@test "rp: userinfo: another status, no JSON, over 64 KiB, elsewhere" {
    answer_refused provider_answer 69 answer-401 answer-html answer-cut answer-twice answer-large answer-elsewhere
}

# too_low CASE…: refused before anybody is asked about.
too_low() {
    local name
    for name; do
        refused "$name" level_too_low 1
    done
}

@test "rp: level: missing" { too_low acr-absent; }
@test "rp: level: unknown" { too_low acr-unknown acr-level acr-list; }
@test "rp: level: below the purpose's minimum" {
    too_low acr-low
    accepted acr-high
    [ "$(json .auth.level)" = high ]
}
@test "rp: level: with a line end, or in capitals; with a NUL it is no JSON of ours" {
    too_low acr-line acr-case
    refused acr-zero bad_token_signature 69
}

@test "rp: BSN: nine digits that pass the elfproef" {
    answer_refused bad_claim 69 bsn-elfproef bsn-eight bsn-ten bsn-zeros bsn-letters bsn-line bsn-blank bsn-list
}
@test "rp: BSN: the prefix s00000000: is a broker's, no other is" {
    accepted bsn-prefix
    [ "$(json '.attributes[0].value')" = 999990020 ]
    answer_refused bad_claim 69 bsn-other-prefix bsn-prefix-twice bsn-prefix-case bsn-prefix-and-wrong
}
@test "rp: BSN: missing" { answer_refused attribute_missing 1 bsn-absent; }
