# A store of PostgreSQL, for tests/bench/run: a server of its own with its default, durable
# settings, on the disk of the checkout; beside it pgbench, which runs nothing but the
# statement that decides who gets a code. What the driver costs who does not use it. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run, stores.bash and serve.bash set

# pgsql_start: the server. Its socket's path must be short: a link to its folder does that.
pgsql_start() {
    PG_LINK=$(mktemp -d /tmp/idb-bench.XXXXXX)
    chmod 711 . "$PG_LINK"
    pg_make "$PWD/pg"
    ln -s "$PWD/pg" "$PG_LINK/pg"
    pg_start "$PG_LINK/pg"
}

pgsql_stop() {
    [ -n "${PG_LINK-}" ] || return 0
    pg_stop "$PG_LINK/pg"
    rm -rf "$PG_LINK"
    PG_LINK=
}

# pgsql SCHEMA: SQL on standard input, by whom the store belongs to.
pgsql() {
    PGOPTIONS="-c search_path=$1 -c client_min_messages=error" \
        "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$PG_LINK/pg" -d postgres
}

# pgsql_instance SCHEMA: an instance in the folder SCHEMA, with the keys of the first one,
# and the models. Prints its configuration.
pgsql_instance() {
    local config=$PWD/$1/idb.json
    mkdir "$1"
    jq --arg host "$PG_LINK/pg" --arg schema "$1" \
        '.store = { url: "postgresql:///postgres?host=\($host | @uri)", schema: $schema }' \
        "$IDB_CONFIG" >"$config"
    idb-store create --config="$config" >"$1/created"
    IDB_CONFIG=$config serve_models "$1"
    echo "$config"
}

# next_codes N: the next N codes, each with its number and MAC, to codes.copy; and what a
# telephone asks with them, on standard output.
next_codes() {
    local from=$codes
    codes=$((codes + $1))
    "$fill" "$IDB_CONFIG" <<END >codes.copy
        WITH RECURSIVE n (i) AS (SELECT $from UNION ALL SELECT i + 1 FROM n WHERE i < $codes - 1)
        SELECT i || '|' || code(i) || '|\\x' || hex(code_mac(code(i))) FROM n;
END
    awk -F'|' '{ printf "{\"code\":\"%s\",\"call_id\":\"f-%d\",\"caller\":\"+31612345678\"}\n", $2, $1 }' codes.copy
}

# pgsql_fill SCHEMA: SQL on standard input, with the tables model and model_audit, as
# fill_store has them. Without indexes, which are made anew when all is there.
pgsql_fill() {
    {
        cat <<'END'
SET synchronous_commit = off;
SET maintenance_work_mem = '1GB';
CREATE TEMP TABLE model AS SELECT * FROM session WHERE state = 'issued' LIMIT 1;
CREATE TEMP TABLE model_audit AS SELECT * FROM audit WHERE session =
    (SELECT id FROM session WHERE state = 'done' LIMIT 1);
CREATE TEMP TABLE indexes AS
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS gone,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
        pg_get_constraintdef(oid)) AS again
FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u')
UNION ALL SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'));
SELECT gone FROM indexes \gexec
END
        cat
        cat <<'END'
SELECT again FROM indexes \gexec
VACUUM ANALYZE;
CHECKPOINT;
END
    } | pgsql "$1"
}

# pgsql_live WHAT MAC: SQL for sessions whose codes nobody keyed in yet, good for four hours,
# one for each i of WHAT.
pgsql_live() {
    cat <<END
INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, token_hash, code_mac,
    code_expires_at, renewals, renew_until, created_at, expires_at, due_at, sealed)
SELECT left(md5('live ' || i), 22), 'l' || i, 'issued', purpose, line, lang, confirm,
    sha256(('live ' || i)::bytea), $2, created_at + 4 * 3600000, 0, renew_until, created_at,
    created_at + 4 * 3600000, created_at + 4 * 3600000, sealed
FROM $1, model ORDER BY i;
END
}

# pgsql_fill_live SCHEMA N [SQL]: N of those, and whatever else. Prints their requests, as
# fill_live does.
pgsql_fill_live() {
    next_codes "$2"
    {
        echo "${3-}"
        echo 'CREATE TEMP TABLE code (i bigint, code text, mac bytea);'
        echo "\\copy code FROM '$PWD/codes.copy' (DELIMITER '|', FORMAT csv)"
        pgsql_live code mac
    } | pgsql_fill "$1"
    rm codes.copy
}

# pgsql_ended N: SQL for N sessions that are over, as fill_ended has them.
pgsql_ended() {
    local now step
    now=$(date +%s%3N)
    step=$((80 * 86400000 / $1))
    cat <<END
INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, token_hash,
    code_expires_at, renewals, renew_until, created_at, expires_at, called_at, connected_at,
    ended_at, end_reason)
SELECT left(md5('over ' || i), 22), 'e' || i, 'done', purpose, line, lang, confirm,
    sha256(('over ' || i)::bytea), at + 600000, 0, at + 1800000, at, at + 14400000,
    at + 60000, at + 70000, at + 300000, 'ended'
FROM (SELECT i, $now - 300000 - ($1 - i) * $step AS at FROM generate_series(1::bigint, $1) AS i)
    AS n, model ORDER BY i;
INSERT INTO audit (at, actor, action, session, result, detail)
SELECT $now - 300000 - ($1 - i) * $step, actor, action, left(md5('over ' || i), 22), result, detail
FROM generate_series(1::bigint, $1) AS i, LATERAL (SELECT * FROM model_audit ORDER BY id) AS model_audit;
INSERT INTO ended_call (call_hash, at, reason, session)
SELECT sha256(('call ' || id)::bytea), ended_at, end_reason, id FROM session
WHERE ended_at > $now - 86400000;
END
}

# pgbench_script: the decision as the programs make it, IDB_SQL_ACCEPT, of the next session
# each time. Its values are pgbench's, but for those that go with the session.
pgbench_script() {
    local accept
    accept=$(strings -n 200 "$IDB_BUILD/idb-verify" | grep '^UPDATE session SET state = .called.')
    [ "$(wc -l <<<"$accept")" = 1 ]
    cat <<'END'
\set n :n + 1
\set i :first + :client_id * :each + :n
END
    sed -E -e "s/\\\$11\b/left(md5('live ' || :i), 22)/; s/\\\$12\b/sha256(int8send(:i))/" \
        -e "s/\\\$(1|9|18|19|20|21|22)\b/:v\1::bigint/g; s/\\\$(2|10|13|14)\b/:v\1::text/g" \
        -e "s/\\\$3\b/('f-' || :i)/g; s/\\\$4\b/sha256(int8send(:i))/g" \
        -e "s/\\\$([567]|1[567])\b/:none::bytea/g; s/\\\$8\b/sha256(int8send(- :i::bigint))/g; s/\$/;/" <<<"$accept"
}

# pgbench CLIENTS EACH: as many at once, EACH times; the next sessions.
pgbench() {
    PGOPTIONS='-c search_path=bench_floor' "$PG_BIN/pgbench" -h "$PG_LINK/pg" -n -M prepared \
        -c "$1" -j "$(($1 > 1 ? 2 : 1))" -t "$2" -f pgbench.sql -D n=0 -D each="$2" \
        -D first="$pgbench_first" -D v1="$(date +%s%3N)" -D v2=kcc -D v9=3 -D v10=78 \
        -D v13=2026-11-29 -D v14=unknown -D v18="$(date +%s%3N)" \
        -D v19=600000 -D v20=0 -D v21=10 -D v22=100 -D 'none=\x00' postgres >pgbench.out
    pgbench_first=$((pgbench_first + $1 * $2))
    jq -Rnc --arg name "pgbench_$1" --argjson n "$(($1 * $2))" \
        '{ ($name): { n: $n, a_second: [inputs | capture("^tps = (?<tps>[0-9.]+)").tps | tonumber][0] } }' \
        pgbench.out
}

# pgbench_all_done N: each of those was given to somebody, or the floor did nothing.
pgbench_all_done() {
    [ "$(pgsql bench_floor <<<"SELECT COUNT(*) FROM session WHERE state = 'called'")" = "$1" ] || {
        echo 'run: pgbench gave not each code away' >&2
        exit 70
    }
}

# measure_pgsql: 1 to 16 processes that are kept, each with a connection of its own to the
# server, one request at a time, beside pgbench with as many clients, by turns; 16 of them
# with several waiting at each, which share its commits; and one such process for 16
# connections, and for 64 waiting on one.
measure_pgsql() {
    local config one round c w i n=$((count * 32)) all=0 more
    local connections=(1 4 16) waiting=(4 16) several=()
    more=$(((2 + ${#waiting[@]}) * n * rounds))
    for c in "${connections[@]}"; do all=$((all + count * 2 * c * rounds)); done
    config=$(pgsql_instance bench_ours)
    pgsql_instance bench_floor >/dev/null
    pgsql_fill_live bench_ours $((all + more)) >pgsql.requests
    pgsql_live "generate_series(1::bigint, $all) AS i" 'sha256(int8send(i))' |
        pgsql_fill bench_floor
    pgbench_script >pgbench.sql
    pgbench_first=0
    for ((i = 0; i < 16; i++)); do
        serve_start "$config" "$PWD/pgsql.$i" verify
        several+=("$SERVE")
    done
    one=$(free_ports 1)
    serve_start "$config" "$one" verify
    exec 5<pgsql.requests
    for ((round = 0; round < rounds; round++)); do
        for c in "${connections[@]}"; do
            take $((count * 2 * c)) 5 | requested "pgsql_$c" "$PWD/pgsql.*" "$c" 1
            pgbench "$c" $((count * 2))
        done
        for w in "${waiting[@]}"; do
            take "$n" 5 | requested "pgsql_16_waiting_$w" "$PWD/pgsql.*" 16 "$w"
        done
        take "$n" 5 | requested pgsql_one_16 "$one" 16 1
        take "$n" 5 | requested pgsql_one_64 "$one" 1 64
    done
    exec 5<&-
    pgbench_all_done "$all"
    for i in "${several[@]}" "$SERVE"; do serve_stop "$i"; done
    echo 'DROP SCHEMA bench_ours CASCADE; DROP SCHEMA bench_floor CASCADE; CHECKPOINT;' | pgsql public
    rm -r bench_ours bench_floor pgsql.requests
}

# measure_pgsql_rows: a request to a process that is kept, with $rows sessions in the store
# and with 1,000.
measure_pgsql_rows() {
    local large small ports round n=$((count * 5))
    large=$(pgsql_instance bench_large)
    small=$(pgsql_instance bench_small)
    pgsql_fill_live bench_large $((n * rounds)) "$(pgsql_ended "$rows")" >large.requests
    pgsql_fill_live bench_small $((n * rounds)) "$(pgsql_ended 1000)" >small.requests
    ports=$(free_ports 2)
    serve_start "$large" "$ports" verify
    serve_start "$small" "$((ports + 1))" verify
    exec 5<large.requests 6<small.requests
    for ((round = 0; round < rounds; round++)); do
        take "$n" 5 | requested pgsql_rows_large "$ports" 1 1
        take "$n" 6 | requested pgsql_rows_small "$((ports + 1))" 1 1
    done
    exec 5<&- 6<&-
    serve_stop "${serves[-1]}"
    serve_stop "${serves[-1]}"
    echo 'DROP SCHEMA bench_large CASCADE; DROP SCHEMA bench_small CASCADE; CHECKPOINT;' | pgsql public
    rm -r bench_large bench_small large.requests small.requests
}

# measure_driver: a process whose store is an SQLite file, built with the driver and without.
measure_driver() {
    issue "$count" | requests w | split_input driver
    issue "$count" | requests x | split_input nopg
    "$spawn" driver "$count" driver "$IDB_BUILD/idb-verify" \
        -- nopg "$count" nopg "$IDB_BUILD/nopg/idb-verify"
    accepted driver "$count"
    accepted nopg "$count"
}
