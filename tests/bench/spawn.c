/*
 * Times processes from start to exit, taking turns: A B C A B C …
 *
 *     spawn NAME COUNT INPUT COMMAND [ARG…] [-- NAME COUNT INPUT COMMAND …]
 *
 * Run i of a command reads the file INPUT.i (five digits, from 00000), or
 * /dev/null where INPUT is -; what it writes is added to NAME.out. A command
 * with fewer runs than another has them spread over the same time. Prints one
 * JSON object: milliseconds by name, cpu being processor time. A run that does not exit with 0 ends
 * it all.
 */
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8

struct command {
    const char *name;
    const char *input;
    char **argv;
    long count;
    long done;
    double *ms;
    double *cpu; /* ms of processor time, children's children included */
};

extern char **environ;

static void fail(const char *name, const char *what)
{
    fprintf(stderr, "spawn: %s: %s\n", name, what);
    exit(70);
}

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double cpu_ms(const struct rusage *used)
{
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1e3
           + (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e3;
}

static int open_or_fail(const struct command *c, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd == -1)
        fail(c->name, path);
    return fd;
}

static void run(struct command *c)
{
    posix_spawn_file_actions_t files;
    struct rusage used;
    char path[PATH_MAX];
    double start;
    int in, out, status;
    pid_t pid;

    snprintf(path, sizeof path, "%s.%05ld", c->input, c->done);
    in = open_or_fail(c, strcmp(c->input, "-") == 0 ? "/dev/null" : path, O_RDONLY);
    snprintf(path, sizeof path, "%s.out", c->name);
    out = open_or_fail(c, path, O_WRONLY | O_CREAT | O_APPEND);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    start = now_ms();
    if (posix_spawn(&pid, c->argv[0], &files, NULL, c->argv, environ) != 0)
        fail(c->name, "cannot be started");
    if (wait4(pid, &status, 0, &used) != pid)
        fail(c->name, "cannot be waited for");
    c->ms[c->done] = now_ms() - start;
    c->cpu[c->done++] = cpu_ms(&used);
    posix_spawn_file_actions_destroy(&files);
    close(in);
    close(out);
    if (status != 0)
        fail(c->name, "did not exit with 0; see its .out");
}

/* Takes one command's words; returns those behind its --. */
static char **read_command(struct command *c, char **word)
{
    if (!word[0] || !word[1] || !word[2] || !word[3])
        fail("usage", "NAME COUNT INPUT COMMAND [ARG…] [-- …]");
    c->name = word[0];
    c->count = strtol(word[1], NULL, 10);
    c->input = word[2];
    c->argv = &word[3];
    if (c->count > 0) {
        c->ms = calloc((size_t)c->count, sizeof *c->ms);
        c->cpu = calloc((size_t)c->count, sizeof *c->cpu);
    }
    if (!c->ms || !c->cpu)
        fail(c->name, "COUNT is not a number above 0");
    for (word += 4; *word && strcmp(*word, "--") != 0; word++)
        continue;
    if (!*word)
        return word;
    *word = NULL;
    return word + 1;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts, and takes the middle. */
static double median(double *ms, size_t n)
{
    qsort(ms, n, sizeof *ms, compare);
    return (ms[(n - 1) / 2] + ms[n / 2]) / 2;
}

static void report(struct command *c, const char *before)
{
    size_t n = (size_t)c->count;
    double middle = median(c->ms, n);

    printf("%s\"%s\":{\"n\":%zu,\"min\":%.4f,\"median\":%.4f,\"p95\":%.4f,\"cpu\":%.4f}", before,
           c->name, n, c->ms[0], middle, c->ms[(n * 95 - 1) / 100], median(c->cpu, n));
    free(c->ms);
    free(c->cpu);
}

int main(int argc, char **argv)
{
    struct command command[COMMANDS_MAX] = { 0 };
    char **word = argv + (argc > 0);
    long rounds = 0;
    size_t n = 0;

    do
        word = read_command(&command[n++], word);
    while (*word && n < COMMANDS_MAX);
    for (size_t k = 0; k < n; k++)
        rounds = command[k].count > rounds ? command[k].count : rounds;
    for (long i = 1; i <= rounds; i++)
        for (size_t k = 0; k < n; k++)
            if (i * command[k].count / rounds > command[k].done)
                run(&command[k]);
    for (size_t k = 0; k < n; k++)
        report(&command[k], k == 0 ? "{" : ",");
    printf("}\n");
    return 0;
}
