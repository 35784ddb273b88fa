#include "oidc.h"

#include "config_check.h"

#include <stdio.h>
#include <string.h>

void idb_oidc_redirect_uri(const struct idb_app *app, const char *method,
                           char uri[IDB_REDIRECT_URI_SIZE])
{
    const char *url = json_string_value(
        json_object_get(json_object_get(app->config->root, "organisation"), "url"));

    size_t n = strlen(url);

    while (n > 0 && url[n - 1] == '/')
        n--;
    snprintf(uri, IDB_REDIRECT_URI_SIZE, "%.*s/callback/%s", (int)n, url, method);
}

const json_t *idb_oidc_method(const struct idb_app *app, const char *purpose, const char *method,
                              struct idb_error *err)
{
    const json_t *p = idb_config_purpose(app->config, purpose);

    if (!p) {
        idb_fail(err, IDB_DATA, "unknown_purpose", "The configuration has no such purpose.");
        return NULL;
    }
    if (!idb_config_check_has(json_object_get(p, "methods"), method)) {
        idb_fail(err, IDB_DATA, "unknown_method", "This question has no such way to log in.");
        return NULL;
    }
    return idb_config_method(app->config, method);
}

json_t *idb_oidc_refusal(const struct idb_error *err, const char *purpose, const char *lang)
{
    json_t *answer = idb_error_json(err);

    if (purpose && purpose[0]) {
        json_object_set_new(answer, "purpose", json_string(purpose));
        json_object_set_new(answer, "lang", json_string(lang));
    }
    return answer;
}
