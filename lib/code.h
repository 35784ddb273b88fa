/*
 * The code a resident keys in: `digits` decimal digits, uniform from the CSPRNG,
 * the last one a Damm check digit, which finds every single wrong digit and
 * every swap of neighbours (Damm, Total anti-symmetrische Quasigruppen, 2004).
 *
 *     char code[IDB_CODE_SIZE], shown[IDB_CODE_SHOWN_SIZE];
 *     if (!idb_code_draw(code, config->code_digits, err)) ...
 *     idb_code_show(shown, code);    // "482 109 3471"
 */
#ifndef IDB_CODE_H
#define IDB_CODE_H

#include "keys.h"

#define IDB_CODE_MAX        12 /* digits */
#define IDB_CODE_SIZE       (IDB_CODE_MAX + 1)
#define IDB_CODE_SHOWN_SIZE (2 * IDB_CODE_MAX)
#define IDB_CODE_TYPED_MAX  64 /* characters accepted from a telephone */

/* What people read, type and spell: no vowels, so no words, and nothing to confuse. */
#define IDB_CODE_LETTERS "BCDFGHJKLMNPQRSTVWXZ23456789"

#define IDB_TICKET_SIZE 7 /* six characters and NUL */

/* Draws a code. IDB_UNAVAILABLE "random" when OpenSSL has no random bytes. */
bool idb_code_draw(char code[IDB_CODE_SIZE], int digits, struct idb_error *err);

/* Draws n of IDB_CODE_LETTERS, and a NUL behind them. Errors as above. */
bool idb_code_draw_letters(char *out, size_t n, struct idb_error *err);

/* Draws a ticket of such letters. Errors as above. */
bool idb_code_draw_ticket(char ticket[IDB_TICKET_SIZE], struct idb_error *err);

/* The Damm check digit of n digits. */
char idb_code_check_digit(const char *digits, size_t n);

/* Grouped for people: threes, the last group up to four. */
void idb_code_show(char shown[IDB_CODE_SHOWN_SIZE], const char *code);

enum idb_code_reading { IDB_CODE_GOOD, IDB_CODE_MISTYPED, IDB_CODE_BAD };

/* Reads what was keyed in: spaces and dots are dropped. MISTYPED: wrong length
 * or check digit, or a * or #. BAD: any other character, or over
 * IDB_CODE_TYPED_MAX: no telephone sends that. code is set when GOOD. */
enum idb_code_reading idb_code_read(char code[IDB_CODE_SIZE], const char *typed, int digits);

/* The chance that one guess hits one of so many live codes: the check digit is known. */
double idb_code_chance(int64_t live, int digits);

/* HMAC of code under each key, in their order; macs beyond keys->count are not
 * touched. IDB_SOFTWARE "internal" when OpenSSL fails. */
bool idb_code_macs(unsigned char macs[IDB_KEYS_MAX][IDB_MAC_SIZE], const struct idb_keys *keys,
                   const char *code, struct idb_error *err);

#endif
