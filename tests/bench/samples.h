/*
 * Milliseconds that were measured, for the programs of this folder: kept, sorted, told.
 *
 *     struct samples s = { 0 };
 *     samples_add(&s, ms);
 *     samples_report(&s, "verify");    // "verify":{"n":…,"min":… without the closing brace
 */
#ifndef IDB_BENCH_SAMPLES_H
#define IDB_BENCH_SAMPLES_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct samples {
    double *ms;
    size_t n;
    size_t room;
};

static inline void bench_fail(const char *name, const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", name, what);
    exit(70);
}

static inline double bench_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static inline void samples_add(struct samples *s, double ms)
{
    if (s->n == s->room) {
        s->room = s->room ? 2 * s->room : 1024;
        s->ms = realloc(s->ms, s->room * sizeof *s->ms);
        if (!s->ms)
            bench_fail("samples", "out of memory");
    }
    s->ms[s->n++] = ms;
}

static inline int samples_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts, and takes the middle. */
static inline double samples_median(struct samples *s)
{
    qsort(s->ms, s->n, sizeof *s->ms, samples_compare);
    return (s->ms[(s->n - 1) / 2] + s->ms[s->n / 2]) / 2;
}

/* Adds them to NAME.ms, in their order, and prints all but the end of an object. */
static inline void samples_report(struct samples *s, const char *name)
{
    char path[PATH_MAX];
    FILE *file;
    double median;

    if (s->n == 0)
        bench_fail(name, "nothing was measured");
    snprintf(path, sizeof path, "%s.ms", name);
    file = fopen(path, "a");
    if (!file)
        bench_fail(name, "its .ms cannot be written");
    for (size_t i = 0; i < s->n; i++)
        fprintf(file, "%.4f\n", s->ms[i]);
    if (fclose(file) != 0)
        bench_fail(name, "its .ms cannot be written");
    median = samples_median(s);
    printf("\"%s\":{\"n\":%zu,\"min\":%.4f,\"median\":%.4f,\"p95\":%.4f,\"p99\":%.4f,"
           "\"slowest\":%.4f",
           name, s->n, s->ms[0], median, s->ms[(s->n * 95 - 1) / 100], s->ms[(s->n * 99 - 1) / 100],
           s->ms[s->n - 1]);
    free(s->ms);
}

#endif
