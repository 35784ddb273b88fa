/* scgi.h: the protocol's own example, in any pieces, and every near miss. */
/* wrap: free */
#include "scgi.h"
#include "service.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* https://python.ca/scgi/protocol.txt, section 5 */
static const char example[] = "70:"
                              "CONTENT_LENGTH\0"
                              "27\0"
                              "SCGI\0"
                              "1\0"
                              "REQUEST_METHOD\0"
                              "POST\0"
                              "REQUEST_URI\0"
                              "/deepthought\0"
                              ","
                              "What is the answer to life?";
#define EXAMPLE (sizeof example - 1)

static struct idb_scgi *in;
static struct idb_error err;
static int fd = -1;
static char request[256 * 1024];
static size_t size;

/* What is handed back must hold nothing any more. */
static const void *watched;
static const char *watched_bytes;
static size_t watched_size;
static size_t left_behind;

void __wrap_free(void *p);
void __real_free(void *p);

void __wrap_free(void *p)
{
    if (p && p == watched)
        for (size_t i = 0; i < watched_size; i++)
            left_behind += watched_bytes[i] != '\0';
    __real_free(p);
}

static int up(void **state)
{
    (void)state;
    fd = fd == -1 ? memfd_create("request", 0) : fd;
    in = idb_scgi_new();
    memset(&err, 0, sizeof err);
    watched = NULL;
    left_behind = size = 0;
    return fd != -1 && in ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    idb_scgi_free(in);
    in = NULL;
    return 0;
}

static void again(void)
{
    assert_int_equal(down(NULL), 0);
    assert_int_equal(up(NULL), 0);
}

/* One read that gives these bytes; none is the end. */
static enum idb_scgi_state reads(const char *bytes, size_t n)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, bytes, n, 0), (ssize_t)n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_true(idb_scgi_read(in, fd, &err));
    return idb_scgi_state(in);
}

/* As many reads as these bytes take, but for the end. */
static enum idb_scgi_state feed(const char *bytes, size_t n)
{
    enum idb_scgi_state state = reads(bytes, n);

    while (state == IDB_SCGI_MORE && lseek(fd, 0, SEEK_CUR) < (off_t)n) {
        assert_true(idb_scgi_read(in, fd, &err));
        state = idb_scgi_state(in);
    }
    return state;
}

static enum idb_scgi_state ends(void)
{
    return reads("", 0);
}

static void add(const char *text)
{
    memcpy(request + size, text, strlen(text));
    size += strlen(text);
}

static void add_string(const char *text)
{
    memcpy(request + size, text, strlen(text) + 1);
    size += strlen(text) + 1;
}

/* A netstring of these strings, and then the body; NULL ends them. */
static void make(const char *body, ...)
{
    size_t n = 0;
    va_list args;

    va_start(args, body);
    for (const char *p = va_arg(args, const char *); p; p = va_arg(args, const char *))
        n += strlen(p) + 1;
    va_end(args);
    size = (size_t)snprintf(request, sizeof request, "%zu:", n);
    va_start(args, body);
    for (const char *p = va_arg(args, const char *); p; p = va_arg(args, const char *))
        add_string(p);
    va_end(args);
    add(",");
    add(body);
}

/* A head of n bytes, most of them one value. */
static void make_large(size_t n)
{
    static const char begin[] = "CONTENT_LENGTH\0"
                                "0\0"
                                "SCGI\0"
                                "1\0"
                                "X";

    size = (size_t)snprintf(request, sizeof request, "%zu:", n);
    memcpy(request + size, begin, sizeof begin);
    size += sizeof begin;
    memset(request + size, 'x', n - sizeof begin - 1);
    size += n - sizeof begin;
    request[size - 1] = '\0';
    add(",");
}

static void is_example(void)
{
    const char *body;
    size_t n;

    assert_string_equal(idb_scgi_variable(in, "CONTENT_LENGTH"), "27");
    assert_string_equal(idb_scgi_variable(in, "SCGI"), "1");
    assert_string_equal(idb_scgi_variable(in, "REQUEST_METHOD"), "POST");
    assert_string_equal(idb_scgi_variable(in, "REQUEST_URI"), "/deepthought");
    /* Neither a value nor a part of a name is one. */
    assert_null(idb_scgi_variable(in, "POST"));
    assert_null(idb_scgi_variable(in, "1"));
    assert_null(idb_scgi_variable(in, "REQUEST"));
    assert_null(idb_scgi_variable(in, "REQUEST_URI_"));
    assert_null(idb_scgi_variable(in, "URI"));
    assert_null(idb_scgi_variable(in, ""));
    body = idb_scgi_body(in, &n);
    assert_int_equal(n, 27);
    assert_memory_equal(body, "What is the answer to life?", 27);
}

static void whole(void **state)
{
    (void)state;
    assert_int_equal(idb_scgi_state(in), IDB_SCGI_MORE);
    assert_int_equal(reads(example, EXAMPLE), IDB_SCGI_DONE);
    is_example();
    /* It stays so, whatever else comes. */
    assert_int_equal(ends(), IDB_SCGI_DONE);
    is_example();
    again();
    memcpy(request, example, EXAMPLE);
    memcpy(request + EXAMPLE, "more", 4);
    assert_int_equal(reads(request, EXAMPLE + 4), IDB_SCGI_DONE);
    is_example();
}

static void byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLE - 1; i++)
        assert_int_equal(reads(example + i, 1), IDB_SCGI_MORE);
    assert_int_equal(reads(example + EXAMPLE - 1, 1), IDB_SCGI_DONE);
    is_example();
}

static void two_pieces(void **state)
{
    (void)state;
    for (size_t i = 1; i < EXAMPLE; i++, again()) {
        assert_int_equal(reads(example, i), IDB_SCGI_MORE);
        assert_int_equal(reads(example + i, EXAMPLE - i), IDB_SCGI_DONE);
        is_example();
    }
}

static void ended_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLE; i++, again()) {
        if (i > 0)
            assert_int_equal(reads(example, i), IDB_SCGI_MORE);
        assert_int_equal(ends(), IDB_SCGI_BAD);
    }
}

static void nothing_yet(void **state)
{
    int pipes[2];

    (void)state;
    assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
    assert_true(idb_scgi_read(in, pipes[0], &err));
    assert_int_equal(idb_scgi_state(in), IDB_SCGI_MORE);
    close(pipes[0]);
    assert_false(idb_scgi_read(in, pipes[0], &err));
    assert_string_equal(err.code, "input");
    assert_int_equal(err.exit, IDB_UNAVAILABLE);
    close(pipes[1]);
}

/* The example with another length before it. */
static void length(const char *text, enum idb_scgi_state expected)
{
    const char *rest = strchr(example, ':');
    size_t n = EXAMPLE - (size_t)(rest - example);

    size = 0;
    add(text);
    memcpy(request + size, rest, n);
    assert_int_equal(reads(request, size + n), expected);
    again();
}

static void lengths(void **state)
{
    static const char *const bad[] = { "",
                                       "0",
                                       "070",
                                       "0000070",
                                       "+70",
                                       "-70",
                                       " 70",
                                       "70 ",
                                       "7a",
                                       "0x46",
                                       "69",
                                       "71",
                                       "1",
                                       "32769",
                                       "9999999",
                                       "99999999",
                                       "18446744073709551686",
                                       "4294967366" };

    (void)state;
    length("70", IDB_SCGI_DONE);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        length(bad[i], IDB_SCGI_BAD);
    /* More than there is so far is to be waited for. */
    length("1070", IDB_SCGI_MORE);
    assert_int_equal(reads("12345678", 8), IDB_SCGI_BAD);
}

static void largest_head(void **state)
{
    (void)state;
    make_large(IDB_SCGI_HEAD_MAX);
    assert_int_equal(reads(request, size), IDB_SCGI_DONE);
    assert_int_equal(strlen(idb_scgi_variable(in, "X")), IDB_SCGI_HEAD_MAX - 27);
    again();
    make_large(IDB_SCGI_HEAD_MAX + 1);
    assert_int_equal(reads(request, 6), IDB_SCGI_BAD);
}

static void comma(void **state)
{
    (void)state;
    memcpy(request, example, EXAMPLE);
    request[73] = ';';
    assert_int_equal(reads(request, EXAMPLE), IDB_SCGI_BAD);
}

static void strings(void **state)
{
    (void)state;
    make("", "CONTENT_LENGTH", "0", "SCGI", "1", "X", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    make("", "CONTENT_LENGTH", "0", "SCGI", "1", "", "x", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    make("", "CONTENT_LENGTH", "0", "SCGI", "1", "X", "", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_DONE);
    assert_string_equal(idb_scgi_variable(in, "X"), "");
    again();
    make("", "CONTENT_LENGTH", "0", "SCGI", "1", "X", "x", "X", "x", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    make("", "CONTENT_LENGTH", "0", "SCGI", "1", "CONTENT_LENGTH", "5", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    /* The last NUL is not there. */
    make("", "CONTENT_LENGTH", "0", "SCGI", "1", "X", "x", NULL);
    request[1] = '7';
    request[size - 2] = ',';
    assert_int_equal(reads(request, size - 1), IDB_SCGI_BAD);
}

/* Variables of one letter and three digits, n of them beside the two. */
static void make_many(int n)
{
    static const char begin[] = "CONTENT_LENGTH\0"
                                "0\0"
                                "SCGI\0"
                                "1";
    char name[16];

    size = (size_t)snprintf(request, sizeof request, "%zu:", sizeof begin + (size_t)n * 6);
    memcpy(request + size, begin, sizeof begin);
    size += sizeof begin;
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "X%03d", i % 1000);
        add_string(name);
        add_string("");
    }
    add(",");
}

static void number_of_variables(void **state)
{
    (void)state;
    make_many(254);
    assert_int_equal(reads(request, size), IDB_SCGI_DONE);
    assert_non_null(idb_scgi_variable(in, "X253"));
    again();
    make_many(255);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
}

static void which_protocol(void **state)
{
    static const char *const bad[] = { "", "0", "2", "11", "1 ", "01" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++, again()) {
        make("", "CONTENT_LENGTH", "0", "SCGI", bad[i], NULL);
        assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    }
    make("", "CONTENT_LENGTH", "0", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    make("", "CONTENT_LENGTH", "0", "scgi", "1", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
}

static void content_length(void **state)
{
    static const char *const bad[] = { "",   "x",  "-1",  "+1", " 1",  "1 ",         "01",
                                       "1x", "00", "0x1", "1.", "1e1", "1000000000", "1,1" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++, again()) {
        make("{}", "CONTENT_LENGTH", bad[i], "SCGI", "1", NULL);
        assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    }
    make("{}", "SCGI", "1", "CONTENT_LENGTH", "2", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    make("{}", "SCGI", "1", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
    again();
    make("{}", "CONTENT_LENGTX", "2", "SCGI", "1", "CONTENT_LENGTH", "2", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_BAD);
}

static void largest_body(void **state)
{
    size_t n;

    (void)state;
    make("", "CONTENT_LENGTH", "65536", "SCGI", "1", NULL);
    memset(request + size, 'x', IDB_REQUEST_MAX);
    assert_int_equal(reads(request, size + IDB_REQUEST_MAX - 1), IDB_SCGI_MORE);
    assert_int_equal(reads("y", 1), IDB_SCGI_DONE);
    assert_int_equal(idb_scgi_body(in, &n)[IDB_REQUEST_MAX - 1], 'y');
    assert_int_equal(n, IDB_REQUEST_MAX);
}

/* It is read to its end, so that who sends it comes to listen, and is not kept. */
static void too_large_body(void **state)
{
    static const size_t sizes[] = { IDB_REQUEST_MAX + 1, 100000, 200000 };
    char length[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        snprintf(length, sizeof length, "%zu", sizes[i]);
        for (size_t piece = 50000; piece < sizeof request; piece *= 2, again()) {
            size_t left;

            make("", "CONTENT_LENGTH", length, "SCGI", "1", NULL);
            memset(request + size, 'x', sizes[i]);
            left = size + sizes[i];
            for (size_t at = 0; at < left - 1; at += piece)
                assert_int_equal(feed(request + at, at + piece < left ? piece : left - 1 - at),
                                 IDB_SCGI_MORE);
            assert_int_equal(reads("x", 1), IDB_SCGI_DONE);
            assert_string_equal(idb_scgi_variable(in, "CONTENT_LENGTH"), length);
            idb_scgi_body(in, &n);
            assert_true(n < sizes[i]);
        }
    }
    make("xx", "CONTENT_LENGTH", "65537", "SCGI", "1", NULL);
    assert_int_equal(reads(request, size), IDB_SCGI_MORE);
    assert_int_equal(ends(), IDB_SCGI_BAD);
}

static void wiped(void **state)
{
    size_t n;

    (void)state;
    assert_int_equal(reads(example, EXAMPLE), IDB_SCGI_DONE);
    watched = in;
    watched_bytes = idb_scgi_variable(in, "CONTENT_LENGTH");
    watched_size = (size_t)(idb_scgi_body(in, &n) + 27 - watched_bytes);
    down(NULL);
    assert_int_equal(left_behind, 0);
    idb_scgi_free(NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(whole),          CASE(byte_by_byte),
        CASE(two_pieces),     CASE(ended_early),
        CASE(nothing_yet),    CASE(lengths),
        CASE(largest_head),   CASE(comma),
        CASE(strings),        CASE(number_of_variables),
        CASE(which_protocol), CASE(content_length),
        CASE(largest_body),   CASE(too_large_body),
        CASE(wiped),
    };

    return cmocka_run_group_tests_name("scgi", tests, NULL, NULL);
}
