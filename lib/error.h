/*
 * One error type for the whole tree: the library never prints and never
 * exits, it fills the caller's error and returns false; only main reports.
 *
 *     if (n > limit)
 *         return idb_fail(err, IDB_DATA, "too_large", "The line is over %d bytes.", limit);
 */
#ifndef IDB_ERROR_H
#define IDB_ERROR_H

#include <jansson.h>
#include <stdbool.h>

/* The exit codes of every program (sysexits.h, restated in each manual page). */
enum idb_exit {
    IDB_OK = 0,           /* done */
    IDB_REFUSED = 1,      /* refused; the answer says why */
    IDB_USAGE = 64,       /* wrong options */
    IDB_DATA = 65,        /* bad input */
    IDB_UNAVAILABLE = 69, /* a service we need is down */
    IDB_SOFTWARE = 70,    /* our bug, or forged data */
    IDB_TEMPFAIL = 75,    /* try again: store busy, clock behind */
    IDB_NOPERM = 77,      /* not permitted */
    IDB_CONFIG = 78       /* configuration, keys or schema */
};

/* exit: as above. code: an error word of idb-errors(7), static. message: one
 * English sentence for people: what was wrong, where, and what to do. Neither
 * ever holds personal data, a code or a token. */
struct idb_error {
    enum idb_exit exit;
    const char *code;
    char message[512];
};

/* Fills err and returns false, so that a caller writes `return idb_fail(...)`.
 * What is not printable ASCII in the message becomes a question mark. */
bool idb_fail(struct idb_error *err, enum idb_exit exit, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The graver of two exit codes: 0 < 1 < 65 < 64 < 75 < 69 < 77 < 78 < 70. */
enum idb_exit idb_exit_graver(enum idb_exit a, enum idb_exit b);

/* {"error":code,"message":message}; a new reference, NULL when out of memory. */
json_t *idb_error_json(const struct idb_error *err);

#endif
