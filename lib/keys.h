/*
 * Key files. A zone's keys stand in DIRECTORY/ZONE/NAME, each file a JWK Set
 * (RFC 7517 section 5) with the newest key first; the previous ones stay in it
 * as long as what they made may live.
 *
 *     web/browser.key code.key issue.key seal.pub
 *     phone/code.key bind.key tokens (token.h)
 *     desk/seal.key bind.key issue.pub
 *     invite/invite.key, and the same in web
 *
 *     struct idb_keys *code = NULL;
 *     if (!idb_keys_load(&code, config, IDB_PHONE, "code.key", now, err)) ...
 */
#ifndef IDB_KEYS_H
#define IDB_KEYS_H

#include "config.h"
#include "mac.h"

#define IDB_KEYS_MAX      4               /* valid keys in one file */
#define IDB_KEY_ID_SIZE   17              /* 16 hexadecimal digits and NUL */
#define IDB_KEYS_SLACK_MS (5 * 60 * 1000) /* kept this much longer than what they made */

enum idb_zone { IDB_WEB, IDB_PHONE, IDB_DESK, IDB_INVITE };
#define IDB_ZONES 4

/* "oct" of 32 bytes; EC P-256 with d; EC P-256 without d. */
enum idb_key_kind { IDB_KEY_SECRET, IDB_KEY_PRIVATE, IDB_KEY_PUBLIC };

/* A key of one day, derived and made ready. */
struct idb_daily_key {
    const char *kind; /* what for; NULL while there is none */
    int64_t day;
    EVP_MAC_CTX *hmac;
};

struct idb_key {
    char id[IDB_KEY_ID_SIZE];           /* "kid" */
    int64_t created_at;                 /* ms */
    int64_t retired_at;                 /* ms, 0 while it is the newest */
    unsigned char secret[IDB_KEY_SIZE]; /* of a symmetric ("oct") key, else zeros */
    json_t *jwk;                        /* of an EC key, for libjose; NULL for oct */
    EVP_MAC_CTX *hmac;                  /* secret, made ready for idb_hmac() */
    struct idb_daily_key daily[2];      /* today's and yesterday's, by idb_key_daily() */
};

struct idb_keys {
    size_t count;                     /* at least 1 */
    struct idb_key key[IDB_KEYS_MAX]; /* newest first; those past their time are left out */
};

/* "web", "phone", "desk", "invite". */
const char *idb_zone_name(enum idb_zone zone);

/* False for the zone invite where keys.users names no user of it: an installation that
 * invites nobody has neither its folder nor its key. */
bool idb_zone_is_used(const struct idb_config *config, enum idb_zone zone);

/* What the file of that name holds. */
enum idb_key_kind idb_key_kind(const char *name);

/* Loads a file of zone by its name above ("code.key", …). A key retired for
 * longer than IDB_SESSION_MAX_MS (invite.key: IDB_INVITE_MAX_MS) + IDB_KEYS_SLACK_MS at
 * now (ms) is not loaded.
 * Fails with IDB_NOPERM "key_unreadable" (names the zone, the file's owner and
 * the user who runs), or IDB_CONFIG "key_missing" (names idb-keys create),
 * "key_rights" (link, not a regular file, wrong owner, or readable or writable
 * by others: names the chown/chmod that mends it), "key_corrupt". A file must
 * be owned by root or by the effective user and have none of the mode bits
 * 0037 but 0040 (group read). */
bool idb_keys_load(struct idb_keys **keys, const struct idb_config *config, enum idb_zone zone,
                   const char *name, int64_t now, struct idb_error *err);

/* The JWK Set in a key file as it stands, checked like that but with the keys
 * past their time in it, a new reference; NULL fails as idb_keys_load does. For
 * idb-keys(8). */
json_t *idb_keys_read(const struct idb_config *config, enum idb_zone zone, const char *name,
                      struct idb_error *err);

/* Until when (ms) a key of the set in the file of that name is loaded; INT64_MAX for the
 * newest. */
int64_t idb_key_readable_until(const char *name, const json_t *key);

/* The text of another secret file of the zone, such as a client secret: printable,
 * not empty, without the line ends behind it. The same rights are asked for and the same
 * errors given. *text is the caller's, freed with idb_keys_text_free(). */
bool idb_keys_read_text(char **text, const struct idb_config *config, enum idb_zone zone,
                        const char *name, struct idb_error *err);
void idb_keys_text_free(char *text);

/* The JSON in another file of the zone, under the same rights and with the same errors;
 * a new reference. */
json_t *idb_keys_read_json(const struct idb_config *config, enum idb_zone zone, const char *name,
                           struct idb_error *err);

/* Wipes and frees. NULL is harmless. */
void idb_keys_free(struct idb_keys *keys);

/* For idb_hmac(): the key that is derived from a symmetric one for that kind (a literal)
 * and day. key keeps that of two days that follow each other. NULL when OpenSSL fails. */
EVP_MAC_CTX *idb_key_daily(struct idb_key *key, const char *kind, int64_t day);

/* The key with that id, or NULL. */
const struct idb_key *idb_keys_find(const struct idb_keys *keys, const char *id);

#endif
