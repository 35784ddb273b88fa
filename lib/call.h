/*
 * A call is (line, call id): its hash, under which ended ones are remembered,
 * and the binding that only a holder of bind.key can make.
 */
#ifndef IDB_CALL_H
#define IDB_CALL_H

#include "keys.h"

/* SHA-256 over line and call id. */
bool idb_call_hash(unsigned char hash[IDB_MAC_SIZE], const char *line, const char *call_id,
                   struct idb_error *err);

/* HMAC under key over session, line, call id and the time (ms) the call began to
 * be this session's. */
bool idb_call_bind(unsigned char bound[IDB_MAC_SIZE], const struct idb_key *key,
                   const char *session, const char *line, const char *call_id, int64_t called_at,
                   struct idb_error *err);

#endif
