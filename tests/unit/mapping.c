/* From claims to attributes and levels: what is configured comes through, in the
 * form it must have, and nothing else. */
#include "mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idb_config config;
static struct idb_app app = { .config = &config };

static int setup(void **state)
{
    (void)state;
    config.root = json_loads(
        "{\"levels\":[\"low\",\"substantial\",\"high\"],"
        "\"attributes\":{\"bsn\":{\"type\":\"bsn\"},\"name\":{},\"code\":{}},"
        "\"purposes\":{\"bsn\":{\"attributes\":[\"bsn\"]},\"name\":{\"attributes\":[\"name\"]},"
        "\"both\":{\"attributes\":[\"bsn\",\"name\"],\"minimum_level\":\"substantial\"}}}",
        0, NULL);
    return config.root ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(config.root);
    return 0;
}

/* Maps one purpose's attributes; the error word or NULL. *attributes the caller's. */
static const char *map(const char *purpose, const char *claims, const char *id_token,
                       const char *userinfo, json_t **attributes)
{
    struct idb_error err = { 0 };
    json_t *method = json_pack("{s:o}", "claims", json_loads(claims, 0, NULL));
    json_t *token = json_loads(id_token, 0, NULL);
    json_t *info = userinfo ? json_loads(userinfo, 0, NULL) : NULL;
    bool ok = idb_mapping_attributes(&app, purpose, method, token, info, attributes, &err);

    assert_int_equal(ok, !err.code);
    if (!ok)
        assert_null(*attributes);
    assert_null(err.code ? strstr(err.message, "hush") : NULL);
    json_decref(method);
    json_decref(token);
    json_decref(info);
    return err.code;
}

static void maps(const char *purpose, const char *claims, const char *id_token,
                 const char *userinfo, const char *expected)
{
    json_t *wanted = json_loads(expected, 0, NULL);
    json_t *attributes = NULL;
    const char *error = map(purpose, claims, id_token, userinfo, &attributes);

    if (error || !json_equal(attributes, wanted))
        fail_msg("%s of %s: %s", claims, id_token, error ? error : "other attributes");
    json_decref(attributes);
    json_decref(wanted);
}

static void refuses(const char *word, const char *purpose, const char *claims, const char *id_token,
                    const char *userinfo)
{
    json_t *attributes = NULL;
    const char *error = map(purpose, claims, id_token, userinfo, &attributes);

    if (!error || strcmp(error, word) != 0)
        fail_msg("%s of %s: %s", claims, id_token, error ? error : "mapped");
}

#define NAME "{\"name\":\"n\"}"
#define BSN  "{\"bsn\":\"b\"}"

static void types(void **state)
{
    (void)state;
    maps("name", NAME, "{\"n\":\"Zo\xc3\xab\"}", NULL, "{\"name\":\"Zo\xc3\xab\"}");
    maps("name", NAME, "{\"n\":12}", NULL, "{\"name\":\"12\"}");
    maps("name", NAME, "{\"n\":-9007199254740993}", NULL, "{\"name\":\"-9007199254740993\"}");
    maps("name", NAME, "{\"n\":true}", NULL, "{\"name\":\"true\"}");
    maps("name", NAME, "{\"n\":false}", NULL, "{\"name\":\"false\"}");
    maps("name", NAME, "{\"n\":\"<b>&\\\"'\"}", NULL, "{\"name\":\"<b>&\\\"'\"}");
    refuses("bad_claim", "name", NAME, "{\"n\":1.5}", NULL);
    refuses("bad_claim", "name", NAME, "{\"n\":[\"hush\"]}", NULL);
    refuses("bad_claim", "name", NAME, "{\"n\":{\"hush\":1}}", NULL);
    refuses("bad_claim", "name", NAME, "{\"n\":\"\"}", NULL);
    refuses("bad_claim", "name", NAME, "{\"n\":\"hush\\n\"}", NULL);
    refuses("bad_claim", "name", NAME, "{\"n\":\"hush\\u007f\"}", NULL);
    refuses("bad_claim", "name", NAME, "{\"n\":\"hush\\u0085\"}", NULL);
}

static void sizes(void **state)
{
    char token[IDB_VALUE_MAX + 64], expected[IDB_VALUE_MAX + 64];

    (void)state;
    snprintf(token, sizeof token, "{\"n\":\"%0*d\"}", IDB_VALUE_MAX, 7);
    snprintf(expected, sizeof expected, "{\"name\":\"%0*d\"}", IDB_VALUE_MAX, 7);
    maps("name", NAME, token, NULL, expected);
    snprintf(token, sizeof token, "{\"n\":\"%0*d\"}", IDB_VALUE_MAX + 1, 7);
    refuses("bad_claim", "name", NAME, token, NULL);
}

static void paths(void **state)
{
    static const char deep[] = "{\"a\":{\"b\":{\"c\":\"deep\"}}}";

    (void)state;
    maps("name", "{\"name\":\"a.b.c\"}", deep, NULL, "{\"name\":\"deep\"}");
    refuses("attribute_missing", "name", "{\"name\":\"a.b.d\"}", deep, NULL);
    refuses("attribute_missing", "name", "{\"name\":\"a.b.c.d\"}", deep, NULL);
    refuses("attribute_missing", "name", "{\"name\":\"a..c\"}", deep, NULL);
    refuses("attribute_missing", "name", "{\"name\":\".a\"}", deep, NULL);
    refuses("attribute_missing", "name", "{\"name\":\"a.\"}", deep, NULL);
    refuses("attribute_missing", "name", "{\"name\":\"A.b.c\"}", deep, NULL);
    refuses("bad_claim", "name", "{\"name\":\"a.b\"}", deep, NULL);
    /* A whole name goes before a path; so names may be addresses. */
    maps("name", "{\"name\":\"a.b\"}", "{\"a\":{\"b\":\"path\"},\"a.b\":\"whole\"}", NULL,
         "{\"name\":\"whole\"}");
    maps("name", "{\"name\":\"https://example.org/name\"}", "{\"https://example.org/name\":\"x\"}",
         NULL, "{\"name\":\"x\"}");
    maps("name", "{\"name\":\"a.https://example.org/n.b\"}",
         "{\"a\":{\"https://example.org/n\":1,\"https://example.org/n.b\":\"x\"}}", NULL,
         "{\"name\":\"x\"}");
    refuses("attribute_missing", "name", "{\"name\":\"a.0\"}", "{\"a\":[\"x\"]}", NULL);
}

static void sources(void **state)
{
    (void)state;
    maps("name", NAME, "{}", "{\"n\":\"info\"}", "{\"name\":\"info\"}");
    maps("name", NAME, "{\"n\":\"token\"}", "{\"n\":\"info\"}", "{\"name\":\"token\"}");
    refuses("attribute_missing", "name", NAME, "{}", NULL);
    refuses("attribute_missing", "name", NAME, "{}", "{}");
    refuses("attribute_missing", "name", NAME, "{\"n\":null}", "{\"n\":\"info\"}");
    refuses("attribute_missing", "name", NAME, "{}", "{\"n\":null}");
    /* Just the purpose's, each from where it is. */
    maps("both", "{\"name\":\"n\",\"bsn\":\"b\",\"code\":\"c\"}", "{\"n\":\"N\",\"c\":1,\"x\":2}",
         "{\"b\":\"999990019\",\"c\":3}", "{\"name\":\"N\",\"bsn\":\"999990019\"}");
    refuses("attribute_missing", "both", NAME, "{\"n\":\"N\",\"b\":\"999990019\"}", NULL);
}

static void missing(void **state)
{
    static const struct {
        const char *token;
        bool missing;
    } cases[] = {
        { "{\"n\":\"N\",\"b\":\"999990019\"}", false },
        { "{\"n\":\"N\"}", true },
        { "{\"b\":\"999990019\"}", true },
        { "{}", true },
        { "{\"n\":\"N\",\"b\":null}", false },
    };
    json_t *method = json_loads("{\"claims\":{\"name\":\"n\",\"bsn\":\"b\"}}", 0, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *token = json_loads(cases[i].token, 0, NULL);

        assert_int_equal(idb_mapping_is_missing(&app, "both", method, token), cases[i].missing);
        json_decref(token);
    }
    json_decref(method);
}

static void bsn(void **state)
{
    static const char *const refused[] = {
        "\"999990018\"",
        "\"99999001\"",
        "\"9999900190\"",
        "\"000000000\"",
        "\" 999990019\"",
        "\"999990019 \"",
        "\"9999.90.019\"",
        "\"99999001x\"",
        "\"s00000001:999990019\"",
        "\"s0000000:999990019\"",
        "\"S00000000:999990019\"",
        "\"s00000000:\"",
        "\"s00000000:999990018\"",
        "\"s00000000:s00000000:999990019\"",
        "\"\\uff19\\uff19\\uff19\\uff19\\uff19\\uff10\\uff10\\uff11\\uff19\"",
        "\"999990019\\n\"",
        "true",
        "[\"999990019\"]",
        "-999990019",
        "99999001.9",
        "1e8",
    };

    (void)state;
    maps("bsn", BSN, "{\"b\":\"999990019\"}", NULL, "{\"bsn\":\"999990019\"}");
    maps("bsn", BSN, "{\"b\":999990019}", NULL, "{\"bsn\":\"999990019\"}");
    maps("bsn", BSN, "{\"b\":\"s00000000:999990019\"}", NULL, "{\"bsn\":\"999990019\"}");
    maps("bsn", BSN, "{\"b\":\"010464554\"}", NULL, "{\"bsn\":\"010464554\"}");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char token[128];
        json_t *valid;

        snprintf(token, sizeof token, "{\"b\":%s}", refused[i]);
        valid = json_loads(token, 0, NULL);
        assert_non_null(valid);
        refuses("bad_claim", "bsn", BSN, token, NULL);
        json_decref(valid);
    }
    /* A prefix means something in a BSN only. */
    maps("name", NAME, "{\"n\":\"s00000000:999990019\"}", NULL,
         "{\"name\":\"s00000000:999990019\"}");
}

/* ---- levels ---- */

#define RULE                                                                                       \
    "{\"level\":{\"claim\":\"acr\",\"values\":{\"http://eidas.europa.eu/LoA/low\":\"low\","        \
    "\"http://eidas.europa.eu/LoA/substantial\":\"substantial\",\"high\":\"high\"}}}"

/* The level's name, or the error word. */
static const char *level(const char *purpose, const char *method, const char *token,
                         enum idb_exit *exit)
{
    static char name[64];
    struct idb_error err = { 0 };
    json_t *m = json_loads(method, 0, NULL);
    json_t *claims = json_loads(token, 0, NULL);
    const char *found = NULL;
    bool ok = idb_mapping_level(&app, purpose, m, claims, &found, &err);

    assert_non_null(m);
    assert_non_null(claims);
    assert_int_equal(ok, !err.code);
    snprintf(name, sizeof name, "%s", ok ? found : err.code);
    *exit = err.exit;
    json_decref(m);
    json_decref(claims);
    return name;
}

static void levels(void **state)
{
    static const struct {
        const char *purpose;
        const char *token;
        const char *level;
    } cases[] = {
        { "both", "{\"acr\":\"http://eidas.europa.eu/LoA/substantial\"}", "substantial" },
        { "both", "{\"acr\":\"high\"}", "high" },
        { "both", "{\"acr\":\"http://eidas.europa.eu/LoA/low\"}", "level_too_low" },
        { "name", "{\"acr\":\"http://eidas.europa.eu/LoA/low\"}", "low" },
        { "both", "{}", "level_too_low" },
        { "both", "{\"acr\":null}", "level_too_low" },
        { "both", "{\"acr\":\"\"}", "level_too_low" },
        { "both", "{\"acr\":\"high\\n\"}", "level_too_low" },
        { "both", "{\"acr\":\" high\"}", "level_too_low" },
        { "both", "{\"acr\":\"HIGH\"}", "level_too_low" },
        { "both", "{\"acr\":\"highest\"}", "level_too_low" },
        { "both", "{\"acr\":\"hig\"}", "level_too_low" },
        { "both", "{\"acr\":\"substantial\"}", "level_too_low" },
        { "both", "{\"acr\":\"https://eidas.europa.eu/LoA/substantial\"}", "level_too_low" },
        { "both", "{\"acr\":\"http://eidas.europa.eu/LoA/Substantial\"}", "level_too_low" },
        { "both", "{\"acr\":[\"high\"]}", "level_too_low" },
        { "both", "{\"acr\":3}", "level_too_low" },
        { "both", "{\"acr\":true}", "level_too_low" },
        { "both", "{\"loa\":\"high\"}", "level_too_low" },
        { "name", "{}", "level_too_low" },
        { "name", "{\"acr\":\"other\"}", "level_too_low" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum idb_exit exit;
        const char *got = level(cases[i].purpose, RULE, cases[i].token, &exit);

        if (strcmp(got, cases[i].level) != 0)
            fail_msg("%s for %s: %s", cases[i].token, cases[i].purpose, got);
        assert_int_equal(exit, strcmp(got, "level_too_low") ? IDB_OK : IDB_REFUSED);
    }
}

/* The order is the configuration's; a level that it does not list is below all. */
static void level_rules(void **state)
{
    enum idb_exit exit;

    (void)state;
    assert_string_equal(level("name", "{}", "{\"acr\":\"high\"}", &exit), "");
    assert_string_equal(level("both", "{}", "{\"acr\":\"high\"}", &exit), "level_too_low");
    assert_string_equal(level("both",
                              "{\"level\":{\"claim\":\"a.loa_authn\","
                              "\"values\":{\"x\":\"high\",\"y\":\"unknown\"}}}",
                              "{\"a\":{\"loa_authn\":\"x\"}}", &exit),
                        "high");
    assert_string_equal(level("name",
                              "{\"level\":{\"claim\":\"acr\",\"values\":{\"y\":\"unknown\"}}}",
                              "{\"acr\":\"y\"}", &exit),
                        "level_too_low");
    assert_string_equal(level("name",
                              "{\"level\":{\"claim\":\"acr\",\"values\":{\"comment\":\"see the"
                              " agreement\",\"y\":\"low\"}}}",
                              "{\"acr\":\"comment\"}", &exit),
                        "level_too_low");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),   cmocka_unit_test(sizes),       cmocka_unit_test(paths),
        cmocka_unit_test(sources), cmocka_unit_test(missing),     cmocka_unit_test(bsn),
        cmocka_unit_test(levels),  cmocka_unit_test(level_rules),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
