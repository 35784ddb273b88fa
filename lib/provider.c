#include "provider.h"

#include "cache.h"
#include "client.h"
#include "form.h"
#include "http.h"
#include "jose.h"
#include "jwt.h"
#include "request.h"
#include "timestamp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX         2048
#define ENTRY_NAME_SIZE 80 /* a method's name and what is kept of it */

static bool bad_answer(struct idb_error *err, const char *what)
{
    return idb_fail(err, IDB_UNAVAILABLE, "provider_answer",
                    "The login provider's answer is not as it must be: %s.", what);
}

static bool is_type(const struct idb_http_response *response, const char *also)
{
    return !strcmp(response->type, "application/json")
           || (also[0] && !strcmp(response->type, also));
}

/* A request that must be answered with that status. The response is cleared by the
 * caller, whatever comes. */
static bool fetch(const struct idb_provider *p, struct idb_http_request *request, long status,
                  struct idb_http_response *response, struct idb_error *err)
{
    request->ca_file = idb_request_text(p->method, "ca");
    request->proxy = idb_request_text(p->method, "proxy");
    request->deadline = p->deadline;
    if (!idb_http(request, response, err))
        return false;
    if (response->status >= 500)
        return idb_fail(err, IDB_UNAVAILABLE, "provider_down",
                        "The login provider is out of order (status %ld); try again later.",
                        response->status);
    return response->status == status || bad_answer(err, "the status is another");
}

/* The same, with one JSON object in answer, which may be kept so many seconds; also is
 * a type that serves as well as application/json. */
static bool fetch_kept(const struct idb_provider *p, struct idb_http_request *request, long status,
                       const char *also, json_t **object, int64_t *lifetime, struct idb_error *err)
{
    struct idb_http_response response = { 0 };
    bool ok = fetch(p, request, status, &response, err)
              && (is_type(&response, also) || bad_answer(err, "it is not JSON"));

    *object = NULL;
    if (ok) {
        *object = json_loadb(response.body, response.size, JSON_REJECT_DUPLICATES, NULL);
        ok = json_is_object(*object) || bad_answer(err, "it is not a JSON object");
    }
    *lifetime = response.lifetime;
    idb_http_clear(&response);
    if (!ok) {
        json_decref(*object);
        *object = NULL;
    }
    return ok;
}

static bool fetch_json(const struct idb_provider *p, struct idb_http_request *request, long status,
                       json_t **object, struct idb_error *err)
{
    int64_t lifetime;

    return fetch_kept(p, request, status, "", object, &lifetime, err);
}

/* The entry in the cache of what is at url. */
static struct idb_cache entry_of(const struct idb_provider *p, const char *what, const char *url,
                                 char name[ENTRY_NAME_SIZE])
{
    snprintf(name, ENTRY_NAME_SIZE, "%s.%s", p->name, what);
    return (struct idb_cache){ p->cache, name, url, idb_request_text(p->method, "ca") };
}

/* A provider that is asked over https sends nobody to http, on this machine neither. */
static bool is_endpoint(const char *url, const char *issuer)
{
    static const char https[] = "https://";

    return strlen(url) <= URL_MAX && idb_http_may_ask(url)
           && (!strncmp(url, https, strlen(https)) || strncmp(issuer, https, strlen(https)));
}

/* Each of the endpoints that are there is one, and those that must be are. */
static bool check_endpoints(const json_t *object, const char *issuer, size_t needed)
{
    static const char *const names[] = { "authorization_endpoint", "token_endpoint", "jwks_uri",
                                         "userinfo_endpoint",
                                         "pushed_authorization_request_endpoint" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *url = json_object_get(object, names[i]);

        if (url ? !json_is_string(url) || !is_endpoint(json_string_value(url), issuer) : i < needed)
            return false;
    }
    return true;
}

static bool check_metadata(const struct idb_provider *p, struct idb_error *err)
{
    const char *issuer = idb_request_text(p->metadata, "issuer");

    if (!issuer || strcmp(issuer, idb_request_text(p->method, "issuer")) != 0)
        return bad_answer(err, "it names another issuer");
    return (check_endpoints(p->metadata, issuer, 3)
            && check_endpoints(json_object_get(p->metadata, "mtls_endpoint_aliases"), issuer, 0))
           || bad_answer(err, "an endpoint is missing or not https");
}

/* What was kept is held against the configuration as what comes, and is none otherwise. */
bool idb_provider_discover(struct idb_provider *p, struct idb_error *err)
{
    static const char well_known[] = ".well-known/openid-configuration";
    const char *issuer = idb_request_text(p->method, "issuer");
    size_t n = strlen(issuer);
    char url[URL_MAX];
    char name[ENTRY_NAME_SIZE];
    struct idb_http_request request = { .url = url };
    struct idb_cache entry = entry_of(p, "metadata", url, name);
    struct idb_error kept = { 0 };
    int64_t now = idb_timestamp_now();
    int64_t at, lifetime;

    snprintf(url, sizeof url, "%s%s%s", issuer, n > 0 && issuer[n - 1] == '/' ? "" : "/",
             well_known);
    if (p->cache && !idb_cache_check(&p->cache, err))
        return false;
    entry.folder = p->cache;
    if (idb_cache_read(&entry, now, &p->metadata, &at) && check_metadata(p, &kept))
        return true;
    json_decref(p->metadata);
    if (!fetch_kept(p, &request, 200, "", &p->metadata, &lifetime, err) || !check_metadata(p, err))
        return false;
    idb_cache_write(&entry, -1, now, lifetime, p->metadata);
    return true;
}

const char *idb_provider_endpoint(const struct idb_provider *p, const char *name)
{
    return idb_request_text(p->metadata, name);
}

bool idb_provider_sends_iss(const struct idb_provider *p)
{
    return json_is_true(
        json_object_get(p->metadata, "authorization_response_iss_parameter_supported"));
}

/* They may say by now that the keys are elsewhere. */
static void forget_metadata(const struct idb_provider *p)
{
    char name[ENTRY_NAME_SIZE];
    struct idb_cache entry = entry_of(p, "metadata", "", name);

    idb_cache_write(&entry, -1, idb_timestamp_now(), 0, NULL);
}

static bool fetch_keys(struct idb_provider *p, const struct idb_cache *entry, int lock,
                       struct idb_error *err)
{
    struct idb_http_request request = { .url = entry->url };
    int64_t at = idb_timestamp_now();
    int64_t lifetime;

    json_decref(p->jwks);
    p->jwks = NULL;
    p->jwks_fetched_at = 0;
    if (!fetch_kept(p, &request, 200, "application/jwk-set+json", &p->jwks, &lifetime, err)
        || (!json_is_array(json_object_get(p->jwks, "keys"))
            && !bad_answer(err, "there is no key set"))) {
        forget_metadata(p);
        return false;
    }
    idb_cache_write(entry, lock, at, lifetime, p->jwks);
    return true;
}

bool idb_provider_keys(struct idb_provider *p, struct idb_error *err)
{
    char name[ENTRY_NAME_SIZE];
    struct idb_cache entry = entry_of(p, "keys", idb_provider_endpoint(p, "jwks_uri"), name);

    json_decref(p->jwks);
    return idb_cache_read(&entry, idb_timestamp_now(), &p->jwks, &p->jwks_fetched_at)
           || fetch_keys(p, &entry, -1, err);
}

/* In place of keys from the cache others: those that another process fetched meanwhile,
 * or those that are fetched now. False when there are no others to be had. */
static bool renew_keys(struct idb_provider *p, struct idb_error *err)
{
    char name[ENTRY_NAME_SIZE];
    struct idb_cache entry = entry_of(p, "keys", idb_provider_endpoint(p, "jwks_uri"), name);
    int lock =
        p->jwks_fetched_at ? idb_cache_lock(&entry, (int)idb_http_time_left(p->deadline)) : -1;
    int64_t now = idb_timestamp_now();
    json_t *kept = NULL;
    int64_t at = 0;
    bool renewed = false;

    if (lock == -1)
        return p->jwks_fetched_at && errno != EWOULDBLOCK && fetch_keys(p, &entry, -1, err);
    if (idb_cache_read(&entry, now, &kept, &at) && at > p->jwks_fetched_at) {
        json_decref(p->jwks);
        p->jwks = json_incref(kept);
        p->jwks_fetched_at = at;
        renewed = true;
    } else if (idb_http_time_left(p->deadline) > 0 && idb_cache_may_fetch_again(lock, now)) {
        renewed = fetch_keys(p, &entry, lock, err);
        if (!renewed)
            idb_cache_fetch_failed(lock, now);
    }
    json_decref(kept);
    idb_cache_unlock(lock);
    return renewed;
}

bool idb_provider_verify(struct idb_provider *p, const char *token, const char *alg,
                         json_t **payload, struct idb_error *err)
{
    bool unknown = false;

    *payload = NULL;
    if (!p->jwks && !idb_provider_keys(p, err))
        return false;
    if (idb_jwt_verify(payload, token, alg, p->jwks, &unknown, err))
        return true;
    if (!unknown || !renew_keys(p, err))
        return false;
    *err = (struct idb_error){ 0 };
    return idb_jwt_verify(payload, token, alg, p->jwks, &unknown, err);
}

/* Of an endpoint the one that is for certificates, where there is such (RFC 8705
 * section 5). */
static const char *endpoint_for(const struct idb_provider *p, const char *name)
{
    const json_t *aliases = json_object_get(p->metadata, "mtls_endpoint_aliases");
    const char *alias = idb_request_text(aliases, name);

    if (alias && !strcmp(idb_request_text(p->method, "client_auth"), "tls_client_auth"))
        return alias;
    return idb_request_text(p->metadata, name);
}

/* Posts the form, with what says who we are added to it; the answer must have that
 * status. Frees the form. */
static bool post_form(struct idb_app *app, const struct idb_provider *p, const char *endpoint,
                      char *form, long status, json_t **answer, struct idb_error *err)
{
    struct idb_client client = { 0 };
    struct idb_http_request request = { .url = endpoint_for(p, endpoint) };
    bool ok = idb_client_authenticate(app, p, &form, &client, err);

    request.form = form;
    request.basic = client.basic;
    request.pem = client.pem;
    ok = ok && fetch_json(p, &request, status, answer, err);
    if (!ok && err->code && !strcmp(err->code, "provider_answer"))
        idb_fail(err, IDB_UNAVAILABLE, "provider_refused",
                 "The login provider did not take our request; try again later.");
    idb_keys_text_free(form);
    idb_client_clear(&client);
    return ok;
}

bool idb_provider_wants_push(const struct idb_provider *p)
{
    return idb_request_text(p->metadata, "pushed_authorization_request_endpoint")
           || json_is_true(json_object_get(p->method, "require_pushed_authorization_requests"));
}

bool idb_provider_push(struct idb_app *app, const struct idb_provider *p, const char *query,
                       char **request_uri, struct idb_error *err)
{
    static const char endpoint[] = "pushed_authorization_request_endpoint";
    json_t *answer = NULL;
    char *form = NULL;
    const char *uri;
    bool ok;

    *request_uri = NULL;
    if (!idb_request_text(p->metadata, endpoint))
        return bad_answer(err, "it takes no pushed requests");
    form = strdup(query);
    ok = form ? post_form(app, p, endpoint, form, 201, &answer, err)
              : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    uri = idb_request_text(answer, "request_uri");
    if (ok && (!uri || !uri[0] || strlen(uri) > URL_MAX))
        ok = bad_answer(err, "there is no request_uri");
    if (ok)
        *request_uri = strdup(uri);
    json_decref(answer);
    return ok && (*request_uri || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory."));
}

/* RFC 6749 appendix A.12, less the blank, for it is sent in a header of its own. */
static bool is_visible(const char *token)
{
    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return false;
    return *token != '\0';
}

static bool check_tokens(const json_t *tokens, struct idb_error *err)
{
    const char *type = idb_request_text(tokens, "token_type");

    return (type && !strcasecmp(type, "Bearer") && idb_request_text(tokens, "access_token")
            && idb_request_text(tokens, "id_token")
            && is_visible(idb_request_text(tokens, "access_token")))
           || idb_fail(err, IDB_UNAVAILABLE, "provider_refused",
                       "The login provider did not confirm the login; begin again.");
}

bool idb_provider_exchange(struct idb_app *app, const struct idb_provider *p, const char *code,
                           const char *verifier, const char *redirect_uri, json_t **tokens,
                           struct idb_error *err)
{
    bool basic = !strcmp(idb_request_text(p->method, "client_auth"), "client_secret_basic");
    char *form = NULL;

    *tokens = NULL;
    if (!idb_form_add(&form, "grant_type", "authorization_code")
        || !idb_form_add(&form, "code", code) || !idb_form_add(&form, "redirect_uri", redirect_uri)
        || !idb_form_add(&form, "code_verifier", verifier)
        || !(basic || idb_form_add(&form, "client_id", idb_request_text(p->method, "client_id")))) {
        idb_keys_text_free(form);
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    }
    if (post_form(app, p, "token_endpoint", form, 200, tokens, err) && check_tokens(*tokens, err))
        return true;
    json_decref(*tokens);
    *tokens = NULL;
    return false;
}

/* Signed userinfo (Core 5.3.2): by the provider, for us. */
static bool fetch_signed(struct idb_app *app, struct idb_provider *p,
                         struct idb_http_request *request, const char *alg, json_t **claims,
                         struct idb_error *err)
{
    const json_t *encryption = json_object_get(p->method, "userinfo_encryption");
    struct idb_http_response response = { 0 };
    char *inner = NULL;
    bool ok = fetch(p, request, 200, &response, err)
              && (!strcmp(response.type, "application/jwt") || bad_answer(err, "it is not signed"))
              && (!encryption || idb_client_decrypt(app, p, encryption, response.body, &inner, err))
              && idb_provider_verify(p, inner ? inner : response.body, alg, claims, err);

    idb_text_free(inner);
    idb_http_clear(&response);
    if (!ok)
        return false;
    return (idb_request_text(*claims, "iss")
            && !strcmp(idb_request_text(*claims, "iss"), idb_request_text(p->method, "issuer"))
            && idb_jwt_is_for(*claims, idb_request_text(p->method, "client_id")))
           || bad_answer(err, "userinfo is of another, or for another");
}

bool idb_provider_userinfo(struct idb_app *app, struct idb_provider *p, const char *access_token,
                           const char *sub, json_t **claims, struct idb_error *err)
{
    const char *alg = idb_request_text(p->method, "userinfo_alg");
    struct idb_http_request request = { .url = idb_provider_endpoint(p, "userinfo_endpoint"),
                                        .bearer = access_token };
    bool ok;

    *claims = NULL;
    if (!request.url)
        return bad_answer(err, "it has no userinfo endpoint");
    ok = alg ? fetch_signed(app, p, &request, alg, claims, err)
             : fetch_json(p, &request, 200, claims, err);
    if (ok && idb_request_text(*claims, "sub") && !strcmp(idb_request_text(*claims, "sub"), sub))
        return true;
    json_decref(*claims);
    *claims = NULL;
    return ok ? bad_answer(err, "userinfo is about somebody else") : false;
}

void idb_provider_clear(struct idb_provider *p)
{
    json_decref(p->metadata);
    json_decref(p->jwks);
    p->metadata = p->jwks = NULL;
}
