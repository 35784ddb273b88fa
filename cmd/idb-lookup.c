#include "desk_text.h"
#include "handlers.h"

static const char help[] =
    "usage: idb-lookup [--config=FILE] [--line=LINE] [--human]\n"
    "\n"
    "Opens a call for a named agent, on the record: one JSON request a line on\n"
    "standard input, one answer to each.\n"
    "\n"
    "  {\"call_id\":\"c-1\"}                    opens; masked values stay masked\n"
    "  {\"call_id\":\"c-1\",\"reveal\":[\"bsn\"]}   shows masked values\n"
    "  {\"call_id\":\"c-1\",\"peek\":true}        looks without opening\n"
    "  {\"call_id\":\"c-1\",\"hand_over\":true}   hands it over to a colleague\n"
    "  {\"open\":true}                        the calls now open, no personal data\n"
    "  {\"ticket\":\"K7M2PX\"}                  state and times of a case, for support\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE    the line, where the request names none\n"
    "  --human        answers for people instead of JSON\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 answered, 1 refused, else see idb-lookup(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "line", required_argument, NULL, 'l' },
                                         { "human", no_argument, NULL, 'h' },
                                         { 0 } };

static const struct idb_app_program program = {
    .tool = { .name = "idb-lookup", .help = help, .options = options, .set = idb_app_set },
    .zone = IDB_DESK,
    .part = &idb_handle_lookup_part,
    .human = idb_desk_text_print,
};

int main(int argc, char **argv)
{
    return idb_app_main(&program, argc, argv);
}
