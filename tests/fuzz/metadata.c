/* A provider's metadata: of the issuer that was asked, and every address one that
 * may be asked. */
#include "fuzz.h"
#include "provider.h"
#include "request.h"

static struct idb_config config;
static struct idb_app app = { .config = &config };

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* https, whatever else it is; in clear only to this machine, for a provider on it. */
static void check_address(const json_t *url, bool local)
{
    const char *text = json_string_value(url);

    if (!url)
        return;
    assert(text);
    fuzz_one_line(text);
    assert(!strpbrk(text, " @\\") && strlen(text) <= 2048);
    assert(begins(text, "https://")
           || (local
               && (begins(text, "http://127.0.0.1") || begins(text, "http://localhost")
                   || begins(text, "http://[::1]"))));
}

static void check_addresses(const json_t *object, bool local, bool whole)
{
    static const char *const names[] = { "authorization_endpoint", "token_endpoint", "jwks_uri",
                                         "userinfo_endpoint",
                                         "pushed_authorization_request_endpoint" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert(!whole || i > 2 || json_object_get(object, names[i]));
        check_address(json_object_get(object, names[i]), local);
    }
}

/* What is done with metadata that were taken, at the addresses they name. */
static void use(struct idb_provider *p)
{
    struct idb_error err = { 0 };
    json_t *tokens = NULL;
    char *uri = NULL;
    bool ok;

    idb_provider_sends_iss(p);
    if (idb_provider_wants_push(p)) {
        ok = idb_provider_push(&app, p, "scope=openid", &uri, &err);
        fuzz_outcome(ok, &err);
    }
    err = (struct idb_error){ 0 };
    ok = idb_provider_exchange(&app, p, "code", "verifier", "https://www.example.org/c", &tokens,
                               &err);
    fuzz_outcome(ok, &err);
    err = (struct idb_error){ 0 };
    ok = idb_provider_keys(p, &err);
    fuzz_outcome(ok, &err);
    json_decref(tokens);
    free(uri);
}

static void discover(const char *issuer)
{
    json_t *method = json_pack("{s:s, s:s, s:s}", "issuer", issuer, "client_id", FUZZ_CLIENT,
                               "client_auth", "client_secret_basic");
    struct idb_provider p = { .method = method, .name = "login" };
    struct idb_error err = { 0 };
    bool local = begins(issuer, "http:");
    bool ok = idb_provider_discover(&p, &err);

    fuzz_outcome(ok, &err);
    assert(ok || err.exit == IDB_UNAVAILABLE);
    if (ok) {
        assert(!strcmp(idb_request_text(p.metadata, "issuer"), issuer));
        check_addresses(p.metadata, local, true);
        check_addresses(json_object_get(p.metadata, "mtls_endpoint_aliases"), local, false);
        use(&p);
    }
    idb_provider_clear(&p);
    json_decref(method);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answers(data, size);
    discover(FUZZ_ISSUER);
    discover("http://127.0.0.1:8080");
    return 0;
}
