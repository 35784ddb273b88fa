/*
 * Work on the whole store: what idb-store(8) does. Only this changes the schema.
 */
#ifndef IDB_STORE_ADMIN_H
#define IDB_STORE_ADMIN_H

#include "config.h"

/* Makes folder (root:GROUP 2770, or the runner's 0700 without store.group),
 * lock file and database (0660 or 0600) in WAL mode, with the newest schema and
 * a first audit row. IDB_REFUSED "store_exists" when the database is there. */
bool idb_store_create(const struct idb_config *config, struct idb_error *err);

/* Brings the schema up to this program's version; *from is where it stood. */
bool idb_store_migrate(const struct idb_config *config, int *from, struct idb_error *err);

/* {"schema":1,"integrity":"ok","rights":"ok","clock":"ok","size":bytes,"wal_size":bytes,
 *  "sessions":n,"newest_audit":time}; IDB_CONFIG "store_corrupt", "store_rights",
 * "schema", IDB_TEMPFAIL "clock" … when something is not in order. */
bool idb_store_check(const struct idb_config *config, json_t **report, struct idb_error *err);

/* A consistent copy (SQLite's backup API) into a new file, mode 0600, synced.
 * IDB_REFUSED "file_exists". */
bool idb_store_backup(const struct idb_config *config, const char *file, struct idb_error *err);

/* Replaces the store's contents by a backup, in one transaction, and ends every
 * session in it (state expired, everything of the resident erased), so that
 * nothing in a backup lives on; audit rows from the future are set to now.
 * *expired is how many sessions that were. The backup is checked first (integrity,
 * schema not newer); the present store is kept when anything fails. */
bool idb_store_restore(const struct idb_config *config, const char *file, int64_t *expired,
                       struct idb_error *err);

#endif
