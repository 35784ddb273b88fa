/* caller.h: what is a number, and what is kept of one. */
#include "caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY  (24 * 60 * 60 * 1000LL)
#define NOON (20000 * DAY + DAY / 2)

static struct idb_keys *keys;

static int make_keys(void **state)
{
    (void)state;
    keys = calloc(1, sizeof *keys);
    assert_non_null(keys);
    keys->count = 2;
    for (size_t i = 0; i < keys->count; i++) {
        keys->key[i].secret[0] = (unsigned char)(i + 1);
        keys->key[i].hmac = idb_hmac_new(keys->key[i].secret);
    }
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    idb_keys_free(keys);
    return 0;
}

static void numbers(void **state)
{
    static const char *const good[] = { "+12345678", "+31612345678", "+123456789012345" };
    static const char *const bad[] = { "",
                                       "+",
                                       "+1234567",
                                       "+1234567890123456",
                                       "31612345678",
                                       "0031612345678",
                                       "+31 612345678",
                                       "+3161234567a",
                                       "+31612345678 ",
                                       "++31612345678",
                                       "anonymous",
                                       "+\xd9\xa3\xd9\xa1\xd9\xa3\xd9\xa1" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(idb_caller_is_number(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(idb_caller_is_number(bad[i]));
    assert_false(idb_caller_is_number(NULL));
}

static void last_two_digits(void **state)
{
    char last2[3] = "xx";

    (void)state;
    idb_caller_last2(last2, "+31612345678");
    assert_string_equal(last2, "78");
    idb_caller_last2(last2, "0612345678");
    assert_string_equal(last2, "");
    idb_caller_last2(last2, NULL);
    assert_string_equal(last2, "");
}

static size_t macs_of(unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], const char *caller,
                      int64_t now)
{
    struct idb_error err = { 0 };
    size_t n = 0;

    assert_true(idb_caller_macs(macs, &n, keys, caller, now, &err));
    return n;
}

static void each_key_today_and_yesterday_the_newest_first(void **state)
{
    unsigned char today[IDB_CALLER_MACS][IDB_MAC_SIZE];
    unsigned char tomorrow[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    assert_int_equal(macs_of(today, "+31612345678", NOON), 4);
    assert_int_equal(macs_of(tomorrow, "+31612345678", NOON + DAY), 4);
    assert_memory_equal(today[0], tomorrow[1], IDB_MAC_SIZE);
    assert_memory_equal(today[2], tomorrow[3], IDB_MAC_SIZE);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(today[i], today[j], IDB_MAC_SIZE);
}

static void the_day_is_utc_s(void **state)
{
    unsigned char a[IDB_CALLER_MACS][IDB_MAC_SIZE];
    unsigned char b[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    macs_of(a, "+31612345678", 20000 * DAY);
    macs_of(b, "+31612345678", 20001 * DAY - 1);
    assert_memory_equal(a[0], b[0], IDB_MAC_SIZE);
    macs_of(b, "+31612345678", 20001 * DAY);
    assert_memory_not_equal(a[0], b[0], IDB_MAC_SIZE);
    assert_memory_equal(a[0], b[1], IDB_MAC_SIZE);
}

/* What installations hold counts and announced numbers under; kept keys change nothing. */
static void a_mac_under_a_key_derived_for_its_kind_and_day(void **state)
{
    static const char *const kinds[] = { "caller", "address", "caller" };
    struct idb_part parts[] = { { 0 }, idb_part_text("+31612345678") };
    unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE];
    unsigned char daily[IDB_KEY_SIZE], expected[IDB_MAC_SIZE];
    struct idb_error err = { 0 };
    char label[40];
    size_t n = 0;

    (void)state;
    for (int64_t day = 20000; day < 20006; day++)
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            parts[0] = idb_part_text(kinds[i]);
            snprintf(label, sizeof label, "%s %lld", kinds[i], (long long)day);
            assert_true(idb_derive(daily, keys->key[1].secret, label)
                        && idb_mac(expected, daily, parts, 2));
            assert_true(idb_caller_daily(macs, &n, keys, kinds[i], parts[1], day * DAY + 1, &err));
            assert_int_equal(n, 4);
            assert_memory_equal(macs[2], expected, IDB_MAC_SIZE);
        }
}

static void withheld_ones_share_one(void **state)
{
    static const char *const withheld[] = { "", "anonymous", "0612345678", "withheld" };
    unsigned char none[IDB_CALLER_MACS][IDB_MAC_SIZE];
    unsigned char other[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    macs_of(none, NULL, NOON);
    for (size_t i = 0; i < sizeof withheld / sizeof withheld[0]; i++) {
        macs_of(other, withheld[i], NOON);
        assert_memory_equal(none[0], other[0], IDB_MAC_SIZE);
    }
    macs_of(other, "+31612345678", NOON);
    assert_memory_not_equal(none[0], other[0], IDB_MAC_SIZE);
}

static void hints(void **state)
{
    unsigned char announced[IDB_CALLER_MACS][IDB_MAC_SIZE];
    unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE];
    size_t n;

    (void)state;
    macs_of(announced, "+31612345678", NOON);
    n = macs_of(macs, "+31612345678", NOON + DAY); /* announced yesterday */
    assert_string_equal(idb_caller_hint(announced[0], "+31612345678", macs, n), "match");
    assert_string_equal(idb_caller_hint(announced[2], "+31612345678", macs, n), "match");
    assert_string_equal(idb_caller_hint(NULL, "+31612345678", macs, n), "unknown");
    assert_string_equal(idb_caller_hint(NULL, NULL, macs, n), "unknown");
    n = macs_of(macs, "+31612345679", NOON);
    assert_string_equal(idb_caller_hint(announced[0], "+31612345679", macs, n), "differs");
    n = macs_of(macs, NULL, NOON);
    assert_string_equal(idb_caller_hint(announced[0], NULL, macs, n), "withheld");
    assert_string_equal(idb_caller_hint(announced[0], "anonymous", macs, n), "withheld");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(last_two_digits),
        cmocka_unit_test(each_key_today_and_yesterday_the_newest_first),
        cmocka_unit_test(the_day_is_utc_s),
        cmocka_unit_test(a_mac_under_a_key_derived_for_its_kind_and_day),
        cmocka_unit_test(withheld_ones_share_one),
        cmocka_unit_test(hints),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
