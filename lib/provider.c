#include "provider.h"

#include "client.h"
#include "form.h"
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 2048

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

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

/* A request that must be answered 200 with one JSON object; also is a type that
 * serves as well as application/json. */
static bool fetch_json(const struct idb_provider *p, struct idb_http_request *request,
                       const char *also, json_t **object, struct idb_error *err)
{
    struct idb_http_response response = { 0 };
    bool ok;

    request->ca_file = text(p->method, "ca");
    request->deadline = p->deadline;
    *object = NULL;
    if (!idb_http(request, &response, err))
        return false;
    ok = response.status == 200 && is_type(&response, also);
    if (ok)
        *object = json_loadb(response.body, response.size, JSON_REJECT_DUPLICATES, NULL);
    if (!ok && response.status >= 500)
        idb_fail(err, IDB_UNAVAILABLE, "provider_down",
                 "The login provider is out of order (status %ld); try again later.",
                 response.status);
    else if (!ok)
        bad_answer(err, "it is not 200 with JSON");
    else if (!json_is_object(*object))
        ok = bad_answer(err, "it is not a JSON object");
    idb_http_clear(&response);
    if (!ok) {
        json_decref(*object);
        *object = NULL;
    }
    return ok;
}

/* A provider that is asked over https sends nobody to http, on this machine neither. */
static bool is_endpoint(const char *url, const char *issuer)
{
    static const char https[] = "https://";

    return strlen(url) <= URL_MAX && idb_http_may_ask(url)
           && (!strncmp(url, https, strlen(https)) || strncmp(issuer, https, strlen(https)));
}

static bool check_metadata(const struct idb_provider *p, struct idb_error *err)
{
    static const char *const names[] = { "authorization_endpoint", "token_endpoint", "jwks_uri",
                                         "userinfo_endpoint" };
    const char *issuer = text(p->metadata, "issuer");

    if (!issuer || strcmp(issuer, text(p->method, "issuer")) != 0)
        return bad_answer(err, "it names another issuer");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *url = json_object_get(p->metadata, names[i]);
        bool optional = !strcmp(names[i], "userinfo_endpoint");

        if (!(optional && !url)
            && !(json_is_string(url) && is_endpoint(json_string_value(url), issuer)))
            return bad_answer(err, "an endpoint is missing or not https");
    }
    return true;
}

bool idb_provider_discover(struct idb_provider *p, struct idb_error *err)
{
    static const char well_known[] = ".well-known/openid-configuration";
    const char *issuer = text(p->method, "issuer");
    size_t n = strlen(issuer);
    char url[URL_MAX];
    struct idb_http_request request = { .url = url };

    snprintf(url, sizeof url, "%s%s%s", issuer, n > 0 && issuer[n - 1] == '/' ? "" : "/",
             well_known);
    return fetch_json(p, &request, "", &p->metadata, err) && check_metadata(p, err);
}

const char *idb_provider_endpoint(const struct idb_provider *p, const char *name)
{
    return text(p->metadata, name);
}

bool idb_provider_sends_iss(const struct idb_provider *p)
{
    return json_is_true(
        json_object_get(p->metadata, "authorization_response_iss_parameter_supported"));
}

bool idb_provider_keys(struct idb_provider *p, struct idb_error *err)
{
    struct idb_http_request request = { .url = idb_provider_endpoint(p, "jwks_uri") };

    json_decref(p->jwks);
    p->jwks = NULL;
    if (!fetch_json(p, &request, "application/jwk-set+json", &p->jwks, err))
        return false;
    return json_is_array(json_object_get(p->jwks, "keys"))
           || bad_answer(err, "there is no key set");
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
    const char *type = text(tokens, "token_type");

    if (!type || strcasecmp(type, "Bearer") != 0)
        return bad_answer(err, "the token type is not Bearer");
    if (!text(tokens, "access_token") || !text(tokens, "id_token"))
        return bad_answer(err, "a token is missing");
    return is_visible(text(tokens, "access_token"))
           || bad_answer(err, "the access token holds what no header may hold");
}

bool idb_provider_exchange(struct idb_app *app, const struct idb_provider *p, const char *code,
                           const char *verifier, const char *redirect_uri, json_t **tokens,
                           struct idb_error *err)
{
    struct idb_client client = { 0 };
    struct idb_http_request request = { .url = idb_provider_endpoint(p, "token_endpoint") };
    char *form = NULL;
    bool ok = idb_form_add(&form, "grant_type", "authorization_code")
              && idb_form_add(&form, "code", code)
              && idb_form_add(&form, "redirect_uri", redirect_uri)
              && idb_form_add(&form, "code_verifier", verifier);

    *tokens = NULL;
    if (!ok)
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    ok = ok && idb_client_authenticate(app, p, &form, &client, err);
    request.form = form;
    request.basic = client.basic;
    ok = ok && fetch_json(p, &request, "", tokens, err) && check_tokens(*tokens, err);
    if (!ok && err->code && !strcmp(err->code, "provider_answer"))
        idb_fail(err, IDB_UNAVAILABLE, "provider_refused",
                 "The login provider did not confirm the login; begin again.");
    if (form)
        idb_wipe(form, strlen(form));
    free(form);
    idb_client_clear(&client);
    return ok;
}

bool idb_provider_userinfo(const struct idb_provider *p, const char *access_token, const char *sub,
                           json_t **claims, struct idb_error *err)
{
    struct idb_http_request request = { .url = idb_provider_endpoint(p, "userinfo_endpoint"),
                                        .bearer = access_token };

    if (!request.url)
        return bad_answer(err, "it has no userinfo endpoint");
    if (!fetch_json(p, &request, "", claims, err))
        return false;
    if (text(*claims, "sub") && !strcmp(text(*claims, "sub"), sub))
        return true;
    json_decref(*claims);
    *claims = NULL;
    return bad_answer(err, "userinfo is about somebody else");
}

void idb_provider_clear(struct idb_provider *p)
{
    json_decref(p->metadata);
    json_decref(p->jwks);
    p->metadata = p->jwks = NULL;
}
