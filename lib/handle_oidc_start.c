#include "cookie.h"
#include "handlers.h"

#include "client.h"
#include "form.h"
#include "hours.h"
#include "login.h"
#include "mapping.h"
#include "oidc.h"
#include "provider.h"
#include "timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_AGE "300" /* seconds since the login, as asked of the provider */

/* {name, label} of each entry of names in the configuration's map of that kind. */
static json_t *labelled(const struct idb_app *app, const json_t *names,
                        const json_t *(*get)(const struct idb_config *, const char *),
                        const char *lang)
{
    json_t *list = json_array();
    const json_t *name;
    size_t i;

    json_array_foreach ((json_t *)names, i, name) {
        const json_t *entry = get(app->config, json_string_value(name));

        json_array_append_new(list,
                              json_pack("{s:O, s:s}", "name", name, "label",
                                        idb_config_text(json_object_get(entry, "label"), lang)));
    }
    return list;
}

/* What the start page shows before any login. */
static json_t *describe(const struct idb_app *app, const char *name, const char *lang)
{
    const json_t *purpose = idb_config_purpose(app->config, name);
    const json_t *organisation = json_object_get(app->config->root, "organisation");
    const char *line = json_string_value(json_object_get(purpose, "line"));
    const json_t *l = idb_config_line(app->config, line);
    json_t *a = json_pack(
        "{s:{s:s, s:O}, s:o, s:s, s:o, s:o, s:O*, s:O*, s:O*}", "organisation", "name",
        idb_config_text(json_object_get(organisation, "name"), lang), "url",
        json_object_get(organisation, "url"), "purpose", idb_answer_purpose(app, name, lang),
        "lang", lang, "attributes",
        labelled(app, json_object_get(purpose, "attributes"), idb_config_attribute, lang),
        "methods", labelled(app, json_object_get(purpose, "methods"), idb_config_method, lang),
        "hours", json_object_get(l, "hours"), "closed", json_object_get(l, "closed"),
        "minimum_level", json_object_get(purpose, "minimum_level"));

    if (a) {
        idb_answer_number(app, a, line, NULL);
        idb_hours_answer(a, l, idb_timestamp_now());
    }
    return a;
}

/* The values of the level claim that are enough, as the provider wants them asked. */
static json_t *acceptable(const struct idb_app *app, const json_t *purpose, const json_t *method)
{
    const json_t *rule = json_object_get(method, "level");
    const char *minimum = json_string_value(json_object_get(purpose, "minimum_level"));
    int least = minimum ? idb_config_level(app->config, minimum) : 0;
    json_t *values = json_array();
    const char *value;
    json_t *level;

    json_object_foreach (json_object_get(rule, "values"), value, level) {
        if (idb_config_level(app->config, json_string_value(level)) >= least)
            json_array_append_new(values, json_string(value));
    }
    return values;
}

/* The claims parameter (Core 5.5): just the purpose's attributes, and the level. */
static char *claims_parameter(const json_t *purpose, const json_t *method, const json_t *values)
{
    json_t *userinfo = json_object();
    json_t *id_token = json_object();
    json_t *claims = json_pack("{s:o, s:o}", "userinfo", userinfo, "id_token", id_token);
    const char *level =
        json_string_value(json_object_get(json_object_get(method, "level"), "claim"));
    const json_t *name;
    char *text;
    size_t i;

    json_array_foreach (json_object_get(purpose, "attributes"), i, name) {
        const char *path = json_string_value(
            json_object_get(json_object_get(method, "claims"), json_string_value(name)));
        json_t *top = json_stringn(path, idb_mapping_step(path));

        json_object_set_new(userinfo, json_string_value(top), json_pack("{s:b}", "essential", 1));
        json_decref(top);
    }
    if (level && json_array_size(values) > 0)
        json_object_set_new(id_token, level,
                            json_pack("{s:b, s:O}", "essential", 1, "values", values));
    text = json_dumps(claims, JSON_COMPACT);
    json_decref(claims);
    return text;
}

/* acr_values: what "level"."request" says for the minimum, else all that is enough. */
static bool add_acr_values(char **query, const json_t *purpose, const json_t *method,
                           const json_t *values)
{
    const char *minimum = json_string_value(json_object_get(purpose, "minimum_level"));
    const char *wanted = json_string_value(
        json_object_get(json_object_get(json_object_get(method, "level"), "request"), minimum));
    char joined[1024] = "";
    const json_t *value;
    size_t n = 0;
    size_t i;

    json_array_foreach ((json_t *)values, i, value) {
        if (!wanted && n < sizeof joined)
            n += (size_t)snprintf(joined + n, sizeof joined - n, "%s%s", i ? " " : "",
                                  json_string_value(value));
    }
    if (wanted)
        return idb_form_add(query, "acr_values", wanted);
    return !joined[0] || n >= sizeof joined || idb_form_add(query, "acr_values", joined);
}

static bool add_scope(char **query, const json_t *method)
{
    const char *more = json_string_value(json_object_get(method, "scope"));
    char scope[320];

    snprintf(scope, sizeof scope, "openid%s%s", more ? " " : "", more ? more : "");
    return idb_form_add(query, "scope", scope);
}

/* The authentication request (Core 3.1.2.1). */
static char *build_query(const struct idb_app *app, const struct idb_login *login,
                         const struct idb_provider *p)
{
    const json_t *purpose = idb_config_purpose(app->config, login->purpose);
    json_t *values = acceptable(app, purpose, p->method);
    char *claims = claims_parameter(purpose, p->method, values);
    char redirect_uri[IDB_REDIRECT_URI_SIZE];
    char challenge[IDB_SECRET_SIZE];
    char *query = NULL;
    bool ok = claims && idb_login_challenge(challenge, login->verifier);

    idb_oidc_redirect_uri(app, p->name, redirect_uri);
    ok = ok && idb_form_add(&query, "response_type", "code")
         && idb_form_add(&query, "response_mode", "query")
         && idb_form_add(&query, "client_id",
                         json_string_value(json_object_get(p->method, "client_id")))
         && idb_form_add(&query, "redirect_uri", redirect_uri) && add_scope(&query, p->method)
         && idb_form_add(&query, "state", login->state)
         && idb_form_add(&query, "nonce", login->nonce)
         && idb_form_add(&query, "code_challenge", challenge)
         && idb_form_add(&query, "code_challenge_method", "S256")
         && idb_form_add(&query, "prompt", "login") && idb_form_add(&query, "max_age", MAX_AGE)
         && idb_form_add(&query, "ui_locales", login->lang)
         && idb_form_add(&query, "claims", claims)
         && add_acr_values(&query, purpose, p->method, values);
    free(claims);
    json_decref(values);
    if (!ok) {
        free(query);
        query = NULL;
    }
    return query;
}

/* What the browser carries: the request itself, or where it was pushed to. */
static bool carried(struct idb_app *app, const struct idb_login *login,
                    const struct idb_provider *p, char **query, struct idb_error *err)
{
    char *request = build_query(app, login, p);
    char *uri = NULL;
    bool ok = request || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");

    *query = NULL;
    if (!ok || !idb_provider_wants_push(p)) {
        *query = request;
        return ok;
    }
    ok = idb_provider_push(app, p, request, &uri, err)
         && ((idb_form_add(query, "client_id",
                           json_string_value(json_object_get(p->method, "client_id")))
              && idb_form_add(query, "request_uri", uri))
             || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory."));
    free(uri);
    free(request);
    return ok;
}

static bool begin(struct idb_app *app, struct idb_login *login, const struct idb_provider *p,
                  const char *header, json_t **answer, struct idb_error *err)
{
    const char *endpoint = idb_provider_endpoint(p, "authorization_endpoint");
    json_t *cookies = json_array();
    char *query = NULL;
    bool ok =
        idb_login_begin(app, login, header, cookies, err) && carried(app, login, p, &query, err);

    if (ok)
        *answer =
            json_pack("{s:o, s:O}", "location",
                      json_sprintf("%s%s%s", endpoint, strchr(endpoint, '?') ? "&" : "?", query),
                      "cookies", cookies);
    free(query);
    json_decref(cookies);
    return ok;
}

/* code: of an invitation, or "". */
static bool start_login(struct idb_app *app, const json_t *request, const char *purpose,
                        const char *code, const char *lang, json_t **answer, struct idb_error *err)
{
    const char *method = idb_request_text(request, "method");
    struct idb_provider p = { .name = method, .cache = app->config->cache_directory };
    struct idb_login login = { 0 };
    bool ok;

    p.method = idb_oidc_method(app, purpose, method, err);
    if (!p.method)
        return false;
    snprintf(login.method, sizeof login.method, "%s", method);
    snprintf(login.purpose, sizeof login.purpose, "%s", purpose);
    snprintf(login.lang, sizeof login.lang, "%s", lang);
    snprintf(login.invitation, sizeof login.invitation, "%s", code);
    ok = idb_provider_discover(&p, err) && idb_client_check(app, &p, err)
         && begin(app, &login, &p, idb_request_text(request, "cookies"), answer, err);
    idb_provider_clear(&p);
    idb_wipe(&login, sizeof login);
    return ok;
}

/* Looks an invitation up, and counts it where there is none. The store is left before
 * any provider is asked. */
static bool take_invitation(struct idb_app *app, const char *typed, struct idb_invitation *inv,
                            bool *refused, struct idb_error *err)
{
    return idb_app_invitations(app, err) && idb_app_write(app, err)
           && idb_invitation_try(app, typed, idb_cgi_variable("REMOTE_ADDR"), inv, refused, err)
           && idb_app_commit(app, err);
}

/* Adds the invitation, as it is shown, to what a page goes on with. */
static void add_invitation(json_t *answer, const char *code)
{
    char shown[IDB_INVITATION_SHOWN_SIZE];

    if (!code[0])
        return;
    idb_invitation_show(shown, code);
    json_object_set_new(answer, "invitation", json_string(shown));
}

static bool go_on(struct idb_app *app, const json_t *request, const char *purpose, const char *code,
                  const char *lang, json_t **answer, struct idb_error *err)
{
    if (!idb_config_purpose(app->config, purpose))
        return idb_fail(err, IDB_DATA, "unknown_purpose",
                        "The configuration has no such purpose; idb-config show lists them.");
    if (!json_object_get(request, "method")) {
        *answer = describe(app, purpose, lang);
        add_invitation(*answer, code);
    } else if (!start_login(app, request, purpose, code, lang, answer, err)) {
        *answer = idb_oidc_refusal(err, purpose, lang);
        add_invitation(*answer, code);
    }
    return true; /* nothing was stored, whatever the answer */
}

bool idb_handle_oidc_start(struct idb_app *app, const json_t *request, json_t **answer,
                           struct idb_error *err)
{
    static const struct idb_member members[] = {
        { "purpose", JSON_STRING, 64, IDB_REQUIRED },
        { "method", JSON_STRING, 64, IDB_OPTIONAL },
        { "lang", JSON_STRING, 2, IDB_OPTIONAL },
        { "cookies", JSON_STRING, 65536, IDB_OPTIONAL },
    };
    static const struct idb_member invited[] = {
        { "invitation", JSON_STRING, IDB_INVITATION_TYPED_MAX, IDB_REQUIRED },
        { "method", JSON_STRING, 64, IDB_OPTIONAL },
        { "lang", JSON_STRING, 2, IDB_OPTIONAL },
        { "cookies", JSON_STRING, 65536, IDB_OPTIONAL },
    };
    const char *typed = idb_request_text(request, "invitation");
    struct idb_invitation inv = { 0 };
    bool refused = false;
    const char *lang;
    bool ok = idb_request_check(request, typed ? invited : members, 4, err)
              && idb_request_lang(request, &lang, err);

    ok = ok && (!typed || take_invitation(app, typed, &inv, &refused, err));
    if (ok && !refused)
        ok = go_on(app, request, typed ? inv.purpose : idb_request_text(request, "purpose"),
                   inv.code, lang, answer, err);
    idb_invitation_clear(&inv);
    return ok;
}

const struct idb_app_part idb_handle_oidc_start_part = {
    .served = { .name = "oidc-start", .cgi = { .cookies = IDB_COOKIE_PREFIX } },
    .keys = IDB_KEY_BROWSER,
    .repeatable = true, /* but for a wrong code of a letter, which then counts twice */
    .handle = idb_handle_oidc_start,
};
