#include "jwe.h"

#include "b64.h"
#include "compact.h"
#include "mac.h"

#include <jose/jwe.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CEK_SIZE     32 /* of A256GCM and of A128CBC-HS256 */
#define RSA_MIN_BITS 2048

enum { HEADER, KEY, IV, CIPHERTEXT, TAG, SEGMENTS };

static bool bad(struct idb_error *err)
{
    return idb_fail(err, IDB_UNAVAILABLE, "bad_token_encryption",
                    "The login provider's answer is not encrypted to us as it must be.");
}

static bool is_rsa(const char *alg)
{
    return strcmp(alg, "ECDH-ES") != 0;
}

/* Nothing in a header may choose an algorithm, a key or a transformation. */
static bool check_header(const json_t *header, const char *alg, const char *enc, const json_t *jwk)
{
    static const char *const refused[] = { "crit", "zip", "b64", "jwk", "jku", "x5u",
                                           "x5c",  "p2s", "p2c", "iv",  "tag" };
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    const json_t *epk = json_object_get(header, "epk");
    const json_t *cty = json_object_get(header, "cty");

    if (!json_is_object(header) || !idb_compact_is_text(header, "alg", alg)
        || !idb_compact_is_text(header, "enc", enc))
        return false;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_object_get(header, refused[i]))
            return false;
    if (kid && json_object_get(header, "kid") && !idb_compact_is_text(header, "kid", kid))
        return false;
    if (cty && (!json_is_string(cty) || strcasecmp(json_string_value(cty), "JWT") != 0))
        return false;
    return is_rsa(alg)
               ? !epk
               : idb_compact_is_text(epk, "crv", json_string_value(json_object_get(jwk, "crv")));
}

bool idb_jwe_is_key(const json_t *jwk, const char *alg)
{
    const json_t *use = json_object_get(jwk, "use");

    if (!json_is_string(json_object_get(jwk, "d"))
        || (use && !idb_compact_is_text(jwk, "use", "enc")))
        return false;
    return is_rsa(alg) ? idb_compact_is_text(jwk, "kty", "RSA")
                       : idb_compact_is_text(jwk, "kty", "EC")
                             && json_is_string(json_object_get(jwk, "crv"));
}

/* RSAES-OAEP with the digest of alg's name for both uses. */
static bool unwrap(unsigned char cek[CEK_SIZE], const struct idb_segment *segment, const char *alg,
                   EVP_PKEY *key)
{
    const EVP_MD *md = !strcmp(alg, "RSA-OAEP-256") ? EVP_sha256() : EVP_sha1();
    unsigned char out[1024];
    size_t n = sizeof out;
    size_t n_wrapped = 0;
    unsigned char *wrapped = idb_compact_decode(segment, &n_wrapped);
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool ok = wrapped && ctx && EVP_PKEY_get_bits(key) >= RSA_MIN_BITS
              && (size_t)EVP_PKEY_get_size(key) <= sizeof out && EVP_PKEY_decrypt_init(ctx) == 1
              && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1
              && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1
              && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1
              && EVP_PKEY_decrypt(ctx, out, &n, wrapped, n_wrapped) == 1 && n == CEK_SIZE;

    if (ok)
        memcpy(cek, out, CEK_SIZE);
    idb_wipe(out, sizeof out);
    EVP_PKEY_CTX_free(ctx);
    idb_compact_free(wrapped, wrapped ? n_wrapped : 0);
    return ok;
}

/* The content key as libjose takes it; a random one where there is none, so that the
 * failure is that of a wrong tag. */
static json_t *content_key(jose_cfg_t *cfg, const struct idb_segment *segment, const char *alg,
                           const json_t *jwk)
{
    unsigned char cek[CEK_SIZE];
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(cfg, jwk);
    json_t *oct = NULL;

    if (unwrap(cek, segment, alg, key) || idb_random(cek, sizeof cek))
        oct = json_pack("{s:s, s:o}", "kty", "oct", "k", idb_compact_encode(cek, sizeof cek));
    idb_wipe(cek, sizeof cek);
    EVP_PKEY_free(key);
    return oct;
}

static void *open_sealed(const struct idb_segment s[SEGMENTS], const char *alg, const json_t *jwk,
                         size_t *n)
{
    json_t *jwe = json_pack("{s:s%, s:s%, s:s%, s:s%}", "protected", s[HEADER].text, s[HEADER].n,
                            "iv", s[IV].text, s[IV].n, "ciphertext", s[CIPHERTEXT].text,
                            s[CIPHERTEXT].n, "tag", s[TAG].text, s[TAG].n);
    jose_cfg_t *cfg = idb_compact_quiet();
    json_t *cek = NULL;
    void *bytes = NULL;

    *n = 0; /* libjose adds to it */
    if (jwe && is_rsa(alg)) {
        cek = content_key(cfg, &s[KEY], alg, jwk);
        bytes = cek ? jose_jwe_dec_cek(cfg, jwe, cek, n) : NULL;
    } else if (jwe && s[KEY].n == 0) {
        bytes = jose_jwe_dec(cfg, jwe, NULL, jwk, n);
    }
    json_decref(cek);
    jose_cfg_decref(cfg);
    json_decref(jwe);
    return bytes;
}

bool idb_jwe_decrypt(char **text, const char *token, const char *alg, const char *enc,
                     const json_t *jwk, struct idb_error *err)
{
    struct idb_segment s[SEGMENTS];
    json_t *header = NULL;
    void *bytes = NULL;
    size_t n = 0;

    *text = NULL;
    if (!idb_compact_split(s, SEGMENTS, token) || !idb_jwe_is_key(jwk, alg))
        return bad(err);
    header = idb_compact_header(&s[HEADER]);
    if (check_header(header, alg, enc, jwk))
        bytes = open_sealed(s, alg, jwk, &n);
    if (bytes && !memchr(bytes, '\0', n))
        *text = strndup(bytes, n);
    idb_compact_free(bytes, bytes ? n : 0);
    json_decref(header);
    return *text || bad(err);
}
