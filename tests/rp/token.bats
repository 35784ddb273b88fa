#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: bugs.bats and the unit tests do it each time.
# The token request and its answer, how we say who we are, and the key set.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up token; }
teardown_file() { rp_down; }
setup() { rp_case; }

# taken_amiss WORD CASE…: each is refused with exit 69, after one token request.
taken_amiss() {
    local word=$1 name
    shift
    for name; do
        refused "$name" "$word" 69
        [ "$asked_tokens" = 1 ]
    done
}

# form NAME: that parameter of the newest token request of $name.
form() { parameter "$1" "?$(request_of "$name" token | jq -r .body)"; }

@test "rp: token: the same redirect URI, the code, the verifier, and nothing twice" {
    name=honest
    flow honest
    offered
    [ "$(form grant_type)" = authorization_code ]
    [ "$(form redirect_uri)" = "$(parameter redirect_uri "$location")" ]
    [ "$(form code)" = "$(parameter code "$at")" ]
    [[ $(form code_verifier) =~ ^[A-Za-z0-9._~-]{43,128}$ ]]
    request_of honest token | jq -e '.method == "POST" and .headers["content-type"] == "application/x-www-form-urlencoded"
        and (.body | split("&") | map(split("=")[0]) | sort) == ["code", "code_verifier", "grant_type", "redirect_uri"]'
}
@test "rp: client-secret-basic: id and secret form-encoded, and no other method beside it" {
    name=client-secret-basic
    flow $name
    offered
    [ -z "$(form client_secret)$(form client_assertion)" ]
    [ "$(request_of $name token | jq -r '.headers.authorization | ltrimstr("Basic ")' | base64 -d)" = \
        'id%20bellen%3A%2B%25%C3%A9%2F1:geheim%3A%2B%25%20%3D%26%2F%5C%22' ]
}
@test "rp: token: client_secret_post, and no other method beside it" {
    name=client-secret-post
    flow $name
    offered
    [ "$(form client_id) $(form client_secret)" = 'id bellen:+%é/1 geheim:+% =&/\"' ]
    request_of $name token | jq -e '.headers | has("authorization") | not'
}

# says_who CASE AUDIENCE: two logins by private_key_jwt; the provider checks the
# signature, and takes no jti twice.
says_who() {
    name=$1
    for _ in 1 2; do
        flow "$1"
        offered
    done
    [ -z "$(form client_secret)" ]
    request_of "$1" token | jq -e '.headers | has("authorization") | not'
    grep -F '{"at":"token",' "$RP/$1.log" | jq -se --arg id "id-bellen:$1" --arg aud "$2" '
        map(.assertion) | length == 2 and .[0].jti != .[1].jti
        and all(.iss == $id and .sub == $id and .aud == $aud and .exp > now and .exp <= now + 60
                and (.jti | length) >= 22)'
}
@test "rp: private_key_jwt: iss and sub are the client, exp within 60 s, a fresh jti, aud the token endpoint" {
    says_who assertion-token-endpoint "$RP_URL/assertion-token-endpoint/token"
}
@test "rp: private_key_jwt: aud the issuer, where configured" { says_who assertion-issuer "$RP_URL/assertion-issuer"; }

@test "rp: token: redirects are not followed" {
    for name in redirect-302 redirect-307 redirect-308; do
        taken_amiss provider_refused $name
        run -1 grep -F '"at":"elsewhere' "$RP/$name.log"
    done
}
@test "rp: token: not 200" {
    taken_amiss provider_refused status-201 status-206 status-400 status-401
    taken_amiss provider_down status-500
}
@test "rp: token: not JSON" {
    taken_amiss provider_refused not-json-type no-type not-json not-object not-utf8 member-twice
}
@test "rp: token: over 64 KiB, in chunks too, or in headers" {
    taken_amiss provider_refused over-64k over-64k-chunked over-64k-headers
}
# Eight seconds, by a provider that sends a byte now and then.
@test "rp: token: too slow" {
    SECONDS=0
    taken_amiss provider_down slow
    [ "$SECONDS" -ge 7 ]
    [ "$SECONDS" -le 14 ]
}
@test "rp: token: a code is sent once, whatever the answer" {
    begin status-500
    at_op
    back status-500
    is_refusal status-500 provider_down 69
    [ "$(asked status-500 token)" = 1 ]
    # The browser that asks again has no cookie any more.
    cookies='' back status-500
    is_refusal status-500 bad_state 65
    [ "$(asked status-500 token)" = 1 ]
}
@test "rp: token: token_type other than Bearer, in any case" {
    taken_amiss provider_refused token-type-dpop token-type-mac token-type-absent
    accepted token-type-case
}
@test "rp: token: id_token missing, or an access token" {
    taken_amiss provider_refused id-token-absent id-token-null access-token-absent access-token-line
}
@test "rp: key set: elsewhere, with another status, no JSON, over 64 KiB, or empty" {
    taken_amiss provider_answer jwks-redirect jwks-status jwks-not-json jwks-type jwks-object jwks-over-64k
    taken_amiss bad_token_signature jwks-empty
}
