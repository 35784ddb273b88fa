/*
 * ID tokens. The input is header, payload and signature in one line each, the
 * signature's as it stands in a token; signed by the provider's key, whatever
 * the header says, so that the claims are reached; and joined with that signature.
 * The input as it is is tried as a token as well. Only what was signed here, and
 * says the right things, may be taken.
 */
#include "idtoken.h"
#include "compact.h"
#include "fuzz.h"
#include "request.h"

#include <strings.h>

#define NONCE  "n-0123456789012345678901234567890123456789x"
#define ACCESS "SlAV32hkKG"

static EVP_PKEY *key;
static json_t *method, *metadata;
static char *jwks;
static char at_hash[IDB_B64_SIZE(16)];

static void setup(void)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    json_t *set =
        json_pack("{s:[o,o]}", "keys", fuzz_public(FUZZ_EC, "e1"), fuzz_public(FUZZ_RSA, "r1"));
    char *text = json_dumps(set, JSON_COMPACT);
    bool ok = EVP_Digest(ACCESS, strlen(ACCESS), hash, NULL, EVP_sha256(), NULL) == 1;

    assert(ok && text);
    idb_b64_encode(at_hash, hash, 16);
    key = fuzz_pkey(FUZZ_EC);
    method = json_pack("{s:s, s:s, s:s}", "issuer", FUZZ_ISSUER, "client_id", FUZZ_CLIENT,
                       "id_token_alg", "ES256");
    metadata = json_pack("{s:s}", "jwks_uri", FUZZ_ISSUER "/jwks");
    jwks = malloc(strlen(text) + 64);
    assert(jwks && method && metadata);
    sprintf(jwks, "200 application/json\n%s", text);
    free(text);
    json_decref(set);
}

/* The token as idb_idtoken_check() takes it. */
static bool take(const char *token, json_t **claims, int64_t *auth_time)
{
    struct idb_provider p = { .method = method, .name = "login" };
    struct idb_expected_login login = { .nonce = NONCE,
                                        .started_at = (int64_t)(FUZZ_NOW - 60) * 1000,
                                        .now = (int64_t)FUZZ_NOW * 1000,
                                        .access_token = ACCESS };
    struct idb_error err = { 0 };
    bool ok;

    p.metadata = json_incref(metadata);
    fuzz_pages[0] = (struct fuzz_page){ .answer = jwks, .size = strlen(jwks) };
    ok = idb_idtoken_check(NULL, &p, token, &login, claims, auth_time, &err);
    fuzz_outcome(ok, &err);
    assert(ok == (*claims != NULL));
    assert(ok || err.exit == (strcmp(err.code, "login_too_old") ? IDB_UNAVAILABLE : IDB_REFUSED));
    idb_provider_clear(&p);
    return ok;
}

static bool is(const json_t *object, const char *member, const char *text)
{
    const json_t *value = json_object_get(object, member);

    return json_string_length(value) == strlen(text) && json_is_string(value)
           && !memcmp(json_string_value(value), text, strlen(text));
}

/* A number between these, seconds from now. */
static bool within(const json_t *claims, const char *member, double from, double to)
{
    const json_t *value = json_object_get(claims, member);
    double n = json_number_value(value) - FUZZ_NOW;

    return json_is_number(value) && n >= from && n <= to;
}

/* RFC 7515 section 4.1, and nothing that chooses a key or a transformation. */
static void check_header(struct fuzz_part text)
{
    static const char *const never[] = { "crit", "zip", "b64", "jwk", "jku", "x5u", "x5c" };
    json_t *header = json_loadb(text.text, text.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *typ = json_object_get(header, "typ");

    assert(is(header, "alg", "ES256"));
    assert(!json_object_get(header, "kid") || is(header, "kid", "e1"));
    assert(!typ || !strcasecmp(json_string_value(typ), "JWT"));
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert(!json_object_get(header, never[i]));
    json_decref(header);
}

/* OpenID Connect Core 1.0 section 3.1.3.7, said once more in other words. */
static void check_claims(struct fuzz_part text, const json_t *taken, int64_t auth_time)
{
    json_t *claims = json_loadb(text.text, text.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *aud = json_object_get(claims, "aud");
    json_t *wrapped = json_is_array(aud) ? NULL : json_pack("{s:O}", "aud", aud);
    const json_t *one = wrapped ? wrapped : NULL;

    assert(json_equal(claims, taken));
    assert(is(claims, "iss", FUZZ_ISSUER) && is(claims, "nonce", NONCE));
    assert(json_string_length(json_object_get(claims, "sub")) > 0);
    if (one)
        assert(is(one, "aud", FUZZ_CLIENT));
    else
        assert(json_array_size(aud) == 1
               && !strcmp(json_string_value(json_array_get(aud, 0)), FUZZ_CLIENT));
    assert(!json_object_get(claims, "azp") || is(claims, "azp", FUZZ_CLIENT));
    assert(!json_object_get(claims, "at_hash") || is(claims, "at_hash", at_hash));
    assert(within(claims, "exp", -60, 1e12) && !within(claims, "exp", -60, -60));
    assert(within(claims, "iat", -600, 60) && within(claims, "auth_time", -120, 60));
    assert(!json_object_get(claims, "nbf") || within(claims, "nbf", -FUZZ_NOW, 60));
    assert(auth_time <= (int64_t)FUZZ_NOW * 1000 && auth_time >= (int64_t)(FUZZ_NOW - 120) * 1000);
    json_decref(wrapped);
    json_decref(claims);
}

static void try_signed(struct fuzz_part header, struct fuzz_part payload)
{
    char *token = fuzz_sign(header, payload, key);
    json_t *claims = NULL;
    int64_t auth_time = 0;

    if (take(token, &claims, &auth_time)) {
        check_header(header);
        check_claims(payload, claims, auth_time);
    }
    json_decref(claims);
    free(token);
}

/* What nobody signed is never taken. */
static void try_unsigned(const char *token)
{
    json_t *claims = NULL;
    int64_t auth_time = 0;
    bool ok = take(token, &claims, &auth_time);

    assert(!ok);
}

static void try_joined(struct fuzz_part header, struct fuzz_part payload, struct fuzz_part rest)
{
    char *token = malloc(IDB_B64_SIZE(header.n) + IDB_B64_SIZE(payload.n) + rest.n + 1);
    char *end;

    assert(token);
    end = fuzz_encode(token, header.text, header.n);
    *end++ = '.';
    end = fuzz_encode(end, payload.text, payload.n);
    *end++ = '.';
    memcpy(end, rest.text, rest.n);
    end[rest.n] = '\0';
    try_unsigned(token);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part parts[3];
    char *raw;

    if (!key)
        setup();
    if (fuzz_split(parts, 3, data, size) > 1) {
        try_signed(parts[0], parts[1]);
        try_joined(parts[0], parts[1], parts[2]);
        return 0;
    }
    raw = fuzz_text(data, size);
    try_unsigned(raw);
    free(raw);
    return 0;
}
