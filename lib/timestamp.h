/*
 * Times: milliseconds since 1970 inside, RFC 3339 in UTC outside.
 */
#ifndef IDB_TIMESTAMP_H
#define IDB_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#define IDB_TIMESTAMP_SIZE 32 /* holds "2026-11-24T05:25:10.123Z" */

/* Now, of CLOCK_REALTIME. */
int64_t idb_timestamp_now(void);

/* Milliseconds of CLOCK_MONOTONIC, which nobody sets: for time limits. */
int64_t idb_timestamp_monotonic(void);

/* RFC 3339 with milliseconds, UTC. ms between the years 1970 and 9999. */
void idb_timestamp_format(char out[IDB_TIMESTAMP_SIZE], int64_t ms);

/* Parses RFC 3339 (section 5.6): upper case T and Z or a numeric offset, up to
 * nine decimals (cut to milliseconds). Years 1970 to 9998, no leap second; false
 * for anything else. */
bool idb_timestamp_parse(int64_t *ms, const char *text);

#endif
