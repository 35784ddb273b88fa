# Many writers, many sessions, and a purge of many, for tests/bench/run. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run, stores.bash and serve.bash set

# measure_writers: 16 at once, a process for each code.
measure_writers() {
    local config n=$((count * 10))
    config=$(instance_new writers_store)
    fill_live "$config" "$n" >writers.requests
    "$crowd" writers 16 "$IDB_BUILD/idb-verify" --config="$config" <writers.requests
    accepted writers "$n"
    rm -r writers_store
}

# measure_rows: a process, and a request to a process that is kept, with $rows sessions in
# the store and with 1,000.
measure_rows() {
    local large small ports round n=$((count * 5))
    large=$(instance_new large)
    small=$(instance_new small)
    fill_ended "$large" "$rows"
    fill_ended "$small" 1000
    fill_live "$large" "$count" >large.requests
    fill_live "$small" "$count" >small.requests
    split_input rows_large <large.requests
    split_input rows_small <small.requests
    "$spawn" rows_large "$count" rows_large "$IDB_BUILD/idb-verify" --config="$large" \
        -- rows_small "$count" rows_small "$IDB_BUILD/idb-verify" --config="$small"
    accepted rows_large "$count"
    accepted rows_small "$count"
    fill_live "$large" "$((n * rounds))" >large.requests
    fill_live "$small" "$((n * rounds))" >small.requests
    exec 5<large.requests 6<small.requests
    ports=$(free_ports 2)
    serve_start "$large" "$ports" verify
    serve_start "$small" "$((ports + 1))" verify
    for ((round = 0; round < rounds; round++)); do
        take "$n" 5 | requested rows_large_kept "$ports" 1 1
        take "$n" 6 | requested rows_small_kept "$((ports + 1))" 1 1
    done
    exec 5<&- 6<&-
    serve_stop "${serves[-1]}"
    serve_stop "${serves[-1]}"
    rm -r large small large.requests small.requests
}

# measure_purge: a caller after the other on one connection, while $purge sessions that are
# past their time are erased; before that, without it.
measure_purge() {
    local config port asking
    config=$(instance_new purge_store)
    port=$(free_ports 1)
    fill_live "$config" "$purge" overdue >/dev/null
    fill_live "$config" $((count * 10)) >calm.requests
    fill_live "$config" $((count * 10 + purge / 2)) >purge.requests
    serve_start "$config" "$port" verify
    requested calm "$port" 1 1 <calm.requests
    "$load" purge "$port" 1 1 '"result":"accepted"' <purge.requests >purge.asked &
    asking=$!
    idb-purge --config="$config" >purged || [ $? = 75 ]
    [ "$(jq .erased purged)" = "$purge" ]
    kill "$asking" || { # it stops as soon as it has been answered
        echo 'run: the callers were through before the purge was' >&2
        exit 70
    }
    wait "$asking"
    cat purge.asked
    serve_stop "$SERVE"
    rm -r purge_store calm.requests purge.requests
}
