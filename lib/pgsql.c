#include "pgsql.h"

#include "timestamp.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY   "libpq.so.5"
#define SETTLE_MS 3000 /* that a server may be silent once we are logged in */

struct idb_pq idb_pq;

static bool load(struct idb_error *err)
{
    static void *library;
#define IDB_PQ_NAME(name) { #name, (void *)&idb_pq.name },
    const struct {
        const char *name;
        void *function;
    } names[] = { IDB_PQ_FUNCTIONS(IDB_PQ_NAME) };
#undef IDB_PQ_NAME

    if (library)
        return true;
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; library && i < sizeof names / sizeof names[0]; i++) {
        void *function = dlsym(library, names[i].name);

        if (!function) {
            dlclose(library);
            library = NULL;
            break;
        }
        memcpy(names[i].function, &function, sizeof function); /* POSIX: both are pointers */
    }
    return library
           || idb_fail(err, IDB_CONFIG, "store_missing",
                       "The store is one of PostgreSQL, whose library %s is not here or too old;"
                       " install libpq5, version 14 or later.",
                       LIBRARY);
}

/* ---- errors ---- */

/* What a state of SQL (appendix A of PostgreSQL's manual) is to us: the first prefix that
 * fits, and what to do. */
static const struct {
    const char *state;
    enum idb_exit exit;
    const char *code;
    const char *advice;
} states[] = {
    { "08", IDB_TEMPFAIL, "store_lost", "try again. Nothing was done." },
    { "23502", IDB_TEMPFAIL, "conflict", "try again. Nothing was done." },
    { "23505", IDB_TEMPFAIL, "conflict", "try again. Nothing was done." },
    { "25P03", IDB_TEMPFAIL, "store_lost", "try again. Nothing was done." },
    { "25006", IDB_UNAVAILABLE, "store_read_only", "name the primary server in store.url." },
    { "28", IDB_NOPERM, "store_unreadable", "let this user log in there, see idb-scale(7)." },
    { "3D000", IDB_CONFIG, "store_missing", "make the database with createdb." },
    { "3F000", IDB_CONFIG, "store_missing", "make the store with idb-store create." },
    { "40", IDB_TEMPFAIL, "conflict", "try again. Nothing was done." },
    { "42501", IDB_NOPERM, "store_unreadable", "run as the user of a zone that may." },
    { "42P01", IDB_CONFIG, "store_missing", "make the store with idb-store create." },
    { "42", IDB_CONFIG, "schema", "it has another schema; run idb-store check." },
    { "53100", IDB_UNAVAILABLE, "store_full", "make room on the server's disk. Nothing was done." },
    { "53", IDB_TEMPFAIL, "busy", "try again. Nothing was done." },
    { "55P03", IDB_TEMPFAIL, "locked", "try again. Nothing was done." },
    { "57", IDB_TEMPFAIL, "store_lost", "try again. Nothing was done." },
    { "58", IDB_UNAVAILABLE, "store_io", "look at the server's log and disk." },
    { "XX", IDB_CONFIG, "store_corrupt", "look at the server's log, and run idb-store check." },
};

static bool fail_as(const char *state, const char *why, const char *doing, struct idb_error *err)
{
    int n = (int)strcspn(why, "\n"); /* more would be for a terminal */

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (!strncmp(state, states[i].state, strlen(states[i].state)))
            return idb_fail(err, states[i].exit, states[i].code, "The store, %s: %.*s; %s", doing,
                            n, why, states[i].advice);
    return idb_fail(err, IDB_SOFTWARE, "internal", "PostgreSQL, %s: %.*s (%s).", doing, n, why,
                    state);
}

/* The server's own message names statements and columns, its detail, which is left out,
 * values. */
bool idb_pgsql_fail(PGconn *conn, const PGresult *result, const char *doing, struct idb_error *err)
{
    const char *state = idb_pq.PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *why = idb_pq.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (state && why)
        return fail_as(state, why, doing, err);
    if (idb_pq.PQstatus(conn) != CONNECTION_OK)
        return fail_as("08006", "the connection to the server was lost", doing, err);
    return idb_fail(err, IDB_SOFTWARE, "internal", "libpq, %s: %.200s.", doing,
                    idb_pq.PQerrorMessage(conn));
}

/* ---- connecting ---- */

/* What libpq says of each host, a line each, as one. */
static void join_lines(char *to, size_t size, const char *message)
{
    size_t n = 0;

    for (const char *c = message; *c && n < size - 2; c++) {
        if (*c != '\n')
            to[n++] = *c;
        else if (c[1] && n < size - 3)
            n += (size_t)snprintf(to + n, size - n, "; ");
    }
    to[n] = '\0';
}

/* "password authentication failed for user …" and the like have no state of their own that
 * libpq would tell. */
static bool refused(const PGconn *conn, struct idb_error *err)
{
    static const char *const rights[] = { "authentication", "pg_hba.conf", "role \"", "permission",
                                          "no password" };
    const char *message = idb_pq.PQerrorMessage(conn);
    const char *why = strstr(message, "FATAL:  ");
    char each[320];

    why = why ? why + strlen("FATAL:  ") : message;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
        if (strstr(message, rights[i]))
            return fail_as("28000", why, "logging in", err);
    if (strstr(message, "database \"") && strstr(message, "does not exist"))
        return fail_as("3D000", why, "connecting", err);
    join_lines(each, sizeof each, message);
    return idb_fail(err, IDB_UNAVAILABLE, "store_down",
                    "No server of the store can be reached and written: %s; start it, or look at"
                    " store.url.",
                    each);
}

static void silence(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* The user's own pass file, where the configuration says that there are some. */
static bool pass_file(char path[PATH_MAX], const struct idb_config *config, struct idb_error *err)
{
    const struct passwd *user;
    struct stat st;

    path[0] = '\0';
    if (!config->store_pass_files)
        return true;
    user = getpwuid(geteuid());
    if (!user)
        return idb_fail(err, IDB_NOPERM, "store_unreadable",
                        "User %u has no name, and store.pass_files holds a file for each.",
                        (unsigned)geteuid());
    snprintf(path, PATH_MAX, "%s/%s", config->store_pass_files, user->pw_name);
    if (access(path, R_OK) == -1 || stat(path, &st) == -1)
        return idb_fail(err, IDB_NOPERM, "store_unreadable",
                        "%s cannot be read: %s; make it, for %s alone (mode 600).", path,
                        strerror(errno), user->pw_name);
    return (st.st_mode & 077) == 0 /* libpq would leave it aside, and say so on our stderr */
           || idb_fail(err, IDB_NOPERM, "store_unreadable",
                       "%s holds a password, and others may use it; run: chmod 600 %s", path, path);
}

bool idb_pgsql_wait(PGconn *conn, int64_t until)
{
    struct pollfd fd = { .fd = idb_pq.PQsocket(conn), .events = POLLIN };
    int flushed = idb_pq.PQflush(conn);
    int64_t left = until - idb_timestamp_monotonic();
    int ready;

    if (flushed == -1)
        return false;
    if (flushed == 1)
        fd.events |= POLLOUT;
    ready = poll(&fd, 1, left > 0 ? (int)left : 0);
    if (ready == -1 && errno == EINTR)
        return true;
    return ready > 0 && (!(fd.revents & ~POLLOUT) || idb_pq.PQconsumeInput(conn));
}

/* The last result of several statements, as by PQexec(), which would wait for ever; NULL
 * when the connection is lost. */
static PGresult *run(PGconn *conn, const char *sql)
{
    int64_t until = idb_timestamp_monotonic() + SETTLE_MS;
    PGresult *last = NULL;
    PGresult *next;
    bool ok = idb_pq.PQsendQuery(conn, sql);

    while (ok) {
        while (ok && idb_pq.PQisBusy(conn))
            ok = idb_pgsql_wait(conn, until);
        next = ok ? idb_pq.PQgetResult(conn) : NULL;
        if (ok && !next)
            return last;
        idb_pq.PQclear(last);
        last = next;
    }
    return NULL;
}

/* Who waits for a lock longer than store.wait_ms, or has a transaction open and is gone, is
 * let go of by the server. A commit is durable, also where the server's own setting says
 * otherwise. A plan is kept as long as the connection: one that reads a whole table, for that
 * was small when it was made, would cost more with each row. */
static bool settle(PGconn *conn, const struct idb_config *config, struct idb_error *err)
{
    char *schema =
        idb_pq.PQescapeIdentifier(conn, config->store_schema, strlen(config->store_schema));
    char sql[1024];
    PGresult *result;
    bool ok;

    if (!schema)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    snprintf(sql, sizeof sql,
             "SET search_path TO %s, pg_temp; SET lock_timeout = %lld;"
             " SET idle_in_transaction_session_timeout = 2000; SET tcp_user_timeout = 5000;"
             " SET jit = off; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
             " SELECT set_config('synchronous_commit', 'on', false)"
             " WHERE current_setting('synchronous_commit') = 'off'",
             schema, (long long)config->store_wait_ms);
    idb_pq.PQfreemem(schema);
    result = run(conn, sql);
    if (!result)
        return fail_as("08006", "the server does not answer", "opening", err);
    ok = idb_pq.PQresultStatus(result) == PGRES_TUPLES_OK
         || idb_pgsql_fail(conn, result, "opening", err);
    idb_pq.PQclear(result);
    return ok;
}

bool idb_pgsql_connect(PGconn **conn, const struct idb_config *config, struct idb_error *err)
{
    char path[PATH_MAX];
    /* What stands before dbname gives way to the URL, what stands behind does not. */
    const char *const names[] = { "fallback_application_name",
                                  "connect_timeout",
                                  "tcp_user_timeout",
                                  "keepalives_idle",
                                  "keepalives_interval",
                                  "keepalives_count",
                                  "passfile",
                                  "dbname",
                                  "target_session_attrs",
                                  "client_encoding",
                                  NULL };
    const char *const values[] = { program_invocation_short_name,
                                   "2",
                                   "5000",
                                   "5",
                                   "2",
                                   "3",
                                   path,
                                   config->store_url,
                                   "read-write",
                                   "UTF8",
                                   NULL };

    *conn = NULL;
    if (!load(err) || !pass_file(path, config, err))
        return false;
    *conn = idb_pq.PQconnectdbParams(names, values, 1);
    if (!*conn)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    idb_pq.PQsetNoticeReceiver(*conn, silence, NULL);
    if (idb_pq.PQstatus(*conn) == CONNECTION_OK ? settle(*conn, config, err) : refused(*conn, err))
        return true;
    idb_pq.PQfinish(*conn);
    *conn = NULL;
    return false;
}
