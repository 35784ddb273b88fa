/*
 * What was done, by whom, to which session, with what result; never a value.
 */
#ifndef IDB_AUDIT_H
#define IDB_AUDIT_H

#include "app.h"

/* Adds a row in the present transaction, at app->now, by idb_app_actor().
 * session may be NULL; detail (may be NULL) is stored as compact JSON and taken over. */
bool idb_audit(struct idb_app *app, const char *action, const char *session, const char *result,
               json_t *detail, struct idb_error *err);

/* The row of a code that was accepted in this transaction for a session and a call on
 * app->line: "verify", with as its detail whether the resident must confirm. Fails where it
 * was not accepted, as "conflict" of a store on another machine: see
 * idb_store_run_presumed(). */
bool idb_audit_accepted(struct idb_app *app, const char *session, const char *call_id,
                        struct idb_error *err);

/* Something that must not happen: a row, a counter under the error word, and
 * syslog LOG_ALERT at once, whether the transaction stands or not. */
bool idb_alarm(struct idb_app *app, const char *action, const char *session, const char *word,
               struct idb_error *err);

#endif
