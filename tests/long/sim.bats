#!/usr/bin/env bats
# The plain build only: a day of traffic, held against a model, on both stores. SEED=… is that
# day again, SCALE=10 ten times as many people.

setup_file() {
    load ../lib
    "$IDB_ROOT/scripts/provider" install
    make -s -C "$IDB_ROOT" build/tests/clock.so
}

setup() {
    load ../lib
    load ../op/login
    load ../tools/postgresql
    DIR=$(mktemp -d /tmp/idb-sim.XXXXXX) # the path of a socket must be short
    chmod 755 "$DIR"
}

teardown() {
    pg_stop "$DIR/pg" immediate
    [ -z "${DAY-}" ] || kill "$DAY" 2>/dev/null || true
    rm -rf "$DIR"
}

# a_day STORE: the simulator on that store; what it prints is shown. Keys and store are made
# by it, in the morning of its day.
a_day() {
    local status=0
    export IDB_CONFIG=$DIR/idb.json
    mkdir -m 700 "$DIR/cache" "$DIR/keys" "$DIR/keys/web"
    (umask 077 && echo hush >"$DIR/keys/web/login.secret")
    store_new "$DIR"
    idb_config "$DIR" | jq --arg url "$1" --arg issuer "http://127.0.0.1:$(free_port)" '
        .store = { url: $url, wait_ms: 20000 }
        | .code = { digits: 10, valid: 600 }
        | .session = { lifetime: 14400, wrap_up: 900, renew: 1800, renewals: 3 }
        | .throttle = { per_call: 3, per_caller: 10, total: 100, window: 600 }
        | .desk += { alice: ["agent"], bob: ["agent"], carol: ["agent"], dave: ["agent"] }
        | .methods = { login: { label: { nl: "Inlog", en: "Login" }, issuer: $issuer,
            client_id: "id-bellen", client_auth: "client_secret_basic", id_token_alg: "RS256",
            claims: { bsn: "bsn", name: "name" },
            level: { claim: "acr", values: { medium: "substantial" } } } }
        | .purposes[].methods = ["login"]' >"$IDB_CONFIG"
    "$IDB_ROOT/build/provider/node_modules/.bin/node" "$IDB_ROOT/tests/sim/day.mjs" "$DIR" \
        "$IDB_BUILD" "$IDB_ROOT/build/tests/clock.so" >"$DIR/said" 2>&1 3>&- &
    DAY=$!
    wait "$DAY" || status=$?
    DAY=
    sed 's/^/# /' "$DIR/said" >&3
    return "$status"
}

@test "sim: a day of traffic on SQLite: every answer and every row is as predicted" {
    a_day "sqlite:$DIR/store/idb.db"
}

@test "sim: a day of traffic on PostgreSQL, whose server crashes twice: the same" {
    pg_make "$DIR/pg"
    pg_start "$DIR/pg"
    printf '#!/bin/bash\n. %q\npg_bin\npg_stop %q immediate\npg_start %q\n' \
        "$IDB_ROOT/tests/tools/postgresql.bash" "$DIR/pg" "$DIR/pg" >"$DIR/restart"
    chmod 755 "$DIR/restart"
    RESTART=$DIR/restart a_day "postgresql:///postgres?host=$DIR/pg"
}
