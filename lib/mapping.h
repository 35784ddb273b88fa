/*
 * From a provider's claims to a purpose's attributes, and to a level of
 * assurance: only what is configured comes through.
 */
#ifndef IDB_MAPPING_H
#define IDB_MAPPING_H

#include "app.h"

#include <stddef.h>

/* Bytes of the first name of a claim path, to its first dot; a name that is an address
 * has dots of its own and is the last. */
size_t idb_mapping_step(const char *path);

#define IDB_VALUE_MAX 1024 /* bytes of an attribute's value */

/* *missing: the purpose has an attribute whose claim id_token lacks, so that
 * userinfo must be asked. */
bool idb_mapping_is_missing(const struct idb_app *app, const char *purpose, const json_t *method,
                            const json_t *id_token);

/* {name: value} of exactly the purpose's attributes, each from id_token or, where
 * it is not there, from userinfo (may be NULL). Claim paths go into objects by
 * dots ("address.postal_code"), a member of that whole name first. Text, whole
 * numbers and booleans become text. IDB_REFUSED "attribute_missing",
 * IDB_UNAVAILABLE "bad_claim" (another type, too long, no BSN). */
bool idb_mapping_attributes(const struct idb_app *app, const char *purpose, const json_t *method,
                            const json_t *id_token, const json_t *userinfo, json_t **attributes,
                            struct idb_error *err);

/* The level that the method's table gives for the claim in the ID token; *level
 * is borrowed from the configuration. IDB_REFUSED "level_too_low" when it is
 * missing, not in the table, or below the purpose's minimum. A method without
 * "level" gives "", enough for a purpose without a minimum alone. */
bool idb_mapping_level(const struct idb_app *app, const char *purpose, const json_t *method,
                       const json_t *id_token, const char **level, struct idb_error *err);

#endif
