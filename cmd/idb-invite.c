#include "handlers.h"

static const char help[] =
    "usage: idb-invite [--config=FILE]\n"
    "\n"
    "Makes invitations for letters and e-mails: one JSON request a line on standard\n"
    "input, one JSON line in answer to each.\n"
    "\n"
    "  "
    "{\"purpose\":\"status\",\"reference\":\"Z-2026-1\",\"person\":\"999990019\",\"qr\":\"svg\"}\n"
    "  "
    "{\"code\":\"BC4RT-Z7KMP\",\"address\":\"https://…/"
    "i\",\"expires_at\":\"…\",\"qr_svg\":\"…\",…}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 made, 65 a bad request, else see idb-invite(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-invite", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_INVITE,
    .part = &idb_handle_invite_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
