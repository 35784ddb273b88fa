#include "cgi.h"

#include "cookie.h"
#include "mac.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool idb_cgi_called(const char *argv0)
{
    size_t n = argv0 ? strlen(argv0) : 0;

    return n >= 4 && !strcmp(argv0 + n - 4, ".cgi");
}

/* Where a request is, when it is not in the environment and on standard input. */
static struct {
    idb_cgi_lookup *lookup;
    const void *from;
    const char *body;
    size_t size;
} taken;

void idb_cgi_take(idb_cgi_lookup *lookup, const void *from, const char *body, size_t size)
{
    taken.lookup = lookup;
    taken.from = from;
    taken.body = body;
    taken.size = size;
}

const char *idb_cgi_variable(const char *name)
{
    const char *value = taken.lookup ? taken.lookup(taken.from, name) : getenv(name);

    return value ? value : "";
}

/* An answer of HTTP itself, before there is a request. */
static const char *refuse(struct idb_error *err, const char *status, const char *code,
                          const char *message)
{
    idb_fail(err, IDB_DATA, code, "%s", message);
    return status;
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;

    return !strncasecmp(type, json, n) && (!type[n] || strchr("; ", type[n]));
}

static bool content_length(size_t *length)
{
    const char *text = idb_cgi_variable("CONTENT_LENGTH");
    char *end = NULL;
    unsigned long n;

    errno = 0;
    n = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    *length = n;
    return end && !*end && !errno;
}

static bool read_body(char *body, size_t length)
{
    size_t have = 0;

    if (taken.lookup) {
        memcpy(body, taken.body, length < taken.size ? length : taken.size);
        return length <= taken.size;
    }
    while (have < length) {
        ssize_t n = read(STDIN_FILENO, body + have, length - have);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

bool idb_cgi_body(char **body, size_t *size, struct idb_error *err)
{
    *body = NULL;
    if (!content_length(size))
        return idb_fail(err, IDB_DATA, "bad_length", "Send the body's length in Content-Length.");
    if (*size > IDB_REQUEST_MAX)
        return idb_fail(err, IDB_DATA, "too_large", "A request is at most %d bytes.",
                        IDB_REQUEST_MAX);
    *body = calloc(1, *size + 1);
    if (*body && read_body(*body, *size))
        return true;
    idb_cgi_body_free(*body, *size);
    *body = NULL;
    return idb_fail(err, IDB_DATA, "bad_length", "The body is shorter than Content-Length says.");
}

void idb_cgi_body_free(char *body, size_t size)
{
    if (body)
        idb_wipe(body, size);
    free(body);
}

/* NULL when x->request is there, else the HTTP status, with x->err set. */
static const char *post(struct idb_exchange *x)
{
    size_t size = 0;
    char *body = NULL;
    bool ok;

    if (!is_json(idb_cgi_variable("CONTENT_TYPE")))
        return refuse(&x->err, "415 Unsupported Media Type", "bad_type",
                      "Send Content-Type: application/json.");
    if (!idb_cgi_body(&body, &size, &x->err))
        return !strcmp(x->err.code, "too_large") ? "413 Content Too Large" : "400 Bad Request";
    ok = idb_service_parse(&x->request, body, size, 1, &x->err);
    idb_cgi_body_free(body, size);
    return ok ? NULL : "400 Bad Request";
}

/* What the address carries beside the program's name; NULL when all of it is UTF-8. */
static const char *add_address(struct idb_exchange *x, const struct idb_cgi *cgi)
{
    const char *path = idb_cgi_variable("PATH_INFO");
    const struct {
        const char *member;
        const char *value;
    } from[] = { { cgi->path, path[0] ? path + 1 : path },
                 { cgi->query, idb_cgi_variable("QUERY_STRING") } };

    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        if (!from[i].member)
            continue;
        if (json_object_set_new(x->request, from[i].member, json_string(from[i].value)))
            return refuse(&x->err, "400 Bad Request", "bad_query", "The address is not UTF-8.");
    }
    return NULL;
}

/* Our cookies and no others; NULL when they could be added. */
static const char *add_cookies(struct idb_exchange *x, const struct idb_cgi *cgi)
{
    const char *header = idb_cgi_variable("HTTP_COOKIE");
    char *ours = cgi->cookies && header[0] ? idb_cookie_keep(header, cgi->cookies) : NULL;
    bool ok;

    if (cgi->cookies)
        json_object_del(x->request, "cookies");
    ok = !ours || !json_object_set_new(x->request, "cookies", json_string(ours));
    if (ours)
        idb_wipe(ours, strlen(ours));
    free(ours);
    return ok ? NULL
              : refuse(&x->err, "400 Bad Request", "bad_cookie", "The Cookie header is not UTF-8.");
}

static const char *read_parts(struct idb_exchange *x, const struct idb_cgi *cgi)
{
    const char *method = idb_cgi_variable("REQUEST_METHOD");
    const char *status = NULL;

    if (!cgi->query && idb_cgi_variable("QUERY_STRING")[0])
        return refuse(&x->err, "400 Bad Request", "bad_query", "No query is taken here.");
    if (cgi->get && !strcmp(method, "GET"))
        x->request = json_object();
    else if (strcmp(method, "POST") != 0)
        return refuse(&x->err, "405 Method Not Allowed", "bad_method",
                      cgi->get ? "Use GET or POST." : "Use POST.");
    else
        status = post(x);
    if (!status)
        status = add_cookies(x, cgi);
    return status ? status : add_address(x, cgi);
}

const char *idb_cgi_read(struct idb_exchange *x, const struct idb_cgi *cgi)
{
    const char *status = read_parts(x, cgi);

    if (status) { /* what was read of it so far is not done */
        json_decref(x->request);
        x->request = NULL;
    }
    return status;
}

static const char *status_of(const struct idb_error *err)
{
    switch (err->exit) {
    case IDB_OK:
    case IDB_REFUSED:
        return "200 OK";
    case IDB_USAGE:
    case IDB_DATA:
        return "400 Bad Request";
    case IDB_NOPERM:
        return !strcmp(err->code, "not_authenticated") ? "401 Unauthorized" : "403 Forbidden";
    case IDB_UNAVAILABLE:
        return "502 Bad Gateway";
    case IDB_TEMPFAIL:
        return "503 Service Unavailable";
    default:
        return "500 Internal Server Error";
    }
}

/* What only this machine's own people can mend names its files: to them alone, in the
 * log. The word stays. */
static void hide_message(json_t *answer, const struct idb_error *err)
{
    bool theirs = err->exit == IDB_USAGE || err->exit == IDB_DATA || err->exit == IDB_TEMPFAIL
                  || (err->exit == IDB_NOPERM && !strncmp(err->code, "not_", 4));

    if (err->code && !theirs && json_object_get(answer, "error"))
        json_object_set_new(answer, "message",
                            json_string("This must be mended on the server; its log says what."));
}

static bool add_head(struct idb_buffer *out, const char *status, const struct idb_cgi *cgi,
                     const json_t *cookies)
{
    const json_t *cookie;
    size_t i;
    bool ok = idb_buffer_printf(
        out, "Status: %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n", status);

    if (ok && !strncmp(status, "405", 3))
        ok = idb_buffer_printf(out, "Allow: %s\r\n", cgi->get ? "GET, POST" : "POST");
    if (ok && !strncmp(status, "401", 3) && cgi->challenge)
        ok = idb_buffer_printf(out, "WWW-Authenticate: %s\r\n", cgi->challenge);
    if (ok && !strncmp(status, "503", 3))
        ok = idb_buffer_printf(out, "Retry-After: 2\r\n");
    json_array_foreach (cookies, i, cookie)
        ok = ok && idb_buffer_printf(out, "Set-Cookie: %s\r\n", json_string_value(cookie));
    return ok && idb_buffer_printf(out, "\r\n");
}

bool idb_cgi_write(struct idb_buffer *out, const struct idb_cgi *cgi, const char *status,
                   struct idb_exchange *x)
{
    json_t *cookies = NULL;
    bool ok;

    if (cgi->cookies) {
        cookies = json_incref(json_object_get(x->answer, "cookies"));
        json_object_del(x->answer, "cookies");
    }
    if (x->err.exit != IDB_OK && x->err.exit != IDB_REFUSED)
        hide_message(x->answer, &x->err);
    ok = add_head(out, status ? status : status_of(&x->err), cgi, cookies)
         && idb_buffer_json(out, x->answer);
    json_decref(cookies);
    return ok;
}

/* Everything about the request but the answer; the status where that is decided already. */
static const char *read_called(struct idb_exchange *x, const struct idb_tool *tool,
                               const struct idb_cgi *cgi, int argc)
{
    if (!idb_tool_harden(tool, &x->err))
        return status_of(&x->err);
    if (argc > 1)
        return refuse(&x->err, "400 Bad Request", "bad_query", "No query is taken here.");
    return idb_cgi_read(x, cgi);
}

int idb_cgi_run(const struct idb_tool *tool, const struct idb_service *service,
                const struct idb_cgi *cgi, int argc)
{
    struct idb_exchange x = { 0 };
    struct idb_buffer out = { 0 };
    struct idb_error err = { 0 };
    const char *status = read_called(&x, tool, cgi, argc);

    idb_service_run(service, &x, 1);
    if (!idb_cgi_write(&out, cgi, status, &x))
        idb_fail(&err, IDB_UNAVAILABLE, "output", "The answer cannot be made.");
    else
        fwrite(out.bytes, 1, out.size, stdout);
    if (err.exit != IDB_OK || !idb_tool_flush(&err))
        idb_tool_complain(tool, &err);
    if (x.err.exit != IDB_OK && x.err.exit != IDB_REFUSED)
        idb_tool_complain(tool, &x.err);
    idb_buffer_free(&out);
    idb_exchange_clear(&x);
    return (int)err.exit;
}
