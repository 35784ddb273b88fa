/*
 * What was put behind one statement and fails is told by the next that is asked; where
 * nothing is asked but to undo it all, the connection must be good for the next transaction.
 *
 *     behind CONFIG
 */
#include "config.h"
#include "store.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct idb_value none[] = { idb_null(), idb_text("t"), idb_text("t"),
                                idb_null(), idb_text("t"), idb_null() };
    struct idb_config *config = NULL;
    struct idb_store *store = NULL;
    struct idb_error err = { 0 };
    int64_t now;
    bool found;
    bool ok = argc == 2 && idb_config_load(&config, argv[1], &err)
              && idb_store_open(&store, config, &err) && idb_store_begin(store, true, &now, &err)
              && idb_store_query(store, IDB_SQL_SCHEMA_VERSION, NULL, 0, &err)
              && idb_store_row(store, &found, &err)
              && idb_store_run(store, IDB_SQL_AUDIT, none, 6, NULL, &err);

    if (ok) {
        idb_store_rollback(store);
        ok = idb_store_begin(store, true, &now, &err)
             && idb_store_query(store, IDB_SQL_SCHEMA_VERSION, NULL, 0, &err)
             && idb_store_row(store, &found, &err) && found && idb_store_commit(store, &err);
    }
    puts(ok ? "good" : err.message);
    idb_store_close(store);
    idb_config_free(config);
    return !ok;
}
