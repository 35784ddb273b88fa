#include "app.h"

#include "mac.h"
#include "serve.h"
#include "token.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_AGE_MS 60000 /* keys whose time has passed are dropped at least this often */

struct key_file {
    enum idb_app_key key;
    const char *name; /* in web and phone */
    const char *desk; /* at the desk */
};

static const struct key_file key_files[IDB_APP_KEYS] = {
    { IDB_KEY_BROWSER, "browser.key", "browser.key" }, { IDB_KEY_CODE, "code.key", "code.key" },
    { IDB_KEY_BIND, "bind.key", "bind.key" },          { IDB_KEY_ISSUE, "issue.key", "issue.pub" },
    { IDB_KEY_SEAL, "seal.pub", "seal.key" },          { IDB_KEY_INVITE, "invite.key", NULL },
};

static struct idb_keys **key_slot(struct idb_app *app, size_t i)
{
    struct idb_keys **slots[IDB_APP_KEYS] = { &app->browser, &app->code, &app->bind,
                                              &app->issue,   &app->seal, &app->invite };

    return slots[i];
}

bool idb_app_set(void *settings, int option, const char *value, struct idb_error *err)
{
    struct idb_app *app = settings;

    switch (option) {
    case 'c':
        app->config_option = value;
        return true;
    case 'l':
        app->line_option = value;
        return true;
    case 'C':
        app->client = true;
        return true;
    case 'h':
        app->human = true;
        return true;
    default:
        return idb_fail(err, IDB_USAGE, "usage", "No words are taken beside options; try --help.");
    }
}

bool idb_app_configure(struct idb_app *app, struct idb_error *err)
{
    if (app->config)
        return true;
    if (!idb_config_load(&app->config, idb_config_path(app->config_option), err))
        return false;
    if (app->program && app->program->mac_only && !idb_config_on_postgresql(app->config))
        idb_mac_only();
    return true;
}

bool idb_app_open_store(struct idb_app *app, struct idb_error *err)
{
    if (app->store && !idb_store_is_current(app->store)) {
        idb_store_close(app->store);
        app->store = NULL;
    }
    return app->store || idb_store_open(&app->store, app->config, err);
}

/* Changes when a file is replaced, written or given other rights; 0 when it is not there. */
static int64_t file_stamp(const struct idb_app *app, enum idb_zone zone, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s/%s", app->config->keys_directory, idb_zone_name(zone), name);
    if (stat(path, &st) == -1)
        return 0;
    return (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec + (int64_t)st.st_ino;
}

/* Loads a file that is not loaded yet, that was replaced, or that is old to us. */
static bool load_key(struct idb_app *app, size_t i, int64_t now, bool old, struct idb_error *err)
{
    const struct key_file *file = &key_files[i];
    const char *name = app->zone == IDB_DESK ? file->desk : file->name;
    struct idb_keys **slot = key_slot(app, i);
    int64_t stamp = file_stamp(app, app->zone, name);

    if (*slot && !old && stamp == app->keys_stamp[i])
        return true;
    idb_keys_free(*slot);
    *slot = NULL;
    if (!idb_keys_load(slot, app->config, app->zone, name, now, err))
        return false;
    app->keys_stamp[i] = stamp;
    return true;
}

bool idb_app_invitations(struct idb_app *app, struct idb_error *err)
{
    int64_t now = idb_timestamp_now();

    for (size_t i = 0; i < IDB_APP_KEYS; i++)
        if (key_files[i].key == IDB_KEY_INVITE && !load_key(app, i, now, true, err))
            return false;
    return app->tx != IDB_TX_NONE || idb_app_open_store(app, err);
}

/* A kept process follows a rotation: a file is read anew when it was replaced
 * or when keys in it may have passed their time. */
static bool load_keys(struct idb_app *app, struct idb_error *err)
{
    int64_t now = idb_timestamp_now();
    bool old = now - app->keys_at > KEYS_AGE_MS || now < app->keys_at;

    for (size_t i = 0; i < IDB_APP_KEYS; i++)
        if ((app->program->part->keys & key_files[i].key) && !load_key(app, i, now, old, err))
            return false;
    if (old)
        app->keys_at = now;
    return true;
}

/* Read anew only where the file is another, but for one that is not there. */
static bool load_tokens(struct idb_app *app, struct idb_error *err)
{
    int64_t stamp = file_stamp(app, IDB_PHONE, IDB_TOKENS_FILE);

    if (app->tokens && stamp && stamp == app->tokens_stamp)
        return true;
    json_decref(app->tokens);
    app->tokens = idb_tokens_read(app->config, err);
    app->tokens_stamp = stamp;
    return app->tokens;
}

static bool client_line(struct idb_app *app, struct idb_error *err)
{
    const char *authorization = idb_cgi_variable("HTTP_AUTHORIZATION");
    const char *client = idb_cgi_variable("REMOTE_USER");
    const char *type = idb_cgi_variable("AUTH_TYPE");

    if (idb_token_is_bearer(authorization))
        return load_tokens(app, err)
               && idb_token_line(&app->line, app->config, app->tokens, authorization, err);
    if (!client[0] || !type[0])
        return idb_fail(err, IDB_NOPERM, "not_authenticated",
                        "Send a token, as Authorization: Bearer TOKEN, or log in at the web server"
                        " as a client of a line.");
    app->line = idb_config_client_line(app->config, client);
    return app->line
           || idb_fail(err, IDB_NOPERM, "not_permitted",
                       "This user is not among the clients of any line; the administrator can"
                       " add it to lines.LINE.clients.");
}

bool idb_app_line(struct idb_app *app, const char *asked, struct idb_error *err)
{
    if (asked && app->zone != IDB_DESK)
        return idb_fail(err, IDB_DATA, "bad_request",
                        "\"line\" is not taken from a request; use --line.");
    if (app->client && (app->line_option || app->zone == IDB_DESK))
        return idb_fail(err, IDB_USAGE, "usage", "--client goes with neither --line nor the desk.");
    if ((app->cgi && app->zone != IDB_DESK) || app->client)
        return client_line(app, err);
    app->line = asked ? asked : app->line_option;
    if (!app->line)
        app->line = idb_config_only_line(app->config);
    if (!app->line)
        return idb_fail(err, app->zone == IDB_DESK ? IDB_DATA : IDB_CONFIG, "unknown_line",
                        "There are several lines; say which one.");
    return idb_config_line(app->config, app->line)
           || idb_fail(err, asked ? IDB_DATA : IDB_CONFIG, "unknown_line",
                       "The configuration has no such line.");
}

/* sudo comes before the web server's variables, for whoever may run this by sudo
 * could also set those. Behind a socket it is who connected. */
static const char *person(const struct idb_app *app)
{
    const char *sudo = getenv("SUDO_USER");
    const char *remote = idb_cgi_variable("REMOTE_USER");
    const struct passwd *pw;

    if (!app->cgi && !app->asker && sudo && sudo[0])
        return sudo;
    if ((app->cgi || !app->asker) && remote[0] && idb_cgi_variable("AUTH_TYPE")[0])
        return remote;
    if (app->cgi || (app->asker && !app->asker->known))
        return NULL;
    pw = getpwuid(app->asker ? app->asker->peer : getuid());
    return pw ? pw->pw_name : NULL;
}

bool idb_app_agent(struct idb_app *app, const char *role, struct idb_error *err)
{
    const char *name = person(app);

    app->agent[0] = '\0';
    if (!name)
        return idb_fail(err, IDB_NOPERM, "not_authenticated",
                        "Nobody is logged in; the desk is for named agents only.");
    if (strlen(name) >= sizeof app->agent || !idb_config_has_role(app->config, name, role))
        return idb_fail(err, IDB_NOPERM, "not_permitted",
                        "You are not listed under desk with the role %s; run as one who is, with"
                        " sudo -u idb-desk or through the web server.",
                        role);
    snprintf(app->agent, sizeof app->agent, "%s", name);
    return true;
}

const char *idb_app_person(const struct idb_app *app)
{
    return person(app);
}

static bool service_open(void *ctx, struct idb_error *err)
{
    struct idb_app *app = ctx;

    if (app->program->opens_itself)
        return true;
    return idb_app_configure(app, err) && load_keys(app, err)
           && (app->program->no_store || idb_app_open_store(app, err));
}

static bool service_handle(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    struct idb_app *app = ctx;

    return app->program->part->handle(app, request, answer, err);
}

static bool service_commit(void *ctx, struct idb_error *err)
{
    return idb_app_commit(ctx, err);
}

static void service_rollback(void *ctx)
{
    idb_app_rollback(ctx);
}

static bool begin(struct idb_app *app, enum idb_app_tx tx, struct idb_error *err)
{
    if (app->tx >= tx)
        return true;
    if (app->tx != IDB_TX_NONE && !idb_app_commit(app, err))
        return false;
    if (!idb_store_begin(app->store, tx == IDB_TX_WRITE, &app->now, err))
        return false;
    app->tx = tx;
    return true;
}

bool idb_app_read(struct idb_app *app, struct idb_error *err)
{
    return begin(app, IDB_TX_READ, err);
}

bool idb_app_write(struct idb_app *app, struct idb_error *err)
{
    return begin(app, IDB_TX_WRITE, err);
}

bool idb_app_commit(struct idb_app *app, struct idb_error *err)
{
    if (app->tx == IDB_TX_NONE)
        return true;
    if (!idb_store_commit(app->store, err))
        return false;
    app->tx = IDB_TX_NONE;
    return true;
}

void idb_app_rollback(struct idb_app *app)
{
    if (app->tx != IDB_TX_NONE)
        idb_store_rollback(app->store);
    app->tx = IDB_TX_NONE;
}

bool idb_app_reload(struct idb_app *app, struct idb_error *err)
{
    struct idb_config *config = NULL;

    if (!idb_config_load(&config, idb_config_path(app->config_option), err))
        return false;
    idb_app_close(app);
    app->config = config;
    return true;
}

void idb_app_close(struct idb_app *app)
{
    for (size_t i = 0; i < IDB_APP_KEYS; i++) {
        idb_keys_free(*key_slot(app, i));
        *key_slot(app, i) = NULL;
    }
    idb_store_close(app->store);
    app->store = NULL;
    json_decref(app->tokens);
    app->tokens = NULL;
    idb_config_free(app->config);
    app->config = NULL;
}

void idb_app_actor(const struct idb_app *app, char *actor, size_t size)
{
    if (app->agent[0])
        snprintf(actor, size, "agent:%s", app->agent);
    else if (app->attest)
        snprintf(actor, size, "attest:%s", app->attest);
    else if (app->line)
        snprintf(actor, size, "line:%s", app->line);
    else
        snprintf(actor, size, "%s", app->actor ? app->actor : "resident");
}

static bool service_is_repeatable(void *ctx, const void *from)
{
    const struct idb_app *app = ctx;

    (void)from;
    return app->program->part->repeatable;
}

struct idb_service idb_app_service(struct idb_app *app,
                                   bool (*handle)(void *app, const json_t *request, json_t **answer,
                                                  struct idb_error *err))
{
    return (struct idb_service){ .ctx = app,
                                 .open = service_open,
                                 .handle = handle,
                                 .commit = service_commit,
                                 .rollback = service_rollback,
                                 .is_repeatable = service_is_repeatable,
                                 .one_by_one = app->program->no_store };
}

int idb_app_main(const struct idb_app_program *program, int argc, char **argv)
{
    struct idb_app app = { .program = program, .zone = program->zone };
    struct idb_service service = idb_app_service(&app, service_handle);
    struct idb_error err = { 0 };
    int exit;

    app.cgi = idb_cgi_called(argv[0]);
    if (app.cgi) {
        exit = idb_cgi_run(&program->tool, &service, &program->part->served.cgi, argc);
    } else if (!idb_tool_start(&program->tool, argc, argv, &app, &err)) {
        exit = idb_tool_finish(&program->tool, NULL, &err);
    } else {
        idb_stream_run(&service, app.human ? program->human : idb_tool_print, &err);
        if (err.exit != IDB_OK && err.exit != IDB_REFUSED)
            idb_tool_complain(&program->tool, &err);
        exit = (int)err.exit;
    }
    idb_app_close(&app);
    return exit;
}
