#include "agi.h"

#include "mac.h"
#include "timestamp.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t got_sighup;

static void note_sighup(int signal)
{
    (void)signal;
    got_sighup = 1;
}

void idb_agi_open(struct idb_agi *agi, int in, int out)
{
    struct sigaction action = { .sa_handler = note_sighup };
    sigset_t hup;

    memset(agi, 0, sizeof *agi);
    agi->in = in;
    agi->out = out;
    got_sighup = 0;
    /* Blocked but while we wait, so that none is missed just before. */
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    sigprocmask(SIG_BLOCK, &hup, NULL);
    sigaction(SIGHUP, &action, NULL);
}

void idb_agi_close(struct idb_agi *agi)
{
    idb_wipe(agi, sizeof *agi);
    agi->ended = true;
}

static bool gone(struct idb_agi *agi)
{
    agi->hung_up = agi->ended = true;
    return true;
}

/* What the other side says is no AGI, so nothing it says is believed any more. */
static bool bad(struct idb_agi *agi, struct idb_error *err, const char *what)
{
    agi->ended = true;
    return idb_fail(err, IDB_DATA, "bad_agi", "The other side does not speak AGI: %s.", what);
}

/* After a hang-up nobody waits for us, and silence is no failure. */
static bool silent(struct idb_agi *agi, struct idb_error *err)
{
    agi->ended = true;
    return agi->hung_up
           || idb_fail(err, IDB_UNAVAILABLE, "agi_silent",
                       "The other side keeps silent; the call is left to it.");
}

enum waited { OVER, INTERRUPTED, READY };

/* Waits for fd until the deadline; SIGHUP ends the wait. One that came together with
 * what was waited for is still pending. */
static enum waited wait_for(struct idb_agi *agi, int fd, short events, int64_t deadline)
{
    struct pollfd p = { .fd = fd, .events = events };
    int64_t left = deadline - idb_timestamp_monotonic();
    struct timespec ts = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
    sigset_t open, pending;
    int n;

    if (left < 0)
        ts.tv_sec = ts.tv_nsec = 0;
    sigprocmask(SIG_BLOCK, NULL, &open);
    sigdelset(&open, SIGHUP);
    n = ppoll(&p, 1, &ts, &open);
    sigpending(&pending);
    if (got_sighup || sigismember(&pending, SIGHUP))
        agi->hung_up = true;
    return n > 0 ? READY : n < 0 ? INTERRUPTED : OVER;
}

/* Reads once what is there. */
static void fill(struct idb_agi *agi)
{
    ssize_t n;

    memmove(agi->buffer, agi->buffer + agi->start, agi->end - agi->start);
    agi->end -= agi->start;
    agi->start = 0;
    n = read(agi->in, agi->buffer + agi->end, sizeof agi->buffer - agi->end);
    if (n == -1 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        agi->eof = true; /* a reset is the same */
        return;
    }
    agi->begun = true;
    agi->end += (size_t)n;
}

/* The first whole line of the buffer, its end replaced by NUL; NULL when there is
 * none. It is taken. */
static char *buffered_line(struct idb_agi *agi)
{
    char *line = agi->buffer + agi->start;
    char *newline = memchr(line, '\n', agi->end - agi->start);

    if (!newline)
        return NULL;
    agi->start = (size_t)(newline + 1 - agi->buffer);
    if (memchr(line, '\0', (size_t)(newline - line)))
        return NULL;
    *newline = '\0';
    if (newline > line && newline[-1] == '\r')
        newline[-1] = '\0';
    return line;
}

static bool has_line(const struct idb_agi *agi)
{
    return memchr(agi->buffer + agi->start, '\n', agi->end - agi->start);
}

/* The next line that is not HANGUP, until the deadline (brought forward by a
 * hang-up). *line is NULL when the stream has ended. */
static bool next_line(struct idb_agi *agi, int64_t *deadline, char **line, struct idb_error *err)
{
    enum waited waited;

    for (int hangups = 0; hangups < IDB_AGI_LINES_MAX;) {
        *line = NULL;
        if (has_line(agi)) {
            *line = buffered_line(agi);
            if (!*line)
                return bad(agi, err, "a NUL in a line");
            if (strcmp(*line, "HANGUP") != 0)
                return true;
            agi->hung_up = true;
            hangups++;
        } else if (agi->end - agi->start == sizeof agi->buffer) {
            return bad(agi, err, "a line is too long");
        } else if (agi->eof) {
            return gone(agi);
        } else {
            waited = wait_for(agi, agi->in, POLLIN, *deadline);
            if (waited == OVER)
                return silent(agi, err);
            if (waited == READY)
                fill(agi);
        }
        if (agi->hung_up && *deadline > idb_timestamp_monotonic() + IDB_AGI_DEAD_MS)
            *deadline = idb_timestamp_monotonic() + IDB_AGI_DEAD_MS;
    }
    return bad(agi, err, "too many lines");
}

void idb_agi_look(struct idb_agi *agi)
{
    static const char hangup[] = "HANGUP\n";

    if (agi->ended)
        return;
    if (!agi->eof && agi->end - agi->start < sizeof agi->buffer
        && wait_for(agi, agi->in, POLLIN, idb_timestamp_monotonic()) == READY)
        fill(agi);
    while (agi->end - agi->start >= strlen(hangup)
           && !memcmp(agi->buffer + agi->start, hangup, strlen(hangup))) {
        agi->hung_up = true;
        agi->start += strlen(hangup);
    }
    if (agi->eof && !has_line(agi))
        gone(agi);
}

bool idb_agi_environment(struct idb_agi *agi, int limit_ms,
                         bool (*take)(void *ctx, const char *name, const char *value,
                                      struct idb_error *err),
                         void *ctx, struct idb_error *err)
{
    int64_t deadline = idb_timestamp_monotonic() + limit_ms;
    char *line;
    char *colon;

    for (int lines = 0; lines < IDB_AGI_LINES_MAX; lines++) {
        if (!next_line(agi, &deadline, &line, err))
            return false;
        if (!line)
            return !agi->begun || bad(agi, err, "it ends within its environment");
        if (!line[0])
            return true;
        colon = strchr(line, ':');
        if (!colon || strncmp(line, "agi_", 4) != 0)
            return bad(agi, err, "a line of the environment has no name");
        *colon++ = '\0';
        if (!take(ctx, line, *colon == ' ' ? colon + 1 : colon, err))
            return false;
    }
    return bad(agi, err, "its environment has no end");
}

/* "200 result=VALUE (timeout) …", "510 …", "520-…": three digits and a blank or,
 * where more lines follow, a hyphen. */
static bool is_reply(const char *line)
{
    return strspn(line, "0123456789") == 3 && line[0] != '0'
           && (line[3] == ' ' || line[3] == '-' || !line[3]);
}

static bool parse_reply(struct idb_agi *agi, const char *line, struct idb_agi_reply *reply,
                        struct idb_error *err)
{
    static const char mark[] = "result=";
    const char *value = line[3] ? line + 4 : "";
    size_t n;

    reply->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
    if (reply->code == 511)
        agi->hung_up = true;
    if (reply->code != 200)
        return true;
    if (strncmp(value, mark, strlen(mark)) != 0)
        return bad(agi, err, "a reply has no result");
    value += strlen(mark);
    n = strcspn(value, " ");
    if (n >= sizeof reply->result)
        return bad(agi, err, "a result is too long");
    memcpy(reply->result, value, n);
    reply->timeout = !strncmp(value + n, " (timeout)", 10);
    return true;
}

/* The lines of one that has several are told by their end: the same number and no
 * hyphen. */
static bool read_reply(struct idb_agi *agi, int64_t deadline, struct idb_agi_reply *reply,
                       struct idb_error *err)
{
    char last[5] = "";
    char *line;

    for (int lines = 0; lines < IDB_AGI_LINES_MAX; lines++) {
        if (!next_line(agi, &deadline, &line, err))
            return false;
        if (!line)
            return true;
        if (!last[0] && !is_reply(line))
            return bad(agi, err, "a reply has no number");
        if (!last[0] && line[3] == '-')
            snprintf(last, sizeof last, "%.3s ", line);
        else if (!last[0] || !strncmp(line, last, 4))
            return parse_reply(agi, line, reply, err);
    }
    return bad(agi, err, "a reply has no end");
}

/* Commands are short and never two at a time, so one write takes them. */
static bool send_line(struct idb_agi *agi, int64_t deadline, const char *line, size_t size,
                      struct idb_error *err)
{
    size_t sent = 0;

    while (sent < size) {
        enum waited waited = wait_for(agi, agi->out, POLLOUT, deadline);
        ssize_t n;

        if (waited == OVER)
            return silent(agi, err);
        if (waited == INTERRUPTED)
            continue;
        n = write(agi->out, line + sent, size - sent);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            return gone(agi);
        sent += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool idb_agi_ask(struct idb_agi *agi, int limit_ms, struct idb_agi_reply *reply,
                 struct idb_error *err, const char *fmt, ...)
{
    int64_t deadline = idb_timestamp_monotonic() + (agi->hung_up ? IDB_AGI_DEAD_MS : limit_ms);
    char line[IDB_AGI_COMMAND_MAX + 2];
    va_list ap;
    int n;

    memset(reply, 0, sizeof *reply);
    if (agi->ended)
        return true;
    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n < 0 || n > IDB_AGI_COMMAND_MAX)
        return idb_fail(err, IDB_SOFTWARE, "internal", "A command is too long for AGI.");
    for (int i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    line[n] = '\n';
    return send_line(agi, deadline, line, (size_t)n + 1, err)
           && (agi->ended || read_reply(agi, deadline, reply, err));
}

bool idb_agi_quote(char *out, size_t size, const char *text)
{
    size_t n = 0;

    if (size < 3)
        return false;
    out[n++] = '"';
    for (const char *p = text; *p; p++) {
        bool escaped = *p == '"' || *p == '\\';

        if (n + escaped + 3 > size)
            return false;
        if (escaped)
            out[n++] = '\\';
        out[n++] = *p;
    }
    out[n++] = '"';
    out[n] = '\0';
    return true;
}
