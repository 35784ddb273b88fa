/* Tokens encrypted to us: what opens, and beside it what must not. */
#include "jwe.h"

#include "b64.h"
#include "compact.h"
#include "jose.h"
#include "token.h"

#include <jose/jwe.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define TEXT "eyJ.inner.token"

static json_t *rsa, *small, *ec, *other_rsa, *other_ec;

/* One that libjose would not make. */
static json_t *small_key(void)
{
    EVP_PKEY *pkey = EVP_RSA_gen(1024);
    json_t *jwk = jose_openssl_jwk_from_EVP_PKEY(NULL, pkey);

    EVP_PKEY_free(pkey);
    assert_non_null(jwk);
    return jwk;
}

static int setup(void **state)
{
    (void)state;
    rsa = token_key("{\"kty\":\"RSA\",\"bits\":2048}", "r1");
    other_rsa = token_key("{\"kty\":\"RSA\",\"bits\":2048}", "r1");
    small = small_key();
    ec = token_key("{\"kty\":\"EC\",\"crv\":\"P-256\"}", "e1");
    other_ec = token_key("{\"kty\":\"EC\",\"crv\":\"P-256\"}", "e1");
    return 0;
}

static int teardown(void **state)
{
    json_t *keys[] = { rsa, other_rsa, small, ec, other_ec };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_decref(keys[i]);
    return 0;
}

/* The encrypted key for cek, as base64url. */
static json_t *wrap(const unsigned char *cek, size_t n, const EVP_MD *md, const json_t *jwk)
{
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    unsigned char out[512];
    size_t size = sizeof out;

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &size, cek, n), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return idb_compact_encode(out, size);
}

/* Encrypts n bytes of text to jwk under that header, whose alg may be other than what
 * is done: RSA-OAEP with md, or ECDH-ES where md is NULL. */
static char *make(const char *header, const EVP_MD *md, const json_t *jwk, const void *text,
                  size_t n)
{
    static const char *const names[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag" };
    static const unsigned char bytes[32] = "0123456789abcdef0123456789abcdef";
    json_t *jwe = json_pack("{s:o}", "protected", json_loads(header, 0, NULL));
    json_t *cek = json_object();
    json_t *public = token_public(jwk);
    char *token;

    if (md) {
        json_decref(cek);
        cek = json_pack("{s:s, s:o}", "kty", "oct", "k", idb_compact_encode(bytes, 32));
    } else {
        assert_true(jose_jwe_enc_jwk(NULL, jwe, NULL, public, cek));
        json_object_set(json_object_get(jwe, "protected"), "epk",
                        json_object_get(json_object_get(jwe, "header"), "epk"));
    }
    assert_true(jose_jwe_enc_cek(NULL, jwe, cek, text, n));
    json_object_set_new(jwe, "encrypted_key", md ? wrap(bytes, 32, md, public) : json_string(""));
    token = idb_compact_join(jwe, names, 5);
    assert_non_null(token);
    json_decref(public);
    json_decref(cek);
    json_decref(jwe);
    return token;
}

static void opens(const char *token, const char *alg, const char *enc, const json_t *jwk)
{
    struct idb_error err = { 0 };
    char *text = NULL;

    if (!idb_jwe_decrypt(&text, token, alg, enc, jwk, &err))
        fail_msg("does not open: %s %s", alg, enc);
    assert_string_equal(text, TEXT);
    idb_text_free(text);
}

static void stays_shut(const char *token, const char *alg, const char *enc, const json_t *jwk)
{
    struct idb_error err = { 0 };
    char *text = NULL;

    if (idb_jwe_decrypt(&text, token, alg, enc, jwk, &err))
        fail_msg("opens: %.80s", token);
    assert_null(text);
    assert_int_equal(err.exit, IDB_UNAVAILABLE);
    assert_string_equal(err.code, "bad_token_encryption");
}

static void every_algorithm(void **state)
{
    static const char *const encs[] = { "A256GCM", "A128CBC-HS256" };
    static const char *const algs[] = { "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES" };

    (void)state;
    for (size_t a = 0; a < 3; a++)
        for (size_t e = 0; e < 2; e++) {
            const EVP_MD *mds[] = { EVP_sha1(), EVP_sha256(), NULL };
            const json_t *key = a < 2 ? rsa : ec;
            char header[128];
            char *token;

            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"enc\":\"%s\",\"cty\":\"JWT\"}",
                     algs[a], encs[e]);
            token = make(header, mds[a], key, TEXT, strlen(TEXT));
            opens(token, algs[a], encs[e], key);
            /* Nothing of it is the token's to choose. */
            stays_shut(token, algs[a], encs[!e], key);
            for (size_t other = 0; other < 3; other++)
                if (other != a)
                    stays_shut(token, algs[other], encs[e], other < 2 ? rsa : ec);
            stays_shut(token, algs[a], encs[e], a < 2 ? other_rsa : other_ec);
            free(token);
        }
}

static void headers(void **state)
{
    static const char *const cases[] = {
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"crit\":[\"x\"],\"x\":1}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"jku\":\"https://a.example\"}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"jwk\":{}}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"x5u\":\"https://a.example\"}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"cty\":\"text\"}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"kid\":\"r2\"}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"kid\":1}",
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"epk\":{}}",
        "{\"alg\":\"rsa-oaep\",\"enc\":\"A256GCM\"}",
        "{\"alg\":[\"RSA-OAEP\"],\"enc\":\"A256GCM\"}",
        "{\"enc\":\"A256GCM\"}",
    };
    static const char good[] =
        "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\",\"kid\":\"r1\",\"cty\":\"jwt\",\"iss\":\"x\"}";
    char *token = make(good, EVP_sha1(), rsa, TEXT, strlen(TEXT));

    (void)state;
    opens(token, "RSA-OAEP", "A256GCM", rsa);
    free(token);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        token = make(cases[i], EVP_sha1(), rsa, TEXT, strlen(TEXT));
        stays_shut(token, "RSA-OAEP", "A256GCM", rsa);
        free(token);
    }
}

/* One character of each part, one part less and one more. */
static void altered(void **state)
{
    char *token =
        make("{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", EVP_sha1(), rsa, TEXT, strlen(TEXT));
    char longer[4096];

    (void)state;
    for (char *p = token; (p = strchr(p, '.')); p++)
        if (p[1]) {
            char right = p[1];

            p[1] = right == 'A' ? 'B' : 'A';
            stays_shut(token, "RSA-OAEP", "A256GCM", rsa);
            p[1] = right;
        }
    opens(token, "RSA-OAEP", "A256GCM", rsa);
    snprintf(longer, sizeof longer, "%s.AAAA", token);
    stays_shut(longer, "RSA-OAEP", "A256GCM", rsa);
    *strrchr(token, '.') = '\0';
    stays_shut(token, "RSA-OAEP", "A256GCM", rsa);
    stays_shut("", "RSA-OAEP", "A256GCM", rsa);
    stays_shut("....", "RSA-OAEP", "A256GCM", rsa);
    free(token);
}

static void keys(void **state)
{
    static const char header[] = "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}";
    char *token = make(header, EVP_sha1(), small, TEXT, strlen(TEXT));
    json_t *public = token_public(rsa);
    json_t *signing = json_deep_copy(rsa);

    (void)state;
    stays_shut(token, "RSA-OAEP", "A256GCM", small);
    free(token);
    token = make(header, EVP_sha1(), rsa, TEXT, strlen(TEXT));
    stays_shut(token, "RSA-OAEP", "A256GCM", public);
    json_object_set_new(signing, "use", json_string("sig"));
    stays_shut(token, "RSA-OAEP", "A256GCM", signing);
    stays_shut(token, "RSA-OAEP", "A256GCM", ec);
    free(token);
    json_decref(signing);
    json_decref(public);
}

/* A point that is not on the curve would tell of our key bit by bit. */
static void point_off_the_curve(void **state)
{
    char *token = make("{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"}", NULL, ec, TEXT, strlen(TEXT));
    struct idb_segment s[5];
    unsigned char *text;
    size_t n = 0;
    json_t *header, *encoded;
    char forged[4096];

    (void)state;
    opens(token, "ECDH-ES", "A256GCM", ec);
    assert_true(idb_compact_split(s, 5, token));
    text = idb_compact_decode(&s[0], &n);
    header = json_loadb((char *)text, n, 0, NULL);
    json_object_set(json_object_get(header, "epk"), "y",
                    json_object_get(json_object_get(header, "epk"), "x"));
    encoded = idb_compact_encode_json(header);
    snprintf(forged, sizeof forged, "%s.%s", json_string_value(encoded), s[1].text);
    stays_shut(forged, "ECDH-ES", "A256GCM", ec);
    snprintf(forged, sizeof forged, "%.*s.AAAA%s", (int)s[0].n, token, s[1].text);
    stays_shut(forged, "ECDH-ES", "A256GCM", ec);
    json_decref(encoded);
    json_decref(header);
    free(text);
    free(token);
}

static void a_nul_inside(void **state)
{
    char *token = make("{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", EVP_sha1(), rsa, "a\0b", 3);

    (void)state;
    stays_shut(token, "RSA-OAEP", "A256GCM", rsa);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm), cmocka_unit_test(headers),
        cmocka_unit_test(altered),         cmocka_unit_test(keys),
        cmocka_unit_test(a_nul_inside),    cmocka_unit_test(point_off_the_curve),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
