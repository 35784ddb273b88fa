#include "handlers.h"

static const char help[] =
    "usage: idb-issue [--config=FILE] [--attest=WHO]\n"
    "\n"
    "Issues a code: for an offer that a login made and the resident agreed to, or\n"
    "for what a trusted party states. One JSON request a line on standard input,\n"
    "one JSON line in answer to each.\n"
    "\n"
    "  {\"offer\":\"…\",\"cookies\":\"…\",\"consent\":true}\n"
    "  {\"purpose\":\"…\",\"attributes\":{…},\"auth\":{\"method\":\"…\",\"level\":\"…\"}}\n"
    "  {\"session\":\"…\",\"ticket\":\"…\",\"code\":\"…\",\"number\":\"…\",\"cookies\":[…]}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --attest=WHO   who states it; must stand under issue.attest\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 issued, 1 refused, else see idb-issue(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "attest", required_argument, NULL, 'a' },
                                         { 0 } };

static bool set(void *settings, int option, const char *value, struct idb_error *err)
{
    struct idb_app *app = settings;

    if (option != 'a')
        return idb_app_set(settings, option, value, err);
    app->attest = value;
    return true;
}

static const struct idb_app_program program = {
    .tool = { .name = "idb-issue", .help = help, .options = options, .set = set },
    .zone = IDB_WEB,
    .part = &idb_handle_issue_part,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
