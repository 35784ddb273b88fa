/*
 * The answers of idb-lookup for people on a terminal: what --human prints.
 */
#ifndef IDB_DESK_TEXT_H
#define IDB_DESK_TEXT_H

#include "error.h"

/* Prints answer as a few aligned lines on standard output, unflushed, times in
 * the local zone. IDB_UNAVAILABLE "output" when it cannot be written. */
bool idb_desk_text_print(const json_t *answer, struct idb_error *err);

#endif
