#include "stream.h"

#include "lines.h"
#include "tool.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define GROUP_MAX 256

struct group {
    struct idb_exchange x[GROUP_MAX];
    size_t n;
};

/* Nothing is done for a reader that has gone away. */
static bool reader_is_there(struct idb_error *err)
{
    struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };

    if (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLNVAL)))
        return idb_fail(err, IDB_UNAVAILABLE, "output",
                        "Whoever reads the answers is gone. What was not answered was not done.");
    return true;
}

/* Answers a group; false when standard output is gone. */
static bool answer(const struct idb_service *service, idb_stream_print *print, struct group *g,
                   struct idb_error *worst, struct idb_error *err)
{
    bool ok = reader_is_there(err);

    if (ok)
        idb_service_run(service, g->x, g->n);
    for (size_t i = 0; i < g->n; i++) {
        struct idb_exchange *x = &g->x[i];

        ok = ok && print(x->answer, err);
        if (ok && idb_exit_graver(worst->exit, x->err.exit) != worst->exit)
            *worst = x->err;
        idb_exchange_clear(x);
    }
    g->n = 0;
    return ok && idb_tool_flush(err);
}

void idb_stream_run(const struct idb_service *service, idb_stream_print *print,
                    struct idb_error *worst)
{
    size_t most = service->one_by_one ? 1 : GROUP_MAX;
    struct idb_lines *in = idb_lines_new();
    struct group *g = calloc(1, sizeof *g);
    struct idb_error err = { 0 };
    bool ok = in && g;

    if (!ok)
        idb_fail(&err, IDB_TEMPFAIL, "memory", "Out of memory.");
    while (ok && !idb_lines_ended(in)) {
        g->n = idb_lines_take(in, g->x, most);
        if (g->n > 0)
            ok = answer(service, print, g, worst, &err);
        else if (!idb_lines_ended(in))
            ok = idb_lines_read(in, STDIN_FILENO, &err);
    }
    if (!ok)
        *worst = err;
    idb_lines_free(in);
    free(g);
}
