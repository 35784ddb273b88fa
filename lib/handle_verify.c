#include "handlers.h"

#include "audit.h"
#include "call.h"
#include "session.h"
#include "throttle.h"

#include <stdio.h>
#include <string.h>

/* One code keyed in on one call. */
struct attempt {
    const char *call_id;
    const char *caller;
    bool mistyped;
    char code[IDB_CODE_SIZE];
    unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE];
    struct idb_throttle throttle;
};

/* What became of it. */
struct outcome {
    const char *result;
    char session[IDB_ID_SIZE];
    char purpose[IDB_NAME_SIZE];
    int left;
    bool taken;      /* the call is over, or has a session */
    bool counts;     /* as a wrong code */
    bool unrecorded; /* the same answer again */
};

/* The session that a code was given for. */
struct holder {
    bool found;
    bool good; /* the code, as far as the session tells */
    char session[IDB_ID_SIZE];
    char purpose[IDB_NAME_SIZE];
    const char *hint; /* what its resident announced, beside who calls */
    unsigned char bound[IDB_MAC_SIZE];
};

static bool read_attempt(struct attempt *a, struct idb_app *app, const json_t *request,
                         struct idb_error *err)
{
    static const struct idb_member members[] = { { "code", JSON_STRING, 4096, IDB_REQUIRED },
                                                 { "call_id", JSON_STRING, 65536, IDB_REQUIRED },
                                                 { "caller", JSON_STRING, 256, IDB_MAY_BE_NULL } };
    enum idb_code_reading reading;

    if (!idb_request_check(request, members, 3, err))
        return false;
    a->call_id = idb_request_text(request, "call_id");
    a->caller = idb_request_text(request, "caller");
    if (!idb_request_call_id(a->call_id, err))
        return false;
    reading = idb_code_read(a->code, idb_request_text(request, "code"), app->config->code_digits);
    if (reading == IDB_CODE_BAD)
        return idb_fail(err, IDB_DATA, "bad_code",
                        "A code is what a telephone can key in: digits, at most %d characters;"
                        " spaces and dots may stand between them.",
                        IDB_CODE_TYPED_MAX);
    a->mistyped = reading == IDB_CODE_MISTYPED;
    return idb_call_hash(a->throttle.call, app->line, a->call_id, err)
           && (a->mistyped || idb_code_macs(a->macs, app->code, a->code, err));
}

/* The MACs under all valid keys as four values, NULL beyond the last. */
static void bind_macs(struct idb_value *in, const struct attempt *a, const struct idb_keys *keys)
{
    for (size_t i = 0; i < IDB_KEYS_MAX; i++)
        in[i] = i < keys->count ? idb_bytes(a->macs[i], IDB_MAC_SIZE) : idb_null();
}

static bool has_mac(const struct idb_session *s, const struct attempt *a,
                    const struct idb_keys *keys)
{
    bool same = false;

    for (size_t i = 0; !a->mistyped && s->has_code && i < keys->count; i++)
        same |= idb_equal(s->code_mac, a->macs[i], IDB_MAC_SIZE);
    return same;
}

/* From seven columns of the present row, the first of them at: who holds the code, and what
 * there is to say of the caller's number. */
static bool read_holder(struct idb_app *app, struct attempt *a, int at, struct holder *h,
                        struct idb_error *err)
{
    const char *session = idb_store_text(app->store, at);
    const void *announced;
    size_t size = 0;

    h->found = session;
    if (!session)
        return true;
    h->good = !strcmp(idb_store_text(app->store, at + 3), "issued")
              && !strcmp(idb_store_text(app->store, at + 4), app->line)
              && idb_store_int(app->store, at + 5) > app->now
              && idb_store_int(app->store, at + 6) > app->now;
    snprintf(h->session, sizeof h->session, "%s", session);
    snprintf(h->purpose, sizeof h->purpose, "%s", idb_store_text(app->store, at + 1));
    announced = idb_store_bytes(app->store, at + 2, &size);
    h->hint = idb_caller_hint(size == IDB_MAC_SIZE ? announced : NULL, a->caller,
                              a->throttle.caller, a->throttle.callers);
    return idb_call_bind(h->bound, &app->bind->key[0], h->session, app->line, a->call_id, app->now,
                         err);
}

/* What the code is weighed by, and who holds it by its MAC under the newest key. */
static bool look(struct idb_app *app, struct attempt *a, struct outcome *o, struct holder *h,
                 struct idb_error *err)
{
    struct idb_value in[] = { idb_bytes(a->throttle.call, IDB_MAC_SIZE),
                              a->mistyped ? idb_null() : idb_bytes(a->macs[0], IDB_MAC_SIZE),
                              idb_text(app->line), idb_text(a->call_id) };
    bool found;

    if (!idb_store_query(app->store, IDB_SQL_STANDING, in, 4, err)
        || !idb_store_row(app->store, &found, err))
        return false;
    o->left = idb_throttle_left(app, idb_store_int(app->store, 0));
    o->taken = idb_store_int(app->store, 1) != 0;
    return read_holder(app, a, 2, h, err);
}

static bool find_holder(struct idb_app *app, struct attempt *a, const struct idb_value *mac,
                        struct holder *h, struct idb_error *err)
{
    return idb_store_query(app->store, IDB_SQL_OF_CODE, mac, 1, err)
           && idb_store_row(app->store, &h->found, err)
           && (!h->found || read_holder(app, a, 0, h, err));
}

/* The decision: one conditional update, for each key that the code may be kept under; the
 * MACs take turns at being the one sought, h is known of the first. What was looked up
 * before gives nobody a code: it says what the call is bound to, and whether it is worth
 * trying; the update asks for just that session, and itself for all that it gives. */
static bool try_accept(struct idb_app *app, struct attempt *a, struct outcome *o, struct holder *h,
                       bool *won, struct idb_error *err)
{
    char last2[3];
    struct idb_value in[14 + IDB_THROTTLE_VALUES] = { idb_int(app->now), idb_text(app->line),
                                                      idb_text(a->call_id) };
    struct idb_value *macs = &in[3];

    bind_macs(macs, a, app->code);
    in[7] = idb_bytes(a->throttle.call, IDB_MAC_SIZE);
    in[8] = idb_int(app->config->throttle_per_call);
    idb_caller_last2(last2, a->caller);
    in[9] = idb_text(last2);
    if (!idb_throttle_values(app, &a->throttle, &in[14], err))
        return false;
    for (size_t i = 0; i < app->code->count && !*won; i++) {
        struct idb_value next = macs[i];

        macs[i] = macs[0];
        macs[0] = next;
        if (i > 0 && !find_holder(app, a, &macs[0], h, err))
            return false;
        if (!h->found || !h->good)
            continue;
        in[10] = idb_text(h->session);
        in[11] = idb_bytes(h->bound, sizeof h->bound);
        in[12] = idb_text(app->bind->key[0].id);
        in[13] = idb_text(h->hint);
        if (!idb_throttle_share(app, err)
            || !idb_store_run_presumed(app->store, IDB_SQL_ACCEPT, in, sizeof in / sizeof in[0],
                                       won, err))
            return false;
    }
    if (!*won)
        return true;
    memcpy(o->session, h->session, sizeof o->session);
    memcpy(o->purpose, h->purpose, sizeof o->purpose);
    return true;
}

/* What the call itself says before any code is looked at. One that is taken and has no live
 * session is over: a session that is past its time still has the call's id. */
static bool judge_call(struct idb_app *app, const struct attempt *a, struct outcome *o,
                       struct idb_error *err)
{
    struct idb_session s = { 0 };
    bool ok = !o->taken || idb_session_by_call(app, app->line, a->call_id, &s, err);

    if (ok && o->taken && (!s.found || !strcmp(s.state, "wrap_up"))) {
        o->result = "call_ended";
    } else if (ok && s.found && has_mac(&s, a, app->code)) {
        o->result = "accepted";
        o->unrecorded = true;
        snprintf(o->session, sizeof o->session, "%s", s.id);
        snprintf(o->purpose, sizeof o->purpose, "%s", s.purpose);
    } else if (ok && s.found) {
        o->result = "call_bound";
    }
    idb_session_clear(&s);
    if (ok && !o->result && o->left == 0)
        o->result = "throttled";
    if (ok && !o->result && a->mistyped)
        o->result = "mistyped";
    return ok;
}

/* What the code says, when it was not accepted. */
static bool judge_code(struct idb_app *app, const struct attempt *a, struct outcome *o,
                       struct idb_error *err)
{
    struct idb_value in[5] = { idb_int(app->now) };
    struct idb_session s = { 0 };
    int matches = 0;
    bool ok;

    o->counts = true;
    o->result = "wrong";
    bind_macs(&in[1], a, app->code);
    ok = idb_store_query(app->store, IDB_SQL_BY_CODE, in, 5, err);
    while (ok && (ok = idb_session_next(app, &s, err)) && s.found) {
        matches++;
        if (strcmp(s.line, app->line) != 0)
            continue;
        o->result = !strcmp(s.state, "issued") ? "expired" : "used";
        snprintf(o->session, sizeof o->session, "%s", s.id);
    }
    idb_session_clear(&s);
    if (!ok || matches < 2)
        return ok;
    o->result = "wrong";
    o->session[0] = '\0';
    return idb_alarm(app, "verify", NULL, "twin_code", err);
}

/* Counts a wrong code, and tells support what happened to the session it hit. */
static bool count(struct idb_app *app, const struct attempt *a, struct outcome *o,
                  struct idb_error *err)
{
    struct idb_value in[] = { idb_text(o->session), idb_text(o->result), idb_int(app->now) };

    o->left--; /* since it was looked up nobody else counted one by this call */
    return idb_throttle_count(app, &a->throttle, err)
           && (!o->session[0] || idb_store_run(app->store, IDB_SQL_REFUSAL, in, 3, NULL, err));
}

static bool judge(struct idb_app *app, struct attempt *a, struct outcome *o, struct idb_error *err)
{
    struct holder h = { 0 };
    bool won = false;

    if (!idb_store_lock(app->store, a->throttle.call, IDB_MAC_SIZE, err)
        || !idb_caller_macs(a->throttle.caller, &a->throttle.callers, app->code, a->caller,
                            app->now, err)
        || !look(app, a, o, &h, err))
        return false;
    if (!a->mistyped && o->left > 0 && !o->taken && !try_accept(app, a, o, &h, &won, err))
        return false;
    if (won)
        o->result = "accepted";
    else if (!judge_call(app, a, o, err) || (!o->result && !judge_code(app, a, o, err)))
        return false;
    return !o->counts || count(app, a, o, err);
}

static bool record(struct idb_app *app, const struct attempt *a, const struct outcome *o,
                   struct idb_error *err)
{
    const char *session = o->session[0] ? o->session : NULL;

    if (o->unrecorded)
        return true;
    return strcmp(o->result, "accepted") ? idb_audit(app, "verify", session, o->result, NULL, err)
                                         : idb_audit_accepted(app, session, a->call_id, err);
}

bool idb_handle_verify(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err)
{
    struct attempt a = { 0 };
    struct outcome o = { 0 };
    bool accepted;
    bool ok = idb_app_line(app, NULL, err) && read_attempt(&a, app, request, err)
              && idb_app_write(app, err) && judge(app, &a, &o, err) && record(app, &a, &o, err);

    idb_wipe(&a, sizeof a);
    if (!ok)
        return false;
    accepted = !strcmp(o.result, "accepted");
    *answer = accepted
                  ? json_pack("{s:s, s:s, s:s, s:s, s:i}", "result", o.result, "session", o.session,
                              "purpose", o.purpose, "queue",
                              idb_config_queue(app->config, o.purpose), "attempts_left", o.left)
                  : json_pack("{s:s, s:i}", "result", o.result, "attempts_left", o.left);
    err->exit = accepted ? IDB_OK : IDB_REFUSED;
    return true;
}

const struct idb_app_part idb_handle_verify_part = {
    .served = { .name = "verify", .cgi = { .challenge = IDB_APP_CHALLENGE } },
    .keys = IDB_KEY_CODE | IDB_KEY_BIND,
    .repeatable = true,
    .handle = idb_handle_verify,
};
