/*
 * The Asterisk Gateway Interface, one dialogue: an environment of lines, then one
 * command and its reply at a time. A local script and FastAGI (a connection on
 * standard input and output) are the same.
 *
 *     struct idb_agi agi;
 *     struct idb_agi_reply reply;
 *     idb_agi_open(&agi, STDIN_FILENO, STDOUT_FILENO);
 *     if (!idb_agi_environment(&agi, 10000, take, ctx, err)) ...
 *     if (!idb_agi_ask(&agi, 10000, &reply, err, "ANSWER")) ...
 *     if (agi.hung_up) ...
 *     idb_agi_close(&agi);
 *
 * - A hang-up is no error. It shows as a bare line HANGUP anywhere between lines,
 *   as SIGHUP, as reply 511, or as the end of the stream; from then on hung_up is
 *   true, and commands that a dead channel takes may still be asked.
 * - A second command is never sent before the first has its reply.
 * - What is no AGI fails closed: a line over IDB_AGI_LINE_MAX, a NUL, too many
 *   lines, anything but a reply where one is due. After a failure, and after the
 *   stream has ended, nothing more is said or read.
 */
#ifndef IDB_AGI_H
#define IDB_AGI_H

#include "error.h"

#include <stddef.h>

#define IDB_AGI_LINE_MAX    8192 /* bytes of a line that comes in, its end included */
#define IDB_AGI_LINES_MAX   256  /* lines of the environment, or of one reply */
#define IDB_AGI_COMMAND_MAX 1024 /* bytes of a command; what is longer is our own mistake */
#define IDB_AGI_RESULT_SIZE 72
#define IDB_AGI_DEAD_MS     2000 /* how long the reply to a command may take after a hang-up */

struct idb_agi {
    int in, out;
    bool hung_up; /* the caller is gone */
    bool ended;   /* nothing more can be said or read */
    bool begun;   /* something was read */
    bool eof;
    size_t start, end; /* what was read and not yet taken */
    char buffer[IDB_AGI_LINE_MAX];
};

struct idb_agi_reply {
    int code; /* 200, 510, 511, 520; 0 when the stream ended before it came */
    char result[IDB_AGI_RESULT_SIZE]; /* what stands behind "result=", "" when nothing does */
    bool timeout;                     /* "(timeout)" stands behind it */
};

/* Sets agi up and lets SIGHUP end a wait. SIGPIPE must be ignored. */
void idb_agi_open(struct idb_agi *agi, int in, int out);

/* Reads the environment, to its empty line, within limit_ms; take gets each name
 * and value and may refuse. IDB_DATA "bad_agi", IDB_UNAVAILABLE "agi_silent", or
 * take's own error. Nothing at all before the end of the stream is a hang-up. */
bool idb_agi_environment(struct idb_agi *agi, int limit_ms,
                         bool (*take)(void *ctx, const char *name, const char *value,
                                      struct idb_error *err),
                         void *ctx, struct idb_error *err);

/* Sends one command, its line end added, and waits for its reply. Control
 * characters in it become blanks, for a line end would begin a second command.
 * True with reply->code 0 when the stream has ended. IDB_DATA "bad_agi",
 * IDB_UNAVAILABLE "agi_silent". */
bool idb_agi_ask(struct idb_agi *agi, int limit_ms, struct idb_agi_reply *reply,
                 struct idb_error *err, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Takes in what has come unasked, without waiting: sets hung_up. */
void idb_agi_look(struct idb_agi *agi);

/* text as one argument: in quotes, with a backslash before quote and backslash.
 * False when it does not fit into size. */
bool idb_agi_quote(char *out, size_t size, const char *text);

/* Wipes what was read. */
void idb_agi_close(struct idb_agi *agi);

#endif
