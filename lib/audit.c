#include "audit.h"

#include <stdlib.h>
#include <syslog.h>

#define ACTOR_MAX 128

bool idb_audit(struct idb_app *app, const char *action, const char *session, const char *result,
               json_t *detail, struct idb_error *err)
{
    char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
    char actor[ACTOR_MAX];
    struct idb_value row[] = { idb_int(app->now), idb_null(),       idb_text(action),
                               idb_text(session), idb_text(result), idb_text(text) };
    bool ok;

    idb_app_actor(app, actor, sizeof actor);
    row[1] = idb_text(actor);
    ok = idb_store_run(app->store, IDB_SQL_AUDIT, row, 6, NULL, err);
    free(text);
    json_decref(detail);
    return ok;
}

bool idb_audit_accepted(struct idb_app *app, const char *session, const char *call_id,
                        struct idb_error *err)
{
    char actor[ACTOR_MAX];
    struct idb_value row[] = { idb_int(app->now), idb_null(), idb_text(session),
                               idb_text(app->line), idb_text(call_id) };

    idb_app_actor(app, actor, sizeof actor);
    row[1] = idb_text(actor);
    return idb_store_run(app->store, IDB_SQL_AUDIT_ACCEPTED, row, 5, NULL, err);
}

bool idb_alarm(struct idb_app *app, const char *action, const char *session, const char *word,
               struct idb_error *err)
{
    struct idb_value name[] = { idb_text(word) };

    syslog(LOG_ALERT, "%s: %s, session %s", word, action, session ? session : "-");
    return idb_store_run(app->store, IDB_SQL_ALARM, name, 1, NULL, err)
           && idb_audit(app, action, session, word, NULL, err);
}
