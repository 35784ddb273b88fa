/*
 * How an installation is doing, in counts: what idb-stats(8) says.
 *
 * Counts of all sessions are exact. The one breakdown that could say what somebody
 * called about, that by purpose, is folded first.
 */
#ifndef IDB_STATS_H
#define IDB_STATS_H

#include "app.h"

/* No purpose is named with a count below this. */
#define IDB_STATS_LEAST 10

/* *answer is the object of idb-stats(8). Reads alone, an hour's rows in a transaction, so
 * that no checkpoint waits for it. */
bool idb_stats(struct idb_app *app, json_t **answer, struct idb_error *err);

/* Takes the small ones out of counts, {name: number}, and returns the sum of what was
 * taken and of unnamed, which had no name to begin with. Where that is itself small, the
 * smallest that is left goes with it, or it could be had by subtraction from the whole;
 * where nothing is left, it is 0. */
json_int_t idb_stats_fold(json_t *counts, json_int_t unnamed);

/* Prints such an answer: a table for people; the text format 0.0.4 of Prometheus.
 * idb_tool_flush() sends it. */
void idb_stats_print_table(const json_t *answer);
void idb_stats_print_prometheus(const json_t *answer);

#endif
