#include "store_admin.h"

#include "admin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only a whole database gets the store's name; this one is being made. */
#define NEW_SUFFIX "-new"

/* ---- rights ---- */

/* store.group's number; -1, which changes nothing, where there is none. */
static bool group_id(const struct idb_config *config, gid_t *gid, struct idb_error *err)
{
    const struct group *group;

    *gid = (gid_t)-1;
    if (!config->store_group)
        return true;
    group = getgrnam(config->store_group);
    if (!group)
        return idb_fail(err, IDB_CONFIG, "config_invalid",
                        "store.group: this system has no group %s; make it: groupadd --system %s",
                        config->store_group, config->store_group);
    *gid = group->gr_gid;
    return true;
}

/* Gives a file of ours its group and mode, whatever the umask was. */
static bool share(int fd, gid_t gid, mode_t mode, const char *path, struct idb_error *err)
{
    if (fchown(fd, (uid_t)-1, gid) == 0 && fchmod(fd, mode) == 0)
        return true;
    return idb_admin_fail(errno, "set the rights of", path, err);
}

static bool check_group(const char *path, gid_t gid, const char *group, struct idb_error *err)
{
    struct stat st;

    if (gid == (gid_t)-1)
        return true;
    if (lstat(path, &st) == -1)
        return idb_admin_fail(errno, "look at", path, err);
    if (st.st_gid == gid)
        return true;
    return idb_fail(err, IDB_CONFIG, "store_rights",
                    "%s does not belong to group %s; run: chgrp %s %s", path, group, group, path);
}

/* ---- create ---- */

/* True for a folder that a killed create made and did not come to share: ours,
 * closed and empty. Any other folder keeps the rights that somebody gave it. */
static bool is_unfinished(int fd, const char *path)
{
    struct stat st;
    struct dirent **names = NULL;
    int n;

    if (fstat(fd, &st) == -1 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
        return false;
    n = scandir(path, &names, NULL, NULL);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return n == 2; /* . and .. */
}

static bool make_folder(const struct idb_config *config, gid_t gid, struct idb_error *err)
{
    idb_admin_path_t folder;
    bool made;
    bool ok = true;
    int fd;

    if (!idb_admin_folder(folder, idb_sqlite_path(config), err))
        return false;
    made = mkdir(folder, 0700) == 0;
    if (!made && errno != EEXIST)
        return idb_admin_fail(errno, "make the folder", folder, err);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return idb_admin_fail(errno, "open the folder", folder, err);
    if (made || is_unfinished(fd, folder))
        ok = share(fd, gid, config->store_group ? 02770 : 0700, folder, err);
    close(fd);
    return ok && (!made || idb_admin_sync(folder, err))
           && check_group(folder, gid, config->store_group, err);
}

/* Opens the lock file, made where it is not there yet, and waits for the turn. */
static bool make_lock(const struct idb_config *config, gid_t gid, int *fd, struct idb_error *err)
{
    idb_admin_path_t lock;
    struct stat st;

    if (!idb_admin_path(lock, idb_sqlite_path(config), IDB_LOCK_SUFFIX, err))
        return false;
    *fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd == -1 || fstat(*fd, &st) == -1)
        return idb_admin_fail(errno, "make", lock, err);
    if (st.st_uid == geteuid() && !share(*fd, gid, config->store_group ? 0660 : 0600, lock, err))
        return false;
    return idb_sqlite_lock(*fd, config->store_wait_ms, err);
}

/* The mode of journal is set last: until then all there is stands in the one
 * file, which is what gets the store's name. */
static bool fill(const char *path, struct idb_error *err)
{
    sqlite3 *db = NULL;
    char mode[16] = "";
    bool ok = idb_sqlite_connect(&db, path, SQLITE_OPEN_READWRITE, 0, err)
              && idb_admin_exec(db, "BEGIN IMMEDIATE", "beginning", err)
              && idb_admin_migrate(db, 0, err) && idb_admin_audit(db, "create", "ok", err)
              && idb_admin_exec(db, "COMMIT", "committing", err)
              && idb_admin_text(db, "PRAGMA journal_mode = WAL", mode, sizeof mode, err);

    sqlite3_close(db);
    if (ok && strcmp(mode, "wal"))
        return idb_fail(err, IDB_UNAVAILABLE, "store_io",
                        "%s: this file system cannot share memory between programs; put the store"
                        " on a local disk.",
                        path);
    return ok;
}

/* Under the lock, so what stands under either name belongs to nobody at work:
 * a killed create's file, or the log of a database that is gone. */
static bool make_database(const struct idb_config *config, gid_t gid, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    idb_admin_path_t new;
    bool ok = false;
    int fd = -1;

    if (!idb_admin_path(new, path, NEW_SUFFIX, err))
        return false;
    idb_admin_remove(new);
    if (!idb_admin_new(&fd, new)) {
        idb_admin_fail(errno, "make", new, err);
        goto out;
    }
    if (!fill(new, err) || !share(fd, gid, config->store_group ? 0660 : 0600, new, err))
        goto out;
    idb_admin_remove(path);
    ok = fsync(fd) == 0 && rename(new, path) == 0 ? idb_admin_sync(path, err)
                                                  : idb_admin_fail(errno, "write", new, err);
out:
    if (fd != -1)
        close(fd);
    idb_admin_remove(new);
    return ok;
}

/* Files may be missing, that is what create is for; what is there must be right. */
static bool allow_missing(const struct idb_config *config, struct idb_error *err)
{
    struct idb_error found;

    if (idb_sqlite_check_rights(config, &found) || !strcmp(found.code, "store_missing"))
        return true;
    *err = found;
    return false;
}

static bool sqlite_create(const struct idb_config *config, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    struct stat st;
    int lock = -1;
    bool ok = false;
    gid_t gid;

    umask(077);
    if (!group_id(config, &gid, err) || !make_folder(config, gid, err))
        return false;
    if (!allow_missing(config, err) || !make_lock(config, gid, &lock, err))
        goto out;
    if (lstat(path, &st) == 0)
        idb_fail(err, IDB_REFUSED, "store_exists",
                 "There is a store already, %s; idb-store check tells how it is.", path);
    else
        ok = make_database(config, gid, err);
out:
    if (lock != -1)
        close(lock);
    return ok;
}

/* ---- migrate ---- */

static bool migrate(sqlite3 *db, const char *path, int *from, struct idb_error *err)
{
    int64_t version;
    bool ok;

    if (!idb_admin_exec(db, "BEGIN IMMEDIATE", "beginning", err))
        return false;
    ok = idb_admin_version(db, path, &version, err);
    *from = (int)version;
    if (ok && version < IDB_SCHEMA_VERSION)
        ok = idb_admin_migrate(db, version, err) && idb_admin_audit(db, "migrate", "ok", err);
    return ok && idb_admin_exec(db, "COMMIT", "committing", err); /* closing rolls back the rest */
}

static bool sqlite_migrate(const struct idb_config *config, int *from, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    sqlite3 *db = NULL;
    int lock = -1;
    bool ok = idb_sqlite_check_rights(config, err) && idb_sqlite_lock_open(&lock, path, err)
              && idb_sqlite_lock(lock, config->store_wait_ms, err)
              && idb_sqlite_connect(&db, path, SQLITE_OPEN_READWRITE, config->store_wait_ms, err)
              && migrate(db, path, from, err);

    sqlite3_close(db);
    if (lock != -1)
        close(lock);
    return ok;
}

/* ---- check ---- */

static bool check_rights(const struct idb_config *config, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    idb_admin_path_t folder;
    idb_admin_path_t lock;
    gid_t gid;

    return idb_sqlite_check_rights(config, err) && group_id(config, &gid, err)
           && idb_admin_folder(folder, path, err)
           && idb_admin_path(lock, path, IDB_LOCK_SUFFIX, err)
           && check_group(folder, gid, config->store_group, err)
           && check_group(path, gid, config->store_group, err)
           && check_group(lock, gid, config->store_group, err);
}

static int64_t size_of(const char *path, const char *suffix)
{
    struct idb_error ignored;
    idb_admin_path_t name;
    struct stat st;

    return idb_admin_path(name, path, suffix, &ignored) && stat(name, &st) == 0 ? st.st_size : 0;
}

static bool report_on(sqlite3 *db, const char *path, int64_t version, json_t **json,
                      struct idb_error *err)
{
    struct idb_admin_report report = { .schema = version,
                                       .size = size_of(path, ""),
                                       .wal_size = size_of(path, "-wal") };

    return idb_admin_number(db, IDB_ADMIN_UNENDED, &report.sessions, err)
           && idb_admin_number(db, idb_sql[IDB_SQL_CLOCK_MARK], &report.mark, err)
           && idb_admin_report(json, &report, err);
}

static bool sqlite_check(const struct idb_config *config, json_t **report, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    int64_t version;
    sqlite3 *db = NULL;
    int lock = -1;
    bool ok = check_rights(config, err) && idb_sqlite_lock_open(&lock, path, err)
              && idb_sqlite_connect(&db, path, SQLITE_OPEN_READWRITE, config->store_wait_ms, err)
              && idb_admin_integrity(db, path, err) && idb_admin_version(db, path, &version, err)
              && idb_admin_use(config, err) && report_on(db, path, version, report, err);

    sqlite3_close(db);
    if (lock != -1)
        close(lock);
    return ok;
}

const struct idb_store_engine idb_store_engine_sqlite = {
    .create = sqlite_create,
    .migrate = sqlite_migrate,
    .check = sqlite_check,
    .backup = idb_store_backup,
    .restore = idb_store_restore,
};

const struct idb_store_engine *idb_store_engine(const struct idb_config *config)
{
#ifdef IDB_POSTGRESQL
    if (idb_config_on_postgresql(config))
        return &idb_store_engine_pgsql;
#endif
    (void)config;
    return &idb_store_engine_sqlite;
}

#ifndef IDB_POSTGRESQL
bool idb_store_move(const struct idb_config *config, const struct idb_config *to,
                    const char *present, const char *next, struct idb_error *err)
{
    (void)config;
    (void)to;
    (void)present;
    return idb_fail(err, IDB_CONFIG, "config_invalid",
                    "%s: these programs were built without PostgreSQL.", next);
}
#endif
