/*
 * Making and rotating key files: what idb-keys(8) does. Apart from keys.h, so
 * that a program which only reads keys carries none of it.
 */
#ifndef IDB_KEYFILE_H
#define IDB_KEYFILE_H

#include "keys.h"

/* Makes the directories and every key file that is missing; files that exist
 * are left as they are. With "keys"."users" in the configuration and run by
 * root, directories are root:GROUP 0750 and files root:GROUP 0640 (GROUP: the
 * primary group of the zone's user); else they belong to who runs, 0700 and
 * 0600. *made is how many files were written. A secret that is missing on one
 * side comes from the other; a public half without its private one is replaced,
 * for nothing sealed to it can be opened. Fails as idb_keys_load does for files
 * that exist, with IDB_CONFIG "config_invalid" (a zone without a user, a user
 * who does not exist, two zones with one group), or with "key_unwritable":
 * IDB_NOPERM, IDB_UNAVAILABLE (disk full or failing) or IDB_CONFIG. */
bool idb_keyfile_create(const struct idb_config *config, int64_t now, int *made,
                        struct idb_error *err);

/* A new newest key for NAME ("browser", "code", "bind", "issue", "seal", "invite"), when
 * the newest is older than older_than_ms; and in any case the destruction
 * (overwritten, then gone) of keys past their time. The side that reads is
 * written before the side that makes, so that no moment exists in which
 * something made cannot be read. Each file is replaced whole (rename). Refuses
 * with IDB_REFUSED "keys_in_use" when IDB_KEYS_MAX keys are still valid. Does nothing
 * where the zone is not used. */
bool idb_keyfile_rotate(const struct idb_config *config, const char *name, int64_t older_than_ms,
                        int64_t now, bool *rotated, int *destroyed, struct idb_error *err);

/* [{zone,file,type,keys:[{id,created_at,retired_at,readable_until}],owner,mode}]
 * of all files, without any key material; a file that is not in order carries
 * "error" and "message" instead of keys. The phone's file of tokens (token.h) stands
 * there too, where there is one, each with its line. A new reference. */
bool idb_keyfile_list(const struct idb_config *config, json_t **list, struct idb_error *err);

/* A new bearer token (token.h) for a line of the configuration: *answer is
 * {token, id, line}, the only place where the token ever stands. IDB_DATA
 * "unknown_line", IDB_REFUSED "tokens_in_use" when there are IDB_TOKENS_MAX, and as
 * idb_keyfile_create fails. */
bool idb_keyfile_token(const struct idb_config *config, const char *line, int64_t now,
                       json_t **answer, struct idb_error *err);

/* Takes the token with that id away: *answer is {revoked: id}. IDB_REFUSED
 * "unknown_token". */
bool idb_keyfile_revoke(const struct idb_config *config, const char *id, json_t **answer,
                        struct idb_error *err);

#endif
