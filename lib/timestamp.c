#include "timestamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec ts = { 0 };

    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t idb_timestamp_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t idb_timestamp_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void idb_timestamp_format(char out[IDB_TIMESTAMP_SIZE], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(out, IDB_TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, IDB_TIMESTAMP_SIZE - n, ".%03dZ", (int)(ms % 1000));
}

/* n digits at *p as a number, from min to max; *p moves past them. */
static bool digits(const char **p, int n, int min, int max, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        *value = *value * 10 + (**p - '0');
    }
    return *value >= min && *value <= max;
}

static bool literal(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* ".5" to ".123456789": milliseconds, the rest cut off. */
static bool fraction(const char **p, int *ms)
{
    int scale = 100;
    int n = 0;

    *ms = 0;
    if (**p != '.')
        return true;
    for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, n++, scale /= 10)
        *ms += (**p - '0') * scale;
    return n >= 1 && n <= 9;
}

/* "Z" or "+01:00": minutes east of UTC. */
static bool offset(const char **p, int *minutes)
{
    int sign = **p == '-' ? -1 : 1;
    int h, m;

    *minutes = 0;
    if (literal(p, 'Z'))
        return true;
    if (!literal(p, '+') && !literal(p, '-'))
        return false;
    if (!digits(p, 2, 0, 23, &h) || !literal(p, ':') || !digits(p, 2, 0, 59, &m))
        return false;
    *minutes = sign * (h * 60 + m);
    return true;
}

bool idb_timestamp_parse(int64_t *ms, const char *text)
{
    struct tm tm = { 0 };
    struct tm check;
    const char *p = text;
    int milli, east;
    time_t seconds;

    if (!digits(&p, 4, 1970, 9998, &tm.tm_year) || !literal(&p, '-')
        || !digits(&p, 2, 1, 12, &tm.tm_mon) || !literal(&p, '-')
        || !digits(&p, 2, 1, 31, &tm.tm_mday) || !literal(&p, 'T')
        || !digits(&p, 2, 0, 23, &tm.tm_hour) || !literal(&p, ':')
        || !digits(&p, 2, 0, 59, &tm.tm_min) || !literal(&p, ':')
        || !digits(&p, 2, 0, 59, &tm.tm_sec) || !fraction(&p, &milli) || !offset(&p, &east) || *p)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    check = tm;
    seconds = timegm(&check);
    if (check.tm_mday != tm.tm_mday) /* 30 February became 2 March */
        return false;
    *ms = ((int64_t)seconds - (int64_t)east * 60) * 1000 + milli;
    return *ms >= 0;
}
