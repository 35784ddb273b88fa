/* Userinfo: plain where plain is configured, signed where signed is, by the provider,
 * for us, and about whom the ID token is about. */
#include "provider.h"

#include "responder.h"
#include "token.h"

static json_t *key, *other, *jwks;

static int setup(void **state)
{
    (void)state;
    key = token_key("{\"alg\":\"ES256\"}", "k1");
    other = token_key("{\"alg\":\"ES256\"}", "k1");
    jwks = json_pack("{s:[o]}", "keys", token_public(key));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(key);
    json_decref(other);
    json_decref(jwks);
    return 0;
}

/* Asks with that userinfo_alg (or NULL) and gets the body; the error word or NULL. */
static const char *ask(const char *alg, const char *type, const char *body)
{
    struct idb_error err = { 0 };
    struct responder r;
    struct idb_provider p = { .name = "m", .jwks = jwks };
    json_t *claims = NULL;
    char answer[4096];
    bool ok;

    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n%s", type, body);
    responder_start(&r, answer, strlen(answer));
    p.method = json_pack("{s:s, s:s, s:s*}", "issuer", "https://op.example", "client_id", "us",
                         "userinfo_alg", alg);
    p.metadata = json_pack("{s:s}", "userinfo_endpoint", r.url);
    ok = idb_provider_userinfo(NULL, &p, "token", "anna", &claims, &err);
    responder_stop(&r);
    assert_int_equal(ok, claims != NULL);
    if (ok)
        assert_string_equal(json_string_value(json_object_get(claims, "bsn")), "999990019");
    else
        assert_int_equal(err.exit, IDB_UNAVAILABLE);
    json_decref(claims);
    json_decref(p.metadata);
    json_decref((json_t *)p.method);
    return ok ? NULL : err.code;
}

static const char *ask_signed(const char *payload, const json_t *by)
{
    char *token = token_sign("{\"alg\":\"ES256\",\"kid\":\"k1\"}", payload, by);
    const char *word = ask("ES256", "application/jwt", token);

    free(token);
    return word;
}

#define REST "\"bsn\":\"999990019\"}"
#define GOOD "{\"iss\":\"https://op.example\",\"aud\":\"us\",\"sub\":\"anna\"," REST

static void plain(void **state)
{
    (void)state;
    assert_null(ask(NULL, "application/json", "{\"sub\":\"anna\"," REST));
    assert_string_equal(ask(NULL, "application/json", "{\"sub\":\"bert\"," REST),
                        "provider_answer");
    assert_string_equal(ask(NULL, "application/json", "{\"sub\":[\"anna\"]," REST),
                        "provider_answer");
    assert_string_equal(ask(NULL, "application/json", "{" REST), "provider_answer");
}

static void signed_by_the_provider(void **state)
{
    (void)state;
    assert_null(ask_signed(GOOD, key));
    assert_null(
        ask_signed("{\"iss\":\"https://op.example\",\"aud\":[\"us\"],\"sub\":\"anna\"," REST, key));
    assert_string_equal(ask_signed(GOOD, other), "bad_token_signature");
}

static void not_for_us(void **state)
{
    static const char *const cases[] = {
        "{\"iss\":\"https://op.example\",\"aud\":\"them\",\"sub\":\"anna\"," REST,
        "{\"iss\":\"https://op.example\",\"aud\":[\"us\",\"them\"],\"sub\":\"anna\"," REST,
        "{\"iss\":\"https://op.example\",\"sub\":\"anna\"," REST,
        "{\"iss\":\"https://op.example/\",\"aud\":\"us\",\"sub\":\"anna\"," REST,
        "{\"aud\":\"us\",\"sub\":\"anna\"," REST,
        "{\"iss\":\"https://op.example\",\"aud\":\"us\",\"sub\":\"bert\"," REST,
        "{\"iss\":\"https://op.example\",\"aud\":\"us\"," REST,
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(ask_signed(cases[i], key), "provider_answer");
}

static void one_kind_for_the_other(void **state)
{
    char *token = token_sign("{\"alg\":\"ES256\",\"kid\":\"k1\"}", GOOD, key);

    (void)state;
    assert_string_equal(ask("ES256", "application/json", GOOD), "provider_answer");
    assert_string_equal(ask(NULL, "application/jwt", token), "provider_answer");
    assert_string_equal(ask("ES256", "application/json", token), "provider_answer");
    assert_string_equal(ask("PS256", "application/jwt", token), "bad_token_signature");
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(signed_by_the_provider),
        cmocka_unit_test(not_for_us),
        cmocka_unit_test(one_kind_for_the_other),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
