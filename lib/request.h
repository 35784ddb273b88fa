/*
 * The shape of a request: what members it may have, of which type and size.
 *
 *     static const struct idb_member members[] = {
 *         { "code", JSON_STRING, 64, IDB_REQUIRED }, { "caller", JSON_STRING, 99, IDB_OPTIONAL } };
 *     if (!idb_request_check(request, members, 2, err))
 *         return false;
 */
#ifndef IDB_REQUEST_H
#define IDB_REQUEST_H

#include "error.h"

#include <stddef.h>

#define IDB_CALL_ID_MAX 255

/* Optional all but IDB_REQUIRED; IDB_MAY_BE_NULL may be empty too. */
enum idb_need { IDB_OPTIONAL, IDB_REQUIRED, IDB_MAY_BE_EMPTY, IDB_MAY_BE_NULL };

struct idb_member {
    const char *name;
    json_type type; /* JSON_TRUE stands for true and false */
    size_t max;     /* bytes of a string, members of an array or object */
    enum idb_need need;
};

/* Strings must be without control characters and, unless they may be, not empty. Fails with
 * IDB_DATA "bad_request"; the message names the member, never its value. */
bool idb_request_check(const json_t *request, const struct idb_member *members, size_t n,
                       struct idb_error *err);

/* The string of that name, or NULL. Borrowed. */
const char *idb_request_text(const json_t *request, const char *name);

/* True for 1 to IDB_CALL_ID_MAX printable ASCII characters without spaces; else
 * IDB_DATA "bad_call_id". */
bool idb_request_call_id(const char *call_id, struct idb_error *err);

/* The language of the member "lang", "nl" where there is none; IDB_DATA
 * "bad_request" unless it is two lower-case letters. */
bool idb_request_lang(const json_t *request, const char **lang, struct idb_error *err);

/* True when text is not empty and holds no control character. */
bool idb_request_is_plain(const char *text);

#endif
