/*
 * Requests out of a stream of bytes, one a line: a pipe, a connection.
 *
 *     struct idb_lines *in = idb_lines_new();
 *     while (in && !idb_lines_ended(in)) {
 *         n = idb_lines_take(in, x, 256);
 *         if (n == 0 && !idb_lines_read(in, fd, err))
 *             …
 *     }
 *     idb_lines_free(in);
 *
 * - Lines that have already arrived can be taken at once, as one group (service.h).
 * - A single value spread over several lines is accepted as the only one: the first line
 *   must break after one of { [ , : and is then read to the end of input and parsed once,
 *   unless a later line turns out to be a request.
 * - A line over IDB_REQUEST_MAX is answered ("too_large") and skipped to its end.
 */
#ifndef IDB_LINES_H
#define IDB_LINES_H

#include "service.h"

struct idb_lines;

/* NULL when out of memory. */
struct idb_lines *idb_lines_new(void);

/* Wipes what was read; NULL is harmless. */
void idb_lines_free(struct idb_lines *in);

/* Reads once; only after idb_lines_take() gave nothing, so that there is room. Nothing
 * read from a descriptor that does not block is no error. IDB_UNAVAILABLE "input". */
bool idb_lines_read(struct idb_lines *in, int fd, struct idb_error *err);

/* Takes up to most requests that are complete into x, from x[0] on, and says how many;
 * the caller clears them with idb_exchange_clear(). A bad line is one with err set. */
size_t idb_lines_take(struct idb_lines *in, struct idb_exchange *x, size_t most);

/* True when input has ended and all of it was taken. */
bool idb_lines_ended(const struct idb_lines *in);

#endif
