/* Key files: made, loaded, rotated, destroyed, and refused when not in order. */
/* wrap: read renameat */
#include "keyfile.h"

#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#define NOW      INT64_C(1795497910123)
#define HOUR     (INT64_C(3600) * 1000)
#define LIFETIME (4 * HOUR)
#define NOBODY   65534

static char directory[64];
static struct idb_config config;

/* What the wrapped calls do. */
static int renames_until_failure; /* 0: never fail */
static int renames;
static char renamed[8][32];
static void (*before_read)(void);

ssize_t __real_read(int fd, void *buffer, size_t n);
ssize_t __wrap_read(int fd, void *buffer, size_t n);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);

ssize_t __wrap_read(int fd, void *buffer, size_t n)
{
    void (*hook)(void) = before_read;

    before_read = NULL; /* what the hook reads is not hooked */
    if (hook)
        hook();
    return __real_read(fd, buffer, n);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renames_until_failure > 0 && --renames_until_failure == 0) {
        errno = EIO;
        return -1;
    }
    if (renames < 8)
        snprintf(renamed[renames++], sizeof renamed[0], "%s", to);
    return __real_renameat(from_dir, from, to_dir, to);
}

/* The world of one test */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    int made = 0;
    struct idb_error err = { 0 };

    (void)state;
    strcpy(directory, "/tmp/idb-keys-XXXXXX");
    assert_non_null(mkdtemp(directory));
    chmod(directory, 0755);
    config = (struct idb_config){ .keys_directory = directory, .session_lifetime_ms = LIFETIME };
    config.root = json_object();
    renames_until_failure = renames = 0;
    before_read = NULL;
    assert_true(idb_keyfile_create(&config, NOW, &made, &err));
    assert_int_equal(made, 11);
    renames = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(config.root);
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static const char *path_of(const char *file)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", directory, file);
    return path;
}

static struct idb_keys *load_at(enum idb_zone zone, const char *name, int64_t now)
{
    struct idb_error err = { 0 };
    struct idb_keys *keys = NULL;

    if (!idb_keys_load(&keys, &config, zone, name, now, &err))
        fail_msg("%s: %s", err.code, err.message);
    return keys;
}

static void refuse(enum idb_zone zone, const char *name, enum idb_exit exit, const char *code,
                   const char *words)
{
    struct idb_error err = { 0 };
    struct idb_keys *keys = NULL;

    assert_false(idb_keys_load(&keys, &config, zone, name, NOW, &err));
    assert_null(keys);
    assert_string_equal(err.code, code);
    assert_int_equal(err.exit, exit);
    if (!strstr(err.message, words))
        fail_msg("'%s' is not in: %s", words, err.message);
}

static bool rotate(const char *name, int64_t older_than_ms, int64_t now, int *destroyed)
{
    struct idb_error err = { 0 };
    bool rotated = false;

    if (!idb_keyfile_rotate(&config, name, older_than_ms, now, &rotated, destroyed, &err))
        fail_msg("%s: %s", err.code, err.message);
    return rotated;
}

/* Both sides hold the same keys at now, and the newest is count-th. */
static void assert_pair(enum idb_zone a, const char *a_name, enum idb_zone b, const char *b_name,
                        size_t count, int64_t now)
{
    struct idb_keys *one = load_at(a, a_name, now);
    struct idb_keys *two = load_at(b, b_name, now);

    assert_int_equal(one->count, count);
    assert_int_equal(two->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(one->key[i].id, two->key[i].id);
        assert_true(one->key[i].retired_at == two->key[i].retired_at);
        assert_memory_equal(one->key[i].secret, two->key[i].secret, IDB_KEY_SIZE);
        assert_true(idb_keys_find(one, two->key[i].id) == &one->key[i]);
    }
    idb_keys_free(one);
    idb_keys_free(two);
}

static char *slurp(const char *file)
{
    FILE *in = fopen(path_of(file), "r");
    char *text = calloc(1, 8192);

    assert_non_null(in);
    assert_true(fread(text, 1, 8191, in) > 0);
    fclose(in);
    return text;
}

/* Writes text over the file, whose rights stay. */
static void spill(const char *file, const char *text)
{
    FILE *out = fopen(path_of(file), "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path_of(file), 0600), 0);
}

/* Creating and loading */

static void created(void **state)
{
    static const char *const secret[] = { "web/browser.key", "web/code.key",   "web/issue.key",
                                          "phone/code.key",  "phone/bind.key", "desk/bind.key",
                                          "desk/seal.key",   "web/seal.pub",   "desk/issue.pub" };
    struct idb_keys *keys;
    struct stat st;

    (void)state;
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        assert_int_equal(lstat(path_of(secret[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(st.st_uid, geteuid());
    }
    assert_int_equal(stat(path_of("web"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", 1, NOW);
    assert_pair(IDB_DESK, "bind.key", IDB_PHONE, "bind.key", 1, NOW);
    assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 1, NOW);
    assert_pair(IDB_WEB, "issue.key", IDB_DESK, "issue.pub", 1, NOW);
    keys = load_at(IDB_WEB, "browser.key", NOW);
    assert_true(keys->key[0].created_at == NOW);
    assert_true(keys->key[0].retired_at == 0);
    assert_null(keys->key[0].jwk);
    assert_null(idb_keys_find(keys, ""));
    idb_keys_free(keys);
    idb_keys_free(NULL);
}

static void public_files_hold_no_private_key(void **state)
{
    static const char *const files[] = { "web/seal.pub", "desk/issue.pub" };
    struct idb_keys *keys = load_at(IDB_WEB, "seal.pub", NOW);

    (void)state;
    assert_null(json_object_get(keys->key[0].jwk, "d"));
    assert_int_equal(json_object_size(keys->key[0].jwk), 4);
    idb_keys_free(keys);
    keys = load_at(IDB_WEB, "issue.key", NOW);
    assert_non_null(json_object_get(keys->key[0].jwk, "d"));
    assert_int_equal(json_object_size(keys->key[0].jwk), 5);
    idb_keys_free(keys);
    for (int i = 0; i < 2; i++) {
        char *text = slurp(files[i]);

        assert_null(strstr(text, "\"d\""));
        free(text);
    }
}

static void create_leaves_what_exists(void **state)
{
    char *before = slurp("web/code.key");
    struct idb_error err = { 0 };
    char *after;
    int made = 9;

    (void)state;
    assert_true(idb_keyfile_create(&config, NOW + HOUR, &made, &err));
    assert_int_equal(made, 0);
    assert_int_equal(unlink(path_of("phone/code.key")), 0);
    assert_int_equal(unlink(path_of("web/seal.pub")), 0);
    assert_true(idb_keyfile_create(&config, NOW + HOUR, &made, &err));
    assert_int_equal(made, 2);
    after = slurp("web/code.key");
    assert_string_equal(before, after);
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", 1, NOW);
    assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 1, NOW);
    free(before);
    free(after);
}

static void create_replaces_orphaned_public_half(void **state)
{
    struct idb_error err = { 0 };
    int made = 0;

    (void)state;
    assert_int_equal(unlink(path_of("desk/seal.key")), 0);
    assert_true(idb_keyfile_create(&config, NOW, &made, &err));
    assert_int_equal(made, 2);
    assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 1, NOW);
}

static void create_after_a_crash(void **state)
{
    struct idb_error err = { 0 };
    int made = 0;

    for (int at = 1; at <= 12; at++) {
        teardown(state);
        strcpy(directory, "/tmp/idb-keys-XXXXXX");
        assert_non_null(mkdtemp(directory));
        config.root = json_object();
        renames_until_failure = at;
        assert_int_equal(idb_keyfile_create(&config, NOW, &made, &err), at == 12);
        renames_until_failure = 0;
        assert_true(idb_keyfile_create(&config, NOW, &made, &err));
        assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", 1, NOW);
        assert_pair(IDB_DESK, "bind.key", IDB_PHONE, "bind.key", 1, NOW);
        assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 1, NOW);
        assert_pair(IDB_WEB, "issue.key", IDB_DESK, "issue.pub", 1, NOW);
        assert_pair(IDB_WEB, "invite.key", IDB_INVITE, "invite.key", 1, NOW);
    }
}

/* Refusals */

static void missing(void **state)
{
    (void)state;
    unlink(path_of("web/code.key"));
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_missing", "web/code.key does not exist");
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_missing", "idb-keys create");
    config.keys_directory = "/nonexistent/keys";
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_missing", "directory /nonexistent/keys does not");
    config.keys_directory = directory;
}

static void wrong_rights(void **state)
{
    static const mode_t open[] = { 0644, 0604, 0601, 0602, 0660, 0620, 0610, 0777 };

    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        assert_int_equal(chmod(path_of("web/code.key"), open[i]), 0);
        refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_rights", "chmod g-wx,o-rwx");
    }
    assert_int_equal(chmod(path_of("web/code.key"), 0640), 0);
    idb_keys_free(load_at(IDB_WEB, "code.key", NOW));
    assert_int_equal(chmod(path_of("web/code.key"), 0400), 0);
    idb_keys_free(load_at(IDB_WEB, "code.key", NOW));
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(path_of("web/code.key"), NOBODY, (gid_t)-1), 0);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_rights", "chown root");
}

static void not_a_file(void **state)
{
    char target[128];

    (void)state;
    strcpy(target, path_of("phone/code.key"));
    unlink(path_of("web/code.key"));
    assert_int_equal(symlink(target, path_of("web/code.key")), 0);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_rights", "symbolic link");
    unlink(path_of("web/code.key"));
    assert_int_equal(mkfifo(path_of("web/code.key"), 0600), 0);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_rights", "not a regular file");
    unlink(path_of("web/code.key"));
    assert_int_equal(mkdir(path_of("web/code.key"), 0700), 0);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_rights", "not a regular file");
    rmdir(path_of("web/code.key"));
    assert_int_equal(mknod(path_of("web/code.key"), S_IFREG | 0600, 0), 0);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "no JSON");
}

static void unreadable(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(seteuid(NOBODY), 0);
    refuse(IDB_PHONE, "code.key", IDB_NOPERM, "key_unreadable",
           "phone zone (user root) and you are");
    refuse(IDB_PHONE, "code.key", IDB_NOPERM, "key_unreadable", "sudo -u root");
    json_object_set_new(config.root, "keys", json_pack("{s:{s:s}}", "users", "phone", "idb-phone"));
    refuse(IDB_PHONE, "code.key", IDB_NOPERM, "key_unreadable", "sudo -u idb-phone");
    assert_int_equal(seteuid(0), 0);
}

static void corrupt_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "{\"keys\":[1]}",
        "{\"keys\":[{}]}",
        "{\"keys\":[],\"keys\":[]}",
        "\xff\xfe",
        "{\"keys\":[]} x",
    };
    char *good = slurp("web/code.key");
    char *extra = malloc(strlen(good) + 64);

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        spill("web/code.key", texts[i]);
        refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "web/code.key is not a key file");
    }
    for (size_t n = 1; n < strlen(good) - 2; n += 9) {
        char kept = good[n];

        good[n] = '\0';
        spill("web/code.key", good);
        refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "no JSON");
        good[n] = kept;
    }
    good[strlen(good) - 2] = '\0';
    sprintf(extra, "%s,\"x\":1}", good);
    spill("web/code.key", extra);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "nothing else");
    free(extra);
    free(good);
}

/* Sets (or with NULL removes) a member of the file's key at index, and expects
 * words in the refusal. */
static void refuse_member(enum idb_zone zone, const char *name, const char *member, json_t *value,
                          const char *words)
{
    char file[64];
    char *text;
    char *changed;
    json_t *set;
    json_t *key;

    snprintf(file, sizeof file, "%s/%s", idb_zone_name(zone), name);
    text = slurp(file);
    set = json_loads(text, 0, NULL);
    key = json_array_get(json_object_get(set, "keys"), 0);
    if (value)
        json_object_set_new(key, member, value);
    else
        json_object_del(key, member);
    changed = json_dumps(set, JSON_COMPACT);
    spill(file, changed);
    refuse(zone, name, IDB_CONFIG, "key_corrupt", words);
    spill(file, text);
    idb_keys_free(load_at(zone, name, NOW));
    json_decref(set);
    free(changed);
    free(text);
}

static void corrupt_members(void **state)
{
    static const char long_k[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const char odd_k[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";

    (void)state;
    refuse_member(IDB_WEB, "code.key", "k", json_string(""), "32 bytes");
    refuse_member(IDB_WEB, "code.key", "k", json_string("AAAA"), "32 bytes");
    refuse_member(IDB_WEB, "code.key", "k", json_string(long_k), "32 bytes");
    refuse_member(IDB_WEB, "code.key", "k", json_string(odd_k), "32 bytes");
    refuse_member(IDB_WEB, "code.key", "k", json_integer(7), "32 bytes");
    refuse_member(IDB_WEB, "code.key", "k", NULL, "32 bytes");
    refuse_member(IDB_WEB, "code.key", "kty", json_string("EC"), "oct");
    refuse_member(IDB_WEB, "code.key", "kid", json_string("short"), "kid");
    refuse_member(IDB_WEB, "code.key", "kid", json_string("0123456789ABCDEF"), "kid");
    refuse_member(IDB_WEB, "code.key", "kid", json_string("0123456789abcdef0"), "kid");
    refuse_member(IDB_WEB, "code.key", "kid", NULL, "kid");
    refuse_member(IDB_WEB, "code.key", "created_at", json_string("yesterday"), "created_at");
    refuse_member(IDB_WEB, "code.key", "created_at", NULL, "created_at");
    refuse_member(IDB_WEB, "code.key", "retired_at", json_string("2026-11-24T05:25:10.123Z"),
                  "retired_at");
    refuse_member(IDB_WEB, "code.key", "password", json_string("x"), "member");
    refuse_member(IDB_WEB, "issue.key", "d", NULL, "private half");
    refuse_member(IDB_WEB, "issue.key", "x", json_string("AA"), "P-256");
    refuse_member(IDB_WEB, "issue.key", "crv", json_string("P-521"), "P-256");
    refuse_member(IDB_WEB, "issue.key", "kty", json_string("RSA"), "P-256");
    refuse_member(IDB_WEB, "seal.pub", "d", json_string("x"), "private half");
}

static void no_key_in_a_message(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys *keys = NULL;

    (void)state;
    spill("web/code.key", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"TOPSECRET\" TOPSECRET}]}");
    assert_false(idb_keys_load(&keys, &config, IDB_WEB, "code.key", NOW, &err));
    assert_null(strstr(err.message, "TOPSECRET"));
}

static void too_big(void **state)
{
    char *text = malloc(70000);

    (void)state;
    memset(text, ' ', 70000);
    text[69999] = '\0';
    spill("web/code.key", text);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "64 KiB");
    free(text);
}

/* Repeats the second key of a rotated file n times more, with ids of their own
 * or the same. */
static void repeat_second(int n, bool same_id)
{
    char *text = slurp("web/code.key");
    json_t *set = json_loads(text, 0, NULL);
    json_t *list = json_object_get(set, "keys");
    char *changed;

    for (int i = 0; i < n; i++) {
        json_t *key = json_deep_copy(json_array_get(list, 1));

        if (!same_id)
            json_object_set_new(key, "kid", json_sprintf("%016x", i));
        json_array_append_new(list, key);
    }
    changed = json_dumps(set, JSON_COMPACT);
    spill("web/code.key", changed);
    json_decref(set);
    free(changed);
    free(text);
}

static void repeated_and_too_many(void **state)
{
    int destroyed;

    (void)state;
    rotate("code", 0, NOW, &destroyed);
    repeat_second(2, false);
    idb_keys_free(load_at(IDB_WEB, "code.key", NOW));
    repeat_second(1, true);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "one id");
}

static void too_many_valid(void **state)
{
    struct idb_keys *keys;
    int destroyed;

    (void)state;
    rotate("code", 0, NOW, &destroyed);
    repeat_second(3, false);
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "too many");
    keys = load_at(IDB_WEB, "code.key", NOW + LIFETIME + IDB_KEYS_SLACK_MS + 1);
    assert_int_equal(keys->count, 1);
    idb_keys_free(keys);
}

/* A reader meets a rotation */

static void rotate_code(void)
{
    int destroyed;

    rotate("code", 0, NOW, &destroyed);
}

static void rotated_while_read(void **state)
{
    struct idb_keys *keys;

    (void)state;
    before_read = rotate_code;
    keys = load_at(IDB_WEB, "code.key", NOW);
    assert_int_equal(keys->count, 2);
    idb_keys_free(keys);
}

static void replace_again(void)
{
    char *text = slurp("web/code.key");

    unlink(path_of("web/code.key"));
    spill("web/code.key", text);
    free(text);
    before_read = replace_again;
}

static void replaced_for_ever(void **state)
{
    (void)state;
    before_read = replace_again;
    refuse(IDB_WEB, "code.key", IDB_CONFIG, "key_corrupt", "replaced all the time");
    before_read = NULL;
}

/* Rotating */

static void rotation_keeps_the_old_key(void **state)
{
    struct idb_keys *before = load_at(IDB_WEB, "code.key", NOW);
    struct idb_keys *after;
    int destroyed = 9;

    (void)state;
    assert_true(rotate("code", 0, NOW + HOUR, &destroyed));
    assert_int_equal(destroyed, 0);
    after = load_at(IDB_PHONE, "code.key", NOW + HOUR);
    assert_int_equal(after->count, 2);
    assert_string_equal(after->key[1].id, before->key[0].id);
    assert_memory_equal(after->key[1].secret, before->key[0].secret, IDB_KEY_SIZE);
    assert_memory_not_equal(after->key[0].secret, before->key[0].secret, IDB_KEY_SIZE);
    assert_true(after->key[0].created_at == NOW + HOUR);
    assert_true(after->key[0].retired_at == 0);
    assert_true(after->key[1].retired_at == NOW + HOUR);
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", 2, NOW + HOUR);
    idb_keys_free(before);
    idb_keys_free(after);
}

static void rotation_by_age(void **state)
{
    int destroyed;

    (void)state;
    assert_false(rotate("seal", 24 * HOUR, NOW + 24 * HOUR, &destroyed));
    assert_int_equal(renames, 0);
    assert_true(rotate("seal", 24 * HOUR, NOW + 24 * HOUR + 1, &destroyed));
    assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 2, NOW + 24 * HOUR);
}

static void reader_is_written_first(void **state)
{
    static const char *const names[] = { "code", "bind", "seal", "issue", "browser" };
    static const char *const order[] = { "code.key", "code.key", "bind.key",  "bind.key",
                                         "seal.key", "seal.pub", "issue.pub", "issue.key" };
    int destroyed;

    (void)state;
    for (int i = 0; i < 4; i++)
        rotate(names[i], 0, NOW, &destroyed);
    assert_int_equal(renames, 8);
    for (int i = 0; i < 8; i++)
        assert_string_equal(renamed[i], order[i]);
    rotate(names[4], 0, NOW, &destroyed);
}

static void old_keys_are_destroyed(void **state)
{
    int64_t limit = NOW + LIFETIME + IDB_KEYS_SLACK_MS;
    struct idb_keys *old = load_at(IDB_DESK, "seal.key", NOW);
    struct idb_keys *keys;
    char *text;
    int destroyed;

    (void)state;
    rotate("seal", 0, NOW, &destroyed);
    assert_false(rotate("seal", 99 * HOUR, limit, &destroyed));
    assert_int_equal(destroyed, 0);
    assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 2, limit);
    keys = load_at(IDB_DESK, "seal.key", limit + 1); /* not loaded, though still there */
    assert_int_equal(keys->count, 1);
    assert_null(idb_keys_find(keys, old->key[0].id));
    idb_keys_free(keys);
    assert_false(rotate("seal", 99 * HOUR, limit + 1, &destroyed));
    assert_int_equal(destroyed, 1);
    assert_pair(IDB_DESK, "seal.key", IDB_WEB, "seal.pub", 1, NOW);
    text = slurp("desk/seal.key");
    assert_null(strstr(text, json_string_value(json_object_get(old->key[0].jwk, "d"))));
    free(text);
    idb_keys_free(old);
}

static void old_content_is_overwritten(void **state)
{
    static const char *const files[] = { "desk/seal.key", "web/seal.pub" };
    int destroyed;
    int fd[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_true((fd[i] = open(path_of(files[i]), O_RDONLY)) >= 0);
    rotate("seal", 0, NOW, &destroyed);
    for (int i = 0; i < 2; i++) {
        char bytes[4096];
        ssize_t n = pread(fd[i], bytes, sizeof bytes, 0);

        assert_true(n > 100);
        for (ssize_t j = 0; j < n; j++)
            assert_int_equal(bytes[j], 0);
        close(fd[i]);
    }
}

static void full(void **state)
{
    struct idb_error err = { 0 };
    bool rotated = true;
    int destroyed;

    (void)state;
    for (int i = 1; i < IDB_KEYS_MAX; i++)
        assert_true(rotate("code", 0, NOW + i, &destroyed));
    assert_false(idb_keyfile_rotate(&config, "code", 0, NOW + 9, &rotated, &destroyed, &err));
    assert_false(rotated);
    assert_int_equal(err.exit, IDB_REFUSED);
    assert_string_equal(err.code, "keys_in_use");
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", IDB_KEYS_MAX, NOW + 9);
    assert_true(rotate("code", 0, NOW + 2 * LIFETIME, &destroyed));
    assert_int_equal(destroyed, IDB_KEYS_MAX - 1);
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", 2, NOW + 2 * LIFETIME);
}

static void unknown_name(void **state)
{
    struct idb_error err = { 0 };
    bool rotated;
    int destroyed;

    (void)state;
    assert_false(idb_keyfile_rotate(&config, "../x", 0, NOW, &rotated, &destroyed, &err));
    assert_int_equal(err.exit, IDB_USAGE);
}

static void rotate_without_files(void **state)
{
    struct idb_error err = { 0 };
    bool rotated;
    int destroyed;

    (void)state;
    unlink(path_of("web/seal.pub"));
    assert_false(idb_keyfile_rotate(&config, "seal", 0, NOW, &rotated, &destroyed, &err));
    assert_string_equal(err.code, "key_missing");
    config.keys_directory = "/nonexistent/keys";
    assert_false(idb_keyfile_rotate(&config, "seal", 0, NOW, &rotated, &destroyed, &err));
    assert_string_equal(err.code, "key_missing");
    config.keys_directory = directory;
}

/* Crashes */

/* A rotation at NOW that fails at its second rename: the reader is written. */
static void crash(const char *name)
{
    struct idb_error err = { 0 };
    bool rotated = true;
    int destroyed;

    renames_until_failure = 2;
    assert_false(idb_keyfile_rotate(&config, name, 0, NOW, &rotated, &destroyed, &err));
    assert_false(rotated);
    assert_string_equal(err.code, "key_unwritable");
    assert_int_equal(err.exit, IDB_UNAVAILABLE);
}

static void crash_is_healed(void **state)
{
    struct idb_keys *web, *phone;
    int destroyed;

    (void)state;
    crash("code");
    web = load_at(IDB_WEB, "code.key", NOW);
    phone = load_at(IDB_PHONE, "code.key", NOW);
    assert_int_equal(web->count, 1);
    assert_int_equal(phone->count, 2);
    assert_non_null(idb_keys_find(phone, web->key[0].id)); /* what web makes is read */
    idb_keys_free(web);
    idb_keys_free(phone);
    /* Long after: the old key, in use until now, is not past its time. */
    assert_false(rotate("code", 99 * HOUR, NOW + 9 * HOUR, &destroyed));
    assert_int_equal(destroyed, 0);
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", 2, NOW + 9 * HOUR);
    phone = load_at(IDB_PHONE, "code.key", NOW + 9 * HOUR);
    assert_true(phone->key[1].retired_at == NOW + 9 * HOUR);
    idb_keys_free(phone);
}

static void crash_with_the_maker_ahead(void **state)
{
    struct idb_keys *before = load_at(IDB_WEB, "issue.key", NOW);
    struct idb_keys *after;
    int destroyed;

    (void)state;
    crash("issue");
    after = load_at(IDB_DESK, "issue.pub", NOW);
    assert_int_equal(after->count, 2);
    idb_keys_free(after);
    assert_false(rotate("issue", 99 * HOUR, NOW + 9 * HOUR, &destroyed));
    assert_pair(IDB_WEB, "issue.key", IDB_DESK, "issue.pub", 1, NOW + 9 * HOUR);
    after = load_at(IDB_DESK, "issue.pub", NOW + 9 * HOUR);
    assert_string_equal(after->key[0].id, before->key[0].id);
    idb_keys_free(before);
    idb_keys_free(after);
}

static void leftovers_are_destroyed(void **state)
{
    char bytes[8] = { 1 };
    int destroyed;
    int fd;

    (void)state;
    spill("phone/.code.key.new", "a secret");
    fd = open(path_of("phone/.code.key.new"), O_RDONLY);
    assert_true(fd >= 0);
    rotate("code", 0, NOW, &destroyed);
    assert_int_equal(pread(fd, bytes, sizeof bytes, 0), 8);
    assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
    close(fd);
    crash("bind");
    assert_int_equal(access(path_of("phone/.code.key.new"), F_OK), -1);
    assert_int_equal(access(path_of("phone/.bind.key.new"), F_OK), -1);
}

/* Several at once */

static void rotate_in_child(int64_t now)
{
    struct idb_error err = { 0 };
    bool rotated;
    int destroyed;
    bool ok = idb_keyfile_rotate(&config, "code", 0, now, &rotated, &destroyed, &err);

    _exit(ok ? 0 : (int)err.exit);
}

static void two_at_once(void **state)
{
    int done = 0;

    (void)state;
    for (int i = 0; i < 6; i++)
        if (fork() == 0)
            rotate_in_child(NOW + i);
    for (int i = 0; i < 40; i++) { /* readers meanwhile */
        idb_keys_free(load_at(IDB_WEB, "code.key", NOW));
        idb_keys_free(load_at(IDB_PHONE, "code.key", NOW));
    }
    for (int i = 0; i < 6; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status));
        done += WEXITSTATUS(status) == 0;
        assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == IDB_REFUSED);
    }
    assert_int_equal(done, IDB_KEYS_MAX - 1);
    assert_pair(IDB_WEB, "code.key", IDB_PHONE, "code.key", IDB_KEYS_MAX, NOW);
}

/* Listing */

static void listed(void **state)
{
    struct idb_error err = { 0 };
    struct idb_keys *keys = load_at(IDB_WEB, "code.key", NOW);
    json_t *list = NULL;
    const json_t *key;
    int destroyed;
    char *text;

    (void)state;
    rotate("code", 0, NOW, &destroyed);
    chmod(path_of("desk/bind.key"), 0666);
    assert_true(idb_keyfile_list(&config, &list, &err));
    assert_int_equal(json_array_size(list), 11);
    for (size_t i = 0; i < 11; i++) {
        const json_t *file = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(file, "file"));

        if (strcmp(name, "bind.key") == 0
            && strcmp(json_string_value(json_object_get(file, "zone")), "desk") == 0) {
            assert_null(json_object_get(file, "keys"));
            assert_string_equal(json_string_value(json_object_get(file, "error")), "key_rights");
            assert_string_equal(json_string_value(json_object_get(file, "mode")), "0666");
        } else
            assert_null(json_object_get(file, "error"));
        if (strcmp(name, "code.key") != 0)
            continue;
        assert_string_equal(json_string_value(json_object_get(file, "type")), "secret");
        key = json_array_get(json_object_get(file, "keys"), 1);
        assert_string_equal(json_string_value(json_object_get(key, "id")), keys->key[0].id);
        assert_string_equal(json_string_value(json_object_get(key, "readable_until")),
                            "2026-11-24T09:30:10.123Z");
    }
    text = json_dumps(list, 0);
    assert_null(strstr(text, "\"k\""));
    assert_null(strstr(text, "\"d\""));
    free(text);
    json_decref(list);
    idb_keys_free(keys);
}

/* Users: by root, with "keys"."users" */

/* An empty folder, and a user of each zone but invite; root alone can give files away. */
static void with_users(void **state)
{
    if (geteuid() != 0)
        skip();
    teardown(state);
    strcpy(directory, "/tmp/idb-keys-XXXXXX");
    assert_non_null(mkdtemp(directory));
    config.root = json_pack("{s:{s:{s:s,s:s,s:s}}}", "keys", "users", "web", "daemon", "phone",
                            "bin", "desk", "sys");
}

static void owners(void **state)
{
    struct idb_error err = { 0 };
    struct stat st;
    int made;

    with_users(state);
    assert_true(idb_keyfile_create(&config, NOW, &made, &err));
    assert_int_equal(stat(path_of("phone"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_gid, 2);
    assert_int_equal(stat(path_of("phone/code.key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_gid, 2);
}

/* Without a user of the invite zone there is none; with one it has its folder. */
static void invite_zone(void **state)
{
    struct idb_error err = { 0 };
    bool rotated = true;
    int destroyed;
    int made;

    with_users(state);
    assert_true(idb_keyfile_create(&config, NOW, &made, &err));
    assert_int_equal(made, 9);
    assert_int_equal(access(path_of("invite"), F_OK), -1);
    assert_true(idb_keyfile_rotate(&config, "invite", 0, NOW, &rotated, &destroyed, &err));
    assert_false(rotated);
    refuse(IDB_WEB, "invite.key", IDB_CONFIG, "key_missing", "no user of the invite zone");
    json_object_set_new(json_object_get(json_object_get(config.root, "keys"), "users"), "invite",
                        json_string("games"));
    assert_true(idb_keyfile_create(&config, NOW, &made, &err));
    assert_int_equal(made, 2);
    assert_pair(IDB_WEB, "invite.key", IDB_INVITE, "invite.key", 1, NOW);
}

/* A letter lives longer than a session. */
static void invite_keys_live_longer(void **state)
{
    const int64_t limit = NOW + HOUR + IDB_INVITE_MAX_MS + IDB_KEYS_SLACK_MS;
    struct idb_keys *keys;
    int destroyed;

    (void)state;
    assert_true(rotate("invite", 0, NOW + HOUR, &destroyed));
    assert_false(rotate("invite", INT64_MAX, limit, &destroyed));
    assert_int_equal(destroyed, 0);
    keys = load_at(IDB_WEB, "invite.key", limit);
    assert_int_equal(keys->count, 2);
    idb_keys_free(keys);
    assert_false(rotate("invite", INT64_MAX, limit + 1, &destroyed));
    assert_int_equal(destroyed, 1);
    keys = load_at(IDB_INVITE, "invite.key", limit + 1);
    assert_int_equal(keys->count, 1);
    idb_keys_free(keys);
}

static void wrong_users(void **state)
{
    struct idb_error err = { 0 };
    int made;

    (void)state;
    if (geteuid() != 0)
        skip();
    json_object_set_new(config.root, "keys",
                        json_pack("{s:{s:s,s:s,s:s}}", "users", "web", "daemon", "phone",
                                  "no-such-user", "desk", "sys"));
    assert_false(idb_keyfile_create(&config, NOW, &made, &err));
    assert_string_equal(err.code, "config_invalid");
    assert_non_null(strstr(err.message, "useradd --system --user-group no-such-user"));
    json_object_set_new(
        config.root, "keys",
        json_pack("{s:{s:s,s:s,s:s}}", "users", "web", "games", "phone", "sync", "desk", "nobody"));
    assert_false(idb_keyfile_create(&config, NOW, &made, &err));
    assert_string_equal(err.code, "config_invalid");
    assert_non_null(strstr(err.message, "one primary group"));
    json_object_set_new(config.root, "keys", json_pack("{s:{s:s}}", "users", "web", "daemon"));
    assert_false(idb_keyfile_create(&config, NOW, &made, &err));
    assert_non_null(strstr(err.message, "keys.users.phone is missing"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(created),
        CASE(public_files_hold_no_private_key),
        CASE(create_leaves_what_exists),
        CASE(create_replaces_orphaned_public_half),
        CASE(create_after_a_crash),
        CASE(missing),
        CASE(wrong_rights),
        CASE(not_a_file),
        CASE(unreadable),
        CASE(corrupt_texts),
        CASE(corrupt_members),
        CASE(no_key_in_a_message),
        CASE(too_big),
        CASE(repeated_and_too_many),
        CASE(too_many_valid),
        CASE(rotated_while_read),
        CASE(replaced_for_ever),
        CASE(rotation_keeps_the_old_key),
        CASE(rotation_by_age),
        CASE(reader_is_written_first),
        CASE(old_keys_are_destroyed),
        CASE(old_content_is_overwritten),
        CASE(full),
        CASE(unknown_name),
        CASE(rotate_without_files),
        CASE(crash_is_healed),
        CASE(crash_with_the_maker_ahead),
        CASE(leftovers_are_destroyed),
        CASE(two_at_once),
        CASE(listed),
        CASE(owners),
        CASE(invite_zone),
        CASE(invite_keys_live_longer),
        CASE(wrong_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
