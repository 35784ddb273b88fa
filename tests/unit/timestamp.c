/* Times: RFC 3339 to milliseconds and back. */
#include "timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void parses(const char *text, int64_t expected)
{
    int64_t ms = -1;

    if (!idb_timestamp_parse(&ms, text))
        fail_msg("refused: %s", text);
    if (ms != expected)
        fail_msg("%s: %lld, not %lld", text, (long long)ms, (long long)expected);
}

static void round_trip(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1, "1970-01-01T00:00:00.001Z" },
        { 951782399999, "2000-02-28T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 1709164800000, "2024-02-29T00:00:00.000Z" },
        { 2147483648000, "2038-01-19T03:14:08.000Z" },
        { 4107542400000, "2100-03-01T00:00:00.000Z" },
        { 253370764799999, "9998-12-31T23:59:59.999Z" },
    };
    char out[IDB_TIMESTAMP_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        idb_timestamp_format(out, cases[i].ms);
        assert_string_equal(out, cases[i].text);
        parses(cases[i].text, cases[i].ms);
    }
    for (int64_t ms = 7; ms < 253370764800000; ms += 86400000LL * 977 + 12345677) {
        idb_timestamp_format(out, ms);
        parses(out, ms);
    }
}

static void accepted(void **state)
{
    (void)state;
    /* The examples of RFC 3339 section 5.8 that have no leap second. */
    parses("1985-04-12T23:20:50.52Z", 482196050520);
    parses("1996-12-19T16:39:57-08:00", 851042397000);
    parses("2026-11-24T05:25:10Z", 1795497910000);
    parses("2026-11-24T05:25:10+00:00", 1795497910000);
    parses("2026-11-24T05:25:10-00:00", 1795497910000);
    parses("2026-11-24T06:25:10+01:00", 1795497910000);
    parses("2026-11-24T10:55:10+05:30", 1795497910000);
    parses("2026-11-24T01:40:10-03:45", 1795497910000);
    parses("2026-11-25T05:24:10+23:59", 1795497910000);
    parses("2026-11-23T05:26:10-23:59", 1795497910000);
    parses("1970-01-01T01:00:00+01:00", 0);
    /* Decimals are cut, not rounded. */
    parses("2026-11-24T05:25:10.1Z", 1795497910100);
    parses("2026-11-24T05:25:10.12Z", 1795497910120);
    parses("2026-11-24T05:25:10.0009Z", 1795497910000);
    parses("2026-11-24T05:25:10.999999999Z", 1795497910999);
}

static void leap_days(void **state)
{
    int64_t ms;

    (void)state;
    parses("2024-02-29T12:00:00Z", 1709208000000);
    parses("2000-02-29T00:00:00Z", 951782400000);
    assert_false(idb_timestamp_parse(&ms, "2023-02-29T12:00:00Z"));
    assert_false(idb_timestamp_parse(&ms, "2100-02-29T12:00:00Z"));
    assert_false(idb_timestamp_parse(&ms, "2024-02-30T12:00:00Z"));
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "now",
        "2026-11-24",
        "2026-11-24T05:25Z",
        "2026-11-24T05:25:10",
        "2026-11-24t05:25:10Z",
        "2026-11-24T05:25:10z",
        "2026-11-24 05:25:10Z",
        " 2026-11-24T05:25:10Z",
        "2026-11-24T05:25:10Z ",
        "2026-11-24T05:25:10ZZ",
        "2026-11-24T05:25:10Z+01:00",
        "2026-1-24T05:25:10Z",
        "26-11-24T05:25:10Z",
        "02026-11-24T05:25:10Z",
        "+2026-11-24T05:25:10Z",
        "-026-11-24T05:25:10Z",
        "2026-00-24T05:25:10Z",
        "2026-13-24T05:25:10Z",
        "2026-11-00T05:25:10Z",
        "2026-11-31T05:25:10Z",
        "2026-11-32T05:25:10Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T05:60:10Z",
        "2026-11-24T05:25:61Z",
        "1990-12-31T23:59:60Z", /* a leap second: no clock here has one */
        "2026-11-24T05:25:10.Z",
        "2026-11-24T05:25:10,5Z",
        "2026-11-24T05:25:10.1234567890Z",
        "2026-11-24T05:25:10.5",
        "2026-11-24T05:25:10+1:00",
        "2026-11-24T05:25:10+0100",
        "2026-11-24T05:25:10+01",
        "2026-11-24T05:25:10+24:00",
        "2026-11-24T05:25:10+01:60",
        "2026-11-24T05:25:10\xe2\x88\x92\x30\x31:00", /* a minus sign that is none */
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:59:59+01:00",
        "0000-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
    };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (idb_timestamp_parse(&ms, bad[i]))
            fail_msg("taken: %s", bad[i]);
}

/* The zone of whoever runs it does not matter. */
static void in_any_zone(void **state)
{
    static const char *const zones[] = { "America/New_York", "XXX-13", "UTC" };
    char out[IDB_TIMESTAMP_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        assert_int_equal(setenv("TZ", zones[i], 1), 0);
        tzset();
        parses("2026-07-01T00:30:00Z", 1782865800000);
        idb_timestamp_format(out, 1782865800000);
        assert_string_equal(out, "2026-07-01T00:30:00.000Z");
    }
}

static void now(void **state)
{
    int64_t before = (int64_t)time(NULL) * 1000 - 1000;
    int64_t ms = idb_timestamp_now();

    (void)state;
    assert_true(ms >= before && ms <= before + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(accepted),    cmocka_unit_test(leap_days),
        cmocka_unit_test(refused),    cmocka_unit_test(in_any_zone), cmocka_unit_test(now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
