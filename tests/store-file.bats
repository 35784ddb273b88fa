#!/usr/bin/env bats
# SQLite alone: the programs and the files of the store.

load lib
load life

setup() { idb_instance; }

# purged EXPIRED ERASED: the answer says so.
purged() { [ "$(json expired) $(json erased)" = "$1 $2" ]; }

# grep_store TEXT…: none of them stands in any file of the store.
grep_store() {
    local text
    for text in "$@"; do
        [ -n "$text" ] && ! grep -aqF -- "$text" "$IDB_STORE"* || return 1
    done
}

@test "idb-purge: all of the resident is gone, from every file of the store" {
    issued=$(issue_status '.caller = "+31612345678"')
    session=$(session_of "$issued")
    verify "$(code_of "$issued")" c-1 +31612345678 >/dev/null
    confirm "$issued" true >/dev/null
    sealed=$(column sealed "$session" | cut -c 200-260)
    yes=$(column confirmation "$session" | cut -c 100-160)
    run -0 grep -aqF -- "$sealed" "$IDB_STORE" "$IDB_STORE-wal"
    run --separate-stderr -0 at_offset +4h idb-purge
    purged 1 1
    [ "$(json pending_erasure)" = false ]
    grep_store "$sealed" "$yes"
    [ ! -s "$IDB_STORE-wal" ]
}

@test "idb-purge: also what others ended, whose bytes still stood in the log" {
    issued=$(issue_status)
    sealed=$(column sealed "$(session_of "$issued")" | cut -c 200-260)
    # A connection that is kept leaves the log where it is.
    coproc keeper { sqlite3 "$IDB_STORE"; }
    local in=${keeper[1]} out=${keeper[0]} pid=$keeper_PID
    echo 'SELECT COUNT(*) FROM session;' >&"$in"
    read -r -t 10 count <&"$out"
    [ "$count" = 1 ]
    browser idb-end "$issued" >/dev/null
    run --separate-stderr -0 idb-purge
    purged 0 0
    grep_store "$sealed"
    exec {in}>&-
    wait "$pid"
}

@test "idb-purge: a reader in the way is 75 pending_erasure, until it is gone" {
    issued=$(issue_status)
    sealed=$(column sealed "$(session_of "$issued")" | cut -c 200-260)
    coproc reader { sqlite3 "$IDB_STORE"; }
    local in=${reader[1]} out=${reader[0]} pid=$reader_PID
    echo 'BEGIN; SELECT state FROM session;' >&"$in"
    read -r -t 10 state <&"$out"
    [ "$state" = issued ]
    run --separate-stderr -75 at_offset +31m idb-purge
    purged 1 1
    [ "$(json pending_erasure)" = true ]
    [[ $stderr == idb-purge:\ * ]]
    [ "${#stderr_lines[@]}" = 1 ]
    run -0 grep -aqF -- "$sealed" "$IDB_STORE" "$IDB_STORE-wal"
    run --separate-stderr -75 at_offset +31m idb-purge
    purged 0 0
    echo 'COMMIT; SELECT 1;' >&"$in"
    read -r -t 10 _ <&"$out"
    run --separate-stderr -0 at_offset +31m idb-purge
    purged 0 0
    [ "$(json pending_erasure)" = false ]
    [ -z "$stderr" ]
    grep_store "$sealed"
    exec {in}>&-
    wait "$pid"
}

# ---- idb-stats ----

@test "idb-stats: takes no lock of a file, and no row is found by going through a whole table" {
    [ "$(count_calls flock idb-stats)" = 0 ]
    plan() { sqlite3 "$IDB_STORE" "EXPLAIN QUERY PLAN $1"; }
    plans=0
    while read -r statement; do
        run -0 plan "$statement"
        [[ $output =~ SEARCH\ .*\ USING\ (COVERING\ )?INDEX ]]
        [[ $output != *SCAN* ]]
        plans=$((plans + 1))
    done < <(printf '#include "sql.h"\n#include <stdio.h>\nint main(void) { puts(idb_sql[IDB_SQL_LIVE_STATES]);
        puts(idb_sql[IDB_SQL_ENDED_STATES]); puts(idb_sql[IDB_SQL_ENDED_PURPOSES]);
        puts(idb_sql[IDB_SQL_AUDIT_RESULTS]); puts(idb_sql[IDB_SQL_DUE_COUNT]); return 0; }\n' |
        gcc -I"$IDB_ROOT/lib" -o "$BATS_TEST_TMPDIR/sql" -x c - -x c "$IDB_ROOT/lib/sql.c" && "$BATS_TEST_TMPDIR/sql")
    [ "$plans" = 5 ]
}

@test "idb-stats: the size of the files" {
    run --separate-stderr -0 idb-stats
    [ "$(json .store.bytes)" = "$(stat -c %s "$IDB_STORE")" ]
    [ "$(json .store.pages)" = "$(sql 'PRAGMA page_count')" ]
}

@test "idb-stats: a store that is closed to us, damaged or busy" {
    chmod 644 "$IDB_STORE"
    run --separate-stderr -78 idb-stats
    failed idb-stats store_rights
    chmod 600 "$IDB_STORE"
    # Somebody has the whole database to themselves.
    mkfifo "$BATS_TEST_TMPDIR/in"
    sqlite3 "$IDB_STORE" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
    exec 7>"$BATS_TEST_TMPDIR/in"
    echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; SELECT 1;' >&7
    until grep -qx 1 "$BATS_TEST_TMPDIR/out"; do sleep 0.02; done
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new" && mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    run --separate-stderr -75 idb-stats
    failed idb-stats busy
    exec 7>&-
    wait
    run --separate-stderr -0 idb-stats
    printf 'no database' >"$IDB_STORE"
    run --separate-stderr -78 idb-stats
    failed idb-stats store_corrupt
}

# ---- idb-health ----

@test "idb-health: a store in which another writer does not finish is exit 75" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new" && mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    hold_lock
    run --separate-stderr -75 idb-health
    [ "$(json .store.error)" = busy ]
    release_lock
    run --separate-stderr -0 idb-health
}
