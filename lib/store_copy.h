/*
 * What backup and restore of all engines share: the file, an SQLite database.
 *
 *     ok = idb_store_copy_write(file, fill, ctx, err);
 *
 *     ok = idb_store_copy_read(&copy, file, &expired, err) && ...
 *     sqlite3_close(copy);
 */
#ifndef IDB_STORE_COPY_H
#define IDB_STORE_COPY_H

#include "error.h"

#include <sqlite3.h>
#include <stdint.h>

/* Puts a store into an empty database. */
typedef bool idb_store_copy_fill_t(void *ctx, sqlite3 *copy, struct idb_error *err);

/* Makes the new file, mode 0600, has it filled, checks and syncs it; of one that fails
 * nothing stays. IDB_REFUSED "file_exists". */
bool idb_store_copy_write(const char *file, idb_store_copy_fill_t *fill, void *ctx,
                          struct idb_error *err);

/* Reads and checks a backup, into a private database without a name: nobody else can open
 * it, and nothing of it is left when we are killed. In it the schema is this program's,
 * every session has ended, and the audit row of the restore stands. */
bool idb_store_copy_read(sqlite3 **copy, const char *file, int64_t *expired, struct idb_error *err);

#endif
