#include "handlers.h"

static const char help[] =
    "usage: idb-renew [--config=FILE]\n"
    "\n"
    "Gives a resident's session a new code; the old one is dead. One JSON request a\n"
    "line on standard input, one JSON line in answer to each.\n"
    "\n"
    "  {\"cookies\":\"__Host-idb-session=…\"}\n"
    "  {\"session\":\"…\",\"code\":\"…\",\"cookies\":[…]}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 renewed, 1 refused, else see idb-renew(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-renew", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_WEB,
    .part = &idb_handle_renew_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
