#include "idtoken.h"

#include "b64.h"
#include "client.h"
#include "jose.h"
#include "jwt.h"
#include "request.h"

#include <openssl/evp.h>
#include <string.h>

static bool bad(struct idb_error *err, const char *check)
{
    return idb_fail(err, IDB_UNAVAILABLE, "bad_id_token",
                    "The login provider's answer is not for this login (%s); begin again.", check);
}

/* A time in seconds: an integer, or a real such as 1.5; never text, negative, or
 * beyond the year 9999. */
static bool is_time(const json_t *value, double *seconds)
{
    if (!json_is_number(value))
        return false;
    *seconds = json_number_value(value);
    return *seconds >= 0 && *seconds < 253402300800.0;
}

/* aud is our client id, or a list of exactly that; azp, where it is, too. */
static bool check_audience(const json_t *claims, const char *client_id, struct idb_error *err)
{
    const json_t *azp = json_object_get(claims, "azp");

    if (!idb_jwt_is_for(claims, client_id))
        return bad(err, "aud");
    if (azp && (!json_is_string(azp) || strcmp(json_string_value(azp), client_id) != 0))
        return bad(err, "azp");
    return true;
}

static bool check_times(const json_t *claims, int64_t now_ms, struct idb_error *err)
{
    double now = (double)now_ms / 1000;
    const json_t *nbf = json_object_get(claims, "nbf");
    double exp, iat, from;

    if (!is_time(json_object_get(claims, "exp"), &exp) || exp + IDB_IDTOKEN_SKEW_S <= now)
        return bad(err, "exp");
    if (!is_time(json_object_get(claims, "iat"), &iat) || iat > now + IDB_IDTOKEN_SKEW_S
        || iat < now - IDB_IDTOKEN_AGE_S)
        return bad(err, "iat");
    return !nbf || (is_time(nbf, &from) && from <= now + IDB_IDTOKEN_SKEW_S) || bad(err, "nbf");
}

/* prompt=login and max_age were asked for: the login is of this visit. */
static bool check_auth_time(const json_t *claims, const struct idb_expected_login *login,
                            int64_t *auth_time, struct idb_error *err)
{
    double at;

    if (!is_time(json_object_get(claims, "auth_time"), &at)
        || at > (double)login->now / 1000 + IDB_IDTOKEN_SKEW_S)
        return bad(err, "auth_time");
    *auth_time = (int64_t)(at * 1000);
    if (*auth_time > login->now)
        *auth_time = login->now;
    return *auth_time + IDB_IDTOKEN_SKEW_S * 1000 >= login->started_at
           || idb_fail(err, IDB_REFUSED, "login_too_old",
                       "The login provider used an earlier login; log in again.");
}

static bool check_nonce(const json_t *claims, const char *nonce, struct idb_error *err)
{
    const json_t *given = json_object_get(claims, "nonce");
    size_t n = strlen(nonce);

    return (json_is_string(given) && json_string_length(given) == n
            && idb_equal(json_string_value(given), nonce, n))
           || bad(err, "nonce");
}

/* The left half of the access token's hash, by the hash of the algorithm's name
 * (Core 3.1.3.6). */
static bool left_half(char *out, const char *alg, const char *access_token)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    const EVP_MD *md = !strcmp(alg + 2, "256")   ? EVP_sha256()
                       : !strcmp(alg + 2, "384") ? EVP_sha384()
                       : !strcmp(alg + 2, "512") ? EVP_sha512()
                                                 : NULL;

    if (!md || EVP_Digest(access_token, strlen(access_token), hash, &n, md, NULL) != 1)
        return false;
    idb_b64_encode(out, hash, n / 2);
    return true;
}

static bool check_at_hash(const json_t *claims, const char *alg, const char *access_token,
                          struct idb_error *err)
{
    const json_t *given = json_object_get(claims, "at_hash");
    char expected[IDB_B64_SIZE(EVP_MAX_MD_SIZE)];

    return !given
           || (json_is_string(given) && left_half(expected, alg, access_token)
               && !strcmp(json_string_value(given), expected))
           || bad(err, "at_hash");
}

static bool check_claims(const struct idb_provider *p, const json_t *claims,
                         const struct idb_expected_login *login, int64_t *auth_time,
                         struct idb_error *err)
{
    const char *iss = idb_request_text(claims, "iss");
    const char *sub = idb_request_text(claims, "sub");

    if (!json_is_object(claims) || !iss || strcmp(iss, idb_request_text(p->method, "issuer")) != 0)
        return bad(err, "iss");
    if (!sub || !sub[0] || strlen(sub) > 255)
        return bad(err, "sub");
    return check_audience(claims, idb_request_text(p->method, "client_id"), err)
           && check_times(claims, login->now, err) && check_nonce(claims, login->nonce, err)
           && check_at_hash(claims, idb_request_text(p->method, "id_token_alg"),
                            login->access_token, err)
           && check_auth_time(claims, login, auth_time, err);
}

static bool verify(struct idb_app *app, struct idb_provider *p, const char *token, json_t **claims,
                   struct idb_error *err)
{
    const char *alg = idb_request_text(p->method, "id_token_alg");
    const json_t *encryption = json_object_get(p->method, "id_token_encryption");
    char *inner = NULL;
    bool ok = (!encryption || idb_client_decrypt(app, p, encryption, token, &inner, err))
              && idb_provider_verify(p, inner ? inner : token, alg, claims, err);

    idb_text_free(inner);
    return ok;
}

bool idb_idtoken_check(struct idb_app *app, struct idb_provider *p, const char *token,
                       const struct idb_expected_login *login, json_t **claims, int64_t *auth_time,
                       struct idb_error *err)
{
    *claims = NULL;
    if (verify(app, p, token, claims, err) && check_claims(p, *claims, login, auth_time, err))
        return true;
    json_decref(*claims);
    *claims = NULL;
    return false;
}
