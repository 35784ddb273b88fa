#!/usr/bin/env bats
# Two PostgreSQL servers, of which one takes over from the other under traffic: what was
# answered stands, no code is accepted twice, and everything goes on by itself.

setup() {
    load ../lib
    load ../op/lib
    load ../tools/inetd
    load ../tools/postgresql
    load pgsql-failover
    sql() { ask "$PRIMARY" "SET search_path TO idb; $1"; } # of these servers
    DIR=$(mktemp -d /tmp/idb-pair.XXXXXX) # the path of a socket must be short
    chmod 755 "$DIR"
    pair_make "$DIR"
}

teardown() {
    pair_end
    rm -rf "$DIR"
}

# took NAME: how long it took from $STRUCK and from $PROMOTED.
took() {
    echo "# $1: first accepted $(after "$STRUCK" "$FIRST") after the blow and $(
        after "$PROMOTED" "$FIRST") after the promotion, by idb-serve $(
        after "$STRUCK" "$FIRST_SERVE") and $(after "$PROMOTED" "$FIRST_SERVE")" >&3
}

@test "failover: the primary is killed, three times by turns: the standby goes on" {
    local round
    traffic_start
    for round in 1 2 3; do
        STRUCK=$EPOCHREALTIME
        strike KILL "$PRIMARY"
        promote
        traffic_flows "$PROMOTED"
        took "killed, $round"
        standby_make
        traffic_flows
    done
    traffic_end
}

# timed SECONDS EXIT PROGRAM…: runs it with standard input; it ends within so many seconds.
timed() {
    local began=$EPOCHREALTIME
    run --separate-stderr "-$2" "${@:3}"
    TOOK=$(after "$began" "$EPOCHREALTIME")
    awk -v took="${TOOK% s}" -v most="$1" 'BEGIN { exit !(took < most) }' || {
        echo "took $TOOK"
        return 1
    }
    echo "# ${*:3}: $(json 'error // .result') within $TOOK" >&3
}

request() { jq -nc --arg code "$1" --arg call "$2" '{ code: $code, call_id: $call }'; }

# only SERVER: a configuration that names that server alone.
only() {
    jq --arg url "postgresql://$(id -un)@127.0.0.1:$(port_of "$1")/postgres" '.store.url = $url' \
        "$IDB_CONFIG" >"$BATS_TEST_TMPDIR/only.json"
    echo "$BATS_TEST_TMPDIR/only.json"
}

@test "failover: a primary that hangs is given up within seconds, and can do nothing once it wakes" {
    local code old
    code=$(code_of "$(issue_status)")
    traffic_start
    STRUCK=$EPOCHREALTIME
    strike STOP "$PRIMARY"
    timed 10 69 idb-verify <<<"$(request "$code" before)"
    [ "$(json error)" = store_down ]
    promote
    traffic_flows "$PROMOTED"
    took 'hangs'
    # Whoever promotes makes sure that the other is gone.
    strike KILL "$STANDBY"
    traffic_flows
    traffic_end
    # Where that was forgotten it waits for its standby.
    old=$(only "$STANDBY")
    server_start "$STANDBY"
    IDB_CONFIG=$old timed 10 75 idb-verify <<<"$(request "$code" by-the-old-one)"
    [ "$(json error)" = store_unknown ]
    IDB_CONFIG=$old timed 10 75 issue_status
    [ "$(json error)" = store_unknown ]
    [[ $output != *code* ]]
    IDB_CONFIG=$(only "$PRIMARY") timed 10 0 idb-verify <<<"$(request "$code" by-the-new-one)"
    [ "$(json result)" = accepted ]
    is_sound
}

# cancel: ends the wait of the next issue for the standby.
cancel() {
    until_true cancelled
}

cancelled() {
    [ "$(ask "$PRIMARY" "SELECT COUNT(pg_cancel_backend(pid)) FROM pg_stat_activity
        WHERE wait_event = 'SyncRep' AND application_name = 'idb-issue'
          AND query_start > now() - interval '2 seconds'")" != 0 ]
}

@test "failover: the standby is gone: nothing is said to be done before it is back" {
    local code unknown
    code=$(code_of "$(issue_status)")
    traffic_start
    strike KILL "$STANDBY"
    timed 10 75 idb-verify <<<"$(request "$code" mine)"
    [ "$(json error)" = store_unknown ]
    [[ $stderr == 'idb-verify: The connection to the store was lost while committing.'* ]]
    timed 10 75 issue_status
    [ "$(json error)" = store_unknown ]
    [[ $output != *code* ]]
    cancel &
    timed 10 75 issue_status
    wait $!
    [[ $(json message) == 'It was done, but not on the standby'* ]]
    unknown=$EPOCHREALTIME
    server_start "$STANDBY"
    PROMOTED=$EPOCHREALTIME STRUCK=$unknown
    traffic_flows "$PROMOTED"
    took 'the standby was back'
    run --separate-stderr -0 idb-verify <<<"$(request "$code" mine)"
    [ "$(json result)" = accepted ]
    run --separate-stderr -1 idb-verify <<<"$(request "$code" another)"
    [ "$(json result)" = used ]
    traffic_end
}

@test "failover: the server is restarted under traffic: it goes on by itself" {
    local mode
    traffic_start
    for mode in fast immediate fast immediate; do
        STRUCK=$EPOCHREALTIME
        pg_stop "$PRIMARY" "$mode"
        server_start "$PRIMARY"
        PROMOTED=$EPOCHREALTIME # up again
        traffic_flows "$PROMOTED"
        took "restarted, $mode"
    done
    traffic_end
}

@test "failover: connections are ended by the server, 100 times in the middle of traffic" {
    local round ended=0
    traffic_start
    for round in {1..100}; do
        ((ended += $(ask "$PRIMARY" "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND application_name LIKE 'idb-%'")))
        [ $((round % 10)) != 0 ] || traffic_flows
    done
    traffic_flows
    echo "# $ended connections were ended" >&3
    [ "$ended" -gt 100 ]
    traffic_end
}
