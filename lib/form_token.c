#include "form_token.h"

#include "b64.h"
#include "cookie.h"
#include "mac.h"

#include <string.h>

#define SECRET_SIZE 16 /* bytes: 128 bits */

/* False where there is no cookie, or none of ours. */
static bool read_secret(unsigned char secret[SECRET_SIZE], const char *cookies)
{
    struct idb_error ignored = { 0 };
    char value[64];
    size_t n = 0;
    bool ok = idb_cookie_get(value, sizeof value, cookies, IDB_COOKIE_DESK, &ignored)
              && idb_b64_decode(secret, SECRET_SIZE, &n, value, strlen(value)) && n == SECRET_SIZE;

    idb_wipe(value, sizeof value);
    return ok;
}

/* HMAC pads a short key with zeros (RFC 2104 section 2), as here. */
static bool derive(unsigned char token[IDB_MAC_SIZE], const unsigned char secret[SECRET_SIZE],
                   const char *user, struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("idb desk form"), idb_part_text(user) };
    unsigned char key[IDB_KEY_SIZE] = { 0 };
    bool ok;

    memcpy(key, secret, SECRET_SIZE);
    ok = idb_mac(token, key, parts, 2);
    idb_wipe(key, sizeof key);
    return ok || idb_fail(err, IDB_SOFTWARE, "internal", "OpenSSL cannot make a MAC.");
}

static bool new_secret(unsigned char secret[SECRET_SIZE], json_t *cookies, struct idb_error *err)
{
    char text[IDB_B64_SIZE(SECRET_SIZE)];

    if (!idb_random(secret, SECRET_SIZE))
        return idb_fail(err, IDB_TEMPFAIL, "random", "There are no random numbers to be had.");
    idb_b64_encode(text, secret, SECRET_SIZE);
    return idb_cookie_set_strict(cookies, IDB_COOKIE_DESK, text)
           || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

bool idb_form_token_make(json_t **answer, const char *cookies, const char *user,
                         struct idb_error *err)
{
    unsigned char secret[SECRET_SIZE] = { 0 };
    unsigned char token[IDB_MAC_SIZE] = { 0 };
    char text[IDB_B64_SIZE(IDB_MAC_SIZE)];
    json_t *set = json_array();
    bool ok = false;

    *answer = NULL;
    if (!read_secret(secret, cookies) && !new_secret(secret, set, err))
        goto out;
    if (!derive(token, secret, user, err))
        goto out;
    idb_b64_encode(text, token, sizeof token);
    *answer = json_pack("{s:s, s:O}", IDB_FORM_TOKEN, text, "cookies", set);
    ok = *answer || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
out:
    idb_wipe(secret, sizeof secret);
    json_decref(set);
    return ok;
}

/* False when it is not what derive() made, in a time that says nothing of where. */
static bool is_token(const char *text, const unsigned char token[IDB_MAC_SIZE])
{
    unsigned char given[IDB_MAC_SIZE] = { 0 };
    size_t n = 0;

    return text && idb_b64_decode(given, sizeof given, &n, text, strlen(text)) && n == sizeof given
           && idb_equal(given, token, sizeof given);
}

bool idb_form_token_check(json_t *form, const char *cookies, const char *user,
                          struct idb_error *err)
{
    unsigned char secret[SECRET_SIZE] = { 0 };
    unsigned char token[IDB_MAC_SIZE] = { 0 };
    bool known = read_secret(secret, cookies);
    bool ok = !known || derive(token, secret, user, err);

    idb_wipe(secret, sizeof secret);
    if (!ok)
        return false;
    ok = known && is_token(json_string_value(json_object_get(form, IDB_FORM_TOKEN)), token);
    json_object_del(form, IDB_FORM_TOKEN);
    return ok
           || idb_fail(err, IDB_DATA, "bad_form_token",
                       "This form is not of this agent's page in this browser; open the page again"
                       " and send it from there. Nothing was done.");
}
