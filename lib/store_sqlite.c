#include "driver.h"
#include "sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct statement {
    const char *text; /* known by its address */
    sqlite3_stmt *stmt;
    size_t values;
    int index[IDB_VALUES_MAX]; /* SQLite's, of $1 … */
};

struct db {
    sqlite3 *handle;
    int lock;
    bool locked;
    int64_t wait_ms;
    char *path;
    dev_t device; /* of the database file when it was opened */
    ino_t inode;
    sqlite3_stmt *active;
    struct statement statement[IDB_SQL_LAST]; /* prepared so far */
    size_t prepared;
};

static void unlock(struct db *db)
{
    if (db->locked)
        idb_sqlite_unlock(db->lock);
    db->locked = false;
}

static void sqlite_close(void *p)
{
    struct db *db = p;

    for (size_t i = 0; i < db->prepared; i++)
        sqlite3_finalize(db->statement[i].stmt);
    sqlite3_close(db->handle);
    if (db->lock != -1)
        close(db->lock);
    free(db->path);
    free(db);
}

/* Half a megabyte of the store's pages, where SQLite by itself keeps two: the kernel keeps them
 * all, and a page from there is as fast. */
static bool limit_cache(struct db *db, struct idb_error *err)
{
    int rc = sqlite3_exec(db->handle, "PRAGMA cache_size = -512", NULL, NULL, NULL);

    return rc == SQLITE_OK || idb_sqlite_fail(db->handle, rc, "opening", err);
}

static bool sqlite_open(void **p, const struct idb_config *config, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    struct stat st;
    struct db *db;

    if (!idb_sqlite_check_rights(config, err))
        return false;
    db = calloc(1, sizeof *db);
    if (!db)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    db->lock = -1;
    db->wait_ms = config->store_wait_ms;
    db->path = strdup(path);
    if (!db->path || stat(path, &st) == -1) {
        idb_fail(err, IDB_TEMPFAIL, "busy", "The store is being replaced; try again.");
    } else if (idb_sqlite_lock_open(&db->lock, path, err)
               && idb_sqlite_connect(&db->handle, path, SQLITE_OPEN_READWRITE, db->wait_ms, err)
               && limit_cache(db, err)) {
        db->device = st.st_dev;
        db->inode = st.st_ino;
        *p = db;
        return true;
    }
    sqlite_close(db);
    return false;
}

static bool sqlite_is_current(void *p)
{
    struct db *db = p;
    struct stat st;

    return !stat(db->path, &st) && st.st_dev == db->device && st.st_ino == db->inode;
}

static void end_statement(struct db *db)
{
    if (db->active)
        sqlite3_reset(db->active);
    db->active = NULL;
}

static bool sqlite_begin(void *p, bool write, struct idb_error *err)
{
    struct db *db = p;
    int rc;

    end_statement(db); /* it would hold on to what the store was before */
    if (write && !idb_sqlite_lock(db->lock, db->wait_ms, err))
        return false;
    db->locked = write;
    rc = sqlite3_exec(db->handle, write ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return true;
    unlock(db);
    return idb_sqlite_fail(db->handle, rc, "beginning", err);
}

static bool sqlite_commit(void *p, struct idb_error *err)
{
    struct db *db = p;
    int rc;

    end_statement(db);
    rc = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return idb_sqlite_fail(db->handle, rc, IDB_COMMITTING, err);
    unlock(db);
    return true;
}

static void sqlite_rollback(void *p)
{
    struct db *db = p;

    end_statement(db);
    /* A full disk may have rolled back already. */
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    unlock(db);
}

/* Where $1, $2 … stand: SQLite counts parameters in the order in which they appear. */
static bool find_values(struct statement *s)
{
    int n = sqlite3_bind_parameter_count(s->stmt);

    if (n > IDB_VALUES_MAX)
        return false;
    s->values = (size_t)n;
    for (int i = 1; i <= n; i++) {
        const char *name = sqlite3_bind_parameter_name(s->stmt, i);
        long number = name && name[0] == '$' ? strtol(name + 1, NULL, 10) : 0;

        if (number < 1 || number > n)
            return false;
        s->index[number - 1] = i;
    }
    return true;
}

/* The statement of that text, prepared once; NULL with err set. */
static struct statement *prepare(struct db *db, const char *sql, struct idb_error *err)
{
    struct statement *s;
    int rc;

    for (size_t i = 0; i < db->prepared; i++)
        if (db->statement[i].text == sql)
            return &db->statement[i];
    if (db->prepared == IDB_SQL_LAST) {
        idb_fail(err, IDB_SOFTWARE, "internal", "Too many statements.");
        return NULL;
    }
    s = &db->statement[db->prepared];
    rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    if (rc != SQLITE_OK && (rc & 0xff) == SQLITE_ERROR)
        idb_fail(err, IDB_CONFIG, "schema",
                 "The store has another schema (%s); run idb-store check.",
                 sqlite3_errmsg(db->handle));
    else if (rc != SQLITE_OK)
        idb_sqlite_fail(db->handle, rc, "preparing", err);
    else if (!find_values(s))
        idb_fail(err, IDB_SOFTWARE, "internal", "Values out of order in: %.200s", sql);
    else {
        s->text = sql;
        db->prepared++;
        return s;
    }
    sqlite3_finalize(s->stmt);
    return NULL;
}

static int bind(sqlite3_stmt *stmt, int index, const struct idb_value *value)
{
    switch (value->type) {
    case IDB_INT:
        return sqlite3_bind_int64(stmt, index, value->number);
    case IDB_TEXT:
        return sqlite3_bind_text(stmt, index, value->bytes, (int)value->size, SQLITE_STATIC);
    case IDB_BYTES:
        return sqlite3_bind_blob(stmt, index, value->bytes, (int)value->size, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, index);
    }
}

static bool sqlite_query(void *p, const char *sql, const struct idb_value *values, size_t n,
                         struct idb_error *err)
{
    struct db *db = p;
    struct statement *s;

    end_statement(db);
    s = prepare(db, sql, err);
    if (!s)
        return false;
    if (s->values != n)
        return idb_fail(err, IDB_SOFTWARE, "internal", "%zu values for: %.200s", n, sql);
    for (size_t i = 0; i < n; i++)
        if (bind(s->stmt, s->index[i], &values[i]) != SQLITE_OK)
            return idb_fail(err, IDB_SOFTWARE, "internal", "No $%zu in: %.200s", i + 1, sql);
    db->active = s->stmt;
    return true;
}

static bool sqlite_row(void *p, bool *found, struct idb_error *err)
{
    struct db *db = p;
    int rc = sqlite3_step(db->active);

    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        idb_sqlite_fail(db->handle, rc, "running", err);
    end_statement(db);
    return rc == SQLITE_DONE;
}

static int64_t sqlite_changed(void *p)
{
    return sqlite3_changes64(((struct db *)p)->handle);
}

static int64_t sqlite_int(void *p, int column)
{
    return sqlite3_column_int64(((struct db *)p)->active, column);
}

static const char *sqlite_text(void *p, int column)
{
    return (const char *)sqlite3_column_text(((struct db *)p)->active, column);
}

static const void *sqlite_bytes(void *p, int column, size_t *size)
{
    sqlite3_stmt *stmt = ((struct db *)p)->active;
    const void *bytes = sqlite3_column_blob(stmt, column);

    *size = (size_t)sqlite3_column_bytes(stmt, column);
    return bytes;
}

/* Most pages are moved without holding up anyone; only the rest under the lock. */
static bool sqlite_checkpoint(void *p, bool *done, struct idb_error *err)
{
    struct db *db = p;
    int rc;

    *done = false;
    end_statement(db);
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (!idb_sqlite_lock(db->lock, db->wait_ms, err))
        return false;
    sqlite3_busy_timeout(db->handle, 50);
    rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, (int)db->wait_ms);
    idb_sqlite_unlock(db->lock);
    *done = rc == SQLITE_OK;
    if (*done || (rc & 0xff) == SQLITE_BUSY)
        return true;
    return idb_sqlite_fail(db->handle, rc, "emptying the write-ahead log", err);
}

static int64_t file_size(const char *path, const char *suffix)
{
    char name[PATH_MAX];
    struct stat st;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? st.st_size : 0;
}

/* The only number that an engine's own question has for an answer. */
static bool pragma(struct db *db, const char *sql, int64_t *number, struct idb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    *number = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || idb_sqlite_fail(db->handle, rc, "running", err);
}

static bool sqlite_size(void *p, struct idb_store_size *size, struct idb_error *err)
{
    struct db *db = p;

    end_statement(db);
    size->bytes = file_size(db->path, "");
    size->log_bytes = file_size(db->path, "-wal");
    return pragma(db, "PRAGMA page_count", &size->pages, err)
           && pragma(db, "PRAGMA freelist_count", &size->free_pages, err);
}

const struct idb_driver idb_driver_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .is_current = sqlite_is_current,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .query = sqlite_query,
    .row = sqlite_row,
    .changed = sqlite_changed,
    .int_at = sqlite_int,
    .text_at = sqlite_text,
    .bytes_at = sqlite_bytes,
    .checkpoint = sqlite_checkpoint,
    .size = sqlite_size,
};
