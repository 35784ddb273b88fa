# Two PostgreSQL servers, one the standby of the other, and traffic on them:
# `load pgsql-failover`.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the tests

SERVERS=() WORKERS=()

# pair_make DIR: a primary and its synchronous standby in DIR, and a store that names both.
# Sets PRIMARY, STANDBY.
pair_make() {
    servers_name "$1" 2 a b
    PRIMARY=$1/a STANDBY=$1/b
    pg_make "$PRIMARY"
    server_start "$PRIMARY"
    store_make
    standby_make
}

# servers_name DIR PORTS NAME…: servers in DIR, with so many free ports, of which theirs are the
# first, and a configuration whose store names them all.
servers_name() {
    local server hosts=''
    SERVERS=("${@:3}")
    SERVERS=("${SERVERS[@]/#/$1/}")
    FIRST_PORT=$(free_ports "$2")
    for server in "${SERVERS[@]}"; do
        hosts+=,127.0.0.1:$(port_of "$server")
    done
    export PGDATABASE=postgres
    export IDB_CONFIG=$BATS_TEST_TMPDIR/idb.json
    idb_config "$BATS_TEST_TMPDIR" | jq --arg hosts "${hosts#,}" --arg user "$(id -un)" \
        '.throttle = { total: 1000000, per_caller: 1000 } |
            .store = { url: "postgresql://\($user)@\($hosts)/postgres" }' >"$IDB_CONFIG"
}

# store_make: keys, and the store on the server that can be written.
store_make() {
    mkdir -m 700 "$BATS_TEST_TMPDIR/cache"
    idb-keys create >/dev/null
    idb-store create >/dev/null
}

port_of() {
    local i
    for i in "${!SERVERS[@]}"; do
        [ "${SERVERS[i]}" != "$1" ] || echo $((FIRST_PORT + i))
    done
}

server_start() {
    pg_start "$1" listen_addresses=127.0.0.1 "port=$(port_of "$1")" || {
        tail -n 5 "$1/log"
        return 1
    }
}

# patiently COMMAND…: until_true, but at most half a minute.
patiently() {
    until_true "$@" >/dev/null || until_true "$@" >/dev/null || until_true "$@"
}

# ask SERVER SQL: by its own socket.
ask() { psql -qAtX -v ON_ERROR_STOP=1 -h "$1" -p "$(port_of "$1")" -c "$2"; }

# standby_make: makes $STANDBY anew from $PRIMARY, and waits until that commits with it.
standby_make() {
    rm -rf "$STANDBY/data"
    mkdir -p "$STANDBY"
    [ "$(id -u)" != 0 ] || chown postgres "$STANDBY"
    pg_as "$PG_BIN/pg_basebackup" -R -c fast -D "$STANDBY/data" -h "$PRIMARY" \
        -p "$(port_of "$PRIMARY")" -U "$(id -un)"
    # Once it is the primary nobody waits for a standby, until there is one.
    echo "synchronous_standby_names = ''" >>"$STANDBY/data/postgresql.auto.conf"
    server_start "$STANDBY"
    ask "$PRIMARY" "ALTER SYSTEM SET synchronous_standby_names = '*'"
    ask "$PRIMARY" 'SELECT pg_reload_conf()' >/dev/null
    patiently is_synchronous
}

is_synchronous() {
    [ "$(ask "$PRIMARY" 'SELECT sync_state FROM pg_stat_replication')" = sync ]
}

# processes SERVER: all of it, the first one first.
processes() {
    local first
    first=$(head -n 1 "$1/data/postmaster.pid") || return
    echo "$first"
    ps --no-headers -o pid --ppid "$first"
}

# strike SIGNAL SERVER: to all its processes at once; what was killed is gone, and leaves
# nothing behind that would keep it from being started again.
strike() {
    local pids
    read -r -d '' -a pids < <(processes "$2") || true
    kill "-$1" "${pids[@]}" 2>/dev/null || true
    [ "$1" = KILL ] || return 0
    until_true gone "${pids[@]}"
    rm -f "$2/data/postmaster.pid" "$2"/.s.PGSQL.*
}

gone() { ! ps --no-headers -o stat -p "$*" | grep -qv '^Z'; }

# promote: the standby is the primary from now on. Sets PROMOTED.
promote() {
    local was=$PRIMARY
    pg_as "$PG_BIN/pg_ctl" --pgdata="$STANDBY/data" -w promote >/dev/null
    PROMOTED=$EPOCHREALTIME
    PRIMARY=$STANDBY STANDBY=$was
}

# serve_start: idb-serve, kept, with sockets for verify and end in $TRAFFIC.
serve_start() {
    systemd-socket-activate -l "$TRAFFIC/verify" -l "$TRAFFIC/end" --fdname=verify:end \
        -E IDB_CONFIG "$IDB_BUILD/idb-serve" </dev/null >"$TRAFFIC/serve.out" \
        2>"$TRAFFIC/serve.err" 3>&- &
    SERVE=$!
    until_true test -S "$TRAFFIC/end"
}

# traffic_start: two that run programs, three that stay connected to idb-serve.
traffic_start() {
    local i
    WORKERS=()
    TRAFFIC=$(mktemp -d "$DIR/traffic.XXXXXX")
    serve_start
    for i in 1 2 3 4 5; do
        "$IDB_ROOT/tests/tools/store-traffic" "$TRAFFIC" "w$i" \
            "$([ "$i" -le 2 ] && echo program || echo serve)" 2>>"$TRAFFIC/complaints" 3>&- &
        WORKERS+=($!)
    done
    traffic_flows
}

# traffic_flows [SINCE]: both kinds have had a code accepted since; sets FIRST, FIRST_SERVE:
# when.
traffic_flows() {
    local since=${1-$EPOCHREALTIME}
    patiently accepted_since "$since" 'w[12]' || return
    FIRST=$AT
    patiently accepted_since "$since" 'w[345]' || return
    FIRST_SERVE=$AT
}

# accepted_since TIME WORKERS: that a request began and was accepted after; sets AT.
accepted_since() {
    AT=$(cat "$TRAFFIC"/$2.log 2>/dev/null | awk -v since="$1" \
        '$3 == "verify" && $4 == "accepted" && $1 > since { print $1 }' | sort -n | head -n 1)
    [ -n "$AT" ]
}

# after FROM TO: seconds.
after() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.2f s", to - from }'; }

# traffic_end: lets what is under way be answered, and holds it all against the store.
traffic_end() {
    touch "$TRAFFIC/stop"
    patiently nobody_left || { tail -n 3 "$TRAFFIC"/*.log; return 1; }
    kill "$SERVE"
    wait "$SERVE"
    SERVE=
    PGHOST=$PRIMARY PGPORT=$(port_of "$PRIMARY") run "$IDB_ROOT/tests/tools/store-traffic" "$TRAFFIC" check
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" | head -n 30; return 1; }
    printf '%s\n' "$output" >&3
    is_sound
}

nobody_left() {
    local pid
    for pid in "${WORKERS[@]}"; do
        ! kill -0 "$pid" 2>/dev/null || return 1
    done
}

# pair_end: for teardown; harmless where there is nothing.
pair_end() {
    local pid server
    touch "${TRAFFIC:-$DIR}/stop"
    for pid in "${WORKERS[@]}" ${SERVE:+"$SERVE"}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    for server in "${SERVERS[@]}"; do
        [ ! -e "$server/data/postmaster.pid" ] || strike KILL "$server"
    done
}
