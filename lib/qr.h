/*
 * A QR code (ISO/IEC 18004), made by libqrencode: what is drawn, not how.
 *
 *     struct idb_qr qr = { 0 };
 *
 *     if (idb_qr_make(&qr, "tel:+31241234567", err))
 *         json_object_set_new(answer, "qr", idb_qr_json(&qr));
 *     idb_qr_free(&qr);
 */
#ifndef IDB_QR_H
#define IDB_QR_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>

/* Modules of white that a reader needs on each side (section 5.3.8). */
enum { IDB_QR_QUIET = 4 };

/* modules: width * width bytes, row by row from the top, 1 is dark; without the
 * white around. */
struct idb_qr {
    int width;
    unsigned char *modules;
};

/* Encodes text of 1 to 512 bytes as bytes, correction level M. The caller frees qr,
 * whatever came of it. Errors: input (too long, or empty), memory. */
bool idb_qr_make(struct idb_qr *qr, const char *text, struct idb_error *err);

/* {"size":N,"path":"M4 4h7v1h-7z…"}: the side in modules, the white around included,
 * and a path of SVG that fills the dark ones in a viewBox of "0 0 N N". A new reference,
 * NULL when out of memory. */
json_t *idb_qr_json(const struct idb_qr *qr);

/* Wipes and frees what stands in qr, for a code can be read from it. */
void idb_qr_free(struct idb_qr *qr);

#endif
