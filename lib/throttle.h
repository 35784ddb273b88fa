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

/* How many wrong codes a call with so many has left; 0 when there are none. */
int idb_throttle_left(const struct idb_app *app, int64_t by_call);

/* Comes before a code is accepted: wrong ones that others are counting are waited for, and
 * until the commit nobody counts more. */
bool idb_throttle_share(struct idb_app *app, struct idb_error *err);

/* The values of IDB_SQL_ACCEPT by which it is past a soft limit; they borrow from t. */
#define IDB_THROTTLE_VALUES 8
bool idb_throttle_values(struct idb_app *app, const struct idb_throttle *t,
                         struct idb_value in[IDB_THROTTLE_VALUES], struct idb_error *err);

/* *count: all wrong codes of the last throttle.window. */
bool idb_throttle_all(struct idb_app *app, int64_t *count, struct idb_error *err);

/* For who counts something else under subjects of its own: how often in the last
 * throttle.window, summed over n of them (each IDB_MAC_SIZE bytes, one behind the other); and
 * once more. What goes wrong with that may be said by whatever comes next. */
bool idb_throttle_recent(struct idb_app *app, const void *subjects, size_t n, int64_t *count,
                         struct idb_error *err);
bool idb_throttle_add(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE],
                      struct idb_error *err);

/* Counts one wrong code. Until the commit nobody else counts one or passes a limit. */
bool idb_throttle_count(struct idb_app *app, const struct idb_throttle *t, struct idb_error *err);

#endif
