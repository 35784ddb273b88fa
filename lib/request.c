#include "request.h"

#include <string.h>

/* What turns the direction of a line, ends it, or shows nothing: U+200B, U+200E, U+200F,
 * U+2028 to U+202E, U+2060, U+2066 to U+2069, U+FEFF. Joiners stand in names. */
static bool is_unseen(const unsigned char *p)
{
    if (p[0] == 0xef)
        return p[1] == 0xbb && p[2] == 0xbf;
    if (p[0] != 0xe2)
        return false;
    if (p[1] == 0x80)
        return p[2] == 0x8b || p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
    return p[1] == 0x81 && (p[2] == 0xa0 || (p[2] >= 0xa6 && p[2] <= 0xa9));
}

bool idb_request_is_plain(const char *text)
{
    /* U+0080 to U+009F are controls too; in UTF-8 they begin with C2. */
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0) || is_unseen(p))
            return false;
    return text[strspn(text, " ")] != '\0';
}

/* A name to be told back: one that cannot be somebody's data in the wrong place. */
static const char *told(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz_");

    return n > 0 && n <= 32 && !name[n] ? name : "(not a known name)";
}

static const struct idb_member *find(const struct idb_member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(members[i].name, name))
            return &members[i];
    return NULL;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_STRING:
        return "a text";
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_INTEGER:
        return "a whole number";
    default:
        return "true or false";
    }
}

static size_t size_of(const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value);
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

static bool check_value(const struct idb_member *m, const json_t *value, struct idb_error *err)
{
    json_type type = json_is_boolean(value) ? JSON_TRUE : json_typeof(value);

    if (m->need == IDB_MAY_BE_NULL && type == JSON_NULL)
        return true;
    if (type != m->type)
        return idb_fail(err, IDB_DATA, "bad_request", "\"%s\" must be %s.", m->name,
                        type_name(m->type));
    if (size_of(value) > m->max)
        return idb_fail(err, IDB_DATA, "bad_request", "\"%s\" is too long: at most %zu.", m->name,
                        m->max);
    if (m->need >= IDB_MAY_BE_EMPTY && size_of(value) == 0)
        return true;
    if (type == JSON_STRING && !idb_request_is_plain(json_string_value(value)))
        return idb_fail(err, IDB_DATA, "bad_request",
                        "\"%s\" is empty or holds a control character.", m->name);
    return true;
}

bool idb_request_check(const json_t *request, const struct idb_member *members, size_t n,
                       struct idb_error *err)
{
    const char *name;
    const json_t *value;

    json_object_foreach ((json_t *)request, name, value) {
        const struct idb_member *m = find(members, n, name);

        if (!m)
            return idb_fail(err, IDB_DATA, "bad_request", "There is no member \"%s\" here.",
                            told(name));
        if (!check_value(m, value, err))
            return false;
    }
    for (size_t i = 0; i < n; i++)
        if (members[i].need == IDB_REQUIRED && !json_object_get(request, members[i].name))
            return idb_fail(err, IDB_DATA, "bad_request", "\"%s\" is missing.", members[i].name);
    return true;
}

const char *idb_request_text(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(request, name));
}

bool idb_request_call_id(const char *call_id, struct idb_error *err)
{
    size_t n = strlen(call_id);

    for (size_t i = 0; i < n; i++)
        if (call_id[i] <= ' ' || call_id[i] >= 0x7f)
            return idb_fail(err, IDB_DATA, "bad_call_id",
                            "A call id is printable ASCII without spaces.");
    if (n == 0 || n > IDB_CALL_ID_MAX)
        return idb_fail(err, IDB_DATA, "bad_call_id", "A call id has 1 to %d characters.",
                        IDB_CALL_ID_MAX);
    return true;
}

bool idb_request_lang(const json_t *request, const char **lang, struct idb_error *err)
{
    *lang = idb_request_text(request, "lang");
    if (!*lang)
        *lang = "nl";
    return (strlen(*lang) == 2 && strspn(*lang, "abcdefghijklmnopqrstuvwxyz") == 2)
           || idb_fail(err, IDB_DATA, "bad_request",
                       "\"lang\" is two lower-case letters, as in nl.");
}
