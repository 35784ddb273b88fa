#include "call.h"

#include <stdio.h>

bool idb_call_hash(unsigned char hash[IDB_MAC_SIZE], const char *line, const char *call_id,
                   struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("call"), idb_part_text(line),
                                idb_part_text(call_id) };

    return idb_hash(hash, parts, 3) || idb_fail(err, IDB_SOFTWARE, "internal", "SHA-256 failed.");
}

bool idb_call_bind(unsigned char bound[IDB_MAC_SIZE], const struct idb_key *key,
                   const char *session, const char *line, const char *call_id, int64_t called_at,
                   struct idb_error *err)
{
    char time[32];
    struct idb_part parts[] = { idb_part_text("bind"),
                                idb_part_text(session),
                                idb_part_text(line),
                                idb_part_text(call_id),
                                { 0 } };

    snprintf(time, sizeof time, "%lld", (long long)called_at);
    parts[4] = idb_part_text(time);
    return idb_hmac(bound, key->hmac, parts, 5)
           || idb_fail(err, IDB_SOFTWARE, "internal", "HMAC failed.");
}
