/* idb-config(8): checks the configuration and shows its public part. */
#include "config.h"
#include "hours.h"
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "usage: idb-config [--config=FILE] check\n"
    "       idb-config [--config=FILE] show [--json] [--lang=LANG]\n"
    "\n"
    "check  tests the configuration file and prints one JSON line\n"
    "show   prints what may be shown to anyone: text on a terminal, else JSON\n"
    "\n"
    "  --config=FILE  the file (default $IDB_CONFIG, then " IDB_CONFIG_PATH ")\n"
    "  --json         show: JSON on a terminal too\n"
    "  --lang=LANG    show: language of the texts (default nl)\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 good, 77 may not be read, 78 wrong; see idb-config(8).\n";

static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                         { "json", no_argument, NULL, 'j' },
                                         { "lang", required_argument, NULL, 'l' },
                                         { 0 } };

struct settings {
    const char *config;
    const char *command;
    const char *lang;
    bool json;
};

static bool set_lang(struct settings *settings, const char *value, struct idb_error *err)
{
    if (strlen(value) != 2 || strspn(value, "abcdefghijklmnopqrstuvwxyz") != 2)
        return idb_fail(err, IDB_USAGE, "usage", "--lang wants two lower-case letters, as in nl.");
    settings->lang = value;
    return true;
}

static bool set(void *to, int option, const char *value, struct idb_error *err)
{
    struct settings *settings = to;

    if (option == 'l')
        return set_lang(settings, value, err);
    if (option == 'c')
        settings->config = value;
    else if (option == 'j')
        settings->json = true;
    else if (!settings->command && (!strcmp(value, "check") || !strcmp(value, "show")))
        settings->command = value;
    else
        return idb_fail(err, IDB_USAGE, "usage",
                        "One word is wanted, check or show. Try 'idb-config --help'.");
    return true;
}

/* ---- check ---- */

/* Takes text over; false when out of memory. */
static bool warn(json_t *warnings, json_t *text)
{
    return json_array_append_new(warnings, text) == 0;
}

static bool warn_zones(json_t *warnings, json_t *lines)
{
    const char *name;
    json_t *line;

    json_object_foreach (lines, name, line) {
        const char *zone = json_string_value(json_object_get(line, "time_zone"));

        if (access(IDB_HOURS_ZONES, F_OK) == 0 && !idb_hours_knows(zone)
            && !warn(warnings,
                     json_sprintf("lines.%s.time_zone: this system knows no time zone \"%s\".",
                                  name, zone)))
            return false;
    }
    return true;
}

/* A purpose without a method is issued for by an attesting program alone. */
static bool warn_purposes(json_t *warnings, json_t *purposes, const json_t *attest)
{
    const char *name;
    json_t *purpose;

    json_object_foreach (purposes, name, purpose) {
        if (json_array_size(json_object_get(purpose, "methods")) == 0
            && json_array_size(attest) == 0
            && !warn(warnings, json_sprintf("purposes.%s: no methods, and issue.attest lists "
                                            "nobody: nobody can get a code for it.",
                                            name)))
            return false;
    }
    return true;
}

static bool warn_secret(json_t *warnings, const struct idb_config *config, const char *name,
                        const char *suffix)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/web/%s.%s", config->keys_directory, name, suffix);
    return access(path, F_OK) == 0 || errno != ENOENT
           || warn(warnings, json_sprintf("methods.%s: %s does not exist: nobody can log in by it.",
                                          name, path));
}

/* A method that cannot work would be found out by the first resident. Says nothing of
 * secrets before there are keys, or where the key directory may not be read. */
static bool warn_method(json_t *warnings, const struct idb_config *config, const char *name,
                        const json_t *method)
{
    const char *how = json_string_value(json_object_get(method, "client_auth"));
    const char *ca = json_string_value(json_object_get(method, "ca"));
    bool encrypted = json_object_get(method, "id_token_encryption")
                     || json_object_get(method, "userinfo_encryption");
    char path[PATH_MAX];

    if (ca && access(ca, R_OK) == -1
        && !warn(warnings, json_sprintf("methods.%s.ca: %s cannot be read.", name, ca)))
        return false;
    snprintf(path, sizeof path, "%s/web/browser.key", config->keys_directory);
    if (!how || access(path, F_OK) == -1)
        return true;
    return warn_secret(warnings, config, name,
                       !strcmp(how, "private_key_jwt")   ? "jwk"
                       : !strcmp(how, "tls_client_auth") ? "pem"
                                                         : "secret")
           && (!encrypted || warn_secret(warnings, config, name, "enc.jwk"));
}

/* Without its folder everything works, but asks the provider each time; in another's
 * folder nothing does. */
static bool warn_cache(json_t *warnings, const struct idb_config *config)
{
    const char *folder = config->cache_directory;
    const char *web = json_string_value(
        json_object_get(json_object_get(json_object_get(config->root, "keys"), "users"), "web"));
    const struct passwd *user = web ? getpwnam(web) : getpwuid(geteuid());
    struct stat st;

    if (json_object_size(json_object_get(config->root, "methods")) == 0 || !user)
        return true;
    if (stat(folder, &st) == -1)
        return errno != ENOENT
               || warn(warnings,
                       json_sprintf("cache.directory: %s does not exist: the login providers are"
                                    " asked for their keys at each login; make it with: install -d"
                                    " -o %s -m 700 %s",
                                    folder, user->pw_name, folder));
    return (S_ISDIR(st.st_mode) && st.st_uid == user->pw_uid && !(st.st_mode & 0077))
           || warn(warnings, json_sprintf("cache.directory: %s must be a folder that only %s can"
                                          " enter: nobody can log in.",
                                          folder, user->pw_name));
}

static bool warn_methods(json_t *warnings, const struct idb_config *config)
{
    const char *name;
    json_t *method;

    json_object_foreach (json_object_get(config->root, "methods"), name, method) {
        if (!warn_method(warnings, config, name, method))
            return false;
    }
    return true;
}

/* Users are the entries of "desk" that are lists; a comment may stand between. */
static bool warn_desk(json_t *warnings, json_t *desk)
{
    const char *user;
    json_t *roles;

    json_object_foreach (desk, user, roles) {
        if (strcmp(user, "comment"))
            return true;
    }
    return warn(warnings, json_string("desk: no users are listed: nobody can open a call."));
}

static bool check(const struct idb_config *config, const char *path, const json_t *public,
                  json_t **answer)
{
    json_t *purposes = json_object_get(public, "purposes");
    json_t *lines = json_object_get(public, "lines");
    const json_t *attest = json_object_get(json_object_get(config->root, "issue"), "attest");
    json_t *warnings = json_array();

    if (warn_desk(warnings, json_object_get(config->root, "desk"))
        && warn_purposes(warnings, purposes, attest) && warn_methods(warnings, config)
        && warn_cache(warnings, config) && warn_zones(warnings, lines))
        *answer = json_pack("{s:s, s:s, s:I, s:I, s:I}", "result", "ok", "file", path, "purposes",
                            (json_int_t)json_object_size(purposes), "lines",
                            (json_int_t)json_object_size(lines), "methods",
                            (json_int_t)json_object_size(json_object_get(public, "methods")));
    if (json_array_size(warnings) > 0)
        json_object_set(*answer, "warnings", warnings);
    json_decref(warnings);
    return *answer != NULL;
}

/* ---- show ---- */

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static void print_list(const char *label, const json_t *list)
{
    size_t i;
    json_t *value;

    if (json_array_size(list) == 0)
        return;
    printf("    %-11s ", label);
    json_array_foreach (list, i, value) {
        printf("%s%s", i ? ", " : "", json_string_value(value));
    }
    putchar('\n');
}

static void print_lines(json_t *lines)
{
    static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
    const char *name;
    json_t *line;

    printf("\nLines\n");
    json_object_foreach (lines, name, line) {
        const json_t *hours = json_object_get(line, "hours");

        printf("  %s\n    %-11s %s\n", name, "number", text(line, "number_display"));
        printf("    %-11s %s\n", "time zone", text(line, "time_zone"));
        for (size_t i = 0; hours && i < sizeof days / sizeof days[0]; i++)
            print_list(days[i], json_object_get(hours, days[i]));
        print_list("closed", json_object_get(line, "closed"));
    }
}

/* The labels of the entries of map that names lists, in one row. */
static void print_labels(const char *title, const json_t *names, const json_t *map,
                         const char *lang)
{
    size_t i;
    json_t *name;

    printf("    %-11s ", title);
    json_array_foreach (names, i, name) {
        const json_t *entry = json_object_get(map, json_string_value(name));

        printf("%s%s%s", i ? ", " : "", idb_config_text(json_object_get(entry, "label"), lang),
               json_is_true(json_object_get(entry, "mask")) ? " (masked)" : "");
    }
    printf("%s\n", json_array_size(names) ? "" : "none");
}

static void print_purposes(const json_t *public, const char *lang)
{
    const char *name;
    json_t *purpose;

    printf("\nPurposes\n");
    json_object_foreach (json_object_get(public, "purposes"), name, purpose) {
        printf("  %s\n    %-11s %s\n", name, "label",
               idb_config_text(json_object_get(purpose, "label"), lang));
        printf("    %-11s %s\n", "line", text(purpose, "line"));
        print_labels("attributes", json_object_get(purpose, "attributes"),
                     json_object_get(public, "attributes"), lang);
        print_labels("methods", json_object_get(purpose, "methods"),
                     json_object_get(public, "methods"), lang);
        if (json_object_get(purpose, "minimum_level"))
            printf("    %-11s at least %s\n", "level", text(purpose, "minimum_level"));
        printf("    %-11s %s\n", "confirm", text(purpose, "confirm"));
    }
}

static void print_text(const struct idb_config *config, const json_t *public, const char *lang)
{
    const json_t *organisation = json_object_get(public, "organisation");

    printf("%s\n%s\n", idb_config_text(json_object_get(organisation, "name"), lang),
           text(organisation, "url"));
    print_lines(json_object_get(public, "lines"));
    print_purposes(public, lang);
    printf("\nCode\n    %-11s %d\n    %-11s %d s\n", "digits", config->code_digits, "valid",
           (int)(config->code_valid_ms / 1000));
    printf("\nSession\n    %-11s %d s\n    %-11s %d s\n", "lifetime",
           (int)(config->session_lifetime_ms / 1000), "wrap up",
           (int)(config->session_wrap_up_ms / 1000));
    printf("    %-11s %d, within %d s after login\n", "new codes", config->session_renewals,
           (int)(config->session_renew_ms / 1000));
}

/* Never fails: that standard output took it all is checked at the end. */
static bool show(const struct settings *settings, const struct idb_config *config, json_t *public,
                 json_t **answer)
{
    if (settings->json || !isatty(STDOUT_FILENO))
        *answer = json_incref(public);
    else
        print_text(config, public, settings->lang);
    return true;
}

static bool run(const struct settings *settings, json_t **answer, struct idb_error *err)
{
    const char *path = idb_config_path(settings->config);
    struct idb_config *config = NULL;
    json_t *public = NULL;
    bool ok = false;

    if (!settings->command)
        return idb_fail(err, IDB_USAGE, "usage",
                        "A word is missing, check or show. Try 'idb-config --help'.");
    if (!idb_config_load(&config, path, err))
        goto out;
    public = idb_config_public(config);
    if (public && !strcmp(settings->command, "check"))
        ok = check(config, path, public, answer);
    else if (public)
        ok = show(settings, config, public, answer);
    if (!ok)
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
out:
    json_decref(public);
    idb_config_free(config);
    return ok;
}

static const struct idb_tool tool = {
    .name = "idb-config", .help = help, .options = options, .set = set
};

int main(int argc, char **argv)
{
    struct settings settings = { .lang = "nl" };
    struct idb_error err = { 0 };
    json_t *answer = NULL;

    if (idb_tool_start(&tool, argc, argv, &settings, &err))
        run(&settings, &answer, &err);
    return idb_tool_finish(&tool, answer, &err);
}
