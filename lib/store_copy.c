#include "store_copy.h"

#include "admin.h"
#include "store_admin.h"
#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name that SQLite takes for nothing but a file, unlike ":memory:". */
static bool file_path(idb_admin_path_t out, const char *file, struct idb_error *err)
{
    if (file[0] == '/')
        return idb_admin_path(out, file, "", err);
    return idb_admin_path(out, "./", file, err);
}

/* ---- backup ---- */

/* The row stands before the copy does: no copy is ever made unseen. */
static bool record(sqlite3 *db, int lock, int64_t wait_ms, struct idb_error *err)
{
    bool ok = idb_sqlite_lock(lock, wait_ms, err)
              && idb_admin_exec(db, "BEGIN IMMEDIATE", "beginning", err)
              && idb_admin_in_use(db, err) && idb_admin_audit(db, "backup", "started", err)
              && idb_admin_exec(db, "COMMIT", "committing", err);

    if (!ok && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    idb_sqlite_unlock(lock);
    return ok;
}

/* It is made one plain file, without a log, and checked: a damaged backup is none. */
static bool write_file(const char *path, int fd, idb_store_copy_fill_t *fill, void *ctx,
                       struct idb_error *err)
{
    sqlite3 *copy = NULL;
    bool ok = idb_sqlite_connect(&copy, path, SQLITE_OPEN_READWRITE, 0, err) && fill(ctx, copy, err)
              && idb_admin_exec(copy, "PRAGMA journal_mode = DELETE", "writing the backup", err)
              && idb_admin_integrity(copy, "The store", err);

    sqlite3_close(copy);
    if (!ok && !strcmp(err->code, "store_full"))
        return idb_admin_fail(ENOSPC, "write", path, err);
    if (ok && fsync(fd) == -1)
        return idb_admin_fail(errno, "write", path, err);
    return ok && idb_admin_sync(path, err);
}

bool idb_store_copy_write(const char *file, idb_store_copy_fill_t *fill, void *ctx,
                          struct idb_error *err)
{
    idb_admin_path_t path;
    bool ok = false;
    bool made;
    int fd = -1;

    if (!file_path(path, file, err))
        return false;
    made = idb_admin_new(&fd, path);
    if (!made && errno == EEXIST)
        return idb_fail(err, IDB_REFUSED, "file_exists",
                        "%s exists and is left as it is; name a new file.", path);
    if (!made)
        idb_admin_fail(errno, "make", path, err);
    else
        ok = write_file(path, fd, fill, ctx, err);
    if (fd != -1)
        close(fd);
    if (!ok)
        idb_admin_remove(path);
    return ok;
}

struct source {
    sqlite3 *db;
    int lock;
    int64_t wait_ms;
};

/* Writers go on: the copy is the store as it is when it begins. */
static bool fill_from(void *ctx, sqlite3 *copy, struct idb_error *err)
{
    struct source *from = ctx;

    return record(from->db, from->lock, from->wait_ms, err)
           && idb_admin_copy(copy, from->db, "writing the backup", err);
}

bool idb_store_backup(const struct idb_config *config, const char *file, struct idb_error *err)
{
    const char *store = idb_sqlite_path(config);
    struct source from = { .lock = -1, .wait_ms = config->store_wait_ms };
    int64_t version;
    bool ok = idb_sqlite_check_rights(config, err) && idb_sqlite_lock_open(&from.lock, store, err)
              && idb_sqlite_connect(&from.db, store, SQLITE_OPEN_READWRITE, from.wait_ms, err)
              && idb_admin_version(from.db, store, &version, err)
              && idb_store_copy_write(file, fill_from, &from, err);

    sqlite3_close(from.db);
    if (from.lock != -1)
        close(from.lock);
    return ok;
}

/* ---- restore ---- */

/* Says of an error in the backup that it is not the store's. */
static bool blame(const char *path, struct idb_error *err)
{
    if (!strcmp(err->code, "store_corrupt"))
        return idb_fail(err, IDB_CONFIG, "store_corrupt",
                        "%s is no sound backup; take another. Nothing was done.", path);
    if (!strcmp(err->code, "schema"))
        return idb_fail(err, IDB_CONFIG, "schema",
                        "%s is no backup of ID Bellen, or of newer programs than these."
                        " Nothing was done.",
                        path);
    return false;
}

static bool check_file(const char *path, struct idb_error *err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int why = errno;
    struct stat st;
    bool ok;

    if (fd == -1)
        return idb_fail(err, why == ENOENT ? IDB_DATA : IDB_NOPERM, "file_unreadable",
                        "Cannot read %s: %s. Nothing was done.", path, strerror(why));
    ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    close(fd);
    return ok ? true
              : idb_fail(err, IDB_DATA, "file_unreadable", "%s is not a file. Nothing was done.",
                         path);
}

/* A private database without a name: nobody else can open it, and nothing of it
 * is left when we are killed. */
static bool load(sqlite3 *copy, const char *path, int64_t *version, struct idb_error *err)
{
    sqlite3 *file = NULL;
    bool ok = check_file(path, err) && idb_sqlite_connect(&file, path, SQLITE_OPEN_READONLY, 0, err)
              && idb_admin_copy(copy, file, "reading the backup", err)
              && idb_admin_integrity(copy, path, err)
              && idb_admin_version(copy, path, version, err);

    sqlite3_close(file);
    return ok ? true : blame(path, err);
}

/* All that a backup may not bring back: live sessions, invitations that anybody could
 * use again, times that have not come yet, left by a clock that ran ahead, and that its
 * store moved. */
static bool retire(sqlite3 *copy, int64_t version, int64_t *expired, struct idb_error *err)
{
    static const char *const future[] = {
        "UPDATE audit SET at = $1 WHERE at > $1",
        "UPDATE ended_call SET at = $1 WHERE at > $1",
        "UPDATE attempts SET since = $1 WHERE since > $1",
    };
    static const char moves[] = "DELETE FROM meta WHERE name <> 'schema_version'";
    struct idb_value now = idb_int(idb_timestamp_now());

    if (!idb_admin_exec(copy, "BEGIN", "beginning", err) || !idb_admin_migrate(copy, version, err)
        || !idb_admin_run(copy, idb_sql[IDB_SQL_EXPIRE_ALL], &now, 1, expired, err)
        || !idb_admin_run(copy, idb_sql[IDB_SQL_EXPIRE_INVITATIONS], &now, 1, NULL, err))
        return false;
    for (size_t i = 0; i < sizeof future / sizeof future[0]; i++)
        if (!idb_admin_run(copy, future[i], &now, 1, NULL, err))
            return false;
    return idb_admin_exec(copy, moves, "restoring", err)
           && idb_admin_audit(copy, "restore", "ok", err)
           && idb_admin_exec(copy, "COMMIT", "committing", err);
}

bool idb_store_copy_read(sqlite3 **copy, const char *file, int64_t *expired, struct idb_error *err)
{
    const int made = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    idb_admin_path_t path;
    int64_t version;

    *copy = NULL;
    if (file_path(path, file, err) && idb_sqlite_connect(copy, "", made, 0, err)
        && load(*copy, path, &version, err) && retire(*copy, version, expired, err))
        return true;
    sqlite3_close(*copy);
    *copy = NULL;
    return false;
}

/* A damaged store is replaced all the same, unless it can say that it has moved. */
static bool allow_damaged(sqlite3 *db, struct idb_error *err)
{
    struct idb_error found = { 0 };

    if (idb_admin_in_use(db, &found)
        || (strcmp(found.code, "store_moved") && strcmp(found.code, "store_unfinished")))
        return true;
    *err = found;
    return false;
}

/* Afterwards the replaced pages leave the log too, unless a reader is in the way:
 * then idb-purge sees to it. */
static bool replace(const struct idb_config *config, sqlite3 *copy, struct idb_error *err)
{
    const char *store = idb_sqlite_path(config);
    sqlite3 *db = NULL;
    bool ok = idb_sqlite_connect(&db, store, SQLITE_OPEN_READWRITE, config->store_wait_ms, err)
              && allow_damaged(db, err)
              && idb_admin_exec(db, "PRAGMA journal_mode = WAL", "opening", err)
              && idb_admin_copy(db, copy, "replacing the store", err);

    if (ok)
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_close(db);
    if (!ok && !strcmp(err->code, "store_corrupt"))
        return idb_fail(err, IDB_CONFIG, "store_corrupt",
                        "%s is no database any more; move it away, run idb-store create, then"
                        " restore again.",
                        store);
    return ok;
}

bool idb_store_restore(const struct idb_config *config, const char *file, int64_t *expired,
                       struct idb_error *err)
{
    sqlite3 *copy = NULL;
    int lock = -1;
    bool ok = idb_sqlite_check_rights(config, err)
              && idb_sqlite_lock_open(&lock, idb_sqlite_path(config), err)
              && idb_store_copy_read(&copy, file, expired, err)
              && idb_sqlite_lock(lock, config->store_wait_ms, err) && replace(config, copy, err);

    sqlite3_close(copy);
    if (lock != -1)
        close(lock);
    return ok;
}
