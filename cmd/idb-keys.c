#include "config.h"
#include "keyfile.h"
#include "timestamp.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOUR_MS        (60 * 60 * INT64_C(1000))
#define OLDER_THAN_MAX (24 * 366)

struct settings {
    const char *config;
    bool human;
    long older_than; /* hours */
    const char *word[IDB_WORDS_MAX];
    int words;
};

struct command {
    const char *name;
    bool (*run)(const struct settings *, const struct idb_config *, json_t **answer,
                struct idb_error *);
    int least, most; /* further words */
    const char *takes;
};

/* The last serves invitations, which live for months: rotated only by name. */
static const char *const names[] = { "browser", "code", "bind", "issue", "seal", "invite" };

enum { NAMES = sizeof names / sizeof names[0], OF_SESSIONS = NAMES - 1 };

static const char help[] =
    "usage: idb-keys [--config=FILE] create\n"
    "       idb-keys [--config=FILE] list [--human]\n"
    "       idb-keys [--config=FILE] rotate [--older-than=HOURS] [NAME...]\n"
    "       idb-keys [--config=FILE] token LINE\n"
    "       idb-keys [--config=FILE] revoke ID\n"
    "\n"
    "Makes, lists and rotates the key files of the zones.\n"
    "\n"
    "  create            make every key file that is missing\n"
    "  list              show the files and their keys, without key material\n"
    "  rotate            a new key for each NAME (browser, code, bind, issue, seal:\n"
    "                    these without one; or invite), and destroy old keys\n"
    "  token             a new bearer token for LINE, shown once: for an exchange\n"
    "  revoke            take the token with that ID away\n"
    "\n"
    "  --config=FILE     configuration (else $IDB_CONFIG, else /etc/idb/idb.json)\n"
    "  --human           a table, also when standard output is no terminal\n"
    "  --older-than=HOURS  rotate only what is older\n"
    "  --help, --version\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "human", no_argument, NULL, 'h' },
                                         { "older-than", required_argument, NULL, 'o' },
                                         { 0 } };

static bool set(void *to, int option, const char *value, struct idb_error *err)
{
    struct settings *settings = to;

    if (option == 'c')
        settings->config = value;
    else if (option == 'h')
        settings->human = true;
    else if (option == 'o')
        return idb_tool_number(&settings->older_than, "older-than", value, 0, OLDER_THAN_MAX, err);
    else
        settings->word[settings->words++] = value;
    return true;
}

static bool create(const struct settings *settings, const struct idb_config *config,
                   json_t **answer, struct idb_error *err)
{
    int made = 0;

    (void)settings;
    if (!idb_keyfile_create(config, idb_timestamp_now(), &made, err))
        return false;
    *answer = json_pack("{s:i}", "made", made);
    return true;
}

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "-";
}

static void print_file(const json_t *file)
{
    const json_t *keys = json_object_get(file, "keys");
    char path[64];

    snprintf(path, sizeof path, "%s/%s", text_of(file, "zone"), text_of(file, "file"));
    printf("%-18s %-8s %-20s %-5s ", path, text_of(file, "type"), text_of(file, "owner"),
           text_of(file, "mode"));
    if (!keys)
        printf("%s: %s\n", text_of(file, "error"), text_of(file, "message"));
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);

        printf("%*s%s  %s  %s\n", i == 0 ? 0 : 55, "", text_of(key, "id"),
               text_of(key, "created_at"), text_of(key, "readable_until"));
    }
}

static void print_table(const json_t *files)
{
    printf("%-18s %-8s %-20s %-5s %-16s  %-24s  %s\n", "FILE", "TYPE", "OWNER", "MODE", "KEY",
           "CREATED", "READABLE UNTIL");
    for (size_t i = 0; i < json_array_size(files); i++)
        print_file(json_array_get(files, i));
}

/* The list stands; that a file in it is not in order is in the exit code too. */
static bool check_files(const json_t *files, struct idb_error *err)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        const char *word = text_of(file, "error");

        if (json_object_get(file, "error"))
            return idb_fail(err, strcmp(word, "key_unreadable") == 0 ? IDB_NOPERM : IDB_CONFIG,
                            "keys_not_in_order", "%s", text_of(file, "message"));
    }
    return true;
}

static bool list(const struct settings *settings, const struct idb_config *config, json_t **answer,
                 struct idb_error *err)
{
    json_t *files = NULL;
    bool ok = false;

    if (!idb_keyfile_list(config, &files, err))
        return false;
    ok = check_files(files, err);
    if (settings->human || isatty(STDOUT_FILENO)) {
        print_table(files);
        json_decref(files);
    } else
        *answer = files;
    return ok;
}

/* Each name is tried, whatever became of the one before: a name that cannot be
 * rotated must not keep another's old keys alive. The gravest error stays. */
static bool rotate(const struct settings *settings, const struct idb_config *config,
                   json_t **answer, struct idb_error *err)
{
    const char *const *chosen = settings->words > 1 ? &settings->word[1] : names;
    int n = settings->words > 1 ? settings->words - 1 : OF_SESSIONS;
    json_t *rotated = json_array();
    int destroyed = 0;

    for (int i = 0; i < n; i++) {
        struct idb_error one = { 0 };
        bool is_new = false;
        int gone = 0;

        if (!idb_keyfile_rotate(config, chosen[i], settings->older_than * HOUR_MS,
                                idb_timestamp_now(), &is_new, &gone, &one)
            && idb_exit_graver(err->exit, one.exit) != err->exit)
            *err = one;
        if (is_new)
            json_array_append_new(rotated, json_string(chosen[i]));
        destroyed += gone;
    }
    *answer = json_pack("{s:o, s:i}", "rotated", rotated, "destroyed", destroyed);
    if (err->exit != IDB_OK)
        json_object_update_new(*answer, idb_error_json(err));
    return err->exit == IDB_OK;
}

static bool new_token(const struct settings *settings, const struct idb_config *config,
                      json_t **answer, struct idb_error *err)
{
    return idb_keyfile_token(config, settings->word[1], idb_timestamp_now(), answer, err);
}

static bool revoke_token(const struct settings *settings, const struct idb_config *config,
                         json_t **answer, struct idb_error *err)
{
    return idb_keyfile_revoke(config, settings->word[1], answer, err);
}

static const struct command commands[] = {
    { "create", create, 0, 0, "no further words" },
    { "list", list, 0, 0, "no further words" },
    { "rotate", rotate, 0, NAMES, "at most six names" },
    { "token", new_token, 1, 1, "a line" },
    { "revoke", revoke_token, 1, 1, "the id of a token" },
};

/* The command that the words name; NULL when they name none. */
static const struct command *find_command(const struct settings *settings, struct idb_error *err)
{
    const char *name = settings->words > 0 ? settings->word[0] : "";

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    idb_fail(err, IDB_USAGE, "usage",
             "Say create, list, rotate, token or revoke. Try 'idb-keys --help'.");
    return NULL;
}

static bool check_words(const struct settings *settings, const struct command *command,
                        struct idb_error *err)
{
    int further = settings->words - 1;

    if (further < command->least || further > command->most)
        return idb_fail(err, IDB_USAGE, "usage", "%s takes %s. Try 'idb-keys --help'.",
                        command->name, command->takes);
    for (int i = 1; command->run == rotate && i < settings->words; i++) {
        bool known = false;

        for (int j = 0; j < NAMES; j++)
            known = known || strcmp(names[j], settings->word[i]) == 0;
        if (!known)
            return idb_fail(err, IDB_USAGE, "usage",
                            "There is no key of that name; there are browser, code, bind, issue, "
                            "seal and invite.");
    }
    return true;
}

static bool run(const struct settings *settings, json_t **answer, struct idb_error *err)
{
    const struct command *command = find_command(settings, err);
    struct idb_config *config = NULL;
    bool ok = false;

    if (!command || !check_words(settings, command, err)
        || !idb_config_load(&config, idb_config_path(settings->config), err))
        return false;
    ok = command->run(settings, config, answer, err);
    idb_config_free(config);
    return ok;
}

static const struct idb_tool tool = {
    .name = "idb-keys", .help = help, .options = options, .set = set
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
