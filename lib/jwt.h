/*
 * Tokens that others signed: ID tokens (OpenID Connect Core 1.0 section 2) and
 * signed userinfo. One algorithm comes from the configuration, never from the
 * token; the header is decoded here and held against it before libjose is
 * called, with exactly one key.
 */
#ifndef IDB_JWT_H
#define IDB_JWT_H

#include "error.h"

/* Verifies token, a compact JWS (RFC 7515 section 3.1), by the key of jwks (RFC
 * 7517 section 5) that its kid names, or the only one where it names none, with alg (RS256 …
 * ES512). *payload is a new reference, parsed with duplicates rejected. Any failure is
 * IDB_UNAVAILABLE "bad_token_signature"; *unknown_key says that the header is in order and no key
 * of the set verifies the token, so that the set may be fetched anew (a new key may have an old
 * one's kid). Refused:
 * another alg, a typ other than JWT, crit, zip, b64, jwk, jku, x5u, x5c, padding, several keys
 * without a kid, RSA under 2048 bits. */
bool idb_jwt_verify(json_t **payload, const char *token, const char *alg, const json_t *jwks,
                    bool *unknown_key, struct idb_error *err);

/* True when aud is that client, or a list of exactly that (RFC 7519 section 4.1.3). */
bool idb_jwt_is_for(const json_t *claims, const char *client_id);

/* Signs claims with a private JWK (EC or RSA) and alg, with its kid if it has
 * one: a client assertion (RFC 7523 section 2.2). *token is freed with free(). */
bool idb_jwt_sign(char **token, const json_t *claims, const char *alg, const json_t *jwk,
                  struct idb_error *err);

#endif
