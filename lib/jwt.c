#include "jwt.h"

#include "b64.h"
#include "compact.h"

#include <jose/jws.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RSA_MIN_BITS 2048
#define KEYS_LIMIT   64 /* keys of a set that are looked at */

/* What an algorithm asks of a key (RFC 7518 section 3.1). */
struct algorithm {
    const char *name;
    const char *kty;
    const char *crv;
};

static const struct algorithm algorithms[] = {
    { "RS256", "RSA", NULL },   { "RS384", "RSA", NULL },   { "RS512", "RSA", NULL },
    { "PS256", "RSA", NULL },   { "PS384", "RSA", NULL },   { "PS512", "RSA", NULL },
    { "ES256", "EC", "P-256" }, { "ES384", "EC", "P-384" }, { "ES512", "EC", "P-521" },
};

static const struct algorithm *find_algorithm(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (!strcmp(algorithms[i].name, name))
            return &algorithms[i];
    return NULL;
}

/* One error for whatever is wrong. */
static bool bad(struct idb_error *err)
{
    return idb_fail(err, IDB_UNAVAILABLE, "bad_token_signature",
                    "The login provider's answer is not signed as it must be.");
}

/* Nothing in a header may choose an algorithm, a key or a transformation. */
static bool check_header(const json_t *header, const char *alg)
{
    static const char *const refused[] = { "crit", "zip", "b64", "jwk", "jku",
                                           "x5u",  "x5c", "enc", "epk" };
    const json_t *typ = json_object_get(header, "typ");
    const json_t *kid = json_object_get(header, "kid");

    if (!json_is_object(header) || !idb_compact_is_text(header, "alg", alg))
        return false;
    if (typ && (!json_is_string(typ) || strcasecmp(json_string_value(typ), "JWT") != 0))
        return false;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_object_get(header, refused[i]))
            return false;
    return !kid || json_is_string(kid);
}

/* True for an RSA modulus of at least RSA_MIN_BITS. */
static bool is_long_enough(const json_t *jwk)
{
    unsigned char n[1024];
    const json_t *text = json_object_get(jwk, "n");
    size_t size = 0;
    size_t bits;

    if (!json_is_string(text)
        || !idb_b64_decode(n, sizeof n, &size, json_string_value(text), json_string_length(text))
        || size == 0)
        return false;
    bits = size * 8;
    for (unsigned char top = n[0]; bits > 0 && !(top & 0x80); top = (unsigned char)(top << 1))
        if (--bits < RSA_MIN_BITS)
            return false;
    return bits >= RSA_MIN_BITS;
}

/* An odd public exponent from 3: with 1 a signature is its own message. */
static bool is_exponent(const json_t *jwk)
{
    unsigned char e[8];
    const json_t *text = json_object_get(jwk, "e");
    size_t size = 0;

    return json_is_string(text)
           && idb_b64_decode(e, sizeof e, &size, json_string_value(text), json_string_length(text))
           && size > 0 && e[0] != 0 && (e[size - 1] & 1) && !(size == 1 && e[0] == 1);
}

static bool lists(const json_t *array, const char *text)
{
    const json_t *value;
    size_t i;

    json_array_foreach ((json_t *)array, i, value) {
        if (json_is_string(value) && !strcmp(json_string_value(value), text))
            return true;
    }
    return false;
}

/* A key of the type that the algorithm asks for. */
static bool is_kind(const json_t *jwk, const struct algorithm *a)
{
    if (!json_is_object(jwk) || !idb_compact_is_text(jwk, "kty", a->kty))
        return false;
    return a->crv ? idb_compact_is_text(jwk, "crv", a->crv)
                  : is_long_enough(jwk) && is_exponent(jwk);
}

static bool fits(const json_t *jwk, const struct algorithm *a)
{
    const json_t *ops = json_object_get(jwk, "key_ops");

    if (!is_kind(jwk, a))
        return false;
    if (json_object_get(jwk, "use") && !idb_compact_is_text(jwk, "use", "sig"))
        return false;
    if (json_object_get(jwk, "alg") && !idb_compact_is_text(jwk, "alg", a->name))
        return false;
    return !ops || lists(ops, "verify");
}

/* The one key of the set that fits; NULL when there is none, or several. Without a kid
 * the set must be of one key (Core 10.1). */
static const json_t *choose(const json_t *jwks, const struct algorithm *a, const char *kid)
{
    const json_t *keys = json_object_get(jwks, "keys");
    const json_t *chosen = NULL;
    int n = 0;

    if (!kid && json_array_size(keys) != 1)
        return NULL;
    for (size_t i = 0; i < json_array_size(keys) && i < KEYS_LIMIT; i++) {
        const json_t *jwk = json_array_get(keys, i);

        if ((!kid || idb_compact_is_text(jwk, "kid", kid)) && fits(jwk, a)) {
            chosen = jwk;
            n++;
        }
    }
    return n == 1 ? chosen : NULL;
}

/* What libjose needs of the key and nothing more. */
static json_t *bare(const json_t *jwk, const struct algorithm *a)
{
    if (a->crv)
        return json_pack("{s:s, s:s, s:O, s:O}", "kty", "EC", "crv", a->crv, "x",
                         json_object_get(jwk, "x"), "y", json_object_get(jwk, "y"));
    return json_pack("{s:s, s:O, s:O}", "kty", "RSA", "n", json_object_get(jwk, "n"), "e",
                     json_object_get(jwk, "e"));
}

static bool verify(const struct idb_segment s[IDB_JWS_SEGMENTS], const json_t *key)
{
    json_t *jws =
        json_pack("{s:s%, s:s%, s:s%}", "protected", s[IDB_JWS_HEADER].text, s[IDB_JWS_HEADER].n,
                  "payload", s[IDB_JWS_PAYLOAD].text, s[IDB_JWS_PAYLOAD].n, "signature",
                  s[IDB_JWS_SIGNATURE].text, s[IDB_JWS_SIGNATURE].n);
    jose_cfg_t *cfg = idb_compact_quiet();
    bool ok = jws && key && jose_jws_ver(cfg, jws, NULL, key, false);

    jose_cfg_decref(cfg);
    json_decref(jws);
    return ok;
}

bool idb_jwt_verify(json_t **payload, const char *token, const char *alg, const json_t *jwks,
                    bool *unknown_key, struct idb_error *err)
{
    const struct algorithm *a = find_algorithm(alg);
    struct idb_segment s[IDB_JWS_SEGMENTS];
    json_t *header = NULL;
    json_t *key = NULL;
    const json_t *chosen;
    unsigned char *signature = NULL;
    unsigned char *bytes = NULL;
    size_t n = 0;
    size_t n_signature = 0;
    bool verified;

    *payload = NULL;
    *unknown_key = false;
    if (!a || !idb_compact_split(s, IDB_JWS_SEGMENTS, token))
        return bad(err);
    header = idb_compact_header(&s[IDB_JWS_HEADER]);
    signature = idb_compact_decode(&s[IDB_JWS_SIGNATURE], &n_signature);
    bytes = idb_compact_decode(&s[IDB_JWS_PAYLOAD], &n);
    if (!signature || !bytes || !check_header(header, alg))
        goto out;
    chosen = choose(jwks, a, json_string_value(json_object_get(header, "kid")));
    if (chosen)
        key = bare(chosen, a);
    verified = verify(s, key);
    *unknown_key = !verified;
    if (verified)
        *payload = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
out:
    json_decref(key);
    json_decref(header);
    idb_compact_free(signature, signature ? n_signature : 0);
    idb_compact_free(bytes, bytes ? n : 0);
    return *payload || bad(err);
}

bool idb_jwt_is_for(const json_t *claims, const char *client_id)
{
    const json_t *aud = json_object_get(claims, "aud");
    const char *one = json_string_value(aud);

    if (json_is_array(aud) && json_array_size(aud) == 1)
        one = json_string_value(json_array_get(aud, 0));
    return one && !strcmp(one, client_id);
}

bool idb_jwt_sign(char **token, const json_t *claims, const char *alg, const json_t *jwk,
                  struct idb_error *err)
{
    static const char *const names[] = { "protected", "payload", "signature" };
    const struct algorithm *a = find_algorithm(alg);
    const json_t *kid = json_object_get(jwk, "kid");
    json_t *header = json_pack("{s:s, s:s, s:O*}", "alg", alg, "typ", "JWT", "kid", kid);
    json_t *sig = json_pack("{s:o}", "protected", idb_compact_encode_json(header));
    json_t *jws = json_pack("{s:o}", "payload", idb_compact_encode_json(claims));
    jose_cfg_t *cfg = idb_compact_quiet();

    *token = NULL;
    if (a && is_kind(jwk, a) && jws && sig && jose_jws_sig(cfg, jws, sig, jwk))
        *token = idb_compact_join(jws, names, IDB_JWS_SEGMENTS);
    jose_cfg_decref(cfg);
    json_decref(jws);
    json_decref(sig);
    json_decref(header);
    return *token
           || idb_fail(err, IDB_CONFIG, "client_key",
                       "The client key of the web zone does not sign with %s; make a new one.",
                       alg);
}
