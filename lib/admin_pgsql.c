#include "admin_pgsql.h"

#include "admin.h"
#include "timestamp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SQL_MAX 4096

const char *const idb_admin_tables[IDB_ADMIN_TABLES] = { "session", "ended_call", "attempts",
                                                         "audit",   "counter",    "invitation" };

/* A disk may be busy, here or there, for longer than programs wait; but who is gone, or is
 * stopped in a transaction, must not hold up the store for long. A socket of the file system
 * has no such option, and needs none. */
bool idb_admin_pgsql_connect(PGconn **conn, const struct idb_config *config, struct idb_error *err)
{
    static const char patience[] = "SET tcp_user_timeout = 60000; SET tcp_keepalives_idle = 5; SET "
                                   "tcp_keepalives_interval = 2;"
                                   " SET tcp_keepalives_count = 3; SET statement_timeout = 0;"
                                   " SET idle_in_transaction_session_timeout = 600000";
    const unsigned ours = 60000;

    if (!idb_pgsql_connect(conn, config, err))
        return false;
    setsockopt(idb_pq.PQsocket(*conn), IPPROTO_TCP, TCP_USER_TIMEOUT, &ours, sizeof ours);
    if (idb_admin_pgsql_exec(*conn, patience, "opening", err))
        return true;
    idb_pq.PQfinish(*conn);
    *conn = NULL;
    return false;
}

bool idb_admin_pgsql_exec(PGconn *conn, const char *sql, const char *doing, struct idb_error *err)
{
    PGresult *result = idb_pq.PQexec(conn, sql);
    ExecStatusType status = idb_pq.PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
              || idb_pgsql_fail(conn, result, doing, err);

    idb_pq.PQclear(result);
    return ok;
}

bool idb_admin_pgsql_execf(PGconn *conn, const char *doing, struct idb_error *err, const char *fmt,
                           ...)
{
    char sql[SQL_MAX];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof sql)
        return idb_fail(err, IDB_SOFTWARE, "internal", "A statement is too long.");
    return idb_admin_pgsql_exec(conn, sql, doing, err);
}

bool idb_admin_pgsql_text(PGconn *conn, const char *sql, const char *argument, char *text,
                          size_t size, struct idb_error *err)
{
    const char *const values[] = { argument };
    PGresult *result =
        idb_pq.PQexecParams(conn, sql, argument ? 1 : 0, NULL, values, NULL, NULL, 0);
    bool ok = idb_pq.PQresultStatus(result) == PGRES_TUPLES_OK
              || idb_pgsql_fail(conn, result, "looking", err);

    text[0] = '\0';
    if (ok && idb_pq.PQntuples(result) > 0)
        snprintf(text, size, "%s", idb_pq.PQgetvalue(result, 0, 0));
    idb_pq.PQclear(result);
    return ok;
}

bool idb_admin_pgsql_number(PGconn *conn, const char *sql, const char *argument, int64_t *n,
                            struct idb_error *err)
{
    char text[32];

    if (!idb_admin_pgsql_text(conn, sql, argument, text, sizeof text, err))
        return false;
    *n = strtoll(text, NULL, 10);
    return true;
}

bool idb_admin_pgsql_version(PGconn *conn, const struct idb_config *config, int64_t *version,
                             struct idb_error *err)
{
    int64_t tables;

    *version = 0;
    if (!idb_admin_pgsql_number(
            conn, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'meta'",
            config->store_schema, &tables, err)
        || (tables > 0
            && !idb_admin_pgsql_number(conn, idb_sql[IDB_SQL_SCHEMA_VERSION], NULL, version, err)))
        return false;
    if (*version > IDB_SCHEMA_VERSION)
        return idb_fail(err, IDB_CONFIG, "schema",
                        "Schema \"%s\" is of version %lld, newer than the %d of this program;"
                        " install the newer programs.",
                        config->store_schema, (long long)*version, IDB_SCHEMA_VERSION);
    return true;
}

bool idb_admin_pgsql_found(PGconn *conn, const struct idb_config *config, int64_t *version,
                           struct idb_error *err)
{
    if (!idb_admin_pgsql_version(conn, config, version, err))
        return false;
    return *version > 0
           || idb_fail(err, IDB_CONFIG, "store_missing",
                       "Schema \"%s\" holds no store; run idb-store create.", config->store_schema);
}

bool idb_admin_pgsql_audit(PGconn *conn, const char *action, const char *result,
                           struct idb_error *err)
{
    char now[24];
    char actor[IDB_ADMIN_NAME_SIZE];
    const char *const values[] = { now, actor, action, result };
    PGresult *done;
    bool ok;

    snprintf(now, sizeof now, "%lld", (long long)idb_timestamp_now());
    idb_admin_name(actor, sizeof actor);
    done = idb_pq.PQexecParams(conn,
                               "INSERT INTO audit (at, actor, action, result) VALUES (GREATEST("
                               "$1::bigint, (SELECT MAX(at) FROM audit)), $2, $3, $4)",
                               4, NULL, values, NULL, NULL, 0);
    ok = idb_pq.PQresultStatus(done) == PGRES_COMMAND_OK
         || idb_pgsql_fail(conn, done, "recording", err);
    idb_pq.PQclear(done);
    return ok;
}

bool idb_admin_pgsql_in_use(PGconn *conn, struct idb_error *err)
{
    int64_t move;

    return idb_admin_pgsql_number(conn, idb_sql[IDB_SQL_MOVE], NULL, &move, err)
           && idb_store_in_use(move, err);
}

bool idb_admin_pgsql_begin(PGconn *conn, struct idb_error *err)
{
    return idb_admin_pgsql_exec(conn, "BEGIN; SELECT pg_advisory_xact_lock(hashtext('idb-store'))",
                                "beginning", err);
}

bool idb_admin_pgsql_fence(PGconn *conn, const struct idb_config *config, int64_t *version,
                           struct idb_error *err)
{
    return idb_admin_pgsql_begin(conn, err) && idb_admin_pgsql_found(conn, config, version, err)
           && idb_admin_pgsql_exec(conn, "LOCK TABLE meta IN ACCESS EXCLUSIVE MODE", "waiting",
                                   err);
}

bool idb_admin_pgsql_commit(PGconn *conn, struct idb_error *err)
{
    if (idb_admin_pgsql_exec(conn, "COMMIT", "committing", err))
        return true;
    if (idb_pq.PQstatus(conn) == CONNECTION_OK)
        return false;
    return idb_fail(err, IDB_TEMPFAIL, "store_unknown",
                    "The connection to the store was lost while committing. It may have been done"
                    " or not; look with idb-store check, and run this again.");
}
