/* A provider's key set, and the choice of a key for tokens that are good. */
#include "compact.h"
#include "fuzz.h"
#include "jwt.h"
#include "provider.h"
#include "request.h"

struct token {
    const char *alg;
    const char *kid;
    const char *key;  /* that signed it */
    const char *mark; /* the member that tells its public key from others */
    char *text;
};

static struct token tokens[] = { { "ES256", "e1", FUZZ_EC, "x", NULL },
                                 { "ES256", NULL, FUZZ_EC, "x", NULL },
                                 { "RS256", "r1", FUZZ_RSA, "n", NULL },
                                 { "RS256", NULL, FUZZ_RSA, "n", NULL } };

#define TOKENS (sizeof tokens / sizeof tokens[0])

static void setup(void)
{
    static const struct fuzz_part payload = { "{\"sub\":\"anna\"}", 14 };

    for (size_t i = 0; i < TOKENS; i++) {
        EVP_PKEY *key = fuzz_pkey(tokens[i].key);
        char header[64];

        if (tokens[i].kid)
            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", tokens[i].alg,
                     tokens[i].kid);
        else
            snprintf(header, sizeof header, "{\"alg\":\"%s\"}", tokens[i].alg);
        tokens[i].text = fuzz_sign((struct fuzz_part){ header, strlen(header) }, payload, key);
        EVP_PKEY_free(key);
    }
}

/* The number that a base64url text is, without leading zeros. */
static json_t *number(const json_t *text)
{
    const char *s = json_string_value(text);
    struct idb_segment segment = { s, s ? strlen(s) : 0 };
    size_t n = 0;
    size_t zeros = 0;
    unsigned char *bytes = s ? idb_compact_decode(&segment, &n) : NULL;
    json_t *encoded;

    while (bytes && zeros < n && !bytes[zeros])
        zeros++;
    encoded = bytes ? idb_compact_encode(bytes + zeros, n - zeros) : NULL;
    free(bytes);
    return encoded;
}

/* How many keys of the set are the one that signed, under the token's kid if it has one. */
static int count(const json_t *jwks, const struct token *t)
{
    const json_t *keys = json_object_get(jwks, "keys");
    json_t *own = fuzz_json(t->key);
    int found = 0;
    size_t i;
    const json_t *key;

    json_array_foreach ((json_t *)keys, i, key) {
        json_t *mark = number(json_object_get(key, t->mark));

        found += mark && json_equal(mark, json_object_get(own, t->mark))
                 && (!t->kid || idb_compact_is_text(key, "kid", t->kid));
        json_decref(mark);
    }
    json_decref(own);
    return found;
}

static void verify(const json_t *jwks, const struct token *t)
{
    struct idb_error err = { 0 };
    json_t *payload = NULL;
    bool unknown = false;
    bool ok = idb_jwt_verify(&payload, t->text, t->alg, jwks, &unknown, &err);

    fuzz_fails_with(ok, &err, "bad_token_signature");
    assert(ok == (payload != NULL));
    assert(!ok || !unknown);
    /* Only with the key that signed; the same key twice may not be chosen between. */
    if (ok)
        assert(count(jwks, t) >= 1);
    json_decref(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idb_provider p = { .name = "login" };
    struct idb_error err = { 0 };
    bool ok;

    if (!tokens[0].text)
        setup();
    p.method = json_pack("{s:s}", "issuer", FUZZ_ISSUER);
    p.metadata = json_pack("{s:s}", "jwks_uri", FUZZ_ISSUER "/jwks");
    fuzz_answers(data, size);
    ok = idb_provider_keys(&p, &err);
    fuzz_outcome(ok, &err);
    assert(!ok || json_is_array(json_object_get(p.jwks, "keys")));
    for (size_t i = 0; ok && i < TOKENS; i++)
        verify(p.jwks, &tokens[i]);
    json_decref((json_t *)p.method);
    idb_provider_clear(&p);
    return 0;
}
