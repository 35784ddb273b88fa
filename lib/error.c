#include "error.h"

#include <stdarg.h>
#include <stdio.h>

/* A message may quote a file's name: whatever is not printable ASCII in it, and
 * what a cut leaves of a character, must neither reach a terminal nor break JSON. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

bool idb_fail(struct idb_error *err, enum idb_exit exit, const char *code, const char *fmt, ...)
{
    va_list ap;

    err->exit = exit;
    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    make_printable(err->message);
    return false;
}

static int gravity(enum idb_exit exit)
{
    static const enum idb_exit order[] = { IDB_OK,     IDB_REFUSED,  IDB_DATA,
                                           IDB_USAGE,  IDB_TEMPFAIL, IDB_UNAVAILABLE,
                                           IDB_NOPERM, IDB_CONFIG,   IDB_SOFTWARE };
    int n = sizeof order / sizeof order[0];

    for (int i = 0; i < n; i++)
        if (order[i] == exit)
            return i;
    return n;
}

enum idb_exit idb_exit_graver(enum idb_exit a, enum idb_exit b)
{
    return gravity(a) < gravity(b) ? b : a;
}

json_t *idb_error_json(const struct idb_error *err)
{
    return json_pack("{s:s, s:s}", "error", err->code, "message", err->message);
}
