#include "lines.h"

#include "input.h"
#include "mac.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER (4 * IDB_REQUEST_MAX)

struct idb_lines {
    size_t start; /* first byte that is not yet taken */
    size_t scan;  /* first byte in which no line end was looked for */
    size_t end;   /* first free byte */
    size_t most;  /* how far the buffer was filled since it was wiped */
    size_t line;  /* number of the line at start, from 1 */
    bool eof;
    bool skip;  /* inside a line that is too long */
    bool whole; /* one value over several lines */
    bool begun; /* something was taken */
    char buffer[BUFFER];
};

struct group {
    struct idb_exchange *x;
    size_t n;
    size_t most;
};

struct idb_lines *idb_lines_new(void)
{
    struct idb_lines *in = malloc(sizeof *in);

    if (in)
        memset(in, 0, offsetof(struct idb_lines, buffer));
    if (in)
        in->line = 1;
    return in;
}

/* No code and no name stays behind while a connection waits. */
static void wipe(struct idb_lines *in)
{
    idb_wipe(in->buffer, in->most);
    in->start = in->scan = in->end = in->most = 0;
}

void idb_lines_free(struct idb_lines *in)
{
    if (in)
        wipe(in);
    free(in);
}

bool idb_lines_read(struct idb_lines *in, int fd, struct idb_error *err)
{
    if (in->start > 0) {
        memmove(in->buffer, in->buffer + in->start, in->end - in->start);
        in->end -= in->start;
        in->scan -= in->start;
        in->start = 0;
    }
    if (!idb_input_read(fd, in->buffer + in->end, BUFFER - in->end, &in->end, &in->eof, err))
        return false;
    if (in->end > in->most)
        in->most = in->end;
    return true;
}

bool idb_lines_ended(const struct idb_lines *in)
{
    return in->eof && in->start == in->end;
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
static bool goes_on(const struct idb_lines *in, const char *text, size_t size)
{
    return !in->begun && size > 0 && memchr("{[,:", text[size - 1], 4);
}

/* Takes the line that ends at `end` (its newline, or the end of input). */
static void line(struct idb_lines *in, struct group *g, size_t end)
{
    const char *text = in->buffer + in->start;
    size_t all = end - in->start;
    size_t size = all > IDB_REQUEST_MAX ? all : trimmed(text, all);

    if (!in->skip && all <= IDB_REQUEST_MAX && goes_on(in, text, size)) {
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
static void drop_excess(struct idb_lines *in, struct group *g)
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
static void look_again(struct idb_lines *in)
{
    char *newline;

    while (in->whole && (newline = memchr(in->buffer + in->scan, '\n', in->end - in->scan))) {
        size_t size = (size_t)(newline - (in->buffer + in->scan));

        if (in->scan + size - in->start > IDB_REQUEST_MAX)
            return; /* by then all of it is too long */
        in->whole = in->skip || !is_request(in->buffer + in->scan, size);
        in->scan += size + 1;
    }
    if (in->whole)
        return;
    in->begun = true;
    in->scan = in->start;
}

/* Takes every whole line that has arrived, up to a group. */
static void collect(struct idb_lines *in, struct group *g)
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
        if (in->whole)
            look_again(in);
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

size_t idb_lines_take(struct idb_lines *in, struct idb_exchange *x, size_t most)
{
    struct group g = { x, 0, most };

    collect(in, &g);
    if (in->start == in->end)
        wipe(in);
    return g.n;
}
