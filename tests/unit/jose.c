/* JOSE: what is made opens, and nothing else does. */
#include "jose.h"

#include "b64.h"
#include "seal.h"

#include <jose/jwe.h>
#include <jose/jwk.h>
#include <jose/jws.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1795497910123)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

/* One EC key and one secret, with different ids; a second of each. */
static struct idb_keys ec;
static struct idb_keys oct;

static json_t *ec_key(void)
{
    json_t *jwk = json_pack("{s:s, s:s}", "kty", "EC", "crv", "P-256");

    assert_true(jose_jwk_gen(NULL, jwk));
    return jwk;
}

static int setup(void **state)
{
    (void)state;
    ec = (struct idb_keys){ .count = 2 };
    oct = (struct idb_keys){ .count = 2 };
    for (int i = 0; i < 2; i++) {
        memcpy(ec.key[i].id, i ? "000000000000ec02" : "000000000000ec01", IDB_KEY_ID_SIZE);
        memcpy(oct.key[i].id, i ? "0000000000000c02" : "0000000000000c01", IDB_KEY_ID_SIZE);
        ec.key[i].jwk = ec_key();
        assert_true(idb_random(oct.key[i].secret, IDB_KEY_SIZE));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(ec.key[0].jwk);
    json_decref(ec.key[1].jwk);
    return 0;
}

/* The second key alone, as when the first is gone. */
static struct idb_keys only_second(const struct idb_keys *keys)
{
    struct idb_keys second = { .count = 1 };

    second.key[0] = keys->key[1];
    return second;
}

static json_t *payload_new(void)
{
    return json_pack("{s:s, s:{s:s}}", "session", "s1", "attributes", "bsn", "999990019");
}

static char *make_jws(void)
{
    struct idb_error err = { 0 };
    json_t *payload = payload_new();
    char *token = NULL;

    assert_true(idb_jws_sign(&token, payload, "idb-record", &ec.key[0], &err));
    json_decref(payload);
    return token;
}

static char *make_jwe(void)
{
    struct idb_error err = { 0 };
    char *token = NULL;

    assert_true(idb_jwe_seal(&token, "the text", "idb-sealed", &ec, &err));
    return token;
}

static char *make_token(void)
{
    struct idb_error err = { 0 };
    json_t *payload = payload_new();
    char *token = NULL;

    assert_true(idb_token_seal(&token, payload, "idb-offer", NOW + 60000, &oct, &err));
    json_decref(payload);
    return token;
}

static void refuse_jws(const char *token)
{
    struct idb_error err = { 0 };
    json_t *payload = NULL;

    assert_false(idb_jws_verify(&payload, token, "idb-record", &ec, &err));
    assert_null(payload);
    assert_int_equal(err.exit, IDB_SOFTWARE);
    assert_string_equal(err.code, "forged");
}

static void refuse_jwe(const char *token)
{
    struct idb_error err = { 0 };
    char *text = NULL;

    assert_false(idb_jwe_open(&text, token, "idb-sealed", &ec, &err));
    assert_null(text);
    assert_true((err.exit == IDB_SOFTWARE && strcmp(err.code, "forged") == 0)
                || (err.exit == IDB_REFUSED && strcmp(err.code, "key_destroyed") == 0));
}

static void refuse_token(const char *token)
{
    struct idb_error err = { 0 };
    json_t *payload = NULL;

    assert_false(idb_token_open(&payload, token, "idb-offer", NOW, &oct, &err));
    assert_null(payload);
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, "bad_token");
}

/* Every character replaced by several others, every prefix, and some additions. */
static void mutate(char *token, void (*refuse)(const char *))
{
    size_t n = strlen(token);
    char *longer = malloc(n + 3);

    for (size_t i = 0; i < n; i++) {
        char kept = token[i];
        size_t at = (size_t)(strchr(alphabet, kept) - alphabet);

        for (size_t step = 1; step < sizeof alphabet - 1; step += 21) {
            token[i] = alphabet[(at + step) % (sizeof alphabet - 1)];
            refuse(token);
        }
        token[i] = alphabet[at ^ 1]; /* the lowest bit, which may be a trailing one */
        refuse(token);
        token[i] = '\0';
        refuse(token);
        token[i] = kept;
    }
    for (const char *end = "A.=\n "; *end; end++) {
        memcpy(longer, token, n);
        longer[n] = *end;
        longer[n + 1] = '\0';
        refuse(longer);
    }
    free(longer);
}

/* token with its first segment replaced by the base64url of header. */
static char *with_header(const char *token, const char *header)
{
    const char *rest = strchr(token, '.');
    char *changed = malloc(IDB_B64_SIZE(strlen(header)) + strlen(rest));

    idb_b64_encode(changed, header, strlen(header));
    strcat(changed, rest);
    return changed;
}

/* The header of token as JSON. */
static json_t *header_of(const char *token)
{
    char text[1024];
    size_t n = 0;

    assert_true(idb_b64_decode(text, sizeof text, &n, token, strcspn(token, ".")));
    return json_loadb(text, n, 0, NULL);
}

/* Replaces, adds or (value NULL) removes one member of the header. */
static void refuse_member(char *(*make)(void), void (*refuse)(const char *), const char *member,
                          json_t *value)
{
    char *token = make();
    json_t *header = header_of(token);
    char *text = NULL;
    char *changed = NULL;

    if (value)
        json_object_set_new(header, member, value);
    else
        json_object_del(header, member);
    text = json_dumps(header, JSON_COMPACT);
    changed = with_header(token, text);
    refuse(changed);
    free(changed);
    free(text);
    json_decref(header);
    free(token);
}

static void refuse_headers(char *(*make)(void), void (*refuse)(const char *))
{
    static const char *const algs[] = { "none",  "HS256",   "RS256",  "ES384", "dir",
                                        "ES256", "ECDH-ES", "RSA1_5", "",      "A128KW" };
    static const char *const extra[] = { "crit", "zip", "jwk", "jku", "x5u", "apu", "b64", "cty" };
    char *token = make();
    json_t *header = header_of(token);
    const char *alg = json_string_value(json_object_get(header, "alg"));

    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (strcmp(algs[i], alg) != 0)
            refuse_member(make, refuse, "alg", json_string(algs[i]));
    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++)
        refuse_member(make, refuse, extra[i], json_string("DEF"));
    refuse_member(make, refuse, "crit", json_pack("[s]", "exp"));
    refuse_member(make, refuse, "enc", json_string("A128GCM"));
    refuse_member(make, refuse, "typ", json_string("idb-other"));
    refuse_member(make, refuse, "typ", json_integer(1));
    refuse_member(make, refuse, "kid", json_string("ffffffffffffffff"));
    refuse_member(make, refuse, "kid", json_string("000000000000ec02"));
    refuse_member(make, refuse, "kid", json_string("0000000000000c02"));
    refuse_member(make, refuse, "kid", json_string("000000000000ec0"));
    refuse_member(make, refuse, "kid", json_null());
    refuse_member(make, refuse, "alg", NULL);
    refuse_member(make, refuse, "typ", NULL);
    refuse_member(make, refuse, "kid", NULL);
    json_decref(header);
    free(token);
}

static void refuse_texts(char *(*make)(void), void (*refuse)(const char *))
{
    static const char *const headers[] = { "",
                                           "[]",
                                           "null",
                                           "{}",
                                           "{\"alg\":\"none\"}",
                                           "{",
                                           "x",
                                           "\"\"",
                                           "{\"alg\":\"ES256\",\"alg\":\"ES256\"}" };
    static const char *const tokens[] = { "",
                                          ".",
                                          "..",
                                          "...",
                                          "....",
                                          ".....",
                                          "a",
                                          "a.b",
                                          "a.b.c",
                                          "a.b.c.d.e",
                                          "\xff\xfe.\xff.\xff" };
    char *giant = malloc(200001);
    char *token = make();

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char *changed = with_header(token, headers[i]);

        refuse(changed);
        free(changed);
    }
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        refuse(tokens[i]);
    memset(giant, 'A', 200000);
    giant[200000] = '\0';
    refuse(giant);
    memcpy(giant, token, strlen(token));
    refuse(giant);
    memset(giant, '.', 200000);
    refuse(giant);
    free(giant);
    free(token);
}

/* A header with a member given twice, whose last value would be right. */
static void refuse_duplicates(char *(*make)(void), void (*refuse)(const char *))
{
    char *token = make();
    json_t *header = header_of(token);
    char *text = json_dumps(header, JSON_COMPACT);
    char twice[1200];
    char *changed;

    snprintf(twice, sizeof twice, "{\"alg\":\"none\",%s", text + 1);
    changed = with_header(token, twice);
    refuse(changed);
    free(changed);
    free(text);
    json_decref(header);
    free(token);
}

static void refuse_all(char *(*make)(void), void (*refuse)(const char *))
{
    char *token = make();

    mutate(token, refuse);
    free(token);
    refuse_headers(make, refuse);
    refuse_texts(make, refuse);
    refuse_duplicates(make, refuse);
}

static void jws_round_trip(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys second = only_second(&ec);
    json_t *expected = payload_new();
    json_t *payload = NULL;
    char *token = make_jws();
    json_t *header = header_of(token);

    (void)state;
    assert_true(idb_jws_verify(&payload, token, "idb-record", &ec, &err));
    assert_true(json_equal(payload, expected));
    assert_int_equal(json_object_size(header), 3);
    json_decref(payload);
    assert_false(idb_jws_verify(&payload, token, "idb-record", &second, &err));
    assert_string_equal(err.code, "forged");
    json_decref(header);
    json_decref(expected);
    free(token);
}

static void jws_refusals(void **state)
{
    (void)state;
    refuse_all(make_jws, refuse_jws);
}

/* The public key as an HMAC secret: the oldest trick against ES256. */
static void jws_hmac_confusion(void **state)
{
    char *token = make_jws();
    json_t *key = json_pack("{s:s, s:O}", "kty", "oct", "k", json_object_get(ec.key[0].jwk, "x"));
    json_t *jws = json_pack("{s:s}", "payload", "e30");
    json_t *sig = json_pack("{s:{s:s, s:s, s:s}}", "protected", "alg", "HS256", "kid", ec.key[0].id,
                            "typ", "idb-record");
    char forged[512];

    (void)state;
    assert_true(jose_jws_sig(NULL, jws, sig, key));
    snprintf(forged, sizeof forged, "%s.e30.%s",
             json_string_value(json_object_get(jws, "protected")),
             json_string_value(json_object_get(jws, "signature")));
    refuse_jws(forged);
    json_decref(sig);
    json_decref(jws);
    json_decref(key);
    free(token);
}

static void jws_duplicate_payload(void **state)
{
    static const char twice[] = "{\"bsn\":\"1\",\"bsn\":\"2\"}";
    char encoded[IDB_B64_SIZE(sizeof twice)];
    json_t *jws;
    json_t *sig = json_pack("{s:{s:s, s:s, s:s}}", "protected", "alg", "ES256", "kid", ec.key[0].id,
                            "typ", "idb-record");
    char token[512];

    (void)state;
    idb_b64_encode(encoded, twice, strlen(twice));
    jws = json_pack("{s:s}", "payload", encoded);
    assert_true(jose_jws_sig(NULL, jws, sig, ec.key[0].jwk));
    snprintf(token, sizeof token, "%s.%s.%s", json_string_value(json_object_get(jws, "protected")),
             encoded, json_string_value(json_object_get(jws, "signature")));
    refuse_jws(token);
    json_decref(sig);
    json_decref(jws);
}

static void jws_needs_private_key(void **state)
{
    struct idb_error err = { 0 };
    struct idb_key key = ec.key[0];
    json_t *payload = payload_new();
    char *token = NULL;

    (void)state;
    key.jwk = json_deep_copy(key.jwk);
    json_object_del(key.jwk, "d");
    assert_false(idb_jws_sign(&token, payload, "idb-record", &key, &err));
    assert_null(token);
    assert_int_equal(err.exit, IDB_SOFTWARE);
    json_decref(key.jwk);
    json_decref(payload);
}

static void jwe_round_trip(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys public = { .count = 1 };
    char *token = NULL;
    char *again = NULL;
    char *text = NULL;
    json_t *header = NULL;

    (void)state;
    public.key[0] = ec.key[0];
    public.key[0].jwk = json_deep_copy(ec.key[0].jwk);
    json_object_del(public.key[0].jwk, "d");
    assert_true(idb_jwe_seal(&token, "the text", "idb-sealed", &public, &err));
    assert_true(idb_jwe_seal(&again, "the text", "idb-sealed", &public, &err));
    assert_string_not_equal(token, again);
    header = header_of(token);
    assert_int_equal(json_object_size(header), 5);
    assert_true(idb_jwe_open(&text, token, "idb-sealed", &ec, &err));
    assert_string_equal(text, "the text");
    idb_text_free(text);
    assert_false(idb_jwe_open(&text, token, "idb-sealed", &public, &err));
    assert_string_equal(err.code, "forged");
    json_decref(header);
    json_decref(public.key[0].jwk);
    free(again);
    free(token);
}

static void jwe_refusals(void **state)
{
    (void)state;
    refuse_all(make_jwe, refuse_jwe);
}

static void jwe_bad_epk(void **state)
{
    const char *x = json_string_value(json_object_get(ec.key[0].jwk, "x"));
    const char *y = json_string_value(json_object_get(ec.key[0].jwk, "y"));

    (void)state;
    refuse_member(make_jwe, refuse_jwe, "epk", NULL);
    refuse_member(make_jwe, refuse_jwe, "epk", json_string("x"));
    refuse_member(make_jwe, refuse_jwe, "epk", json_object());
    refuse_member(make_jwe, refuse_jwe, "epk",
                  json_pack("{s:s,s:s,s:s,s:s}", "kty", "EC", "crv", "P-256", "x", y, "y", x));
    refuse_member(make_jwe, refuse_jwe, "epk",
                  json_pack("{s:s,s:s,s:s,s:s}", "kty", "EC", "crv", "P-384", "x", x, "y", y));
    refuse_member(make_jwe, refuse_jwe, "epk",
                  json_pack("{s:s,s:s,s:s,s:s}", "kty", "EC", "crv", "P-256", "x", "AA", "y", y));
    refuse_member(make_jwe, refuse_jwe, "epk",
                  json_pack("{s:s,s:s,s:s}", "kty", "EC", "crv", "P-256", "x", x));
    refuse_member(make_jwe, refuse_jwe, "epk", json_deep_copy(ec.key[0].jwk));
    refuse_member(make_jwe, refuse_jwe, "epk",
                  json_pack("{s:s,s:s,s:s,s:i}", "kty", "EC", "crv", "P-256", "x", x, "y", 1));
}

static void jwe_destroyed_key(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys second = only_second(&ec);
    char *token = make_jwe();
    char *text = NULL;

    (void)state;
    assert_false(idb_jwe_open(&text, token, "idb-sealed", &second, &err));
    assert_int_equal(err.exit, IDB_REFUSED);
    assert_string_equal(err.code, "key_destroyed");
    free(token);
}

/* The same key under another id: the id says which key is tried, nothing else. */
static void jwe_wrong_key(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys swapped = only_second(&ec);
    char *token = make_jwe();
    char *text = NULL;

    (void)state;
    memcpy(swapped.key[0].id, ec.key[0].id, IDB_KEY_ID_SIZE);
    assert_false(idb_jwe_open(&text, token, "idb-sealed", &swapped, &err));
    assert_int_equal(err.exit, IDB_SOFTWARE);
    assert_string_equal(err.code, "forged");
    free(token);
}

static void token_round_trip(void **state)
{
    struct idb_error err = { 0 };
    json_t *expected = payload_new();
    json_t *payload = NULL;
    char *token = make_token();
    struct idb_keys rotated = { .count = 2 };

    (void)state;
    json_object_set_new(expected, "exp", json_integer((NOW + 60000) / 1000));
    rotated.key[0] = oct.key[1];
    rotated.key[1] = oct.key[0];
    assert_true(idb_token_open(&payload, token, "idb-offer", NOW, &rotated, &err));
    assert_true(json_equal(payload, expected));
    json_decref(payload);
    json_decref(expected);
    free(token);
}

static void token_expiry(void **state)
{
    struct idb_error err = { 0 };
    int64_t exp = (NOW + 60000) / 1000 * 1000;
    json_t *payload = NULL;
    char *token = make_token();

    (void)state;
    assert_true(idb_token_open(&payload, token, "idb-offer", exp - 1, &oct, &err));
    json_decref(payload);
    assert_false(idb_token_open(&payload, token, "idb-offer", exp, &oct, &err));
    assert_null(payload);
    assert_int_equal(err.exit, IDB_REFUSED);
    assert_string_equal(err.code, "token_expired");
    free(token);
}

static void token_refusals(void **state)
{
    struct idb_keys second = only_second(&oct);
    struct idb_error err = { 0 };
    json_t *payload = NULL;
    char *token = make_token();

    (void)state;
    refuse_all(make_token, refuse_token);
    assert_false(idb_token_open(&payload, token, "idb-offer", NOW, &second, &err));
    assert_string_equal(err.code, "bad_token");
    assert_false(idb_token_open(&payload, token, "idb-login", NOW, &oct, &err));
    assert_string_equal(err.code, "bad_token");
    free(token);
}

/* A token of one typ, whose typ in the header is changed, is under another key. */
static void token_keys_differ_by_typ(void **state)
{
    struct idb_error err = { 0 };
    json_t *empty = json_object();
    char *token = NULL;
    json_t *header;
    char *text;
    char *changed;

    (void)state;
    assert_true(idb_token_seal(&token, empty, "idb-login", NOW + 60000, &oct, &err));
    header = header_of(token);
    json_object_set_new(header, "typ", json_string("idb-offer"));
    text = json_dumps(header, JSON_COMPACT);
    changed = with_header(token, text);
    refuse_token(changed);
    free(changed);
    free(text);
    json_decref(header);
    json_decref(empty);
    free(token);
}

static void token_too_large(void **state)
{
    struct idb_error err = { 0 };
    char *filler = malloc(60001);
    json_t *payload;
    char *token = NULL;

    (void)state;
    memset(filler, 'x', 60000);
    filler[60000] = '\0';
    payload = json_pack("{s:s}", "x", filler);
    assert_false(idb_token_seal(&token, payload, "idb-offer", NOW, &oct, &err));
    assert_null(token);
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, "too_large");
    json_decref(payload);
    free(filler);
}

static json_t *vector(const char *name)
{
    char path[256];
    json_t *json;

    snprintf(path, sizeof path, "tests/vectors/%s", name);
    json = json_load_file(path, 0, NULL);
    if (!json)
        fail_msg("%s is missing: run from the top of the tree", path);
    return json;
}

/* Tokens that are made rightly, with our own keys, but not as we make them: only
 * the check of the header stands between them and being believed. */

static json_t *right_header(const char *alg, const char *kid, const char *typ)
{
    json_t *header = json_pack("{s:s, s:s, s:s}", "alg", alg, "kid", kid, "typ", typ);

    if (strcmp(alg, "ES256") != 0)
        json_object_set_new(header, "enc", json_string("A256GCM"));
    return header;
}

/* Signs a good payload under header, which is taken over. */
static char *crafted_jws(json_t *header)
{
    json_t *jws = json_pack("{s:s}", "payload", "e30");
    json_t *sig = json_pack("{s:o}", "protected", header);
    char *token = malloc(2048);

    assert_true(jose_jws_sig(NULL, jws, sig, ec.key[0].jwk));
    snprintf(token, 2048, "%s.e30.%s", json_string_value(json_object_get(jws, "protected")),
             json_string_value(json_object_get(jws, "signature")));
    json_decref(sig);
    json_decref(jws);
    return token;
}

/* Encrypts "{}" to jwk under header, which is taken over. epk_extra: one member
 * more in the ephemeral key. */
static char *crafted_jwe(json_t *header, const json_t *jwk, bool epk_extra)
{
    static const char text[] = "{\"exp\":99999999999}";
    json_t *jwe = json_pack("{s:o}", "protected", header);
    json_t *cek = json_object();
    json_t *epk;
    char *token = malloc(2048);

    assert_true(jose_jwe_enc_jwk(NULL, jwe, NULL, jwk, cek));
    epk = json_object_get(json_object_get(jwe, "header"), "epk");
    if (epk) {
        if (epk_extra)
            json_object_set_new(epk, "kid", json_string("x"));
        json_object_set(header, "epk", epk);
        json_object_del(jwe, "header");
    }
    assert_true(jose_jwe_enc_cek(NULL, jwe, cek, text, strlen(text)));
    snprintf(token, 2048, "%s..%s.%s.%s", json_string_value(json_object_get(jwe, "protected")),
             json_string_value(json_object_get(jwe, "iv")),
             json_string_value(json_object_get(jwe, "ciphertext")),
             json_string_value(json_object_get(jwe, "tag")));
    json_decref(cek);
    json_decref(jwe);
    return token;
}

static json_t *with(json_t *header, const char *member, json_t *value)
{
    assert_int_equal(json_object_set_new(header, member, value), 0);
    return header;
}

static void refuse_crafted(char *token, void (*refuse)(const char *))
{
    refuse(token);
    free(token);
}

static json_t *jws_header(void)
{
    return right_header("ES256", ec.key[0].id, "idb-record");
}

static void crafted_signatures(void **state)
{
    struct idb_error err = { 0 };
    char *good = crafted_jws(jws_header());
    json_t *payload = NULL;

    (void)state;
    assert_true(idb_jws_verify(&payload, good, "idb-record", &ec, &err));
    json_decref(payload);
    free(good);
    refuse_crafted(crafted_jws(with(jws_header(), "typ", json_string("idb-other"))), refuse_jws);
    refuse_crafted(crafted_jws(with(jws_header(), "crit", json_pack("[s]", "exp"))), refuse_jws);
    refuse_crafted(crafted_jws(with(jws_header(), "jwk", json_object())), refuse_jws);
    refuse_crafted(crafted_jws(with(jws_header(), "x", json_null())), refuse_jws);
    refuse_crafted(crafted_jws(with(jws_header(), "kid", json_string(ec.key[1].id))), refuse_jws);
    refuse_crafted(crafted_jws(with(jws_header(), "kid", json_string(""))), refuse_jws);
}

static void crafted_duplicate(void **state)
{
    char text[256];
    char encoded[IDB_B64_SIZE(sizeof text)];
    json_t *jws = json_pack("{s:s}", "payload", "e30");
    json_t *sig;
    char token[1024];

    (void)state;
    snprintf(text, sizeof text,
             "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"idb-record\"}",
             ec.key[0].id);
    idb_b64_encode(encoded, text, strlen(text));
    sig = json_pack("{s:s}", "protected", encoded);
    assert_true(jose_jws_sig(NULL, jws, sig, ec.key[0].jwk));
    snprintf(token, sizeof token, "%s.e30.%s", encoded,
             json_string_value(json_object_get(jws, "signature")));
    refuse_jws(token);
    json_decref(sig);
    json_decref(jws);
}

static void signed_but_giant(void **state)
{
    struct idb_error err = { 0 };
    char *filler = malloc(60001);
    json_t *payload;
    char *token = NULL;

    (void)state;
    memset(filler, 'x', 60000);
    filler[60000] = '\0';
    payload = json_pack("{s:s}", "x", filler);
    assert_true(idb_jws_sign(&token, payload, "idb-record", &ec.key[0], &err));
    refuse_jws(token);
    free(token);
    json_decref(payload);
    free(filler);
}

static json_t *jwe_header(void)
{
    return right_header("ECDH-ES", ec.key[0].id, "idb-sealed");
}

static void crafted_encryptions(void **state)
{
    const json_t *jwk = ec.key[0].jwk;
    struct idb_error err = { 0 };
    char *good = crafted_jwe(jwe_header(), jwk, false);
    char *text = NULL;

    (void)state;
    assert_true(idb_jwe_open(&text, good, "idb-sealed", &ec, &err));
    idb_text_free(text);
    free(good);
    refuse_crafted(crafted_jwe(jwe_header(), jwk, true), refuse_jwe);
    refuse_crafted(crafted_jwe(with(jwe_header(), "zip", json_string("DEF")), jwk, false),
                   refuse_jwe);
    refuse_crafted(crafted_jwe(with(jwe_header(), "crit", json_pack("[s]", "exp")), jwk, false),
                   refuse_jwe);
    refuse_crafted(crafted_jwe(with(jwe_header(), "apu", json_string("QWxpY2U")), jwk, false),
                   refuse_jwe);
    refuse_crafted(crafted_jwe(with(jwe_header(), "enc", json_string("A128GCM")), jwk, false),
                   refuse_jwe);
    refuse_crafted(crafted_jwe(with(jwe_header(), "typ", json_string("idb-offer")), jwk, false),
                   refuse_jwe);
    refuse_crafted(crafted_jwe(with(jwe_header(), "kid", json_string(ec.key[1].id)), jwk, false),
                   refuse_jwe);
}

static json_t *secret_jwk(const unsigned char secret[IDB_KEY_SIZE])
{
    char text[IDB_B64_SIZE(IDB_KEY_SIZE)];

    idb_b64_encode(text, secret, IDB_KEY_SIZE);
    return json_pack("{s:s, s:s}", "kty", "oct", "k", text);
}

static json_t *token_header(void)
{
    return right_header("dir", oct.key[0].id, "idb-offer");
}

static void crafted_tokens(void **state)
{
    unsigned char secret[IDB_KEY_SIZE];
    struct idb_error err = { 0 };
    json_t *payload = NULL;
    json_t *raw = secret_jwk(oct.key[0].secret);
    json_t *derived;
    char *good;

    (void)state;
    assert_true(idb_derive(secret, oct.key[0].secret, "idb-offer"));
    derived = secret_jwk(secret);
    good = crafted_jwe(token_header(), derived, false);
    assert_true(idb_token_open(&payload, good, "idb-offer", NOW, &oct, &err));
    json_decref(payload);
    free(good);
    refuse_crafted(crafted_jwe(token_header(), raw, false), refuse_token);
    refuse_crafted(crafted_jwe(with(token_header(), "zip", json_string("DEF")), derived, false),
                   refuse_token);
    refuse_crafted(
        crafted_jwe(with(token_header(), "typ", json_string("idb-login")), derived, false),
        refuse_token);
    json_decref(derived);
    json_decref(raw);
}

/* RFC 7515 A.3: libjose verifies the vector and nothing changed in it; ours
 * refuses even the good one, for it carries neither kid nor typ. */
static void rfc7515_a3(void **state)
{
    json_t *v = vector("rfc7515-a3.json");
    const json_t *jwk = json_object_get(v, "jwk");
    const json_t *jws = json_object_get(v, "jws");
    char compact[1024];

    (void)state;
    assert_true(jose_jws_ver(NULL, jws, NULL, jwk, false));
    for (const char *const *part =
             (const char *const[]){ "protected", "payload", "signature", NULL };
         *part; part++) {
        const char *text = json_string_value(json_object_get(jws, *part));

        for (size_t i = 0; text[i]; i++) {
            json_t *changed = json_deep_copy(jws);
            char *copy = strdup(text);

            copy[i] = copy[i] == 'A' ? 'Z' : 'A';
            json_object_set_new(changed, *part, json_string(copy));
            assert_false(jose_jws_ver(NULL, changed, NULL, jwk, false));
            free(copy);
            json_decref(changed);
        }
    }
    snprintf(compact, sizeof compact, "%s.%s.%s",
             json_string_value(json_object_get(jws, "protected")),
             json_string_value(json_object_get(jws, "payload")),
             json_string_value(json_object_get(jws, "signature")));
    refuse_jws(compact);
    json_decref(v);
}

/* RFC 7518 appendix C: the key agreed on through ECDH-ES. */
static void rfc7518_c(void **state)
{
    json_t *v = vector("rfc7518-c.json");
    json_t *jwe = json_pack("{s:O}", "protected", json_object_get(v, "header"));
    json_t *cek = jose_jwe_dec_jwk(NULL, jwe, NULL, json_object_get(v, "jwk"));

    (void)state;
    assert_non_null(cek);
    assert_string_equal(json_string_value(json_object_get(cek, "k")),
                        json_string_value(json_object_get(v, "derived")));
    json_decref(cek);
    json_decref(jwe);
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jws_round_trip),
        cmocka_unit_test(jws_refusals),
        cmocka_unit_test(jws_hmac_confusion),
        cmocka_unit_test(jws_duplicate_payload),
        cmocka_unit_test(jws_needs_private_key),
        cmocka_unit_test(jwe_round_trip),
        cmocka_unit_test(jwe_refusals),
        cmocka_unit_test(jwe_bad_epk),
        cmocka_unit_test(jwe_destroyed_key),
        cmocka_unit_test(jwe_wrong_key),
        cmocka_unit_test(token_round_trip),
        cmocka_unit_test(token_expiry),
        cmocka_unit_test(token_refusals),
        cmocka_unit_test(token_keys_differ_by_typ),
        cmocka_unit_test(token_too_large),
        cmocka_unit_test(crafted_signatures),
        cmocka_unit_test(crafted_duplicate),
        cmocka_unit_test(signed_but_giant),
        cmocka_unit_test(crafted_encryptions),
        cmocka_unit_test(crafted_tokens),
        cmocka_unit_test(rfc7515_a3),
        cmocka_unit_test(rfc7518_c),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
