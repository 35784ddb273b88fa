/*
 * Times processes of which so many run at once, as long as there are requests:
 *
 *     crowd NAME WORKERS COMMAND [ARG…] <REQUESTS
 *
 * Each process has a line of its own on standard input; what it writes is added to
 * NAME.out. When it has ended its worker starts another. Times, in milliseconds, go to
 * NAME.ms. Prints one JSON object; least and most are the processes of the
 * worker that got the fewest and of the one that got the most. A process that does not
 * exit with 0 ends it all.
 */
#include "samples.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 256
#define LINE_SIZE   4096 /* a pipe holds as much without anybody reading */

struct worker {
    pid_t pid;
    double began;
    long done;
};

struct crowd {
    const char *name;
    char **argv;
    int out;
    struct worker worker[WORKERS_MAX];
    long workers;
    long running;
    struct samples samples;
};

extern char **environ;

/* Starts a process on the next line of standard input, if there is one. */
static void start(struct crowd *c, struct worker *w)
{
    posix_spawn_file_actions_t files;
    char line[LINE_SIZE];
    int in[2];

    w->pid = 0;
    if (!fgets(line, sizeof line, stdin))
        return;
    if (pipe2(in, O_CLOEXEC) == -1 || write(in[1], line, strlen(line)) != (ssize_t)strlen(line))
        bench_fail(c->name, "has no pipe");
    close(in[1]);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, c->out, STDOUT_FILENO);
    w->began = bench_now_ms();
    if (posix_spawn(&w->pid, c->argv[0], &files, NULL, c->argv, environ) != 0)
        bench_fail(c->name, "cannot be started");
    posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    c->running++;
}

static void wait_for_one(struct crowd *c)
{
    int status;
    pid_t pid = wait(&status);
    double now = bench_now_ms();

    if (pid == -1 || status != 0)
        bench_fail(c->name, "did not exit with 0; see its .out");
    for (long i = 0; i < c->workers; i++)
        if (c->worker[i].pid == pid) {
            samples_add(&c->samples, now - c->worker[i].began);
            c->worker[i].done++;
            c->running--;
            start(c, &c->worker[i]);
            return;
        }
}

static void report(struct crowd *c, double took_ms)
{
    long least = LONG_MAX, most = 0;

    for (long i = 0; i < c->workers; i++) {
        least = c->worker[i].done < least ? c->worker[i].done : least;
        most = c->worker[i].done > most ? c->worker[i].done : most;
    }
    printf("{");
    samples_report(&c->samples, c->name);
    printf(",\"a_second\":%.1f,\"least\":%ld,\"most\":%ld}}\n",
           (double)c->samples.n * 1e3 / took_ms, least, most);
}

int main(int argc, char **argv)
{
    struct crowd c = { 0 };
    char path[PATH_MAX];
    double began;

    if (argc < 4)
        bench_fail("usage", "crowd NAME WORKERS COMMAND [ARG…] <REQUESTS");
    c.name = argv[1];
    c.workers = strtol(argv[2], NULL, 10);
    c.argv = &argv[3];
    snprintf(path, sizeof path, "%s.out", c.name);
    c.out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (c.workers < 1 || c.workers > WORKERS_MAX || c.out == -1)
        bench_fail(c.name, "WORKERS is a number from 1 to 256, and .out a file");
    began = bench_now_ms();
    for (long i = 0; i < c.workers; i++)
        start(&c, &c.worker[i]);
    while (c.running > 0)
        wait_for_one(&c);
    report(&c, bench_now_ms() - began);
    return 0;
}
