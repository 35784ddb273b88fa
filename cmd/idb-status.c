#include "handlers.h"

static const char help[] =
    "usage: idb-status [--config=FILE]\n"
    "\n"
    "Tells a resident's browser how its session stands: one JSON request a line on\n"
    "standard input, one JSON line in answer to each.\n"
    "\n"
    "  {\"cookies\":\"__Host-idb-session=…; __Host-idb-code=…\"}\n"
    "  {\"state\":\"called\",\"call\":{\"at\":\"…\",\"caller\":\"78\"},\"confirm\":\"notify\",…}\n"
    "\n"
    "state: issued called connected wrap_up done expired cancelled\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 answered, 1 refused (no session), else see idb-status(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-status", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_WEB,
    .part = &idb_handle_status_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
