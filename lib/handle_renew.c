#include "handlers.h"

#include "audit.h"
#include "cookie.h"
#include "grant.h"

bool idb_handle_renew(struct idb_app *app, const json_t *request, json_t **answer,
                      struct idb_error *err)
{
    static const struct idb_member members[] = { { "cookies", JSON_STRING, 65536, IDB_OPTIONAL } };
    char token[IDB_COOKIE_MAX] = "";
    unsigned char hash[IDB_MAC_SIZE] = { 0 };
    char code[IDB_CODE_SIZE] = "";
    struct idb_session s = { 0 };
    bool ok = idb_request_check(request, members, 1, err)
              && idb_cookie_get(token, sizeof token, idb_request_text(request, "cookies"),
                                IDB_COOKIE_SESSION, err)
              && idb_session_token_hash(hash, token, err) && idb_app_write(app, err)
              && idb_grant_renew(app, hash, code, err) && idb_session_by_token(app, hash, &s, err)
              && idb_audit(app, "renew", s.id, "ok", NULL, err)
              && idb_grant_answer(app, s.id, code, NULL, answer, err);

    idb_session_clear(&s);
    idb_wipe(token, sizeof token);
    idb_wipe(code, sizeof code);
    return ok;
}

const struct idb_app_part idb_handle_renew_part = {
    .served = { .name = "renew", .cgi = { .cookies = IDB_COOKIE_PREFIX } },
    .keys = IDB_KEY_BROWSER | IDB_KEY_CODE,
    .handle = idb_handle_renew,
};
