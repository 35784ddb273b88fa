#include "service.h"

#include "timestamp.h"

#include <string.h>

#define TRIES       5    /* of one request that others, or a lost connection, undo */
#define PATIENCE_MS 8000 /* after which nothing that failed is tried again */

static const char *reason(enum json_error_code code)
{
    switch (code) {
    case json_error_premature_end_of_input:
        return "the value is not complete";
    case json_error_duplicate_key:
        return "a name stands in it twice";
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_end_of_input_expected:
        return "something follows the value";
    case json_error_stack_overflow:
        return "nested too deep";
    default:
        return "syntax error";
    }
}

bool idb_service_parse(json_t **request, const char *text, size_t size, size_t line,
                       struct idb_error *err)
{
    json_error_t e = { 0 };

    *request = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
    if (!*request)
        return idb_fail(err, IDB_DATA, "bad_json",
                        "Line %zu, column %d is not JSON: %s. One request is one JSON object.",
                        line + (e.line > 0 ? (size_t)e.line - 1 : 0), e.column,
                        reason(json_error_code(&e)));
    if (json_is_object(*request))
        return true;
    json_decref(*request);
    *request = NULL;
    return idb_fail(err, IDB_DATA, "bad_request", "Line %zu: a request is one JSON object.", line);
}

/* True, and x answered, when the request is another program's error. */
static bool hand_on(struct idb_exchange *x)
{
    const json_t *message = json_object_get(x->request, "message");

    if (!json_is_string(json_object_get(x->request, "error")) || !json_is_string(message))
        return false;
    idb_fail(&x->err, IDB_DATA, "handed_on", "%s", json_string_value(message));
    x->answer = json_incref(x->request);
    return true;
}

/* Exits that say that something broke, as against a request refused. */
static bool is_failure(enum idb_exit exit)
{
    return exit == IDB_UNAVAILABLE || exit == IDB_SOFTWARE || exit == IDB_TEMPFAIL
           || exit == IDB_CONFIG;
}

/* An answer is worth nothing when what it says was undone. */
static bool handle(const struct idb_service *s, struct idb_exchange *x)
{
    bool ok;

    if (s->turn)
        s->turn(s->ctx, x->from);
    ok = hand_on(x) || s->handle(s->ctx, x->request, &x->answer, &x->err);
    if (ok && !x->answer && !x->err.code)
        ok = idb_fail(&x->err, IDB_SOFTWARE, "internal",
                      "The answer cannot be made; the store may hold what it must not.");
    if (!ok) {
        json_decref(x->answer);
        x->answer = NULL;
    }
    return ok;
}

static void forget(struct idb_exchange *x)
{
    json_decref(x->answer);
    x->answer = NULL;
    memset(&x->err, 0, sizeof x->err);
}

/* All in one transaction; false, and why, when it had to be undone. */
static bool together(const struct idb_service *s, struct idb_exchange *x, size_t n,
                     struct idb_error *err)
{
    bool whole = s->open(s->ctx, err);

    for (size_t i = 0; whole && i < n; i++)
        if (x[i].request && !handle(s, &x[i]) && is_failure(x[i].err.exit)) {
            *err = x[i].err;
            whole = false;
        }
    if (whole && s->commit(s->ctx, err))
        return true;
    s->rollback(s->ctx);
    for (size_t i = 0; i < n; i++)
        if (x[i].request)
            forget(&x[i]);
    return false;
}

/* False when it was undone, and x->err says why. */
static bool once(const struct idb_service *s, struct idb_exchange *x)
{
    struct idb_error err = { 0 };

    if (!s->open(s->ctx, &x->err) || !handle(s, x)) {
        s->rollback(s->ctx);
        return false;
    }
    if (s->commit(s->ctx, &err))
        return true;
    s->rollback(s->ctx);
    forget(x);
    x->err = err;
    return false;
}

static bool is(const struct idb_error *err, const char *code)
{
    return err->code && !strcmp(err->code, code);
}

static bool is_repeatable(const struct idb_service *s, const struct idb_exchange *x)
{
    return s->is_repeatable && s->is_repeatable(s->ctx, x->from);
}

/* What was undone by others, or with the connection, is done again; what may have been done
 * only where twice is as good as once. unknown says that it may have been done before, *why
 * becomes what was met last: until a try gets through, nobody knows more than at first. */
static void alone(const struct idb_service *s, struct idb_exchange *x, struct idb_error unknown,
                  int64_t until, struct idb_error *why)
{
    bool done;

    for (int tries = 1;; tries++) {
        done = once(s, x);
        *why = x->err;
        if (is(why, "store_unknown"))
            unknown = *why;
        if (done || tries == TRIES || idb_timestamp_monotonic() >= until
            || !(is(why, "conflict") || is(why, "store_lost")
                 || (is(why, "store_unknown") && is_repeatable(s, x))))
            break;
        forget(x);
    }
    if (!done && unknown.code && is_failure(why->exit))
        x->err = unknown;
}

/* True when the next would only wait for the same. */
static bool is_in_vain(const struct idb_error *why, int64_t until)
{
    return is(why, "busy") || is(why, "store_down")
           || (is_failure(why->exit) && idb_timestamp_monotonic() >= until);
}

/* Each by itself, where all together failed; why is what the last one met. */
static void one_by_one(const struct idb_service *service, struct idb_exchange *x, size_t n,
                       struct idb_error *why, int64_t until)
{
    const struct idb_error unknown = is(why, "store_unknown") ? *why : (struct idb_error){ 0 };

    for (size_t i = 0; i < n; i++) {
        if (!x[i].request)
            continue;
        if (unknown.code && !is_repeatable(service, &x[i]))
            x[i].err = unknown;
        else if (is_in_vain(why, until))
            x[i].err = unknown.code ? unknown : *why;
        else
            alone(service, &x[i], unknown, until, why);
    }
}

void idb_service_run(const struct idb_service *service, struct idb_exchange *x, size_t n)
{
    int64_t until = idb_timestamp_monotonic() + PATIENCE_MS;
    struct idb_error why = { 0 };

    if (n < 2 || !together(service, x, n, &why))
        one_by_one(service, x, n, &why, until);
    for (size_t i = 0; i < n; i++)
        if (!x[i].answer)
            x[i].answer = idb_error_json(&x[i].err);
}

void idb_exchange_clear(struct idb_exchange *x)
{
    json_decref(x->request);
    x->request = NULL;
    forget(x);
}
