/*
 * A web server on a free port of the loopback address, in a process of its own,
 * that answers every request alike.
 *
 *     struct responder r;
 *     responder_start(&r, answer, strlen(answer));
 *     ... r.url ... responder_asked(&r, request, sizeof request);
 *     responder_stop(&r);
 */
#ifndef RESPONDER_H
#define RESPONDER_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct responder {
    pid_t pid;
    int requests; /* what was asked can be read here */
    char url[64]; /* http://127.0.0.1:PORT */
};

/* Reads a request whole and copies it. */
static inline void responder_read(int client, int to)
{
    char text[65536];
    size_t n = 0;
    size_t wanted = 0;

    while (n < sizeof text - 1 && (!wanted || n < wanted)) {
        ssize_t got = read(client, text + n, sizeof text - 1 - n);
        const char *end;
        const char *length;

        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strcasestr(text, "\r\nContent-Length:");
        if (end)
            wanted = (size_t)(end - text) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
    }
    if (write(to, text, n) != (ssize_t)n)
        _exit(1);
}

static inline void responder_serve(int listener, int to, const char *answer, size_t size)
{
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(listener, NULL, NULL);

        if (client == -1)
            _exit(1);
        responder_read(client, to);
        for (size_t have = 0; have < size;) {
            ssize_t n = write(client, answer + have, size - have);

            if (n <= 0)
                break;
            have += (size_t)n;
        }
        shutdown(client, SHUT_WR);
        close(client);
    }
}

static inline void responder_start(struct responder *r, const char *answer, size_t size)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t n = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ends[2];

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves nobody behind */
        responder_serve(listener, ends[1], answer, size);
        _exit(0);
    }
    close(listener);
    close(ends[1]);
    r->requests = ends[0];
    fcntl(r->requests, F_SETFL, O_NONBLOCK);
}

/* What was asked since, as text; "" for nothing. */
static inline void responder_asked(const struct responder *r, char *text, size_t size)
{
    ssize_t n = read(r->requests, text, size - 1);

    text[n > 0 ? n : 0] = '\0';
}

static inline void responder_stop(struct responder *r)
{
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    close(r->requests);
}

#endif
