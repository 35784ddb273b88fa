#include "handlers.h"

static const char help[] =
    "usage: idb-transfer [--config=FILE] [--line=LINE | --client]\n"
    "\n"
    "Moves a verification along with a transferred call: one JSON request a line\n"
    "on standard input, one JSON line in answer to each.\n"
    "\n"
    "  {\"call_id\":\"c-1\",\"to_call_id\":\"c-2\"}\n"
    "  {\"result\":\"transferred\",\"session\":\"…\",\"purpose\":\"status\"}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE    the line acted for, where the configuration has several\n"
    "  --client       the line of who calls by HTTP, for scripts that are CGI\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 transferred, 1 refused, else see idb-transfer(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "line", required_argument, NULL, 'l' },
                                         { "client", no_argument, NULL, 'C' },
                                         { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-transfer", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_PHONE,
    .mac_only = true,
    .part = &idb_handle_transfer_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
