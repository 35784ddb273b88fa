/* The sealed record: only the web zone makes one, only the desk reads it. */
#include "seal.h"

#include "jose.h"

#include <jose/jwk.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Both zones' halves of both keys. */
static struct idb_keys issue_private, issue_public, seal_private, seal_public;

static void make_pair(struct idb_keys *private, struct idb_keys *public, const char *id)
{
    json_t *jwk = json_pack("{s:s, s:s}", "kty", "EC", "crv", "P-256");

    assert_true(jose_jwk_gen(NULL, jwk));
    *private = (struct idb_keys){ .count = 1 };
    *public = (struct idb_keys){ .count = 1 };
    memcpy(private->key[0].id, id, IDB_KEY_ID_SIZE);
    memcpy(public->key[0].id, id, IDB_KEY_ID_SIZE);
    private->key[0].jwk = jwk;
    public->key[0].jwk = json_deep_copy(jwk);
    json_object_del(public->key[0].jwk, "d");
}

static int setup(void **state)
{
    (void)state;
    make_pair(&issue_private, &issue_public, "00000000000000a1");
    make_pair(&seal_private, &seal_public, "00000000000000b1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(issue_private.key[0].jwk);
    json_decref(issue_public.key[0].jwk);
    json_decref(seal_private.key[0].jwk);
    json_decref(seal_public.key[0].jwk);
    return 0;
}

static json_t *record_new(void)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s}}", "session", "s1", "purpose", "status", "attributes",
                     "bsn", "999990019", "name", "Zo\xc3\xab");
}

static char *sealed_new(void)
{
    struct idb_error err = { 0 };
    json_t *record = record_new();
    char *sealed = NULL;

    assert_true(idb_seal(&sealed, record, &issue_private, &seal_public, &err));
    json_decref(record);
    return sealed;
}

static void round_trip(void **state)
{
    struct idb_error err = { 0 };
    json_t *expected = record_new();
    json_t *record = NULL;
    char *sealed = sealed_new();

    (void)state;
    assert_true(idb_unseal(&record, sealed, &seal_private, &issue_public, &err));
    assert_true(json_equal(record, expected));
    json_decref(record);
    json_decref(expected);
    free(sealed);
}

static void refuse(const char *sealed, const struct idb_keys *seal, const struct idb_keys *issue,
                   enum idb_exit exit, const char *code)
{
    struct idb_error err = { 0 };
    json_t *record = NULL;

    assert_false(idb_unseal(&record, sealed, seal, issue, &err));
    assert_null(record);
    assert_int_equal(err.exit, exit);
    assert_string_equal(err.code, code);
}

/* Whoever has the public key alone can make a JWE that opens; the signature
 * inside is what he lacks. */
static void sealed_without_signature(void **state)
{
    struct idb_error err = { 0 };
    char *token = NULL;

    (void)state;
    assert_true(idb_jwe_seal(&token, "{\"session\":\"s1\"}", "idb-sealed", &seal_public, &err));
    refuse(token, &seal_private, &issue_public, IDB_SOFTWARE, "forged");
    free(token);
}

static void signed_by_another(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys mine, mine_public;
    json_t *record = record_new();
    char *sealed = NULL;

    (void)state;
    make_pair(&mine, &mine_public, issue_private.key[0].id);
    assert_true(idb_seal(&sealed, record, &mine, &seal_public, &err));
    refuse(sealed, &seal_private, &issue_public, IDB_SOFTWARE, "forged");
    json_decref(mine.key[0].jwk);
    json_decref(mine_public.key[0].jwk);
    json_decref(record);
    free(sealed);
}

static void another_typ_inside(void **state)
{
    struct idb_error err = { 0 };
    json_t *record = record_new();
    char *jws = NULL;
    char *token = NULL;

    (void)state;
    assert_true(idb_jws_sign(&jws, record, "idb-other", &issue_private.key[0], &err));
    assert_true(idb_jwe_seal(&token, jws, "idb-sealed", &seal_public, &err));
    refuse(token, &seal_private, &issue_public, IDB_SOFTWARE, "forged");
    json_decref(record);
    free(token);
    idb_text_free(jws);
}

static void key_destroyed(void **state)
{
    struct idb_keys fresh, fresh_public;
    char *sealed = sealed_new();

    (void)state;
    make_pair(&fresh, &fresh_public, "00000000000000b2");
    refuse(sealed, &fresh, &issue_public, IDB_REFUSED, "key_destroyed");
    json_decref(fresh.key[0].jwk);
    json_decref(fresh_public.key[0].jwk);
    free(sealed);
}

static void every_byte_counts(void **state)
{
    char *sealed = sealed_new();
    size_t dot = strcspn(sealed, ".");

    (void)state;
    for (size_t i = dot; i < strlen(sealed); i += 7) {
        char kept = sealed[i];

        sealed[i] = kept == 'A' ? 'B' : 'A';
        refuse(sealed, &seal_private, &issue_public, IDB_SOFTWARE, "forged");
        sealed[i] = kept;
    }
    free(sealed);
}

static void too_large(void **state)
{
    struct idb_error err = { 0 };
    char *filler = malloc(IDB_SEALED_MAX + 2);
    json_t *record;
    char *sealed = NULL;

    (void)state;
    memset(filler, 'x', IDB_SEALED_MAX + 1);
    filler[18000] = '\0';
    record = json_pack("{s:s}", "x", filler);
    assert_true(idb_seal(&sealed, record, &issue_private, &seal_public, &err));
    assert_true(strlen(sealed) <= IDB_SEALED_MAX);
    free(sealed);
    json_decref(record);
    filler[18000] = 'x';
    filler[20000] = '\0';
    record = json_pack("{s:s}", "x", filler);
    assert_false(idb_seal(&sealed, record, &issue_private, &seal_public, &err));
    assert_null(sealed);
    assert_int_equal(err.exit, IDB_DATA);
    assert_string_equal(err.code, "too_large");
    json_decref(record);
    filler[20000] = 'x';
    filler[IDB_SEALED_MAX + 1] = '\0';
    refuse(filler, &seal_private, &issue_public, IDB_SOFTWARE, "forged");
    free(filler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),        cmocka_unit_test(sealed_without_signature),
        cmocka_unit_test(signed_by_another), cmocka_unit_test(another_typ_inside),
        cmocka_unit_test(key_destroyed),     cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(too_large),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
