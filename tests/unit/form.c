/* Forms and queries: what is read, what is refused, and that what is written is
 * read back. */
#include "form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parses a copy that ends where the heap block ends. */
static bool parse(json_t **object, const char *form, size_t n, struct idb_error *err)
{
    char *copy = malloc(n + 1);
    bool ok;

    memcpy(copy, form, n);
    copy[n] = '\0';
    ok = idb_form_parse(object, copy, err);
    free(copy);
    return ok;
}

static void read_well(void **state)
{
    static const struct {
        const char *form;
        const char *json;
    } cases[] = {
        { "", "{}" },
        { "&", "{}" },
        { "a=1", "{\"a\":\"1\"}" },
        { "a=1&b=2", "{\"a\":\"1\",\"b\":\"2\"}" },
        { "&a=1&&b=2&", "{\"a\":\"1\",\"b\":\"2\"}" },
        { "a", "{\"a\":\"\"}" },
        { "a=", "{\"a\":\"\"}" },
        { "a&b", "{\"a\":\"\",\"b\":\"\"}" },
        { "a=b=c", "{\"a\":\"b=c\"}" },
        { "a==", "{\"a\":\"=\"}" },
        { "a=1+2", "{\"a\":\"1 2\"}" },
        { "a=1%2B2", "{\"a\":\"1+2\"}" },
        { "a=1;b=2", "{\"a\":\"1;b=2\"}" },
        { "a=%26%3d%3D", "{\"a\":\"&==\"}" },
        { "%61=1", "{\"a\":\"1\"}" },
        { "a=%252", "{\"a\":\"%2\"}" },
        { "a=Zo%C3%AB", "{\"a\":\"Zo\xc3\xab\"}" },
        { "a=%0d%0A", "{\"a\":\"\\r\\n\"}" },
        { "a=1&A=2", "{\"a\":\"1\",\"A\":\"2\"}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_error err = { 0 };
        json_t *expected = json_loads(cases[i].json, 0, NULL);
        json_t *object = NULL;

        if (!parse(&object, cases[i].form, strlen(cases[i].form), &err)
            || !json_equal(object, expected))
            fail_msg("%s: %s", cases[i].form, err.code ? err.message : "other fields");
        json_decref(expected);
        json_decref(object);
    }
}

static void refuse(const char *form, size_t n)
{
    struct idb_error err = { 0 };
    json_t *object = NULL;

    if (parse(&object, form, n, &err))
        fail_msg("%.*s is read", (int)(n < 80 ? n : 80), form);
    assert_null(object);
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, "bad_form");
    assert_null(strstr(err.message, "hush"));
}

static void refused(void **state)
{
    static const char *const cases[] = {
        "=1",         "a=1&=2",   "=",        "a=hush&a=hush", "a=1&%61=2", "a&a",
        "a=1&b=2&a=", "a=%",      "a=%4",     "a=%zz",         "a=%4z",     "a=%%41",
        "a=%u0041",   "a=hush%",  "%=1",      "a=%00",         "a%00=1",    "a=b%00hush",
        "a=%01",      "a=%1f",    "a=%09",    "a=\t",          "a=\x01",    "a=%ff",
        "a=%C3",      "a=%C3%28", "a=%C0%80", "a=%ED%A0%80",   "a=\xff",    "%ff=1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i], strlen(cases[i]));
}

/* IDB_FORM_FIELDS fields and IDB_FORM_MAX bytes are read, one more is not. */
static void limits(void **state)
{
    struct idb_error err = { 0 };
    char *big = malloc(IDB_FORM_MAX + 2);
    char fields[1024] = "";
    json_t *object = NULL;
    size_t n = 0;

    (void)state;
    for (int i = 0; i < IDB_FORM_FIELDS; i++)
        n += (size_t)snprintf(fields + n, sizeof fields - n, "%sf%d=", i ? "&" : "", i);
    assert_true(parse(&object, fields, n, &err));
    assert_int_equal(json_object_size(object), IDB_FORM_FIELDS);
    json_decref(object);
    n += (size_t)snprintf(fields + n, sizeof fields - n, "&x");
    refuse(fields, n);

    memset(big, 'x', IDB_FORM_MAX + 2);
    memcpy(big, "a=", 2);
    assert_true(parse(&object, big, IDB_FORM_MAX, &err));
    assert_int_equal(json_string_length(json_object_get(object, "a")), IDB_FORM_MAX - 2);
    json_decref(object);
    refuse(big, IDB_FORM_MAX + 1);
    free(big);
}

static void next(void **state)
{
    struct idb_error err = { 0 };
    const char *at = "b=2&a=%31&a=3&c=%";
    char name[32], value[32];

    (void)state;
    assert_true(idb_form_next(&at, name, value, &err));
    assert_string_equal(name, "b");
    assert_true(idb_form_next(&at, name, value, &err));
    assert_string_equal(value, "1");
    assert_true(idb_form_next(&at, name, value, &err));
    assert_null(err.code);
    assert_false(idb_form_next(&at, name, value, &err));
    assert_string_equal(err.code, "bad_form");
    at = "";
    err = (struct idb_error){ 0 };
    assert_false(idb_form_next(&at, name, value, &err));
    assert_null(err.code);
}

/* Everything but RFC 3986's unreserved is escaped. */
static void written(void **state)
{
    char *form = NULL;

    (void)state;
    assert_true(idb_form_add(&form, "a b", "1&2=3+4%"));
    assert_true(idb_form_add(&form, "c", ""));
    assert_true(idb_form_add(&form, "d", "AZaz09-._~/:\xc3\xab*'()!\n"));
    assert_string_equal(form, "a%20b=1%262%3D3%2B4%25&c=&d=AZaz09-._~%2F%3A%C3%AB%2A%27%28%29%21"
                              "%0A");
    free(form);
}

static void round_trip(void **state)
{
    struct idb_error err = { 0 };
    json_t *object = NULL;
    char *form = NULL;
    char all[256];
    size_t n = 0;

    (void)state;
    for (int c = ' '; c < 0x80; c++)
        all[n++] = (char)c;
    memcpy(all + n, "\r\n\xf0\x9f\x93\x9e", 7);
    assert_true(idb_form_add(&form, all, all));
    assert_true(idb_form_parse(&object, form, &err));
    assert_string_equal(json_string_value(json_object_get(object, all)), all);
    json_decref(object);
    free(form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_well), cmocka_unit_test(refused), cmocka_unit_test(limits),
        cmocka_unit_test(next),      cmocka_unit_test(written), cmocka_unit_test(round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
