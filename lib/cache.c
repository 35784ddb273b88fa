#include "cache.h"

#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define ENTRY_MAX (256 * 1024) /* bytes: a response, escaped, and what stands beside it */
#define POLL_MS   20           /* between two looks at a lock */

/* The folder is another's, or is none. */
static bool bad_rights(const char *folder, bool is_folder, struct idb_error *err)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *name = user ? user->pw_name : "USER";

    if (!is_folder)
        return idb_fail(err, IDB_CONFIG, "cache_rights",
                        "%s is no folder; remove it, then run: install -d -o %s -m 700 '%s'",
                        folder, name, folder);
    return idb_fail(err, IDB_CONFIG, "cache_rights",
                    "%s must be a folder that only %s can enter; empty it, then run: chown %s '%s'"
                    " && chmod 700 '%s'",
                    folder, name, name, folder, folder);
}

bool idb_cache_check(const char **folder, struct idb_error *err)
{
    struct stat st;

    if (stat(*folder, &st) == -1)
        return true;
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 0077))
        return true;
    if (geteuid() != 0 || !S_ISDIR(st.st_mode) || st.st_uid == 0)
        return bad_rights(*folder, S_ISDIR(st.st_mode), err);
    *folder = NULL;
    return true;
}

static void path_of(char path[PATH_MAX], const struct idb_cache *cache, const char *suffix)
{
    snprintf(path, PATH_MAX, "%s/%s.%s", cache->folder, cache->name, suffix);
}

/* The JSON object in the entry's file, or NULL. */
static json_t *load(const struct idb_cache *cache)
{
    char path[PATH_MAX];
    struct stat st;
    json_t *entry = NULL;
    int fd;

    path_of(path, cache, "json");
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ENTRY_MAX)
        entry = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
    close(fd);
    return entry;
}

static bool is_same(const json_t *given, const char *wanted)
{
    const char *text = json_string_value(given);

    return wanted ? text && !strcmp(text, wanted) : json_is_null(given);
}

bool idb_cache_read(const struct idb_cache *cache, int64_t now, json_t **body, int64_t *fetched_at)
{
    json_t *entry = cache->folder ? load(cache) : NULL;
    json_t *kept;
    json_int_t at, until;
    bool fresh;

    *body = NULL;
    fresh = !json_unpack(entry, "{s:I, s:I, s:o}", "fetched_at", &at, "fresh_until", &until, "body",
                         &kept)
            && is_same(json_object_get(entry, "url"), cache->url)
            && is_same(json_object_get(entry, "ca"), cache->ca) && json_is_object(kept) && at >= 0
            && at <= now && now < until && until - at <= (json_int_t)IDB_CACHE_MOST_S * 1000;
    if (fresh) {
        *body = json_incref(kept);
        *fetched_at = at;
    }
    json_decref(entry);
    return fresh;
}

int idb_cache_lock(const struct idb_cache *cache, int wait_ms)
{
    static const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    char path[PATH_MAX];
    int fd;

    if (!cache->folder)
        return -1;
    path_of(path, cache, "lock");
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    for (int waited = 0; fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1; waited += POLL_MS) {
        if (waited >= wait_ms) {
            close(fd);
            errno = EWOULDBLOCK;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

void idb_cache_unlock(int lock)
{
    if (lock != -1)
        close(lock);
}

/* Without the record more is asked than is polite, and nobody is refused for it. */
static void note(int lock, int64_t at)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%lld\n", (long long)at);

    if (pwrite(lock, text, (size_t)n, 0) != n || ftruncate(lock, n) == -1)
        syslog(LOG_WARNING, "cannot put on record when keys were fetched again: %s",
               strerror(errno));
}

bool idb_cache_may_fetch_again(int lock, int64_t now)
{
    char text[32] = "";
    ssize_t n = pread(lock, text, sizeof text - 1, 0);
    long long last = n > 0 ? strtoll(text, NULL, 10) : 0;

    if (n == -1 || (last <= now && now - last < IDB_CACHE_AGAIN_MS))
        return false;
    note(lock, now);
    return true;
}

void idb_cache_fetch_failed(int lock, int64_t now)
{
    note(lock, now - IDB_CACHE_AGAIN_MS + IDB_CACHE_FAILED_MS);
}

static bool write_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, text, n);

        if (written == -1)
            return false;
        text += written;
        n -= (size_t)written;
    }
    return true;
}

/* Not flushed: what a lost machine leaves half written is no entry. */
static bool replace(const struct idb_cache *cache, const char *text)
{
    char path[PATH_MAX], new[PATH_MAX];
    int fd;
    bool ok;

    path_of(path, cache, "json");
    path_of(new, cache, "new");
    fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd == -1)
        return false;
    ok = write_all(fd, text, strlen(text));
    ok = close(fd) == 0 && ok && rename(new, path) == 0;
    if (!ok) {
        int why = errno;

        unlink(new);
        errno = why;
    }
    return ok;
}

/* What was fetched later stays; what is from the future, by a clock set back, does not. */
static bool is_newer(const struct idb_cache *cache, int64_t fetched_at)
{
    json_t *body = NULL;
    int64_t at = 0;
    bool newer = idb_cache_read(cache, idb_timestamp_now(), &body, &at) && at > fetched_at;

    json_decref(body);
    return newer;
}

static bool keep(const struct idb_cache *cache, int64_t fetched_at, int64_t lifetime,
                 const json_t *body)
{
    json_t *entry = json_pack("{s:s, s:s?, s:I, s:I, s:O}", "url", cache->url, "ca", cache->ca,
                              "fetched_at", (json_int_t)fetched_at, "fresh_until",
                              (json_int_t)(fetched_at + lifetime * 1000), "body", body);
    char *text = json_dumps(entry, JSON_COMPACT);
    bool ok = text && strlen(text) <= ENTRY_MAX && replace(cache, text);

    free(text);
    json_decref(entry);
    return ok;
}

static bool forget(const struct idb_cache *cache)
{
    char path[PATH_MAX];

    path_of(path, cache, "json");
    return unlink(path) == 0 || errno == ENOENT;
}

static bool store(const struct idb_cache *cache, int64_t fetched_at, int64_t lifetime,
                  const json_t *body)
{
    if (lifetime < 0)
        lifetime = IDB_CACHE_UNSAID_S;
    if (lifetime > IDB_CACHE_MOST_S)
        lifetime = IDB_CACHE_MOST_S;
    if (is_newer(cache, fetched_at))
        return true;
    return lifetime > 0 ? keep(cache, fetched_at, lifetime, body) : forget(cache);
}

void idb_cache_write(const struct idb_cache *cache, int lock, int64_t fetched_at, int64_t lifetime,
                     const json_t *body)
{
    int own = -1;
    bool ok;

    if (!cache->folder)
        return;
    if (lock == -1)
        own = idb_cache_lock(cache, 0);
    if (lock == -1 && own == -1)
        ok = errno == EWOULDBLOCK || lifetime == 0;
    else
        ok = store(cache, fetched_at, lifetime, body);
    if (!ok)
        syslog(LOG_WARNING, "cannot keep what a login provider says of itself in %s: %s",
               cache->folder, strerror(errno));
    idb_cache_unlock(own);
}
