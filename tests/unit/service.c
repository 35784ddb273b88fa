/* service.h: groups are one transaction, one request's failure stays its own, and what was
 * undone is repeated where it may be. */
/* wrap: idb_timestamp_monotonic */
#include "service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A store of one number: each request adds one, unless it says otherwise. */
struct fake {
    int stored;
    int pending;
    int commits;
    int rollbacks;
    int handled;
    bool open_fails;
    int commit_fails_when; /* so many are pending */
    bool was_flaky;
    char turns[8];
    const char *opening; /* how each goes, see goes() */
    const char *handling;
    const char *committing;
    int opened;
    int asked;     /* of a commit */
    int64_t takes; /* ms that a commit takes */
};

static int64_t monotonic;

int64_t __wrap_idb_timestamp_monotonic(void);

int64_t __wrap_idb_timestamp_monotonic(void)
{
    return monotonic;
}

/* A letter for each time, '.' for well; well too where no letter is left, but the last
 * stands for all that come when '*' is behind it. */
static bool goes(const char **script, struct idb_error *err)
{
    static const struct {
        char letter;
        enum idb_exit exit;
        const char *code;
    } ways[] = {
        { 'c', IDB_TEMPFAIL, "conflict" },      { 'd', IDB_UNAVAILABLE, "store_down" },
        { 'k', IDB_TEMPFAIL, "locked" },        { 'l', IDB_TEMPFAIL, "store_lost" },
        { 'u', IDB_TEMPFAIL, "store_unknown" }, /* and it was not done */
        { 'U', IDB_TEMPFAIL, "store_unknown" }, /* and it was */
    };
    char letter = *script && **script ? **script : '.';

    if (*script && **script && (*script)[1] != '*')
        ++*script;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (letter == ways[i].letter)
            return idb_fail(err, ways[i].exit, ways[i].code, "As the script says.");
    return true;
}

static bool open_fake(void *ctx, struct idb_error *err)
{
    struct fake *f = ctx;

    f->opened++;
    if (f->open_fails)
        return idb_fail(err, IDB_CONFIG, "config_missing", "No configuration.");
    return goes(&f->opening, err);
}

/* {"do": "ok" | "again" | "refuse" | "refuse_standing" | "bad" | "fail" | "flaky" | "busy" |
 * "forged"}; "again" is what may be done twice. */
static bool handle(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    struct fake *f = ctx;
    const char *what = json_string_value(json_object_get(request, "do"));

    f->handled++;
    if (!strcmp(what, "bad"))
        return idb_fail(err, IDB_DATA, "bad_request", "Bad.");
    if (!strcmp(what, "refuse"))
        return idb_fail(err, IDB_REFUSED, "no_session", "No.");
    if (!goes(&f->handling, err))
        return false;
    f->pending++;
    if (!strcmp(what, "fail"))
        return idb_fail(err, IDB_UNAVAILABLE, "store_io", "Broken.");
    if (!strcmp(what, "flaky") && !f->was_flaky) {
        f->was_flaky = true;
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    }
    if (!strcmp(what, "busy"))
        return idb_fail(err, IDB_TEMPFAIL, "busy", "Busy.");
    if (!strcmp(what, "forged"))
        return idb_fail(err, IDB_SOFTWARE, "forged", "Forged.") || true;
    if (!strcmp(what, "refuse_standing"))
        err->exit = IDB_REFUSED;
    *answer = json_pack("{s:O}", "did", json_object_get(request, "do"));
    return true;
}

static bool commit(void *ctx, struct idb_error *err)
{
    struct fake *f = ctx;
    bool is_done = f->committing && *f->committing == 'U';

    f->asked++;
    monotonic += f->takes;
    if (f->commit_fails_when && f->pending == f->commit_fails_when)
        return idb_fail(err, IDB_UNAVAILABLE, "store_full", "Full.");
    if (!goes(&f->committing, err)) {
        f->stored += is_done ? f->pending : 0;
        return false;
    }
    f->commits++;
    f->stored += f->pending;
    f->pending = 0;
    return true;
}

static void rollback(void *ctx)
{
    struct fake *f = ctx;

    f->rollbacks++;
    f->pending = 0;
}

static void note_turn(void *ctx, const void *from)
{
    struct fake *f = ctx;

    strncat(f->turns, from, 1);
}

static bool is_again(void *ctx, const void *from)
{
    (void)ctx;
    return !strcmp(from, "again");
}

/* Runs a request for each word and gives what was answered, joined by spaces. */
static const char *run(struct fake *f, const char *words)
{
    static char answered[512];
    struct idb_service service = { .ctx = f,
                                   .open = open_fake,
                                   .handle = handle,
                                   .commit = commit,
                                   .rollback = rollback,
                                   .is_repeatable = is_again };
    struct idb_exchange x[16] = { 0 };
    char copy[256];
    size_t n = 0;

    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "), n++)
        if (!strcmp(word, "unread")) {
            idb_fail(&x[n].err, IDB_DATA, "bad_json", "Not JSON.");
        } else {
            x[n].request = json_pack("{s:s}", "do", word);
            x[n].from = word;
        }
    idb_service_run(&service, x, n);
    answered[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const char *did = json_string_value(json_object_get(x[i].answer, "did"));
        const char *error = json_string_value(json_object_get(x[i].answer, "error"));
        size_t used = strlen(answered);

        assert_non_null(x[i].answer);
        snprintf(answered + used, sizeof answered - used, "%s%s:%d", i ? " " : "",
                 did ? did : error, (int)x[i].err.exit);
        idb_exchange_clear(&x[i]);
        assert_null(x[i].request);
        assert_null(x[i].answer);
    }
    return answered;
}

static void one_alone(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, "ok"), "ok:0");
    assert_int_equal(f.stored, 1);
    assert_int_equal(f.commits, 1);
    assert_int_equal(f.rollbacks, 0);
}

static void none_at_all(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, ""), "");
    assert_int_equal(f.commits, 0);
    assert_string_equal(run(&f, "unread"), "bad_json:65");
    assert_int_equal(f.handled, 0);
}

static void a_group_is_one_commit_in_order(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, "ok unread ok refuse_standing ok"),
                        "ok:0 bad_json:65 ok:0 refuse_standing:1 ok:0");
    assert_int_equal(f.commits, 1);
    assert_int_equal(f.stored, 4);
    assert_int_equal(f.handled, 4);
}

static void a_refusal_is_no_failure(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, "ok refuse bad forged ok"),
                        "ok:0 no_session:1 bad_request:65 forged:70 ok:0");
    assert_int_equal(f.commits, 1);
    assert_int_equal(f.rollbacks, 0);
    assert_int_equal(f.stored, 3); /* what stands beside "forged" as well */
}

static void a_failure_undoes_the_group_and_stays_its_own(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, "ok fail refuse ok unread"),
                        "ok:0 store_io:69 no_session:1 ok:0 bad_json:65");
    assert_int_equal(f.stored, 2);
    assert_int_equal(f.pending, 0);
}

static void what_went_well_the_second_time_went_well(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, "ok flaky"), "ok:0 flaky:0");
    assert_int_equal(f.stored, 2);
}

static void a_store_that_is_busy_is_waited_for_once(void **state)
{
    struct fake f = { 0 };

    (void)state;
    assert_string_equal(run(&f, "ok busy unread ok"), "busy:75 busy:75 bad_json:65 busy:75");
    assert_int_equal(f.handled, 2);
    assert_int_equal(f.stored, 0);
    assert_int_equal(f.rollbacks, 1);
    /* The group failed for another reason, and then somebody took the store. */
    f = (struct fake){ 0 };
    assert_string_equal(run(&f, "flaky ok busy ok ok"), "flaky:0 ok:0 busy:75 busy:75 busy:75");
    assert_int_equal(f.handled, 4);
    assert_int_equal(f.stored, 2);
}

static void what_others_or_a_lost_connection_undid_is_repeated(void **state)
{
    static const char *const undone[] = { "c", "l", "cl", "lccl" };

    (void)state;
    for (size_t i = 0; i < sizeof undone / sizeof undone[0]; i++) {
        struct fake f = { .handling = undone[i] };

        assert_string_equal(run(&f, "ok"), "ok:0");
        assert_int_equal(f.handled, strlen(undone[i]) + 1);
        assert_int_equal(f.opened, strlen(undone[i]) + 1); /* anew each time */
        assert_int_equal(f.stored, 1);
        f = (struct fake){ .committing = undone[i] };
        assert_string_equal(run(&f, "ok"), "ok:0");
        assert_int_equal(f.rollbacks, strlen(undone[i]));
        assert_int_equal(f.stored, 1);
        f = (struct fake){ .opening = undone[i] };
        assert_string_equal(run(&f, "ok"), "ok:0");
        assert_int_equal(f.stored, 1);
    }
}

static void repeating_is_bounded_by_number(void **state)
{
    struct fake f = { .handling = "c*" };

    (void)state;
    assert_string_equal(run(&f, "ok"), "conflict:75");
    assert_int_equal(f.handled, 5);
    f = (struct fake){ .committing = "l*" };
    assert_string_equal(run(&f, "ok"), "store_lost:75");
    assert_int_equal(f.asked, 5);
    f = (struct fake){ .committing = "U*" };
    assert_string_equal(run(&f, "again"), "store_unknown:75");
    assert_int_equal(f.asked, 5);
    /* What is not said to be undone is not. */
    f = (struct fake){ .handling = "k*" };
    assert_string_equal(run(&f, "again"), "locked:75");
    assert_int_equal(f.handled, 1);
    f = (struct fake){ .opening = "d*" };
    assert_string_equal(run(&f, "again"), "store_down:69");
    assert_int_equal(f.opened, 1);
}

static void repeating_is_bounded_by_time(void **state)
{
    struct fake f = { .committing = "l*", .takes = 3000 };

    (void)state;
    assert_string_equal(run(&f, "ok"), "store_lost:75");
    assert_int_equal(f.asked, 3);
    /* In a group as well: what comes behind one that took that long only hears the same. */
    f = (struct fake){ .committing = "l*", .takes = 3000 };
    assert_string_equal(run(&f, "ok ok ok ok"),
                        "store_lost:75 store_lost:75 store_lost:75 store_lost:75");
    assert_int_equal(f.asked, 3); /* together, and the first twice */
    /* What takes long and goes well is not held against it. */
    f = (struct fake){ .committing = "l", .takes = 9000 };
    assert_string_equal(run(&f, "ok ok ok"), "store_lost:75 store_lost:75 store_lost:75");
    f = (struct fake){ .committing = "l", .takes = 5000 };
    assert_string_equal(run(&f, "ok ok ok"), "ok:0 ok:0 ok:0");
    assert_int_equal(f.stored, 3);
}

static void what_nobody_knows_is_repeated_only_where_it_may_be(void **state)
{
    struct fake f = { .committing = "U" };

    (void)state;
    assert_string_equal(run(&f, "ok"), "store_unknown:75");
    assert_int_equal(f.stored, 1);
    assert_int_equal(f.asked, 1);
    f = (struct fake){ .committing = "u" };
    assert_string_equal(run(&f, "ok"), "store_unknown:75");
    assert_int_equal(f.stored, 0);
    f = (struct fake){ .committing = "u" };
    assert_string_equal(run(&f, "again"), "again:0");
    assert_int_equal(f.stored, 1);
    f = (struct fake){ .committing = "U" };
    assert_string_equal(run(&f, "again"), "again:0");
    assert_int_equal(f.asked, 2);
}

static void what_nobody_knows_in_a_group_is_each_ones_own(void **state)
{
    struct fake f = { .committing = "U" };

    (void)state;
    assert_string_equal(run(&f, "ok again unread ok again"),
                        "store_unknown:75 again:0 bad_json:65 store_unknown:75 again:0");
    assert_int_equal(f.asked, 3);
    assert_int_equal(f.handled, 4 + 2);
    /* A group that was surely undone is repeated whole. */
    f = (struct fake){ .committing = "l" };
    assert_string_equal(run(&f, "ok again ok"), "ok:0 again:0 ok:0");
    assert_int_equal(f.stored, 3);
    /* One alone of which nobody knows takes nothing from the others. */
    f = (struct fake){ .committing = "lu" };
    assert_string_equal(run(&f, "ok ok again"), "store_unknown:75 ok:0 again:0");
    assert_int_equal(f.stored, 2);
}

/* "Nothing was done" would then not be true. */
static void it_stays_unknown_until_a_try_gets_through(void **state)
{
    struct fake f = { .committing = "Ul*" };

    (void)state;
    assert_string_equal(run(&f, "again"), "store_unknown:75");
    assert_int_equal(f.asked, 5);
    f = (struct fake){ .committing = "U", .opening = ".d*" };
    assert_string_equal(run(&f, "again"), "store_unknown:75");
    assert_int_equal(f.opened, 2);
    f = (struct fake){ .committing = "U", .handling = ".k" };
    assert_string_equal(run(&f, "again"), "store_unknown:75");
    /* In a group: the first met that the store is down, the second asks no more. */
    f = (struct fake){ .committing = "U", .opening = ".d*" };
    assert_string_equal(run(&f, "again ok again"),
                        "store_unknown:75 store_unknown:75 store_unknown:75");
    assert_int_equal(f.opened, 2);
    f = (struct fake){ .committing = "U", .handling = "..k" };
    assert_string_equal(run(&f, "again again"), "store_unknown:75 again:0");
}

static void a_store_that_is_down_is_asked_once(void **state)
{
    struct fake f = { .opening = "d*" };

    (void)state;
    assert_string_equal(run(&f, "ok again unread ok"),
                        "store_down:69 store_down:69 bad_json:65 store_down:69");
    assert_int_equal(f.opened, 1);
    f = (struct fake){ .handling = ".l", .opening = "..d*" };
    assert_string_equal(run(&f, "ok ok ok"), "ok:0 store_down:69 store_down:69");
    assert_int_equal(f.opened, 3);
    assert_int_equal(f.stored, 1);
}

static void each_is_handled_as_whom_it_is_from(void **state)
{
    static const char whom[] = "ab";
    struct fake f = { 0 };
    struct idb_service service = { .ctx = &f,
                                   .open = open_fake,
                                   .handle = handle,
                                   .commit = commit,
                                   .rollback = rollback,
                                   .turn = note_turn };
    struct idb_exchange x[3] = { { .request = json_pack("{s:s}", "do", "ok"), .from = &whom[0] },
                                 { .request = json_pack("{s:s}", "do", "fail"), .from = &whom[1] },
                                 { .from = &whom[0] } };

    (void)state;
    idb_fail(&x[2].err, IDB_DATA, "bad_json", "Not JSON.");
    idb_service_run(&service, x, 3);
    assert_string_equal(f.turns, "abab"); /* together, and then each alone */
    for (size_t i = 0; i < 3; i++)
        idb_exchange_clear(&x[i]);
}

static void a_commit_that_fails_is_tried_for_each_alone(void **state)
{
    struct fake f = { .commit_fails_when = 3 };

    (void)state;
    assert_string_equal(run(&f, "ok ok ok"), "ok:0 ok:0 ok:0");
    assert_int_equal(f.stored, 3);
    assert_int_equal(f.commits, 3);
    f = (struct fake){ .commit_fails_when = 1 };
    assert_string_equal(run(&f, "ok"), "store_full:69");
    assert_int_equal(f.stored, 0);
    assert_int_equal(f.rollbacks, 1);
}

static void without_configuration_each_is_answered(void **state)
{
    struct fake f = { .open_fails = true };

    (void)state;
    assert_string_equal(run(&f, "ok"), "config_missing:78");
    assert_string_equal(run(&f, "ok unread ok"), "config_missing:78 bad_json:65 config_missing:78");
    assert_int_equal(f.handled, 0);
}

static void parsing(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *code;
        const char *where;
    } bad[] = {
        { "", 0, "bad_json", "Line 7" },
        { "{", 1, "bad_json", "Line 7, column 1 " },
        { "{\"a\":1", 6, "bad_json", "Line 7" },
        { "{\"a\":1}}", 8, "bad_json", "Line 7, column 8 " },
        { "{\"a\":1,\"a\":2}", 13, "bad_json", "twice" },
        { "{\n\"a\": secret }", 15, "bad_json", "Line 8" },
        { "{\"a\":\"\xff\"}", 9, "bad_json", "UTF-8" },
        { "{}\0", 3, "bad_json", "Line 7" },
        { "[]", 2, "bad_request", "Line 7" },
        { "[1]", 3, "bad_request", "Line 7" },
    };
    struct idb_error err = { 0 };
    json_t *request = NULL;

    (void)state;
    assert_true(idb_service_parse(&request, " {\"a\":1} trailing", 9, 1, &err));
    assert_int_equal(json_object_size(request), 1);
    json_decref(request);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(&err, 0, sizeof err);
        if (idb_service_parse(&request, bad[i].text, bad[i].size, 7, &err))
            fail_msg("\"%s\" was taken", bad[i].text);
        assert_null(request);
        assert_int_equal(err.exit, IDB_DATA);
        assert_string_equal(err.code, bad[i].code);
        if (!strstr(err.message, bad[i].where))
            fail_msg("\"%s\": %s", bad[i].text, err.message);
        assert_null(strstr(err.message, "secret"));
    }
}

static void nested_too_deep(void **state)
{
    enum { DEEP = 60000 };
    char *text = malloc(DEEP);
    struct idb_error err = { 0 };
    json_t *request = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, '[', DEEP);
    assert_false(idb_service_parse(&request, text, DEEP, 1, &err));
    assert_string_equal(err.code, "bad_json");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(a_group_is_one_commit_in_order),
        cmocka_unit_test(a_refusal_is_no_failure),
        cmocka_unit_test(a_failure_undoes_the_group_and_stays_its_own),
        cmocka_unit_test(what_went_well_the_second_time_went_well),
        cmocka_unit_test(a_store_that_is_busy_is_waited_for_once),
        cmocka_unit_test(what_others_or_a_lost_connection_undid_is_repeated),
        cmocka_unit_test(repeating_is_bounded_by_number),
        cmocka_unit_test(repeating_is_bounded_by_time),
        cmocka_unit_test(what_nobody_knows_is_repeated_only_where_it_may_be),
        cmocka_unit_test(what_nobody_knows_in_a_group_is_each_ones_own),
        cmocka_unit_test(it_stays_unknown_until_a_try_gets_through),
        cmocka_unit_test(a_store_that_is_down_is_asked_once),
        cmocka_unit_test(each_is_handled_as_whom_it_is_from),
        cmocka_unit_test(a_commit_that_fails_is_tried_for_each_alone),
        cmocka_unit_test(without_configuration_each_is_answered),
        cmocka_unit_test(parsing),
        cmocka_unit_test(nested_too_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
