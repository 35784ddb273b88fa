#include "handlers.h"

#include "cookie.h"
#include "grant.h"
#include "hours.h"
#include "qr.h"

#include <string.h>

/* Who called, as far as the resident needs it to recognise their own call. */
static void add_call(json_t *a, const struct idb_session *s, bool live)
{
    json_t *call;

    if (!s->called_at)
        return;
    call = json_object();
    if (live)
        json_object_set_new(call, "caller",
                            json_string(s->caller_last2[0] ? s->caller_last2 : "withheld"));
    idb_answer_time(call, "at", s->called_at);
    json_object_set_new(a, "call", call);
}

/* What a telephone's camera takes number and code from. A page without it is complete,
 * so a failure is no more than that. */
static void add_qr(json_t *a)
{
    struct idb_qr qr = { 0 };
    struct idb_error ignored = { 0 };

    if (idb_qr_make(&qr, json_string_value(json_object_get(a, "tel")), &ignored))
        json_object_set_new(a, "qr", idb_qr_json(&qr));
    idb_qr_free(&qr);
}

/* The code, which only the browser's own cookie holds, and how it may be renewed. */
static void add_code(struct idb_app *app, json_t *a, const struct idb_session *s,
                     const char *cookies)
{
    int left = app->config->session_renewals - s->renewals;
    char code[IDB_CODE_SIZE];
    char shown[IDB_CODE_SHOWN_SIZE];

    idb_grant_cookie_code(app, cookies, s, code);
    if (code[0] && s->code_expires_at > app->now) {
        idb_code_show(shown, code);
        json_object_set_new(a, "code", json_string(code));
        json_object_set_new(a, "code_display", json_string(shown));
    }
    idb_answer_number(app, a, s->line, json_object_get(a, "code") ? code : NULL);
    idb_hours_answer(a, idb_config_line(app->config, s->line), app->now);
    if (json_object_get(a, "code"))
        add_qr(a);
    idb_answer_time(a, "code_expires_at", s->code_expires_at);
    json_object_set_new(a, "code_valid", json_boolean(s->code_expires_at > app->now));
    json_object_set_new(a, "renewals_left",
                        json_integer(s->renew_until > app->now && left > 0 ? left : 0));
    idb_wipe(code, sizeof code);
    idb_wipe(shown, sizeof shown);
}

static json_t *describe(struct idb_app *app, const struct idb_session *s, const char *cookies)
{
    bool live = idb_session_is_live(s, app->now);
    bool ended = s->ended_at != 0;
    json_t *a = json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:[]}", "state",
                          live || ended ? s->state : "expired", "ticket", s->ticket, "purpose",
                          idb_answer_purpose(app, s->purpose, s->lang), "lang", s->lang, "confirm",
                          idb_session_needs_page(app, s) ? "page" : "notify", "confirmed",
                          s->confirmation != NULL, "cookies");

    if (!a)
        return NULL;
    if (live && !strcmp(s->state, "issued"))
        add_code(app, a, s, cookies);
    else
        idb_cookie_set(json_object_get(a, "cookies"), IDB_COOKIE_CODE, NULL, 0);
    add_call(a, s, live);
    if (ended)
        json_object_set_new(a, "reason", json_string(s->end_reason));
    idb_answer_time(a, "connected_at", live ? s->connected_at : 0);
    idb_answer_time(a, "ended_at", s->ended_at);
    idb_answer_time(a, "expires_at", live ? s->expires_at : 0);
    return a;
}

bool idb_handle_status(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err)
{
    static const struct idb_member members[] = { { "cookies", JSON_STRING, 65536, IDB_OPTIONAL } };
    struct idb_session s = { 0 };
    bool ok = idb_request_check(request, members, 1, err)
              && idb_session_of_browser(app, request, false, &s, err);

    if (ok)
        *answer = describe(app, &s, idb_request_text(request, "cookies"));
    idb_session_clear(&s);
    return ok;
}

const struct idb_app_part idb_handle_status_part = {
    .served = { .name = "status", .cgi = { .get = true, .cookies = IDB_COOKIE_PREFIX } },
    .keys = IDB_KEY_BROWSER,
    .repeatable = true,
    .handle = idb_handle_status,
};
