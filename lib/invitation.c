#include "invitation.h"

#include "audit.h"
#include "b64.h"
#include "grant.h"
#include "jose.h"
#include "throttle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define DRAWS     16 /* collisions are drawn again; more than a few in a row is a fault */
#define FEW_TRIES 3  /* per address, while in all there are too many */

static const char typ[] = "idb-invitation";

/* The subject under which all wrong codes are counted. */
static const unsigned char everybody[IDB_MAC_SIZE] = "invitations";

/* ---- the code ---- */

void idb_invitation_show(char shown[IDB_INVITATION_SHOWN_SIZE], const char *code)
{
    snprintf(shown, IDB_INVITATION_SHOWN_SIZE, "%.5s-%s", code, code + 5);
}

/* The bytes of what may stand between letters, at p; 0 for anything else. Word
 * processors make dashes and spaces of their own. */
static size_t separator(const char *p)
{
    static const char *const all[] = { " ",      "-",      ".",      "\u00a0", "\u2010",
                                       "\u2011", "\u2012", "\u2013", "\u2014", "\u2212" };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!strncmp(p, all[i], strlen(all[i])))
            return strlen(all[i]);
    return 0;
}

bool idb_invitation_read(char code[IDB_INVITATION_SIZE], const char *typed)
{
    size_t n = 0;
    size_t skip = 0;

    for (const char *p = typed; *p; p += skip ? skip : 1) {
        char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;

        skip = separator(p);
        if (skip)
            continue;
        if (n == IDB_INVITATION_LETTERS || !strchr(IDB_CODE_LETTERS, c))
            return false;
        code[n++] = c;
    }
    code[n] = '\0';
    return n == IDB_INVITATION_LETTERS;
}

/* The secret of a code under one key, and what the store knows it by. */
static bool derive(struct idb_keys *own, unsigned char mac[IDB_MAC_SIZE], const struct idb_key *key,
                   const char *code, struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("invitation"), idb_part_text(code) };

    own->count = 1;
    memcpy(own->key[0].id, key->id, IDB_KEY_ID_SIZE);
    return (idb_mac(own->key[0].secret, key->secret, parts, 2)
            && idb_derive(mac, own->key[0].secret, "idb-invitation code"))
           || idb_fail(err, IDB_SOFTWARE, "internal", "HMAC failed.");
}

/* The person's HMAC in base64url. */
static bool person_mac(char text[IDB_B64_SIZE(IDB_MAC_SIZE)], const struct idb_invitation *inv,
                       const char *bsn, struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("person"), idb_part_text(bsn) };
    unsigned char key[IDB_KEY_SIZE];
    unsigned char mac[IDB_MAC_SIZE];
    bool ok = idb_derive(key, inv->key.key[0].secret, "idb-invitation person")
              && idb_mac(mac, key, parts, 2);

    if (ok)
        idb_b64_encode(text, mac, sizeof mac);
    idb_wipe(key, sizeof key);
    return ok || idb_fail(err, IDB_SOFTWARE, "internal", "HMAC failed.");
}

/* ---- making ---- */

static bool seal(struct idb_invitation *inv, const char *reference, const char *person,
                 struct idb_error *err)
{
    char mac[IDB_B64_SIZE(IDB_MAC_SIZE)];
    json_t *payload = NULL;
    bool ok = !person || person_mac(mac, inv, person, err);

    if (ok) {
        payload = json_pack("{s:s, s:s*, s:s*}", "purpose", inv->purpose, "reference", reference,
                            "person", person ? mac : NULL);
        ok = payload || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    }
    ok = ok && idb_token_seal(&inv->sealed, payload, typ, inv->expires_at, &inv->key, err);
    json_decref(payload);
    return ok;
}

static bool insert(struct idb_app *app, const struct idb_invitation *inv, bool *made,
                   struct idb_error *err)
{
    struct idb_value in[] = { idb_text(inv->id),        idb_bytes(inv->mac, IDB_MAC_SIZE),
                              idb_text(inv->purpose),   idb_int(inv->is_bound),
                              idb_int(inv->expires_at), idb_text(inv->sealed) };

    return idb_store_query(app->store, IDB_SQL_INVITE, in, 6, err)
           && idb_store_row(app->store, made, err);
}

bool idb_invitation_add(struct idb_app *app, struct idb_invitation *inv, const char *reference,
                        const char *person, struct idb_error *err)
{
    bool made = false;

    for (int i = 0; i < DRAWS && !made; i++) {
        idb_text_free(inv->sealed);
        inv->sealed = NULL;
        if (!idb_code_draw_letters(inv->code, IDB_INVITATION_LETTERS, err)
            || !idb_grant_draw_id(inv->id, err)
            || !derive(&inv->key, inv->mac, &app->invite->key[0], inv->code, err)
            || !seal(inv, reference, person, err) || !insert(app, inv, &made, err))
            return false;
    }
    return made || idb_fail(err, IDB_TEMPFAIL, "no_code", "No free code was found; try again.");
}

/* ---- finding ---- */

static bool read_row(struct idb_store *st, struct idb_invitation *inv, struct idb_error *err)
{
    const char *id = idb_store_text(st, 0);
    const char *purpose = idb_store_text(st, 2);
    const char *sealed = idb_store_text(st, 6);

    snprintf(inv->id, sizeof inv->id, "%s", id ? id : "");
    snprintf(inv->purpose, sizeof inv->purpose, "%s", purpose ? purpose : "");
    inv->is_bound = idb_store_int(st, 3) != 0;
    inv->expires_at = idb_store_int(st, 4);
    inv->spent_at = idb_store_int(st, 5);
    inv->sealed = sealed ? strdup(sealed) : NULL;
    return !sealed || inv->sealed || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

/* Which of the keys the row was made under. */
static bool match_key(struct idb_app *app, struct idb_invitation *inv, struct idb_error *err)
{
    size_t size = 0;
    const void *mac = idb_store_bytes(app->store, 1, &size);

    for (size_t i = 0; mac && size == IDB_MAC_SIZE && i < app->invite->count; i++) {
        if (!derive(&inv->key, inv->mac, &app->invite->key[i], inv->code, err))
            return false;
        if (idb_equal(inv->mac, mac, IDB_MAC_SIZE))
            return true;
    }
    return idb_fail(err, IDB_SOFTWARE, "internal", "The store gave a row that was not asked for.");
}

/* The row that one of n MACs names, if there is one. */
static bool look_up(struct idb_app *app, unsigned char macs[][IDB_MAC_SIZE], size_t n,
                    struct idb_invitation *inv, struct idb_error *err)
{
    struct idb_value in[IDB_KEYS_MAX];

    for (size_t k = 0; k < IDB_KEYS_MAX; k++)
        in[k] = k < n ? idb_bytes(macs[k], IDB_MAC_SIZE) : idb_null();
    return idb_store_query(app->store, IDB_SQL_INVITATION, in, IDB_KEYS_MAX, err)
           && idb_store_row(app->store, &inv->found, err);
}

bool idb_invitation_find(struct idb_app *app, const char *code, struct idb_invitation *inv,
                         struct idb_error *err)
{
    unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE];

    snprintf(inv->code, sizeof inv->code, "%s", code);
    for (size_t k = 0; k < app->invite->count; k++)
        if (!derive(&inv->key, macs[k], &app->invite->key[k], inv->code, err))
            return false;
    return look_up(app, macs, app->invite->count, inv, err)
           && (!inv->found || (match_key(app, inv, err) && read_row(app->store, inv, err)));
}

bool idb_invitation_is_good(const struct idb_app *app, const struct idb_invitation *inv,
                            struct idb_error *err)
{
    if (!inv->found)
        return idb_fail(err, IDB_REFUSED, "invitation_unknown",
                        "There is no invitation with this code.");
    if (inv->spent_at)
        return idb_fail(err, IDB_REFUSED, "invitation_used",
                        "The code of this invitation has been used.");
    return inv->expires_at > app->now
           || idb_fail(err, IDB_REFUSED, "invitation_expired", "This invitation has expired.");
}

/* ---- guesses ---- */

/* What one client is known by: an IPv4 address, or the first half of an IPv6 one, the
 * rest of which it chooses itself. 0 for none, and for this machine itself: there stands
 * a proxy that does not say who asks. */
static size_t client(unsigned char bytes[16], const char *address)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    static const unsigned char self[16] = { [15] = 1 };

    if (!address)
        return 0;
    if (inet_pton(AF_INET, address, bytes) == 1)
        return bytes[0] == 127 ? 0 : 4;
    if (inet_pton(AF_INET6, address, bytes) != 1 || !memcmp(bytes, self, sizeof self))
        return 0;
    if (memcmp(bytes, mapped, sizeof mapped) != 0)
        return 8;
    memmove(bytes, bytes + sizeof mapped, 4);
    return bytes[0] == 127 ? 0 : 4;
}

static bool client_macs(struct idb_app *app, unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE],
                        size_t *n, const char *address, struct idb_error *err)
{
    unsigned char bytes[16];
    size_t size = client(bytes, address);

    *n = 0;
    return size == 0
           || idb_caller_daily(macs, n, app->invite, "address", idb_part_bytes(bytes, size),
                               app->now, err);
}

/* Too many in all refuse nobody who is known, for that would let a stranger shut
 * everybody out; each address has fewer tries then. Who is not known has those of all. */
static bool is_throttled(struct idb_app *app, unsigned char macs[][IDB_MAC_SIZE], size_t n,
                         bool *throttled, struct idb_error *err)
{
    int most = app->config->invite_per_address;
    int64_t mine = 0;
    int64_t all = 0;

    if (!idb_throttle_recent(app, macs, n, &mine, err)
        || !idb_throttle_recent(app, &everybody, 1, &all, err))
        return false;
    if (all >= app->config->invite_total && most > FEW_TRIES)
        most = FEW_TRIES;
    *throttled = n > 0 ? mine >= most : all >= app->config->invite_total;
    return true;
}

static bool count(struct idb_app *app, unsigned char macs[][IDB_MAC_SIZE], size_t n,
                  struct idb_error *err)
{
    return idb_throttle_add(app, everybody, err) && (n == 0 || idb_throttle_add(app, macs[0], err));
}

bool idb_invitation_try(struct idb_app *app, const char *typed, const char *address,
                        struct idb_invitation *inv, bool *refused, struct idb_error *err)
{
    unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE];
    char code[IDB_INVITATION_SIZE];
    bool throttled = false;
    bool ok = true;
    size_t n = 0;

    *refused = true;
    if (!idb_invitation_read(code, typed)) {
        idb_invitation_is_good(app, inv, err);
        return true;
    }
    /* One guess at a time, for each is held against those before it. */
    ok = idb_store_lock(app->store, everybody, IDB_MAC_SIZE, err)
         && client_macs(app, macs, &n, address, err) && is_throttled(app, macs, n, &throttled, err);
    if (ok && throttled) {
        idb_fail(err, IDB_REFUSED, "invitation_throttled",
                 "Too many wrong codes were tried; wait a quarter of an hour.");
        goto out;
    }
    ok = ok && idb_invitation_find(app, code, inv, err) && (inv->found || count(app, macs, n, err));
    if (ok)
        *refused = !idb_invitation_is_good(app, inv, err);
out:
    idb_wipe(code, sizeof code);
    return ok;
}

/* ---- using ---- */

bool idb_invitation_open(struct idb_invitation *inv, int64_t now, struct idb_error *err)
{
    struct idb_error why = { 0 };
    const char *purpose;

    if (inv->sealed && idb_token_open(&inv->opened, inv->sealed, typ, now, &inv->key, &why)
        && (purpose = idb_request_text(inv->opened, "purpose")) && !strcmp(purpose, inv->purpose)
        && !json_object_get(inv->opened, "person") == !inv->is_bound)
        return true;
    syslog(LOG_ALERT, "forged: invitation %s", inv->id);
    return idb_fail(err, IDB_SOFTWARE, "forged",
                    "The invitation in the store is not what was made; do not trust it.");
}

const char *idb_invitation_bsn(const struct idb_app *app, const char *purpose)
{
    const json_t *p = idb_config_purpose(app->config, purpose);
    const json_t *name;
    size_t i;

    json_array_foreach (json_object_get(p, "attributes"), i, name) {
        const json_t *attribute = idb_config_attribute(app->config, json_string_value(name));
        const char *type = json_string_value(json_object_get(attribute, "type"));

        if (type && !strcmp(type, "bsn"))
            return json_string_value(name);
    }
    return NULL;
}

const char *idb_invitation_reference(const struct idb_invitation *inv)
{
    return idb_request_text(inv->opened, "reference");
}

bool idb_invitation_is_for(const struct idb_invitation *inv, const char *bsn, struct idb_error *err)
{
    const char *person = idb_request_text(inv->opened, "person");
    char mac[IDB_B64_SIZE(IDB_MAC_SIZE)] = "";

    if (!person)
        return true;
    if (bsn && !person_mac(mac, inv, bsn, err))
        return false;
    return (bsn && strlen(person) == sizeof mac - 1 && idb_equal(person, mac, sizeof mac))
           || idb_fail(err, IDB_REFUSED, "other_person",
                       "This invitation is for somebody else than who logged in.");
}

/* Why it could not be spent. */
static bool explain(struct idb_app *app, const unsigned char mac[IDB_MAC_SIZE],
                    struct idb_error *err)
{
    unsigned char macs[1][IDB_MAC_SIZE];
    struct idb_invitation inv = { 0 };
    bool ok;

    memcpy(macs[0], mac, IDB_MAC_SIZE);
    ok = look_up(app, macs, 1, &inv, err) && (!inv.found || read_row(app->store, &inv, err));

    ok = ok && idb_invitation_is_good(app, &inv, err);
    idb_invitation_clear(&inv);
    return ok && idb_fail(err, IDB_SOFTWARE, "internal", "A good invitation was not spent.");
}

bool idb_invitation_spend(struct idb_app *app, const unsigned char mac[IDB_MAC_SIZE],
                          const char *session, struct idb_error *err)
{
    struct idb_value in[] = { idb_bytes(mac, IDB_MAC_SIZE), idb_int(app->now) };
    bool spent = false;
    json_t *detail;

    if (!idb_store_query(app->store, IDB_SQL_SPEND, in, 2, err)
        || !idb_store_row(app->store, &spent, err))
        return false;
    if (!spent)
        return explain(app, mac, err);
    detail = json_pack("{s:s}", "invitation", idb_store_text(app->store, 0));
    return idb_audit(app, "spend", session, "ok", detail, err);
}

void idb_invitation_clear(struct idb_invitation *inv)
{
    idb_text_free(inv->sealed);
    json_decref(inv->opened);
    idb_wipe(inv, sizeof *inv);
}
