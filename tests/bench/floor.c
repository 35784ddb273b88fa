/*
 * The floor under idb-verify: the least that a process can do which reads the
 * same configuration, computes a MAC and commits a row durably to SQLite.
 *
 *     floor CONFIG DATABASE create    makes the database
 *     floor CONFIG DATABASE one       one row, one commit
 *     floor CONFIG DATABASE stream N  N rows, a commit for each 256
 *     floor CONFIG DATABASE hold      keeps it open until standard input ends
 *
 * And under a verify in a process that is kept, the least that one leaves behind: a code
 * that is spent, found by its MAC, and a row of the audit.
 *
 *     floor CONFIG DATABASE fill N        N codes, none spent, in place of what there was
 *     floor CONFIG DATABASE group N SIZE  spends them all, a commit for each SIZE
 *
 * Without arguments it is a CGI program that does as for one; $FLOOR_CONFIG and
 * $FLOOR_DATABASE name the two.
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

static const char tables[] = "PRAGMA journal_mode = WAL;"
                             "CREATE TABLE row (mac BLOB PRIMARY KEY, at BIGINT);"
                             "CREATE TABLE code (id INTEGER PRIMARY KEY, mac BLOB NOT NULL UNIQUE,"
                             " call_id TEXT);"
                             "CREATE TABLE audit (id INTEGER PRIMARY KEY, at BIGINT, actor TEXT,"
                             " action TEXT, session BIGINT, result TEXT);";

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

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        fail(sql);
    return stmt;
}

static void step(sqlite3 *db, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE || sqlite3_reset(stmt) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
}

static void insert(sqlite3 *db, sqlite3_stmt *stmt)
{
    unsigned char mac[32];
    int64_t at;

    make_mac(mac, &at);
    if (sqlite3_bind_blob(stmt, 1, mac, sizeof mac, SQLITE_STATIC) != SQLITE_OK
        || sqlite3_bind_int64(stmt, 2, at) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    step(db, stmt);
}

static void commit_rows(sqlite3 *db, long n)
{
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO row (mac, at) VALUES (?1, ?2)");

    for (long i = 0; i < n; i++) {
        if (i % GROUP == 0)
            run(db, "BEGIN IMMEDIATE");
        insert(db, stmt);
        if (i % GROUP == GROUP - 1 || i == n - 1)
            run(db, "COMMIT");
    }
    sqlite3_finalize(stmt);
}

/* As many different bytes as a MAC has, that cost nothing to make (splitmix64). */
static void number_mac(uint64_t mac[4], long number)
{
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t x = ((uint64_t)number * 4 + i + 1) * UINT64_C(0x9e3779b97f4a7c15);

        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        mac[i] = x ^ (x >> 31);
    }
}

static void fill(sqlite3 *db, long n)
{
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO code (mac) VALUES (?1)");
    uint64_t mac[4];

    run(db, "BEGIN IMMEDIATE; DELETE FROM code; DELETE FROM audit");
    for (long i = 0; i < n; i++) {
        number_mac(mac, i);
        sqlite3_bind_blob(stmt, 1, mac, sizeof mac, SQLITE_STATIC);
        step(db, stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

static void spend(sqlite3 *db, sqlite3_stmt *update, sqlite3_stmt *audit, long number)
{
    uint64_t mac[4];
    char call[32];
    int64_t at = (int64_t)time(NULL) * 1000;

    number_mac(mac, number);
    sqlite3_bind_blob(update, 1, mac, sizeof mac, SQLITE_STATIC);
    sqlite3_bind_text(update, 2, call, snprintf(call, sizeof call, "call-%ld", number),
                      SQLITE_STATIC);
    step(db, update);
    if (sqlite3_changes(db) != 1)
        fail("spending a code");
    sqlite3_bind_int64(audit, 1, at);
    sqlite3_bind_int64(audit, 2, number);
    step(db, audit);
}

static void commit_groups(sqlite3 *db, long n, long size)
{
    sqlite3_stmt *update =
        prepare(db, "UPDATE code SET call_id = ?2 WHERE mac = ?1 AND call_id IS NULL");
    sqlite3_stmt *audit = prepare(db, "INSERT INTO audit (at, actor, action, session, result)"
                                      " VALUES (?1, 'line:kcc', 'verify', ?2, 'accepted')");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = prepare(db, "COMMIT");

    for (long i = 0; i < n; i++) {
        if (i % size == 0)
            step(db, begin);
        spend(db, update, audit, i);
        if (i % size == size - 1 || i == n - 1)
            step(db, commit);
    }
    sqlite3_finalize(update);
    sqlite3_finalize(audit);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
}

/* Keeps the database open until standard input ends. */
static void hold(sqlite3 *db)
{
    char byte;

    run(db, "SELECT * FROM row LIMIT 1");
    printf("held\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static int work(const char *path, const char *database, const char *what, long n, long size)
{
    int flags = strcmp(what, "create") == 0 ? SQLITE_OPEN_CREATE : 0;
    json_t *config = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    sqlite3 *db;

    if (!config)
        fail("reading the configuration");
    db = open_database(database, flags);
    if (flags)
        run(db, tables);
    else if (strcmp(what, "stream") == 0 && n > 0)
        commit_rows(db, n);
    else if (strcmp(what, "fill") == 0 && n > 0)
        fill(db, n);
    else if (strcmp(what, "group") == 0 && n > 0 && size > 0)
        commit_groups(db, n, size);
    else if (strcmp(what, "one") == 0)
        commit_rows(db, 1);
    else if (strcmp(what, "hold") == 0)
        hold(db);
    else
        return 64;
    sqlite3_close(db);
    json_decref(config);
    return 0;
}

/* What a CGI program at least does besides: take the body, and answer. */
static int serve(const char *path, const char *database)
{
    char body[4096];

    while (read(STDIN_FILENO, body, sizeof body) > 0)
        continue;
    if (work(path, database, "one", 0, 0) != 0)
        return 70;
    printf("Content-Type: application/json\r\n\r\n{\"result\":\"accepted\"}\n");
    return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
    const char *config = getenv("FLOOR_CONFIG");
    const char *database = getenv("FLOOR_DATABASE");

    if (argc < 4)
        return config && database ? serve(config, database) : 64;
    return work(argv[1], argv[2], argv[3], argc > 4 ? strtol(argv[4], NULL, 10) : 0,
                argc > 5 ? strtol(argv[5], NULL, 10) : 0);
}
