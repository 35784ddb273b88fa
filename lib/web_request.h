/*
 * A CGI request (RFC 3875) of a page as one JSON object, for glue that is made
 * of pipes.
 *
 *     {"verb":"POST","path":["status"],"query":{…},"form":{…},
 *      "cookies":"…","user":"alice"}
 */
#ifndef IDB_WEB_REQUEST_H
#define IDB_WEB_REQUEST_H

#include "error.h"

#define IDB_PATH_PARTS 8

/* Reads environment and body. cookies and user (REMOTE_USER where AUTH_TYPE is
 * set) are there only when the request has them. A new reference. IDB_DATA
 * "bad_method" (other than GET, HEAD, POST), "bad_type" (a POST that is no
 * urlencoded form), "bad_length", "too_large", "bad_form", "bad_path",
 * "bad_cookie", or "cross_site" (a POST whose Origin is another host). With
 * check_token it fails too where nobody was authenticated, IDB_NOPERM
 * "not_authenticated", and a POST where idb_form_token_check() does. */
bool idb_web_request(json_t **request, bool check_token, struct idb_error *err);

/* Reads environment alone: the token for the forms of a page, as idb_form_token_make()
 * gives it. IDB_NOPERM "not_authenticated" where nobody was. */
bool idb_web_form_token(json_t **answer, struct idb_error *err);

#endif
