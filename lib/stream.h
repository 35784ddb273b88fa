/*
 * A filter: requests on standard input, one a line, answers on standard output,
 * one a line, in order. A pipe, an inetd socket and a co-process are the same.
 *
 *     idb_stream_run(&service, idb_tool_print, &gravest);
 *
 * What is a request, and what of several lines: lines.h. Those that have already arrived
 * are one group (service.h), or each its own.
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
