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

/* A session that was just accepted: past a soft limit its resident must confirm. Wrong codes
 * that others are counting are waited for, and until the commit nobody counts more. Comes
 * after everything else in the transaction but the record of it. */
bool idb_throttle_page(struct idb_app *app, const struct idb_throttle *t, const char *session,
                       struct idb_error *err);

/* *count: all wrong codes of the last throttle.window. */
bool idb_throttle_all(struct idb_app *app, int64_t *count, struct idb_error *err);

/* For who counts something else under subjects of its own: how often in the last
 * throttle.window, summed over n of them (each IDB_MAC_SIZE bytes, one behind the other); and
 * once more. What goes wrong with that may be said by whatever comes next. */
bool idb_throttle_recent(struct idb_app *app, const void *subjects, size_t n, int64_t *count,
                         struct idb_error *err);
bool idb_throttle_add(struct idb_app *app, const unsigned char subject[IDB_MAC_SIZE],
                      struct idb_error *err);

/* Counts one wrong code; *left as above, afterwards. Until the commit nobody else counts one
 * or passes a limit. */
bool idb_throttle_count(struct idb_app *app, const struct idb_throttle *t, int *left,
                        struct idb_error *err);

#endif
