/*
 * Work on the whole store: what idb-store(8) does. Only this changes the schema.
 */
#ifndef IDB_STORE_ADMIN_H
#define IDB_STORE_ADMIN_H

#include "config.h"

/* What an engine does for it; all its functions fail as those of store.h do, too. */
struct idb_store_engine {
    /* SQLite: makes folder (root:GROUP 2770, or the runner's 0700 without store.group), lock
     * file and database (0660 or 0600) in WAL mode. PostgreSQL: makes the schema, and a role
     * for each zone where there is none, with the rights of that zone; the runner's role
     * owns it. Both: the newest schema and a first audit row. IDB_REFUSED "store_exists". */
    bool (*create)(const struct idb_config *config, struct idb_error *err);

    /* Brings the schema up to this program's version; *from is where it stood. In
     * PostgreSQL it sets the rights of all zones anew. */
    bool (*migrate)(const struct idb_config *config, int *from, struct idb_error *err);

    /* {"schema":1,"integrity":"ok","rights":"ok","clock":"ok","size":bytes,"wal_size":bytes,
     *  "sessions":n,"newest_audit":time}; IDB_CONFIG "store_corrupt", "store_rights",
     * "schema", IDB_TEMPFAIL "clock" … when something is not in order. */
    bool (*check)(const struct idb_config *config, json_t **report, struct idb_error *err);

    /* A consistent copy into a new SQLite file, mode 0600, synced; from either engine.
     * IDB_REFUSED "file_exists". */
    bool (*backup)(const struct idb_config *config, const char *file, struct idb_error *err);

    /* Replaces the store's contents by a backup, of either engine, in one transaction, and
     * ends every session in it (state expired, everything of the resident erased), so that
     * nothing in a backup lives on; audit rows from the future are set to now. *expired is
     * how many sessions that were. The backup is checked first (integrity, schema not
     * newer); the present store is kept when anything fails. */
    bool (*restore)(const struct idb_config *config, const char *file, int64_t *expired,
                    struct idb_error *err);
};

extern const struct idb_store_engine idb_store_engine_sqlite;
extern const struct idb_store_engine idb_store_engine_pgsql;

/* The engine of the configured store. */
const struct idb_store_engine *idb_store_engine(const struct idb_config *config);

/* Of these engines, in files of their own. */
bool idb_store_backup(const struct idb_config *config, const char *file, struct idb_error *err);
bool idb_store_restore(const struct idb_config *config, const char *file, int64_t *expired,
                       struct idb_error *err);
bool idb_store_backup_pgsql(const struct idb_config *config, const char *file,
                            struct idb_error *err);
bool idb_store_restore_pgsql(const struct idb_config *config, const char *file, int64_t *expired,
                             struct idb_error *err);

/* Moves the store to where the configuration `to` says, without losing a session, then puts
 * that file, next, in the place of the present one. The two differ in "store" alone, and one
 * is of SQLite, the other of PostgreSQL. Whoever still uses the old store is answered
 * "store_moved". IDB_REFUSED "store_not_empty", "store_moved", IDB_CONFIG "config_invalid",
 * "config_rights", "store_unfinished". */
bool idb_store_move(const struct idb_config *config, const struct idb_config *to,
                    const char *present, const char *next, struct idb_error *err);

#endif
