/* Published tokens, made by others: tests/vectors, each with its source. What is
 * signed must verify and what is encrypted must open, by the configured algorithm
 * and its key and by nothing else; what we do not take is refused though it is
 * good: libjose alone would take it. */
#include "jose.h"
#include "jwe.h"
#include "jwt.h"
#include "token.h"

#include <jose/jwe.h>
#include <stdio.h>

#define VECTORS_MAX 32

/* A payload that is no JSON object is refused after its signature was verified:
 * only then is it parsed. What is parsed tells the one refusal from the other. */

/* wrap: json_loadb */
json_t *__wrap_json_loadb(const char *text, size_t n, size_t flags, json_error_t *error);
json_t *__real_json_loadb(const char *text, size_t n, size_t flags, json_error_t *error);

static int parsed;        /* texts: the header, then the payload */
static char *parsed_last; /* the last of them */

json_t *__wrap_json_loadb(const char *text, size_t n, size_t flags, json_error_t *error)
{
    parsed++;
    free(parsed_last);
    parsed_last = strndup(text, n);
    return __real_json_loadb(text, n, flags, error);
}

static const char *const signing[] = { "RS256", "RS384", "RS512", "PS256", "PS384",
                                       "PS512", "ES256", "ES384", "ES512" };
static const char *const wrapping[] = { "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES" };
static const char *const content[] = { "A256GCM", "A128CBC-HS256" };
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const files[] = { "rfc7515-a.json", "rfc7516-a.json", "rfc7520.json",
                                     "id-contact.json" };
static json_t *loaded[COUNT(files) + 1];
static const json_t *jws[VECTORS_MAX], *jwe[VECTORS_MAX];
static size_t n_jws, n_jwe;

static const char *text_of(const json_t *vector, const char *member)
{
    const char *text = json_string_value(json_object_get(vector, member));

    if (!text)
        fail_msg("a vector has no %s", member);
    return text;
}

static json_t *load(const char *name)
{
    char path[256];
    json_t *file;

    snprintf(path, sizeof path, "tests/vectors/%s", name);
    file = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (!file)
        fail_msg("%s is missing: run from the top of the tree", path);
    return file;
}

static void add(const json_t **list, size_t *n, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        assert_true(*n < VECTORS_MAX);
        list[(*n)++] = json_array_get(array, i);
    }
}

/* RFC 7515 A.3 stands in a file of its own, in the flattened serialisation. */
static json_t *appendix_a3(void)
{
    static const char *const names[] = { "protected", "payload", "signature" };
    json_t *file = load("rfc7515-a3.json");
    const json_t *flat = json_object_get(file, "jws");
    const char *payload = text_of(flat, "payload");
    struct idb_segment segment = { .text = payload, .n = strlen(payload) };
    size_t n = 0;
    unsigned char *bytes = idb_compact_decode(&segment, &n);
    char *token = idb_compact_join(flat, names, IDB_JWS_SEGMENTS);
    json_t *vector = json_pack("{s:s, s:s, s:s, s:O, s:s, s:s%}", "section", "A.3", "alg", "ES256",
                               "verdict", "verified", "jwk", json_object_get(file, "jwk"), "token",
                               token, "payload", bytes, n);

    assert_non_null(vector);
    free(token);
    free(bytes);
    json_decref(file);
    return vector;
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        loaded[i] = load(files[i]);
        text_of(loaded[i], "source");
        add(jws, &n_jws, json_object_get(loaded[i], "jws"));
        add(jwe, &n_jwe, json_object_get(loaded[i], "jwe"));
    }
    loaded[COUNT(files)] = json_pack("[o]", appendix_a3());
    add(jws, &n_jws, loaded[COUNT(files)]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(loaded); i++)
        json_decref(loaded[i]);
    free(parsed_last);
    return 0;
}

static bool is(const json_t *vector, const char *verdict)
{
    return !strcmp(text_of(vector, "verdict"), verdict);
}

static json_t *header_of(const char *token)
{
    struct idb_segment segment = { .text = token, .n = strcspn(token, ".") };

    return idb_compact_header(&segment);
}

/* The token in the flattened serialisation, for libjose. */
static json_t *flattened(const char *token, const char *const *names, int n)
{
    struct idb_segment s[5];
    json_t *flat = json_object();

    assert_true(idb_compact_split(s, n, token));
    for (int i = 0; i < n; i++)
        if (s[i].n > 0)
            json_object_set_new(flat, names[i], json_stringn(s[i].text, s[i].n));
    return flat;
}

static bool same_key(const json_t *one, const json_t *two)
{
    return json_equal(json_object_get(one, "n"), json_object_get(two, "n"))
           || json_equal(json_object_get(one, "x"), json_object_get(two, "x"))
           || json_equal(json_object_get(one, "k"), json_object_get(two, "k"));
}

/* Another vector's key, but named as the token's own key and without a use, so that
 * nothing but the key itself is wrong; NULL where it is the same key, or none. */
static json_t *other_key(const json_t *other, const json_t *vector)
{
    const json_t *jwk = json_object_get(other, "jwk");
    json_t *header = header_of(text_of(vector, "token"));
    json_t *kid = json_object_get(header, "kid");
    json_t *copy = NULL;

    if (jwk && !same_key(jwk, json_object_get(vector, "jwk"))) {
        copy = json_deep_copy(jwk);
        json_object_del(copy, "use");
        json_object_del(copy, "alg");
        json_object_del(copy, "kid");
        if (kid)
            json_object_set(copy, "kid", kid);
    }
    json_decref(header);
    return copy;
}

/* The keys of all vectors that are not this one's, in turn; then NULL. */
static json_t *next_key(size_t *i, const json_t *vector)
{
    while (*i < n_jws + n_jwe) {
        size_t at = (*i)++;
        json_t *key = other_key(at < n_jws ? jws[at] : jwe[at - n_jws], vector);

        if (key)
            return key;
    }
    return NULL;
}

/* Signatures */

enum outcome { REFUSED, SIGNED, ACCEPTED };

/* SIGNED: the signature was verified, and then the payload refused. jwk may be private. */
static enum outcome outcome(const json_t *vector, const char *token, const char *alg,
                            const json_t *jwk)
{
    const char *payload = text_of(vector, "payload");
    json_t *set = json_pack("{s:[o]}", "keys", jwk ? token_public(jwk) : json_object());
    json_t *expected = json_loads(payload, 0, NULL);
    struct idb_error err = { 0 };
    json_t *claims = NULL;
    bool unknown = false;
    bool ok;

    parsed = 0;
    ok = idb_jwt_verify(&claims, token, alg, set, &unknown, &err);
    if (ok) {
        assert_true(json_equal(claims, expected));
    } else {
        assert_null(claims);
        assert_int_equal(err.exit, IDB_UNAVAILABLE);
        assert_string_equal(err.code, "bad_token_signature");
    }
    if (ok || parsed > 1)
        assert_string_equal(parsed_last, payload);
    json_decref(claims);
    json_decref(expected);
    json_decref(set);
    return ok ? ACCEPTED : parsed > 1 ? SIGNED : REFUSED;
}

static void refuse_jws(const json_t *vector, const char *token, const char *alg, const json_t *jwk)
{
    if (outcome(vector, token, alg, jwk) != REFUSED)
        fail_msg("%s is taken as %s: %s", text_of(vector, "section"), alg, token);
}

/* Not one character may be another. */
static void alter_jws(const json_t *vector)
{
    const json_t *jwk = json_object_get(vector, "jwk");
    char *token = strdup(text_of(vector, "token"));

    for (char *p = token; *p; p++) {
        char right = *p;

        if (right == '.')
            continue;
        *p = right == 'A' ? 'Z' : 'A';
        refuse_jws(vector, token, text_of(vector, "alg"), jwk);
        *p = right;
    }
    free(token);
}

static void signatures_verify(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_jws; i++) {
        const char *token = text_of(jws[i], "token");
        json_t *claims = json_loads(text_of(jws[i], "payload"), 0, NULL);
        enum outcome expected = claims ? ACCEPTED : SIGNED;

        json_decref(claims);
        if (!is(jws[i], "verified"))
            continue;
        n++;
        if (outcome(jws[i], token, text_of(jws[i], "alg"), json_object_get(jws[i], "jwk"))
            != expected)
            fail_msg("%s does not verify", text_of(jws[i], "section"));
    }
    assert_int_equal(n, 7);
}

static void signatures_verify_as_configured_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_jws; i++) {
        const char *token = text_of(jws[i], "token");
        const char *alg = text_of(jws[i], "alg");
        json_t *key;

        if (!is(jws[i], "verified"))
            continue;
        for (size_t a = 0; a < COUNT(signing); a++)
            if (strcmp(signing[a], alg) != 0)
                refuse_jws(jws[i], token, signing[a], json_object_get(jws[i], "jwk"));
        for (size_t k = 0; (key = next_key(&k, jws[i])); json_decref(key))
            refuse_jws(jws[i], token, alg, key);
        alter_jws(jws[i]);
    }
}

/* libjose verifies those with a key; we take no HMAC, and no signature that is none. */
static void signatures_refused(void **state)
{
    static const char *const names[] = { "protected", "payload", "signature" };
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_jws; i++) {
        const char *token = text_of(jws[i], "token");
        const json_t *own = json_object_get(jws[i], "jwk");
        json_t *key;

        if (!is(jws[i], "refused"))
            continue;
        n++;
        if (own) {
            json_t *flat = flattened(token, names, IDB_JWS_SEGMENTS);

            assert_true(jose_jws_ver(NULL, flat, NULL, own, false));
            json_decref(flat);
        }
        refuse_jws(jws[i], token, text_of(jws[i], "alg"), own);
        for (size_t a = 0; a < COUNT(signing); a++) {
            refuse_jws(jws[i], token, signing[a], own);
            for (size_t k = 0; (key = next_key(&k, jws[i])); json_decref(key))
                refuse_jws(jws[i], token, signing[a], key);
        }
    }
    assert_int_equal(n, 3);
}

/* Encryption */

static void stays_shut(const char *token, const char *alg, const char *enc, const json_t *jwk)
{
    struct idb_error err = { 0 };
    char *text = NULL;

    if (idb_jwe_decrypt(&text, token, alg, enc, jwk, &err))
        fail_msg("opens as %s, %s: %s", alg, enc, token);
    assert_null(text);
    assert_int_equal(err.exit, IDB_UNAVAILABLE);
    assert_string_equal(err.code, "bad_token_encryption");
    assert_string_equal(err.message,
                        "The login provider's answer is not encrypted to us as it must be.");
}

/* One character in sixteen and the first and the last of each segment: opening is
 * dear with RSA. */
static void alter_jwe(const json_t *vector)
{
    char *token = strdup(text_of(vector, "token"));

    for (size_t i = 0; token[i]; i++) {
        bool edge = i == 0 || token[i - 1] == '.' || token[i + 1] == '.' || token[i + 1] == '\0';
        char right = token[i];

        if (right == '.' || (!edge && i % 16 != 0))
            continue;
        token[i] = right == 'A' ? 'Z' : 'A';
        stays_shut(token, text_of(vector, "alg"), text_of(vector, "enc"),
                   json_object_get(vector, "jwk"));
        token[i] = right;
    }
    free(token);
}

static void encryptions_open(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_jwe; i++) {
        struct idb_error err = { 0 };
        char *text = NULL;

        if (!is(jwe[i], "opened"))
            continue;
        n++;
        if (!idb_jwe_decrypt(&text, text_of(jwe[i], "token"), text_of(jwe[i], "alg"),
                             text_of(jwe[i], "enc"), json_object_get(jwe[i], "jwk"), &err))
            fail_msg("%s does not open", text_of(jwe[i], "section"));
        assert_string_equal(text, text_of(jwe[i], "text"));
        idb_text_free(text);
    }
    assert_int_equal(n, 4);
}

static void encryptions_open_as_configured_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_jwe; i++) {
        const char *token = text_of(jwe[i], "token");
        const char *alg = text_of(jwe[i], "alg");
        const char *enc = text_of(jwe[i], "enc");
        json_t *key;

        if (!is(jwe[i], "opened"))
            continue;
        for (size_t a = 0; a < COUNT(wrapping); a++)
            for (size_t e = 0; e < COUNT(content); e++)
                if (strcmp(wrapping[a], alg) != 0 || strcmp(content[e], enc) != 0)
                    stays_shut(token, wrapping[a], content[e], json_object_get(jwe[i], "jwk"));
        for (size_t k = 0; (key = next_key(&k, jwe[i])); json_decref(key))
            stays_shut(token, alg, enc, key);
        alter_jwe(jwe[i]);
    }
}

/* libjose opens each of them with the key alone. */
static void encryptions_refused(void **state)
{
    static const char *const names[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag" };
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_jwe; i++) {
        const char *token = text_of(jwe[i], "token");
        const json_t *jwk = json_object_get(jwe[i], "jwk");
        size_t size = 0;
        json_t *flat;
        char *text;

        if (!is(jwe[i], "refused"))
            continue;
        n++;
        flat = flattened(token, names, 5);
        text = jose_jwe_dec(NULL, flat, NULL, jwk, &size);
        assert_non_null(text);
        assert_int_equal(size, strlen(text_of(jwe[i], "text")));
        assert_memory_equal(text, text_of(jwe[i], "text"), size);
        idb_compact_free(text, size);
        json_decref(flat);
        stays_shut(token, text_of(jwe[i], "alg"), text_of(jwe[i], "enc"), jwk);
        for (size_t a = 0; a < COUNT(wrapping); a++)
            for (size_t e = 0; e < COUNT(content); e++)
                stays_shut(token, wrapping[a], content[e], jwk);
    }
    assert_int_equal(n, 6);
}

/* Both layers of ID Contact's sample, the inner one as it comes out of the outer. */
static void id_contact(void **state)
{
    const json_t *outer = jwe[n_jwe - 1];
    const json_t *jwk = json_object_get(outer, "jwk");
    json_t *set = json_pack("{s:[o]}", "keys", token_public(jwk));
    struct idb_error err = { 0 };
    bool unknown = false;
    char *text = NULL;
    json_t *object, *claims = NULL;

    (void)state;
    assert_true(
        idb_jwe_decrypt(&text, text_of(outer, "token"), "RSA-OAEP", "A128CBC-HS256", jwk, &err));
    object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_true(idb_jwt_verify(&claims, text_of(object, "njwt"), "RS256", set, &unknown, &err));
    assert_string_equal(text_of(claims, "sub"), "id-contact-attributes");
    assert_string_equal(text_of(claims, "status"), "succes");
    assert_string_equal(text_of(json_object_get(claims, "attributes"), "email"), "bla");
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), 1615880100);
    json_decref(claims);
    /* The object around it is no token. */
    assert_false(idb_jwt_verify(&claims, text, "RS256", set, &unknown, &err));
    assert_string_equal(err.code, "bad_token_signature");
    idb_text_free(text);
    json_decref(object);
    json_decref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_verify),
        cmocka_unit_test(signatures_verify_as_configured_only),
        cmocka_unit_test(signatures_refused),
        cmocka_unit_test(encryptions_open),
        cmocka_unit_test(encryptions_open_as_configured_only),
        cmocka_unit_test(encryptions_refused),
        cmocka_unit_test(id_contact),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
