#include "throttle.h"

/* The subject under which all wrong codes are counted. */
static const unsigned char everybody[IDB_MAC_SIZE] = "all";

/* How many in the window of that length that began at since, summed over n subjects. A
 * call's own count has no window: since 0. */
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

bool idb_throttle_left(struct idb_app *app, const struct idb_throttle *t, int *left,
                       struct idb_error *err)
{
    int64_t count = 0;

    if (!counted(app, 0, 1, &t->call, 1, &count, err))
        return false;
    *left =
        count < app->config->throttle_per_call ? app->config->throttle_per_call - (int)count : 0;
    return true;
}

bool idb_throttle_recent(struct idb_app *app, const void *subjects, size_t n, int64_t *count,
                         struct idb_error *err)
{
    int64_t window = app->config->throttle_window_ms;

    return counted(app, app->now - window, window, subjects, n, count, err);
}

bool idb_throttle_all(struct idb_app *app, int64_t *count, struct idb_error *err)
{
    return idb_throttle_recent(app, &everybody, 1, count, err);
}

bool idb_throttle_page(struct idb_app *app, const struct idb_throttle *t, bool *page,
                       struct idb_error *err)
{
    int64_t caller = 0;
    int64_t all = 0;

    if (!idb_throttle_recent(app, t->caller, t->callers, &caller, err)
        || !idb_throttle_all(app, &all, err))
        return false;
    *page = caller >= app->config->throttle_per_caller || all >= app->config->throttle_total;
    return true;
}

static bool count_one(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE], int64_t since,
                      int64_t window, int64_t *count, struct idb_error *err)
{
    struct idb_value in[] = { idb_bytes(subject, IDB_MAC_SIZE), idb_int(app->now), idb_int(since),
                              idb_int(since - window) };
    bool found = false;

    if (!idb_store_query(app->store, IDB_SQL_COUNT, in, 4, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    *count = found ? idb_store_int(app->store, 0) : 0;
    return true;
}

bool idb_throttle_add(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE],
                      struct idb_error *err)
{
    int64_t window = app->config->throttle_window_ms;
    int64_t count;

    return count_one(app, subject, app->now - window, window, &count, err);
}

bool idb_throttle_count(struct idb_app *app, const struct idb_throttle *t, int *left,
                        struct idb_error *err)
{
    int most = app->config->throttle_per_call;
    int64_t call = 0;

    /* What everybody shares comes first: whoever has it waits for nobody. */
    if (!idb_throttle_add(app, everybody, err) || !idb_throttle_add(app, t->caller[0], err)
        || !count_one(app, t->call, 0, 1, &call, err))
        return false;
    *left = call < most ? most - (int)call : 0;
    return true;
}
