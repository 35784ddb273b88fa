/*
 * One request of SCGI (https://python.ca/scgi/protocol.txt): the variables of CGI as a
 * netstring of names and values, each closed by a NUL, and then the body.
 *
 *     struct idb_scgi *in = idb_scgi_new();
 *     while (in && (state = idb_scgi_state(in)) == IDB_SCGI_MORE)
 *         if (!idb_scgi_read(in, fd, err))
 *             …
 *     idb_cgi_take(idb_scgi_variable, in, idb_scgi_body(in, &size), size);
 *     idb_scgi_free(in);
 */
#ifndef IDB_SCGI_H
#define IDB_SCGI_H

#include "error.h"

#include <stddef.h>

#define IDB_SCGI_HEAD_MAX (32 * 1024) /* bytes of all variables of one request */

struct idb_scgi;

enum idb_scgi_state {
    IDB_SCGI_MORE, /* not complete yet */
    IDB_SCGI_DONE, /* complete; a body over IDB_REQUEST_MAX is read and dropped */
    IDB_SCGI_BAD   /* not SCGI, or too long, or ended before its end */
};

/* NULL when out of memory. */
struct idb_scgi *idb_scgi_new(void);

/* Wipes what was read; NULL is harmless. */
void idb_scgi_free(struct idb_scgi *in);

/* Reads once; nothing read from a descriptor that does not block is no error.
 * IDB_UNAVAILABLE "input". */
bool idb_scgi_read(struct idb_scgi *in, int fd, struct idb_error *err);

/* What has been read so far. */
enum idb_scgi_state idb_scgi_state(struct idb_scgi *in);

/* The value of a variable, or NULL; and the body, *size bytes, of one that was too long not
 * all. Both belong to in, and are there when the state is IDB_SCGI_DONE. */
const char *idb_scgi_variable(const void *in, const char *name);
const char *idb_scgi_body(const struct idb_scgi *in, size_t *size);

#endif
