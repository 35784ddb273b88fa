#include "handlers.h"

#include "audit.h"
#include "confirmation.h"
#include "cookie.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* "This is not me": the session ends and is erased, and the desk, when it looks
 * at the call, is warned. */
static bool not_me(struct idb_app *app, struct idb_session *s, json_t **answer,
                   struct idb_error *err)
{
    bool erased = false;

    /* The call may be over: then nothing is left to erase, but it goes on record. */
    if (!idb_session_erase(app, s, "cancelled", "not_me", &erased, err)
        || !idb_audit(app, "confirm", s->id, "not_me", NULL, err))
        return false;
    syslog(LOG_WARNING, "not_me: a resident says that a call is not theirs, session %s", s->id);
    *answer = json_pack("{s:s, s:[]}", "result", "not_me", "cookies");
    if (*answer)
        idb_cookie_set(json_object_get(*answer, "cookies"), IDB_COOKIE_CODE, NULL, 0);
    return true;
}

static bool yes(struct idb_app *app, const struct idb_session *s, json_t **answer,
                struct idb_error *err)
{
    char *token = NULL;
    struct idb_value in[] = { idb_int(app->now), idb_text(s->id), idb_int(s->called_at),
                              idb_null() };
    bool done = false;
    bool ok = idb_confirmation_make(&token, s, app->issue, err);

    in[3] = idb_text(token);
    ok =
        ok && idb_store_query(app->store, IDB_SQL_CONFIRM, in, 4, err)
        && idb_store_row(app->store, &done, err)
        && (done || idb_fail(err, IDB_REFUSED, "not_called", "The call has ended in the meantime."))
        && idb_audit(app, "confirm", s->id, "ok", NULL, err);
    if (ok)
        *answer = json_pack("{s:s, s:[]}", "result", "confirmed", "cookies");
    free(token);
    return ok;
}

bool idb_handle_confirm(struct idb_app *app, const json_t *request, json_t **answer,
                        struct idb_error *err)
{
    static const struct idb_member members[] = { { "cookies", JSON_STRING, 65536, IDB_OPTIONAL },
                                                 { "confirm", JSON_TRUE, 0, IDB_REQUIRED } };
    struct idb_session s = { 0 };
    bool said_yes;
    bool ok = idb_request_check(request, members, 2, err)
              && idb_session_of_browser(app, request, true, &s, err);

    said_yes = json_is_true(json_object_get(request, "confirm"));
    if (ok && (!s.called_at || (said_yes && !idb_session_is_live(&s, app->now))))
        ok = idb_fail(err, IDB_REFUSED, "not_called", "There is no call to confirm.");
    else if (ok && said_yes)
        ok = yes(app, &s, answer, err);
    else if (ok)
        ok = not_me(app, &s, answer, err);
    idb_session_clear(&s);
    return ok;
}

const struct idb_app_part idb_handle_confirm_part = {
    .served = { .name = "confirm", .cgi = { .cookies = IDB_COOKIE_PREFIX } },
    .keys = IDB_KEY_ISSUE,
    .repeatable = true,
    .handle = idb_handle_confirm,
};
