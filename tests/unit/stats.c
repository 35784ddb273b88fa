/* stats.h: that no small count by purpose can be had from what is shown. */
#include "stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 40 /* sessions in all */
#define ANY  (MOST + 1)

/* What an onlooker has: each count where it is named, else ANY; the rest. */
struct shown {
    int count[3];
    int other;
};

static struct shown show(int a, int b, int c)
{
    static const char *const names[] = { "a", "b", "c" };
    json_t *counts = json_pack("{s:i, s:i, s:i}", "a", a, "b", b, "c", c);
    struct shown s = { 0 };

    assert_non_null(counts);
    s.other = (int)idb_stats_fold(counts, 0);
    for (int i = 0; i < 3; i++) {
        const json_t *count = json_object_get(counts, names[i]);

        s.count[i] = count ? (int)json_integer_value(count) : ANY;
    }
    json_decref(counts);
    return s;
}

static void counts_are_shown_whole_or_not_at_all(void **state)
{
    struct shown s = show(37, 12, 25);

    (void)state;
    assert_int_equal(s.count[0], 37);
    assert_int_equal(s.count[1], 12);
    assert_int_equal(s.count[2], 25);
    assert_int_equal(s.other, 0);
}

static void two_small_ones_that_are_enough_together_are_one(void **state)
{
    struct shown s = show(37, 9, 4);

    (void)state;
    assert_int_equal(s.count[0], 37);
    assert_int_equal(s.count[1], ANY);
    assert_int_equal(s.count[2], ANY);
    assert_int_equal(s.other, 13);
}

static void a_small_one_takes_the_smallest_that_was_shown_along(void **state)
{
    struct shown s = show(37, 1, 25);

    (void)state;
    assert_int_equal(s.count[0], 37);
    assert_int_equal(s.count[1], ANY);
    assert_int_equal(s.count[2], ANY);
    assert_int_equal(s.other, 26);
    s = show(37, 0, 25);
    assert_int_equal(s.count[2], 25);
    assert_int_equal(s.other, 0);
}

static void few_in_all_are_not_shown_at_all(void **state)
{
    struct shown s = show(3, 2, 4);

    (void)state;
    assert_int_equal(s.count[0], ANY);
    assert_int_equal(s.count[1], ANY);
    assert_int_equal(s.count[2], ANY);
    assert_int_equal(s.other, 0);
}

static void those_without_a_name_are_with_the_others(void **state)
{
    json_t *counts = json_pack("{s:i}", "a", 20);

    (void)state;
    assert_int_equal(idb_stats_fold(counts, 10), 10);
    assert_int_equal(json_object_size(counts), 1);
    assert_int_equal(idb_stats_fold(counts, 9), 29);
    assert_int_equal(json_object_size(counts), 0);
    json_decref(counts);
}

/* Between what each count lies in all the weeks of which the same is shown. */
struct causes {
    bool any;
    int other;
    int least[3], most[3];
};

/* One place for each combination of counts that are named, or not. */
static struct causes *place(struct causes *all, const struct shown *s)
{
    return &all[(s->count[0] * (ANY + 1) + s->count[1]) * (ANY + 1) + s->count[2]];
}

#define PLACES ((ANY + 1) * (ANY + 1) * (ANY + 1))

static void note(struct causes *c, const struct shown *s, const int counts[3])
{
    if (!c->any)
        *c = (struct causes){ .any = true, .other = s->other, .least = { ANY, ANY, ANY } };
    assert_int_equal(c->other, s->other); /* it follows from the sum, and tells no more */
    for (int i = 0; i < 3; i++) {
        c->least[i] = counts[i] < c->least[i] ? counts[i] : c->least[i];
        c->most[i] = counts[i] > c->most[i] ? counts[i] : c->most[i];
    }
}

/* Every week that three purposes can have, where the sum is known: a count that is not
 * named can be told exactly only when it is none, or nine or more. */
static void no_small_count_follows_from_what_is_shown(void **state)
{
    struct causes *all = calloc(PLACES, sizeof *all);
    int hidden = 0;

    (void)state;
    assert_non_null(all);
    for (int sum = 0; sum <= MOST; sum++) {
        memset(all, 0, PLACES * sizeof *all);
        for (int a = 0; a <= sum; a++)
            for (int b = 0; a + b <= sum; b++) {
                struct shown s = show(a, b, sum - a - b);

                note(place(all, &s), &s, (int[]){ a, b, sum - a - b });
            }
        for (int at = 0; at < PLACES; at++)
            for (int i = 0; all[at].any && i < 3; i++)
                if (all[at].least[i] == all[at].most[i] && all[at].least[i] > 0) {
                    assert_true(all[at].least[i] >= IDB_STATS_LEAST - 1);
                    hidden += all[at].least[i] == IDB_STATS_LEAST - 1;
                }
    }
    assert_true(hidden > 0); /* so it is nine, and not ten, that the page must say */
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_shown_whole_or_not_at_all),
        cmocka_unit_test(two_small_ones_that_are_enough_together_are_one),
        cmocka_unit_test(a_small_one_takes_the_smallest_that_was_shown_along),
        cmocka_unit_test(few_in_all_are_not_shown_at_all),
        cmocka_unit_test(those_without_a_name_are_with_the_others),
        cmocka_unit_test(no_small_count_follows_from_what_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
