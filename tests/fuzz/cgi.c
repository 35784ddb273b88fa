/*
 * One CGI request: lines NAME=value are its variables (a byte 1 stands for a line
 * end within one), an empty line, then the body. Without CONTENT_LENGTH it is the
 * body's. Taken as a page's request (idb-request) and as those of programs with
 * cookies, a path and a query, and without.
 */
/* wrap: idb_tool_harden idb_tool_complain */
#include "cgi.h"
#include "cookie.h"
#include "form.h"
#include "fuzz.h"
#include "request.h"
#include "web_request.h"

#include <sys/mman.h>
#include <unistd.h>

#define VARIABLES 32

static char *variables[VARIABLES + 2];
static char body_length[32];

bool __wrap_idb_tool_harden(const struct idb_tool *tool, struct idb_error *err);
void __wrap_idb_tool_complain(const struct idb_tool *tool, const struct idb_error *err);

/* Limits and a cut environment are the process's, once; here there is one for all. */
bool __wrap_idb_tool_harden(const struct idb_tool *tool, struct idb_error *err)
{
    (void)tool, (void)err;
    return true;
}

void __wrap_idb_tool_complain(const struct idb_tool *tool, const struct idb_error *err)
{
    (void)tool;
    /* An error that came in goes out as it is, one that says nothing too. */
    assert(err->code && (err->message[0] || !strcmp(err->code, "handed_on")));
    fuzz_one_line(err->message);
}

/* Standard input is a file in memory; libFuzzer does not read it. */
static void set_body(const char *body, size_t n)
{
    static int fd = -1;
    bool ok;

    if (fd == -1) {
        fd = memfd_create("body", 0);
        ok = fd != -1 && dup2(fd, STDIN_FILENO) != -1;
        assert(ok);
    }
    ok = ftruncate(fd, 0) == 0 && pwrite(fd, body, n, 0) == (ssize_t)n;
    assert(ok);
}

/* The variables of the input; what follows the empty line is the body. */
static void read_input(char *input, size_t size)
{
    char *at = input;
    char *end = input + size;
    size_t n = 0;

    while (at < end && *at != '\n') {
        char *line = memchr(at, '\n', (size_t)(end - at));

        if (line)
            *line = '\0';
        if (n < VARIABLES)
            variables[n++] = at;
        for (char *p = at; *p; p++)
            if (*p == 1)
                *p = '\n';
        at = line ? line + 1 : end;
    }
    at += at < end;
    snprintf(body_length, sizeof body_length, "CONTENT_LENGTH=%zu", (size_t)(end - at));
    variables[n++] = body_length; /* the first of a name counts */
    variables[n] = NULL;
    set_body(at, (size_t)(end - at));
}

static bool rewind_body(void)
{
    return lseek(STDIN_FILENO, 0, SEEK_SET) == 0;
}

/* Ours and no others. */
static void check_cookies(const json_t *cookies)
{
    const char *text = json_string_value(cookies);

    for (const char *p = text; p; p = strchr(p, ';')) {
        p += p > text ? strspn(p, "; ") : 0;
        assert(!strncmp(p, IDB_COOKIE_PREFIX, strlen(IDB_COOKIE_PREFIX)));
    }
}

static void check_page(const json_t *request)
{
    const char *verb = idb_request_text(request, "verb");
    const json_t *path = json_object_get(request, "path");
    bool post = verb && !strcmp(verb, "POST");
    const char *origin = idb_cgi_variable("HTTP_ORIGIN");
    const json_t *part;
    size_t i;

    assert(post || (verb && (!strcmp(verb, "GET") || !strcmp(verb, "HEAD"))));
    assert(post == json_is_object(json_object_get(request, "form")));
    assert(json_is_object(json_object_get(request, "query")));
    assert(
        !post || !origin[0]
        || (!strncmp(origin, "https://", 8) && !strcmp(origin + 8, idb_cgi_variable("HTTP_HOST"))));
    assert(json_array_size(path) <= IDB_PATH_PARTS);
    json_array_foreach ((json_t *)path, i, part) {
        fuzz_one_line(json_string_value(part));
        assert(!strpbrk(json_string_value(part), "/.%&\"'<>\\ "));
    }
    assert(json_string_length(json_object_get(request, "cookies")) <= IDB_COOKIE_HEADER_MAX);
    check_cookies(json_object_get(request, "cookies"));
    assert(!json_object_get(request, "user") || idb_cgi_variable("AUTH_TYPE")[0]);
}

static void page(void)
{
    struct idb_error err = { 0 };
    json_t *request = NULL;
    bool ok = rewind_body() && idb_web_request(&request, false, &err);

    fuzz_outcome(ok, &err);
    assert(ok == (request != NULL));
    assert(ok || err.exit == IDB_DATA);
    if (ok)
        check_page(request);
    json_decref(request);
}

/* ---- a program ---- */

static bool nothing(void *ctx, struct idb_error *err)
{
    (void)ctx, (void)err;
    return true;
}

static void undo(void *ctx)
{
    (void)ctx;
}

/* Gives the request back, and sets a cookie. */
static bool echo(void *ctx, const json_t *request, json_t **answer, struct idb_error *err)
{
    const struct idb_cgi *cgi = ctx;

    (void)err;
    assert(json_is_object(request));
    if (cgi->cookies)
        check_cookies(json_object_get(request, "cookies"));
    if (cgi->query)
        assert(!strcmp(idb_request_text(request, cgi->query), idb_cgi_variable("QUERY_STRING")));
    else
        assert(!idb_cgi_variable("QUERY_STRING")[0]);
    *answer = json_pack("{s:O, s:[s,s]}", "request", request, "cookies", "a=1; Path=/", "b=2");
    assert(*answer);
    return true;
}

/* Status, headers in one line each, an empty line, and one line of JSON. */
static void check_output(const char *text, size_t n)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *headers = strchr(text, '\r');
    json_t *answer;

    assert(n == strlen(text) && !strncmp(text, "Status: ", 8) && end && headers);
    assert(strspn(text + 8, "0123456789") == 3);
    for (const char *p = text; p < end + 2; p = strstr(p, "\r\n") + 2) {
        size_t length = strcspn(p, "\r\n");

        assert(!strncmp(p + length, "\r\n", 2) && memchr(p, ':', length));
    }
    assert(strstr(text, "\r\nCache-Control: no-store\r\n") < end);
    assert(strchr(end + 4, '\n') == text + n - 1);
    answer = json_loads(end + 4, JSON_REJECT_DUPLICATES, NULL);
    assert(json_is_object(answer));
    assert(json_object_get(answer, "request")
           || (idb_request_text(answer, "error") && idb_request_text(answer, "message")));
    json_decref(answer);
}

static void program(struct idb_cgi cgi)
{
    static const struct idb_tool tool = { .name = "fuzz", .help = "" };
    const struct idb_service service = {
        .ctx = &cgi, .open = nothing, .handle = echo, .commit = nothing, .rollback = undo
    };
    FILE *kept = stdout;
    char *text = NULL;
    size_t n = 0;
    bool ok = rewind_body();
    int status;

    stdout = open_memstream(&text, &n);
    assert(ok && stdout);
    status = idb_cgi_run(&tool, &service, &cgi, 1);
    fclose(stdout);
    stdout = kept;
    assert(status == 0);
    check_output(text, n);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char **kept = environ;
    char *input = fuzz_text(data, size);

    read_input(input, size);
    environ = variables;
    page();
    program((struct idb_cgi){
        .get = true, .cookies = IDB_COOKIE_PREFIX, .path = "method", .query = "query" });
    program((struct idb_cgi){ .get = false });
    environ = kept;
    free(input);
    return 0;
}
