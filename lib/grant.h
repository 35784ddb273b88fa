/*
 * Giving a session a code, for the first time or anew, and the part of the
 * answer that all programs which do so share.
 */
#ifndef IDB_GRANT_H
#define IDB_GRANT_H

#include "session.h"

/* What a session to be begins with; texts are borrowed. */
struct idb_grant {
    const char *session; /* its id */
    const char *purpose;
    const char *lang;
    const unsigned char *token_hash; /* IDB_MAC_SIZE bytes */
    const char *sealed;
    const char *caller; /* the number the resident will call from, or NULL */
    int64_t auth_time;
    int64_t expires_at;
};

/* Inserts the session with a fresh code and ticket. *made is false when a
 * session of that id exists already. code is set when made. */
bool idb_grant_issue(struct idb_app *app, const struct idb_grant *grant, char code[IDB_CODE_SIZE],
                     bool *made, struct idb_error *err);

/* A new code for the session of that token while it is issued; the old one is
 * dead. IDB_REFUSED "not_issued", "renewals_spent", "too_late" or "no_session". */
bool idb_grant_renew(struct idb_app *app, const unsigned char token_hash[IDB_MAC_SIZE],
                     char code[IDB_CODE_SIZE], struct idb_error *err);

/* {session, ticket, code, code_display, code_expires_at, number, …, cookies}: cookies
 * hold the code's, and the status token's when token is not NULL. */
bool idb_grant_answer(struct idb_app *app, const char *session, const char *code, const char *token,
                      json_t **answer, struct idb_error *err);

/* Draws a session id or status token. */
bool idb_grant_draw_id(char id[IDB_ID_SIZE], struct idb_error *err);

/* The code in the browser's cookie, when it is the present one of s and not past
 * its time; else code is "". */
void idb_grant_cookie_code(const struct idb_app *app, const char *cookies,
                           const struct idb_session *s, char code[IDB_CODE_SIZE]);

#endif
