#include "b64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void idb_b64_encode(char *out, const void *in, size_t n)
{
    const unsigned char *bytes = in;
    uint32_t bits = 0;
    int have = 0;

    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (have += 8; have >= 6; have -= 6)
            *out++ = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        *out++ = alphabet[bits << (6 - have) & 63];
    *out = '\0';
}

static int value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool idb_b64_decode(void *out, size_t size, size_t *len, const char *text, size_t n)
{
    unsigned char *bytes = out;
    uint32_t bits = 0;
    int have = 0;

    *len = 0;
    if (n % 4 == 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        int v = value(text[i]);

        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xffff;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (*len == size)
            return false;
        bytes[(*len)++] = (unsigned char)(bits >> have);
    }
    /* What is left over must be zero, or one value would have several spellings. */
    return (bits & ((1u << have) - 1)) == 0;
}
