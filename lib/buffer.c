#include "buffer.h"

#include "mac.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 1024
#define ROOM_KEPT  (64 * 1024)

void idb_buffer_free(struct idb_buffer *b)
{
    if (b->bytes)
        idb_wipe(b->bytes, b->size);
    free(b->bytes);
    memset(b, 0, sizeof *b);
}

static bool grow(struct idb_buffer *b, size_t more)
{
    size_t room = b->room ? b->room : ROOM_LEAST;
    char *bytes;

    while (room - b->size < more)
        room *= 2;
    if (room == b->room)
        return true;
    bytes = malloc(room);
    if (!bytes)
        return false;
    if (b->bytes) {
        memcpy(bytes, b->bytes, b->size);
        idb_wipe(b->bytes, b->size);
        free(b->bytes);
    }
    b->bytes = bytes;
    b->room = room;
    return true;
}

bool idb_buffer_add(struct idb_buffer *b, const char *bytes, size_t size)
{
    if (!grow(b, size))
        return false;
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    return true;
}

bool idb_buffer_printf(struct idb_buffer *b, const char *fmt, ...)
{
    va_list args;
    int n;
    bool ok;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !grow(b, (size_t)n + 1))
        return false;
    va_start(args, fmt);
    ok = vsnprintf(b->bytes + b->size, (size_t)n + 1, fmt, args) == n;
    va_end(args);
    b->size += (size_t)n;
    return ok;
}

static int add_piece(const char *piece, size_t size, void *b)
{
    return idb_buffer_add(b, piece, size) ? 0 : -1;
}

bool idb_buffer_json(struct idb_buffer *b, const json_t *value)
{
    return json_dump_callback(value, add_piece, b, JSON_COMPACT) == 0 && idb_buffer_add(b, "\n", 1);
}

void idb_buffer_clear(struct idb_buffer *b)
{
    if (b->room > ROOM_KEPT)
        idb_buffer_free(b);
    if (b->bytes)
        idb_wipe(b->bytes, b->size);
    b->size = 0;
}
