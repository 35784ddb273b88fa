#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: the programs' own files are it each time.
# ID tokens that are encrypted to us: what is not, or not as configured, is refused with
# one and the same error.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up encryption; }
teardown_file() { rp_down; }
setup() { rp_case; }

# sealed_wrongly CASE…: each is refused, and with the very same words.
sealed_wrongly() {
    local name
    for name; do
        refused "$name" bad_token_encryption 69
        [[ $refusal == *"\"message\":\"The login provider's answer is not encrypted to us as it must be.\","* ]]
    done
}

@test "rp: encrypted ID tokens, RSA-OAEP with A256GCM, RSA-OAEP-256 with A128CBC-HS256" {
    accepted encrypted
    accepted encrypted-oaep-256
}
@test "rp: encrypted: a plain ID token where an encrypted one is expected" { sealed_wrongly jwe-plain; }
@test "rp: encrypted: to another key" { sealed_wrongly jwe-other-key jwe-kid; }
@test "rp: encrypted: with another alg than configured" { sealed_wrongly jwe-rsa1-5 jwe-rsa-oaep-256 jwe-dir; }
@test "rp: encrypted: with another enc than configured" { sealed_wrongly jwe-cbc; }
@test "rp: encrypted: compressed, critical, or of another content" { sealed_wrongly jwe-zip jwe-crit jwe-cty; }
@test "rp: encrypted: a tag that was altered, cut or left out" { sealed_wrongly jwe-tag jwe-tag-short jwe-tag-empty; }
@test "rp: encrypted: by whoever has our public key, and not signed" {
    refused jwe-unsigned bad_token_signature 69
    refused jwe-wrongly-signed bad_token_signature 69
}
@test "rp: encrypted: where a plain one is expected" { refused jwe-unexpected bad_token_signature 69; }
