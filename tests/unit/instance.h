/*
 * A throw-away instance for unit tests: configuration, keys and store in a
 * folder of its own, and an app of one zone upon them. Included once, after
 * <cmocka.h>. The clock is the test's, so idb_timestamp_now must be wrapped.
 *
 *     struct instance i;
 *     instance_new(&i);
 *     struct idb_app app = instance_app(&i, IDB_WEB);
 *     ...
 *     idb_app_close(&app);
 *     instance_free(&i);
 */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "app.h"
#include "keyfile.h"
#include "sqlite.h"
#include "store_admin.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct instance {
    char folder[64];
    char path[96]; /* of the configuration */
    struct idb_config *config;
};

/* ms; every call of idb_timestamp_now() gives it. */
static int64_t clock_ms = 1795497910000;

int64_t __wrap_idb_timestamp_now(void);

int64_t __wrap_idb_timestamp_now(void)
{
    return clock_ms;
}

static inline json_t *instance_config(const char *folder)
{
    return json_pack(
        "{s:{s:{s:s}, s:s}, s:{s:{s:s, s:s}}, s:{s:o}, s:{s:o}, s:{s:{s:{s:s}}, s:{s:{s:s}}},"
        " s:{s:{s:{s:s}, s:s, s:[s, s], s:[s]}}, s:{s:{s:{s:s}, s:s, s:s, s:s, s:s, s:{s:s, s:s},"
        " s:{s:s, s:{s:s, s:s}}}}}",
        "organisation", "name", "nl", "Gemeente Voorbeeld", "url", "https://www.example.org",
        "lines", "kcc", "number", "+31241234567", "number_display", "+31 24 123 45 67", "store",
        "url", json_sprintf("sqlite:%s/store/idb.db", folder), "keys", "directory",
        json_sprintf("%s/keys", folder), "attributes", "bsn", "label", "nl", "Nummer", "name",
        "label", "nl", "Naam", "purposes", "status", "label", "nl", "Mijn aanvraag", "line", "kcc",
        "attributes", "bsn", "name", "methods", "login", "methods", "login", "label", "nl", "Inlog",
        "issuer", "https://login.example.org", "client_id", "c", "client_auth", "private_key_jwt",
        "id_token_alg", "ES256", "claims", "bsn", "bsn", "name", "name", "level", "claim", "acr",
        "values", "s", "substantial", "h", "high");
}

static inline void instance_new(struct instance *i)
{
    struct idb_error err = { 0 };
    json_t *root = NULL;
    int made;

    memset(i, 0, sizeof *i);
    strcpy(i->folder, "/tmp/idb-unit.XXXXXX");
    assert_non_null(mkdtemp(i->folder));
    snprintf(i->path, sizeof i->path, "%s/idb.json", i->folder);
    root = instance_config(i->folder);
    assert_non_null(root);
    assert_int_equal(json_dump_file(root, i->path, 0), 0);
    json_decref(root);
    assert_int_equal(chmod(i->path, 0600), 0); /* the store set the mask of the test before */
    if (!idb_config_load(&i->config, i->path, &err)
        || !idb_keyfile_create(i->config, clock_ms, &made, &err)
        || !idb_store_engine_sqlite.create(i->config, &err))
        fail_msg("%s", err.message);
}

static inline int instance_remove(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void instance_free(struct instance *i)
{
    idb_config_free(i->config);
    nftw(i->folder, instance_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void instance_key(struct idb_keys **keys, const struct instance *i,
                                enum idb_zone zone, const char *name)
{
    struct idb_error err = { 0 };

    if (!idb_keys_load(keys, i->config, zone, name, clock_ms, &err))
        fail_msg("%s", err.message);
}

/* An app with configuration, store and all keys of its zone. */
static inline struct idb_app instance_app(const struct instance *i, enum idb_zone zone)
{
    struct idb_app app = { .zone = zone, .config_option = i->path };
    struct idb_error err = { 0 };

    if (!idb_app_configure(&app, &err) || !idb_app_open_store(&app, &err))
        fail_msg("%s", err.message);
    if (zone != IDB_DESK)
        instance_key(&app.code, i, zone, "code.key");
    if (zone != IDB_WEB)
        instance_key(&app.bind, i, zone, "bind.key");
    if (zone == IDB_WEB)
        instance_key(&app.browser, i, zone, "browser.key");
    if (zone != IDB_PHONE) {
        instance_key(&app.issue, i, zone, zone == IDB_WEB ? "issue.key" : "issue.pub");
        instance_key(&app.seal, i, zone, zone == IDB_WEB ? "seal.pub" : "seal.key");
    }
    return app;
}

/* SQL beside the store; the first column of the first row, 0 where there is none. */
static inline int64_t instance_sql(const struct instance *i, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t n = 0;

    assert_int_equal(sqlite3_open(idb_sqlite_path(i->config), &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    if (sqlite3_step(stmt) == SQLITE_ROW)
        n = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    sqlite3_close(db);
    return n;
}

#endif
