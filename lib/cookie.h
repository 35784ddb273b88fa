/*
 * Cookies: the Cookie header of a request (RFC 6265 section 4.2) and the
 * Set-Cookie values of an answer. All ours carry the __Host- prefix, hence
 * Secure and Path=/, and HttpOnly, SameSite=Lax; the desk's SameSite=Strict.
 *
 *     char token[IDB_COOKIE_MAX];
 *     if (!idb_cookie_get(token, sizeof token, header, IDB_COOKIE_SESSION, err)) ...
 */
#ifndef IDB_COOKIE_H
#define IDB_COOKIE_H

#include "error.h"

#include <stddef.h>

#define IDB_COOKIE_PREFIX     "__Host-idb-"
#define IDB_COOKIE_SESSION    "__Host-idb-session" /* the status token */
#define IDB_COOKIE_OFFER      "__Host-idb-offer"   /* the same, until the resident has agreed */
#define IDB_COOKIE_CODE       "__Host-idb-code"    /* the code, encrypted */
#define IDB_COOKIE_DESK       "__Host-idb-desk"    /* what the desk's forms are held against */
#define IDB_COOKIE_MAX        4096                 /* bytes of one value, NUL included */
#define IDB_COOKIE_HEADER_MAX 16384                /* bytes of the Cookie header */

/* Copies the value of cookie name into out. IDB_REFUSED "no_cookie" when it is
 * absent; IDB_DATA "bad_cookie" when the header is over its limit, holds the
 * name twice, or the value is too long or holds a character outside RFC 6265's
 * cookie-octet. header may be NULL (absent). Reads nothing past its NUL. */
bool idb_cookie_get(char *out, size_t size, const char *header, const char *name,
                    struct idb_error *err);

/* Copies the name of the next cookie at or behind at (a place in a Cookie header)
 * that begins with prefix, and returns the place behind it; NULL when there is
 * none. A name of size or more is passed over. */
const char *idb_cookie_find(const char *at, const char *prefix, char *name, size_t size);

/* The cookies of header (may be NULL) whose names begin with prefix, as a header of
 * their own, freed with free(); other sites' and programs' cookies are none of our
 * business. NULL when there is none, or no memory. */
char *idb_cookie_keep(const char *header, const char *prefix);

/* Appends to the array cookies (which must exist) the Set-Cookie value that sets
 * name for max_age seconds, or that clears it (value NULL). False only when out
 * of memory. value is base64url, dots and dashes. */
bool idb_cookie_set(json_t *cookies, const char *name, const char *value, long max_age);

/* The same until the browser is closed, and never sent along from another site's page. */
bool idb_cookie_set_strict(json_t *cookies, const char *name, const char *value);

#endif
