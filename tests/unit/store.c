/* store.h over the SQLite driver: what every program may rely on. */
#include "store.h"

#include "sqlite.h"
#include "store_admin.h"
#include "timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS  300
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    char folder[64];
    char url[128];
    struct idb_config config;
    struct idb_error err;
};

static const char *path(const struct fixture *f)
{
    return idb_sqlite_path(&f->config);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    strcpy(f->folder, "/tmp/idb-store.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->url, sizeof f->url, "sqlite:%s/s/idb.db", f->folder);
    f->config.store_url = f->url;
    f->config.store_wait_ms = WAIT_MS;
    *state = f;
    if (!idb_store_engine_sqlite.create(&f->config, &f->err))
        fail_msg("%s", f->err.message);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "/s/idb.db", "/s/idb.db-wal", "/s/idb.db-shm", "/s/idb.db-lock", "/s", ""
    };
    struct fixture *f = *state;
    char name[128];

    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(name, sizeof name, "%s%s", f->folder, names[i]);
        remove(name);
    }
    free(f);
    return 0;
}

static struct idb_store *opened(struct fixture *f)
{
    struct idb_store *store = NULL;

    if (!idb_store_open(&store, &f->config, &f->err))
        fail_msg("%s", f->err.message);
    return store;
}

/* SQL beside the store, as an administrator or an attacker might run it. */
static void raw(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path(f), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t raw_number(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t n;

    assert_int_equal(sqlite3_open(path(f), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static bool alarm_counted(struct idb_store *store, struct idb_error *err)
{
    struct idb_value name = idb_text("forged");

    return idb_store_run(store, IDB_SQL_ALARM, &name, 1, NULL, err);
}

static void is(const struct idb_error *err, enum idb_exit exit, const char *code)
{
    if (!err->code || strcmp(err->code, code))
        fail_msg("wanted %s, got %s: %s", code, err->code ? err->code : "nothing", err->message);
    assert_int_equal(err->exit, exit);
}

/* ---- values ---- */

static void every_statement_prepares_and_counts_its_values(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    struct idb_value none[30] = { 0 };
    int64_t now;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    for (int sql = 0; sql < IDB_SQL_LAST; sql++) {
        int takers = 0;

        assert_non_null(idb_sql[sql]);
        for (size_t n = 0; n < COUNT(none); n++) {
            memset(&f->err, 0, sizeof f->err);
            if (idb_store_query(store, (enum idb_sql)sql, none, n, &f->err))
                takers++;
            else
                is(&f->err, IDB_SOFTWARE, "internal");
        }
        if (takers != 1)
            fail_msg("%d counts of values fit: %s", takers, idb_sql[sql]);
    }
    idb_store_close(store);
}

static void a_statement_keeps_no_value_of_the_last_time(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    struct idb_value row[] = { idb_int(1),    idb_text("a"), idb_text("b"),
                               idb_text("s"), idb_text("r"), idb_text("d") };
    int64_t now;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(idb_store_run(store, IDB_SQL_AUDIT, row, 6, NULL, &f->err));
    row[3] = idb_null();
    row[5] = idb_text(NULL);
    assert_true(idb_store_run(store, IDB_SQL_AUDIT, row, 6, NULL, &f->err));
    assert_true(idb_store_commit(store, &f->err));
    idb_store_close(store);
    assert_int_equal(raw_number(f, "SELECT COUNT(*) FROM audit WHERE detail = 'd'"), 1);
    assert_int_equal(raw_number(f, "SELECT COUNT(*) FROM audit WHERE action = 'b'"
                                   " AND session IS NULL AND detail IS NULL"),
                     1);
}

static void values_come_back_as_they_went_in(void **state)
{
    static const unsigned char mac[] = { 0, 1, 0xff, 0, '\'' };
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    struct idb_value row[] = { idb_text("id"),     idb_text("t'; DROP TABLE session; --"),
                               idb_text("p"),      idb_text("kcc"),
                               idb_text("nl"),     idb_text("notify"),
                               idb_null(),         idb_bytes(mac, sizeof mac),
                               idb_int(INT64_MAX), idb_int(2),
                               idb_int(3),         idb_int(INT64_MAX),
                               idb_int(4),         idb_bytes(NULL, 0),
                               idb_text("sealed") };
    struct idb_value id = idb_text("id");
    bool found;
    size_t size;
    int64_t now;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(idb_store_run(store, IDB_SQL_ISSUE, row, COUNT(row), NULL, &f->err));
    assert_true(idb_store_query(store, IDB_SQL_BY_ID, &id, 1, &f->err));
    assert_true(idb_store_row(store, &found, &f->err));
    assert_true(found);
    assert_string_equal(idb_store_text(store, 1), "t'; DROP TABLE session; --");
    assert_memory_equal(idb_store_bytes(store, 7, &size), mac, sizeof mac);
    assert_int_equal(size, sizeof mac);
    assert_true(idb_store_int(store, 8) == INT64_MAX);
    assert_null(idb_store_bytes(store, 18, &size));
    assert_int_equal(size, 0);
    assert_null(idb_store_text(store, 13));
    assert_true(idb_store_row(store, &found, &f->err));
    assert_false(found);
    idb_store_close(store);
}

/* ---- transactions ---- */

static void the_second_of_two_equal_rows_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    struct idb_value row[] = { idb_bytes("h", 1), idb_int(5), idb_text("ended"), idb_null() };
    bool found;
    int64_t now;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    for (int i = 0; i < 2; i++) {
        assert_true(idb_store_query(store, IDB_SQL_END_CALL, row, 4, &f->err));
        assert_true(idb_store_row(store, &found, &f->err));
        assert_int_equal(found, i == 0);
    }
    idb_store_close(store);
}

static void a_rollback_takes_back_the_group_and_frees_the_queue(void **state)
{
    struct fixture *f = *state;
    struct idb_store *one = opened(f);
    struct idb_store *two = opened(f);
    int64_t now;

    idb_store_rollback(one); /* harmless without a transaction */
    assert_true(idb_store_begin(one, true, &now, &f->err));
    assert_true(alarm_counted(one, &f->err));
    assert_true(alarm_counted(one, &f->err));
    idb_store_rollback(one);
    assert_true(idb_store_begin(two, true, &now, &f->err));
    assert_true(alarm_counted(two, &f->err));
    assert_true(idb_store_commit(two, &f->err));
    assert_int_equal(raw_number(f, "SELECT SUM(count) FROM counter"), 1);
    assert_true(idb_store_begin(one, true, &now, &f->err));
    assert_true(alarm_counted(one, &f->err));
    assert_true(idb_store_commit(one, &f->err));
    assert_int_equal(raw_number(f, "SELECT SUM(count) FROM counter"), 2);
    idb_store_close(one);
    idb_store_close(two);
}

static void a_rollback_in_the_middle_of_rows_ends_the_statement(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    bool found;
    int64_t now;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(idb_store_query(store, IDB_SQL_CLOCK_MARK, NULL, 0, &f->err));
    assert_true(idb_store_row(store, &found, &f->err));
    assert_true(found);
    idb_store_rollback(store);
    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(alarm_counted(store, &f->err));
    assert_true(idb_store_query(store, IDB_SQL_CLOCK_MARK, NULL, 0, &f->err));
    assert_true(idb_store_row(store, &found, &f->err));
    assert_true(idb_store_commit(store, &f->err)); /* ends it too */
    idb_store_close(store);
    assert_int_equal(raw_number(f, "SELECT SUM(count) FROM counter"), 1);
}

static void closing_without_a_commit_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    int64_t now;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(alarm_counted(store, &f->err));
    idb_store_close(store);
    idb_store_close(NULL);
    assert_int_equal(raw_number(f, "SELECT COUNT(*) FROM counter"), 0);
}

enum { PROCESSES = 6, GROUPS = 20, EACH = 3 };

/* A child: cmocka's own assertions are the parent's. */
static bool write_groups(struct fixture *f)
{
    struct idb_store *store = NULL;
    bool ok = idb_store_open(&store, &f->config, &f->err);
    int64_t now;

    for (int g = 0; g < GROUPS && ok; g++) {
        ok = idb_store_begin(store, true, &now, &f->err);
        for (int i = 0; i < EACH && ok; i++)
            ok = alarm_counted(store, &f->err);
        ok = ok && idb_store_commit(store, &f->err);
    }
    idb_store_close(store);
    if (!ok)
        print_error("%s\n", f->err.message);
    return ok;
}

static void groups_of_processes_lose_nothing(void **state)
{
    struct fixture *f = *state;
    int failed = 0;

    f->config.store_wait_ms = 20000;
    for (int p = 0; p < PROCESSES; p++)
        if (fork() == 0)
            _exit(write_groups(f) ? 0 : 1);
    for (int p = 0; p < PROCESSES; p++) {
        int status = -1;

        wait(&status);
        failed += status != 0;
    }
    assert_int_equal(failed, 0);
    assert_int_equal(raw_number(f, "SELECT SUM(count) FROM counter"), PROCESSES * GROUPS * EACH);
}

/* What an earlier statement saw must not stand in the way of the next turn. */
static void a_write_begins_after_others_wrote_since_the_store_was_opened(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    bool found;
    int64_t now;

    assert_true(idb_store_query(store, IDB_SQL_CLOCK_MARK, NULL, 0, &f->err));
    assert_true(idb_store_row(store, &found, &f->err));
    raw(f, "INSERT INTO counter VALUES ('forged', 1)");
    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(alarm_counted(store, &f->err));
    assert_true(idb_store_commit(store, &f->err));
    idb_store_close(store);
    assert_int_equal(raw_number(f, "SELECT count FROM counter"), 2);
}

/* ---- waiting ---- */

static void a_writer_waits_its_time_and_no_longer_and_readers_do_not_wait(void **state)
{
    struct fixture *f = *state;
    struct idb_store *one = opened(f);
    struct idb_store *two = opened(f);
    int64_t before;
    int64_t now;

    assert_true(idb_store_begin(one, true, &now, &f->err));
    before = idb_timestamp_now();
    assert_false(idb_store_begin(two, true, &now, &f->err));
    is(&f->err, IDB_TEMPFAIL, "busy");
    assert_in_range(idb_timestamp_now() - before, WAIT_MS - 1, WAIT_MS + 2000);
    assert_true(idb_store_begin(two, false, &now, &f->err));
    idb_store_rollback(two);
    assert_true(idb_store_commit(one, &f->err));
    assert_true(idb_store_begin(two, true, &now, &f->err));
    assert_true(idb_store_commit(two, &f->err));
    idb_store_close(one);
    idb_store_close(two);
}

static void a_writer_past_the_queue_is_busy_and_the_lock_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    sqlite3 *other = NULL;
    int64_t now;

    assert_int_equal(sqlite3_open(path(f), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(idb_store_begin(store, true, &now, &f->err));
    is(&f->err, IDB_TEMPFAIL, "busy");
    sqlite3_close(other);
    assert_true(idb_store_begin(store, true, &now, &f->err));
    idb_store_close(store);
}

static void a_reader_sees_one_moment(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    struct idb_value none = idb_int(0);
    bool found;
    int64_t now;

    assert_true(idb_store_begin(store, false, &now, &f->err));
    raw(f, "INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, code_expires_at,"
           " renewals, renew_until, created_at, expires_at)"
           " VALUES ('a', 'a', 'issued', 'p', 'l', 'nl', 'notify', 9, 0, 9, 0, 9)");
    assert_true(idb_store_query(store, IDB_SQL_LIVE_CODES, &none, 1, &f->err));
    assert_true(idb_store_row(store, &found, &f->err));
    assert_int_equal(idb_store_int(store, 0), 0);
    idb_store_rollback(store);
    assert_true(idb_store_query(store, IDB_SQL_LIVE_CODES, &none, 1, &f->err));
    assert_true(idb_store_row(store, &found, &f->err));
    assert_int_equal(idb_store_int(store, 0), 1);
    idb_store_close(store);
}

/* ---- clock ---- */

static void the_mark_of_the_clock(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    char sql[96];
    int64_t now;

    for (int write = 0; write < 2; write++) {
        snprintf(sql, sizeof sql, "UPDATE audit SET at = %lld",
                 (long long)idb_timestamp_now() + IDB_CLOCK_SLACK_MS - 5000);
        raw(f, sql);
        assert_true(idb_store_begin(store, write, &now, &f->err));
        assert_in_range(idb_timestamp_now() - now, 0, 5000);
        idb_store_rollback(store);
        snprintf(sql, sizeof sql, "UPDATE audit SET at = %lld",
                 (long long)idb_timestamp_now() + IDB_CLOCK_SLACK_MS + 5000);
        raw(f, sql);
        assert_false(idb_store_begin(store, write, &now, &f->err));
        is(&f->err, IDB_TEMPFAIL, "clock");
    }
    raw(f, "DELETE FROM audit"); /* no mark, and the refused one gave the lock back */
    assert_true(idb_store_begin(store, true, &now, &f->err));
    idb_store_close(store);
}

/* ---- opening ---- */

static bool opens(struct fixture *f)
{
    struct idb_store *store = (struct idb_store *)f; /* must be set to NULL */
    bool ok = idb_store_open(&store, &f->config, &f->err);

    assert_int_equal(ok, store != NULL);
    idb_store_close(store);
    return ok;
}

static void a_store_that_is_not_in_order_does_not_open(void **state)
{
    struct fixture *f = *state;

    raw(f, "UPDATE meta SET value = 0");
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "schema");
    raw(f, "UPDATE meta SET value = 99");
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "schema");
    raw(f, "DROP TABLE meta");
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "schema");
    chmod(path(f), 0604);
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "store_rights");
    chmod(path(f), 0600);
    assert_int_equal(truncate(path(f), 100), 0);
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "store_corrupt");
    unlink(path(f));
    assert_int_equal(symlink("/etc/passwd", path(f)), 0);
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "store_rights");
    unlink(path(f));
    assert_false(opens(f));
    is(&f->err, IDB_CONFIG, "store_missing");
}

/* ---- erasing ---- */

static void a_checkpoint_empties_the_log_unless_a_reader_is_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct idb_store *store = opened(f);
    struct idb_store *reader = opened(f);
    char wal[160];
    struct stat st;
    bool found, done;
    int64_t now;

    snprintf(wal, sizeof wal, "%s-wal", path(f));
    assert_true(idb_store_begin(reader, false, &now, &f->err));
    assert_true(idb_store_query(reader, IDB_SQL_CLOCK_MARK, NULL, 0, &f->err));
    assert_true(idb_store_row(reader, &found, &f->err));
    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(alarm_counted(store, &f->err));
    assert_true(idb_store_commit(store, &f->err));
    assert_true(idb_store_checkpoint(store, &done, &f->err));
    assert_false(done);
    idb_store_rollback(reader);
    assert_true(idb_store_checkpoint(store, &done, &f->err));
    assert_true(done);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_true(idb_store_begin(store, true, &now, &f->err)); /* the lock is free */
    idb_store_close(store);
    idb_store_close(reader);
}

static void a_store_that_is_only_open_is_in_no_ones_way(void **state)
{
    struct fixture *f = *state;
    struct idb_store *idle = opened(f);
    struct idb_store *store = opened(f);
    int64_t now;
    bool done;

    assert_true(idb_store_begin(store, true, &now, &f->err));
    assert_true(alarm_counted(store, &f->err));
    assert_true(idb_store_commit(store, &f->err));
    assert_true(idb_store_checkpoint(store, &done, &f->err));
    assert_true(done);
    idb_store_close(store);
    idb_store_close(idle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_statement_prepares_and_counts_its_values),
        TEST(a_statement_keeps_no_value_of_the_last_time),
        TEST(values_come_back_as_they_went_in),
        TEST(the_second_of_two_equal_rows_changes_nothing),
        TEST(a_rollback_takes_back_the_group_and_frees_the_queue),
        TEST(a_rollback_in_the_middle_of_rows_ends_the_statement),
        TEST(closing_without_a_commit_leaves_nothing),
        TEST(groups_of_processes_lose_nothing),
        TEST(a_write_begins_after_others_wrote_since_the_store_was_opened),
        TEST(a_writer_waits_its_time_and_no_longer_and_readers_do_not_wait),
        TEST(a_writer_past_the_queue_is_busy_and_the_lock_is_given_back),
        TEST(a_reader_sees_one_moment),
        TEST(the_mark_of_the_clock),
        TEST(a_store_that_is_not_in_order_does_not_open),
        TEST(a_checkpoint_empties_the_log_unless_a_reader_is_in_the_way),
        TEST(a_store_that_is_only_open_is_in_no_ones_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
