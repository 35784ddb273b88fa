#include "handlers.h"

#include "audit.h"
#include "call.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

struct transfer {
    const char *from;
    const char *to;
    unsigned char from_hash[IDB_MAC_SIZE];
    unsigned char to_hash[IDB_MAC_SIZE];
    char session[IDB_ID_SIZE];
    char purpose[IDB_NAME_SIZE];
    bool again; /* it had been done already */
};

static bool read_transfer(struct transfer *t, struct idb_app *app, const json_t *request,
                          struct idb_error *err)
{
    static const struct idb_member members[] = { { "call_id", JSON_STRING, 65536, IDB_REQUIRED },
                                                 { "to_call_id", JSON_STRING, 65536,
                                                   IDB_REQUIRED } };

    if (!idb_request_check(request, members, 2, err))
        return false;
    t->from = idb_request_text(request, "call_id");
    t->to = idb_request_text(request, "to_call_id");
    if (!idb_request_call_id(t->from, err) || !idb_request_call_id(t->to, err))
        return false;
    if (!strcmp(t->from, t->to))
        return idb_fail(err, IDB_DATA, "bad_call_id", "call_id and to_call_id are the same.");
    return idb_call_hash(t->from_hash, app->line, t->from, err)
           && idb_call_hash(t->to_hash, app->line, t->to, err);
}

/* Both calls, in an order in which nobody who does the same can wait for us. */
static bool lock(struct idb_app *app, const struct transfer *t, struct idb_error *err)
{
    bool first = memcmp(t->from_hash, t->to_hash, IDB_MAC_SIZE) < 0;

    return idb_store_lock(app->store, first ? t->from_hash : t->to_hash, IDB_MAC_SIZE, err)
           && idb_store_lock(app->store, first ? t->to_hash : t->from_hash, IDB_MAC_SIZE, err);
}

/* The call moves in one conditional update; then it is bound anew. */
static bool move(struct idb_app *app, struct transfer *t, bool *moved, struct idb_error *err)
{
    const struct idb_key *key = &app->bind->key[0];
    unsigned char bound[IDB_MAC_SIZE] = { 0 };
    char hint[16];
    int64_t called_at;
    struct idb_value in[] = { idb_int(app->now), idb_text(app->line), idb_text(t->from),
                              idb_text(t->to), idb_bytes(t->to_hash, IDB_MAC_SIZE) };
    struct idb_value row[] = { idb_text(t->session), idb_bytes(bound, sizeof bound),
                               idb_text(key->id), idb_text(hint) };

    if (!idb_store_query(app->store, IDB_SQL_TRANSFER, in, 5, err)
        || !idb_store_row(app->store, moved, err))
        return false;
    if (!*moved)
        return true;
    snprintf(t->session, sizeof t->session, "%s", idb_store_text(app->store, 0));
    snprintf(t->purpose, sizeof t->purpose, "%s", idb_store_text(app->store, 1));
    called_at = idb_store_int(app->store, 2);
    snprintf(hint, sizeof hint, "%s",
             idb_store_text(app->store, 3) ? idb_store_text(app->store, 3) : "unknown");
    row[0] = idb_text(t->session);
    row[3] = idb_text(hint);
    return idb_call_bind(bound, key, t->session, app->line, t->to, called_at, err)
           && idb_store_run(app->store, IDB_SQL_BIND, row, 4, NULL, err)
           && idb_session_end_call(app, app->line, t->from, "transferred", t->session, err);
}

static bool refuse(struct idb_app *app, const char *session, const char *word, const char *message,
                   struct idb_error *err)
{
    if (!idb_audit(app, "transfer", session, word, NULL, err))
        return false;
    idb_fail(err, IDB_REFUSED, word, "%s", message);
    return true; /* the audit row stands */
}

/* Why nothing moved: done before, or refused. */
static bool explain(struct idb_app *app, struct transfer *t, struct idb_error *err)
{
    struct idb_session from = { 0 };
    struct idb_session to = { 0 };
    struct idb_ended_call ended = { 0 };
    bool ok = idb_session_by_call(app, app->line, t->from, &from, err)
              && idb_session_by_call(app, app->line, t->to, &to, err)
              && idb_session_ended_call(app, app->line, t->from, &ended, err);

    if (ok && ended.found && to.found && !strcmp(to.id, ended.session)) {
        t->again = true;
        memcpy(t->session, to.id, sizeof t->session);
        memcpy(t->purpose, to.purpose, sizeof t->purpose);
    } else if (ok && (ended.found || (from.found && !strcmp(from.state, "wrap_up")))) {
        ok = refuse(app, ended.session[0] ? ended.session : NULL, "call_ended",
                    "That call has ended; nothing can be transferred.", err);
    } else if (ok && !from.found) {
        ok = refuse(app, NULL, "unknown_call", "No session is connected to that call.", err);
    } else if (ok) {
        ok = refuse(app, from.id, "call_in_use",
                    "to_call_id has been used already; a call id is never used again.", err);
    }
    idb_session_clear(&from);
    idb_session_clear(&to);
    return ok;
}

bool idb_handle_transfer(struct idb_app *app, const json_t *request, json_t **answer,
                         struct idb_error *err)
{
    struct transfer t = { 0 };
    bool moved = false;

    if (!idb_app_line(app, NULL, err) || !read_transfer(&t, app, request, err)
        || !idb_app_write(app, err) || !lock(app, &t, err) || !move(app, &t, &moved, err))
        return false;
    if (moved && !idb_audit(app, "transfer", t.session, "ok", NULL, err))
        return false;
    if (!moved && !explain(app, &t, err))
        return false;
    if (moved || t.again)
        *answer = json_pack("{s:s, s:s, s:s}", "result", "transferred", "session", t.session,
                            "purpose", t.purpose);
    return true;
}

const struct idb_app_part idb_handle_transfer_part = {
    .served = { .name = "transfer", .cgi = { .challenge = IDB_APP_CHALLENGE } },
    .keys = IDB_KEY_BIND,
    .repeatable = true,
    .handle = idb_handle_transfer,
};
