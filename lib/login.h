/*
 * A login under way: what must come back with the callback, kept by the browser
 * in a sealed cookie of its own, named after the state, so that two tabs do not
 * disturb each other. Nothing is stored.
 *
 *     struct idb_login login = { .method = "digid", .purpose = "status", .lang = "nl" };
 *     if (!idb_login_begin(app, &login, cookies_header, set_cookies, err)) ...
 */
#ifndef IDB_LOGIN_H
#define IDB_LOGIN_H

#include "invitation.h"

#define IDB_LOGIN_PREFIX   "__Host-idb-login-"
#define IDB_LOGIN_MOST     3 /* at once in one browser; the oldest goes */
#define IDB_LOGIN_VALID_MS (15 * 60 * 1000)
#define IDB_LOGIN_KEPT_MS  (60 * 60 * 1000) /* its cookie, so that who is late is told so */
#define IDB_SECRET_SIZE    44               /* 256 random bits in base64url, and NUL */

struct idb_login {
    char state[IDB_SECRET_SIZE];
    char nonce[IDB_SECRET_SIZE];
    char verifier[IDB_SECRET_SIZE]; /* of PKCE, RFC 7636 section 4.1 */
    char method[IDB_NAME_SIZE];
    char purpose[IDB_NAME_SIZE];
    char lang[8];
    char invitation[IDB_INVITATION_SIZE]; /* the code that led here, or "" */
    int64_t started_at;                   /* ms */
};

/* Draws state, nonce and verifier and adds the cookie to set (an array of
 * Set-Cookie values); clears the oldest of those in header (may be NULL) beyond
 * IDB_LOGIN_MOST, and those that cannot be read. */
bool idb_login_begin(struct idb_app *app, struct idb_login *login, const char *header, json_t *set,
                     struct idb_error *err);

/* Finds the login of state in header, and adds to set what clears its cookie.
 * IDB_DATA "bad_state" when this browser began no such login, IDB_REFUSED
 * "login_expired" when it took longer than IDB_LOGIN_VALID_MS; login then tells
 * which it was. */
bool idb_login_end(struct idb_app *app, const char *state, const char *header, json_t *set,
                   struct idb_login *login, struct idb_error *err);

/* The S256 challenge of a verifier (RFC 7636 section 4.2). */
bool idb_login_challenge(char challenge[IDB_SECRET_SIZE], const char *verifier);

/* Draws 256 bits. */
bool idb_login_draw(char secret[IDB_SECRET_SIZE], struct idb_error *err);

#endif
