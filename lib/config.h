/*
 * The configuration: one JSON file, idb.json(5), read once and checked whole.
 *
 *     struct idb_config *config = NULL;
 *     if (!idb_config_load(&config, path, err)) ...
 *     const json_t *purpose = idb_config_purpose(config, "status");
 *     idb_config_free(config);
 */
#ifndef IDB_CONFIG_H
#define IDB_CONFIG_H

#include "error.h"

#include <stdint.h>

#define IDB_CONFIG_PATH                                                                            \
    "/etc/idb/idb.json"                    /* used when neither --config nor $IDB_CONFIG is given */
#define IDB_TIME_ZONE   "Europe/Amsterdam" /* of a line that names no other */
#define IDB_CACHE_PATH  "/var/cache/idb"   /* used when the file names no other */
#define IDB_SCHEMA_NAME "idb"              /* likewise, of a store of PostgreSQL */
#define IDB_SESSION_MAX_MS                                                                         \
    (4 * 60 * 60 * 1000)        /* no session lives longer, whatever is configured */
#define IDB_INVITE_MAX_DAYS 366 /* no invitation is good for longer, whatever is configured */
#define IDB_INVITE_MAX_MS   (IDB_INVITE_MAX_DAYS * 24 * 60 * 60 * INT64_C(1000))
#define IDB_CONFIG_MAX      (1024 * 1024) /* bytes */

/* Scalars with their defaults filled in; strings are owned by root. Times are
 * milliseconds, so that they add up with the store's. */
struct idb_config {
    json_t *root;                 /* the file as it was read, comments included */
    const char *store_url;        /* sqlite:/absolute/path or postgresql://… */
    const char *store_group;      /* sqlite: system group that shares the store, or NULL */
    const char *store_schema;     /* postgresql: the schema, default "idb" */
    const char *store_pass_files; /* postgresql: folder with a pass file of each user's, or NULL */
    const char *keys_directory;   /* absolute */
    const char *cache_directory;  /* absolute */
    int64_t store_wait_ms;        /* default 2000 */
    int code_digits;              /* 8..12, default 10, the check digit included */
    int64_t code_valid_ms;        /* default and at most 600 s */
    double code_risk;             /* default 1e-6: chance of one guess at which to warn */
    int64_t session_lifetime_ms;  /* default and at most 4 h */
    int64_t session_wrap_up_ms;   /* default 900 s */
    int64_t session_renew_ms; /* a code is never renewed past auth_time + this; default and at most
                                 30 min */
    int session_renewals;     /* default and at most 3 */
    int throttle_per_call;    /* default and at most 3 wrong codes a call, hard */
    int throttle_per_caller;  /* default 10 a window, soft */
    int throttle_total;       /* default 100 a window, soft */
    int64_t throttle_window_ms; /* default 600 s */
    int audit_days;             /* default 90 */
    int invite_days;            /* default 30, at most IDB_INVITE_MAX_DAYS */
    int invite_per_address;     /* default 10 wrong invitation codes a window, hard */
    int invite_total;           /* default 1000 a window; past it fewer per address */
};

/* Which file to read: option (of --config) when given, else $IDB_CONFIG when set
 * and not empty, else IDB_CONFIG_PATH. Borrowed. */
const char *idb_config_path(const char *option);

/* Reads and checks the file at path. On success *config is the caller's, to be
 * freed. Fails with IDB_CONFIG (78): "config_missing", "config_unreadable", "config_rights",
 * "config_json" (line and column) or "config_invalid" (the path of the value,
 * what is wrong and what is expected), or IDB_NOPERM "config_unreadable". */
bool idb_config_load(struct idb_config **config, const char *path, struct idb_error *err);

/* NULL is harmless. */
void idb_config_free(struct idb_config *config);

/* True when the store is one of PostgreSQL, false when it is of SQLite. */
bool idb_config_on_postgresql(const struct idb_config *config);

/* The object of that name below "purposes", "attributes", "methods", "lines";
 * borrowed; NULL when there is none. */
const json_t *idb_config_purpose(const struct idb_config *config, const char *name);
const json_t *idb_config_attribute(const struct idb_config *config, const char *name);
const json_t *idb_config_method(const struct idb_config *config, const char *name);
const json_t *idb_config_line(const struct idb_config *config, const char *name);

/* The queue of calls about a purpose: its "queue", else its own name. Borrowed. */
const char *idb_config_queue(const struct idb_config *config, const char *purpose);

/* The name of a line as the configuration holds it, borrowed; NULL when there is none. */
const char *idb_config_line_name(const struct idb_config *config, const char *name);

/* The name of the only line, or NULL when there are several. Borrowed. */
const char *idb_config_only_line(const struct idb_config *config);

/* The text of a label object {"nl":…,"en":…} in lang, else in "nl", else in
 * the first language it has. Borrowed; "" when labels is not an object. */
const char *idb_config_text(const json_t *labels, const char *lang);

/* The rank of a level of assurance in "levels" (0 is the lowest), or -1. */
int idb_config_level(const struct idb_config *config, const char *level);

/* True when who is listed under "issue"."attest". */
bool idb_config_may_attest(const struct idb_config *config, const char *who);

/* True when the desk lists user with that role ("agent", "support", "privacy"). */
bool idb_config_has_role(const struct idb_config *config, const char *user, const char *role);

/* The name of the line on whose behalf an HTTP client (a user name the web
 * server authenticated) may act, or NULL. Borrowed. */
const char *idb_config_client_line(const struct idb_config *config, const char *client);

/* What may be shown to anyone: organisation, lines, purposes, attribute labels,
 * method labels, code length. A new reference; NULL when out of memory. */
json_t *idb_config_public(const struct idb_config *config);

#endif
