/*
 * The rules of idb.json(5), for config.c alone: one table says which members
 * there are, what they hold and their defaults; a few functions say what must
 * agree between them.
 *
 *     if (!idb_config_check(root, err)) ...
 *     config->root = root;
 *     idb_config_check_fill(config);
 */
#ifndef IDB_CONFIG_CHECK_H
#define IDB_CONFIG_CHECK_H

#include "config.h"

/* Checks a whole document. Fails with IDB_CONFIG "config_invalid"; the message
 * starts with the path of the value, as in "purposes.status.line: ...". */
bool idb_config_check(json_t *root, struct idb_error *err);

/* Sets every scalar of config from config->root, a checked document, or from
 * its default. Strings stay owned by the root. */
void idb_config_check_fill(struct idb_config *config);

/* The rank of a level in the document, 0 the lowest, or -1. */
int idb_config_check_rank(const json_t *root, const char *level);

/* True when list, an array of strings or NULL, holds word. */
bool idb_config_check_has(const json_t *list, const char *word);

/* True for the member that any object may carry and that means nothing. */
bool idb_config_check_comment(const char *key);

#endif
