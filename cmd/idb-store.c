/* idb-store(8): makes, checks, backs up, restores and moves the store. */
#include "sql.h"
#include "sqlite.h"
#include "store_admin.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: idb-store [--config=FILE] create | migrate | check [--human]\n"
    "       idb-store [--config=FILE] backup FILE | restore FILE | move NEW\n"
    "\n"
    "create   makes folder, lock file and database, or schema and roles\n"
    "migrate  brings the schema up to this program's\n"
    "check    tests rights, every page, schema and clock\n"
    "backup   copies the store into a new file, while others write\n"
    "restore  replaces the store by a backup and ends every session in it\n"
    "move     carries the store to where NEW, a configuration beside the present\n"
    "         one, says, then puts NEW in the place of that\n"
    "\n"
    "  --config=FILE  the configuration (default $IDB_CONFIG, then " IDB_CONFIG_PATH ")\n"
    "  --human        check: text, not JSON (as on a terminal)\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done, 1 refused, 65 no such backup, 75 try again, 78 not in order;\n"
    "see idb-store(8).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "human", no_argument, NULL, 'h' },
                                         { 0 } };

struct command;

struct settings {
    const char *config;
    const struct command *command;
    const char *file;
    bool human;
};

struct command {
    const char *name;
    bool wants_file;
    bool (*run)(const struct settings *settings, const struct idb_config *config, json_t **answer,
                struct idb_error *err);
};

/* Takes value over. */
static bool answer_with(json_t **answer, json_t *value, struct idb_error *err)
{
    *answer = value;
    return value ? true : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

/* The store in an answer: its file, or the address that it was asked at. */
static const char *what(const struct idb_config *config)
{
    return idb_config_on_postgresql(config) ? "url" : "file";
}

static const char *where(const struct idb_config *config)
{
    return idb_config_on_postgresql(config) ? config->store_url : idb_sqlite_path(config);
}

static bool create(const struct settings *settings, const struct idb_config *config,
                   json_t **answer, struct idb_error *err)
{
    (void)settings;
    return idb_store_engine(config)->create(config, err)
           && answer_with(answer,
                          json_pack("{s:s, s:s, s:i}", "result", "created", what(config),
                                    where(config), "schema", IDB_SCHEMA_VERSION),
                          err);
}

static bool migrate(const struct settings *settings, const struct idb_config *config,
                    json_t **answer, struct idb_error *err)
{
    int from;

    (void)settings;
    return idb_store_engine(config)->migrate(config, &from, err)
           && answer_with(answer,
                          json_pack("{s:s, s:i, s:i}", "result",
                                    from < IDB_SCHEMA_VERSION ? "migrated" : "unchanged", "from",
                                    from, "schema", IDB_SCHEMA_VERSION),
                          err);
}

static void print_report(const struct idb_config *config, json_t *report)
{
    const char *name;
    json_t *value;

    printf("%-13s %s\n", what(config), where(config));
    json_object_foreach (report, name, value) {
        if (json_is_string(value))
            printf("%-13s %s\n", name, json_string_value(value));
        else
            printf("%-13s %lld\n", name, (long long)json_integer_value(value));
    }
}

static bool check(const struct settings *settings, const struct idb_config *config, json_t **answer,
                  struct idb_error *err)
{
    json_t *report = NULL;
    bool ok = true;

    if (!idb_store_engine(config)->check(config, &report, err))
        return false;
    if (settings->human || isatty(STDOUT_FILENO)) {
        print_report(config, report);
    } else {
        ok = answer_with(answer, json_pack("{s:s}", "result", "ok"), err)
             && (json_object_update(*answer, report) == 0
                 || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory."));
    }
    json_decref(report);
    return ok;
}

static bool backup(const struct settings *settings, const struct idb_config *config,
                   json_t **answer, struct idb_error *err)
{
    return idb_store_engine(config)->backup(config, settings->file, err)
           && answer_with(
               answer, json_pack("{s:s, s:s}", "result", "backed_up", "file", settings->file), err);
}

static bool restore(const struct settings *settings, const struct idb_config *config,
                    json_t **answer, struct idb_error *err)
{
    int64_t expired;

    return idb_store_engine(config)->restore(config, settings->file, &expired, err)
           && answer_with(
               answer,
               json_pack("{s:s, s:I}", "result", "restored", "expired", (json_int_t)expired), err);
}

static bool load_next(struct idb_config **config, const char *file, struct idb_error *err)
{
    if (idb_config_load(config, file, err))
        return true;
    return strcmp(err->code, "config_missing")
               ? false
               : idb_fail(err, IDB_CONFIG, "config_missing",
                          "There is no %s. If a move took it, that has come to its end: idb-store"
                          " check tells which store is in use.",
                          file);
}

static bool move(const struct settings *settings, const struct idb_config *config, json_t **answer,
                 struct idb_error *err)
{
    struct idb_config *to = NULL;
    bool ok = load_next(&to, settings->file, err)
              && idb_store_move(config, to, idb_config_path(settings->config), settings->file, err)
              && answer_with(answer,
                             json_pack("{s:s, s:s, s:s}", "result", "moved", "from",
                                       config->store_url, "to", to->store_url),
                             err);

    idb_config_free(to);
    return ok;
}

static const struct command commands[] = {
    { "create", false, create }, { "migrate", false, migrate }, { "check", false, check },
    { "backup", true, backup },  { "restore", true, restore },  { "move", true, move }
};

static bool usage(struct idb_error *err)
{
    return idb_fail(err, IDB_USAGE, "usage",
                    "Wanted: create, migrate, check [--human], backup FILE, restore FILE or move"
                    " NEW. Try 'idb-store --help'.");
}

/* One word: the command, then its file. */
static bool set_word(struct settings *settings, const char *value, struct idb_error *err)
{
    if (settings->command) {
        if (!settings->command->wants_file || settings->file || !*value)
            return usage(err);
        settings->file = value;
        return true;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (!strcmp(value, commands[i].name))
            settings->command = &commands[i];
    return settings->command ? true : usage(err);
}

static bool set(void *to, int option, const char *value, struct idb_error *err)
{
    struct settings *settings = to;

    if (option == 1)
        return set_word(settings, value, err);
    if (option == 'c')
        settings->config = value;
    else
        settings->human = true;
    return true;
}

static bool run(const struct settings *settings, json_t **answer, struct idb_error *err)
{
    const struct command *command = settings->command;
    struct idb_config *config = NULL;
    bool ok;

    if (!command || command->wants_file != (settings->file != NULL)
        || (settings->human && command->run != check))
        return usage(err);
    ok = idb_config_load(&config, idb_config_path(settings->config), err)
         && command->run(settings, config, answer, err);
    idb_config_free(config);
    return ok;
}

static const struct idb_tool tool = {
    .name = "idb-store", .help = help, .options = options, .set = set
};

int main(int argc, char **argv)
{
    struct settings settings = { 0 };
    struct idb_error err = { 0 };
    json_t *answer = NULL;

    if (idb_tool_start(&tool, argc, argv, &settings, &err))
        run(&settings, &answer, &err);
    return idb_tool_finish(&tool, answer, &err);
}
