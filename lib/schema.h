/*
 * The schema and its migrations; only idb-store links it.
 */
#ifndef IDB_SCHEMA_H
#define IDB_SCHEMA_H

/* The statements that bring a store from version - 1 to version, one transaction. */
struct idb_migration {
    int version;
    const char *sql;          /* of both engines */
    const char *before_pgsql; /* what PostgreSQL wants before that, or NULL */
    const char *after_pgsql;  /* and after it */
};

/* In order of version, closed by one with version 0. */
extern const struct idb_migration idb_migrations[];

#endif
