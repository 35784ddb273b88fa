/* The code: its check digit, how it is shown and read, its limits. */
#include "code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DRAWN 50 /* random codes of each length */

/* The table as printed in Damm's thesis, page 111, copied here by hand. */
static const char *const table[] = { "0317598642", "7092154863", "4206871359", "1750983426",
                                     "6123045978", "3674209581", "5869720134", "8945362017",
                                     "9438617205", "2581436790" };

static void drawn(char code[IDB_CODE_SIZE], int digits)
{
    struct idb_error err = { 0 };

    memset(code, 'x', IDB_CODE_SIZE);
    assert_true(idb_code_draw(code, digits, &err));
    assert_int_equal(strlen(code), digits);
    assert_int_equal(strspn(code, "0123456789"), digits);
}

static enum idb_code_reading reading(const char *typed, int digits)
{
    char code[IDB_CODE_SIZE] = "";

    return idb_code_read(code, typed, digits);
}

static void check_digits(void **state)
{
    (void)state;
    assert_int_equal(idb_code_check_digit("572", 3), '4'); /* the customary example */
    assert_int_equal(idb_code_check_digit("5724", 4), '0');
    assert_int_equal(idb_code_check_digit("", 0), '0');
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) {
            char two[2] = { (char)('0' + i), (char)('0' + j) };

            assert_int_equal(idb_code_check_digit(two, 2), table[table[0][i] - '0'][j]);
        }
}

static void drawn_codes_read_back(void **state)
{
    (void)state;
    for (int digits = 8; digits <= IDB_CODE_MAX; digits++)
        for (int i = 0; i < DRAWN; i++) {
            char code[IDB_CODE_SIZE], back[IDB_CODE_SIZE], shown[IDB_CODE_SHOWN_SIZE];

            drawn(code, digits);
            assert_int_equal(idb_code_read(back, code, digits), IDB_CODE_GOOD);
            assert_string_equal(back, code);
            idb_code_show(shown, code);
            memset(back, 'x', sizeof back);
            assert_int_equal(idb_code_read(back, shown, digits), IDB_CODE_GOOD);
            assert_string_equal(back, code);
        }
}

static void every_wrong_digit_is_found(void **state)
{
    (void)state;
    for (int digits = 8; digits <= IDB_CODE_MAX; digits++)
        for (int i = 0; i < DRAWN; i++) {
            char code[IDB_CODE_SIZE];

            drawn(code, digits);
            for (int at = 0; at < digits; at++) {
                char right = code[at];

                for (code[at] = '0'; code[at] <= '9'; code[at]++)
                    assert_int_equal(reading(code, digits),
                                     code[at] == right ? IDB_CODE_GOOD : IDB_CODE_MISTYPED);
                code[at] = right;
            }
        }
}

static void every_swap_of_neighbours_is_found(void **state)
{
    int swaps = 0;

    (void)state;
    for (int digits = 8; digits <= IDB_CODE_MAX; digits++)
        for (int i = 0; i < DRAWN; i++) {
            char code[IDB_CODE_SIZE];

            drawn(code, digits);
            for (int at = 0; at + 1 < digits; at++) {
                char first = code[at];

                code[at] = code[at + 1];
                code[at + 1] = first;
                swaps += code[at] != first;
                assert_int_equal(reading(code, digits),
                                 code[at] == first ? IDB_CODE_GOOD : IDB_CODE_MISTYPED);
                code[at + 1] = code[at];
                code[at] = first;
            }
        }
    assert_true(swaps > 100);
}

/* Each digit in each place but the last, in 400 codes: none is missing by chance. */
static void drawn_codes_use_all_digits(void **state)
{
    int seen[IDB_CODE_MAX][10] = { 0 };

    (void)state;
    for (int i = 0; i < 400; i++) {
        char code[IDB_CODE_SIZE];

        drawn(code, IDB_CODE_MAX);
        for (int at = 0; at < IDB_CODE_MAX; at++)
            seen[at][code[at] - '0']++;
    }
    for (int at = 0; at < IDB_CODE_MAX; at++)
        for (int digit = 0; digit < 10; digit++)
            assert_in_range(seen[at][digit], 5, 120);
}

static void shown_in_groups(void **state)
{
    static const char *const cases[][2] = { { "12345678", "123 456 78" },
                                            { "123456789", "123 456 789" },
                                            { "4821093471", "482 109 3471" },
                                            { "12345678901", "123 456 789 01" },
                                            { "123456789012", "123 456 789 012" } };
    char shown[IDB_CODE_SHOWN_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        idb_code_show(shown, cases[i][0]);
        assert_string_equal(shown, cases[i][1]);
    }
}

/* 5724 with zeros before it is a right code of any length. */
static void read_as_keyed_in(void **state)
{
    static const struct {
        const char *typed;
        enum idb_code_reading reading;
    } cases[] = {
        { "0000005724", IDB_CODE_GOOD },
        { " 000.000 5724 ", IDB_CODE_GOOD },
        { "000 000 5724#", IDB_CODE_MISTYPED },
        { "*0000005724", IDB_CODE_MISTYPED },
        { "000000572", IDB_CODE_MISTYPED },
        { "00000005724", IDB_CODE_MISTYPED },
        { "", IDB_CODE_MISTYPED },
        { " . ", IDB_CODE_MISTYPED },
        { "000000572A", IDB_CODE_BAD },
        { "000-000-5724", IDB_CODE_BAD },
        { "000000\t5724", IDB_CODE_BAD },
        { "000000\n5724", IDB_CODE_BAD },
        { "+000005724", IDB_CODE_BAD },
        { "000000572\xd9\xa4", IDB_CODE_BAD }, /* an Arabic 4 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reading(cases[i].typed, 10), cases[i].reading);
}

static void limits_of_what_is_keyed_in(void **state)
{
    char typed[IDB_CODE_TYPED_MAX + 2];
    char code[IDB_CODE_SIZE];

    (void)state;
    memset(typed, '9', sizeof typed);
    typed[IDB_CODE_TYPED_MAX] = '\0';
    assert_int_equal(reading(typed, IDB_CODE_MAX), IDB_CODE_MISTYPED);
    memset(typed, ' ', IDB_CODE_TYPED_MAX);
    memcpy(typed, "000000005724", 12);
    assert_int_equal(idb_code_read(code, typed, IDB_CODE_MAX), IDB_CODE_GOOD);
    assert_string_equal(code, "000000005724");
    typed[IDB_CODE_TYPED_MAX] = ' ';
    typed[IDB_CODE_TYPED_MAX + 1] = '\0';
    assert_int_equal(reading(typed, IDB_CODE_MAX), IDB_CODE_BAD);
}

static void tickets(void **state)
{
    struct idb_error err = { 0 };
    char a[IDB_TICKET_SIZE], b[IDB_TICKET_SIZE];

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_true(idb_code_draw_ticket(a, &err) && idb_code_draw_ticket(b, &err));
        assert_int_equal(strlen(a), IDB_TICKET_SIZE - 1);
        assert_int_equal(strspn(a, "BCDFGHJKLMNPQRSTVWXZ23456789"), IDB_TICKET_SIZE - 1);
        assert_string_not_equal(a, b);
    }
}

static void macs_under_each_key(void **state)
{
    struct idb_keys keys = { .count = 2, .key = { { .secret = { 1 } }, { .secret = { 2 } } } };
    unsigned char a[IDB_KEYS_MAX][IDB_MAC_SIZE] = { { 0 } }, b[IDB_KEYS_MAX][IDB_MAC_SIZE];
    static const unsigned char zeros[IDB_MAC_SIZE];
    struct idb_part parts[] = { idb_part_text("code"), idb_part_text("0000005724") };
    unsigned char mac[IDB_MAC_SIZE];
    struct idb_error err = { 0 };

    (void)state;
    assert_true(idb_code_macs(a, &keys, "0000005724", &err));
    for (size_t i = 0; i < keys.count; i++) {
        assert_true(idb_mac(mac, keys.key[i].secret, parts, 2));
        assert_memory_equal(a[i], mac, sizeof mac);
    }
    assert_memory_not_equal(a[0], a[1], sizeof mac);
    assert_memory_equal(a[2], zeros, sizeof zeros);
    assert_true(idb_code_macs(b, &keys, "0000005732", &err));
    assert_memory_not_equal(a[0], b[0], sizeof mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_digits),
        cmocka_unit_test(drawn_codes_read_back),
        cmocka_unit_test(every_wrong_digit_is_found),
        cmocka_unit_test(every_swap_of_neighbours_is_found),
        cmocka_unit_test(drawn_codes_use_all_digits),
        cmocka_unit_test(shown_in_groups),
        cmocka_unit_test(read_as_keyed_in),
        cmocka_unit_test(limits_of_what_is_keyed_in),
        cmocka_unit_test(tickets),
        cmocka_unit_test(macs_under_each_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
