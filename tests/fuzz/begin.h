/* A login that a browser began, for the targets that a browser speaks to. */
#ifndef FUZZ_BEGIN_H
#define FUZZ_BEGIN_H

#include "fuzz.h"
#include "login.h"

static struct idb_keys fuzz_keys = {
    .count = 1, .key = { { .id = "00000000000000c1", .secret = "any secret" } }
};

/* Begins login with app's keys; its cookie as the browser sends it back, NAME=VALUE, to be
 * freed with free(). */
static inline char *fuzz_begin(struct idb_app *app, struct idb_login *login)
{
    struct idb_error err = { 0 };
    json_t *set = json_array();
    const char *line;
    char *cookie;
    bool ok = idb_login_begin(app, login, NULL, set, &err);

    assert(ok && json_array_size(set) == 1);
    line = json_string_value(json_array_get(set, 0));
    cookie = strndup(line, strcspn(line, ";"));
    assert(cookie);
    json_decref(set);
    return cookie;
}

#endif
