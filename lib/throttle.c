#include "throttle.h"

#define TOGETHER 2 /* MACs of a caller that IDB_SQL_ACCEPT takes */

/* The subject under which all wrong codes are counted. */
static const unsigned char everybody[IDB_MAC_SIZE] = "all";

/* How many in the window of that length that began at since, summed over n subjects. */
static bool counted(struct idb_app *app, int64_t since, int64_t window, const void *subjects,
                    size_t n, int64_t *count, struct idb_error *err)
{
    const unsigned char *subject = subjects;

    *count = 0;
    for (size_t i = 0; i < n; i++) {
        struct idb_value in[] = { idb_int(since), idb_int(window),
                                  idb_bytes(subject + i * IDB_MAC_SIZE, IDB_MAC_SIZE) };
        bool found = false;

        if (!idb_store_query(app->store, IDB_SQL_COUNTED, in, 3, err)
            || !idb_store_row(app->store, &found, err))
            return false;
        if (found)
            *count += idb_store_int(app->store, 0);
    }
    return true;
}

int idb_throttle_left(const struct idb_app *app, int64_t by_call)
{
    int most = app->config->throttle_per_call;

    return by_call < most ? most - (int)by_call : 0;
}

bool idb_throttle_recent(struct idb_app *app, const void *subjects, size_t n, int64_t *count,
                         struct idb_error *err)
{
    int64_t window = app->config->throttle_window_ms;

    return counted(app, app->now - window, window, subjects, n, count, err);
}

_Static_assert(IDB_THROTTLE_VALUES == TOGETHER + 6, "as many as are filled below");

bool idb_throttle_share(struct idb_app *app, struct idb_error *err)
{
    return idb_store_share(app->store, everybody, IDB_MAC_SIZE, err);
}

/* A caller has seldom more MACs than fit, and those beyond are no longer counted under. */
bool idb_throttle_values(struct idb_app *app, const struct idb_throttle *t,
                         struct idb_value in[IDB_THROTTLE_VALUES], struct idb_error *err)
{
    int64_t window = app->config->throttle_window_ms;
    int64_t older = 0;

    if (t->callers > TOGETHER
        && !idb_throttle_recent(app, t->caller[TOGETHER], t->callers - TOGETHER, &older, err))
        return false;
    for (size_t i = 0; i < TOGETHER; i++)
        in[i] = i < t->callers ? idb_bytes(t->caller[i], IDB_MAC_SIZE) : idb_null();
    in[TOGETHER] = idb_bytes(everybody, IDB_MAC_SIZE);
    in[TOGETHER + 1] = idb_int(app->now - window);
    in[TOGETHER + 2] = idb_int(window);
    in[TOGETHER + 3] = idb_int(older);
    in[TOGETHER + 4] = idb_int(app->config->throttle_per_caller);
    in[TOGETHER + 5] = idb_int(app->config->throttle_total);
    return true;
}

bool idb_throttle_all(struct idb_app *app, int64_t *count, struct idb_error *err)
{
    return idb_throttle_recent(app, &everybody, 1, count, err);
}

/* One more under a subject in the window that began at since. */
static bool count_one(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE], int64_t since,
                      int64_t window, struct idb_error *err)
{
    struct idb_value in[] = { idb_bytes(subject, IDB_MAC_SIZE), idb_int(app->now), idb_int(since),
                              idb_int(since - window) };

    return idb_store_run(app->store, IDB_SQL_COUNT, in, 4, NULL, err);
}

bool idb_throttle_add(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE],
                      struct idb_error *err)
{
    int64_t window = app->config->throttle_window_ms;

    return count_one(app, subject, app->now - window, window, err);
}

bool idb_throttle_count(struct idb_app *app, const struct idb_throttle *t, struct idb_error *err)
{
    return idb_store_lock(app->store, everybody, IDB_MAC_SIZE, err)
           && idb_throttle_add(app, everybody, err) && idb_throttle_add(app, t->caller[0], err)
           && count_one(app, t->call, 0, 1, err);
}
