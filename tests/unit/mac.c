/* The symmetric primitives against the RFCs' vectors. */
#include "mac.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *cases_of(const char *path)
{
    json_t *file = json_load_file(path, 0, NULL);
    json_t *cases;

    if (!file)
        fail_msg("%s is missing: run from the top of the tree", path);
    cases = json_incref(json_object_get(file, "cases"));
    json_decref(file);
    return cases;
}

/* The bytes of a hexadecimal member; out is zero behind them. */
static size_t hex(unsigned char *out, size_t size, const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    size_t n = strlen(text) / 2;

    assert_true(n <= size);
    memset(out, 0, size);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;

        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        out[i] = (unsigned char)byte;
    }
    return n;
}

static void rfc4231(void **state)
{
    json_t *cases = cases_of("tests/vectors/rfc4231.json");

    (void)state;
    assert_int_equal(json_array_size(cases), 5);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        unsigned char key[IDB_KEY_SIZE], data[64], expected[IDB_MAC_SIZE], mac[IDB_MAC_SIZE];
        struct idb_part part;
        size_t n;

        hex(key, sizeof key, c, "key");
        n = hex(data, sizeof data, c, "data");
        part = idb_part_bytes(data, n);
        n = hex(expected, sizeof expected, c, "mac");
        assert_true(idb_mac(mac, key, &part, 1));
        assert_memory_equal(mac, expected, n);
    }
    json_decref(cases);
}

static void rfc5869(void **state)
{
    json_t *cases = cases_of("tests/vectors/rfc5869.json");

    (void)state;
    assert_int_equal(json_array_size(cases), 2);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        unsigned char prk[IDB_KEY_SIZE], expected[IDB_KEY_SIZE], okm[IDB_KEY_SIZE];
        unsigned char info[16];

        hex(prk, sizeof prk, c, "prk");
        hex(info, sizeof info, c, "info");
        hex(expected, sizeof expected, c, "okm");
        assert_true(idb_derive(okm, prk, (const char *)info));
        assert_memory_equal(okm, expected, sizeof okm);
    }
    json_decref(cases);
}

/* FIPS 180-2 appendix B.1. */
static void sha256(void **state)
{
    static const unsigned char abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                         0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                         0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
    struct idb_part part = idb_part_text("abc");
    unsigned char out[IDB_MAC_SIZE];

    (void)state;
    assert_true(idb_hash(out, &part, 1));
    assert_memory_equal(out, abc, sizeof abc);
}

/* Several parts are hashed behind their lengths, written out by hand here. */
static void parts_have_lengths(void **state)
{
    static const unsigned char by_hand[] = { 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c' };
    static const unsigned char key[IDB_KEY_SIZE] = { 1 };
    struct idb_part two[] = { idb_part_text("ab"), idb_part_text("c") };
    struct idb_part other[] = { idb_part_text("a"), idb_part_text("bc") };
    struct idb_part one = idb_part_bytes(by_hand, sizeof by_hand);
    unsigned char a[IDB_MAC_SIZE], b[IDB_MAC_SIZE];

    (void)state;
    assert_true(idb_mac(a, key, two, 2) && idb_mac(b, key, &one, 1));
    assert_memory_equal(a, b, sizeof a);
    assert_true(idb_mac(b, key, other, 2));
    assert_memory_not_equal(a, b, sizeof a);
    assert_true(idb_hash(a, two, 2) && idb_hash(b, &one, 1));
    assert_memory_equal(a, b, sizeof a);
    assert_true(idb_hash(b, other, 2));
    assert_memory_not_equal(a, b, sizeof a);
}

/* A key that is kept serves again and again, also after a MAC that was broken off. */
static void a_kept_key_is_the_same_each_time(void **state)
{
    static const unsigned char key[IDB_KEY_SIZE] = { 3 };
    struct idb_part parts[] = { idb_part_text("call"), idb_part_text("c-1") };
    struct idb_part endless = idb_part_bytes("", SIZE_MAX);
    struct idb_part broken[] = { parts[0], endless };
    EVP_MAC_CTX *hmac = idb_hmac_new(key);
    unsigned char mac[IDB_MAC_SIZE], derived[IDB_KEY_SIZE], out[IDB_MAC_SIZE];

    (void)state;
    assert_non_null(hmac);
    assert_true(idb_mac(mac, key, parts, 2) && idb_derive(derived, key, "idb-offer"));
    for (int i = 0; i < 3; i++) {
        assert_true(idb_hmac(out, hmac, parts, 2));
        assert_memory_equal(out, mac, sizeof mac);
        assert_true(idb_hmac_derive(out, hmac, "idb-offer"));
        assert_memory_equal(out, derived, sizeof derived);
        assert_false(idb_hmac(out, hmac, broken, 2));
    }
    idb_hmac_free(hmac);
    assert_false(idb_hmac(out, NULL, parts, 2));
    assert_false(idb_hmac_derive(out, NULL, "idb-offer"));
}

static void derived_keys_differ(void **state)
{
    static const unsigned char key[IDB_KEY_SIZE] = { 7 };
    unsigned char a[IDB_KEY_SIZE], b[IDB_KEY_SIZE];

    (void)state;
    assert_true(idb_derive(a, key, "idb-offer") && idb_derive(b, key, "idb-login"));
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, key, sizeof a);
}

static void random_bytes(void **state)
{
    unsigned char a[32] = { 0 }, b[32] = { 0 };

    (void)state;
    assert_true(idb_random(a, sizeof a) && idb_random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_true(idb_random(a, 0));
    assert_false(idb_random(a, SIZE_MAX));
}

static void equality_and_wiping(void **state)
{
    unsigned char a[32], b[32];
    static const unsigned char zeros[32];

    (void)state;
    memset(a, 5, sizeof a);
    memset(b, 5, sizeof b);
    assert_true(idb_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] ^= 1;
        assert_false(idb_equal(a, b, sizeof a));
        b[i] ^= 1;
    }
    assert_true(idb_equal(a, b, 0));
    idb_wipe(a, sizeof a);
    assert_memory_equal(a, zeros, sizeof a);
    idb_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc4231),
        cmocka_unit_test(rfc5869),
        cmocka_unit_test(sha256),
        cmocka_unit_test(parts_have_lengths),
        cmocka_unit_test(a_kept_key_is_the_same_each_time),
        cmocka_unit_test(derived_keys_differ),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(equality_and_wiping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
