/*
 * PostgreSQL's libpq, loaded when it is first asked for, so that nobody else pays for it;
 * and what the driver shares with idb-store's work on a whole schema.
 *
 *     PGconn *conn = NULL;
 *     if (!idb_pgsql_connect(&conn, config, err))
 *         return false;
 *     …
 *     idb_pq.PQfinish(conn);
 */
#ifndef IDB_PGSQL_H
#define IDB_PGSQL_H

#include "config.h"

#include <libpq-fe.h>

/* The functions of libpq that are used, under their own names. */
#define IDB_PQ_FUNCTIONS(F)                                                                        \
    F(PQclear)                                                                                     \
    F(PQcmdStatus)                                                                                 \
    F(PQcmdTuples)                                                                                 \
    F(PQconnectdbParams)                                                                           \
    F(PQconsumeInput)                                                                              \
    F(PQenterPipelineMode)                                                                         \
    F(PQerrorMessage)                                                                              \
    F(PQescapeIdentifier)                                                                          \
    F(PQescapeLiteral)                                                                             \
    F(PQexec)                                                                                      \
    F(PQexecParams)                                                                                \
    F(PQexitPipelineMode)                                                                          \
    F(PQfinish)                                                                                    \
    F(PQflush)                                                                                     \
    F(PQfreemem)                                                                                   \
    F(PQgetisnull)                                                                                 \
    F(PQgetlength)                                                                                 \
    F(PQgetResult)                                                                                 \
    F(PQgetvalue)                                                                                  \
    F(PQisBusy)                                                                                    \
    F(PQntuples)                                                                                   \
    F(PQpipelineSync)                                                                              \
    F(PQputCopyData)                                                                               \
    F(PQputCopyEnd)                                                                                \
    F(PQresultErrorField)                                                                          \
    F(PQresultStatus)                                                                              \
    F(PQsendPrepare)                                                                               \
    F(PQsendQuery)                                                                                 \
    F(PQsendQueryPrepared)                                                                         \
    F(PQsendQueryParams)                                                                           \
    F(PQserverVersion)                                                                             \
    F(PQsetNoticeReceiver)                                                                         \
    F(PQsetnonblocking)                                                                            \
    F(PQsetSingleRowMode)                                                                          \
    F(PQsocket)                                                                                    \
    F(PQstatus)                                                                                    \
    F(PQuser)

struct idb_pq {
#define IDB_PQ_MEMBER(name) __typeof__(name) *name;
    IDB_PQ_FUNCTIONS(IDB_PQ_MEMBER)
#undef IDB_PQ_MEMBER
};

/* Filled by idb_pgsql_connect(). */
extern struct idb_pq idb_pq;

/* Opens a connection to a server that can be written, in the configured schema; *conn is the
 * caller's. A server that is gone is noticed within seconds. IDB_UNAVAILABLE "store_down",
 * IDB_NOPERM "store_unreadable", IDB_CONFIG "store_missing". */
bool idb_pgsql_connect(PGconn **conn, const struct idb_config *config, struct idb_error *err);

/* Waits until the connection brought something or can take what is still to be sent, at most
 * until then (idb_timestamp_monotonic()). False when it is lost, or silent. */
bool idb_pgsql_wait(PGconn *conn, int64_t until);

/* An error of store.h for what the server or libpq says; doing is put before the message.
 * result may be NULL. */
bool idb_pgsql_fail(PGconn *conn, const PGresult *result, const char *doing, struct idb_error *err);

#endif
