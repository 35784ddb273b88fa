#!/usr/bin/env bats
# PostgreSQL alone.
# The plain build only: what it shows are a server's and libpq's ways.
# How programs on another machine reach the store: by a password that stands in a pass file,
# over TLS, at the first of several hosts that can be written, and through a pool.
# shellcheck disable=SC2154  # bats sets output and stderr
bats_require_minimum_version 1.5.0

load lib
load tools/postgresql
load tools/inetd

setup_file() {
    ME=$(id -un)
    PG=$(mktemp -d -p /tmp idb-pg.XXXXXX)
    PORT=$(free_ports 3)
    export PG PG_BIN PORT ME
    chmod 755 "$PG"
    authority "$PG/ca"
    authority "$PG/strangers-ca"
    pg_make "$PG/server"
    certificate "$PG/server/data/own" "$PG/ca" localhost
    # On the server's machine by who they are, from elsewhere by password over TLS alone.
    printf '%s\n' 'local all all peer' 'hostssl all all 127.0.0.1/32 scram-sha-256' \
        >"$PG/server/data/pg_hba.conf"
    pg_start "$PG/server" listen_addresses=127.0.0.1 "port=$PORT" ssl=on \
        ssl_cert_file=own.crt ssl_key_file=own.key
    psql -Xq -h "$PG/server" -p "$PORT" -d postgres -c "ALTER ROLE \"$ME\" PASSWORD 'right'"
}

teardown_file() {
    pg_stop "$PG/server" immediate
    rm -rf "$PG"
}

# authority PATH: a CA of its own, PATH.crt and PATH.key.
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj "/CN=${1##*/}" -keyout "$1.key" -out "$1.crt" 2>/dev/null
    chmod 644 "$1.crt"
}

# certificate PATH CA HOST: PATH.crt and PATH.key, for who runs the server.
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" \
        -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -days 2 -out "$1.crt" \
        -extfile <(echo "subjectAltName = DNS:$3") 2>/dev/null
    chmod 600 "$1.key"
    [ "$(id -u)" != 0 ] || chown postgres "$1.key" "$1.crt"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    PASS_FILES=$BATS_TEST_TMPDIR/pass
    mkdir "$PASS_FILES"
    password right
    # Of its owner, by the socket; each test reaches it otherwise.
    idb_instance ".store = { url: \"postgresql:///postgres?host=$PG/server&port=$PORT\",
        schema: \"t$BATS_TEST_NUMBER\", wait_ms: 2000 }"
}

teardown() { [ ! -s "$PG/pool/pid" ] || kill "$(cat "$PG/pool/pid")" 2>/dev/null || true; }

# password WORD: what stands in the pass file of who runs this.
password() {
    printf '*:*:*:%s:%s\n' "$ME" "$1" >"$PASS_FILES/$ME"
    chmod 600 "$PASS_FILES/$ME"
}

# reach [HOSTS [QUERY]]: from now on the store is there.
reach() {
    local url="postgresql://$ME@${1-localhost:$PORT}/postgres"
    url+="?sslmode=verify-full&sslrootcert=$PG/ca.crt${2+&$2}"
    jq --arg url "$url" --arg dir "$PASS_FILES" '.store.url = $url | .store.pass_files = $dir' \
        "$IDB_CONFIG" >idb.new
    cat idb.new >"$IDB_CONFIG"
}

# refused STATUS WORD TEXT…: idb-verify, that needs no more of OpenSSL than a MAC itself,
# and idb-issue say so, and tell no password.
refused() {
    local text program
    for program in idb-verify 'idb-issue --attest=front-office'; do
        # shellcheck disable=SC2086 # a program and its option
        run --separate-stderr $program <<<'{"code":"1234567890","call_id":"c-1"}'
        [ "$status" -eq "$1" ] && [ "$(json error)" = "$2" ] && [ "${#stderr_lines[@]}" -eq 1 ] ||
            { printf '%s\n' "$status" "$output" "$stderr"; return 1; }
        for text in "${@:3}"; do
            [[ $(json message) == *"$text"* ]] || { printf 'not said: %s\n' "$text" "$output"; return 1; }
        done
        ! grep -E 'right|wrong-one' <<<"$output$stderr" || return 1
    done
}

# a_call CALL: each zone's program has its turn.
a_call() {
    local issued
    issued=$(issue_status)
    run --separate-stderr -0 verify "$(code_of "$issued")" "$1"
    [ "$(json result)$stderr" = accepted ]
    run --separate-stderr -0 lookup_as alice "{\"call_id\":\"$1\"}"
    [[ $output == *Estpersoon* ]]
    run --separate-stderr -0 idb-transfer <<<"{\"call_id\":\"$1\",\"to_call_id\":\"$1-b\"}"
    run --separate-stderr -0 idb-end <<<"{\"call_id\":\"$1-b\"}"
    [ "$stderr" = '' ]
    run --separate-stderr -0 idb-purge
    [ "$stderr" = '' ]
}

@test "store: a whole call over TLS, by the password in the user's own pass file" {
    reach
    a_call c-1
    run --separate-stderr -0 idb-store check
    [ "$(json result)$stderr" = ok ]
}

@test "store: a pass file that is not there, that others may read, or with another password" {
    reach
    chmod 640 "$PASS_FILES/$ME"
    refused 77 store_unreadable "run: chmod 600 $PASS_FILES/$ME"
    password wrong-one
    refused 77 store_unreadable 'password authentication failed' idb-scale
    rm "$PASS_FILES/$ME"
    refused 77 store_unreadable "$PASS_FILES/$ME cannot be read" "$ME alone"
    password right
    a_call c-1
}

@test "store: a server that cannot show it is that host, or without TLS, is not talked to" {
    reach
    sed -i "s|$PG/ca.crt|$PG/strangers-ca.crt|" "$IDB_CONFIG"
    refused 69 store_down 'certificate verify failed'
    reach "elsewhere.example:$PORT" hostaddr=127.0.0.1
    refused 69 store_down elsewhere.example
    reach
    sed -i 's/sslmode=verify-full/sslmode=disable/' "$IDB_CONFIG"
    refused 77 store_unreadable pg_hba.conf
}

@test "store: of several hosts the first that can be written; none is told of each" {
    local dead=$((PORT + 1))
    reach "localhost:$dead,localhost:$PORT"
    a_call c-1
    psql -Xq -h "$PG/server" -p "$PORT" -d postgres \
        -c "ALTER ROLE \"$ME\" SET default_transaction_read_only = on"
    refused 69 store_down "port $dead" refused "port $PORT" 'read-only' 'start it'
    psql -Xq -h "$PG/server" -p "$PORT" -d postgres -c 'SET default_transaction_read_only = off' \
        -c "ALTER ROLE \"$ME\" RESET default_transaction_read_only"
    a_call c-2
}

# pool_up: PgBouncer in session mode, TLS on both its sides, at the port behind.
pool_up() {
    local secret
    secret=$(psql -XAtq -h "$PG/server" -p "$PORT" -d postgres \
        -c "SELECT rolpassword FROM pg_authid WHERE rolname = '$ME'")
    mkdir -p "$PG/pool"
    certificate "$PG/pool/own" "$PG/ca" localhost
    printf '"%s" "%s"\n' "$ME" "$secret" >"$PG/pool/users"
    cat >"$PG/pool/ini" <<END
[databases]
postgres = host=localhost port=$PORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $((PORT + 2))
unix_socket_dir =
pidfile = $PG/pool/pid
pool_mode = session
server_reset_query = DISCARD ALL
default_pool_size = 4
auth_type = scram-sha-256
auth_file = $PG/pool/users
client_tls_sslmode = require
client_tls_key_file = $PG/pool/own.key
client_tls_cert_file = $PG/pool/own.crt
server_tls_sslmode = verify-full
server_tls_ca_file = $PG/ca.crt
END
    [ "$(id -u)" != 0 ] || chown -R postgres "$PG/pool"
    pg_as pgbouncer "$PG/pool/ini" >"$BATS_TEST_TMPDIR/pool.log" 2>&1 &
    until_true listening "$((PORT + 2))" || { tail -n 5 "$BATS_TEST_TMPDIR/pool.log"; return 1; }
}

@test "store: through PgBouncer in session mode, one by one and many at once" {
    local i callers=()
    pool_up
    reach "localhost:$((PORT + 2))"
    a_call c-1
    a_call c-2
    # More programs than the pool has connections, which each finds as if it were new.
    issue_many 12 >issued
    i=0
    while read -r code; do
        i=$((i + 1))
        verify "$code" "many-$i" >"answer.$i" 2>&1 &
        callers+=($!)
    done < <(jq -r .code issued)
    for i in "${callers[@]}"; do
        wait "$i" || true # told by its answer
    done
    [ "$(cat answer.* | jq -r .result | sort | uniq -c | xargs)" = '12 accepted' ]
    [ "$(psql -XAtq -h "$PG/server" -p "$PORT" -d postgres -c \
        "SELECT COUNT(*) BETWEEN 1 AND 4 FROM pg_stat_activity WHERE client_port > 0")" = t ]
}

issue_many() {
    local i
    for ((i = 0; i < $1; i++)); do
        jq -nc '{ purpose: "status", attributes: { bsn: "999990019", name: "T. Estpersoon" },
                  auth: { method: "counter", level: "substantial" }, reference: "Z-1" }'
    done | idb-issue --attest=front-office
}
