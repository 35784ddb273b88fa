#include "config.h"

#include "config_check.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *idb_config_path(const char *option)
{
    const char *variable = getenv("IDB_CONFIG");

    if (option)
        return option;
    return variable && variable[0] ? variable : IDB_CONFIG_PATH;
}

/* ---- reading ---- */

/* Says who was refused and what mends it. */
static bool not_permitted(const char *path, struct idb_error *err)
{
    const struct passwd *user = getpwuid(geteuid());

    return idb_fail(err, IDB_NOPERM, "config_unreadable",
                    "User %s (uid %ld) may not read %s. It holds no secret: let all users read it "
                    "with chmod a+r, and enter its folders with chmod a+x.",
                    user ? user->pw_name : "without a name", (long)geteuid(), path);
}

static bool open_failed(const char *path, struct idb_error *err)
{
    if (errno == EACCES || errno == EPERM)
        return not_permitted(path, err);
    if (errno == ENOENT || errno == ENOTDIR)
        return idb_fail(err, IDB_CONFIG, "config_missing",
                        "There is no configuration file %s. Write one, see idb.json(5), or name "
                        "another with --config or $IDB_CONFIG.",
                        path);
    return idb_fail(err, IDB_CONFIG, "config_unreadable", "Cannot read %s: %s.", path,
                    strerror(errno));
}

/* A pipe must not keep us waiting, hence O_NONBLOCK, which means nothing to a file. */
static bool open_file(int *fd, const char *path, struct idb_error *err)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd == -1 || fstat(*fd, &st) == -1)
        return open_failed(path, err);
    if (!S_ISREG(st.st_mode))
        return idb_fail(err, IDB_CONFIG, "config_unreadable", "%s is %s, not a regular file.", path,
                        S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe");
    /* Whoever writes it chooses what the desk masks and who may look. */
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
        return idb_fail(err, IDB_CONFIG, "config_rights",
                        "%s can be changed by others than root and the user who runs; run:"
                        " chown root %s && chmod go-w %s",
                        path, path, path);
    return true;
}

/* Reads to the end of file, at most one byte over the limit, which shows that
 * it is too large even when it grows while we read. */
static bool read_all(int fd, char *text, size_t *size, const char *path, struct idb_error *err)
{
    ssize_t n;

    *size = 0;
    while ((n = read(fd, text + *size, IDB_CONFIG_MAX + 1 - *size)) > 0)
        *size += (size_t)n;
    if (n == -1)
        return open_failed(path, err);
    if (*size > IDB_CONFIG_MAX)
        return idb_fail(err, IDB_CONFIG, "config_unreadable", "%s is larger than %d bytes.", path,
                        IDB_CONFIG_MAX);
    if (*size == 0)
        return idb_fail(err, IDB_CONFIG, "config_json", "%s: line 1, column 0: the file is empty.",
                        path);
    return true;
}

static bool parse(json_t **root, const char *text, size_t size, const char *path,
                  struct idb_error *err)
{
    json_error_t error;

    *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (*root)
        return true;
    return idb_fail(err, IDB_CONFIG, "config_json", "%s: line %d, column %d: %s.", path, error.line,
                    error.column, error.text);
}

static bool read_json(json_t **root, const char *path, struct idb_error *err)
{
    char *text = NULL;
    size_t size = 0;
    int fd = -1;
    bool ok = false;

    if (!open_file(&fd, path, err))
        goto out;
    text = malloc(IDB_CONFIG_MAX + 1);
    if (!text) {
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
        goto out;
    }
    ok = read_all(fd, text, &size, path, err) && parse(root, text, size, path, err);
out:
    free(text);
    if (fd != -1)
        close(fd);
    return ok;
}

bool idb_config_load(struct idb_config **config, const char *path, struct idb_error *err)
{
    json_t *root = NULL;

    *config = NULL;
    if (!read_json(&root, path, err) || !idb_config_check(root, err))
        goto out;
    *config = calloc(1, sizeof **config);
    if (!*config) {
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
        goto out;
    }
    (*config)->root = json_incref(root);
    idb_config_check_fill(*config);
    if (!(*config)->store_schema)
        (*config)->store_schema = IDB_SCHEMA_NAME;
    if (!(*config)->cache_directory)
        (*config)->cache_directory = IDB_CACHE_PATH;
out:
    json_decref(root);
    return *config != NULL;
}

void idb_config_free(struct idb_config *config)
{
    if (!config)
        return;
    json_decref(config->root);
    free(config);
}

/* ---- asking ---- */

bool idb_config_on_postgresql(const struct idb_config *config)
{
    return !strncmp(config->store_url, "postgresql:", 11);
}

static const json_t *entry(const struct idb_config *config, const char *map, const char *name)
{
    if (!name || idb_config_check_comment(name))
        return NULL;
    return json_object_get(json_object_get(config->root, map), name);
}

const json_t *idb_config_purpose(const struct idb_config *config, const char *name)
{
    return entry(config, "purposes", name);
}

const json_t *idb_config_attribute(const struct idb_config *config, const char *name)
{
    return entry(config, "attributes", name);
}

const json_t *idb_config_method(const struct idb_config *config, const char *name)
{
    return entry(config, "methods", name);
}

const json_t *idb_config_line(const struct idb_config *config, const char *name)
{
    return entry(config, "lines", name);
}

const char *idb_config_queue(const struct idb_config *config, const char *purpose)
{
    const char *queue =
        json_string_value(json_object_get(idb_config_purpose(config, purpose), "queue"));

    return queue ? queue : purpose;
}

const char *idb_config_line_name(const struct idb_config *config, const char *name)
{
    json_t *lines = json_object_get(config->root, "lines");

    return idb_config_line(config, name) ? json_object_iter_key(json_object_iter_at(lines, name))
                                         : NULL;
}

const char *idb_config_only_line(const struct idb_config *config)
{
    const char *last = NULL;
    const char *name;
    json_t *line;
    size_t count = 0;

    json_object_foreach (json_object_get(config->root, "lines"), name, line) {
        if (idb_config_check_comment(name))
            continue;
        last = name;
        count++;
    }
    return count == 1 ? last : NULL;
}

static const char *text_in(const json_t *labels, const char *lang)
{
    if (!lang || idb_config_check_comment(lang))
        return NULL;
    return json_string_value(json_object_get(labels, lang));
}

/* Labels of a checked file have "nl"; others may be handed in too. */
const char *idb_config_text(const json_t *labels, const char *lang)
{
    const char *text = text_in(labels, lang);
    void *iter = json_object_iter((json_t *)labels);

    if (!text)
        text = text_in(labels, "nl");
    for (; !text && iter; iter = json_object_iter_next((json_t *)labels, iter))
        text = text_in(labels, json_object_iter_key(iter));
    return text ? text : "";
}

int idb_config_level(const struct idb_config *config, const char *level)
{
    return level ? idb_config_check_rank(config->root, level) : -1;
}

bool idb_config_may_attest(const struct idb_config *config, const char *who)
{
    const json_t *issue = json_object_get(config->root, "issue");

    return who && idb_config_check_has(json_object_get(issue, "attest"), who);
}

bool idb_config_has_role(const struct idb_config *config, const char *user, const char *role)
{
    return role && idb_config_check_has(entry(config, "desk", user), role);
}

const char *idb_config_client_line(const struct idb_config *config, const char *client)
{
    const char *name;
    json_t *line;

    if (!client)
        return NULL;
    json_object_foreach (json_object_get(config->root, "lines"), name, line) {
        if (!idb_config_check_comment(name)
            && idb_config_check_has(json_object_get(line, "clients"), client))
            return name;
    }
    return NULL;
}

/* ---- the public part ---- */

/* A copy without its comment, which is the administrator's. NULL gives NULL. */
static json_t *public_copy(const json_t *value)
{
    json_t *copy = json_deep_copy(value);

    json_object_del(copy, "comment");
    return copy;
}

/* Copies the members named in keys, closed by NULL, that object has. */
static json_t *pick(const json_t *object, const char *const *keys)
{
    json_t *out = json_object();

    for (; out && *keys; keys++) {
        const json_t *value = json_object_get(object, *keys);

        if (value && json_object_set_new(out, *keys, public_copy(value)) == -1) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* Takes value over; sets it where object has no such member yet. */
static bool set_default(json_t *object, const char *key, json_t *value)
{
    bool ok = value && (json_object_get(object, key) || json_object_set(object, key, value) == 0);

    json_decref(value);
    return ok;
}

static bool public_line(json_t *line)
{
    return set_default(line, "time_zone", json_string(IDB_TIME_ZONE));
}

static bool public_attribute(json_t *attribute)
{
    return set_default(attribute, "mask", json_false());
}

static bool public_method(json_t *method)
{
    return json_is_object(method);
}

/* The text of a consent is long and shown where it is asked; its id says which. */
static bool public_purpose(json_t *purpose)
{
    json_t *consent = json_object_get(purpose, "consent");

    if (consent && json_object_del(consent, "text") == -1)
        return false;
    return set_default(purpose, "methods", json_array())
           && set_default(purpose, "confirm", json_string("notify"));
}

/* Sets out[map] to what may be seen of each entry; complete adds the defaults. */
static bool publish(json_t *out, const struct idb_config *config, const char *map,
                    const char *const *keys, bool (*complete)(json_t *))
{
    json_t *to = json_object();
    const char *name;
    json_t *from;
    bool ok = true;

    json_object_foreach (json_object_get(config->root, map), name, from) {
        json_t *one = NULL;

        if (idb_config_check_comment(name))
            continue;
        one = pick(from, keys);
        ok = ok && one && complete(one) && json_object_set(to, name, one) == 0;
        json_decref(one);
    }
    return json_object_set_new(out, map, to) == 0 && ok;
}

static json_t *durations(const struct idb_config *config)
{
    return json_pack("{s:{s:i, s:I}, s:{s:I, s:I, s:I, s:i}}", "code", "digits",
                     config->code_digits, "valid", (json_int_t)(config->code_valid_ms / 1000),
                     "session", "lifetime", (json_int_t)(config->session_lifetime_ms / 1000),
                     "wrap_up", (json_int_t)(config->session_wrap_up_ms / 1000), "renew",
                     (json_int_t)(config->session_renew_ms / 1000), "renewals",
                     config->session_renewals);
}

json_t *idb_config_public(const struct idb_config *config)
{
    static const char *const organisation[] = { "name", "url", NULL };
    static const char *const line[] = { "number", "number_display", "time_zone",
                                        "hours",  "closed",         NULL };
    static const char *const purpose[] = { "label",         "line",    "attributes", "methods",
                                           "minimum_level", "confirm", "consent",    NULL };
    static const char *const attribute[] = { "label", "mask", NULL };
    static const char *const method[] = { "label", NULL };
    json_t *frames = json_object_get(config->root, "frame_ancestors");
    json_t *out = json_object();
    json_t *rest = durations(config);

    if (json_object_set_new(out, "organisation",
                            pick(json_object_get(config->root, "organisation"), organisation))
            == 0
        && publish(out, config, "lines", line, public_line)
        && publish(out, config, "purposes", purpose, public_purpose)
        && publish(out, config, "attributes", attribute, public_attribute)
        && publish(out, config, "methods", method, public_method) && rest
        && json_object_update(out, rest) == 0
        && (!frames || json_object_set(out, "frame_ancestors", frames) == 0))
        goto out;
    json_decref(out);
    out = NULL;
out:
    json_decref(rest);
    return out;
}
