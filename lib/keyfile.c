#include "keyfile.h"

#include "b64.h"
#include "timestamp.h"
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jose/jwk.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct side {
    enum idb_zone zone;
    const char *file; /* NULL: there is no such side */
};

/* One kind of key and where it stands. whole holds everything, so that copy can
 * be made from it at any time; the one that reads is written first. */
struct pair {
    const char *name;
    struct side whole;
    struct side copy;
    bool copy_reads;
};

static const struct pair pairs[] = {
    { "browser", { IDB_WEB, "browser.key" }, { IDB_WEB, NULL }, false },
    { "code", { IDB_PHONE, "code.key" }, { IDB_WEB, "code.key" }, false },
    { "bind", { IDB_DESK, "bind.key" }, { IDB_PHONE, "bind.key" }, false },
    { "issue", { IDB_WEB, "issue.key" }, { IDB_DESK, "issue.pub" }, true },
    { "seal", { IDB_DESK, "seal.key" }, { IDB_WEB, "seal.pub" }, false },
    { "invite", { IDB_WEB, "invite.key" }, { IDB_INVITE, "invite.key" }, false },
};

#define PAIRS ((int)(sizeof pairs / sizeof pairs[0]))

struct rights {
    uid_t uid;
    gid_t gid;
    mode_t file;
    mode_t directory;
};

static bool system_failed(struct idb_error *err, const char *path)
{
    int code = errno;
    enum idb_exit exit = IDB_CONFIG;

    if (code == EACCES || code == EPERM || code == EROFS)
        exit = IDB_NOPERM;
    else if (code == ENOSPC || code == EDQUOT || code == EIO)
        exit = IDB_UNAVAILABLE;
    return idb_fail(err, exit, "key_unwritable", "%s cannot be written: %s.", path, strerror(code));
}

static bool no_memory(struct idb_error *err)
{
    return idb_fail(err, IDB_TEMPFAIL, "memory", "There is no memory to make a key file.");
}

static void zone_path(char path[PATH_MAX], const struct idb_config *config, enum idb_zone zone)
{
    snprintf(path, PATH_MAX, "%s/%s", config->keys_directory, idb_zone_name(zone));
}

static void side_path(char path[PATH_MAX], const struct idb_config *config, struct side side)
{
    snprintf(path, PATH_MAX, "%s/%s/%s", config->keys_directory, idb_zone_name(side.zone),
             side.file);
}

/* Leaves errno to whoever reports what went wrong before. */
static void shut(int fd)
{
    int kept = errno;

    if (fd >= 0)
        close(fd);
    errno = kept;
}

/* Owners and modes */

static const json_t *zone_users(const struct idb_config *config)
{
    return json_object_get(json_object_get(config->root, "keys"), "users");
}

static bool zone_group(const struct idb_config *config, enum idb_zone zone, gid_t *gid,
                       struct idb_error *err)
{
    const char *zone_name = idb_zone_name(zone);
    const char *user = json_string_value(json_object_get(zone_users(config), zone_name));
    const struct passwd *entry = user ? getpwnam(user) : NULL;

    if (!user)
        return idb_fail(err, IDB_CONFIG, "config_invalid",
                        "keys.users.%s is missing: name the user of the %s zone.", zone_name,
                        zone_name);
    if (!entry)
        return idb_fail(err, IDB_CONFIG, "config_invalid",
                        "keys.users.%s: there is no user %s; make it with: "
                        "useradd --system --user-group %s",
                        zone_name, user, user);
    *gid = entry->pw_gid;
    return true;
}

/* Two zones with one group would read each other's keys. */
static bool check_groups(const struct idb_config *config, enum idb_zone zone, gid_t gid,
                         struct idb_error *err)
{
    for (enum idb_zone other = 0; other < IDB_ZONES; other++) {
        gid_t theirs = 0;

        if (other == zone || !idb_zone_is_used(config, other))
            continue;
        if (!zone_group(config, other, &theirs, err))
            return false;
        if (theirs == gid)
            return idb_fail(err, IDB_CONFIG, "config_invalid",
                            "keys.users: the users of %s and %s have one primary group, so each "
                            "could read the other's keys; give each a group of its own.",
                            idb_zone_name(zone), idb_zone_name(other));
    }
    return true;
}

static bool zone_rights(struct rights *rights, const struct idb_config *config, enum idb_zone zone,
                        struct idb_error *err)
{
    *rights =
        (struct rights){ .uid = geteuid(), .gid = getegid(), .file = 0600, .directory = 0700 };
    if (!zone_users(config) || geteuid() != 0)
        return true;
    rights->file = 0640;
    rights->directory = 0750;
    return zone_group(config, zone, &rights->gid, err)
           && check_groups(config, zone, rights->gid, err);
}

/* Gives an open file or directory its owner and mode. */
static bool set_rights(int fd, const struct rights *rights, mode_t mode)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    if ((st.st_uid != rights->uid || st.st_gid != rights->gid)
        && fchown(fd, rights->uid, rights->gid) != 0)
        return false;
    return (st.st_mode & 07777) == mode || fchmod(fd, mode) == 0;
}

/* Directories and the lock */

static bool make_top(const struct idb_config *config, struct idb_error *err)
{
    mode_t mode = zone_users(config) && geteuid() == 0 ? 0755 : 0700;

    if (mkdir(config->keys_directory, 0700) == 0)
        return chmod(config->keys_directory, mode) == 0
               || system_failed(err, config->keys_directory);
    return errno == EEXIST || system_failed(err, config->keys_directory);
}

static bool make_zone(const struct idb_config *config, enum idb_zone zone, struct idb_error *err)
{
    char path[PATH_MAX];
    struct rights rights;
    int fd = -1;
    bool ok = false;

    if (!zone_rights(&rights, config, zone, err))
        return false;
    zone_path(path, config, zone);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ok = (fd >= 0 && set_rights(fd, &rights, rights.directory)) || system_failed(err, path);
    shut(fd);
    return ok;
}

/* Waits until no other idb-keys is at work; held until the descriptor is closed. */
static int lock(const struct idb_config *config, struct idb_error *err)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/.lock", config->keys_directory);
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        idb_fail(err, IDB_CONFIG, "key_missing",
                 "The key directory %s does not exist; run idb-keys create.",
                 config->keys_directory);
        return -1;
    }
    while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        shut(fd);
        fd = -1;
    }
    if (fd < 0)
        system_failed(err, path);
    return fd;
}

/* Writing one file */

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);

        if (wrote < 0 && errno != EINTR)
            return false;
        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
        }
    }
    return true;
}

/* Overwrites what stands in a file, down to the disk. */
static bool overwrite(int fd)
{
    static const char zeros[4096];
    struct stat st;

    if (fstat(fd, &st) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return false;
    for (off_t left = st.st_size; left > 0; left -= (off_t)sizeof zeros)
        if (!write_all(fd, zeros, left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros))
            return false;
    return fsync(fd) == 0;
}

/* Overwrites and removes a new file that was never put in its place. */
static bool discard(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 ? overwrite(fd) : errno == ENOENT;

    shut(fd);
    return ok && (unlinkat(directory, name, 0) == 0 || errno == ENOENT);
}

/* The set as a line in memory of our own, to be wiped and freed; *n its length. */
static char *dump(const json_t *set, size_t *n)
{
    size_t length = json_dumpb(set, NULL, 0, JSON_COMPACT);
    char *text = length > 0 ? malloc(length + 1) : NULL;

    if (text) {
        json_dumpb(set, text, length, JSON_COMPACT);
        text[length] = '\n';
        *n = length + 1;
    }
    return text;
}

/* A new file beside the real one; owner and mode are right before it has any
 * content. */
static bool write_new(int directory, const char *name, const struct rights *rights,
                      const char *text, size_t n)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok =
        fd >= 0 && set_rights(fd, rights, rights->file) && write_all(fd, text, n) && fsync(fd) == 0;

    shut(fd);
    return ok;
}

/* Puts the new file in the old one's place and destroys the old one. The folder
 * reaches the disk before the old content goes, or a power cut could leave the
 * name with a file of zeros. */
static bool replace(int directory, const char *from, const char *to)
{
    int old = openat(directory, to, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = (old >= 0 || errno == ENOENT) && renameat(directory, from, directory, to) == 0
              && fsync(directory) == 0 && (old < 0 || overwrite(old));

    shut(old);
    return ok;
}

static bool write_side(const struct idb_config *config, struct side side, const json_t *set,
                       struct idb_error *err)
{
    char path[PATH_MAX];
    char zone[PATH_MAX];
    char fresh[32];
    struct rights rights;
    int directory = -1;
    char *text = NULL;
    size_t n = 0;
    bool ok = false;

    if (!zone_rights(&rights, config, side.zone, err))
        return false;
    text = dump(set, &n);
    if (!text)
        return no_memory(err);
    side_path(path, config, side);
    zone_path(zone, config, side.zone);
    snprintf(fresh, sizeof fresh, ".%s.new", side.file);
    directory = open(zone, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* One name for all, so that what a crash leaves is found here and destroyed. */
    ok = directory >= 0 && discard(directory, fresh)
         && write_new(directory, fresh, &rights, text, n) && replace(directory, fresh, side.file);
    if (!ok) {
        system_failed(err, path);
        if (directory >= 0)
            discard(directory, fresh);
    }
    shut(directory);
    idb_wipe(text, n);
    free(text);
    return ok;
}

/* Sets of keys */

static const char *id_of(const json_t *key)
{
    return json_string_value(json_object_get(key, "kid"));
}

static const json_t *newest(const json_t *set)
{
    return json_array_get(json_object_get(set, "keys"), 0);
}

static bool set_time(json_t *key, const char *member, int64_t ms)
{
    char text[IDB_TIMESTAMP_SIZE];

    idb_timestamp_format(text, ms);
    return json_object_set_new(key, member, json_string(text)) == 0;
}

static json_t *new_secret(void)
{
    unsigned char secret[IDB_KEY_SIZE];
    char text[IDB_B64_SIZE(IDB_KEY_SIZE)];
    json_t *key = NULL;

    if (idb_random(secret, sizeof secret)) {
        idb_b64_encode(text, secret, sizeof secret);
        key = json_pack("{s:s, s:s}", "kty", "oct", "k", text);
    }
    idb_wipe(secret, sizeof secret);
    idb_wipe(text, sizeof text);
    return key;
}

static json_t *new_ec(bool signs)
{
    json_t *key = json_pack("{s:s, s:s}", "kty", "EC", "crv", "P-256");

    if (key && jose_jwk_gen(NULL, key)
        && json_object_set_new(key, "alg", json_string(signs ? "ES256" : "ECDH-ES")) == 0
        && json_object_set_new(key, "use", json_string(signs ? "sig" : "enc")) == 0)
        return key;
    json_decref(key);
    return NULL;
}

static bool new_id(char text[IDB_KEY_ID_SIZE])
{
    unsigned char id[8];

    if (!idb_random(id, sizeof id))
        return false;
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    return true;
}

/* A fresh key for the pair, or NULL. */
static json_t *new_key(const struct pair *pair, int64_t now)
{
    char text[IDB_KEY_ID_SIZE];
    json_t *key = NULL;

    if (!new_id(text))
        return NULL;
    if (idb_key_kind(pair->whole.file) == IDB_KEY_SECRET)
        key = new_secret();
    else
        key = new_ec(strcmp(pair->name, "issue") == 0);
    if (key && json_object_set_new(key, "kid", json_string(text)) == 0
        && set_time(key, "created_at", now))
        return key;
    json_decref(key);
    return NULL;
}

/* Puts a fresh key first in the set; the one that was first is retired. */
static bool add_key(json_t *set, const struct pair *pair, int64_t now, struct idb_error *err)
{
    json_t *list = json_object_get(set, "keys");
    json_t *old = json_array_get(list, 0);

    if ((!old || set_time(old, "retired_at", now))
        && json_array_insert_new(list, 0, new_key(pair, now)) == 0)
        return true;
    return idb_fail(err, IDB_SOFTWARE, "internal", "No key could be made for %s.", pair->name);
}

/* What stands in the copy's file: everything, or the public halves. */
static json_t *copy_of(const json_t *set, const struct pair *pair)
{
    json_t *copy = json_deep_copy(set);
    json_t *list = json_object_get(copy, "keys");

    if (idb_key_kind(pair->copy.file) == IDB_KEY_PUBLIC)
        for (size_t i = 0; i < json_array_size(list); i++)
            json_object_del(json_array_get(list, i), "d");
    return copy;
}

static bool write_changed(const struct idb_config *config, struct side side, const json_t *set,
                          const json_t *old, int *written, struct idb_error *err)
{
    if (old && json_equal(set, old))
        return true;
    if (!write_side(config, side, set, err))
        return false;
    ++*written;
    return true;
}

/* Brings both sides to set, the one that reads first. old_whole and old_copy are
 * what stands there, NULL for nothing; *written counts. */
static bool write_pair(const struct idb_config *config, const struct pair *pair, const json_t *set,
                       const json_t *old_whole, const json_t *old_copy, int *written,
                       struct idb_error *err)
{
    json_t *copy = NULL;
    bool ok = true;

    if (!pair->copy.file)
        return write_changed(config, pair->whole, set, old_whole, written, err);
    copy = copy_of(set, pair);
    if (!copy)
        return no_memory(err);
    if (pair->copy_reads)
        ok = write_changed(config, pair->copy, copy, old_copy, written, err);
    ok = ok && write_changed(config, pair->whole, set, old_whole, written, err);
    if (!pair->copy_reads)
        ok = ok && write_changed(config, pair->copy, copy, old_copy, written, err);
    json_decref(copy);
    return ok;
}

/* Creating */

/* Whether there is such a key here. */
static bool is_used(const struct idb_config *config, const struct pair *pair)
{
    return idb_zone_is_used(config, pair->whole.zone) && idb_zone_is_used(config, pair->copy.zone);
}

/* The set of a side that may be missing: then true and *set NULL. */
static bool read_if_there(json_t **set, const struct idb_config *config, struct side side,
                          struct idb_error *err)
{
    char path[PATH_MAX];
    struct stat st;

    *set = NULL;
    if (!side.file)
        return true;
    side_path(path, config, side);
    if (lstat(path, &st) != 0)
        return errno == ENOENT || system_failed(err, path);
    *set = idb_keys_read(config, side.zone, side.file, err);
    return *set != NULL;
}

static bool is_there(const struct idb_config *config, struct side side)
{
    char path[PATH_MAX];
    struct stat st;

    if (!side.file)
        return true;
    side_path(path, config, side);
    return lstat(path, &st) == 0;
}

/* Makes what is missing of a pair. A missing whole comes from the copy where
 * that is one; a public half without its private one opens nothing and is
 * replaced. */
static bool create_pair(const struct idb_config *config, const struct pair *pair, int64_t now,
                        int *made, struct idb_error *err)
{
    json_t *whole = NULL;
    json_t *copy = NULL;
    json_t *set = NULL;
    bool ok = false;

    if (is_there(config, pair->whole) && is_there(config, pair->copy))
        return true;
    if (!read_if_there(&whole, config, pair->whole, err)
        || !read_if_there(&copy, config, pair->copy, err))
        goto out;
    if (whole)
        set = json_incref(whole);
    else if (copy && idb_key_kind(pair->copy.file) == IDB_KEY_SECRET)
        set = json_incref(copy);
    else {
        set = json_pack("{s:[]}", "keys");
        if (!add_key(set, pair, now, err))
            goto out;
    }
    ok = write_pair(config, pair, set, whole, copy, made, err);
out:
    json_decref(set);
    json_decref(copy);
    json_decref(whole);
    return ok;
}

bool idb_keyfile_create(const struct idb_config *config, int64_t now, int *made,
                        struct idb_error *err)
{
    int fd = -1;
    bool ok = false;

    *made = 0;
    if (!make_top(config, err))
        return false;
    fd = lock(config, err);
    if (fd < 0)
        return false;
    ok = true;
    for (enum idb_zone zone = 0; ok && zone < IDB_ZONES; zone++)
        ok = !idb_zone_is_used(config, zone) || make_zone(config, zone, err);
    for (int i = 0; ok && i < PAIRS; i++)
        ok = !is_used(config, &pairs[i]) || create_pair(config, &pairs[i], now, made, err);
    shut(fd);
    return ok;
}

/* Rotating */

static const struct pair *find_pair(const char *name)
{
    for (int i = 0; i < PAIRS; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return &pairs[i];
    return NULL;
}

/* After a rotation that was cut short the reader has a newer key than the maker.
 * The maker went on with its own until this moment, so that is when it retires. */
static bool retire_late(json_t *set, const json_t *copy, int64_t now)
{
    json_t *list = json_object_get(set, "keys");
    const char *used = copy ? id_of(newest(copy)) : id_of(newest(set));

    for (size_t i = 1; i < json_array_size(list); i++) {
        json_t *key = json_array_get(list, i);

        if (strcmp(id_of(key), used) == 0)
            return set_time(key, "retired_at", now);
    }
    return true;
}

/* Takes the keys past their time out of the set; how many there were. */
static int prune(const char *file, json_t *set, int64_t now)
{
    json_t *list = json_object_get(set, "keys");
    int pruned = 0;

    for (size_t i = json_array_size(list); i-- > 0;) {
        if (idb_key_readable_until(file, json_array_get(list, i)) >= now)
            continue;
        json_array_remove(list, i);
        pruned++;
    }
    return pruned;
}

static bool is_due(const json_t *set, int64_t older_than_ms, int64_t now)
{
    int64_t created_at = 0;

    idb_timestamp_parse(&created_at, json_string_value(json_object_get(newest(set), "created_at")));
    return older_than_ms <= 0 || now - created_at > older_than_ms;
}

static bool rotate_pair(const struct idb_config *config, const struct pair *pair,
                        int64_t older_than_ms, int64_t now, bool *rotated, int *destroyed,
                        struct idb_error *err)
{
    json_t *whole = idb_keys_read(config, pair->whole.zone, pair->whole.file, err);
    json_t *copy = NULL;
    json_t *set = NULL;
    bool due = false;
    bool full = false;
    int written = 0;
    bool ok = false;

    if (whole && pair->copy.file)
        copy = idb_keys_read(config, pair->copy.zone, pair->copy.file, err);
    if (!whole || (pair->copy.file && !copy))
        goto out;
    set = json_deep_copy(whole);
    if (!set || (!pair->copy_reads && !retire_late(set, copy, now))) {
        no_memory(err);
        goto out;
    }
    *destroyed = prune(pair->whole.file, set, now);
    due = is_due(set, older_than_ms, now);
    full = json_array_size(json_object_get(set, "keys")) >= IDB_KEYS_MAX;
    if (due && !full && !add_key(set, pair, now, err))
        goto out;
    ok = write_pair(config, pair, set, whole, copy, &written, err);
    *rotated = ok && due && !full;
    if (ok && due && full)
        ok = idb_fail(err, IDB_REFUSED, "keys_in_use",
                      "%d keys of %s are still in use; rotate again when the oldest is past its "
                      "time (idb-keys list).",
                      IDB_KEYS_MAX, pair->name);
out:
    json_decref(set);
    json_decref(copy);
    json_decref(whole);
    return ok;
}

bool idb_keyfile_rotate(const struct idb_config *config, const char *name, int64_t older_than_ms,
                        int64_t now, bool *rotated, int *destroyed, struct idb_error *err)
{
    const struct pair *pair = find_pair(name);
    int fd = -1;
    bool ok = false;

    *rotated = false;
    *destroyed = 0;
    if (!pair)
        return idb_fail(err, IDB_USAGE, "usage",
                        "There is no key %s; there are browser, code, bind, issue, seal and "
                        "invite.",
                        name);
    if (!is_used(config, pair))
        return true;
    fd = lock(config, err);
    if (fd < 0)
        return false;
    ok = rotate_pair(config, pair, older_than_ms, now, rotated, destroyed, err);
    shut(fd);
    return ok;
}

/* Tokens */

static const struct side tokens_side = { IDB_PHONE, IDB_TOKENS_FILE };

/* A token and, in *entry, what is kept of it. */
static bool new_token(char token[IDB_TOKEN_SIZE], json_t **entry, const char *line, int64_t now)
{
    unsigned char secret[IDB_KEY_SIZE];
    char text[IDB_B64_SIZE(IDB_KEY_SIZE)];
    char hash[IDB_TOKEN_HASH];
    char id[IDB_KEY_ID_SIZE];
    bool ok = new_id(id) && idb_random(secret, sizeof secret);

    *entry = NULL;
    if (ok) {
        idb_b64_encode(text, secret, sizeof secret);
        snprintf(token, IDB_TOKEN_SIZE, IDB_TOKEN_PREFIX "%s", text);
        ok = idb_token_hash(hash, token, strlen(token));
    }
    if (ok)
        *entry = json_pack("{s:s, s:s, s:s}", "id", id, "line", line, "hash", hash);
    ok = *entry && set_time(*entry, "created_at", now);
    idb_wipe(secret, sizeof secret);
    idb_wipe(text, sizeof text);
    return ok;
}

static bool add_token(const struct idb_config *config, const char *line, int64_t now,
                      json_t **answer, struct idb_error *err)
{
    json_t *set = idb_tokens_read(config, err);
    json_t *list = json_object_get(set, "tokens");
    char token[IDB_TOKEN_SIZE] = "";
    json_t *entry = NULL;
    bool ok = false;

    if (!set)
        return false;
    if (json_array_size(list) >= IDB_TOKENS_MAX)
        idb_fail(err, IDB_REFUSED, "tokens_in_use",
                 "There are %d tokens; take one away with idb-keys revoke (idb-keys list).",
                 IDB_TOKENS_MAX);
    else if (!new_token(token, &entry, line, now) || json_array_append(list, entry))
        idb_fail(err, IDB_SOFTWARE, "internal", "No token could be made.");
    else if (write_side(config, tokens_side, set, err)) {
        *answer = json_pack("{s:s, s:O, s:s}", "token", token, "id", json_object_get(entry, "id"),
                            "line", line);
        ok = *answer || no_memory(err);
    }
    idb_wipe(token, sizeof token);
    json_decref(entry);
    json_decref(set);
    return ok;
}

bool idb_keyfile_token(const struct idb_config *config, const char *line, int64_t now,
                       json_t **answer, struct idb_error *err)
{
    int fd;
    bool ok;

    if (!idb_config_line(config, line))
        return idb_fail(err, IDB_DATA, "unknown_line",
                        "The configuration has no such line; see idb-config show.");
    fd = lock(config, err);
    if (fd < 0)
        return false;
    ok = add_token(config, line, now, answer, err);
    shut(fd);
    return ok;
}

/* Takes the entry with that id out of the set. */
static bool remove_token(json_t *set, const char *id)
{
    json_t *list = json_object_get(set, "tokens");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);

        if (!strcmp(json_string_value(json_object_get(entry, "id")), id))
            return json_array_remove(list, i) == 0;
    }
    return false;
}

bool idb_keyfile_revoke(const struct idb_config *config, const char *id, json_t **answer,
                        struct idb_error *err)
{
    int fd = lock(config, err);
    json_t *set = fd >= 0 ? idb_tokens_read(config, err) : NULL;
    bool ok = false;

    if (set && !remove_token(set, id))
        idb_fail(err, IDB_REFUSED, "unknown_token",
                 "There is no token with that id; idb-keys list shows them.");
    else if (set && write_side(config, tokens_side, set, err)) {
        *answer = json_pack("{s:s}", "revoked", id);
        ok = *answer || no_memory(err);
    }
    json_decref(set);
    shut(fd);
    return ok;
}

/* Listing */

static const char *type_of(const char *file)
{
    static const char *const types[] = { "secret", "private", "public" };

    return types[idb_key_kind(file)];
}

/* "root:idb-phone" and "0640"; nothing when the file cannot be seen. */
static bool add_rights(json_t *entry, const char *path)
{
    const struct passwd *user;
    const struct group *group;
    struct stat st;
    json_t *owner;

    if (lstat(path, &st) != 0)
        return true;
    user = getpwuid(st.st_uid);
    group = getgrgid(st.st_gid);
    owner = user && group ? json_sprintf("%s:%s", user->pw_name, group->gr_name)
                          : json_sprintf("%u:%u", (unsigned)st.st_uid, (unsigned)st.st_gid);
    return json_object_set_new(entry, "owner", owner) == 0
           && json_object_set_new(entry, "mode",
                                  json_sprintf("%04o", (unsigned)(st.st_mode & 07777)))
                  == 0;
}

static json_t *key_entry(const char *file, const json_t *key)
{
    int64_t until = idb_key_readable_until(file, key);
    json_t *entry = json_pack("{s:s, s:O, s:O?, s:n}", "id", id_of(key), "created_at",
                              json_object_get(key, "created_at"), "retired_at",
                              json_object_get(key, "retired_at"), "readable_until");

    if (entry && until != INT64_MAX && !set_time(entry, "readable_until", until)) {
        json_decref(entry);
        entry = NULL;
    }
    return entry;
}

static bool add_error(json_t *entry, const struct idb_error *err)
{
    return json_object_set_new(entry, "error", json_string(err->code)) == 0
           && json_object_set_new(entry, "message", json_string(err->message)) == 0;
}

static bool add_keys(json_t *entry, const struct idb_config *config, struct side side)
{
    struct idb_error err = { 0 };
    json_t *set = idb_keys_read(config, side.zone, side.file, &err);
    const json_t *list = json_object_get(set, "keys");
    json_t *keys = json_array();
    bool ok = true;

    if (!set) {
        json_decref(keys);
        return add_error(entry, &err);
    }
    for (size_t i = 0; ok && i < json_array_size(list); i++)
        ok = json_array_append_new(keys, key_entry(side.file, json_array_get(list, i))) == 0;
    json_decref(set);
    return json_object_set_new(entry, "keys", keys) == 0 && ok;
}

/* The tokens as keys that have a line and no end. */
static bool add_tokens(json_t *entry, const struct idb_config *config)
{
    struct idb_error err = { 0 };
    json_t *set = idb_tokens_read(config, &err);
    const json_t *list = json_object_get(set, "tokens");
    json_t *keys = json_array();
    bool ok = true;

    if (!set) {
        json_decref(keys);
        return add_error(entry, &err);
    }
    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        const json_t *token = json_array_get(list, i);

        ok = json_array_append_new(keys, json_pack("{s:O, s:O, s:O, s:n, s:n}", "id",
                                                   json_object_get(token, "id"), "line",
                                                   json_object_get(token, "line"), "created_at",
                                                   json_object_get(token, "created_at"),
                                                   "retired_at", "readable_until"))
             == 0;
    }
    json_decref(set);
    return json_object_set_new(entry, "keys", keys) == 0 && ok;
}

static bool add_token_file(json_t *list, const struct idb_config *config)
{
    char path[PATH_MAX];
    struct stat st;
    json_t *entry;

    side_path(path, config, tokens_side);
    if (lstat(path, &st) != 0)
        return true;
    entry =
        json_pack("{s:s, s:s, s:s}", "zone", "phone", "file", IDB_TOKENS_FILE, "type", "tokens");
    if (entry && add_tokens(entry, config) && add_rights(entry, path))
        return json_array_append_new(list, entry) == 0;
    json_decref(entry);
    return false;
}

static bool add_file(json_t *list, const struct idb_config *config, struct side side)
{
    char path[PATH_MAX];
    json_t *entry = NULL;

    if (!side.file)
        return true;
    side_path(path, config, side);
    entry = json_pack("{s:s, s:s, s:s}", "zone", idb_zone_name(side.zone), "file", side.file,
                      "type", type_of(side.file));
    if (entry && add_keys(entry, config, side) && add_rights(entry, path))
        return json_array_append_new(list, entry) == 0;
    json_decref(entry);
    return false;
}

bool idb_keyfile_list(const struct idb_config *config, json_t **list, struct idb_error *err)
{
    bool ok = true;

    *list = json_array();
    for (enum idb_zone zone = 0; ok && zone < IDB_ZONES; zone++)
        for (int i = 0; ok && i < PAIRS; i++) {
            if (!is_used(config, &pairs[i]))
                continue;
            if (pairs[i].whole.zone == zone)
                ok = add_file(*list, config, pairs[i].whole);
            if (ok && pairs[i].copy.zone == zone)
                ok = add_file(*list, config, pairs[i].copy);
        }
    ok = ok && add_token_file(*list, config);
    if (ok)
        return true;
    json_decref(*list);
    *list = NULL;
    return no_memory(err);
}
