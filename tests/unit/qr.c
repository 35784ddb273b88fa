/* A QR code of ours: what stands where, its limits, and the path that draws it. */
#include "qr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct idb_qr made(const char *text)
{
    struct idb_qr qr = { 0 };
    struct idb_error err = { 0 };

    assert_true(idb_qr_make(&qr, text, &err));
    return qr;
}

/* ISO/IEC 18004 section 6.3.3: a finder pattern in three corners, none in the fourth. */
static void finders(void **state)
{
    static const char *const finder[7] = { "1111111", "1000001", "1011101", "1011101",
                                           "1011101", "1000001", "1111111" };
    struct idb_qr qr = made("tel:+31241234567,,,,4821093471");
    int far = qr.width - 7;

    (void)state;
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 7; x++) {
            int dark = finder[y][x] - '0';

            assert_int_equal(qr.modules[y * qr.width + x], dark);
            assert_int_equal(qr.modules[y * qr.width + far + x], dark);
            assert_int_equal(qr.modules[(far + y) * qr.width + x], dark);
        }
    idb_qr_free(&qr);
    assert_null(qr.modules);
    idb_qr_free(&qr);
}

/* Fills the path's rectangles in and compares them with the modules. */
static void path(void **state)
{
    struct idb_qr qr = made("https://example.org/i?c=BCDFGHJKLM");
    json_t *json = idb_qr_json(&qr);
    const char *at = json_string_value(json_object_get(json, "path"));
    unsigned char drawn[177 * 177] = { 0 };
    int x = 0;
    int y = 0;
    int w = 0;
    int back = 0;
    int n = 0;

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(json, "size")), qr.width + 8);
    while (*at) {
        assert_int_equal(sscanf(at, "M%d %dh%dv1h-%dz%n", &x, &y, &w, &back, &n), 4);
        assert_int_equal(w, back);
        assert_in_range(x, 4, 3 + qr.width);
        assert_in_range(y, 4, 3 + qr.width);
        assert_in_range(w, 1, qr.width + 4 - x);
        memset(drawn + (y - 4) * qr.width + x - 4, 1, (size_t)w);
        at += n;
    }
    assert_memory_equal(drawn, qr.modules, (size_t)qr.width * (size_t)qr.width);
    json_decref(json);
    idb_qr_free(&qr);
}

static void limits(void **state)
{
    struct idb_qr qr = { 0 };
    struct idb_error err = { 0 };
    char text[514];

    (void)state;
    memset(text, 'A', sizeof text);
    text[513] = '\0';
    assert_false(idb_qr_make(&qr, text, &err));
    assert_string_equal(err.code, "input");
    assert_false(idb_qr_make(&qr, "", &err));
    text[512] = '\0';
    assert_true(idb_qr_make(&qr, text, &err));
    idb_qr_free(&qr);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(finders), cmocka_unit_test(path),
                                        cmocka_unit_test(limits) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
