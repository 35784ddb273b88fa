/* code.h: the check digit, what a telephone may send, and what is drawn. */
#include "code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* wrap: idb_random */
bool __wrap_idb_random(void *out, size_t n);
bool __real_idb_random(void *out, size_t n);

/* NULL for OpenSSL's; else bytes that are given in turn, then none. */
static const unsigned char *script;
static size_t script_left;

bool __wrap_idb_random(void *out, size_t n)
{
    if (!script)
        return __real_idb_random(out, n);
    if (script_left < n)
        return false;
    memcpy(out, script, n);
    script += n;
    script_left -= n;
    return true;
}

static void play(const void *bytes, size_t n)
{
    script = bytes;
    script_left = n;
}

static int stop(void **state)
{
    (void)state;
    script = NULL;
    return 0;
}

/* The example of the thesis: 572 has the check digit 4. */
static void known_check_digits(void **state)
{
    (void)state;
    assert_int_equal(idb_code_check_digit("572", 3), '4');
    assert_int_equal(idb_code_check_digit("5724", 4), '0');
    assert_int_equal(idb_code_check_digit("", 0), '0');
    assert_int_equal(idb_code_check_digit("000000000", 9), '0');
}

static bool is_good(const char *typed)
{
    char code[IDB_CODE_SIZE];

    return idb_code_read(code, typed, (int)strlen(typed)) == IDB_CODE_GOOD;
}

static void every_wrong_digit_and_every_swap_is_found(void **state)
{
    struct idb_error err = { 0 };
    char code[IDB_CODE_SIZE];

    (void)state;
    for (int draw = 0; draw < 200; draw++) {
        assert_true(idb_code_draw(code, 10, &err));
        assert_true(is_good(code));
        for (int i = 0; i < 10; i++) {
            char right = code[i];

            for (code[i] = '0'; code[i] <= '9'; code[i]++)
                assert_int_equal(is_good(code), code[i] == right);
            code[i] = right;
            if (i > 0 && code[i - 1] != right) {
                code[i] = code[i - 1];
                code[i - 1] = right;
                assert_false(is_good(code));
                code[i - 1] = code[i];
                code[i] = right;
            }
        }
    }
}

static void draws_of_every_length_check(void **state)
{
    struct idb_error err = { 0 };
    char code[IDB_CODE_SIZE];

    (void)state;
    for (int digits = 8; digits <= IDB_CODE_MAX; digits++) {
        assert_true(idb_code_draw(code, digits, &err));
        assert_int_equal(strlen(code), digits);
        assert_int_equal(strspn(code, "0123456789"), digits);
        assert_int_equal(idb_code_check_digit(code, (size_t)digits), '0');
    }
}

/* 250 to 255 would favour the digits 0 to 5. */
static void bytes_beyond_the_last_whole_multiple_are_drawn_again(void **state)
{
    static const unsigned char bytes[] = { 255, 250, 7, 249, 251, 10, 0, 19, 200, 3, 1 };
    struct idb_error err = { 0 };
    char code[IDB_CODE_SIZE];

    (void)state;
    play(bytes, sizeof bytes);
    assert_true(idb_code_draw(code, 9, &err));
    assert_memory_equal(code, "79009031", 8);
    assert_int_equal(script_left, 0);
}

/* With a uniform draw each digit is met 2000 times of 20000, give or take 42;
 * seven times that is once in many millions of runs. */
static void digits_are_uniform(void **state)
{
    struct idb_error err = { 0 };
    char code[IDB_CODE_SIZE];
    int count[10] = { 0 };

    (void)state;
    for (int draw = 0; draw < 20000 / 10; draw++) {
        assert_true(idb_code_draw(code, 11, &err));
        for (int i = 0; i < 10; i++)
            count[code[i] - '0']++;
    }
    for (int digit = 0; digit < 10; digit++)
        assert_in_range(count[digit], 2000 - 300, 2000 + 300);
}

static void tickets_have_no_vowels_and_nothing_that_looks_alike(void **state)
{
    static const unsigned char bytes[] = { 252, 0, 27, 28, 55, 1, 26 };
    struct idb_error err = { 0 };
    char ticket[IDB_TICKET_SIZE];

    (void)state;
    for (int draw = 0; draw < 500; draw++) {
        assert_true(idb_code_draw_ticket(ticket, &err));
        assert_int_equal(strlen(ticket), 6);
        assert_int_equal(strspn(ticket, "BCDFGHJKLMNPQRSTVWXZ23456789"), 6);
    }
    play(bytes, sizeof bytes);
    assert_true(idb_code_draw_ticket(ticket, &err));
    assert_string_equal(ticket, "B9B9C8");
}

static void without_random_bytes_nothing_is_drawn(void **state)
{
    char code[IDB_CODE_SIZE];
    char ticket[IDB_TICKET_SIZE];

    (void)state;
    for (size_t n = 0; n < 5; n++) {
        struct idb_error err = { 0 };

        play("\1\2\3\4", n);
        assert_false(idb_code_draw(code, 10, &err));
        assert_int_equal(err.exit, IDB_UNAVAILABLE);
        assert_string_equal(err.code, "random");
        play("\1\2\3\4", n);
        assert_false(idb_code_draw_ticket(ticket, &err));
        assert_string_equal(err.code, "random");
    }
}

static void shown_in_threes(void **state)
{
    static const char *const cases[][2] = {
        { "12345678", "123 456 78" },          { "123456789", "123 456 789" },
        { "4821093471", "482 109 3471" },      { "12345678901", "123 456 789 01" },
        { "123456789012", "123 456 789 012" },
    };
    char shown[IDB_CODE_SHOWN_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        idb_code_show(shown, cases[i][0]);
        assert_string_equal(shown, cases[i][1]);
    }
}

static void what_was_keyed_in(void **state)
{
    static const struct {
        const char *typed;
        enum idb_code_reading reading;
    } cases[] = {
        { "57240000", IDB_CODE_GOOD },
        { "572 400 00", IDB_CODE_GOOD },
        { " 572.400.00 ", IDB_CODE_GOOD },
        { "5 7 2 4 0 0 0 0", IDB_CODE_GOOD },
        { "", IDB_CODE_MISTYPED },
        { " ", IDB_CODE_MISTYPED },
        { "5724000", IDB_CODE_MISTYPED },
        { "572400000", IDB_CODE_MISTYPED },
        { "57240001", IDB_CODE_MISTYPED },
        { "57240000#", IDB_CODE_MISTYPED },
        { "*57240000", IDB_CODE_MISTYPED },
        { "##", IDB_CODE_MISTYPED },
        { "5724000a", IDB_CODE_BAD },
        { "57240000\n", IDB_CODE_BAD },
        { "572-400-00", IDB_CODE_BAD },
        { "+57240000", IDB_CODE_BAD },
        { "57240000\xc2\xa0", IDB_CODE_BAD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char code[IDB_CODE_SIZE] = "";

        assert_int_equal(idb_code_read(code, cases[i].typed, 8), cases[i].reading);
        if (cases[i].reading == IDB_CODE_GOOD)
            assert_string_equal(code, "57240000");
    }
}

static void no_more_is_read_than_a_telephone_sends(void **state)
{
    char typed[IDB_CODE_TYPED_MAX + 2];
    char code[IDB_CODE_SIZE];

    (void)state;
    memset(typed, '0', sizeof typed);
    typed[IDB_CODE_TYPED_MAX + 1] = '\0';
    assert_int_equal(idb_code_read(code, typed, 12), IDB_CODE_BAD);
    typed[IDB_CODE_TYPED_MAX] = '\0';
    assert_int_equal(idb_code_read(code, typed, 12), IDB_CODE_MISTYPED);
    memset(typed, ' ', IDB_CODE_TYPED_MAX - 12);
    assert_int_equal(idb_code_read(code, typed, 12), IDB_CODE_GOOD);
}

static void a_mac_under_each_key_in_their_order(void **state)
{
    static const unsigned char one[IDB_KEY_SIZE] = { 1 }, two[IDB_KEY_SIZE] = { 2 };
    struct idb_keys keys = {
        .count = 2, .key = { { .hmac = idb_hmac_new(one) }, { .hmac = idb_hmac_new(two) } }
    };
    struct idb_keys turned = { .count = 2, .key = { keys.key[1], keys.key[0] } };
    unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE] = { { 0 } };
    unsigned char other[IDB_KEYS_MAX][IDB_MAC_SIZE];
    unsigned char none[IDB_MAC_SIZE] = { 0 };
    struct idb_error err = { 0 };

    (void)state;
    assert_true(idb_code_macs(macs, &keys, "4821093471", &err));
    assert_memory_not_equal(macs[0], macs[1], IDB_MAC_SIZE);
    assert_memory_equal(macs[2], none, IDB_MAC_SIZE);
    assert_true(idb_code_macs(other, &turned, "4821093471", &err));
    assert_memory_equal(macs[0], other[1], IDB_MAC_SIZE);
    assert_memory_equal(macs[1], other[0], IDB_MAC_SIZE);
    assert_true(idb_code_macs(other, &keys, "4821093472", &err));
    assert_memory_not_equal(macs[0], other[0], IDB_MAC_SIZE);
    assert_memory_not_equal(macs[0], other[1], IDB_MAC_SIZE);
    idb_hmac_free(keys.key[0].hmac);
    idb_hmac_free(keys.key[1].hmac);
}

static void the_chance_of_one_guess(void **state)
{
    (void)state;
    assert_true(idb_code_chance(0, 10) == 0);
    assert_true(idb_code_chance(1, 8) == 1e-7);
    assert_true(idb_code_chance(1000, 10) == 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_check_digits),
        cmocka_unit_test(every_wrong_digit_and_every_swap_is_found),
        cmocka_unit_test(draws_of_every_length_check),
        cmocka_unit_test_teardown(bytes_beyond_the_last_whole_multiple_are_drawn_again, stop),
        cmocka_unit_test(digits_are_uniform),
        cmocka_unit_test_teardown(tickets_have_no_vowels_and_nothing_that_looks_alike, stop),
        cmocka_unit_test_teardown(without_random_bytes_nothing_is_drawn, stop),
        cmocka_unit_test(shown_in_threes),
        cmocka_unit_test(what_was_keyed_in),
        cmocka_unit_test(no_more_is_read_than_a_telephone_sends),
        cmocka_unit_test(a_mac_under_each_key_in_their_order),
        cmocka_unit_test(the_chance_of_one_guess),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
