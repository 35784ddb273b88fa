/*
 * The floor under idb-verify: the least that a process can do which reads the
 * same configuration, computes a MAC and commits a row durably to SQLite.
 *
 *     floor CONFIG DATABASE create    makes the database
 *     floor CONFIG DATABASE one       one row, one commit
 *     floor CONFIG DATABASE stream N  N rows, a commit for each 256
 *     floor CONFIG DATABASE hold      keeps it open until standard input ends
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GROUP 256 /* as lib/stream.c */

static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;";

static void fail(const char *what)
{
    fprintf(stderr, "floor: %s failed\n", what);
    exit(70);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql);
}

static sqlite3 *open_database(const char *path, int flags)
{
    sqlite3 *db = NULL;

    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        fail("opening the database");
    run(db, settings);
    return db;
}

/* A MAC over the time, so that each is another. */
static void make_mac(unsigned char mac[32], int64_t *at)
{
    static const unsigned char key[32] = "the bench's key, nobody's secret";
    struct timespec now;
    size_t size = 0;

    clock_gettime(CLOCK_REALTIME, &now);
    *at = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, sizeof key, (unsigned char *)&now,
                   sizeof now, mac, 32, &size))
        fail("HMAC");
}

static void insert(sqlite3 *db, sqlite3_stmt *stmt)
{
    unsigned char mac[32];
    int64_t at;

    make_mac(mac, &at);
    if (sqlite3_bind_blob(stmt, 1, mac, sizeof mac, SQLITE_STATIC) != SQLITE_OK
        || sqlite3_bind_int64(stmt, 2, at) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE
        || sqlite3_reset(stmt) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
}

static void commit_rows(sqlite3 *db, long n)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db, "INSERT INTO row (mac, at) VALUES ($1, $2)", -1, &stmt, NULL)
        != SQLITE_OK)
        fail("preparing");
    for (long i = 0; i < n; i++) {
        if (i % GROUP == 0)
            run(db, "BEGIN IMMEDIATE");
        insert(db, stmt);
        if (i % GROUP == GROUP - 1 || i == n - 1)
            run(db, "COMMIT");
    }
    sqlite3_finalize(stmt);
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[3] : "";
    int flags = strcmp(what, "create") == 0 ? SQLITE_OPEN_CREATE : 0;
    json_t *config = NULL;
    sqlite3 *db = NULL;
    char byte;

    if (argc < 4)
        return 64;
    config = json_load_file(argv[1], JSON_REJECT_DUPLICATES, NULL);
    if (!config)
        fail("reading the configuration");
    db = open_database(argv[2], flags);
    if (flags)
        run(db, "PRAGMA journal_mode = WAL; CREATE TABLE row (mac BLOB PRIMARY KEY, at BIGINT)");
    else if (strcmp(what, "stream") == 0 && argc == 5)
        commit_rows(db, strtol(argv[4], NULL, 10));
    else if (strcmp(what, "one") == 0)
        commit_rows(db, 1);
    else {
        run(db, "SELECT * FROM row LIMIT 1");
        printf("held\n");
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
            continue;
    }
    sqlite3_close(db);
    json_decref(config);
    return 0;
}
