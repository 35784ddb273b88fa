/*
 * Bytes on their way out, for answers that must not stay in memory: what grows is
 * copied and wiped, and so is what was sent.
 *
 *     struct idb_buffer out = { 0 };
 *     ok = idb_buffer_printf(&out, "Status: %s\r\n", status) && idb_buffer_json(&out, answer);
 *     idb_buffer_free(&out);
 */
#ifndef IDB_BUFFER_H
#define IDB_BUFFER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct idb_buffer {
    char *bytes; /* size of them; NULL when there are none yet */
    size_t size;
    size_t room;
};

/* All three are false when out of memory; then nothing, or a part, was added. */
bool idb_buffer_add(struct idb_buffer *b, const char *bytes, size_t size);
bool idb_buffer_printf(struct idb_buffer *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* value as one compact line, with its line end. False too when it is no JSON at all. */
bool idb_buffer_json(struct idb_buffer *b, const json_t *value);

/* Wipes all bytes and keeps the room, unless that is large. */
void idb_buffer_clear(struct idb_buffer *b);
void idb_buffer_free(struct idb_buffer *b);

#endif
