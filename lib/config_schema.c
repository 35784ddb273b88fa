#include "config_schema.h"

#include "config.h"
#include "timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* From min to max bytes, all of them in set. */
static bool consists_of(const char *text, const char *set, size_t min, size_t max)
{
    size_t n = strlen(text);

    return n >= min && n <= max && strspn(text, set) == n;
}

static bool starts_with(const char *text, const char *set)
{
    return text[0] && strchr(set, text[0]);
}

static bool is_name(const char *text)
{
    return starts_with(text, LOWER) && consists_of(text, LOWER DIGITS "-", 1, 64);
}

static bool is_attribute(const char *text)
{
    return starts_with(text, LOWER) && consists_of(text, LOWER DIGITS "_", 1, 64);
}

static bool is_language(const char *text)
{
    return consists_of(text, LOWER, 2, 2);
}

/* A user as a web server or sudo names them. */
static bool is_user(const char *text)
{
    return consists_of(text, LOWER UPPER DIGITS "._@-", 1, 64);
}

/* A user or group of this system. */
static bool is_account(const char *text)
{
    return starts_with(text, LOWER UPPER "_") && consists_of(text, LOWER UPPER DIGITS "._-", 1, 32);
}

static bool is_e164(const char *text)
{
    return text[0] == '+' && text[1] != '0' && consists_of(text + 1, DIGITS, 8, 15);
}

static bool is_e123(const char *text)
{
    size_t n = strlen(text);

    return text[0] == '+' && consists_of(text + 1, DIGITS " ", 8, 30) && text[1] != ' '
           && text[n - 1] != ' ' && !strstr(text, "  ");
}

/* "Europe/Amsterdam", "UTC": words that cannot climb out of a folder. */
static bool is_time_zone(const char *text)
{
    size_t n = strlen(text);

    return starts_with(text, LOWER UPPER) && consists_of(text, LOWER UPPER DIGITS "_+-/", 1, 64)
           && text[n - 1] != '/' && !strstr(text, "//");
}

int idb_config_schema_minutes(const char *text)
{
    static const char form[] = "00:00";
    int hours, value;

    for (int i = 0; i < 5; i++)
        if (form[i] == ':' ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return -1;
    hours = (text[0] - '0') * 10 + text[1] - '0';
    value = hours * 60 + (text[3] - '0') * 10 + text[4] - '0';
    return text[3] <= '5' && value <= 24 * 60 ? value : -1;
}

static bool is_hours(const char *text)
{
    return strlen(text) == 11 && text[5] == '-' && idb_config_schema_minutes(text) >= 0
           && idb_config_schema_minutes(text + 6) > idb_config_schema_minutes(text);
}

static bool is_date(const char *text)
{
    char time[IDB_TIMESTAMP_SIZE];
    int64_t ms;

    snprintf(time, sizeof time, "%sT00:00:00Z", text);
    return strlen(text) == 10 && idb_timestamp_parse(&ms, time);
}

#ifdef IDB_POSTGRESQL
#define STORE_URLS "sqlite: and an absolute path, or postgresql:// and where, without a password"

/* Whether a query of a URL has a key that may hold a password, written in whatever way. */
static bool has_password(const char *query)
{
    while (*query) {
        size_t key = strcspn(query, "=&");

        if (memchr(query, '%', key) || (key >= 8 && !strncmp(query + key - 8, "password", 8)))
            return true;
        query += strcspn(query, "&");
        query += *query == '&';
    }
    return false;
}

/* A URI of PostgreSQL's libpq (section 34.1.1.2 of its manual) without a password. */
static bool is_postgresql(const char *text)
{
    size_t authority = strcspn(text, "/?");
    const char *at = memchr(text, '@', authority);
    const char *query = strchr(text, '?');

    return !(at && memchr(text, ':', (size_t)(at - text))) && !(query && has_password(query + 1));
}
#else
#define STORE_URLS "sqlite: and an absolute path; these programs were built without PostgreSQL"

static bool is_postgresql(const char *text)
{
    (void)text;
    return false;
}
#endif

static bool is_store_url(const char *text)
{
    return (!strncmp(text, "sqlite:/", 8) && text[8])
           || (!strncmp(text, "postgresql://", 13) && is_postgresql(text + 13));
}

/* A name that SQL takes without quotes. */
static bool is_schema(const char *text)
{
    return starts_with(text, LOWER) && consists_of(text, LOWER DIGITS "_", 1, 63)
           && strncmp(text, "pg_", 3) != 0;
}

static bool is_absolute(const char *text)
{
    return text[0] == '/';
}

static bool is_port(const char *text)
{
    return consists_of(text, DIGITS, 1, 5) && strtol(text, NULL, 10) >= 1
           && strtol(text, NULL, 10) <= 65535;
}

/* A host of RFC 3986 section 3.2.2, a name or an address in brackets, with or without a
 * port; *n is how long it is. */
static bool is_authority(const char *text, size_t *n)
{
    size_t host = strspn(text, LOWER UPPER DIGITS ".-");
    char port[8];

    if (text[0] == '[') {
        host = 1 + strspn(text + 1, "abcdefABCDEF" DIGITS ":.");
        if (host == 1 || text[host++] != ']')
            return false;
    } else if (strspn(text, ".-") > 0) {
        return false;
    }
    *n = host;
    if (host == 0 || text[host] != ':')
        return host > 0;
    *n += 1 + strspn(text + host + 1, DIGITS);
    snprintf(port, sizeof port, "%.*s", (int)(*n - host - 1), text + host + 1);
    return is_port(port);
}

/* Printable ASCII without what has no place in an address (RFC 3986, 2). */
static bool is_https(const char *text)
{
    size_t host;

    if (strncmp(text, "https://", 8))
        return false;
    if (!is_authority(text + 8, &host) || (text[8 + host] && !strchr("/?#", text[8 + host])))
        return false;
    for (const char *p = text + 8; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p))
            return false;
    return true;
}

/* An address that ends with its host. */
static bool is_origin(const char *text)
{
    size_t host;

    return !strncmp(text, "https://", 8) && is_authority(text + 8, &host) && !text[8 + host];
}

static bool is_base(const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/", text);
    return is_https(text) && !strpbrk(text, "?#") && !strstr(path, "/./") && !strstr(path, "/../");
}

/* A provider on this machine, such as a test's, may do without TLS. */
static bool is_issuer(const char *text)
{
    static const char *const local[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    char secure[512];

    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        size_t n = strlen(local[i]);

        if (strncmp(text, local[i], n) || (text[n] && !strchr(":/", text[n])))
            continue;
        snprintf(secure, sizeof secure, "https://localhost%s", text + n);
        return is_base(secure);
    }
    return is_base(text);
}

static bool is_proxy(const char *text)
{
    static const char http[] = "http://";
    const char *port = strrchr(text, ':');
    size_t n;

    return !strncmp(text, http, strlen(http)) && is_authority(text + strlen(http), &n)
           && !text[strlen(http) + n] && port > text + strlen(http) && is_port(port + 1);
}

/* Scope tokens with one blank between them (RFC 6749 section 3.3). */
static bool is_scope(const char *text)
{
    size_t n = strlen(text);

    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
            return false;
    return text[0] != ' ' && text[n - 1] != ' ' && !strstr(text, "  ");
}

/* Names with dots between them, none of them empty; or a name that is an address. */
static bool is_claim_path(const char *text)
{
    size_t n = strlen(text);

    return strstr(text, "://") || (text[0] != '.' && text[n - 1] != '.' && !strstr(text, ".."));
}

/* The value must stand behind the host: it never chooses who is asked. A second
 * {value} fails as an address, which holds no braces. */
static bool is_link(const char *text)
{
    static const char mark[] = "{value}";
    const char *value = strstr(text, mark);
    char before[512], whole[512];

    if (!value || strlen(text) >= sizeof whole)
        return false;
    snprintf(before, sizeof before, "%.*s", (int)(value - text), text);
    snprintf(whole, sizeof whole, "%s%s", before, value + strlen(mark));
    return is_https(whole) && is_https(before) && strpbrk(before + 8, "/?#");
}

static const struct idb_config_format format_name = {
    is_name, "a name: lower-case letters, digits and hyphens, a letter first, at most 64"
};
static const struct idb_config_format format_attribute = {
    is_attribute, "a name: lower-case letters, digits and underscores, a letter first, at most 64"
};
static const struct idb_config_format format_language = { is_language,
                                                          "a language of two lower-case letters" };
static const struct idb_config_format format_user = {
    is_user, "a user name: letters, digits, . _ @ -, at most 64"
};
static const struct idb_config_format format_account = {
    is_account, "the name of a user or group of this system"
};
static const struct idb_config_format format_e164 = {
    is_e164, "a telephone number in E.164, such as +31241234567"
};
static const struct idb_config_format format_e123 = {
    is_e123, "a telephone number as people read it (E.123), such as +31 24 123 45 67"
};
static const struct idb_config_format format_time_zone = {
    is_time_zone, "a time zone, such as Europe/Amsterdam"
};
static const struct idb_config_format format_hours = {
    is_hours, "opening hours HH:MM-HH:MM, the end after the start, such as 09:00-17:00"
};
static const struct idb_config_format format_date = { is_date,
                                                      "a date that exists, such as 2026-12-25" };
static const struct idb_config_format format_store = { is_store_url, STORE_URLS };
static const struct idb_config_format format_schema = {
    is_schema, "a schema's name, small letters, digits and _, not beginning with pg_"
};
static const struct idb_config_format format_absolute = { is_absolute, "an absolute path" };
static const struct idb_config_format format_base = {
    is_base, "an https:// address without user, ?, # and .., such as https://www.example.org"
};
static const struct idb_config_format format_origin = {
    is_origin, "an origin, https:// and a host with perhaps a port, such as https://kcc.example.org"
};
static const struct idb_config_format format_issuer = {
    is_issuer, "an https:// address without user, ? and # (http:// for this machine alone)"
};
static const struct idb_config_format format_proxy = {
    is_proxy, "an HTTP proxy, http://host:port, without user and path"
};
static const struct idb_config_format format_scope = {
    is_scope, "scopes as RFC 6749 has them, with one blank between them"
};
static const struct idb_config_format format_claim_path = {
    is_claim_path, "the name of a claim, or names with a dot between them"
};
static const struct idb_config_format format_link = {
    is_link, "an https:// address with {value} in it once, behind the host"
};

/* ---- the table: what may stand where ---- */

/* clang-format off */

const char *const idb_config_schema_levels[] = { "low", "substantial", "high", NULL };
static const char *const words_role[] = { "agent", "support", "privacy", NULL };
static const char *const words_type[] = { "text", "bsn", NULL };
static const char *const words_confirm[] = { "notify", "page", NULL };
static const char *const words_unidentified[] = { "queue", "goodbye", NULL };
static const char *const words_client_auth[] = { "client_secret_basic", "client_secret_post",
                                                 "private_key_jwt", "tls_client_auth", NULL };
static const char *const words_audience[] = { "token_endpoint", "issuer", NULL };
static const char *const words_alg[] = { "RS256", "RS384", "RS512", "PS256", "PS384",
                                         "PS512", "ES256", "ES384", "ES512", NULL };

static const char *const words_encryption_alg[] = { "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", NULL };
static const char *const words_encryption_enc[] = { "A256GCM", "A128CBC-HS256", NULL };

static const struct idb_config_rule one_text = { .kind = KIND_TEXT, .max = 500 };
static const struct idb_config_rule one_claim_path = { .kind = KIND_TEXT, .max = 500, .format = &format_claim_path };
static const struct idb_config_rule one_name = { .kind = KIND_TEXT, .format = &format_name };
static const struct idb_config_rule one_attribute = { .kind = KIND_TEXT, .format = &format_attribute };
static const struct idb_config_rule one_user = { .kind = KIND_TEXT, .format = &format_user };
static const struct idb_config_rule one_role = { .kind = KIND_TEXT, .words = words_role };
static const struct idb_config_rule one_link = { .kind = KIND_TEXT, .max = 500, .format = &format_link };
static const struct idb_config_rule one_range = { .kind = KIND_TEXT, .format = &format_hours };
static const struct idb_config_rule one_date = { .kind = KIND_TEXT, .format = &format_date };
static const struct idb_config_rule one_origin = { .kind = KIND_TEXT, .max = 255, .format = &format_origin };
static const struct idb_config_rule one_desk = { .kind = KIND_LIST, .min = 1, .child = &one_role };

/* Texts in languages; the same everywhere but for its key. */
#define LABELS(name)                                                                               \
    { .key = (name), .kind = KIND_MAP, .required = true, .format = &format_language,               \
      .must = "nl", .child = &one_text }

static const struct idb_config_rule organisation_rules[] = {
    LABELS("name"),
    { .key = "url", .kind = KIND_TEXT, .required = true, .max = 500, .format = &format_base },
    { 0 }
};

static const struct idb_config_rule hours_rules[] = {
    { .key = "mon", .kind = KIND_LIST, .child = &one_range },
    { .key = "tue", .kind = KIND_LIST, .child = &one_range },
    { .key = "wed", .kind = KIND_LIST, .child = &one_range },
    { .key = "thu", .kind = KIND_LIST, .child = &one_range },
    { .key = "fri", .kind = KIND_LIST, .child = &one_range },
    { .key = "sat", .kind = KIND_LIST, .child = &one_range },
    { .key = "sun", .kind = KIND_LIST, .child = &one_range },
    { 0 }
};

static const struct idb_config_rule line_rules[] = {
    { .key = "number", .kind = KIND_TEXT, .required = true, .format = &format_e164 },
    { .key = "number_display", .kind = KIND_TEXT, .required = true, .format = &format_e123 },
    { .key = "time_zone", .kind = KIND_TEXT, .format = &format_time_zone },
    { .key = "hours", .kind = KIND_OBJECT, .child = hours_rules },
    { .key = "closed", .kind = KIND_LIST, .child = &one_date },
    { .key = "clients", .kind = KIND_LIST, .child = &one_user },
    { .key = "unidentified", .kind = KIND_TEXT, .words = words_unidentified },
    { 0 }
};
static const struct idb_config_rule one_line = { .kind = KIND_OBJECT, .child = line_rules };

/* Of PostgreSQL; the zones', and who erases and counts. */
static const struct idb_config_rule roles_rules[] = {
    { .key = "web", .kind = KIND_TEXT, .format = &format_account },
    { .key = "phone", .kind = KIND_TEXT, .format = &format_account },
    { .key = "desk", .kind = KIND_TEXT, .format = &format_account },
    { .key = "invite", .kind = KIND_TEXT, .format = &format_account },
    { .key = "purge", .kind = KIND_TEXT, .format = &format_account },
    { 0 }
};

static const struct idb_config_rule store_rules[] = {
    { .key = "url", .kind = KIND_TEXT, .required = true, .max = 500, .format = &format_store,
      .into = INTO_TEXT, .at = offsetof(struct idb_config, store_url) },
    { .key = "wait_ms", .kind = KIND_WHOLE, .min = 1, .max = 60000,
      .into = INTO_INT64, .at = offsetof(struct idb_config, store_wait_ms), .fallback = 2000 },
    { .key = "group", .kind = KIND_TEXT, .format = &format_account,
      .into = INTO_TEXT, .at = offsetof(struct idb_config, store_group) },
    { .key = "schema", .kind = KIND_TEXT, .format = &format_schema,
      .into = INTO_TEXT, .at = offsetof(struct idb_config, store_schema) },
    { .key = "pass_files", .kind = KIND_TEXT, .format = &format_absolute,
      .into = INTO_TEXT, .at = offsetof(struct idb_config, store_pass_files) },
    { .key = "roles", .kind = KIND_OBJECT, .child = roles_rules },
    { 0 }
};

static const struct idb_config_rule key_user_rules[] = {
    { .key = "web", .kind = KIND_TEXT, .required = true, .format = &format_account },
    { .key = "phone", .kind = KIND_TEXT, .required = true, .format = &format_account },
    { .key = "desk", .kind = KIND_TEXT, .required = true, .format = &format_account },
    { .key = "invite", .kind = KIND_TEXT, .format = &format_account },
    { 0 }
};

static const struct idb_config_rule keys_rules[] = {
    { .key = "directory", .kind = KIND_TEXT, .required = true, .max = 500,
      .format = &format_absolute,
      .into = INTO_TEXT, .at = offsetof(struct idb_config, keys_directory) },
    { .key = "users", .kind = KIND_OBJECT, .child = key_user_rules },
    { 0 }
};

static const struct idb_config_rule cache_rules[] = {
    { .key = "directory", .kind = KIND_TEXT, .required = true, .max = 500,
      .format = &format_absolute,
      .into = INTO_TEXT, .at = offsetof(struct idb_config, cache_directory) },
    { 0 }
};

static const struct idb_config_rule code_rules[] = {
    { .key = "digits", .kind = KIND_WHOLE, .min = 8, .max = 12,
      .into = INTO_INT, .at = offsetof(struct idb_config, code_digits), .fallback = 10 },
    { .key = "valid", .kind = KIND_WHOLE, .min = 60, .max = 600,
      .into = INTO_MS, .at = offsetof(struct idb_config, code_valid_ms), .fallback = 600 },
    { .key = "risk", .kind = KIND_REAL, .min = 0, .max = 0.01,
      .into = INTO_REAL, .at = offsetof(struct idb_config, code_risk), .fallback = 1e-6 },
    { 0 }
};

static const struct idb_config_rule session_rules[] = {
    { .key = "lifetime", .kind = KIND_WHOLE, .min = 600, .max = 14400,
      .into = INTO_MS, .at = offsetof(struct idb_config, session_lifetime_ms), .fallback = 14400 },
    { .key = "wrap_up", .kind = KIND_WHOLE, .min = 0, .max = 14400,
      .into = INTO_MS, .at = offsetof(struct idb_config, session_wrap_up_ms), .fallback = 900 },
    { .key = "renew", .kind = KIND_WHOLE, .min = 0, .max = 1800,
      .into = INTO_MS, .at = offsetof(struct idb_config, session_renew_ms), .fallback = 1800 },
    { .key = "renewals", .kind = KIND_WHOLE, .min = 0, .max = 3,
      .into = INTO_INT, .at = offsetof(struct idb_config, session_renewals), .fallback = 3 },
    { 0 }
};

static const struct idb_config_rule throttle_rules[] = {
    { .key = "per_call", .kind = KIND_WHOLE, .min = 1, .max = 3,
      .into = INTO_INT, .at = offsetof(struct idb_config, throttle_per_call), .fallback = 3 },
    { .key = "per_caller", .kind = KIND_WHOLE, .min = 1, .max = 1000,
      .into = INTO_INT, .at = offsetof(struct idb_config, throttle_per_caller), .fallback = 10 },
    { .key = "total", .kind = KIND_WHOLE, .min = 1, .max = 1000000,
      .into = INTO_INT, .at = offsetof(struct idb_config, throttle_total), .fallback = 100 },
    { .key = "window", .kind = KIND_WHOLE, .min = 60, .max = 86400,
      .into = INTO_MS, .at = offsetof(struct idb_config, throttle_window_ms), .fallback = 600 },
    { 0 }
};

static const struct idb_config_rule issue_rules[] = {
    { .key = "attest", .kind = KIND_LIST, .child = &one_name },
    { 0 }
};

static const struct idb_config_rule audit_rules[] = {
    { .key = "days", .kind = KIND_WHOLE, .min = 1, .max = 3650,
      .into = INTO_INT, .at = offsetof(struct idb_config, audit_days), .fallback = 90 },
    { 0 }
};

static const struct idb_config_rule invite_rules[] = {
    { .key = "days", .kind = KIND_WHOLE, .min = 1, .max = IDB_INVITE_MAX_DAYS,
      .into = INTO_INT, .at = offsetof(struct idb_config, invite_days), .fallback = 30 },
    { .key = "per_address", .kind = KIND_WHOLE, .min = 1, .max = 1000,
      .into = INTO_INT, .at = offsetof(struct idb_config, invite_per_address), .fallback = 10 },
    { .key = "total", .kind = KIND_WHOLE, .min = 1, .max = 1000000,
      .into = INTO_INT, .at = offsetof(struct idb_config, invite_total), .fallback = 1000 },
    { 0 }
};

static const struct idb_config_rule attribute_rules[] = {
    LABELS("label"),
    { .key = "type", .kind = KIND_TEXT, .words = words_type },
    { .key = "mask", .kind = KIND_SWITCH },
    { 0 }
};
static const struct idb_config_rule one_attribute_object = { .kind = KIND_OBJECT, .child = attribute_rules };

static const struct idb_config_rule method_level_rules[] = {
    { .key = "claim", .kind = KIND_TEXT, .required = true, .max = 255 },
    { .key = "values", .kind = KIND_MAP, .required = true, .min = 1, .child = &one_name },
    { .key = "request", .kind = KIND_MAP, .min = 1, .format = &format_name, .child = &one_text },
    { 0 }
};

static const struct idb_config_rule encryption_rules[] = {
    { .key = "alg", .kind = KIND_TEXT, .required = true, .words = words_encryption_alg },
    { .key = "enc", .kind = KIND_TEXT, .required = true, .words = words_encryption_enc },
    { 0 }
};

static const struct idb_config_rule method_rules[] = {
    LABELS("label"),
    { .key = "issuer", .kind = KIND_TEXT, .required = true, .max = 500, .format = &format_issuer },
    { .key = "ca", .kind = KIND_TEXT, .max = 500, .format = &format_absolute },
    { .key = "proxy", .kind = KIND_TEXT, .max = 255, .format = &format_proxy },
    { .key = "client_id", .kind = KIND_TEXT, .required = true, .max = 255 },
    { .key = "client_auth", .kind = KIND_TEXT, .required = true, .words = words_client_auth },
    { .key = "client_alg", .kind = KIND_TEXT, .words = words_alg },
    { .key = "assertion_audience", .kind = KIND_TEXT, .words = words_audience },
    { .key = "require_pushed_authorization_requests", .kind = KIND_SWITCH },
    { .key = "scope", .kind = KIND_TEXT, .max = 255, .format = &format_scope },
    { .key = "id_token_alg", .kind = KIND_TEXT, .required = true, .words = words_alg },
    { .key = "id_token_encryption", .kind = KIND_OBJECT, .child = encryption_rules },
    { .key = "userinfo_encryption", .kind = KIND_OBJECT, .child = encryption_rules },
    { .key = "userinfo_alg", .kind = KIND_TEXT, .words = words_alg },
    { .key = "claims", .kind = KIND_MAP, .required = true, .min = 1,
      .format = &format_attribute, .child = &one_claim_path },
    { .key = "level", .kind = KIND_OBJECT, .child = method_level_rules },
    { 0 }
};
static const struct idb_config_rule one_method = { .kind = KIND_OBJECT, .child = method_rules };

static const struct idb_config_rule consent_rules[] = {
    { .key = "id", .kind = KIND_TEXT, .required = true, .max = 64 },
    LABELS("text"),
    { 0 }
};

static const struct idb_config_rule purpose_rules[] = {
    LABELS("label"),
    { .key = "line", .kind = KIND_TEXT, .required = true, .format = &format_name },
    { .key = "attributes", .kind = KIND_LIST, .required = true, .min = 1,
      .child = &one_attribute },
    { .key = "methods", .kind = KIND_LIST, .child = &one_name },
    { .key = "minimum_level", .kind = KIND_TEXT, .format = &format_name },
    { .key = "confirm", .kind = KIND_TEXT, .words = words_confirm },
    { .key = "queue", .kind = KIND_TEXT, .format = &format_name },
    { .key = "consent", .kind = KIND_OBJECT, .child = consent_rules },
    { .key = "links", .kind = KIND_MAP, .format = &format_attribute, .child = &one_link },
    { 0 }
};
static const struct idb_config_rule one_purpose = { .kind = KIND_OBJECT, .child = purpose_rules };

static const struct idb_config_rule root_rules[] = {
    { .key = "organisation", .kind = KIND_OBJECT, .required = true, .child = organisation_rules },
    { .key = "levels", .kind = KIND_LIST, .min = 1, .child = &one_name },
    { .key = "lines", .kind = KIND_MAP, .required = true, .min = 1,
      .format = &format_name, .child = &one_line },
    { .key = "store", .kind = KIND_OBJECT, .required = true, .child = store_rules },
    { .key = "keys", .kind = KIND_OBJECT, .required = true, .child = keys_rules },
    { .key = "cache", .kind = KIND_OBJECT, .child = cache_rules },
    { .key = "code", .kind = KIND_OBJECT, .child = code_rules },
    { .key = "session", .kind = KIND_OBJECT, .child = session_rules },
    { .key = "throttle", .kind = KIND_OBJECT, .child = throttle_rules },
    { .key = "issue", .kind = KIND_OBJECT, .child = issue_rules },
    { .key = "audit", .kind = KIND_OBJECT, .child = audit_rules },
    { .key = "invite", .kind = KIND_OBJECT, .child = invite_rules },
    { .key = "desk", .kind = KIND_MAP, .format = &format_user, .child = &one_desk },
    { .key = "frame_ancestors", .kind = KIND_LIST, .child = &one_origin },
    { .key = "attributes", .kind = KIND_MAP, .required = true, .min = 1,
      .format = &format_attribute, .child = &one_attribute_object },
    { .key = "methods", .kind = KIND_MAP, .format = &format_name, .child = &one_method },
    { .key = "purposes", .kind = KIND_MAP, .required = true, .min = 1,
      .format = &format_name, .child = &one_purpose },
    { 0 }
};
const struct idb_config_rule idb_config_schema = { .kind = KIND_OBJECT, .child = root_rules };
/* clang-format on */
