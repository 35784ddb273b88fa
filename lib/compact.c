#include "compact.h"

#include "b64.h"
#include "mac.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 2048 /* bytes of a protected header */

/* libjose reports to standard error unless told otherwise, and that may be an
 * answer's stream. */
static void say_nothing(void *misc, const char *file, int line, uint64_t code, const char *fmt,
                        va_list ap)
{
    (void)misc, (void)file, (void)line, (void)code, (void)fmt, (void)ap;
}

/* A libjose context, or NULL (with which it would still work). */
jose_cfg_t *idb_compact_quiet(void)
{
    jose_cfg_t *cfg = jose_cfg();

    if (cfg)
        jose_cfg_set_err_func(cfg, say_nothing, NULL);
    return cfg;
}

json_t *idb_compact_header(const struct idb_segment *segment)
{
    char text[HEADER_MAX];
    size_t n = 0;

    if (!idb_b64_decode(text, sizeof text, &n, segment->text, segment->n))
        return NULL;
    return json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
}

void idb_compact_free(void *bytes, size_t n)
{
    idb_wipe(bytes, n);
    free(bytes);
}

/* The compact JSON of value in memory of our own, whatever allocator jansson
 * was given. */
char *idb_compact_dump(const json_t *value)
{
    size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT);
    char *text = n > 0 ? malloc(n + 1) : NULL;

    if (text) {
        json_dumpb(value, text, n, JSON_COMPACT);
        text[n] = '\0';
    }
    return text;
}

/* The base64url of n bytes as a JSON string. */
json_t *idb_compact_encode(const void *bytes, size_t n)
{
    char *text = malloc(IDB_B64_SIZE(n));
    json_t *json = NULL;

    if (text) {
        idb_b64_encode(text, bytes, n);
        json = json_string(text);
    }
    idb_compact_free(text, text ? strlen(text) : 0);
    return json;
}

json_t *idb_compact_encode_json(const json_t *value)
{
    char *text = idb_compact_dump(value);
    json_t *json = text ? idb_compact_encode(text, strlen(text)) : NULL;

    idb_compact_free(text, text ? strlen(text) : 0);
    return json;
}

/* Joins the named members of a flattened serialisation with dots; a name that
 * is "" stands for an empty part. */
char *idb_compact_join(const json_t *flat, const char *const *names, int n)
{
    size_t size = (size_t)n;
    char *token = NULL;
    char *end;

    for (int i = 0; i < n; i++)
        size += json_string_length(json_object_get(flat, names[i]));
    token = malloc(size);
    if (!token)
        return NULL;
    end = token;
    for (int i = 0; i < n; i++) {
        const char *part = json_string_value(json_object_get(flat, names[i]));

        if (i > 0)
            *end++ = '.';
        end = stpcpy(end, part ? part : "");
    }
    return token;
}

/* Splits token into exactly n segments. */
bool idb_compact_split(struct idb_segment *segments, int n, const char *token)
{
    int i = 0;

    if (strnlen(token, IDB_COMPACT_MAX + 1) > IDB_COMPACT_MAX)
        return false;
    for (;; i++) {
        size_t length = strcspn(token, ".");

        segments[i] = (struct idb_segment){ .text = token, .n = length };
        token += length;
        if (*token == '\0' || i == n - 1)
            break;
        token++;
    }
    return i == n - 1 && *token == '\0';
}

/* The segment's bytes, *len of them; NULL when it is not strict base64url. */
unsigned char *idb_compact_decode(const struct idb_segment *segment, size_t *len)
{
    unsigned char *bytes = malloc(segment->n + 1);

    if (bytes && !idb_b64_decode(bytes, segment->n, len, segment->text, segment->n)) {
        idb_compact_free(bytes, segment->n);
        bytes = NULL;
    }
    return bytes;
}

bool idb_compact_is_text(const json_t *object, const char *member, const char *text)
{
    const char *value = json_string_value(json_object_get(object, member));

    return value && strcmp(value, text) == 0;
}
