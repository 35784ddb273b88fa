# What the telephone waits for behind inetd, beside a service there that only says the same
# again (echo.c), for tests/bench/run. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets

# The telephone's programs and an echo behind inetd; PORT and the two after it.
prepare_telephone() {
    local user
    user=$(id -un)
    PORT=$(free_ports 3)
    printf "127.0.0.1:%d stream tcp4 nowait.60000 $user %s %s\n" \
        "$PORT" "$IDB_BUILD/idb-agi" idb-agi "$((PORT + 1))" "$IDB_BUILD/idb-verify" idb-verify \
        "$((PORT + 2))" "$IDB_BUILD/tests/bench/echo" echo >inetd.conf
    inetd_start "$PWD/inetd.conf" "$user" 3>&-
    until listening "$PORT" && listening "$((PORT + 2))"; do
        kill -0 "$INETD"
        sleep 0.01
    done
    issue "$((count + stream))" | jq -r .code >telephone.codes
}

# The whole of a call by FastAGI, and a request on a connection that is kept.
measure_telephone() {
    "$IDB_BUILD/tests/bench/telephone" "$PORT" "$((PORT + 1))" "$((PORT + 2))" "$count" "$stream" \
        <telephone.codes
}
