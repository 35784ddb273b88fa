#!/usr/bin/env bats
# idb-store(8) with a store of PostgreSQL, on a server of this file's own.
# shellcheck disable=SC2154  # bats sets output and stderr
bats_require_minimum_version 1.5.0

load lib
load tools/postgresql

setup_file() {
    PG=$(mktemp -d -p /tmp idb-pg.XXXXXX)
    export PG
    chmod 755 "$PG"
    pg_make "$PG/server"
    pg_start "$PG/server"
}

teardown_file() {
    pg_stop "$PG/server" immediate
    rm -rf "$PG"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    SCHEMA=t$BATS_TEST_NUMBER
    URL="postgresql:///postgres?host=$PG/server"
    idb_instance ".store = { url: \"$URL\", schema: \"$SCHEMA\", wait_ms: 500 }"
    cd idb || return 1
}

# Another instance's keys and lines stay; its store is an SQLite file, in ./file.json.
file_store() {
    jq --arg url "sqlite:$PWD/store/idb.db" '.store = { url: $url, wait_ms: 500 }' idb.json >file.json
    idb-store --config=file.json create >store.log
}

pg() {
    psql -X -q -At -v ON_ERROR_STOP=1 -h "$PG/server" -d postgres \
        -c "SET search_path TO $SCHEMA" -c "$1"
}

sql() {
    sqlite3 -bail "${2-store/idb.db}" "$1"
}

# word of the error on stdout, and one line on stderr that names the program
is_error() {
    [ "$(json .error)" = "$1" ]
    [[ $(json .message) == *"$2"* ]]
    [[ $stderr == "idb-store: "*"$2"* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
}

# fill: a row in every table with a value of its own in every column.
fill() {
    psql -X -q -v ON_ERROR_STOP=1 -h "$PG/server" -d postgres <<END
SET search_path TO $SCHEMA;
SELECT format('INSERT INTO %I (%s) VALUES (%s)', table_name,
    string_agg(quote_ident(column_name), ','), string_agg(CASE udt_name
        WHEN 'int8' THEN (9000000000 + ordinal_position)::text
        WHEN 'bytea' THEN format('convert_to(%L, ''UTF8'') || ''\x00ff''', column_name)
        ELSE quote_literal(column_name || E'-\u00e9''\n') END, ','))
    FROM information_schema.columns
    WHERE table_schema = '$SCHEMA' AND table_name <> 'meta' GROUP BY table_name
\gexec
END
}

TABLES='session ended_call attempts audit counter invitation'

# contents [FILE]: all rows but meta's, as JSON, of the store in PostgreSQL or of a file.
contents() {
    local table columns
    for table in $TABLES; do
        if [ "${1-}" ]; then
            columns=$(sql "SELECT group_concat(format('''%s'', CASE typeof(\"%s\") WHEN ''blob''
                THEN ''\x'' || lower(hex(\"%s\")) ELSE \"%s\" END', name, name, name, name))
                FROM pragma_table_info('$table')" "$1")
            sql "SELECT json_object($columns) FROM $table" "$1"
        else
            pg "SELECT to_jsonb(t) FROM $table t"
        fi | jq -cS --arg table "$table" '[$table, .]' | LC_ALL=C sort
    done
}

# A session with something of a resident in it.
session() {
    pg "INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, token_hash, code_mac,
        code_expires_at, renewals, renew_until, created_at, expires_at, due_at, sealed)
        VALUES ('$1', '$1', '$2', 'p', 'kcc', 'nl', 'notify', 't$1', 'c$1', 9999999999999, 0,
        9999999999999, 1, 9999999999999, 9999999999999, 'SEALED-$1')"
}

# ---- backup ----

@test "idb-store: a backup from PostgreSQL is a file of SQLite that holds every value" {
    fill
    run --separate-stderr -0 bash -c 'umask 777; exec idb-store backup new'
    [ "$output" = '{"result":"backed_up","file":"new"}' ]
    [ -z "$stderr" ]
    [ "$(stat -c %a new)" = 600 ]
    [ "$(ls new*)" = new ]
    [ "$(pg 'SELECT action, result FROM audit WHERE id = 2')" = 'backup|started' ]
    [ "$(contents | wc -l)" -eq 8 ]
    [ "$(contents)" = "$(contents new)" ]
    [ "$(sql 'SELECT * FROM meta' new)" = 'schema_version|3' ]
}

@test "idb-store: a backup from PostgreSQL has the schema of one of SQLite, and each takes the other's" {
    file_store
    idb-store backup of-server
    idb-store --config=file.json backup of-file
    [ "$(sql .schema of-server)" = "$(sql .schema of-file)" ]
    run --separate-stderr -0 idb-store --config=file.json restore of-server
    [ "$output" = '{"result":"restored","expired":0}' ]
    run --separate-stderr -0 idb-store restore of-file
    [ "$output" = '{"result":"restored","expired":0}' ]
    run --separate-stderr -0 idb-store check
    run --separate-stderr -0 idb-store --config=file.json check
}

@test "idb-store: a backup from PostgreSQL with an older schema has that, and can be restored" {
    session a 'done'
    pg "DROP INDEX audit_hand_over; CREATE INDEX audit_session ON audit (session);
        UPDATE meta SET value = 2"
    run --separate-stderr -0 idb-store backup old
    [ "$(sql 'SELECT value FROM meta' old)" = 2 ]
    run --separate-stderr -78 idb-store restore old
    is_error schema "idb-store migrate"
    run --separate-stderr -0 idb-store migrate
    run --separate-stderr -0 idb-store restore old
    [ "$(pg 'SELECT id, state FROM session')" = 'a|done' ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: a backup from PostgreSQL is of one moment, while others write" {
    local pid i
    # So many that the one table is still read when the other has more.
    pg "INSERT INTO ended_call SELECT n::text::bytea, 1, 'x' FROM generate_series(1, 50000) AS n"
    while :; do
        echo "BEGIN; INSERT INTO $SCHEMA.ended_call VALUES ('s$((++i))', 1, 'y', NULL);"
        echo "INSERT INTO $SCHEMA.attempts VALUES ('s$i', 1, 1, 1); COMMIT;"
    done | psql -X -q -h "$PG/server" -d postgres >/dev/null 3>&- &
    pid=$!
    for i in 1 2 3 4; do
        run --separate-stderr -0 idb-store backup "new.$i"
    done
    kill "$pid"
    for i in 1 2 3 4; do
        [ "$(sql 'SELECT COUNT(*) FROM attempts' "new.$i")" -eq \
            "$(sql "SELECT COUNT(*) FROM ended_call WHERE reason = 'y'" "new.$i")" ]
    done
    [ "$(sql 'SELECT COUNT(*) FROM attempts' new.1)" -lt "$(pg 'SELECT COUNT(*) FROM attempts')" ]
}

@test "idb-store: of a backup from PostgreSQL that fails no part stays" {
    echo mine >old
    run --separate-stderr -1 idb-store backup old
    [ "$(json .error)" = file_exists ]
    [ "$(cat old)" = mine ]
    [ "$(pg "SELECT COUNT(*) FROM audit WHERE action = 'backup'")" = 0 ]
    pg "ALTER TABLE session RENAME sealed TO hidden"
    run --separate-stderr -78 idb-store backup new
    is_error schema "idb-store check"
    [ -z "$(compgen -G 'new*')" ]
}

@test "idb-store: where there is no store or no server, backup and restore say which" {
    sql 'CREATE TABLE x (y)' old
    pg "DROP SCHEMA $SCHEMA CASCADE"
    run --separate-stderr -78 idb-store backup new
    is_error store_missing "idb-store create"
    run --separate-stderr -78 idb-store restore old
    is_error store_missing "idb-store create"
    jq '.store.url = "postgresql://127.0.0.1:1/postgres"' idb.json >none.json
    run --separate-stderr -69 idb-store --config=none.json backup new
    is_error store_down "start it"
    [ ! -e new ]
}

# ---- restore ----

@test "idb-store: restore into PostgreSQL ends every session in the backup, and drops all there was" {
    session a issued
    session b called
    session c 'done'
    idb-store backup old
    pg "DELETE FROM session"
    session z issued
    run --separate-stderr -0 idb-store restore old
    [ "$output" = '{"result":"restored","expired":2}' ]
    [ -z "$stderr" ]
    [ "$(pg 'SELECT id, state, sealed, token_hash FROM session ORDER BY id')" = "a|expired||
b|expired||
c|done|SEALED-c|\\x7463" ]
    [ "$(pg 'SELECT action, result FROM audit ORDER BY id DESC LIMIT 1')" = 'restore|ok' ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: after a restore into PostgreSQL audit rows go on behind those of the backup" {
    pg "INSERT INTO audit (id, at, actor, action, result) VALUES (700, 1, 'a', 'b', 'c')"
    idb-store backup old
    pg "TRUNCATE audit RESTART IDENTITY"
    idb-store restore old
    issue_status >issued
    [ "$(pg "SELECT id FROM audit WHERE action = 'issue'")" -gt 700 ]
}

@test "idb-store: a restore into PostgreSQL that fails keeps the store, and its audit rows go on" {
    session a issued
    idb-store backup old
    local i
    for ((i = 0; i < 5; i++)); do issue_status >issued; done
    before=$(contents)
    head -c 20000 old >short
    cp old newer
    sql "UPDATE meta SET value = 99" newer
    cp old typed
    sql "INSERT INTO counter VALUES (x'00', 1)" typed
    cp old bigger
    sql "ALTER TABLE counter ADD COLUMN more TEXT" bigger
    run --separate-stderr -78 idb-store restore short
    is_error store_corrupt "short is no sound backup"
    run --separate-stderr -78 idb-store restore newer
    is_error schema "newer is no backup"
    run --separate-stderr -78 idb-store restore typed
    is_error store_corrupt "name of counter"
    run --separate-stderr -78 idb-store restore bigger
    is_error schema "more"
    run --separate-stderr -65 idb-store restore none
    is_error file_unreadable none
    [ "$(contents)" = "$before" ]
}

@test "idb-store: killed anywhere, a restore into PostgreSQL has done all or nothing" {
    command -v strace >/dev/null || skip "needs strace"
    session a issued
    idb-store backup old
    pg "DELETE FROM session"
    local n
    for ((n = 1; n < 60; n++)); do
        run env ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace \
            -e "inject=sendto:signal=KILL:when=$n" idb-store restore old
        [ "$status" -ne 0 ] || break
        until_true idle # what was sent last may be at work on the server still
        run -0 pg "SELECT COUNT(*), (SELECT COUNT(*) FROM audit) FROM session WHERE state = 'expired'"
        [ "$output" = '0|2' ] || [ "$output" = '1|3' ]
    done
    [ "$n" -gt 10 ]
    [ "$(pg 'SELECT state FROM session')" = expired ]
    issue_status >issued
    run --separate-stderr -0 idb-store check
}

# Nobody but who asks is connected.
idle() {
    [ "$(pg "SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
        AND pid <> pg_backend_pid()")" = 0 ]
}

@test "idb-store: a program in the middle of a transaction is waited for, store.wait_ms long" {
    idb-store backup old
    coproc { psql -X -q -At -h "$PG/server" -d postgres 3>&-; }
    echo "BEGIN; SELECT COUNT(*) FROM $SCHEMA.meta;" >&"${COPROC[1]}"
    read -r _ <&"${COPROC[0]}"
    local words
    for words in "restore old" migrate; do
        # shellcheck disable=SC2086
        run --separate-stderr -75 idb-store $words
        is_error locked "lock timeout"
    done
    run --separate-stderr -0 idb-store backup new # stands in nobody's way
    echo "COMMIT; SELECT 1;" >&"${COPROC[1]}"
    read -r _ <&"${COPROC[0]}"
    run --separate-stderr -0 idb-store restore old
    echo '\q' >&"${COPROC[1]}"
}

@test "idb-verify: on PostgreSQL a table that is small is read by its index too, for a plan is kept while it grows" {
    local code
    code=$(code_of "$(issue_status)")
    pg ANALYZE
    jq '.store.url += "&options=-c%20session_preload_libraries%3Dauto_explain%20-c%20auto_explain.log_min_duration%3D0"' \
        idb.json >explain.json
    IDB_CONFIG=explain.json run --separate-stderr -0 verify "$code" call-1
    [ "$(json .result)" = accepted ]
    grep -q 'Index Scan Backward using audit_pkey' "$PG/server/log"
    run -1 grep 'Seq Scan' "$PG/server/log"
}
