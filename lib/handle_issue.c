#include "handlers.h"

#include "audit.h"
#include "bsn.h"
#include "caller.h"
#include "config_check.h"
#include "cookie.h"
#include "grant.h"
#include "invitation.h"
#include "offer.h"
#include "seal.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX   1024         /* bytes of an attribute's value */
#define AUTH_AGE_MS (30 * 60000) /* an attestation is made while the resident is there */
#define ERASE_ALONG 4            /* overdue sessions ended by each issue */

static bool end_overdue(struct idb_app *app, struct idb_error *err)
{
    int64_t expired, erased;

    return idb_session_expire_due(app, ERASE_ALONG, &expired, &erased, err);
}

static bool check_value(const struct idb_app *app, const char *name, const json_t *value,
                        struct idb_error *err)
{
    const json_t *attribute = idb_config_attribute(app->config, name);
    const char *type = json_string_value(json_object_get(attribute, "type"));
    const char *text = json_string_value(value);

    if (!text || json_string_length(value) > VALUE_MAX || !idb_request_is_plain(text))
        return idb_fail(err, IDB_DATA, "bad_attribute",
                        "attributes.%s must be a text of 1 to %d bytes without control characters.",
                        name, VALUE_MAX);
    if (type && !strcmp(type, "bsn") && !idb_bsn_is_valid(text))
        return idb_fail(err, IDB_DATA, "bad_attribute",
                        "attributes.%s is no citizen service number (nine digits, test of eleven).",
                        name);
    return true;
}

/* Exactly the purpose's attributes: none missing, none more. */
static bool check_attributes(const struct idb_app *app, const json_t *purpose,
                             const json_t *attributes, struct idb_error *err)
{
    const json_t *names = json_object_get(purpose, "attributes");
    const json_t *name;
    size_t i;

    json_array_foreach (names, i, name) {
        const json_t *value = json_object_get(attributes, json_string_value(name));

        if (!value)
            return idb_fail(err, IDB_DATA, "attribute_missing", "The purpose needs attribute %s.",
                            json_string_value(name));
        if (!check_value(app, json_string_value(name), value, err))
            return false;
    }
    return json_object_size(attributes) == json_array_size(names)
           || idb_fail(err, IDB_DATA, "attribute_not_allowed",
                       "There are attributes that the purpose does not ask for; leave them out.");
}

static bool check_level(const struct idb_app *app, const json_t *purpose, const char *level,
                        struct idb_error *err)
{
    const char *minimum = json_string_value(json_object_get(purpose, "minimum_level"));
    int rank = idb_config_level(app->config, level);

    if (rank < 0)
        return idb_fail(err, IDB_DATA, "unknown_level",
                        "auth.level is not one of the configuration's levels.");
    return !minimum || rank >= idb_config_level(app->config, minimum)
           || idb_fail(err, IDB_REFUSED, "level_too_low",
                       "The purpose needs a login of level %s at least.", minimum);
}

/* auth_time is optional: an attestor who leaves it out says "now". */
static bool read_auth_time(const json_t *auth, int64_t now, int64_t *auth_time,
                           struct idb_error *err)
{
    const char *text = idb_request_text(auth, "auth_time");

    *auth_time = now;
    if (text && !idb_timestamp_parse(auth_time, text))
        return idb_fail(err, IDB_DATA, "bad_request",
                        "auth.auth_time must be RFC 3339, such as 2026-01-31T12:00:00Z.");
    if (*auth_time > now + IDB_CLOCK_SLACK_MS || *auth_time < now - AUTH_AGE_MS)
        return idb_fail(err, IDB_DATA, "bad_auth_time",
                        "auth.auth_time lies in the future, or more than 30 minutes back.");
    return true;
}

static json_t *record(const struct idb_app *app, const json_t *request, const char *id,
                      int64_t auth_time, int64_t expires_at)
{
    const json_t *auth = json_object_get(request, "auth");
    const json_t *reference = json_object_get(request, "reference");
    json_t *r =
        json_pack("{s:s, s:O, s:O, s:O, s:s, s:O}", "session", id, "purpose",
                  json_object_get(request, "purpose"), "method", json_object_get(auth, "method"),
                  "level", json_object_get(auth, "level"), "attested_by", app->attest, "attributes",
                  json_object_get(request, "attributes"));

    idb_answer_time(r, "auth_time", auth_time);
    idb_answer_time(r, "expires_at", expires_at);
    if (r && reference)
        json_object_set(r, "reference", (json_t *)reference);
    return r;
}

static bool seal(struct idb_app *app, const json_t *request, const char *id, int64_t auth_time,
                 int64_t expires_at, char **sealed, struct idb_error *err)
{
    json_t *r = record(app, request, id, auth_time, expires_at);
    bool ok = r ? idb_seal(sealed, r, app->issue, app->seal, err)
                : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");

    json_decref(r);
    return ok;
}

/* What the audit keeps of an issue: names and ids. */
static json_t *detail(const json_t *names, const char *purpose, const char *consent,
                      const char *lang)
{
    return json_pack("{s:s, s:O, s:s*, s:s}", "purpose", purpose, "attributes", names, "consent",
                     consent, "lang", lang);
}

static bool check_attested(struct idb_app *app, const json_t *request, struct idb_error *err)
{
    static const struct idb_member members[] = {
        { "purpose", JSON_STRING, 64, IDB_REQUIRED },
        { "attributes", JSON_OBJECT, 64, IDB_REQUIRED },
        { "auth", JSON_OBJECT, 3, IDB_REQUIRED },
        { "reference", JSON_STRING, 128, IDB_OPTIONAL },
        { "lang", JSON_STRING, 2, IDB_OPTIONAL },
        { "caller", JSON_STRING, 16, IDB_OPTIONAL },
    };
    static const struct idb_member auth_members[] = { { "method", JSON_STRING, 64, IDB_REQUIRED },
                                                      { "level", JSON_STRING, 64, IDB_REQUIRED },
                                                      { "auth_time", JSON_STRING, 40,
                                                        IDB_OPTIONAL } };
    const json_t *auth = json_object_get(request, "auth");
    const json_t *purpose;

    if (!idb_config_may_attest(app->config, app->attest))
        return idb_fail(err, IDB_NOPERM, "attestor_unknown",
                        "--attest names nobody whom the configuration lists under issue.attest.");
    if (!idb_request_check(request, members, 6, err)
        || !idb_request_check(auth, auth_members, 3, err))
        return false;
    purpose = idb_config_purpose(app->config, idb_request_text(request, "purpose"));
    if (!purpose)
        return idb_fail(err, IDB_DATA, "unknown_purpose",
                        "The configuration has no such purpose; idb-config show lists them.");
    return check_attributes(app, purpose, json_object_get(request, "attributes"), err)
           && check_level(app, purpose, idb_request_text(auth, "level"), err);
}

static bool check_caller(const json_t *request, struct idb_error *err)
{
    const char *caller = idb_request_text(request, "caller");

    return !caller || idb_caller_is_number(caller)
           || idb_fail(err, IDB_DATA, "bad_request",
                       "\"caller\" must be a telephone number such as +31612345678.");
}

static bool issue_attested(struct idb_app *app, const json_t *request, json_t **answer,
                           struct idb_error *err)
{
    unsigned char hash[IDB_MAC_SIZE] = { 0 };
    char id[IDB_ID_SIZE];
    char token[IDB_ID_SIZE];
    char code[IDB_CODE_SIZE] = "";
    char *sealed = NULL;
    struct idb_grant g = { .session = id,
                           .purpose = idb_request_text(request, "purpose"),
                           .token_hash = hash,
                           .caller = idb_request_text(request, "caller") };
    const json_t *names = json_object_get(idb_config_purpose(app->config, g.purpose), "attributes");
    bool made = false;
    bool ok = idb_request_lang(request, &g.lang, err) && idb_grant_draw_id(id, err)
              && idb_grant_draw_id(token, err) && idb_session_token_hash(hash, token, err)
              && idb_app_write(app, err)
              && read_auth_time(json_object_get(request, "auth"), app->now, &g.auth_time, err);

    g.expires_at = app->now + app->config->session_lifetime_ms;
    ok = ok && seal(app, request, id, g.auth_time, g.expires_at, &sealed, err);
    g.sealed = sealed;
    ok = ok && idb_grant_issue(app, &g, code, &made, err)
         && idb_audit(app, "issue", id, "ok", detail(names, g.purpose, NULL, g.lang), err)
         && idb_grant_answer(app, id, code, token, answer, err) && end_overdue(app, err);
    free(sealed);
    idb_wipe(token, sizeof token);
    idb_wipe(code, sizeof code);
    return ok;
}

/* True when that cookie holds the token that the offer was made with. */
static bool holds(const struct idb_offer *o, const json_t *request, const char *cookie,
                  char token[IDB_COOKIE_MAX], struct idb_error *err)
{
    unsigned char hash[IDB_MAC_SIZE] = { 0 };

    return idb_cookie_get(token, IDB_COOKIE_MAX, idb_request_text(request, "cookies"), cookie, err)
           && idb_session_token_hash(hash, token, err)
           && (idb_equal(hash, o->token_hash, IDB_MAC_SIZE)
               || idb_fail(err, IDB_REFUSED, "other_browser",
                           "The login was made in another browser or window; begin again here."));
}

/* The browser that logged in is the one that agrees: it holds the offer's cookie, or
 * what became of it when the offer was spent before. *again says the latter. */
static bool check_browser(const struct idb_offer *o, const json_t *request,
                          char token[IDB_COOKIE_MAX], bool *again, struct idb_error *err)
{
    struct idb_error ignored = { 0 };

    *again = holds(o, request, IDB_COOKIE_SESSION, token, &ignored);
    if (*again || holds(o, request, IDB_COOKIE_OFFER, token, err))
        return true;
    if (!strcmp(err->code, "no_cookie"))
        *err = ignored;
    return false;
}

/* What the configuration asks now, which may be more than when the offer was made. */
static bool check_offer(const struct idb_app *app, const struct idb_offer *o, struct idb_error *err)
{
    const json_t *purpose = idb_config_purpose(app->config, o->purpose);

    if (!purpose)
        return idb_fail(err, IDB_DATA, "unknown_purpose",
                        "The configuration no longer has this purpose.");
    if (!idb_config_check_has(json_object_get(purpose, "methods"), o->method))
        return idb_fail(err, IDB_DATA, "unknown_method",
                        "This question can no longer be asked with that login.");
    return !json_object_get(purpose, "minimum_level") || check_level(app, purpose, o->level, err);
}

/* A browser has one session. Of an earlier one its page could no longer say that this
 * is not me, so it ends. */
static bool end_earlier(struct idb_app *app, const json_t *request, struct idb_error *err)
{
    struct idb_session s = { 0 };
    struct idb_error none = { 0 };
    bool erased = false;
    bool ok = true;

    if (idb_session_of_browser(app, request, true, &s, &none))
        ok = idb_session_erase(app, &s, "cancelled", "replaced", &erased, err)
             && (!erased || idb_audit(app, "end", s.id, "replaced", NULL, err));
    else if (none.exit != IDB_REFUSED && none.exit != IDB_DATA)
        ok = idb_fail(err, none.exit, none.code, "%s", none.message);
    idb_session_clear(&s);
    return ok;
}

/* Spends the offer: the session's id is unique. The same browser posting it
 * again gets a fresh code for the same session. With it goes the invitation it came
 * by: when that is no longer good, the session is undone. */
static bool spend(struct idb_app *app, const struct idb_offer *o, const json_t *request,
                  char code[IDB_CODE_SIZE], struct idb_error *err)
{
    struct idb_grant g = { .session = o->session,
                           .purpose = o->purpose,
                           .lang = o->lang,
                           .token_hash = o->token_hash,
                           .sealed = o->sealed,
                           .caller = idb_request_text(request, "caller"),
                           .auth_time = o->auth_time,
                           .expires_at = o->expires_at };
    bool made = false;

    if (!idb_grant_issue(app, &g, code, &made, err))
        return false;
    if (!made)
        return idb_grant_renew(app, o->token_hash, code, err)
               && idb_audit(app, "renew", o->session, "ok", NULL, err);
    if (o->is_invited && !idb_invitation_spend(app, o->invitation, o->session, err))
        return false;
    return idb_audit(app, "issue", o->session, "ok",
                     detail(o->attributes, o->purpose, o->consent, o->lang), err);
}

static bool issue_offered(struct idb_app *app, const json_t *request, json_t **answer,
                          struct idb_error *err)
{
    static const struct idb_member members[] = { { "offer", JSON_STRING, IDB_OFFER_MAX,
                                                   IDB_REQUIRED },
                                                 { "cookies", JSON_STRING, 65536, IDB_OPTIONAL },
                                                 { "consent", JSON_TRUE, 0, IDB_REQUIRED },
                                                 { "caller", JSON_STRING, 16, IDB_OPTIONAL } };
    struct idb_offer o = { 0 };
    char code[IDB_CODE_SIZE] = "";
    char token[IDB_COOKIE_MAX] = "";
    bool again = false;
    bool ok = idb_request_check(request, members, 4, err) && check_caller(request, err);

    if (ok && !json_is_true(json_object_get(request, "consent")))
        return idb_fail(err, IDB_REFUSED, "no_consent", "Nothing is shared without consent.");
    ok = ok
         && idb_offer_open(&o, idb_request_text(request, "offer"), idb_timestamp_now(),
                           app->browser, err)
         && check_browser(&o, request, token, &again, err) && check_offer(app, &o, err)
         && idb_app_write(app, err);
    if (ok && o.expires_at <= app->now)
        ok =
            idb_fail(err, IDB_REFUSED, "offer_expired", "It took too long to agree; log in again.");
    ok = ok && spend(app, &o, request, code, err) && (again || end_earlier(app, request, err))
         && idb_grant_answer(app, o.session, code, again ? NULL : token, answer, err)
         && end_overdue(app, err);
    if (ok)
        idb_cookie_set(json_object_get(*answer, "cookies"), IDB_COOKIE_OFFER, NULL, 0);
    idb_offer_clear(&o);
    idb_wipe(code, sizeof code);
    idb_wipe(token, sizeof token);
    return ok;
}

bool idb_handle_issue(struct idb_app *app, const json_t *request, json_t **answer,
                      struct idb_error *err)
{
    if (!app->attest)
        return issue_offered(app, request, answer, err);
    return check_attested(app, request, err) && check_caller(request, err)
           && issue_attested(app, request, answer, err);
}

const struct idb_app_part idb_handle_issue_part = {
    .served = { .name = "issue", .cgi = { .cookies = IDB_COOKIE_PREFIX } },
    .keys = IDB_KEY_BROWSER | IDB_KEY_CODE | IDB_KEY_ISSUE | IDB_KEY_SEAL,
    .handle = idb_handle_issue,
};
