/* buffer.h: what is added is there, and what is let go of holds nothing any more. */
/* wrap: malloc free */
#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idb_buffer b;
static bool no_memory;

/* Rooms handed back since, and bytes in them that were not wiped. */
static int let_go;
static size_t left_behind;

void *__wrap_malloc(size_t n);
void *__real_malloc(size_t n);
void __wrap_free(void *p);
void __real_free(void *p);

void *__wrap_malloc(size_t n)
{
    return no_memory ? NULL : __real_malloc(n);
}

void __wrap_free(void *p)
{
    if (p && p == b.bytes) {
        let_go++;
        for (size_t i = 0; i < b.size; i++)
            left_behind += b.bytes[i] != '\0';
    }
    __real_free(p);
}

static int up(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    no_memory = false;
    let_go = 0;
    left_behind = 0;
    return 0;
}

static int down(void **state)
{
    (void)state;
    idb_buffer_free(&b);
    return 0;
}

static void holds(const char *text)
{
    assert_int_equal(b.size, strlen(text));
    assert_memory_equal(b.bytes, text, b.size);
}

static void adds(void **state)
{
    (void)state;
    assert_true(idb_buffer_add(&b, "one ", 4));
    assert_true(idb_buffer_add(&b, "", 0));
    assert_true(idb_buffer_add(&b, "two", 3));
    holds("one two");
    assert_true(idb_buffer_add(&b, "\0x", 2));
    assert_int_equal(b.size, 9);
    assert_memory_equal(b.bytes, "one two\0x", 9);
}

/* From one room to the next, each byte stays and none is left in the old one. */
static void grows(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        char byte = (char)('a' + i % 26);

        assert_true(idb_buffer_add(&b, &byte, 1));
        assert_true(b.size <= b.room);
    }
    assert_int_equal(b.size, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.bytes[i], 'a' + i % 26);
    assert_in_range(let_go, 1, 10);
    assert_int_equal(left_behind, 0);
}

static void grows_at_once(void **state)
{
    static char much[200000];

    (void)state;
    memset(much, 'x', sizeof much);
    assert_true(idb_buffer_add(&b, "y", 1));
    assert_true(idb_buffer_add(&b, much, sizeof much));
    assert_int_equal(b.size, sizeof much + 1);
    assert_int_equal(b.bytes[0], 'y');
    assert_memory_equal(b.bytes + 1, much, sizeof much);
    assert_int_equal(left_behind, 0);
}

static void prints(void **state)
{
    char text[3001];

    (void)state;
    assert_true(idb_buffer_printf(&b, "%s: %d\r\n", "Status", 200));
    holds("Status: 200\r\n");
    assert_true(idb_buffer_printf(&b, "%s", ""));
    holds("Status: 200\r\n");
    /* No NUL stays behind it, and what is longer than the room makes more of it. */
    assert_true(idb_buffer_add(&b, "x", 1));
    holds("Status: 200\r\nx");
    idb_buffer_clear(&b);
    memset(text, 'y', 3000);
    text[3000] = '\0';
    assert_true(idb_buffer_printf(&b, "%s", text));
    holds(text);
}

/* The NUL of what is printed has room too, where all else fits exactly. */
static void prints_to_the_brim(void **state)
{
    (void)state;
    for (size_t spare = 0; spare < 4; spare++) {
        assert_true(idb_buffer_add(&b, "x", 1));
        while (b.size < b.room - spare)
            assert_true(idb_buffer_add(&b, "x", 1));
        assert_true(idb_buffer_printf(&b, "ab"));
        assert_true(b.size < b.room);
        assert_memory_equal(b.bytes + b.size - 2, "ab", 2);
        idb_buffer_free(&b);
    }
}

static void json(void **state)
{
    json_t *value = json_pack("{s:s, s:[i,i]}", "result", "\xc3\xa9", "n", 1, 2);
    json_t *list = json_array();
    char *expected;

    (void)state;
    assert_true(idb_buffer_json(&b, value));
    holds("{\"result\":\"\xc3\xa9\",\"n\":[1,2]}\n");
    assert_true(idb_buffer_json(&b, value));
    holds("{\"result\":\"\xc3\xa9\",\"n\":[1,2]}\n{\"result\":\"\xc3\xa9\",\"n\":[1,2]}\n");
    assert_false(idb_buffer_json(&b, NULL));
    idb_buffer_clear(&b);
    for (int i = 0; i < 5000; i++)
        json_array_append(list, value);
    expected = json_dumps(list, JSON_COMPACT);
    assert_true(idb_buffer_json(&b, list));
    assert_int_equal(b.size, strlen(expected) + 1);
    assert_memory_equal(b.bytes, expected, strlen(expected));
    assert_int_equal(b.bytes[b.size - 1], '\n');
    assert_int_equal(left_behind, 0);
    free(expected);
    json_decref(value);
    json_decref(list);
}

static void clears(void **state)
{
    static char much[100000];
    char *bytes;

    (void)state;
    idb_buffer_clear(&b);
    assert_int_equal(b.size, 0);
    assert_true(idb_buffer_add(&b, "secret", 6));
    bytes = b.bytes;
    idb_buffer_clear(&b);
    /* The room stays, and holds nothing. */
    assert_int_equal(b.size, 0);
    assert_ptr_equal(b.bytes, bytes);
    assert_int_equal(let_go, 0);
    assert_memory_equal(bytes, "\0\0\0\0\0\0", 6);
    memset(much, 'x', sizeof much);
    assert_true(idb_buffer_add(&b, much, sizeof much));
    let_go = 0;
    idb_buffer_clear(&b);
    /* A large one goes. */
    assert_null(b.bytes);
    assert_int_equal(b.room, 0);
    assert_int_equal(let_go, 1);
    assert_int_equal(left_behind, 0);
    assert_true(idb_buffer_add(&b, "again", 5));
    holds("again");
}

static void frees(void **state)
{
    (void)state;
    idb_buffer_free(&b);
    assert_true(idb_buffer_add(&b, "secret", 6));
    idb_buffer_free(&b);
    assert_int_equal(let_go, 1);
    assert_int_equal(left_behind, 0);
    assert_null(b.bytes);
    assert_int_equal(b.size + b.room, 0);
}

static void out_of_memory(void **state)
{
    json_t *value = json_pack("{s:s}", "a", "b");

    (void)state;
    no_memory = true;
    assert_false(idb_buffer_add(&b, "x", 1));
    assert_false(idb_buffer_printf(&b, "x"));
    assert_false(idb_buffer_json(&b, value));
    assert_int_equal(b.size, 0);
    no_memory = false;
    assert_true(idb_buffer_add(&b, "x", 1));
    no_memory = true;
    /* What there is stays, and what fits is added. */
    while (b.size < b.room)
        assert_true(idb_buffer_add(&b, "x", 1));
    assert_false(idb_buffer_add(&b, "y", 1));
    assert_int_equal(b.size, b.room);
    assert_int_equal(b.bytes[b.size - 1], 'x');
    json_decref(value);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(adds),
        CASE(grows),
        CASE(grows_at_once),
        CASE(prints),
        CASE(prints_to_the_brim),
        CASE(json),
        CASE(clears),
        CASE(frees),
        CASE(out_of_memory),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
