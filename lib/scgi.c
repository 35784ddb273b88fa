#include "scgi.h"

#include "input.h"
#include "mac.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX        8 /* digits of a netstring's length and its colon, and more than enough */
#define VARIABLES_MAX 256
#define BUFFER        (PREFIX + IDB_SCGI_HEAD_MAX + 1 + IDB_REQUEST_MAX)

struct idb_scgi {
    size_t have; /* bytes read */
    bool eof;
    size_t head; /* where the variables begin, 0 while that is not known */
    size_t body; /* where the body begins */
    size_t length;
    size_t dropped; /* bytes of a body that is too long */
    char buffer[BUFFER];
};

struct idb_scgi *idb_scgi_new(void)
{
    struct idb_scgi *in = malloc(sizeof *in);

    if (in)
        memset(in, 0, offsetof(struct idb_scgi, buffer));
    return in;
}

void idb_scgi_free(struct idb_scgi *in)
{
    if (in)
        idb_wipe(in->buffer, in->have);
    free(in);
}

/* A body that is too long is read all the same: a web server that still sends may not
 * listen yet. */
static void drop_excess(struct idb_scgi *in)
{
    if (!in->head || in->length <= IDB_REQUEST_MAX)
        return;
    in->dropped += in->have - in->body;
    idb_wipe(in->buffer + in->body, in->have - in->body);
    in->have = in->body;
}

bool idb_scgi_read(struct idb_scgi *in, int fd, struct idb_error *err)
{
    drop_excess(in);
    return idb_input_read(fd, in->buffer + in->have, BUFFER - in->have, &in->have, &in->eof, err);
}

/* Digits and the byte that must follow them, from buffer[at]; what is longer than
 * most is more than any number here may be. */
static bool number(const char *digits, size_t most, char stop, size_t *value, size_t *used)
{
    size_t n = 0;

    *value = 0;
    while (n < most && digits[n] >= '0' && digits[n] <= '9')
        *value = *value * 10 + (size_t)(digits[n++] - '0');
    *used = n + 1;
    return n > 0 && n < most && digits[n] == stop && (n == 1 || digits[0] != '0');
}

/* Names and values by turns, each with its NUL, no name empty, none twice. */
static bool well_formed(const struct idb_scgi *in)
{
    const char *end = in->buffer + in->body - 1;
    size_t strings = 0;

    if (in->buffer + in->head == end || end[-1] != '\0')
        return false;
    for (const char *p = in->buffer + in->head; p < end; p += strlen(p) + 1, strings++)
        if (strings == 2 * VARIABLES_MAX
            || (strings % 2 == 0 && (!*p || idb_scgi_variable(in, p) != p + strlen(p) + 1)))
            return false;
    return strings % 2 == 0;
}

/* The request must say first how long its body is. */
static bool content_length(struct idb_scgi *in)
{
    static const char name[] = "CONTENT_LENGTH";
    const char *first = in->buffer + in->head;
    const char *scgi = idb_scgi_variable(in, "SCGI");
    size_t used;

    return !strcmp(first, name) && scgi && !strcmp(scgi, "1")
           && number(first + sizeof name, 10, '\0', &in->length, &used);
}

static enum idb_scgi_state read_head(struct idb_scgi *in)
{
    size_t size, used;

    if (!memchr(in->buffer, ':', in->have < PREFIX ? in->have : PREFIX))
        return in->have < PREFIX && !in->eof ? IDB_SCGI_MORE : IDB_SCGI_BAD;
    if (!number(in->buffer, PREFIX, ':', &size, &used) || size > IDB_SCGI_HEAD_MAX)
        return IDB_SCGI_BAD;
    if (in->have < used + size + 1)
        return in->eof ? IDB_SCGI_BAD : IDB_SCGI_MORE;
    if (in->buffer[used + size] != ',')
        return IDB_SCGI_BAD;
    in->head = used;
    in->body = used + size + 1;
    if (well_formed(in) && content_length(in))
        return IDB_SCGI_DONE;
    in->head = 0;
    return IDB_SCGI_BAD;
}

enum idb_scgi_state idb_scgi_state(struct idb_scgi *in)
{
    enum idb_scgi_state state = in->head ? IDB_SCGI_DONE : read_head(in);

    if (state != IDB_SCGI_DONE || in->dropped + in->have - in->body >= in->length)
        return state;
    return in->eof ? IDB_SCGI_BAD : IDB_SCGI_MORE;
}

const char *idb_scgi_variable(const void *from, const char *name)
{
    const struct idb_scgi *in = from;
    const char *end = in->buffer + in->body - 1;
    const char *p = in->buffer + in->head;

    while (p < end) {
        const char *value = p + strlen(p) + 1;

        if (value >= end)
            return NULL;
        if (!strcmp(p, name))
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

const char *idb_scgi_body(const struct idb_scgi *in, size_t *size)
{
    size_t have = in->have - in->body;

    *size = have < in->length ? have : in->length;
    return in->buffer + in->body;
}
