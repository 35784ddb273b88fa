/*
 * Runs SQL on a store, to fill it with more than the programs would in the time that
 * there is:
 *
 *     fill CONFIG <SQL
 *
 * Beside SQLite's own functions there are code(N), the Nth code, its check digit included,
 * and code_mac(CODE), by the phone zone's key. A row of one text comes out as a line.
 */
#include "code.h"
#include "sqlite.h"
#include "timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX    65536
#define FIRST_CODE 100000000 /* a code has nine digits before the check digit */

/* Nothing is lost that could not be filled again, and it need not all be in the log. */
static const char settings[] = "PRAGMA synchronous = OFF;"
                               "PRAGMA cache_size = -2000000;"
                               "PRAGMA wal_autocheckpoint = 20000;";

static void fail(const char *what)
{
    fprintf(stderr, "fill: %s\n", what);
    exit(70);
}

static void code(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    char digits[IDB_CODE_SIZE];
    int n = snprintf(digits, sizeof digits - 1, "%lld",
                     FIRST_CODE + (long long)sqlite3_value_int64(argv[0]));

    (void)argc;
    digits[n] = idb_code_check_digit(digits, (size_t)n);
    sqlite3_result_text(context, digits, n + 1, SQLITE_TRANSIENT);
}

static void code_mac(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const struct idb_keys *keys = sqlite3_user_data(context);
    unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE];
    struct idb_error err = { 0 };

    (void)argc;
    if (!idb_code_macs(macs, keys, (const char *)sqlite3_value_text(argv[0]), &err))
        fail(err.message);
    sqlite3_result_blob(context, macs[0], IDB_MAC_SIZE, SQLITE_TRANSIENT);
}

static int print(void *nothing, int columns, char **text, char **names)
{
    (void)nothing;
    (void)columns;
    (void)names;
    puts(text[0] ? text[0] : "");
    return 0;
}

int main(int argc, char **argv)
{
    static char sql[SQL_MAX];
    struct idb_config *config = NULL;
    struct idb_keys *keys = NULL;
    struct idb_error err = { 0 };
    sqlite3 *db = NULL;
    size_t n = fread(sql, 1, sizeof sql, stdin);

    if (argc != 2 || n == sizeof sql)
        fail("usage: fill CONFIG <SQL");
    if (!idb_config_load(&config, argv[1], &err)
        || !idb_keys_load(&keys, config, IDB_PHONE, "code.key", idb_timestamp_now(), &err)
        || !idb_sqlite_connect(&db, idb_sqlite_path(config), SQLITE_OPEN_READWRITE, 60000, &err))
        fail(err.message);
    if (sqlite3_create_function(db, "code", 1, SQLITE_UTF8, NULL, code, NULL, NULL) != SQLITE_OK
        || sqlite3_create_function(db, "code_mac", 1, SQLITE_UTF8, keys, code_mac, NULL, NULL)
               != SQLITE_OK
        || sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_exec(db, sql, print, NULL, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    if (sqlite3_close(db) != SQLITE_OK || fflush(stdout) != 0)
        fail("cannot finish");
    idb_keys_free(keys);
    idb_config_free(config);
    return 0;
}
