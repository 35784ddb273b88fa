/*
 * What a caller hears and keys in, over AGI: the welcome, the code, what became
 * of it, and what the dialplan is told.
 *
 *     bool ok = idb_dialogue_run(&app, &settings, STDIN_FILENO, STDOUT_FILENO, &err);
 *     // ok: err.exit is IDB_OK, the caller is identified, or IDB_REFUSED
 *
 * The code goes through idb_handle_verify(), so whatever counts there counts here.
 */
#ifndef IDB_DIALOGUE_H
#define IDB_DIALOGUE_H

#include "app.h"

struct idb_dialogue_settings {
    const char *prompts; /* in front of LANG/NAME */
    const char *lang;    /* where the channel's is neither nl nor en */
};

/* One dialogue, to its end. app has zone and options, and is closed by the caller.
 * False: it went wrong, and the caller was handed on as not identified where that
 * was still possible. */
bool idb_dialogue_run(struct idb_app *app, const struct idb_dialogue_settings *settings, int in,
                      int out, struct idb_error *err);

#endif
