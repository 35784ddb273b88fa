/*
 * Wrong codes are counted per call, per caller and in all, in the store.
 *
 * The limit per call is hard. The others refuse nobody, for that would let a
 * stranger shut the line: past them every session then accepted must be
 * confirmed on the resident's page, which a guesser does not hold.
 */
#ifndef IDB_THROTTLE_H
#define IDB_THROTTLE_H

#include "app.h"
#include "caller.h"

/* Who is counted. */
struct idb_throttle {
    unsigned char call[IDB_MAC_SIZE]; /* idb_call_hash() */
    unsigned char caller[IDB_CALLER_MACS][IDB_MAC_SIZE];
    size_t callers;
};

/* The first values of IDB_SQL_STANDING, whose first columns are how many by the call, by the
 * caller and by all; in borrows from t. A caller has seldom more MACs than fit: those are
 * added up by the next. */
#define IDB_THROTTLE_VALUES 6
void idb_throttle_values(const struct idb_app *app, const struct idb_throttle *t,
                         struct idb_value in[IDB_THROTTLE_VALUES]);

bool idb_throttle_add_older(struct idb_app *app, const struct idb_throttle *t, int64_t *by_caller,
                            struct idb_error *err);

/* How many wrong codes a call with so many has left; 0 when there are none. */
int idb_throttle_left(const struct idb_app *app, int64_t by_call);

/* The rate is past a soft limit, so that the resident must confirm. */
bool idb_throttle_page(const struct idb_app *app, int64_t by_caller, int64_t by_all);

/* *count: all wrong codes of the last throttle.window. */
bool idb_throttle_all(struct idb_app *app, int64_t *count, struct idb_error *err);

/* For who counts something else under subjects of its own: how often in the last
 * throttle.window, summed over n of them (each IDB_MAC_SIZE bytes, one behind the other); and
 * once more. */
bool idb_throttle_recent(struct idb_app *app, const void *subjects, size_t n, int64_t *count,
                         struct idb_error *err);
bool idb_throttle_add(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE],
                      struct idb_error *err);

/* Counts one wrong code; *left as above, afterwards. */
bool idb_throttle_count(struct idb_app *app, const struct idb_throttle *t, int *left,
                        struct idb_error *err);

#endif
