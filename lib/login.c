#include "login.h"

#include "b64.h"
#include "cookie.h"
#include "jose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES     32
#define COOKIE_NAME_SIZE 64
#define SEEN_MAX         16 /* login cookies of one browser that are looked at */

static const char typ[] = "idb-login";

bool idb_login_draw(char secret[IDB_SECRET_SIZE], struct idb_error *err)
{
    unsigned char bytes[SECRET_BYTES];
    bool ok = idb_random(bytes, sizeof bytes);

    idb_b64_encode(secret, bytes, sizeof bytes);
    idb_wipe(bytes, sizeof bytes);
    return ok
           || idb_fail(err, IDB_UNAVAILABLE, "random", "No random bytes are to be had; try again.");
}

bool idb_login_challenge(char challenge[IDB_SECRET_SIZE], const char *verifier)
{
    struct idb_part part = idb_part_text(verifier);
    unsigned char hash[IDB_MAC_SIZE];

    if (!idb_hash(hash, &part, 1))
        return false;
    idb_b64_encode(challenge, hash, sizeof hash);
    return true;
}

/* The cookie of a state: its hash, so that the state stands nowhere in clear. */
static bool cookie_name(char name[COOKIE_NAME_SIZE], const char *state)
{
    char hash[IDB_SECRET_SIZE];

    if (!idb_login_challenge(hash, state))
        return false;
    snprintf(name, COOKIE_NAME_SIZE, IDB_LOGIN_PREFIX "%.16s", hash);
    return true;
}

static bool no_memory(struct idb_error *err)
{
    return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

static bool set_cookie(struct idb_app *app, const struct idb_login *l, json_t *set,
                       struct idb_error *err)
{
    json_t *payload =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:I}", "state", l->state, "nonce", l->nonce,
                  "verifier", l->verifier, "method", l->method, "purpose", l->purpose, "lang",
                  l->lang, "invitation", l->invitation[0] ? l->invitation : NULL, "started_at",
                  (json_int_t)l->started_at);
    char name[COOKIE_NAME_SIZE];
    char *token = NULL;
    bool ok = (payload && cookie_name(name, l->state)) || no_memory(err);

    ok = ok
         && idb_token_seal(&token, payload, typ, l->started_at + IDB_LOGIN_KEPT_MS, app->browser,
                           err)
         && (idb_cookie_set(set, name, token, IDB_LOGIN_KEPT_MS / 1000) || no_memory(err));
    free(token);
    json_decref(payload);
    return ok;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static bool unpack(struct idb_login *l, const json_t *payload)
{
    const char *state, *nonce, *verifier, *method, *purpose, *lang;
    const char *invitation = NULL;
    json_int_t started_at;

    if (json_unpack((json_t *)payload, "{s:s, s:s, s:s, s:s, s:s, s:s, s?s, s:I}", "state", &state,
                    "nonce", &nonce, "verifier", &verifier, "method", &method, "purpose", &purpose,
                    "lang", &lang, "invitation", &invitation, "started_at", &started_at))
        return false;
    copy(l->invitation, sizeof l->invitation, invitation);
    copy(l->state, sizeof l->state, state);
    copy(l->nonce, sizeof l->nonce, nonce);
    copy(l->verifier, sizeof l->verifier, verifier);
    copy(l->method, sizeof l->method, method);
    copy(l->purpose, sizeof l->purpose, purpose);
    copy(l->lang, sizeof l->lang, lang);
    l->started_at = started_at;
    return true;
}

static bool open_cookie(struct idb_app *app, const char *header, const char *name,
                        struct idb_login *l, struct idb_error *err)
{
    char token[IDB_COOKIE_MAX];
    json_t *payload = NULL;
    bool ok = idb_cookie_get(token, sizeof token, header, name, err)
              && idb_token_open(&payload, token, typ, idb_timestamp_now(), app->browser, err)
              && (unpack(l, payload)
                  || idb_fail(err, IDB_DATA, "bad_token", "A login cookie is not in order."));

    json_decref(payload);
    idb_wipe(token, sizeof token);
    return ok;
}

/* A login cookie that the browser sent. */
struct seen {
    char name[COOKIE_NAME_SIZE];
    int64_t started_at; /* 0: cannot be read */
};

static size_t look(struct idb_app *app, const char *header, struct seen seen[SEEN_MAX])
{
    size_t n = 0;

    for (const char *at = header; at && n < SEEN_MAX;) {
        struct idb_login l = { 0 };
        struct idb_error ignored = { 0 };

        at = idb_cookie_find(at, IDB_LOGIN_PREFIX, seen[n].name, sizeof seen[n].name);
        if (!at)
            break;
        seen[n].started_at =
            open_cookie(app, header, seen[n].name, &l, &ignored) ? l.started_at : 0;
        idb_wipe(&l, sizeof l);
        n++;
    }
    return n;
}

static int by_age(const void *a, const void *b)
{
    const struct seen *x = a;
    const struct seen *y = b;

    return (x->started_at < y->started_at) - (x->started_at > y->started_at);
}

/* Makes room for one more: what is unreadable goes, and the oldest. */
static bool make_room(struct idb_app *app, const char *header, json_t *set, struct idb_error *err)
{
    struct seen seen[SEEN_MAX];
    size_t n = look(app, header, seen);

    qsort(seen, n, sizeof seen[0], by_age);
    for (size_t i = 0; i < n; i++)
        if ((i >= IDB_LOGIN_MOST - 1 || !seen[i].started_at)
            && !idb_cookie_set(set, seen[i].name, NULL, 0))
            return no_memory(err);
    return true;
}

bool idb_login_begin(struct idb_app *app, struct idb_login *login, const char *header, json_t *set,
                     struct idb_error *err)
{
    login->started_at = idb_timestamp_now();
    return idb_login_draw(login->state, err) && idb_login_draw(login->nonce, err)
           && idb_login_draw(login->verifier, err) && make_room(app, header, set, err)
           && set_cookie(app, login, set, err);
}

static bool bad_state(struct idb_error *err)
{
    return idb_fail(err, IDB_DATA, "bad_state",
                    "This browser did not begin this login, or it was used already; begin again.");
}

bool idb_login_end(struct idb_app *app, const char *state, const char *header, json_t *set,
                   struct idb_login *login, struct idb_error *err)
{
    char name[COOKIE_NAME_SIZE];

    if (strlen(state) != IDB_SECRET_SIZE - 1 || !cookie_name(name, state))
        return bad_state(err);
    if (!open_cookie(app, header, name, login, err)) {
        if (strcmp(err->code, "no_cookie") != 0)
            idb_cookie_set(set, name, NULL, 0);
        return bad_state(err);
    }
    if (!idb_cookie_set(set, name, NULL, 0))
        return no_memory(err);
    if (!idb_equal(login->state, state, IDB_SECRET_SIZE))
        return bad_state(err);
    return idb_timestamp_now() < login->started_at + IDB_LOGIN_VALID_MS
           || idb_fail(err, IDB_REFUSED, "login_expired", "The login took too long; begin again.");
}
