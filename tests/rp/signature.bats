#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: bugs.bats and the unit tests do it each time.
# The ID token: who signed it, with what, and what its header may say; and its
# encryption. The names of the OpenID Foundation's conformance tests where there is one.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up signature; }
teardown_file() { rp_down; }
setup() { rp_case; }

# unsigned CASE…: each is refused as badly signed.
unsigned() {
    local name
    for name; do
        refused "$name" bad_token_signature 69
    done
}

@test "rp: base, idtoken-sig-rs256: an honest login" {
    accepted base
    [ "$(asked base token) $(asked base jwks) $(asked base userinfo)" = '1 1 1' ]
    accepted idtoken-sig-rs256
}

@test "rp: ID tokens with PS256 and ES256, where configured" {
    accepted idtoken-sig-ps256
    accepted idtoken-sig-es256
}

@test "rp: invalid-sig-rs256: signed with another key" { unsigned invalid-sig-rs256; }
@test "rp: invalid-sig-es256: signed with another key" { unsigned invalid-sig-es256; }
@test "rp: invalid-sig-ps256: signed with another key" { unsigned invalid-sig-ps256; }
@test "rp: invalid-sig-hs256: signed with the public key, or our secret, as secret" {
    unsigned invalid-sig-hs256-public-key invalid-sig-hs256-secret hs256-said-rs256
}
@test "rp: idtoken-sig-none: not signed" {
    unsigned idtoken-sig-none none-in-capitals signature-empty signature-cut
}
@test "rp: alg other than configured, rightly signed by a key of the set" {
    unsigned alg-rs384 alg-rs512 alg-ps256 alg-es256 alg-absent alg-case
}
@test "rp: kid-absent-single-jwks: no kid, and one key" {
    accepted kid-absent-single-jwks
    honestly kid-absent-single-jwks
    flow kid-absent-single-jwks
    offered
}
@test "rp: kid-absent-multiple-jwks: no kid, and several keys that fit" { unsigned kid-absent-multiple-jwks; }
@test "rp: kid-absent-multiple-jwks: no kid, and several keys of which one fits" {
    unsigned kid-absent-one-fits kid-absent-one-for-encryption
}
@test "rp: kid unknown, no text, of another key, or of two keys" {
    unsigned kid-unknown kid-number kid-case kid-of-another-type kid-twice
}
@test "rp: signing-key-rotation: the keys are asked once, and the new one serves" {
    honestly signing-key-rotation
    flow signing-key-rotation
    offered
    rm "$RP/signing-key-rotation.log"
    accepted signing-key-rotation
    [ "$(asked signing-key-rotation jwks)" = 1 ]
}
@test "rp: a key that was taken away" { unsigned key-gone; }
@test "rp: a key that is short, or not for signatures of this kind" {
    unsigned key-weak key-for-encryption key-of-another-alg key-ops-sign
}
@test "rp: typ of another kind of token" {
    unsigned typ-access-token typ-logout typ-number
    accepted typ-absent
}
@test "rp: crit" { unsigned header-crit header-crit-empty header-b64; }
@test "rp: jwk in the header, the right key too" { unsigned header-jwk header-jwk-other; }
@test "rp: jku, x5u and x5c in the header; nobody goes there" {
    unsigned header-jku header-jku-other header-x5u header-x5c
}
@test "rp: duplicate keys in the header, or no object, or a large one" {
    unsigned header-twice header-twice-same header-array header-large
}
@test "rp: duplicate keys in the claims, or more than an object" {
    unsigned payload-twice payload-twice-same payload-more
    refused payload-array bad_id_token 69
}
@test "rp: padding, loose bits, and another number of parts" {
    unsigned padding-header padding-payload padding-signature signature-loose-bits segments-two segments-four
}
