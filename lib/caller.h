/*
 * Callers' numbers, of which the store keeps nothing but an HMAC under a key of
 * the day, and the last two digits.
 */
#ifndef IDB_CALLER_H
#define IDB_CALLER_H

#include "keys.h"
#include "mac.h"

#define IDB_CALLER_MACS (2 * IDB_KEYS_MAX) /* each key, today and yesterday (UTC) */

/* True for E.164: + and 8 to 15 digits. Anything else counts as withheld. */
bool idb_caller_is_number(const char *caller);

/* The last two digits, or "" when withheld. */
void idb_caller_last2(char last2[3], const char *caller);

/* HMAC of the number (withheld ones share one) under the daily key of each of
 * keys; the first is the newest key's of today, *n how many there are. */
bool idb_caller_macs(unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t *n,
                     struct idb_keys *keys, const char *caller, int64_t now, struct idb_error *err);

/* The same of whoever else is counted, such as an "address": who under the daily keys
 * that are derived for kind. */
bool idb_caller_daily(unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t *n,
                      struct idb_keys *keys, const char *kind, struct idb_part who, int64_t now,
                      struct idb_error *err);

/* "match", "differs", "withheld" or "unknown" (nothing was announced). */
const char *idb_caller_hint(const unsigned char *announced, const char *caller,
                            unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t n);

#endif
