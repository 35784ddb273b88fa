#include "handlers.h"

static const char help[] =
    "usage: idb-confirm [--config=FILE]\n"
    "\n"
    "Takes the resident's word on a call with their code: yes, or not me. One JSON\n"
    "request a line on standard input, one JSON line in answer to each.\n"
    "\n"
    "  {\"cookies\":\"__Host-idb-session=…\",\"confirm\":true}\n"
    "  {\"result\":\"confirmed\",\"cookies\":[]}\n"
    "\n"
    "confirm false (not me) ends and erases the session and warns the desk.\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 1 refused, else see idb-confirm(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-confirm", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_WEB,
    .part = &idb_handle_confirm_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
