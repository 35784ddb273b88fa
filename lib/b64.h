/*
 * Base64url without padding (RFC 4648 section 5; RFC 7515 section 2).
 */
#ifndef IDB_B64_H
#define IDB_B64_H

#include <stdbool.h>
#include <stddef.h>

/* The encoded length of n bytes, the closing NUL included. */
#define IDB_B64_SIZE(n) (((n)*4 + 2) / 3 + 1)

/* Encodes n bytes into out, which holds IDB_B64_SIZE(n). */
void idb_b64_encode(char *out, const void *in, size_t n);

/* Decodes text of length n into out, which holds size bytes; *len is what was
 * written. False for any other character, padding, white space, an impossible
 * length, non-zero trailing bits, or too little room. */
bool idb_b64_decode(void *out, size_t size, size_t *len, const char *text, size_t n);

#endif
