/*
 * Invitations: a code in a letter or an e-mail that leads to a purpose and carries a
 * reference, and may be good for one person alone.
 *
 *     struct idb_invitation inv = { 0 };
 *     if (idb_invitation_try(app, typed, address, &inv, err)
 *         && idb_invitation_open(app, &inv, err)) ...
 *     idb_invitation_clear(&inv);
 *
 * From code and invite.key comes a secret, HMAC-SHA-256(invite.key, "invitation", code);
 * from that, by HKDF, what the store knows the code by ("idb-invitation code"), the key
 * of the person's HMAC ("idb-invitation person"), and that of a JWE (dir, A256GCM, typ
 * idb-invitation) which holds
 *
 *     {"purpose","reference"?,"person"?,"exp"}
 *
 * So the store alone tells nothing, and the store with invite.key no more than which of
 * 28^10 codes somebody has guessed. The JWE is erased when the code is spent or expires.
 */
#ifndef IDB_INVITATION_H
#define IDB_INVITATION_H

#include "session.h"

#define IDB_INVITATION_LETTERS    10
#define IDB_INVITATION_SIZE       (IDB_INVITATION_LETTERS + 1)
#define IDB_INVITATION_SHOWN_SIZE (IDB_INVITATION_SIZE + 1) /* XXXXX-XXXXX */
#define IDB_INVITATION_TYPED_MAX  64                        /* bytes accepted of a form */

struct idb_invitation {
    bool found;
    char id[IDB_ID_SIZE]; /* names it in the audit; tells nothing of the code */
    char code[IDB_INVITATION_SIZE];
    unsigned char mac[IDB_MAC_SIZE]; /* what the store knows it by */
    struct idb_keys key;             /* one: its secret, under the id of its invite.key */
    char purpose[IDB_NAME_SIZE];
    bool is_bound;
    int64_t expires_at; /* ms */
    int64_t spent_at;   /* ms, 0 while it is good */
    char *sealed;
    json_t *opened; /* what was in it */
};

/* Shows a code of IDB_INVITATION_LETTERS for people. */
void idb_invitation_show(char shown[IDB_INVITATION_SHOWN_SIZE], const char *code);

/* Reads what was typed: lower case, spaces, dashes of any kind and dots are
 * taken. False when it can
 * be no code: nothing to look up, and no guess. */
bool idb_invitation_read(char code[IDB_INVITATION_SIZE], const char *typed);

/* Makes an invitation and draws inv's code and id; purpose, is_bound and expires_at are
 * set by the caller. reference and person (a BSN) may be NULL. */
bool idb_invitation_add(struct idb_app *app, struct idb_invitation *inv, const char *reference,
                        const char *person, struct idb_error *err);

/* Looks a code (as read above) up; inv->found says whether there is one. */
bool idb_invitation_find(struct idb_app *app, const char *code, struct idb_invitation *inv,
                         struct idb_error *err);

/* True when it may be used at app->now; else IDB_REFUSED "invitation_unknown",
 * "invitation_used" or "invitation_expired". */
bool idb_invitation_is_good(const struct idb_app *app, const struct idb_invitation *inv,
                            struct idb_error *err);

/* What a stranger typed who comes from address (REMOTE_ADDR, or NULL): looked up, and
 * counted when it is wrong, so in a transaction that writes. False for failures alone.
 * *refused: not to be used, as above, or IDB_REFUSED "invitation_throttled" after
 * invite.per_address wrong ones in throttle.window (three, past invite.total in all). */
bool idb_invitation_try(struct idb_app *app, const char *typed, const char *address,
                        struct idb_invitation *inv, bool *refused, struct idb_error *err);

/* Opens what is sealed in it and holds it against the row; IDB_SOFTWARE "forged". */
bool idb_invitation_open(struct idb_invitation *inv, int64_t now, struct idb_error *err);

/* The purpose's attribute that is a BSN; NULL where it has none. Borrowed. */
const char *idb_invitation_bsn(const struct idb_app *app, const char *purpose);

/* Of an opened one: its reference, or NULL; borrowed. */
const char *idb_invitation_reference(const struct idb_invitation *inv);

/* Of an opened one: true where it is for everybody, or for the person of that BSN (NULL
 * for none); else IDB_REFUSED "other_person". */
bool idb_invitation_is_for(const struct idb_invitation *inv, const char *bsn,
                           struct idb_error *err);

/* Spends the one the store knows by that MAC, in the present transaction, for a session:
 * of any number who try exactly one does. Else as idb_invitation_is_good. */
bool idb_invitation_spend(struct idb_app *app, const unsigned char mac[IDB_MAC_SIZE],
                          const char *session, struct idb_error *err);

/* Wipes and frees what inv holds; it can be used again. */
void idb_invitation_clear(struct idb_invitation *inv);

#endif
