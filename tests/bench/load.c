/*
 * Asks a server that is running, over several connections at once, as long as there are
 * requests:
 *
 *     load NAME ADDRESS CONNECTIONS WAITING ANSWER [METHOD PATH TOKENFILE] <REQUESTS
 *
 * ADDRESS is a port of 127.0.0.1, or a socket in the file system where it holds a slash;
 * a * at its end stands for the number of the connection, from 0.
 * On each connection WAITING requests are on their way; with 1 the next follows the
 * answer. Without METHOD requests and answers are lines; with it a line is the body of an
 * HTTP/1.1 request, and the token of the file goes along as bearer. Every answer must hold
 * ANSWER. SIGTERM ends it early. Times, in milliseconds, go to NAME.ms;
 * prints one JSON object.
 */
#include "samples.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define WAITING_MAX     256
#define IN_SIZE         65536
#define OUT_SIZE        131072
#define REQUEST_SIZE    2048

struct connection {
    int fd;
    char in[IN_SIZE];
    size_t n;
    double sent[WAITING_MAX]; /* when, of the requests on their way: a ring */
    size_t first;
    size_t waiting;
};

struct load {
    const char *name;
    const char *address;
    long connections;
    size_t waiting;
    const char *answer;
    const char *method; /* NULL: lines */
    const char *path;
    char token[128];
    bool no_more;
    struct samples samples;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
    ended = signal;
}

static int dial(const struct load *l, long number)
{
    static const int on = 1;
    struct sockaddr_in port = { .sin_family = AF_INET };
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    bool is_path = strchr(l->address, '/');
    int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    port.sin_port = htons((in_port_t)strtol(l->address, NULL, 10));
    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (l->address[strlen(l->address) - 1] == '*')
        snprintf(path.sun_path, sizeof path.sun_path, "%.*s%ld", (int)strlen(l->address) - 1,
                 l->address, number);
    else
        snprintf(path.sun_path, sizeof path.sun_path, "%s", l->address);
    rc = is_path ? connect(fd, (struct sockaddr *)&path, sizeof path)
                 : connect(fd, (struct sockaddr *)&port, sizeof port);
    if (fd == -1 || rc == -1)
        bench_fail(l->name, "cannot connect");
    if (!is_path)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* The next request as it goes over the wire; 0 when there is none. */
static size_t next_request(struct load *l, char *out, size_t room)
{
    char line[REQUEST_SIZE];
    int n;

    if (ended || l->no_more || !fgets(line, sizeof line, stdin)) {
        l->no_more = true;
        return 0;
    }
    if (!l->method)
        return (size_t)snprintf(out, room, "%s", line);
    line[strcspn(line, "\n")] = '\0';
    n = snprintf(out, room, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n",
                 l->method, l->path, l->token);
    if (line[0])
        n += snprintf(out + n, room - (size_t)n,
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(line));
    return (size_t)(n + snprintf(out + n, room - (size_t)n, "\r\n%s", line));
}

/* Sends as many as may be on their way, in one piece. */
static void fill_up(struct load *l, struct connection *c)
{
    static char out[OUT_SIZE];
    size_t n = 0;
    double now;
    size_t more = c->waiting;

    while (more < l->waiting && sizeof out - n > 2 * REQUEST_SIZE) {
        size_t size = next_request(l, out + n, sizeof out - n);

        if (size == 0)
            break;
        n += size;
        more++;
    }
    now = bench_now_ms();
    for (; c->waiting < more; c->waiting++)
        c->sent[(c->first + c->waiting) % WAITING_MAX] = now;
    for (size_t sent = 0; sent < n;) {
        ssize_t rc = send(c->fd, out + sent, n - sent, MSG_NOSIGNAL);

        if (rc == -1)
            bench_fail(l->name, "cannot send");
        sent += (size_t)rc;
    }
}

static const char *header(const char *in, const char *end, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = in; (at = strstr(at, "\r\n")) && at < end; at += 2)
        if (strncasecmp(at + 2, name, size) == 0)
            return at + 2 + size;
    return NULL;
}

/* The size of the answer at the start of in, or 0 when it is not whole yet. What is
 * chunked ends with the text that ends it: no answer here holds that. */
static size_t http_size(const struct load *l, const char *in)
{
    const char *body = strstr(in, "\r\n\r\n");
    const char *length, *end;
    size_t size;

    if (!body)
        return 0;
    if (strncmp(in, "HTTP/1.1 200 ", 13) != 0)
        bench_fail(l->name, in);
    length = header(in, body, "Content-Length: ");
    if (length) {
        size = (size_t)(body + 4 - in) + strtoul(length, NULL, 10);
        return strlen(in) < size ? 0 : size;
    }
    if (!header(in, body, "Transfer-Encoding: chunked"))
        bench_fail(l->name, "an answer that does not say how long it is");
    end = strstr(body, "\r\n0\r\n\r\n");
    return end ? (size_t)(end + 7 - in) : 0;
}

static size_t line_size(const char *in)
{
    const char *newline = strchr(in, '\n');

    return newline ? (size_t)(newline + 1 - in) : 0;
}

/* Takes what has arrived; a server that says so has closed. */
static void take(struct load *l, struct connection *c, long number)
{
    ssize_t rc = recv(c->fd, c->in + c->n, sizeof c->in - 1 - c->n, 0);
    double now = bench_now_ms();
    size_t at = 0, size;
    bool closes = false;

    if (rc <= 0)
        bench_fail(l->name, "was hung up on");
    c->n += (size_t)rc;
    c->in[c->n] = '\0';
    while ((size = l->method ? http_size(l, c->in + at) : line_size(c->in + at)) > 0) {
        char after = c->in[at + size];

        c->in[at + size] = '\0';
        if (!strstr(c->in + at, l->answer))
            bench_fail(l->name, c->in + at);
        closes = l->method && strstr(c->in + at, "\r\nConnection: close");
        c->in[at + size] = after;
        samples_add(&l->samples, now - c->sent[c->first]);
        c->first = (c->first + 1) % WAITING_MAX;
        c->waiting--;
        at += size;
    }
    memmove(c->in, c->in + at, c->n - at + 1);
    c->n -= at;
    if (closes) {
        close(c->fd);
        c->fd = dial(l, number);
    }
}

static void run(struct load *l, struct connection *all)
{
    struct pollfd ready[CONNECTIONS_MAX];
    size_t waiting = 0;

    for (long i = 0; i < l->connections; i++)
        all[i].fd = dial(l, i);
    for (long i = 0; i < l->connections; i++)
        fill_up(l, &all[i]);
    do {
        waiting = 0;
        for (long i = 0; i < l->connections; i++) {
            ready[i] = (struct pollfd){ .fd = all[i].waiting ? all[i].fd : -1, .events = POLLIN };
            waiting += all[i].waiting;
        }
        if (waiting > 0 && poll(ready, (nfds_t)l->connections, -1) == -1 && errno != EINTR)
            bench_fail(l->name, "cannot wait");
        for (long i = 0; waiting > 0 && i < l->connections; i++)
            if (ready[i].revents) {
                take(l, &all[i], i);
                fill_up(l, &all[i]);
            }
    } while (waiting > 0);
}

static void read_token(struct load *l, const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file || !fgets(l->token, sizeof l->token, file))
        bench_fail(l->name, "has no token");
    l->token[strcspn(l->token, "\n")] = '\0';
    fclose(file);
}

int main(int argc, char **argv)
{
    static struct connection all[CONNECTIONS_MAX];
    struct sigaction action = { .sa_handler = end };
    struct load l = { 0 };
    double began;

    if (argc != 6 && argc != 9)
        bench_fail("usage", "load NAME ADDRESS CONNECTIONS WAITING ANSWER [METHOD PATH TOKENFILE]");
    l.name = argv[1];
    l.address = argv[2];
    l.connections = strtol(argv[3], NULL, 10);
    l.waiting = strtoul(argv[4], NULL, 10);
    l.answer = argv[5];
    if (l.connections < 1 || l.connections > CONNECTIONS_MAX || l.waiting < 1
        || l.waiting > WAITING_MAX)
        bench_fail(l.name, "CONNECTIONS and WAITING are numbers from 1 to 256");
    if (argc == 9) {
        l.method = argv[6];
        l.path = argv[7];
        read_token(&l, argv[8]);
    }
    sigaction(SIGTERM, &action, NULL);
    began = bench_now_ms();
    run(&l, all);
    began = bench_now_ms() - began;
    printf("{");
    samples_report(&l.samples, l.name);
    printf(",\"a_second\":%.1f}}\n", (double)l.samples.n * 1e3 / began);
    return 0;
}
