/*
 * What an engine does for store.c; the contracts are those of store.h.
 */
#ifndef IDB_DRIVER_H
#define IDB_DRIVER_H

#include "store.h"

#define IDB_VALUES_MAX 24 /* of one statement */

struct idb_driver {
    bool (*open)(void **db, const struct idb_config *config, struct idb_error *err);
    void (*close)(void *db);
    bool (*is_current)(void *db);
    bool (*begin)(void *db, bool write, struct idb_error *err);
    /* Asks for a number with whatever is asked next, after which number() has it, 0 where
     * there is no row. NULL where that saves nothing. */
    bool (*ask_number)(void *db, const char *sql, struct idb_error *err);
    int64_t (*number)(void *db);
    bool (*commit)(void *db, struct idb_error *err);
    void (*rollback)(void *db);
    /* Alone, or beside others that share it. NULL where there is one writer at a time. */
    bool (*lock)(void *db, const void *subject, size_t size, bool share, struct idb_error *err);
    bool (*query)(void *db, const char *sql, const struct idb_value *values, size_t n,
                  struct idb_error *err);
    /* Runs a statement of which nothing is asked; what goes wrong may be said by whatever
     * comes next, at the latest by commit. NULL where that saves nothing. */
    bool (*put)(void *db, const char *sql, const struct idb_value *values, size_t n,
                struct idb_error *err);
    bool (*row)(void *db, bool *found, struct idb_error *err);
    int64_t (*changed)(void *db);
    int64_t (*int_at)(void *db, int column);
    const char *(*text_at)(void *db, int column);
    const void *(*bytes_at)(void *db, int column, size_t *size);
    bool (*checkpoint)(void *db, bool *done, struct idb_error *err);
    bool (*size)(void *db, struct idb_store_size *size, struct idb_error *err);
};

extern const struct idb_driver idb_driver_sqlite;
extern const struct idb_driver idb_driver_pgsql;

#endif
