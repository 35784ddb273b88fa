/* Cookies: what browsers send, and what attackers do. */
#include "cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME IDB_COOKIE_SESSION

/* A copy that ends where the heap block ends, so that the sanitizer sees any
 * step past the NUL. */
static char *exact(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    strcpy(copy, text);
    return copy;
}

static bool get(char *out, size_t size, const char *header, struct idb_error *err)
{
    char *copy = header ? exact(header) : NULL;
    bool ok = idb_cookie_get(out, size, copy, NAME, err);

    free(copy);
    return ok;
}

static void found(void **state)
{
    static const struct {
        const char *header;
        const char *value;
    } cases[] = {
        { NAME "=abc-_.123", "abc-_.123" },
        { "a=b; " NAME "=abc", "abc" },
        { "a=b; " NAME "=abc; c=d", "abc" },
        { "a=b;" NAME "=abc;c=d", "abc" },
        { "  \t" NAME "=abc", "abc" },
        { "a=\"quoted, by others\"; " NAME "=abc", "abc" },
        { "lonely; =x; ;; " NAME "=abc;", "abc" },
        { "x" NAME "=no; " NAME "x=no; " NAME "=abc", "abc" },
        { NAME "=a=b", "a=b" },
        { NAME "=", "" },
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_error err = { 0 };

        assert_true(get(out, sizeof out, cases[i].header, &err));
        assert_string_equal(out, cases[i].value);
    }
}

static void refuse(const char *header, enum idb_exit exit, const char *code)
{
    struct idb_error err = { 0 };
    char out[16] = "untouched";

    if (get(out, sizeof out, header, &err))
        fail_msg("'%s' was taken", header);
    assert_int_equal(err.exit, exit);
    assert_string_equal(err.code, code);
    assert_string_equal(out, "untouched");
    assert_null(strstr(err.message, "secret"));
}

static void absent(void **state)
{
    static const char *const headers[] = {
        "",
        ";",
        " ",
        "a=b",
        NAME,
        NAME "; a=b",
        "__host-idb-session=abc",
        "a=" NAME "=abc",
        NAME " =abc",
        "x" NAME "=abc",
        IDB_COOKIE_CODE "=abc",
        "\xff\xfe",
    };

    (void)state;
    refuse(NULL, IDB_REFUSED, "no_cookie");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        refuse(headers[i], IDB_REFUSED, "no_cookie");
}

static void bad(void **state)
{
    static const char *const headers[] = {
        NAME "=secret; " NAME "=secret",
        NAME "=secret;" NAME "=",
        NAME "=\"secret\"",
        NAME "=sec ret",
        NAME "=secret ",
        NAME "=sec,ret",
        NAME "=sec\\ret",
        NAME "=sec\tret",
        NAME "=sec\nret",
        NAME "=sec\x7fret",
        NAME "=sec\x80ret",
        NAME "=secret789012345678",
    };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        refuse(headers[i], IDB_DATA, "bad_cookie");
}

static void limits(void **state)
{
    char *header = malloc(IDB_COOKIE_HEADER_MAX + 2);
    char *out = malloc(IDB_COOKIE_HEADER_MAX);
    struct idb_error err = { 0 };
    size_t name = strlen(NAME "=");

    (void)state;
    memset(header, 'a', IDB_COOKIE_HEADER_MAX + 1);
    memcpy(header, NAME "=", name);
    header[name + IDB_COOKIE_MAX - 1] = '\0';
    assert_true(idb_cookie_get(out, IDB_COOKIE_MAX, header, NAME, &err));
    assert_int_equal(strlen(out), IDB_COOKIE_MAX - 1);
    assert_false(idb_cookie_get(out, IDB_COOKIE_MAX - 1, header, NAME, &err));
    assert_string_equal(err.code, "bad_cookie");
    header[name + IDB_COOKIE_MAX - 1] = 'a';
    header[name + IDB_COOKIE_MAX] = '\0';
    assert_false(idb_cookie_get(out, IDB_COOKIE_HEADER_MAX, header, NAME, &err));
    assert_string_equal(err.code, "bad_cookie");
    header[name + IDB_COOKIE_MAX] = 'a';
    header[name + 3] = ';'; /* a short value in a long header */
    header[IDB_COOKIE_HEADER_MAX] = '\0';
    assert_true(idb_cookie_get(out, IDB_COOKIE_MAX, header, NAME, &err));
    assert_string_equal(out, "aaa");
    header[IDB_COOKIE_HEADER_MAX] = 'a';
    header[IDB_COOKIE_HEADER_MAX + 1] = '\0';
    assert_false(idb_cookie_get(out, IDB_COOKIE_MAX, header, NAME, &err));
    assert_string_equal(err.code, "bad_cookie");
    free(out);
    free(header);
}

static void set(void **state)
{
    json_t *cookies = json_array();

    (void)state;
    assert_true(idb_cookie_set(cookies, NAME, "abc.-_", 14400));
    assert_true(idb_cookie_set(cookies, IDB_COOKIE_CODE, NULL, 600));
    assert_string_equal(json_string_value(json_array_get(cookies, 0)),
                        "__Host-idb-session=abc.-_; Path=/; Max-Age=14400; Secure; HttpOnly; "
                        "SameSite=Lax");
    assert_string_equal(json_string_value(json_array_get(cookies, 1)),
                        "__Host-idb-code=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    assert_int_equal(json_array_size(cookies), 2);
    json_decref(cookies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),  cmocka_unit_test(absent), cmocka_unit_test(bad),
        cmocka_unit_test(limits), cmocka_unit_test(set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
