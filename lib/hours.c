#include "hours.h"

#include "config.h"
#include "config_check.h"
#include "config_schema.h"

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

/* The time in zone; TZ is set for no longer than that. */
static bool local_time(struct tm *tm, const char *zone, int64_t now)
{
    time_t seconds = (time_t)(now / 1000);
    const char *tz = getenv("TZ");
    char *before = tz ? strdup(tz) : NULL;
    bool ok = (before || !tz) && setenv("TZ", zone, 1) == 0;

    if (ok) {
        tzset();
        ok = localtime_r(&seconds, tm);
    }
    if (before)
        setenv("TZ", before, 1);
    else if (!tz)
        unsetenv("TZ");
    tzset();
    free(before);
    return ok;
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
    static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
    const json_t *hours = json_object_get(line, "hours");
    const json_t *closed = json_object_get(line, "closed");
    const char *zone = json_string_value(json_object_get(line, "time_zone"));
    struct tm tm = { 0 };
    char date[40];

    *open = true;
    if (!hours && !closed)
        return true;
    zone = zone ? zone : IDB_TIME_ZONE;
    if (!idb_hours_knows(zone))
        return idb_fail(err, IDB_CONFIG, "config_invalid",
                        "This system knows no time zone \"%s\"; install tzdata, or mend time_zone"
                        " of the line.",
                        zone);
    if (!local_time(&tm, zone, now))
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    snprintf(date, sizeof date, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    *open =
        !idb_config_check_has(closed, date)
        && (!hours
            || is_within(json_object_get(hours, days[tm.tm_wday]), tm.tm_hour * 60 + tm.tm_min));
    return true;
}
