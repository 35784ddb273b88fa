#include "tool.h"

#include "mac.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

extern char **environ;

/* What a program may read from its environment; all else is cut off, so that
 * neither a library nor a child is steered by it. */
static const char *const allowed[] = {
    "IDB_CONFIG",
    "PATH",
    "TZ",
    "TERM",
    "SUDO_USER",
    "REMOTE_USER",
    "AUTH_TYPE",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "GATEWAY_INTERFACE",
    "REQUEST_METHOD",
    "HTTP_COOKIE",
    "PATH_INFO",
    "HTTP_AUTHORIZATION",
    "HTTP_ORIGIN",
    "HTTP_HOST",
    "HTTP_SEC_FETCH_DEST",
    "REMOTE_ADDR",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_SEC_PURPOSE",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
};

static bool is_allowed(const char *entry)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        size_t n = strlen(allowed[i]);

        if (!strncmp(entry, allowed[i], n) && entry[n] == '=')
            return true;
    }
    return false;
}

static void cut_environment(void)
{
    char **to = environ;

    for (char **from = environ; *from; from++)
        if (is_allowed(*from))
            *to++ = *from;
    *to = NULL;
}

static void no_traces(void)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static bool check_descriptors(struct idb_error *err)
{
    if (fcntl(STDIN_FILENO, F_GETFD) == -1 || fcntl(STDOUT_FILENO, F_GETFD) == -1)
        return idb_fail(err, IDB_UNAVAILABLE, "output",
                        "Standard input or output is closed; open both. Nothing was done.");
    if (fcntl(STDERR_FILENO, F_GETFD) == -1 && open("/dev/null", O_WRONLY) == -1)
        return idb_fail(err, IDB_UNAVAILABLE, "output", "Cannot open /dev/null.");
    return true;
}

static void *json_alloc(size_t size)
{
    return malloc(size);
}

/* Requests and answers hold codes and personal data: none stays on the heap. */
static void json_release(void *p)
{
    if (p)
        idb_wipe(p, malloc_usable_size(p));
    free(p);
}

bool idb_tool_harden(const struct idb_tool *tool, struct idb_error *err)
{
    sigset_t alarm;

    cut_environment();
    no_traces();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM); /* a parent may have blocked it, and it ends our waits */
    sigprocmask(SIG_UNBLOCK, &alarm, NULL);
    if (!check_descriptors(err))
        return false;
    json_set_alloc_funcs(json_alloc, json_release);
    openlog(tool->name, LOG_PID, LOG_AUTHPRIV);
    return true;
}

static bool usage(const struct idb_tool *tool, const char *what, struct idb_error *err)
{
    return idb_fail(err, IDB_USAGE, "usage", "Option or word not understood: %s. Try '%s --help'.",
                    what, tool->name);
}

enum { OPTION_HELP = 256, OPTION_VERSION };

/* The tool's own options and the two that all have. */
static size_t all_options(const struct idb_tool *tool, struct option *all, size_t max)
{
    static const struct option common[] = { { "help", no_argument, NULL, OPTION_HELP },
                                            { "version", no_argument, NULL, OPTION_VERSION } };
    size_t n = 0;

    for (const struct option *o = tool->options; o && o->name && n < max - 3; o++)
        all[n++] = *o;
    all[n++] = common[0];
    all[n++] = common[1];
    memset(&all[n], 0, sizeof all[n]);
    return n;
}

static bool one_option(const struct idb_tool *tool, int c, const char *word, void *settings,
                       struct idb_error *err)
{
    if (c == OPTION_HELP || c == OPTION_VERSION) {
        if (c == OPTION_HELP)
            fputs(tool->help, stdout);
        else
            printf("%s %s\n", tool->name, IDB_VERSION);
        err->exit = IDB_OK;
        return false;
    }
    if (c == '?' || c == ':' || !tool->set)
        return usage(tool, word ? word : "an option without its value", err);
    return tool->set(settings, c, optarg, err);
}

static bool read_options(const struct idb_tool *tool, int argc, char **argv, void *settings,
                         struct idb_error *err)
{
    struct option all[32];
    int c;

    all_options(tool, all, sizeof all / sizeof all[0]);
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", all, NULL)) != -1)
        if (!one_option(tool, c, argv[optind - 1], settings, err))
            return false;
    for (int i = optind; i < argc; i++)
        if (!tool->set || i - optind >= IDB_WORDS_MAX)
            return usage(tool, argv[i], err);
        else if (!tool->set(settings, 1, argv[i], err))
            return false;
    return true;
}

bool idb_tool_start(const struct idb_tool *tool, int argc, char **argv, void *settings,
                    struct idb_error *err)
{
    return idb_tool_harden(tool, err) && read_options(tool, argc, argv, settings, err);
}

static bool same_file(int a, int b)
{
    struct stat sa, sb;

    return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

void idb_tool_complain(const struct idb_tool *tool, const struct idb_error *err)
{
    /* inetd joins the two: there a line would land among the answers. A
     * terminal joins them too, and there the line is wanted. */
    if (same_file(STDERR_FILENO, STDOUT_FILENO) && !isatty(STDERR_FILENO))
        syslog(LOG_ERR, "%s: %s", err->code, err->message);
    else
        fprintf(stderr, "%s: %s\n", tool->name, err->message);
}

bool idb_tool_flush(struct idb_error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return idb_fail(err, IDB_UNAVAILABLE, "output", "Cannot write the answer: %s.",
                    strerror(errno));
}

bool idb_tool_print(const json_t *answer, struct idb_error *err)
{
    if (json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) || putchar('\n') == EOF)
        return idb_fail(err, IDB_UNAVAILABLE, "output", "Cannot write the answer: %s.",
                        strerror(errno));
    return true;
}

int idb_tool_finish(const struct idb_tool *tool, json_t *answer, struct idb_error *err)
{
    struct idb_error output = { 0 };

    if (!answer && err->exit != IDB_OK)
        answer = idb_error_json(err);
    if (((answer && !idb_tool_print(answer, &output)) || !idb_tool_flush(&output))
        && (err->exit == IDB_OK || err->exit == IDB_REFUSED))
        *err = output;
    json_decref(answer);
    if (err->exit != IDB_OK && err->exit != IDB_REFUSED)
        idb_tool_complain(tool, err);
    return (int)err->exit;
}

bool idb_tool_number(long *number, const char *option, const char *value, long min, long max,
                     struct idb_error *err)
{
    char *end = NULL;

    errno = 0;
    *number = value[0] >= '0' && value[0] <= '9' ? strtol(value, &end, 10) : 0;
    if (!end || *end || errno || *number < min || *number > max)
        return idb_fail(err, IDB_USAGE, "usage", "--%s wants a whole number from %ld to %ld.",
                        option, min, max);
    return true;
}
