/*
 * The same service as one CGI request (RFC 3875): a program called under a name
 * that ends in ".cgi". The name decides, never the environment.
 *
 *     if (idb_cgi_called(argv[0]))
 *         return idb_cgi_run(&tool, &service, &cgi, argc);
 *
 * POST with application/json; GET only where the program allows it. The status
 * is 200 for everything answered (exit 0 and 1), 400 for 65, 401 for the error
 * word "not_authenticated", 403 for 77, 405, 413, 415, 502 for 69, 503 with
 * Retry-After for 75, 500 for 70 and 78. Nothing may be cached. The message of a
 * 500, a 502, and a 403 for a file that may not be read goes to the log alone.
 */
#ifndef IDB_CGI_H
#define IDB_CGI_H

#include "buffer.h"
#include "service.h"
#include "tool.h"

struct idb_cgi {
    bool get;              /* GET is allowed: the request is then {} */
    const char *cookies;   /* the member "cookies" is the Cookie header's cookies whose names
                              begin so, and nothing else is; "cookies" of the answer become
                              Set-Cookie headers. NULL: no cookies */
    const char *path;      /* the member that PATH_INFO, without its slash, becomes, or NULL */
    const char *query;     /* the member that QUERY_STRING becomes; NULL: no query is taken */
    const char *challenge; /* WWW-Authenticate of a 401 (RFC 9110 section 11.6.1), or NULL */
};

bool idb_cgi_called(const char *argv0);

/* The body of a request: *body is the caller's, *size bytes and a NUL, wiped and
 * freed by idb_cgi_body_free(). IDB_DATA "bad_length" or "too_large". */
bool idb_cgi_body(char **body, size_t *size, struct idb_error *err);
void idb_cgi_body_free(char *body, size_t size);

/* A variable of the request, "" where it is not set. */
const char *idb_cgi_variable(const char *name);

/* Where a process that serves many requests has the one that is read or answered next:
 * its variables are what lookup (NULL: not set) gives of from, its body is these bytes.
 * All are borrowed until the next call. lookup NULL: environment and standard input again. */
typedef const char *idb_cgi_lookup(const void *from, const char *name);
void idb_cgi_take(idb_cgi_lookup *lookup, const void *from, const char *body, size_t size);

/* Reads one request into x. NULL when it is there, else the HTTP status, with x->err set
 * and no request to be done. */
const char *idb_cgi_read(struct idb_exchange *x, const struct idb_cgi *cgi);

/* Adds the answer of x with its headers to out, status being what idb_cgi_read() said.
 * Takes out of x->answer what is not its body's. False when out of memory. */
bool idb_cgi_write(struct idb_buffer *out, const struct idb_cgi *cgi, const char *status,
                   struct idb_exchange *x);

/* Reads, answers and reports one request; returns the exit code (0 when an HTTP
 * answer was written, so that a web server passes it on). Arguments, which a web
 * server can make of a query, are refused. */
int idb_cgi_run(const struct idb_tool *tool, const struct idb_service *service,
                const struct idb_cgi *cgi, int argc);

#endif
