#include "seal.h"

#include "jose.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_RECORD "idb-record"
#define TYPE_SEALED "idb-sealed"

bool idb_seal(char **sealed, const json_t *record, const struct idb_keys *issue,
              const struct idb_keys *seal, struct idb_error *err)
{
    char *signed_record = NULL;
    char *token = NULL;
    bool ok = false;

    *sealed = NULL;
    if (!idb_jws_sign(&signed_record, record, TYPE_RECORD, &issue->key[0], err)
        || !idb_jwe_seal(&token, signed_record, TYPE_SEALED, seal, err))
        goto out;
    if (strlen(token) > IDB_SEALED_MAX) {
        idb_fail(err, IDB_DATA, "too_large", "The record is over %d bytes once sealed.",
                 IDB_SEALED_MAX);
        goto out;
    }
    *sealed = token;
    token = NULL;
    ok = true;
out:
    free(token);
    idb_text_free(signed_record);
    return ok;
}

bool idb_unseal(json_t **record, const char *sealed, const struct idb_keys *seal,
                const struct idb_keys *issue, struct idb_error *err)
{
    char *signed_record = NULL;
    bool ok = false;

    *record = NULL;
    if (strnlen(sealed, IDB_SEALED_MAX + 1) > IDB_SEALED_MAX)
        return idb_fail(err, IDB_SOFTWARE, "forged", "The sealed record is over %d bytes.",
                        IDB_SEALED_MAX);
    ok = idb_jwe_open(&signed_record, sealed, TYPE_SEALED, seal, err)
         && idb_jws_verify(record, signed_record, TYPE_RECORD, issue, err);
    idb_text_free(signed_record);
    return ok;
}
