#include "stats.h"

#include "code.h"
#include "throttle.h"

#include <string.h>

#define HOUR_MS   (60 * 60 * INT64_C(1000))
#define DAY_MS    (24 * HOUR_MS)
#define WEEK_MS   (7 * DAY_MS)
#define MONDAY_MS (4 * DAY_MS) /* 5 January 1970, when weeks began to be counted */

/* Rows go after audit.days: with fewer than this the week before the present one would
 * shrink from day to day, and show by how much. */
#define WEEK_NEEDS_DAYS 14

/* ---- counting ---- */

static void add(json_t *counts, const char *name, int64_t n)
{
    json_int_t before = json_integer_value(json_object_get(counts, name));

    json_object_set_new(counts, name, json_integer(before + n));
}

/* The same for a word that only stands there if it is one of ours: whoever can write the
 * store could put any. */
static void add_known(json_t *counts, const char *name, int64_t n)
{
    if (json_object_get(counts, name))
        add(counts, name, n);
}

static void set_time(json_t *to, const char *name, int64_t ms)
{
    char text[IDB_TIMESTAMP_SIZE];

    if (ms == 0)
        return;
    idb_timestamp_format(text, ms);
    json_object_set_new(to, name, json_string(text));
}

typedef void take_row(struct idb_store *store, json_t *to);

/* Steps to the end: a statement left in its middle would stand in a checkpoint's way. */
static bool each_row(struct idb_app *app, enum idb_sql sql, const struct idb_value *in, size_t n,
                     take_row *take, json_t *to, struct idb_error *err)
{
    bool found = true;

    if (!idb_store_query(app->store, sql, in, n, err))
        return false;
    while (found) {
        if (!idb_store_row(app->store, &found, err))
            return false;
        if (found)
            take(app->store, to);
    }
    return true;
}

/* ---- a period ---- */

/* Every word stands there with 0, so that a series does not begin with its first event. */
static json_t *new_period(int64_t from, int64_t until)
{
    json_t *period = json_object();
    json_t *counts = json_pack(
        "{s:i, s:i, s:{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}, s:{s:i, s:i, s:i, s:i},"
        " s:i, s:i, s:{s:i, s:i, s:i}, s:{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}}",
        "issued", 0, "renewals", 0, "codes", "accepted", 0, "mistyped", 0, "wrong", 0, "expired", 0,
        "used", 0, "throttled", 0, "call_bound", 0, "call_ended", 0, "steps", "ended", 0, "called",
        0, "connected", 0, "finished", 0, "renewed", 0, "expired_uncalled", 0, "states", "done", 0,
        "expired", 0, "cancelled", 0, "reasons", "ended", 0, "wrap_up", 0, "resident", 0, "hung_up",
        0, "expired", 0, "cancelled", 0, "replaced", 0, "not_me", 0, "restored", 0);

    set_time(period, "from", from);
    set_time(period, "until", until);
    json_object_update(period, counts);
    json_decref(counts);
    return period;
}

static void take_ended(struct idb_store *store, json_t *period)
{
    const char *state = idb_store_text(store, 0);
    const char *reason = idb_store_text(store, 1);
    int64_t n = idb_store_int(store, 2);
    int64_t called = idb_store_int(store, 3);
    int64_t connected = idb_store_int(store, 4);
    json_t *steps = json_object_get(period, "steps");

    add_known(json_object_get(period, "states"), state, n);
    add_known(json_object_get(period, "reasons"), reason, n);
    add(period, "renewed", idb_store_int(store, 5));
    add(period, "expired_uncalled", !strcmp(reason, "expired") ? n - called : 0);
    add(steps, "ended", n);
    add(steps, "called", called);
    add(steps, "connected", connected);
    add(steps, "finished", !strcmp(state, "done") ? connected : 0);
}

/* What an alarm adds to the audit is no result of a code, and counted as an alarm. */
static void take_audit(struct idb_store *store, json_t *period)
{
    const char *action = idb_store_text(store, 0);
    const char *result = idb_store_text(store, 1);
    int64_t n = idb_store_int(store, 2);

    if (!strcmp(action, "verify"))
        add_known(json_object_get(period, "codes"), result, n);
    else if (!strcmp(action, "issue"))
        add(period, "issued", n);
    else if (!strcmp(action, "renew"))
        add(period, "renewals", n);
}

/* A purpose that is configured no longer has no name here; "" is none either. */
static void take_purpose(struct idb_store *store, json_t *purposes)
{
    const char *name = idb_store_text(store, 0);

    add(purposes, json_object_get(purposes, name) ? name : "", idb_store_int(store, 1));
}

/* Counts in period what ended or was written after from and up to until, whole hours
 * later; and purposes, where that is not NULL. */
static bool count_period(struct idb_app *app, json_t *period, json_t *purposes, int64_t from,
                         int64_t until, struct idb_error *err)
{
    for (int64_t at = from; at < until; at += HOUR_MS) {
        struct idb_value in[] = { idb_int(at), idb_int(at + HOUR_MS) };

        if (!idb_app_read(app, err)
            || !each_row(app, IDB_SQL_ENDED_STATES, in, 2, take_ended, period, err)
            || !each_row(app, IDB_SQL_AUDIT_RESULTS, in, 2, take_audit, period, err)
            || (purposes
                && !each_row(app, IDB_SQL_ENDED_PURPOSES, in, 2, take_purpose, purposes, err))
            || !idb_app_commit(app, err))
            return false;
    }
    return true;
}

static bool add_period(struct idb_app *app, json_t *answer, const char *name, int64_t now,
                       int64_t length, struct idb_error *err)
{
    json_t *period = new_period(now - length, now);

    json_object_set_new(answer, name, period);
    return count_period(app, period, NULL, now - length, now, err);
}

/* ---- purposes ---- */

static const char *smallest(json_t *counts)
{
    const char *least = NULL;
    json_int_t lowest = 0;
    const char *name;
    json_t *count;

    json_object_foreach (counts, name, count)
        if (!least || json_integer_value(count) < lowest) {
            least = name;
            lowest = json_integer_value(count);
        }
    return least;
}

json_int_t idb_stats_fold(json_t *counts, json_int_t unnamed)
{
    json_int_t other = unnamed;
    json_t *count;
    const char *name;
    void *next;

    json_object_foreach_safe (counts, next, name, count) {
        if (json_integer_value(count) >= IDB_STATS_LEAST)
            continue;
        other += json_integer_value(count);
        json_object_del(counts, name);
    }
    if (other > 0 && other < IDB_STATS_LEAST && (name = smallest(counts))) {
        other += json_integer_value(json_object_get(counts, name));
        json_object_del(counts, name);
    }
    return other >= IDB_STATS_LEAST ? other : 0;
}

/* Whole weeks, one after the other: of any that overlap, or of one still going on, the
 * difference between two answers would be a small count. */
static bool add_week(struct idb_app *app, json_t *answer, int64_t now, struct idb_error *err)
{
    int64_t until = now - (now - MONDAY_MS) % WEEK_MS;
    json_t *period = new_period(until - WEEK_MS, until);
    json_t *purposes = json_object();
    json_int_t other;
    const char *name;
    json_t *purpose;

    json_object_set_new(answer, "week", period);
    json_object_set_new(period, "purposes", purposes);
    json_object_foreach (json_object_get(app->config->root, "purposes"), name, purpose)
        add(purposes, name, 0);
    if (!count_period(app, period, purposes, until - WEEK_MS, until, err))
        return false;
    other = json_integer_value(json_object_get(purposes, ""));
    json_object_del(purposes, "");
    other = idb_stats_fold(purposes, other);
    if (other > 0)
        add(period, "other", other);
    return true;
}

/* ---- now ---- */

static bool add_sessions(struct idb_app *app, json_t *answer, struct idb_error *err)
{
    json_t *sessions =
        json_pack("{s:i, s:i, s:i, s:i}", "issued", 0, "called", 0, "connected", 0, "wrap_up", 0);
    struct idb_value in[] = { idb_int(app->now) };
    int64_t oldest = 0;
    bool found = true;

    json_object_set_new(answer, "sessions", sessions);
    if (!idb_store_query(app->store, IDB_SQL_LIVE_STATES, in, 1, err))
        return false;
    while (found) {
        if (!idb_store_row(app->store, &found, err))
            return false;
        if (found) {
            int64_t began = idb_store_int(app->store, 2);

            add_known(sessions, idb_store_text(app->store, 0), idb_store_int(app->store, 1));
            oldest = oldest && oldest < began ? oldest : began;
        }
    }
    set_time(answer, "oldest_session", oldest);
    if (!idb_store_query(app->store, IDB_SQL_DUE_COUNT, in, 1, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    json_object_set_new(answer, "overdue", json_integer(idb_store_int(app->store, 0)));
    set_time(answer, "oldest_overdue", idb_store_int(app->store, 1));
    return true;
}

static bool add_codes(struct idb_app *app, json_t *answer, struct idb_error *err)
{
    const struct idb_config *config = app->config;
    struct idb_value in[] = { idb_int(app->now) };
    bool found = false;
    double chance;
    int64_t live, wrong;

    if (!idb_store_query(app->store, IDB_SQL_LIVE_CODES, in, 1, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    live = idb_store_int(app->store, 0);
    if (!idb_throttle_all(app, &wrong, err))
        return false;
    chance = idb_code_chance(live, config->code_digits);
    json_object_set_new(answer, "codes",
                        json_pack("{s:I, s:f, s:f, s:f, s:I, s:i, s:I}", "live", (json_int_t)live,
                                  "chance", chance, "chance_per_call",
                                  chance * config->throttle_per_call, "warn_above",
                                  config->code_risk, "wrong", (json_int_t)wrong, "wrong_limit",
                                  config->throttle_total, "wrong_window",
                                  (json_int_t)(config->throttle_window_ms / 1000)));
    return true;
}

static void take_alarm(struct idb_store *store, json_t *alarms)
{
    add(alarms, idb_store_text(store, 0), idb_store_int(store, 1));
}

/* An alarm that never was stands there with 0, so that its first one is seen to come. */
static bool add_alarms(struct idb_app *app, json_t *answer, struct idb_error *err)
{
    json_t *alarms = json_pack("{s:i, s:i}", "forged", 0, "twin_code", 0);

    json_object_set_new(answer, "alarms", alarms);
    return each_row(app, IDB_SQL_ALARMS, NULL, 0, take_alarm, alarms, err);
}

static bool add_store(struct idb_app *app, json_t *answer, struct idb_error *err)
{
    struct idb_store_size size = { 0 };
    bool found = false;

    if (!idb_store_query(app->store, IDB_SQL_CLOCK_MARK, NULL, 0, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    set_time(answer, "newest_audit", found ? idb_store_int(app->store, 0) : 0);
    if (!idb_store_size(app->store, &size, err))
        return false;
    json_object_set_new(answer, "store",
                        json_pack("{s:I, s:I, s:I, s:I}", "bytes", (json_int_t)size.bytes,
                                  "log_bytes", (json_int_t)size.log_bytes, "pages",
                                  (json_int_t)size.pages, "free_pages",
                                  (json_int_t)size.free_pages));
    return true;
}

bool idb_stats(struct idb_app *app, json_t **answer, struct idb_error *err)
{
    json_t *a = json_object();
    int64_t now;

    if (!a) {
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
        goto out;
    }
    if (!idb_app_read(app, err))
        goto out;
    now = app->now;
    set_time(a, "at", now);
    if (!add_sessions(app, a, err) || !add_codes(app, a, err) || !add_alarms(app, a, err)
        || !add_store(app, a, err) || !idb_app_commit(app, err)
        || !add_period(app, a, "hour", now, HOUR_MS, err)
        || !add_period(app, a, "day", now, DAY_MS, err)
        || (app->config->audit_days >= WEEK_NEEDS_DAYS && !add_week(app, a, now, err)))
        goto out;
    *answer = json_incref(a);
out:
    idb_app_rollback(app);
    json_decref(a);
    return *answer != NULL;
}
