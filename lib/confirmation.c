#include "confirmation.h"

#include "jose.h"

#include <string.h>

static const char typ[] = "idb-confirm";

bool idb_confirmation_make(char **token, const struct idb_session *s, const struct idb_keys *issue,
                           struct idb_error *err)
{
    json_t *payload =
        json_pack("{s:s, s:I}", "session", s->id, "called_at", (json_int_t)s->called_at);
    bool ok = payload ? idb_jws_sign(token, payload, typ, &issue->key[0], err)
                      : idb_fail(err, IDB_TEMPFAIL, "memory", "Out of memory.");

    json_decref(payload);
    return ok;
}

bool idb_confirmation_check(const struct idb_session *s, const struct idb_keys *issue,
                            struct idb_error *err)
{
    json_t *payload = NULL;
    const char *session = "";
    json_int_t called_at = 0;
    bool same;

    if (!idb_jws_verify(&payload, s->confirmation, typ, issue, err))
        return false;
    same = !json_unpack(payload, "{s:s, s:I}", "session", &session, "called_at", &called_at)
           && !strcmp(session, s->id) && called_at == s->called_at;
    json_decref(payload);
    return same || idb_fail(err, IDB_SOFTWARE, "forged", "The confirmation is another call's.");
}
