/*
 * What the fuzz targets share: a provider whose answers they give, a clock that
 * stands still, "random" bytes that are the same in every run, fixed keys. The
 * linker hands them the calls named here and in each target; production code
 * knows nothing of it. Included once in a target.
 *
 *     fuzz_answers(data, size);
 *     ok = idb_provider_discover(&p, &err);
 *     fuzz_outcome(ok, &err);
 */
/* wrap: idb_http idb_timestamp_now idb_random idb_keys_read_text syslog __syslog_chk */
#ifndef FUZZ_H
#define FUZZ_H

#undef NDEBUG /* what is asserted here is what is looked for */

#include "b64.h"
#include "http.h"
#include "keys.h"
#include "timestamp.h"

#include <assert.h>
#include <jose/openssl.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define FUZZ_NOW    1700000000 /* seconds */
#define FUZZ_ISSUER "https://login.example.org"
#define FUZZ_CLIENT "id-bellen"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keys of nobody's, made for these targets. */
#define FUZZ_EC                                                                                    \
    "{\"crv\":\"P-256\",\"d\":\"bGRN0ZhGGQqY8cx1Lke6WQDgaqZdrSvPkhyNgzY8wWg\",\"k"                 \
    "ty\":\"EC\",\"x\":\"iy6PMVcVReKiEjJDuT8MrrGg9ldxEMurr18QGlp2_yg\",\"y\":\"TK"                 \
    "i1XmimicJvONqTEZwK5ERFULyhgL8-eNyiVJ1NHHg\"}"
#define FUZZ_RSA                                                                                   \
    "{\"d\":\"CB7BDCOt_-eJBwHgHOs40xNFfsqzJtHkMbBK21HajJV3MDG5LOJGr25308ghepT-KSl"                 \
    "Md7lC0DBhCnF5RkDiGvdEjyWoIw_vRxqTSUSmOHka_atLC7vOI8RW5KBbtEZcTgwQ1ogcz0uPUZy"                 \
    "Fw9yudrPgApkrXPiD-Vc2nI4SiIWAsJ6HhO4xqHQrfAYAZdhitdSMdCe3gZ288w-FgNhiLKMLW4Y"                 \
    "Wg9ND3c9eZIWZ2TgzTi8v--U_R3c8QlP7V_y3KPeMQpyBBlmt7oZ1tB5OlmTXAwfZCnioXRh7hCP"                 \
    "DZnvpy6IY1L6R3-SDKnBnstSK0B_I0FhLzXYsGc3ybc7ttQ\",\"dp\":\"eTRsIo2Rt25RQsbZt"                 \
    "KMLKdPD-tbkGzWGW-xq-L4gXKqnM70lIqeiUd5pd1KjG7X3JTHyf4A3hgOkbEUO0y6l2XcSFkv0c"                 \
    "jwnqi2YVtIUgqZ7nY9ygUIpmucjM85FlvqlfsrrCB4Rt5Vbjw91e8GqbwPNNuxXeDjKxuQv5qB08"                 \
    "RE\",\"dq\":\"PAijT2uP8D6Aq4fyZXEIHlE2m1QlUXEQ0o9fmh5nkPIKgDqsD_nG5cC_wwZJlx"                 \
    "FyEH1T5A0kGyZFMirGIulSUlJZT0sqyEWqwbIUiZZ01lpvw_Vo5qWVHAHFl0xoDEWQlF2j8QxxSI"                 \
    "qMlsCxU7zcVhUg0kVYblZYQpZPDOeIWIk\",\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"g"                 \
    "yxOrhPy2UozxuM7znyrx3e8_a1157V6lBCxaj5V2D9Wvf2wR2U_5xW5FyfFG9tyykRgvCZF4YjRK"                 \
    "wEODeRibYDijt-11ryREjoTzcSG2qo2UMl2gUi_S2-KcOc45M7BPYvzSpUAqB-3IR4vmi73secOm"                 \
    "y0dWcjo1Tq-bHNKbvBoYraGdwCBIA1DFLQC8B7IF87-zoR8uh9VO1D5nEPo5fHfudY_qhnT2oNZA"                 \
    "Njcb5nhJXO_UwhJ7rVJYUFohERwpCEQyQF4acNeCrL4pD6nQUa6so8ogWQVO9hIykgIRdv_rXBc9"                 \
    "wdbge_LiWn2CFhF5PG5vWo7ma4s00-eq7GNqQ\",\"p\":\"t12XRwTM1F1HoTZMp7dh_B31x7YN"                 \
    "0Si2xySuAalBQeuxs4hxpojYrNh_NOEAUjguTU2H7WOm9_tVhZxoVvkakeA0RZQt8RB2mxi9gjZv"                 \
    "OKeJRDCx21diFJ3kE8UmRwKUUEb44RaDpmgGpQ8DbEHYSsfENjwgLLmHcbFfa3Xteg8\",\"q\":"                 \
    "\"tyISTa2I4wy8rQaBU8kQDgdmGfYwZbHDgr4z4CMZrsz-W9x-h7g0nWFYvxtduOwjS0DTpE7WTE"                 \
    "orF8ieZ83rpLuNDjWZLvQq_BoAzmsIfmUGISPaZO7WmXZ2aJjldacFyk9Qxhf0bfUZOryOqV_BsP"                 \
    "3XkwUJbv5QqFR6oOUJlMc\",\"qi\":\"c2mt4jSHibeAlZBaTwR-dR8-wkiWAEdknLhYwQiEQ2l"                 \
    "GODE8aJonMu2ObpxLZt5D-Gsexep56nCvEsv7QGBtB4LeSkWlJ7mJZnEHfAOM60ZMs5Lg1lH_b_9"                 \
    "NgYLFADWkXeGuE-nl1jb_YZIJJTq2NJgZVkkSIUErwbQA9yZzpzk\"}"

/* ---- the provider ---- */

/* What is answered at url, or anywhere (NULL): "200 application/json", a line end, the
 * body. No line end: no answer at all. */
struct fuzz_page {
    const char *url;
    const void *answer;
    size_t size;
    int asked; /* how often */
};

#define FUZZ_PAGES 4
static struct fuzz_page fuzz_pages[FUZZ_PAGES];

/* What stands in a header must not be able to end it. */
static inline void fuzz_one_line(const char *text)
{
    for (; text && *text; text++)
        assert(*text >= ' ' && *text < 0x7f);
}

static inline struct fuzz_page *fuzz_page(const char *url)
{
    for (size_t i = 0; i < FUZZ_PAGES; i++)
        if (fuzz_pages[i].answer && (!fuzz_pages[i].url || !strcmp(fuzz_pages[i].url, url)))
            return &fuzz_pages[i];
    return NULL;
}

/* The input is what is answered, whatever is asked. */
static inline void fuzz_answers(const void *data, size_t size)
{
    fuzz_pages[0] = (struct fuzz_page){ .answer = size > 0 ? data : "", .size = size };
}

/* As http.h says: the type in lower case without parameters, the body of just its
 * size and a NUL. */
static inline bool fuzz_respond(const struct fuzz_page *page, struct idb_http_response *response,
                                struct idb_error *err)
{
    const char *answer = page->answer;
    const char *end = memchr(answer, '\n', page->size);
    size_t n = 0;

    if (!end)
        return idb_fail(err, IDB_UNAVAILABLE, "provider_down", "No answer.");
    for (; answer < end && *answer >= '0' && *answer <= '9' && response->status < 1000; answer++)
        response->status = response->status * 10 + *answer - '0';
    answer += answer < end;
    for (; answer < end && *answer && !strchr("; \t", *answer) && n < sizeof response->type - 1;
         answer++)
        response->type[n++] = *answer >= 'A' && *answer <= 'Z' ? (char)(*answer + 32) : *answer;
    end++;
    response->size = page->size - (size_t)(end - (const char *)page->answer);
    if (response->size > IDB_HTTP_MAX)
        return idb_fail(err, IDB_UNAVAILABLE, "provider_answer", "Too large.");
    response->body = malloc(response->size + 1);
    assert(response->body);
    memcpy(response->body, end, response->size);
    response->body[response->size] = '\0';
    return true;
}

bool __wrap_idb_http(const struct idb_http_request *request, struct idb_http_response *response,
                     struct idb_error *err);

bool __wrap_idb_http(const struct idb_http_request *request, struct idb_http_response *response,
                     struct idb_error *err)
{
    struct fuzz_page *page = fuzz_page(request->url);

    memset(response, 0, sizeof *response);
    if (!idb_http_may_ask(request->url))
        return idb_fail(err, IDB_UNAVAILABLE, "provider_answer", "Not https.");
    fuzz_one_line(request->url);
    fuzz_one_line(request->form);
    fuzz_one_line(request->basic);
    fuzz_one_line(request->bearer);
    assert(page);
    page->asked++;
    return fuzz_respond(page, response, err);
}

/* ---- clock, random bytes, files, log ---- */

int64_t __wrap_idb_timestamp_now(void);

int64_t __wrap_idb_timestamp_now(void)
{
    return (int64_t)FUZZ_NOW * 1000;
}

static unsigned char fuzz_drawn; /* each drawing is one byte, repeated */

bool __wrap_idb_random(void *out, size_t n);

bool __wrap_idb_random(void *out, size_t n)
{
    memset(out, ++fuzz_drawn, n);
    return true;
}

static const char *fuzz_secret = "secret"; /* every secret file of the zone */

bool __wrap_idb_keys_read_text(char **text, const struct idb_config *config, enum idb_zone zone,
                               const char *name, struct idb_error *err);

bool __wrap_idb_keys_read_text(char **text, const struct idb_config *config, enum idb_zone zone,
                               const char *name, struct idb_error *err)
{
    (void)config, (void)zone, (void)name, (void)err;
    *text = strdup(fuzz_secret);
    assert(*text);
    return true;
}

void __wrap_syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void __wrap_syslog(int priority, const char *format, ...)
{
    (void)priority, (void)format;
}

void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
{
    (void)priority, (void)flag, (void)format;
}

/* ---- inputs ---- */

/* The input with a NUL, in memory of just that size; freed with free(). */
static inline char *fuzz_text(const void *data, size_t size)
{
    char *text = malloc(size + 1);

    assert(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

struct fuzz_part {
    const char *text;
    size_t n;
};

/* Splits the input at line ends into n parts; the last takes what is left, and parts
 * that are not there are empty. Returns how many there are. */
static inline int fuzz_split(struct fuzz_part *parts, int n, const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    const char *end = at + size;
    int there = 0;

    for (int i = 0; i < n; i++) {
        const char *line = at < end && i < n - 1 ? memchr(at, '\n', (size_t)(end - at)) : NULL;

        there += i == 0 || at < end;
        parts[i] = (struct fuzz_part){ at, (size_t)((line ? line : end) - at) };
        at = line ? line + 1 : end;
    }
    return there;
}

/* ---- outcomes ---- */

/* A failure has its word and a message that can be shown; a success has neither. */
static inline void fuzz_outcome(bool ok, const struct idb_error *err)
{
    assert(ok == !err->code);
    assert(ok == (err->exit == IDB_OK));
    assert(ok == !err->message[0]);
    fuzz_one_line(err->message);
    fuzz_one_line(err->code);
}

/* The same, with the one word it may fail with. */
static inline void fuzz_fails_with(bool ok, const struct idb_error *err, const char *word)
{
    fuzz_outcome(ok, err);
    assert(ok || !strcmp(err->code, word));
}

/* ---- keys and tokens ---- */

static inline json_t *fuzz_json(const char *text)
{
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert(value);
    return value;
}

/* A private key, and its public half; kid may be NULL. */
static inline json_t *fuzz_key(const char *text, const char *kid)
{
    json_t *jwk = fuzz_json(text);

    if (kid)
        json_object_set_new(jwk, "kid", json_string(kid));
    return jwk;
}

static inline json_t *fuzz_public(const char *text, const char *kid)
{
    static const char *const hidden[] = { "d", "p", "q", "dp", "dq", "qi" };
    json_t *jwk = fuzz_key(text, kid);

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        json_object_del(jwk, hidden[i]);
    return jwk;
}

/* Appends the base64url of n bytes at to; returns the end. */
static inline char *fuzz_encode(char *to, const void *bytes, size_t n)
{
    idb_b64_encode(to, bytes, n);
    return to + strlen(to);
}

/* ES256 wants r and s (RFC 7518 section 3.4), OpenSSL gives DER. */
static inline size_t fuzz_raw_signature(unsigned char raw[64], const unsigned char *der, size_t n)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

    assert(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32
           && BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
    ECDSA_SIG_free(sig);
    return 64;
}

/* A compact JWS of any header and payload, whatever they say, signed with ES256 or
 * RS256 by key's kind; freed with free(). */
static inline char *fuzz_sign(struct fuzz_part header, struct fuzz_part payload, EVP_PKEY *key)
{
    bool ec = EVP_PKEY_base_id(key) == EVP_PKEY_EC;
    char *token = malloc(IDB_B64_SIZE(header.n) + IDB_B64_SIZE(payload.n) + IDB_B64_SIZE(512));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char signature[512], raw[64];
    size_t n = sizeof signature;
    char *end;
    bool ok;

    assert(token && ctx);
    end = fuzz_encode(token, header.text, header.n);
    *end++ = '.';
    end = fuzz_encode(end, payload.text, payload.n);
    ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1
         && EVP_DigestSign(ctx, signature, &n, (unsigned char *)token, (size_t)(end - token)) == 1;
    assert(ok);
    *end++ = '.';
    if (ec)
        fuzz_encode(end, raw, fuzz_raw_signature(raw, signature, n));
    else
        fuzz_encode(end, signature, n);
    EVP_MD_CTX_free(ctx);
    return token;
}

static inline EVP_PKEY *fuzz_pkey(const char *text)
{
    json_t *jwk = fuzz_json(text);
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(NULL, jwk);

    assert(key);
    json_decref(jwk);
    return key;
}

#endif
