/*
 * Requests answered in groups, whatever carries them.
 *
 * A service is a few functions over one context. Requests that arrived together
 * are handled in one transaction; when that fails it is undone and each is done
 * alone, so that one request's failure never becomes another's. A store that is "busy" or
 * "store_down" is so for all of them: none waits for it again. What a "conflict" or a lost
 * connection ("store_lost") undid is repeated, for some seconds; where nobody knows whether
 * it was done ("store_unknown"), only what may be done twice, and it stays unknown until one
 * try gets through.
 *
 *     struct idb_exchange x[2] = { { .request = a }, { .request = b } };
 *     idb_service_run(&service, x, 2);   // x[i].answer or x[i].err
 */
#ifndef IDB_SERVICE_H
#define IDB_SERVICE_H

#include "error.h"

#include <stddef.h>

#define IDB_REQUEST_MAX (64 * 1024) /* bytes of one request */

struct idb_service {
    void *ctx;
    /* Makes ready what the handler needs; called before each group, cheap when
     * nothing is left to do. */
    bool (*open)(void *ctx, struct idb_error *err);
    /* True: what was written stands. *answer is a new reference; err->exit may
     * be set beside it, or alone, and then makes the answer. False: what was
     * written must be undone. A refusal (exit 1, 64, 65, 77) that returns false
     * must come before the first write, for it does not undo the group. */
    bool (*handle)(void *ctx, const json_t *request, json_t **answer, struct idb_error *err);
    bool (*commit)(void *ctx, struct idb_error *err);
    void (*rollback)(void *ctx);
    /* Called before each request is handled, with whom it is from, where that differs
     * from one to the next. May be NULL. */
    void (*turn)(void *ctx, const void *from);
    /* True for one whose request may be done twice and have the same outcome. NULL: none. */
    bool (*is_repeatable)(void *ctx, const void *from);
    bool one_by_one; /* nothing is written: no request waits for another's */
};

/* One request and what became of it. A request that could not be read is NULL
 * and has err set beforehand. */
struct idb_exchange {
    json_t *request;
    json_t *answer;
    struct idb_error err;
    const void *from; /* for turn() */
};

/* Parses one request: IDB_DATA "bad_json" (line and column; never a piece of
 * the text) or "bad_request" when it is not an object. line is added to the
 * parser's own count. */
bool idb_service_parse(json_t **request, const char *text, size_t size, size_t line,
                       struct idb_error *err);

/* Answers x[0..n-1]; afterwards each has an answer. An error handed in, an object
 * with "error" and "message" such as another program of ours answers, is handed
 * on as the answer (IDB_DATA), so that a pipe ends with its first error. */
void idb_service_run(const struct idb_service *service, struct idb_exchange *x, size_t n);

/* Drops the request and the answer. */
void idb_exchange_clear(struct idb_exchange *x);

#endif
