/*
 * The callback's query, through the handler of idb-oidc-callback: as it is, and
 * behind the state of a login that this browser began. The provider answers as it
 * should, so that a query with a code gets all the way.
 */
#include "begin.h"
#include "cookie.h"
#include "form.h"
#include "handlers.h"
#include "request.h"

enum { METADATA, TOKEN, JWKS };

static const char config_text[] =
    "{\"organisation\":{\"name\":{\"nl\":\"Gemeente "
    "Voorbeeld\"},\"url\":\"https://www.example.org\"},"
    "\"lines\":{\"kcc\":{\"number\":\"+31241234567\"}},"
    "\"attributes\":{\"bsn\":{\"label\":{\"nl\":\"Nummer\"},\"type\":\"bsn\"}},"
    "\"purposes\":{\"status\":{\"label\":{\"nl\":\"Mijn aanvraag\"},\"line\":\"kcc\","
    "\"attributes\":[\"bsn\"],\"methods\":[\"login\"],\"minimum_level\":\"substantial\"}},"
    "\"methods\":{\"login\":{\"label\":{\"nl\":\"Inlog\"},\"issuer\":\"" FUZZ_ISSUER "\","
    "\"client_id\":\"" FUZZ_CLIENT "\",\"client_auth\":\"client_secret_basic\","
    "\"id_token_alg\":\"ES256\",\"claims\":{\"bsn\":\"bsn\"},"
    "\"level\":{\"claim\":\"acr\",\"values\":{\"s\":\"substantial\"}}}}}";

static const char metadata[] =
    "200 application/json\n"
    "{\"issuer\":\"" FUZZ_ISSUER "\",\"authorization_endpoint\":\"" FUZZ_ISSUER "/auth\","
    "\"token_endpoint\":\"" FUZZ_ISSUER "/token\",\"jwks_uri\":\"" FUZZ_ISSUER "/jwks\","
    "\"authorization_response_iss_parameter_supported\":true}";

static struct idb_config config = { .session_lifetime_ms = 4 * 60 * 60 * 1000 };
static struct idb_keys issue = { .count = 1, .key = { { .id = "00000000000000c2" } } };
static struct idb_keys seal = { .count = 1, .key = { { .id = "00000000000000c3" } } };
static struct idb_app app = {
    .config = &config, .browser = &fuzz_keys, .issue = &issue, .seal = &seal
};
static struct idb_login begun = { .method = "login", .purpose = "status", .lang = "nl" };
static char *cookies; /* the Cookie header of the browser that began it */
static char *tokens, *jwks;

static char *token_answer(void)
{
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"e1\"}";
    EVP_PKEY *key = fuzz_pkey(FUZZ_EC);
    char payload[1024];
    char *id_token, *answer;

    snprintf(payload, sizeof payload,
             "{\"iss\":\"" FUZZ_ISSUER "\",\"aud\":\"" FUZZ_CLIENT "\",\"sub\":\"anna\","
             "\"nonce\":\"%s\",\"exp\":%d,\"iat\":%d,\"auth_time\":%d,\"acr\":\"s\","
             "\"bsn\":\"999990019\"}",
             begun.nonce, FUZZ_NOW + 300, FUZZ_NOW, FUZZ_NOW);
    id_token = fuzz_sign((struct fuzz_part){ header, strlen(header) },
                         (struct fuzz_part){ payload, strlen(payload) }, key);
    answer = malloc(strlen(id_token) + 256);
    assert(answer);
    sprintf(answer,
            "200 application/json\n{\"access_token\":\"a\",\"token_type\":\"Bearer\","
            "\"id_token\":\"%s\"}",
            id_token);
    free(id_token);
    EVP_PKEY_free(key);
    return answer;
}

static char *jwks_answer(void)
{
    json_t *set = json_pack("{s:[o]}", "keys", fuzz_public(FUZZ_EC, "e1"));
    char *text = json_dumps(set, JSON_COMPACT);
    char *answer = malloc(strlen(text) + 64);

    assert(answer);
    sprintf(answer, "200 application/json\n%s", text);
    free(text);
    json_decref(set);
    return answer;
}

static void setup(void)
{
    cookies = fuzz_begin(&app, &begun);
    config.root = fuzz_json(config_text);
    issue.key[0].jwk = fuzz_key(FUZZ_EC, issue.key[0].id);
    seal.key[0].jwk = fuzz_public(FUZZ_EC, seal.key[0].id);
    tokens = token_answer();
    jwks = jwks_answer();
}

/* Logged in: only with the state and the issuer of this login, and a code that was
 * asked about once. */
static void check_success(const char *query)
{
    struct idb_error err = { 0 };
    json_t *parameters = NULL;
    const char *state, *iss, *code;
    bool ok = idb_form_parse(&parameters, query, &err);

    assert(ok);
    state = idb_request_text(parameters, "state");
    iss = idb_request_text(parameters, "iss");
    code = idb_request_text(parameters, "code");
    assert(state && !strcmp(state, begun.state) && iss && !strcmp(iss, FUZZ_ISSUER));
    assert(code && code[0] && !json_object_get(parameters, "error"));
    assert(fuzz_pages[TOKEN].asked == 1);
    json_decref(parameters);
}

static void check_answer(const json_t *answer, const char *query)
{
    const char *error = idb_request_text(answer, "error");
    const json_t *set = json_object_get(answer, "cookies");
    const json_t *line;
    size_t i;

    assert(json_is_object(answer) && json_is_array(set));
    assert(!error == (json_object_get(answer, "offer") != NULL));
    json_array_foreach ((json_t *)set, i, line) {
        fuzz_one_line(json_string_value(line));
        assert(!strncmp(json_string_value(line), IDB_COOKIE_PREFIX, strlen(IDB_COOKIE_PREFIX)));
    }
    if (!error)
        check_success(query);
    else if (!strcmp(error, "bad_form") || !strcmp(error, "bad_state"))
        assert(fuzz_pages[METADATA].asked == 0 && fuzz_pages[TOKEN].asked == 0);
    else if (strstr(query, begun.state))
        assert(json_array_size(set) == 1 || !strcmp(error, "bad_request"));
}

static void call_back(const char *query)
{
    struct idb_error err = { 0 };
    json_t *answer = NULL;
    json_t *text = json_string(query);
    json_t *request =
        text ? json_pack("{s:s, s:o, s:s}", "method", "login", "query", text, "cookies", cookies)
             : NULL;

    fuzz_drawn = 100;
    fuzz_pages[METADATA] = (struct fuzz_page){ FUZZ_ISSUER "/.well-known/openid-configuration",
                                               metadata, strlen(metadata), 0 };
    fuzz_pages[TOKEN] = (struct fuzz_page){ FUZZ_ISSUER "/token", tokens, strlen(tokens), 0 };
    fuzz_pages[JWKS] = (struct fuzz_page){ FUZZ_ISSUER "/jwks", jwks, strlen(jwks), 0 };
    if (request) {
        bool ok = idb_handle_oidc_callback(&app, request, &answer, &err);

        assert(ok);
        check_answer(answer, query);
    }
    json_decref(answer);
    json_decref(request);
}

/* Bytes that no JSON text can hold reach this alone. */
static void parse(const char *query)
{
    struct idb_error err = { 0 };
    json_t *parameters = NULL;
    bool ok = idb_form_parse(&parameters, query, &err);

    fuzz_fails_with(ok, &err, "bad_form");
    assert(ok == (parameters != NULL));
    assert(json_object_size(parameters) <= IDB_FORM_FIELDS);
    json_decref(parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char state[] = "state=";
    char *query;

    if (!cookies)
        setup();
    query = fuzz_text(data, size);
    parse(query);
    call_back(query);
    query = realloc(query, sizeof state + sizeof begun.state + size + 1);
    assert(query);
    sprintf(query, "%s%s&", state, begun.state);
    memcpy(query + strlen(query), data, size); /* the NUL is copied over */
    query[strlen(state) + sizeof begun.state + size] = '\0';
    call_back(query);
    free(query);
    return 0;
}
