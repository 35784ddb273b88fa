#include "admin.h"

#include "schema.h"
#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

bool idb_admin_path(idb_admin_path_t out, const char *path, const char *suffix,
                    struct idb_error *err)
{
    int n = snprintf(out, sizeof(idb_admin_path_t), "%s%s", path, suffix);

    if (n > 0 && n < (int)sizeof(idb_admin_path_t))
        return true;
    return idb_fail(err, IDB_CONFIG, "store_missing", "The path %.100s... is too long.", path);
}

bool idb_admin_folder(idb_admin_path_t out, const char *path, struct idb_error *err)
{
    char *slash;

    if (!idb_admin_path(out, path, "", err))
        return false;
    slash = strrchr(out, '/');
    if (!slash)
        return idb_admin_path(out, ".", "", err);
    slash[slash == out] = '\0'; /* of "/file" the slash itself stays */
    return true;
}

bool idb_admin_fail(int why, const char *doing, const char *path, struct idb_error *err)
{
    switch (why) {
    case EROFS:
        return idb_fail(err, IDB_UNAVAILABLE, "store_read_only",
                        "Cannot %s %s: read-only file system; mount it writable.", doing, path);
    case ENOSPC:
    case EDQUOT:
        return idb_fail(err, IDB_UNAVAILABLE, "store_full",
                        "Cannot %s %s: its disk is full; make room.", doing, path);
    case EACCES:
    case EPERM:
        return idb_fail(err, IDB_NOPERM, "store_unreadable", "Cannot %s %s: %s; run as root.",
                        doing, path, strerror(why));
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        return idb_fail(err, IDB_CONFIG, "store_missing",
                        "Cannot %s %s: %s; the folder above it must exist.", doing, path,
                        strerror(why));
    default:
        return idb_fail(err, IDB_UNAVAILABLE, "store_io", "Cannot %s %s: %s.", doing, path,
                        strerror(why));
    }
}

bool idb_admin_new(int *fd, const char *path)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd == -1)
        return false;
    return fchmod(*fd, 0600) == 0; /* whatever the umask was */
}

bool idb_admin_sync(const char *path, struct idb_error *err)
{
    idb_admin_path_t folder;
    int fd;
    int why;

    if (!idb_admin_folder(folder, path, err))
        return false;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    why = fd == -1 || fsync(fd) == -1 ? errno : 0;
    if (fd != -1)
        close(fd);
    return why ? idb_admin_fail(why, "write", folder, err) : true;
}

void idb_admin_remove(const char *path)
{
    static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };
    struct idb_error ignored;
    idb_admin_path_t name;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (idb_admin_path(name, path, suffixes[i], &ignored))
            unlink(name);
}

/* ---- statements ---- */

bool idb_admin_exec(sqlite3 *db, const char *sql, const char *doing, struct idb_error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? true : idb_sqlite_fail(db, rc, doing, err);
}

static int bind(sqlite3_stmt *stmt, size_t n, const struct idb_value *value)
{
    char name[24];
    int index;

    snprintf(name, sizeof name, "$%zu", n);
    index = sqlite3_bind_parameter_index(stmt, name);
    if (value->type == IDB_INT)
        return sqlite3_bind_int64(stmt, index, value->number);
    if (value->type == IDB_TEXT)
        return sqlite3_bind_text(stmt, index, value->bytes, (int)value->size, SQLITE_STATIC);
    return sqlite3_bind_null(stmt, index);
}

bool idb_admin_run(sqlite3 *db, const char *sql, const struct idb_value *values, size_t n,
                   int64_t *changed, struct idb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = bind(stmt, i + 1, &values[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        idb_sqlite_fail(db, rc, "running", err);
    else if (changed)
        *changed = sqlite3_changes64(db);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

/* Steps to the first row; *stmt is the caller's, to be finalized. */
static bool first(sqlite3 *db, const char *sql, sqlite3_stmt **stmt, bool *found,
                  struct idb_error *err)
{
    int rc = sqlite3_prepare_v2(db, sql, -1, stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(*stmt);
    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return true;
    return idb_sqlite_fail(db, rc, "reading", err);
}

bool idb_admin_number(sqlite3 *db, const char *sql, int64_t *number, struct idb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    bool ok = first(db, sql, &stmt, &found, err);

    *number = found ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return ok;
}

bool idb_admin_text(sqlite3 *db, const char *sql, char *text, size_t size, struct idb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool found = false;
    bool ok = first(db, sql, &stmt, &found, err);
    const unsigned char *value = found ? sqlite3_column_text(stmt, 0) : NULL;

    snprintf(text, size, "%s", value ? (const char *)value : "");
    sqlite3_finalize(stmt);
    return ok;
}

/* ---- the whole database ---- */

bool idb_admin_integrity(sqlite3 *db, const char *name, struct idb_error *err)
{
    char found[160];

    if (!idb_admin_text(db, "PRAGMA integrity_check(1)", found, sizeof found, err))
        return false;
    if (!strcmp(found, "ok"))
        return true;
    for (char *c = strchr(found, '\n'); c; c = strchr(c, '\n'))
        *c = ' '; /* a message is one line */
    return idb_fail(err, IDB_CONFIG, "store_corrupt",
                    "%s is damaged (%s); bring back a backup with idb-store restore.", name, found);
}

bool idb_admin_version(sqlite3 *db, const char *name, int64_t *version, struct idb_error *err)
{
    static const char has_meta[] = "SELECT COUNT(*) FROM pragma_table_info('meta')"
                                   " WHERE name IN ('name', 'value')";
    int64_t columns;

    *version = 0;
    if (!idb_admin_number(db, has_meta, &columns, err)
        || (columns == 2 && !idb_admin_number(db, idb_sql[IDB_SQL_SCHEMA_VERSION], version, err)))
        return false;
    if (*version < 1)
        return idb_fail(err, IDB_CONFIG, "schema",
                        "%s holds no store of ID Bellen; move it away and run idb-store create.",
                        name);
    if (*version > IDB_SCHEMA_VERSION)
        return idb_fail(err, IDB_CONFIG, "schema",
                        "%s has schema %lld, newer than the %d of this program; install the newer"
                        " programs.",
                        name, (long long)*version, IDB_SCHEMA_VERSION);
    return true;
}

bool idb_admin_current(int64_t version, struct idb_error *err)
{
    return version == IDB_SCHEMA_VERSION
           || idb_fail(err, IDB_CONFIG, "schema",
                       "The store has schema %lld and this program wants %d; run idb-store"
                       " migrate.",
                       (long long)version, IDB_SCHEMA_VERSION);
}

bool idb_admin_in_use(sqlite3 *db, struct idb_error *err)
{
    int64_t move;

    return idb_admin_number(db, idb_sql[IDB_SQL_MOVE], &move, err) && idb_store_in_use(move, err);
}

bool idb_admin_migrate_to(sqlite3 *db, int64_t from, int64_t to, struct idb_error *err)
{
    int64_t version;

    for (const struct idb_migration *m = idb_migrations; m->version; m++)
        if (m->version > from && m->version <= to
            && !idb_admin_exec(db, m->sql, "changing the schema", err))
            return false;
    if (!idb_admin_version(db, "The store", &version, err))
        return false;
    if (version != to)
        return idb_fail(err, IDB_SOFTWARE, "internal", "The migrations end at schema %lld.",
                        (long long)version);
    return true;
}

bool idb_admin_migrate(sqlite3 *db, int64_t from, struct idb_error *err)
{
    return idb_admin_migrate_to(db, from, IDB_SCHEMA_VERSION, err);
}

void idb_admin_name(char *name, size_t size)
{
    const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(getuid());

    if (sudo && *sudo)
        snprintf(name, size, "admin:%s", sudo);
    else if (pw)
        snprintf(name, size, "admin:%s", pw->pw_name);
    else
        snprintf(name, size, "admin:%ld", (long)getuid());
}

bool idb_admin_audit(sqlite3 *db, const char *action, const char *result, struct idb_error *err)
{
    int64_t now = idb_timestamp_now();
    int64_t mark;
    char actor[IDB_ADMIN_NAME_SIZE];

    if (!idb_admin_number(db, "SELECT MAX(at) FROM audit", &mark, err))
        return false;
    idb_admin_name(actor, sizeof actor);
    return idb_admin_run(db, idb_sql[IDB_SQL_AUDIT],
                         (const struct idb_value[]){ idb_int(now > mark ? now : mark),
                                                     idb_text(actor), idb_text(action), idb_null(),
                                                     idb_text(result), idb_null() },
                         6, NULL, err);
}

bool idb_admin_use(const struct idb_config *config, struct idb_error *err)
{
    struct idb_store *store = NULL;
    int64_t now;
    bool ok = idb_store_open(&store, config, err) && idb_store_begin(store, false, &now, err)
              && idb_store_commit(store, err);

    idb_store_close(store);
    return ok;
}

bool idb_admin_report(json_t **json, const struct idb_admin_report *report, struct idb_error *err)
{
    char newest[IDB_TIMESTAMP_SIZE];

    idb_timestamp_format(newest, report->mark);
    *json =
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s*}", "schema", (json_int_t)report->schema,
                  "integrity", "ok", "rights", "ok", "clock", "ok", "size",
                  (json_int_t)report->size, "wal_size", (json_int_t)report->wal_size, "sessions",
                  (json_int_t)report->sessions, "newest_audit", report->mark ? newest : NULL);
    return *json ? true : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

bool idb_admin_copy(sqlite3 *to, sqlite3 *from, const char *doing, struct idb_error *err)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    int rc = copy ? sqlite3_backup_step(copy, -1) : sqlite3_errcode(to);
    int end = sqlite3_backup_finish(copy);

    if (rc == SQLITE_DONE && end == SQLITE_OK)
        return true;
    /* The reason stands in the code; neither connection need have it as its own. */
    return idb_sqlite_fail(NULL, rc == SQLITE_DONE ? end : rc, doing, err);
}
