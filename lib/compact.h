/*
 * The compact serialisation of JOSE (RFC 7515 section 7.1, RFC 7516 section 7.1)
 * and its conversion to the flattened JSON that libjose takes: what jose.c and
 * jwt.c share.
 */
#ifndef IDB_COMPACT_H
#define IDB_COMPACT_H

#include <jansson.h>
#include <jose/cfg.h>
#include <stdbool.h>

#define IDB_COMPACT_MAX (64 * 1024) /* bytes of a token */

/* One part, between dots. */
struct idb_segment {
    const char *text;
    size_t n;
};

enum { IDB_JWS_HEADER, IDB_JWS_PAYLOAD, IDB_JWS_SIGNATURE, IDB_JWS_SEGMENTS };

/* A libjose context that reports nothing, or NULL (with which it would still
 * work, and talk). Freed with jose_cfg_decref(). */
jose_cfg_t *idb_compact_quiet(void);

/* Splits token into exactly n segments; false for any other number or over
 * IDB_COMPACT_MAX. */
bool idb_compact_split(struct idb_segment *segments, int n, const char *token);

/* The segment's bytes, *len of them, for idb_compact_free(); NULL when it is not
 * strict base64url. */
unsigned char *idb_compact_decode(const struct idb_segment *segment, size_t *len);

/* A protected header of at most 2048 bytes, duplicates refused; a new reference, NULL
 * when it is none. What it says is for the caller to hold against. */
json_t *idb_compact_header(const struct idb_segment *segment);

/* Joins the named members of a flattened serialisation with dots; a name that is
 * "" stands for an empty part. Freed with free(). */
char *idb_compact_join(const json_t *flat, const char *const *names, int n);

/* The compact JSON of value; freed with idb_text_free() or free(). */
char *idb_compact_dump(const json_t *value);

/* The base64url, as a JSON string, of n bytes, or of a value's compact JSON. */
json_t *idb_compact_encode(const void *bytes, size_t n);
json_t *idb_compact_encode_json(const json_t *value);

/* True when object has a member that is exactly text. */
bool idb_compact_is_text(const json_t *object, const char *member, const char *text);

/* Wipes and frees n bytes. */
void idb_compact_free(void *bytes, size_t n);

#endif
