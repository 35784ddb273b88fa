#include "client.h"

#include "b64.h"
#include "form.h"
#include "jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX  1024 /* bytes of a client secret */
#define ASSERTION_S 60   /* seconds a client assertion is valid */

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool no_memory(struct idb_error *err)
{
    return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

/* The web zone's file NAME.suffix. */
static bool read_secret(struct idb_app *app, const struct idb_provider *p, const char *suffix,
                        char **secret, struct idb_error *err)
{
    char name[80];

    snprintf(name, sizeof name, "%s.%s", p->name, suffix);
    return idb_keys_read_text(secret, app->config, IDB_WEB, name, err);
}

/* One line, without the blanks that come along when one is pasted. */
static bool is_secret(const char *secret)
{
    size_t n = strlen(secret);

    return n <= SECRET_MAX && !strpbrk(secret, "\t\r\n") && secret[0] != ' '
           && secret[n - 1] != ' ';
}

/* Identifier and secret are form-encoded before they are joined (RFC 6749 2.3.1). */
static bool basic(struct idb_app *app, const struct idb_provider *p, struct idb_client *client,
                  struct idb_error *err)
{
    char *secret = NULL;
    char *joined = NULL;
    bool ok = read_secret(app, p, "secret", &secret, err);

    if (ok && !is_secret(secret))
        ok = idb_fail(err, IDB_CONFIG, "client_key",
                      "The client secret %s.secret of the web zone is more than one line of at most"
                      " %d bytes, or has a blank at an end; write the one that the provider gave.",
                      p->name, SECRET_MAX);
    if (ok && !idb_form_add(&joined, text(p->method, "client_id"), secret))
        ok = no_memory(err);
    if (ok) {
        *strchr(joined, '=') = ':';
        client->basic = joined;
    }
    idb_keys_text_free(secret);
    return ok;
}

static json_t *assertion_claims(const struct idb_provider *p, int64_t now, const char *jti)
{
    const char *id = text(p->method, "client_id");
    const char *which = text(p->method, "assertion_audience");
    const char *audience = which && !strcmp(which, "issuer")
                               ? text(p->method, "issuer")
                               : idb_provider_endpoint(p, "token_endpoint");

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", id, "sub", id, "aud", audience, "jti",
                     jti, "iat", (json_int_t)(now / 1000), "exp",
                     (json_int_t)(now / 1000 + ASSERTION_S));
}

/* A fresh assertion, signed by the method's own key (RFC 7523). */
static bool assertion(const struct idb_provider *p, const json_t *jwk, char **form,
                      struct idb_error *err)
{
    static const char type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const char *alg = text(p->method, "client_alg");
    unsigned char bytes[16];
    char jti[IDB_B64_SIZE(sizeof bytes)];
    json_t *claims = NULL;
    char *token = NULL;
    bool ok =
        idb_random(bytes, sizeof bytes)
        || idb_fail(err, IDB_UNAVAILABLE, "random", "No random bytes are to be had; try again.");

    idb_b64_encode(jti, bytes, sizeof bytes);
    claims = assertion_claims(p, idb_timestamp_now(), jti);
    ok = ok && (claims || no_memory(err));
    if (ok && !idb_jwt_sign(&token, claims, alg ? alg : "ES256", jwk, err))
        ok =
            idb_fail(err, IDB_CONFIG, "client_key",
                     "The client key %s.jwk of the web zone does not sign with %s; make a new one.",
                     p->name, alg ? alg : "ES256");
    if (ok
        && !(idb_form_add(form, "client_id", text(p->method, "client_id"))
             && idb_form_add(form, "client_assertion_type", type)
             && idb_form_add(form, "client_assertion", token)))
        ok = no_memory(err);
    free(token);
    json_decref(claims);
    return ok;
}

static bool private_key(struct idb_app *app, const struct idb_provider *p, char **form,
                        struct idb_error *err)
{
    char *secret = NULL;
    json_t *jwk = NULL;
    bool ok = read_secret(app, p, "jwk", &secret, err);

    if (ok) {
        jwk = json_loads(secret, JSON_REJECT_DUPLICATES, NULL);
        ok = json_is_object(jwk)
             || idb_fail(err, IDB_CONFIG, "client_key",
                         "The client key %s.jwk of the web zone is not a JWK; make a new one.",
                         p->name);
    }
    ok = ok && assertion(p, jwk, form, err);
    json_decref(jwk);
    idb_keys_text_free(secret);
    return ok;
}

bool idb_client_authenticate(struct idb_app *app, const struct idb_provider *p, char **form,
                             struct idb_client *client, struct idb_error *err)
{
    const char *how = text(p->method, "client_auth");

    return !strcmp(how, "private_key_jwt") ? private_key(app, p, form, err)
                                           : basic(app, p, client, err);
}

bool idb_client_check(struct idb_app *app, const struct idb_provider *p, struct idb_error *err)
{
    struct idb_client client = { 0 };
    char *form = NULL;
    bool ok = idb_client_authenticate(app, p, &form, &client, err);

    idb_keys_text_free(form);
    idb_client_clear(&client);
    return ok;
}

void idb_client_clear(struct idb_client *client)
{
    idb_keys_text_free(client->basic);
    client->basic = NULL;
}
