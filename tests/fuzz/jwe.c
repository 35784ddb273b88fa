/*
 * Tokens encrypted to us. The input is tried three ways: as a token; as header,
 * encrypted key, IV, ciphertext and tag in one line each, the bytes themselves;
 * and as a header in the first line and a text in the rest, truly encrypted to
 * our key as the header says. Every algorithm is configured in turn: the token
 * chooses none.
 */
#include "jwe.h"
#include "compact.h"
#include "fuzz.h"
#include "jose.h"

#include <jose/jwe.h>
#include <openssl/rsa.h>
#include <strings.h>

static const char *const algs[] = { "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES" };
static const char *const encs[] = { "A256GCM", "A128CBC-HS256" };

static json_t *rsa, *ec;
static json_t *ec_public;
static EVP_PKEY *rsa_pkey;

static void setup(void)
{
    rsa = fuzz_key(FUZZ_RSA, "r1");
    ec = fuzz_key(FUZZ_EC, "e1");
    ec_public = fuzz_public(FUZZ_EC, "e1");
    rsa_pkey = fuzz_pkey(FUZZ_RSA);
}

/* RFC 7516 section 4.1, of what was truly encrypted. */
static void check_header(struct fuzz_part text, const char *alg, const char *enc)
{
    static const char *const never[] = { "crit", "zip", "jwk", "jku", "x5u", "x5c", "b64" };
    json_t *header = json_loadb(text.text, text.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *kid = json_object_get(header, "kid");

    assert(idb_compact_is_text(header, "alg", alg) && idb_compact_is_text(header, "enc", enc));
    assert(!kid || !strcmp(json_string_value(kid), alg[0] == 'R' ? "r1" : "e1"));
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert(!json_object_get(header, never[i]));
    json_decref(header);
}

/* header and plain: what was encrypted, where that is known, else NULL. */
static void decrypt(const char *token, const struct fuzz_part *header,
                    const struct fuzz_part *plain)
{
    for (size_t i = 0; i < 6; i++) {
        struct idb_error err = { 0 };
        char *text = NULL;
        bool ok = idb_jwe_decrypt(&text, token, algs[i / 2], encs[i % 2], i < 4 ? rsa : ec, &err);

        fuzz_fails_with(ok, &err, "bad_token_encryption");
        assert(ok == (text != NULL));
        assert(ok || err.exit == IDB_UNAVAILABLE);
        if (ok && plain) {
            check_header(*header, algs[i / 2], encs[i % 2]);
            assert(strlen(text) == plain->n && !memcmp(text, plain->text, plain->n));
        }
        idb_text_free(text);
    }
}

static void decrypt_parts(const struct fuzz_part parts[5])
{
    size_t size = 0;
    char *token, *end;

    for (size_t i = 0; i < 5; i++)
        size += IDB_B64_SIZE(parts[i].n);
    token = end = malloc(size);
    assert(token);
    for (size_t i = 0; i < 5; i++) {
        if (i > 0)
            *end++ = '.';
        end = fuzz_encode(end, parts[i].text, parts[i].n);
    }
    decrypt(token, NULL, NULL);
    free(token);
}

/* The content key for RSA, which libjose cannot wrap on OpenSSL 3. */
static json_t *wrap(const unsigned char cek[32], const EVP_MD *md)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa_pkey, NULL);
    unsigned char out[256];
    size_t n = sizeof out;
    bool ok = EVP_PKEY_encrypt_init(ctx) == 1
              && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1
              && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1
              && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1
              && EVP_PKEY_encrypt(ctx, out, &n, cek, 32) == 1;

    assert(ok);
    EVP_PKEY_CTX_free(ctx);
    return idb_compact_encode(out, n);
}

/* Sets the encrypted key and gives the content key; NULL where libjose will not. */
static json_t *content_key(json_t *jwe, json_t *header)
{
    static const unsigned char bytes[32] = "0123456789abcdef0123456789abcdef";
    bool sha256 = idb_compact_is_text(header, "alg", algs[1]);
    json_t *cek = json_object();

    if (sha256 || idb_compact_is_text(header, "alg", algs[0])) {
        json_decref(cek);
        json_object_set_new(jwe, "encrypted_key", wrap(bytes, sha256 ? EVP_sha256() : EVP_sha1()));
        return json_pack("{s:s, s:o}", "kty", "oct", "k", idb_compact_encode(bytes, 32));
    }
    /* libjose puts what it agreed on beside the protected header. */
    if (jose_jwe_enc_jwk(NULL, jwe, NULL, ec_public, cek)
        && !json_object_set(header, "epk", json_object_get(json_object_get(jwe, "header"), "epk")))
        return cek;
    json_decref(cek);
    return NULL;
}

/* NULL where such a thing cannot be made. *made is the header as it stands in the token. */
static char *encrypt(struct fuzz_part header, struct fuzz_part plain, char **made)
{
    static const char *const names[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag" };
    json_t *protected = json_loadb(header.text, header.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *jwe = NULL;
    json_t *cek = NULL;
    char *token = NULL;

    *made = NULL;
    if (json_is_string(json_object_get(protected, "alg"))
        && json_is_string(json_object_get(protected, "enc"))) {
        jwe = json_pack("{s:O}", "protected", protected);
        cek = content_key(jwe, protected);
    }
    if (cek && jose_jwe_enc_cek(NULL, jwe, cek, plain.text, plain.n)) {
        token = idb_compact_join(jwe, names, 5);
        *made = json_dumps(protected, JSON_COMPACT);
    }
    json_decref(cek);
    json_decref(jwe);
    json_decref(protected);
    return token;
}

static void decrypt_sealed(struct fuzz_part header, struct fuzz_part plain)
{
    char *made = NULL;
    char *token = encrypt(header, plain, &made);
    struct fuzz_part as_made = { made, made ? strlen(made) : 0 };

    if (token)
        decrypt(token, &as_made, &plain);
    free(made);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part parts[5];
    char *raw;

    if (!rsa)
        setup();
    if (fuzz_split(parts, 2, data, size) > 1) {
        decrypt_sealed(parts[0], parts[1]);
        fuzz_split(parts, 5, data, size);
        decrypt_parts(parts);
        return 0;
    }
    raw = fuzz_text(data, size);
    decrypt(raw, NULL, NULL);
    free(raw);
    return 0;
}
