#include "dialogue.h"

#include "agi.h"
#include "caller.h"
#include "code.h"
#include "handlers.h"
#include "hours.h"
#include "request.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MS  5000   /* what the exchange does by itself */
#define PROMPT_MS 120000 /* the longest recording */
#define KEY_MS    6000   /* from one key to the next */
#define SILENCES  3      /* how often nothing may be keyed in */
#define KEYS      "0123456789*#"

struct dialogue {
    struct idb_app *app;
    const struct idb_dialogue_settings *settings;
    struct idb_agi agi;
    const char *lang;
    char call_id[IDB_CALL_ID_MAX + 1];
    char caller[17]; /* E.164, or "" */
    /* What the dialplan is told. */
    const char *result;
    char session[IDB_ID_SIZE];
    char purpose[IDB_NAME_SIZE];
};

/* What became of a code: the prompt that says so, and whether to ask again. */
struct verdict {
    bool accepted;
    const char *prompt;
    bool again;
};

/* ---- what the exchange says first ---- */

/* "nl", "nl_NL" and "en-GB" name a language. */
static const char *language(const char *value, const char *other)
{
    static const char *const known[] = { "nl", "en" };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strncmp(value, known[i], 2) && (!value[2] || strchr("_-", value[2])))
            return known[i];
    return other;
}

static bool take(void *ctx, const char *name, const char *value, struct idb_error *err)
{
    struct dialogue *d = ctx;

    if (!strcmp(name, "agi_language"))
        d->lang = language(value, d->settings->lang);
    else if (!strcmp(name, "agi_callerid") && idb_caller_is_number(value))
        snprintf(d->caller, sizeof d->caller, "%s", value);
    else if (!strcmp(name, "agi_uniqueid") && d->call_id[0])
        return idb_fail(err, IDB_DATA, "bad_agi", "The call has two ids.");
    else if (!strcmp(name, "agi_uniqueid") && !idb_request_call_id(value, err))
        return false;
    else if (!strcmp(name, "agi_uniqueid"))
        snprintf(d->call_id, sizeof d->call_id, "%s", value);
    return true;
}

static bool greet(struct dialogue *d, struct idb_error *err)
{
    if (!idb_agi_environment(&d->agi, REPLY_MS, take, d, err))
        return false;
    return d->call_id[0] || d->agi.hung_up
           || idb_fail(err, IDB_DATA, "bad_agi", "The call has no id (agi_uniqueid).");
}

/* ---- commands; all are false when the caller is gone, with err not set ---- */

/* A prompt that is missing answers as a hang-up does; the channel tells them apart. */
static bool is_there(struct dialogue *d, struct idb_error *err)
{
    struct idb_agi_reply reply;

    return idb_agi_ask(&d->agi, REPLY_MS, &reply, err, "CHANNEL STATUS") && !d->agi.hung_up;
}

static bool answer(struct dialogue *d, struct idb_error *err)
{
    struct idb_agi_reply reply;

    return idb_agi_ask(&d->agi, REPLY_MS, &reply, err, "ANSWER") && !d->agi.hung_up
           && (strcmp(reply.result, "-1") != 0 || is_there(d, err));
}

/* Plays one recording; *there says whether it was there. *key, if any, ends it early: the
 * key that was pressed, for it is the first of the code, which a link on the resident's
 * page dials by itself. */
static bool try_play(struct dialogue *d, const char *name, char *key, bool *there,
                     struct idb_error *err)
{
    struct idb_agi_reply reply;
    long pressed;

    if (!idb_agi_ask(&d->agi, PROMPT_MS, &reply, err, "STREAM FILE %s/%s/%s \"%s\"",
                     d->settings->prompts, d->lang, name, key ? KEYS : "")
        || d->agi.hung_up)
        return false;
    pressed = strtol(reply.result, NULL, 10);
    if (key && pressed > 0 && pressed < 128 && strchr(KEYS, (int)pressed))
        *key = (char)pressed;
    idb_wipe(&reply, sizeof reply);
    *there = pressed >= 0;
    return *there || is_there(d, err);
}

/* Without the recording the dialogue goes on. */
static bool play(struct dialogue *d, const char *name, char *key, struct idb_error *err)
{
    bool there;

    return try_play(d, name, key, &there, err);
}

/* When this line is open, where that was recorded. */
static bool play_closed(struct dialogue *d, struct idb_error *err)
{
    char name[sizeof "closed-" + IDB_NAME_SIZE];
    bool there = false;

    snprintf(name, sizeof name, "closed-%s", d->app->line);
    return try_play(d, name, NULL, &there, err) && (there || play(d, "closed", NULL, err));
}

static bool get_data(struct dialogue *d, const char *file, int max, struct idb_agi_reply *reply,
                     struct idb_error *err)
{
    if (!idb_agi_ask(&d->agi, PROMPT_MS + max * KEY_MS, reply, err, "GET DATA %s %d %d", file,
                     KEY_MS, max)
        || d->agi.hung_up)
        return false;
    if (reply->code != 200)
        return idb_fail(err, IDB_DATA, "bad_agi", "The other side knows no GET DATA.");
    return strcmp(reply->result, "-1") != 0 || is_there(d, err);
}

/* What is keyed in after a prompt, first included, which came before it. One more
 * digit is asked for than a code has, for else the caller's # would wait for the
 * next question and answer that. A missing prompt is a second of silence, which
 * Asterisk brings along. */
static bool collect(struct dialogue *d, const char *name, char first,
                    char typed[IDB_CODE_TYPED_MAX + 1], struct idb_error *err)
{
    bool begun = first && first != '#';
    int max = d->app->config->code_digits + 1 - begun;
    struct idb_agi_reply reply;
    char file[IDB_AGI_COMMAND_MAX / 2];
    bool ok;

    snprintf(file, sizeof file, "%s/%s/%s", d->settings->prompts, d->lang, name);
    ok = get_data(d, file, max, &reply, err);
    if (ok && !strcmp(reply.result, "-1"))
        ok = get_data(d, "silence/1", max, &reply, err);
    if (ok && !strcmp(reply.result, "-1"))
        ok = idb_fail(err, IDB_DATA, "bad_agi", "There is no prompt to key the code in after.");
    if (ok) {
        snprintf(typed, IDB_CODE_TYPED_MAX + 1, "%.1s%.*s", begun ? &first : "",
                 IDB_CODE_TYPED_MAX - 1, reply.result);
        /* The keys A to D are no part of a code either. */
        for (char *p = typed; *p; p++)
            if (!strchr(KEYS, *p))
                *p = '*';
    }
    idb_wipe(&reply, sizeof reply);
    return ok;
}

/* ---- the store ---- */

static bool service_verify(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    return idb_handle_verify(ctx, request, answer, err);
}

static bool service_end(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    return idb_handle_end(ctx, request, answer, err);
}

/* One request of another program's; takes request over. *answer is a new reference. */
static bool run(struct dialogue *d,
                bool (*handle)(void *ctx, const json_t *request, json_t **answer,
                               struct idb_error *err),
                json_t *request, json_t **answer, struct idb_error *err)
{
    struct idb_service service = idb_app_service(d->app, handle);
    struct idb_exchange x = { .request = request };

    if (!request)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    idb_service_run(&service, &x, 1);
    if (x.err.code)
        *err = x.err;
    else
        *answer = json_incref(x.answer);
    idb_exchange_clear(&x);
    return *answer;
}

static struct verdict judge(const char *result, int left)
{
    static const struct {
        const char *result, *prompt;
        bool again;
    } table[] = { { "mistyped", "mistyped", true },   { "wrong", "wrong", true },
                  { "expired", "expired", true },     { "used", "used", true },
                  { "call_bound", "used", true },     { "call_ended", "expired", false },
                  { "throttled", "throttled", false } };
    struct verdict v = { .accepted = !strcmp(result, "accepted"), .prompt = "wrong" };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(result, table[i].result))
            v = (struct verdict){ .prompt = table[i].prompt, .again = table[i].again && left > 0 };
    return v;
}

/* A caller who is gone has not spent the code. */
static bool verify(struct dialogue *d, const char *typed, struct verdict *v, struct idb_error *err)
{
    json_t *answer = NULL;
    json_t *request;
    const char *session, *purpose;

    idb_agi_look(&d->agi);
    if (d->agi.hung_up)
        return false;
    request = json_pack("{s:s, s:s}", "code", typed, "call_id", d->call_id);
    if (request && d->caller[0])
        json_object_set_new(request, "caller", json_string(d->caller));
    if (!run(d, service_verify, request, &answer, err))
        return false;
    *v = judge(idb_request_text(answer, "result"),
               (int)json_integer_value(json_object_get(answer, "attempts_left")));
    session = idb_request_text(answer, "session");
    purpose = idb_request_text(answer, "purpose");
    snprintf(d->session, sizeof d->session, "%s", session ? session : "");
    snprintf(d->purpose, sizeof d->purpose, "%s", purpose ? purpose : "");
    json_decref(answer);
    return true;
}

/* ---- the dialogue ---- */

static bool ask_codes(struct dialogue *d, struct idb_error *err)
{
    int refused = 0, silent = 0;
    const char *prompt = "enter";
    char typed[IDB_CODE_TYPED_MAX + 1];
    struct verdict v = { .again = true };
    char key = '\0';
    bool ok = play(d, "welcome", &key, err);

    while (ok && v.again && refused < d->app->config->throttle_per_call && silent < SILENCES) {
        ok = collect(d, prompt, key, typed, err);
        prompt = "again";
        key = '\0';
        if (ok && !typed[0]) {
            silent++;
            continue;
        }
        ok = ok && verify(d, typed, &v, err);
        idb_wipe(typed, sizeof typed);
        if (ok && v.accepted)
            break;
        refused++;
        ok = ok && play(d, v.prompt, &key, err);
    }
    idb_wipe(&key, sizeof key);
    if (ok)
        d->result = v.accepted ? "accepted" : "not_identified";
    return ok;
}

/* A line that is closed needs no store. */
static bool identify(struct dialogue *d, struct idb_error *err)
{
    struct idb_app *app = d->app;
    struct idb_service service = idb_app_service(app, service_verify);
    bool open = true;

    if (!answer(d, err) || !idb_app_configure(app, err) || !idb_app_line(app, NULL, err)
        || !idb_hours_open(idb_config_line(app->config, app->line), idb_timestamp_now(), &open,
                           err))
        return false;
    if (open)
        return service.open(app, err) && ask_codes(d, err);
    d->result = "closed";
    return true;
}

/* What the dialplan reads, the result last: where that stands, all stands. A dead
 * channel takes it too, for its hangup handler. */
static bool tell(struct dialogue *d, struct idb_error *err)
{
    const char *const variables[][2] = {
        { "IDB_SESSION", d->session },
        { "IDB_PURPOSE", d->purpose },
        { "IDB_QUEUE", d->purpose[0] ? idb_config_queue(d->app->config, d->purpose) : "" },
        { "IDB_LANG", d->lang },
        { "IDB_RESULT", d->result }
    };
    struct idb_agi_reply reply;
    char value[2 * IDB_NAME_SIZE];
    bool known = true;

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        if (!idb_agi_quote(value, sizeof value, variables[i][1]))
            return idb_fail(err, IDB_SOFTWARE, "internal", "A variable is too long.");
        if (!idb_agi_ask(&d->agi, REPLY_MS, &reply, err, "SET VARIABLE %s %s", variables[i][0],
                         value))
            return false;
        known = known && (reply.code == 200 || d->agi.hung_up);
    }
    return known
           || idb_fail(err, IDB_DATA, "bad_agi", "The other side does not take our variables.");
}

/* Whether the line hangs up on who is not identified. */
static bool says_goodbye(const struct dialogue *d)
{
    const struct idb_app *app = d->app;
    const char *unidentified =
        idb_request_text(idb_config_line(app->config, app->line), "unidentified");

    return unidentified && !strcmp(unidentified, "goodbye");
}

/* The last that is heard. */
static bool part(struct dialogue *d, struct idb_error *err)
{
    bool closed = !strcmp(d->result, "closed");
    struct idb_agi_reply reply;

    if (!closed && strcmp(d->result, "not_identified") != 0)
        return play(d, d->result, NULL, err);
    if (!(closed ? play_closed(d, err) : play(d, "no-more", NULL, err)))
        return false;
    if (!says_goodbye(d))
        return closed || play(d, "to-queue", NULL, err);
    return play(d, "goodbye", NULL, err) && idb_agi_ask(&d->agi, REPLY_MS, &reply, err, "HANGUP");
}

/* The caller hung up before any agent: what was identified is erased, as idb-end(1)
 * does. */
static bool end_call(struct dialogue *d, struct idb_error *err)
{
    json_t *answer = NULL;
    bool ok = run(d, service_end, json_pack("{s:s}", "call_id", d->call_id), &answer, err);

    json_decref(answer);
    d->session[0] = d->purpose[0] = '\0';
    return ok;
}

/* Tells, says, and sees whether the caller is still there. */
static bool finish(struct dialogue *d, struct idb_error *err)
{
    struct idb_error also = { 0 };
    bool ok = tell(d, err);

    if (ok && !d->agi.hung_up)
        ok = part(d, err) || !err->code;
    idb_agi_look(&d->agi);
    if (strcmp(d->result, "accepted") != 0 || !d->agi.hung_up)
        return ok;
    d->result = "hangup";
    ok = end_call(d, ok ? err : &also) && ok;
    return tell(d, ok ? err : &also) && ok;
}

bool idb_dialogue_run(struct idb_app *app, const struct idb_dialogue_settings *settings, int in,
                      int out, struct idb_error *err)
{
    struct idb_error also = { 0 };
    struct dialogue *d = calloc(1, sizeof *d);
    bool greeted, ok;

    if (!d)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    d->app = app;
    d->settings = settings;
    d->lang = settings->lang;
    idb_agi_open(&d->agi, in, out);
    greeted = greet(d, err);
    ok = greeted && (d->agi.hung_up || identify(d, err) || !err->code);
    if (!d->result)
        d->result = ok ? "hangup" : "unavailable";
    if (greeted)
        ok = finish(d, ok ? err : &also) && ok;
    if (ok)
        err->exit = !strcmp(d->result, "accepted") ? IDB_OK : IDB_REFUSED;
    idb_agi_close(&d->agi);
    idb_wipe(d, sizeof *d);
    free(d);
    return ok;
}
