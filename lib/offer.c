#include "offer.h"

#include "b64.h"
#include "jose.h"

#include <string.h>

static const char typ[] = "idb-offer";

bool idb_offer_make(char **token, const struct idb_offer *offer, int64_t now,
                    const struct idb_keys *browser, struct idb_error *err)
{
    char hash[IDB_B64_SIZE(IDB_MAC_SIZE)];
    char invitation[IDB_B64_SIZE(IDB_MAC_SIZE)];
    json_t *payload = NULL;
    bool ok;

    idb_b64_encode(hash, offer->token_hash, IDB_MAC_SIZE);
    idb_b64_encode(invitation, offer->invitation, IDB_MAC_SIZE);
    payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:O, s:s*}", "session",
                        offer->session, "purpose", offer->purpose, "method", offer->method, "level",
                        offer->level, "lang", offer->lang, "token_hash", hash, "sealed",
                        offer->sealed, "auth_time", (json_int_t)offer->auth_time, "expires_at",
                        (json_int_t)offer->expires_at, "consent", offer->consent, "attributes",
                        offer->attributes, "invitation", offer->is_invited ? invitation : NULL);
    ok = payload ? idb_token_seal(token, payload, typ, now + IDB_OFFER_VALID_MS, browser, err)
                 : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    json_decref(payload);
    return ok;
}

static bool read_mac(unsigned char mac[IDB_MAC_SIZE], const char *text)
{
    size_t size = 0;

    return idb_b64_decode(mac, IDB_MAC_SIZE, &size, text, strlen(text)) && size == IDB_MAC_SIZE;
}

static bool unpack(struct idb_offer *o)
{
    const char *hash = NULL;
    const char *invitation = NULL;
    json_int_t auth_time, expires_at;

    if (json_unpack(o->owner, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:o, s?s}",
                    "session", &o->session, "purpose", &o->purpose, "method", &o->method, "level",
                    &o->level, "lang", &o->lang, "token_hash", &hash, "sealed", &o->sealed,
                    "auth_time", &auth_time, "expires_at", &expires_at, "consent", &o->consent,
                    "attributes", &o->attributes, "invitation", &invitation))
        return false;
    o->auth_time = auth_time;
    o->expires_at = expires_at;
    o->is_invited = invitation != NULL;
    return read_mac(o->token_hash, hash) && (!invitation || read_mac(o->invitation, invitation));
}

bool idb_offer_open(struct idb_offer *offer, const char *token, int64_t now,
                    const struct idb_keys *browser, struct idb_error *err)
{
    memset(offer, 0, sizeof *offer);
    if (!idb_token_open(&offer->owner, token, typ, now, browser, err)) {
        if (err->exit == IDB_REFUSED)
            return idb_fail(err, IDB_REFUSED, "offer_expired",
                            "It took too long to agree; log in again.");
        return idb_fail(err, IDB_DATA, "bad_offer",
                        "This offer was not made here, or was altered.");
    }
    if (unpack(offer))
        return true;
    idb_offer_clear(offer);
    return idb_fail(err, IDB_DATA, "bad_offer", "This offer was not made here, or was altered.");
}

void idb_offer_clear(struct idb_offer *offer)
{
    json_decref(offer->owner);
    idb_wipe(offer, sizeof *offer);
}
