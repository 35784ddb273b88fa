#include "http.h"

#include "mac.h"
#include "timestamp.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Where a body collects; libcurl's own limit does not bind chunked bodies. */
struct sink {
    char *bytes; /* IDB_HTTP_MAX + 1 */
    size_t size;
    size_t headers;
    bool overflow;
};

static bool starts(const char *url, const char *prefix)
{
    return !strncmp(url, prefix, strlen(prefix));
}

static bool is_loopback(const char *url)
{
    static const char *const hosts[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (starts(url, hosts[i])
            && (url[strlen(hosts[i])] == ':' || url[strlen(hosts[i])] == '/'
                || !url[strlen(hosts[i])]))
            return true;
    return false;
}

bool idb_http_may_ask(const char *url)
{
    for (const char *p = url; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == '@' || *p == '\\')
            return false;
    return starts(url, "https://") || is_loopback(url);
}

static size_t collect(char *bytes, size_t one, size_t n, void *to)
{
    struct sink *sink = to;

    (void)one; /* always 1 */
    if (n > IDB_HTTP_MAX - sink->size) {
        sink->overflow = true;
        return 0;
    }
    memcpy(sink->bytes + sink->size, bytes, n);
    sink->size += n;
    return n;
}

static bool set_certificate(CURL *curl, const char *pem)
{
    struct curl_blob blob = { .data = (void *)pem,
                              .len = pem ? strlen(pem) : 0,
                              .flags = CURL_BLOB_NOCOPY };

    return !pem
           || (!curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &blob)
               && !curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &blob));
}

/* Headers count too, trailers among them: libcurl keeps every one. */
static size_t count_header(char *line, size_t one, size_t n, void *to)
{
    struct sink *sink = to;

    (void)line, (void)one;
    if (n > IDB_HTTP_MAX - sink->headers) {
        sink->overflow = true;
        return 0;
    }
    sink->headers += n;
    return n;
}

static bool set_headers(CURL *curl, const struct idb_http_request *request,
                        struct curl_slist **headers)
{
    *headers = curl_slist_append(NULL, "Accept: application/json, application/jwt");
    return *headers && set_certificate(curl, request->pem)
           && !curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers)
           && (!request->basic
               || (!curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC)
                   && !curl_easy_setopt(curl, CURLOPT_USERPWD, request->basic)))
           && (!request->bearer
               || (!curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER)
                   && !curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->bearer)))
           && (!request->form || !curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->form))
           && (!request->ca_file
               || (!curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file)
                   && !curl_easy_setopt(curl, CURLOPT_CAPATH, NULL)));
}

int64_t idb_http_deadline(int seconds)
{
    return idb_timestamp_monotonic() + (int64_t)seconds * 1000;
}

long idb_http_time_left(int64_t deadline)
{
    int64_t left = deadline ? deadline - idb_timestamp_monotonic() : IDB_HTTP_TOTAL_S * 1000;

    if (left > IDB_HTTP_TOTAL_S * 1000)
        left = IDB_HTTP_TOTAL_S * 1000;
    return left > 0 ? (long)left : 0;
}

/* An empty text is no proxy, and keeps libcurl from looking for one. The tunnel's
 * end sees names and sizes, nothing of what is said. */
static bool set_proxy(CURL *curl, const struct idb_http_request *request)
{
    bool tunnel = request->proxy && starts(request->url, "https://");

    return !curl_easy_setopt(curl, CURLOPT_PROXY, tunnel ? request->proxy : "")
           && !curl_easy_setopt(curl, CURLOPT_NOPROXY, "")
           && !curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L)
           && !curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/* What libcurl's own limit does not bind: a proxy's refusal without end. */
static int stop_late(void *deadline, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return idb_timestamp_monotonic() > *(const int64_t *)deadline;
}

static bool set_deadline(CURL *curl, long ms, int64_t *deadline)
{
    *deadline = idb_timestamp_monotonic() + ms;
    return !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)IDB_HTTP_CONNECT_S)
           && !curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms)
           /* A name server that says nothing is not waited for either. */
           && !curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L)
           && !curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L)
           && !curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_late)
           && !curl_easy_setopt(curl, CURLOPT_XFERINFODATA, deadline);
}

static bool set_limits(CURL *curl, const struct idb_http_request *request, struct sink *sink)
{
    const char *url = request->url;
    const char *protocol = starts(url, "https:") ? "https" : "http";

    return !curl_easy_setopt(curl, CURLOPT_URL, url)
           && !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocol)
           && !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) && set_proxy(curl, request)
           && !curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)
           && !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L)
           && !curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L)
           && !curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L)
           && !curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)
           && !curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, count_header)
           && !curl_easy_setopt(curl, CURLOPT_HEADERDATA, sink)
           && !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect)
           && !curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
}

static void copy_type(CURL *curl, char *type, size_t size)
{
    const char *given = NULL;
    size_t n = 0;

    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &given);
    for (; given && given[n] && !strchr("; \t", given[n]) && n < size - 1; n++)
        type[n] = given[n] >= 'A' && given[n] <= 'Z' ? (char)(given[n] + 32) : given[n];
    type[n] = '\0';
}

static bool is_directive(const char *given, size_t n, const char *name)
{
    return n == strlen(name) && !strncasecmp(given, name, n);
}

/* Takes one directive of Cache-Control into the lifetime (RFC 9111 section 5.2.2); the
 * shortest counts. What is no number is none at all (section 4.2.1). */
static void read_directive(const char *given, size_t n, int64_t *lifetime)
{
    size_t name = strcspn(given, "=,");
    const char *value = given + name + 1;
    char *end = NULL;
    long long seconds;

    if (is_directive(given, n, "no-store") || is_directive(given, n, "no-cache")
        || is_directive(given, n, "max-age"))
        *lifetime = 0;
    if (name >= n || !is_directive(given, name, "max-age"))
        return;
    value += *value == '"';
    seconds = strspn(value, "0123456789") > 0 ? strtoll(value, &end, 10) : 0;
    if (*lifetime < 0 || seconds < *lifetime)
        *lifetime = seconds;
}

static int64_t read_cache_control(CURL *curl)
{
    struct curl_header *header = NULL;
    int64_t lifetime = -1;

    for (size_t i = 0;
         curl_easy_header(curl, "Cache-Control", i, CURLH_HEADER, -1, &header) == CURLHE_OK; i++)
        for (const char *at = header->value; *at;) {
            at += strspn(at, ", \t");
            read_directive(at, strcspn(at, ", \t"), &lifetime);
            at += strcspn(at, ", \t");
        }
    return lifetime;
}

static const char *header_of(CURL *curl, const char *name)
{
    struct curl_header *header = NULL;

    return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value
                                                                                   : NULL;
}

/* How long the response may be kept: max-age, or Expires, less the age it has. */
static int64_t read_lifetime(CURL *curl)
{
    int64_t lifetime = read_cache_control(curl);
    const char *expires = header_of(curl, "Expires");
    const char *date = header_of(curl, "Date");
    const char *age = header_of(curl, "Age");
    time_t from = date ? curl_getdate(date, NULL) : -1;

    if (lifetime == -1 && !expires)
        return -1;
    if (lifetime == -1) {
        time_t until = curl_getdate(expires, NULL);

        lifetime = until == -1 ? 0 : until - (from == -1 ? time(NULL) : from);
    }
    if (age && strspn(age, "0123456789") > 0)
        lifetime -= strtoll(age, NULL, 10);
    return lifetime > 0 ? lifetime : 0;
}

static bool perform(CURL *curl, const struct idb_http_request *request,
                    struct idb_http_response *response, struct sink *sink, struct idb_error *err)
{
    struct curl_slist *headers = NULL;
    long ms = idb_http_time_left(request->deadline);
    int64_t deadline;
    CURLcode rc = ms ? CURLE_FAILED_INIT : CURLE_OPERATION_TIMEDOUT;

    if (ms && set_deadline(curl, ms, &deadline) && set_limits(curl, request, sink)
        && set_headers(curl, request, &headers))
        rc = curl_easy_perform(curl);
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        rc = CURLE_OPERATION_TIMEDOUT;
    if (rc == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response->status);
        copy_type(curl, response->type, sizeof response->type);
        response->lifetime = read_lifetime(curl);
    } else if (rc == CURLE_SSL_CACERT_BADFILE) {
        idb_fail(err, IDB_CONFIG, "config_invalid",
                 "%s, a method's \"ca\", holds no certificates that can be read.",
                 request->ca_file ? request->ca_file : "The system's certificate file");
    } else if (sink->overflow) {
        idb_fail(err, IDB_UNAVAILABLE, "provider_answer",
                 "The login provider's answer is over %d bytes.", IDB_HTTP_MAX);
    } else {
        idb_fail(err, IDB_UNAVAILABLE, "provider_down",
                 "The login provider cannot be reached (%s); try again later.",
                 curl_easy_strerror(rc));
    }
    curl_slist_free_all(headers);
    return rc == CURLE_OK;
}

bool idb_http(const struct idb_http_request *request, struct idb_http_response *response,
              struct idb_error *err)
{
    struct sink sink = { 0 };
    CURL *curl = NULL;
    bool ok = false;

    memset(response, 0, sizeof *response);
    if (!idb_http_may_ask(request->url))
        return idb_fail(err, IDB_UNAVAILABLE, "provider_answer",
                        "An address of the login provider is not https.");
    sink.bytes = malloc(IDB_HTTP_MAX + 1);
    curl = curl_easy_init();
    if (!sink.bytes || !curl) {
        idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");
        goto out;
    }
    ok = perform(curl, request, response, &sink, err);
    if (ok) {
        response->body = sink.bytes;
        response->size = sink.size;
        response->body[sink.size] = '\0';
        sink.bytes = NULL;
    }
out:
    if (sink.bytes)
        idb_wipe(sink.bytes, sink.size);
    free(sink.bytes);
    curl_easy_cleanup(curl);
    return ok;
}

void idb_http_clear(struct idb_http_response *response)
{
    if (response->body)
        idb_wipe(response->body, response->size);
    free(response->body);
    memset(response, 0, sizeof *response);
}
