/*
 * What the parts of store_admin.h share: a plain SQLite connection, without the
 * checks that the other programs' store makes.
 *
 *     int64_t version;
 *     if (!idb_sqlite_connect(&db, path, SQLITE_OPEN_READWRITE, wait_ms, err)
 *         || !idb_admin_version(db, path, &version, err)) ...
 *     sqlite3_close(db);
 */
#ifndef IDB_ADMIN_H
#define IDB_ADMIN_H

#include "sqlite.h"
#include "store.h"

#include <limits.h>

/* A path with one of the suffixes below; make it with idb_admin_path. */
typedef char idb_admin_path_t[PATH_MAX];

/* path + suffix; IDB_CONFIG "store_missing" when that is too long for a path. */
bool idb_admin_path(idb_admin_path_t out, const char *path, const char *suffix,
                    struct idb_error *err);

/* The folder that path stands in. */
bool idb_admin_folder(idb_admin_path_t out, const char *path, struct idb_error *err);

/* An error of store.h for errno `why`; doing as in "make", path what it was done to. */
bool idb_admin_fail(int why, const char *doing, const char *path, struct idb_error *err);

/* Makes the file, which must not exist, empty and for its owner alone; *fd is
 * the caller's. errno says why it failed. */
bool idb_admin_new(int *fd, const char *path);

/* Writes the folder that path stands in to disk, so that a new name lasts. */
bool idb_admin_sync(const char *path, struct idb_error *err);

/* Removes an SQLite file and what SQLite puts beside it. */
void idb_admin_remove(const char *path);

/* Runs SQL without values; doing is put before the message. */
bool idb_admin_exec(sqlite3 *db, const char *sql, const char *doing, struct idb_error *err);

/* Runs one statement with n values for $1..$n; *changed (may be NULL) is the
 * number of rows it wrote. */
bool idb_admin_run(sqlite3 *db, const char *sql, const struct idb_value *values, size_t n,
                   int64_t *changed, struct idb_error *err);

/* The first column of the first row; 0 and "" when there is none. */
bool idb_admin_number(sqlite3 *db, const char *sql, int64_t *number, struct idb_error *err);
bool idb_admin_text(sqlite3 *db, const char *sql, char *text, size_t size, struct idb_error *err);

/* IDB_CONFIG "store_corrupt" unless SQLite finds every page of the file called
 * name in order. */
bool idb_admin_integrity(sqlite3 *db, const char *name, struct idb_error *err);

/* The schema of the file called name, 1 up to this program's. IDB_CONFIG
 * "schema" when it is no store or newer. */
bool idb_admin_version(sqlite3 *db, const char *name, int64_t *version, struct idb_error *err);

/* IDB_CONFIG "schema" unless it is this program's. */
bool idb_admin_current(int64_t version, struct idb_error *err);

/* IDB_TEMPFAIL "store_moved" when the store has moved away, IDB_CONFIG "store_unfinished"
 * while a move into it has not come to its end. */
bool idb_admin_in_use(sqlite3 *db, struct idb_error *err);

/* Brings the schema from that version (0: an empty database) to this program's, or to an
 * older one. Inside the caller's transaction. */
bool idb_admin_migrate(sqlite3 *db, int64_t from, struct idb_error *err);
bool idb_admin_migrate_to(sqlite3 *db, int64_t from, int64_t to, struct idb_error *err);

/* An audit row of the person at work, "admin:NAME". It never sets the mark of
 * the clock back: at is the newest row's time where that is later than now. */
bool idb_admin_audit(sqlite3 *db, const char *action, const char *result, struct idb_error *err);

/* Just what every other program does first: opens the configured store, and looks at the
 * clock. */
bool idb_admin_use(const struct idb_config *config, struct idb_error *err);

/* How many sessions have not ended, in SQL. */
#define IDB_ADMIN_UNENDED                                                                          \
    "SELECT COUNT(*) FROM session WHERE state IN ('issued', 'called', 'connected', 'wrap_up')"

/* What is found of a store in order. */
struct idb_admin_report {
    int64_t schema;
    int64_t size;     /* bytes */
    int64_t wal_size; /* bytes, of SQLite */
    int64_t sessions; /* not ended */
    int64_t mark;     /* of the newest audit row; 0 for none */
};

/* The same as JSON, store_admin.h's; a new reference. */
bool idb_admin_report(json_t **json, const struct idb_admin_report *report, struct idb_error *err);

/* Copies everything in from to the database to, in one transaction. */
bool idb_admin_copy(sqlite3 *to, sqlite3 *from, const char *doing, struct idb_error *err);

#define IDB_ADMIN_NAME_SIZE 80

/* Who is at work, "admin:NAME": sudo's user where root runs us, else the user. */
void idb_admin_name(char *name, size_t size);

#endif
