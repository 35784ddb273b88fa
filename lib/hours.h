/*
 * Whether a line of idb.json(5) is open: its hours and closed days, as its own
 * clock on the wall has them.
 *
 *     if (!idb_hours_open(line, idb_timestamp_now(), &open, err)) ...
 */
#ifndef IDB_HOURS_H
#define IDB_HOURS_H

#include "error.h"

#include <stdint.h>

#define IDB_HOURS_ZONES "/usr/share/zoneinfo" /* where this system keeps time zones */

/* True where this system knows the time zone; one that it does not know would be taken
 * for UTC, silently. */
bool idb_hours_knows(const char *zone);

/* *open for a checked line at now (ms). Without "hours" it is open on every day
 * that is not "closed". A range holds its first minute and not its last. Sets TZ
 * for a moment, so not for a process with threads. IDB_CONFIG "config_invalid" when
 * this system does not know the time zone. */
bool idb_hours_open(const json_t *line, int64_t now, bool *open, struct idb_error *err);

/* When a checked line whose zone is known opens for the first time after now (ms); 0 if
 * that is not within a year. Sets TZ as above. */
int64_t idb_hours_next(const json_t *line, int64_t now);

/* Adds "open", and when it is not "opens_at", to an answer, where the line has "hours" or
 * "closed" and this system knows its time zone; else nothing. Sets TZ as above. */
void idb_hours_answer(json_t *answer, const json_t *line, int64_t now);

#endif
