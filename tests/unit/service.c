/* Requests in groups: one's failure never becomes another's. */
#include "service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 4

/* A store that counts: what was written is done only after a commit. */
struct counter {
    int open_fails;   /* so many times */
    int commit_fails; /* so many times */
    int opened, handled, commits, rollbacks;
    int pending, done;
};

static bool fails(int *times)
{
    return *times > 0 && (*times)--;
}

static bool do_open(void *ctx, struct idb_error *err)
{
    struct counter *c = ctx;

    c->opened++;
    return !fails(&c->open_fails) || idb_fail(err, IDB_CONFIG, "key_missing", "No key.");
}

/* {"do": "write" | "refuse" | "lenient" | "break" | "error_alone", "exit": n} */
static bool do_handle(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    struct counter *c = ctx;
    const char *what = json_string_value(json_object_get(request, "do"));
    int exit = (int)json_integer_value(json_object_get(request, "exit"));

    c->handled++;
    if (!strcmp(what, "refuse"))
        return idb_fail(err, IDB_REFUSED, "not_issued", "Refused.");
    if (!strcmp(what, "bad"))
        return idb_fail(err, exit, "bad_request", "Exit %d.", exit);
    c->pending++;
    if (!strcmp(what, "break"))
        return idb_fail(err, exit, "broken", "Exit %d.", exit);
    if (!strcmp(what, "error_alone")) { /* stands, and the error is the answer */
        idb_fail(err, IDB_REFUSED, "recorded", "On record.");
        return true;
    }
    *answer = json_pack("{s:s}", "result", what);
    if (!strcmp(what, "wrong"))
        err->exit = IDB_REFUSED;
    return true;
}

static bool do_commit(void *ctx, struct idb_error *err)
{
    struct counter *c = ctx;

    c->commits++;
    if (fails(&c->commit_fails))
        return idb_fail(err, IDB_UNAVAILABLE, "store_full", "The disk is full.");
    c->done += c->pending;
    c->pending = 0;
    return true;
}

static void do_rollback(void *ctx)
{
    struct counter *c = ctx;

    c->rollbacks++;
    c->pending = 0;
}

/* Runs N requests; NULL stands for one that could not be read. */
static void run(struct counter *c, struct idb_exchange x[N], const char *const requests[N])
{
    struct idb_service service = { c, do_open, do_handle, do_commit, do_rollback };

    memset(x, 0, N * sizeof *x);
    for (int i = 0; i < N; i++)
        if (requests[i])
            assert_true(
                idb_service_parse(&x[i].request, requests[i], strlen(requests[i]), 1, &x[i].err));
        else
            idb_fail(&x[i].err, IDB_DATA, "bad_json", "Not JSON.");
    idb_service_run(&service, x, N);
    for (int i = 0; i < N; i++)
        assert_non_null(x[i].answer);
    assert_int_equal(c->pending, 0);
}

static const char *text(const struct idb_exchange *x, const char *name)
{
    const char *value = json_string_value(json_object_get(x->answer, name));

    return value ? value : "";
}

static void clear(struct idb_exchange x[N])
{
    for (int i = 0; i < N; i++) {
        idb_exchange_clear(&x[i]);
        assert_null(x[i].request);
        assert_null(x[i].answer);
        assert_int_equal(x[i].err.exit, IDB_OK);
        idb_exchange_clear(&x[i]); /* twice is harmless */
    }
}

#define WRITE "{\"do\":\"write\"}"

static void a_whole_group_is_one_transaction(void **state)
{
    struct counter c = { 0 };
    struct idb_exchange x[N];

    (void)state;
    run(&c, x, (const char *const[]){ WRITE, WRITE, WRITE, WRITE });
    for (int i = 0; i < N; i++) {
        assert_string_equal(text(&x[i], "result"), "write");
        assert_int_equal(x[i].err.exit, IDB_OK);
    }
    assert_int_equal(c.done, 4);
    assert_int_equal(c.handled, 4);
    assert_int_equal(c.commits, 1);
    assert_int_equal(c.rollbacks, 0);
    clear(x);
}

/* Refusals and answers with an exit leave the group as it is. */
static void refusals_stand(void **state)
{
    struct counter c = { 0 };
    struct idb_exchange x[N];

    (void)state;
    run(&c, x,
        (const char *const[]){ WRITE, "{\"do\":\"refuse\"}", "{\"do\":\"wrong\"}",
                               "{\"do\":\"error_alone\"}" });
    assert_string_equal(text(&x[0], "result"), "write");
    assert_string_equal(text(&x[1], "error"), "not_issued");
    assert_int_equal(x[1].err.exit, IDB_REFUSED);
    assert_string_equal(text(&x[2], "result"), "wrong");
    assert_int_equal(x[2].err.exit, IDB_REFUSED);
    assert_string_equal(text(&x[3], "error"), "recorded");
    assert_string_equal(text(&x[3], "message"), "On record.");
    assert_int_equal(c.done, 3);
    assert_int_equal(c.handled, 4);
    assert_int_equal(c.commits, 1);
    assert_int_equal(c.rollbacks, 0);
    clear(x);
}

static void refusing_exits_do_not_undo(void **state)
{
    static const int exits[] = { IDB_REFUSED, IDB_USAGE, IDB_DATA, IDB_NOPERM };
    char bad[64];

    (void)state;
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
        struct counter c = { 0 };
        struct idb_exchange x[N];

        snprintf(bad, sizeof bad, "{\"do\":\"bad\",\"exit\":%d}", exits[i]);
        run(&c, x, (const char *const[]){ WRITE, bad, WRITE, WRITE });
        assert_int_equal(x[1].err.exit, exits[i]);
        assert_int_equal(c.done, 3);
        assert_int_equal(c.handled, 4);
        assert_int_equal(c.rollbacks, 0);
        clear(x);
    }
}

static void a_failure_is_undone_and_each_done_alone(void **state)
{
    static const int exits[] = { IDB_UNAVAILABLE, IDB_SOFTWARE, IDB_TEMPFAIL, IDB_CONFIG };
    char broken[64];

    (void)state;
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
        struct counter c = { 0 };
        struct idb_exchange x[N];

        snprintf(broken, sizeof broken, "{\"do\":\"break\",\"exit\":%d}", exits[i]);
        run(&c, x, (const char *const[]){ WRITE, "{\"do\":\"refuse\"}", broken, WRITE });
        assert_string_equal(text(&x[0], "result"), "write");
        assert_int_equal(x[0].err.exit, IDB_OK);
        assert_string_equal(text(&x[1], "error"), "not_issued");
        assert_string_equal(text(&x[2], "error"), "broken");
        assert_int_equal(x[2].err.exit, exits[i]);
        assert_string_equal(text(&x[3], "result"), "write");
        assert_int_equal(c.done, 2); /* what the broken one wrote is gone */
        assert_int_equal(c.handled, 3 + 4);
        clear(x);
    }
}

static void a_failing_commit_is_done_again_alone(void **state)
{
    struct counter c = { .commit_fails = 1 };
    struct idb_exchange x[N];

    (void)state;
    run(&c, x, (const char *const[]){ WRITE, WRITE, WRITE, WRITE });
    for (int i = 0; i < N; i++)
        assert_string_equal(text(&x[i], "result"), "write");
    assert_int_equal(c.done, 4);
    clear(x);
    c = (struct counter){ .commit_fails = 2 };
    run(&c, x, (const char *const[]){ WRITE, WRITE, WRITE, WRITE });
    assert_string_equal(text(&x[0], "error"), "store_full");
    assert_string_equal(text(&x[0], "result"), ""); /* the answer that did not come true is gone */
    assert_int_equal(x[0].err.exit, IDB_UNAVAILABLE);
    for (int i = 1; i < N; i++)
        assert_string_equal(text(&x[i], "result"), "write");
    assert_int_equal(c.done, 3);
    clear(x);
}

static void nothing_is_handled_when_it_cannot_open(void **state)
{
    struct counter c = { .open_fails = 9 };
    struct idb_exchange x[N];

    (void)state;
    run(&c, x, (const char *const[]){ WRITE, WRITE, WRITE, WRITE });
    for (int i = 0; i < N; i++) {
        assert_string_equal(text(&x[i], "error"), "key_missing");
        assert_int_equal(x[i].err.exit, IDB_CONFIG);
    }
    assert_int_equal(c.handled, 0);
    assert_int_equal(c.done, 0);
    clear(x);
}

/* What could not be read keeps its own error, whatever becomes of the others. */
static void unreadable_ones(void **state)
{
    static const char *const breaks = "{\"do\":\"break\",\"exit\":70}";
    const char *const groups[][N] = { { NULL, WRITE, NULL, WRITE },
                                      { NULL, WRITE, breaks, NULL },
                                      { NULL, NULL, NULL, NULL } };
    const int done[] = { 2, 1, 0 };

    (void)state;
    for (int g = 0; g < 3; g++) {
        struct counter c = { 0 };
        struct idb_exchange x[N];

        run(&c, x, groups[g]);
        for (int i = 0; i < N; i++)
            if (!groups[g][i]) {
                assert_string_equal(text(&x[i], "error"), "bad_json");
                assert_int_equal(x[i].err.exit, IDB_DATA);
            }
        assert_int_equal(c.done, done[g]);
        clear(x);
    }
}

static void one_alone(void **state)
{
    struct counter c = { 0 };
    struct idb_service service = { &c, do_open, do_handle, do_commit, do_rollback };
    struct idb_exchange x = { .request = json_pack("{s:s, s:i}", "do", "break", "exit", 75) };

    (void)state;
    idb_service_run(&service, &x, 1);
    assert_string_equal(text(&x, "error"), "broken");
    assert_int_equal(c.handled, 1); /* not tried twice */
    assert_int_equal(c.rollbacks, 1);
    assert_int_equal(c.commits, 0);
    idb_exchange_clear(&x);
    idb_service_run(&service, NULL, 0);
    assert_int_equal(c.handled, 1);
}

static void unparsed(const char *request, const char *code, const char *message)
{
    struct idb_error err = { 0 };
    json_t *parsed = NULL;

    assert_false(idb_service_parse(&parsed, request, strlen(request), 7, &err));
    assert_null(parsed);
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, code);
    if (strncmp(err.message, message, strlen(message)) != 0)
        fail_msg("%s: %s", request, err.message);
    assert_null(strstr(err.message, "999990019"));
}

static void parsing(void **state)
{
    (void)state;
    unparsed("", "bad_json", "Line 7, column 0 is not JSON");
    unparsed("{\"a\":999990019", "bad_json", "Line 7");
    unparsed("{\"a\":1}{\"b\":2}", "bad_json", "Line 7");
    unparsed("{\"a\":\n999990019x}", "bad_json", "Line 8");
    unparsed("{\"999990019\":1,\"999990019\":2}", "bad_json", "Line 7");
    unparsed("{\"a\":\"\xff\"}", "bad_json", "Line 7");
    unparsed("{\"a\":\"\\u0000\"}", "bad_json", "Line 7");
    unparsed("[999990019]", "bad_request", "Line 7: a request is one JSON object.");
    unparsed("\"999990019\"", "bad_json", "Line 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_group_is_one_transaction),
        cmocka_unit_test(refusals_stand),
        cmocka_unit_test(refusing_exits_do_not_undo),
        cmocka_unit_test(a_failure_is_undone_and_each_done_alone),
        cmocka_unit_test(a_failing_commit_is_done_again_alone),
        cmocka_unit_test(nothing_is_handled_when_it_cannot_open),
        cmocka_unit_test(unreadable_ones),
        cmocka_unit_test(one_alone),
        cmocka_unit_test(parsing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
