#include "hours.h"

#include "config.h"
#include "config_check.h"
#include "config_schema.h"
#include "timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool idb_hours_knows(const char *zone)
{
    char path[128];

    snprintf(path, sizeof path, IDB_HOURS_ZONES "/%s", zone);
    return !strcmp(zone, "UTC") || access(path, R_OK) == 0;
}

static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

/* TZ becomes zone; *before, which zone_leave() takes, is what it was. */
static bool zone_enter(const char *zone, char **before)
{
    const char *tz = getenv("TZ");

    *before = tz ? strdup(tz) : NULL;
    if ((tz && !*before) || setenv("TZ", zone, 1) != 0) {
        free(*before);
        return false;
    }
    tzset();
    return true;
}

static void zone_leave(char *before)
{
    if (before)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    tzset();
    free(before);
}

static const char *zone_of(const json_t *line)
{
    const char *zone = json_string_value(json_object_get(line, "time_zone"));

    return zone ? zone : IDB_TIME_ZONE;
}

/* The time in zone; TZ is set for no longer than that. */
static bool local_time(struct tm *tm, const char *zone, int64_t now)
{
    time_t seconds = (time_t)(now / 1000);
    char *before = NULL;
    bool ok;

    if (!zone_enter(zone, &before))
        return false;
    ok = localtime_r(&seconds, tm);
    zone_leave(before);
    return ok;
}

static bool is_closed_day(const json_t *line, const struct tm *tm)
{
    char date[40];

    snprintf(date, sizeof date, "%04d-%02d-%02d", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
    return idb_config_check_has(json_object_get(line, "closed"), date);
}

static bool is_within(const json_t *ranges, int minute)
{
    size_t i;
    json_t *range;

    json_array_foreach (ranges, i, range) {
        const char *text = json_string_value(range);

        if (minute >= idb_config_schema_minutes(text)
            && minute < idb_config_schema_minutes(text + 6))
            return true;
    }
    return false;
}

bool idb_hours_open(const json_t *line, int64_t now, bool *open, struct idb_error *err)
{
    const json_t *hours = json_object_get(line, "hours");
    const char *zone = zone_of(line);
    struct tm tm = { 0 };

    *open = true;
    if (!hours && !json_object_get(line, "closed"))
        return true;
    if (!idb_hours_knows(zone))
        return idb_fail(err, IDB_CONFIG, "config_invalid",
                        "This system knows no time zone \"%s\"; install tzdata, or mend time_zone"
                        " of the line.",
                        zone);
    if (!local_time(&tm, zone, now))
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    *open =
        !is_closed_day(line, &tm)
        && (!hours
            || is_within(json_object_get(hours, days[tm.tm_wday]), tm.tm_hour * 60 + tm.tm_min));
    return true;
}

/* The first minute after now (s) at which the line opens on the day of tm, or 0. TZ is
 * the line's. */
static time_t opening(const json_t *line, const struct tm *day, time_t now)
{
    const json_t *hours = json_object_get(line, "hours");
    const json_t *ranges = json_object_get(hours, days[day->tm_wday]);

    if (is_closed_day(line, day))
        return 0;
    for (size_t i = 0; i < (hours ? json_array_size(ranges) : 1); i++) {
        struct tm tm = {
            .tm_year = day->tm_year, .tm_mon = day->tm_mon, .tm_mday = day->tm_mday, .tm_isdst = -1
        };
        time_t at;

        if (hours)
            tm.tm_min = idb_config_schema_minutes(json_string_value(json_array_get(ranges, i)));
        at = mktime(&tm);
        if (at > now)
            return at;
    }
    return 0;
}

int64_t idb_hours_next(const json_t *line, int64_t now)
{
    time_t seconds = (time_t)(now / 1000), at = 0;
    struct tm today = { 0 };
    char *before = NULL;
    bool ok;

    if (!zone_enter(zone_of(line), &before))
        return 0;
    ok = localtime_r(&seconds, &today);
    for (int i = 0; ok && !at && i <= 366; i++) {
        struct tm day = { .tm_year = today.tm_year,
                          .tm_mon = today.tm_mon,
                          .tm_mday = today.tm_mday + i,
                          .tm_hour = 12,
                          .tm_isdst = -1 };

        ok = mktime(&day) != -1;
        at = ok ? opening(line, &day, seconds) : 0;
    }
    zone_leave(before);
    return (int64_t)at * 1000;
}

void idb_hours_answer(json_t *answer, const json_t *line, int64_t now)
{
    struct idb_error ignored = { 0 };
    char text[IDB_TIMESTAMP_SIZE];
    int64_t next;
    bool open;

    if ((!json_object_get(line, "hours") && !json_object_get(line, "closed"))
        || !idb_hours_open(line, now, &open, &ignored))
        return;
    json_object_set_new(answer, "open", json_boolean(open));
    next = open ? 0 : idb_hours_next(line, now);
    if (!next)
        return;
    idb_timestamp_format(text, next);
    json_object_set_new(answer, "opens_at", json_string(text));
}
