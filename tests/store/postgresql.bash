# The store of an instance as the tests see it: a schema of a PostgreSQL server of the
# tests' own. The contracts are those of sqlite.bash beside it.
# shellcheck shell=bash

# shellcheck source=tests/tools/postgresql.bash
source "$IDB_ROOT/tests/tools/postgresql.bash"

# shellcheck disable=SC2034 # for the tests
BUSY=locked

# store_server: the server of scripts/check, in the folder IDB_TEST_SERVER; else one for
# this run of bats, which ends with it.
store_server() {
    [ -z "${IDB_TEST_SERVER-}" ] || return 0
    export IDB_TEST_SERVER=/tmp/idb-pg.$BATS_ROOT_PID
    (
        flock 9
        [ ! -e "$IDB_TEST_SERVER/data/postmaster.pid" ] || exit 0
        pg_of_tests "$IDB_TEST_SERVER" 9>&- || exit
        pg_ends_with "$BATS_ROOT_PID" "$IDB_TEST_SERVER" "$IDB_TEST_SERVER.lock" 9>&-
    ) 9>"/tmp/idb-pg.$BATS_ROOT_PID.lock"
}

# IDB_STORE is the schema.
store_new() {
    store_server || return
    export IDB_STORE=t$SRANDOM
    STORE='{"url":"postgresql:///postgres?host='$IDB_TEST_SERVER'","schema":"'$IDB_STORE'"}'
}

store_of_users() {
    STORE=$(jq -c --arg purge "$2" '.roles.purge = $purge' <<<"$STORE")
}

store_users_gone() {
    store_server || return
    printf "SELECT format('DROP OWNED BY %%I', rolname), format('DROP ROLE %%I', rolname)
        FROM pg_roles WHERE rolname = '%s' \\gexec\n" "$@" | psql_as_owner
}

psql_as_owner() {
    PGOPTIONS="-c search_path=${IDB_STORE-public},like_sqlite -c client_min_messages=error" \
        psql -XqAt -v ON_ERROR_STOP=1 -h "$IDB_TEST_SERVER" -d postgres
}

# Bytes are written x'00' in a statement; true is printed as t.
sql() {
    sed -E "s/\bx'([0-9A-Fa-f]*)'/'\\\\x\1'::bytea/g" <<<"$1" | psql_as_owner |
        awk -F'|' -v OFS='|' '{ for (i = 1; i <= NF; i++) if ($i == "t") $i = 1; else if ($i == "f") $i = 0; print }'
}

# Rows are moved by each update: sorted.
dump() {
    psql_as_owner <<'END'
SET bytea_output = escape;
SELECT format('SELECT %L, t::text FROM %I AS t ORDER BY 2', tablename, tablename) FROM pg_tables
 WHERE schemaname = current_schema() ORDER BY tablename \gexec
END
}

store_bytes() { dump; }

# hold_lock: every table, for writers.
hold_lock() {
    local way
    way=$(mktemp -u "$BATS_TEST_TMPDIR/held.XXXXXX")
    mkfifo "$way"
    psql_as_owner <"$way" >"$way.said" 3>&- &
    HOLDER=$!
    exec {held}>"$way"
    # shellcheck disable=SC2016 # dollars of SQL
    echo 'BEGIN;
        SELECT format($$LOCK TABLE %I IN EXCLUSIVE MODE$$, tablename) FROM pg_tables
         WHERE schemaname = current_schema() \gexec
        SELECT 1;' >&"$held"
    until_true test -s "$way.said"
}
release_lock() {
    exec {held}>&-
    wait "$HOLDER"
}

lock_holder() {
    echo "psql -Xq -h $IDB_TEST_SERVER -d postgres -c 'BEGIN;" \
        "LOCK TABLE $IDB_STORE.session, $IDB_STORE.audit IN EXCLUSIVE MODE; SELECT pg_sleep($1)'"
}

# locks CONDITION: how many there are on this store's tables.
locks() {
    sql "SELECT COUNT(*) FROM pg_locks WHERE $1 AND relation IN
        (SELECT oid FROM pg_class WHERE relnamespace = '$IDB_STORE'::regnamespace)"
}
is_held() { [ "$(locks "granted AND mode = 'ExclusiveLock'")" != 0 ]; }
queued() { [ "$(locks 'NOT granted')" != 0 ]; }

store_gone() { sql "DROP SCHEMA $IDB_STORE CASCADE"; }
store_away() { sql "ALTER SCHEMA $IDB_STORE RENAME TO ${IDB_STORE}_away"; }
store_back() { sql "ALTER SCHEMA ${IDB_STORE}_away RENAME TO $IDB_STORE"; }
