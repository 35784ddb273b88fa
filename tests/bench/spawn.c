/*
 * Times processes from start to exit, taking turns: A B C A B C …
 *
 *     spawn NAME COUNT INPUT COMMAND [ARG…] [-- NAME COUNT INPUT COMMAND …]
 *
 * Run i of a command reads the file INPUT.i (five digits, from 00000), or
 * /dev/null where INPUT is -; what it writes is added to NAME.out. A command
 * with fewer runs than another has them spread over the same time. Times go to NAME.ms.
 * Prints one JSON object: milliseconds by name, cpu being processor time,
 * kb the most memory of a run. A run that does not exit with 0 ends it all.
 */
#include "samples.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS_MAX 8

struct command {
    const char *name;
    const char *input;
    char **argv;
    long count;
    long done;
    struct samples ms;
    struct samples cpu; /* ms of processor time, children's children included */
    long kb;            /* the most memory one of them had */
};

extern char **environ;

static double cpu_ms(const struct rusage *used)
{
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1e3
           + (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e3;
}

static int open_or_bench_fail(const struct command *c, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd == -1)
        bench_fail(c->name, path);
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
    in = open_or_bench_fail(c, strcmp(c->input, "-") == 0 ? "/dev/null" : path, O_RDONLY);
    snprintf(path, sizeof path, "%s.out", c->name);
    out = open_or_bench_fail(c, path, O_WRONLY | O_CREAT | O_APPEND);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    start = bench_now_ms();
    if (posix_spawn(&pid, c->argv[0], &files, NULL, c->argv, environ) != 0)
        bench_fail(c->name, "cannot be started");
    if (wait4(pid, &status, 0, &used) != pid)
        bench_fail(c->name, "cannot be waited for");
    samples_add(&c->ms, bench_now_ms() - start);
    samples_add(&c->cpu, cpu_ms(&used));
    c->kb = used.ru_maxrss > c->kb ? used.ru_maxrss : c->kb;
    c->done++;
    posix_spawn_file_actions_destroy(&files);
    close(in);
    close(out);
    if (status != 0)
        bench_fail(c->name, "did not exit with 0; see its .out");
}

/* Takes one command's words; returns those behind its --. */
static char **read_command(struct command *c, char **word)
{
    if (!word[0] || !word[1] || !word[2] || !word[3])
        bench_fail("usage", "NAME COUNT INPUT COMMAND [ARG…] [-- …]");
    c->name = word[0];
    c->count = strtol(word[1], NULL, 10);
    c->input = word[2];
    c->argv = &word[3];
    if (c->count < 1)
        bench_fail(c->name, "COUNT is not a number above 0");
    for (word += 4; *word && strcmp(*word, "--") != 0; word++)
        continue;
    if (!*word)
        return word;
    *word = NULL;
    return word + 1;
}

static void report(struct command *c, const char *before)
{
    double cpu = samples_median(&c->cpu);

    printf("%s", before);
    samples_report(&c->ms, c->name);
    printf(",\"cpu\":%.4f,\"kb\":%ld}", cpu, c->kb);
    free(c->cpu.ms);
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
