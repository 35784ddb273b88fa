/*
 * Tokens that others encrypted to us: nested ID tokens and userinfo (OpenID Connect
 * Core 1.0 section 16.14, RFC 7516). Algorithms come from the configuration, never
 * from the token; the header is decoded here and held against them before a library
 * is called.
 */
#ifndef IDB_JWE_H
#define IDB_JWE_H

#include "error.h"

/* Decrypts token, a compact JWE (RFC 7516 section 3.1), with the private jwk. alg is
 * RSA-OAEP, RSA-OAEP-256 (RFC 7518 section 4.3) or ECDH-ES (section 4.6), enc A256GCM
 * or A128CBC-HS256. *text is without NUL bytes, freed with idb_text_free(). Any failure
 * is IDB_UNAVAILABLE "bad_token_encryption", whatever it was and as late for all: a
 * content key that cannot be unwrapped is replaced by a random one (section 11.5).
 * Refused: another alg or enc, zip, crit, keys and addresses in the header, a kid that
 * is not the key's, RSA under 2048 bits. */
bool idb_jwe_decrypt(char **text, const char *token, const char *alg, const char *enc,
                     const json_t *jwk, struct idb_error *err);

/* True for a private JWK that alg could use. */
bool idb_jwe_is_key(const json_t *jwk, const char *alg);

#endif
