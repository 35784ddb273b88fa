#include "handlers.h"

static const char help[] =
    "usage: idb-oidc-callback [--config=FILE]\n"
    "\n"
    "Takes a resident back from the login provider and offers what to agree to;\n"
    "nothing is stored. One JSON request a line on standard input, one JSON line in\n"
    "answer to each.\n"
    "\n"
    "  {\"method\":\"digid\",\"query\":\"code=…&state=…\",\"cookies\":\"…\"}\n"
    "  {\"purpose\":{…},\"method\":{…},\"auth\":{…},\"attributes\":[{\"name\":\"bsn\",\n"
    "   \"label\":\"BSN\",\"value\":\"…\"}],\"consent\":{…},\"offer\":\"…\",\"cookies\":[…]}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 logged in, 1 refused, 69 the provider is down or answers wrongly, else\n"
    "see idb-oidc-callback(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-oidc-callback", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_WEB,
    .part = &idb_handle_oidc_callback_part,
    .no_store = true,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
