/*
 * What the SQLite driver shares with idb-store's work on the whole file.
 */
#ifndef IDB_SQLITE_H
#define IDB_SQLITE_H

#include "config.h"

#include <sqlite3.h>

#define IDB_LOCK_SUFFIX "-lock" /* beside the database: where writers queue */

/* The path behind "sqlite:". */
const char *idb_sqlite_path(const struct idb_config *config);

/* An error of store.h for what db says; doing is put before the message. When the
 * disk fails while IDB_COMMITTING, it says that nobody knows. */
#define IDB_COMMITTING "committing"
bool idb_sqlite_fail(sqlite3 *db, int rc, const char *doing, struct idb_error *err);

/* Opens path with the settings every connection has. */
bool idb_sqlite_connect(sqlite3 **db, const char *path, int flags, int64_t wait_ms,
                        struct idb_error *err);

/* Rights of database, lock file and folder: none for others; with store.group
 * the group writes and the folder hands its group on (setgid). */
bool idb_sqlite_check_rights(const struct idb_config *config, struct idb_error *err);

/* Opens the lock file and waits in its queue for at most wait_ms; *fd is open
 * and locked. */
bool idb_sqlite_lock_open(int *fd, const char *path, struct idb_error *err);
bool idb_sqlite_lock(int fd, int64_t wait_ms, struct idb_error *err);
void idb_sqlite_unlock(int fd);

#endif
