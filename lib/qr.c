#include "qr.h"

#include "mac.h"

#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512 };

bool idb_qr_make(struct idb_qr *qr, const char *text, struct idb_error *err)
{
    size_t len = strlen(text);
    QRcode *made = NULL;

    if (len == 0 || len > TEXT_MAX)
        return idb_fail(err, IDB_SOFTWARE, "input", "A QR code holds 1 to %d bytes.", TEXT_MAX);
    made = QRcode_encodeData((int)len, (const unsigned char *)text, 0, QR_ECLEVEL_M);
    if (made)
        qr->modules = malloc((size_t)made->width * (size_t)made->width);
    if (qr->modules) {
        qr->width = made->width;
        /* Only the lowest bit of libqrencode's bytes is the colour. */
        for (int i = 0; i < made->width * made->width; i++)
            qr->modules[i] = made->data[i] & 1;
    }
    if (made)
        idb_wipe(made->data, (size_t)made->width * (size_t)made->width);
    QRcode_free(made);
    return qr->modules ? true : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

/* How many dark modules stand next to each other from x on. */
static int run_of(const struct idb_qr *qr, int x, int y)
{
    const unsigned char *row = qr->modules + (size_t)y * (size_t)qr->width;
    int n = 0;

    while (x + n < qr->width && row[x + n])
        n++;
    return n;
}

static void draw(FILE *out, const struct idb_qr *qr)
{
    for (int y = 0; y < qr->width; y++) {
        for (int x = 0; x < qr->width; x++) {
            int n = run_of(qr, x, y);

            if (n > 0)
                fprintf(out, "M%d %dh%dv1h-%dz", x + IDB_QR_QUIET, y + IDB_QR_QUIET, n, n);
            x += n;
        }
    }
}

json_t *idb_qr_json(const struct idb_qr *qr)
{
    char *path = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&path, &len);
    json_t *json = NULL;

    if (!out)
        return NULL;
    draw(out, qr);
    if (fclose(out) == 0)
        json = json_pack("{s:i, s:s}", "size", qr->width + 2 * IDB_QR_QUIET, "path", path);
    if (path)
        idb_wipe(path, len);
    free(path);
    return json;
}

void idb_qr_free(struct idb_qr *qr)
{
    if (qr->modules)
        idb_wipe(qr->modules, (size_t)qr->width * (size_t)qr->width);
    free(qr->modules);
    *qr = (struct idb_qr){ 0 };
}
