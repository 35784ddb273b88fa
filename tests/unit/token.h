/*
 * Tokens as a provider makes them, good and bad ones: any header and payload
 * text, signed by a private JWK with the header's own alg.
 *
 *     char *token = token_sign("{\"alg\":\"ES256\"}", "{\"sub\":\"anna\"}", key);
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "compact.h"

#include <jose/jwk.h>
#include <jose/jws.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

/* A new private key of that template, {"alg":"ES256"}, with kid unless NULL. */
static inline json_t *token_key(const char *template, const char *kid)
{
    json_t *jwk = json_loads(template, 0, NULL);

    assert_true(jose_jwk_gen(NULL, jwk));
    json_object_del(jwk, "key_ops");
    json_object_del(jwk, "alg");
    if (kid)
        json_object_set_new(jwk, "kid", json_string(kid));
    return jwk;
}

/* Its public half. */
static inline json_t *token_public(const json_t *jwk)
{
    static const char *const private[] = { "d", "p", "q", "dp", "dq", "qi" };
    json_t *copy = json_deep_copy(jwk);

    for (size_t i = 0; i < sizeof private / sizeof private[0]; i++)
        json_object_del(copy, private[i]);
    return copy;
}

static inline char *token_sign(const char *header, const char *payload, const json_t *jwk)
{
    static const char *const names[] = { "protected", "payload", "signature" };
    json_t *jws = json_pack("{s:o}", "payload", idb_compact_encode(payload, strlen(payload)));
    json_t *sig = json_pack("{s:o}", "protected", idb_compact_encode(header, strlen(header)));
    char *token;

    assert_true(jose_jws_sig(NULL, jws, sig, jwk));
    token = idb_compact_join(jws, names, IDB_JWS_SEGMENTS);
    json_decref(jws);
    json_decref(sig);
    assert_non_null(token);
    return token;
}

/* The three parts as they are, the signature's text too. */
static inline char *token_join(const char *header, const char *payload, const char *signature)
{
    static const char *const names[] = { "protected", "payload", "signature" };
    json_t *flat =
        json_pack("{s:o, s:o, s:s}", "protected", idb_compact_encode(header, strlen(header)),
                  "payload", idb_compact_encode(payload, strlen(payload)), "signature", signature);
    char *token = idb_compact_join(flat, names, IDB_JWS_SEGMENTS);

    json_decref(flat);
    assert_non_null(token);
    return token;
}

#endif
