#include "sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

const char *idb_sqlite_path(const struct idb_config *config)
{
    return config->store_url + strlen("sqlite:");
}

/* A full disk stops some calls of SQLite's with an I/O error. */
static int primary_code(sqlite3 *db, int rc)
{
    bool full = db && sqlite3_system_errno(db) == ENOSPC;

    return (rc & 0xff) == SQLITE_IOERR && (full || rc == SQLITE_IOERR_SHMSIZE) ? SQLITE_FULL
                                                                               : rc & 0xff;
}

bool idb_sqlite_fail(sqlite3 *db, int rc, const char *doing, struct idb_error *err)
{
    const char *why = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);

    if (primary_code(db, rc) == SQLITE_IOERR && !strcmp(doing, IDB_COMMITTING))
        /* The log may hold the whole transaction, to be found when it is next opened. */
        return idb_fail(err, IDB_UNAVAILABLE, "store_io",
                        "The store's disk failed (%s: %s). It may have been done or not; mend the"
                        " disk and ask again.",
                        doing, why);
    switch (primary_code(db, rc)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return idb_fail(err, IDB_TEMPFAIL, "busy",
                        "The store is busy (%s); try again. Nothing was done.", doing);
    case SQLITE_FULL:
        return idb_fail(err, IDB_UNAVAILABLE, "store_full",
                        "The store's disk is full (%s); make room. Nothing was done.", doing);
    case SQLITE_READONLY:
        return idb_fail(err, IDB_UNAVAILABLE, "store_read_only",
                        "The store cannot be written (%s: %s); mount it writable.", doing, why);
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return idb_fail(err, IDB_NOPERM, "store_unreadable",
                        "The store cannot be opened (%s: %s); run as a member of its group.", doing,
                        why);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return idb_fail(err, IDB_CONFIG, "store_corrupt",
                        "The store is damaged (%s: %s); run idb-store check, then restore.", doing,
                        why);
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
        return idb_fail(err, IDB_UNAVAILABLE, "store_io",
                        "The store's disk failed (%s: %s). Nothing was done.", doing, why);
    default:
        return idb_fail(err, IDB_SOFTWARE, "internal", "SQLite, %s: %s.", doing, why);
    }
}

/* One file or the folder. */
static bool check_one(const char *path, bool folder, const char *group, struct idb_error *err)
{
    mode_t want = group ? 060 : 0;
    struct stat st;
    int wrong = lstat(path, &st) == -1 ? errno : 0;

    if (wrong == ENOENT || wrong == ENOTDIR)
        return idb_fail(err, IDB_CONFIG, "store_missing",
                        "There is no %s; make the store with idb-store create.", path);
    if (wrong)
        return idb_fail(err, IDB_NOPERM, "store_unreadable",
                        "%s is not accessible: %s; run as a member of the store's group.", path,
                        strerror(wrong));
    if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return idb_fail(err, IDB_CONFIG, "store_rights", "%s is not a %s.", path,
                        folder ? "folder" : "plain file");
    if (st.st_mode & 07)
        return idb_fail(err, IDB_CONFIG, "store_rights",
                        "%s is open to all users; run: chmod o-rwx %s", path, path);
    if ((st.st_mode & want) != want || (folder && group && !(st.st_mode & S_ISGID)))
        return idb_fail(err, IDB_CONFIG, "store_rights",
                        "%s is not shared with group %s; run: chgrp %s %s && chmod %s %s", path,
                        group, group, path, folder ? "2770" : "660", path);
    return true;
}

bool idb_sqlite_check_rights(const struct idb_config *config, struct idb_error *err)
{
    const char *path = idb_sqlite_path(config);
    const char *group = config->store_group;
    char folder[PATH_MAX];
    char lock[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(folder, sizeof folder, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    snprintf(lock, sizeof lock, "%s" IDB_LOCK_SUFFIX, path);
    return check_one(folder, true, group, err) && check_one(path, false, group, err)
           && check_one(lock, false, group, err);
}

static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;";

bool idb_sqlite_connect(sqlite3 **db, const char *path, int flags, int64_t wait_ms,
                        struct idb_error *err)
{
    int rc;

    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks how much memory it has in use */
    umask(007); /* -wal and -shm must be writable by the whole group, whoever comes first */
    rc = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(*db, (int)wait_ms);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, settings, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return true;
    idb_sqlite_fail(*db, rc, "opening", err);
    sqlite3_close(*db);
    *db = NULL;
    return false;
}

bool idb_sqlite_lock_open(int *fd, const char *path, struct idb_error *err)
{
    char lock[PATH_MAX];

    snprintf(lock, sizeof lock, "%s" IDB_LOCK_SUFFIX, path);
    *fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd != -1)
        return true;
    if (errno == EROFS)
        return idb_fail(err, IDB_UNAVAILABLE, "store_read_only",
                        "%s cannot be written: read-only file system; mount it writable.", lock);
    return idb_fail(err, IDB_NOPERM, "store_unreadable",
                    "Cannot open %s: %s; run as a member of the store's group.", lock,
                    strerror(errno));
}

static void wake(int signal)
{
    (void)signal; /* only to interrupt flock() */
}

static int64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A blocking flock() keeps the queue fair; a repeating timer ends the wait, so
 * that an alarm before flock() blocks is not the last one. */
bool idb_sqlite_lock(int fd, int64_t wait_ms, struct idb_error *err)
{
    struct itimerval timer = { .it_interval = { .tv_usec = 50000 },
                               .it_value = { .tv_sec = wait_ms / 1000,
                                             .tv_usec = wait_ms % 1000 * 1000 } };
    struct sigaction action = { .sa_handler = wake };
    struct sigaction before;
    int64_t until = monotonic_ms() + wait_ms;
    int rc;

    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &timer, NULL);
    do
        rc = flock(fd, LOCK_EX);
    while (rc == -1 && errno == EINTR && monotonic_ms() < until);
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    sigaction(SIGALRM, &before, NULL);
    if (rc == 0)
        return true;
    return idb_fail(err, IDB_TEMPFAIL, "busy",
                    "Other programs held the store for more than %lld ms; try again."
                    " Nothing was done.",
                    (long long)wait_ms);
}

void idb_sqlite_unlock(int fd)
{
    flock(fd, LOCK_UN);
}
