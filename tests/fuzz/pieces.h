/* What read() gives a fuzzer: what was sent, at once, byte by byte or in pieces. */
#ifndef FUZZ_PIECES_H
#define FUZZ_PIECES_H

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

static struct {
    const char *bytes;
    size_t size;
    size_t at;
    unsigned pieces;   /* what chooses them, or 0: all at once; 1: single bytes */
    unsigned exponent; /* a piece is below 2 to the power of this */
} sent;

ssize_t __wrap_read(int fd, void *to, size_t most);

/* Now and then nothing has come yet, or a signal has. There is always room. */
ssize_t __wrap_read(int fd, void *to, size_t most)
{
    size_t n = sent.size - sent.at;

    (void)fd;
    assert(most > 0 || n == 0);
    if (sent.pieces > 1) {
        size_t piece;

        sent.pieces = sent.pieces * 1103515245 + 12345;
        piece = sent.pieces >> (32 - sent.exponent);
        n = n < piece ? n : piece;
        if (n == 0 && sent.at < sent.size) {
            errno = sent.pieces >> (31 - sent.exponent) & 1 ? EAGAIN : EINTR;
            return -1;
        }
    } else if (sent.pieces == 1 && n > 1) {
        n = 1;
    }
    n = n < most ? n : most;
    memcpy(to, sent.bytes + sent.at, n);
    sent.at += n;
    return (ssize_t)n;
}

#endif
