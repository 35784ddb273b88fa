/*
 * Moves the clock of the programs under test: preloaded before libc, it adds
 * $CLOCK_OFFSET_MS to the time of day. With $CLOCK_FILE the time of day is what that
 * file holds, milliseconds in 8 bytes, and stands still until somebody writes another:
 * a process that is kept follows. libfaketime cannot do this here, for it reads its
 * settings at the first call, when the programs have already cut their environment;
 * this one reads them while it is loaded.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset_ms;
static _Atomic long long *shared_ms;

/* A clock that cannot be had must not be the real one. */
static void share(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    void *at = mmap(NULL, sizeof *shared_ms, PROT_READ, MAP_SHARED, fd, 0);

    if (fd == -1 || at == MAP_FAILED)
        abort();
    close(fd);
    shared_ms = at;
}

__attribute__((constructor)) static void read_offset(void)
{
    const char *text = getenv("CLOCK_OFFSET_MS");
    const char *file = getenv("CLOCK_FILE");

    if (text)
        offset_ms = strtoll(text, NULL, 10);
    if (file)
        share(file);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    long long ms, ns;

    if (syscall(SYS_clock_gettime, clock, ts))
        return -1;
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return 0;
    if (shared_ms) {
        ms = atomic_load(shared_ms);
        ts->tv_sec = (time_t)(ms / 1000);
        ts->tv_nsec = (long)(ms % 1000 * 1000000);
        return 0;
    }
    ns = ts->tv_nsec + offset_ms % 1000 * 1000000 + 1000000000;
    ts->tv_sec += (time_t)(offset_ms / 1000 + ns / 1000000000 - 1);
    ts->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &ts))
        return -1;
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
    return 0;
}

time_t time(time_t *out)
{
    struct timespec ts = { 0 };

    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
