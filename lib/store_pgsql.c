/*
 * Statements go down the connection in pipeline mode (libpq, chapter 34.5): what nobody
 * waits for, BEGIN, a lock, an audit row, travels with the next that somebody does.
 */
#include "driver.h"
#include "pgsql.h"
#include "timestamp.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 4000 /* that a server may be silent, beyond the wait for a lock */
#define OWN         8    /* statements that are the driver's own */

/* Types of values, by their numbers in PostgreSQL's pg_type.dat. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

struct statement {
    const char *text; /* known by its address */
    size_t values;
    unsigned number; /* what the server knows it by */
};

struct db {
    PGconn *conn;
    struct idb_config config;                       /* what a connection is made from */
    struct statement statement[IDB_SQL_LAST + OWN]; /* prepared so far, on this connection */
    size_t prepared;
    size_t confirmed; /* of those, that the server has said it knows */
    unsigned numbers; /* given out */
    int owed;         /* results on their way of which nothing is asked */
    int number_at;    /* which of those is a number that was asked for, or -1 */
    int64_t number;
    bool open;   /* inside a transaction, or about to be */
    bool shares; /* a subject, in this transaction: */
    int64_t shared;
    bool warned; /* the server said that a commit may not have reached its standby */
    PGresult *result;
    int row;
    int rows;
};

static const char begin_write[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
static const char begin_read[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
static const char commit[] = "COMMIT";
/* A subject is one of this schema. */
#define SUBJECT "($1 # 'meta'::regclass::oid::bigint)"
static const char lock_subject[] = "SELECT pg_advisory_xact_lock" SUBJECT;
static const char share_subject[] = "SELECT pg_advisory_xact_lock_shared" SUBJECT;
static const char try_subject[] = "SELECT pg_try_advisory_xact_lock" SUBJECT "::int::bigint";
static const char rollback[] = "ROLLBACK";
static const char committing[] = "committing"; /* what lost() knows by its address */
static const char size_of_all[] =
    "SELECT COALESCE(SUM(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
    " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";

static void drop_result(struct db *db)
{
    if (db->result)
        idb_pq.PQclear(db->result);
    db->result = NULL;
    db->row = -1;
    db->rows = 0;
}

static void disconnect(struct db *db)
{
    drop_result(db);
    if (db->conn)
        idb_pq.PQfinish(db->conn);
    db->conn = NULL;
    db->prepared = db->confirmed = 0;
    db->owed = 0;
    db->number_at = -1;
    db->open = false;
}

/* A commit that was not waited for by the standby is told of by a warning alone. */
static void notice(void *p, const PGresult *result)
{
    const char *severity = idb_pq.PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && !strcmp(severity, "WARNING"))
        ((struct db *)p)->warned = true;
}

static bool connect_to(struct db *db, struct idb_error *err)
{
    if (!idb_pgsql_connect(&db->conn, &db->config, err))
        return false;
    idb_pq.PQsetNoticeReceiver(db->conn, notice, db);
    if (idb_pq.PQsetnonblocking(db->conn, 1) == 0 && idb_pq.PQenterPipelineMode(db->conn) == 1)
        return true;
    disconnect(db);
    return idb_fail(err, IDB_SOFTWARE, "internal", "libpq has no pipeline mode.");
}

static void pgsql_close(void *p)
{
    struct db *db = p;

    disconnect(db);
    free((char *)db->config.store_url);
    free((char *)db->config.store_schema);
    free((char *)db->config.store_pass_files);
    free(db);
}

static bool keep(const char **copy, const char *text)
{
    *copy = text ? strdup(text) : NULL;
    return !text || *copy;
}

static bool pgsql_open(void **p, const struct idb_config *config, struct idb_error *err)
{
    struct db *db = calloc(1, sizeof *db);

    if (!db)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    db->row = db->number_at = -1;
    db->config.store_wait_ms = config->store_wait_ms;
    if (!keep(&db->config.store_url, config->store_url)
        || !keep(&db->config.store_schema, config->store_schema)
        || !keep(&db->config.store_pass_files, config->store_pass_files))
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    else if (connect_to(db, err)) {
        *p = db;
        return true;
    }
    pgsql_close(db);
    return false;
}

/* A server that was stopped has said so; nobody waits for a word that is not there. */
static bool pgsql_is_current(void *p)
{
    struct db *db = p;

    return db->conn && idb_pq.PQconsumeInput(db->conn)
           && idb_pq.PQstatus(db->conn) == CONNECTION_OK;
}

/* ---- sending ---- */

static bool lost(struct db *db, const char *doing, struct idb_error *err)
{
    disconnect(db);
    if (doing == committing)
        return idb_fail(err, IDB_TEMPFAIL, "store_unknown",
                        "The connection to the store was lost while committing. It may have been"
                        " done or not; look before you ask again.");
    return idb_fail(err, IDB_TEMPFAIL, "store_lost",
                    "The connection to the store was lost; try again. Nothing was done.");
}

static Oid type_of(const struct idb_value *value)
{
    switch (value->type) {
    case IDB_INT:
        return OID_INT8;
    case IDB_TEXT:
        return OID_TEXT;
    case IDB_BYTES:
        return OID_BYTEA;
    default:
        return 0;
    }
}

typedef char name_t[16];

/* Its name on this connection; prepared on the way where it is new. A name is never given
 * twice: nobody knows whether one was taken that travelled behind a failure. */
static bool prepare(struct db *db, const char *sql, const struct idb_value *values, size_t n,
                    name_t name, struct idb_error *err)
{
    struct statement *s = db->statement;
    Oid types[IDB_VALUES_MAX];

    while (s < db->statement + db->prepared && s->text != sql)
        s++;
    if (n > IDB_VALUES_MAX || s == db->statement + IDB_SQL_LAST + OWN)
        return idb_fail(err, IDB_SOFTWARE, "internal", "Too many values or statements.");
    if (s == db->statement + db->prepared) {
        *s = (struct statement){ sql, n, db->numbers++ };
        db->prepared++;
        db->owed++;
        for (size_t i = 0; i < n; i++)
            types[i] = type_of(&values[i]);
        snprintf(name, sizeof(name_t), "s%u", s->number);
        if (!idb_pq.PQsendPrepare(db->conn, name, sql, (int)n, types))
            return lost(db, "sending", err);
    }
    snprintf(name, sizeof(name_t), "s%u", s->number);
    return s->values == n
           || idb_fail(err, IDB_SOFTWARE, "internal", "%zu values for: %.200s", n, sql);
}

/* Puts a statement into the pipeline. */
static bool send_statement(struct db *db, const char *sql, const struct idb_value *values, size_t n,
                           struct idb_error *err)
{
    const char *at[IDB_VALUES_MAX];
    int sizes[IDB_VALUES_MAX];
    int formats[IDB_VALUES_MAX];
    uint64_t numbers[IDB_VALUES_MAX];
    name_t name;

    if (!db->conn)
        return lost(db, "sending", err);
    if (!prepare(db, sql, values, n, name, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        numbers[i] = htobe64((uint64_t)values[i].number);
        at[i] = values[i].type == IDB_NULL  ? NULL
                : values[i].type == IDB_INT ? (const char *)&numbers[i]
                                            : values[i].bytes;
        sizes[i] = values[i].type == IDB_INT ? (int)sizeof numbers[i] : (int)values[i].size;
        formats[i] = 1;
    }
    return idb_pq.PQsendQueryPrepared(db->conn, name, (int)n, at, sizes, formats, 1) == 1
           || lost(db, sql, err);
}

/* ---- receiving ---- */

/* The next result, or NULL between those of two statements. */
static bool next_result(struct db *db, int64_t until, PGresult **result)
{
    if (idb_pq.PQflush(db->conn) == -1)
        return false;
    while (idb_pq.PQisBusy(db->conn))
        if (!idb_pgsql_wait(db->conn, until))
            return false;
    *result = idb_pq.PQgetResult(db->conn);
    return idb_pq.PQstatus(db->conn) == CONNECTION_OK;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = idb_pq.PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* All whole numbers are BIGINT, 8 bytes with the highest first. */
static int64_t int_of(const PGresult *result, int row, int column)
{
    uint64_t number = 0;

    if (row < idb_pq.PQntuples(result) && idb_pq.PQgetlength(result, row, column) == 8)
        memcpy(&number, idb_pq.PQgetvalue(result, row, column), sizeof number);
    return (int64_t)be64toh(number);
}

/* Whether a failure says that its statement was undone. That the connection was lost does
 * not; and a server that ends it in the midst of a commit may have committed. */
static bool says_undone(const PGresult *result, bool commits, bool connected)
{
    const char *severity = idb_pq.PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return severity ? !commits || !strcmp(severity, "ERROR") : connected;
}

/* The result of one statement, kept where none is left behind it. The first that failed is
 * what went wrong: what came behind it was not done. What the server says behind the last
 * statement does not tell of that. */
static void take_result(struct db *db, PGresult *result, int left, const char *doing,
                        struct idb_error *found)
{
    bool good = is_good(result);

    if (!good && !found->code && left >= 0
        && says_undone(result, left == 0 && doing == committing,
                       idb_pq.PQstatus(db->conn) == CONNECTION_OK))
        idb_pgsql_fail(db->conn, result, doing, found);
    if (good && left == 0) {
        db->result = result;
        db->rows = idb_pq.PQntuples(result);
    } else {
        idb_pq.PQclear(result);
    }
}

/* Waits for all that was sent; the result of what was sent last is kept. */
static bool receive(struct db *db, const char *doing, struct idb_error *err)
{
    int64_t until = idb_timestamp_monotonic() + db->config.store_wait_ms + PATIENCE_MS;
    struct idb_error found = { 0 };
    PGresult *result = NULL;
    int left = db->owed;

    if (idb_pq.PQpipelineSync(db->conn) != 1)
        return lost(db, doing, err);
    for (;;) {
        if (!next_result(db, until, &result)) {
            idb_pq.PQclear(result);
            lost(db, doing, err);
            if (found.code)
                *err = found; /* said before it went: surer than its silence */
            return false;
        }
        if (result && idb_pq.PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            break;
        if (result && db->number_at == db->owed - left && is_good(result))
            db->number = int_of(result, 0, 0);
        if (result)
            take_result(db, result, left, doing, &found);
        else
            left--; /* that was one statement */
    }
    idb_pq.PQclear(result);
    db->owed = 0;
    db->number_at = -1;
    if (!found.code) {
        db->confirmed = db->prepared;
        return true;
    }
    db->prepared = db->confirmed;
    drop_result(db);
    *err = found;
    return false;
}

/* ---- the driver ---- */

static bool ask(struct db *db, const char *sql, const struct idb_value *values, size_t n,
                struct idb_error *err)
{
    drop_result(db);
    return send_statement(db, sql, values, n, err)
           && receive(db, sql == commit ? committing : "running", err);
}

/* Sent with what is asked next; what goes wrong is said then. */
static bool put(struct db *db, const char *sql, const struct idb_value *values, size_t n,
                struct idb_error *err)
{
    drop_result(db);
    if (!send_statement(db, sql, values, n, err))
        return false;
    db->owed++;
    return true;
}

static bool pgsql_begin(void *p, bool write, struct idb_error *err)
{
    struct db *db = p;

    db->open = true;
    db->shares = false;
    return put(db, write ? begin_write : begin_read, NULL, 0, err);
}

/* A transaction that failed is rolled back by a commit, without an error. */
static bool pgsql_commit(void *p, struct idb_error *err)
{
    struct db *db = p;

    db->warned = false;
    if (!ask(db, commit, NULL, 0, err))
        return false;
    db->open = false;
    if (strcmp(idb_pq.PQcmdStatus(db->result), "COMMIT") != 0)
        return idb_fail(err, IDB_TEMPFAIL, "conflict", "The store undid it; try again.");
    if (!db->warned)
        return true;
    return idb_fail(err, IDB_TEMPFAIL, "store_unknown",
                    "It was done, but not on the standby as yet, and may be lost with the server;"
                    " look before you ask again.");
}

static void pgsql_rollback(void *p)
{
    struct db *db = p;
    struct idb_error ignored;

    /* Behind what was put and failed it is skipped, the first time. */
    if (db->conn && db->open && !ask(db, rollback, NULL, 0, &ignored) && db->conn)
        ask(db, rollback, NULL, 0, &ignored);
    db->open = false;
}

static bool pgsql_ask_number(void *p, const char *sql, struct idb_error *err)
{
    struct db *db = p;

    if (!put(db, sql, NULL, 0, err))
        return false;
    db->number_at = db->owed - 1;
    db->number = 0;
    return true;
}

static int64_t pgsql_number(void *p)
{
    return ((struct db *)p)->number;
}

/* One that this transaction shares already is had at once or not at all. */
static bool pgsql_lock(void *p, const void *subject, size_t size, bool share, struct idb_error *err)
{
    struct idb_value value = { .type = IDB_INT };
    struct db *db = p;

    memcpy(&value.number, subject, size < sizeof value.number ? size : sizeof value.number);
    if (share) {
        db->shares = true;
        db->shared = value.number;
        return put(db, share_subject, &value, 1, err);
    }
    if (!db->shares || db->shared != value.number)
        return put(db, lock_subject, &value, 1, err);
    return ask(db, try_subject, &value, 1, err)
           && (int_of(db->result, 0, 0) == 1
               || idb_fail(err, IDB_TEMPFAIL, "conflict",
                           "Others use the store for what excludes this; try again. Nothing was"
                           " done."));
}

static bool pgsql_query(void *p, const char *sql, const struct idb_value *values, size_t n,
                        struct idb_error *err)
{
    return ask(p, sql, values, n, err);
}

static bool pgsql_put(void *p, const char *sql, const struct idb_value *values, size_t n,
                      struct idb_error *err)
{
    return put(p, sql, values, n, err);
}

static bool pgsql_row(void *p, bool *found, struct idb_error *err)
{
    struct db *db = p;

    (void)err;
    *found = db->row + 1 < db->rows;
    if (*found)
        db->row++;
    return true;
}

static int64_t pgsql_changed(void *p)
{
    return strtoll(idb_pq.PQcmdTuples(((struct db *)p)->result), NULL, 10);
}

static int64_t pgsql_int(void *p, int column)
{
    struct db *db = p;

    return int_of(db->result, db->row, column);
}

static const char *pgsql_text(void *p, int column)
{
    struct db *db = p;

    return idb_pq.PQgetisnull(db->result, db->row, column)
               ? NULL
               : idb_pq.PQgetvalue(db->result, db->row, column);
}

static const void *pgsql_bytes(void *p, int column, size_t *size)
{
    struct db *db = p;

    *size = (size_t)idb_pq.PQgetlength(db->result, db->row, column);
    return pgsql_text(p, column);
}

/* What the server keeps of erased rows, and for how long, says idb-scale(7). */
static bool pgsql_checkpoint(void *p, bool *done, struct idb_error *err)
{
    (void)p;
    (void)err;
    *done = true;
    return true;
}

static bool pgsql_size(void *p, struct idb_store_size *size, struct idb_error *err)
{
    bool found;

    memset(size, 0, sizeof *size);
    if (!ask(p, size_of_all, NULL, 0, err) || !pgsql_row(p, &found, err))
        return false;
    size->bytes = found ? pgsql_int(p, 0) : 0;
    return true;
}

const struct idb_driver idb_driver_pgsql = {
    .open = pgsql_open,
    .close = pgsql_close,
    .is_current = pgsql_is_current,
    .begin = pgsql_begin,
    .ask_number = pgsql_ask_number,
    .number = pgsql_number,
    .commit = pgsql_commit,
    .rollback = pgsql_rollback,
    .lock = pgsql_lock,
    .query = pgsql_query,
    .put = pgsql_put,
    .row = pgsql_row,
    .changed = pgsql_changed,
    .int_at = pgsql_int,
    .text_at = pgsql_text,
    .bytes_at = pgsql_bytes,
    .checkpoint = pgsql_checkpoint,
    .size = pgsql_size,
};
