/*
 * One connection of SCGI, read at once, in pieces that the first byte chooses, and byte by
 * byte. The rest of the input is what the web server sends; where that byte is "n" or
 * more, its first line is the head, round which a netstring is made.
 */
/* wrap: read */
#include "scgi.h"
#include "fuzz.h"
#include "pieces.h"
#include "service.h"

static const char *request;
static size_t request_size;

static enum idb_scgi_state receive(struct idb_scgi *in, unsigned pieces)
{
    struct idb_error err = { 0 };
    enum idb_scgi_state state = idb_scgi_state(in);

    assert(state == IDB_SCGI_MORE);
    sent.bytes = request;
    sent.size = request_size;
    sent.at = 0;
    sent.pieces = pieces;
    sent.exponent = 8;
    while (state == IDB_SCGI_MORE) {
        bool ok = idb_scgi_read(in, 0, &err);

        fuzz_outcome(ok, &err);
        assert(ok);
        state = idb_scgi_state(in);
    }
    /* What was decided stays. */
    assert(idb_scgi_state(in) == state);
    return state;
}

/* ---- what it should be, read once more and differently ---- */

struct expected {
    size_t head; /* offsets in the request */
    size_t body;
    size_t length;
    size_t strings;
};

static bool decimal(size_t *value, const char *from, size_t n, size_t most)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (from[i] < '0' || from[i] > '9')
            return false;
        *value = *value * 10 + (size_t)(from[i] - '0');
    }
    return n > 0 && n <= most && (from[0] != '0' || n == 1);
}

static const char *string_at(const struct expected *e, size_t number)
{
    const char *p = request + e->head;

    while (number-- > 0)
        p += strlen(p) + 1;
    return p;
}

static bool expect_head(struct expected *e)
{
    const char *colon = memchr(request, ':', request_size);
    size_t size;

    if (!colon || !decimal(&size, request, (size_t)(colon - request), 7))
        return false;
    e->head = (size_t)(colon - request) + 1;
    e->body = e->head + size + 1;
    return size > 0 && size <= IDB_SCGI_HEAD_MAX && request_size >= e->body
           && request[e->body - 1] == ',' && request[e->body - 2] == '\0';
}

static bool expect_strings(struct expected *e)
{
    bool scgi = false;

    for (size_t i = e->head; i < e->body - 1; i++)
        e->strings += request[i] == '\0';
    if (e->strings % 2 || e->strings > 512 || strcmp(string_at(e, 0), "CONTENT_LENGTH") != 0)
        return false;
    for (size_t i = 0; i < e->strings; i += 2) {
        const char *name = string_at(e, i);

        if (!*name)
            return false;
        for (size_t j = 0; j < i; j += 2)
            if (!strcmp(string_at(e, j), name))
                return false;
        scgi |= !strcmp(name, "SCGI") && !strcmp(string_at(e, i + 1), "1");
    }
    return scgi && decimal(&e->length, string_at(e, 1), strlen(string_at(e, 1)), 9);
}

static bool expect(struct expected *e)
{
    memset(e, 0, sizeof *e);
    return expect_head(e) && expect_strings(e) && request_size - e->body >= e->length;
}

/* Each variable is where it stands in the head, so none lies outside and each ends there. */
static void check(const struct idb_scgi *in, const struct expected *e)
{
    const char *first = idb_scgi_variable(in, "CONTENT_LENGTH");
    const char *first_sent = string_at(e, 1);
    const char *body;
    size_t n;

    assert(first);
    for (size_t i = 0; i < e->strings; i += 2) {
        const char *value = idb_scgi_variable(in, string_at(e, i));

        assert(value && value - first == string_at(e, i + 1) - first_sent);
        assert(!strcmp(value, string_at(e, i + 1)));
    }
    assert(!idb_scgi_variable(in, ""));
    body = idb_scgi_body(in, &n);
    assert(body - first == request + e->body - first_sent);
    assert(n <= e->length && (n == e->length || e->length > IDB_REQUEST_MAX));
    assert(!memcmp(body, request + e->body, n));
}

/* The input as it is, or with a netstring made of its first line. */
static char *make_request(const uint8_t *data, size_t size, bool frame)
{
    const char *line = frame ? memchr(data, '\n', size) : NULL;
    char *made = malloc(size + 32);
    size_t head = line ? (size_t)(line - (const char *)data) : 0;
    size_t n = 0;

    assert(made);
    if (line) {
        n = (size_t)sprintf(made, "%zu:", head);
        memcpy(made + n, data, head);
        n += head;
        made[n++] = ',';
        data += head + 1;
        size -= head + 1;
    }
    memcpy(made + n, data, size);
    request_size = n + size;
    /* Of just its size, so that a byte too far is one outside. */
    made = realloc(made, request_size > 0 ? request_size : 1);
    assert(made);
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct expected e;
    char *made;
    bool good;

    if (size == 0)
        return 0;
    request = made = make_request(data + 1, size - 1, data[0] >= 'n');
    good = expect(&e);
    for (unsigned i = 0; i < 3; i++) {
        struct idb_scgi *in = idb_scgi_new();
        bool done;

        assert(in);
        done = receive(in, i < 2 ? i : data[0] + 2U) == IDB_SCGI_DONE;
        assert(done == good);
        if (done)
            check(in, &e);
        idb_scgi_free(in);
    }
    free(made);
    return 0;
}
