#include "mapping.h"

#include "bsn.h"
#include "request.h"

#include <stdio.h>
#include <string.h>

#define BSN_PREFIX "s00000000:" /* how brokers mark a BSN among other identifiers */

size_t idb_mapping_step(const char *path)
{
    const char *address = strstr(path, "://");
    size_t n = strcspn(path, ".");

    return address && (size_t)(address - path) < n ? strlen(path) : n;
}

/* The claim at path: a member of that whole name, or members of members along the
 * dots. */
static const json_t *find(const json_t *claims, const char *path)
{
    size_t n = idb_mapping_step(path);
    char name[512];

    if (json_object_get(claims, path))
        return json_object_get(claims, path);
    if (!path[n] || n >= sizeof name)
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)n, path);
    return find(json_object_get(claims, name), path + n + 1);
}

static const char *path_of(const json_t *method, const char *attribute)
{
    const char *path =
        json_string_value(json_object_get(json_object_get(method, "claims"), attribute));

    return path ? path : "";
}

static const json_t *names_of(const struct idb_app *app, const char *purpose)
{
    return json_object_get(idb_config_purpose(app->config, purpose), "attributes");
}

bool idb_mapping_is_missing(const struct idb_app *app, const char *purpose, const json_t *method,
                            const json_t *id_token)
{
    const json_t *name;
    size_t i;

    json_array_foreach ((json_t *)names_of(app, purpose), i, name) {
        if (!find(id_token, path_of(method, json_string_value(name))))
            return true;
    }
    return false;
}

static bool bad_claim(struct idb_error *err, const char *name)
{
    return idb_fail(err, IDB_UNAVAILABLE, "bad_claim",
                    "The login provider gave %s in a form that cannot be used.", name);
}

/* The claim as text; NULL when it is of another type. */
static json_t *as_text(const json_t *claim)
{
    if (json_is_string(claim))
        return json_string(json_string_value(claim));
    if (json_is_integer(claim))
        return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(claim));
    if (json_is_boolean(claim))
        return json_string(json_is_true(claim) ? "true" : "false");
    return NULL;
}

static json_t *without_prefix(json_t *value)
{
    size_t n = strlen(BSN_PREFIX);
    json_t *bare;

    if (!value || strncmp(json_string_value(value), BSN_PREFIX, n))
        return value;
    bare = json_string(json_string_value(value) + n);
    json_decref(value);
    return bare;
}

static bool map_one(const struct idb_app *app, const char *name, const json_t *claim,
                    json_t *attributes, struct idb_error *err)
{
    const char *type =
        json_string_value(json_object_get(idb_config_attribute(app->config, name), "type"));
    bool bsn = type && !strcmp(type, "bsn");
    json_t *value = bsn ? without_prefix(as_text(claim)) : as_text(claim);
    const char *text = json_string_value(value);

    if (!text || strlen(text) > IDB_VALUE_MAX || !idb_request_is_plain(text)
        || strlen(text) != json_string_length(value) || (bsn && !idb_bsn_is_valid(text))) {
        json_decref(value);
        return bad_claim(err, name);
    }
    return !json_object_set_new(attributes, name, value)
           || idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

bool idb_mapping_attributes(const struct idb_app *app, const char *purpose, const json_t *method,
                            const json_t *id_token, const json_t *userinfo, json_t **attributes,
                            struct idb_error *err)
{
    const json_t *name;
    bool ok = true;
    size_t i;

    *attributes = json_object();
    json_array_foreach ((json_t *)names_of(app, purpose), i, name) {
        const char *attribute = json_string_value(name);
        const char *path = path_of(method, attribute);
        const json_t *claim = find(id_token, path);

        if (!claim)
            claim = find(userinfo, path);
        if (!claim || json_is_null(claim))
            ok = idb_fail(err, IDB_REFUSED, "attribute_missing",
                          "The login did not give %s, which this question needs.", attribute);
        else
            ok = map_one(app, attribute, claim, *attributes, err);
        if (!ok)
            break;
    }
    if (!ok) {
        json_decref(*attributes);
        *attributes = NULL;
    }
    return ok;
}

bool idb_mapping_level(const struct idb_app *app, const char *purpose, const json_t *method,
                       const json_t *id_token, const char **level, struct idb_error *err)
{
    const json_t *rule = json_object_get(method, "level");
    const json_t *p = idb_config_purpose(app->config, purpose);
    const char *minimum = json_string_value(json_object_get(p, "minimum_level"));
    const char *claim = json_string_value(json_object_get(rule, "claim"));
    const json_t *given = claim ? find(id_token, claim) : NULL;

    *level = "";
    if (json_is_string(given) && strlen(json_string_value(given)) == json_string_length(given))
        *level = json_string_value(
            json_object_get(json_object_get(rule, "values"), json_string_value(given)));
    if (!*level)
        *level = "";
    if (!minimum && !rule)
        return true;
    return idb_config_level(app->config, *level)
               >= (minimum ? idb_config_level(app->config, minimum) : 0)
           || idb_fail(err, IDB_REFUSED, "level_too_low",
                       "This question needs a login of level %s; log in again in that way.",
                       minimum ? minimum : "any");
}
