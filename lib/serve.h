/*
 * One process that serves many connections: what has arrived on all of them is one
 * group (service.h), answered after its commit. No connection waits for another's
 * bytes, only for its turn.
 *
 *     struct idb_door doors[] = { { .fd = 3, .part = verify } };
 *     struct idb_serve serve = { .service = &service, .doors = doors, .n = 1, … };
 *     idb_serve_run(&serve, &err);   // until SIGTERM
 *
 * - A connection is closed when it ended, failed, or brought nothing whole for idle_s
 *   seconds. Where there are as many as may be, the one that has been silent longest
 *   makes room.
 * - From a connection whose answers are not read nothing more is taken.
 * - One that is gone before its requests were handled is not served: they were not done.
 */
#ifndef IDB_SERVE_H
#define IDB_SERVE_H

#include "cgi.h"
#include "scgi.h"
#include "service.h"
#include "tool.h"

#include <sys/types.h>

/* What answers a request, and how that is read from SCGI. */
struct idb_serve_part {
    const char *name;
    struct idb_cgi cgi;
};

/* A listening socket. part answers its JSON lines; NULL: it brings SCGI, and the part
 * is found by name. */
struct idb_door {
    int fd;
    const struct idb_serve_part *part;
};

/* Whose request it is: what the service's turn() is given. */
struct idb_asker {
    const struct idb_serve_part *part;
    bool cgi;
    bool known; /* peer is the user at the other end, of this machine (SO_PEERCRED) */
    uid_t peer;
    struct idb_scgi *scgi; /* for idb_serve_turn() */
};

/* For the service's turn(): what idb_cgi_variable() gives is now of this asker. */
void idb_serve_turn(const struct idb_asker *asker);

struct idb_serve {
    const struct idb_tool *tool;
    const struct idb_service *service;
    const struct idb_door *doors;
    size_t n;
    long connections; /* at once */
    long idle_s;
    /* The part of that name, the last one of SCRIPT_NAME, or NULL. */
    const struct idb_serve_part *(*find)(void *ctx, const char *name);
    /* Called with the service's ctx when nothing waits, at least every 20 s, and a second
     * after a group; *done is false when it wants to be called again a second later. */
    bool (*rest)(void *ctx, bool *done, struct idb_error *err);
    /* Called after SIGHUP, between two groups. */
    bool (*reload)(void *ctx, struct idb_error *err);
};

/* Runs until SIGTERM or SIGINT: then nothing more is read, what was read whole is
 * answered, and answers are sent for at most five seconds. What goes wrong on the way
 * is reported as idb_tool_complain() does. False when it cannot begin. */
bool idb_serve_run(const struct idb_serve *serve, struct idb_error *err);

#endif
