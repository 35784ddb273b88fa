#include "form.h"

#include "mac.h"

#include <stdlib.h>
#include <string.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c && strchr("-._~", c));
}

static char *encode(char *to, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (is_unreserved(*p)) {
            *to++ = (char)*p;
            continue;
        }
        *to++ = '%';
        *to++ = digits[*p >> 4];
        *to++ = digits[*p & 15];
    }
    return to;
}

bool idb_form_add(char **form, const char *name, const char *value)
{
    size_t have = *form ? strlen(*form) : 0;
    char *grown = realloc(*form, have + 3 * (strlen(name) + strlen(value)) + 3);
    char *to;

    if (!grown)
        return false;
    *form = grown;
    to = grown + have;
    if (have > 0)
        *to++ = '&';
    to = encode(to, name);
    *to++ = '=';
    *encode(to, value) = '\0';
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One part of n bytes; false for a broken escape or a control character other
 * than a line end, which a text field may hold. */
static bool decode(char *to, const char *part, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = part[i] == '+' ? ' ' : part[i];

        if (c == '%') {
            if (i + 2 >= n || hex(part[i + 1]) < 0 || hex(part[i + 2]) < 0)
                return false;
            c = (char)(hex(part[i + 1]) * 16 + hex(part[i + 2]));
            i += 2;
        }
        if ((unsigned char)c < ' ' && c != '\r' && c != '\n')
            return false;
        *to++ = c;
    }
    *to = '\0';
    return true;
}

static bool bad_form(struct idb_error *err, const char *what)
{
    return idb_fail(err, IDB_DATA, "bad_form", "The form or query is broken: %s.", what);
}

bool idb_form_next(const char **at, char *name, char *value, struct idb_error *err)
{
    size_t n, equals;

    *at += strspn(*at, "&");
    if (!**at)
        return false;
    n = strcspn(*at, "&");
    equals = strcspn(*at, "=");
    if (equals > n)
        equals = n;
    if (equals == 0)
        return bad_form(err, "a field has no name");
    if (!decode(name, *at, equals)
        || !decode(value, *at + equals + (equals < n), n - equals - (equals < n)))
        return bad_form(err, "an escape is wrong, or a control character stands in it");
    *at += n;
    return true;
}

static bool add_field(json_t *object, const char *name, const char *value, struct idb_error *err)
{
    if (json_object_size(object) == IDB_FORM_FIELDS)
        return bad_form(err, "too many fields");
    if (json_object_get(object, name))
        return bad_form(err, "a field stands in it twice");
    if (json_object_set_new(object, name, json_string(value)))
        return bad_form(err, "it is not UTF-8");
    return true;
}

bool idb_form_parse(json_t **object, const char *form, struct idb_error *err)
{
    size_t size = strnlen(form, IDB_FORM_MAX + 1);
    char *name = NULL;
    char *value = NULL;
    bool ok = true;

    *object = NULL;
    if (size > IDB_FORM_MAX)
        return bad_form(err, "it is over 65536 bytes");
    name = malloc(size + 1);
    value = malloc(size + 1);
    *object = json_object();
    if (!name || !value || !*object)
        ok = idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    while (ok && idb_form_next(&form, name, value, err))
        ok = add_field(*object, name, value, err);
    ok = ok && !err->code;
    if (value)
        idb_wipe(value, size + 1);
    free(value);
    free(name);
    if (!ok) {
        json_decref(*object);
        *object = NULL;
    }
    return ok;
}
