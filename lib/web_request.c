#include "web_request.h"

#include "cgi.h"
#include "cookie.h"
#include "form.h"
#include "form_token.h"
#include "mac.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A browser says which site a form stood on; another's is refused, whatever its
 * cookies. Without the header SameSite=Lax still keeps our cookies away. */
static bool check_origin(struct idb_error *err)
{
    const char *origin = idb_cgi_variable("HTTP_ORIGIN");
    const char *host = idb_cgi_variable("HTTP_HOST");
    size_t n = strlen("https://");

    return !origin[0] || (!strncmp(origin, "https://", n) && !strcmp(origin + n, host))
           || idb_fail(err, IDB_DATA, "cross_site",
                       "This form came from another website; begin again on this one.");
}

static bool is_form(const char *type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    size_t n = sizeof form - 1;

    return !strncasecmp(type, form, n) && (!type[n] || strchr("; ", type[n]));
}

static bool read_form(json_t **form, struct idb_error *err)
{
    size_t size = 0;
    char *body = NULL;
    bool ok;

    if (!check_origin(err))
        return false;
    if (!is_form(idb_cgi_variable("CONTENT_TYPE")))
        return idb_fail(err, IDB_DATA, "bad_type",
                        "Send Content-Type: application/x-www-form-urlencoded.");
    if (!idb_cgi_body(&body, &size, err))
        return false;
    if (strlen(body) != size)
        ok = idb_fail(err, IDB_DATA, "bad_form", "The form or query is broken: a NUL byte.");
    else
        ok = idb_form_parse(form, body, err);
    idb_cgi_body_free(body, size);
    return ok;
}

/* The parts between slashes; only what names are made of. */
static bool read_path(json_t *parts, struct idb_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_";
    const char *at = idb_cgi_variable("PATH_INFO");

    while (*at == '/') {
        size_t n = strspn(++at, allowed);

        if (json_array_size(parts) == IDB_PATH_PARTS || n > 64)
            return idb_fail(err, IDB_DATA, "bad_path", "There is no such page.");
        if (n > 0)
            json_array_append_new(parts, json_stringn(at, n));
        at += n;
    }
    return !*at || idb_fail(err, IDB_DATA, "bad_path", "There is no such page.");
}

/* Our cookies and no others. */
static bool add_cookies(json_t *request, struct idb_error *err)
{
    char *ours = idb_cookie_keep(idb_cgi_variable("HTTP_COOKIE"), IDB_COOKIE_PREFIX);
    bool ok = !ours
              || (strlen(ours) <= IDB_COOKIE_HEADER_MAX
                  && !json_object_set_new(request, "cookies", json_string(ours)))
              || idb_fail(err, IDB_DATA, "bad_cookie",
                          "Your browser's cookies for this site are too large or broken; remove"
                          " them and begin again.");

    if (ours)
        idb_wipe(ours, strlen(ours));
    free(ours);
    return ok;
}

/* Whom the web server authenticated, or NULL. */
static const char *user_name(void)
{
    const char *user = idb_cgi_variable("REMOTE_USER");

    return user[0] && idb_cgi_variable("AUTH_TYPE")[0] ? user : NULL;
}

static bool nobody(struct idb_error *err)
{
    return idb_fail(err, IDB_NOPERM, "not_authenticated",
                    "The web server did not say who calls (REMOTE_USER and AUTH_TYPE).");
}

/* Fetched as a part of some page, as an image is, or ahead of a click that may never
 * come: nobody looks at the answer. A frame of our own site is looked at; one of another
 * site may be hidden there, or never shown. */
static bool is_embedded(void)
{
    const char *dest = idb_cgi_variable("HTTP_SEC_FETCH_DEST");
    const char *site = idb_cgi_variable("HTTP_SEC_FETCH_SITE");

    if (!strncmp(idb_cgi_variable("HTTP_SEC_PURPOSE"), "prefetch", strlen("prefetch")))
        return true;
    if (!strcmp(dest, "iframe") || !strcmp(dest, "frame"))
        return strcmp(site, "same-origin") != 0 && strcmp(site, "same-site") != 0;
    return dest[0] && strcmp(dest, "document") != 0;
}

static bool read_query(json_t **query, struct idb_error *err)
{
    return idb_form_parse(query, idb_cgi_variable("QUERY_STRING"), err);
}

/* Somebody asks, and a form is of their own page. */
static bool check_agent(const json_t *request, struct idb_error *err)
{
    const char *user = user_name();
    json_t *form = json_object_get(request, "form");

    if (!user)
        return nobody(err);
    return !form
           || idb_form_token_check(form, json_string_value(json_object_get(request, "cookies")),
                                   user, err);
}

bool idb_web_form_token(json_t **answer, struct idb_error *err)
{
    const char *user = user_name();

    *answer = NULL;
    return user ? idb_form_token_make(answer, idb_cgi_variable("HTTP_COOKIE"), user, err)
                : nobody(err);
}

bool idb_web_request(json_t **request, bool check_token, struct idb_error *err)
{
    const char *verb = idb_cgi_variable("REQUEST_METHOD");
    bool post = !strcmp(verb, "POST");
    json_t *parts = json_array();
    json_t *query = NULL;
    json_t *form = NULL;
    bool ok;

    *request = NULL;
    if (!post && strcmp(verb, "GET") != 0 && strcmp(verb, "HEAD") != 0)
        ok = idb_fail(err, IDB_DATA, "bad_method", "This page takes GET, HEAD and POST.");
    else
        ok = read_path(parts, err) && read_query(&query, err) && (!post || read_form(&form, err));
    if (ok) {
        *request = json_pack("{s:s, s:O, s:O, s:O*}", "verb", verb, "path", parts, "query", query,
                             "form", form);
        ok = *request ? add_cookies(*request, err)
                      : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    }
    if (ok) {
        if (user_name())
            json_object_set_new(*request, "user", json_string(user_name()));
        if (is_embedded())
            json_object_set_new(*request, "embedded", json_true());
        ok = !check_token || check_agent(*request, err);
    }
    if (!ok) {
        json_decref(*request);
        *request = NULL;
    }
    json_decref(parts);
    json_decref(query);
    json_decref(form);
    return ok;
}
