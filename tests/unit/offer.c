/* Spending an offer: what a login handed the browser becomes a session, once. */
#include "offer.h"

#include "cookie.h"
#include "handlers.h"
#include "jose.h"
#include "keyfile.h"
#include "seal.h"
#include "store_admin.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE  60000
#define SESSION "AAAAAAAAAAAAAAAAAAAAAA"
#define TOKEN   "BBBBBBBBBBBBBBBBBBBBBB"
#define COOKIE  IDB_COOKIE_SESSION "=" TOKEN

struct fixture {
    char folder[64];
    struct idb_app_program program;
    struct idb_app app;
    struct idb_error err; /* of the last request */
    char *sealed;
    struct idb_offer offer; /* what made() makes */
};

static const char config_text[] =
    "{\"organisation\":{\"name\":{\"nl\":\"Voorbeeld\"},\"url\":\"https://www.example.org\"},"
    "\"lines\":{\"kcc\":{\"number\":\"+31241234567\",\"number_display\":\"+31 24 123 45 67\","
    "\"clients\":[\"pbx\"]}},"
    "\"store\":{\"url\":\"sqlite:%s/store/idb.db\"},\"keys\":{\"directory\":\"%s/keys\"},"
    "\"issue\":{\"attest\":[\"front-office\"]},\"desk\":{\"alice\":[\"agent\"]},"
    "\"attributes\":{\"name\":{\"label\":{\"nl\":\"Naam\"}}},"
    "\"purposes\":{\"status\":{\"label\":{\"nl\":\"Status\"},\"line\":\"kcc\","
    "\"attributes\":[\"name\"]}}}";

static void check(bool ok, const struct idb_error *err)
{
    if (!ok)
        fail_msg("%s", err->message);
}

static void load_config(struct fixture *f)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/idb.json", f->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, config_text, f->folder, f->folder);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fclose(file), 0);
    check(idb_config_load(&f->app.config, path, &f->err), &f->err);
}

static void load_keys(struct fixture *f)
{
    struct idb_app *app = &f->app;
    int64_t now = idb_timestamp_now();
    int made;

    check(idb_keyfile_create(app->config, now, &made, &f->err), &f->err);
    check(idb_keys_load(&app->browser, app->config, IDB_WEB, "browser.key", now, &f->err)
              && idb_keys_load(&app->code, app->config, IDB_WEB, "code.key", now, &f->err)
              && idb_keys_load(&app->issue, app->config, IDB_WEB, "issue.key", now, &f->err)
              && idb_keys_load(&app->seal, app->config, IDB_WEB, "seal.pub", now, &f->err)
              && idb_keys_load(&app->bind, app->config, IDB_PHONE, "bind.key", now, &f->err),
          &f->err);
}

static void seal_record(struct fixture *f)
{
    json_t *record =
        json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "session", SESSION, "purpose", "status",
                  "method", "digid", "level", "substantial", "attributes", "name", "T. Estpersoon");

    idb_answer_time(record, "auth_time", f->offer.auth_time);
    idb_answer_time(record, "expires_at", f->offer.expires_at);
    check(idb_seal(&f->sealed, record, f->app.issue, f->app.seal, &f->err), &f->err);
    f->offer.sealed = f->sealed;
    json_decref(record);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int64_t now = idb_timestamp_now();

    assert_non_null(f);
    *state = f;
    strcpy(f->folder, "/tmp/idb-offer.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->program.handle = idb_handle_issue;
    f->app.program = &f->program;
    f->app.zone = IDB_WEB;
    load_config(f);
    load_keys(f);
    check(idb_store_create(f->app.config, &f->err)
              && idb_store_open(&f->app.store, f->app.config, &f->err),
          &f->err);
    f->offer = (struct idb_offer){ .session = SESSION,
                                   .purpose = "status",
                                   .lang = "nl",
                                   .auth_time = now - MINUTE,
                                   .expires_at = now + 60 * MINUTE,
                                   .consent = "status-1",
                                   .attributes = json_pack("[s]", "name") };
    check(idb_session_token_hash(f->offer.token_hash, TOKEN, &f->err), &f->err);
    seal_record(f);
    return 0;
}

static int removed(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    json_decref((json_t *)f->offer.attributes);
    free(f->sealed);
    idb_app_close(&f->app);
    assert_int_equal(nftw(f->folder, removed, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    return 0;
}

/* The offer as a token, made at that time. */
static char *made(struct fixture *f, int64_t at)
{
    char *token = NULL;

    check(idb_offer_make(&token, &f->offer, at, f->app.browser, &f->err), &f->err);
    return token;
}

/* One request in a transaction of its own; the answer or NULL, f->err says why. */
static json_t *ask(struct fixture *f,
                   bool (*handle)(struct idb_app *, const json_t *, json_t **, struct idb_error *),
                   json_t *request)
{
    json_t *answer = NULL;

    assert_non_null(request);
    memset(&f->err, 0, sizeof f->err);
    if (!handle(&f->app, request, &answer, &f->err)) {
        assert_null(answer);
        idb_app_rollback(&f->app);
    } else {
        check(idb_app_commit(&f->app, &f->err), &f->err);
    }
    f->app.line = NULL;
    json_decref(request);
    return answer;
}

static json_t *post(struct fixture *f, const char *token, const char *cookies)
{
    return ask(f, idb_handle_issue,
               json_pack("{s:s, s:s, s:b}", "offer", token, "cookies", cookies, "consent", 1));
}

static void refused(struct fixture *f, json_t *answer, enum idb_exit exit, const char *code)
{
    assert_null(answer);
    assert_string_equal(f->err.code, code);
    assert_int_equal(f->err.exit, exit);
}

static void refuse_token(struct fixture *f, const char *token, enum idb_exit exit, const char *code)
{
    refused(f, post(f, token, COOKIE), exit, code);
}

static bool is_stored(struct fixture *f)
{
    struct idb_session s = { 0 };
    bool found;

    check(idb_app_read(&f->app, &f->err) && idb_session_by_id(&f->app, SESSION, &s, &f->err),
          &f->err);
    found = s.found;
    idb_session_clear(&s);
    check(idb_app_commit(&f->app, &f->err), &f->err);
    return found;
}

static const char *text(const json_t *answer, const char *name)
{
    const char *value = json_string_value(json_object_get(answer, name));

    return value ? value : "";
}

static void assert_key_in(struct fixture *f, const char *code, const char *call, const char *result)
{
    json_t *answer =
        ask(f, idb_handle_verify, json_pack("{s:s, s:s}", "code", code, "call_id", call));

    assert_non_null(answer);
    assert_string_equal(text(answer, "result"), result);
    json_decref(answer);
}

static void happy_path(void **state)
{
    struct fixture *f = *state;
    char *token = made(f, idb_timestamp_now());
    json_t *answer;
    const json_t *cookies;
    char code[IDB_CODE_SIZE];

    assert_false(is_stored(f));
    answer = post(f, token, "other=1; " COOKIE);
    check(answer != NULL, &f->err);
    assert_string_equal(text(answer, "session"), SESSION);
    assert_int_equal(strlen(text(answer, "ticket")), 6);
    assert_int_equal(idb_code_read(code, text(answer, "code"), 10), IDB_CODE_GOOD);
    assert_string_equal(text(answer, "number"), "+31241234567");
    cookies = json_object_get(answer, "cookies");
    assert_int_equal(json_array_size(cookies), 1); /* the session's it has already */
    assert_int_equal(strncmp(json_string_value(json_array_get(cookies, 0)), IDB_COOKIE_CODE "=",
                             strlen(IDB_COOKIE_CODE "=")),
                     0);
    assert_true(is_stored(f));
    assert_key_in(f, code, "call-1", "accepted");
    json_decref(answer);
    free(token);
}

static void another_browser(void **state)
{
    struct fixture *f = *state;
    char *token = made(f, idb_timestamp_now());

    refused(f, post(f, token, IDB_COOKIE_SESSION "=CCCCCCCCCCCCCCCCCCCCCC"), IDB_REFUSED,
            "other_browser");
    refused(f, post(f, token, IDB_COOKIE_SESSION "=" TOKEN "x"), IDB_REFUSED, "other_browser");
    refused(f, post(f, token, IDB_COOKIE_SESSION "="), IDB_REFUSED, "other_browser");
    refused(f, post(f, token, "other=1"), IDB_REFUSED, "no_cookie");
    refused(f, post(f, token, COOKIE "; " COOKIE), IDB_DATA, "bad_cookie");
    refused(f, ask(f, idb_handle_issue, json_pack("{s:s, s:b}", "offer", token, "consent", 1)),
            IDB_REFUSED, "no_cookie");
    assert_false(is_stored(f));
    free(token);
}

static void without_consent(void **state)
{
    struct fixture *f = *state;
    char *token = made(f, idb_timestamp_now());

    refused(f,
            ask(f, idb_handle_issue,
                json_pack("{s:s, s:s, s:b}", "offer", token, "cookies", COOKIE, "consent", 0)),
            IDB_REFUSED, "no_consent");
    refused(f, ask(f, idb_handle_issue, json_pack("{s:s, s:s}", "offer", token, "cookies", COOKIE)),
            IDB_DATA, "bad_request");
    refused(f,
            ask(f, idb_handle_issue,
                json_pack("{s:s, s:s, s:s}", "offer", token, "cookies", COOKIE, "consent", "yes")),
            IDB_DATA, "bad_request");
    assert_false(is_stored(f));
    free(token);
}

/* Where part number n of a token begins. */
static char *part_of(char *token, int n)
{
    while (n > 0)
        n -= *token++ == '.';
    return token;
}

/* One character in each part, and pieces off the end. */
static void altered(void **state)
{
    struct fixture *f = *state;
    char *token = made(f, idb_timestamp_now());

    for (int n = 0; n < 5; n++) {
        char *part = part_of(token, n);
        char *c = part + strcspn(part, ".") / 2;
        char right = *c;

        if (n == 1)
            continue; /* empty: dir has no encrypted key */
        *c = right == 'A' ? 'B' : 'A';
        refuse_token(f, token, IDB_DATA, "bad_offer");
        *c = right;
    }
    token[strlen(token) - 1] = '\0';
    refuse_token(f, token, IDB_DATA, "bad_offer");
    part_of(token, 4)[-1] = '\0';
    refuse_token(f, token, IDB_DATA, "bad_offer");
    refuse_token(f, "x", IDB_DATA, "bad_offer");
    refuse_token(f, "....", IDB_DATA, "bad_offer");
    assert_false(is_stored(f));
    free(token);
}

/* A token of ours for something else, and one that lacks a member. */
static void of_another_kind(void **state)
{
    struct fixture *f = *state;
    int64_t later = idb_timestamp_now() + MINUTE;
    char *token = made(f, idb_timestamp_now());
    char *other = NULL;
    json_t *payload = NULL;

    check(
        idb_token_open(&payload, token, "idb-offer", idb_timestamp_now(), f->app.browser, &f->err),
        &f->err);
    json_object_del(payload, "exp");
    check(idb_token_seal(&other, payload, "idb-code", later, f->app.browser, &f->err), &f->err);
    refuse_token(f, other, IDB_DATA, "bad_offer");
    free(other);
    /* Under a key that is not the browser's. */
    check(idb_token_seal(&other, payload, "idb-offer", later, f->app.code, &f->err), &f->err);
    refuse_token(f, other, IDB_DATA, "bad_offer");
    free(other);
    json_object_set_new(payload, "token_hash", json_string("c2hvcnQ"));
    check(idb_token_seal(&other, payload, "idb-offer", later, f->app.browser, &f->err), &f->err);
    refuse_token(f, other, IDB_DATA, "bad_offer");
    free(other);
    json_object_del(payload, "token_hash");
    check(idb_token_seal(&other, payload, "idb-offer", later, f->app.browser, &f->err), &f->err);
    refuse_token(f, other, IDB_DATA, "bad_offer");
    free(other);
    assert_false(is_stored(f));
    json_decref(payload);
    free(token);
}

static void past_its_time(void **state)
{
    struct fixture *f = *state;
    int64_t now = idb_timestamp_now();
    char *token = made(f, now - IDB_OFFER_VALID_MS - 1000);
    json_t *answer;

    refuse_token(f, token, IDB_REFUSED, "offer_expired");
    free(token);
    /* In time itself, but what was stated is no longer true. */
    f->offer.expires_at = now - 1;
    token = made(f, now);
    refuse_token(f, token, IDB_REFUSED, "offer_expired");
    free(token);
    assert_false(is_stored(f));
    f->offer.expires_at = now + 60 * MINUTE;
    token = made(f, now - IDB_OFFER_VALID_MS + MINUTE);
    answer = post(f, token, COOKIE);
    check(answer != NULL, &f->err);
    json_decref(answer);
    free(token);
}

static void for_a_purpose_that_is_gone(void **state)
{
    struct fixture *f = *state;
    char *token;

    f->offer.purpose = "gone";
    token = made(f, idb_timestamp_now());
    refuse_token(f, token, IDB_DATA, "unknown_purpose");
    assert_false(is_stored(f));
    free(token);
}

static void posted_twice(void **state)
{
    struct fixture *f = *state;
    char *token = made(f, idb_timestamp_now());
    json_t *first = post(f, token, COOKIE);
    json_t *second = post(f, token, COOKIE);

    check(first && second, &f->err);
    assert_string_equal(text(second, "session"), SESSION);
    assert_string_equal(text(second, "ticket"), text(first, "ticket"));
    assert_string_not_equal(text(second, "code"), text(first, "code"));
    assert_key_in(f, text(first, "code"), "call-1", "wrong");
    assert_key_in(f, text(second, "code"), "call-1", "accepted");
    refuse_token(f, token, IDB_REFUSED, "not_issued");
    refused(f, post(f, token, IDB_COOKIE_SESSION "=CCCCCCCCCCCCCCCCCCCCCC"), IDB_REFUSED,
            "other_browser");
    assert_key_in(f, text(second, "code"), "call-1", "accepted"); /* as if nothing had happened */
    json_decref(first);
    json_decref(second);
    free(token);
}

static void posted_too_often(void **state)
{
    struct fixture *f = *state;
    char *token = made(f, idb_timestamp_now());
    char last[IDB_CODE_SIZE] = "";

    for (int i = 0; i <= f->app.config->session_renewals; i++) {
        json_t *answer = post(f, token, COOKIE);

        check(answer != NULL, &f->err);
        assert_string_not_equal(text(answer, "code"), last);
        snprintf(last, sizeof last, "%s", text(answer, "code"));
        json_decref(answer);
    }
    refuse_token(f, token, IDB_REFUSED, "renewals_spent");
    assert_key_in(f, last, "call-1", "accepted"); /* the refusal did not cost the code */
    free(token);
}

static void open_gives_what_was_made(void **state)
{
    struct fixture *f = *state;
    int64_t now = idb_timestamp_now();
    char *token = made(f, now);
    struct idb_offer o;

    check(idb_offer_open(&o, token, now, f->app.browser, &f->err), &f->err);
    assert_string_equal(o.session, SESSION);
    assert_string_equal(o.purpose, "status");
    assert_string_equal(o.lang, "nl");
    assert_memory_equal(o.token_hash, f->offer.token_hash, IDB_MAC_SIZE);
    assert_string_equal(o.sealed, f->sealed);
    assert_int_equal(o.auth_time, f->offer.auth_time);
    assert_int_equal(o.expires_at, f->offer.expires_at);
    assert_string_equal(o.consent, "status-1");
    assert_true(json_equal(o.attributes, f->offer.attributes));
    idb_offer_clear(&o);
    assert_null(strstr(token, SESSION));
    free(token);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(open_gives_what_was_made),
        CASE(happy_path),
        CASE(another_browser),
        CASE(without_consent),
        CASE(altered),
        CASE(of_another_kind),
        CASE(past_its_time),
        CASE(for_a_purpose_that_is_gone),
        CASE(posted_twice),
        CASE(posted_too_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
