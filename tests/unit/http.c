/* One request over HTTP: what is sent, what is taken back, and what is not
 * followed, waited for or swallowed. */
#include "http.h"

#include "responder.h"

static void may_ask(void **state)
{
    static const struct {
        const char *url;
        bool ok;
    } cases[] = {
        { "https://login.example.org", true },
        { "https://login.example.org/a?b=c#d", true },
        { "https://127.0.0.1/", true },
        { "http://127.0.0.1", true },
        { "http://127.0.0.1/", true },
        { "http://127.0.0.1:8080/a", true },
        { "http://localhost:8080", true },
        { "http://[::1]:8080/", true },
        { "", false },
        { "login.example.org", false },
        { "http://login.example.org", false },
        { "http://127.0.0.1.example.org/", false },
        { "http://127.0.0.10/", false },
        { "http://localhost.example.org/", false },
        { "http://localhosts/", false },
        { "http://127.0.0.1@evil.example/", false },
        { "https://login.example.org@evil.example/", false },
        { "https://login.example.org\\@evil.example/", false },
        { "http://127.0.0.1:80\\evil.example/", false },
        { "https://login.example.org/\tx", false },
        { "https://login.example.org/\r\nX: y", false },
        { "https://login.example.org/ x", false },
        { " https://login.example.org/", false },
        { "https://login.example.org/\xc3\xab", false },
        { "HTTPS://login.example.org/", false },
        { "ftp://127.0.0.1/", false },
        { "file:///etc/passwd", false },
        { "javascript:alert(1)", false },
        { "//login.example.org/", false },
        { "https:login.example.org", false },
        { "http://", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (idb_http_may_ask(cases[i].url) != cases[i].ok)
            fail_msg("%s", cases[i].url);
}

/* Asks a responder with that answer; the error word or NULL. */
static const char *ask(const char *answer, size_t size, struct idb_http_request request,
                       struct idb_http_response *response, char *asked, size_t asked_size)
{
    struct idb_error err = { 0 };
    struct responder r;
    char url[128];
    bool ok;

    responder_start(&r, answer, size);
    snprintf(url, sizeof url, "%s/path?query=hush", r.url);
    request.url = url;
    ok = idb_http(&request, response, &err);
    responder_asked(&r, asked, asked_size);
    responder_stop(&r);
    assert_int_equal(ok, !err.code);
    if (!ok) {
        assert_null(strstr(err.message, "hush"));
        assert_int_equal(err.exit, IDB_UNAVAILABLE);
        assert_null(response->body);
    }
    return err.code;
}

static const char *ask_plainly(const char *answer, struct idb_http_response *response)
{
    char asked[4096];

    return ask(answer, strlen(answer), (struct idb_http_request){ 0 }, response, asked,
               sizeof asked);
}

static void answers(void **state)
{
    static const struct {
        const char *answer;
        long status;
        const char *type;
        const char *body;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 200,
          "application/json", "{}" },
        { "HTTP/1.0 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\n{}", 200,
          "application/json", "{}" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200,
          "", "{}" },
        { "HTTP/1.1 404 No\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", 404,
          "text/html", "" },
        { "HTTP/1.1 500 No\r\nContent-Type:\r\nContent-Length: 1\r\n\r\nx", 500, "", "x" },
        { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302,
          "", "" },
        { "HTTP/1.1 307 Go\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", 307, "",
          "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_http_response response = { 0 };
        const char *error = ask_plainly(cases[i].answer, &response);

        if (error)
            fail_msg("%s: %s", error, cases[i].answer);
        assert_int_equal(response.status, cases[i].status);
        assert_string_equal(response.type, cases[i].type);
        assert_int_equal(response.size, strlen(cases[i].body));
        assert_string_equal(response.body, cases[i].body);
        idb_http_clear(&response);
        assert_null(response.body);
    }
}

static void nonsense(void **state)
{
    static const char *const cases[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_http_response response = { 0 };
        const char *error = ask_plainly(cases[i], &response);

        if (!error)
            fail_msg("taken: %s", cases[i]);
        assert_string_equal(error, "provider_down");
    }
}

/* As large as a body may be, and one byte more; with the length said, without,
 * and in chunks. */
static void sizes(void **state)
{
    char *answer = malloc(IDB_HTTP_MAX + 1024);
    char asked[4096];

    (void)state;
    for (int more = 0; more < 2; more++)
        for (int form = 0; form < 3; form++) {
            struct idb_http_response response = { 0 };
            size_t size = (size_t)(IDB_HTTP_MAX + more);
            size_t n;
            const char *error;

            n = form == 0
                    ? (size_t)sprintf(answer, "HTTP/1.1 200 X\r\nContent-Length: %zu\r\n\r\n", size)
                : form == 1
                    ? (size_t)sprintf(answer, "HTTP/1.1 200 X\r\n\r\n")
                    : (size_t)sprintf(answer,
                                      "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
                                      size);
            memset(answer + n, 'x', size);
            n += size;
            if (form == 2)
                n += (size_t)sprintf(answer + n, "\r\n0\r\n\r\n");
            error = ask(answer, n, (struct idb_http_request){ 0 }, &response, asked, sizeof asked);
            if (more)
                assert_string_equal(error, "provider_answer");
            else
                assert_int_equal(response.size, IDB_HTTP_MAX);
            idb_http_clear(&response);
        }
    free(answer);
}

/* Headers without end, and trailers, which no limit of libcurl's counts. */
static void headers_without_end(void **state)
{
    static const char *const starts[] = {
        "HTTP/1.1 200 X\r\n",
        "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
    };
    char *answer = malloc(3 * IDB_HTTP_MAX);
    char asked[4096];

    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct idb_http_response response = { 0 };
        size_t n = (size_t)sprintf(answer, "%s", starts[i]);

        while (n < 2 * IDB_HTTP_MAX)
            n += (size_t)sprintf(answer + n, "X-%zu: %0100d\r\n", n, 0);
        n += (size_t)sprintf(answer + n, "Content-Length: 0\r\n\r\n");
        assert_string_equal(
            ask(answer, n, (struct idb_http_request){ 0 }, &response, asked, sizeof asked),
            "provider_answer");
    }
    free(answer);
}

/* Seconds that an answer with those headers may be kept (RFC 9111 section 4.2.1). */
static void lifetimes(void **state)
{
    static const struct {
        const char *headers;
        int64_t lifetime;
    } cases[] = {
        { "", -1 },
        { "Cache-Control: max-age=60\r\n", 60 },
        { "cache-control: public,MAX-AGE=\"60\" , must-revalidate\r\n", 60 },
        { "Cache-Control: max-age=60, max-age=30\r\n", 30 },
        { "Cache-Control: max-age=60\r\nCache-Control: max-age=30\r\n", 30 },
        { "Cache-Control: max-age=60, no-store\r\n", 0 },
        { "Cache-Control: no-cache\r\n", 0 },
        { "Cache-Control: max-age=0\r\n", 0 },
        { "Cache-Control: max-age=-1\r\n", 0 },
        { "Cache-Control: max-age=x\r\n", 0 },
        { "Cache-Control: max-age\r\n", 0 },
        { "Cache-Control: max-age = 60\r\n", 0 },
        { "Cache-Control: max-age=60 no-store\r\n", 0 },
        { "Cache-Control: max-age=99999999999999999999999\r\n", INT64_MAX },
        { "Cache-Control: x-max-age=5, s-maxage=5, max-ages=5, private\r\n", -1 },
        { "Cache-Control: ,, ,\r\n", -1 },
        { "Cache-Control: max-age=60\r\nAge: 20\r\n", 40 },
        { "Cache-Control: max-age=60\r\nAge: 99999999999999999999999\r\n", 0 },
        { "Cache-Control: max-age=60\r\nAge: -20\r\n", 60 },
        { "Date: Tue, 24 Nov 2026 12:00:00 GMT\r\nExpires: Tue, 24 Nov 2026 12:10:00 GMT\r\n",
          600 },
        { "Date: Tue, 24 Nov 2026 12:00:00 GMT\r\nExpires: Tue, 24 Nov 2026 11:00:00 GMT\r\n", 0 },
        { "Expires: 0\r\n", 0 },
        { "Expires: Tue, 24 Nov 2026 12:10:00 GMT\r\nCache-Control: max-age=7\r\n", 7 },
    };
    char answer[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct idb_http_response response = { 0 };

        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n",
                 cases[i].headers);
        assert_null(ask_plainly(answer, &response));
        if (response.lifetime != cases[i].lifetime)
            fail_msg("%s: %lld", cases[i].headers, (long long)response.lifetime);
        idb_http_clear(&response);
    }
}

/* A proxy that refuses and never stops saying so: libcurl itself would listen for ever. */
static void proxy_without_end(void **state)
{
    static const char start[] = "HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char chunk[] = "4\r\nxxxx\r\n";
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t n = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct idb_http_request request = { .url = "https://login.example.org/" };
    struct idb_http_response response = { 0 };
    struct idb_error err = { 0 };
    char proxy[64];
    pid_t pid;

    (void)state;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    pid = fork();
    if (pid == 0) {
        int client = accept(listener, NULL, NULL);

        signal(SIGPIPE, SIG_IGN);
        alarm(20);
        if (write(client, start, sizeof start - 1) > 0)
            while (write(client, chunk, sizeof chunk - 1) > 0)
                continue;
        _exit(0);
    }
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", ntohs(at.sin_port));
    request.proxy = proxy;
    request.deadline = idb_http_deadline(1);
    assert_false(idb_http(&request, &response, &err));
    assert_string_equal(err.code, "provider_down");
    assert_non_null(strstr(err.message, "Timeout"));
    assert_true(idb_http_deadline(0) < request.deadline + 2000);
    close(listener);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void sent(void **state)
{
    struct idb_http_response response = { 0 };
    char asked[4096];

    (void)state;
    assert_null(
        ask(ok, strlen(ok), (struct idb_http_request){ 0 }, &response, asked, sizeof asked));
    assert_memory_equal(asked, "GET /path?query=hush HTTP/1.1\r\n", 31);
    assert_non_null(strstr(asked, "\r\nAccept: application/json, application/jwt\r\n"));
    assert_null(strcasestr(asked, "authorization"));
    assert_null(strcasestr(asked, "cookie"));
    assert_null(strcasestr(asked, "referer"));
    idb_http_clear(&response);

    assert_null(ask(ok, strlen(ok),
                    (struct idb_http_request){ .form = "code=a%20b", .basic = "id%3A1:s%25:t" },
                    &response, asked, sizeof asked));
    assert_memory_equal(asked, "POST /path?query=hush HTTP/1.1\r\n", 32);
    assert_non_null(strstr(asked, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    /* "id%3A1:s%25:t" as it stands. */
    assert_non_null(strstr(asked, "\r\nAuthorization: Basic aWQlM0ExOnMlMjU6dA==\r\n"));
    assert_string_equal(strstr(asked, "\r\n\r\n"), "\r\n\r\ncode=a%20b");
    idb_http_clear(&response);

    assert_null(ask(ok, strlen(ok), (struct idb_http_request){ .bearer = "tok.en-_~" }, &response,
                    asked, sizeof asked));
    assert_non_null(strstr(asked, "\r\nAuthorization: Bearer tok.en-_~\r\n"));
    idb_http_clear(&response);
}

/* Neither a proxy of the environment nor ~/.netrc is listened to. */
static void environment(void **state)
{
    struct idb_http_response response = { 0 };
    char asked[4096];
    char home[] = "/tmp/idb-http-XXXXXX";
    char netrc[64];
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(home));
    snprintf(netrc, sizeof netrc, "%s/.netrc", home);
    f = fopen(netrc, "w");
    assert_non_null(f);
    fputs("default login hush password hush\n", f);
    fclose(f);
    setenv("HOME", home, 1);
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
    assert_null(
        ask(ok, strlen(ok), (struct idb_http_request){ 0 }, &response, asked, sizeof asked));
    assert_null(strcasestr(asked, "authorization"));
    idb_http_clear(&response);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    unlink(netrc);
    rmdir(home);
}

static void nobody_there(void **state)
{
    struct idb_http_response response = { 0 };
    struct idb_http_request request = { 0 };
    struct idb_error err = { 0 };
    struct responder r;

    (void)state;
    responder_start(&r, ok, strlen(ok));
    responder_stop(&r);
    request.url = r.url;
    assert_false(idb_http(&request, &response, &err));
    assert_string_equal(err.code, "provider_down");
    request.url = "http://login.example.org/";
    assert_false(idb_http(&request, &response, &err));
    assert_string_equal(err.code, "provider_answer");
    /* TLS is not tried in clear. */
    responder_start(&r, ok, strlen(ok));
    memmove(r.url + 5, r.url + 4, strlen(r.url + 4) + 1);
    r.url[4] = 's';
    request.url = r.url;
    assert_false(idb_http(&request, &response, &err));
    assert_string_equal(err.code, "provider_down");
    responder_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(may_ask),
        cmocka_unit_test(answers),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(sizes),
        cmocka_unit_test(headers_without_end),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(proxy_without_end),
        cmocka_unit_test(sent),
        cmocka_unit_test(environment),
        cmocka_unit_test(nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
