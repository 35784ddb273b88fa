/*
 * application/x-www-form-urlencoded (WHATWG URL section 5): queries and forms.
 *
 *     char *query = NULL;
 *     idb_form_add(&query, "state", state);     // state=…&nonce=…
 *     idb_form_get(value, sizeof value, query, "code", &found, err);
 */
#ifndef IDB_FORM_H
#define IDB_FORM_H

#include "error.h"

#include <stddef.h>

#define IDB_FORM_MAX    (64 * 1024) /* bytes of a query or form */
#define IDB_FORM_FIELDS 64          /* fields of one */

/* Appends name=value, both encoded (everything but RFC 3986's unreserved), to
 * *form, which is NULL at first and freed with free(). False when out of memory. */
bool idb_form_add(char **form, const char *name, const char *value);

/* Decodes the next field at *at, which moves behind it; name and value are each
 * at least strlen(*at) + 1 bytes. False at the end, or with err set: IDB_DATA
 * "bad_form" (a broken escape, a control character, not UTF-8, no name, or over a limit). */
bool idb_form_next(const char **at, char *name, char *value, struct idb_error *err);

/* The whole form as one object of texts, a new reference. IDB_DATA "bad_form" as
 * above, or when a name stands in it twice. */
bool idb_form_parse(json_t **object, const char *form, struct idb_error *err);

#endif
