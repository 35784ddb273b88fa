#include "store.h"

#include "driver.h"
#include "timestamp.h"

#include <stdlib.h>
#include <string.h>

struct idb_store {
    const struct idb_driver *driver;
    void *db;
    int64_t now;   /* of the transaction */
    bool unasked;  /* the mark of the clock comes with the first answer */
    bool presumes; /* something was taken for granted since the last commit */
    bool asks;     /* nothing is, in this transaction */
};

struct idb_value idb_null(void)
{
    return (struct idb_value){ .type = IDB_NULL };
}

struct idb_value idb_int(int64_t number)
{
    return (struct idb_value){ .type = IDB_INT, .number = number };
}

struct idb_value idb_text(const char *text)
{
    if (!text)
        return idb_null();
    return (struct idb_value){ .type = IDB_TEXT, .bytes = text, .size = strlen(text) };
}

struct idb_value idb_bytes(const void *bytes, size_t size)
{
    if (!bytes)
        return idb_null();
    return (struct idb_value){ .type = IDB_BYTES, .bytes = bytes, .size = size };
}

/* The number in a statement's only row, 0 when there is none. Steps to the end:
 * a statement left in its middle would stand in the way of every checkpoint. */
static bool only_number(struct idb_store *store, enum idb_sql sql, int64_t *number,
                        struct idb_error *err)
{
    bool found;

    *number = 0;
    if (!idb_store_query(store, sql, NULL, 0, err) || !idb_store_row(store, &found, err))
        return false;
    if (!found)
        return true;
    *number = idb_store_int(store, 0);
    return idb_store_row(store, &found, err);
}

static bool check_schema(struct idb_store *store, struct idb_error *err)
{
    int64_t version;

    if (!only_number(store, IDB_SQL_SCHEMA_VERSION, &version, err))
        return false;
    if (version == IDB_SCHEMA_VERSION)
        return true;
    if (version < IDB_SCHEMA_VERSION)
        return idb_fail(
            err, IDB_CONFIG, "schema",
            "The store has schema %lld and this program wants %d; run idb-store migrate.",
            (long long)version, IDB_SCHEMA_VERSION);
    return idb_fail(err, IDB_CONFIG, "schema",
                    "The store has schema %lld, newer than the %d of this program; install the"
                    " newer programs, idb-store check says which.",
                    (long long)version, IDB_SCHEMA_VERSION);
}

static const struct idb_driver *driver_of(const struct idb_config *config)
{
#ifdef IDB_POSTGRESQL
    if (idb_config_on_postgresql(config))
        return &idb_driver_pgsql;
#endif
    (void)config;
    return &idb_driver_sqlite;
}

bool idb_store_open(struct idb_store **store, const struct idb_config *config,
                    struct idb_error *err)
{
    struct idb_store *s = calloc(1, sizeof *s);

    *store = NULL;
    if (!s)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    s->driver = driver_of(config);
    if (s->driver->open(&s->db, config, err) && check_schema(s, err)) {
        *store = s;
        return true;
    }
    idb_store_close(s);
    return false;
}

void idb_store_close(struct idb_store *store)
{
    if (store && store->db)
        store->driver->close(store->db);
    free(store);
}

bool idb_store_in_use(int64_t move, struct idb_error *err)
{
    if (move == IDB_STORE_MOVED)
        return idb_fail(err, IDB_TEMPFAIL, "store_moved",
                        "The store has moved; read the configuration anew: start this again, or"
                        " send idb-serve a SIGHUP. Nothing was done.");
    if (move == IDB_STORE_ARRIVING)
        return idb_fail(err, IDB_CONFIG, "store_unfinished",
                        "A move into this store has not come to its end; run idb-store move"
                        " again.");
    return true;
}

static bool check_mark(const struct idb_store *store, int64_t mark, struct idb_error *err)
{
    if (!idb_store_in_use(mark, err))
        return false;
    if (store->now >= mark - IDB_CLOCK_SLACK_MS)
        return true;
    return idb_fail(err, IDB_TEMPFAIL, "clock",
                    "This machine's clock is %lld s behind the newest audit row; set the clock.",
                    (long long)((mark - store->now) / 1000));
}

static bool check_clock(struct idb_store *store, struct idb_error *err)
{
    int64_t mark;

    if (store->driver->ask_number) {
        store->unasked = true;
        return store->driver->ask_number(store->db, idb_sql[IDB_SQL_CLOCK_MARK], err);
    }
    return only_number(store, IDB_SQL_CLOCK_MARK, &mark, err) && check_mark(store, mark, err);
}

/* Where it was asked for on the way: after the transaction's first answer. */
static bool check_clock_asked(struct idb_store *store, struct idb_error *err)
{
    bool first = store->unasked;

    store->unasked = false;
    return !first || check_mark(store, store->driver->number(store->db), err);
}

bool idb_store_is_current(struct idb_store *store)
{
    return store->driver->is_current(store->db);
}

bool idb_store_begin(struct idb_store *store, bool write, int64_t *now, struct idb_error *err)
{
    if (!store->driver->begin(store->db, write, err))
        return false;
    *now = store->now = idb_timestamp_now();
    store->asks = store->presumes;
    if (check_clock(store, err))
        return true;
    idb_store_rollback(store);
    return false;
}

bool idb_store_commit(struct idb_store *store, struct idb_error *err)
{
    int64_t mark;

    if (store->unasked
        && (!only_number(store, IDB_SQL_CLOCK_MARK, &mark, err) || !check_mark(store, mark, err)))
        return false;
    if (!store->driver->commit(store->db, err))
        return false;
    store->presumes = false;
    return true;
}

void idb_store_rollback(struct idb_store *store)
{
    store->unasked = false;
    store->driver->rollback(store->db);
}

bool idb_store_lock(struct idb_store *store, const void *subject, size_t size,
                    struct idb_error *err)
{
    return !store->driver->lock || store->driver->lock(store->db, subject, size, false, err);
}

bool idb_store_share(struct idb_store *store, const void *subject, size_t size,
                     struct idb_error *err)
{
    return !store->driver->lock || store->driver->lock(store->db, subject, size, true, err);
}

bool idb_store_query(struct idb_store *store, enum idb_sql sql, const struct idb_value *values,
                     size_t n, struct idb_error *err)
{
    return store->driver->query(store->db, idb_sql[sql], values, n, err)
           && check_clock_asked(store, err);
}

bool idb_store_row(struct idb_store *store, bool *found, struct idb_error *err)
{
    return store->driver->row(store->db, found, err);
}

bool idb_store_run(struct idb_store *store, enum idb_sql sql, const struct idb_value *values,
                   size_t n, int64_t *changed, struct idb_error *err)
{
    bool found = true;

    if (!changed && store->driver->put)
        return store->driver->put(store->db, idb_sql[sql], values, n, err);
    if (!idb_store_query(store, sql, values, n, err))
        return false;
    while (found)
        if (!idb_store_row(store, &found, err))
            return false;
    if (changed)
        *changed = store->driver->changed(store->db);
    return true;
}

bool idb_store_run_presumed(struct idb_store *store, enum idb_sql sql,
                            const struct idb_value *values, size_t n, bool *wrote,
                            struct idb_error *err)
{
    bool presumed = store->driver->put && !store->asks;
    int64_t changed = 1;

    if (!idb_store_run(store, sql, values, n, presumed ? NULL : &changed, err))
        return false;
    store->presumes |= presumed;
    *wrote = changed == 1;
    return true;
}

int64_t idb_store_int(struct idb_store *store, int column)
{
    return store->driver->int_at(store->db, column);
}

const char *idb_store_text(struct idb_store *store, int column)
{
    return store->driver->text_at(store->db, column);
}

const void *idb_store_bytes(struct idb_store *store, int column, size_t *size)
{
    return store->driver->bytes_at(store->db, column, size);
}

bool idb_store_checkpoint(struct idb_store *store, bool *done, struct idb_error *err)
{
    return store->driver->checkpoint(store->db, done, err);
}

bool idb_store_size(struct idb_store *store, struct idb_store_size *size, struct idb_error *err)
{
    return store->driver->size(store->db, size, err);
}
