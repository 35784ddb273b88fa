#include "jose.h"

#include "b64.h"
#include "compact.h"

#include <jose/jwe.h>
#include <jose/jws.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 1024
#define COORD_SIZE 32 /* of P-256 */
#define SIG_SIZE   64
#define IV_SIZE    12
#define TAG_SIZE   16

/* What the protected header must be, whole; enc is NULL for a signature. */
struct expected {
    const char *alg;
    const char *enc;
    const char *typ;
};

enum { JWE_HEADER, JWE_KEY, JWE_IV, JWE_CIPHERTEXT, JWE_TAG, JWE_SEGMENTS };

static bool bug(struct idb_error *err, const char *what)
{
    return idb_fail(err, IDB_SOFTWARE, "internal", "%s failed in the JOSE library.", what);
}

/* One error for whatever is wrong: which check failed is nobody's business. */
static bool forged(struct idb_error *err, const char *typ)
{
    return idb_fail(err, IDB_SOFTWARE, "forged",
                    "A token (%s) was altered or was not made by this installation.", typ);
}

void idb_text_free(char *text)
{
    if (text)
        idb_wipe(text, strlen(text));
    free(text);
}

/* Making */

bool idb_jws_sign(char **token, const json_t *payload, const char *typ, const struct idb_key *key,
                  struct idb_error *err)
{
    static const char *const names[] = { "protected", "payload", "signature" };
    json_t *header = json_pack("{s:s, s:s, s:s}", "alg", "ES256", "kid", key->id, "typ", typ);
    json_t *sig = json_pack("{s:o}", "protected", idb_compact_encode_json(header));
    json_t *jws = json_pack("{s:o}", "payload", idb_compact_encode_json(payload));
    jose_cfg_t *cfg = idb_compact_quiet();

    *token = NULL;
    if (jws && sig && jose_jws_sig(cfg, jws, sig, key->jwk))
        *token = idb_compact_join(jws, names, IDB_JWS_SEGMENTS);
    jose_cfg_decref(cfg);
    json_decref(jws);
    json_decref(sig);
    json_decref(header);
    return *token || bug(err, "Signing");
}

/* libjose puts the ephemeral key in the unprotected header, which the compact
 * form does not have: it belongs in the protected one, before that is encoded. */
static bool protect(json_t *jwe)
{
    json_t *epk = json_object_get(json_object_get(jwe, "header"), "epk");

    return !epk
           || (json_object_set(json_object_get(jwe, "protected"), "epk", epk) == 0
               && json_object_del(jwe, "header") == 0);
}

/* Encrypts text to jwk under header, which is taken over. */
static bool encrypt(char **token, const char *text, json_t *header, const json_t *jwk,
                    struct idb_error *err)
{
    static const char *const names[] = { "protected", "", "iv", "ciphertext", "tag" };
    json_t *jwe = json_pack("{s:o}", "protected", header);
    json_t *cek = json_object();
    jose_cfg_t *cfg = idb_compact_quiet();

    *token = NULL;
    if (jwe && cek && jose_jwe_enc_jwk(cfg, jwe, NULL, jwk, cek) && protect(jwe)
        && jose_jwe_enc_cek(cfg, jwe, cek, text, strlen(text)))
        *token = idb_compact_join(jwe, names, JWE_SEGMENTS);
    jose_cfg_decref(cfg);
    json_decref(cek);
    json_decref(jwe);
    if (*token && strlen(*token) > IDB_COMPACT_MAX) {
        free(*token);
        *token = NULL;
        return idb_fail(err, IDB_DATA, "too_large", "A token would be over %d bytes.",
                        IDB_COMPACT_MAX);
    }
    return *token || bug(err, "Encrypting");
}

static json_t *jwe_header(const struct expected *expected, const char *kid)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "alg", expected->alg, "enc", expected->enc, "kid", kid,
                     "typ", expected->typ);
}

/* Checking, before the library is called */

/* True for strict base64url of exactly size bytes. */
static bool is_bytes(const char *text, size_t n, size_t size)
{
    unsigned char bytes[SIG_SIZE];
    size_t len = 0;

    return size <= sizeof bytes && idb_b64_decode(bytes, size, &len, text, n) && len == size;
}

static bool is_coordinate(const json_t *epk, const char *member)
{
    const json_t *value = json_object_get(epk, member);

    return json_is_string(value)
           && is_bytes(json_string_value(value), json_string_length(value), COORD_SIZE);
}

static bool is_epk(const json_t *epk)
{
    return json_object_size(epk) == 4 && idb_compact_is_text(epk, "kty", "EC")
           && idb_compact_is_text(epk, "crv", "P-256") && is_coordinate(epk, "x")
           && is_coordinate(epk, "y");
}

/* Reads a protected header and holds it against expected: these members and no
 * others, hence no crit, zip, jwk, jku or x5u. Copies out the key id. */
static bool check_header(const struct idb_segment *segment, const struct expected *expected,
                         char kid[IDB_KEY_ID_SIZE])
{
    char text[HEADER_MAX];
    size_t n = 0;
    size_t members = expected->enc ? 4 : 3;
    json_t *header = NULL;
    const json_t *id;
    bool ok = false;

    if (idb_b64_decode(text, sizeof text, &n, segment->text, segment->n))
        header = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    id = json_object_get(header, "kid");
    if (!idb_compact_is_text(header, "alg", expected->alg)
        || !idb_compact_is_text(header, "typ", expected->typ)
        || json_string_length(id) != IDB_KEY_ID_SIZE - 1)
        goto out;
    if (expected->enc && !idb_compact_is_text(header, "enc", expected->enc))
        goto out;
    if (strcmp(expected->alg, "ECDH-ES") == 0) {
        members++;
        if (!is_epk(json_object_get(header, "epk")))
            goto out;
    }
    ok = json_object_size(header) == members;
    if (ok)
        memcpy(kid, json_string_value(id), IDB_KEY_ID_SIZE);
out:
    json_decref(header);
    return ok;
}

/* Opening */

bool idb_jws_verify(json_t **payload, const char *token, const char *typ,
                    const struct idb_keys *keys, struct idb_error *err)
{
    const struct expected expected = { .alg = "ES256", .typ = typ };
    struct idb_segment s[IDB_JWS_SEGMENTS];
    char kid[IDB_KEY_ID_SIZE];
    const struct idb_key *key = NULL;
    unsigned char *bytes = NULL;
    jose_cfg_t *cfg = idb_compact_quiet();
    json_t *jws = NULL;
    size_t n = 0;

    *payload = NULL;
    if (!idb_compact_split(s, IDB_JWS_SEGMENTS, token)
        || !check_header(&s[IDB_JWS_HEADER], &expected, kid)
        || !is_bytes(s[IDB_JWS_SIGNATURE].text, s[IDB_JWS_SIGNATURE].n, SIG_SIZE))
        goto out;
    key = idb_keys_find(keys, kid);
    bytes = idb_compact_decode(&s[IDB_JWS_PAYLOAD], &n);
    if (!key || !bytes)
        goto out;
    jws = json_pack("{s:s%, s:s%, s:s%}", "protected", s[IDB_JWS_HEADER].text, s[IDB_JWS_HEADER].n,
                    "payload", s[IDB_JWS_PAYLOAD].text, s[IDB_JWS_PAYLOAD].n, "signature",
                    s[IDB_JWS_SIGNATURE].text, s[IDB_JWS_SIGNATURE].n);
    if (jws && jose_jws_ver(cfg, jws, NULL, key->jwk, false))
        *payload = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
out:
    jose_cfg_decref(cfg);
    json_decref(jws);
    idb_compact_free(bytes, n);
    return *payload || forged(err, typ);
}

/* Splits a JWE and checks all of it that can be checked without a key. */
static bool check_jwe(struct idb_segment s[JWE_SEGMENTS], char kid[IDB_KEY_ID_SIZE],
                      const char *token, const struct expected *expected)
{
    unsigned char *bytes = NULL;
    size_t n = 0;
    bool ok = idb_compact_split(s, JWE_SEGMENTS, token)
              && check_header(&s[JWE_HEADER], expected, kid) && s[JWE_KEY].n == 0
              && is_bytes(s[JWE_IV].text, s[JWE_IV].n, IV_SIZE)
              && is_bytes(s[JWE_TAG].text, s[JWE_TAG].n, TAG_SIZE);

    if (ok)
        bytes = idb_compact_decode(&s[JWE_CIPHERTEXT], &n);
    ok = bytes != NULL;
    free(bytes);
    return ok;
}

/* The text inside, without a NUL in it, freed with idb_text_free; or NULL. */
static char *decrypt(const struct idb_segment s[JWE_SEGMENTS], const json_t *jwk)
{
    json_t *jwe =
        json_pack("{s:s%, s:s%, s:s%, s:s%}", "protected", s[JWE_HEADER].text, s[JWE_HEADER].n,
                  "iv", s[JWE_IV].text, s[JWE_IV].n, "ciphertext", s[JWE_CIPHERTEXT].text,
                  s[JWE_CIPHERTEXT].n, "tag", s[JWE_TAG].text, s[JWE_TAG].n);
    size_t n = 0; /* libjose adds to it */
    jose_cfg_t *cfg = idb_compact_quiet();
    void *bytes = jwe ? jose_jwe_dec(cfg, jwe, NULL, jwk, &n) : NULL;
    char *text = NULL;

    if (bytes && !memchr(bytes, '\0', n))
        text = malloc(n + 1);
    if (text) {
        memcpy(text, bytes, n);
        text[n] = '\0';
    }
    idb_compact_free(bytes, n);
    jose_cfg_decref(cfg);
    json_decref(jwe);
    return text;
}

bool idb_jwe_seal(char **token, const char *text, const char *typ, const struct idb_keys *keys,
                  struct idb_error *err)
{
    const struct expected made = { .alg = "ECDH-ES", .enc = "A256GCM", .typ = typ };

    return encrypt(token, text, jwe_header(&made, keys->key[0].id), keys->key[0].jwk, err);
}

bool idb_jwe_open(char **text, const char *token, const char *typ, const struct idb_keys *keys,
                  struct idb_error *err)
{
    const struct expected expected = { .alg = "ECDH-ES", .enc = "A256GCM", .typ = typ };
    struct idb_segment s[JWE_SEGMENTS];
    char kid[IDB_KEY_ID_SIZE];
    const struct idb_key *key = NULL;

    *text = NULL;
    if (!check_jwe(s, kid, token, &expected))
        return forged(err, typ);
    key = idb_keys_find(keys, kid);
    if (!key)
        return idb_fail(err, IDB_REFUSED, "key_destroyed",
                        "The key that opens this no longer exists: it was rotated and destroyed.");
    *text = decrypt(s, key->jwk);
    return *text || forged(err, typ);
}

/* Tokens of the browser */

/* The key of key's tokens of this typ, as a JWK; NULL when there is none. */
static json_t *token_jwk(const struct idb_key *key, const char *typ)
{
    unsigned char secret[IDB_KEY_SIZE];
    json_t *jwk = NULL;

    if (idb_derive(secret, key->secret, typ))
        jwk = json_pack("{s:s, s:o}", "kty", "oct", "k", idb_compact_encode(secret, sizeof secret));
    idb_wipe(secret, sizeof secret);
    return jwk;
}

bool idb_token_seal(char **token, const json_t *payload, const char *typ, int64_t expires_at,
                    const struct idb_keys *keys, struct idb_error *err)
{
    const struct expected made = { .alg = "dir", .enc = "A256GCM", .typ = typ };
    json_t *body = json_object();
    json_t *jwk = token_jwk(&keys->key[0], typ);
    char *text = NULL;
    bool ok = false;

    *token = NULL;
    if (json_object_update(body, (json_t *)payload) == 0
        && json_object_set_new(body, "exp", json_integer(expires_at / 1000)) == 0)
        text = idb_compact_dump(body);
    if (!text || !jwk) {
        bug(err, "Making a token");
        goto out;
    }
    ok = encrypt(token, text, jwe_header(&made, keys->key[0].id), jwk, err);
out:
    idb_text_free(text);
    json_decref(jwk);
    json_decref(body);
    return ok;
}

/* The payload inside token, or NULL. */
static json_t *token_payload(const char *token, const char *typ, const struct idb_keys *keys)
{
    const struct expected expected = { .alg = "dir", .enc = "A256GCM", .typ = typ };
    struct idb_segment s[JWE_SEGMENTS];
    char kid[IDB_KEY_ID_SIZE];
    const struct idb_key *key = NULL;
    json_t *payload = NULL;
    json_t *jwk = NULL;
    char *text = NULL;

    if (check_jwe(s, kid, token, &expected))
        key = idb_keys_find(keys, kid);
    if (key)
        jwk = token_jwk(key, typ);
    if (jwk)
        text = decrypt(s, jwk);
    if (text)
        payload = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    idb_text_free(text);
    json_decref(jwk);
    return payload;
}

bool idb_token_open(json_t **payload, const char *token, const char *typ, int64_t now,
                    const struct idb_keys *keys, struct idb_error *err)
{
    json_t *opened = token_payload(token, typ, keys);
    const json_t *exp = json_object_get(opened, "exp");
    bool good = json_is_integer(exp);
    bool expired = good && now / 1000 >= json_integer_value(exp);

    *payload = NULL;
    if (good && !expired) {
        *payload = opened;
        return true;
    }
    json_decref(opened);
    if (expired)
        return idb_fail(err, IDB_REFUSED, "token_expired", "This has expired; begin again.");
    return idb_fail(err, IDB_DATA, "bad_token",
                    "A token (%s) was altered or was not made by this installation.", typ);
}
