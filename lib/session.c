#include "session.h"

#include "call.h"
#include "cookie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUE_BATCH 64

static void copy_text(struct idb_store *store, int column, char *to, size_t size)
{
    const char *text = idb_store_text(store, column);

    snprintf(to, size, "%s", text ? text : "");
}

/* A MAC of the right size; anything else counts as absent. */
static bool copy_mac(struct idb_store *store, int column, unsigned char to[IDB_MAC_SIZE])
{
    size_t size = 0;
    const void *bytes = idb_store_bytes(store, column, &size);

    if (!bytes || size != IDB_MAC_SIZE)
        return false;
    memcpy(to, bytes, IDB_MAC_SIZE);
    return true;
}

static bool copy_long(struct idb_store *store, int column, char **to, struct idb_error *err)
{
    const char *text = idb_store_text(store, column);

    *to = text ? strdup(text) : NULL;
    return !text || *to || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

/* The columns in the order of SESSION in sql.c. */
static bool read_row(struct idb_store *st, struct idb_session *s, struct idb_error *err)
{
    copy_text(st, 0, s->id, sizeof s->id);
    copy_text(st, 1, s->ticket, sizeof s->ticket);
    copy_text(st, 2, s->state, sizeof s->state);
    copy_text(st, 3, s->purpose, sizeof s->purpose);
    copy_text(st, 4, s->line, sizeof s->line);
    copy_text(st, 5, s->lang, sizeof s->lang);
    copy_text(st, 6, s->confirm, sizeof s->confirm);
    s->has_code = copy_mac(st, 7, s->code_mac);
    s->code_expires_at = idb_store_int(st, 8);
    s->renewals = (int)idb_store_int(st, 9);
    s->renew_until = idb_store_int(st, 10);
    s->created_at = idb_store_int(st, 11);
    s->expires_at = idb_store_int(st, 12);
    copy_text(st, 13, s->call_id, sizeof s->call_id);
    s->called_at = idb_store_int(st, 14);
    s->is_bound = copy_mac(st, 15, s->bound);
    copy_text(st, 16, s->bound_key, sizeof s->bound_key);
    copy_text(st, 17, s->caller_last2, sizeof s->caller_last2);
    s->is_announced = copy_mac(st, 18, s->announced);
    copy_text(st, 19, s->number_hint, sizeof s->number_hint);
    s->connected_at = idb_store_int(st, 20);
    s->due_at = idb_store_int(st, 21);
    s->ended_at = idb_store_int(st, 23);
    copy_text(st, 24, s->end_reason, sizeof s->end_reason);
    copy_text(st, 25, s->refusal, sizeof s->refusal);
    s->refused_at = idb_store_int(st, 26);
    return copy_long(st, 22, &s->confirmation, err);
}

bool idb_session_next(struct idb_app *app, struct idb_session *s, struct idb_error *err)
{
    idb_session_clear(s);
    return idb_store_row(app->store, &s->found, err) && (!s->found || read_row(app->store, s, err));
}

static bool find(struct idb_app *app, enum idb_sql sql, const struct idb_value *in, size_t n,
                 struct idb_session *s, struct idb_error *err)
{
    return idb_store_query(app->store, sql, in, n, err) && idb_session_next(app, s, err);
}

bool idb_session_by_id(struct idb_app *app, const char *id, struct idb_session *s,
                       struct idb_error *err)
{
    struct idb_value in[] = { idb_text(id) };

    return find(app, IDB_SQL_BY_ID, in, 1, s, err);
}

bool idb_session_by_token(struct idb_app *app, const unsigned char hash[IDB_MAC_SIZE],
                          struct idb_session *s, struct idb_error *err)
{
    struct idb_value in[] = { idb_bytes(hash, IDB_MAC_SIZE) };

    return find(app, IDB_SQL_BY_TOKEN, in, 1, s, err);
}

bool idb_session_by_call(struct idb_app *app, const char *line, const char *call_id,
                         struct idb_session *s, struct idb_error *err)
{
    struct idb_value in[] = { idb_int(app->now), idb_text(line), idb_text(call_id) };

    return find(app, IDB_SQL_BY_CALL, in, 3, s, err);
}

bool idb_session_by_ticket(struct idb_app *app, const char *ticket, struct idb_session *s,
                           struct idb_error *err)
{
    struct idb_value in[] = { idb_text(ticket) };

    return find(app, IDB_SQL_BY_TICKET, in, 1, s, err);
}

bool idb_session_read_sealed(struct idb_app *app, struct idb_session *s, struct idb_error *err)
{
    struct idb_value in[] = { idb_text(s->id) };
    bool found = false;

    return idb_store_query(app->store, IDB_SQL_SEALED, in, 1, err)
           && idb_store_row(app->store, &found, err)
           && (!found || copy_long(app->store, 0, &s->sealed, err));
}

bool idb_session_hold(struct idb_app *app, struct idb_session *s, struct idb_error *err)
{
    struct idb_value in[] = { idb_text(s->id) };

    if (!idb_store_query(app->store, IDB_SQL_HOLD, in, 1, err)
        || !idb_store_row(app->store, &s->found, err))
        return false;
    if (s->found) {
        copy_text(app->store, 0, s->state, sizeof s->state);
        copy_text(app->store, 1, s->call_id, sizeof s->call_id);
    }
    return true;
}

bool idb_session_lock_call(struct idb_app *app, const char *call_id, struct idb_error *err)
{
    unsigned char hash[IDB_MAC_SIZE] = { 0 };

    return idb_call_hash(hash, app->line, call_id, err)
           && idb_store_lock(app->store, hash, sizeof hash, err);
}

static void free_text(char *text)
{
    if (text)
        idb_wipe(text, strlen(text));
    free(text);
}

void idb_session_clear(struct idb_session *s)
{
    free_text(s->confirmation);
    free_text(s->sealed);
    idb_wipe(s, sizeof *s);
}

bool idb_session_is_live(const struct idb_session *s, int64_t now)
{
    return s->due_at > now && s->expires_at > now;
}

bool idb_session_needs_page(const struct idb_app *app, const struct idb_session *s)
{
    const json_t *purpose = idb_config_purpose(app->config, s->purpose);
    const char *confirm = json_string_value(json_object_get(purpose, "confirm"));

    return !strcmp(s->confirm, "page") || !purpose || (confirm && !strcmp(confirm, "page"));
}

bool idb_session_token_hash(unsigned char hash[IDB_MAC_SIZE], const char *token,
                            struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("token"), idb_part_text(token) };

    return idb_hash(hash, parts, 2) || idb_fail(err, IDB_SOFTWARE, "internal", "SHA-256 failed.");
}

bool idb_session_of_browser(struct idb_app *app, const json_t *request, bool write,
                            struct idb_session *s, struct idb_error *err)
{
    char token[IDB_COOKIE_MAX];
    unsigned char hash[IDB_MAC_SIZE] = { 0 };
    bool ok = idb_cookie_get(token, sizeof token, idb_request_text(request, "cookies"),
                             IDB_COOKIE_SESSION, err)
              && idb_session_token_hash(hash, token, err);

    idb_wipe(token, sizeof token);
    if (!ok || !(write ? idb_app_write(app, err) : idb_app_read(app, err))
        || !idb_session_by_token(app, hash, s, err))
        return false;
    return s->found
           || idb_fail(err, IDB_REFUSED, "no_session",
                       "This browser has no session here; begin again on the website.");
}

bool idb_session_end_call(struct idb_app *app, const char *line, const char *call_id,
                          const char *reason, const char *session, struct idb_error *err)
{
    unsigned char hash[IDB_MAC_SIZE] = { 0 };
    struct idb_value in[] = { idb_bytes(hash, sizeof hash), idb_int(app->now), idb_text(reason),
                              idb_text(session) };

    return idb_call_hash(hash, line, call_id, err)
           && idb_store_run(app->store, IDB_SQL_END_CALL, in, 4, NULL, err);
}

bool idb_session_ended_call(struct idb_app *app, const char *line, const char *call_id,
                            struct idb_ended_call *ended, struct idb_error *err)
{
    unsigned char hash[IDB_MAC_SIZE] = { 0 };
    struct idb_value in[] = { idb_bytes(hash, sizeof hash) };

    ended->found = false;
    if (!idb_call_hash(hash, line, call_id, err)
        || !idb_store_query(app->store, IDB_SQL_CALL_ENDED, in, 1, err)
        || !idb_store_row(app->store, &ended->found, err))
        return false;
    if (ended->found) {
        copy_text(app->store, 0, ended->reason, sizeof ended->reason);
        copy_text(app->store, 1, ended->session, sizeof ended->session);
    }
    return true;
}

bool idb_session_erase(struct idb_app *app, struct idb_session *s, const char *state,
                       const char *reason, bool *erased, struct idb_error *err)
{
    struct idb_value in[] = { idb_text(s->id), idb_text(state), idb_int(app->now),
                              idb_text(reason) };

    *erased = false;
    if (!idb_session_hold(app, s, err))
        return false;
    if (!s->found)
        return true;
    if (!idb_store_query(app->store, IDB_SQL_ERASE, in, 4, err)
        || !idb_store_row(app->store, erased, err))
        return false;
    return !*erased || !s->call_id[0]
           || idb_session_end_call(app, s->line, s->call_id, reason, s->id, err);
}

bool idb_session_expire_due(struct idb_app *app, int limit, int64_t *expired, int64_t *erased,
                            struct idb_error *err)
{
    struct idb_session *due = calloc(DUE_BATCH, sizeof *due);
    struct idb_value in[] = { idb_int(app->now), idb_int(limit < DUE_BATCH ? limit : DUE_BATCH) };
    size_t n = 0;
    bool ok = due ? idb_store_query(app->store, IDB_SQL_DUE, in, 2, err)
                  : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");

    *expired = *erased = 0;
    while (ok && n < DUE_BATCH && (ok = idb_session_next(app, &due[n], err)) && due[n].found)
        n++;
    for (size_t i = 0; ok && i < n; i++) {
        bool over = !strcmp(due[i].state, "wrap_up");
        bool done = false;

        ok = idb_session_erase(app, &due[i], over ? "done" : "expired",
                               over ? "wrap_up" : "expired", &done, err);
        *erased += done;
        *expired += done && !over;
    }
    for (size_t i = 0; due && i < DUE_BATCH; i++)
        idb_session_clear(&due[i]);
    free(due);
    return ok;
}

void idb_answer_time(json_t *answer, const char *name, int64_t ms)
{
    char text[IDB_TIMESTAMP_SIZE];

    if (!ms)
        return;
    idb_timestamp_format(text, ms);
    json_object_set_new(answer, name, json_string(text));
}

json_t *idb_answer_purpose(const struct idb_app *app, const char *purpose, const char *lang)
{
    const json_t *p = idb_config_purpose(app->config, purpose);

    return json_pack("{s:s, s:s}", "name", purpose, "label",
                     p ? idb_config_text(json_object_get(p, "label"), lang) : purpose);
}

void idb_answer_number(const struct idb_app *app, json_t *answer, const char *line,
                       const char *code)
{
    const json_t *l = idb_config_line(app->config, line);
    const char *number = json_string_value(json_object_get(l, "number"));

    if (!number)
        return;
    json_object_set_new(answer, "number", json_string(number));
    json_object_set(answer, "number_display", json_object_get(l, "number_display"));
    json_object_set_new(answer, "tel",
                        code ? json_sprintf("tel:%s,%s", number, code)
                             : json_sprintf("tel:%s", number));
}
