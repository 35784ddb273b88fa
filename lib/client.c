#include "client.h"

#include "b64.h"
#include "form.h"
#include "jwe.h"
#include "jwt.h"
#include "request.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX  1024 /* bytes of a client secret */
#define ASSERTION_S 60   /* seconds a client assertion is valid */

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

static bool read_client_secret(struct idb_app *app, const struct idb_provider *p, char **secret,
                               struct idb_error *err)
{
    if (!read_secret(app, p, "secret", secret, err))
        return false;
    return is_secret(*secret)
           || idb_fail(
               err, IDB_CONFIG, "client_key",
               "The client secret %s.secret of the web zone is more than one line of at most"
               " %d bytes, or has a blank at an end; write the one that the provider gave.",
               p->name, SECRET_MAX);
}

/* Identifier and secret are form-encoded before they are joined (RFC 6749 2.3.1). */
static bool basic(struct idb_app *app, const struct idb_provider *p, struct idb_client *client,
                  struct idb_error *err)
{
    char *secret = NULL;
    char *joined = NULL;
    bool ok = read_client_secret(app, p, &secret, err);

    if (ok && !idb_form_add(&joined, idb_request_text(p->method, "client_id"), secret))
        ok = no_memory(err);
    if (ok) {
        *strchr(joined, '=') = ':';
        client->basic = joined;
    }
    idb_keys_text_free(secret);
    return ok;
}

static bool post(struct idb_app *app, const struct idb_provider *p, char **form,
                 struct idb_error *err)
{
    char *secret = NULL;
    bool ok = read_client_secret(app, p, &secret, err)
              && (idb_form_add(form, "client_secret", secret) || no_memory(err));

    idb_keys_text_free(secret);
    return ok;
}

/* A certificate, and the private key that belongs to it. */
static bool is_pair(const char *pem)
{
    char no_password[] = ""; /* else OpenSSL would ask for one */
    BIO *first = BIO_new_mem_buf(pem, -1);
    BIO *second = BIO_new_mem_buf(pem, -1);
    X509 *cert = first ? PEM_read_bio_X509(first, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = second ? PEM_read_bio_PrivateKey(second, NULL, NULL, no_password) : NULL;
    bool ok = cert && key && X509_check_private_key(cert, key) == 1;

    EVP_PKEY_free(key);
    X509_free(cert);
    BIO_free(second);
    BIO_free(first);
    return ok;
}

static bool certificate(struct idb_app *app, const struct idb_provider *p,
                        struct idb_client *client, struct idb_error *err)
{
    return read_secret(app, p, "pem", &client->pem, err)
           && (is_pair(client->pem)
               || idb_fail(err, IDB_CONFIG, "client_key",
                           "%s.pem of the web zone holds no certificate with its private key; put"
                           " both into it.",
                           p->name));
}

static json_t *assertion_claims(const struct idb_provider *p, int64_t now, const char *jti)
{
    const char *id = idb_request_text(p->method, "client_id");
    const char *which = idb_request_text(p->method, "assertion_audience");
    const char *audience = which && !strcmp(which, "issuer")
                               ? idb_request_text(p->method, "issuer")
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
    const char *alg = idb_request_text(p->method, "client_alg");
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
        && !(idb_form_add(form, "client_assertion_type", type)
             && idb_form_add(form, "client_assertion", token)))
        ok = no_memory(err);
    free(token);
    json_decref(claims);
    return ok;
}

/* The JWK in the web zone's file NAME.suffix, a new reference. */
static bool read_jwk(struct idb_app *app, const struct idb_provider *p, const char *suffix,
                     json_t **jwk, struct idb_error *err)
{
    char *secret = NULL;

    *jwk = NULL;
    if (!read_secret(app, p, suffix, &secret, err))
        return false;
    *jwk = json_loads(secret, JSON_REJECT_DUPLICATES, NULL);
    idb_keys_text_free(secret);
    if (json_is_object(*jwk))
        return true;
    json_decref(*jwk);
    *jwk = NULL;
    return idb_fail(err, IDB_CONFIG, "client_key",
                    "The client key %s.%s of the web zone is not a JWK; make a new one.", p->name,
                    suffix);
}

static bool private_key(struct idb_app *app, const struct idb_provider *p, char **form,
                        struct idb_error *err)
{
    json_t *jwk = NULL;
    bool ok = read_jwk(app, p, "jwk", &jwk, err) && assertion(p, jwk, form, err);

    json_decref(jwk);
    return ok;
}

/* The key that rule's algorithm wants. */
static bool read_decryption_key(struct idb_app *app, const struct idb_provider *p,
                                const json_t *rule, json_t **jwk, struct idb_error *err)
{
    if (!read_jwk(app, p, "enc.jwk", jwk, err))
        return false;
    if (idb_jwe_is_key(*jwk, idb_request_text(rule, "alg")))
        return true;
    json_decref(*jwk);
    *jwk = NULL;
    return idb_fail(err, IDB_CONFIG, "client_key",
                    "The client key %s.enc.jwk of the web zone is none for %s; make a new one.",
                    p->name, idb_request_text(rule, "alg"));
}

bool idb_client_decrypt(struct idb_app *app, const struct idb_provider *p, const json_t *rule,
                        const char *token, char **decrypted, struct idb_error *err)
{
    json_t *jwk = NULL;
    bool ok = read_decryption_key(app, p, rule, &jwk, err)
              && idb_jwe_decrypt(decrypted, token, idb_request_text(rule, "alg"),
                                 idb_request_text(rule, "enc"), jwk, err);

    json_decref(jwk);
    return ok;
}

/* True where nothing is encrypted to us, or what opens it is there. */
static bool check_decryption(struct idb_app *app, const struct idb_provider *p, const char *rule,
                             struct idb_error *err)
{
    const json_t *encryption = json_object_get(p->method, rule);
    json_t *jwk = NULL;
    bool ok = !encryption || read_decryption_key(app, p, encryption, &jwk, err);

    json_decref(jwk);
    return ok;
}

bool idb_client_authenticate(struct idb_app *app, const struct idb_provider *p, char **form,
                             struct idb_client *client, struct idb_error *err)
{
    const char *how = idb_request_text(p->method, "client_auth");

    if (!strcmp(how, "private_key_jwt"))
        return private_key(app, p, form, err);
    if (!strcmp(how, "client_secret_post"))
        return post(app, p, form, err);
    if (!strcmp(how, "tls_client_auth"))
        return certificate(app, p, client, err);
    return basic(app, p, client, err);
}

bool idb_client_check(struct idb_app *app, const struct idb_provider *p, struct idb_error *err)
{
    struct idb_client client = { 0 };
    char *form = NULL;
    bool ok = idb_client_authenticate(app, p, &form, &client, err)
              && check_decryption(app, p, "id_token_encryption", err)
              && check_decryption(app, p, "userinfo_encryption", err);

    idb_keys_text_free(form);
    idb_client_clear(&client);
    return ok;
}

void idb_client_clear(struct idb_client *client)
{
    idb_keys_text_free(client->basic);
    idb_keys_text_free(client->pem);
    client->basic = client->pem = NULL;
}
