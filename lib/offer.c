#include "offer.h"

#include "b64.h"
#include "jose.h"

#include <string.h>

static const char typ[] = "idb-offer";

bool idb_offer_make(char **token, const struct idb_offer *offer, int64_t now,
                    const struct idb_keys *browser, struct idb_error *err)
{
    char hash[IDB_B64_SIZE(IDB_MAC_SIZE)];
    json_t *payload = NULL;
    bool ok;

    idb_b64_encode(hash, offer->token_hash, IDB_MAC_SIZE);
    payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:O}", "session",
                        offer->session, "purpose", offer->purpose, "method", offer->method, "level",
                        offer->level, "lang", offer->lang, "token_hash", hash, "sealed",
                        offer->sealed, "auth_time", (json_int_t)offer->auth_time, "expires_at",
                        (json_int_t)offer->expires_at, "consent", offer->consent, "attributes",
                        offer->attributes);
    ok = payload ? idb_token_seal(token, payload, typ, now + IDB_OFFER_VALID_MS, browser, err)
                 : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    json_decref(payload);
    return ok;
}

static bool unpack(struct idb_offer *o)
{
    const char *hash = NULL;
    json_int_t auth_time, expires_at;
    size_t size = 0;

    if (json_unpack(o->owner, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:o}", "session",
                    &o->session, "purpose", &o->purpose, "method", &o->method, "level", &o->level,
                    "lang", &o->lang, "token_hash", &hash, "sealed", &o->sealed, "auth_time",
                    &auth_time, "expires_at", &expires_at, "consent", &o->consent, "attributes",
                    &o->attributes))
        return false;
    o->auth_time = auth_time;
    o->expires_at = expires_at;
    return idb_b64_decode(o->token_hash, IDB_MAC_SIZE, &size, hash, strlen(hash))
           && size == IDB_MAC_SIZE;
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
