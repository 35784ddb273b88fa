/*
 * Every statement the programs run, all on one page (sql.c), one text for all
 * engines: $1 placeholders, BIGINT, TEXT and bytes only.
 */
#ifndef IDB_SQL_H
#define IDB_SQL_H

/* The version of the schema that these statements are written for. */
#define IDB_SCHEMA_VERSION 2

enum idb_sql {
    IDB_SQL_SCHEMA_VERSION,
    IDB_SQL_CLOCK_MARK,
    IDB_SQL_AUDIT,
    IDB_SQL_ALARM,
    IDB_SQL_CODE_TAKEN,
    IDB_SQL_LIVE_CODES,
    IDB_SQL_ISSUE,
    IDB_SQL_RENEW,
    IDB_SQL_BY_ID,
    IDB_SQL_BY_TOKEN,
    IDB_SQL_BY_CALL,
    IDB_SQL_BY_CODE,
    IDB_SQL_BY_TICKET,
    IDB_SQL_OPEN_CALLS,
    IDB_SQL_HANDED_OVER,
    IDB_SQL_OF_CODE,
    IDB_SQL_ACCEPT,
    IDB_SQL_BIND,
    IDB_SQL_CALL_ENDED,
    IDB_SQL_CALL_TAKEN,
    IDB_SQL_REFUSAL,
    IDB_SQL_COUNT,
    IDB_SQL_COUNTED,
    IDB_SQL_CONFIRM,
    IDB_SQL_TRANSFER,
    IDB_SQL_OPEN,
    IDB_SQL_HANG_UP,
    IDB_SQL_END_CALL,
    IDB_SQL_ERASE,
    IDB_SQL_DUE,
    IDB_SQL_DUE_COUNT,
    IDB_SQL_EXPIRE_ALL,
    IDB_SQL_DELETE_CALLS,
    IDB_SQL_DELETE_COUNTS,
    IDB_SQL_DELETE_SESSIONS,
    IDB_SQL_DELETE_AUDIT,
    IDB_SQL_INVITE,
    IDB_SQL_INVITATION,
    IDB_SQL_SPEND,
    IDB_SQL_EXPIRE_INVITATIONS,
    IDB_SQL_ERASE_INVITATIONS,
    IDB_SQL_DELETE_INVITATIONS,
    IDB_SQL_LAST
};

extern const char *const idb_sql[IDB_SQL_LAST];

#endif
