#include "handlers.h"

#include <string.h>

static const char help[] =
    "usage: idb-end [--config=FILE] [--line=LINE | --client] [--zone=phone|desk]\n"
    "\n"
    "Ends calls and sessions: one JSON request a line on standard input, one JSON\n"
    "line in answer to each.\n"
    "\n"
    "  {\"call_id\":\"c-1\"}   the call hung up (phone), or the agent is done (desk)\n"
    "  {\"cookies\":\"…\"}     the resident stops\n"
    "  {\"result\":\"ended\"}  or wrap_up: an agent has opened it and may finish\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE    the line acted for, where the configuration has several\n"
    "  --client       the line of who calls by HTTP, for scripts that are CGI\n"
    "  --zone=ZONE    phone (the default) or desk: who ends it\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 ended or wrap_up, 1 refused, else see idb-end(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "line", required_argument, NULL, 'l' },
                                         { "client", no_argument, NULL, 'C' },
                                         { "zone", required_argument, NULL, 'z' },
                                         { 0 } };

static bool set(void *settings, int option, const char *value, struct idb_error *err)
{
    struct idb_app *app = settings;

    if (option != 'z')
        return idb_app_set(settings, option, value, err);
    app->zone = !strcmp(value, "desk") ? IDB_DESK : IDB_PHONE;
    return app->zone == IDB_DESK || !strcmp(value, "phone")
           || idb_fail(err, IDB_USAGE, "usage", "--zone is phone or desk.");
}

static const struct idb_app_program program = {
    .tool = { .name = "idb-end", .help = help, .options = options, .set = set },
    .zone = IDB_PHONE,
    .mac_only = true,
    .part = &idb_handle_end_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
