#include "rows_pgsql.h"

#include "admin.h"
#include "admin_pgsql.h"
#include "buffer.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 40

/* The columns of a table, in SQLite's order. */
struct columns {
    const char *table;
    int n; /* 0: the schema has no such table as yet */
    enum idb_type type[COLUMNS_MAX];
    char names[COLUMNS_MAX * 24]; /* quoted, with commas */
};

static enum idb_type type_of(const char *declared)
{
    return !strcmp(declared, "TEXT") ? IDB_TEXT : !strcmp(declared, "BLOB") ? IDB_BYTES : IDB_INT;
}

static bool add_column(struct columns *c, sqlite3_stmt *stmt, struct idb_error *err)
{
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    const char *type = (const char *)sqlite3_column_text(stmt, 1);
    size_t size = strlen(c->names);

    if (!name || !type || c->n == COLUMNS_MAX || size + strlen(name) + 2 > sizeof c->names)
        return idb_fail(err, IDB_CONFIG, "schema", "A table has columns that no store has.");
    snprintf(c->names + size, sizeof c->names - size, "%s%s", c->n ? "," : "", name);
    c->type[c->n++] = type_of(type);
    return true;
}

static bool columns_of(struct columns *c, sqlite3 *db, const char *table, struct idb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT printf('\"%w\"', name), type FROM pragma_table_info($1)", -1, &stmt, NULL);
    bool ok = true;

    memset(c, 0, sizeof *c);
    c->table = table;
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    while (ok && rc != SQLITE_DONE) {
        if (rc == SQLITE_OK || rc == SQLITE_ROW)
            rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
            ok = add_column(c, stmt, err);
        else if (rc != SQLITE_DONE)
            ok = idb_sqlite_fail(db, rc, "reading", err);
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* ---- into SQLite ---- */

static int bind_field(sqlite3_stmt *stmt, const PGresult *row, int i, enum idb_type type)
{
    const char *bytes = idb_pq.PQgetvalue(row, 0, i);
    int size = idb_pq.PQgetlength(row, 0, i);
    uint64_t number;

    if (idb_pq.PQgetisnull(row, 0, i))
        return sqlite3_bind_null(stmt, i + 1);
    if (type == IDB_TEXT)
        return sqlite3_bind_text(stmt, i + 1, bytes, size, SQLITE_STATIC);
    if (type == IDB_BYTES)
        return sqlite3_bind_blob(stmt, i + 1, bytes, size, SQLITE_STATIC);
    if (size != (int)sizeof number)
        return SQLITE_MISMATCH;
    memcpy(&number, bytes, sizeof number);
    return sqlite3_bind_int64(stmt, i + 1, (int64_t)be64toh(number));
}

static bool insert_row(sqlite3 *db, sqlite3_stmt *stmt, const struct columns *c,
                       const PGresult *row, struct idb_error *err)
{
    int rc = SQLITE_OK;

    for (int i = 0; rc == SQLITE_OK && i < c->n; i++)
        rc = bind_field(stmt, row, i, c->type[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE || idb_sqlite_fail(db, rc, "writing", err);
}

/* What the server sends, each row as it comes. */
static bool receive_rows(PGconn *conn, sqlite3 *db, sqlite3_stmt *stmt, const struct columns *c,
                         struct idb_error *err)
{
    PGresult *result;
    bool ok = true;

    while (ok && (result = idb_pq.PQgetResult(conn))) {
        ExecStatusType status = idb_pq.PQresultStatus(result);

        if (status == PGRES_SINGLE_TUPLE)
            ok = insert_row(db, stmt, c, result, err);
        else if (status != PGRES_TUPLES_OK) /* which comes after the last */
            ok = idb_pgsql_fail(conn, result, "reading", err);
        idb_pq.PQclear(result);
    }
    return ok;
}

static bool prepare_insert(sqlite3_stmt **stmt, sqlite3 *db, const struct columns *c,
                           struct idb_error *err)
{
    char sql[sizeof c->names + 256];
    int n = snprintf(sql, sizeof sql, "INSERT INTO %s (%s) VALUES (?", c->table, c->names);
    int rc;

    for (int i = 1; i < c->n; i++)
        n += snprintf(sql + n, sizeof sql - (size_t)n, ",?");
    snprintf(sql + n, sizeof sql - (size_t)n, ")");
    rc = sqlite3_prepare_v2(db, sql, -1, stmt, NULL);
    return rc == SQLITE_OK || idb_sqlite_fail(db, rc, "writing", err);
}

static bool get_table(PGconn *conn, sqlite3 *db, const char *table, struct idb_error *err)
{
    struct columns c;
    char sql[sizeof c.names + 64];
    sqlite3_stmt *stmt = NULL;
    bool ok;

    if (!columns_of(&c, db, table, err))
        return false;
    if (c.n == 0)
        return true;
    snprintf(sql, sizeof sql, "SELECT %s FROM %s", c.names, table);
    ok = prepare_insert(&stmt, db, &c, err)
         && ((idb_pq.PQsendQueryParams(conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1
              && idb_pq.PQsetSingleRowMode(conn) == 1)
             || idb_pgsql_fail(conn, NULL, "reading", err))
         && receive_rows(conn, db, stmt, &c, err);
    sqlite3_finalize(stmt);
    return ok;
}

bool idb_rows_pgsql_get(PGconn *conn, sqlite3 *db, struct idb_error *err)
{
    for (size_t i = 0; i < IDB_ADMIN_TABLES; i++)
        if (!get_table(conn, db, idb_admin_tables[i], err))
            return false;
    return true;
}

/* ---- into PostgreSQL ---- */

/* COPY's binary format (PostgreSQL's manual, COPY, File Formats): a header, for each row the
 * number of its fields and each with its size before it, and -1 behind the last row. */

static const char header[19] = "PGCOPY\n\377\r\n"; /* and zeros: no flags, nothing more */

static bool add_short(struct idb_buffer *b, int number)
{
    uint16_t n = htobe16((uint16_t)number);

    return idb_buffer_add(b, (const char *)&n, sizeof n);
}

static bool add_field(struct idb_buffer *b, const void *bytes, int size)
{
    uint32_t n = htobe32((uint32_t)size);

    return idb_buffer_add(b, (const char *)&n, sizeof n)
           && (size <= 0 || idb_buffer_add(b, bytes, (size_t)size));
}

/* SQLite would take a value of any type anywhere. */
static bool is_of(int found, enum idb_type type)
{
    return found
           == (type == IDB_TEXT  ? SQLITE_TEXT
               : type == IDB_INT ? SQLITE_INTEGER
                                 : SQLITE_BLOB);
}

static bool add_value(struct idb_buffer *b, sqlite3_stmt *stmt, int i, enum idb_type type)
{
    uint64_t number = htobe64((uint64_t)sqlite3_column_int64(stmt, i));

    if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
        return add_field(b, NULL, -1);
    if (type == IDB_INT)
        return add_field(b, &number, sizeof number);
    return add_field(b, sqlite3_column_blob(stmt, i), sqlite3_column_bytes(stmt, i));
}

static bool send(PGconn *conn, struct idb_buffer *b, struct idb_error *err)
{
    bool ok = idb_pq.PQputCopyData(conn, b->bytes, (int)b->size) == 1
              || idb_pgsql_fail(conn, NULL, "writing", err);

    idb_buffer_clear(b);
    return ok;
}

static bool send_row(PGconn *conn, sqlite3_stmt *stmt, const struct columns *c,
                     struct idb_buffer *b, struct idb_error *err)
{
    bool ok = add_short(b, c->n);

    for (int i = 0; ok && i < c->n; i++) {
        int found = sqlite3_column_type(stmt, i);

        if (found != SQLITE_NULL && !is_of(found, c->type[i]))
            return idb_fail(err, IDB_CONFIG, "store_corrupt",
                            "Column %s of %s holds a value of another type.",
                            sqlite3_column_name(stmt, i), c->table);
        ok = add_value(b, stmt, i, c->type[i]);
    }
    return ok ? send(conn, b, err) : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

static bool send_rows(PGconn *conn, sqlite3 *db, sqlite3_stmt *stmt, const struct columns *c,
                      struct idb_error *err)
{
    struct idb_buffer b = { 0 };
    bool ok = idb_buffer_add(&b, header, sizeof header)
                  ? send(conn, &b, err)
                  : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    int rc = SQLITE_DONE;

    while (ok && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        ok = send_row(conn, stmt, c, &b, err);
    if (ok && rc != SQLITE_DONE)
        ok = idb_sqlite_fail(db, rc, "reading", err);
    ok = ok
         && (add_short(&b, -1) ? send(conn, &b, err)
                               : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory."));
    idb_buffer_free(&b);
    return ok;
}

/* The answer to a statement, and to the COPY that it began. */
static bool expect(PGconn *conn, ExecStatusType wanted, struct idb_error *err)
{
    PGresult *result = idb_pq.PQgetResult(conn);
    bool ok =
        idb_pq.PQresultStatus(result) == wanted || idb_pgsql_fail(conn, result, "writing", err);

    idb_pq.PQclear(result);
    while (wanted == PGRES_COMMAND_OK && (result = idb_pq.PQgetResult(conn)))
        idb_pq.PQclear(result);
    return ok;
}

/* What went wrong on our side is said, not that COPY was told to stop. */
static bool copy_in(PGconn *conn, sqlite3 *db, sqlite3_stmt *stmt, const struct columns *c,
                    struct idb_error *err)
{
    struct idb_error ignored;

    if (!send_rows(conn, db, stmt, c, err)) {
        idb_pq.PQputCopyEnd(conn, "stopped");
        expect(conn, PGRES_COMMAND_OK, &ignored);
        return false;
    }
    return (idb_pq.PQputCopyEnd(conn, NULL) == 1 || idb_pgsql_fail(conn, NULL, "writing", err))
           && expect(conn, PGRES_COMMAND_OK, err);
}

static bool put_table(PGconn *conn, sqlite3 *db, const char *table, struct idb_error *err)
{
    struct columns c;
    char from[sizeof c.names + 64];
    char into[sizeof c.names + 64];
    sqlite3_stmt *stmt = NULL;
    bool ok;
    int rc;

    if (!columns_of(&c, db, table, err))
        return false;
    snprintf(from, sizeof from, "SELECT %s FROM %s", c.names, table);
    snprintf(into, sizeof into, "COPY %s (%s) FROM STDIN (FORMAT binary)", table, c.names);
    rc = sqlite3_prepare_v2(db, from, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return idb_sqlite_fail(db, rc, "reading", err);
    ok = (idb_pq.PQsendQueryParams(conn, into, 0, NULL, NULL, NULL, NULL, 0) == 1
          || idb_pgsql_fail(conn, NULL, "writing", err))
         && expect(conn, PGRES_COPY_IN, err) && copy_in(conn, db, stmt, &c, err);
    sqlite3_finalize(stmt);
    return ok;
}

/* The sequence is not set back: that would stand though the rest were undone. */
static bool raise_sequence(PGconn *conn, struct idb_error *err)
{
    return idb_admin_pgsql_exec(conn,
                                "SELECT setval('audit_id_seq', GREATEST((SELECT last_value FROM"
                                " audit_id_seq), (SELECT MAX(id) FROM audit)))",
                                "writing", err);
}

bool idb_rows_pgsql_put(PGconn *conn, sqlite3 *db, struct idb_error *err)
{
    for (size_t i = 0; i < IDB_ADMIN_TABLES; i++)
        if (!put_table(conn, db, idb_admin_tables[i], err))
            return false;
    return raise_sequence(conn, err);
}

bool idb_rows_pgsql_empty(PGconn *conn, struct idb_error *err)
{
    for (size_t i = 0; i < IDB_ADMIN_TABLES; i++)
        if (!idb_admin_pgsql_execf(conn, "emptying", err, "TRUNCATE %s", idb_admin_tables[i]))
            return false;
    return true;
}
