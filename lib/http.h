/*
 * One HTTP request to a login provider, by libcurl, with everything off that
 * could be talked into something: no redirects, no proxy but a configured one, no
 * other protocol, a limit on time and on every byte; TLS is verified.
 *
 *     struct idb_http_request request = { .url = url };
 *     struct idb_http_response response = { 0 };
 *     if (!idb_http(&request, &response, err)) ...
 *     idb_http_clear(&response);
 */
#ifndef IDB_HTTP_H
#define IDB_HTTP_H

#include "error.h"

#include <stddef.h>
#include <stdint.h>

#define IDB_HTTP_MAX       (64 * 1024) /* bytes of a response's body */
#define IDB_HTTP_CONNECT_S 3           /* seconds to connect */
#define IDB_HTTP_TOTAL_S   8           /* seconds in all */

struct idb_http_request {
    const char *url;
    const char *ca_file; /* certificates to verify against, or NULL for the system's */
    const char *proxy;   /* an HTTP proxy, "http://host:port", or NULL for none; only https goes by
                            it, in a tunnel (RFC 9110 section 9.3.6) */
    const char *form;    /* a urlencoded body makes it a POST; NULL makes it a GET */
    const char *basic;   /* "user:password", both form-encoded already (RFC 6749 2.3.1), or NULL */
    const char *pem;     /* certificate and key to show (RFC 8705), PEM, or NULL */
    const char *bearer;  /* an access token (RFC 6750 section 2.1), or NULL */
    int64_t deadline;    /* of idb_http_deadline(), or 0 */
};

struct idb_http_response {
    long status;
    char type[128];   /* Content-Type, lower case, without parameters */
    int64_t lifetime; /* seconds that it stays fresh (RFC 9111 section 4.2.1); -1: not said */
    char *body;       /* NUL-terminated */
    size_t size;
};

/* When those seconds from now are over, for several requests that may together take
 * no longer. */
int64_t idb_http_deadline(int seconds);

/* Milliseconds that a request may take: IDB_HTTP_TOTAL_S at most, 0 where the deadline (0 for
 * none) has passed. */
long idb_http_time_left(int64_t deadline);

/* True for https, and for http where the host is loopback. */
bool idb_http_may_ask(const char *url);

/* Fails with IDB_UNAVAILABLE "provider_down" (no answer, TLS failure, too slow,
 * the deadline passed) or "provider_answer" (too large, or an address idb_http_may_ask() refuses).
 * IDB_CONFIG "config_invalid": ca_file is no file of certificates. The message names
 * neither the address's query nor anything of the body. */
bool idb_http(const struct idb_http_request *request, struct idb_http_response *response,
              struct idb_error *err);

/* Wipes and frees the body. */
void idb_http_clear(struct idb_http_response *response);

#endif
