#include "purge.h"

static const char help[] =
    "usage: idb-purge [--config=FILE] [--dry-run]\n"
    "\n"
    "Ends sessions that are past their time, erases what is left of them from every\n"
    "file of the store and deletes old rows. For cron, every minute; safe beside\n"
    "live traffic. Reads nothing; prints one JSON line.\n"
    "\n"
    "  {\"expired\":2,\"erased\":3,\"deleted\":{…},\"pending_erasure\":false}\n"
    "\n"
    "  --config=FILE  instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --dry-run      only says how many sessions are past their time\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 75 erased bytes still stand in the log, else see idb-purge(8).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "dry-run", no_argument, NULL, 'n' },
                                         { 0 } };

struct settings {
    struct idb_app app;
    bool dry_run;
};

static bool set(void *settings, int option, const char *value, struct idb_error *err)
{
    struct settings *s = settings;

    if (option != 'n')
        return idb_app_set(&s->app, option, value, err);
    s->dry_run = true;
    return true;
}

static const struct idb_tool tool = {
    .name = "idb-purge", .help = help, .options = options, .set = set
};

int main(int argc, char **argv)
{
    struct settings s = { .app = { .actor = "purge" } };
    struct idb_error err = { 0 };
    json_t *answer = NULL;

    if (idb_tool_start(&tool, argc, argv, &s, &err) && idb_app_configure(&s.app, &err)
        && idb_app_open_store(&s.app, &err)) {
        if (s.dry_run)
            idb_purge_count(&s.app, &answer, &err);
        else
            idb_purge(&s.app, &answer, &err);
    }
    idb_app_close(&s.app);
    return idb_tool_finish(&tool, answer, &err);
}
