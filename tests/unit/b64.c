/* Base64url: RFC 4648's own vectors, and every near miss. */
#include "b64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648 section 10 without padding, and bytes that need - and _. */
static const struct {
    const char *plain;
    const char *encoded;
} vectors[] = {
    { "", "" },
    { "f", "Zg" },
    { "fo", "Zm8" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg" },
    { "fooba", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy" },
    { "\xfb\xff\xbf", "-_-_" },
    { "\xff\xef", "_-8" },
};

static void rfc4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        size_t n = strlen(vectors[i].plain);
        char encoded[32];
        char decoded[32];
        size_t len = 99;

        idb_b64_encode(encoded, vectors[i].plain, n);
        assert_string_equal(encoded, vectors[i].encoded);
        assert_true(strlen(encoded) < IDB_B64_SIZE(n));
        assert_true(idb_b64_decode(decoded, n, &len, encoded, strlen(encoded)));
        assert_int_equal(len, n);
        assert_memory_equal(decoded, vectors[i].plain, n);
    }
}

static void round_trip_of_all_lengths(void **state)
{
    unsigned char bytes[100];
    unsigned char again[100];

    (void)state;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        char *encoded = malloc(IDB_B64_SIZE(n)); /* exact, for the sanitizer */
        size_t len = 0;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(i * 37 + n * 11);
        idb_b64_encode(encoded, bytes, n);
        assert_int_equal(strlen(encoded), IDB_B64_SIZE(n) - 1);
        assert_true(idb_b64_decode(again, n, &len, encoded, strlen(encoded)));
        assert_int_equal(len, n);
        assert_memory_equal(again, bytes, n);
        if (n > 0)
            assert_false(idb_b64_decode(again, n - 1, &len, encoded, strlen(encoded)));
        free(encoded);
    }
}

static void every_byte_value(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 4; at++) {
            char text[4] = { 'A', 'A', 'A', 'A' };
            unsigned char out[3];
            size_t len;

            text[at] = (char)c;
            assert_int_equal(idb_b64_decode(out, sizeof out, &len, text, 4),
                             c != 0 && strchr(alphabet, c) != NULL);
        }
    }
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "A",     "Zg=",    "Zg==",  "Zm8=", "=",       "====",       "Zm9vY",        "Zh",
        "Zm9",   "Zm9vYh", "Z g",   "Zg\n", " Zg",     "Zm9v ",      "Zm+v",         "Zm/v",
        "Zm9v.", "Zg\r\n", "Zm9v=", "_-9",  "Zm9vYmF", "\xc3\xa9Zg", "Zm9vZg==Zm9v", "Z=m9",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unsigned char out[32];
        size_t len;

        if (idb_b64_decode(out, sizeof out, &len, bad[i], strlen(bad[i])))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void reads_only_its_length(void **state)
{
    unsigned char out[3];
    char *text = malloc(4); /* no NUL behind it */
    size_t len;

    (void)state;
    memcpy(text, "Zm9v", 4);
    assert_true(idb_b64_decode(out, sizeof out, &len, text, 4));
    assert_int_equal(len, 3);
    assert_true(idb_b64_decode(out, 0, &len, text, 0));
    assert_int_equal(len, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc4648),
        cmocka_unit_test(round_trip_of_all_lengths),
        cmocka_unit_test(every_byte_value),
        cmocka_unit_test(refused),
        cmocka_unit_test(reads_only_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
