#include "code.h"

#include <string.h>

/* The quasigroup of order 10 from Damm's thesis; its diagonal is zero. */
static const unsigned char damm[10][10] = {
    { 0, 3, 1, 7, 5, 9, 8, 6, 4, 2 }, { 7, 0, 9, 2, 1, 5, 4, 8, 6, 3 },
    { 4, 2, 0, 6, 8, 7, 1, 3, 5, 9 }, { 1, 7, 5, 0, 9, 8, 3, 4, 2, 6 },
    { 6, 1, 2, 3, 0, 4, 5, 9, 7, 8 }, { 3, 6, 7, 4, 2, 0, 9, 5, 8, 1 },
    { 5, 8, 6, 9, 7, 2, 0, 1, 3, 4 }, { 8, 9, 4, 5, 3, 6, 2, 0, 1, 7 },
    { 9, 4, 3, 8, 6, 1, 7, 2, 0, 5 }, { 2, 5, 8, 1, 4, 3, 6, 7, 9, 0 },
};

char idb_code_check_digit(const char *digits, size_t n)
{
    unsigned char interim = 0;

    for (size_t i = 0; i < n; i++)
        interim = damm[interim][digits[i] - '0'];
    return (char)('0' + interim);
}

static bool no_random(struct idb_error *err)
{
    return idb_fail(err, IDB_UNAVAILABLE, "random", "No random bytes are to be had; try again.");
}

/* One of n symbols, uniform: bytes past the last whole multiple of n are drawn again. */
static bool draw_symbol(unsigned *symbol, unsigned n, struct idb_error *err)
{
    unsigned char byte;

    do
        if (!idb_random(&byte, 1))
            return no_random(err);
    while (byte >= 256 / n * n);
    *symbol = byte % n;
    return true;
}

bool idb_code_draw(char code[IDB_CODE_SIZE], int digits, struct idb_error *err)
{
    size_t n = (size_t)digits - 1;
    unsigned symbol = 0;

    for (size_t i = 0; i < n; i++) {
        if (!draw_symbol(&symbol, 10, err))
            return false;
        code[i] = (char)('0' + symbol);
    }
    code[n] = idb_code_check_digit(code, n);
    code[n + 1] = '\0';
    return true;
}

bool idb_code_draw_letters(char *out, size_t n, struct idb_error *err)
{
    static const char letters[] = IDB_CODE_LETTERS;
    unsigned symbol = 0;

    for (size_t i = 0; i < n; i++) {
        if (!draw_symbol(&symbol, sizeof letters - 1, err))
            return false;
        out[i] = letters[symbol];
    }
    out[n] = '\0';
    return true;
}

bool idb_code_draw_ticket(char ticket[IDB_TICKET_SIZE], struct idb_error *err)
{
    return idb_code_draw_letters(ticket, IDB_TICKET_SIZE - 1, err);
}

void idb_code_show(char shown[IDB_CODE_SHOWN_SIZE], const char *code)
{
    size_t n = strlen(code);
    char *to = shown;

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && i % 3 == 0 && n - i > 1)
            *to++ = ' ';
        *to++ = code[i];
    }
    *to = '\0';
}

enum idb_code_reading idb_code_read(char code[IDB_CODE_SIZE], const char *typed, int digits)
{
    size_t n = 0;
    bool keys_only = true;

    if (strlen(typed) > IDB_CODE_TYPED_MAX)
        return IDB_CODE_BAD;
    for (const char *p = typed; *p; p++) {
        if (*p >= '0' && *p <= '9') {
            if (n < IDB_CODE_MAX)
                code[n] = *p;
            n++;
        } else if (*p == '*' || *p == '#') {
            keys_only = false;
        } else if (*p != ' ' && *p != '.') {
            return IDB_CODE_BAD;
        }
    }
    if (!keys_only || n != (size_t)digits || idb_code_check_digit(code, n) != '0')
        return IDB_CODE_MISTYPED;
    code[n] = '\0';
    return IDB_CODE_GOOD;
}

double idb_code_chance(int64_t live, int digits)
{
    double codes = 1;

    for (int i = 1; i < digits; i++)
        codes *= 10;
    return (double)live / codes;
}

bool idb_code_macs(unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE], const struct idb_keys *keys,
                   const char *code, struct idb_error *err)
{
    struct idb_part parts[] = { idb_part_text("code"), idb_part_text(code) };

    for (size_t i = 0; i < keys->count; i++)
        if (!idb_hmac(macs[i], keys->key[i].hmac, parts, 2))
            return idb_fail(err, IDB_SOFTWARE, "internal", "HMAC failed.");
    return true;
}
