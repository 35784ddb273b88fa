#include "grant.h"

#include "b64.h"
#include "caller.h"
#include "cookie.h"
#include "jose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define DRAWS 16 /* collisions are drawn again; more than a few in a row is a fault */

static const char code_typ[] = "idb-code";

bool idb_grant_draw_id(char id[IDB_ID_SIZE], struct idb_error *err)
{
    unsigned char bytes[16];

    if (!idb_random(bytes, sizeof bytes))
        return idb_fail(err, IDB_UNAVAILABLE, "random",
                        "No random bytes are to be had; try again.");
    idb_b64_encode(id, bytes, sizeof bytes);
    return true;
}

/* A code that no live session has under any valid key. */
static bool draw_free_code(struct idb_app *app, char code[IDB_CODE_SIZE],
                           unsigned char mac[IDB_MAC_SIZE], struct idb_error *err)
{
    unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE];
    struct idb_value in[IDB_KEYS_MAX];
    bool taken = true;

    for (int i = 0; taken; i++) {
        if (i == DRAWS)
            return idb_fail(err, IDB_TEMPFAIL, "no_code", "No free code was found; try again.");
        if (!idb_code_draw(code, app->config->code_digits, err)
            || !idb_code_macs(macs, app->code, code, err))
            return false;
        for (size_t k = 0; k < IDB_KEYS_MAX; k++)
            in[k] = k < app->code->count ? idb_bytes(macs[k], IDB_MAC_SIZE) : idb_null();
        if (!idb_store_query(app->store, IDB_SQL_CODE_TAKEN, in, IDB_KEYS_MAX, err)
            || !idb_store_row(app->store, &taken, err))
            return false;
    }
    memcpy(mac, macs[0], IDB_MAC_SIZE);
    return true;
}

static bool announced_mac(struct idb_app *app, const char *caller, unsigned char mac[IDB_MAC_SIZE],
                          struct idb_error *err)
{
    unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE];
    size_t n;

    if (!idb_caller_macs(macs, &n, app->code, caller, app->now, err))
        return false;
    memcpy(mac, macs[0], IDB_MAC_SIZE);
    return true;
}

static bool exists(struct idb_app *app, const char *id, bool *found, struct idb_error *err)
{
    struct idb_session s = { 0 };
    bool ok = idb_session_by_id(app, id, &s, err);

    *found = ok && s.found;
    idb_session_clear(&s);
    return ok;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One try: false in *made may also mean that the ticket was taken. */
static bool insert(struct idb_app *app, const struct idb_grant *g, const char *ticket,
                   const unsigned char mac[IDB_MAC_SIZE], const unsigned char *announced,
                   bool *made, struct idb_error *err)
{
    const json_t *purpose = idb_config_purpose(app->config, g->purpose);
    const char *line = json_string_value(json_object_get(purpose, "line"));
    const char *confirm = json_string_value(json_object_get(purpose, "confirm"));
    int64_t code_expires = sooner(app->now + app->config->code_valid_ms, g->expires_at);
    int64_t renew_until = sooner(g->auth_time + app->config->session_renew_ms, g->expires_at);
    struct idb_value in[] = { idb_text(g->session),
                              idb_text(ticket),
                              idb_text(g->purpose),
                              idb_text(line),
                              idb_text(g->lang),
                              idb_text(confirm ? confirm : "notify"),
                              idb_bytes(g->token_hash, IDB_MAC_SIZE),
                              idb_bytes(mac, IDB_MAC_SIZE),
                              idb_int(code_expires),
                              idb_int(renew_until),
                              idb_int(app->now),
                              idb_int(g->expires_at),
                              idb_int(code_expires > renew_until ? code_expires : renew_until),
                              idb_bytes(announced, IDB_MAC_SIZE),
                              idb_text(g->sealed) };

    return idb_store_query(app->store, IDB_SQL_ISSUE, in, 15, err)
           && idb_store_row(app->store, made, err);
}

bool idb_grant_issue(struct idb_app *app, const struct idb_grant *grant, char code[IDB_CODE_SIZE],
                     bool *made, struct idb_error *err)
{
    unsigned char mac[IDB_MAC_SIZE] = { 0 };
    unsigned char announced[IDB_MAC_SIZE] = { 0 };
    char ticket[IDB_TICKET_SIZE];
    bool found = false;

    *made = false;
    if (grant->caller && !announced_mac(app, grant->caller, announced, err))
        return false;
    for (int i = 0; i < DRAWS && !*made; i++) {
        if (!draw_free_code(app, code, mac, err) || !idb_code_draw_ticket(ticket, err)
            || !insert(app, grant, ticket, mac, grant->caller ? announced : NULL, made, err)
            || (!*made && !exists(app, grant->session, &found, err)))
            return false;
        if (found)
            return true;
    }
    return *made || idb_fail(err, IDB_TEMPFAIL, "no_code", "No free code was found; try again.");
}

/* Why no new code was given. */
static bool explain(struct idb_app *app, const unsigned char token_hash[IDB_MAC_SIZE],
                    struct idb_error *err)
{
    struct idb_session s = { 0 };

    if (!idb_session_by_token(app, token_hash, &s, err))
        return false;
    if (!s.found)
        idb_fail(err, IDB_REFUSED, "no_session",
                 "This browser has no session here; begin again on the website.");
    else if (strcmp(s.state, "issued") != 0)
        idb_fail(err, IDB_REFUSED, "not_issued", "The code has been used, or the session ended.");
    else if (s.renewals >= app->config->session_renewals)
        idb_fail(err, IDB_REFUSED, "renewals_spent",
                 "No more new codes for this login; begin again on the website.");
    else
        idb_fail(err, IDB_REFUSED, "too_late",
                 "The login is too long ago for a new code; begin again on the website.");
    idb_session_clear(&s);
    return false;
}

bool idb_grant_renew(struct idb_app *app, const unsigned char token_hash[IDB_MAC_SIZE],
                     char code[IDB_CODE_SIZE], struct idb_error *err)
{
    unsigned char mac[IDB_MAC_SIZE] = { 0 };
    struct idb_value in[] = { idb_int(app->now), idb_bytes(mac, IDB_MAC_SIZE),
                              idb_int(app->now + app->config->code_valid_ms),
                              idb_bytes(token_hash, IDB_MAC_SIZE),
                              idb_int(app->config->session_renewals) };
    bool renewed = false;

    if (!draw_free_code(app, code, mac, err)
        || !idb_store_query(app->store, IDB_SQL_RENEW, in, 5, err)
        || !idb_store_row(app->store, &renewed, err))
        return false;
    return renewed || explain(app, token_hash, err);
}

static bool code_cookie(struct idb_app *app, const struct idb_session *s, const char *code,
                        json_t *cookies, struct idb_error *err)
{
    json_t *payload =
        json_pack("{s:s, s:i, s:s}", "session", s->id, "renewals", s->renewals, "code", code);
    long seconds = (long)((s->code_expires_at - app->now) / 1000);
    char *token = NULL;
    bool ok = payload
              && idb_token_seal(&token, payload, code_typ, s->code_expires_at, app->browser, err)
              && idb_cookie_set(cookies, IDB_COOKIE_CODE, token, seconds);

    json_decref(payload);
    free(token);
    if (!ok && !err->code)
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    return ok;
}

/* More live codes than the accepted chance of a lucky guess allows. */
static bool warn_of_guessing(struct idb_app *app, json_t *answer, struct idb_error *err)
{
    struct idb_value in[] = { idb_int(app->now) };
    bool found = false;
    int64_t live;

    if (!idb_store_query(app->store, IDB_SQL_LIVE_CODES, in, 1, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    live = idb_store_int(app->store, 0);
    if (idb_code_chance(live, app->config->code_digits) <= app->config->code_risk)
        return true;
    syslog(LOG_WARNING, "guess_risk: %lld live codes of %d digits", (long long)live,
           app->config->code_digits);
    json_object_set_new(answer, "warning", json_string("guess_risk"));
    return true;
}

bool idb_grant_answer(struct idb_app *app, const char *session, const char *code, const char *token,
                      json_t **answer, struct idb_error *err)
{
    struct idb_session s = { 0 };
    char shown[IDB_CODE_SHOWN_SIZE];
    json_t *a = NULL;
    json_t *cookies;
    bool ok = idb_session_by_id(app, session, &s, err);

    idb_code_show(shown, code);
    if (ok)
        a = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "session", s.id, "ticket", s.ticket, "code",
                      code, "code_display", shown, "cookies");
    cookies = json_object_get(a, "cookies");
    ok = ok
         && (!token
             || idb_cookie_set(cookies, IDB_COOKIE_SESSION, token,
                               (long)((s.expires_at - app->now) / 1000)));
    ok = ok && code_cookie(app, &s, code, cookies, err) && warn_of_guessing(app, a, err);
    if (ok) {
        idb_answer_time(a, "code_expires_at", s.code_expires_at);
        idb_answer_number(app, a, s.line, code);
        *answer = json_incref(a);
    }
    json_decref(a);
    idb_wipe(shown, sizeof shown);
    idb_session_clear(&s);
    if (!ok && !err->code)
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    return ok;
}

void idb_grant_cookie_code(const struct idb_app *app, const char *cookies,
                           const struct idb_session *s, char code[IDB_CODE_SIZE])
{
    char token[IDB_COOKIE_MAX];
    struct idb_error ignored = { 0 };
    json_t *payload = NULL;
    const char *of, *text;
    int renewals;

    code[0] = '\0';
    if (idb_cookie_get(token, sizeof token, cookies, IDB_COOKIE_CODE, &ignored)
        && idb_token_open(&payload, token, code_typ, app->now, app->browser, &ignored)
        && !json_unpack(payload, "{s:s, s:i, s:s}", "session", &of, "renewals", &renewals, "code",
                        &text)
        && !strcmp(of, s->id) && renewals == s->renewals && strlen(text) < IDB_CODE_SIZE)
        snprintf(code, IDB_CODE_SIZE, "%s", text);
    json_decref(payload);
    idb_wipe(token, sizeof token);
}
