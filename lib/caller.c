#include "caller.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)

bool idb_caller_is_number(const char *caller)
{
    size_t n;

    if (!caller || caller[0] != '+')
        return false;
    n = strspn(caller + 1, "0123456789");
    return n >= 8 && n <= 15 && !caller[n + 1];
}

void idb_caller_last2(char last2[3], const char *caller)
{
    last2[0] = '\0';
    if (idb_caller_is_number(caller))
        snprintf(last2, 3, "%s", caller + strlen(caller) - 2);
}

bool idb_caller_daily(unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t *n,
                      struct idb_keys *keys, const char *kind, struct idb_part who, int64_t now,
                      struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text(kind), who };
    int64_t today = now / DAY_MS;

    *n = 0;
    for (size_t i = 0; i < keys->count; i++)
        for (int64_t day = today; day >= today - 1; day--)
            if (!idb_hmac(macs[(*n)++], idb_key_daily(&keys->key[i], kind, day), parts, 2))
                return idb_fail(err, IDB_SOFTWARE, "internal", "HMAC failed.");
    return true;
}

bool idb_caller_macs(unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t *n,
                     struct idb_keys *keys, const char *caller, int64_t now, struct idb_error *err)
{
    const char *number = idb_caller_is_number(caller) ? caller : "withheld";

    return idb_caller_daily(macs, n, keys, "caller", idb_part_text(number), now, err);
}

const char *idb_caller_hint(const unsigned char *announced, const char *caller,
                            unsigned char macs[IDB_CALLER_MACS][IDB_MAC_SIZE], size_t n)
{
    if (!announced)
        return "unknown";
    if (!idb_caller_is_number(caller))
        return "withheld";
    for (size_t i = 0; i < n; i++)
        if (idb_equal(announced, macs[i], IDB_MAC_SIZE))
            return "match";
    return "differs";
}
