#include "handlers.h"

#include "audit.h"
#include "call.h"
#include "confirmation.h"
#include "seal.h"
#include "session.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define MASK "••••••"

struct look {
    const char *call_id;
    const char *lang;
    const json_t *reveal; /* names, or NULL */
    bool peek;
    bool hand_over;
};

/* What is known of a call without opening anything. */
static json_t *describe_call(const struct idb_app *app, const struct idb_session *s,
                             const char *lang, const char *result)
{
    json_t *a = json_pack(
        "{s:s*, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:b, s:s, s:s}", "result", result, "session",
        s->id, "ticket", s->ticket, "state", s->state, "line", s->line, "call_id", s->call_id,
        "purpose", idb_answer_purpose(app, s->purpose, lang), "confirm",
        idb_session_needs_page(app, s) ? "page" : "notify", "confirmed", s->confirmation != NULL,
        "caller", s->caller_last2[0] ? s->caller_last2 : "withheld", "number_hint",
        s->number_hint[0] ? s->number_hint : "unknown");

    idb_answer_time(a, "called_at", s->called_at);
    idb_answer_time(a, "connected_at", s->connected_at);
    idb_answer_time(a, "wrap_up_until", !strcmp(s->state, "wrap_up") ? s->due_at : 0);
    return a;
}

/* By whom and when the call was last handed over, where it was: the audit row that
 * recorded it says so, and lives longer than any session. */
static bool add_hand_over(struct idb_app *app, json_t *a, const char *session,
                          struct idb_error *err)
{
    static const char agent[] = "agent:";
    struct idb_value in[] = { idb_text(session) };
    bool found = false;
    json_t *handed;
    const char *by;

    if (!idb_store_query(app->store, IDB_SQL_HANDED_OVER, in, 1, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    if (!found)
        return true;
    by = idb_store_text(app->store, 1);
    if (!strncmp(by, agent, sizeof agent - 1))
        by += sizeof agent - 1;
    handed = json_pack("{s:s}", "by", by);
    idb_answer_time(handed, "at", idb_store_int(app->store, 0));
    json_object_set_new(a, "handed_over", handed);
    return true;
}

/* The row's call must have been bound to it by the phone zone, and cannot have
 * ended: then somebody brought the row back. It is held first, or it could end in the
 * right way between the two. */
static bool check_binding(struct idb_app *app, struct idb_session *s, struct idb_error *err)
{
    const struct idb_key *key = idb_keys_find(app->bind, s->bound_key);
    unsigned char bound[IDB_MAC_SIZE] = { 0 };
    struct idb_ended_call ended = { 0 };

    if (!idb_session_hold(app, s, err))
        return false;
    if (!s->found)
        return idb_fail(err, IDB_REFUSED, "call_ended", "The call has ended in the meantime.");
    if (!idb_session_ended_call(app, s->line, s->call_id, &ended, err))
        return false;
    if (ended.found)
        return idb_fail(err, IDB_SOFTWARE, "forged",
                        "This session ended and was brought back; do not trust it.");

    if (!s->is_bound || !key)
        return idb_fail(err, IDB_SOFTWARE, "forged",
                        "The telephone did not bind this session to this call; do not trust it.");
    if (!idb_call_bind(bound, key, s->id, s->line, s->call_id, s->called_at, err))
        return false;
    return idb_equal(bound, s->bound, sizeof bound)
           || idb_fail(err, IDB_SOFTWARE, "forged",
                       "This session was bound to another call; do not trust it.");
}

/* What was signed counts, never the row's copy; any difference is forged. */
static bool check_record(const json_t *record, const struct idb_session *s, struct idb_error *err)
{
    const char *session, *purpose, *expires;
    int64_t expires_at;

    return (!json_unpack((json_t *)record, "{s:s, s:s, s:s}", "session", &session, "purpose",
                         &purpose, "expires_at", &expires)
            && !strcmp(session, s->id) && !strcmp(purpose, s->purpose)
            && idb_timestamp_parse(&expires_at, expires) && expires_at == s->expires_at)
           || idb_fail(err, IDB_SOFTWARE, "forged",
                       "The store and what was signed differ; do not trust this session.");
}

static bool is_in(const json_t *names, const char *name)
{
    const json_t *value;
    size_t i;

    json_array_foreach ((json_t *)names, i, value) {
        if (json_is_string(value) && !strcmp(json_string_value(value), name))
            return true;
    }
    return false;
}

static json_t *describe_attribute(const struct idb_app *app, const char *name, const json_t *value,
                                  const struct look *look)
{
    const json_t *attribute = idb_config_attribute(app->config, name);
    bool masked = json_is_true(json_object_get(attribute, "mask")) && !is_in(look->reveal, name);

    return json_pack("{s:s, s:s, s:s, s:b}", "name", name, "label",
                     attribute ? idb_config_text(json_object_get(attribute, "label"), look->lang)
                               : name,
                     "value", masked ? MASK : json_string_value(value), "masked", masked);
}

/* In the order of the purpose's list. */
static json_t *describe_attributes(const struct idb_app *app, const json_t *record,
                                   const char *purpose, const struct look *look)
{
    const json_t *names = json_object_get(idb_config_purpose(app->config, purpose), "attributes");
    const json_t *values = json_object_get(record, "attributes");
    json_t *list = json_array();
    const json_t *name;
    size_t i;

    json_array_foreach ((json_t *)names, i, name) {
        const json_t *value = json_object_get(values, json_string_value(name));

        if (json_is_string(value))
            json_array_append_new(list,
                                  describe_attribute(app, json_string_value(name), value, look));
    }
    return list;
}

static void add_login(json_t *a, const struct idb_app *app, const json_t *record,
                      const struct look *look)
{
    static const char *const members[] = { "method",    "level",          "auth_time",
                                           "reference", "reference_tied", "attested_by" };
    const char *method = idb_request_text(record, "method");
    const json_t *m = method ? idb_config_method(app->config, method) : NULL;

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_t *value = json_object_get(record, members[i]);

        if (value)
            json_object_set(a, members[i], value);
    }
    if (m)
        json_object_set_new(a, "method_label",
                            json_string(idb_config_text(json_object_get(m, "label"), look->lang)));
}

static json_t *describe_record(struct idb_app *app, const struct idb_session *s,
                               const json_t *record, const struct look *look)
{
    json_t *a = describe_call(app, s, look->lang, "open");
    const json_t *links = json_object_get(idb_config_purpose(app->config, s->purpose), "links");

    if (!a)
        return NULL;
    json_object_set_new(a, "recognised_by", json_string("code"));
    add_login(a, app, record, look);
    json_object_set_new(a, "attributes", describe_attributes(app, record, s->purpose, look));
    if (links)
        json_object_set(a, "links", (json_t *)links);
    return a;
}

/* Something forged: the row that says so stands, and everybody who must know is told. */
static bool alarm(struct idb_app *app, const char *session, const char *action,
                  struct idb_error *err)
{
    struct idb_error other = { 0 };

    if (idb_alarm(app, action, session, "forged", &other))
        return true;
    *err = other;
    return false;
}

/* Opens the sealed record, and checks what else could be forged. */
static bool unseal(struct idb_app *app, struct idb_session *s, json_t **record,
                   struct idb_error *err)
{
    if (!idb_session_read_sealed(app, s, err))
        return false;
    if (!s->sealed)
        return idb_fail(err, IDB_SOFTWARE, "forged", "The sealed record is gone.");
    return (!s->confirmation || idb_confirmation_check(s, app->issue, err))
           && idb_unseal(record, s->sealed, app->seal, app->issue, err)
           && check_record(*record, s, err);
}

static bool open_state(struct idb_app *app, struct idb_session *s, struct idb_error *err)
{
    struct idb_value in[] = { idb_int(app->now), idb_text(s->id) };
    bool found = false;

    if (!idb_store_query(app->store, IDB_SQL_OPEN, in, 2, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    if (!found)
        return idb_fail(err, IDB_REFUSED, "call_ended", "The call has ended in the meantime.");
    snprintf(s->state, sizeof s->state, "%s", idb_store_text(app->store, 0));
    if (!s->connected_at)
        s->connected_at = app->now;
    return true;
}

/* Row and syslog come before the answer. */
static bool put_on_record(struct idb_app *app, const struct idb_session *s, const struct look *look,
                          struct idb_error *err)
{
    json_t *names = NULL;

    if (!look->reveal)
        return idb_audit(app, "open", s->id, "ok", NULL, err);
    syslog(LOG_NOTICE, "reveal: agent %s, session %s", app->agent, s->id);
    names = json_pack("{s:O}", "attributes", look->reveal);
    return idb_audit(app, "reveal", s->id, "ok", names, err);
}

static bool check_reveal(const struct idb_app *app, const struct idb_session *s,
                         const struct look *look, struct idb_error *err)
{
    const json_t *purpose = idb_config_purpose(app->config, s->purpose);
    const json_t *name;
    size_t i;

    if (!look->reveal)
        return true;
    if (!strcmp(s->state, "called"))
        return idb_fail(err, IDB_REFUSED, "not_open", "Open the call before revealing anything.");
    json_array_foreach ((json_t *)look->reveal, i, name) {
        const char *text = json_string_value(name);

        if (!text || !is_in(json_object_get(purpose, "attributes"), text))
            return idb_fail(err, IDB_DATA, "attribute_not_allowed",
                            "\"reveal\" names an attribute that the purpose does not have.");
    }
    return true;
}

/* The resident has not said yes: not one attribute is opened. */
static bool unconfirmed(struct idb_app *app, const struct idb_session *s, const struct look *look,
                        json_t **answer, struct idb_error *err)
{
    if (!idb_audit(app, "open", s->id, "unconfirmed", NULL, err))
        return false;
    *answer = describe_call(app, s, look->lang, "unconfirmed");
    err->exit = IDB_REFUSED;
    return true;
}

static bool open_record(struct idb_app *app, struct idb_session *s, const struct look *look,
                        json_t **answer, struct idb_error *err)
{
    json_t *record = NULL;
    bool ok;

    if (!check_reveal(app, s, look, err))
        return false;
    if (!check_binding(app, s, err))
        return !strcmp(err->code, "forged") && alarm(app, s->id, "open", err);
    if (idb_session_needs_page(app, s) && !s->confirmation)
        return unconfirmed(app, s, look, answer, err);
    ok = unseal(app, s, &record, err);
    if (ok) {
        ok = open_state(app, s, err) && put_on_record(app, s, look, err);
        *answer = ok ? describe_record(app, s, record, look) : NULL;
    } else if (!strcmp(err->code, "forged")) {
        ok = alarm(app, s->id, "open", err);
    } else if (!strcmp(err->code, "key_destroyed")) {
        ok = idb_audit(app, "open", s->id, "key_destroyed", NULL, err);
    }
    json_decref(record);
    return ok;
}

/* To a colleague, who opens the call as anybody does: nothing of the resident is
 * shown here, and whoever hands over must have opened it, or another did. */
static bool hand_over(struct idb_app *app, struct idb_session *s, const struct look *look,
                      json_t **answer, struct idb_error *err)
{
    if (!strcmp(s->state, "called"))
        return idb_fail(err, IDB_REFUSED, "not_open", "Open the call before handing it over.");
    if (!check_binding(app, s, err))
        return !strcmp(err->code, "forged") && alarm(app, s->id, "hand_over", err);
    if (!idb_audit(app, "hand_over", s->id, "ok", NULL, err))
        return false;
    *answer = describe_call(app, s, look->lang, "handed_over");
    return true;
}

/* A call without a session: unknown, or ended, and why. */
static bool no_session(struct idb_app *app, const struct look *look, json_t **answer,
                       struct idb_error *err)
{
    struct idb_ended_call ended = { 0 };

    if (!idb_session_ended_call(app, app->line, look->call_id, &ended, err))
        return false;
    if (!ended.found)
        return idb_fail(err, IDB_REFUSED, "unknown_call",
                        "Nobody is identified on this call (yet).");
    *answer = json_pack("{s:s, s:s}", "result", "ended", "reason", ended.reason);
    if (!strcmp(ended.reason, "not_me"))
        json_object_set_new(*answer, "warning", json_string("not_me"));
    err->exit = IDB_REFUSED;
    return true;
}

/* One thing at a time. */
static bool check_look(const struct look *look, struct idb_error *err)
{
    return !look->hand_over || (!look->peek && !look->reveal)
           || idb_fail(err, IDB_DATA, "bad_request",
                       "\"hand_over\" goes with neither \"peek\" nor \"reveal\".");
}

static bool by_call(struct idb_app *app, const json_t *request, json_t **answer,
                    struct idb_error *err)
{
    const json_t *reveal = json_object_get(request, "reveal");
    struct look look = { .call_id = idb_request_text(request, "call_id"),
                         .reveal = json_array_size(reveal) > 0 ? reveal : NULL,
                         .peek = json_is_true(json_object_get(request, "peek")),
                         .hand_over = json_is_true(json_object_get(request, "hand_over")) };
    struct idb_session s = { 0 };
    bool ok =
        check_look(&look, err) && idb_request_call_id(look.call_id, err)
        && idb_request_lang(request, &look.lang, err)
        && idb_app_line(app, idb_request_text(request, "line"), err)
        && idb_app_agent(app, "agent", err)
        && (look.peek ? idb_app_read(app, err)
                      : idb_app_write(app, err) && idb_session_lock_call(app, look.call_id, err))
        && idb_session_by_call(app, app->line, look.call_id, &s, err);

    if (ok && !s.found)
        ok = no_session(app, &look, answer, err);
    else if (ok && look.peek)
        *answer = describe_call(app, &s, look.lang, "peek");
    else if (ok && look.hand_over)
        ok = hand_over(app, &s, &look, answer, err);
    else if (ok)
        ok = open_record(app, &s, &look, answer, err);
    ok = ok && (!s.found || !*answer || add_hand_over(app, *answer, s.id, err));
    idb_session_clear(&s);
    return ok;
}

/* Once the list is whole: a statement ends the one before it. */
static bool add_hand_overs(struct idb_app *app, const json_t *calls, struct idb_error *err)
{
    json_t *call;
    size_t i;

    json_array_foreach (calls, i, call) {
        if (!add_hand_over(app, call, idb_request_text(call, "session"), err))
            return false;
    }
    return true;
}

static bool open_calls(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err)
{
    const char *lang = NULL;
    struct idb_session s = { 0 };
    struct idb_value in[1];
    json_t *calls = json_array();
    bool ok = idb_request_lang(request, &lang, err) && idb_app_agent(app, "agent", err)
              && idb_app_read(app, err);

    in[0] = idb_int(app->now);
    ok = ok && idb_store_query(app->store, IDB_SQL_OPEN_CALLS, in, 1, err);
    while (ok && (ok = idb_session_next(app, &s, err)) && s.found)
        json_array_append_new(calls, describe_call(app, &s, lang, NULL));
    idb_session_clear(&s);
    ok = ok && add_hand_overs(app, calls, err);
    if (ok)
        *answer = json_pack("{s:s, s:O}", "result", "calls", "calls", calls);
    json_decref(calls);
    return ok;
}

static json_t *describe_case(const struct idb_app *app, const struct idb_session *s,
                             const char *lang)
{
    bool live = idb_session_is_live(s, app->now);
    json_t *a = json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "result", "ticket", "ticket", s->ticket,
                          "session", s->id, "state", live || s->ended_at ? s->state : "expired",
                          "purpose", idb_answer_purpose(app, s->purpose, lang), "code_valid",
                          live && !strcmp(s->state, "issued") && s->code_expires_at > app->now);

    idb_answer_time(a, "created_at", s->created_at);
    idb_answer_time(a, "code_expires_at", s->code_expires_at);
    idb_answer_time(a, "called_at", s->called_at);
    idb_answer_time(a, "connected_at", s->connected_at);
    idb_answer_time(a, "ended_at", s->ended_at);
    if (s->end_reason[0])
        json_object_set_new(a, "reason", json_string(s->end_reason));
    if (s->refusal[0])
        json_object_set_new(a, "refusal", json_string(s->refusal));
    idb_answer_time(a, "refused_at", s->refused_at);
    if (live) {
        json_object_set_new(a, "confirm",
                            json_string(idb_session_needs_page(app, s) ? "page" : "notify"));
        json_object_set_new(a, "confirmed", json_boolean(s->confirmation != NULL));
    }
    return a;
}

/* For support: state, times and the last refusal; no personal data. */
static bool by_ticket(struct idb_app *app, const json_t *request, json_t **answer,
                      struct idb_error *err)
{
    char ticket[IDB_TICKET_SIZE] = "";
    const char *lang = NULL;
    const char *asked = idb_request_text(request, "ticket");
    struct idb_session s = { 0 };
    bool ok = idb_request_lang(request, &lang, err) && idb_app_agent(app, "support", err)
              && idb_app_write(app, err);

    for (size_t i = 0; strlen(asked) == IDB_TICKET_SIZE - 1 && asked[i]; i++)
        ticket[i] = (char)toupper((unsigned char)asked[i]);
    ok = ok && idb_session_by_ticket(app, ticket, &s, err)
         && idb_audit(app, "ticket", s.found ? s.id : NULL, s.found ? "ok" : "unknown_ticket", NULL,
                      err);
    if (ok && s.found)
        *answer = describe_case(app, &s, lang);
    else if (ok)
        idb_fail(err, IDB_REFUSED, "unknown_ticket",
                 "There is no such ticket; it has six letters and digits, without vowels.");
    idb_session_clear(&s);
    return ok;
}

bool idb_handle_lookup(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err)
{
    static const struct idb_member by_call_members[] = {
        { "call_id", JSON_STRING, 65536, IDB_REQUIRED },
        { "line", JSON_STRING, 64, IDB_OPTIONAL },
        { "peek", JSON_TRUE, 0, IDB_OPTIONAL },
        { "reveal", JSON_ARRAY, 64, IDB_OPTIONAL },
        { "lang", JSON_STRING, 2, IDB_OPTIONAL },
        { "hand_over", JSON_TRUE, 0, IDB_OPTIONAL },
    };
    static const struct idb_member open_members[] = { { "open", JSON_TRUE, 0, IDB_REQUIRED },
                                                      { "lang", JSON_STRING, 2, IDB_OPTIONAL } };
    static const struct idb_member ticket_members[] = { { "ticket", JSON_STRING, 16, IDB_REQUIRED },
                                                        { "lang", JSON_STRING, 2, IDB_OPTIONAL } };

    if (json_object_get(request, "ticket"))
        return idb_request_check(request, ticket_members, 2, err)
               && by_ticket(app, request, answer, err);
    if (json_is_true(json_object_get(request, "open")))
        return idb_request_check(request, open_members, 2, err)
               && open_calls(app, request, answer, err);
    return idb_request_check(request, by_call_members, 6, err)
           && by_call(app, request, answer, err);
}

const struct idb_app_part idb_handle_lookup_part = {
    .served = { .name = "lookup" },
    .keys = IDB_KEY_SEAL | IDB_KEY_BIND | IDB_KEY_ISSUE,
    .repeatable = true,
    .handle = idb_handle_lookup,
};
