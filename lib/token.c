#include "token.h"

#include "mac.h"
#include "timestamp.h"

#include <string.h>
#include <strings.h>

static const char scheme[] = "Bearer ";

bool idb_token_is_bearer(const char *authorization)
{
    return authorization && !strncasecmp(authorization, scheme, sizeof scheme - 1);
}

bool idb_token_hash(char hash[IDB_TOKEN_HASH], const char *token, size_t n)
{
    struct idb_part part = idb_part_bytes(token, n);
    unsigned char bytes[IDB_MAC_SIZE];

    if (!idb_hash(bytes, &part, 1))
        return false;
    idb_b64_encode(hash, bytes, sizeof bytes);
    return true;
}

/* ---- the file ---- */

static const char *text_of(const json_t *entry, const char *member)
{
    const char *text = json_string_value(json_object_get(entry, member));

    return text ? text : "";
}

static bool is_hash(const char *text)
{
    unsigned char bytes[IDB_MAC_SIZE];
    size_t n = 0;

    return idb_b64_decode(bytes, sizeof bytes, &n, text, strlen(text)) && n == sizeof bytes;
}

static bool is_entry(const json_t *entry)
{
    int64_t ms;

    return json_object_size(entry) == 4 && text_of(entry, "id")[0] && text_of(entry, "line")[0]
           && is_hash(text_of(entry, "hash"))
           && idb_timestamp_parse(&ms, text_of(entry, "created_at"));
}

static bool is_set(const json_t *set)
{
    const json_t *list = json_object_get(set, "tokens");

    if (json_object_size(set) != 1 || !json_is_array(list)
        || json_array_size(list) > IDB_TOKENS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!is_entry(json_array_get(list, i)))
            return false;
    return true;
}

json_t *idb_tokens_read(const struct idb_config *config, struct idb_error *err)
{
    json_t *set = idb_keys_read_json(config, IDB_PHONE, IDB_TOKENS_FILE, err);

    if (!set && !strcmp(err->code, "key_missing")) {
        memset(err, 0, sizeof *err);
        set = json_pack("{s:[]}", "tokens");
        if (!set)
            idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
    } else if (set ? !is_set(set) : !strcmp(err->code, "key_corrupt")) {
        json_decref(set);
        set = NULL;
        idb_fail(err, IDB_CONFIG, "key_corrupt",
                 "%s/phone/" IDB_TOKENS_FILE " is not a file of tokens in order. Remove it and"
                 " make new ones with idb-keys token.",
                 config->keys_directory);
    }
    return set;
}

/* ---- one request ---- */

/* The entry whose hash that is, or NULL; all are looked at. */
static const json_t *find(const json_t *set, const char hash[IDB_TOKEN_HASH])
{
    const json_t *list = json_object_get(set, "tokens");
    const json_t *found = NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);

        if (idb_equal(text_of(entry, "hash"), hash, IDB_TOKEN_HASH))
            found = entry;
    }
    return found;
}

bool idb_token_line(const char **line, const struct idb_config *config, const json_t *tokens,
                    const char *authorization, struct idb_error *err)
{
    const char *token = authorization + sizeof scheme - 1;
    char hash[IDB_TOKEN_HASH];
    const json_t *entry;

    *line = NULL;
    token += strspn(token, " ");
    if (!idb_token_hash(hash, token, strlen(token)))
        return idb_fail(err, IDB_SOFTWARE, "internal", "OpenSSL cannot hash.");
    entry = find(tokens, hash);
    if (entry)
        *line = idb_config_line_name(config, text_of(entry, "line"));
    if (!entry)
        idb_fail(err, IDB_NOPERM, "not_authenticated",
                 "There is no such token; make one with idb-keys token LINE.");
    else if (!*line)
        idb_fail(err, IDB_NOPERM, "not_permitted",
                 "The line of this token is no longer in the configuration; make a token for"
                 " another with idb-keys token LINE.");
    return *line;
}
