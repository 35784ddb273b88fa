#include "handlers.h"
#include "serve.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DOORS_MAX   IDB_WORDS_MAX
#define LISTEN_FROM 3 /* sd_listen_fds(3) */

static const char help[] =
    "usage: idb-serve [--config=FILE] [--line=LINE] [--zone=ZONE]\n"
    "                 [--connections=N] [--idle=SECONDS] [WHAT ...]\n"
    "\n"
    "One process of a zone that serves many connections: what several programs\n"
    "do, without starting one for each, and with one commit for many requests.\n"
    "\n"
    "WHAT is what a listening socket carries, one word for each socket:\n"
    "  verify, end …  JSON lines, as idb-verify, idb-end … take them\n"
    "  scgi           SCGI from a web server, for all programs of the zone\n"
    "Sockets come from inetd (wait) as standard input, or from systemd, where\n"
    "FileDescriptorName= stands for WHAT.\n"
    "\n"
    "  --config=FILE    instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE      the line acted for, where the configuration has several\n"
    "  --zone=ZONE      phone (as without it): verify transfer end;\n"
    "                   web: issue status renew confirm end; desk: lookup end\n"
    "  --connections=N  at once (256)\n"
    "  --idle=SECONDS   after which a silent connection is closed (300)\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 when asked to stop, else see idb-serve(8).\n";

static const struct option options[] = {
    { "config", required_argument, NULL, 'c' }, { "line", required_argument, NULL, 'l' },
    { "zone", required_argument, NULL, 'z' },   { "connections", required_argument, NULL, 'n' },
    { "idle", required_argument, NULL, 'i' },   { 0 }
};

/* A part and the zones it is served in. */
struct offered {
    const struct idb_app_part *part;
    unsigned zones;
};

enum { PHONE = 1 << IDB_PHONE, WEB = 1 << IDB_WEB, DESK = 1 << IDB_DESK };

static const struct offered offered[] = {
    { &idb_handle_verify_part, PHONE },
    { &idb_handle_transfer_part, PHONE },
    { &idb_handle_end_part, PHONE | WEB | DESK },
    { &idb_handle_issue_part, WEB },
    { &idb_handle_status_part, WEB },
    { &idb_handle_renew_part, WEB },
    { &idb_handle_confirm_part, WEB },
    { &idb_handle_lookup_part, DESK },
};
#define OFFERED (sizeof offered / sizeof offered[0])

/* What the command line says, and the app that serves. app comes first, for idb_app_set(). */
struct settings {
    struct idb_app app;
    long connections;
    long idle;
    const char *what[DOORS_MAX];
    size_t n;
};

static bool is_served(const struct idb_app *app, const struct offered *o)
{
    return o->zones & 1U << app->zone;
}

static const struct idb_app_part *part_of(const struct idb_app *app, const char *name)
{
    for (size_t i = 0; i < OFFERED; i++)
        if (is_served(app, &offered[i]) && !strcmp(offered[i].part->served.name, name))
            return offered[i].part;
    return NULL;
}

static bool set_zone(enum idb_zone *zone, const char *name, struct idb_error *err)
{
    static const enum idb_zone zones[] = { IDB_PHONE, IDB_WEB, IDB_DESK };

    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (!strcmp(name, idb_zone_name(zones[i]))) {
            *zone = zones[i];
            return true;
        }
    return idb_fail(err, IDB_USAGE, "usage", "--zone is phone, web or desk.");
}

static bool set(void *context, int option, const char *value, struct idb_error *err)
{
    struct settings *s = context;

    switch (option) {
    case 'z':
        return set_zone(&s->app.zone, value, err);
    case 'n':
        return idb_tool_number(&s->connections, "connections", value, 1, 10000, err);
    case 'i':
        return idb_tool_number(&s->idle, "idle", value, 1, 86400, err);
    case 1:
        s->what[s->n++] = value; /* at most IDB_WORDS_MAX */
        return true;
    default:
        return idb_app_set(&s->app, option, value, err);
    }
}

/* ---- the service ---- */

static void turn(void *ctx, const void *from)
{
    struct idb_app *app = ctx;

    app->asker = from;
    app->cgi = app->asker->cgi;
    app->line = NULL;
    app->agent[0] = '\0';
    idb_serve_turn(app->asker);
}

static bool handle(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    struct idb_app *app = ctx;
    const struct idb_app_part *part = (const struct idb_app_part *)app->asker->part;

    return part->handle(app, request, answer, err);
}

static bool is_repeatable(void *ctx, const void *from)
{
    const struct idb_asker *asker = from;

    (void)ctx;
    return ((const struct idb_app_part *)asker->part)->repeatable;
}

static const struct idb_serve_part *find(void *ctx, const char *name)
{
    const struct idb_app_part *part = part_of(ctx, name);

    return part ? &part->served : NULL;
}

/* Erased bytes leave the write-ahead log. What cannot be opened each request says. */
static bool rest(void *ctx, bool *done, struct idb_error *err)
{
    struct idb_app *app = ctx;
    struct idb_error ignored = { 0 };

    *done = true;
    if (!idb_app_configure(app, &ignored) || !idb_app_open_store(app, &ignored))
        return true;
    return idb_store_checkpoint(app->store, done, err);
}

static bool reload(void *ctx, struct idb_error *err)
{
    return idb_app_reload(ctx, err);
}

/* ---- the sockets ---- */

/* systemd's names, where there are no words: it hands sockets down in no order of ours. */
static void take_names(struct settings *s)
{
    static char names[256];
    const char *given = getenv("LISTEN_FDNAMES");
    char *rest = names;
    char *name;

    if (s->n > 0 || !given || strlen(given) >= sizeof names)
        return;
    memcpy(names, given, strlen(given) + 1);
    while (s->n < DOORS_MAX && (name = strsep(&rest, ":")))
        s->what[s->n++] = name;
}

static bool sockets(const struct settings *s, int *from, struct idb_error *err)
{
    const char *pid = getenv("LISTEN_PID");
    const char *fds = getenv("LISTEN_FDS");
    bool systemd = pid && fds && strtol(pid, NULL, 10) == getpid();
    long count = systemd ? strtol(fds, NULL, 10) : 1;

    *from = systemd ? LISTEN_FROM : STDIN_FILENO;
    if (s->n == 0)
        return idb_fail(err, IDB_USAGE, "usage", "Say what the socket carries: verify, scgi, …");
    return count == (long)s->n
           || idb_fail(err, IDB_USAGE, "usage",
                       "%ld sockets were handed down, and %zu words say what they carry.", count,
                       s->n);
}

static bool is_listening(int fd)
{
    socklen_t size = sizeof(int);
    int listens = 0;

    return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) && listens;
}

/* An abstract socket has neither owner nor mode: everybody on the machine can connect. */
static bool is_in_file_system(int fd)
{
    struct sockaddr_un at = { 0 };
    socklen_t size = sizeof at;

    return !getsockname(fd, (struct sockaddr *)&at, &size) && at.sun_family == AF_UNIX
           && size > offsetof(struct sockaddr_un, sun_path) && at.sun_path[0] != '\0';
}

static bool open_door(struct idb_door *door, const struct settings *s, const char *what,
                      unsigned *keys, struct idb_error *err)
{
    const struct idb_app_part *part = part_of(&s->app, what);
    bool scgi = !strcmp(what, "scgi");

    if (!part && !scgi)
        return idb_fail(err, IDB_USAGE, "usage", "Zone %s has no %s to serve; see --help.",
                        idb_zone_name(s->app.zone), what);
    if (!is_listening(door->fd))
        return idb_fail(err, IDB_USAGE, "usage",
                        "Descriptor %d is no listening socket; let inetd (wait) or systemd"
                        " (Accept=no) start this.",
                        door->fd);
    if (scgi && !is_in_file_system(door->fd))
        return idb_fail(err, IDB_USAGE, "usage",
                        "SCGI says who is logged in, so it is taken only from a socket of the file"
                        " system, which has an owner.");
    door->part = part ? &part->served : NULL;
    for (size_t i = 0; i < OFFERED; i++)
        if (offered[i].part == part || (scgi && is_served(&s->app, &offered[i])))
            *keys |= offered[i].part->keys;
    return true;
}

static bool open_doors(struct idb_door *doors, struct settings *s, unsigned *keys,
                       struct idb_error *err)
{
    int from;

    take_names(s);
    if (!sockets(s, &from, err))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        doors[i].fd = from + (int)i;
        if (!open_door(&doors[i], s, s->what[i], keys, err))
            return false;
    }
    return true;
}

/* A descriptor for each connection, and some for the store and its keys. */
static bool allow_descriptors(long connections, struct idb_error *err)
{
    rlim_t need = (rlim_t)connections + 64;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= need)
        return true;
    limit.rlim_cur = need;
    return limit.rlim_max >= need && setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? true
               : idb_fail(err, IDB_USAGE, "usage",
                          "So many connections need %lu open files, and this user may have %lu.",
                          (unsigned long)need, (unsigned long)limit.rlim_max);
}

int main(int argc, char **argv)
{
    static struct idb_app_part all; /* what all parts together need */
    static const struct idb_app_program program = {
        .tool = { .name = "idb-serve", .help = help, .options = options, .set = set },
        .part = &all,
    };
    static struct settings s = { .app = { .program = &program, .zone = IDB_PHONE },
                                 .connections = 256,
                                 .idle = 300 };
    struct idb_service service = idb_app_service(&s.app, handle);
    struct idb_door doors[DOORS_MAX] = { 0 };
    struct idb_serve serve = { .tool = &program.tool,
                               .service = &service,
                               .doors = doors,
                               .find = find,
                               .rest = rest,
                               .reload = reload };
    struct idb_error err = { 0 };
    bool ok = idb_tool_start(&program.tool, argc, argv, &s, &err)
              && open_doors(doors, &s, &all.keys, &err) && allow_descriptors(s.connections, &err);

    service.turn = turn;
    service.is_repeatable = is_repeatable;
    serve.n = s.n;
    serve.connections = s.connections;
    serve.idle_s = s.idle;
    if (ok && !idb_serve_run(&serve, &err))
        idb_tool_complain(&program.tool, &err);
    else if (!ok)
        idb_tool_finish(&program.tool, NULL, &err);
    idb_app_close(&s.app);
    return (int)err.exit;
}
