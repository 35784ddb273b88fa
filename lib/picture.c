#include "picture.h"

#include "mac.h"

#include <openssl/evp.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

/* One byte a pixel, 0 is black; the caller frees it. */
static unsigned char *draw(const struct idb_qr *qr, int scale, int side)
{
    size_t n = (size_t)side;
    unsigned char *pixels = malloc(n * n);

    if (!pixels)
        return NULL;
    memset(pixels, 0xff, n * n);
    for (int y = 0; y < qr->width * scale; y++)
        for (int x = 0; x < qr->width * scale; x++)
            if (qr->modules[(y / scale) * qr->width + x / scale])
                pixels[(size_t)(y + IDB_QR_QUIET * scale) * n
                       + (size_t)(x + IDB_QR_QUIET * scale)] = 0;
    return pixels;
}

bool idb_picture_of_qr(unsigned char **png, size_t *size, const struct idb_qr *qr, int scale,
                       struct idb_error *err)
{
    int side = (qr->width + 2 * IDB_QR_QUIET) * scale;
    size_t n = (size_t)side * (size_t)side;
    unsigned char *pixels = draw(qr, scale, side);
    png_image image = { .version = PNG_IMAGE_VERSION,
                        .width = (png_uint_32)side,
                        .height = (png_uint_32)side,
                        .format = PNG_FORMAT_GRAY };
    png_alloc_size_t room = 0;
    bool ok = pixels && png_image_write_get_memory_size(image, room, 0, pixels, 0, NULL);

    *png = ok ? malloc(room) : NULL;
    ok = *png && png_image_write_to_memory(&image, *png, &room, 0, pixels, 0, NULL);
    *size = room;
    if (pixels)
        idb_wipe(pixels, n);
    free(pixels);
    png_image_free(&image);
    if (ok)
        return true;
    idb_picture_free(*png, *size);
    *png = NULL;
    return idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
}

json_t *idb_picture_base64(const unsigned char *png, size_t size)
{
    size_t room = (size + 2) / 3 * 4 + 1;
    unsigned char *text = malloc(room);
    json_t *json = NULL;

    if (text) {
        EVP_EncodeBlock(text, png, (int)size);
        json = json_string((const char *)text);
        idb_wipe(text, room);
    }
    free(text);
    return json;
}

void idb_picture_free(unsigned char *png, size_t size)
{
    if (png)
        idb_wipe(png, size);
    free(png);
}
