/*
 * A program's first and last act: hardening, options, answer, exit.
 *
 *     static const struct idb_tool tool = { .name = "idb-x", .help = help,
 *                                           .options = options, .set = set };
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct idb_error err = { 0 };
 *         json_t *answer = NULL;
 *         bool ok = idb_tool_start(&tool, argc, argv, &settings, &err)
 *                   && run(&settings, &answer, &err);
 *         return idb_tool_finish(&tool, answer, &err);
 *     }
 */
#ifndef IDB_TOOL_H
#define IDB_TOOL_H

#include "error.h"

#include <getopt.h>

#define IDB_WORDS_MAX 8 /* words beside options that a program may take */

struct idb_tool {
    const char *name;
    const char *help;             /* what --help prints: one screen */
    const struct option *options; /* getopt_long's, closed by zeros; may be NULL */
    /* Takes one option (its val) or, with option 1, one word. May be NULL: then
     * there is nothing but --help and --version. Fails with IDB_USAGE. */
    bool (*set)(void *settings, int option, const char *value, struct idb_error *err);
};

/* In this order: environment cut to an allow-list, no core file, not dumpable,
 * SIGPIPE ignored, the three standard descriptors checked (a closed standard
 * input or output is IDB_UNAVAILABLE "output" before anything is done), JSON
 * memory that is wiped when freed, syslog opened; then options are read.
 * --help and --version print and return false with err->exit IDB_OK. */
bool idb_tool_start(const struct idb_tool *tool, int argc, char **argv, void *settings,
                    struct idb_error *err);

/* The same without reading options, for a program that is called as CGI. */
bool idb_tool_harden(const struct idb_tool *tool, struct idb_error *err);

/* Prints answer (taken over, may be NULL) as one line on standard output, or,
 * when there is none and err is set, the error as JSON; then, when err->exit is
 * neither 0 nor 1, one line "name: message" on standard error, or in syslog
 * where standard error is the same file as standard output. Returns the exit
 * code, IDB_UNAVAILABLE when standard output could not be written. */
int idb_tool_finish(const struct idb_tool *tool, json_t *answer, struct idb_error *err);

/* Prints answer as one compact line; idb_tool_flush() sends it. */
bool idb_tool_print(const json_t *answer, struct idb_error *err);

/* Flushes what was printed; IDB_UNAVAILABLE "output" when that fails. */
bool idb_tool_flush(struct idb_error *err);

/* The line on standard error or in syslog described above. */
void idb_tool_complain(const struct idb_tool *tool, const struct idb_error *err);

/* A whole number from min to max, digits only; else IDB_USAGE "usage". */
bool idb_tool_number(long *number, const char *option, const char *value, long min, long max,
                     struct idb_error *err);

#endif
