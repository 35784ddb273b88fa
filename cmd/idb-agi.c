#include "dialogue.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

static const char help[] =
    "usage: idb-agi [--config=FILE] [--line=LINE] [--prompts=PREFIX] [--lang=nl|en]\n"
    "\n"
    "Asks a caller for the code and checks it: one AGI or FastAGI dialogue with\n"
    "Asterisk on standard input and output. The dialplan then reads\n"
    "\n"
    "  IDB_RESULT   accepted not_identified closed unavailable hangup\n"
    "  IDB_QUEUE    where the call belongs, when accepted\n"
    "  IDB_PURPOSE  what it is about, when accepted\n"
    "  IDB_SESSION  the session's id, when accepted\n"
    "  IDB_LANG     nl en\n"
    "\n"
    "  --config=FILE     instead of $IDB_CONFIG or /etc/idb/idb.json\n"
    "  --line=LINE       the line acted for, where the configuration has several\n"
    "  --prompts=PREFIX  prompts are PREFIX/LANG/NAME; idb by default\n"
    "  --lang=LANG       where the channel's language is neither nl nor en; nl\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 identified, 1 not, else see idb-agi(1).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "line", required_argument, NULL, 'l' },
                                         { "prompts", required_argument, NULL, 'p' },
                                         { "lang", required_argument, NULL, 'g' },
                                         { 0 } };

struct settings {
    struct idb_app app;
    struct idb_dialogue_settings dialogue;
};

/* A file name that needs no quotes in a command. */
static bool is_prefix(const char *text)
{
    size_t n = strlen(text);

    return n > 0 && n <= 255
           && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")
                  == n;
}

static bool set(void *ctx, int option, const char *value, struct idb_error *err)
{
    struct settings *s = ctx;

    switch (option) {
    case 'p':
        s->dialogue.prompts = value;
        return is_prefix(value)
               || idb_fail(err, IDB_USAGE, "usage",
                           "--prompts is 1 to 255 letters, digits, dots, hyphens, underscores and"
                           " slashes.");
    case 'g':
        s->dialogue.lang = value;
        return !strcmp(value, "nl") || !strcmp(value, "en")
               || idb_fail(err, IDB_USAGE, "usage", "--lang is nl or en.");
    default:
        return idb_app_set(&s->app, option, value, err);
    }
}

static const struct idb_tool tool = {
    .name = "idb-agi", .help = help, .options = options, .set = set
};

static const struct idb_app_part part = { .keys = IDB_KEY_CODE | IDB_KEY_BIND, .repeatable = true };
static const struct idb_app_program program = { .zone = IDB_PHONE,
                                                .part = &part,
                                                .mac_only = true };

int main(int argc, char **argv)
{
    struct settings s = { .app = { .program = &program, .zone = IDB_PHONE },
                          .dialogue = { .prompts = "idb", .lang = "nl" } };
    struct idb_error err = { 0 };

    /* Wrong options are told as by every program: no dialogue has begun. From then on
     * standard output is Asterisk's alone. */
    if (!idb_tool_start(&tool, argc, argv, &s, &err))
        return idb_tool_finish(&tool, NULL, &err);
    if (!idb_dialogue_run(&s.app, &s.dialogue, STDIN_FILENO, STDOUT_FILENO, &err))
        syslog(LOG_ERR, "%s: %s", err.code, err.message);
    idb_app_close(&s.app);
    return (int)err.exit;
}
