#include "handlers.h"

static const char help[] =
    "usage: idb-verify [--config=FILE] [--line=LINE | --client]\n"
    "\n"
    "Checks codes keyed in on the telephone: one JSON request a line on standard\n"
    "input, one JSON line in answer to each.\n"
    "\n"
    "  {\"code\":\"4821093471\",\"call_id\":\"c-1\",\"caller\":\"+31612345678\"}\n"
    "  {\"result\":\"accepted\",\"session\":\"…\",\"purpose\":\"status\",\"attempts_left\":3}\n"
    "\n"
    "result: accepted mistyped wrong expired used throttled call_bound call_ended\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE    the line acted for, where the configuration has several\n"
    "  --client       the line of who calls by HTTP, for scripts that are CGI\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 accepted, 1 refused, else see idb-verify(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "line", required_argument, NULL, 'l' },
                                         { "client", no_argument, NULL, 'C' },
                                         { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-verify", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_PHONE,
    .mac_only = true,
    .part = &idb_handle_verify_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
