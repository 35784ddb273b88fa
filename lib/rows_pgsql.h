/*
 * All rows of a store, from PostgreSQL to SQLite or back, table by table and column by
 * column, by the names that the tables of SQLite have. meta is left out. Rows stream: no
 * more than one is in memory.
 *
 *     ok = idb_rows_pgsql_empty(conn, err) && idb_rows_pgsql_put(conn, db, err);
 *
 * All three work inside the caller's transactions.
 */
#ifndef IDB_ROWS_PGSQL_H
#define IDB_ROWS_PGSQL_H

#include "pgsql.h"

#include <sqlite3.h>

/* Into SQLite. After a failure the connection to PostgreSQL can only be closed. */
bool idb_rows_pgsql_get(PGconn *conn, sqlite3 *db, struct idb_error *err);

/* Into PostgreSQL, whose tables are empty; audit rows to come get ids past these. */
bool idb_rows_pgsql_put(PGconn *conn, sqlite3 *db, struct idb_error *err);

/* Takes all rows away, and what they were from the server's disk with the commit. */
bool idb_rows_pgsql_empty(PGconn *conn, struct idb_error *err);

#endif
