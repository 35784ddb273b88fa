#include "stream.h"

#include "mac.h"
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER    (4 * IDB_REQUEST_MAX)
#define GROUP_MAX 256

struct input {
    char *buffer; /* BUFFER bytes */
    size_t start; /* first byte that is not yet taken */
    size_t scan;  /* first byte in which no line end was looked for */
    size_t end;   /* first free byte */
    size_t most;  /* how far the buffer was ever filled */
    size_t line;  /* number of the line at start, from 1 */
    bool eof;
    bool skip;  /* inside a line that is too long */
    bool whole; /* one value over several lines */
    bool begun; /* something was taken */
};

struct group {
    struct idb_exchange x[GROUP_MAX];
    size_t n;
    size_t most;
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

static bool fill(struct input *in, struct idb_error *err)
{
    ssize_t n;

    if (in->start > 0) {
        memmove(in->buffer, in->buffer + in->start, in->end - in->start);
        in->end -= in->start;
        in->scan -= in->start;
        in->start = 0;
    }
    do
        n = read(STDIN_FILENO, in->buffer + in->end, BUFFER - in->end);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return idb_fail(err, IDB_UNAVAILABLE, "input", "Cannot read standard input: %s.",
                        strerror(errno));
    in->eof = n == 0;
    in->end += (size_t)n;
    if (in->end > in->most)
        in->most = in->end;
    return true;
}

static struct idb_exchange *add(struct group *g)
{
    struct idb_exchange *x = &g->x[g->n++];

    memset(x, 0, sizeof *x);
    return x;
}

static void too_large(struct group *g, size_t line)
{
    idb_fail(&add(g)->err, IDB_DATA, "too_large", "Line %zu: a request is at most %d bytes.", line,
             IDB_REQUEST_MAX);
}

static void take(struct group *g, const char *text, size_t size, size_t line)
{
    struct idb_exchange *x;

    if (size > IDB_REQUEST_MAX) {
        too_large(g, line);
        return;
    }
    x = add(g);
    idb_service_parse(&x->request, text, size, line, &x->err);
}

static size_t trimmed(const char *text, size_t size)
{
    while (size > 0 && memchr(" \t\r", text[size - 1], 3))
        size--;
    return size;
}

/* The first line of a value that goes on: what pretty-printers write. */
static bool goes_on(const struct input *in, const char *text, size_t size)
{
    return !in->begun && size > 0 && memchr("{[,:", text[size - 1], 4);
}

/* Takes the line that ends at `end` (its newline, or the end of input). */
static void line(struct input *in, struct group *g, size_t end)
{
    const char *text = in->buffer + in->start;
    size_t size = trimmed(text, end - in->start);

    if (!in->skip && goes_on(in, text, size)) {
        in->whole = true;
        return;
    }
    if (!in->skip && size > 0) {
        take(g, text, size, in->line);
        in->begun = true;
    }
    in->skip = false;
    in->start = end < in->end ? end + 1 : end;
    in->line++;
}

/* What is longer than a request can be is answered at once, and dropped. */
static void drop_excess(struct input *in, struct group *g)
{
    if (in->end - in->start <= IDB_REQUEST_MAX)
        return;
    if (!in->skip)
        too_large(g, in->line);
    in->skip = in->begun = true;
    in->start = in->scan = in->end;
}

/* A line that is a whole object of its own, not indented as inside another. */
static bool is_request(const char *text, size_t size)
{
    struct idb_error ignored = { 0 };
    json_t *request = NULL;
    bool is = size > 0 && size <= IDB_REQUEST_MAX && text[0] == '{'
              && idb_service_parse(&request, text, size, 1, &ignored);

    json_decref(request);
    return is;
}

/* What began as one value over several lines turns out to be requests, the first
 * of them broken, as soon as a later line is one: all are then taken as lines. */
static void look_again(struct input *in)
{
    char *newline;

    while (in->whole && (newline = memchr(in->buffer + in->scan, '\n', in->end - in->scan))) {
        size_t size = (size_t)(newline - (in->buffer + in->scan));

        in->whole = in->skip || !is_request(in->buffer + in->scan, size);
        in->scan += size + 1;
    }
    if (in->whole)
        return;
    in->begun = true;
    in->scan = in->start;
}

/* Takes every whole line that has arrived, up to a group. */
static void collect(struct input *in, struct group *g)
{
    if (in->whole)
        look_again(in);
    while (!in->whole && g->n < g->most) {
        char *newline = memchr(in->buffer + in->scan, '\n', in->end - in->scan);

        if (!newline) {
            in->scan = in->end;
            break;
        }
        in->scan = (size_t)(newline - in->buffer);
        line(in, g, in->scan);
        in->scan++;
    }
    if (g->n == g->most)
        return;
    if (in->scan == in->end || in->whole)
        drop_excess(in, g);
    if (!in->eof || in->start == in->end)
        return;
    if (!in->whole)
        line(in, g, in->end);
    if (in->whole && !in->skip)
        take(g, in->buffer + in->start, in->end - in->start, in->line);
    in->start = in->scan = in->end;
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
    struct input in = { .line = 1 };
    struct group *g = calloc(1, sizeof *g);
    struct idb_error err = { 0 };
    bool ok = true;

    in.buffer = malloc(BUFFER);
    if (!in.buffer || !g)
        ok = idb_fail(&err, IDB_TEMPFAIL, "memory", "Out of memory.");
    else
        g->most = service->one_by_one ? 1 : GROUP_MAX;
    while (ok && (!in.eof || in.start < in.end)) {
        collect(&in, g);
        if (g->n > 0)
            ok = answer(service, print, g, worst, &err);
        else if (!in.eof)
            ok = fill(&in, &err);
    }
    if (!ok)
        *worst = err;
    if (in.buffer)
        idb_wipe(in.buffer, in.most);
    free(in.buffer);
    free(g);
}
