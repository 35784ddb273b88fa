/*
 * The citizen service number (BSN).
 */
#ifndef IDB_BSN_H
#define IDB_BSN_H

#include <stdbool.h>

/* True for nine digits that pass the test of eleven (elfproef). */
bool idb_bsn_is_valid(const char *text);

#endif
