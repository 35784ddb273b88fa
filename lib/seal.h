/*
 * The sealed record: what a login or an attestor stated, signed and then
 * sealed, so that only the desk reads it and only the web zone can have made it.
 *
 *     {"session","purpose","reference"?,"method","level","auth_time","expires_at",
 *      "consent"?,"attested_by"?,"subject_hash"?,"reference_tied"?,"attributes":{"bsn":"…",…}}
 *
 * reference_tied stands beside a reference that came by an invitation: whether that was
 * for the person who logged in alone.
 * auth_time and expires_at are RFC 3339 with milliseconds. The record is a JWS
 * (typ idb-record, ES256 by issue.key) inside a JWE (typ idb-sealed) to seal.pub.
 */
#ifndef IDB_SEAL_H
#define IDB_SEAL_H

#include "keys.h"

#define IDB_SEALED_MAX (32 * 1024) /* bytes of the sealed text */

/* Signs record with the newest of issue and seals it to the newest of seal.
 * *sealed is the caller's, freed with free(). IDB_DATA "too_large" over
 * IDB_SEALED_MAX. */
bool idb_seal(char **sealed, const json_t *record, const struct idb_keys *issue,
              const struct idb_keys *seal, struct idb_error *err);

/* The record of sealed; a new reference. IDB_SOFTWARE "forged" when it was
 * altered or not made by issue, IDB_REFUSED "key_destroyed" when its key is gone. */
bool idb_unseal(json_t **record, const char *sealed, const struct idb_keys *seal,
                const struct idb_keys *issue, struct idb_error *err);

#endif
