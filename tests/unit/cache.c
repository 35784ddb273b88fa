/* What is kept of a provider: for how long, of whom, and in whose folder. */
/* wrap: geteuid */
#include "cache.h"
#include "timestamp.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/idb-cache-XXXXXX";
static struct idb_cache entry = { folder, "digid.keys", "https://a.example/keys", NULL };
static uid_t who;

uid_t __wrap_geteuid(void);

uid_t __wrap_geteuid(void)
{
    return who;
}

static int make_folder(void **state)
{
    (void)state;
    who = getuid();
    return mkdtemp(folder) ? 0 : -1;
}

static int empty_folder(void **state)
{
    static const char *const names[] = { "digid.keys.json", "digid.keys.lock", "digid.keys.new" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char path[PATH_MAX];

        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return 0;
}

static int remove_folder(void **state)
{
    return empty_folder(state) || rmdir(folder);
}

static void file(char path[PATH_MAX], const char *suffix)
{
    snprintf(path, PATH_MAX, "%s/digid.keys.%s", folder, suffix);
}

static void keep(int64_t at, int64_t lifetime, int value)
{
    json_t *body = json_pack("{s:i}", "v", value);

    idb_cache_write(&entry, -1, at, lifetime, body);
    json_decref(body);
}

/* The value kept, or -1. */
static int kept(const struct idb_cache *cache, int64_t now)
{
    json_t *body = NULL;
    int64_t at = 0;
    int value = -1;

    if (idb_cache_read(cache, now, &body, &at))
        value = (int)json_integer_value(json_object_get(body, "v"));
    else
        assert_null(body);
    json_decref(body);
    return value;
}

static void for_as_long_as_it_says(void **state)
{
    int64_t now = idb_timestamp_now();
    static const struct {
        int64_t said, kept;
    } cases[] = { { 60, 60 },
                  { -1, IDB_CACHE_UNSAID_S },
                  { INT64_MAX, IDB_CACHE_MOST_S },
                  { IDB_CACHE_MOST_S, IDB_CACHE_MOST_S } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        keep(now, cases[i].said, 7);
        assert_int_equal(kept(&entry, now), 7);
        assert_int_equal(kept(&entry, now + cases[i].kept * 1000 - 1), 7);
        assert_int_equal(kept(&entry, now + cases[i].kept * 1000), -1);
        /* The clock was set back: what it says is not known. */
        assert_int_equal(kept(&entry, now - 1), -1);
    }
    keep(now, 0, 8);
    assert_int_equal(kept(&entry, now), -1);
    keep(now, 0, 8);
}

static void of_the_same_address_alone(void **state)
{
    int64_t now = idb_timestamp_now();
    struct idb_cache other = entry;

    (void)state;
    keep(now, 60, 7);
    other.url = "https://a.example/key";
    assert_int_equal(kept(&other, now), -1);
    other = entry;
    other.ca = "/etc/ca.pem";
    assert_int_equal(kept(&other, now), -1);
    other = entry;
    other.name = "digid.metadata";
    assert_int_equal(kept(&other, now), -1);
    other = entry;
    other.folder = NULL;
    assert_int_equal(kept(&other, now), -1);
    idb_cache_write(&other, -1, now, 60, NULL);
    assert_int_equal(idb_cache_lock(&other, 0), -1);
    other.folder = "/nonexistent";
    assert_int_equal(kept(&other, now), -1);
}

static void nothing_that_is_no_entry(void **state)
{
    static const char *const cases[] = {
        "",
        "{",
        "[]",
        "{\"url\":\"https://a.example/keys\",\"ca\":null,\"fetched_at\":1000,\"fresh_until\":9000}",
        "{\"url\":\"https://a.example/keys\",\"ca\":null,\"fetched_at\":1000,\"fresh_until\":9000,"
        "\"body\":[]}",
        "{\"url\":\"https://a.example/keys\",\"ca\":null,\"fetched_at\":\"1000\",\"fresh_until\":"
        "9000,\"body\":{\"v\":1}}",
        "{\"url\":\"https://a.example/keys\",\"fetched_at\":1000,\"fresh_until\":9000,"
        "\"body\":{\"v\":1}}",
        "{\"url\":\"https://a.example/keys\",\"ca\":null,\"fetched_at\":1000,\"fresh_until\":"
        "99999999999,\"body\":{\"v\":1}}",
        "{\"url\":\"https://a.example/keys\",\"ca\":null,\"fetched_at\":-9223372036854775807,"
        "\"fresh_until\":9223372036854775807,\"body\":{\"v\":1}}",
    };
    char path[PATH_MAX];

    (void)state;
    file(path, "json");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        fputs(cases[i], f);
        fclose(f);
        assert_int_equal(kept(&entry, 5000), -1);
    }
    unlink(path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_int_equal(kept(&entry, 5000), -1);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(kept(&entry, 5000), -1);
}

/* What began earlier and comes later does not replace what is newer. */
static void newest(void **state)
{
    int64_t now = idb_timestamp_now();

    (void)state;
    keep(now, 60, 2);
    keep(now - 1000, 60, 1);
    assert_int_equal(kept(&entry, now), 2);
    keep(now - 1000, 0, 1);
    assert_int_equal(kept(&entry, now), 2);
    keep(now, 60, 3);
    assert_int_equal(kept(&entry, now), 3);
    /* Of a clock that ran ahead. */
    keep(now + 3600000, 60, 4);
    keep(now, 60, 5);
    assert_int_equal(kept(&entry, now), 5);
}

static void while_another_has_it(void **state)
{
    int64_t now = idb_timestamp_now();
    int lock = idb_cache_lock(&entry, 0);
    json_t *body = json_pack("{s:i}", "v", 9);

    (void)state;
    assert_true(lock != -1);
    assert_int_equal(idb_cache_lock(&entry, 0), -1);
    keep(now, 60, 1);
    assert_int_equal(kept(&entry, now), -1);
    idb_cache_write(&entry, lock, now, 60, body);
    assert_int_equal(kept(&entry, now), 9);
    idb_cache_unlock(lock);
    keep(now, 60, 1);
    assert_int_equal(kept(&entry, now), 1);
    json_decref(body);
}

static void once_a_minute(void **state)
{
    int lock = idb_cache_lock(&entry, 0);
    int64_t now = 1700000000000;

    (void)state;
    assert_true(idb_cache_may_fetch_again(lock, now));
    assert_false(idb_cache_may_fetch_again(lock, now));
    assert_false(idb_cache_may_fetch_again(lock, now + IDB_CACHE_AGAIN_MS - 1));
    idb_cache_unlock(lock);
    lock = idb_cache_lock(&entry, 0);
    assert_false(idb_cache_may_fetch_again(lock, now + IDB_CACHE_AGAIN_MS - 1));
    assert_true(idb_cache_may_fetch_again(lock, now + IDB_CACHE_AGAIN_MS));
    /* Of a clock that ran ahead. */
    assert_true(idb_cache_may_fetch_again(lock, now - 1));
    assert_false(idb_cache_may_fetch_again(lock, now));
    /* Sooner after one that failed. */
    idb_cache_fetch_failed(lock, now);
    assert_false(idb_cache_may_fetch_again(lock, now + IDB_CACHE_FAILED_MS - 1));
    assert_true(idb_cache_may_fetch_again(lock, now + IDB_CACHE_FAILED_MS));
    idb_cache_unlock(lock);
}

/* Many write and read at once: whoever reads finds an entry whole, or none. */
static void many_at_once(void **state)
{
    int64_t now = idb_timestamp_now();
    pid_t pids[4];

    (void)state;
    keep(now, 60, 0);
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        for (int n = 0; pids[i] == 0 && n < 200; n++) {
            if (n % 4)
                keep(now, 60, n);
            if (kept(&entry, now) == -1)
                _exit(1);
        }
        if (pids[i] == 0)
            _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        int status = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

static void files_are_its_users_alone(void **state)
{
    static const char *const names[] = { "json", "lock" };
    mode_t before = umask(0);

    (void)state;
    keep(idb_timestamp_now(), 60, 1);
    umask(before);
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        struct stat st;

        file(path, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static void refuse(const char *path)
{
    struct idb_error err = { 0 };
    const char *given = path;

    assert_false(idb_cache_check(&given, &err));
    assert_string_equal(err.code, "cache_rights");
    assert_int_equal(err.exit, IDB_CONFIG);
    assert_non_null(strstr(err.message, path));
}

/* What comes of a folder: itself, or NULL where it is not to be used. */
static const char *checked(const char *path)
{
    struct idb_error err = { 0 };

    assert_true(idb_cache_check(&path, &err));
    return path;
}

static void folders(void **state)
{
    (void)state;
    assert_ptr_equal(checked(folder), folder);
    assert_non_null(checked("/nonexistent"));
    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        chmod(folder, 0700 | bit);
        refuse(folder);
    }
    chmod(folder, 0700);
    refuse("/dev/null");
    who = getuid() + 12345;
    refuse(folder);
    who = getuid();
}

/* Root leaves nothing of its own in another's folder. */
static void of_another(void **state)
{
    (void)state;
    if (getuid() == 0)
        assert_int_equal(chown(folder, 12345, (gid_t)-1), 0);
    who = 0;
    assert_null(checked(folder));
    who = getuid();
    if (getuid() == 0)
        assert_int_equal(chown(folder, 0, (gid_t)-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(for_as_long_as_it_says, empty_folder),
        cmocka_unit_test_teardown(of_the_same_address_alone, empty_folder),
        cmocka_unit_test_teardown(nothing_that_is_no_entry, empty_folder),
        cmocka_unit_test_teardown(newest, empty_folder),
        cmocka_unit_test_teardown(while_another_has_it, empty_folder),
        cmocka_unit_test_teardown(once_a_minute, empty_folder),
        cmocka_unit_test_teardown(many_at_once, empty_folder),
        cmocka_unit_test_teardown(files_are_its_users_alone, empty_folder),
        cmocka_unit_test(folders),
        cmocka_unit_test(of_another),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
