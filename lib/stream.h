/*
 * A filter: requests on standard input, one a line, answers on standard output,
 * one a line, in order. A pipe, an inetd socket and a co-process are the same.
 *
 *     idb_stream_run(&service, idb_tool_print, &gravest);
 *
 * - Lines that have already arrived are one group (see service.h), or each its own.
 * - A single value spread over several lines is accepted as the only one: the
 *   first line must break after one of { [ , : and is then read to the end of
 *   input and parsed once, unless a later line turns out to be a request.
 * - A line over IDB_REQUEST_MAX is answered ("too_large") and skipped to its end.
 */
#ifndef IDB_STREAM_H
#define IDB_STREAM_H

#include "service.h"

/* Prints one answer on standard output, unflushed, as idb_tool_print() does. */
typedef bool idb_stream_print(const json_t *answer, struct idb_error *err);

/* Runs until standard input ends or standard output is gone; answers are written
 * by print. *worst is the
 * gravest of all answers' errors (exit IDB_OK when there was none), or
 * IDB_UNAVAILABLE "output" / "input" when a descriptor failed. */
void idb_stream_run(const struct idb_service *service, idb_stream_print *print,
                    struct idb_error *worst);

#endif
