/*
 * The members of idb.json(5) as one table, for config_check.c alone: which
 * there are, what they hold, in which range, with which default. A new member
 * is one more row.
 *
 *     for (const struct idb_config_rule *rule = idb_config_schema.child; rule->key; rule++) ...
 */
#ifndef IDB_CONFIG_SCHEMA_H
#define IDB_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

/* How a text must look: a test, and the same in words. */
struct idb_config_format {
    bool (*test)(const char *text);
    const char *expected;
};

enum idb_config_kind {
    KIND_TEXT,
    KIND_WHOLE,
    KIND_REAL,
    KIND_SWITCH,
    KIND_OBJECT,
    KIND_MAP,
    KIND_LIST
};

/* The type of the field in struct idb_config that a value goes to. */
enum idb_config_into { INTO_NOTHING, INTO_TEXT, INTO_INT, INTO_INT64, INTO_MS, INTO_REAL };

/* One member of an object, or every entry of a map or list. An array of members
 * ends with a rule without a key. */
struct idb_config_rule {
    const char *key;
    enum idb_config_kind kind;
    bool required;
    double min, max; /* WHOLE: range; REAL: over min, to max; TEXT: max bytes;
                        LIST and MAP: min entries */
    const struct idb_config_format *format; /* of a TEXT, or of the names in a MAP */
    const char *const *words;               /* the only values of a TEXT */
    const char *must;                       /* a name that a MAP must hold */
    const struct idb_config_rule *child;    /* members of an OBJECT, entry of a MAP or LIST */
    enum idb_config_into into;
    size_t at; /* offset in struct idb_config */
    double fallback;
};

/* The rule of the whole document. */
extern const struct idb_config_rule idb_config_schema;

/* The levels of assurance when the document lists none, lowest first, closed by NULL. */
extern const char *const idb_config_schema_levels[];

/* "HH:MM" as minutes after midnight, 24:00 included; -1 when it is not that. */
int idb_config_schema_minutes(const char *text);

#endif
