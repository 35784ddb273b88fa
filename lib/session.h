/*
 * A session as it stands in the store, and its end.
 *
 *     struct idb_session s = { 0 };
 *     if (idb_session_by_call(app, line, call_id, &s, err) && s.found) ...
 *     idb_session_clear(&s);
 *
 * issued → called → connected → wrap_up → done; or expired, or cancelled.
 */
#ifndef IDB_SESSION_H
#define IDB_SESSION_H

#include "app.h"
#include "code.h"
#include "request.h"

#define IDB_ID_SIZE    23 /* 128 bits in base64url, and NUL: session id, status token */
#define IDB_NAME_SIZE  65 /* a name of the configuration, and NUL */
#define IDB_STATE_SIZE 12

struct idb_session {
    bool found;
    char id[IDB_ID_SIZE];
    char ticket[IDB_TICKET_SIZE];
    char state[IDB_STATE_SIZE]; /* issued called connected wrap_up done expired cancelled */
    char purpose[IDB_NAME_SIZE];
    char line[IDB_NAME_SIZE];
    char lang[8];
    char confirm[8]; /* notify page */
    bool has_code;
    unsigned char code_mac[IDB_MAC_SIZE];
    int64_t code_expires_at; /* all times: ms, 0 for none */
    int renewals;
    int64_t renew_until;
    int64_t created_at;
    int64_t expires_at;
    char call_id[IDB_CALL_ID_MAX + 1];
    int64_t called_at;
    bool is_bound;
    unsigned char bound[IDB_MAC_SIZE];
    char bound_key[IDB_KEY_ID_SIZE];
    char caller_last2[3];
    bool is_announced;
    unsigned char announced[IDB_MAC_SIZE];
    char number_hint[12];
    int64_t connected_at;
    int64_t due_at; /* not alive from then on; 0 once ended */
    char *confirmation;
    char *sealed;
    int64_t ended_at;
    char end_reason[24];
    char refusal[24];
    int64_t refused_at;
};

/* Each looks one session up; s->found says whether there is one. By call and by
 * code only those that are not past their time; by token all. The caller clears s. */
bool idb_session_by_id(struct idb_app *app, const char *id, struct idb_session *s,
                       struct idb_error *err);
bool idb_session_by_token(struct idb_app *app, const unsigned char hash[IDB_MAC_SIZE],
                          struct idb_session *s, struct idb_error *err);
bool idb_session_by_call(struct idb_app *app, const char *line, const char *call_id,
                         struct idb_session *s, struct idb_error *err);
bool idb_session_by_ticket(struct idb_app *app, const char *ticket, struct idb_session *s,
                           struct idb_error *err);

/* The next row of a query that gives sessions (BY_CODE, OPEN_CALLS, DUE). */
bool idb_session_next(struct idb_app *app, struct idb_session *s, struct idb_error *err);

/* Wipes and frees what s holds; it can be used again. */
void idb_session_clear(struct idb_session *s);

/* True while it is not ended and not past its time at now. */
bool idb_session_is_live(const struct idb_session *s, int64_t now);

/* True when the agent may see nothing before the resident's yes: the purpose asks
 * for it (or is no longer configured), or the throttle did. */
bool idb_session_needs_page(const struct idb_app *app, const struct idb_session *s);

/* The session of the browser that sent these cookies. IDB_REFUSED "no_session"
 * when there is none; begins a transaction (write or read). */
bool idb_session_of_browser(struct idb_app *app, const json_t *request, bool write,
                            struct idb_session *s, struct idb_error *err);

/* SHA-256 of a status token as it stands in the cookie. */
bool idb_session_token_hash(unsigned char hash[IDB_MAC_SIZE], const char *token,
                            struct idb_error *err);

/* Reads s->sealed, which the other functions leave NULL. */
bool idb_session_read_sealed(struct idb_app *app, struct idb_session *s, struct idb_error *err);

/* Lets nothing else happen to a session that has not ended until the commit; s->state and
 * s->call_id are then what they are. s->found is false when it has ended. */
bool idb_session_hold(struct idb_app *app, struct idb_session *s, struct idb_error *err);

/* Until the commit nobody else does anything on this call of app->line. */
bool idb_session_lock_call(struct idb_app *app, const char *call_id, struct idb_error *err);

/* Ends s: state becomes done, expired or cancelled, what is the resident's is
 * erased, its call's id is never used again. *erased is false when another was
 * first. reason: hung_up, ended, resident, cancelled, replaced, not_me, expired,
 * wrap_up. */
bool idb_session_erase(struct idb_app *app, struct idb_session *s, const char *state,
                       const char *reason, bool *erased, struct idb_error *err);

/* Ends up to limit sessions that are past their time. *expired: how many of
 * those were never finished; *erased: how many in all. */
bool idb_session_expire_due(struct idb_app *app, int limit, int64_t *expired, int64_t *erased,
                            struct idb_error *err);

/* Remembers a call's id as ended; harmless when it already is. */
bool idb_session_end_call(struct idb_app *app, const char *line, const char *call_id,
                          const char *reason, const char *session, struct idb_error *err);

/* Whether a call is remembered as ended, why, and which session it had ("" for
 * none). */
struct idb_ended_call {
    bool found;
    char reason[24];
    char session[IDB_ID_SIZE];
};
bool idb_session_ended_call(struct idb_app *app, const char *line, const char *call_id,
                            struct idb_ended_call *ended, struct idb_error *err);

/* Parts of answers. */

/* Adds name with the RFC 3339 time of ms, or nothing when ms is 0. */
void idb_answer_time(json_t *answer, const char *name, int64_t ms);

/* {"name":…,"label":…} of a purpose. A new reference. */
json_t *idb_answer_purpose(const struct idb_app *app, const char *purpose, const char *lang);

/* Adds number, number_display and tel (RFC 3966; with code, if any, dialled
 * along after a comma) of the line. */
void idb_answer_number(const struct idb_app *app, json_t *answer, const char *line,
                       const char *code);

#endif
