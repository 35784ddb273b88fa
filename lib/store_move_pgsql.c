/*
 * Moving a store between SQLite and PostgreSQL, of store_admin.h. What is done, and what a
 * kill behind it leaves:
 *
 *  1. source: meta says moving, with a number drawn for it    the source is used
 *  2. target: all rows, and arriving with that number         the source is used
 *  3. source: moving becomes moved                            neither is used
 *  4. target: arriving becomes arrived                        the target can be used
 *  5. the new configuration takes the place of the old one    the target is used
 *
 * Before 2 whoever uses the source waits, and goes on after 3, to be told that it has moved.
 * Run again, it goes on from where the numbers say that the two are.
 */
#include "admin.h"
#include "admin_pgsql.h"
#include "mac.h"
#include "rows_pgsql.h"
#include "store_admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One of the two stores. */
struct side {
    const struct idb_config *config;
    sqlite3 *db; /* of SQLite, with its lock file, */
    int lock;
    PGconn *conn; /* or of PostgreSQL */
};

struct move {
    struct side from;
    struct side to;
    idb_admin_path_t present; /* the configuration files, without links on the way */
    idb_admin_path_t next;
};

/* ---- either engine ---- */

static bool open_side(struct side *s, struct idb_error *err)
{
    const char *path = idb_sqlite_path(s->config);

    if (idb_config_on_postgresql(s->config))
        return idb_admin_pgsql_connect(&s->conn, s->config, err);
    return idb_sqlite_check_rights(s->config, err) && idb_sqlite_lock_open(&s->lock, path, err)
           && idb_sqlite_connect(&s->db, path, SQLITE_OPEN_READWRITE, s->config->store_wait_ms,
                                 err);
}

static void close_side(struct side *s)
{
    if (s->conn)
        idb_pq.PQfinish(s->conn);
    sqlite3_close(s->db);
    if (s->lock != -1)
        close(s->lock);
}

static bool exec(const struct side *s, const char *sql, const char *doing, struct idb_error *err)
{
    return s->conn ? idb_admin_pgsql_exec(s->conn, sql, doing, err)
                   : idb_admin_exec(s->db, sql, doing, err);
}

static bool commit(const struct side *s, struct idb_error *err)
{
    return s->conn ? idb_admin_pgsql_commit(s->conn, err)
                   : idb_admin_exec(s->db, "COMMIT", IDB_COMMITTING, err);
}

static bool number(const struct side *s, const char *sql, int64_t *n, struct idb_error *err)
{
    return s->conn ? idb_admin_pgsql_number(s->conn, sql, NULL, n, err)
                   : idb_admin_number(s->db, sql, n, err);
}

static bool audit(const struct side *s, const char *result, struct idb_error *err)
{
    return s->conn ? idb_admin_pgsql_audit(s->conn, "move", result, err)
                   : idb_admin_audit(s->db, "move", result, err);
}

/* Nobody uses a table past the programs either. */
static bool lock_tables(PGconn *conn, struct idb_error *err)
{
    for (size_t i = 0; i < IDB_ADMIN_TABLES; i++)
        if (!idb_admin_pgsql_execf(conn, "waiting", err, "LOCK TABLE %s IN EXCLUSIVE MODE",
                                   idb_admin_tables[i]))
            return false;
    return true;
}

/* Begins a transaction in which nobody else writes. The lock of SQLite's writers is held
 * until the end of everything. */
static bool begin(const struct side *s, struct idb_error *err)
{
    int64_t version;

    if (s->conn)
        return idb_admin_pgsql_fence(s->conn, s->config, &version, err)
               && idb_admin_current(version, err) && lock_tables(s->conn, err);
    return idb_sqlite_lock(s->lock, s->config->store_wait_ms, err)
           && idb_admin_exec(s->db, "BEGIN IMMEDIATE", "beginning", err)
           && idb_admin_version(s->db, s->config->store_url, &version, err)
           && idb_admin_current(version, err);
}

/* The number that meta has under that name, 0 for none. */
static bool mark(const struct side *s, const char *name, int64_t *n, struct idb_error *err)
{
    char sql[80];

    snprintf(sql, sizeof sql, "SELECT value FROM meta WHERE name = '%s'", name);
    return number(s, sql, n, err);
}

static bool set_mark(const struct side *s, const char *name, int64_t n, struct idb_error *err)
{
    char sql[120];

    snprintf(sql, sizeof sql,
             "INSERT INTO meta (name, value) VALUES ('%s', %lld) ON CONFLICT DO NOTHING", name,
             (long long)n);
    return exec(s, sql, "marking", err);
}

static bool rename_mark(const struct side *s, const char *old, const char *new,
                        struct idb_error *err)
{
    char sql[80];

    snprintf(sql, sizeof sql, "UPDATE meta SET name = '%s' WHERE name = '%s'", new, old);
    return exec(s, sql, "marking", err);
}

/* ---- the move ---- */

/* Only what create and migrate leave, or what an earlier try of this very move left. */
static bool check_target(const struct side *to, int64_t id, struct idb_error *err)
{
    static const char rows[] =
        "SELECT (SELECT COUNT(*) FROM session) + (SELECT COUNT(*) FROM invitation)"
        " + (SELECT COUNT(*) FROM ended_call) + (SELECT COUNT(*) FROM attempts)"
        " + (SELECT COUNT(*) FROM counter) + (SELECT COUNT(*) FROM audit"
        " WHERE action NOT IN ('create', 'migrate'))"
        " + (SELECT COUNT(*) FROM meta WHERE name IN ('moved', 'arrived'))";
    int64_t arriving;
    int64_t n;

    if (!mark(to, "arriving", &arriving, err) || !number(to, rows, &n, err))
        return false;
    if (arriving != 0 && arriving == id)
        return true;
    if (arriving != 0)
        return idb_fail(err, IDB_CONFIG, "store_unfinished",
                        "Another store is moving to %s; name a store of your own.",
                        to->config->store_url);
    return n == 0
           || idb_fail(err, IDB_REFUSED, "store_not_empty",
                       "%s has been used and is left as it is; name a store that idb-store create"
                       " has just made.",
                       to->config->store_url);
}

/* Who moves what stands on record before the first row leaves; the number is drawn once,
 * however often this is tried. */
static bool record(const struct side *from, int64_t *id, struct idb_error *err)
{
    if (*id == 0 && !idb_random(id, sizeof *id))
        return idb_fail(err, IDB_UNAVAILABLE, "random", "OpenSSL has no random bytes.");
    *id = (*id & INT64_MAX) | 1; /* none of the numbers that mean something else */
    return set_mark(from, "moving", *id, err) && audit(from, "started", err) && commit(from, err);
}

static bool empty_file(sqlite3 *db, struct idb_error *err)
{
    for (size_t i = 0; i < IDB_ADMIN_TABLES; i++) {
        char sql[80];

        snprintf(sql, sizeof sql, "DELETE FROM %s", idb_admin_tables[i]);
        if (!idb_admin_exec(db, sql, "emptying", err))
            return false;
    }
    return true;
}

static bool copy_rows(const struct move *m, struct idb_error *err)
{
    return m->to.conn
               ? idb_rows_pgsql_empty(m->to.conn, err)
                     && idb_rows_pgsql_put(m->to.conn, m->from.db, err)
               : empty_file(m->to.db, err) && idb_rows_pgsql_get(m->from.conn, m->to.db, err);
}

/* Steps 1 to 3, in the transactions that have begun. */
static bool carry(const struct move *m, struct idb_error *err)
{
    int64_t moved;
    int64_t id;

    if (!mark(&m->from, "moving", &id, err) || !check_target(&m->to, id, err)
        || !record(&m->from, &id, err) || !begin(&m->from, err)
        || !mark(&m->from, "moved", &moved, err))
        return false;
    if (moved != 0)
        return idb_fail(err, IDB_TEMPFAIL, "conflict", "It is being moved elsewhere.");
    return copy_rows(m, err) && set_mark(&m->to, "arriving", id, err) && audit(&m->to, "ok", err)
           && commit(&m->to, err) && rename_mark(&m->from, "moving", "moved", err)
           && commit(&m->from, err);
}

/* What has moved before, to here and not elsewhere, is only brought to its end. */
static bool go_on(const struct move *m, int64_t id, struct idb_error *err)
{
    int64_t arriving;
    int64_t arrived;

    if (!mark(&m->to, "arriving", &arriving, err) || !mark(&m->to, "arrived", &arrived, err))
        return false;
    if (id != arriving && id != arrived)
        return idb_fail(err, IDB_REFUSED, "store_moved",
                        "%s has moved already, and not to %s; look where the configuration that"
                        " was to replace this one says.",
                        m->from.config->store_url, m->to.config->store_url);
    return exec(&m->from, "ROLLBACK", "ending", err) && exec(&m->to, "ROLLBACK", "ending", err);
}

/* Step 4. What the log of SQLite holds goes into the file. */
static bool settle(const struct side *to, struct idb_error *err)
{
    if (!rename_mark(to, "arriving", "arrived", err))
        return false;
    if (to->db)
        sqlite3_wal_checkpoint_v2(to->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return true;
}

/* Step 5. */
static bool replace(const struct move *m, struct idb_error *err)
{
    int fd = open(m->next, O_RDONLY | O_CLOEXEC);
    bool ok = fd != -1 && fsync(fd) == 0 && rename(m->next, m->present) == 0;
    int why = errno;

    if (fd != -1)
        close(fd);
    if (!ok)
        return idb_fail(err, IDB_UNAVAILABLE, "store_io",
                        "The store has moved, and %s cannot take the place of %s: %s; move it"
                        " there.",
                        m->next, m->present, strerror(why));
    return idb_admin_sync(m->present, err);
}

static bool run(const struct move *m, struct idb_error *err)
{
    int64_t arriving;
    int64_t moved;

    if (!begin(&m->to, err) || !begin(&m->from, err) || !mark(&m->from, "moved", &moved, err)
        || !mark(&m->from, "arriving", &arriving, err))
        return false;
    if (arriving != 0)
        return idb_store_in_use(IDB_STORE_ARRIVING, err);
    return (moved == 0 ? carry(m, err) : go_on(m, moved, err)) && settle(&m->to, err)
           && replace(m, err);
}

/* ---- the two configurations ---- */

static bool invalid(const char *next, const char *what, struct idb_error *err)
{
    return idb_fail(err, IDB_CONFIG, "config_invalid", "%s %s. Nothing was done.", next, what);
}

static bool check_difference(const struct move *m, struct idb_error *err)
{
    json_t *present = json_copy(m->from.config->root);
    json_t *next = json_copy(m->to.config->root);
    bool same;

    json_object_del(present, "store");
    json_object_del(next, "store");
    same = present && next && json_equal(present, next);
    json_decref(present);
    json_decref(next);
    if (!same)
        return invalid(m->next, "differs from the present configuration in more than store", err);
    return idb_config_on_postgresql(m->from.config) != idb_config_on_postgresql(m->to.config)
           || invalid(m->next,
                      "names a store of the same kind; only between SQLite and PostgreSQL"
                      " does this move one",
                      err);
}

static bool resolve(idb_admin_path_t out, const char *path, struct idb_error *err)
{
    char *real = realpath(path, NULL);
    int why = errno;
    bool ok = real ? idb_admin_path(out, real, "", err) : idb_admin_fail(why, "find", path, err);

    free(real);
    return ok;
}

/* Whoever reads the one must be able to read the other, and a rename must be all it takes. */
static bool check_files(struct move *m, const char *present, const char *next,
                        struct idb_error *err)
{
    idb_admin_path_t folder;
    idb_admin_path_t other;
    struct stat a;
    struct stat b;

    if (!resolve(m->present, present, err) || !resolve(m->next, next, err)
        || !idb_admin_folder(folder, m->present, err) || !idb_admin_folder(other, m->next, err))
        return false;
    if (strcmp(folder, other) != 0)
        return invalid(m->next, "is not in the folder of the present configuration", err);
    if (stat(m->present, &a) == -1)
        return idb_admin_fail(errno, "look at", m->present, err);
    if (stat(m->next, &b) == -1)
        return idb_admin_fail(errno, "look at", m->next, err);
    if (a.st_uid != b.st_uid || a.st_gid != b.st_gid || a.st_mode != b.st_mode)
        return idb_fail(err, IDB_CONFIG, "config_rights",
                        "%s has not the owner and mode of the present configuration; run: chown"
                        " --reference=%s %s && chmod --reference=%s %s",
                        m->next, m->present, m->next, m->present, m->next);
    return access(folder, W_OK) == 0 || idb_admin_fail(errno, "write", folder, err);
}

bool idb_store_move(const struct idb_config *config, const struct idb_config *to,
                    const char *present, const char *next, struct idb_error *err)
{
    struct move m = { .from = { .config = config, .lock = -1 },
                      .to = { .config = to, .lock = -1 } };
    bool ok = check_files(&m, present, next, err) && check_difference(&m, err)
              && open_side(&m.from, err) && open_side(&m.to, err) && run(&m, err);

    close_side(&m.to);
    close_side(&m.from);
    return ok;
}
