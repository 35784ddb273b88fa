/*
 * Cleaning up: sessions past their time, and rows that are kept long enough.
 */
#ifndef IDB_PURGE_H
#define IDB_PURGE_H

#include "app.h"

/* Ends every overdue session and deletes old rows, in short transactions between
 * which others get their turn, then empties the write-ahead log. *answer is
 * {expired, erased, deleted:{sessions, calls, attempts, audit}, pending_erasure};
 * pending_erasure with err->exit IDB_TEMPFAIL while a reader keeps erased bytes
 * in the log. */
bool idb_purge(struct idb_app *app, json_t **answer, struct idb_error *err);

/* Only counts: {due: how many sessions are past their time, dry_run: true}. */
bool idb_purge_count(struct idb_app *app, json_t **answer, struct idb_error *err);

#endif
