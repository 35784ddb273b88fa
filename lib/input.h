/*
 * Bytes of a request, from a descriptor that may or may not block.
 */
#ifndef IDB_INPUT_H
#define IDB_INPUT_H

#include "error.h"

#include <stddef.h>

/* Reads once, at most room bytes, which is more than 0, to `to`, and adds how many came to
 * *have; a signal does not end it. *eof is set at the end of input. Nothing there yet, of a
 * descriptor that does not block, is no error. IDB_UNAVAILABLE "input". */
bool idb_input_read(int fd, char *to, size_t room, size_t *have, bool *eof, struct idb_error *err);

#endif
