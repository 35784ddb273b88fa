/* Backup and restore of a store of PostgreSQL, of store_admin.h. */
#include "store_copy.h"

#include "admin.h"
#include "admin_pgsql.h"
#include "rows_pgsql.h"
#include "store_admin.h"

struct source {
    PGconn *conn;
    const struct idb_config *config;
};

/* The row stands before the copy does: no copy is ever made unseen. */
static bool record(PGconn *conn, struct idb_error *err)
{
    return idb_admin_pgsql_begin(conn, err) && idb_admin_pgsql_in_use(conn, err)
           && idb_admin_pgsql_audit(conn, "backup", "started", err)
           && idb_admin_pgsql_commit(conn, err);
}

/* Writers go on: the copy is the store as it is when it begins, and of its schema. */
static bool fill_from(void *ctx, sqlite3 *copy, struct idb_error *err)
{
    const struct source *from = ctx;
    PGconn *conn = from->conn;
    int64_t version;

    return record(conn, err)
           && idb_admin_pgsql_exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                                   "beginning", err)
           && idb_admin_pgsql_version(conn, from->config, &version, err)
           && idb_admin_exec(copy, "BEGIN", "writing the backup", err)
           && idb_admin_migrate_to(copy, 0, version, err) && idb_rows_pgsql_get(conn, copy, err)
           && idb_admin_exec(copy, "COMMIT", "writing the backup", err)
           && idb_admin_pgsql_commit(conn, err);
}

bool idb_store_backup_pgsql(const struct idb_config *config, const char *file,
                            struct idb_error *err)
{
    struct source from = { .config = config };
    int64_t version;
    bool ok = idb_admin_pgsql_connect(&from.conn, config, err)
              && idb_admin_pgsql_found(from.conn, config, &version, err)
              && idb_store_copy_write(file, fill_from, &from, err);

    if (from.conn)
        idb_pq.PQfinish(from.conn);
    return ok;
}

/* ---- restore ---- */

static bool replace(PGconn *conn, const struct idb_config *config, sqlite3 *copy,
                    struct idb_error *err)
{
    int64_t version;

    return idb_admin_pgsql_fence(conn, config, &version, err) && idb_admin_current(version, err)
           && idb_admin_pgsql_in_use(conn, err) && idb_rows_pgsql_empty(conn, err)
           && idb_rows_pgsql_put(conn, copy, err) && idb_admin_pgsql_commit(conn, err);
}

bool idb_store_restore_pgsql(const struct idb_config *config, const char *file, int64_t *expired,
                             struct idb_error *err)
{
    PGconn *conn = NULL;
    sqlite3 *copy = NULL;
    int64_t version;
    bool ok = idb_admin_pgsql_connect(&conn, config, err)
              && idb_admin_pgsql_found(conn, config, &version, err)
              && idb_store_copy_read(&copy, file, expired, err) && replace(conn, config, copy, err);

    sqlite3_close(copy);
    if (conn)
        idb_pq.PQfinish(conn);
    return ok;
}
