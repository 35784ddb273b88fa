/* offer.h, and idb_handle_issue() spending one: who may, when, and how often. */
#include "offer.h"

#include "b64.h"
#include "handlers.h"
#include "jose.h"
#include "seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "instance.h"

/* wrap: idb_timestamp_now idb_code_draw */

#define MINUTE  (60 * 1000LL)
#define SESSION "AAAAAAAAAAAAAAAAAAAAAA"
#define TOKEN   "tttttttttttttttttttttt"
#define COOKIES "a=b; __Host-idb-offer=" TOKEN   /* as the login set it */
#define AGAIN   "a=b; __Host-idb-session=" TOKEN /* as idb-issue did */
#define OTHER   "uuuuuuuuuuuuuuuuuuuuuu"

bool __wrap_idb_code_draw(char code[IDB_CODE_SIZE], int digits, struct idb_error *err);
bool __real_idb_code_draw(char code[IDB_CODE_SIZE], int digits, struct idb_error *err);

/* The same code whenever one is drawn; NULL for the real thing. */
static const char *stuck_code;

bool __wrap_idb_code_draw(char code[IDB_CODE_SIZE], int digits, struct idb_error *err)
{
    if (!stuck_code)
        return __real_idb_code_draw(code, digits, err);
    strcpy(code, stuck_code);
    return true;
}

static struct instance instance;
static struct idb_app app;

static int set_up(void **state)
{
    (void)state;
    clock_ms = 1795497910000;
    stuck_code = NULL;
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

/* ---- the offer ---- */

static char *sealed_new(int64_t auth_time, int64_t expires_at)
{
    struct idb_error err = { 0 };
    char *sealed = NULL;
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "session", SESSION,
                               "purpose", "status", "method", "login", "level", "high", "consent",
                               "text-1", "attributes", "bsn", "999990019", "name", "T.");

    idb_answer_time(record, "auth_time", auth_time);
    idb_answer_time(record, "expires_at", expires_at);
    assert_true(idb_seal(&sealed, record, app.issue, app.seal, &err));
    json_decref(record);
    return sealed;
}

/* The offer that a login made now would give to the browser of TOKEN. */
static char *offer_for(const char *purpose, int64_t expires_at)
{
    json_t *names = json_pack("[s, s]", "bsn", "name");
    char *sealed = sealed_new(clock_ms, expires_at);
    struct idb_offer offer = { .session = SESSION,
                               .purpose = purpose,
                               .method = "login",
                               .level = "high",
                               .lang = "en",
                               .sealed = sealed,
                               .auth_time = clock_ms,
                               .expires_at = expires_at,
                               .consent = "text-1",
                               .attributes = names };
    struct idb_error err = { 0 };
    char *token = NULL;

    assert_true(idb_session_token_hash(offer.token_hash, TOKEN, &err));
    assert_true(idb_offer_make(&token, &offer, clock_ms, app.browser, &err));
    json_decref(names);
    free(sealed);
    return token;
}

static char *offer_new(void)
{
    return offer_for("status", clock_ms + 240 * MINUTE);
}

/* One request, committed or undone as a program does. The answer is the caller's. */
static json_t *issue_by(struct idb_app *who, const char *offer, const char *cookies, bool consent,
                        struct idb_error *err)
{
    json_t *request =
        json_pack("{s:s, s:s*, s:b}", "offer", offer, "cookies", cookies, "consent", (int)consent);
    json_t *answer = NULL;

    memset(err, 0, sizeof *err);
    if (idb_handle_issue(who, request, &answer, err))
        assert_true(idb_app_commit(who, err));
    else
        idb_app_rollback(who);
    json_decref(request);
    return answer;
}

static json_t *issue(const char *offer, struct idb_error *err)
{
    return issue_by(&app, offer, COOKIES, true, err);
}

/* Issues, and gives just the code. */
static void issue_code(const char *offer, char code[IDB_CODE_SIZE])
{
    struct idb_error err;
    json_t *answer = issue(offer, &err);

    if (!answer)
        fail_msg("%s: %s", err.code, err.message);
    snprintf(code, IDB_CODE_SIZE, "%s", json_string_value(json_object_get(answer, "code")));
    json_decref(answer);
}

static void refuse(const char *offer, const char *cookies, bool consent, enum idb_exit exit,
                   const char *code)
{
    int64_t before = instance_sql(&instance, "SELECT COUNT(*) FROM audit");
    struct idb_error err;

    assert_null(issue_by(&app, offer, cookies, consent, &err));
    assert_int_equal(err.exit, exit);
    assert_string_equal(err.code, code);
    assert_int_equal(instance_sql(&instance, "SELECT COUNT(*) FROM audit"), before);
}

static int64_t sessions(void)
{
    return instance_sql(&instance, "SELECT COUNT(*) FROM session");
}

/* The result of keying a code in. */
static const char *verify(const char *code, const char *call_id)
{
    static char result[32];
    struct idb_app phone = instance_app(&instance, IDB_PHONE);
    json_t *request = json_pack("{s:s, s:s}", "code", code, "call_id", call_id);
    json_t *answer = NULL;
    struct idb_error err = { 0 };

    if (!idb_handle_verify(&phone, request, &answer, &err) || !idb_app_commit(&phone, &err))
        fail_msg("%s", err.message);
    snprintf(result, sizeof result, "%s", json_string_value(json_object_get(answer, "result")));
    json_decref(answer);
    json_decref(request);
    idb_app_close(&phone);
    return result;
}

/* ---- spending ---- */

static void an_offer_becomes_the_session_it_names(void **state)
{
    char *offer = offer_new();
    struct idb_error err;
    json_t *answer = issue(offer, &err);
    const char *code = json_string_value(json_object_get(answer, "code"));
    const json_t *cookies = json_object_get(answer, "cookies");

    (void)state;
    assert_non_null(answer);
    assert_string_equal(json_string_value(json_object_get(answer, "session")), SESSION);
    assert_string_equal(json_string_value(json_object_get(answer, "code_expires_at")),
                        "2026-11-24T05:35:10.000Z");
    assert_string_equal(json_string_value(json_object_get(answer, "number")), "+31241234567");
    assert_int_equal(json_object_size(answer), 9);
    assert_int_equal(json_array_size(cookies), 3);
    assert_memory_equal(json_string_value(json_array_get(cookies, 0)),
                        "__Host-idb-session=" TOKEN "; Path=/; Max-Age=14400;", 65);
    assert_memory_equal(json_string_value(json_array_get(cookies, 1)), "__Host-idb-code=", 16);
    assert_memory_equal(json_string_value(json_array_get(cookies, 2)),
                        "__Host-idb-offer=; Path=/; Max-Age=0;", 37);
    assert_string_equal(verify(code, "c-1"), "accepted");
    assert_int_equal(instance_sql(&instance, "SELECT lang = 'en' AND state = 'called'"
                                             " AND expires_at - created_at = 14400000"
                                             " AND renew_until - created_at = 1800000"
                                             " FROM session WHERE id = '" SESSION "'"),
                     1);
    json_decref(answer);
    free(offer);
}

static void the_audit_row_records_the_consent(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();

    (void)state;
    issue_code(offer, code);
    assert_int_equal(
        instance_sql(&instance,
                     "SELECT COUNT(*) FROM audit WHERE actor = 'resident' AND action = 'issue'"
                     " AND session = '" SESSION "' AND result = 'ok' AND detail ="
                     " '{\"purpose\":\"status\",\"attributes\":[\"bsn\",\"name\"],"
                     "\"consent\":\"text-1\",\"lang\":\"en\"}'"),
        1);
    free(offer);
}

static void nothing_is_stored_without_consent(void **state)
{
    char *offer = offer_new();

    (void)state;
    refuse(offer, COOKIES, false, IDB_REFUSED, "no_consent");
    assert_int_equal(sessions(), 0);
    free(offer);
}

static void another_browser_cannot_spend_it(void **state)
{
    char *offer = offer_new();

    (void)state;
    refuse(offer, "__Host-idb-session=" OTHER, true, IDB_REFUSED, "other_browser");
    refuse(offer, "__Host-idb-offer=" OTHER, true, IDB_REFUSED, "other_browser");
    refuse(offer, "__Host-idb-offer=" OTHER "; __Host-idb-session=" OTHER, true, IDB_REFUSED,
           "other_browser");
    refuse(offer, "__Host-idb-offer=" TOKEN "t", true, IDB_REFUSED, "other_browser");
    refuse(offer, "__Host-idb-session=" TOKEN "t", true, IDB_REFUSED, "other_browser");
    refuse(offer, "__Host-idb-offer=", true, IDB_REFUSED, "other_browser");
    refuse(offer, "__Host-idb-code=" TOKEN, true, IDB_REFUSED, "no_cookie");
    refuse(offer, "a=b", true, IDB_REFUSED, "no_cookie");
    refuse(offer, NULL, true, IDB_REFUSED, "no_cookie");
    refuse(offer, COOKIES "; " COOKIES, true, IDB_DATA, "bad_cookie");
    assert_int_equal(sessions(), 0);
    free(offer);
}

/* One character less, or one changed anywhere. */
static void an_altered_offer_is_none(void **state)
{
    char *offer = offer_new();
    size_t n = strlen(offer);

    (void)state;
    for (size_t i = 0; i < n; i += n / 60) {
        char right = offer[i];

        offer[i] = right == 'A' ? 'B' : 'A';
        refuse(offer, COOKIES, true, IDB_DATA, "bad_offer");
        offer[i] = right;
    }
    offer[n - 1] = '\0';
    refuse(offer, COOKIES, true, IDB_DATA, "bad_offer");
    refuse("x", COOKIES, true, IDB_DATA, "bad_offer");
    assert_int_equal(sessions(), 0);
    free(offer);
}

static void a_token_of_another_kind_is_none(void **state)
{
    static const char *const types[] = { "idb-code", "idb-login", "idb-offers" };
    struct idb_error err = { 0 };
    char *offer = offer_new();
    json_t *payload = NULL;

    (void)state;
    assert_true(idb_token_open(&payload, offer, "idb-offer", clock_ms, app.browser, &err));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char *token = NULL;

        assert_true(
            idb_token_seal(&token, payload, types[i], clock_ms + MINUTE, app.browser, &err));
        refuse(token, COOKIES, true, IDB_DATA, "bad_offer");
        free(token);
    }
    json_decref(payload);
    free(offer);
}

static void an_offer_under_another_key_is_none(void **state)
{
    struct idb_keys other = *app.browser;
    struct idb_keys *mine = app.browser;
    char *offer = NULL;

    (void)state;
    other.key[0].secret[0] ^= 1;
    app.browser = &other;
    offer = offer_new();
    app.browser = mine;
    refuse(offer, COOKIES, true, IDB_DATA, "bad_offer");
    free(offer);
}

/* Ours, but without a member, or with one of the wrong form. */
static void an_offer_that_is_not_whole_is_none(void **state)
{
    static const char *const names[] = { "session", "purpose",    "method",    "level",
                                         "lang",    "token_hash", "sealed",    "auth_time",
                                         "consent", "attributes", "expires_at" };
    struct idb_error err = { 0 };
    char *offer = offer_new();
    json_t *whole = NULL;

    (void)state;
    assert_true(idb_token_open(&whole, offer, "idb-offer", clock_ms, app.browser, &err));
    json_object_del(whole, "exp");
    for (size_t i = 0; i <= sizeof names / sizeof names[0]; i++) {
        json_t *payload = json_copy(whole);
        char *token = NULL;

        if (i < sizeof names / sizeof names[0])
            json_object_del(payload, names[i]);
        else
            json_object_set_new(payload, "token_hash", json_string("AAAA"));
        assert_true(
            idb_token_seal(&token, payload, "idb-offer", clock_ms + MINUTE, app.browser, &err));
        refuse(token, COOKIES, true, IDB_DATA, "bad_offer");
        json_decref(payload);
        free(token);
    }
    json_decref(whole);
    free(offer);
}

static void an_offer_is_good_for_ten_minutes(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();

    (void)state;
    clock_ms += 10 * MINUTE;
    refuse(offer, COOKIES, true, IDB_REFUSED, "offer_expired");
    clock_ms -= 1000;
    issue_code(offer, code);
    free(offer);
}

static void an_offer_whose_session_is_over_is_expired(void **state)
{
    char *offer = offer_for("status", clock_ms + MINUTE);

    (void)state;
    clock_ms += MINUTE;
    refuse(offer, COOKIES, true, IDB_REFUSED, "offer_expired");
    assert_int_equal(sessions(), 0);
    free(offer);
}

static void a_purpose_that_is_gone(void **state)
{
    char *offer = offer_for("appointment", clock_ms + 240 * MINUTE);

    (void)state;
    refuse(offer, COOKIES, true, IDB_DATA, "unknown_purpose");
    free(offer);
}

static void a_code_ends_with_its_session(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_for("status", clock_ms + 5 * MINUTE);

    (void)state;
    issue_code(offer, code);
    assert_int_equal(instance_sql(&instance, "SELECT code_expires_at = expires_at"
                                             " AND renew_until = expires_at FROM session"),
                     1);
    free(offer);
}

/* ---- posted again ---- */

static void posted_again_the_same_session_a_fresh_code_the_old_one_dead(void **state)
{
    char first[IDB_CODE_SIZE];
    char second[IDB_CODE_SIZE];
    char *offer = offer_new();

    (void)state;
    issue_code(offer, first);
    clock_ms += MINUTE;
    issue_code(offer, second);
    assert_string_not_equal(first, second);
    assert_int_equal(sessions(), 1);
    assert_int_equal(instance_sql(&instance, "SELECT renewals FROM session"), 1);
    assert_int_equal(instance_sql(&instance, "SELECT COUNT(*) FROM audit WHERE actor = 'resident'"
                                             " AND action = 'renew' AND session = '" SESSION "'"),
                     1);
    assert_string_equal(verify(first, "c-1"), "wrong");
    assert_string_equal(verify(second, "c-1"), "accepted");
    free(offer);
}

static void posted_again_by_another_browser_nothing(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();

    (void)state;
    issue_code(offer, code);
    refuse(offer, "__Host-idb-session=" OTHER, true, IDB_REFUSED, "other_browser");
    assert_string_equal(verify(code, "c-1"), "accepted");
    free(offer);
}

/* A reload of the consent page: the offer's cookie is gone by then. */
static void posted_again_with_the_session_s_cookie(void **state)
{
    char first[IDB_CODE_SIZE];
    char *offer = offer_new();
    struct idb_error err;
    json_t *answer;

    (void)state;
    issue_code(offer, first);
    answer = issue_by(&app, offer, AGAIN, true, &err);
    assert_non_null(answer);
    assert_int_equal(json_array_size(json_object_get(answer, "cookies")), 2);
    assert_int_equal(sessions(), 1);
    assert_string_equal(verify(first, "c-1"), "wrong");
    assert_string_equal(verify(json_string_value(json_object_get(answer, "code")), "c-1"),
                        "accepted");
    json_decref(answer);
    free(offer);
}

/* What is asked at consent is what the configuration asks then. */
static void a_login_that_is_not_enough_any_more(void **state)
{
    json_t *purpose = (json_t *)idb_config_purpose(app.config, "status");
    char *offer = offer_new();
    char code[IDB_CODE_SIZE];

    (void)state;
    json_object_set_new(purpose, "methods", json_pack("[s]", "other"));
    refuse(offer, COOKIES, true, IDB_DATA, "unknown_method");
    json_object_set_new(purpose, "methods", json_pack("[s]", "login"));
    json_object_set_new(app.config->root, "levels", json_pack("[s, s]", "high", "higher"));
    json_object_set_new(purpose, "minimum_level", json_string("higher"));
    refuse(offer, COOKIES, true, IDB_REFUSED, "level_too_low");
    json_object_set_new(purpose, "minimum_level", json_string("high"));
    assert_int_equal(sessions(), 0);
    issue_code(offer, code);
    free(offer);
}

static void after_the_code_was_used_it_is_spent(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();

    (void)state;
    issue_code(offer, code);
    assert_string_equal(verify(code, "c-1"), "accepted");
    refuse(offer, COOKIES, true, IDB_REFUSED, "not_issued");
    assert_int_equal(sessions(), 1);
    free(offer);
}

static void after_it_was_cancelled_it_is_spent(void **state)
{
    json_t *request = json_pack("{s:s}", "cookies", AGAIN);
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();
    struct idb_error err = { 0 };
    json_t *answer = NULL;

    (void)state;
    issue_code(offer, code);
    assert_true(idb_handle_end(&app, request, &answer, &err));
    assert_true(idb_app_commit(&app, &err));
    refuse(offer, COOKIES, true, IDB_REFUSED, "not_issued");
    json_decref(answer);
    json_decref(request);
    free(offer);
}

static void four_codes_and_no_more(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();

    (void)state;
    for (int i = 0; i < 4; i++)
        issue_code(offer, code);
    refuse(offer, COOKIES, true, IDB_REFUSED, "renewals_spent");
    assert_string_equal(verify(code, "c-1"), "accepted");
    free(offer);
}

static void no_new_code_half_an_hour_after_the_login(void **state)
{
    char code[IDB_CODE_SIZE];
    struct idb_error err = { 0 };
    char *offer = offer_new();
    json_t *payload = NULL;
    char *late = NULL;

    (void)state;
    issue_code(offer, code);
    /* The same offer, were it good for longer. */
    assert_true(idb_token_open(&payload, offer, "idb-offer", clock_ms, app.browser, &err));
    json_object_del(payload, "exp");
    assert_true(
        idb_token_seal(&late, payload, "idb-offer", clock_ms + 60 * MINUTE, app.browser, &err));
    clock_ms += 30 * MINUTE;
    refuse(late, COOKIES, true, IDB_REFUSED, "too_late");
    json_decref(payload);
    free(late);
    free(offer);
}

/* A child process; cmocka's own assertions are the parent's. */
static bool spend_in_child(const char *offer)
{
    struct idb_app mine = instance_app(&instance, IDB_WEB);
    struct idb_error err;
    json_t *answer;
    bool ok;

    mine.config->store_wait_ms = 20000;
    answer = issue_by(&mine, offer, COOKIES, true, &err);
    ok = answer && !strcmp(json_string_value(json_object_get(answer, "session")), SESSION);
    json_decref(answer);
    idb_app_close(&mine);
    return ok;
}

static void of_several_at_once_comes_one_session(void **state)
{
    enum { PROCESSES = 4 };
    char *offer = offer_new();
    int failed = 0;

    (void)state;
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            _exit(spend_in_child(offer) ? 0 : 1);
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;

        wait(&status);
        failed += status != 0;
    }
    assert_int_equal(failed, 0);
    assert_int_equal(sessions(), 1);
    assert_int_equal(instance_sql(&instance, "SELECT renewals FROM session"), PROCESSES - 1);
    assert_int_equal(instance_sql(&instance, "SELECT COUNT(*) FROM audit WHERE action = 'issue'"),
                     1);
    free(offer);
}

/* ---- collisions ---- */

static void a_code_that_is_taken_is_never_given_twice(void **state)
{
    char code[IDB_CODE_SIZE];
    char *offer = offer_new();
    struct idb_error err;

    (void)state;
    stuck_code = "4821093471";
    issue_code(offer, code);
    assert_string_equal(code, stuck_code);
    assert_null(issue(offer, &err)); /* a fresh one cannot be found */
    assert_int_equal(err.exit, IDB_TEMPFAIL);
    assert_string_equal(err.code, "no_code");
    stuck_code = NULL;
    issue_code(offer, code);
    free(offer);
}

/* ---- opened by itself ---- */

static void what_went_in_comes_out(void **state)
{
    char *token = offer_new();
    struct idb_offer offer;
    struct idb_error err = { 0 };
    unsigned char hash[IDB_MAC_SIZE];

    (void)state;
    assert_true(strlen(token) < IDB_OFFER_MAX);
    assert_true(idb_offer_open(&offer, token, clock_ms, app.browser, &err));
    assert_string_equal(offer.session, SESSION);
    assert_string_equal(offer.purpose, "status");
    assert_string_equal(offer.method, "login");
    assert_string_equal(offer.level, "high");
    assert_string_equal(offer.lang, "en");
    assert_string_equal(offer.consent, "text-1");
    assert_true(offer.auth_time == clock_ms && offer.expires_at == clock_ms + 240 * MINUTE);
    assert_int_equal(json_array_size(offer.attributes), 2);
    assert_true(idb_session_token_hash(hash, TOKEN, &err));
    assert_memory_equal(offer.token_hash, hash, IDB_MAC_SIZE);
    assert_null(strstr(token, "status"));
    idb_offer_clear(&offer);
    assert_null(offer.owner);
    idb_offer_clear(&offer);
    free(token);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_offer_becomes_the_session_it_names),
        TEST(the_audit_row_records_the_consent),
        TEST(nothing_is_stored_without_consent),
        TEST(another_browser_cannot_spend_it),
        TEST(an_altered_offer_is_none),
        TEST(a_token_of_another_kind_is_none),
        TEST(an_offer_under_another_key_is_none),
        TEST(an_offer_that_is_not_whole_is_none),
        TEST(an_offer_is_good_for_ten_minutes),
        TEST(an_offer_whose_session_is_over_is_expired),
        TEST(a_purpose_that_is_gone),
        TEST(a_code_ends_with_its_session),
        TEST(posted_again_the_same_session_a_fresh_code_the_old_one_dead),
        TEST(posted_again_by_another_browser_nothing),
        TEST(posted_again_with_the_session_s_cookie),
        TEST(a_login_that_is_not_enough_any_more),
        TEST(after_the_code_was_used_it_is_spent),
        TEST(after_it_was_cancelled_it_is_spent),
        TEST(four_codes_and_no_more),
        TEST(no_new_code_half_an_hour_after_the_login),
        TEST(of_several_at_once_comes_one_session),
        TEST(a_code_that_is_taken_is_never_given_twice),
        TEST(what_went_in_comes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
