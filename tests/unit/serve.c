/* serve.h: what cannot be had of the whole program at will: a load that never ends. */
/* wrap: ppoll */
#include "serve.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS_MAX 100

static int rounds;
static int reloads;
static int signals[2]; /* raised in the first rounds */

int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *mask);
int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *mask);

/* As where something is always ready: no signal is let in. */
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *mask)
{
    static const struct timespec at_once = { 0, 0 };

    (void)ts;
    (void)mask;
    if (rounds < 2 && signals[rounds])
        raise(signals[rounds]);
    if (++rounds == ROUNDS_MAX)
        fail_msg("The signal is not taken.");
    return __real_ppoll(fds, n, &at_once, NULL);
}

static bool no_rest(void *ctx, bool *done, struct idb_error *err)
{
    (void)ctx;
    (void)err;
    *done = true;
    return true;
}

static bool count_reload(void *ctx, struct idb_error *err)
{
    (void)ctx;
    (void)err;
    reloads++;
    return true;
}

static void signals_under_load(void **state)
{
    static const struct idb_tool tool = { .name = "serve" };
    struct idb_service service = { 0 };
    struct sockaddr_un any = { .sun_family = AF_UNIX };
    struct idb_door door = { .fd = socket(AF_UNIX, SOCK_STREAM, 0) };
    struct idb_serve serve = { .tool = &tool,
                               .service = &service,
                               .doors = &door,
                               .n = 1,
                               .connections = 1,
                               .idle_s = 1,
                               .rest = no_rest,
                               .reload = count_reload };
    struct idb_error err = { 0 };

    (void)state;
    assert_int_equal(bind(door.fd, (struct sockaddr *)&any, sizeof any.sun_family), 0);
    assert_int_equal(listen(door.fd, 1), 0);
    signals[0] = SIGHUP;
    signals[1] = SIGTERM;
    assert_true(idb_serve_run(&serve, &err));
    assert_int_equal(reloads, 1);
    assert_int_equal(rounds, 2);
    close(door.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(signals_under_load) };

    return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
