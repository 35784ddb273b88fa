/*
 * What both halves of a login, idb-oidc-start and idb-oidc-callback, agree on.
 */
#ifndef IDB_OIDC_H
#define IDB_OIDC_H

#include "app.h"

#define IDB_REDIRECT_URI_SIZE 640

/* The method's redirect URI: each method has its own, so that an answer of one
 * provider is never taken for another's. */
void idb_oidc_redirect_uri(const struct idb_app *app, const char *method,
                           char uri[IDB_REDIRECT_URI_SIZE]);

/* The method's object when the purpose allows it; else NULL and IDB_DATA
 * "unknown_method". */
const json_t *idb_oidc_method(const struct idb_app *app, const char *purpose, const char *method,
                              struct idb_error *err);

/* The error as an answer, with the page to go back to: the purpose's name and the
 * language, where they are known (not NULL, not empty). A new reference. */
json_t *idb_oidc_refusal(const struct idb_error *err, const char *purpose, const char *lang);

#endif
