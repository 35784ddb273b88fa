#!/usr/bin/env bats
# The connection to PostgreSQL cut at every place, in both directions: what a program
# answers and what the store holds agree, whatever got through.

setup() {
    load ../lib
    load ../op/lib
    load ../tools/postgresql
    sql() { psql -qAtX -h "$PG_DIR" postgres <<<"SET search_path TO $SCHEMA; $1"; } # of this server
    DIR=$(mktemp -d /tmp/idb-cut.XXXXXX) # the path of a socket must be short
    chmod 755 "$DIR"
    export PG_DIR=$DIR/server
    pg_make "$PG_DIR"
    pg_start "$PG_DIR"
    export IDB_CONFIG=$BATS_TEST_TMPDIR/idb.json
    # A code keyed in once more counts as a wrong one.
    idb_config "$BATS_TEST_TMPDIR" | jq --arg url "postgresql:///postgres?host=$PG_DIR" '
        .store = { url: $url } | .throttle = { total: 1000000, per_caller: 1000 }' >"$IDB_CONFIG"
    mkdir -m 700 "$BATS_TEST_TMPDIR/cache"
    idb-keys create >/dev/null
}

teardown() {
    pg_stop "$PG_DIR" immediate
    rm -rf "$DIR"
}

# cut WHAT HOW WHICH EVERY: cut-rounds finds nothing wrong, and leaves stores that are sound;
# its figures are shown.
cut() {
    local config
    run --separate-stderr "$IDB_ROOT/tests/tools/cut-rounds" "$@"
    [ "$status" -eq 0 ] && [ -z "$stderr" ] || {
        printf '%s\n' "$output" "$stderr" | head -n 30
        return 1
    }
    printf '%s\n' "$output" >&3
    for config in "$BATS_TEST_TMPDIR"/direct.*.json; do
        SCHEMA=$(jq -r .store.schema "$config")
        IDB_CONFIG=$config is_sound
        rm "$config"
    done
}

@test "cut: a verify, its first connection cut everywhere: accepted all the same" {
    cut verify close first 1
    cut verify reset first 3
    cut verify terminate first 1
}

@test "cut: a verify, every connection cut: what it says is what the store holds" {
    cut verify close all 2
    cut verify terminate all 2
}

@test "cut: three verifies in one stream: each has its own answer, and it is true" {
    cut group close first 5
    cut group close all 5
    cut group terminate all 3
}

@test "cut: an issue: no code is shown that is not in the store" {
    cut issue close first 1
    cut issue close all 5
    cut issue terminate first 1
}

@test "cut: an end: what is said to have ended is erased" {
    cut end close first 3
    cut end close all 5
}

@test "cut: a lookup: nothing is shown that is not on record" {
    cut lookup close first 3
    cut lookup close all 5
}

@test "cut: connections that fall silent are given up, and what was asked is done by another" {
    local what
    for what in verify group issue end lookup; do
        cut "$what" silent first 9
    done
    cut verify silent all 11
    cut issue silent all 11
}
