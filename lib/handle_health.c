#include "handlers.h"
#include "hours.h"
#include "token.h"

#include <string.h>

/* One part: "ok", or what is wrong with it, which also counts for the whole. */
static bool set_part(json_t *parts, const char *name, const char *good,
                     const struct idb_error *part, struct idb_error *whole)
{
    if (part->code && idb_exit_graver(whole->exit, part->exit) != whole->exit)
        *whole = *part;
    return json_object_set_new(parts, name, part->code ? idb_error_json(part) : json_string(good))
           == 0;
}

static bool check_keys(struct idb_app *app, struct idb_error *err)
{
    static const char *const files[] = { "code.key", "bind.key" };
    int64_t now = idb_timestamp_now();
    json_t *tokens = NULL;
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof files / sizeof files[0]; i++) {
        struct idb_keys *keys = NULL;

        ok = idb_keys_load(&keys, app->config, IDB_PHONE, files[i], now, err);
        idb_keys_free(keys);
    }
    tokens = ok ? idb_tokens_read(app->config, err) : NULL;
    json_decref(tokens);
    return tokens;
}

/* A turn to write is had, as idb-verify needs it, and given back. */
static bool check_store(struct idb_app *app, struct idb_error *err)
{
    return idb_app_open_store(app, err) && idb_app_write(app, err) && idb_app_commit(app, err);
}

static bool check_line(const struct idb_app *app, const char **state, struct idb_error *err)
{
    bool open = false;

    if (!idb_hours_open(idb_config_line(app->config, app->line), idb_timestamp_now(), &open, err))
        return false;
    *state = open ? "open" : "closed";
    return true;
}

/* Who asks must be known first. */
static bool by_client(const struct idb_app *app)
{
    return app->cgi || app->client;
}

/* What the configuration leads to. Who may not ask is told nothing. */
static bool look(struct idb_app *app, json_t *parts, struct idb_error *err)
{
    struct idb_error line = { 0 }, keys = { 0 }, store = { 0 };
    const char *state = NULL;

    if (idb_app_line(app, NULL, &line)) {
        check_line(app, &state, &line);
    } else if (by_client(app) || line.exit == IDB_USAGE) {
        *err = line;
        return false;
    }
    check_keys(app, &keys);
    if (!check_store(app, &store))
        idb_app_rollback(app);
    return set_part(parts, "keys", "ok", &keys, err) && set_part(parts, "store", "ok", &store, err)
           && set_part(parts, "line", state, &line, err);
}

static bool set_unknown(json_t *parts)
{
    static const char *const names[] = { "keys", "store", "line" };
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof names / sizeof names[0]; i++)
        ok = json_object_set_new(parts, names[i], json_string("unknown")) == 0;
    return ok;
}

bool idb_handle_health(struct idb_app *app, const json_t *request, json_t **answer,
                       struct idb_error *err)
{
    struct idb_error configuration = { 0 };
    json_t *parts;
    bool ok;

    if (json_object_size(request) > 0)
        return idb_fail(err, IDB_DATA, "bad_request", "The request takes no members.");
    if (!idb_app_configure(app, &configuration) && by_client(app)) {
        *err = configuration;
        return false;
    }
    parts = json_pack("{s:s}", "result", "ok");
    ok = parts && set_part(parts, "configuration", "ok", &configuration, err)
         && (configuration.code ? set_unknown(parts) : look(app, parts, err));
    if (ok && err->code)
        ok = json_object_set_new(parts, "result", json_string("broken")) == 0;
    if (ok) {
        *answer = parts;
        return true;
    }
    json_decref(parts);
    return err->code ? false : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

const struct idb_app_part idb_handle_health_part = {
    .served = { .name = "health", .cgi = { .get = true, .challenge = IDB_APP_CHALLENGE } },
    .repeatable = true,
    .handle = idb_handle_health,
};
