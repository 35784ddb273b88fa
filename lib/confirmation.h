/*
 * The resident's yes: signed by the web zone over session and time of the call,
 * so that no other zone can say it for them.
 */
#ifndef IDB_CONFIRMATION_H
#define IDB_CONFIRMATION_H

#include "session.h"

/* *token is the caller's, freed with free(). */
bool idb_confirmation_make(char **token, const struct idb_session *s, const struct idb_keys *issue,
                           struct idb_error *err);

/* IDB_SOFTWARE "forged" unless s->confirmation was made for this session and call. */
bool idb_confirmation_check(const struct idb_session *s, const struct idb_keys *issue,
                            struct idb_error *err);

#endif
