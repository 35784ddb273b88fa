/* What an ID token must say: beside each thing that is refused the nearest one
 * that is accepted. The signature and the rest of its header are in jwt.c. */
#include "idtoken.h"

#include "b64.h"
#include "responder.h"
#include "token.h"

#include <openssl/evp.h>

#define NOW    1700000000 /* seconds */
#define NONCE  "n-0123456789012345678901234567890123456789x"
#define ACCESS "SlAV32hkKG"

static json_t *ec, *rsa;
static struct responder keys;
static json_t *metadata;

/* A whole answer with that body. */
static char *answer_of(const json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    char *answer = malloc(strlen(text) + 256);

    sprintf(answer,
            "HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            strlen(text), text);
    free(text);
    return answer;
}

static int setup(void **state)
{
    json_t *set;
    char *answer;

    (void)state;
    ec = token_key("{\"alg\":\"ES256\"}", "e1");
    rsa = token_key("{\"kty\":\"RSA\",\"bits\":2048}", "r1");
    set = json_pack("{s:[o,o]}", "keys", token_public(ec), token_public(rsa));
    answer = answer_of(set);
    responder_start(&keys, answer, strlen(answer));
    metadata = json_pack("{s:s}", "jwks_uri", keys.url);
    free(answer);
    json_decref(set);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    responder_stop(&keys);
    json_decref(metadata);
    json_decref(ec);
    json_decref(rsa);
    return 0;
}

/* "@+61" in a JSON text becomes the time now and 61 seconds. */
static void expand(char *out, size_t size, const char *text)
{
    size_t n = 0;

    while (*text && n < size - 32) {
        if (*text != '@') {
            out[n++] = *text++;
            continue;
        }
        n += (size_t)snprintf(out + n, size - n, "%ld", NOW + strtol(text + 1, (char **)&text, 10));
    }
    out[n] = '\0';
}

/* The claims of a good token, with these changed; null takes one away. */
static char *claims_with(const char *changes)
{
    json_t *claims = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:s}", "iss",
                               "https://login.example.org", "sub", "anna", "aud", "id-bellen",
                               "exp", NOW + 300, "iat", NOW, "auth_time", NOW - 5, "nonce", NONCE);
    char expanded[4096];
    json_t *changed;
    const char *name;
    json_t *value;
    char *text;

    expand(expanded, sizeof expanded, changes);
    changed = json_loads(expanded, 0, NULL);
    assert_non_null(changed);
    json_object_foreach (changed, name, value) {
        if (json_is_null(value))
            json_object_del(claims, name);
        else
            json_object_set(claims, name, value);
    }
    text = json_dumps(claims, JSON_COMPACT);
    json_decref(changed);
    json_decref(claims);
    return text;
}

/* Checks a token; err is filled, *auth_time ms. */
static bool check(const char *token, const char *alg, int64_t *auth_time, struct idb_error *err)
{
    json_t *method = json_pack("{s:s, s:s, s:s}", "issuer", "https://login.example.org",
                               "client_id", "id-bellen", "id_token_alg", alg);
    struct idb_provider p = { .method = method,
                              .name = "digid",
                              .metadata = json_incref(metadata) };
    struct idb_expected_login login = { .nonce = NONCE,
                                        .started_at = (int64_t)(NOW - 60) * 1000,
                                        .now = (int64_t)NOW * 1000,
                                        .access_token = ACCESS };
    json_t *claims = NULL;
    bool ok = idb_idtoken_check(NULL, &p, token, &login, &claims, auth_time, err);

    assert_int_equal(ok, !err->code);
    assert_int_equal(ok, claims != NULL);
    if (err->code)
        assert_null(strstr(err->message, NONCE));
    json_decref(claims);
    idb_provider_clear(&p);
    json_decref(method);
    return ok;
}

static bool check_claims(const char *text, const char *header, const char *alg, const json_t *key,
                         struct idb_error *err)
{
    char *token = token_sign(header, text, key);
    int64_t auth_time;
    bool ok = check(token, alg, &auth_time, err);

    free(token);
    return ok;
}

/* refused: NULL, or what the message of bad_id_token names. */
struct claim {
    const char *changes;
    const char *refused;
};

static const struct claim table[] = {
    { "{}", NULL },
    { "{\"other\":{\"a\":[1]}}", NULL },
    /* iss, byte for byte */
    { "{\"iss\":null}", "iss" },
    { "{\"iss\":\"https://login.example.org/\"}", "iss" },
    { "{\"iss\":\"https://LOGIN.example.org\"}", "iss" },
    { "{\"iss\":\"https://login.example.or\"}", "iss" },
    { "{\"iss\":\"https://evil.example\"}", "iss" },
    { "{\"iss\":\"\"}", "iss" },
    { "{\"iss\":[\"https://login.example.org\"]}", "iss" },
    /* sub */
    { "{\"sub\":\"x\"}", NULL },
    { "{\"sub\":null}", "sub" },
    { "{\"sub\":\"\"}", "sub" },
    { "{\"sub\":7}", "sub" },
    /* aud, and azp */
    { "{\"aud\":[\"id-bellen\"]}", NULL },
    { "{\"aud\":null}", "aud" },
    { "{\"aud\":\"other\"}", "aud" },
    { "{\"aud\":\"id-bellen \"}", "aud" },
    { "{\"aud\":\"ID-bellen\"}", "aud" },
    { "{\"aud\":[]}", "aud" },
    { "{\"aud\":[\"other\"]}", "aud" },
    { "{\"aud\":[\"id-bellen\",\"other\"]}", "aud" },
    { "{\"aud\":[\"id-bellen\",\"id-bellen\"]}", "aud" },
    { "{\"aud\":[[\"id-bellen\"]]}", "aud" },
    { "{\"aud\":{\"id-bellen\":1}}", "aud" },
    { "{\"aud\":1}", "aud" },
    { "{\"azp\":\"id-bellen\"}", NULL },
    { "{\"azp\":\"other\"}", "azp" },
    { "{\"azp\":\"\"}", "azp" },
    { "{\"azp\":[\"id-bellen\"]}", "azp" },
    /* exp, with 60 s of skew */
    { "{\"exp\":@+1}", NULL },
    { "{\"exp\":@+0}", NULL },
    { "{\"exp\":@-59}", NULL },
    { "{\"exp\":@-60}", "exp" },
    { "{\"exp\":@-61}", "exp" },
    { "{\"exp\":@+10.5}", NULL },
    { "{\"exp\":null}", "exp" },
    { "{\"exp\":\"1800000000\"}", "exp" },
    { "{\"exp\":-1}", "exp" },
    { "{\"exp\":0}", "exp" },
    { "{\"exp\":1e300}", "exp" },
    { "{\"exp\":9223372036854775807}", "exp" },
    { "{\"exp\":253402300799}", NULL },
    { "{\"exp\":253402300800}", "exp" },
    { "{\"exp\":true}", "exp" },
    { "{\"exp\":[1800000000]}", "exp" },
    /* iat */
    { "{\"iat\":@+60}", NULL },
    { "{\"iat\":@+61}", "iat" },
    { "{\"iat\":@-600}", NULL },
    { "{\"iat\":@-601}", "iat" },
    { "{\"iat\":@-0.5}", NULL },
    { "{\"iat\":null}", "iat" },
    { "{\"iat\":\"1700000000\"}", "iat" },
    { "{\"iat\":-1}", "iat" },
    { "{\"iat\":1e300}", "iat" },
    /* nbf */
    { "{\"nbf\":@-1000}", NULL },
    { "{\"nbf\":@+60}", NULL },
    { "{\"nbf\":@+61}", "nbf" },
    { "{\"nbf\":\"1700000000\"}", "nbf" },
    { "{\"nbf\":1e300}", "nbf" },
    { "{\"nbf\":-1}", "nbf" },
    /* nonce, byte for byte */
    { "{\"nonce\":null}", "nonce" },
    { "{\"nonce\":\"\"}", "nonce" },
    { "{\"nonce\":\"n-0123456789012345678901234567890123456789y\"}", "nonce" },
    { "{\"nonce\":\"N-0123456789012345678901234567890123456789x\"}", "nonce" },
    { "{\"nonce\":\"n-0123456789012345678901234567890123456789\"}", "nonce" },
    { "{\"nonce\":\"n-0123456789012345678901234567890123456789xx\"}", "nonce" },
    { "{\"nonce\":\" n-0123456789012345678901234567890123456789x\"}", "nonce" },
    { "{\"nonce\":[\"n-0123456789012345678901234567890123456789x\"]}", "nonce" },
    { "{\"nonce\":1}", "nonce" },
    /* auth_time: asked for, so it must be there */
    { "{\"auth_time\":@+0}", NULL },
    { "{\"auth_time\":@+60}", NULL },
    { "{\"auth_time\":@+61}", "auth_time" },
    { "{\"auth_time\":@-1.5}", NULL },
    { "{\"auth_time\":null}", "auth_time" },
    { "{\"auth_time\":\"1700000000\"}", "auth_time" },
    { "{\"auth_time\":-1}", "auth_time" },
    { "{\"auth_time\":1e300}", "auth_time" },
};

static void claims(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct idb_error err = { 0 };
        char *text = claims_with(table[i].changes);
        char named[32] = "";

        if (table[i].refused)
            snprintf(named, sizeof named, "(%s)", table[i].refused);
        if (check_claims(text, "{\"alg\":\"ES256\",\"kid\":\"e1\"}", "ES256", ec, &err)
            != !table[i].refused)
            fail_msg("%s: %s", table[i].changes, err.code ? err.message : "accepted");
        if (table[i].refused) {
            assert_int_equal(err.exit, IDB_UNAVAILABLE);
            assert_string_equal(err.code, "bad_id_token");
            if (!strstr(err.message, named))
                fail_msg("%s: %s", table[i].changes, err.message);
        }
        free(text);
    }
}

static void long_sub(void **state)
{
    (void)state;
    for (int n = 255; n <= 256; n++) {
        struct idb_error err = { 0 };
        char changes[512];
        char *text;

        snprintf(changes, sizeof changes, "{\"sub\":\"%0*d\"}", n, 1);
        text = claims_with(changes);
        assert_int_equal(
            check_claims(text, "{\"alg\":\"ES256\",\"kid\":\"e1\"}", "ES256", ec, &err), n == 255);
        free(text);
    }
}

/* A login from before this visit (begun 60 s ago, and 60 s of skew) is old. */
static void old_login(void **state)
{
    static const struct {
        const char *changes;
        bool ok;
    } cases[] = { { "{\"auth_time\":@-120}", true },
                  { "{\"auth_time\":@-121}", false },
                  { "{\"auth_time\":0}", false } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_error err = { 0 };
        char *text = claims_with(cases[i].changes);

        assert_int_equal(
            check_claims(text, "{\"alg\":\"ES256\",\"kid\":\"e1\"}", "ES256", ec, &err),
            cases[i].ok);
        if (!cases[i].ok) {
            assert_string_equal(err.code, "login_too_old");
            assert_int_equal(err.exit, IDB_REFUSED);
        }
        free(text);
    }
}

/* A provider whose clock is ahead does not make a login last longer. */
static void auth_time(void **state)
{
    static const struct {
        const char *changes;
        int64_t ms;
    } cases[] = { { "{\"auth_time\":@-7}", (int64_t)(NOW - 7) * 1000 },
                  { "{\"auth_time\":@-7.5}", (int64_t)(NOW - 7) * 1000 + 500 },
                  { "{\"auth_time\":@+59}", (int64_t)NOW * 1000 } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_error err = { 0 };
        char *text = claims_with(cases[i].changes);
        char *token = token_sign("{\"alg\":\"ES256\",\"kid\":\"e1\"}", text, ec);
        int64_t at = 0;

        assert_true(check(token, "ES256", &at, &err));
        assert_int_equal(at, cases[i].ms);
        free(token);
        free(text);
    }
}

/* The left half of a hash of the access token. */
static void half(char *out, const EVP_MD *md, const char *of)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    assert_int_equal(EVP_Digest(of, strlen(of), hash, &n, md, NULL), 1);
    idb_b64_encode(out, hash, n / 2);
}

static void at_hash(void **state)
{
    static const char *const algs[] = { "ES256", "RS256", "PS256", "RS384", "RS512", "PS512" };

    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        const EVP_MD *mds[] = { EVP_sha256(), EVP_sha384(), EVP_sha512(), EVP_sha1() };
        const char *names[] = { "256", "384", "512", "1" };

        for (size_t j = 0; j < 4; j++) {
            struct idb_error err = { 0 };
            char value[IDB_B64_SIZE(EVP_MAX_MD_SIZE)], changes[128], header[32];
            char *text;

            half(value, mds[j], ACCESS);
            snprintf(changes, sizeof changes, "{\"at_hash\":\"%s\"}", value);
            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%c1\"}", algs[i],
                     algs[i][0] == 'E' ? 'e' : 'r');
            text = claims_with(changes);
            assert_int_equal(
                check_claims(text, header, algs[i], algs[i][0] == 'E' ? ec : rsa, &err),
                !strcmp(algs[i] + 2, names[j]));
            free(text);
        }
    }
}

static void at_hash_wrong(void **state)
{
    char right[IDB_B64_SIZE(EVP_MAX_MD_SIZE)], other[IDB_B64_SIZE(EVP_MAX_MD_SIZE)];
    char changes[6][128];

    (void)state;
    half(right, EVP_sha256(), ACCESS);
    half(other, EVP_sha256(), "another");
    snprintf(changes[0], sizeof changes[0], "{\"at_hash\":\"%s\"}", other);
    snprintf(changes[1], sizeof changes[1], "{\"at_hash\":\"%s=\"}", right);
    snprintf(changes[2], sizeof changes[2], "{\"at_hash\":\"%.21s\"}", right);
    snprintf(changes[3], sizeof changes[3], "{\"at_hash\":\"\"}");
    snprintf(changes[4], sizeof changes[4], "{\"at_hash\":[\"%s\"]}", right);
    snprintf(changes[5], sizeof changes[5], "{\"at_hash\":1}");
    for (size_t i = 0; i < 6; i++) {
        struct idb_error err = { 0 };
        char *text = claims_with(changes[i]);

        assert_false(check_claims(text, "{\"alg\":\"ES256\",\"kid\":\"e1\"}", "ES256", ec, &err));
        assert_non_null(strstr(err.message, "(at_hash)"));
        free(text);
    }
}

/* Payloads that are no set of claims at all. */
static void no_claims(void **state)
{
    static const char *const payloads[] = { "[]", "{}",
                                            "[{\"iss\":\"https://login.example.org\"}]" };

    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        struct idb_error err = { 0 };

        assert_false(
            check_claims(payloads[i], "{\"alg\":\"ES256\",\"kid\":\"e1\"}", "ES256", ec, &err));
        assert_string_equal(err.code, "bad_id_token");
    }
}

/* The keys are fetched once for a token, whether its key is known or not. */
static void fetches(void **state)
{
    static const struct {
        const char *header;
        const char *error;
    } cases[] = { { "{\"alg\":\"ES256\",\"kid\":\"e1\"}", NULL },
                  { "{\"alg\":\"ES256\",\"kid\":\"unknown\"}", "bad_token_signature" } };
    char asked[65536];

    (void)state;
    responder_asked(&keys, asked, sizeof asked);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_error err = { 0 };
        char *text = claims_with("{}");
        const char *first;

        assert_int_equal(check_claims(text, cases[i].header, "ES256", ec, &err), !cases[i].error);
        if (cases[i].error)
            assert_string_equal(err.code, cases[i].error);
        responder_asked(&keys, asked, sizeof asked);
        first = strstr(asked, "GET / ");
        assert_non_null(first);
        assert_null(strstr(first + 1, "GET / "));
        free(text);
    }
}

/* Whatever else is right, claims that nobody signed are not looked at. */
static void unsigned_claims(void **state)
{
    struct idb_error err = { 0 };
    char *text = claims_with("{}");
    char *token = token_join("{\"alg\":\"none\"}", text, "");
    int64_t at = 0;

    (void)state;
    assert_false(check(token, "ES256", &at, &err));
    assert_string_equal(err.code, "bad_token_signature");
    free(token);
    free(text);
}

/* An endpoint without keys, or that is not there. */
static void no_keys(void **state)
{
    static const char *const bodies[] = { "{}", "{\"keys\":1}", "[]", "\"x\"" };
    struct idb_error err = { 0 };
    char *text = claims_with("{}");
    char *token = token_sign("{\"alg\":\"ES256\",\"kid\":\"e1\"}", text, ec);
    json_t *kept = metadata;
    struct responder r;
    int64_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        json_t *body = json_loads(bodies[i], JSON_DECODE_ANY, NULL);
        char *answer = answer_of(body);

        responder_start(&r, answer, strlen(answer));
        metadata = json_pack("{s:s}", "jwks_uri", r.url);
        err = (struct idb_error){ 0 };
        assert_false(check(token, "ES256", &at, &err));
        assert_string_equal(err.code, "provider_answer");
        responder_stop(&r);
        err = (struct idb_error){ 0 };
        assert_false(check(token, "ES256", &at, &err));
        assert_string_equal(err.code, "provider_down");
        json_decref(metadata);
        json_decref(body);
        free(answer);
    }
    metadata = kept;
    free(token);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims),    cmocka_unit_test(long_sub), cmocka_unit_test(old_login),
        cmocka_unit_test(auth_time), cmocka_unit_test(at_hash),  cmocka_unit_test(at_hash_wrong),
        cmocka_unit_test(no_claims), cmocka_unit_test(fetches),  cmocka_unit_test(unsigned_claims),
        cmocka_unit_test(no_keys),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
