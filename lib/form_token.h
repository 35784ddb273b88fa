/*
 * The token that the desk's forms carry, so that a form counts only in the browser
 * and for the agent whose page held it.
 *
 *     idb_form_token_make(&answer, cookies, user, &err) // with the page
 *     idb_form_token_check(form, cookies, user, &err)   // with the form
 *
 * The browser keeps 128 random bits in the cookie __Host-idb-desk, which no script
 * reads and no other site's page sends; the token is base64url(HMAC-SHA-256(those
 * bits, "idb desk form", user)). Nothing is stored here.
 */
#ifndef IDB_FORM_TOKEN_H
#define IDB_FORM_TOKEN_H

#include "error.h"

#define IDB_FORM_TOKEN "form_token" /* the field of a form, and the member of an answer */

/* {"form_token":…,"cookies":[…]} for user and cookies (a Cookie header, may be NULL); the
 * answer's cookies hold a new Set-Cookie value where the browser has no cookie that can be
 * used. A new reference. IDB_TEMPFAIL "random" or "memory". */
bool idb_form_token_make(json_t **answer, const char *cookies, const char *user,
                         struct idb_error *err);

/* Takes the token out of the form and checks it against cookies (as above) and user.
 * IDB_DATA "bad_form_token". */
bool idb_form_token_check(json_t *form, const char *cookies, const char *user,
                          struct idb_error *err);

#endif
