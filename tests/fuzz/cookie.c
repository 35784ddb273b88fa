/*
 * The Cookie header: what is read of it, and what a login makes of it. "@" in the
 * input becomes the token of a login that this browser began, named
 * __Host-idb-login-VtX6czP210fbQsI5.
 */
#include "cookie.h"
#include "begin.h"
#include "request.h"

static struct idb_app app = { .browser = &fuzz_keys };
static struct idb_login begun = { .method = "digid", .purpose = "status", .lang = "nl" };
static char *token; /* of that login */

static void setup(void)
{
    char *cookie = fuzz_begin(&app, &begun);

    token = strdup(strchr(cookie, '=') + 1);
    assert(token);
    free(cookie);
}

static char *expand(const uint8_t *data, size_t size)
{
    size_t n = strlen(token);
    size_t more = 0;
    char *header, *to;

    for (size_t i = 0; i < size; i++)
        more += data[i] == '@' ? n : 0;
    header = to = malloc(size + more + 1);
    assert(header);
    for (size_t i = 0; i < size; i++)
        if (data[i] == '@')
            to = mempcpy(to, token, n);
        else
            *to++ = (char)data[i];
    *to = '\0';
    /* Of just its size, so that a byte too far is one outside. */
    header = realloc(header, strlen(header) + 1);
    assert(header);
    return header;
}

/* True where a pair begins at p: nothing but blanks between it and a semicolon. */
static bool is_start(const char *header, const char *p)
{
    while (p > header && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    return p == header || p[-1] == ';';
}

/* The cookies of that name, counted from their names; *value is the last one's. */
static int count(const char *header, const char *name, const char **value)
{
    int n = 0;

    for (const char *p = header; (p = strstr(p, name)); p++)
        if (is_start(header, p) && p[strlen(name)] == '=') {
            *value = p + strlen(name) + 1;
            n++;
        }
    return n;
}

/* idb_cookie_get() into room for size bytes; the error word or NULL. */
static const char *get(char *out, size_t size, const char *header, const char *name)
{
    struct idb_error err = { 0 };
    char *room = malloc(size);
    const char *value = NULL;
    bool ok = idb_cookie_get(room, size, header, name, &err);
    int n = count(header, name, &value);

    fuzz_outcome(ok, &err);
    if (ok) {
        size_t length = strlen(room);

        assert(n == 1 && length < size && !strncmp(value, room, length));
        assert(!value[length] || value[length] == ';');
        assert(!strpbrk(room, "\" ,;\\"));
        fuzz_one_line(room);
    } else if (!strcmp(err.code, "no_cookie")) {
        assert(n == 0 && err.exit == IDB_REFUSED);
    } else {
        assert(!strcmp(err.code, "bad_cookie") && err.exit == IDB_DATA);
    }
    snprintf(out, size, "%s", ok ? room : "");
    free(room);
    return err.code;
}

/* Each name that is found begins with the prefix, is a pair's, and lies ahead. */
static void find(const char *header)
{
    char name[64];

    for (const char *at = header, *next; *at; at = next) {
        const char *value = NULL;

        next = idb_cookie_find(at, IDB_LOGIN_PREFIX, name, sizeof name);
        if (!next)
            break;
        assert(next > at && next <= header + strlen(header));
        assert(!strncmp(name, IDB_LOGIN_PREFIX, strlen(IDB_LOGIN_PREFIX)));
        assert(!strpbrk(name, "=;"));
        assert(strstr(at, name) && strstr(at, name) < next);
        count(header, name, &value);
    }
}

/* Ours of a header, and what is ours is found in both alike. */
static void keep(const char *header)
{
    char before[IDB_COOKIE_MAX], after[IDB_COOKIE_MAX];
    char *kept = idb_cookie_keep(header, IDB_COOKIE_PREFIX);
    const char *a, *b;

    if (kept) {
        assert(strlen(kept) <= 2 * strlen(header));
        for (const char *p = kept; p; p = strchr(p, ';')) {
            p += p > kept ? strspn(p, "; ") : 0;
            assert(!strncmp(p, IDB_COOKIE_PREFIX, strlen(IDB_COOKIE_PREFIX)));
        }
    }
    if (2 * strlen(header) <= IDB_COOKIE_HEADER_MAX) {
        a = get(before, sizeof before, header, IDB_COOKIE_SESSION);
        b = get(after, sizeof after, kept ? kept : "", IDB_COOKIE_SESSION);
        assert((!a && !b) || (a && b && !strcmp(a, b)));
        assert(!strcmp(before, after));
    }
    free(kept);
}

/* Set-Cookie values: one line each, ours. */
static void check_set(json_t *set)
{
    const json_t *line;
    size_t i;

    json_array_foreach (set, i, line) {
        const char *text = json_string_value(line);

        assert(text && !strncmp(text, IDB_LOGIN_PREFIX, strlen(IDB_LOGIN_PREFIX)));
        assert(!strpbrk(text, "\r\n"));
        assert(strstr(text, "; Path=/; Max-Age=") && strstr(text, "; Secure; HttpOnly"));
    }
    json_decref(set);
}

/* As the programs take it: what idb_request_check() lets through. */
static bool may_be_asked(const char *header)
{
    static const struct idb_member members[] = { { "cookies", JSON_STRING, 65536, IDB_OPTIONAL } };
    struct idb_error err = { 0 };
    json_t *request = json_pack("{s:o}", "cookies", json_string(header));
    bool ok = request && idb_request_check(request, members, 1, &err);

    json_decref(request);
    return ok;
}

static void log_in(const char *header)
{
    struct idb_login login = { .method = "digid", .purpose = "status", .lang = "nl" };
    struct idb_error err = { 0 };
    json_t *set = json_array();
    bool ok;

    fuzz_drawn = 100;
    ok = idb_login_begin(&app, &login, header, set, &err);
    fuzz_outcome(ok, &err);
    assert(ok);
    check_set(set);

    err = (struct idb_error){ 0 };
    login = (struct idb_login){ 0 };
    set = json_array();
    ok = idb_login_end(&app, begun.state, header, set, &login, &err);
    fuzz_fails_with(ok, &err, "bad_state");
    if (ok) {
        assert(!strcmp(login.state, begun.state) && !strcmp(login.nonce, begun.nonce));
        assert(!strcmp(login.verifier, begun.verifier) && !strcmp(login.method, "digid"));
        assert(strstr(header, token) && json_array_size(set) == 1);
    }
    check_set(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[IDB_COOKIE_MAX];
    char *header;

    if (!token)
        setup();
    header = expand(data, size);
    get(out, sizeof out, header, IDB_COOKIE_SESSION);
    get(out, 8, header, IDB_COOKIE_OFFER);
    get(out, 1, header, "x");
    find(header);
    keep(header);
    if (may_be_asked(header))
        log_in(header);
    free(header);
    return 0;
}
