/* What a provider answers to the code, to a pushed request and at userinfo. */
#include "fuzz.h"
#include "jose.h"
#include "provider.h"
#include "request.h"

#include <strings.h>

static struct idb_config config;
static struct idb_app app = { .config = &config };

static json_t *metadata, *jwks;
static json_t *methods[2]; /* userinfo plain, and signed */

static void setup(void)
{
    metadata = json_pack("{s:s, s:s, s:s, s:s}", "issuer", FUZZ_ISSUER, "token_endpoint",
                         FUZZ_ISSUER "/token", "userinfo_endpoint", FUZZ_ISSUER "/userinfo",
                         "pushed_authorization_request_endpoint", FUZZ_ISSUER "/par");
    jwks = json_pack("{s:[o]}", "keys", fuzz_public(FUZZ_EC, "e1"));
    methods[0] = json_pack("{s:s, s:s, s:s}", "issuer", FUZZ_ISSUER, "client_id", FUZZ_CLIENT,
                           "client_auth", "client_secret_basic");
    methods[1] = json_pack("{s:s, s:s, s:s, s:s}", "issuer", FUZZ_ISSUER, "client_id", FUZZ_CLIENT,
                           "client_auth", "client_secret_post", "userinfo_alg", "ES256");
    assert(metadata && jwks && methods[0] && methods[1]);
}

/* RFC 6749 section 5.1, RFC 6750 section 2.1. */
static void check_tokens(const json_t *tokens)
{
    const char *access = idb_request_text(tokens, "access_token");
    const char *type = idb_request_text(tokens, "token_type");

    assert(json_is_object(tokens) && access && access[0] && type && !strcasecmp(type, "bearer"));
    assert(idb_request_text(tokens, "id_token"));
    fuzz_one_line(access);
    assert(!strchr(access, ' '));
}

/* Always the same visitor's; a success is about nobody else. */
static void userinfo(struct idb_provider *p, const char *access)
{
    struct idb_error err = { 0 };
    json_t *claims = NULL;
    bool ok = idb_provider_userinfo(&app, p, access, "anna", &claims, &err);

    fuzz_outcome(ok, &err);
    assert(ok == (claims != NULL));
    if (ok) {
        assert(!strcmp(idb_request_text(claims, "sub"), "anna"));
        /* Nothing here was ever signed. */
        assert(!json_object_get(p->method, "userinfo_alg"));
    }
    json_decref(claims);
}

static void exchange(struct idb_provider *p)
{
    struct idb_error err = { 0 };
    json_t *tokens = NULL;
    bool ok = idb_provider_exchange(&app, p, "co de", "verifier", "https://www.example.org/c",
                                    &tokens, &err);

    fuzz_outcome(ok, &err);
    assert(ok == (tokens != NULL));
    assert(ok || err.exit == IDB_UNAVAILABLE);
    if (ok) {
        check_tokens(tokens);
        userinfo(p, idb_request_text(tokens, "access_token"));
    }
    json_decref(tokens);
}

static void push(const struct idb_provider *p)
{
    struct idb_error err = { 0 };
    char *uri = NULL;
    bool ok = idb_provider_push(&app, p, "scope=openid", &uri, &err);

    fuzz_outcome(ok, &err);
    assert(ok == (uri != NULL));
    assert(ok || err.exit == IDB_UNAVAILABLE);
    assert(!ok || (uri[0] && strlen(uri) <= 2048));
    free(uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!metadata)
        setup();
    fuzz_answers(data, size);
    for (size_t i = 0; i < 2; i++) {
        struct idb_provider p = {
            .method = methods[i], .name = "login", .metadata = metadata, .jwks = jwks
        };

        exchange(&p);
        push(&p);
        userinfo(&p, "token");
    }
    return 0;
}
