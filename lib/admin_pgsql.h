/*
 * What the parts of store_admin.h share about PostgreSQL, as admin.h does about SQLite: a
 * plain connection for work on a whole schema.
 *
 *     int64_t version;
 *     if (!idb_admin_pgsql_connect(&conn, config, err)
 *         || !idb_admin_pgsql_version(conn, config, &version, err)) ...
 *     idb_pq.PQfinish(conn);
 */
#ifndef IDB_ADMIN_PGSQL_H
#define IDB_ADMIN_PGSQL_H

#include "pgsql.h"

/* All tables but meta. */
#define IDB_ADMIN_TABLES 6
extern const char *const idb_admin_tables[IDB_ADMIN_TABLES];

/* As idb_pgsql_connect(); the server lets a statement, and the pause between two, take
 * their time. */
bool idb_admin_pgsql_connect(PGconn **conn, const struct idb_config *config, struct idb_error *err);

/* Runs SQL without values; doing is put before the message. */
bool idb_admin_pgsql_exec(PGconn *conn, const char *sql, const char *doing, struct idb_error *err);
bool idb_admin_pgsql_execf(PGconn *conn, const char *doing, struct idb_error *err, const char *fmt,
                           ...) __attribute__((format(printf, 4, 5)));

/* The text or number in the only row; "" and 0 where there is none. argument is $1, or NULL. */
bool idb_admin_pgsql_text(PGconn *conn, const char *sql, const char *argument, char *text,
                          size_t size, struct idb_error *err);
bool idb_admin_pgsql_number(PGconn *conn, const char *sql, const char *argument, int64_t *n,
                            struct idb_error *err);

/* The version of the configured schema, 0 where it holds no store. IDB_CONFIG "schema" when
 * it is newer than this program's. */
bool idb_admin_pgsql_version(PGconn *conn, const struct idb_config *config, int64_t *version,
                             struct idb_error *err);

/* As idb_admin_audit(): the mark of the clock is never set back. */
bool idb_admin_pgsql_audit(PGconn *conn, const char *action, const char *result,
                           struct idb_error *err);

/* The same; IDB_CONFIG "store_missing" where it holds no store. */
bool idb_admin_pgsql_found(PGconn *conn, const struct idb_config *config, int64_t *version,
                           struct idb_error *err);

/* As idb_admin_in_use(). */
bool idb_admin_pgsql_in_use(PGconn *conn, struct idb_error *err);

/* Begins a transaction in which nobody else works on the whole schema. */
bool idb_admin_pgsql_begin(PGconn *conn, struct idb_error *err);

/* Begins one in which nobody else uses the store at all, and says its version: every
 * transaction of a program reads meta first (store.c), so those that have begun are waited
 * for, and others wait. As idb_admin_pgsql_found(). */
bool idb_admin_pgsql_fence(PGconn *conn, const struct idb_config *config, int64_t *version,
                           struct idb_error *err);

/* IDB_TEMPFAIL "store_unknown" where nobody knows whether it was done. */
bool idb_admin_pgsql_commit(PGconn *conn, struct idb_error *err);

#endif
