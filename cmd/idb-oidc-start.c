#include "handlers.h"

static const char help[] =
    "usage: idb-oidc-start [--config=FILE]\n"
    "\n"
    "Begins a login: one JSON request a line on standard input, one JSON line in\n"
    "answer to each.\n"
    "\n"
    "  {\"purpose\":\"status\",\"lang\":\"nl\"}\n"
    "  {\"organisation\":{…},\"purpose\":{…},\"attributes\":[…],\"number\":\"…\",\"methods\":[…]}\n"
    "\n"
    "  {\"purpose\":\"status\",\"method\":\"digid\",\"lang\":\"nl\",\"cookies\":\"…\"}\n"
    "  {\"location\":\"https://…\",\"cookies\":[\"__Host-idb-login-…=…\"]}\n"
    "\n"
    "In place of \"purpose\", \"invitation\" takes the code of a letter or an e-mail.\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 answered, 69 the provider is down, else see idb-oidc-start(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-oidc-start", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_WEB,
    .part = &idb_handle_oidc_start_part,
    .no_store = true,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
