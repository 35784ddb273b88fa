/*
 * What an ID token must say before anybody is believed to have logged in:
 * OpenID Connect Core 1.0 section 3.1.3.7, and nothing of it left out.
 */
#ifndef IDB_IDTOKEN_H
#define IDB_IDTOKEN_H

#include "provider.h"

#define IDB_IDTOKEN_SKEW_S 60  /* clocks may differ by this much */
#define IDB_IDTOKEN_AGE_S  600 /* a token was issued no longer ago than this */

/* What the login was begun with. */
struct idb_expected_login {
    const char *nonce;
    int64_t started_at;       /* ms */
    int64_t now;              /* ms */
    const char *access_token; /* for at_hash */
};

/* Decrypts the token where the method has "id_token_encryption" (app is needed for its key), then
 * verifies the signature (by idb_provider_verify()) and checks iss, aud, azp, exp, iat,
 * nbf, nonce, at_hash, auth_time and sub. *claims is a new reference; *auth_time ms.
 * IDB_UNAVAILABLE "bad_token_signature", "bad_id_token" (the message names the check), IDB_REFUSED
 * "login_too_old". */
bool idb_idtoken_check(struct idb_app *app, struct idb_provider *p, const char *token,
                       const struct idb_expected_login *login, json_t **claims, int64_t *auth_time,
                       struct idb_error *err);

#endif
