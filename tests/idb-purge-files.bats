#!/usr/bin/env bats
# SQLite alone: what idb-purge erases is gone from every file of the store.

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
