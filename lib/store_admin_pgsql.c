/* Creating, migrating and checking a store of PostgreSQL, of store_admin.h. */
#include "admin.h"
#include "admin_pgsql.h"
#include "schema.h"
#include "store_admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who may do what. The zones', and who erases and counts (idb-purge, idb-stats). */
enum role { WEB, PHONE, DESK, INVITE, PURGE, ROLES };

static const char *const role_names[ROLES] = { "web", "phone", "desk", "invite", "purge" };

enum { W = 1 << WEB, P = 1 << PHONE, D = 1 << DESK, I = 1 << INVITE, U = 1 << PURGE };

/* What every zone may know of a session: all but what is sealed and the status token. */
#define KNOWN                                                                                      \
    "id, ticket, state, purpose, line, lang, confirm, code_mac, code_expires_at,"                  \
    " renewals, renew_until, created_at, expires_at, due_at, call_id, called_at, bound,"           \
    " bound_key, caller_last2, announced, number_hint, connected_at, confirmation, ended_at,"      \
    " end_reason, refusal, refused_at"

/* What ending a session writes; the triggers below let most of it be erased alone. */
#define ENDING                                                                                     \
    "state, ended_at, end_reason, code_mac, sealed, call_id, bound, bound_key, caller_last2,"      \
    " announced, number_hint, confirmation, due_at"

static const struct grant {
    const char *what;
    const char *table;
    unsigned roles;
} grants[] = {
    { "SELECT", "meta", W | P | D | I | U },
    { "SELECT, INSERT, UPDATE", "counter", W | P | D | I | U },
    { "INSERT, SELECT (id, at)", "audit", W | P | D | I | U },
    { "SELECT", "audit", D },
    { "SELECT, DELETE", "audit", U },
    { "SELECT (" KNOWN ")", "session", W | P | U },
    { "SELECT (token_hash)", "session", W },
    { "SELECT", "session", D },
    { "INSERT (id, ticket, state, purpose, line, lang, confirm, token_hash, code_mac,"
      " code_expires_at, renewals, renew_until, created_at, expires_at, due_at, announced, sealed)",
      "session", W },
    { "UPDATE (" ENDING ")", "session", W | P | D | U },
    { "UPDATE (code_expires_at, renewals)", "session", W },
    { "UPDATE (called_at, confirm, refusal, refused_at)", "session", P },
    { "UPDATE (connected_at)", "session", D },
    { "DELETE", "session", U },
    { "SELECT, INSERT", "ended_call", W | P | D | U },
    { "DELETE", "ended_call", U },
    { "SELECT, INSERT, UPDATE", "attempts", W | P },
    { "SELECT, DELETE", "attempts", U },
    { "INSERT, SELECT (id, code_mac)", "invitation", I },
    { "SELECT, UPDATE (spent_at, sealed)", "invitation", W },
    { "SELECT, UPDATE (sealed), DELETE", "invitation", U },
};

/* What a role may only erase, and who alone may give it a value. */
static const struct guard {
    const char *name;
    const char *columns[6];
    enum role role;
} guards[] = {
    { "session_bound",
      { "call_id", "bound", "bound_key", "caller_last2", "number_hint", NULL },
      PHONE },
    { "session_consented", { "code_mac", "confirmation", "announced", NULL }, WEB },
    { "session_sealed", { "sealed", NULL }, ROLES },
};

/* ---- roles ---- */

/* A role's name; NULL where it is nobody's but the owner's. Names of accounts need no more
 * quoting than the marks themselves (config_schema.c). */
static const char *role_name(const struct idb_config *config, enum role role)
{
    const json_t *roles = json_object_get(json_object_get(config->root, "store"), "roles");
    const json_t *users = json_object_get(json_object_get(config->root, "keys"), "users");
    const char *name = json_string_value(json_object_get(roles, role_names[role]));

    return name ? name : json_string_value(json_object_get(users, role_names[role]));
}

static bool make_role(PGconn *conn, const char *name, struct idb_error *err)
{
    int64_t there;

    return idb_admin_pgsql_number(conn, "SELECT COUNT(*) FROM pg_roles WHERE rolname = $1", name,
                                  &there, err)
           && (there > 0
               || idb_admin_pgsql_execf(conn, "making a role", err, "CREATE ROLE \"%s\" LOGIN",
                                        name));
}

static bool grant(PGconn *conn, const struct idb_config *config, struct idb_error *err)
{
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++)
        for (enum role role = 0; role < ROLES; role++) {
            const char *name = role_name(config, role);

            if (name && (grants[i].roles & 1U << role)
                && !idb_admin_pgsql_execf(conn, "granting", err, "GRANT %s ON %s TO \"%s\"",
                                          grants[i].what, grants[i].table, name))
                return false;
        }
    return true;
}

/* "a, b" or, with a format of its own, each column's part of a condition. */
static void each_column(char *to, size_t size, const struct guard *g, const char *between,
                        bool condition)
{
    to[0] = '\0';
    for (size_t i = 0; g->columns[i]; i++) {
        const char *c = g->columns[i];
        size_t n = strlen(to);

        if (condition)
            snprintf(to + n, size - n, "%s(NEW.%s IS NOT NULL AND NEW.%s IS DISTINCT FROM OLD.%s)",
                     i ? between : "", c, c, c);
        else
            snprintf(to + n, size - n, "%s%s", i ? between : "", c);
    }
}

/* The owner may do anything, whatever a trigger says. The condition is short, for it is
 * read anew at each update of these columns. */
static bool guard(PGconn *conn, const struct idb_config *config, const struct guard *g,
                  struct idb_error *err)
{
    const char *name = g->role < ROLES ? role_name(config, g->role) : NULL;
    const char *owner = idb_pq.PQuser(conn);
    char changed[1024];
    char columns[256];

    each_column(changed, sizeof changed, g, " OR ", true);
    each_column(columns, sizeof columns, g, ", ", false);
    return idb_admin_pgsql_execf(
               conn, "making a function", err,
               "CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               " IF %s THEN RAISE insufficient_privilege"
               " USING MESSAGE = 'permission denied by %s'; END IF; RETURN NEW; END $$",
               g->name, changed, g->name)
           && idb_admin_pgsql_execf(
               conn, "making a trigger", err,
               "DROP TRIGGER IF EXISTS %s ON session;"
               " CREATE TRIGGER %s BEFORE UPDATE OF %s ON session FOR EACH ROW"
               " WHEN (current_user <> '%s' AND current_user <> '%s') EXECUTE FUNCTION %s()",
               g->name, g->name, columns, owner, name ? name : owner, g->name);
}

/* Roles that are there keep what they have elsewhere; rights of before go. The owner has
 * them all. */
static bool set_rights(PGconn *conn, const struct idb_config *config, struct idb_error *err)
{
    if (!idb_admin_pgsql_execf(conn, "granting", err,
                               "REVOKE ALL ON SCHEMA \"%s\" FROM PUBLIC;"
                               " REVOKE ALL ON ALL TABLES IN SCHEMA \"%s\" FROM PUBLIC",
                               config->store_schema, config->store_schema))
        return false;
    for (enum role role = 0; role < ROLES; role++) {
        const char *name = role_name(config, role);

        if (name && strcmp(name, idb_pq.PQuser(conn)) != 0
            && (!make_role(conn, name, err)
                || !idb_admin_pgsql_execf(conn, "granting", err,
                                          "REVOKE ALL ON ALL TABLES IN SCHEMA \"%s\" FROM \"%s\";"
                                          " GRANT USAGE ON SCHEMA \"%s\" TO \"%s\"",
                                          config->store_schema, name, config->store_schema, name)))
            return false;
    }
    if (!grant(conn, config, err))
        return false;
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++)
        if (!guard(conn, config, &guards[i], err))
            return false;
    return true;
}

/* ---- create and migrate ---- */

static bool bring_up(PGconn *conn, int64_t from, struct idb_error *err)
{
    for (const struct idb_migration *m = idb_migrations; m->version; m++) {
        const char *const steps[] = { m->before_pgsql, m->sql, m->after_pgsql };

        for (size_t i = 0; m->version > from && i < sizeof steps / sizeof steps[0]; i++)
            if (steps[i] && !idb_admin_pgsql_exec(conn, steps[i], "changing the schema", err))
                return false;
    }
    return true;
}

/* Who creates is the owner. Two at once: the second waits, and finds a store. */
static bool create(PGconn *conn, const struct idb_config *config, struct idb_error *err)
{
    int64_t version;

    if (!idb_admin_pgsql_begin(conn, err) || !idb_admin_pgsql_version(conn, config, &version, err))
        return false;
    if (version > 0)
        return idb_fail(err, IDB_REFUSED, "store_exists",
                        "There is a store already in schema \"%s\"; idb-store check tells how it"
                        " is.",
                        config->store_schema);
    return idb_admin_pgsql_execf(conn, "making the schema", err,
                                 "CREATE SCHEMA IF NOT EXISTS \"%s\"", config->store_schema)
           && bring_up(conn, 0, err) && idb_admin_pgsql_audit(conn, "create", "ok", err)
           && set_rights(conn, config, err) && idb_admin_pgsql_commit(conn, err);
}

static bool pgsql_create(const struct idb_config *config, struct idb_error *err)
{
    PGconn *conn = NULL;
    bool ok = idb_admin_pgsql_connect(&conn, config, err) && create(conn, config, err);

    if (conn)
        idb_pq.PQfinish(conn);
    return ok;
}

/* Rights are set anew each time: they follow the configuration and this program. */
static bool migrate(PGconn *conn, const struct idb_config *config, int *from, struct idb_error *err)
{
    int64_t version;

    if (!idb_admin_pgsql_fence(conn, config, &version, err))
        return false;
    *from = (int)version;
    return bring_up(conn, version, err)
           && (version == IDB_SCHEMA_VERSION || idb_admin_pgsql_audit(conn, "migrate", "ok", err))
           && set_rights(conn, config, err) && idb_admin_pgsql_commit(conn, err);
}

static bool pgsql_migrate(const struct idb_config *config, int *from, struct idb_error *err)
{
    PGconn *conn = NULL;
    bool ok = idb_admin_pgsql_connect(&conn, config, err) && migrate(conn, config, from, err);

    if (conn)
        idb_pq.PQfinish(conn);
    return ok;
}

/* ---- check ---- */

static bool check_roles(PGconn *conn, const struct idb_config *config, struct idb_error *err)
{
    for (enum role role = 0; role < ROLES; role++) {
        const char *name = role_name(config, role);
        int64_t there;

        if (!name)
            continue;
        if (!idb_admin_pgsql_number(conn, "SELECT COUNT(*) FROM pg_roles WHERE rolname = $1", name,
                                    &there, err))
            return false;
        if (!there)
            return idb_fail(err, IDB_CONFIG, "store_rights",
                            "There is no role %s; run idb-store migrate, which makes it.", name);
    }
    return true;
}

/* What must not be: a zone that reads or writes what it has no key for. */
static bool check_rights(PGconn *conn, const struct idb_config *config, struct idb_error *err)
{
    static const struct {
        enum role role;
        const char *table;
        const char *column;
        const char *right;
        bool has;
    } rights[] = {
        { WEB, "session", "sealed", "SELECT", false },
        { WEB, "session", "sealed", "INSERT", true },
        { WEB, "session", "bound", "INSERT", false },
        { WEB, "session", "called_at", "UPDATE", false },
        { PHONE, "session", "sealed", "SELECT", false },
        { PHONE, "session", "sealed", "INSERT", false },
        { PHONE, "session", "token_hash", "SELECT", false },
        { PHONE, "session", "token_hash", "UPDATE", false },
        { PHONE, "session", "bound", "UPDATE", true },
        { DESK, "session", "sealed", "SELECT", true },
        { DESK, "session", "sealed", "INSERT", false },
        { INVITE, "session", "id", "SELECT", false },
        { INVITE, "invitation", "sealed", "SELECT", false },
        { PURGE, "session", "sealed", "SELECT", false },
    };

    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        const char *name = role_name(config, rights[i].role);
        char sql[256];
        int64_t has;

        if (!name || !strcmp(name, idb_pq.PQuser(conn)))
            continue;
        snprintf(sql, sizeof sql, "SELECT has_column_privilege($1, '%s', '%s', '%s')::int",
                 rights[i].table, rights[i].column, rights[i].right);
        if (!idb_admin_pgsql_number(conn, sql, name, &has, err))
            return false;
        if (has != rights[i].has)
            return idb_fail(err, IDB_CONFIG, "store_rights",
                            "Role %s %s %s of %s.%s; run idb-store migrate, and look whether it has"
                            " rights of another role.",
                            name, has ? "has" : "lacks", rights[i].right, rights[i].table,
                            rights[i].column);
    }
    return true;
}

/* A trigger that is gone, or switched off, lets every zone write what it may only erase. */
static bool check_guards(PGconn *conn, struct idb_error *err)
{
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++) {
        int64_t there;

        if (!idb_admin_pgsql_number(
                conn,
                "SELECT COUNT(*) FROM pg_trigger"
                " WHERE tgrelid = 'session'::regclass AND tgname = $1 AND tgenabled = 'O'",
                guards[i].name, &there, err))
            return false;
        if (there == 0)
            return idb_fail(err, IDB_CONFIG, "store_rights",
                            "Trigger %s of table session is gone or switched off; run idb-store"
                            " migrate.",
                            guards[i].name);
    }
    return true;
}

/* Every row is read, so that a damaged page is met. */
static bool check_pages(PGconn *conn, struct idb_error *err)
{
    for (size_t i = 0; i < IDB_ADMIN_TABLES; i++)
        if (!idb_admin_pgsql_execf(conn, "reading every row", err,
                                   "SELECT MAX(hashtext(%s::text)) FROM %s", idb_admin_tables[i],
                                   idb_admin_tables[i]))
            return false;
    return true;
}

/* Settings without which a commit that was answered may be gone. */
static bool check_settings(PGconn *conn, struct idb_error *err)
{
    static const char *const needed[] = { "fsync", "full_page_writes" };
    char text[32];

    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!idb_admin_pgsql_text(conn, "SELECT current_setting($1)", needed[i], text, sizeof text,
                                  err))
            return false;
        if (strcmp(text, "on") != 0)
            return idb_fail(err, IDB_CONFIG, "store_rights",
                            "The server runs with %s = %s, and may lose what was answered; set it"
                            " to on.",
                            needed[i], text);
    }
    return true;
}

static bool report_on(PGconn *conn, int64_t version, json_t **json, struct idb_error *err)
{
    struct idb_admin_report report = { .schema = version };

    return idb_admin_pgsql_number(conn, IDB_ADMIN_UNENDED, NULL, &report.sessions, err)
           && idb_admin_pgsql_number(conn, idb_sql[IDB_SQL_CLOCK_MARK], NULL, &report.mark, err)
           && idb_admin_pgsql_number(
               conn,
               "SELECT SUM(pg_total_relation_size(oid))::bigint FROM pg_class"
               " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'",
               NULL, &report.size, err)
           && idb_admin_report(json, &report, err);
}

static bool check(PGconn *conn, const struct idb_config *config, json_t **report,
                  struct idb_error *err)
{
    int64_t version;

    return idb_admin_pgsql_found(conn, config, &version, err) && idb_admin_use(config, err)
           && check_settings(conn, err) && check_roles(conn, config, err)
           && check_rights(conn, config, err) && check_guards(conn, err) && check_pages(conn, err)
           && report_on(conn, version, report, err);
}

static bool pgsql_check(const struct idb_config *config, json_t **report, struct idb_error *err)
{
    PGconn *conn = NULL;
    bool ok = idb_admin_pgsql_connect(&conn, config, err) && check(conn, config, report, err);

    if (conn)
        idb_pq.PQfinish(conn);
    return ok;
}

const struct idb_store_engine idb_store_engine_pgsql = {
    .create = pgsql_create,
    .migrate = pgsql_migrate,
    .check = pgsql_check,
    .backup = idb_store_backup_pgsql,
    .restore = idb_store_restore_pgsql,
};
