#include "stats.h"

#include <unistd.h>

static const char help[] =
    "usage: idb-stats [--config=FILE] [--human | --prometheus]\n"
    "\n"
    "Tells how ID Bellen is doing: sessions, codes, calls and how they ended, alarms,\n"
    "the store. Counts only, nothing of anybody. Reads no request and no key and\n"
    "changes nothing; prints one JSON line.\n"
    "\n"
    "  {\"at\":\"…\",\"sessions\":{…},\"codes\":{…},\"alarms\":{…},\"hour\":{…},…}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --human        a table for people (as on a terminal)\n"
    "  --prometheus   for the textfile collector of Prometheus' node_exporter\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 75 try again, 77 may not open the store, 78 not in order;\n"
    "see idb-stats(8).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "human", no_argument, NULL, 'h' },
                                         { "prometheus", no_argument, NULL, 'p' },
                                         { 0 } };

struct settings {
    struct idb_app app;
    bool prometheus;
};

static bool set(void *settings, int option, const char *value, struct idb_error *err)
{
    struct settings *s = settings;

    if (option != 'p' && !idb_app_set(&s->app, option, value, err))
        return false;
    s->prometheus |= option == 'p';
    return !s->prometheus || !s->app.human
           || idb_fail(err, IDB_USAGE, "usage", "Say --human or --prometheus, not both.");
}

static const struct idb_tool tool = {
    .name = "idb-stats", .help = help, .options = options, .set = set
};

int main(int argc, char **argv)
{
    struct settings s = { 0 };
    struct idb_error err = { 0 };
    json_t *answer = NULL;
    json_t *line = NULL;

    if (idb_tool_start(&tool, argc, argv, &s, &err) && idb_app_configure(&s.app, &err)
        && idb_app_open_store(&s.app, &err) && idb_stats(&s.app, &answer, &err)) {
        if (s.prometheus)
            idb_stats_print_prometheus(answer);
        else if (s.app.human || isatty(STDOUT_FILENO))
            idb_stats_print_table(answer);
        else
            line = json_incref(answer);
    }
    json_decref(answer);
    idb_app_close(&s.app);
    return idb_tool_finish(&tool, line, &err);
}
