/* timestamp.h: RFC 3339, both ways. */
#include "timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void known_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-01T00:00:00.000Z", 0 },
        { "1970-01-01T00:00:00.001Z", 1 },
        { "2000-02-29T23:59:59.999Z", 951868799999 },
        { "2026-11-24T05:25:10.123Z", 1795497910123 },
        { "2038-01-19T03:14:08.000Z", 2147483648000 },
        { "9998-12-31T23:59:59.999Z", 253370764799999 },
    };
    char text[IDB_TIMESTAMP_SIZE];
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        idb_timestamp_format(text, cases[i].ms);
        assert_string_equal(text, cases[i].text);
        assert_true(idb_timestamp_parse(&ms, cases[i].text));
        assert_true(ms == cases[i].ms);
    }
}

/* Several spellings of 2026-11-24T05:25:10Z. */
static void spellings(void **state)
{
    static const struct {
        const char *text;
        int ms;
    } cases[] = {
        { "2026-11-24T05:25:10Z", 0 },      { "2026-11-24T05:25:10.5Z", 500 },
        { "2026-11-24T05:25:10.05Z", 50 },  { "2026-11-24T05:25:10.123456789Z", 123 },
        { "2026-11-24T05:25:10.0009Z", 0 }, { "2026-11-24T06:25:10+01:00", 0 },
        { "2026-11-24T05:25:10+00:00", 0 }, { "2026-11-24T05:25:10-00:00", 0 },
        { "2026-11-23T23:55:10-05:30", 0 }, { "2026-11-25T05:24:10.25+23:59", 250 },
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(idb_timestamp_parse(&ms, cases[i].text));
        assert_true(ms == 1795497910000 + cases[i].ms);
    }
}

static void what_is_no_time(void **state)
{
    static const char *const bad[] = {
        "",
        "now",
        "1795497910",
        "2026-11-24",
        "2026-11-24T05:25:10",
        "2026-11-24 05:25:10Z",
        "2026-11-24t05:25:10Z",
        "2026-11-24T05:25:10z",
        "2026-11-24T05:25Z",
        "2026-11-24T5:25:10Z",
        "2026-1-24T05:25:10Z",
        "26-11-24T05:25:10Z",
        "02026-11-24T05:25:10Z",
        "2026-11-24T05:25:10.Z",
        "2026-11-24T05:25:10,5Z",
        "2026-11-24T05:25:10.1234567890Z",
        "2026-11-24T05:25:10+01",
        "2026-11-24T05:25:10+0100",
        "2026-11-24T05:25:10+24:00",
        "2026-11-24T05:25:10+01:60",
        "2026-11-24T05:25:10ZZ",
        "2026-11-24T05:25:10Z ",
        " 2026-11-24T05:25:10Z",
        "2026-00-24T05:25:10Z",
        "2026-13-24T05:25:10Z",
        "2026-11-00T05:25:10Z",
        "2026-11-31T05:25:10Z",
        "2026-02-29T05:25:10Z",
        "2100-02-29T05:25:10Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T05:60:10Z",
        "2026-11-24T05:25:61Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "-026-11-24T05:25:10Z",
        "+026-11-24T05:25:10Z",
        "2026-11-24T05:25:-1Z",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (idb_timestamp_parse(&ms, bad[i]))
            fail_msg("\"%s\" was taken for a time", bad[i]);
}

static void the_zone_of_the_machine_does_not_matter(void **state)
{
    char text[IDB_TIMESTAMP_SIZE];
    int64_t ms;

    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    idb_timestamp_format(text, 1795497910123);
    assert_string_equal(text, "2026-11-24T05:25:10.123Z");
    assert_true(idb_timestamp_parse(&ms, text));
    assert_true(ms == 1795497910123);
    unsetenv("TZ");
    tzset();
}

static void back_and_forth(void **state)
{
    char text[IDB_TIMESTAMP_SIZE];
    int64_t ms;

    (void)state;
    for (int64_t t = 0; t < 8030LL * 365 * 86400000; t += 86399 * 997 * 7919LL) {
        idb_timestamp_format(text, t);
        assert_true(idb_timestamp_parse(&ms, text));
        assert_true(ms == t);
    }
}

static void now_is_now(void **state)
{
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = idb_timestamp_now();

    (void)state;
    assert_true(now >= before && now <= before + 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),
        cmocka_unit_test(spellings),
        cmocka_unit_test(what_is_no_time),
        cmocka_unit_test(the_zone_of_the_machine_does_not_matter),
        cmocka_unit_test(back_and_forth),
        cmocka_unit_test(now_is_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
