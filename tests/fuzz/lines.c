/*
 * A stream of requests, read at once, in pieces that the first byte chooses, and byte by
 * byte. In the rest of the input a byte 1 stands for 8192 letters and a byte 2 for as many
 * blanks, so that lines become too long.
 */
/* wrap: read idb_service_parse */
#include "lines.h"
#include "fuzz.h"
#include "pieces.h"

#define MANY    8192
#define MOST    (256 * 1024)
#define ANSWERS 20000

/* What became of a stream: a line for each request. */
struct outcome {
    size_t n;
    char *text[ANSWERS];
};

bool __real_idb_service_parse(json_t **request, const char *text, size_t size, size_t line,
                              struct idb_error *err);
bool __wrap_idb_service_parse(json_t **request, const char *text, size_t size, size_t line,
                              struct idb_error *err);

bool __wrap_idb_service_parse(json_t **request, const char *text, size_t size, size_t line,
                              struct idb_error *err)
{
    assert(size <= IDB_REQUEST_MAX && line > 0);
    return __real_idb_service_parse(request, text, size, line, err);
}

static void add(struct outcome *out, struct idb_exchange *x)
{
    char message[sizeof x->err.message + 64];

    fuzz_outcome(x->request != NULL, &x->err);
    assert(x->request || x->err.exit == IDB_DATA);
    assert(out->n < ANSWERS);
    snprintf(message, sizeof message, "%s: %s", x->err.code ? x->err.code : "", x->err.message);
    out->text[out->n] = x->request ? json_dumps(x->request, 0) : strdup(message);
    assert(out->text[out->n]);
    out->n++;
    idb_exchange_clear(x);
}

static void run(struct outcome *out, unsigned pieces, size_t most)
{
    struct idb_lines *in = idb_lines_new();
    struct idb_exchange x[16];

    assert(in && most <= 16);
    out->n = 0;
    sent.at = 0;
    sent.pieces = pieces;
    sent.exponent = 12;
    while (!idb_lines_ended(in)) {
        struct idb_error err = { 0 };
        size_t n = idb_lines_take(in, x, most);

        assert(n <= most);
        for (size_t i = 0; i < n; i++)
            add(out, &x[i]);
        if (n == 0 && !idb_lines_ended(in)) {
            bool ok = idb_lines_read(in, 0, &err);

            assert(ok);
        }
    }
    assert(sent.at == sent.size && idb_lines_take(in, x, most) == 0);
    idb_lines_free(in);
}

static void clear(struct outcome *out)
{
    for (size_t i = 0; i < out->n; i++)
        free(out->text[i]);
    out->n = 0;
}

static void same(const struct outcome *a, const struct outcome *b)
{
    assert(a->n == b->n);
    for (size_t i = 0; i < a->n; i++)
        assert(!strcmp(a->text[i], b->text[i]));
}

/* Where the first line cannot go on, each line that is not blank, or is too long to be
 * looked at, is one request. */
static void check_count(const struct outcome *out)
{
    const char *end = sent.bytes + sent.size;
    size_t lines = 0;

    for (const char *at = sent.bytes; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        const char *last = stop;

        while (last > at && strchr(" \t\r", last[-1]) && last[-1])
            last--;
        if (lines == 0 && last > at && stop - at <= IDB_REQUEST_MAX && strchr("{[,:", last[-1])
            && last[-1])
            return;
        lines += last > at || stop - at > IDB_REQUEST_MAX;
        at = newline ? newline + 1 : end;
    }
    assert(out->n == lines);
}

static char *expand(const uint8_t *data, size_t size)
{
    char *bytes = malloc(MOST);
    size_t n = 0;

    assert(bytes);
    for (size_t i = 0; i < size && n + MANY <= MOST; i++)
        if (data[i] == 1 || data[i] == 2) {
            memset(bytes + n, data[i] == 1 ? 'x' : ' ', MANY);
            n += MANY;
        } else {
            bytes[n++] = (char)data[i];
        }
    sent.size = n;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome once, again;
    char *bytes;

    if (size == 0)
        return 0;
    bytes = expand(data + 1, size - 1);
    sent.bytes = bytes;
    run(&once, 0, 16);
    check_count(&once);
    run(&again, data[0] + 2U, 1 + data[0] % 16);
    same(&once, &again);
    clear(&again);
    if (sent.size < MANY) {
        run(&again, 1, 16);
        same(&once, &again);
        clear(&again);
    }
    clear(&once);
    free(bytes);
    return 0;
}
