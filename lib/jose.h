/*
 * JOSE compact serialisation by libjose, with the allow-list that libjose does
 * not have: before any library call the protected header is decoded here and
 * held, whole, against what is expected; then exactly one key is passed.
 *
 *     char *token = NULL;
 *     if (!idb_jws_sign(&token, payload, "idb-record", key, err)) ...
 */
#ifndef IDB_JOSE_H
#define IDB_JOSE_H

#include "keys.h"

/* ES256 over the compact JSON of payload (RFC 7515 section 3.1); the header is
 * exactly alg, kid, typ. *token is the caller's, NUL-terminated, to be freed
 * with free(). */
bool idb_jws_sign(char **token, const json_t *payload, const char *typ, const struct idb_key *key,
                  struct idb_error *err);

/* Checks a token made by idb_jws_sign under one of keys and gives its payload,
 * a new reference, parsed with duplicates rejected. Any failure is the one
 * error IDB_SOFTWARE "forged". */
bool idb_jws_verify(json_t **payload, const char *token, const char *typ,
                    const struct idb_keys *keys, struct idb_error *err);

/* ECDH-ES on P-256 with A256GCM (RFC 7518 sections 4.6, 5.3) of text to the
 * newest of keys (public is enough); the header is exactly alg, enc, epk, kid, typ. */
bool idb_jwe_seal(char **token, const char *text, const char *typ, const struct idb_keys *keys,
                  struct idb_error *err);

/* The text, the caller's, freed with idb_text_free. A key that is gone is
 * IDB_REFUSED "key_destroyed"; any other failure is IDB_SOFTWARE "forged". */
bool idb_jwe_open(char **text, const char *token, const char *typ, const struct idb_keys *keys,
                  struct idb_error *err);

/* dir with A256GCM (RFC 7518 section 4.5) of payload's compact JSON, under a
 * key derived from the newest of keys for this typ: browser cookies and offers.
 * Adds "exp" (seconds) = expires_at / 1000. */
bool idb_token_seal(char **token, const json_t *payload, const char *typ, int64_t expires_at,
                    const struct idb_keys *keys, struct idb_error *err);

/* The payload of a token sealed above, "exp" included, a new reference. Any
 * failure is IDB_DATA "bad_token"; past its time IDB_REFUSED "token_expired". */
bool idb_token_open(json_t **payload, const char *token, const char *typ, int64_t now,
                    const struct idb_keys *keys, struct idb_error *err);

/* Wipes and frees a text that held personal data or a secret. NULL is harmless. */
void idb_text_free(char *text);

#endif
