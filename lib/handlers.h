/*
 * The life of a session: one handler per program, each in a file of its own
 * name (handle_verify.c, …), and what it needs, its part (app.h). The manual page of the
 * program describes request, answer and error words.
 */
#ifndef IDB_HANDLERS_H
#define IDB_HANDLERS_H

#include "app.h"

/* {purpose, reference?, person?, lang?, expires_in? | expires_at?, qr?} → {invitation,
 * code, address, address_with_code, organisation, purpose, reference?, lang, bound,
 * expires_at, number, number_display, tel, qr_svg? | qr_png?} */
bool idb_handle_invite(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err);

/* {purpose | invitation, lang?} → what the start page shows; with method, and cookies? →
 * {location, cookies} */
bool idb_handle_oidc_start(struct idb_app *app, const json_t *request, json_t **answer,
                           struct idb_error *err);

/* {method, query, cookies} → {purpose, method, auth, attributes, consent, offer, cookies} */
bool idb_handle_oidc_callback(struct idb_app *app, const json_t *request, json_t **answer,
                              struct idb_error *err);

/* {purpose, attributes:{name:value}, auth:{method, level, auth_time?}, reference?,
 *  lang?, caller?} by an attestor, or {offer, cookies, consent:true, caller?}
 * → {session, ticket, code, code_display, code_expires_at, number, number_display,
 *    tel, cookies, warning?} */
bool idb_handle_issue(struct idb_app *app, const json_t *request, json_t **answer,
                      struct idb_error *err);

/* {cookies} → {state, ticket, purpose, lang, number, …, code?, call?, cookies} */
bool idb_handle_status(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err);

/* {cookies} → as idb_handle_issue */
bool idb_handle_renew(struct idb_app *app, const json_t *request, json_t **answer,
                      struct idb_error *err);

/* {cookies, confirm:true|false} → {result: confirmed | not_me, cookies} */
bool idb_handle_confirm(struct idb_app *app, const json_t *request, json_t **answer,
                        struct idb_error *err);

/* {code, call_id, caller?} → {result, session?, purpose?, queue?, attempts_left} */
bool idb_handle_verify(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err);

/* {call_id, to_call_id} → {result: transferred, session, purpose} */
bool idb_handle_transfer(struct idb_app *app, const json_t *request, json_t **answer,
                         struct idb_error *err);

/* {call_id} by phone or desk, {cookies} by the resident → {result: ended | wrap_up, …} */
bool idb_handle_end(struct idb_app *app, const json_t *request, json_t **answer,
                    struct idb_error *err);

/* {} → {result: ok | broken, configuration, keys, store, line}, each "ok" (a line: "open"
 * or "closed"), {error, message}, or "unknown" where the configuration says nothing;
 * err holds the gravest. By HTTP it fails where who asks cannot be known. Opens what it looks at
 * itself (opens_itself). */
bool idb_handle_health(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err);

/* {line?, call_id, peek?, reveal?, lang?}, {open:true} or {ticket} */
bool idb_handle_lookup(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err);

extern const struct idb_app_part idb_handle_invite_part;
extern const struct idb_app_part idb_handle_oidc_start_part;
extern const struct idb_app_part idb_handle_oidc_callback_part;
extern const struct idb_app_part idb_handle_issue_part;
extern const struct idb_app_part idb_handle_status_part;
extern const struct idb_app_part idb_handle_renew_part;
extern const struct idb_app_part idb_handle_confirm_part;
extern const struct idb_app_part idb_handle_verify_part;
extern const struct idb_app_part idb_handle_transfer_part;
extern const struct idb_app_part idb_handle_end_part;
extern const struct idb_app_part idb_handle_health_part;
extern const struct idb_app_part idb_handle_lookup_part;

#endif
