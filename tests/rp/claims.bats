#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: bugs.bats and the unit tests do it each time.
# The claims of an ID token that is rightly signed. Times keep ten seconds from the
# limits, for a machine that is slow.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up claims; }
teardown_file() { rp_down; }
setup() { rp_case; }

# wrong CHECK CASE…: each is refused, and the message names that check.
wrong() {
    local check=$1 name
    shift
    for name; do
        refused "$name" bad_id_token 69
        [[ $refusal == *"($check)"* ]] || { printf '%s: %s\n' "$name" "$refusal"; return 1; }
    done
}

@test "rp: invalid-iss: another issuer, or not exactly ours" { wrong iss invalid-iss iss-slash iss-case iss-absent iss-list; }
@test "rp: invalid-aud: aud lacks the client id" { wrong aud invalid-aud aud-case aud-part aud-empty-list; }
@test "rp: missing-aud: no aud" { wrong aud missing-aud; }
@test "rp: aud with an extra audience" {
    wrong aud aud-extra aud-extra-azp
    accepted aud-list
}
@test "rp: azp other than the client id" {
    wrong azp azp-other azp-list
    accepted azp-ours
}
@test "rp: exp past, beyond the 60 s by which clocks may differ" {
    wrong exp exp-61s-past
    accepted exp-50s-past
}
@test "rp: exp missing, as text, negative or no number; a real is fine" {
    wrong exp exp-absent exp-text exp-negative exp-true
    accepted exp-real
}
@test "rp: missing-iat: no iat, or as text; a real is fine" {
    wrong iat missing-iat iat-text
    accepted iat-real
}
@test "rp: iat in the future" {
    wrong iat iat-70s-ahead
    accepted iat-50s-ahead
}
@test "rp: iat too old" {
    wrong iat iat-old
    accepted iat-older
}
@test "rp: nbf in the future, or as text" {
    wrong nbf nbf-70s-ahead nbf-text
    accepted nbf-50s-ahead
}
@test "rp: auth_time missing, or in the future; a login of before this visit" {
    wrong auth_time auth-time-absent auth-time-ahead
    refused auth-time-old login_too_old 1
}
@test "rp: nonce-invalid: another nonce, or no text" { wrong nonce nonce-invalid nonce-number nonce-list; }
@test "rp: nonce of the login before, used again" {
    honestly nonce-of-the-login-before
    flow nonce-of-the-login-before
    offered
    rm "$RP/nonce-of-the-login-before.log"
    wrong nonce nonce-of-the-login-before
}
@test "rp: missing-sub: no sub, or an empty, long or numeric one" { wrong sub missing-sub sub-empty sub-number sub-long; }
@test "rp: at_hash wrong; where there is none, that is fine" {
    wrong at_hash at-hash-wrong at-hash-case
    accepted at-hash-absent
}
