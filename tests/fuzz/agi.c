/*
 * The other side of AGI, who says whatever it likes, when it likes: environment, replies,
 * hang-ups; once to the protocol alone, and once to the whole dialogue of idb-agi, with a
 * store that is not there. The input is what it says, over a real socket; some bytes are
 * not said:
 *
 *     1    what stands before it comes by itself     4  says nothing any more, but hears
 *     2 N  the rest comes N tenths of a second later  5  is gone
 *     3    SIGHUP                                     6  hears nothing for a while
 *
 * The clock moves by what is waited for, so no time passes.
 */
/* wrap: ppoll idb_timestamp_monotonic idb_handle_verify idb_handle_end */
#include "agi.h"
#include "code.h"
#include "dialogue.h"
#include "fuzz.h"
#include "handlers.h"
#include "request.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS 5000
#define COMMANDS 40

/* What the other side has said and heard. */
static struct {
    int fd;            /* its end; -1 when it is gone */
    const uint8_t *at; /* what it has yet to say */
    const uint8_t *end;
    int64_t late; /* ms until it says more */
    bool deaf;
    char *said;     /* all of it */
    size_t n, line; /* its length; where its last line begins */
    bool dialogue;  /* the environment is over */
    char last[5];   /* how the last line of this reply begins, "" where it has but one */
    int replies;    /* whole ones */
    int commands;   /* heard */
    char heard[IDB_AGI_COMMAND_MAX + 2];
    size_t heard_n;
    char told[24]; /* the result, as it was set last */
    bool hung_up;
} peer;

static int64_t now;
static int waits;                    /* how often our side waited */
static int taken;                    /* variables of the environment */
static char value[IDB_AGI_LINE_MAX]; /* the last one's */
static struct idb_agi *agi;

int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                 const sigset_t *mask);
int64_t __wrap_idb_timestamp_monotonic(void);

int64_t __wrap_idb_timestamp_monotonic(void)
{
    return now;
}

/* ---- the other side ---- */

/* One line that was said, without its end: counts whole replies, as telephony has them. */
static void count_line(const char *line, size_t n)
{
    if (n > 0 && line[n - 1] == '\r')
        n--;
    if (n == 6 && !memcmp(line, "HANGUP", 6)) {
        peer.hung_up = true;
    } else if (!peer.dialogue) {
        peer.dialogue = n == 0;
    } else if (peer.last[0]) {
        if (n >= 4 && !memcmp(line, peer.last, 4)) {
            peer.replies++;
            peer.last[0] = '\0';
        }
    } else if (n >= 4 && line[3] == '-') {
        snprintf(peer.last, sizeof peer.last, "%.3s ", line);
    } else {
        peer.replies++;
    }
}

static void say(const uint8_t *bytes, size_t n)
{
    const char *end;
    ssize_t sent = n > 0 ? send(peer.fd, bytes, n, MSG_NOSIGNAL) : 0;

    assert(sent == (ssize_t)n);
    memcpy(peer.said + peer.n, bytes, n);
    peer.n += n;
    while ((end = memchr(peer.said + peer.line, '\n', peer.n - peer.line))) {
        count_line(peer.said + peer.line, (size_t)(end - (peer.said + peer.line)));
        peer.line = (size_t)(end + 1 - peer.said);
    }
}

/* What our side has said since: one command at the most, a line of its own, and only
 * when every earlier one has its reply. */
static void hear(void)
{
    ssize_t n = 0;

    if (peer.fd != -1)
        n = recv(peer.fd, peer.heard + peer.heard_n, sizeof peer.heard - peer.heard_n,
                 MSG_DONTWAIT);
    if (n <= 0)
        return;
    peer.heard_n += (size_t)n;
    assert(peer.heard[peer.heard_n - 1] == '\n');
    assert(peer.heard_n <= IDB_AGI_COMMAND_MAX + 1);
    for (size_t i = 0; i < peer.heard_n - 1; i++)
        assert((unsigned char)peer.heard[i] >= ' ' && peer.heard[i] != 0x7f);
    peer.heard[peer.heard_n - 1] = '\0';
    sscanf(peer.heard, "SET VARIABLE IDB_RESULT \"%23[a-z_]\"", peer.told);
    peer.heard_n = 0;
    assert(peer.dialogue && peer.commands++ <= peer.replies);
}

static void leave(void)
{
    if (peer.fd != -1)
        close(peer.fd);
    peer.fd = -1;
}

/* Goes on with the input. */
static void go_on(void)
{
    const uint8_t *from = peer.at;
    uint8_t op;

    while (peer.at < peer.end && (*peer.at == 0 || *peer.at > 6))
        peer.at++;
    if (peer.fd != -1)
        say(from, (size_t)(peer.at - from));
    op = peer.at < peer.end ? *peer.at++ : 4;
    if (op == 2 && peer.at < peer.end)
        peer.late = *peer.at++ * 100;
    if (op == 3) {
        peer.hung_up = true;
        raise(SIGHUP);
    }
    if (op == 4 && peer.fd != -1)
        shutdown(peer.fd, SHUT_WR);
    if (op == 5)
        leave();
    if (op == 6)
        peer.deaf = true;
}

int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    static const struct timespec none = { 0, 0 };
    int64_t left = timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000;
    int ready = 0;

    assert(n == 1 && left >= 0 && !(agi && agi->ended));
    waits++;
    hear();
    if (fds->events == POLLOUT && peer.deaf) {
        peer.deaf = false;
        now += left;
        return 0;
    }
    while ((ready = __real_ppoll(fds, 1, &none, mask)) == 0) {
        if (peer.late > left) {
            peer.late -= left;
            now += left;
            return 0;
        }
        now += peer.late;
        left -= peer.late;
        peer.late = 0;
        go_on();
    }
    return ready;
}

/* ---- what must hold ---- */

static bool take(void *ctx, const char *name, const char *text, struct idb_error *err)
{
    (void)ctx;
    assert(++taken <= IDB_AGI_LINES_MAX);
    assert(!strncmp(name, "agi_", 4) && !strpbrk(name, ":\n") && !strchr(text, '\n'));
    assert(strlen(name) + strlen(text) < IDB_AGI_LINE_MAX - 1);
    assert(memmem(peer.said, peer.n, name, strlen(name))
           && memmem(peer.said, peer.n, text, strlen(text)));
    snprintf(value, sizeof value, "%s", text);
    return strcmp(name, "agi_bad") != 0 || idb_fail(err, IDB_DATA, "refused", "Not this one.");
}

/* Nothing is said, heard, waited for or changed any more. */
static void nothing_more(void)
{
    struct idb_agi_reply reply;
    struct idb_error err = { 0 };
    struct idb_agi before = *agi;
    int were = waits, unread = 0, left = 0;
    bool ok;

    ioctl(agi->in, FIONREAD, &unread);
    hear();
    idb_agi_look(agi);
    ok = idb_agi_ask(agi, LIMIT_MS, &reply, &err, "NOOP");
    assert(ok && !reply.code && !reply.result[0] && !reply.timeout);
    ioctl(agi->in, FIONREAD, &left);
    assert(waits == were && left == unread && agi->ended && agi->hung_up == before.hung_up);
    assert(peer.fd == -1 || recv(peer.fd, &reply, 1, MSG_DONTWAIT | MSG_PEEK) <= 0);
}

/* Text in quotes is that text, to who takes the quotes and backslashes off. */
static const char *quoted(const char *text)
{
    static char out[200];
    const char *from = out + 1;

    if (!idb_agi_quote(out, sizeof out, text))
        return "\"\"";
    for (; *text; text++, from++) {
        from += *from == '\\';
        assert(*from == *text && (*from != '"' || from[-1] == '\\'));
    }
    assert(!strcmp(from, "\""));
    return out;
}

static bool command(int i, struct idb_agi_reply *reply, struct idb_error *err)
{
    char before[IDB_AGI_RESULT_SIZE];

    snprintf(before, sizeof before, "%s", reply->result);
    switch (i % 4) {
    case 0:
        return idb_agi_ask(agi, LIMIT_MS, reply, err,
                           "STREAM FILE idb/nl/welcome \"0123456789*#\"");
    case 1:
        return idb_agi_ask(agi, LIMIT_MS, reply, err, "GET DATA idb/nl/enter 6000 11");
    case 2:
        return idb_agi_ask(agi, LIMIT_MS, reply, err, "SET VARIABLE IDB_RESULT %s", quoted(before));
    default:
        return idb_agi_ask(agi, LIMIT_MS, reply, err, "VERBOSE %s %s", quoted(value), value);
    }
}

/* A reply is one that was said. */
static void check_reply(const struct idb_agi_reply *reply)
{
    char text[IDB_AGI_RESULT_SIZE + 40];

    assert(peer.commands <= peer.replies && reply->code >= 0 && reply->code <= 999);
    snprintf(text, sizeof text, "200 result=%s%s", reply->result,
             reply->timeout ? " (timeout)" : "");
    assert(reply->code == 200 || (!reply->result[0] && !reply->timeout));
    assert(reply->code != 200 || memmem(peer.said, peer.n, text, strlen(text)));
    assert(!strchr(reply->result, ' '));
    assert(reply->code != 511 || agi->hung_up);
}

/* One command; false at the end. */
static bool ask(int i, struct idb_agi_reply *reply)
{
    struct idb_error err = { 0 };
    bool hung_up = agi->hung_up;
    int64_t began = now;
    int commands = peer.commands;
    bool ok;

    ok = command(i, reply, &err);
    hear();
    fuzz_outcome(ok, &err);
    assert(now - began <= (hung_up ? IDB_AGI_DEAD_MS : LIMIT_MS));
    assert(!hung_up || agi->hung_up);
    assert(peer.commands <= commands + 1);
    if (ok && reply->code) {
        check_reply(reply);
    } else if (!ok && !strcmp(err.code, "internal")) {
        /* Too long to be said. */
        assert(i % 4 == 3 && strlen(value) > 500 && peer.commands == commands && now == began);
    } else {
        assert(agi->ended);
        assert(ok ? agi->hung_up : !strcmp(err.code, "bad_agi") || !strcmp(err.code, "agi_silent"));
        assert(ok || err.exit == (err.code[0] == 'b' ? IDB_DATA : IDB_UNAVAILABLE));
    }
    return !agi->ended;
}

static void look(void)
{
    bool hung_up = agi->hung_up;
    int64_t began = now;

    idb_agi_look(agi);
    assert((!hung_up || agi->hung_up) && (!agi->ended || agi->hung_up) && now == began);
}

static void dialogue(void)
{
    struct idb_agi_reply reply = { 0 };
    struct idb_error err = { 0 };
    int64_t began = now;
    bool ok = idb_agi_environment(agi, LIMIT_MS, take, NULL, &err);

    fuzz_outcome(ok, &err);
    assert(now - began <= LIMIT_MS && peer.commands == 0);
    assert(ok || agi->ended || !strcmp(err.code, "refused"));
    /* A whole one, or nothing at all. */
    assert(!ok || peer.dialogue || (agi->hung_up && agi->ended && peer.n == 0));
    for (int i = 0; ok && !agi->ended && i < COMMANDS; i++) {
        if (i % 8 == 5)
            look();
        if (!ask(i, &reply))
            break;
    }
    if (!agi->ended)
        look();
    if (agi->ended)
        nothing_more();
}

/* ---- the whole dialogue ---- */

static struct {
    int verified, wrong, ended;
    bool accepted;
} desk;

bool __wrap_idb_handle_verify(struct idb_app *app, const json_t *request, json_t **answer,
                              struct idb_error *err);
bool __wrap_idb_handle_end(struct idb_app *app, const json_t *request, json_t **answer,
                           struct idb_error *err);

/* What becomes of a code is its last digit's to say. Nobody has hung up, as far as can
 * be known: a hang-up behind replies to what was not asked is not heard yet. */
bool __wrap_idb_handle_verify(struct idb_app *app, const json_t *request, json_t **answer,
                              struct idb_error *err)
{
    static const char *const results[] = { "accepted",  "wrong",      "mistyped",  "used",
                                           "throttled", "call_bound", "call_ended" };
    const char *code = idb_request_text(request, "code");
    size_t n = code ? strlen(code) : 0;
    size_t last = n > 0 && code[n - 1] >= '0' ? (size_t)(code[n - 1] - '0') : 1;

    assert(!peer.hung_up || peer.replies > peer.commands || peer.last[0]);
    assert(n > 0 && n <= IDB_CODE_TYPED_MAX && strspn(code, "0123456789*#") == n);
    assert(idb_request_text(request, "call_id")[0] && !desk.accepted);
    assert(++desk.verified <= app->config->throttle_per_call);
    if (last == 7)
        return idb_fail(err, IDB_TEMPFAIL, "busy", "Not now.");
    last = last < sizeof results / sizeof results[0] ? last : 0;
    desk.accepted = last == 0;
    desk.wrong += last == 1 || last == 3 || last == 5;
    err->exit = last == 0 ? IDB_OK : IDB_REFUSED;
    *answer = json_pack("{s:s, s:s, s:s, s:i}", "result", results[last], "session",
                        last == 0 ? "s" : "", "purpose", last == 0 ? "status" : "", "attempts_left",
                        app->config->throttle_per_call - desk.wrong);
    return *answer;
}

/* An end fails where the call's id has an f. */
bool __wrap_idb_handle_end(struct idb_app *app, const json_t *request, json_t **answer,
                           struct idb_error *err)
{
    (void)app;
    assert(desk.accepted && desk.ended++ == 0);
    if (strchr(idb_request_text(request, "call_id"), 'f'))
        return idb_fail(err, IDB_TEMPFAIL, "busy", "Not now.");
    *answer = json_pack("{s:s}", "result", "ended");
    return *answer;
}

static void whole_dialogue(int fd)
{
    static const struct idb_app_part part = { .keys = 0 };
    static const struct idb_app_program program = { .zone = IDB_PHONE,
                                                    .part = &part,
                                                    .no_store = true };
    static const struct idb_dialogue_settings settings = { .prompts = "idb", .lang = "nl" };
    struct idb_config config = { .code_digits = 10, .throttle_per_call = 3 };
    struct idb_app app = { .program = &program, .zone = IDB_PHONE, .config = &config };
    struct idb_error err = { 0 };
    bool ok;

    memset(&desk, 0, sizeof desk);
    config.root = fuzz_json("{\"lines\":{\"kcc\":{}},\"purposes\":{\"status\":{}}}");
    ok = idb_dialogue_run(&app, &settings, fd, fd, &err);
    hear();
    assert(ok == !err.code && ok == (err.exit == IDB_OK || err.exit == IDB_REFUSED));
    fuzz_one_line(err.message);
    /* Who was accepted is identified, or was seen to hang up and ended, or it failed. */
    assert(err.exit != IDB_OK || (desk.accepted && !desk.ended && !strcmp(peer.told, "accepted")));
    assert(err.exit != IDB_REFUSED || desk.accepted == desk.ended);
    assert(strcmp(peer.told, "accepted") != 0 || desk.accepted);
    json_decref(config.root);
}

/* ---- both ---- */

/* Lets the other side begin; our end. */
static int begin(const uint8_t *data, size_t size)
{
    int fd[2];
    bool ok = socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0;

    memset(&peer, 0, sizeof peer);
    peer.fd = fd[1];
    peer.at = data;
    peer.end = data + size;
    peer.said = malloc(size + 1);
    assert(ok && peer.said);
    waits = taken = 0;
    value[0] = '\0';
    return fd[0];
}

static void end(int fd)
{
    sigset_t hup;

    close(fd);
    leave();
    free(peer.said);
    /* The next one has not hung up yet. */
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &hup, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = begin(data, size);

    signal(SIGPIPE, SIG_IGN);
    agi = malloc(sizeof *agi);
    assert(agi);
    idb_agi_open(agi, fd, fd);
    dialogue();
    idb_agi_close(agi);
    free(agi);
    agi = NULL;
    end(fd);

    fd = begin(data, size);
    whole_dialogue(fd);
    end(fd);
    return 0;
}
