/* call.h: no two calls share a hash or a binding. */
#include "call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void hash_is_of_line_and_call(void **state)
{
    static const char *const calls[][2] = { { "kcc", "c-1" }, { "kcc", "c-2" }, { "kc", "cc-1" },
                                            { "kccc", "-1" }, { "c-1", "kcc" }, { "kcc", "" } };
    unsigned char hash[6][IDB_MAC_SIZE];
    unsigned char again[IDB_MAC_SIZE];
    struct idb_error err = { 0 };

    (void)state;
    for (int i = 0; i < 6; i++) {
        assert_true(idb_call_hash(hash[i], calls[i][0], calls[i][1], &err));
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(hash[i], hash[j], IDB_MAC_SIZE);
    }
    assert_true(idb_call_hash(again, "kcc", "c-1", &err));
    assert_memory_equal(again, hash[0], IDB_MAC_SIZE);
}

struct binding {
    unsigned char secret;
    const char *session;
    const char *line;
    const char *call_id;
    int64_t called_at;
};

static void bind(unsigned char bound[IDB_MAC_SIZE], const struct binding *b)
{
    const unsigned char secret[IDB_KEY_SIZE] = { b->secret };
    struct idb_key key = { .hmac = idb_hmac_new(secret) };
    struct idb_error err = { 0 };

    assert_true(idb_call_bind(bound, &key, b->session, b->line, b->call_id, b->called_at, &err));
    idb_hmac_free(key.hmac);
}

static void binding_is_of_all_its_parts(void **state)
{
    static const struct binding bindings[] = {
        { 1, "s1", "kcc", "c-1", 1000 }, { 2, "s1", "kcc", "c-1", 1000 },
        { 1, "s2", "kcc", "c-1", 1000 }, { 1, "s1", "two", "c-1", 1000 },
        { 1, "s1", "kcc", "c-2", 1000 }, { 1, "s1", "kcc", "c-1", 1001 },
        { 1, "s1k", "cc", "c-1", 1000 }, { 1, "s1", "kccc", "-1", 1000 },
        { 1, "s1", "kcc", "c-11", 000 }, { 1, "kcc", "s1", "c-1", 1000 },
    };
    enum { N = sizeof bindings / sizeof bindings[0] };
    unsigned char bound[N][IDB_MAC_SIZE];
    unsigned char again[IDB_MAC_SIZE];

    (void)state;
    for (int i = 0; i < N; i++) {
        bind(bound[i], &bindings[i]);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(bound[i], bound[j], IDB_MAC_SIZE);
    }
    bind(again, &bindings[0]);
    assert_memory_equal(again, bound[0], IDB_MAC_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_of_line_and_call),
        cmocka_unit_test(binding_is_of_all_its_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
