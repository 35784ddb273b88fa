# Three PostgreSQL servers that Patroni runs, with etcd to hold who is the primary:
# `load pgsql-failover`, then `load patroni`.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the tests

ETCD=''

# patroni_make DIR: three servers in DIR, in the configuration that idb-scale(7) shows, and a
# store that names them all. Sets PRIMARY.
patroni_make() {
    local server
    pg_bin
    servers_name "$1" 8 a b c
    ETCD=$1/etcd
    mkdir "${SERVERS[@]}" "$ETCD"
    for server in "${SERVERS[@]}"; do
        patroni_config "$server" >"$server/patroni.yaml"
    done
    [ "$(id -u)" != 0 ] || chown -R postgres "${SERVERS[@]}" "$ETCD"
    etcd_start
    for server in "${SERVERS[@]}"; do
        patroni_start "$server"
        patiently has_primary
    done
    patiently in_step
    store_make
}

# of_the_page: the settings that idb-scale(7) shows.
of_the_page() {
    sed -n '/^\.Sh WITH PATRONI/,/^\.Ed/p' "$IDB_ROOT/man/idb-scale.7" | sed '1,/^\.Bd/d; /^\.Ed/d'
}

# patroni_config SERVER: with waits as short as a test wants them.
patroni_config() {
    cat <<END
scope: idb
name: ${1##*/}
etcd3: { host: "127.0.0.1:$((FIRST_PORT + 6))" }
restapi:
  listen: 127.0.0.1:$(rest_of "$1")
  connect_address: 127.0.0.1:$(rest_of "$1")
bootstrap:
  dcs:
    ttl: 10
    loop_wait: 1
    retry_timeout: 3
    primary_start_timeout: 0
$(of_the_page | sed 's/^/    /')
  initdb: [{ encoding: UTF8 }, { locale: C.UTF-8 }]
postgresql:
  listen: 127.0.0.1:$(port_of "$1")
  connect_address: 127.0.0.1:$(port_of "$1")
  data_dir: $1/data
  bin_dir: $PG_BIN
  pgpass: $1/pgpass
  parameters: { unix_socket_directories: $1 }
  pg_hba: [local all all trust, host all all 127.0.0.1/32 trust,
           host replication all 127.0.0.1/32 trust]
  authentication:
    superuser: { username: $(id -un) }
    replication: { username: replicator }
END
}

# rest_of SERVER: the port at which its Patroni says how it is.
rest_of() { echo $(($(port_of "$1") + 3)); }

# kept DIR COMMAND…: runs it as the servers' user, and keeps its process id in DIR/pid.
kept() {
    # shellcheck disable=SC2016 # for the shell that is begun here
    pg_as bash -c 'echo $$ >"$1/pid" && exec "${@:2}"' bash "$@" </dev/null >>"$1/out" 2>&1 &
}

# kept_kill DIR…: at once; harmless where nothing is kept.
kept_kill() {
    local dir pids=()
    for dir in "$@"; do
        [ ! -s "$dir/pid" ] || pids+=("$(cat "$dir/pid")")
        rm -f "$dir/pid"
    done
    [ "${#pids[@]}" != 0 ] || return 0
    kill -KILL "${pids[@]}" 2>/dev/null || true
    until_true gone "${pids[@]}"
}

patroni_start() { kept "$1" patroni "$1/patroni.yaml"; }

etcd_start() {
    local client=http://127.0.0.1:$((FIRST_PORT + 6)) peer=http://127.0.0.1:$((FIRST_PORT + 7))
    kept "$ETCD" etcd --data-dir "$ETCD/data" --listen-client-urls "$client" \
        --advertise-client-urls "$client" --listen-peer-urls "$peer" \
        --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
    patiently curl -fsS -o /dev/null "$client/health"
}

# says SERVER WHAT: its Patroni says that it is that.
says() { curl -fs -m 2 -o /dev/null "http://127.0.0.1:$(rest_of "$1")/$2"; }

# has_primary [BUT]: one other than that is the primary; sets PRIMARY.
has_primary() {
    local server
    for server in "${SERVERS[@]}"; do
        [ "$server" = "${1-}" ] || ! says "$server" primary || {
            PRIMARY=$server
            return 0
        }
    done
    return 1
}

no_primary() { ! has_primary; }

# in_step: the others follow, and the primary commits with one of them, as Patroni knows.
in_step() {
    local server timeline
    has_primary && [ "$(followers "string_agg(sync_state, ' ' ORDER BY sync_state)")" = 'async sync' ] &&
        says "${PRIMARY%/*}/$(synchronous)" synchronous || return
    # One whose past is another than the primary's begins to follow too, again and again.
    timeline=$(ask "$PRIMARY" 'SELECT timeline_id FROM pg_control_checkpoint()')
    for server in "${SERVERS[@]}"; do
        [ "$server" = "$PRIMARY" ] || [ "$timeline" = "$(ask "$server" \
            'SELECT received_tli FROM pg_stat_wal_receiver' 2>/dev/null)" ] || return
    done
}

# followers SQL [WHERE]: of the standbys that follow the primary.
followers() {
    ask "$PRIMARY" "SELECT $1 FROM pg_stat_replication WHERE state = 'streaming'
        AND application_name <> 'pg_basebackup' ${2-}" 2>/dev/null
}

# synchronous: the name of the standby that the primary commits with.
synchronous() { followers application_name "AND sync_state = 'sync'"; }

# changed: another is the primary from now on. Sets PROMOTED.
changed() {
    patiently has_primary "$PRIMARY" || return
    PROMOTED=$EPOCHREALTIME
}

# member_kill SERVER…: Patroni and PostgreSQL, at once.
member_kill() {
    local server
    kept_kill "$@"
    for server in "$@"; do
        strike KILL "$server"
    done
}

# patroni_end: for teardown; harmless where there is nothing.
patroni_end() {
    kept_kill "${SERVERS[@]}"
    pair_end
    kept_kill ${ETCD:+"$ETCD"}
}
