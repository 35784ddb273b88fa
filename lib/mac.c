#include "mac.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

void idb_mac_only(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS
                            | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT,
                        NULL);
}

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

EVP_MAC_CTX *idb_hmac_new(const unsigned char key[IDB_KEY_SIZE])
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

void idb_hmac_free(EVP_MAC_CTX *hmac)
{
    EVP_MAC_CTX_free(hmac);
}

/* Begins anew, whatever became of the last one. */
static bool hmac_begin(EVP_MAC_CTX *hmac)
{
    return hmac && EVP_MAC_init(hmac, NULL, 0, NULL) == 1;
}

static bool hmac_final(EVP_MAC_CTX *hmac, unsigned char out[IDB_MAC_SIZE])
{
    size_t len = 0;

    return EVP_MAC_final(hmac, out, &len, IDB_MAC_SIZE) == 1 && len == IDB_MAC_SIZE;
}

bool idb_hmac(unsigned char out[IDB_MAC_SIZE], EVP_MAC_CTX *hmac, const struct idb_part *parts,
              size_t n)
{
    unsigned char length[4];
    bool ok = hmac_begin(hmac);

    for (size_t i = 0; ok && i < n; i++) {
        ok = length_bytes(length, parts[i].size)
             && (n == 1 || EVP_MAC_update(hmac, length, sizeof length) == 1)
             && EVP_MAC_update(hmac, parts[i].bytes, parts[i].size) == 1;
    }
    return ok && hmac_final(hmac, out);
}

bool idb_hmac_derive(unsigned char out[IDB_KEY_SIZE], EVP_MAC_CTX *hmac, const char *label)
{
    static const unsigned char first = 1; /* the block's number */

    return hmac_begin(hmac)
           && EVP_MAC_update(hmac, (const unsigned char *)label, strlen(label)) == 1
           && EVP_MAC_update(hmac, &first, 1) == 1 && hmac_final(hmac, out);
}

bool idb_mac(unsigned char out[IDB_MAC_SIZE], const unsigned char key[IDB_KEY_SIZE],
             const struct idb_part *parts, size_t n)
{
    EVP_MAC_CTX *hmac = idb_hmac_new(key);
    bool ok = idb_hmac(out, hmac, parts, n);

    idb_hmac_free(hmac);
    return ok;
}

bool idb_derive(unsigned char out[IDB_KEY_SIZE], const unsigned char key[IDB_KEY_SIZE],
                const char *label)
{
    EVP_MAC_CTX *hmac = idb_hmac_new(key);
    bool ok = idb_hmac_derive(out, hmac, label);

    idb_hmac_free(hmac);
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
