/* request.h: the shape of a request, and that no refusal tells a value back. */
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct idb_member members[] = { { "text", JSON_STRING, 5, IDB_REQUIRED },
                                             { "flag", JSON_TRUE, 0, IDB_OPTIONAL },
                                             { "list", JSON_ARRAY, 2, IDB_OPTIONAL },
                                             { "object", JSON_OBJECT, 1, IDB_OPTIONAL },
                                             { "maybe", JSON_STRING, 5, IDB_MAY_BE_EMPTY } };

static bool check(const char *text, struct idb_error *err)
{
    json_t *request = json_loads(text, 0, NULL);
    bool ok;

    assert_non_null(request);
    ok = idb_request_check(request, members, 5, err);
    json_decref(request);
    return ok;
}

static void what_is_allowed(void **state)
{
    static const char *const good[] = {
        "{\"text\":\"a\"}",
        "{\"text\":\"abcde\",\"flag\":true}",
        "{\"text\":\"a\",\"flag\":false}",
        "{\"text\":\"a\",\"list\":[]}",
        "{\"text\":\"a\",\"list\":[1,{}]}",
        "{\"text\":\"a\",\"object\":{}}",
        "{\"text\":\"a\",\"object\":{\"b\":1}}",
        "{\"text\":\"\xc3\xab\xc3\xab\",\"maybe\":\"\"}",
    };
    struct idb_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!check(good[i], &err))
            fail_msg("%s: %s", good[i], err.message);
}

static void what_is_not(void **state)
{
    static const char *const bad[][2] = {
        { "{}", "text" },
        { "{\"flag\":true}", "text" },
        { "{\"text\":null}", "text" },
        { "{\"text\":7}", "text" },
        { "{\"text\":true}", "text" },
        { "{\"text\":[\"a\"]}", "text" },
        { "{\"text\":\"\"}", "text" },
        { "{\"text\":\"abcdef\"}", "text" },
        { "{\"text\":\"\xc3\xab\xc3\xab\xc3\xab\"}", "text" }, /* six bytes */
        { "{\"text\":\"a\\tb\"}", "text" },
        { "{\"text\":\"a\\u007f\"}", "text" },
        { "{\"text\":\"a\",\"flag\":1}", "flag" },
        { "{\"text\":\"a\",\"flag\":\"true\"}", "flag" },
        { "{\"text\":\"a\",\"flag\":null}", "flag" },
        { "{\"text\":\"a\",\"list\":{}}", "list" },
        { "{\"text\":\"a\",\"list\":[1,2,3]}", "list" },
        { "{\"text\":\"a\",\"object\":[]}", "object" },
        { "{\"text\":\"a\",\"object\":{\"b\":1,\"c\":2}}", "object" },
        { "{\"text\":\"a\",\"maybe\":\"\\n\"}", "maybe" },
        { "{\"text\":\"a\",\"maybe\":0}", "maybe" },
        { "{\"text\":\"a\",\"other\":1}", "other" },
        { "{\"text\":\"a\",\"Text\":\"a\"}", "not a known name" },
        { "{\"text\":\"a\",\"999990019\":1}", "not a known name" },
        { "{\"text\":\"a\",\"\":1}", "not a known name" },
        { "{\"text\":\"a\",\"text \":1}", "not a known name" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct idb_error err = { 0 };

        if (check(bad[i][0], &err))
            fail_msg("%s was taken", bad[i][0]);
        assert_int_equal(err.exit, IDB_DATA);
        assert_string_equal(err.code, "bad_request");
        if (!strstr(err.message, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], err.message);
        assert_null(strstr(err.message, "999990019"));
        assert_null(strstr(err.message, "abcdef"));
    }
}

static void texts(void **state)
{
    json_t *request = json_pack("{s:s, s:i}", "text", "a", "number", 1);

    (void)state;
    assert_string_equal(idb_request_text(request, "text"), "a");
    assert_null(idb_request_text(request, "number"));
    assert_null(idb_request_text(request, "none"));
    json_decref(request);
}

static void call_ids(void **state)
{
    static const char *const bad[] = { "", " ", "a b", "a\t", "\x7f", "\xc3\xab", "a\n" };
    char longest[IDB_CALL_ID_MAX + 2];
    struct idb_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(&err, 0, sizeof err);
        assert_false(idb_request_call_id(bad[i], &err));
        assert_int_equal(err.exit, IDB_DATA);
        assert_string_equal(err.code, "bad_call_id");
    }
    for (char c = '!'; c <= '~'; c++) {
        char id[2] = { c, '\0' };

        assert_true(idb_request_call_id(id, &err));
    }
    memset(longest, 'x', sizeof longest);
    longest[IDB_CALL_ID_MAX + 1] = '\0';
    assert_false(idb_request_call_id(longest, &err));
    longest[IDB_CALL_ID_MAX] = '\0';
    assert_true(idb_request_call_id(longest, &err));
}

static void languages(void **state)
{
    static const char *const bad[] = { "n", "nld", "NL", "n1", "n ", "", "\xc3\xab" };
    json_t *request = json_object();
    struct idb_error err = { 0 };
    const char *lang = NULL;

    (void)state;
    assert_true(idb_request_lang(request, &lang, &err));
    assert_string_equal(lang, "nl");
    json_object_set_new(request, "lang", json_string("en"));
    assert_true(idb_request_lang(request, &lang, &err));
    assert_string_equal(lang, "en");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_object_set_new(request, "lang", json_string(bad[i]));
        assert_false(idb_request_lang(request, &lang, &err));
        assert_string_equal(err.code, "bad_request");
    }
    json_decref(request);
}

static void plain_texts(void **state)
{
    (void)state;
    assert_true(idb_request_is_plain("a"));
    assert_true(idb_request_is_plain("Zo\xc3\xab \xe5\x8c\x97"));
    assert_false(idb_request_is_plain(""));
    assert_false(idb_request_is_plain("a\x1f"));
    assert_false(idb_request_is_plain("\x7f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed), cmocka_unit_test(what_is_not),
        cmocka_unit_test(texts),           cmocka_unit_test(call_ids),
        cmocka_unit_test(languages),       cmocka_unit_test(plain_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
