/* The shape of a request: types, limits, and what is never told back. */
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct idb_member members[] = {
    { "text", JSON_STRING, 5, IDB_REQUIRED },   { "maybe", JSON_STRING, 5, IDB_MAY_BE_EMPTY },
    { "object", JSON_OBJECT, 2, IDB_OPTIONAL }, { "list", JSON_ARRAY, 2, IDB_OPTIONAL },
    { "flag", JSON_TRUE, 0, IDB_OPTIONAL },
};

static bool check(const char *text, struct idb_error *err)
{
    json_t *request = json_loads(text, 0, NULL);
    bool ok;

    if (!request)
        fail_msg("not JSON: %s", text);
    memset(err, 0, sizeof *err);
    ok = idb_request_check(request, members, COUNT(members), err);
    json_decref(request);
    return ok;
}

static void accept(const char *text)
{
    struct idb_error err;

    if (!check(text, &err))
        fail_msg("%s: %s", text, err.message);
}

static void refuse(const char *text, const char *message)
{
    struct idb_error err;

    if (check(text, &err))
        fail_msg("taken: %s", text);
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, "bad_request");
    assert_string_equal(err.message, message);
}

static void accepted(void **state)
{
    (void)state;
    accept("{\"text\":\"a\"}");
    accept("{\"text\":\"abcde\",\"maybe\":\"\",\"object\":{},\"list\":[],\"flag\":true}");
    accept("{\"text\":\"a b\",\"maybe\":\"abcde\",\"object\":{\"a\":1,\"b\":2},\"list\":[1,2],"
           "\"flag\":false}");
    accept("{\"text\":\"\\u00a0\"}"); /* no control: the first after C1 */
    accept("{\"text\":\"\\u20ac\"}"); /* E2 82 AC: its bytes look like controls alone */
    accept("{\"text\":\"\\u0142\"}"); /* C5 82 */
    accept("{\"text\":\"\\u00c2\"}"); /* C3 82 */
}

static void missing(void **state)
{
    (void)state;
    refuse("{}", "\"text\" is missing.");
    refuse("{\"maybe\":\"a\"}", "\"text\" is missing.");
}

static void types(void **state)
{
    static const struct {
        const char *name, *wanted, *fits;
    } cases[] = { { "text", "a text", "\"a\"" },
                  { "maybe", "a text", "\"a\"" },
                  { "object", "an object", "{}" },
                  { "list", "a list", "[]" },
                  { "flag", "true or false", "true" } };
    static const char *const values[] = { "\"a\"", "{}", "[]", "true", "null", "1", "1.5", "0" };
    char request[128], message[128];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t j = 0; j < COUNT(values); j++) {
            if (!strcmp(values[j], cases[i].fits))
                continue;
            snprintf(request, sizeof request, "{\"%s\":%s}", cases[i].name, values[j]);
            snprintf(message, sizeof message, "\"%s\" must be %s.", cases[i].name, cases[i].wanted);
            refuse(request, message);
        }
}

static void limits(void **state)
{
    (void)state;
    refuse("{\"text\":\"abcdef\"}", "\"text\" is too long: at most 5.");
    refuse("{\"text\":\"\\u20ac\\u20ac\"}", "\"text\" is too long: at most 5."); /* bytes */
    refuse("{\"maybe\":\"abcdef\"}", "\"maybe\" is too long: at most 5.");
    refuse("{\"object\":{\"a\":1,\"b\":2,\"c\":3}}", "\"object\" is too long: at most 2.");
    refuse("{\"list\":[1,2,3]}", "\"list\" is too long: at most 2.");
}

static void empty_and_control_characters(void **state)
{
    static const char *const bad[] = { "",        "\\u0001",   "\\t",     "\\n",
                                       "a\\r",    "a\\u001fb", "\\u007f", "\\u0080",
                                       "\\u0085", "a\\u0085b", "\\u009f" };
    char request[64];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(request, sizeof request, "{\"text\":\"%s\"}", bad[i]);
        refuse(request, "\"text\" is empty or holds a control character.");
        if (!bad[i][0])
            continue;
        snprintf(request, sizeof request, "{\"text\":\"a\",\"maybe\":\"%s\"}", bad[i]);
        refuse(request, "\"maybe\" is empty or holds a control character.");
    }
}

static void plain(void **state)
{
    char text[3] = "";

    (void)state;
    assert_false(idb_request_is_plain(""));
    for (int c = 1; c < 0x80; c++) {
        text[0] = (char)c;
        assert_int_equal(idb_request_is_plain(text), c >= ' ' && c != 0x7f);
    }
    text[0] = (char)0xc2;
    for (int c = 0x80; c < 0xc0; c++) {
        text[1] = (char)c;
        assert_int_equal(idb_request_is_plain(text), c >= 0xa0);
    }
}

/* A name that could be somebody's data is not told back. */
static void unknown_names(void **state)
{
    static const char *const data[] = { "999990019",
                                        "Jansen",
                                        "T. Estpersoon",
                                        "a1",
                                        "+31612345678",
                                        "x-y",
                                        "Zo\xc3\xab",
                                        "",
                                        "een_naam_van_meer_dan_32_letters_x" };
    char request[128];

    (void)state;
    refuse("{\"text\":\"a\",\"callid\":\"x\"}", "There is no member \"callid\" here.");
    refuse("{\"text\":\"a\",\"call_id\":null}", "There is no member \"call_id\" here.");
    refuse("{\"text\":\"a\",\"abcdefghijklmnopqrstuvwxyz_abcde\":1}",
           "There is no member \"abcdefghijklmnopqrstuvwxyz_abcde\" here.");
    refuse("{\"text\":\"a\",\"abcdefghijklmnopqrstuvwxyz_abcdef\":1}",
           "There is no member \"(not a known name)\" here.");
    for (size_t i = 0; i < COUNT(data); i++) {
        snprintf(request, sizeof request, "{\"%s\":1}", data[i]);
        refuse(request, "There is no member \"(not a known name)\" here.");
    }
}

/* The value stands in no message. */
static void values_are_not_told(void **state)
{
    static const char *const requests[] = { "{\"text\":\"999990019\"}", "{\"text\":\"9999\\n\"}",
                                            "{\"text\":9999}", "{\"list\":\"9999\"}" };
    struct idb_error err;

    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        assert_false(check(requests[i], &err));
        assert_null(strstr(err.message, "9999"));
    }
}

static void texts(void **state)
{
    json_t *request = json_pack("{s:s, s:i}", "a", "b", "n", 1);

    (void)state;
    assert_string_equal(idb_request_text(request, "a"), "b");
    assert_null(idb_request_text(request, "n"));
    assert_null(idb_request_text(request, "c"));
    assert_null(idb_request_text(NULL, "a"));
    json_decref(request);
}

static void call_id(const char *id, bool good)
{
    struct idb_error err = { 0 };

    assert_int_equal(idb_request_call_id(id, &err), good);
    if (good)
        return;
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, "bad_call_id");
}

static void call_ids(void **state)
{
    char id[IDB_CALL_ID_MAX + 2] = "";

    (void)state;
    call_id("", false);
    for (int c = 1; c < 256; c++) {
        id[0] = (char)c;
        call_id(id, c > ' ' && c < 0x7f);
    }
    memset(id, 'a', sizeof id);
    id[IDB_CALL_ID_MAX] = '\0';
    call_id(id, true);
    id[IDB_CALL_ID_MAX] = 'a';
    id[IDB_CALL_ID_MAX + 1] = '\0';
    call_id(id, false);
    call_id("1732420000.42;a=\"b\"'--", true);
}

static void languages(void **state)
{
    static const struct {
        const char *request, *lang;
    } cases[] = { { "{}", "nl" },
                  { "{\"lang\":\"en\"}", "en" },
                  { "{\"lang\":\"e\"}", NULL },
                  { "{\"lang\":\"eng\"}", NULL },
                  { "{\"lang\":\"EN\"}", NULL },
                  { "{\"lang\":\"e1\"}", NULL },
                  { "{\"lang\":\"\\u00eb\"}", NULL } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *request = json_loads(cases[i].request, 0, NULL);
        struct idb_error err = { 0 };
        const char *lang = NULL;

        assert_int_equal(idb_request_lang(request, &lang, &err), cases[i].lang != NULL);
        if (cases[i].lang)
            assert_string_equal(lang, cases[i].lang);
        else
            assert_string_equal(err.code, "bad_request");
        json_decref(request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(missing),
        cmocka_unit_test(types),
        cmocka_unit_test(limits),
        cmocka_unit_test(empty_and_control_characters),
        cmocka_unit_test(plain),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(values_are_not_told),
        cmocka_unit_test(texts),
        cmocka_unit_test(call_ids),
        cmocka_unit_test(languages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
