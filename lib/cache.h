/*
 * What a login provider says of itself, kept on disk from one process to the next:
 * a file for its metadata and one for its key set, for as long as HTTP lets them be
 * kept (RFC 9111 section 4.2). Whoever can write there chooses whose signature is
 * believed, so the folder must be its user's alone; a kept text is checked as if it
 * had just come. Without the folder everything works and is asked for each time.
 *
 *     struct idb_cache cache = { folder, "digid.keys", url, ca };
 *     if (!idb_cache_check(&folder, err)) ...
 *     if (!idb_cache_read(&cache, now, &body, &fetched_at)) { fetch it; idb_cache_write(...); }
 */
#ifndef IDB_CACHE_H
#define IDB_CACHE_H

#include "error.h"

#include <stdint.h>

#define IDB_CACHE_MOST_S    (24 * 60 * 60) /* nothing is kept longer, whatever is said */
#define IDB_CACHE_UNSAID_S  300            /* kept as long where nothing is said */
#define IDB_CACHE_AGAIN_MS  60000          /* between two fetches for an unknown key */
#define IDB_CACHE_FAILED_MS 5000           /* and after one that failed */

struct idb_cache {
    const char *folder; /* absolute; NULL: nothing is kept */
    const char *name;   /* of the entry; letters, digits, hyphens and dots */
    const char *url;    /* what was asked; an entry of another is none */
    const char *ca;     /* certificates it was verified by, or NULL; the same */
};

/* True where *folder is a folder of the user who runs this that nobody else can enter,
 * or does not exist; where root runs this and it is another's, *folder becomes NULL, so
 * that nothing of root's comes to stand there. IDB_CONFIG "cache_rights", with the
 * command that mends it. */
bool idb_cache_check(const char **folder, struct idb_error *err);

/* The entry when there is a fresh one at now (ms): *body is a new reference, *fetched_at ms.
 * What cannot be read, or is no entry, is none. */
bool idb_cache_read(const struct idb_cache *cache, int64_t now, json_t **body, int64_t *fetched_at);

/* Keeps body, fetched at that time (ms), for lifetime seconds (-1: nothing was said), in
 * one rename; with 0 the entry goes. A newer entry is left alone. lock is the entry's
 * where it is held, else -1; while another process has it nothing is kept. A failure goes to
 * syslog and nowhere else. */
void idb_cache_write(const struct idb_cache *cache, int lock, int64_t fetched_at, int64_t lifetime,
                     const json_t *body);

/* Locks the entry, waiting so many ms at most; -1 when it cannot, errno being
 * EWOULDBLOCK where another process has it. */
int idb_cache_lock(const struct idb_cache *cache, int wait_ms);
void idb_cache_unlock(int lock);

/* With the entry locked: true when nobody did this within IDB_CACHE_AGAIN_MS before
 * now (ms), and then puts it on record. */
bool idb_cache_may_fetch_again(int lock, int64_t now);

/* Lets the next one in after IDB_CACHE_FAILED_MS: nothing came of it. */
void idb_cache_fetch_failed(int lock, int64_t now);

#endif
