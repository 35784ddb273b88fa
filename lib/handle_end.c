#include "handlers.h"

#include "audit.h"
#include "cookie.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

/* The resident: issued becomes cancelled, anything later done. */
static bool end_by_resident(struct idb_app *app, const json_t *request, json_t **answer,
                            struct idb_error *err)
{
    struct idb_session s = { 0 };
    bool erased = false;
    bool issued;
    bool ok;

    app->line = NULL; /* neither a line nor an agent acts here */
    app->agent[0] = '\0';
    ok = idb_session_of_browser(app, request, true, &s, err) && idb_session_hold(app, &s, err);
    issued = ok && !strcmp(s.state, "issued");
    ok = ok
         && idb_session_erase(app, &s, issued ? "cancelled" : "done",
                              issued ? "cancelled" : "resident", &erased, err)
         && (!erased || idb_audit(app, "end", s.id, issued ? "cancelled" : "done", NULL, err));
    if (ok)
        *answer = json_pack("{s:s, s:[]}", "result", "ended", "cookies");
    if (*answer)
        idb_cookie_set(json_object_get(*answer, "cookies"), IDB_COOKIE_CODE, NULL, 0);
    idb_session_clear(&s);
    return ok;
}

/* An agent who has opened it may still be finishing. */
static bool hang_up(struct idb_app *app, const char *call_id, json_t **answer,
                    struct idb_error *err)
{
    struct idb_value in[] = { idb_int(app->now), idb_text(app->line), idb_text(call_id),
                              idb_int(app->now + app->config->session_wrap_up_ms) };
    char session[IDB_ID_SIZE];
    bool found = false;
    int64_t until;

    if (!idb_store_query(app->store, IDB_SQL_HANG_UP, in, 4, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    if (!found)
        return true;
    snprintf(session, sizeof session, "%s", idb_store_text(app->store, 0));
    until = idb_store_int(app->store, 1);
    *answer = json_pack("{s:s, s:s}", "result", "wrap_up", "session", session);
    idb_answer_time(*answer, "wrap_up_until", until);
    return idb_audit(app, "end", session, "wrap_up", NULL, err);
}

static bool erase(struct idb_app *app, struct idb_session *s, const char *reason, json_t **answer,
                  struct idb_error *err)
{
    bool erased = false;

    if (!idb_session_erase(app, s, "done", reason, &erased, err)
        || !idb_audit(app, "end", s->id, reason, NULL, err))
        return false;
    *answer = json_pack("{s:s, s:s}", "result", "ended", "session", s->id);
    return true;
}

/* The call has no session that can go into wrap-up: it has none, was never
 * opened, or is in wrap-up already. */
static bool end_rest(struct idb_app *app, const char *call_id, bool desk, json_t **answer,
                     struct idb_error *err)
{
    const char *reason = desk ? "ended" : "hung_up";
    struct idb_session s = { 0 };
    bool ok = idb_session_by_call(app, app->line, call_id, &s, err);

    if (ok && s.found && !desk && !strcmp(s.state, "wrap_up")) {
        *answer = json_pack("{s:s, s:s}", "result", "wrap_up", "session", s.id);
        idb_answer_time(*answer, "wrap_up_until", s.due_at);
    } else if (ok && s.found) {
        ok = erase(app, &s, reason, answer, err);
    } else if (ok) {
        ok = idb_session_end_call(app, app->line, call_id, reason, NULL, err);
        *answer = json_pack("{s:s}", "result", "ended");
    }
    idb_session_clear(&s);
    return ok;
}

/* The zone is proved by its key: a user of another zone cannot read it. */
static bool prove_zone(struct idb_app *app, struct idb_error *err)
{
    return app->bind
           || idb_keys_load(&app->bind, app->config, app->zone, "bind.key", idb_timestamp_now(),
                            err);
}

static bool end_by_call(struct idb_app *app, const json_t *request, json_t **answer,
                        struct idb_error *err)
{
    const char *call_id = idb_request_text(request, "call_id");
    bool desk = app->zone == IDB_DESK;

    if (!idb_request_call_id(call_id, err) || !prove_zone(app, err)
        || !idb_app_line(app, idb_request_text(request, "line"), err)
        || (desk && !idb_app_agent(app, "agent", err)) || !idb_app_write(app, err)
        || !idb_session_lock_call(app, call_id, err))
        return false;
    if (!desk && app->config->session_wrap_up_ms > 0 && !hang_up(app, call_id, answer, err))
        return false;
    return *answer || end_rest(app, call_id, desk, answer, err);
}

bool idb_handle_end(struct idb_app *app, const json_t *request, json_t **answer,
                    struct idb_error *err)
{
    static const struct idb_member members[] = { { "call_id", JSON_STRING, 65536, IDB_OPTIONAL },
                                                 { "line", JSON_STRING, 64, IDB_OPTIONAL },
                                                 { "cookies", JSON_STRING, 65536, IDB_OPTIONAL } };
    bool by_call = json_object_get(request, "call_id");
    bool by_cookies = json_object_get(request, "cookies") || (app->cgi && !by_call);

    if (!idb_request_check(request, members, 3, err))
        return false;
    if (by_call == by_cookies)
        return idb_fail(err, IDB_DATA, "bad_request",
                        "Give either \"call_id\" or \"cookies\", not both.");
    return by_call ? end_by_call(app, request, answer, err)
                   : end_by_resident(app, request, answer, err);
}

const struct idb_app_part idb_handle_end_part = {
    .served = { .name = "end",
                .cgi = { .cookies = IDB_COOKIE_PREFIX, .challenge = IDB_APP_CHALLENGE } },
    .repeatable = true,
    .handle = idb_handle_end,
};
