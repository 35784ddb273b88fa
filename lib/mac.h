/*
 * The few symmetric primitives, all OpenSSL's: hash, MAC, derivation, random
 * bytes, comparison in constant time, wiping.
 *
 *     struct idb_part parts[] = { idb_part_text("call"), idb_part_text(call_id) };
 *     idb_mac(out, key, parts, 2)
 *
 * Several parts are hashed each behind its length (32 bits, big-endian), so
 * that ("ab","c") and ("a","bc") differ. One part alone is hashed as it is.
 */
#ifndef IDB_MAC_H
#define IDB_MAC_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDB_MAC_SIZE 32 /* SHA-256 */
#define IDB_KEY_SIZE 32

/* Comes before anything else of OpenSSL in a program that asks no more of it than this, nor
 * lets a library ask, as libpq does where a store of PostgreSQL is reached by TLS:
 * left out are lists of the names of all algorithms, texts of errors and the freeing of it
 * all at exit. The machine's openssl.cnf counts as ever. */
void idb_mac_only(void);

struct idb_part {
    const void *bytes;
    size_t size;
};

struct idb_part idb_part_text(const char *text);
struct idb_part idb_part_bytes(const void *bytes, size_t size);

/* SHA-256 over the parts. False only when OpenSSL fails. */
bool idb_hash(unsigned char out[IDB_MAC_SIZE], const struct idb_part *parts, size_t n);

/* HMAC-SHA-256 (RFC 2104) over the parts. False only when OpenSSL fails. */
bool idb_mac(unsigned char out[IDB_MAC_SIZE], const unsigned char key[IDB_KEY_SIZE],
             const struct idb_part *parts, size_t n);

/* The same, and a derivation, under a key that is kept, made ready once: that is most of
 * the work. NULL when OpenSSL fails, and with NULL they fail; freeing wipes the key. */
EVP_MAC_CTX *idb_hmac_new(const unsigned char key[IDB_KEY_SIZE]);
void idb_hmac_free(EVP_MAC_CTX *hmac);
bool idb_hmac(unsigned char out[IDB_MAC_SIZE], EVP_MAC_CTX *hmac, const struct idb_part *parts,
              size_t n);
bool idb_hmac_derive(unsigned char out[IDB_KEY_SIZE], EVP_MAC_CTX *hmac, const char *label);

/* A key for one use: HKDF-Expand (RFC 5869 section 2.3) of one block, label as info. */
bool idb_derive(unsigned char out[IDB_KEY_SIZE], const unsigned char key[IDB_KEY_SIZE],
                const char *label);

/* n bytes from OpenSSL's CSPRNG; false when it has none to give. */
bool idb_random(void *out, size_t n);

/* True when both are equal; time does not depend on where they differ. */
bool idb_equal(const void *a, const void *b, size_t n);

/* Overwrites n bytes; survives the optimiser. NULL with 0 is harmless. */
void idb_wipe(void *p, size_t n);

#endif
