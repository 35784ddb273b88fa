#include "purge.h"

#include "audit.h"
#include "session.h"

#include <time.h>

#define BATCH    50 /* rows a transaction: a verify beside it waits no longer than that takes */
#define DAY_MS   (24 * 60 * 60 * 1000LL)
#define PAUSE_NS 1000000 /* between batches, so that the queue moves */

struct counts {
    int64_t expired;
    int64_t erased;
    int64_t sessions;
    int64_t calls;
    int64_t attempts;
    int64_t audit;
    int64_t invitations;
    int64_t lapsed; /* invitations past their time, erased now */
};

static void pause_for_others(void)
{
    struct timespec ts = { 0, PAUSE_NS };

    nanosleep(&ts, NULL);
}

static bool expire(struct idb_app *app, struct counts *c, struct idb_error *err)
{
    int64_t expired = 0;
    int64_t erased = 1;

    while (erased > 0) {
        if (!idb_app_write(app, err) || !idb_session_expire_due(app, BATCH, &expired, &erased, err)
            || (erased > 0
                && !idb_audit(app, "purge", NULL, "ok",
                              json_pack("{s:I}", "erased", (json_int_t)erased), err))
            || !idb_app_commit(app, err))
            return false;
        c->expired += expired;
        c->erased += erased;
        if (erased > 0)
            pause_for_others();
    }
    return true;
}

/* Runs sql on what is age (ms) old, a batch at a time. */
static bool each_old(struct idb_app *app, enum idb_sql sql, int64_t age, int64_t *count,
                     struct idb_error *err)
{
    int64_t changed = BATCH;

    while (changed == BATCH) {
        struct idb_value in[2];

        if (!idb_app_write(app, err))
            return false;
        in[0] = idb_int(app->now - age);
        in[1] = idb_int(BATCH);
        if (!idb_store_run(app->store, sql, in, 2, &changed, err) || !idb_app_commit(app, err))
            return false;
        *count += changed;
        if (changed == BATCH)
            pause_for_others();
    }
    return true;
}

static bool delete_all_old(struct idb_app *app, struct counts *c, struct idb_error *err)
{
    int64_t kept = app->config->audit_days * DAY_MS;

    return each_old(app, IDB_SQL_DELETE_CALLS, DAY_MS, &c->calls, err)
           && each_old(app, IDB_SQL_DELETE_COUNTS, 2 * DAY_MS, &c->attempts, err)
           && each_old(app, IDB_SQL_DELETE_SESSIONS, kept, &c->sessions, err)
           && each_old(app, IDB_SQL_DELETE_INVITATIONS, kept, &c->invitations, err)
           && each_old(app, IDB_SQL_DELETE_AUDIT, kept, &c->audit, err);
}

bool idb_purge(struct idb_app *app, json_t **answer, struct idb_error *err)
{
    struct counts c = { 0 };
    bool done = false;

    if (!expire(app, &c, err) || !each_old(app, IDB_SQL_ERASE_INVITATIONS, 0, &c.lapsed, err)
        || !delete_all_old(app, &c, err) || !idb_store_checkpoint(app->store, &done, err)) {
        idb_app_rollback(app);
        return false;
    }
    *answer = json_pack("{s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:b}", "expired",
                        (json_int_t)c.expired, "erased", (json_int_t)c.erased, "invitations",
                        (json_int_t)c.lapsed, "deleted", "sessions", (json_int_t)c.sessions,
                        "calls", (json_int_t)c.calls, "attempts", (json_int_t)c.attempts, "audit",
                        (json_int_t)c.audit, "invitations", (json_int_t)c.invitations,
                        "pending_erasure", !done);
    if (!done)
        idb_fail(err, IDB_TEMPFAIL, "pending_erasure",
                 "A reader keeps erased bytes in the write-ahead log; run again within a minute.");
    return true;
}

bool idb_purge_count(struct idb_app *app, json_t **answer, struct idb_error *err)
{
    struct idb_value in[1];
    bool found = false;
    int64_t due;

    if (!idb_app_read(app, err))
        return false;
    in[0] = idb_int(app->now);
    if (!idb_store_query(app->store, IDB_SQL_DUE_COUNT, in, 1, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    due = idb_store_int(app->store, 0);
    *answer = json_pack("{s:b, s:I}", "dry_run", 1, "due", (json_int_t)due);
    return idb_app_commit(app, err);
}
