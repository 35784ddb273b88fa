#include "config_check.h"

#include "config_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where the check is, and where it reports. */
struct walk {
    struct idb_error *err;
    const json_t *root;
    size_t used;
    char path[200];
};

bool idb_config_check_comment(const char *key)
{
    return !strcmp(key, "comment");
}

/* What is not printable ASCII shows as '?', so that a cut path is still text. */
static void append(struct walk *w, const char *text)
{
    for (const char *p = text; *p && w->used < sizeof w->path - 1; p++)
        w->path[w->used++] = *p >= ' ' && *p <= '~' ? *p : '?';
    w->path[w->used] = '\0';
}

/* One step down the path; returns the way back, for leave(). */
static size_t enter(struct walk *w, const char *key)
{
    size_t before = w->used;

    if (before)
        append(w, ".");
    append(w, key);
    return before;
}

static size_t enter_index(struct walk *w, size_t index)
{
    size_t before = w->used;
    char text[32];

    snprintf(text, sizeof text, "[%zu]", index);
    append(w, text);
    return before;
}

static void leave(struct walk *w, size_t before)
{
    w->used = before;
    w->path[before] = '\0';
}

static bool invalid(struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool invalid(struct walk *w, const char *fmt, ...)
{
    char what[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return idb_fail(w->err, IDB_CONFIG, "config_invalid", "%s: %s.", w->used ? w->path : "the file",
                    what);
}

/* Adds one word to a list in words; a full list ends in "...". */
static void join(char *list, size_t size, const char *word)
{
    size_t used = strlen(list);

    if (used + strlen(word) + sizeof ", , ..." <= size)
        snprintf(list + used, size - used, "%s%s", used ? ", " : "", word);
    else if (used < 3 || strcmp(list + used - 3, "..."))
        snprintf(list + used, size - used, ", ...");
}

static void describe(const struct idb_config_rule *rule, char *out, size_t size)
{
    out[0] = '\0';
    if (rule->kind == KIND_WHOLE)
        snprintf(out, size, "a whole number from %.0f to %.0f", rule->min, rule->max);
    else if (rule->kind == KIND_REAL)
        snprintf(out, size, "a number over %g, at most %g", rule->min, rule->max);
    else if (rule->kind == KIND_SWITCH)
        snprintf(out, size, "true or false");
    else if (rule->kind == KIND_LIST)
        snprintf(out, size, "a list%s", rule->min > 0 ? " of at least one" : "");
    else if (rule->kind != KIND_TEXT)
        snprintf(out, size, "an object%s", rule->min > 0 ? " with at least one name in it" : "");
    else if (rule->format)
        snprintf(out, size, "%s", rule->format->expected);
    else if (!rule->words)
        snprintf(out, size, "text of 1 to %.0f bytes", rule->max);
    else
        for (const char *const *word = rule->words; *word; word++)
            join(out, size, *word);
}

static void show(const json_t *value, char *out, size_t size)
{
    static const char *const types[] = { "an object", "a list", "text",  "a number",
                                         "a number",  "true",   "false", "null" };

    if (json_is_number(value))
        snprintf(out, size, "%.10g", json_number_value(value));
    else if (json_is_string(value) && json_string_length(value) == 0)
        snprintf(out, size, "empty text");
    else if (json_is_array(value) && json_array_size(value) == 0)
        snprintf(out, size, "an empty list");
    else if (json_is_string(value) && json_string_length(value) < size - 2)
        snprintf(out, size, "\"%s\"", json_string_value(value));
    else
        snprintf(out, size, "%s", types[json_typeof(value)]);
}

static bool unexpected(struct walk *w, const struct idb_config_rule *rule, const json_t *value)
{
    char expected[180], found[64];

    describe(rule, expected, sizeof expected);
    show(value, found, sizeof found);
    return invalid(w, "found %s, expected %s%s", found, rule->words ? "one of: " : "", expected);
}

/* C0, DEL and C1 (U+0080 to U+009F, in UTF-8 C2 80 to C2 9F). */
static bool has_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            return true;
    return false;
}

static bool has_word(const char *const *words, const char *text)
{
    for (; *words; words++)
        if (!strcmp(*words, text))
            return true;
    return false;
}

static bool check_text(struct walk *w, const struct idb_config_rule *rule, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text && has_control(text))
        return invalid(w, "a control character (such as a line end or a tab) in a text");
    if (!text || !text[0] || (rule->max > 0 && json_string_length(value) > rule->max)
        || (rule->format && !rule->format->test(text))
        || (rule->words && !has_word(rule->words, text)))
        return unexpected(w, rule, value);
    return true;
}

static bool check_scalar(struct walk *w, const struct idb_config_rule *rule, const json_t *value)
{
    double number = json_number_value(value);

    if (rule->kind == KIND_TEXT)
        return check_text(w, rule, value);
    if (rule->kind == KIND_SWITCH && json_is_boolean(value))
        return true;
    if (rule->kind == KIND_WHOLE && json_is_integer(value) && number >= rule->min
        && number <= rule->max)
        return true;
    if (rule->kind == KIND_REAL && json_is_number(value) && number > rule->min
        && number <= rule->max)
        return true;
    return unexpected(w, rule, value);
}

static bool check_value(struct walk *w, const struct idb_config_rule *rule, json_t *value);

static bool check_list(struct walk *w, const struct idb_config_rule *rule, json_t *value)
{
    size_t i;
    json_t *entry;

    if (!json_is_array(value) || json_array_size(value) < rule->min)
        return unexpected(w, rule, value);
    json_array_foreach (value, i, entry) {
        size_t back = enter_index(w, i);

        if (!check_value(w, rule->child, entry))
            return false;
        for (size_t j = 0; j < i; j++)
            if (json_equal(json_array_get(value, j), entry))
                return invalid(w, "the same value stands twice in the list");
        leave(w, back);
    }
    return true;
}

static bool check_map_name(struct walk *w, const struct idb_config_rule *rule, const char *name)
{
    static const char free_text[] = "text of 1 to 255 bytes without control characters";
    size_t n = strlen(name);

    if (rule->format ? rule->format->test(name) : n > 0 && n <= 255 && !has_control(name))
        return true;
    return invalid(w, "expected as name %s", rule->format ? rule->format->expected : free_text);
}

static bool check_map(struct walk *w, const struct idb_config_rule *rule, json_t *value)
{
    const char *name;
    json_t *entry;
    size_t entries = 0;

    if (!json_is_object(value))
        return unexpected(w, rule, value);
    json_object_foreach (value, name, entry) {
        size_t back = enter(w, name);

        if (!idb_config_check_comment(name)) {
            if (!check_map_name(w, rule, name) || !check_value(w, rule->child, entry))
                return false;
            entries++;
        }
        leave(w, back);
    }
    if (rule->must && !json_object_get(value, rule->must))
        return invalid(w, "\"%s\" is missing", rule->must);
    return entries >= rule->min || unexpected(w, rule, value);
}

static bool unknown(struct walk *w, const struct idb_config_rule *rules)
{
    char names[200] = "";

    for (; rules->key; rules++)
        join(names, sizeof names, rules->key);
    return invalid(w, "there is no such member; members are: %s", names);
}

static bool check_required(struct walk *w, const struct idb_config_rule *rules, const json_t *value)
{
    char expected[180];

    for (; rules->key; rules++) {
        if (!rules->required || json_object_get(value, rules->key))
            continue;
        enter(w, rules->key);
        describe(rules, expected, sizeof expected);
        return invalid(w, "missing; expected %s", expected);
    }
    return true;
}

static bool check_object(struct walk *w, const struct idb_config_rule *rule, json_t *value)
{
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return unexpected(w, rule, value);
    json_object_foreach (value, key, member) {
        const struct idb_config_rule *one = rule->child;
        size_t back = enter(w, key);

        while (one->key && strcmp(one->key, key))
            one++;
        if (!one->key && !idb_config_check_comment(key))
            return unknown(w, rule->child);
        if (one->key && !check_value(w, one, member))
            return false;
        leave(w, back);
    }
    return check_required(w, rule->child, value);
}

static bool check_value(struct walk *w, const struct idb_config_rule *rule, json_t *value)
{
    switch (rule->kind) {
    case KIND_OBJECT:
        return check_object(w, rule, value);
    case KIND_MAP:
        return check_map(w, rule, value);
    case KIND_LIST:
        return check_list(w, rule, value);
    default:
        return check_scalar(w, rule, value);
    }
}

/* ---- what must agree; the walk has been, so types are as in the table ---- */

bool idb_config_check_has(const json_t *list, const char *word)
{
    size_t i;
    json_t *entry;

    json_array_foreach (list, i, entry) {
        if (!strcmp(json_string_value(entry), word))
            return true;
    }
    return false;
}

static int rank_in_list(const json_t *levels, const char *level)
{
    size_t i;
    json_t *entry;

    json_array_foreach (levels, i, entry) {
        if (!strcmp(json_string_value(entry), level))
            return (int)i;
    }
    return -1;
}

int idb_config_check_rank(const json_t *root, const char *level)
{
    const json_t *levels = json_object_get(root, "levels");

    if (levels)
        return rank_in_list(levels, level);
    for (int i = 0; idb_config_schema_levels[i]; i++)
        if (!strcmp(idb_config_schema_levels[i], level))
            return i;
    return -1;
}

/* "there is no line "kcc2"; lines are: kcc". */
static bool no_such(struct walk *w, const char *what, const char *name, json_t *map)
{
    char names[160] = "";
    const char *key;
    json_t *value;

    json_object_foreach (map, key, value) {
        if (!idb_config_check_comment(key))
            join(names, sizeof names, key);
    }
    return invalid(w, "there is no %s \"%s\"; %ss are: %s", what, name, what,
                   names[0] ? names : "none");
}

static bool check_known(struct walk *w, const char *what, const char *map, const char *name)
{
    json_t *known = json_object_get(w->root, map);

    if (idb_config_check_comment(name) || !json_object_get(known, name))
        return no_such(w, what, name, known);
    return true;
}

static bool check_level(struct walk *w, const char *level)
{
    const json_t *levels = json_object_get(w->root, "levels");
    char names[160] = "";
    size_t i;
    json_t *entry;

    if (idb_config_check_rank(w->root, level) >= 0)
        return true;
    json_array_foreach (levels, i, entry) {
        join(names, sizeof names, json_string_value(entry));
    }
    for (i = 0; !levels && idb_config_schema_levels[i]; i++)
        join(names, sizeof names, idb_config_schema_levels[i]);
    return invalid(w, "there is no level \"%s\"; levels are: %s", level, names);
}

static bool check_number(struct walk *w, const json_t *line)
{
    const char *number = json_string_value(json_object_get(line, "number"));
    const char *p = json_string_value(json_object_get(line, "number_display"));

    for (; *p; p++)
        if (*p != ' ' && *p != *number++)
            break;
    if (*p || *number) {
        enter(w, "number_display");
        return invalid(w, "this is another number than \"number\"");
    }
    return true;
}

static bool check_day(struct walk *w, const json_t *ranges)
{
    int end = 0;
    size_t i;
    json_t *entry;

    json_array_foreach (ranges, i, entry) {
        const char *range = json_string_value(entry);

        if (idb_config_schema_minutes(range) < end) {
            enter_index(w, i);
            return invalid(w, "hours must ascend and not overlap");
        }
        end = idb_config_schema_minutes(range + 6);
    }
    return true;
}

static bool check_hours(struct walk *w, json_t *line)
{
    size_t back = enter(w, "hours");
    const char *day;
    json_t *ranges;

    json_object_foreach (json_object_get(line, "hours"), day, ranges) {
        size_t back_to_hours = enter(w, day);

        if (!idb_config_check_comment(day) && !check_day(w, ranges))
            return false;
        leave(w, back_to_hours);
    }
    leave(w, back);
    return true;
}

/* The name of another line than this one that lists client, or NULL. */
static const char *other_line(const struct walk *w, const json_t *line, const char *client)
{
    const char *name;
    json_t *other;

    json_object_foreach (json_object_get(w->root, "lines"), name, other) {
        if (!idb_config_check_comment(name) && other != line
            && idb_config_check_has(json_object_get(other, "clients"), client))
            return name;
    }
    return NULL;
}

/* A client acts for one line: a second one would make its calls ambiguous. */
static bool check_clients(struct walk *w, const json_t *line)
{
    size_t back = enter(w, "clients");
    size_t i;
    json_t *client;

    json_array_foreach (json_object_get(line, "clients"), i, client) {
        const char *other = other_line(w, line, json_string_value(client));

        if (other)
            return invalid(w, "\"%s\" also stands under line \"%s\"; a client has one line",
                           json_string_value(client), other);
    }
    leave(w, back);
    return true;
}

static bool check_line(struct walk *w, json_t *line)
{
    return check_number(w, line) && check_hours(w, line) && check_clients(w, line);
}

/* Encrypted userinfo is signed inside; without an algorithm for that it would be
 * looked for in the clear. */
static bool check_userinfo(struct walk *w, const json_t *method)
{
    return !json_object_get(method, "userinfo_encryption")
           || json_object_get(method, "userinfo_alg")
           || invalid(w, "userinfo_encryption needs userinfo_alg, the algorithm of the signature"
                         " inside");
}

/* A proxy would see in the clear what is said over http. */
static bool check_proxy(struct walk *w, const json_t *method)
{
    const char *issuer = json_string_value(json_object_get(method, "issuer"));

    return !json_object_get(method, "proxy") || !strncmp(issuer, "https://", 8)
           || invalid(w, "a proxy is for an issuer with https:// alone");
}

static bool check_method(struct walk *w, json_t *method)
{
    json_t *values = json_object_get(json_object_get(method, "level"), "values");
    size_t back = enter(w, "claims");
    const char *key;
    json_t *value;

    json_object_foreach (json_object_get(method, "claims"), key, value) {
        if (!idb_config_check_comment(key) && !check_known(w, "attribute", "attributes", key))
            return false;
    }
    leave(w, back);
    back = enter(w, "level.values");
    json_object_foreach (values, key, value) {
        if (!idb_config_check_comment(key) && !check_level(w, json_string_value(value)))
            return false;
    }
    leave(w, back);
    back = enter(w, "level.request");
    json_object_foreach (json_object_get(json_object_get(method, "level"), "request"), key, value) {
        if (!idb_config_check_comment(key) && !check_level(w, key))
            return false;
    }
    leave(w, back);
    return check_userinfo(w, method) && check_proxy(w, method);
}

/* The highest rank that a login with this method can have, or -1. */
static int best_rank(const struct walk *w, const json_t *method)
{
    int best = -1;
    const char *key;
    json_t *value;

    json_object_foreach (json_object_get(json_object_get(method, "level"), "values"), key, value) {
        const char *level = idb_config_check_comment(key) ? "" : json_string_value(value);
        int rank = idb_config_check_rank(w->root, level);

        if (rank > best)
            best = rank;
    }
    return best;
}

/* Could this method ever answer this purpose? */
static bool check_serves(struct walk *w, const json_t *purpose, const char *name)
{
    const json_t *method = json_object_get(json_object_get(w->root, "methods"), name);
    const char *minimum = json_string_value(json_object_get(purpose, "minimum_level"));
    size_t i;
    json_t *entry;

    json_array_foreach (json_object_get(purpose, "attributes"), i, entry) {
        const char *attribute = json_string_value(entry);

        if (!json_object_get(json_object_get(method, "claims"), attribute))
            return invalid(w, "methods.%s.claims has no claim for attribute \"%s\"", name,
                           attribute);
    }
    if (minimum && best_rank(w, method) < idb_config_check_rank(w->root, minimum))
        return invalid(w, "methods.%s.level never reaches the minimum level, \"%s\"", name,
                       minimum);
    return true;
}

static bool check_purpose_methods(struct walk *w, const json_t *purpose)
{
    size_t back = enter(w, "methods");
    size_t i;
    json_t *method;

    json_array_foreach (json_object_get(purpose, "methods"), i, method) {
        size_t back_to_list = enter_index(w, i);
        const char *name = json_string_value(method);

        if (!check_known(w, "method", "methods", name) || !check_serves(w, purpose, name))
            return false;
        leave(w, back_to_list);
    }
    leave(w, back);
    return true;
}

static bool check_purpose_attributes(struct walk *w, json_t *purpose)
{
    json_t *attributes = json_object_get(purpose, "attributes");
    size_t back = enter(w, "attributes");
    const char *key;
    size_t i;
    json_t *value;

    json_array_foreach (attributes, i, value) {
        if (!check_known(w, "attribute", "attributes", json_string_value(value)))
            return false;
    }
    leave(w, back);
    back = enter(w, "links");
    json_object_foreach (json_object_get(purpose, "links"), key, value) {
        if (!idb_config_check_comment(key) && !idb_config_check_has(attributes, key))
            return invalid(w, "\"%s\" is none of the attributes of this purpose", key);
    }
    leave(w, back);
    return true;
}

static bool check_purpose(struct walk *w, json_t *purpose)
{
    const char *minimum = json_string_value(json_object_get(purpose, "minimum_level"));
    size_t back = enter(w, "line");

    if (!check_known(w, "line", "lines", json_string_value(json_object_get(purpose, "line"))))
        return false;
    leave(w, back);
    back = enter(w, "minimum_level");
    if (minimum && !check_level(w, minimum))
        return false;
    leave(w, back);
    return check_purpose_attributes(w, purpose) && check_purpose_methods(w, purpose);
}

static bool check_each(struct walk *w, const char *map,
                       bool (*check)(struct walk *w, json_t *entry))
{
    size_t back = enter(w, map);
    const char *name;
    json_t *entry;

    json_object_foreach (json_object_get(w->root, map), name, entry) {
        size_t back_to_map = enter(w, name);

        if (!idb_config_check_comment(name) && !check(w, entry))
            return false;
        leave(w, back_to_map);
    }
    leave(w, back);
    return true;
}

/* Defaults count too: a short lifetime must not meet the default wrap-up. */
static bool check_session(struct walk *w, json_t *root)
{
    struct idb_config config = { .root = root };

    idb_config_check_fill(&config);
    if (config.session_wrap_up_ms <= config.session_lifetime_ms)
        return true;
    enter(w, "session.wrap_up");
    return invalid(w, "%d seconds is longer than session.lifetime, %d seconds",
                   (int)(config.session_wrap_up_ms / 1000),
                   (int)(config.session_lifetime_ms / 1000));
}

/* What is of one engine alone must not seem to be in force on the other. */
static bool check_store(struct walk *w, json_t *root)
{
    static const char *const of_one[] = { "group", "schema", "pass_files", "roles" };
    const json_t *store = json_object_get(root, "store");
    bool sqlite = !strncmp(json_string_value(json_object_get(store, "url")), "sqlite:", 7);

    for (size_t i = 0; i < sizeof of_one / sizeof of_one[0]; i++)
        if (sqlite == (i > 0) && json_object_get(store, of_one[i])) {
            enter(w, "store");
            enter(w, of_one[i]);
            return invalid(w, "only a store of %s has it", sqlite ? "PostgreSQL" : "SQLite");
        }
    return true;
}

bool idb_config_check(json_t *root, struct idb_error *err)
{
    struct walk w = { .err = err, .root = root };

    return check_value(&w, &idb_config_schema, root) && check_store(&w, root)
           && check_session(&w, root) && check_each(&w, "lines", check_line)
           && check_each(&w, "methods", check_method) && check_each(&w, "purposes", check_purpose);
}

/* ---- values and defaults into the struct ---- */

static void fill_one(struct idb_config *config, const struct idb_config_rule *rule,
                     const json_t *value)
{
    char *field = (char *)config + rule->at;
    double number = value ? json_number_value(value) : rule->fallback;

    switch (rule->into) {
    case INTO_TEXT:
        *(const char **)(void *)field = json_string_value(value);
        break;
    case INTO_INT:
        *(int *)(void *)field = (int)number;
        break;
    case INTO_INT64:
        *(int64_t *)(void *)field = (int64_t)number;
        break;
    case INTO_MS:
        *(int64_t *)(void *)field = (int64_t)number * 1000;
        break;
    case INTO_REAL:
        *(double *)(void *)field = number;
        break;
    case INTO_NOTHING:
        break;
    }
}

static void fill(struct idb_config *config, const struct idb_config_rule *rules,
                 const json_t *object)
{
    for (; rules->key; rules++) {
        const json_t *value = json_object_get(object, rules->key);

        if (rules->kind == KIND_OBJECT)
            fill(config, rules->child, value);
        else
            fill_one(config, rules, value);
    }
}

void idb_config_check_fill(struct idb_config *config)
{
    fill(config, idb_config_schema.child, config->root);
}
