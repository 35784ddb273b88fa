#!/usr/bin/env bats
# Sanitized with --long: idb-store.bats does most of it each time.
# idb-store(8) with a store of PostgreSQL, on a server of this file's own.
# shellcheck disable=SC2154  # bats sets output and stderr
bats_require_minimum_version 1.5.0

load lib
load tools/postgresql

setup_file() {
    PG=$(mktemp -d -p /tmp idb-pg.XXXXXX)
    export PG PG_BIN
    chmod 755 "$PG"
    pg_make "$PG/server"
    pg_start "$PG/server"
}

teardown_file() {
    pg_stop "$PG/server" immediate
    rm -rf "$PG"
}

TRAFFIC=()

teardown() {
    local pid
    for pid in "${SERVE-}" "${TRAFFIC[@]}"; do
        [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    done
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

@test "idb-verify: on PostgreSQL a small table is read by its key too, for a plan is kept while it grows" {
    local code
    code=$(code_of "$(issue_status)")
    pg 'VACUUM ANALYZE'
    jq '.store.url += "&options=-c%20session_preload_libraries%3Dauto_explain%20-c%20auto_explain.log_min_duration%3D0"' \
        idb.json >explain.json
    IDB_CONFIG=explain.json run --separate-stderr -0 verify "$code" call-1
    [ "$(json .result)" = accepted ]
    grep -q 'Index Scan Backward using audit_pkey' "$PG/server/log"
    run -1 grep -E 'Seq Scan|using attempts_since' "$PG/server/log"
}

@test "idb-store: a role that was named after the store was made is missed by check, and made by migrate" {
    jq --arg role "late-$SCHEMA" '.store.roles.purge = $role' idb.json >late.json
    run --separate-stderr -0 idb-store check
    run --separate-stderr -78 idb-store --config=late.json check
    is_error store_rights "There is no role late-$SCHEMA; run idb-store migrate"
    run --separate-stderr -0 idb-store --config=late.json migrate
    run --separate-stderr -0 idb-store --config=late.json check
}

deadlocks() { grep -c 'deadlock detected' "$PG/server/log" || true; }

@test "idb-verify: on PostgreSQL streams with right and wrong codes by turns never wait for each other in a ring" {
    local code wrong i streams=() before
    load op/lib
    jq '.throttle = { total: 100000, per_caller: 1000 }' idb.json >busy.json
    before=$(deadlocks)
    wrong=$(wrong_code "$(code_of "$(issue_status)")")
    i=0
    while read -r code; do
        i=$((i + 1))
        printf '{"code":"%s","call_id":"r-%d"}\n{"code":"%s","call_id":"w-%d"}\n' "$code" "$i" "$wrong" "$i" \
            >>"in.$((i % 4))"
    done < <(issue 200 | jq -r .code)
    for i in 0 1 2 3; do
        IDB_CONFIG=busy.json idb-verify <"in.$i" >"out.$i" 2>"err.$i" 3>&- &
        streams+=($!)
    done
    for i in "${streams[@]}"; do
        wait "$i" || true # told by its answers
    done
    [ "$(cat out.* | jq -r .result | sort | uniq -c | xargs)" = '200 accepted 200 wrong' ]
    [ -z "$(cat err.*)" ]
    [ "$(deadlocks)" = "$before" ]
}

@test "idb-store: on PostgreSQL what failed unseen does not outlive its transaction" {
    run --separate-stderr -0 "$IDB_BUILD/tests/tools/behind" idb.json
    [ "$output" = good ]
}

# ---- move ----

# to_move: the store is an SQLite file, with a session that was called and one whose code is
# good still, $CODE; ./new.json names an empty store of PostgreSQL.
to_move() {
    local issued
    cp idb.json server.json
    file_store
    cp file.json idb.json
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-1 >called
    issued=$(issue_status)
    CODE=$(code_of "$issued")
    next server.json
}

# next FILE: ./new.json as FILE, and the store that it names made anew.
next() {
    cp "$1" new.json
    if [ "$1" = file.json ]; then
        rm -rf store
    else
        psql -X -q -h "$PG/server" -d postgres -c 'SET client_min_messages = error' \
            -c "DROP SCHEMA IF EXISTS $SCHEMA CASCADE"
    fi
    idb-store --config=new.json create >create.log
}

# marks: what the meta of both says of a move, and whose turn it is by the configuration.
marks() {
    local names="SELECT name FROM meta WHERE name <> 'schema_version' ORDER BY name = 'arrived' LIMIT 1"
    echo "file:$(sql "$names") server:$(pg "$names") use:$(jq -r '.store.url[:4]' idb.json)"
}

# killed CALL:N MOVE…: dies of its N-th CALL.
killed() {
    run -137 env ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace \
        -e "inject=${1%:*}:signal=KILL:when=${1#*:}" idb-store move new.json
}

# nth CALL PATTERN [CALL-THEN]: CALL:N, the last like PATTERN in the trace of a whole move,
# ./whole; or the first CALL-THEN behind it.
nth() {
    awk -v call="$1" -v pattern="$2" -v wanted="${3-}" '
        { name = $0; sub(/\(.*/, "", name); n[name]++ }
        name == call && $0 ~ pattern { found = name ":" n[name]; after = wanted; next }
        after != "" && name == after { found = name ":" n[name]; after = "" }
        END { print found }' whole
}

# whole: the calls of a move that nobody kills, in ./whole.
whole() {
    ASAN_OPTIONS=detect_leaks=0 strace -qq -s 600 -o whole -e trace=sendto,pwrite64,fsync,rename \
        idb-store move new.json
}

# each_step STEP…: a move from where ./keep and ./idb.keep are to $TO, killed at each.
each_step() {
    local step
    for step; do
        restart
        killed "$step"
        until_true idle
        marks >>seen
        if [[ $(tail -n 1 seen) =~ $ABROAD ]]; then
            run --separate-stderr -75 verify "$CODE" c-2
            [ "$(json .error)" = store_moved ]
        else
            run --separate-stderr -0 verify "$CODE" c-2
        fi
        [[ $(tail -n 1 seen) != *:arriving* ]] ||
            run --separate-stderr -78 env IDB_CONFIG=new.json idb-health
        [ ! -e new.json ] || run --separate-stderr -0 idb-store move new.json
        [ "$(marks)" = "$DONE" ]
        run -0 verify "$CODE" c-2
        [ "$(json .result)" = accepted ]
    done
}

@test "idb-store: move carries every value to PostgreSQL, and back" {
    fill
    pg "UPDATE audit SET at = 1"
    idb-store backup all
    to_move
    idb-store restore all >restored
    before=$(contents store/idb.db)
    run --separate-stderr -0 idb-store move new.json
    [ "$output" = "{\"result\":\"moved\",\"from\":\"sqlite:$PWD/store/idb.db\",\"to\":\"$URL\"}" ]
    [ -z "$stderr" ]
    [ "$(contents | grep -vF '"action":"move"')" = "$before" ]
    [ ! -e new.json ]
    cmp idb.json server.json
    run --separate-stderr -0 idb-store check

    next file.json
    run --separate-stderr -0 idb-store move new.json
    [ "$output" = "{\"result\":\"moved\",\"from\":\"$URL\",\"to\":\"sqlite:$PWD/store/idb.db\"}" ]
    [ "$(contents store/idb.db | grep -vF '"action":"move"')" = "$before" ]
    [ "$(sql "SELECT result FROM audit WHERE action = 'move' ORDER BY id" | paste -sd ' ')" \
        = 'started ok started ok' ]
    [ ! -s store/idb.db-wal ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: after a move calls go on, and who has the old configuration is told" {
    to_move
    cp idb.json old.json
    idb-store move new.json
    run -0 idb-lookup <<<'{"call_id":"c-1"}'
    [ "$(json .attributes[0].value)" != null ]
    run -0 verify "$CODE" c-2
    [ "$(json .result)" = accepted ]
    local words
    export IDB_CONFIG=old.json
    before=$(sha256sum store/idb.db)
    for words in check "backup new" "restore all"; do
        cp create.log all
        [[ $words != restore* ]] || cp "$BATS_TEST_TMPDIR/idb/store/idb.db" all
        # shellcheck disable=SC2086
        run --separate-stderr -75 idb-store $words
        is_error store_moved "read the configuration anew"
    done
    run --separate-stderr -75 verify "$CODE" c-3
    [ "$(json .error)" = store_moved ]
    [ "$(sha256sum store/idb.db)" = "$before" ]
    [ ! -e new ]

    # And from PostgreSQL.
    cp server.json idb.json
    export IDB_CONFIG=$PWD/idb.json
    next file.json
    idb-store move new.json
    run -0 idb-end <<<'{"call_id":"c-2"}'
    IDB_CONFIG=server.json run --separate-stderr -75 idb-end <<<'{"call_id":"c-1"}'
    [ "$(json .error)" = store_moved ]
    IDB_CONFIG=server.json run --separate-stderr -75 idb-store backup new
    is_error store_moved "read the configuration anew"
}

@test "idb-store: move refuses what it cannot do, and nothing is done" {
    to_move
    cp new.json good.json
    before=$(sha256sum store/idb.db idb.json)

    run --separate-stderr -78 idb-store move none.json
    is_error config_missing "There is no none.json"
    run --separate-stderr -78 idb-store move idb.json
    is_error config_invalid "of the same kind"
    jq '.audit.days = 91' good.json >new.json
    run --separate-stderr -78 idb-store move new.json
    is_error config_invalid "in more than store"
    cp good.json new.json
    chmod 600 new.json
    run --separate-stderr -78 idb-store move new.json
    is_error config_rights "chmod --reference=$PWD/idb.json $PWD/new.json"
    cp good.json keys/new.json
    run --separate-stderr -78 idb-store move keys/new.json
    is_error config_invalid "not in the folder"
    jq '.store.schema = "none"' good.json >new.json
    chmod 644 new.json
    run --separate-stderr -78 idb-store move new.json
    is_error store_missing "idb-store create"

    [ "$(sha256sum store/idb.db idb.json)" = "$before" ]
    [ "$(pg 'SELECT COUNT(*) FROM session')" = 0 ]
    cp good.json new.json
    run --separate-stderr -0 idb-store move new.json
}

@test "idb-store: move leaves a store alone that was used, that has moved, or that another moves to" {
    to_move
    cp new.json good.json
    IDB_CONFIG=new.json issue_status >issued
    run --separate-stderr -1 idb-store move new.json
    [ "$(json .error)" = store_not_empty ]
    [ "$(pg 'SELECT COUNT(*) FROM session')" = 1 ]

    next good.json
    pg "INSERT INTO meta VALUES ('arriving', 1)"
    run --separate-stderr -78 idb-store move new.json
    is_error store_unfinished "Another store is moving"
    run --separate-stderr -78 idb-store --config=new.json check
    is_error store_unfinished "idb-store move again"
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'move'")" = 0 ]

    next server.json
    cp idb.json old.json
    idb-store move new.json
    cp old.json idb.json
    next server.json
    run --separate-stderr -1 idb-store move new.json
    [ "$(json .error)" = store_moved ]
    [[ $(json .message) == *"and not to $URL"* ]]
}

@test "idb-store: killed at any step on the way to PostgreSQL, one store is good and a move ends it" {
    command -v strace >/dev/null || skip "needs strace"
    to_move
    cp idb.json idb.keep
    cp -r store store.keep
    restart() {
        rm -rf store
        cp -r store.keep store
        cp idb.keep idb.json
        next server.json
    }
    ABROAD='file:moved.*use:sqli' DONE='file:moved server:arrived use:post'
    whole
    each_step sendto:1 "$(nth sendto 'COPY audit')" "$(nth sendto COMMIT)" \
        "$(nth sendto COMMIT pwrite64)" "$(nth sendto 'Q.*UPDATE')" rename:1 fsync:2
    [ "$(cat seen)" = "file: server: use:sqli
file:moving server: use:sqli
file:moving server: use:sqli
file:moving server:arriving use:sqli
file:moved server:arriving use:sqli
file:moved server:arrived use:sqli
file:moved server:arrived use:post" ]
}

@test "idb-store: killed at any step on the way back to SQLite, one store is good and a move ends it" {
    command -v strace >/dev/null || skip "needs strace"
    to_move
    idb-store move new.json
    cp idb.json idb.keep
    pg_dump -h "$PG/server" -d postgres -n "$SCHEMA" -f dump.sql
    restart() {
        psql -X -q -h "$PG/server" -d postgres -c 'SET client_min_messages = error' \
            -c "DROP SCHEMA $SCHEMA CASCADE" -f dump.sql >/dev/null
        cp idb.keep idb.json
        next file.json
    }
    ABROAD='server:moved use:post' DONE='file:arrived server:moved use:sqli'
    next file.json
    whole
    each_step sendto:1 "$(nth sendto 'SELECT.*ended_call')" "$(nth sendto 'SELECT.*invitation' pwrite64)" \
        "$(nth sendto 'Q.*UPDATE')" "$(nth sendto COMMIT pwrite64)" rename:1 fsync:2
    [ "$(cat seen)" = "file: server:arrived use:post
file: server:moving use:post
file: server:moving use:post
file:arriving server:moving use:post
file:arriving server:moved use:post
file:arrived server:moved use:post
file:arrived server:moved use:sqli" ]
}

# traffic NAME: codes are issued, keyed in and called about until ./stop is there. What was
# answered stands in ./answers.NAME; where the store could not be had it is asked again.
traffic() {
    local issued call i=0
    while [ ! -e stop ]; do
        call=$1-$((++i))
        issued=$(issue_status 2>/dev/null) || continue
        echo "issued $(member session "$issued")"
        until verify "$(code_of "$issued")" "$call" >"verified.$1" 2>/dev/null; do :; done
        echo "$(jq -r .result "verified.$1") $(jq -r .session "verified.$1")"
        [ $((i % 3)) = 0 ] || continue
        until idb-end <<<"{\"call_id\":\"$call\"}" >"ended.$1" 2>/dev/null; do :; done
        echo "$(jq -r .result "ended.$1") $(jq -r .session "verified.$1")"
    done >"answers.$1"
}

# answered N: at least so many sessions were issued.
answered() { [ "$(cat answers.* | grep -c issued)" -ge "$1" ]; }

@test "idb-store: moved there and back under traffic and killed on the way, no answer is lost" {
    command -v strace >/dev/null || skip "needs strace"
    local step to had
    to_move
    cp file.json idb.json
    traffic a 3>&- &
    TRAFFIC+=("$!")
    traffic b 3>&- &
    TRAFFIC+=("$!")
    for step in sendto:20 rename:1 sendto:45 fsync:1 pwrite64:30 sendto:60; do
        [ "$(jq -r '.store.url[:4]' idb.json)" = sqli ] && to=server.json || to=file.json
        next "$to"
        had=$(cat answers.* | grep -c issued)
        until_true answered $((had + 3))
        # Killed or, where it made fewer such calls, done.
        run env ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace \
            -e "inject=${step%:*}:signal=KILL:when=${step#*:}" idb-store move new.json
        [ ! -e new.json ] || until_true idb-store move new.json
    done
    had=$(cat answers.* | grep -c issued)
    until_true answered $((had + 3))
    touch stop
    wait
    [ "$(jq -r '.store.url[:4]' idb.json)" = sqli ]
    lost issued "1 = 1"
    lost accepted "called_at IS NOT NULL"
    lost ended "state = 'done'"
}

# lost WHAT CONDITION: fails when a session that WHAT was answered of is not so in ./store.
lost() {
    grep -h "^$1 " answers.* | cut -d' ' -f2 | LC_ALL=C sort -u >"answered.$1"
    [ -s "answered.$1" ]
    sql "SELECT id FROM session WHERE $2" | LC_ALL=C sort | LC_ALL=C comm -13 - "answered.$1" >lost
    [ ! -s lost ] || { cat lost && false; }
}

# served: what idb-serve answers to $CODE, called on c-2.
served() {
    output=$(jq -nc --arg code "$CODE" '{ code: $code, call_id: "c-2" }' |
        socat -t 20 - "UNIX-CONNECT:$PG/verify")
    [ "$(json "$1")" = "$2" ]
}

@test "idb-store: idb-serve says that the store has moved, and takes the new one with SIGHUP" {
    to_move
    systemd-socket-activate -l "$PG/verify" --fdname=verify -E IDB_CONFIG -E ASAN_OPTIONS \
        "$IDB_BUILD/idb-serve" </dev/null >serve.log 2>&1 3>&- &
    SERVE=$!
    until_true test -S "$PG/verify"
    served result accepted
    idb-store move new.json
    served error store_moved
    served error store_moved
    kill -HUP "$SERVE"
    until_true served result accepted
    next file.json
    idb-store move new.json
    served error store_moved
    kill -HUP "$SERVE"
    until_true served result accepted
    [ "$(sql "SELECT state FROM session WHERE call_id = 'c-2'")" = called ]
}

@test "idb-store: a server that is stopped in the middle of a move leaves the store as it was" {
    command -v strace >/dev/null || skip "needs strace"
    local mover tracer exit=0
    to_move
    ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace -e inject=sendto:signal=STOP:when=30 \
        bash -c 'echo $$ >mover && exec idb-store move new.json' >moved 2>moved.err 3>&- &
    tracer=$!
    until_true grep -qs 'stopped by SIGSTOP' trace
    mover=$(cat mover)
    run -75 verify "$CODE" c-2 # it has its turn, and keeps it
    [ "$(json .error)" = busy ]
    pg_stop "$PG/server" immediate
    kill -CONT "$mover"
    wait "$tracer" || exit=$?
    [ "$exit" = 75 ]
    [ "$(jq -r .error moved)" = store_lost ]
    run --separate-stderr -0 verify "$CODE" c-2
    pg_start "$PG/server"
    [ "$(marks)" = 'file:moving server: use:sqli' ]
    run --separate-stderr -0 idb-store move new.json
    run --separate-stderr -0 verify "$CODE" c-2
    [ "$(marks)" = 'file:moved server:arrived use:post' ]
}
