/*
 * The store: statements of sql.h over a thin driver.
 *
 *     struct idb_value in[] = { idb_text(id) };
 *     if (!idb_store_query(store, IDB_SQL_BY_ID, in, 1, err)
 *         || !idb_store_row(store, &found, err))
 *         return false;
 *
 * One statement is active at a time; the next query ends it. Errors of all functions:
 * IDB_TEMPFAIL "busy" (locked longer than store.wait_ms), "clock" and "store_moved",
 * IDB_UNAVAILABLE "store_full", "store_io", "store_read_only", "store_down", IDB_CONFIG
 * "store_missing", "store_rights", "store_corrupt", "store_unfinished", "schema", IDB_NOPERM
 * "store_unreadable", IDB_SOFTWARE "internal"; and of a store on another machine IDB_TEMPFAIL
 * "conflict" and "store_lost" (nothing was done, and it may be repeated), "locked", and
 * "store_unknown" (by a commit: done or not). Each message says what to do.
 */
#ifndef IDB_STORE_H
#define IDB_STORE_H

#include "config.h"
#include "sql.h"

#define IDB_CLOCK_SLACK_MS 60000 /* the clock may be this much behind the newest audit row */

struct idb_store;

enum idb_type { IDB_NULL, IDB_INT, IDB_TEXT, IDB_BYTES };

/* One parameter; text and bytes are borrowed until the next query. */
struct idb_value {
    enum idb_type type;
    int64_t number;
    const void *bytes;
    size_t size;
};

struct idb_value idb_null(void);
struct idb_value idb_int(int64_t number);
struct idb_value idb_text(const char *text);                /* NULL binds as null */
struct idb_value idb_bytes(const void *bytes, size_t size); /* NULL binds as null */

/* Opens the configured store and checks rights and schema version. */
bool idb_store_open(struct idb_store **store, const struct idb_config *config,
                    struct idb_error *err);
void idb_store_close(struct idb_store *store);

/* What IDB_SQL_MOVE says of a store that must not be used; false, and why, for those two. */
enum { IDB_STORE_MOVED = -1, IDB_STORE_ARRIVING = -2 };
bool idb_store_in_use(int64_t move, struct idb_error *err);

/* False when the store's files were replaced since it was opened. */
bool idb_store_is_current(struct idb_store *store);

/* Begins a transaction, one that writes only after its turn in the queue, and
 * fixes its time, *now (ms). IDB_TEMPFAIL "clock" when the clock is more than
 * IDB_CLOCK_SLACK_MS behind the newest audit row, "store_moved" when it is another store's
 * turn. Of a store on another machine the first query or the commit may say so. */
bool idb_store_begin(struct idb_store *store, bool write, int64_t *now, struct idb_error *err);
bool idb_store_commit(struct idb_store *store, struct idb_error *err);
/* Harmless when there is no transaction. */
void idb_store_rollback(struct idb_store *store);

/* Until the transaction ends nobody else gets past a lock of the same subject, the hash of a
 * call: what is read then stays so until the commit. Costs nothing where there is one writer
 * at a time. */
bool idb_store_lock(struct idb_store *store, const void *subject, size_t size,
                    struct idb_error *err);
/* Shuts out those that lock the subject, and not those that share it: waits for the former,
 * and what is asked next sees what they did. Who shares it already cannot wait to lock it, for
 * two would wait for each other: where anybody else shares it idb_store_lock() is then
 * "conflict". */
bool idb_store_share(struct idb_store *store, const void *subject, size_t size,
                     struct idb_error *err);

/* Starts a statement with n values for $1..$n; n must be what it takes. */
bool idb_store_query(struct idb_store *store, enum idb_sql sql, const struct idb_value *values,
                     size_t n, struct idb_error *err);
/* Steps to the next row; *found is false after the last. */
bool idb_store_row(struct idb_store *store, bool *found, struct idb_error *err);
/* Runs a statement to its end, rows ignored; *changed is the number of rows it wrote. With
 * NULL there, what goes wrong may be said by whatever comes next, at the latest by the
 * commit. */
bool idb_store_run(struct idb_store *store, enum idb_sql sql, const struct idb_value *values,
                   size_t n, int64_t *changed, struct idb_error *err);
/* The same of a statement that must write one row, which *wrote says; what was read before
 * foretells that it does. Where asking costs a round trip that is taken for granted, and a
 * statement behind it has to fail, as "conflict", where it was not so: then nothing is done,
 * and in the next transaction nothing is taken for granted. */
bool idb_store_run_presumed(struct idb_store *store, enum idb_sql sql,
                            const struct idb_value *values, size_t n, bool *wrote,
                            struct idb_error *err);

/* Column of the present row, from 0. Text and bytes are borrowed until the next
 * step; NULL for null. */
int64_t idb_store_int(struct idb_store *store, int column);
const char *idb_store_text(struct idb_store *store, int column);
const void *idb_store_bytes(struct idb_store *store, int column, size_t *size);

/* Moves all committed pages into the database and empties the write-ahead log,
 * so that erased bytes are gone from it; *done is false when a reader is in the
 * way. Not inside a transaction. */
bool idb_store_checkpoint(struct idb_store *store, bool *done, struct idb_error *err);

/* What the store takes on the disk. */
struct idb_store_size {
    int64_t bytes;      /* of the database file */
    int64_t log_bytes;  /* of its write-ahead log */
    int64_t pages;      /* that the database has */
    int64_t free_pages; /* of those, kept for what comes */
};
bool idb_store_size(struct idb_store *store, struct idb_store_size *size, struct idb_error *err);

#endif
