#!/usr/bin/env bats
# PostgreSQL under Patroni, as idb-scale(7) shows it: it promotes and brings back by itself, under
# traffic; what was answered stands, no code is accepted twice, and everything goes on by itself.

setup() {
    load ../lib
    load ../op/lib
    load ../tools/inetd
    load ../tools/postgresql
    load pgsql-failover
    load patroni
    sql() { ask "$PRIMARY" "SET search_path TO idb; $1"; } # of these servers
    DIR=$(mktemp -d /tmp/idb-patroni.XXXXXX) # the path of a socket must be short
    chmod 755 "$DIR"
    patroni_make "$DIR"
}

teardown() {
    [ -n "$BATS_TEST_COMPLETED" ] || tail -n 15 "$DIR"/[abc]/out
    patroni_end
    rm -rf "$DIR"
}

# took NAME: how long it took from $STRUCK.
took() {
    echo "# $1: another primary $(after "$STRUCK" "$PROMOTED") after, first accepted $(
        after "$STRUCK" "$FIRST"), by idb-serve $(after "$STRUCK" "$FIRST_SERVE")" >&3
}

@test "patroni: the primary is killed, twice: another takes over, and the killed one follows" {
    local round killed
    traffic_start
    for round in 1 2; do
        killed=$PRIMARY
        [ "$round" = 1 ] || write_alone
        STRUCK=$EPOCHREALTIME
        member_kill "$killed"
        changed
        traffic_flows "$PROMOTED"
        took "killed, $round"
        patroni_start "$killed"
        patiently in_step
        traffic_flows
    done
    traffic_end
}

# write_alone: the primary writes what no other hears of, and Patroni has seen that.
write_alone() {
    local senders
    read -r -d '' -a senders < <(followers pid) || true
    kill -STOP "${senders[@]}"
    ask "$PRIMARY" "SET synchronous_commit TO local; SELECT pg_logical_emit_message(true, 'idb', '')"
    sleep 3
}

@test "patroni: a switchover, there and back" {
    local round
    traffic_start
    for round in 1 2; do
        STRUCK=$EPOCHREALTIME
        run -0 pg_as patronictl -c "$PRIMARY/patroni.yaml" switchover idb --force \
            --leader "${PRIMARY##*/}" --candidate "$(synchronous)"
        [[ $output == *'Successfully switched over'* ]]
        changed
        traffic_flows "$PROMOTED"
        took "switched over, $round"
        patiently in_step
        traffic_flows
    done
    traffic_end
}

@test "patroni: the last one alone says nothing is done before another is back" {
    local server others=()
    traffic_start
    for server in "${SERVERS[@]}"; do
        [ "$server" = "$PRIMARY" ] || others+=("$server")
    done
    member_kill "${others[@]}"
    run --separate-stderr -75 issue_status
    [[ $(json error) =~ ^(store_unknown|locked)$ ]]
    [[ $output != *code* ]]
    STRUCK=$EPOCHREALTIME
    patroni_start "${others[0]}"
    traffic_flows "$STRUCK"
    echo "# first accepted $(after "$STRUCK" "$FIRST") after another was started" >&3
    patroni_start "${others[1]}"
    patiently in_step
    traffic_end
}

@test "patroni: etcd is gone: no primary, store_down, and on when it is back" {
    traffic_start
    STRUCK=$EPOCHREALTIME
    kept_kill "$ETCD"
    patiently no_primary
    patiently is_read_only
    echo "# no primary $(after "$STRUCK" "$EPOCHREALTIME") after etcd was gone" >&3
    run --separate-stderr -69 issue_status
    is_error store_down
    STRUCK=$EPOCHREALTIME
    etcd_start
    patiently has_primary
    PROMOTED=$EPOCHREALTIME
    traffic_flows "$PROMOTED"
    took 'etcd is back'
    patiently in_step
    traffic_end
}

# is_read_only: the primary of before answers, and as a standby.
is_read_only() { [ "$(ask "$PRIMARY" 'SELECT pg_is_in_recovery()' 2>/dev/null)" = t ]; }
