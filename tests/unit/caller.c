/* Callers' numbers: which are numbers, what is kept of them, and for how long. */
#include "caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)
#define NOON   (20000 * DAY_MS + DAY_MS / 2)

static const char number[] = "+31612345678";

static struct idb_keys two_keys(void)
{
    return (struct idb_keys){ .count = 2, .key = { { .secret = { 1 } }, { .secret = { 2 } } } };
}

static void macs_of(unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t expected,
                    const struct idb_keys *keys, const char *caller, int64_t now)
{
    struct idb_error err = { 0 };
    size_t n = 99;

    assert_true(idb_caller_macs(macs, &n, keys, caller, now, &err));
    assert_int_equal(n, expected);
}

static void numbers(void **state)
{
    static const char *const good[] = { "+12345678", "+31612345678", "+123456789012345" };
    static const char *const bad[] = { "",
                                       "+",
                                       "+1234567",
                                       "+1234567890123456",
                                       "0612345678",
                                       "0031612345678",
                                       "31612345678",
                                       "++31612345678",
                                       "+31 6 12345678",
                                       "+31-612345678",
                                       "+3161234567a",
                                       "+31612345678 ",
                                       " +31612345678",
                                       "+31612345678;x",
                                       "anonymous",
                                       "+31612345\xd9\xa4" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(idb_caller_is_number(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(idb_caller_is_number(bad[i]));
    assert_false(idb_caller_is_number(NULL));
}

static void last_two_digits(void **state)
{
    char last2[3];

    (void)state;
    memset(last2, 'x', sizeof last2);
    idb_caller_last2(last2, number);
    assert_string_equal(last2, "78");
    idb_caller_last2(last2, "anonymous");
    assert_string_equal(last2, "");
    memset(last2, 'x', sizeof last2);
    idb_caller_last2(last2, NULL);
    assert_string_equal(last2, "");
}

static void keys_of_today_and_yesterday(void **state)
{
    struct idb_keys keys = two_keys();
    unsigned char a[IDB_CALLER_MACS][IDB_MAC_SIZE], b[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    macs_of(a, 4, &keys, number, NOON);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(a[i], a[j], IDB_MAC_SIZE);
    macs_of(b, 4, &keys, number, NOON + DAY_MS / 2 - 1); /* the last moment of the day */
    assert_memory_equal(a[0], b[0], IDB_MAC_SIZE);
    macs_of(b, 4, &keys, number, NOON + DAY_MS / 2); /* midnight: today is yesterday */
    assert_memory_not_equal(a[0], b[0], IDB_MAC_SIZE);
    assert_memory_equal(a[0], b[1], IDB_MAC_SIZE);
    assert_memory_equal(a[2], b[3], IDB_MAC_SIZE);
    macs_of(b, 4, &keys, number, NOON + 2 * DAY_MS); /* two days on nothing can be traced */
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            assert_memory_not_equal(a[i], b[j], IDB_MAC_SIZE);
    keys.count = 1;
    macs_of(b, 2, &keys, number, NOON);
    assert_memory_equal(a, b, 2 * IDB_MAC_SIZE);
}

/* After a rotation the old key is the second: what it made is still known. */
static void a_rotated_key(void **state)
{
    struct idb_keys before = { .count = 1, .key = { { .secret = { 2 } } } };
    struct idb_keys after = two_keys();
    unsigned char old[IDB_CALLER_MACS][IDB_MAC_SIZE], new[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    macs_of(old, 2, &before, number, NOON);
    macs_of(new, 4, &after, number, NOON);
    assert_memory_not_equal(old[0], new[0], IDB_MAC_SIZE);
    assert_memory_equal(old[0], new[2], IDB_MAC_SIZE);
    assert_string_equal(idb_caller_hint(old[0], number, new, 4), "match");
}

static void withheld_ones_are_one(void **state)
{
    static const char *const withheld[] = { "", "anonymous", "withheld", "0612345678" };
    struct idb_keys keys = two_keys();
    unsigned char a[IDB_CALLER_MACS][IDB_MAC_SIZE], b[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    macs_of(a, 4, &keys, NULL, NOON);
    for (size_t i = 0; i < sizeof withheld / sizeof withheld[0]; i++) {
        macs_of(b, 4, &keys, withheld[i], NOON);
        assert_memory_equal(a, b, 4 * IDB_MAC_SIZE);
    }
    macs_of(b, 4, &keys, number, NOON);
    assert_memory_not_equal(a[0], b[0], IDB_MAC_SIZE);
}

static void hints(void **state)
{
    struct idb_keys keys = two_keys();
    unsigned char announced[IDB_CALLER_MACS][IDB_MAC_SIZE], macs[IDB_CALLER_MACS][IDB_MAC_SIZE];

    (void)state;
    macs_of(announced, 4, &keys, number, NOON);
    macs_of(macs, 4, &keys, number, NOON + DAY_MS / 2); /* announced before midnight */
    assert_string_equal(idb_caller_hint(announced[0], number, macs, 4), "match");
    assert_string_equal(idb_caller_hint(announced[0], number, macs, 1), "differs");
    assert_string_equal(idb_caller_hint(NULL, number, macs, 4), "unknown");
    assert_string_equal(idb_caller_hint(NULL, NULL, macs, 4), "unknown");
    assert_string_equal(idb_caller_hint(announced[0], NULL, macs, 4), "withheld");
    assert_string_equal(idb_caller_hint(announced[0], "", macs, 4), "withheld");
    assert_string_equal(idb_caller_hint(announced[0], "anonymous", macs, 4), "withheld");
    macs_of(macs, 4, &keys, "+31612345679", NOON);
    assert_string_equal(idb_caller_hint(announced[0], "+31612345679", macs, 4), "differs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(last_two_digits),
        cmocka_unit_test(a_rotated_key), cmocka_unit_test(keys_of_today_and_yesterday),
        cmocka_unit_test(hints),         cmocka_unit_test(withheld_ones_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
