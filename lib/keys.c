#include "keys.h"

#include "b64.h"
#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX   (64 * 1024)
#define READ_TRIES 3 /* of a file that is replaced while it is read */

/* One key file, for checks and messages. */
struct source {
    const struct idb_config *config;
    const char *zone;
    const char *name;
    enum idb_key_kind kind;
    char path[PATH_MAX];
};

const char *idb_zone_name(enum idb_zone zone)
{
    static const char *const names[] = { "web", "phone", "desk", "invite" };

    return names[zone];
}

static const json_t *zone_users(const struct idb_config *config)
{
    return json_object_get(json_object_get(config->root, "keys"), "users");
}

bool idb_zone_is_used(const struct idb_config *config, enum idb_zone zone)
{
    const json_t *users = zone_users(config);

    return zone != IDB_INVITE || !users || json_object_get(users, idb_zone_name(zone));
}

enum idb_key_kind idb_key_kind(const char *name)
{
    if (strcmp(name, "issue.pub") == 0 || strcmp(name, "seal.pub") == 0)
        return IDB_KEY_PUBLIC;
    if (strcmp(name, "issue.key") == 0 || strcmp(name, "seal.key") == 0)
        return IDB_KEY_PRIVATE;
    return IDB_KEY_SECRET;
}

static struct source source_of(const struct idb_config *config, enum idb_zone zone,
                               const char *name)
{
    struct source s = {
        .config = config, .zone = idb_zone_name(zone), .name = name, .kind = idb_key_kind(name)
    };

    snprintf(s.path, sizeof s.path, "%s/%s/%s", config->keys_directory, s.zone, name);
    return s;
}

/* Opening */

static void user_name(char *out, size_t size, uid_t uid)
{
    const struct passwd *user = getpwuid(uid);

    if (user)
        snprintf(out, size, "%s", user->pw_name);
    else
        snprintf(out, size, "user %u", (unsigned)uid);
}

/* The user who may read the file: the zone's by the configuration, else the
 * owner of the file, or of its directory where that is as far as we can see. */
static void zone_user(char *out, size_t size, const struct source *s)
{
    const char *user = json_string_value(json_object_get(zone_users(s->config), s->zone));
    char directory[PATH_MAX];
    struct stat st;

    snprintf(directory, sizeof directory, "%s/%s", s->config->keys_directory, s->zone);
    if (user)
        snprintf(out, size, "%s", user);
    else if (lstat(s->path, &st) == 0 || lstat(directory, &st) == 0)
        user_name(out, size, st.st_uid);
    else
        snprintf(out, size, "root");
}

static bool unreadable(const struct source *s, struct idb_error *err)
{
    char owner[64];
    char self[64];

    zone_user(owner, sizeof owner, s);
    user_name(self, sizeof self, geteuid());
    if (!strcmp(owner, self))
        return idb_fail(err, IDB_NOPERM, "key_unreadable",
                        "%s may not be read by %s, whose zone (%s) it is; mend it with: "
                        "chgrp $(id -gn %s) %s && chmod g+r %s",
                        s->path, self, s->zone, self, s->path, s->path);
    return idb_fail(err, IDB_NOPERM, "key_unreadable",
                    "%s belongs to the %s zone (user %s) and you are %s; run it as %s, for "
                    "instance with sudo -u %s.",
                    s->path, s->zone, owner, self, owner, owner);
}

static bool corrupt(const struct source *s, struct idb_error *err, const char *what)
{
    return idb_fail(err, IDB_CONFIG, "key_corrupt",
                    "%s is not a key file in order: %s. Remove it and run idb-keys create; what "
                    "was made with its keys is lost.",
                    s->path, what);
}

static bool no_memory(struct idb_error *err)
{
    return idb_fail(err, IDB_TEMPFAIL, "memory", "There is no memory to read a key file.");
}

static bool missing(const struct source *s, struct idb_error *err)
{
    struct stat st;

    if (stat(s->config->keys_directory, &st) != 0)
        return idb_fail(err, IDB_CONFIG, "key_missing",
                        "The key directory %s does not exist; run idb-keys create.",
                        s->config->keys_directory);
    if (strcmp(s->name, "invite.key") == 0 && !idb_zone_is_used(s->config, IDB_INVITE))
        return idb_fail(err, IDB_CONFIG, "key_missing",
                        "%s does not exist: keys.users names no user of the invite zone; add one "
                        "and run idb-keys create.",
                        s->path);
    return idb_fail(err, IDB_CONFIG, "key_missing", "%s does not exist; run idb-keys create.",
                    s->path);
}

static bool is_link(const struct source *s, struct idb_error *err)
{
    return idb_fail(err, IDB_CONFIG, "key_rights",
                    "%s is a symbolic link, and a key file must not be; mend it with: "
                    "cp -p --remove-destination \"$(readlink -f %s)\" %s",
                    s->path, s->path, s->path);
}

/* O_NONBLOCK, so that a pipe in the file's place is refused and not waited for. */
static int open_key(const struct source *s, struct idb_error *err)
{
    int fd = open(s->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd >= 0)
        return fd;
    if (errno == EACCES || errno == EPERM)
        unreadable(s, err);
    else if (errno == ENOENT || errno == ENOTDIR)
        missing(s, err);
    else if (errno == ELOOP)
        is_link(s, err);
    else
        corrupt(s, err, strerror(errno));
    return -1;
}

static bool check_rights(const struct source *s, const struct stat *st, struct idb_error *err)
{
    char owner[64];

    if (!S_ISREG(st->st_mode))
        return idb_fail(err, IDB_CONFIG, "key_rights",
                        "%s is not a regular file; remove it and make it anew.", s->path);
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        user_name(owner, sizeof owner, st->st_uid);
        return idb_fail(err, IDB_CONFIG, "key_rights",
                        "%s belongs to %s, who could replace it; mend it with: chown root %s",
                        s->path, owner, s->path);
    }
    if (st->st_mode & 0037)
        return idb_fail(err, IDB_CONFIG, "key_rights",
                        "%s is open to others (mode %04o); mend it with: chmod g-wx,o-rwx %s",
                        s->path, (unsigned)(st->st_mode & 07777), s->path);
    return true;
}

/* Reading */

/* Up to size bytes of fd; *n is how many there were. */
static bool read_bytes(int fd, char *buffer, size_t size, size_t *n)
{
    for (*n = 0; *n < size;) {
        ssize_t got = read(fd, buffer + *n, size - *n);

        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            *n += (size_t)got;
    }
    return true;
}

/* Reads the file once. *stale says that it was replaced meanwhile: a replaced
 * file is overwritten, so what was read may be half gone. */
static bool read_once(const struct source *s, char *buffer, size_t *n, bool *stale,
                      struct idb_error *err)
{
    struct stat st;
    int fd = open_key(s, err);
    bool ok = false;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0) {
        corrupt(s, err, strerror(errno));
        goto out;
    }
    if (!check_rights(s, &st, err))
        goto out;
    if (!read_bytes(fd, buffer, FILE_MAX + 1, n) || fstat(fd, &st) != 0) {
        corrupt(s, err, strerror(errno));
        goto out;
    }
    *stale = st.st_nlink == 0;
    ok = true;
out:
    close(fd);
    return ok;
}

/* jansson's own message is not repeated: it quotes what it stumbled over. */
static json_t *parse(const struct source *s, const char *text, size_t n, struct idb_error *err)
{
    json_error_t at;
    json_t *set = NULL;
    char what[64];

    if (n > FILE_MAX)
        corrupt(s, err, "it is over 64 KiB");
    else if (!(set = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at))) {
        snprintf(what, sizeof what, "no JSON from line %d, column %d on", at.line, at.column);
        corrupt(s, err, what);
    }
    return set;
}

static void slurp_free(char *buffer, size_t n)
{
    if (buffer)
        idb_wipe(buffer, n);
    free(buffer);
}

/* All of the file, n bytes that slurp_free() wipes and frees; NULL with err set. */
static char *slurp(const struct source *s, size_t *n, struct idb_error *err)
{
    char *buffer = malloc(FILE_MAX + 1);
    bool ok = buffer ? true : no_memory(err);
    bool stale = true;

    for (int i = 0; ok && stale && i < READ_TRIES; i++) {
        idb_wipe(buffer, *n);
        *n = 0;
        ok = read_once(s, buffer, n, &stale, err);
    }
    if (ok && stale)
        ok = corrupt(s, err, "it is being replaced all the time");
    if (!ok) {
        slurp_free(buffer, *n);
        return NULL;
    }
    return buffer;
}

static json_t *read_file(const struct source *s, struct idb_error *err)
{
    size_t n = 0;
    char *buffer = slurp(s, &n, err);
    json_t *set = buffer ? parse(s, buffer, n, err) : NULL;

    slurp_free(buffer, n);
    return set;
}

json_t *idb_keys_read_json(const struct idb_config *config, enum idb_zone zone, const char *name,
                           struct idb_error *err)
{
    struct source s = source_of(config, zone, name);

    return read_file(&s, err);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* The text without the line ends behind it, when it is printable ASCII. */
static char *plain_text(const char *buffer, size_t n)
{
    while (n > 0 && is_line_end(buffer[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++)
        if ((buffer[i] < ' ' || buffer[i] > '~') && buffer[i] != '\t' && !is_line_end(buffer[i]))
            return NULL;
    return n > 0 ? strndup(buffer, n) : NULL;
}

bool idb_keys_read_text(char **text, const struct idb_config *config, enum idb_zone zone,
                        const char *name, struct idb_error *err)
{
    struct source s = source_of(config, zone, name);
    size_t n = 0;
    char *buffer = slurp(&s, &n, err);

    *text = buffer ? plain_text(buffer, n) : NULL;
    if (buffer && !*text)
        idb_fail(err, IDB_CONFIG, "key_corrupt",
                 "%s must hold printable characters; write it anew.", s.path);
    else if (!buffer && !strcmp(err->code, "key_missing"))
        idb_fail(err, IDB_CONFIG, "key_missing",
                 "%s does not exist; write into it what the login provider was told or gave.",
                 s.path);
    else if (!buffer && !strcmp(err->code, "key_corrupt"))
        idb_fail(err, IDB_CONFIG, "key_corrupt", "%s is not a file in order; write it anew.",
                 s.path);
    slurp_free(buffer, n);
    return *text != NULL;
}

void idb_keys_text_free(char *text)
{
    if (text)
        idb_wipe(text, strlen(text));
    free(text);
}

/* Checking */

static const char *text_of(const json_t *key, const char *member)
{
    const char *text = json_string_value(json_object_get(key, member));

    return text ? text : "";
}

static bool is_id(const char *id)
{
    return strlen(id) == IDB_KEY_ID_SIZE - 1
           && strspn(id, "0123456789abcdef") == IDB_KEY_ID_SIZE - 1;
}

/* True for strict base64url of 32 bytes, which every number in our keys is. */
static bool is_number(const json_t *key, const char *member)
{
    unsigned char bytes[IDB_KEY_SIZE];
    const char *text = text_of(key, member);
    size_t n = 0;
    bool ok = idb_b64_decode(bytes, sizeof bytes, &n, text, strlen(text)) && n == sizeof bytes;

    idb_wipe(bytes, sizeof bytes);
    return ok;
}

static bool is_time(const json_t *key, const char *member)
{
    int64_t ms;

    return idb_timestamp_parse(&ms, text_of(key, member));
}

static bool only_known_members(const json_t *key)
{
    static const char *const known[] = { "kty", "kid", "alg", "use", "key_ops",    "k",
                                         "crv", "x",   "y",   "d",   "created_at", "retired_at" };
    size_t n = 0;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        n += json_object_get(key, known[i]) != NULL;
    return n == json_object_size(key);
}

/* What is wrong with the numbers of key, or NULL. */
static const char *wrong_material(const json_t *key, enum idb_key_kind kind)
{
    if (kind == IDB_KEY_SECRET) {
        if (strcmp(text_of(key, "kty"), "oct") != 0 || !is_number(key, "k"))
            return "a key is not a secret (oct) of 32 bytes";
        return NULL;
    }
    if (strcmp(text_of(key, "kty"), "EC") != 0 || strcmp(text_of(key, "crv"), "P-256") != 0
        || !is_number(key, "x") || !is_number(key, "y"))
        return "a key is not an EC key on P-256";
    if (kind == IDB_KEY_PRIVATE && !is_number(key, "d"))
        return "a key lacks its private half";
    if (kind == IDB_KEY_PUBLIC && json_object_get(key, "d"))
        return "a public key holds its private half";
    return NULL;
}

static const char *wrong_key(const json_t *key, enum idb_key_kind kind, bool newest)
{
    if (!only_known_members(key))
        return "a key has a member that no key has";
    if (!is_id(text_of(key, "kid")))
        return "a key has no id (kid) of 16 hexadecimal digits";
    if (!is_time(key, "created_at"))
        return "a key has no time created_at";
    if (newest ? json_object_get(key, "retired_at") != NULL : !is_time(key, "retired_at"))
        return "every key but the first must have a time retired_at, the first must not";
    return wrong_material(key, kind);
}

static bool is_repeated(const json_t *list, size_t at)
{
    const char *id = text_of(json_array_get(list, at), "kid");

    for (size_t i = 0; i < at; i++)
        if (strcmp(text_of(json_array_get(list, i), "kid"), id) == 0)
            return true;
    return false;
}

static const char *wrong_set(const json_t *set, enum idb_key_kind kind)
{
    const json_t *list = json_object_get(set, "keys");
    const char *wrong = NULL;

    if (json_object_size(set) != 1 || json_array_size(list) == 0)
        return "it is not an object with \"keys\" and nothing else";
    for (size_t i = 0; !wrong && i < json_array_size(list); i++) {
        wrong = wrong_key(json_array_get(list, i), kind, i == 0);
        if (!wrong && is_repeated(list, i))
            wrong = "two keys have one id (kid)";
    }
    return wrong;
}

json_t *idb_keys_read(const struct idb_config *config, enum idb_zone zone, const char *name,
                      struct idb_error *err)
{
    struct source s = source_of(config, zone, name);
    json_t *set = read_file(&s, err);
    const char *wrong = set ? wrong_set(set, s.kind) : NULL;

    if (wrong) {
        corrupt(&s, err, wrong);
        json_decref(set);
        set = NULL;
    }
    return set;
}

int64_t idb_key_readable_until(const char *name, const json_t *key)
{
    bool invites = strcmp(name, "invite.key") == 0;
    int64_t retired_at = 0;

    if (!idb_timestamp_parse(&retired_at, text_of(key, "retired_at")))
        return INT64_MAX;
    return retired_at + (invites ? IDB_INVITE_MAX_MS : IDB_SESSION_MAX_MS) + IDB_KEYS_SLACK_MS;
}

/* Loading */

/* What libjose needs of an EC key and nothing more, so that no member of the
 * file steers it. */
static json_t *bare_jwk(const json_t *key)
{
    return json_pack("{s:s, s:s, s:O, s:O, s:O*}", "kty", "EC", "crv", "P-256", "x",
                     json_object_get(key, "x"), "y", json_object_get(key, "y"), "d",
                     json_object_get(key, "d"));
}

/* Fills one key of a set that was checked. */
static bool fill(struct idb_key *out, const json_t *key, enum idb_key_kind kind)
{
    size_t n = 0;

    memcpy(out->id, text_of(key, "kid"), sizeof out->id);
    idb_timestamp_parse(&out->created_at, text_of(key, "created_at"));
    if (!idb_timestamp_parse(&out->retired_at, text_of(key, "retired_at")))
        out->retired_at = 0;
    if (kind == IDB_KEY_SECRET) {
        if (!idb_b64_decode(out->secret, sizeof out->secret, &n, text_of(key, "k"),
                            strlen(text_of(key, "k"))))
            return false;
        out->hmac = idb_hmac_new(out->secret);
        return out->hmac != NULL;
    }
    out->jwk = bare_jwk(key);
    return out->jwk != NULL;
}

static bool fill_all(struct idb_keys *keys, const struct source *s, const json_t *set, int64_t now,
                     struct idb_error *err)
{
    const json_t *list = json_object_get(set, "keys");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *key = json_array_get(list, i);

        if (idb_key_readable_until(s->name, key) < now)
            continue;
        if (keys->count == IDB_KEYS_MAX)
            return corrupt(s, err, "too many of its keys are valid at once");
        if (!fill(&keys->key[keys->count++], key, s->kind))
            return no_memory(err);
    }
    return true;
}

bool idb_keys_load(struct idb_keys **keys, const struct idb_config *config, enum idb_zone zone,
                   const char *name, int64_t now, struct idb_error *err)
{
    struct source s = source_of(config, zone, name);
    struct idb_keys *loaded = NULL;
    json_t *set = NULL;
    bool ok = false;

    *keys = NULL;
    set = idb_keys_read(config, zone, name, err);
    if (!set)
        return false;
    loaded = calloc(1, sizeof *loaded);
    ok = loaded ? fill_all(loaded, &s, set, now, err) : no_memory(err);
    if (ok) {
        *keys = loaded;
        loaded = NULL;
    }
    idb_keys_free(loaded);
    json_decref(set);
    return ok;
}

void idb_keys_free(struct idb_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++) {
        struct idb_key *key = &keys->key[i];

        json_decref(key->jwk);
        idb_hmac_free(key->hmac);
        idb_hmac_free(key->daily[0].hmac);
        idb_hmac_free(key->daily[1].hmac);
    }
    idb_wipe(keys, sizeof *keys);
    free(keys);
}

EVP_MAC_CTX *idb_key_daily(struct idb_key *key, const char *kind, int64_t day)
{
    struct idb_daily_key *daily = &key->daily[day & 1];
    unsigned char secret[IDB_KEY_SIZE];
    char label[40];

    if (daily->hmac && daily->day == day && !strcmp(daily->kind, kind))
        return daily->hmac;
    idb_hmac_free(daily->hmac);
    snprintf(label, sizeof label, "%s %lld", kind, (long long)day);
    daily->kind = kind;
    daily->day = day;
    daily->hmac = idb_hmac_derive(secret, key->hmac, label) ? idb_hmac_new(secret) : NULL;
    idb_wipe(secret, sizeof secret);
    return daily->hmac;
}

const struct idb_key *idb_keys_find(const struct idb_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->key[i].id, id) == 0)
            return &keys->key[i];
    return NULL;
}
