/*
 * How we authenticate to a provider's token endpoint and to the one for pushed
 * requests: OpenID Connect Core 1.0 section 9, RFC 8705 section 2. Secrets stand in
 * the web zone's key directory: METHOD.secret for client_secret_basic and
 * client_secret_post, METHOD.jwk for private_key_jwt, METHOD.pem, certificate and
 * key, for tls_client_auth.
 */
#ifndef IDB_CLIENT_H
#define IDB_CLIENT_H

#include "provider.h"

struct idb_client {
    char *basic; /* "id:secret" for HTTP Basic, or NULL */
    char *pem;   /* certificate and key for TLS, or NULL */
};

/* Adds what the method's client_auth wants to the form, which has the client_id
 * where one is wanted, or to client. IDB_CONFIG
 * "key_missing", "key_rights", "client_key"; IDB_NOPERM "key_unreadable". */
bool idb_client_authenticate(struct idb_app *app, const struct idb_provider *p, char **form,
                             struct idb_client *client, struct idb_error *err);

/* The same, and nothing is kept of it: whether it would work, before a resident is
 * sent to log in for nothing. */
bool idb_client_check(struct idb_app *app, const struct idb_provider *p, struct idb_error *err);

/* Decrypts a token as rule, {"alg","enc"}, says, with the method's private key for that,
 * METHOD.enc.jwk. *text is freed with idb_text_free(). IDB_UNAVAILABLE
 * "bad_token_encryption", else as above. */
bool idb_client_decrypt(struct idb_app *app, const struct idb_provider *p, const json_t *rule,
                        const char *token, char **text, struct idb_error *err);

void idb_client_clear(struct idb_client *client);

#endif
