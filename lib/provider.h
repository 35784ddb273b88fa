/*
 * A login provider (OpenID Provider) as one configured method sees it:
 * metadata (OpenID Connect Discovery 1.0 section 4), keys, token endpoint and
 * userinfo. Everything asked of it here is asked over idb_http().
 *
 *     struct idb_provider p = { .method = method };
 *     if (!idb_provider_discover(&p, err)) ...
 *     idb_provider_clear(&p);
 */
#ifndef IDB_PROVIDER_H
#define IDB_PROVIDER_H

#include "app.h"

struct idb_provider {
    const json_t *method; /* the object of the configuration; borrowed */
    const char *name;     /* its name; borrowed */
    const char *cache;    /* folder that keeps metadata and keys, of cache.h, or NULL; borrowed */
    int64_t deadline;     /* of idb_http_deadline(), for all that is asked of it */
    json_t *metadata;
    json_t *jwks;
    int64_t jwks_fetched_at; /* ms, where jwks comes from the cache; 0 where it was just fetched */
};

/* The metadata, from the cache or fetched. IDB_UNAVAILABLE "provider_down",
 * "provider_answer" (not JSON, another issuer, an endpoint missing or not https);
 * IDB_CONFIG "cache_rights". */
bool idb_provider_discover(struct idb_provider *p, struct idb_error *err);

/* An address of the metadata; NULL when it is not there. Borrowed. */
const char *idb_provider_endpoint(const struct idb_provider *p, const char *name);

/* True when the metadata says that answers carry iss (RFC 9207 section 3). */
bool idb_provider_sends_iss(const struct idb_provider *p);

/* The key set (RFC 7517 section 5), from the cache or fetched. */
bool idb_provider_keys(struct idb_provider *p, struct idb_error *err);

/* Verifies a token of the provider by idb_jwt_verify() and its keys, which are fetched
 * once more where the cache's do not hold the token's: at most once a minute for all
 * processes together, so that no token drives endless requests. */
bool idb_provider_verify(struct idb_provider *p, const char *token, const char *alg,
                         json_t **payload, struct idb_error *err);

/* True where the request is to be pushed (RFC 9126), because the metadata offer it
 * or the configuration demands it. */
bool idb_provider_wants_push(const struct idb_provider *p);

/* Pushes the authorization request (RFC 9126 section 2); *request_uri is freed with
 * free(). IDB_UNAVAILABLE "provider_refused" when it says no. */
bool idb_provider_push(struct idb_app *app, const struct idb_provider *p, const char *query,
                       char **request_uri, struct idb_error *err);

/* Exchanges the code (RFC 6749 section 4.1.3, RFC 7636 section 4.5), once.
 * *tokens is {access_token, token_type, id_token, …}, checked for just those.
 * IDB_UNAVAILABLE "provider_refused" when it says no. */
bool idb_provider_exchange(struct idb_app *app, const struct idb_provider *p, const char *code,
                           const char *verifier, const char *redirect_uri, json_t **tokens,
                           struct idb_error *err);

/* Userinfo (Core 5.3): JSON, or where the method has "userinfo_alg" a JWT signed with
 * that by a key of the provider, of the issuer and for us; where it has "userinfo_encryption"
 * that JWT is encrypted too (app is needed for its key). sub must be the ID token's. */
bool idb_provider_userinfo(struct idb_app *app, struct idb_provider *p, const char *access_token,
                           const char *sub, json_t **claims, struct idb_error *err);

void idb_provider_clear(struct idb_provider *p);

#endif
