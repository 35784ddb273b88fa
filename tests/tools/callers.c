/*
 * Callers by the thousand, from one process: the exchange's side of FastAGI, and of
 * JSON lines on connections that are kept.
 *
 *     callers agi PORT AT_ONCE PLAN
 *     callers verify PORT AT_ONCE PAUSE PLAN
 *
 * A line of the file PLAN is one caller, and what this one does:
 *
 *     KIND CALL CALLER CODE [OTHER]
 *
 *     right   keys CODE in              early   begins while the welcome is played
 *     wrong   keys OTHER in, then CODE  slip    the same
 *     twice   CODE, and nothing more    mute    answers OTHER commands, and no more
 *     keying  hangs up while keying     last    hangs up with the last key
 *     heard   hangs up when accepted    gone    loses the connection while keying
 *     empty   connects, no more         half    ends within the environment
 *     hup     right, and the program may be killed
 *
 * agi: each is a connection of its own, at most AT_ONCE of them open. Prints for each
 *
 *     KIND CALL CODE RESULT SESSION WHOLE_MS CODE_MS
 *
 * with IDB_RESULT and IDB_SESSION as they were set, - where they were not; from the
 * connection to its end, and from the last key to the next command.
 *
 * verify: each is a request, on AT_ONCE connections by turns, with the next one sent
 * when the answer is there. Prints KIND CALL CODE MS ANSWER for each; the kind is the
 * plan's own. When each connection has had PAUSE answers it prints "paused" and waits
 * for a line on standard input, and at the end "done" and the same, all connections
 * open.
 *
 * What must not be is told on standard error, and makes the exit 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE_MAX 500
#define WAIT_MS     60000 /* nobody waits longer than this for a word */

struct caller {
    char kind[12], call[32], number[20], code[16], other[16]; /* of the plan */
    int fd;                                                   /* -1: nobody here */
    bool connected;
    bool dead;    /* hung up */
    bool noted;   /* the line HANGUP was said */
    int commands; /* how many came */
    int asked;    /* how often a code was asked for */
    int answers;  /* verify: how many came */
    char heard[1100];
    size_t n;
    char result[24], session[32];
    double began, said, keyed, code_ms;
};

static struct caller caller[AT_ONCE_MAX];
static struct sockaddr_in door = { .sin_family = AF_INET };
static FILE *plan;
static int at_once;
static int wrongs;

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void fatal(const char *what)
{
    fprintf(stderr, "callers: %s: %s\n", what, strerror(errno));
    exit(70);
}

static void wrong(const struct caller *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void wrong(const struct caller *c, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "callers: %s %s: ", c->kind, c->call);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    wrongs++;
}

static bool is(const struct caller *c, const char *kind)
{
    return strcmp(c->kind, kind) == 0;
}

static void say(struct caller *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What is said is short, and there is room for it. */
static void say(struct caller *c, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text || send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        wrong(c, "cannot say: %s", strerror(errno));
    c->said = now_ms();
}

/* ---- one connection ---- */

static bool read_plan(struct caller *c)
{
    char line[256];

    memset(c->other, 0, sizeof c->other);
    if (!fgets(line, sizeof line, plan))
        return false;
    if (sscanf(line, "%11s %31s %19s %15s %15s", c->kind, c->call, c->number, c->code, c->other)
        < 4) {
        fprintf(stderr, "callers: not understood: %s", line);
        exit(64);
    }
    return true;
}

static void open_connection(struct caller *c)
{
    static const int on = 1;

    c->connected = false;
    c->began = c->said = now_ms();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd == -1)
        fatal("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&door, sizeof door) == -1 && errno != EINPROGRESS)
        fatal("connect");
}

/* The connection has come about, or has failed. */
static void note_connected(struct caller *c)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1 || error != 0) {
        errno = error;
        fatal("connect");
    }
    c->connected = true;
}

static void close_connection(struct caller *c)
{
    if (close(c->fd) == -1)
        fatal("close");
    c->fd = -1;
}

/* The next line, its end taken off; NULL when there is none yet or no more; *over when
 * the other side has closed. A line that another follows was said out of turn. */
static const char *hear(struct caller *c, bool *over)
{
    ssize_t n = recv(c->fd, c->heard + c->n, sizeof c->heard - 1 - c->n, 0);
    char *end;

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return NULL;
    if (n == -1 && !(is(c, "hup") && errno == ECONNRESET))
        wrong(c, "reading: %s", strerror(errno));
    *over = n <= 0;
    if (*over && c->n > 0)
        wrong(c, "half a line, and the end");
    if (*over)
        return NULL;
    c->n += (size_t)n;
    c->heard[c->n] = '\0';
    end = memchr(c->heard, '\n', c->n);
    if (!end && c->n == sizeof c->heard - 1)
        wrong(c, "a line without end");
    if (!end)
        return NULL;
    if (end != c->heard + c->n - 1)
        wrong(c, "more than a line at once");
    *end = '\0';
    c->n = 0;
    return c->heard;
}

/* ---- AGI, as Asterisk speaks it ---- */

static void say_environment(struct caller *c)
{
    say(c,
        "agi_network: yes\nagi_network_script: idb\nagi_request: agi://127.0.0.1:%d/idb\n"
        "agi_channel: PJSIP/trunk-%s\nagi_language: nl\nagi_type: PJSIP\nagi_uniqueid: %s\n"
        "agi_version: 22.0.0\nagi_callerid: %s\nagi_calleridname: unknown\nagi_callingpres: 0\n"
        "agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 31241234567\n"
        "agi_rdnis: unknown\nagi_context: idb\nagi_extension: 31241234567\nagi_priority: 3\n"
        "agi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 139860000000000\n%s",
        ntohs(door.sin_port), c->call, c->call, c->number, is(c, "half") ? "agi_ar" : "\n");
}

/* The caller hangs up: what GET DATA or STREAM FILE then answers. */
static void hang_up(struct caller *c, const char *before, const char *reply, const char *after)
{
    c->dead = true;
    c->noted = *before || *after;
    say(c, "%s%s\n%s", before, reply, after);
}

static void play(struct caller *c, const char *line)
{
    char key[16] = "0";

    if (is(c, "early") && strstr(line, "/welcome "))
        snprintf(key, sizeof key, "%d", c->code[0]);
    if (is(c, "heard") && strstr(line, "/accepted "))
        hang_up(c, "HANGUP\n", "200 result=-1 endpos=0", "");
    else
        say(c, "200 result=%s endpos=%s\n", key, key[1] ? "2880" : "32000");
}

/* False when the connection is lost. Every second caller ends the code with #, the
 * others wait. */
static bool key_in(struct caller *c, const char *line)
{
    int first = c->asked++ == 0;
    bool hash = c->call[strlen(c->call) - 1] % 2;
    const char *keys = c->code + is(c, "early");
    char expected[64], reply[64];

    snprintf(expected, sizeof expected, "GET DATA idb/nl/%s 6000 %d", first ? "enter" : "again",
             is(c, "early") ? 10 : 11);
    if (strcmp(line, expected) != 0)
        wrong(c, "heard <%s>, expected <%s>", line, expected);
    if (is(c, "gone"))
        return false;
    if (first && (is(c, "wrong") || is(c, "slip")))
        keys = c->other;
    if (is(c, "twice") && !first)
        keys = "";
    snprintf(reply, sizeof reply, "200 result=%s%s", keys, hash && *keys ? "" : " (timeout)");
    if (is(c, "keying"))
        hang_up(c, "", "200 result=-1", "");
    else if (is(c, "last"))
        hang_up(c, "", reply, "HANGUP\n");
    else
        say(c, "%s\n", reply);
    c->keyed = now_ms();
    return true;
}

static void set_variable(struct caller *c, const char *line)
{
    char name[24] = "", value[64] = "";

    if (sscanf(line, "SET VARIABLE %23[A-Z_] \"%63[^\"]\"", name, value) < 1)
        wrong(c, "heard <%s>", line);
    if (strcmp(name, "IDB_RESULT") == 0)
        snprintf(c->result, sizeof c->result, "%s", value);
    if (strcmp(name, "IDB_SESSION") == 0)
        snprintf(c->session, sizeof c->session, "%s", value);
    say(c, "200 result=1\n");
}

/* One command and its reply; false when the connection is lost. */
static bool reply(struct caller *c, const char *line)
{
    bool variable = strncmp(line, "SET VARIABLE ", 13) == 0;

    if (c->keyed > 0 && now_ms() - c->keyed > c->code_ms)
        c->code_ms = now_ms() - c->keyed;
    c->keyed = 0;
    if (is(c, "mute") && c->commands++ >= strtol(c->other, NULL, 10))
        return true;
    if (c->dead && !variable) {
        say(c, "%s511 Command Not Permitted on a dead channel or intercept routine\n",
            c->noted ? "" : "HANGUP\n");
        c->noted = true;
    } else if (variable) {
        set_variable(c, line);
    } else if (strncmp(line, "GET DATA ", 9) == 0) {
        return key_in(c, line);
    } else if (strncmp(line, "STREAM FILE ", 12) == 0) {
        play(c, line);
    } else if (strcmp(line, "ANSWER") == 0) {
        say(c, "200 result=0\n");
    } else {
        wrong(c, "heard <%s>", line);
        say(c, "510 Invalid or unknown command\n");
    }
    return true;
}

static bool start_dialogue(struct caller *c)
{
    memset(c, 0, sizeof *c);
    c->fd = -1;
    if (!read_plan(c))
        return false;
    open_connection(c);
    return true;
}

static void end_dialogue(struct caller *c)
{
    printf("%s %s %s %s %s %.1f %.1f\n", c->kind, c->call, c->code, c->result[0] ? c->result : "-",
           c->session[0] ? c->session : "-", now_ms() - c->began, c->code_ms);
    close_connection(c);
}

/* Something came about on the connection. */
static void go_on_dialogue(struct caller *c)
{
    bool over = false;
    const char *line = NULL;

    if (c->connected) {
        line = hear(c, &over);
    } else {
        note_connected(c);
        if (!is(c, "empty"))
            say_environment(c);
        over = is(c, "empty") || is(c, "half");
    }
    if (over || (line && !reply(c, line)))
        end_dialogue(c);
}

/* ---- JSON lines ---- */

static void start_request(struct caller *c)
{
    say(c, "{\"code\":\"%s\",\"call_id\":\"%s\",\"caller\":\"%s\"}\n", c->code, c->call, c->number);
}

/* The connection's next request; -1 in answers when there is none. */
static void next_request(struct caller *c)
{
    if (read_plan(c))
        start_request(c);
    else
        c->answers = -1;
}

static void go_on_request(struct caller *c)
{
    bool over = false;
    const char *line = hear(c, &over);

    if (over) {
        wrong(c, "closed");
        close_connection(c);
        c->answers = -1;
        return;
    }
    if (!line)
        return;
    printf("%s %s %s %.1f %s\n", c->kind, c->call, c->code, now_ms() - c->said, line);
    c->answers++;
    c->said = 0; /* its turn comes with the others' */
}

/* ---- all of them ---- */

/* Waits for whoever it is that something comes from, and lets go_on() take it. */
static void wait_for_all(void (*go_on)(struct caller *c))
{
    struct pollfd p[AT_ONCE_MAX];

    for (int i = 0; i < at_once; i++) {
        p[i] = (struct pollfd){ caller[i].fd, caller[i].connected ? POLLIN : POLLOUT, 0 };
        if (caller[i].fd != -1 && caller[i].said > 0 && now_ms() - caller[i].said > WAIT_MS) {
            wrong(&caller[i], "waited too long");
            exit(1);
        }
    }
    if (poll(p, (nfds_t)at_once, 1000) == -1 && errno != EINTR)
        fatal("poll");
    for (int i = 0; i < at_once; i++)
        if (p[i].fd != -1 && p[i].revents)
            go_on(&caller[i]);
}

static void dialogues(void)
{
    bool more = true;
    int open;

    for (int i = 0; i < at_once; i++)
        caller[i].fd = -1;
    do {
        open = 0;
        for (int i = 0; i < at_once; i++) {
            if (caller[i].fd == -1 && more)
                more = start_dialogue(&caller[i]);
            open += caller[i].fd != -1;
        }
        if (open > 0)
            wait_for_all(go_on_dialogue);
    } while (open > 0);
}

static void pause_here(const char *word)
{
    char line[8];

    puts(word);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        fatal("nobody says when to go on");
}

/* Each connection asks; all have their turn, as often as there are requests. */
static void requests(int pause)
{
    int waiting, turn = 0;

    for (int i = 0; i < at_once; i++) {
        caller[i].fd = -1;
        open_connection(&caller[i]);
        while (!caller[i].connected)
            wait_for_all(note_connected);
    }
    do {
        if (turn++ == pause)
            pause_here("paused");
        for (int i = 0; i < at_once; i++)
            if (caller[i].answers != -1)
                next_request(&caller[i]);
        do {
            waiting = 0;
            for (int i = 0; i < at_once; i++)
                waiting += caller[i].answers != -1 && caller[i].said > 0;
            if (waiting > 0)
                wait_for_all(go_on_request);
        } while (waiting > 0);
    } while (caller[0].answers != -1);
    pause_here("done");
}

int main(int argc, char **argv)
{
    bool agi = argc == 5 && strcmp(argv[1], "agi") == 0;
    bool verify = argc == 6 && strcmp(argv[1], "verify") == 0;

    if (!agi && !verify) {
        fputs("usage: callers agi PORT AT_ONCE PLAN | verify PORT AT_ONCE PAUSE PLAN\n", stderr);
        return 64;
    }
    door.sin_port = htons((in_port_t)strtol(argv[2], NULL, 10));
    door.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at_once = (int)strtol(argv[3], NULL, 10);
    plan = fopen(argv[argc - 1], "re");
    if (!plan || at_once < 1 || at_once > AT_ONCE_MAX)
        fatal("PLAN or AT_ONCE");
    if (agi)
        dialogues();
    else
        requests((int)strtol(argv[4], NULL, 10));
    fclose(plan);
    return wrongs > 0;
}
