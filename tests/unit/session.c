/* session.h: reading a session, when it is live, and its end. */
#include "session.h"

#include "grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "instance.h"

/* wrap: idb_timestamp_now */

#define MINUTE (60 * 1000LL)

static struct instance instance;
static struct idb_app app;
static struct idb_error err;

static int set_up(void **state)
{
    (void)state;
    clock_ms = 1795497910000;
    memset(&err, 0, sizeof err);
    instance_new(&instance);
    app = instance_app(&instance, IDB_WEB);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    idb_app_close(&app);
    instance_free(&instance);
    return 0;
}

/* Issues a session of that id and token, in a transaction of its own. */
static void issue(const char *id, const char *token)
{
    unsigned char hash[IDB_MAC_SIZE];
    char code[IDB_CODE_SIZE];
    struct idb_grant g = { .session = id,
                           .purpose = "status",
                           .lang = "nl",
                           .token_hash = hash,
                           .sealed = "sealed text",
                           .caller = "+31612345678",
                           .auth_time = clock_ms,
                           .expires_at = clock_ms + 240 * MINUTE };
    bool made = false;

    assert_true(idb_session_token_hash(hash, token, &err));
    if (!idb_app_write(&app, &err) || !idb_grant_issue(&app, &g, code, &made, &err)
        || !idb_app_commit(&app, &err))
        fail_msg("%s", err.message);
    assert_true(made);
}

/* Puts it on a call, as a verified code would. */
static void call(const char *id, const char *call_id)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "UPDATE session SET state = 'called', call_id = '%s', called_at = %lld,"
             " due_at = expires_at, caller_last2 = '78', number_hint = 'match' WHERE id = '%s'",
             call_id, (long long)clock_ms, id);
    instance_sql(&instance, sql);
}

static void what_was_written_is_read(void **state)
{
    struct idb_session s = { 0 };

    (void)state;
    issue("one", "token");
    assert_true(idb_app_read(&app, &err));
    assert_true(idb_session_by_id(&app, "one", &s, &err));
    assert_true(s.found && s.has_code && s.is_announced && !s.is_bound);
    assert_string_equal(s.id, "one");
    assert_string_equal(s.state, "issued");
    assert_string_equal(s.purpose, "status");
    assert_string_equal(s.line, "kcc");
    assert_string_equal(s.lang, "nl");
    assert_string_equal(s.confirm, "notify");
    assert_null(s.sealed);
    assert_true(idb_session_read_sealed(&app, &s, &err));
    assert_string_equal(s.sealed, "sealed text");
    assert_null(s.confirmation);
    assert_int_equal(strlen(s.ticket), 6);
    assert_string_equal(s.call_id, "");
    assert_true(s.created_at == clock_ms && s.called_at == 0 && s.ended_at == 0);
    assert_true(s.code_expires_at == clock_ms + 10 * MINUTE);
    assert_true(s.renew_until == clock_ms + 30 * MINUTE && s.due_at == s.renew_until);
    assert_true(s.expires_at == clock_ms + 240 * MINUTE);
    idb_session_clear(&s);
    assert_false(s.found);
    assert_null(s.sealed);
    idb_session_clear(&s);
}

static void found_by_what_it_has(void **state)
{
    unsigned char hash[IDB_MAC_SIZE];
    struct idb_session s = { 0 };
    char ticket[IDB_TICKET_SIZE];

    (void)state;
    issue("one", "token");
    call("one", "c-1");
    assert_true(idb_app_read(&app, &err));
    assert_true(idb_session_by_id(&app, "one", &s, &err) && s.found);
    strcpy(ticket, s.ticket);
    assert_true(idb_session_by_ticket(&app, ticket, &s, &err) && s.found);
    assert_true(idb_session_by_ticket(&app, "AAAAAA", &s, &err) && !s.found);
    assert_true(idb_session_token_hash(hash, "token", &err));
    assert_true(idb_session_by_token(&app, hash, &s, &err) && s.found);
    hash[0] ^= 1;
    assert_true(idb_session_by_token(&app, hash, &s, &err) && !s.found);
    assert_true(idb_session_by_call(&app, "kcc", "c-1", &s, &err) && s.found);
    assert_string_equal(s.call_id, "c-1");
    assert_true(idb_session_by_call(&app, "kcc", "c-2", &s, &err) && !s.found);
    assert_true(idb_session_by_call(&app, "two", "c-1", &s, &err) && !s.found);
    assert_true(idb_session_by_id(&app, "two", &s, &err) && !s.found);
    idb_session_clear(&s);
}

static void by_call_only_while_it_lives(void **state)
{
    struct idb_session s = { 0 };

    (void)state;
    issue("one", "token");
    call("one", "c-1");
    clock_ms += 240 * MINUTE - 1;
    assert_true(idb_app_read(&app, &err));
    assert_true(idb_session_by_call(&app, "kcc", "c-1", &s, &err) && s.found);
    assert_true(idb_app_commit(&app, &err));
    clock_ms += 1;
    assert_true(idb_app_read(&app, &err));
    assert_true(idb_session_by_call(&app, "kcc", "c-1", &s, &err) && !s.found);
    assert_true(idb_session_by_id(&app, "one", &s, &err) && s.found);
    assert_false(idb_session_is_live(&s, app.now));
    idb_session_clear(&s);
}

static void live_until_it_is_due_or_expires(void **state)
{
    struct idb_session s = { .due_at = 1000, .expires_at = 2000 };

    (void)state;
    assert_true(idb_session_is_live(&s, 999));
    assert_false(idb_session_is_live(&s, 1000));
    s.due_at = 3000; /* whoever wrote that, it cannot outlive what was signed */
    assert_true(idb_session_is_live(&s, 1999));
    assert_false(idb_session_is_live(&s, 2000));
    s.due_at = 0; /* ended */
    assert_false(idb_session_is_live(&s, 1));
}

static void macs_of_the_wrong_size_count_as_none(void **state)
{
    struct idb_session s = { 0 };

    (void)state;
    issue("one", "token");
    instance_sql(&instance,
                 "UPDATE session SET bound = x'00', announced = randomblob(33), code_mac = x''");
    assert_true(idb_app_read(&app, &err));
    assert_true(idb_session_by_id(&app, "one", &s, &err));
    assert_false(s.is_bound || s.is_announced || s.has_code);
    idb_session_clear(&s);
}

static void texts_that_are_too_long_are_cut(void **state)
{
    struct idb_session s = { 0 };

    (void)state;
    issue("one", "token");
    instance_sql(&instance,
                 "UPDATE session SET state = printf('%.*c', 5000, 'x'),"
                 " call_id = printf('%.*c', 5000, 'x'), purpose = printf('%.*c', 99, 'x'),"
                 " caller_last2 = '123456789', ticket = 'ABCDEFGHIJKL'");
    assert_true(idb_app_read(&app, &err));
    assert_true(idb_session_by_id(&app, "one", &s, &err) && s.found);
    assert_int_equal(strlen(s.state), IDB_STATE_SIZE - 1);
    assert_int_equal(strlen(s.call_id), IDB_CALL_ID_MAX);
    assert_int_equal(strlen(s.ticket), IDB_TICKET_SIZE - 1);
    idb_session_clear(&s);
}

static void its_end_erases_it_and_kills_the_call(void **state)
{
    struct idb_ended_call ended = { 0 };
    struct idb_session s = { 0 };
    bool erased = false;

    (void)state;
    issue("one", "token");
    call("one", "c-1");
    assert_true(idb_app_write(&app, &err));
    assert_true(idb_session_by_id(&app, "one", &s, &err));
    assert_true(idb_session_erase(&app, &s, "done", "hung_up", &erased, &err));
    assert_true(erased);
    assert_true(idb_session_ended_call(&app, "kcc", "c-1", &ended, &err));
    assert_true(ended.found);
    assert_string_equal(ended.reason, "hung_up");
    assert_string_equal(ended.session, "one");
    /* Somebody else was first: nothing is changed, nor is the reason. */
    assert_true(idb_session_erase(&app, &s, "cancelled", "not_me", &erased, &err));
    assert_false(erased);
    assert_true(idb_app_commit(&app, &err));
    assert_int_equal(
        instance_sql(&instance, "SELECT state = 'done' AND end_reason = 'hung_up' AND ended_at > 0"
                                " AND due_at IS NULL AND code_mac IS NULL AND sealed IS NULL"
                                " AND call_id IS NULL AND caller_last2 IS NULL"
                                " AND announced IS NULL AND number_hint IS NULL FROM session"),
        1);
    assert_int_equal(instance_sql(&instance, "SELECT COUNT(*) FROM ended_call"), 1);
    idb_session_clear(&s);
}

static void a_session_without_a_call_kills_none(void **state)
{
    struct idb_session s = { 0 };
    bool erased = false;

    (void)state;
    issue("one", "token");
    assert_true(idb_app_write(&app, &err));
    assert_true(idb_session_by_id(&app, "one", &s, &err));
    assert_true(idb_session_erase(&app, &s, "cancelled", "cancelled", &erased, &err));
    assert_true(erased && idb_app_commit(&app, &err));
    assert_int_equal(instance_sql(&instance, "SELECT COUNT(*) FROM ended_call"), 0);
    idb_session_clear(&s);
}

static void the_first_reason_of_an_ended_call_stands(void **state)
{
    struct idb_ended_call ended = { 0 };

    (void)state;
    assert_true(idb_app_write(&app, &err));
    assert_true(idb_session_ended_call(&app, "kcc", "c-1", &ended, &err) && !ended.found);
    assert_true(idb_session_end_call(&app, "kcc", "c-1", "not_me", "one", &err));
    assert_true(idb_session_end_call(&app, "kcc", "c-1", "hung_up", NULL, &err));
    assert_true(idb_session_ended_call(&app, "kcc", "c-1", &ended, &err) && ended.found);
    assert_string_equal(ended.reason, "not_me");
    assert_true(idb_session_end_call(&app, "kcc", "c-2", "hung_up", NULL, &err));
    assert_true(idb_session_ended_call(&app, "kcc", "c-2", &ended, &err) && ended.found);
    assert_string_equal(ended.session, "");
    assert_true(idb_session_ended_call(&app, "two", "c-1", &ended, &err) && !ended.found);
}

static void the_overdue_are_ended_so_many_at_a_time(void **state)
{
    int64_t expired = -1;
    int64_t erased = -1;

    (void)state;
    issue("one", "1");
    issue("two", "2");
    issue("three", "3");
    issue("four", "4");
    call("four", "c-4");
    instance_sql(&instance, "UPDATE session SET state = 'wrap_up', due_at = due_at - 13500000"
                            " WHERE id = 'four'"); /* after 15 minutes */
    assert_true(idb_app_write(&app, &err));
    assert_true(idb_session_expire_due(&app, 100, &expired, &erased, &err));
    assert_true(expired == 0 && erased == 0 && idb_app_commit(&app, &err));
    clock_ms += 31 * MINUTE;
    assert_true(idb_app_write(&app, &err));
    assert_true(idb_session_expire_due(&app, 2, &expired, &erased, &err));
    assert_true(expired == 1 && erased == 2); /* the longest overdue first: four */
    assert_true(idb_session_expire_due(&app, 100, &expired, &erased, &err));
    assert_true(expired == 2 && erased == 2);
    assert_true(idb_session_expire_due(&app, 100, &expired, &erased, &err));
    assert_true(expired == 0 && erased == 0 && idb_app_commit(&app, &err));
    assert_int_equal(instance_sql(&instance, "SELECT COUNT(*) FROM session WHERE state = 'expired'"
                                             " AND end_reason = 'expired'"),
                     3);
    assert_int_equal(instance_sql(&instance, "SELECT state = 'done' AND end_reason = 'wrap_up'"
                                             " FROM session WHERE id = 'four'"),
                     1);
}

static void of_browser(const char *cookies, enum idb_exit exit, const char *code)
{
    json_t *request = json_pack("{s:s*}", "cookies", cookies);
    struct idb_session s = { 0 };

    memset(&err, 0, sizeof err);
    assert_int_equal(idb_session_of_browser(&app, request, false, &s, &err), exit == IDB_OK);
    assert_int_equal(err.exit, exit);
    if (code)
        assert_string_equal(err.code, code);
    else
        assert_string_equal(s.id, "one");
    idb_session_clear(&s);
    json_decref(request);
}

static void the_browser_is_known_by_its_cookie(void **state)
{
    (void)state;
    issue("one", "token");
    of_browser("__Host-idb-session=token", IDB_OK, NULL);
    of_browser("a=b; __Host-idb-session=token; c=d", IDB_OK, NULL);
    of_browser("__Host-idb-session=tokeN", IDB_REFUSED, "no_session");
    of_browser("__Host-idb-sessions=token", IDB_REFUSED, "no_cookie");
    of_browser(NULL, IDB_REFUSED, "no_cookie");
    of_browser("__Host-idb-session=token; __Host-idb-session=token", IDB_DATA, "bad_cookie");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(found_by_what_it_has),
        TEST(by_call_only_while_it_lives),
        cmocka_unit_test(live_until_it_is_due_or_expires),
        TEST(macs_of_the_wrong_size_count_as_none),
        TEST(texts_that_are_too_long_are_cut),
        TEST(its_end_erases_it_and_kills_the_call),
        TEST(a_session_without_a_call_kills_none),
        TEST(the_first_reason_of_an_ended_call_stands),
        TEST(the_overdue_are_ended_so_many_at_a_time),
        TEST(the_browser_is_known_by_its_cookie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
