#include "mac.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

struct idb_part idb_part_text(const char *text)
{
    return idb_part_bytes(text, strlen(text));
}

struct idb_part idb_part_bytes(const void *bytes, size_t size)
{
    return (struct idb_part){ .bytes = bytes, .size = size };
}

/* The length that stands before each of several parts. */
static bool length_bytes(unsigned char out[4], size_t size)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(size >> (24 - 8 * i));
    return size <= UINT32_MAX;
}

bool idb_hash(unsigned char out[IDB_MAC_SIZE], const struct idb_part *parts, size_t n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char length[4];
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; ok && i < n; i++) {
        ok = length_bytes(length, parts[i].size)
             && (n == 1 || EVP_DigestUpdate(ctx, length, sizeof length) == 1)
             && EVP_DigestUpdate(ctx, parts[i].bytes, parts[i].size) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* A context for HMAC-SHA-256 under key, or NULL. */
static EVP_MAC_CTX *hmac_new(const unsigned char key[IDB_KEY_SIZE])
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                            OSSL_PARAM_construct_end() };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

    EVP_MAC_free(hmac);
    if (ctx && EVP_MAC_init(ctx, key, IDB_KEY_SIZE, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static bool hmac_final(EVP_MAC_CTX *ctx, unsigned char out[IDB_MAC_SIZE])
{
    size_t len = 0;

    return EVP_MAC_final(ctx, out, &len, IDB_MAC_SIZE) == 1 && len == IDB_MAC_SIZE;
}

bool idb_mac(unsigned char out[IDB_MAC_SIZE], const unsigned char key[IDB_KEY_SIZE],
             const struct idb_part *parts, size_t n)
{
    EVP_MAC_CTX *ctx = hmac_new(key);
    unsigned char length[4];
    bool ok = ctx != NULL;

    for (size_t i = 0; ok && i < n; i++) {
        ok = length_bytes(length, parts[i].size)
             && (n == 1 || EVP_MAC_update(ctx, length, sizeof length) == 1)
             && EVP_MAC_update(ctx, parts[i].bytes, parts[i].size) == 1;
    }
    ok = ok && hmac_final(ctx, out);
    EVP_MAC_CTX_free(ctx);
    return ok;
}

bool idb_derive(unsigned char out[IDB_KEY_SIZE], const unsigned char key[IDB_KEY_SIZE],
                const char *label)
{
    EVP_MAC_CTX *ctx = hmac_new(key);
    static const unsigned char first = 1; /* the block's number */
    bool ok = ctx && EVP_MAC_update(ctx, (const unsigned char *)label, strlen(label)) == 1
              && EVP_MAC_update(ctx, &first, 1) == 1 && hmac_final(ctx, out);

    EVP_MAC_CTX_free(ctx);
    return ok;
}

bool idb_random(void *out, size_t n)
{
    return n <= INT_MAX && RAND_priv_bytes(out, (int)n) == 1;
}

bool idb_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void idb_wipe(void *p, size_t n)
{
    if (p)
        OPENSSL_cleanse(p, n);
}
