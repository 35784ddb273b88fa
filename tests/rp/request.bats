#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: bugs.bats and the unit tests do it each time.
# What idb-oidc-start asks of a provider, and which providers it sends nobody to.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up request; }
teardown_file() { rp_down; }
setup() { rp_case; }

# asks NAME: that parameter of the newest request, decoded.
asks() { parameter "$1" "$location"; }

# bits TEXT: how many bits its characters can hold, of 64 kinds each.
bits() { echo $((6 * ${#1})); }

@test "rp: request: response_type, response_mode, prompt, max_age, scope without profile" {
    begin honest
    [ "$(asks response_type) $(asks response_mode) $(asks prompt)" = 'code query login' ]
    [[ $(asks max_age) =~ ^[0-9]+$ ]]
    [[ " $(asks scope) " == *' openid '* && $(asks scope) != *profile* ]]
    [ "$(asks client_id)" = id-bellen:honest ]
    # Each once.
    [ -z "$(tr '?&' '\n' <<<"$location" | sed -n 's/=.*//p' | sort | uniq -d)" ]
    at_op
    back honest
    offered
}

@test "rp: request: a redirect URI per method" {
    begin honest
    [ "$(asks redirect_uri)" = https://www.example.org/callback/honest ]
    begin second
    [ "$(asks redirect_uri)" = https://www.example.org/callback/second ]
}

@test "rp: request: state and nonce of 128 bits at least" {
    begin honest
    for name in state nonce; do
        [[ $(asks $name) =~ ^[A-Za-z0-9_-]+$ ]]
        [ "$(bits "$(asks $name)")" -ge 128 ]
    done
    [ "$(asks state)" != "$(asks nonce)" ]
}

@test "rp: request: PKCE with S256, the verifier of 43 to 128 unreserved characters" {
    flow honest
    offered
    [ "$(asks code_challenge_method)" = S256 ]
    verifier=$(parameter code_verifier "?$(request_of honest token | jq -r .body)")
    [[ $verifier =~ ^[A-Za-z0-9._~-]{43,128}$ ]]
    [ "$(printf %s "$verifier" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =)" = "$(asks code_challenge)" ]
    # The browser never had it.
    [[ $location$at != *"$verifier"* && $cookies != *"$verifier"* ]]
}

@test "rp: request: claims are just the purpose's attributes" {
    begin honest status
    [ "$(asks claims | jq -c '.userinfo | keys')" = '["bsn","name"]' ]
    begin honest appointment
    [ "$(asks claims | jq -c '.userinfo | keys')" = '["name"]' ]
    [ "$(asks claims | jq -c '.id_token | keys')" = '["acr"]' ]
}

@test "rp: request: two runs differ in state, nonce, challenge and verifier" {
    flow honest
    one="$(asks state) $(asks nonce) $(asks code_challenge)"
    one+=" $(parameter code_verifier "?$(request_of honest token | jq -r .body)")"
    flow honest
    two="$(asks state) $(asks nonce) $(asks code_challenge)"
    two+=" $(parameter code_verifier "?$(request_of honest token | jq -r .body)")"
    [ "$(printf '%s\n' $one $two | sort -u | wc -l)" = 8 ]
}

@test "rp: request: pushed where the metadata offer it; the browser carries only client_id and request_uri" {
    flow pushed
    offered
    [ "$(asked pushed par)" = 1 ]
    [ "$(tr '?&' '\n' <<<"$location" | sed -n 's/=.*//p' | sort | paste -sd ' ')" = 'client_id request_uri' ]
    form=$(request_of pushed par | jq -r .body)
    [ "$(parameter code_challenge_method "?$form") $(parameter response_type "?$form")" = 'S256 code' ]
    [[ $location != *"$(parameter state "?$form")"* && $location != *"$(parameter nonce "?$form")"* ]]
}

# nobody_sent CASE WORD [EXIT]: idb-oidc-start refuses: no address, no cookie. And so does
# idb-oidc-callback when the provider begins with it only then. Without it a login works.
nobody_sent() {
    local name=$1
    lying "$name"
    begin "$name"
    [ -z "$location$cookies" ]
    [ "$(members)" = 'error lang message purpose' ]
    is_refusal "$name" "$2" "${3-69}" redirect
    [ "$(grep -c '"at":"elsewhere' "$RP/$name.log")" = 0 ]
    honestly "$name"
    flow "$name"
    offered
}
late() {
    local tokens
    honestly "$1"
    begin "$1"
    at_op
    tokens=$(asked "$1" token)
    lying "$1"
    back "$1"
    is_refusal "$1" "$2" 69
    [ "$(asked "$1" token)" = "$tokens" ]
    [ "$(grep -c '"at":"elsewhere' "$RP/$1.log")" = 0 ]
}
discovery() {
    local name
    for name; do
        nobody_sent "$name" provider_answer
        late "$name" provider_answer
    done
}

@test "rp: request: a pushed request that is not answered with 201 sends nobody" { nobody_sent pushed-ok provider_refused; }
@test "rp: request: an error to a pushed request sends nobody" { nobody_sent pushed-refused provider_refused; }
@test "rp: request: a pushed request without request_uri, or sent elsewhere" {
    nobody_sent pushed-nothing provider_answer
    nobody_sent pushed-elsewhere provider_refused
}

@test "rp: discovery-issuer-mismatch: the metadata are another issuer's" { discovery discovery-issuer-mismatch; }
@test "rp: discovery: an issuer with a slash more, in capitals, or none" { discovery issuer-slash issuer-case issuer-absent; }
@test "rp: discovery: an endpoint on http beyond this machine" {
    discovery endpoint-http-authorization endpoint-http-token endpoint-http-jwks endpoint-http-userinfo
}
@test "rp: discovery: an endpoint is missing" {
    discovery endpoint-absent-authorization endpoint-absent-token endpoint-absent-jwks
}
@test "rp: discovery: metadata that are no JSON, hold a member twice, or are over 64 KiB" {
    discovery metadata-html metadata-not-json metadata-twice metadata-large
}
@test "rp: discovery: metadata that are elsewhere" { discovery metadata-elsewhere; }
