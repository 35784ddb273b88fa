/*
 * An offer: what idb-oidc-callback hands the browser to consent to, sealed under
 * browser.key; idb-issue spends it. Nothing is stored before that.
 *
 *     {"session","purpose","method","level","lang","token_hash","sealed","auth_time",
 *      "expires_at","consent","attributes":["bsn","name"],"invitation"?}
 */
#ifndef IDB_OFFER_H
#define IDB_OFFER_H

#include "session.h"

#define IDB_OFFER_MAX      (48 * 1024) /* bytes of the token */
#define IDB_OFFER_VALID_MS (10 * 60 * 1000)

struct idb_offer {
    const char *session; /* the session's id to be */
    const char *purpose;
    const char *method;
    const char *level; /* "" where the method has none */
    const char *lang;
    unsigned char token_hash[IDB_MAC_SIZE]; /* of the browser's status token */
    const char *sealed;                     /* see seal.h */
    int64_t auth_time;                      /* ms */
    int64_t expires_at;                     /* ms: the session's, as in the sealed record */
    const char *consent;                    /* the id of the text agreed to */
    const json_t *attributes;               /* their names */
    bool is_invited;                        /* by the invitation that the store knows by */
    unsigned char invitation[IDB_MAC_SIZE]; /* this; spent with the offer */
    json_t *owner;                          /* what the texts point into; idb_offer_clear() */
};

/* *token is the caller's, freed with free(); valid for IDB_OFFER_VALID_MS from now. */
bool idb_offer_make(char **token, const struct idb_offer *offer, int64_t now,
                    const struct idb_keys *browser, struct idb_error *err);

/* IDB_DATA "bad_offer" when it is not one of ours, IDB_REFUSED "offer_expired". */
bool idb_offer_open(struct idb_offer *offer, const char *token, int64_t now,
                    const struct idb_keys *browser, struct idb_error *err);

void idb_offer_clear(struct idb_offer *offer);

#endif
