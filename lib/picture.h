/*
 * A QR code as a picture that letters and e-mails take: PNG in black and white, by libpng.
 *
 *     unsigned char *png = NULL;
 *     size_t size = 0;
 *     if (!idb_picture_of_qr(&png, &size, &qr, 8, err)) ...
 *     idb_picture_free(png, size);
 */
#ifndef IDB_PICTURE_H
#define IDB_PICTURE_H

#include "qr.h"

#include <stddef.h>

/* scale pixels a module, the white around included. *png is the caller's, freed with
 * idb_picture_free(). IDB_TEMPFAIL "memory". */
bool idb_picture_of_qr(unsigned char **png, size_t *size, const struct idb_qr *qr, int scale,
                       struct idb_error *err);

/* The picture in base64 (RFC 4648 section 4), as a JSON string; NULL when out of memory. */
json_t *idb_picture_base64(const unsigned char *png, size_t size);

/* Wipes and frees, for a code can be read from it. NULL is harmless. */
void idb_picture_free(unsigned char *png, size_t size);

#endif
