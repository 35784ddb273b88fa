#include "serve.h"

#include "buffer.h"
#include "lines.h"
#include "scgi.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GROUP_MAX 256 /* requests answered in one transaction */
#define EACH_MAX  64  /* of one connection */
#define REST_MS   20000
#define SOON_MS   1000
#define LAST_MS   5000 /* for sending, once asked to stop */

struct connection {
    int fd;
    struct idb_lines *lines; /* one of the two */
    struct idb_scgi *scgi;
    struct idb_asker asker;
    struct idb_buffer out;
    size_t sent;   /* bytes of out */
    int64_t since; /* ms: when it last had something whole to say */
    const char *status;
    bool waits;  /* whole requests may be left in what was read */
    bool closed; /* nothing more is to be read, or to be sent */
    bool broken;
};

struct state {
    const struct idb_serve *serve;
    struct connection *connection; /* n of them, most at the most */
    size_t n;
    size_t most;
    size_t turn; /* whose requests are taken first */
    struct pollfd *poll;
    struct idb_exchange x[GROUP_MAX];
    struct connection *of[GROUP_MAX]; /* whose x is */
    size_t group;
    int64_t now;     /* ms */
    int64_t rest_at; /* ms */
    int64_t rested;  /* ms */
};

static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t reload_asked;

static void on_signal(int signal)
{
    if (signal == SIGHUP)
        reload_asked = 1;
    else
        stop_asked = 1;
}

/* Signals arrive while waiting, and then only. */
static void take_signals(sigset_t *waiting)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t mine;

    sigemptyset(&mine);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaddset(&mine, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &mine, waiting);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigdelset(waiting, signals[i]);
}

/* ppoll() does so only where nothing is ready, which under load may be never. */
static void let_signals_in(const sigset_t *waiting)
{
    sigset_t mine;

    sigprocmask(SIG_SETMASK, waiting, &mine);
    sigprocmask(SIG_SETMASK, &mine, NULL);
}

static int64_t clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void complain(const struct state *s, const struct idb_error *err)
{
    if (err->exit != IDB_OK && err->exit != IDB_REFUSED)
        idb_tool_complain(s->serve->tool, err);
}

/* ---- connections come and go ---- */

static void close_connection(struct connection *c)
{
    close(c->fd);
    idb_lines_free(c->lines);
    idb_scgi_free(c->scgi);
    idb_buffer_free(&c->out);
}

/* Nothing of it is still to be answered or sent. */
static bool is_idle(const struct connection *c)
{
    return !c->waits && c->out.size == 0;
}

/* Closes the connection that has been silent longest. */
static bool make_room(struct state *s)
{
    struct connection *oldest = NULL;

    for (size_t i = 0; i < s->n; i++)
        if (is_idle(&s->connection[i]) && (!oldest || s->connection[i].since < oldest->since))
            oldest = &s->connection[i];
    if (!oldest)
        return false;
    close_connection(oldest);
    *oldest = s->connection[--s->n];
    return true;
}

static void who_connects(struct idb_asker *asker, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int domain = 0;
    socklen_t domain_size = sizeof domain;

    asker->known = !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size)
                   && domain == AF_UNIX && !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (asker->known)
        asker->peer = peer.uid;
}

static void receive(struct connection *c)
{
    struct idb_error err = { 0 };

    /* Who is not there any more need not be told. */
    c->broken |=
        c->lines ? !idb_lines_read(c->lines, c->fd, &err) : !idb_scgi_read(c->scgi, c->fd, &err);
    c->waits = true;
}

static void add_connection(struct state *s, const struct idb_door *door, int fd)
{
    static const int on = 1;
    struct connection *c = &s->connection[s->n];

    memset(c, 0, sizeof *c);
    c->fd = fd;
    c->since = s->now;
    c->asker.part = door->part;
    c->asker.cgi = !door->part;
    who_connects(&c->asker, fd);
    if (door->part)
        c->lines = idb_lines_new();
    else
        c->scgi = c->asker.scgi = idb_scgi_new();
    if (!c->asker.known) /* a unix socket does not know it */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!c->lines && !c->scgi) {
        close(fd);
        return;
    }
    receive(c); /* it has come for something */
    s->n++;
}

/* Whether a new one can be let in. */
static bool has_room(const struct state *s)
{
    for (size_t i = 0; s->n == s->most && i < s->n; i++)
        if (is_idle(&s->connection[i]))
            return true;
    return s->n < s->most;
}

/* Room is made for one that is there, not for one that might be. */
static void accept_all(struct state *s, const struct idb_door *door)
{
    while (has_room(s)) {
        int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1 && ((errno != EMFILE && errno != ENFILE) || !make_room(s)))
            return;
        if (fd == -1)
            continue;
        if (s->n == s->most)
            make_room(s);
        add_connection(s, door, fd);
    }
}

/* ---- requests ---- */

/* The last part of an address, without what a program is called around it. */
static const struct idb_serve_part *find_part(const struct state *s, const char *script)
{
    const char *slash = strrchr(script, '/');
    const char *from = slash ? slash + 1 : script;
    size_t n;
    char name[32];

    if (!strncmp(from, "idb-", 4))
        from += 4;
    n = strlen(from);
    if (n > 4 && !strcmp(from + n - 4, ".cgi"))
        n -= 4;
    if (n >= sizeof name)
        return NULL;
    memcpy(name, from, n);
    name[n] = '\0';
    return s->serve->find(s->serve->service->ctx, name);
}

void idb_serve_turn(const struct idb_asker *asker)
{
    size_t size = 0;
    const char *body = asker->scgi ? idb_scgi_body(asker->scgi, &size) : NULL;

    idb_cgi_take(asker->scgi ? idb_scgi_variable : NULL, asker->scgi, body, size);
}

static void take_scgi(struct state *s, struct connection *c)
{
    static const struct idb_serve_part nobody = { 0 };
    struct idb_exchange *x = &s->x[s->group];
    enum idb_scgi_state state = idb_scgi_state(c->scgi);

    c->waits = false;
    c->broken |= state == IDB_SCGI_BAD;
    if (state != IDB_SCGI_DONE)
        return;
    memset(x, 0, sizeof *x);
    idb_serve_turn(&c->asker);
    c->asker.part = find_part(s, idb_cgi_variable("SCRIPT_NAME"));
    if (c->asker.part) {
        c->status = idb_cgi_read(x, &c->asker.part->cgi);
    } else {
        c->asker.part = &nobody;
        c->status = "404 Not Found";
        idb_fail(&x->err, IDB_DATA, "unknown_program", "No program answers at this address.");
    }
    x->from = &c->asker;
    s->of[s->group++] = c;
    c->closed = true;
}

static void take_lines(struct state *s, struct connection *c, size_t each)
{
    size_t room = GROUP_MAX - s->group;
    size_t most = room < each ? room : each;
    size_t n = idb_lines_take(c->lines, &s->x[s->group], most);

    c->waits = n == most;
    c->closed = idb_lines_ended(c->lines);
    for (size_t i = 0; i < n; i++, s->group++) {
        s->x[s->group].from = &c->asker;
        s->of[s->group] = c;
    }
}

/* Up to so many of each, from the one whose turn it is on; the next in turn is the first
 * that nothing was taken of. */
static void take_some(struct state *s, size_t each)
{
    size_t i;

    for (i = 0; i < s->n && s->group < GROUP_MAX; i++) {
        struct connection *c = &s->connection[(s->turn + i) % s->n];
        size_t before = s->group;

        if (!c->waits || c->broken || c->out.size > 0)
            continue;
        if (c->lines)
            take_lines(s, c, each);
        else
            take_scgi(s, c);
        if (s->group > before)
            c->since = s->now;
    }
    s->turn += i;
}

/* What has arrived: one of each first, so that a single request does not stand behind
 * everything that others have sent. */
static void take_all(struct state *s)
{
    take_some(s, 1);
    take_some(s, EACH_MAX - 1);
}

static void answer_all(struct state *s)
{
    if (s->group == 0)
        return;
    idb_service_run(s->serve->service, s->x, s->group);
    for (size_t i = 0; i < s->group; i++) {
        struct connection *c = s->of[i];
        struct idb_exchange *x = &s->x[i];

        complain(s, &x->err);
        if (c->lines ? !idb_buffer_json(&c->out, x->answer)
                     : !idb_cgi_write(&c->out, &c->asker.part->cgi, c->status, x))
            c->broken = true;
        idb_exchange_clear(x);
    }
    idb_cgi_take(NULL, NULL, NULL, 0);
    s->group = 0;
    if (s->rest_at > s->now + SOON_MS)
        s->rest_at =
            s->rested + REST_MS < s->now + SOON_MS ? s->rested + REST_MS : s->now + SOON_MS;
}

/* ---- answers ---- */

static void transmit(struct state *s, struct connection *c)
{
    while (c->sent < c->out.size) {
        ssize_t n = send(c->fd, c->out.bytes + c->sent, c->out.size - c->sent, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            c->broken |= errno != EAGAIN;
            return;
        }
        c->sent += (size_t)n;
        c->since = s->now;
    }
    c->sent = 0;
    idb_buffer_clear(&c->out);
}

static void transmit_all(struct state *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->connection[i].out.size > 0 && !s->connection[i].broken)
            transmit(s, &s->connection[i]);
}

static void close_ended(struct state *s)
{
    int64_t idle = s->now - s->serve->idle_s * 1000;

    for (size_t i = s->n; i-- > 0;) {
        struct connection *c = &s->connection[i];

        if (!c->broken && c->since > idle && !(c->closed && is_idle(c)))
            continue;
        close_connection(c);
        *c = s->connection[--s->n];
    }
}

/* ---- the loop ---- */

static bool work_is_left(const struct state *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->connection[i].waits && s->connection[i].out.size == 0)
            return true;
    return false;
}

static int wait_ms(const struct state *s)
{
    int64_t until = s->rest_at;

    if (work_is_left(s))
        return 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->connection[i].since + s->serve->idle_s * 1000 < until)
            until = s->connection[i].since + s->serve->idle_s * 1000;
    return until > s->now ? (int)(until - s->now) : 0;
}

/* Waits for bytes, or room for them, and reads what has come. */
static bool wait_and_read(struct state *s, int ms, bool stopping, const sigset_t *signals)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
    size_t doors = stopping || !has_room(s) ? 0 : s->serve->n;
    size_t n = 0;

    for (size_t i = 0; i < doors; i++)
        s->poll[n++] = (struct pollfd){ .fd = s->serve->doors[i].fd, .events = POLLIN };
    for (size_t i = 0; i < s->n; i++) {
        const struct connection *c = &s->connection[i];
        short events = c->out.size > 0 ? POLLOUT : c->closed || c->waits || stopping ? 0 : POLLIN;

        s->poll[n++] = (struct pollfd){ .fd = c->fd, .events = events };
    }
    if (ppoll(s->poll, n, &ts, signals) == -1)
        return errno == EINTR;
    let_signals_in(signals);
    s->now = clock_ms();
    for (size_t i = 0; i < s->n; i++) {
        short got = s->poll[doors + i].revents;

        if (got & (POLLERR | POLLHUP | POLLNVAL))
            s->connection[i].broken = true;
        else if (got & POLLIN)
            receive(&s->connection[i]);
    }
    for (size_t i = 0; i < doors; i++)
        if (s->poll[i].revents & POLLIN)
            accept_all(s, &s->serve->doors[i]);
    return true;
}

static void rest(struct state *s)
{
    struct idb_error err = { 0 };
    bool done = true;

    if (s->now < s->rest_at || (work_is_left(s) && s->now < s->rested + REST_MS))
        return;
    if (!s->serve->rest(s->serve->service->ctx, &done, &err))
        complain(s, &err);
    s->rested = s->now;
    s->rest_at = s->now + (done ? REST_MS : SOON_MS);
}

static void reload(struct state *s)
{
    struct idb_error err = { 0 };

    reload_asked = 0;
    if (!s->serve->reload(s->serve->service->ctx, &err))
        complain(s, &err);
}

static void answer_and_close(struct state *s)
{
    take_all(s);
    answer_all(s);
    transmit_all(s);
    close_ended(s);
}

/* What was begun is finished; who does not read it is left after a while. */
static void finish(struct state *s, const sigset_t *signals)
{
    int64_t end = s->now + LAST_MS;
    bool sending = true;

    while (sending && s->now < end) {
        answer_and_close(s);
        sending = work_is_left(s);
        for (size_t i = 0; i < s->n; i++)
            sending |= s->connection[i].out.size > 0;
        if (sending && !wait_and_read(s, work_is_left(s) ? 0 : (int)(end - s->now), true, signals))
            return;
        s->now = clock_ms();
    }
}

static bool prepare(struct state *s, struct idb_error *err)
{
    for (size_t i = 0; i < s->serve->n; i++) {
        int flags = fcntl(s->serve->doors[i].fd, F_GETFL);

        if (flags == -1 || fcntl(s->serve->doors[i].fd, F_SETFL, flags | O_NONBLOCK) == -1)
            return idb_fail(err, IDB_UNAVAILABLE, "input", "A listening socket cannot be used: %s.",
                            strerror(errno));
    }
    s->most = (size_t)s->serve->connections;
    s->connection = calloc(s->most, sizeof *s->connection);
    s->poll = calloc(s->most + s->serve->n, sizeof *s->poll);
    return (s->connection && s->poll) || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

bool idb_serve_run(const struct idb_serve *serve, struct idb_error *err)
{
    struct state *s = calloc(1, sizeof *s);
    sigset_t signals;
    bool ok;

    if (!s)
        return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    s->serve = serve;
    take_signals(&signals);
    s->now = s->rest_at = clock_ms();
    ok = prepare(s, err);
    while (ok && !stop_asked) {
        rest(s);
        ok = wait_and_read(s, wait_ms(s), false, &signals)
             || idb_fail(err, IDB_UNAVAILABLE, "input", "Cannot wait for requests: %s.",
                         strerror(errno));
        if (reload_asked)
            reload(s);
        answer_and_close(s);
    }
    finish(s, &signals);
    for (size_t i = 0; i < s->n; i++)
        close_connection(&s->connection[i]);
    free(s->connection);
    free(s->poll);
    free(s);
    return ok;
}
