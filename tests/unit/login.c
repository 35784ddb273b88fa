/* A login under way: what the browser keeps of it, and what of that is believed. */
#include "login.h"

#include "cookie.h"
#include "jose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idb_keys keys = { .count = 1,
                                .key = { { .id = "00000000000000c1", .secret = "any secret" } } };
static struct idb_keys foreign = { .count = 1,
                                   .key = { { .id = "00000000000000c1", .secret = "another" } } };
static struct idb_app app = { .browser = &keys };

static struct idb_login new_login(void)
{
    return (struct idb_login){ .method = "digid", .purpose = "status", .lang = "nl" };
}

/* The Cookie header of a browser that took these Set-Cookie values, the cleared
 * ones left out. */
static char *header_of(const json_t *set)
{
    char *header = calloc(1, 65536);
    const json_t *line;
    size_t i;

    json_array_foreach ((json_t *)set, i, line) {
        const char *text = json_string_value(line);

        if (!strstr(text, "; Max-Age=0;"))
            snprintf(header + strlen(header), 65536 - strlen(header), "%s%.*s",
                     header[0] ? "; " : "", (int)strcspn(text, ";"), text);
    }
    return header;
}

/* How many lines set a cookie, or clear one. */
static int lines(const json_t *set, bool cleared)
{
    const json_t *line;
    int n = 0;
    size_t i;

    json_array_foreach ((json_t *)set, i, line)
        n += !strstr(json_string_value(line), "; Max-Age=0;") == !cleared;
    return n;
}

/* Begins one, with what the browser has; adds its cookie to *header. */
static struct idb_login begin(char **header)
{
    struct idb_login login = new_login();
    struct idb_error err = { 0 };
    json_t *set = json_array();

    assert_true(idb_login_begin(&app, &login, *header, set, &err));
    assert_int_equal(lines(set, false), 1);
    free(*header);
    *header = header_of(set);
    json_decref(set);
    return login;
}

/* The end of a login: the error word, or NULL; cleared says how many cookies went. */
static const char *end(const char *state, const char *header, int *cleared, struct idb_login *login)
{
    struct idb_error err = { 0 };
    json_t *set = json_array();
    bool ok = idb_login_end(&app, state, header, set, login, &err);

    assert_int_equal(ok, !err.code);
    *cleared = lines(set, true);
    assert_int_equal(lines(set, false), 0);
    json_decref(set);
    return err.code;
}

static void round_trip(void **state)
{
    struct idb_login back = { 0 };
    char *header = NULL;
    struct idb_login login = begin(&header);
    int cleared = 0;

    (void)state;
    assert_int_equal(strlen(login.state), 43);
    assert_int_equal(strlen(login.nonce), 43);
    assert_int_equal(strlen(login.verifier), 43);
    assert_string_not_equal(login.state, login.nonce);
    assert_string_not_equal(login.nonce, login.verifier);
    assert_null(end(login.state, header, &cleared, &back));
    assert_int_equal(cleared, 1);
    assert_string_equal(back.state, login.state);
    assert_string_equal(back.nonce, login.nonce);
    assert_string_equal(back.verifier, login.verifier);
    assert_string_equal(back.method, "digid");
    assert_string_equal(back.purpose, "status");
    assert_string_equal(back.lang, "nl");
    assert_int_equal(back.started_at, login.started_at);
    free(header);
}

/* Names and other texts as long as the configuration allows. */
static void longest(void **state)
{
    struct idb_login login = { .lang = "en" }, back = { 0 };
    struct idb_error err = { 0 };
    json_t *set = json_array();
    char *header;
    int cleared = 0;

    (void)state;
    memset(login.method, 'm', IDB_NAME_SIZE - 1);
    memset(login.purpose, 'p', IDB_NAME_SIZE - 1);
    assert_true(idb_login_begin(&app, &login, NULL, set, &err));
    header = header_of(set);
    assert_null(end(login.state, header, &cleared, &back));
    assert_string_equal(back.method, login.method);
    assert_string_equal(back.purpose, login.purpose);
    free(header);
    json_decref(set);
}

static void secrets_differ(void **state)
{
    char seen[64][IDB_SECRET_SIZE];
    struct idb_error err = { 0 };

    (void)state;
    for (int i = 0; i < 64; i++) {
        assert_true(idb_login_draw(seen[i], &err));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
    }
}

/* RFC 7636 appendix B. */
static void challenge(void **state)
{
    char out[IDB_SECRET_SIZE];

    (void)state;
    assert_true(idb_login_challenge(out, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    assert_string_equal(out, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

/* The state is the key: without exactly it there is no login. */
static void wrong_states(void **state)
{
    char *header = NULL;
    struct idb_login login = begin(&header), back = { 0 };
    char other[IDB_SECRET_SIZE + 8];
    int cleared = 0;

    (void)state;
    assert_string_equal(end("", header, &cleared, &back), "bad_state");
    snprintf(other, sizeof other, "%.42s", login.state);
    assert_string_equal(end(other, header, &cleared, &back), "bad_state");
    snprintf(other, sizeof other, "%sA", login.state);
    assert_string_equal(end(other, header, &cleared, &back), "bad_state");
    for (size_t i = 0; i < 43; i++) {
        snprintf(other, sizeof other, "%s", login.state);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        assert_string_equal(end(other, header, &cleared, &back), "bad_state");
        assert_int_equal(cleared, 0);
    }
    assert_string_equal(end(login.state, NULL, &cleared, &back), "bad_state");
    assert_string_equal(end(login.state, "", &cleared, &back), "bad_state");
    assert_null(end(login.state, header, &cleared, &back));
    free(header);
}

/* Another login's cookie, put under this one's name. */
static void swapped(void **state)
{
    char *one = NULL, *two = NULL;
    struct idb_login login = begin(&one), back = { 0 };
    char mixed[8192];
    int cleared = 0;

    (void)state;
    begin(&two);
    snprintf(mixed, sizeof mixed, "%.*s%s", (int)strcspn(one, "="), one, strchr(two, '='));
    assert_string_equal(end(login.state, mixed, &cleared, &back), "bad_state");
    assert_int_equal(cleared, 1);
    snprintf(mixed, sizeof mixed, "%s; %s", one, one);
    assert_string_equal(end(login.state, mixed, &cleared, &back), "bad_state");
    free(one);
    free(two);
}

static void altered(void **state)
{
    char *header = NULL;
    struct idb_login login = begin(&header), back = { 0 };
    size_t length = strlen(header);
    int cleared = 0;

    (void)state;
    for (size_t i = strcspn(header, "=") + 1; i < length; i += 7) {
        char kept = header[i];

        header[i] = kept == 'A' ? 'B' : 'A';
        assert_string_equal(end(login.state, header, &cleared, &back), "bad_state");
        assert_int_equal(cleared, 1);
        header[i] = kept;
    }
    app.browser = &foreign;
    assert_string_equal(end(login.state, header, &cleared, &back), "bad_state");
    app.browser = &keys;
    assert_null(end(login.state, header, &cleared, &back));
    free(header);
}

/* A sealed cookie of ours that is another kind of token, or lacks something. */
static void other_tokens(void **state)
{
    static const char *const payloads[] = { "{}", "{\"state\":\"x\"}",
                                            "{\"state\":1,\"nonce\":1,\"verifier\":1,\"method\":1,"
                                            "\"purpose\":1,\"lang\":1,\"started_at\":\"\"}" };
    char *header = NULL;
    struct idb_login login = begin(&header), back = { 0 };
    int64_t later = idb_timestamp_now() + 60000;
    int cleared = 0;

    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        for (int j = 0; j < 2; j++) {
            struct idb_error err = { 0 };
            json_t *payload = json_loads(payloads[i], 0, NULL);
            char cookie[8192];
            char *token = NULL;

            assert_true(
                idb_token_seal(&token, payload, j ? "idb-offer" : "idb-login", later, &keys, &err));
            snprintf(cookie, sizeof cookie, "%.*s=%s", (int)strcspn(header, "="), header, token);
            assert_string_equal(end(login.state, cookie, &cleared, &back), "bad_state");
            free(token);
            json_decref(payload);
        }
    free(header);
}

/* Sealed a while ago. */
static char *old_cookie(const struct idb_login *login, int64_t started_at)
{
    struct idb_error err = { 0 };
    json_t *payload =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "state", login->state, "nonce",
                  login->nonce, "verifier", login->verifier, "method", "digid", "purpose", "status",
                  "lang", "nl", "started_at", (json_int_t)started_at);
    char hash[IDB_SECRET_SIZE];
    char *token = NULL;
    char *cookie = malloc(8192);

    assert_true(
        idb_token_seal(&token, payload, "idb-login", started_at + IDB_LOGIN_KEPT_MS, &keys, &err));
    assert_true(idb_login_challenge(hash, login->state));
    snprintf(cookie, 8192, IDB_LOGIN_PREFIX "%.16s=%s", hash, token);
    free(token);
    json_decref(payload);
    return cookie;
}

static void expired(void **state)
{
    int64_t now = idb_timestamp_now();
    char *header = NULL;
    struct idb_login login = begin(&header), back = { 0 };
    char *old = old_cookie(&login, now - IDB_LOGIN_VALID_MS - 2000);
    char *young = old_cookie(&login, now - IDB_LOGIN_VALID_MS + 60000);
    int cleared = 0;

    (void)state;
    assert_string_equal(end(login.state, old, &cleared, &back), "login_expired");
    assert_int_equal(cleared, 1);
    assert_null(end(login.state, young, &cleared, &back));
    free(header);
    free(old);
    free(young);
}

/* What begin() clears, with these cookies already there. */
static int clears(const char *header)
{
    struct idb_login login = new_login();
    struct idb_error err = { 0 };
    json_t *set = json_array();
    int n;

    assert_true(idb_login_begin(&app, &login, header, set, &err));
    assert_int_equal(lines(set, false), 1);
    n = lines(set, true);
    json_decref(set);
    return n;
}

static void room(void **state)
{
    int64_t now = idb_timestamp_now();
    char header[65536] = "other=1";
    char oldest[64] = "";
    json_t *set = json_array();
    struct idb_login login = new_login();
    struct idb_error err = { 0 };

    (void)state;
    assert_int_equal(clears(NULL), 0);
    assert_int_equal(clears(""), 0);
    assert_int_equal(clears(header), 0);
    for (int i = 0; i < 6; i++) {
        char *cookie;

        assert_true(idb_login_draw(login.state, &err));
        cookie = old_cookie(&login, now - 1000 * (i + 1));
        if (i == 2)
            snprintf(oldest, sizeof oldest, "%.*s", (int)strcspn(cookie, "="), cookie);
        snprintf(header + strlen(header), sizeof header - strlen(header), "; %s", cookie);
        free(cookie);
        /* Two may stay beside the new one. */
        assert_int_equal(clears(header), i < 2 ? 0 : i - 1);
        if (i == 2) {
            json_array_clear(set);
            assert_true(idb_login_begin(&app, &login, header, set, &err));
            assert_memory_equal(json_string_value(json_array_get(set, 0)), oldest, strlen(oldest));
        }
    }
    json_decref(set);
    /* What cannot be read goes, and however many there are nothing breaks. */
    assert_int_equal(clears(IDB_LOGIN_PREFIX "a=x; " IDB_LOGIN_PREFIX "b=y"), 2);
    header[0] = '\0';
    for (int i = 0; i < 200; i++)
        snprintf(header + strlen(header), sizeof header - strlen(header), IDB_LOGIN_PREFIX "%d=x; ",
                 i);
    assert_int_equal(clears(header), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),     cmocka_unit_test(longest),
        cmocka_unit_test(secrets_differ), cmocka_unit_test(challenge),
        cmocka_unit_test(wrong_states),   cmocka_unit_test(swapped),
        cmocka_unit_test(altered),        cmocka_unit_test(other_tokens),
        cmocka_unit_test(expired),        cmocka_unit_test(room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
