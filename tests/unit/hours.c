/* hours.h: a line's hours by its own clock, over the changes of summer time. */
#include "hours.h"

#include "timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_open(const char *line, const char *time)
{
    struct idb_error err = { 0 };
    json_t *json = json_loads(line, 0, NULL);
    bool open = false;
    int64_t ms;

    assert_non_null(json);
    assert_true(idb_timestamp_parse(&ms, time));
    assert_true(idb_hours_open(json, ms, &open, &err));
    json_decref(json);
    return open;
}

/* 2026-11-24 is a Tuesday; Amsterdam is an hour ahead of UTC in winter. */
static void a_day(void **state)
{
    static const char line[] = "{\"hours\":{\"tue\":[\"09:00-12:30\",\"13:30-17:00\"],\"wed\":[]}}";

    (void)state;
    assert_false(is_open(line, "2026-11-24T07:59:59.999Z"));
    assert_true(is_open(line, "2026-11-24T08:00:00Z"));
    assert_true(is_open(line, "2026-11-24T11:29:59.999Z"));
    assert_false(is_open(line, "2026-11-24T11:30:00Z"));
    assert_false(is_open(line, "2026-11-24T12:29:59Z"));
    assert_true(is_open(line, "2026-11-24T12:30:00Z"));
    assert_true(is_open(line, "2026-11-24T15:59:59Z"));
    assert_false(is_open(line, "2026-11-24T16:00:00Z"));
    /* A day with an empty list, and one that is absent. */
    assert_false(is_open(line, "2026-11-25T09:00:00Z"));
    assert_false(is_open(line, "2026-11-26T09:00:00Z"));
}

static void each_day_has_its_name(void **state)
{
    static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
    char line[64], time[32];

    (void)state;
    /* 2026-11-23 is a Monday. */
    for (int name = 0; name < 7; name++)
        for (int day = 0; day < 7; day++) {
            snprintf(line, sizeof line, "{\"hours\":{\"%s\":[\"09:00-17:00\"]}}", names[name]);
            snprintf(time, sizeof time, "2026-11-%02dT12:00:00Z", 23 + day);
            assert_int_equal(is_open(line, time), name == day);
        }
}

static void midnight(void **state)
{
    static const char line[] = "{\"hours\":{\"tue\":[\"20:00-24:00\"],\"thu\":[\"00:00-00:01\"]}}";

    (void)state;
    assert_true(is_open(line, "2026-11-24T22:59:59.999Z"));
    assert_false(is_open(line, "2026-11-24T23:00:00Z"));
    assert_false(is_open(line, "2026-11-25T22:59:59Z"));
    assert_true(is_open(line, "2026-11-25T23:00:00Z"));
    assert_false(is_open(line, "2026-11-25T23:01:00Z"));
}

/* Sunday 29 March 2026: 01:59 is followed by 03:00. Sunday 25 October: 02:59 by 02:00. */
static void summer_time(void **state)
{
    static const char line[] = "{\"hours\":{\"sun\":[\"01:30-02:30\",\"09:00-10:00\"]}}";

    (void)state;
    assert_true(is_open(line, "2026-03-29T00:59:59Z"));
    assert_false(is_open(line, "2026-03-29T01:00:00Z"));
    assert_false(is_open(line, "2026-03-29T06:59:59Z"));
    assert_true(is_open(line, "2026-03-29T07:00:00Z"));
    assert_true(is_open(line, "2026-10-25T00:29:59Z"));
    assert_false(is_open(line, "2026-10-25T00:30:00Z"));
    assert_true(is_open(line, "2026-10-25T01:00:00Z"));
    assert_false(is_open(line, "2026-10-25T01:30:00Z"));
    assert_false(is_open(line, "2026-10-25T07:59:59Z"));
    assert_true(is_open(line, "2026-10-25T08:00:00Z"));
}

static void closed_days(void **state)
{
    static const char always[] = "{\"closed\":[\"2026-12-25\",\"2027-01-01\"]}";
    static const char both[] =
        "{\"hours\":{\"fri\":[\"00:00-24:00\"]},\"closed\":[\"2026-12-25\"]}";

    (void)state;
    assert_true(is_open("{}", "2026-12-25T12:00:00Z"));
    assert_true(is_open(always, "2026-12-24T22:59:59Z"));
    assert_false(is_open(always, "2026-12-24T23:00:00Z"));
    assert_false(is_open(always, "2026-12-25T22:59:59Z"));
    assert_true(is_open(always, "2026-12-25T23:00:00Z"));
    assert_false(is_open(both, "2026-12-25T12:00:00Z"));
    assert_true(is_open(both, "2026-12-18T12:00:00Z"));
    assert_false(is_open("{\"hours\":{}}", "2026-12-18T12:00:00Z"));
}

static void zones(void **state)
{
    static const char hours[] =
        "{\"time_zone\":\"%s\",\"hours\":{\"tue\":[\"09:00-10:00\"]},\"closed\":[]}";
    struct idb_error err = { 0 };
    char line[160];
    json_t *json;
    bool open;

    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    snprintf(line, sizeof line, hours, "UTC");
    assert_true(is_open(line, "2026-11-24T09:30:00Z"));
    snprintf(line, sizeof line, hours, "America/Curacao");
    assert_true(is_open(line, "2026-11-24T13:30:00Z"));
    assert_false(is_open(line, "2026-11-24T09:30:00Z"));
    /* The process keeps its own. */
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    unsetenv("TZ");
    assert_true(is_open(line, "2026-11-24T13:30:00Z"));
    assert_null(getenv("TZ"));
    snprintf(line, sizeof line, hours, "Europe/Nowhere");
    json = json_loads(line, 0, NULL);
    assert_false(idb_hours_open(json, 0, &open, &err));
    assert_string_equal(err.code, "config_invalid");
    json_decref(json);
}

/* When the line opens after time, "" for never. */
static const char *opens(const char *line, const char *time)
{
    static char text[IDB_TIMESTAMP_SIZE];
    json_t *json = json_loads(line, 0, NULL);
    int64_t ms, next;

    assert_non_null(json);
    assert_true(idb_timestamp_parse(&ms, time));
    next = idb_hours_next(json, ms);
    text[0] = '\0';
    if (next)
        idb_timestamp_format(text, next);
    json_decref(json);
    return text;
}

static void next_opening(void **state)
{
    static const char line[] = "{\"hours\":{\"tue\":[\"09:00-12:30\",\"13:30-17:00\"],"
                               "\"fri\":[\"09:00-10:00\"]},\"closed\":[\"2026-12-25\"]}";
    static const char always[] = "{\"closed\":[\"2026-12-25\",\"2026-12-26\"]}";
    static const char spring[] = "{\"hours\":{\"sun\":[\"09:00-10:00\"]}}";

    (void)state;
    assert_string_equal(opens(line, "2026-11-24T07:59:59Z"), "2026-11-24T08:00:00.000Z");
    assert_string_equal(opens(line, "2026-11-24T08:00:00Z"), "2026-11-24T12:30:00.000Z");
    assert_string_equal(opens(line, "2026-11-24T16:00:00Z"), "2026-11-27T08:00:00.000Z");
    /* Over a closed day, over the end of a year, and into summer. */
    assert_string_equal(opens(line, "2026-12-22T17:00:00Z"), "2026-12-29T08:00:00.000Z");
    assert_string_equal(opens(line, "2026-12-29T17:00:00Z"), "2027-01-01T08:00:00.000Z");
    assert_string_equal(opens(spring, "2026-03-28T12:00:00Z"), "2026-03-29T07:00:00.000Z");
    assert_string_equal(opens(always, "2026-12-25T12:00:00Z"), "2026-12-26T23:00:00.000Z");
    assert_string_equal(opens("{\"hours\":{\"mon\":[]}}", "2026-11-24T07:00:00Z"), "");
}

static void answers(void **state)
{
    json_t *line = json_loads("{\"hours\":{\"tue\":[\"09:00-10:00\"]}}", 0, NULL);
    json_t *a = json_object();
    int64_t ms;

    (void)state;
    assert_true(idb_timestamp_parse(&ms, "2026-11-24T08:30:00Z"));
    idb_hours_answer(a, line, ms);
    assert_true(json_is_true(json_object_get(a, "open")));
    assert_null(json_object_get(a, "opens_at"));
    idb_hours_answer(a, line, ms + 3600 * 1000);
    assert_true(json_is_false(json_object_get(a, "open")));
    assert_string_equal(json_string_value(json_object_get(a, "opens_at")),
                        "2026-12-01T08:00:00.000Z");
    json_object_clear(a);
    json_object_clear(line);
    idb_hours_answer(a, line, ms);
    assert_int_equal(json_object_size(a), 0);
    json_decref(a);
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day),        cmocka_unit_test(each_day_has_its_name),
        cmocka_unit_test(midnight),     cmocka_unit_test(summer_time),
        cmocka_unit_test(closed_days),  cmocka_unit_test(zones),
        cmocka_unit_test(next_opening), cmocka_unit_test(answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
