#include "handlers.h"

#include "cookie.h"
#include "form.h"
#include "grant.h"
#include "http.h"
#include "idtoken.h"
#include "login.h"
#include "mapping.h"
#include "offer.h"
#include "oidc.h"
#include "seal.h"

#include "b64.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define VISIT_S 20 /* seconds in which the provider must have answered everything */

/* A login on its way back: filled step by step. */
struct visit {
    const char *method;
    struct idb_login login;
    struct idb_provider provider;
    json_t *query; /* the callback's parameters */
    json_t *tokens;
    json_t *id_token; /* its claims */
    json_t *userinfo;
    json_t *attributes;
    struct idb_invitation invitation; /* found where the login began with one */
    const char *level;
    int64_t auth_time;
    int64_t now;
    json_t *cookies; /* Set-Cookie values */
};

static void visit_clear(struct visit *v)
{
    idb_provider_clear(&v->provider);
    json_decref(v->query);
    json_decref(v->tokens);
    json_decref(v->id_token);
    json_decref(v->userinfo);
    json_decref(v->attributes);
    json_decref(v->cookies);
    idb_invitation_clear(&v->invitation);
    idb_wipe(v, sizeof *v);
}

static bool read_callback(struct visit *v, const json_t *request, struct idb_error *err)
{
    static const struct idb_member members[] = { { "method", JSON_STRING, 64, IDB_REQUIRED },
                                                 { "query", JSON_STRING, 16384, IDB_MAY_BE_EMPTY },
                                                 { "cookies", JSON_STRING, 65536, IDB_OPTIONAL } };

    const char *query;

    if (!idb_request_check(request, members, 3, err))
        return false;
    v->method = idb_request_text(request, "method");
    v->now = idb_timestamp_now();
    query = idb_request_text(request, "query");
    if (!idb_form_parse(&v->query, query ? query : "", err))
        return false;
    return idb_request_text(v->query, "state")
           || idb_fail(err, IDB_DATA, "bad_state", "The callback has no state; begin again.");
}

/* The login this browser began, of this very redirect URI. From here on its
 * cookie is cleared, whatever comes: a state serves once. */
static bool match_login(struct idb_app *app, struct visit *v, const json_t *request,
                        struct idb_error *err)
{
    if (!idb_login_end(app, idb_request_text(v->query, "state"),
                       idb_request_text(request, "cookies"), v->cookies, &v->login, err))
        return false;
    if (strcmp(v->login.method, v->method) != 0)
        return idb_fail(err, IDB_DATA, "bad_state",
                        "The answer came back on another method's address; begin again.");
    v->provider.name = v->method;
    v->provider.cache = app->config->cache_directory;
    v->provider.deadline = idb_http_deadline(VISIT_S);
    v->provider.method = idb_oidc_method(app, v->login.purpose, v->method, err);
    return v->provider.method != NULL;
}

/* The invitation that led here must still be good. Only idb-issue spends it, so this is
 * no decision: it spares the resident a consent that would come to nothing. */
static bool check_invitation(struct idb_app *app, struct visit *v, struct idb_error *err)
{
    struct idb_invitation *inv = &v->invitation;

    if (!v->login.invitation[0])
        return true;
    if (!idb_app_invitations(app, err) || !idb_app_read(app, err)
        || !idb_invitation_find(app, v->login.invitation, inv, err)
        || !idb_invitation_is_good(app, inv, err) || !idb_invitation_open(inv, app->now, err))
        return false;
    if (strcmp(inv->purpose, v->login.purpose) != 0)
        return idb_fail(err, IDB_SOFTWARE, "forged",
                        "The invitation was for another purpose when the login began.");
    return idb_app_commit(app, err);
}

/* Whether the invitation is for who logged in. */
static bool check_person(const struct idb_app *app, const struct visit *v, struct idb_error *err)
{
    const char *name = idb_invitation_bsn(app, v->login.purpose);

    return !v->invitation.found
           || idb_invitation_is_for(&v->invitation,
                                    name ? idb_request_text(v->attributes, name) : NULL, err);
}

/* RFC 9207 section 2.4, on errors too. */
static bool check_issuer(const struct visit *v, struct idb_error *err)
{
    const char *iss = idb_request_text(v->query, "iss");
    const char *issuer = idb_request_text(v->provider.method, "issuer");

    if (iss ? !strcmp(iss, issuer) : !idb_provider_sends_iss(&v->provider))
        return true;
    return idb_fail(err, IDB_DATA, "bad_issuer",
                    "The answer did not come from the login provider that was asked.");
}

/* What the provider answered: a code, or an error, never both. */
static bool read_result(const struct visit *v, struct idb_error *err)
{
    const char *code = idb_request_text(v->query, "code");
    const char *error = idb_request_text(v->query, "error");

    if (!code == !error || (code && !code[0]))
        return idb_fail(err, IDB_DATA, "bad_callback",
                        "The login provider's answer holds neither a code nor an error, or both.");
    if (code)
        return true;
    if (!strcmp(error, "access_denied"))
        return idb_fail(err, IDB_REFUSED, "login_cancelled", "You stopped the login.");
    return idb_fail(err, IDB_UNAVAILABLE, "login_failed",
                    "The login provider could not log you in; try again later.");
}

static bool exchange(struct idb_app *app, struct visit *v, struct idb_error *err)
{
    struct idb_expected_login expected = { .nonce = v->login.nonce,
                                           .started_at = v->login.started_at };
    char redirect_uri[IDB_REDIRECT_URI_SIZE];

    idb_oidc_redirect_uri(app, v->method, redirect_uri);
    if (!idb_provider_exchange(app, &v->provider, idb_request_text(v->query, "code"),
                               v->login.verifier, redirect_uri, &v->tokens, err))
        return false;
    expected.access_token = idb_request_text(v->tokens, "access_token");
    expected.now = v->now = idb_timestamp_now();
    return idb_idtoken_check(app, &v->provider, idb_request_text(v->tokens, "id_token"), &expected,
                             &v->id_token, &v->auth_time, err);
}

/* Level first: whoever is too low is not asked about. Userinfo only where the ID
 * token lacks something. */
static bool identify(struct idb_app *app, struct visit *v, struct idb_error *err)
{
    const json_t *method = v->provider.method;

    if (!idb_mapping_level(app, v->login.purpose, method, v->id_token, &v->level, err))
        return false;
    if (idb_mapping_is_missing(app, v->login.purpose, method, v->id_token)
        && !idb_provider_userinfo(app, &v->provider, idb_request_text(v->tokens, "access_token"),
                                  idb_request_text(v->id_token, "sub"), &v->userinfo, err))
        return false;
    return idb_mapping_attributes(app, v->login.purpose, method, v->id_token, v->userinfo,
                                  &v->attributes, err);
}

/* Tells logins of one subject apart from others' without saying whose they are. */
static bool subject_hash(const struct visit *v, char out[IDB_B64_SIZE(IDB_MAC_SIZE)],
                         struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("subject"),
                                idb_part_text(idb_request_text(v->provider.method, "issuer")),
                                idb_part_text(idb_request_text(v->id_token, "sub")) };
    unsigned char hash[IDB_MAC_SIZE];

    if (!idb_hash(hash, parts, 3))
        return idb_fail(err, IDB_SOFTWARE, "internal", "SHA-256 failed.");
    idb_b64_encode(out, hash, sizeof hash);
    return true;
}

static const char *consent_id(const struct idb_app *app, const char *purpose)
{
    const json_t *consent = json_object_get(idb_config_purpose(app->config, purpose), "consent");
    const char *id = idb_request_text(consent, "id");

    return id ? id : "default";
}

/* What the letter was about, and whether it belongs to who logged in. */
static void add_reference(json_t *record, const struct idb_invitation *inv)
{
    const char *reference = inv->found ? idb_invitation_reference(inv) : NULL;

    if (!reference)
        return;
    json_object_set_new(record, "reference", json_string(reference));
    json_object_set_new(record, "reference_tied", json_boolean(inv->is_bound));
}

static bool seal(struct idb_app *app, const struct visit *v, const char *session,
                 int64_t expires_at, char **sealed, struct idb_error *err)
{
    char subject[IDB_B64_SIZE(IDB_MAC_SIZE)];
    json_t *record = NULL;
    bool ok = subject_hash(v, subject, err);

    if (ok) {
        record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "session", session, "purpose",
                           v->login.purpose, "method", v->method, "level", v->level, "consent",
                           consent_id(app, v->login.purpose), "subject_hash", subject, "attributes",
                           v->attributes);
        idb_answer_time(record, "auth_time", v->auth_time);
        idb_answer_time(record, "expires_at", expires_at);
        add_reference(record, &v->invitation);
        ok = record ? idb_seal(sealed, record, app->issue, app->seal, err)
                    : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    }
    json_decref(record);
    return ok;
}

/* A new session id and a new status token for this login: nothing that was in the
 * browser before it is kept. */
static bool make_offer(struct idb_app *app, struct visit *v, char **token, struct idb_error *err)
{
    const json_t *purpose = idb_config_purpose(app->config, v->login.purpose);
    char session[IDB_ID_SIZE];
    char status[IDB_ID_SIZE];
    char *sealed = NULL;
    struct idb_offer offer = { .session = session,
                               .purpose = v->login.purpose,
                               .method = v->method,
                               .level = v->level,
                               .lang = v->login.lang,
                               .auth_time = v->auth_time,
                               .expires_at = v->now + app->config->session_lifetime_ms,
                               .consent = consent_id(app, v->login.purpose),
                               .attributes = json_object_get(purpose, "attributes"),
                               .is_invited = v->invitation.found };
    bool ok = idb_grant_draw_id(session, err) && idb_grant_draw_id(status, err)
              && idb_session_token_hash(offer.token_hash, status, err)
              && seal(app, v, session, offer.expires_at, &sealed, err);

    offer.sealed = sealed;
    memcpy(offer.invitation, v->invitation.mac, IDB_MAC_SIZE);
    ok = ok && idb_offer_make(token, &offer, v->now, app->browser, err)
         && (idb_cookie_set(v->cookies, IDB_COOKIE_OFFER, status, IDB_OFFER_VALID_MS / 1000)
             || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory."));
    free(sealed);
    idb_wipe(status, sizeof status);
    return ok;
}

/* The actual values, for the page on which the resident agrees. */
static json_t *describe_attributes(const struct idb_app *app, const struct visit *v)
{
    const json_t *names =
        json_object_get(idb_config_purpose(app->config, v->login.purpose), "attributes");
    json_t *list = json_array();
    const json_t *name;
    size_t i;

    json_array_foreach ((json_t *)names, i, name) {
        const json_t *attribute = idb_config_attribute(app->config, json_string_value(name));

        json_array_append_new(
            list, json_pack("{s:O, s:s, s:O}", "name", name, "label",
                            idb_config_text(json_object_get(attribute, "label"), v->login.lang),
                            "value", json_object_get(v->attributes, json_string_value(name))));
    }
    return list;
}

static json_t *describe(struct idb_app *app, const struct visit *v, const char *offer)
{
    const json_t *purpose = idb_config_purpose(app->config, v->login.purpose);
    const json_t *organisation = json_object_get(app->config->root, "organisation");
    json_t *auth = json_pack("{s:s, s:s}", "method", v->method, "level", v->level);

    idb_answer_time(auth, "auth_time", v->auth_time);
    return json_pack("{s:{s:s, s:O}, s:o, s:s, s:{s:s, s:s}, s:o, s:o, s:{s:s, s:s}, s:s, s:O}",
                     "organisation", "name",
                     idb_config_text(json_object_get(organisation, "name"), v->login.lang), "url",
                     json_object_get(organisation, "url"), "purpose",
                     idb_answer_purpose(app, v->login.purpose, v->login.lang), "lang",
                     v->login.lang, "method", "name", v->method, "label",
                     idb_config_text(json_object_get(v->provider.method, "label"), v->login.lang),
                     "auth", auth, "attributes", describe_attributes(app, v), "consent", "id",
                     consent_id(app, v->login.purpose), "text",
                     idb_config_text(json_object_get(json_object_get(purpose, "consent"), "text"),
                                     v->login.lang),
                     "offer", offer, "cookies", v->cookies);
}

/* A refusal still clears the login's cookie, and tells which page to go back to. */
static void describe_refusal(const struct visit *v, json_t **answer, struct idb_error *err)
{
    char shown[IDB_INVITATION_SHOWN_SIZE];

    *answer = idb_oidc_refusal(err, v->login.purpose, v->login.lang);
    json_object_set(*answer, "cookies", v->cookies);
    if (v->login.invitation[0]) {
        idb_invitation_show(shown, v->login.invitation);
        json_object_set_new(*answer, "invitation", json_string(shown));
    }
    syslog(LOG_NOTICE, "login refused: %s, method %s", err->code,
           v->provider.name ? v->provider.name : "-");
}

bool idb_handle_oidc_callback(struct idb_app *app, const json_t *request, json_t **answer,
                              struct idb_error *err)
{
    struct visit v = { .cookies = json_array() };
    char *offer = NULL;
    bool ok = read_callback(&v, request, err) && match_login(app, &v, request, err)
              && check_invitation(app, &v, err) && idb_provider_discover(&v.provider, err)
              && check_issuer(&v, err) && read_result(&v, err) && exchange(app, &v, err)
              && identify(app, &v, err) && check_person(app, &v, err)
              && make_offer(app, &v, &offer, err);

    if (ok)
        *answer = describe(app, &v, offer);
    else
        describe_refusal(&v, answer, err);
    free(offer);
    visit_clear(&v);
    return true; /* nothing was stored, whatever the answer */
}

const struct idb_app_part idb_handle_oidc_callback_part = {
    .served = { .name = "oidc-callback",
                .cgi = { .get = true,
                         .cookies = IDB_COOKIE_PREFIX,
                         .path = "method",
                         .query = "query" } },
    .keys = IDB_KEY_BROWSER | IDB_KEY_ISSUE | IDB_KEY_SEAL,
    .handle = idb_handle_oidc_callback,
};
