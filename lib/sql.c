#include "sql.h"

#include <stddef.h>

/* The columns that idb_session_read() expects, in its order. */
#define SESSION                                                                                    \
    "SELECT id, ticket, state, purpose, line, lang, confirm, code_mac, code_expires_at, renewals," \
    " renew_until, created_at, expires_at, call_id, called_at, bound, bound_key, caller_last2,"    \
    " announced, number_hint, connected_at, due_at, confirmation, ended_at, end_reason,"           \
    " refusal, refused_at FROM session "

/* Not past its time at $1, whatever idb-purge has done yet; an ended session has
 * no due_at and is not alive either. */
#define ALIVE " due_at > $1 AND expires_at > $1"

/* As IDB_SQL_COUNTED, of one subject, among the values of IDB_SQL_ACCEPT. */
#define WEIGHED(subject)                                                                           \
    "COALESCE((SELECT CASE WHEN since > $18 THEN attempts.count + before * (since - $18) / $19"    \
    " WHEN since > $18 - $19 THEN attempts.count * (since - $18 + $19) / $19 ELSE 0 END"           \
    " FROM attempts WHERE subject = " subject "), 0)"

/* Whether the caller, under two keys, or all are past a limit. */
#define PAST_LIMIT                                                                                 \
    "(" WEIGHED("$15") " + " WEIGHED("$16") " + $20 >= $21 OR " WEIGHED("$17") " >= $22)"

/* Who holds a code, and whether it is good. */
#define HOLDER                                                                                     \
    "session.id, session.purpose, session.announced, session.state, session.line,"                 \
    " session.code_expires_at, session.expires_at"

/* What stands in the way of using the store, as in store.h. */
#define MOVE                                                                                       \
    "SELECT CASE name WHEN 'moved' THEN -1 ELSE -2 END FROM meta"                                  \
    " WHERE name IN ('moved', 'arriving') ORDER BY name DESC LIMIT 1"

const char *const idb_sql[IDB_SQL_LAST] = {
    [IDB_SQL_SCHEMA_VERSION] = "SELECT value FROM meta WHERE name = 'schema_version'",

    [IDB_SQL_MOVE] = MOVE,

    /* The newest audit row: the clock has been there. In its place what IDB_SQL_MOVE says:
     * every transaction reads this first, so that whoever locks meta holds them all up. */
    [IDB_SQL_CLOCK_MARK] =
        "SELECT COALESCE((" MOVE "), (SELECT at FROM audit ORDER BY id DESC LIMIT 1))",

    [IDB_SQL_AUDIT] = "INSERT INTO audit (at, actor, action, session, result, detail)"
                      " VALUES ($1, $2, $3, $4, $5, $6)",

    [IDB_SQL_ALARM] = "INSERT INTO counter (name, count) VALUES ($1, 1)"
                      " ON CONFLICT (name) DO UPDATE SET count = counter.count + 1",

    /* $1..$4: the code's MAC under each valid key. */
    [IDB_SQL_CODE_TAKEN] = "SELECT id FROM session WHERE code_mac IN ($1, $2, $3, $4) LIMIT 1",

    [IDB_SQL_LIVE_CODES] = "SELECT COUNT(*) FROM session"
                           " WHERE state = 'issued' AND code_expires_at > $1",

    [IDB_SQL_ISSUE] = "INSERT INTO session (id, ticket, state, purpose, line, lang, confirm,"
                      " token_hash, code_mac, code_expires_at, renewals, renew_until, created_at,"
                      " expires_at, due_at, announced, sealed)"
                      " VALUES ($1, $2, 'issued', $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12,"
                      " $13, $14, $15) ON CONFLICT DO NOTHING RETURNING id",

    /* $1 now, $2 MAC, $3 the code's expiry, $4 token hash, $5 most renewals. */
    [IDB_SQL_RENEW] = "UPDATE session SET code_mac = $2,"
                      " code_expires_at = CASE WHEN renew_until < $3 THEN renew_until ELSE $3 END,"
                      " renewals = renewals + 1"
                      " WHERE token_hash = $4 AND state = 'issued' AND expires_at > $1"
                      " AND renew_until > $1 AND renewals < $5 RETURNING id",

    [IDB_SQL_BY_ID] = SESSION "WHERE id = $1",
    [IDB_SQL_BY_TOKEN] = SESSION "WHERE token_hash = $1",
    [IDB_SQL_BY_CALL] = SESSION "WHERE line = $2 AND call_id = $3 AND" ALIVE,
    [IDB_SQL_BY_CODE] = SESSION "WHERE code_mac IN ($2, $3, $4, $5) AND" ALIVE,
    [IDB_SQL_BY_TICKET] = SESSION "WHERE ticket = $1",
    /* By itself: only the desk may read it. */
    [IDB_SQL_SEALED] = "SELECT sealed FROM session WHERE id = $1",
    [IDB_SQL_OPEN_CALLS] = SESSION "WHERE state IN ('called', 'connected', 'wrap_up') AND" ALIVE
                                   " ORDER BY called_at LIMIT 200",
    [IDB_SQL_HANDED_OVER] = "SELECT at, actor FROM audit WHERE session = $1"
                            " AND action = 'hand_over' AND result = 'ok' ORDER BY id DESC LIMIT 1",

    /* What a code keyed in is weighed by: how many wrong ones by call $1; since when that,
     * $4 on line $3, is over or has a session, else 0; and whose code it is, as
     * IDB_SQL_OF_CODE, by its MAC $2. */
    [IDB_SQL_STANDING] =
        "SELECT COALESCE((SELECT attempts.count FROM attempts WHERE subject = $1), 0),"
        " COALESCE((SELECT at FROM ended_call WHERE call_hash = $1), (SELECT created_at"
        " FROM session AS other WHERE other.line = $3 AND other.call_id = $4), 0), " HOLDER
        " FROM (SELECT 1 AS one) AS once LEFT JOIN session ON session.code_mac = $2",

    /* Whose code it is, by its MAC: what the decision then binds the call to. */
    [IDB_SQL_OF_CODE] = "SELECT " HOLDER " FROM session WHERE code_mac = $1",

    /* The decision who gets a code. $1 now, $2 line, $3 call id, $4 the code's MAC, $5..$7
     * its MACs under other keys, $8 the call's hash, $9 most wrong codes a call, $10 last
     * two digits, $11 the session that $12 binds the call to by the key $13, $14 the
     * number's hint. Its resident must confirm when the caller, under two keys, $15 and $16,
     * or all, $17, are past a limit, $21 and $22, in the window of $19 ms that began at $18;
     * $20 is what there is to add for the caller. */
    [IDB_SQL_ACCEPT] =
        "UPDATE session SET state = 'called', call_id = $3, called_at = $1, caller_last2 = $10,"
        " due_at = expires_at, bound = $12, bound_key = $13, number_hint = $14,"
        " confirm = CASE WHEN " PAST_LIMIT " THEN 'page' ELSE confirm END"
        " WHERE code_mac = $4 AND id = $11 AND state = 'issued' AND line = $2"
        " AND code_expires_at > $1 AND expires_at > $1"
        " AND NOT EXISTS (SELECT 1 FROM ended_call WHERE call_hash = $8)"
        " AND NOT EXISTS (SELECT 1 FROM session AS other WHERE other.line = $2"
        " AND other.call_id = $3)"
        " AND NOT EXISTS (SELECT 1 FROM session AS twin WHERE twin.code_mac = $5)"
        " AND NOT EXISTS (SELECT 1 FROM session AS twin WHERE twin.code_mac = $6)"
        " AND NOT EXISTS (SELECT 1 FROM session AS twin WHERE twin.code_mac = $7)"
        " AND COALESCE((SELECT attempts.count FROM attempts WHERE subject = $8), 0) < $9",

    /* The audit row of a code that was accepted for session $3 and the call $5 on line $4,
     * with whether its resident must confirm. Where it was not, the row has no time, which
     * the table refuses. */
    [IDB_SQL_AUDIT_ACCEPTED] =
        "INSERT INTO audit (at, actor, action, session, result, detail)"
        " SELECT CASE WHEN called_at = $1 AND line = $4 AND call_id = $5 THEN $1 END,"
        " $2, 'verify', one.id, 'accepted',"
        " CASE confirm WHEN 'page' THEN '{\"confirm\":\"page\"}' END"
        " FROM (SELECT $3 AS id) AS one LEFT JOIN session ON session.id = one.id",

    [IDB_SQL_BIND] = "UPDATE session SET bound = $2, bound_key = $3, number_hint = $4"
                     " WHERE id = $1",

    [IDB_SQL_CALL_ENDED] = "SELECT reason, session FROM ended_call WHERE call_hash = $1",

    [IDB_SQL_REFUSAL] = "UPDATE session SET refusal = $2, refused_at = $3 WHERE id = $1",

    /* $1 subject, $2 now, $3 where the window that still counts began, $4 the one
     * before it: what was counted in that is kept, to be weighed. */
    [IDB_SQL_COUNT] = "INSERT INTO attempts (subject, since, count, before) VALUES ($1, $2, 1, 0)"
                      " ON CONFLICT (subject) DO UPDATE SET"
                      " before = CASE WHEN attempts.since > $3 THEN attempts.before"
                      " WHEN attempts.since > $4 THEN attempts.count ELSE 0 END,"
                      " count = CASE WHEN attempts.since > $3 THEN attempts.count + 1 ELSE 1 END,"
                      " since = CASE WHEN attempts.since > $3 THEN attempts.since ELSE $2 END",

    /* Of subject $3 in the window of $2 ms that began at $1; the window before weighs by
     * how much of it is still inside. What is older counts for nothing, but is not left out
     * by a condition: that could make since the index, with all there is in the window. */
    [IDB_SQL_COUNTED] = "SELECT CASE WHEN since > $1"
                        " THEN count + before * (since - $1) / $2"
                        " WHEN since > $1 - $2 THEN count * (since - $1 + $2) / $2"
                        " ELSE 0 END FROM attempts WHERE subject = $3",

    [IDB_SQL_CONFIRM] =
        "UPDATE session SET confirmation = $4"
        " WHERE id = $2 AND called_at = $3"
        " AND state IN ('called', 'connected', 'wrap_up') AND" ALIVE " RETURNING id",

    /* $1 now, $2 line, $3 call id, $4 new call id, $5 the new call's hash. */
    [IDB_SQL_TRANSFER] = "UPDATE session SET call_id = $4 WHERE line = $2 AND call_id = $3"
                         " AND state IN ('called', 'connected') AND" ALIVE
                         " AND NOT EXISTS (SELECT 1 FROM ended_call WHERE call_hash = $5)"
                         " AND NOT EXISTS (SELECT 1 FROM session AS other"
                         " WHERE other.line = $2 AND other.call_id = $4)"
                         " RETURNING id, purpose, called_at, number_hint",

    [IDB_SQL_OPEN] = "UPDATE session SET"
                     " state = CASE WHEN state = 'called' THEN 'connected' ELSE state END,"
                     " connected_at = COALESCE(connected_at, $1)"
                     " WHERE id = $2 AND state IN ('called', 'connected', 'wrap_up') AND" ALIVE
                     " RETURNING state",

    /* Hung up after an agent opened it: $1 now, $2 line, $3 call id, $4 until. */
    [IDB_SQL_HANG_UP] = "UPDATE session SET state = 'wrap_up',"
                        " due_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END"
                        " WHERE line = $2 AND call_id = $3 AND state = 'connected' AND" ALIVE
                        " RETURNING id, due_at",

    [IDB_SQL_END_CALL] = "INSERT INTO ended_call (call_hash, at, reason, session)"
                         " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING at",

    /* As it is now, for whoever ends it: until the commit nothing else happens to it. */
    [IDB_SQL_HOLD] =
        "UPDATE session SET state = state WHERE id = $1"
        " AND state IN ('issued', 'called', 'connected', 'wrap_up') RETURNING state, call_id",

    /* Everything of the resident goes; the row stays for support and counts. */
    [IDB_SQL_ERASE] =
        "UPDATE session SET state = $2, ended_at = $3, end_reason = $4, code_mac = NULL,"
        " sealed = NULL, call_id = NULL, bound = NULL, bound_key = NULL, caller_last2 = NULL,"
        " announced = NULL, number_hint = NULL, confirmation = NULL, due_at = NULL"
        " WHERE id = $1 AND state IN ('issued', 'called', 'connected', 'wrap_up') RETURNING id",

    [IDB_SQL_DUE] = SESSION "WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
    [IDB_SQL_DUE_COUNT] = "SELECT COUNT(*), COALESCE(MIN(due_at), 0) FROM session"
                          " WHERE due_at <= $1",

    /* A restored store: nothing in it may live on. */
    [IDB_SQL_EXPIRE_ALL] =
        "UPDATE session SET state = 'expired', ended_at = $1, end_reason = 'restored',"
        " token_hash = NULL, code_mac = NULL, sealed = NULL, call_id = NULL, bound = NULL,"
        " bound_key = NULL, caller_last2 = NULL, announced = NULL, number_hint = NULL,"
        " confirmation = NULL, due_at = NULL"
        " WHERE state IN ('issued', 'called', 'connected', 'wrap_up')",

    [IDB_SQL_DELETE_CALLS] = "DELETE FROM ended_call WHERE call_hash IN"
                             " (SELECT call_hash FROM ended_call WHERE at <= $1 LIMIT $2)",
    [IDB_SQL_DELETE_COUNTS] = "DELETE FROM attempts WHERE subject IN"
                              " (SELECT subject FROM attempts WHERE since <= $1 LIMIT $2)",
    [IDB_SQL_DELETE_SESSIONS] = "DELETE FROM session WHERE id IN"
                                " (SELECT id FROM session WHERE ended_at <= $1 LIMIT $2)",
    /* The newest row stays: it is the mark of the clock. */
    [IDB_SQL_DELETE_AUDIT] = "DELETE FROM audit WHERE id IN"
                             " (SELECT id FROM audit WHERE at <= $1"
                             " AND id < (SELECT MAX(id) FROM audit) LIMIT $2)",

    [IDB_SQL_INVITE] = "INSERT INTO invitation (id, code_mac, purpose, bound, expires_at, sealed)"
                       " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id",

    /* $1..$4: the code's MAC under each valid key. */
    [IDB_SQL_INVITATION] = "SELECT id, code_mac, purpose, bound, expires_at, spent_at, sealed"
                           " FROM invitation WHERE code_mac IN ($1, $2, $3, $4) LIMIT 1",

    /* The decision who gets to use it, once. $1 the code's MAC, $2 now. */
    [IDB_SQL_SPEND] = "UPDATE invitation SET spent_at = $2, sealed = NULL"
                      " WHERE code_mac = $1 AND spent_at IS NULL AND expires_at > $2"
                      " RETURNING id",

    /* A restored store: one that was spent after the backup may be in it as good. Only
     * those for one person stay, for to others they are worth nothing. */
    [IDB_SQL_EXPIRE_INVITATIONS] = "UPDATE invitation SET expires_at = $1, sealed = NULL"
                                   " WHERE bound = 0 AND spent_at IS NULL AND expires_at > $1",

    [IDB_SQL_ERASE_INVITATIONS] = "UPDATE invitation SET sealed = NULL WHERE id IN"
                                  " (SELECT id FROM invitation WHERE expires_at <= $1"
                                  " AND sealed IS NOT NULL LIMIT $2)",
    [IDB_SQL_DELETE_INVITATIONS] = "DELETE FROM invitation WHERE id IN (SELECT id FROM invitation"
                                   " WHERE COALESCE(spent_at, expires_at) <= $1 LIMIT $2)",

    /* Counts, for idb-stats. Each reads no more rows than there are live, or in the time
     * after $1 and up to $2, by an index. */
    [IDB_SQL_LIVE_STATES] =
        "SELECT state, COUNT(*), MIN(created_at) FROM session WHERE" ALIVE " GROUP BY state",
    [IDB_SQL_ENDED_STATES] =
        "SELECT state, COALESCE(end_reason, state), COUNT(*), COUNT(called_at),"
        " COUNT(connected_at), COUNT(NULLIF(renewals, 0)) FROM session"
        " WHERE ended_at > $1 AND ended_at <= $2 GROUP BY state, end_reason",
    [IDB_SQL_ENDED_PURPOSES] = "SELECT purpose, COUNT(*) FROM session"
                               " WHERE ended_at > $1 AND ended_at <= $2 GROUP BY purpose",
    [IDB_SQL_AUDIT_RESULTS] = "SELECT action, result, COUNT(*) FROM audit"
                              " WHERE at > $1 AND at <= $2 GROUP BY action, result",
    [IDB_SQL_ALARMS] = "SELECT name, count FROM counter ORDER BY name LIMIT 100",
};
