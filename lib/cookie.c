#include "cookie.h"

#include <stdlib.h>
#include <string.h>

/* RFC 6265 section 4.1.1: no controls, white space, double quote, comma,
 * semicolon or backslash. */
static bool is_octet(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("\",;\\", c);
}

/* When pair (n bytes of the header) is a cookie of that name, its value. */
static const char *value_of(const char *pair, size_t n, const char *name)
{
    size_t length = strlen(name);

    if (n <= length || memcmp(pair, name, length) != 0 || pair[length] != '=')
        return NULL;
    return pair + length + 1;
}

/* The cookie's value and length; found counts how often it is there. */
static const char *find(const char *header, const char *name, size_t *length, int *found)
{
    const char *value = NULL;

    *found = 0;
    while (*header) {
        size_t blank = strspn(header, " \t");
        const char *pair = header + blank;
        size_t n = strcspn(pair, ";");
        const char *v = value_of(pair, n, name);

        if (v) {
            value = v;
            *length = n - (size_t)(v - pair);
            ++*found;
        }
        header = pair + n + (pair[n] == ';');
    }
    return value;
}

bool idb_cookie_get(char *out, size_t size, const char *header, const char *name,
                    struct idb_error *err)
{
    const char *value = NULL;
    size_t length = 0;
    int found = 0;

    if (header && strnlen(header, IDB_COOKIE_HEADER_MAX + 1) > IDB_COOKIE_HEADER_MAX)
        return idb_fail(err, IDB_DATA, "bad_cookie", "The Cookie header is over %d bytes.",
                        IDB_COOKIE_HEADER_MAX);
    if (header)
        value = find(header, name, &length, &found);
    if (!value)
        return idb_fail(err, IDB_REFUSED, "no_cookie", "There is no cookie %s.", name);
    if (found > 1)
        return idb_fail(err, IDB_DATA, "bad_cookie", "The cookie %s was sent %d times.", name,
                        found);
    if (length >= size || length >= IDB_COOKIE_MAX)
        return idb_fail(err, IDB_DATA, "bad_cookie", "The cookie %s is too long.", name);
    for (size_t i = 0; i < length; i++) {
        if (!is_octet(value[i]))
            return idb_fail(err, IDB_DATA, "bad_cookie",
                            "The cookie %s holds a character that no cookie may hold.", name);
    }
    memcpy(out, value, length);
    out[length] = '\0';
    return true;
}

const char *idb_cookie_find(const char *at, const char *prefix, char *name, size_t size)
{
    while (*at) {
        const char *pair = at + strspn(at, " \t");
        size_t n = strcspn(pair, "=;");

        at = pair + strcspn(pair, ";");
        at += *at == ';';
        if (n < size && n >= strlen(prefix) && !strncmp(pair, prefix, strlen(prefix))) {
            memcpy(name, pair, n);
            name[n] = '\0';
            return at;
        }
    }
    return NULL;
}

char *idb_cookie_keep(const char *header, const char *prefix)
{
    char *kept = header ? malloc(2 * strlen(header) + 1) : NULL;
    char *to = kept;

    while (kept && *header) {
        const char *pair = header + strspn(header, " \t");
        size_t n = strcspn(pair, ";");

        if (!strncmp(pair, prefix, strlen(prefix))) {
            if (to > kept)
                to = stpcpy(to, "; ");
            to = mempcpy(to, pair, n);
        }
        header = pair + n + (pair[n] == ';');
    }
    if (to == kept) {
        free(kept);
        return NULL;
    }
    *to = '\0';
    return kept;
}

bool idb_cookie_set(json_t *cookies, const char *name, const char *value, long max_age)
{
    json_t *line = json_sprintf("%s=%s; Path=/; Max-Age=%ld; Secure; HttpOnly; SameSite=Lax", name,
                                value ? value : "", value ? max_age : 0L);

    return json_array_append_new(cookies, line) == 0;
}

bool idb_cookie_set_strict(json_t *cookies, const char *name, const char *value)
{
    json_t *line = json_sprintf("%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict", name, value);

    return json_array_append_new(cookies, line) == 0;
}
