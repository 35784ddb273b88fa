/* Signatures of providers: each algorithm, and each way to get another one, or
 * another key, accepted. */
#include "jwt.h"

#include "b64.h"
#include "token.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>

#define PAYLOAD "{\"sub\":\"anna\"}"

static json_t *ec, *ec384, *ec521, *rsa, *other_ec, *other_rsa;

static int setup(void **state)
{
    (void)state;
    ec = token_key("{\"alg\":\"ES256\"}", "e1");
    ec384 = token_key("{\"alg\":\"ES384\"}", "e384");
    ec521 = token_key("{\"alg\":\"ES512\"}", "e521");
    rsa = token_key("{\"kty\":\"RSA\",\"bits\":2048}", "r1");
    other_ec = token_key("{\"alg\":\"ES256\"}", "e2");
    other_rsa = token_key("{\"kty\":\"RSA\",\"bits\":2048}", "r2");
    return 0;
}

static int teardown(void **state)
{
    json_t *keys[] = { ec, ec384, ec521, rsa, other_ec, other_rsa };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_decref(keys[i]);
    return 0;
}

/* A set of the public halves; ends with NULL. Each may be changed by set_add(). */
static json_t *set_new(const json_t *one, const json_t *two)
{
    json_t *keys = json_array();

    json_array_append_new(keys, token_public(one));
    if (two)
        json_array_append_new(keys, token_public(two));
    return json_pack("{s:o}", "keys", keys);
}

/* The member of the first key; value is JSON, or NULL to take it away. */
static json_t *set_with(const json_t *key, const char *member, const char *value)
{
    json_t *set = set_new(key, NULL);
    json_t *first = json_array_get(json_object_get(set, "keys"), 0);

    if (value)
        json_object_set_new(first, member, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(first, member);
    return set;
}

static void accept(const char *token, const char *alg, const json_t *set)
{
    struct idb_error err = { 0 };
    json_t *payload = NULL;
    bool unknown = true;

    if (!idb_jwt_verify(&payload, token, alg, set, &unknown, &err))
        fail_msg("%s is refused: %.60s", alg, token);
    assert_string_equal(json_string_value(json_object_get(payload, "sub")), "anna");
    assert_false(unknown);
    json_decref(payload);
}

static bool refuse(const char *token, const char *alg, const json_t *set)
{
    struct idb_error err = { 0 };
    json_t *payload = NULL;
    bool unknown = false;

    if (idb_jwt_verify(&payload, token, alg, set, &unknown, &err))
        fail_msg("%s is accepted: %.60s", alg, token);
    assert_null(payload);
    assert_int_equal(err.exit, IDB_UNAVAILABLE);
    assert_string_equal(err.code, "bad_token_signature");
    return unknown;
}

/* Signs, checks, frees: one line a case. */
static void accept_signed(const char *header, const json_t *key, const char *alg, json_t *set)
{
    char *token = token_sign(header, PAYLOAD, key);

    accept(token, alg, set);
    free(token);
    json_decref(set);
}

static bool refuse_signed(const char *header, const json_t *key, const char *alg, json_t *set)
{
    char *token = token_sign(header, PAYLOAD, key);
    bool unknown = refuse(token, alg, set);

    free(token);
    json_decref(set);
    return unknown;
}

struct kind {
    const char *alg;
    json_t **key;
};

static const struct kind kinds[] = {
    { "RS256", &rsa }, { "RS384", &rsa },   { "RS512", &rsa },
    { "PS256", &rsa }, { "PS384", &rsa },   { "PS512", &rsa },
    { "ES256", &ec },  { "ES384", &ec384 }, { "ES512", &ec521 },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Each signature is taken under its own name and under no other. */
static void every_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        json_t *set = set_new(*kinds[i].key, NULL);
        char header[64];
        char *token;

        snprintf(header, sizeof header, "{\"alg\":\"%s\"}", kinds[i].alg);
        token = token_sign(header, PAYLOAD, *kinds[i].key);
        for (size_t j = 0; j < KINDS; j++)
            if (i == j)
                accept(token, kinds[j].alg, set);
            else
                refuse(token, kinds[j].alg, set);
        refuse(token, "none", set);
        refuse(token, "HS256", set);
        refuse(token, "", set);
        free(token);
        json_decref(set);
    }
}

/* The header says what is configured, the signature is of something else. */
static void algorithm_swapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        for (size_t j = 0; j < KINDS; j++) {
            json_t *set = set_new(*kinds[j].key, NULL);
            char header[64], claimed[64];
            char *token, *lying;

            snprintf(header, sizeof header, "{\"alg\":\"%s\"}", kinds[i].alg);
            snprintf(claimed, sizeof claimed, "{\"alg\":\"%s\"}", kinds[j].alg);
            token = token_sign(header, PAYLOAD, *kinds[i].key);
            lying = token_join(claimed, PAYLOAD, strrchr(token, '.') + 1);
            if (i != j)
                refuse(lying, kinds[j].alg, set);
            free(token);
            free(lying);
            json_decref(set);
        }
}

static void wrong_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        json_t *set = set_new(*kinds[i].key, NULL);
        char header[64];
        char *token, *dot, *other;

        snprintf(header, sizeof header, "{\"alg\":\"%s\"}", kinds[i].alg);
        token = token_sign(header, PAYLOAD, *kinds[i].key);
        other = token_join(header, "{\"sub\":\"bert\"}", strrchr(token, '.') + 1);
        refuse(other, kinds[i].alg, set);
        free(other);
        other = token_join(header, PAYLOAD, "");
        refuse(other, kinds[i].alg, set);
        free(other);
        other = token_join(header, PAYLOAD, "AAAA");
        refuse(other, kinds[i].alg, set);
        free(other);
        dot = strrchr(token, '.');
        dot[9] = dot[9] == 'A' ? 'B' : 'A';
        refuse(token, kinds[i].alg, set);
        free(token);
        json_decref(set);
    }
}

/* r and s of zero: ECDSA implementations have taken it (CVE-2022-21449). */
static void zero_signature(void **state)
{
    json_t *set = set_new(ec, NULL);
    char zeros[87];
    char *token;

    (void)state;
    memset(zeros, 'A', 86);
    zeros[86] = '\0';
    token = token_join("{\"alg\":\"ES256\"}", PAYLOAD, zeros);
    refuse(token, "ES256", set);
    free(token);
    json_decref(set);
}

static void another_key(void **state)
{
    (void)state;
    refuse_signed("{\"alg\":\"ES256\"}", other_ec, "ES256", set_new(ec, NULL));
    refuse_signed("{\"alg\":\"RS256\"}", other_rsa, "RS256", set_new(rsa, NULL));
    /* Also when it calls itself by the right name. */
    refuse_signed("{\"alg\":\"ES256\",\"kid\":\"e1\"}", other_ec, "ES256", set_new(ec, NULL));
    /* Or is in the set, under its own. */
    refuse_signed("{\"alg\":\"ES256\",\"kid\":\"e1\"}", other_ec, "ES256", set_new(ec, other_ec));
}

static void none(void **state)
{
    static const char *const headers[] = { "{\"alg\":\"none\"}",
                                           "{\"alg\":\"None\"}",
                                           "{\"alg\":\"NONE\",\"kid\":\"r1\"}",
                                           "{\"alg\":\"\"}",
                                           "{}",
                                           "{\"alg\":null}",
                                           "{\"alg\":[\"RS256\"]}",
                                           "{\"alg\":\"rs256\"}",
                                           "{\"alg\":\"RS256 \"}",
                                           "{\"alg\":\"RS256\\u0000\"}",
                                           "[\"RS256\"]",
                                           "\"RS256\"",
                                           "null",
                                           "",
                                           "nonsense" };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        json_t *set = set_new(rsa, NULL);
        char *token = token_join(headers[i], PAYLOAD, "");

        refuse(token, "RS256", set);
        free(token);
        token = token_join(headers[i], PAYLOAD, "AAAA");
        refuse(token, "RS256", set);
        free(token);
        json_decref(set);
    }
}

/* The public key taken for a shared secret, in three usual spellings. */
static void hmac_confusion(void **state)
{
    json_t *set = set_new(rsa, NULL);
    json_t *public = json_array_get(json_object_get(set, "keys"), 0);
    char *dump = json_dumps(public, JSON_COMPACT);
    const json_t *secrets[] = { idb_compact_encode(dump, strlen(dump)),
                                json_incref(json_object_get(public, "n")),
                                json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        json_t *oct = json_pack("{s:s, s:o}", "kty", "oct", "k", secrets[i]);
        char *token = token_sign("{\"alg\":\"HS256\",\"kid\":\"r1\"}", PAYLOAD, oct);
        char *lying =
            token_join("{\"alg\":\"RS256\",\"kid\":\"r1\"}", PAYLOAD, strrchr(token, '.') + 1);
        json_t *both = set_new(rsa, oct);

        refuse(token, "RS256", set);
        refuse(token, "HS256", set);
        refuse(token, "HS256", both);
        refuse(lying, "RS256", set);
        refuse(lying, "RS256", both);
        free(token);
        free(lying);
        json_decref(both);
        json_decref(oct);
    }
    free(dump);
    json_decref(set);
}

static void headers(void **state)
{
    static const char *const accepted[] = {
        "{\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"typ\":\"jwt\"}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\"}",
        "{\"alg\":\"ES256\",\"x5t\":\"AAAA\",\"other\":1}",
    };
    static const char *const refused[] = {
        "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"ES256\",\"typ\":\"\"}",
        "{\"alg\":\"ES256\",\"typ\":1}",
        "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"ES256\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"zip\":\"DEF\"}",
        "{\"alg\":\"ES256\",\"b64\":true}",
        "{\"alg\":\"ES256\",\"jku\":\"https://evil.example/jwks\"}",
        "{\"alg\":\"ES256\",\"x5u\":\"https://evil.example/x\"}",
        "{\"alg\":\"ES256\",\"x5c\":[\"AAAA\"]}",
        "{\"alg\":\"ES256\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"ES256\",\"kid\":1}",
        "{\"alg\":\"ES256\",\"kid\":null}",
        "{\"alg\":\"RS256\",\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"kid\":\"e1\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++)
        accept_signed(accepted[i], ec, "ES256", set_new(ec, NULL));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        refuse_signed(refused[i], ec, "ES256", set_new(ec, NULL));
}

/* A token that brings the key it was signed with. */
static void key_in_header(void **state)
{
    json_t *public = token_public(other_ec);
    json_t *header = json_pack("{s:s, s:O}", "alg", "ES256", "jwk", public);
    char *text = json_dumps(header, 0);

    (void)state;
    refuse_signed(text, other_ec, "ES256", set_new(ec, NULL));
    free(text);
    json_decref(header);
    header = json_pack("{s:s, s:o}", "alg", "ES256", "jwk", token_public(ec));
    text = json_dumps(header, 0);
    refuse_signed(text, ec, "ES256", set_new(ec, NULL));
    free(text);
    json_decref(header);
    json_decref(public);
}

static void giant_header(void **state)
{
    char header[8192];

    (void)state;
    snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"x\":\"%01000d\"}", 0);
    accept_signed(header, ec, "ES256", set_new(ec, NULL));
    snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"x\":\"%04000d\"}", 0);
    refuse_signed(header, ec, "ES256", set_new(ec, NULL));
}

/* No padding, nothing beside the alphabet, three parts. */
static void spelling(void **state)
{
    static const char *const tails[] = { "=", "==", ".", ".AAAA", " ", "\n", "+", "/", "A" };
    json_t *set = set_new(ec, NULL);
    char *token = token_sign("{\"alg\":\"ES256\"}", PAYLOAD, ec);
    char *other = malloc(strlen(token) + 16);

    (void)state;
    accept(token, "ES256", set);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        snprintf(other, strlen(token) + 16, "%s%s", token, tails[i]);
        refuse(other, "ES256", set);
        snprintf(other, strlen(token) + 16, "%s%s", tails[i], token);
        refuse(other, "ES256", set);
        /* Behind the header. */
        snprintf(other, strlen(token) + 16, "%.*s%s%s", (int)strcspn(token, "."), token, tails[i],
                 strchr(token, '.'));
        refuse(other, "ES256", set);
    }
    *strrchr(token, '.') = '\0';
    refuse(token, "ES256", set);
    refuse("", "ES256", set);
    refuse(".", "ES256", set);
    refuse("..", "ES256", set);
    free(other);
    free(token);
    json_decref(set);
}

/* The last character of a signature carries bits that must be zero: 64 bytes
 * leave four of them. */
static void loose_bits(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    json_t *set = set_new(ec, NULL);
    char *token = token_sign("{\"alg\":\"ES256\"}", PAYLOAD, ec);
    char *last = token + strlen(token) - 1;
    char right = *last;
    int taken = 0;

    (void)state;
    for (const char *c = alphabet; *c; c++) {
        struct idb_error err = { 0 };
        json_t *payload = NULL;
        bool unknown;

        *last = *c;
        if (idb_jwt_verify(&payload, token, "ES256", set, &unknown, &err)) {
            assert_int_equal(*c, right);
            taken++;
        }
        json_decref(payload);
    }
    assert_int_equal(taken, 1);
    free(token);
    json_decref(set);
}

static void payloads(void **state)
{
    static const char *const refused[] = { "",
                                           "nonsense",
                                           "{\"sub\":\"anna\"",
                                           "{\"sub\":\"anna\"}x",
                                           "{\"sub\":\"anna\",\"sub\":\"anna\"}",
                                           "{\"sub\":\"anna\",\"a\":{\"b\":1,\"b\":2}}",
                                           "{\"sub\":\"anna\\u0000\"}",
                                           "{\"sub\":\"\xff\"}" };
    json_t *set = set_new(ec, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char *token = token_sign("{\"alg\":\"ES256\"}", refused[i], ec);

        refuse(token, "ES256", set);
        free(token);
    }
    json_decref(set);
}

/* ---- which key ---- */

static void key_ids(void **state)
{
    (void)state;
    accept_signed("{\"alg\":\"ES256\",\"kid\":\"e1\"}", ec, "ES256", set_new(other_ec, ec));
    accept_signed("{\"alg\":\"ES256\",\"kid\":\"e1\"}", ec, "ES256", set_new(rsa, ec));
    /* Without a kid only in a set of one key, whatever the others are. */
    accept_signed("{\"alg\":\"ES256\"}", ec, "ES256", set_new(ec, NULL));
    assert_true(refuse_signed("{\"alg\":\"ES256\"}", ec, "ES256", set_new(rsa, ec)));
    assert_true(refuse_signed("{\"alg\":\"ES256\"}", ec, "ES256", set_new(ec, other_ec)));
    assert_true(refuse_signed("{\"alg\":\"RS256\"}", rsa, "RS256", set_new(rsa, other_rsa)));
    /* A key that the set does not have, by name or without, may be asked for anew. */
    assert_true(refuse_signed("{\"alg\":\"ES256\"}", ec, "ES256", set_new(other_ec, NULL)));
    assert_true(
        refuse_signed("{\"alg\":\"ES256\",\"kid\":\"e3\"}", ec, "ES256", set_new(ec, NULL)));
    assert_true(
        refuse_signed("{\"alg\":\"ES256\",\"kid\":\"E1\"}", ec, "ES256", set_new(ec, NULL)));
    assert_true(refuse_signed("{\"alg\":\"ES256\",\"kid\":\"\"}", ec, "ES256", set_new(ec, NULL)));
    assert_true(refuse_signed("{\"alg\":\"ES256\",\"kid\":\"e1\"}", ec, "ES256",
                              set_with(ec, "kid", NULL)));
    /* Another key under its name may have been replaced. */
    assert_true(
        refuse_signed("{\"alg\":\"ES256\",\"kid\":\"e2\"}", ec, "ES256", set_new(other_ec, NULL)));
    /* Two keys of one name. */
    assert_true(refuse_signed("{\"alg\":\"ES256\",\"kid\":\"e1\"}", ec, "ES256", set_new(ec, ec)));
}

static void key_sets(void **state)
{
    static const char *const sets[] = {
        "{}", "{\"keys\":[]}", "{\"keys\":{}}", "{\"keys\":[1,null,[]]}", "[]", "null"
    };
    char *token = token_sign("{\"alg\":\"ES256\"}", PAYLOAD, ec);

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        json_t *set = json_loads(sets[i], JSON_DECODE_ANY, NULL);

        refuse(token, "ES256", set);
        json_decref(set);
    }
    refuse(token, "ES256", NULL);
    free(token);
}

static void key_members(void **state)
{
    static const struct {
        const char *member;
        const char *value; /* NULL: not there */
        bool ok;
    } cases[] = {
        { "use", NULL, true },
        { "use", "\"sig\"", true },
        { "use", "\"enc\"", false },
        { "use", "1", false },
        { "alg", "\"ES256\"", true },
        { "alg", "\"ES384\"", false },
        { "alg", "\"HS256\"", false },
        { "key_ops", "[\"verify\"]", true },
        { "key_ops", "[\"sign\",\"verify\"]", true },
        { "key_ops", "[\"sign\"]", false },
        { "key_ops", "[]", false },
        { "key_ops", "\"verify\"", false },
        { "kty", "\"RSA\"", false },
        { "kty", "\"oct\"", false },
        { "kty", NULL, false },
        { "crv", "\"P-384\"", false },
        { "crv", "\"secp256k1\"", false },
        { "crv", NULL, false },
        { "x", NULL, false },
        { "y", NULL, false },
        { "y", "1", false },
        { "y", "\"AAAA\"", false },
        { "x", "\"\"", false },
        { "x", "\"not base64url\"", false },
        { "ext", "true", true },
        { "k", "\"AAAA\"", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *set = set_with(ec, cases[i].member, cases[i].value);

        if (cases[i].ok)
            accept_signed("{\"alg\":\"ES256\"}", ec, "ES256", set);
        else
            refuse_signed("{\"alg\":\"ES256\"}", ec, "ES256", set);
    }
    accept_signed("{\"alg\":\"PS256\"}", rsa, "PS256", set_with(rsa, "alg", "\"PS256\""));
    refuse_signed("{\"alg\":\"PS256\"}", rsa, "PS256", set_with(rsa, "alg", "\"RS256\""));
    refuse_signed("{\"alg\":\"RS256\"}", rsa, "RS256", set_with(rsa, "n", NULL));
    refuse_signed("{\"alg\":\"RS256\"}", rsa, "RS256", set_with(rsa, "n", "\"\""));
    refuse_signed("{\"alg\":\"RS256\"}", rsa, "RS256", set_with(rsa, "e", NULL));
    refuse_signed("{\"alg\":\"RS256\"}", rsa, "RS256", set_with(rsa, "e", "\"AQ\""));
}

/* With an exponent of 1 the signature is what is signed (RFC 8017 section 9.2), so that
 * anybody can make one. */
static void exponent_of_one(void **state)
{
    static const unsigned char info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                          0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                          0x01, 0x05, 0x00, 0x04, 0x20 };
    unsigned char encoded[256];
    char b64[IDB_B64_SIZE(sizeof encoded)];
    char *token = token_join("{\"alg\":\"RS256\"}", PAYLOAD, "");
    json_t *set = set_with(rsa, "e", "\"AQ\"");
    char *forged = NULL;

    (void)state;
    memset(encoded, 0xff, sizeof encoded);
    encoded[0] = 0;
    encoded[1] = 1;
    encoded[sizeof encoded - 32 - sizeof info - 1] = 0;
    memcpy(encoded + sizeof encoded - 32 - sizeof info, info, sizeof info);
    assert_int_equal(EVP_Digest(token, strlen(token) - 1, encoded + sizeof encoded - 32, NULL,
                                EVP_sha256(), NULL),
                     1);
    idb_b64_encode(b64, encoded, sizeof encoded);
    forged = token_join("{\"alg\":\"RS256\"}", PAYLOAD, b64);
    refuse(forged, "RS256", set);
    json_decref(set);
    free(forged);
    free(token);
}

/* The public JWK of pkey, with zeros in front of the modulus. */
static json_t *jwk_of(const EVP_PKEY *pkey, size_t zeros)
{
    unsigned char bytes[1024] = { 0 };
    char n64[IDB_B64_SIZE(sizeof bytes)], e64[16];
    BIGNUM *n = NULL, *e = NULL;
    size_t size;
    json_t *jwk;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, "e", &e), 1);
    size = zeros + (size_t)BN_bn2bin(n, bytes + zeros);
    idb_b64_encode(n64, bytes, size);
    size = (size_t)BN_bn2bin(e, bytes);
    idb_b64_encode(e64, bytes, size);
    jwk = json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", n64, "e", e64);
    BN_free(n);
    BN_free(e);
    return jwk;
}

/* A token of OpenSSL alone, for keys that libjose would not sign with. */
static char *sign_rs256(EVP_PKEY *pkey)
{
    char *unsigned_token = token_join("{\"alg\":\"RS256\"}", PAYLOAD, "");
    size_t length = strlen(unsigned_token) - 1; /* without the last dot */
    unsigned char signature[1024];
    char text[IDB_B64_SIZE(sizeof signature)];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char *token;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey), 1);
    assert_int_equal(
        EVP_DigestSign(ctx, signature, &n, (const unsigned char *)unsigned_token, length), 1);
    idb_b64_encode(text, signature, n);
    token = token_join("{\"alg\":\"RS256\"}", PAYLOAD, text);
    EVP_MD_CTX_free(ctx);
    free(unsigned_token);
    return token;
}

static void key_sizes(void **state)
{
    static const struct {
        unsigned bits;
        size_t zeros;
        bool ok;
    } cases[] = { { 2048, 0, true },  { 1024, 0, false }, { 1024, 128, false },
                  { 1536, 0, false }, { 2040, 1, false }, { 2040, 0, false } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EVP_PKEY *pkey = EVP_RSA_gen(cases[i].bits);
        json_t *set = json_pack("{s:[o]}", "keys", jwk_of(pkey, cases[i].zeros));
        char *token = sign_rs256(pkey);

        if (cases[i].ok)
            accept(token, "RS256", set);
        else
            refuse(token, "RS256", set);
        free(token);
        json_decref(set);
        EVP_PKEY_free(pkey);
    }
}

/* ---- signing ---- */

static void sign(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct idb_error err = { 0 };
        json_t *claims = json_loads(PAYLOAD, 0, NULL);
        json_t *set = set_new(*kinds[i].key, NULL);
        char *token = NULL;

        assert_true(idb_jwt_sign(&token, claims, kinds[i].alg, *kinds[i].key, &err));
        accept(token, kinds[i].alg, set);
        free(token);
        json_decref(set);
        json_decref(claims);
    }
}

static void sign_not(void **state)
{
    json_t *claims = json_loads(PAYLOAD, 0, NULL);
    json_t *public = token_public(ec);
    json_t *oct =
        json_pack("{s:s, s:s}", "kty", "oct", "k", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    json_t *empty = json_object();
    const struct {
        const char *alg;
        const json_t *key;
    } cases[] = { { "ES256", rsa },   { "RS256", ec },  { "ES384", ec },  { "ES256", public },
                  { "ES256", empty }, { "ES256", oct }, { "RS256", oct }, { "none", ec } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_error err = { 0 };
        char *token = NULL;

        if (idb_jwt_sign(&token, claims, cases[i].alg, cases[i].key, &err))
            fail_msg("case %zu: %s signs", i, cases[i].alg);
        assert_null(token);
        assert_int_equal(err.exit, IDB_CONFIG);
        assert_string_equal(err.code, "client_key");
    }
    json_decref(claims);
    json_decref(public);
    json_decref(oct);
    json_decref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm), cmocka_unit_test(algorithm_swapped),
        cmocka_unit_test(wrong_signature), cmocka_unit_test(zero_signature),
        cmocka_unit_test(another_key),     cmocka_unit_test(none),
        cmocka_unit_test(hmac_confusion),  cmocka_unit_test(headers),
        cmocka_unit_test(key_in_header),   cmocka_unit_test(giant_header),
        cmocka_unit_test(spelling),        cmocka_unit_test(loose_bits),
        cmocka_unit_test(payloads),        cmocka_unit_test(key_ids),
        cmocka_unit_test(key_sets),        cmocka_unit_test(key_members),
        cmocka_unit_test(key_sizes),       cmocka_unit_test(sign),
        cmocka_unit_test(sign_not),        cmocka_unit_test(exponent_of_one),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
