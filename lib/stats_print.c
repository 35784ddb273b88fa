/* Printing of stats.h. */
#include "stats.h"

#include <stdio.h>

static const char *const periods[] = { "hour", "day", "week" };

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define PERIODS      COUNT(periods)

/* ---- a table for people ---- */

/* Control characters, which a name of somebody else's could hold, are kept off the terminal. */
static void print_name(const char *name, int width)
{
    int n = 0;

    for (; name[n]; n++)
        putchar(name[n] >= ' ' && name[n] <= '~' ? name[n] : '?');
    printf("%*s", n < width ? width - n : 0, "");
}

static void print_value(const json_t *value)
{
    if (json_is_string(value))
        printf(" %s\n", json_string_value(value));
    else if (json_is_real(value))
        printf(" %g\n", json_real_value(value));
    else
        printf(" %lld\n", (long long)json_integer_value(value));
}

/* A line for each member, behind a word for all of them. */
static void print_members(const char *word, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)object, name, value) {
        printf("%-11s", word);
        print_name(name, 16);
        print_value(value);
    }
}

/* One number of each period, beside each other; of the group, or of the period itself. */
static void print_row(const json_t *answer, const char *group, const char *name)
{
    printf("%-11s", group ? group : "");
    print_name(name, 16);
    for (size_t i = 0; i < PERIODS; i++) {
        const json_t *period = json_object_get(answer, periods[i]);
        const json_t *in = group ? json_object_get(period, group) : period;

        if (period)
            printf(" %9lld", (long long)json_integer_value(json_object_get(in, name)));
    }
    putchar('\n');
}

static void print_periods(const json_t *answer)
{
    json_t *hour = json_object_get(answer, "hour");
    const char *group, *name;
    json_t *value, *member;

    printf("\n%27s", "");
    for (size_t i = 0; i < PERIODS; i++)
        if (json_object_get(answer, periods[i]))
            printf(" %9s", periods[i]);
    putchar('\n');
    json_object_foreach (hour, group, value) {
        if (json_is_integer(value))
            print_row(answer, NULL, group);
        json_object_foreach (value, name, member)
            print_row(answer, group, name);
    }
}

/* What the other periods do not have. */
static void print_week(const json_t *week)
{
    static const char *const members[] = { "from", "until", "other" };

    if (!week)
        return;
    putchar('\n');
    print_members("purpose", json_object_get(week, "purposes"));
    for (size_t i = 0; i < COUNT(members); i++) {
        const json_t *value = json_object_get(week, members[i]);

        if (value) {
            printf("%-11s%-16s", "week", members[i]);
            print_value(value);
        }
    }
}

void idb_stats_print_table(const json_t *answer)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)answer, name, value) {
        if (json_is_object(value) && !json_object_get(value, "from")) {
            print_members(name, value);
        } else if (!json_is_object(value)) {
            printf("%-27s", name);
            print_value(value);
        }
    }
    print_periods(answer);
    print_week(json_object_get(answer, "week"));
}

/* ---- the text format 0.0.4 of Prometheus ---- */

/* Name and help stand without what all begin and end with, and without the period. */
struct metric {
    const char *name;
    const char *help;
    const char *member;
    const char *below; /* the member of that, or NULL */
    const char *label; /* of each member, where it is an object */
    bool counter;      /* never falls, but with a restored store */
};

static const struct metric all_time[] = {
    { "stats_timestamp_seconds", "When this was counted", "at", NULL, NULL, false },
    { "sessions", "Sessions that live", "sessions", NULL, "state", false },
    { "overdue_sessions", "Sessions past their time, not erased yet", "overdue", NULL, NULL,
      false },
    { "oldest_session_timestamp_seconds", "When the oldest session that lives was issued",
      "oldest_session", NULL, NULL, false },
    { "oldest_overdue_timestamp_seconds", "When the most overdue session should have gone",
      "oldest_overdue", NULL, NULL, false },
    { "newest_audit_timestamp_seconds", "When the newest audit row was written", "newest_audit",
      NULL, NULL, false },
    { "week_start_timestamp_seconds", "When the last whole week, in UTC, began", "week", "from",
      NULL, false },
    { "live_codes", "Codes that could be keyed in now", "codes", "live", NULL, false },
    { "guess_ratio", "The chance that one guess hits a live code", "codes", "chance", NULL, false },
    { "call_guess_ratio", "The chance, at most, of all guesses that one call may make", "codes",
      "chance_per_call", NULL, false },
    { "guess_limit_ratio", "The chance of one guess above which idb-issue warns", "codes",
      "warn_above", NULL, false },
    { "wrong_codes", "Wrong codes in the window of the throttle", "codes", "wrong", NULL, false },
    { "wrong_codes_limit", "Wrong codes from which on every resident must confirm", "codes",
      "wrong_limit", NULL, false },
    { "wrong_codes_window_seconds", "The length of that window", "codes", "wrong_window", NULL,
      false },
    { "alarms_total", "What must not happen, by its error word", "alarms", NULL, "word", true },
    { "store_bytes", "Size of the database file", "store", "bytes", NULL, false },
    { "store_log_bytes", "Size of the write-ahead log", "store", "log_bytes", NULL, false },
    { "store_pages", "Pages of the database", "store", "pages", NULL, false },
    { "store_free_pages", "Pages of the database that are free", "store", "free_pages", NULL,
      false },
};

static const struct metric each_period[] = {
    { "issued_sessions", "Sessions issued", "issued", NULL, NULL, false },
    { "renewals", "New codes given for sessions", "renewals", NULL, NULL, false },
    { "codes", "Codes keyed in on the telephone", "codes", NULL, "result", false },
    { "ended_sessions", "Sessions that ended", "reasons", NULL, "reason", false },
    { "called_sessions", "Sessions that had been called about and ended", "steps", "called", NULL,
      false },
    { "connected_sessions", "Sessions that an agent had opened and that ended", "steps",
      "connected", NULL, false },
    { "finished_sessions", "Sessions that an agent had opened and that ended as they should",
      "steps", "finished", NULL, false },
    { "renewed_sessions", "Sessions that had got a new code and ended", "renewed", NULL, NULL,
      false },
    { "uncalled_sessions", "Sessions that expired without a call", "expired_uncalled", NULL, NULL,
      false },
};

static const struct metric week_alone[] = {
    { "purpose_sessions", "Sessions, by purpose where they were not few, that ended", "purposes",
      NULL, "purpose", false },
    { "other_sessions", "Sessions for all other purposes that ended", "other", NULL, NULL, false },
};

/* A number, or a time as seconds. */
static void print_sample(const json_t *value)
{
    int64_t ms;

    if (json_is_string(value) && idb_timestamp_parse(&ms, json_string_value(value)))
        printf(" %lld.%03d\n", (long long)(ms / 1000), (int)(ms % 1000));
    else if (json_is_real(value))
        printf(" %g\n", json_real_value(value));
    else
        printf(" %lld\n", (long long)json_integer_value(value));
}

static void print_label(const char *label, const char *value)
{
    printf("{%s=\"", label);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n')
            putchar('\\');
        putchar(*value == '\n' ? 'n' : *value);
    }
    fputs("\"}", stdout);
}

/* Of the whole answer, or of one period in it. A metric without a value is left out. */
static void print_metric(const struct metric *m, const json_t *object, const char *prefix,
                         const char *when)
{
    const json_t *value = json_object_get(object, m->member);
    const char *name;
    json_t *one;

    if (m->below)
        value = json_object_get(value, m->below);
    if (!value || (json_is_object(value) && json_object_size(value) == 0))
        return;
    printf("# HELP idb_%s%s %s%s.\n", prefix, m->name, m->help, when);
    printf("# TYPE idb_%s%s %s\n", prefix, m->name, m->counter ? "counter" : "gauge");
    if (!m->label) {
        printf("idb_%s%s", prefix, m->name);
        print_sample(value);
    }
    json_object_foreach ((json_t *)value, name, one) {
        printf("idb_%s%s", prefix, m->name);
        print_label(m->label, name);
        print_sample(one);
    }
}

static void print_metrics(const struct metric *metrics, size_t n, const json_t *object,
                          const char *prefix, const char *when)
{
    for (size_t i = 0; object && i < n; i++)
        print_metric(&metrics[i], object, prefix, when);
}

void idb_stats_print_prometheus(const json_t *answer)
{
    static const char *const prefix[PERIODS] = { "hour_", "day_", "week_" };
    static const char *const when[PERIODS] = { " in the last hour", " in the last 24 hours",
                                               " in the last whole week" };

    print_metrics(all_time, COUNT(all_time), answer, "", "");
    for (size_t i = 0; i < PERIODS; i++)
        print_metrics(each_period, COUNT(each_period), json_object_get(answer, periods[i]),
                      prefix[i], when[i]);
    print_metrics(week_alone, COUNT(week_alone), json_object_get(answer, "week"), prefix[2],
                  when[2]);
}
