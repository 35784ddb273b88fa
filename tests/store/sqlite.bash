# The store of an instance as the tests see it: an SQLite file. What tests ask of a store
# has the same names in postgresql.bash beside it; lib.bash loads one of the two, and no
# test knows which, but for those about this file itself.
# shellcheck shell=bash

# The error word where another writer does not finish.
# shellcheck disable=SC2034 # for the tests
BUSY=busy

# store_new DIR: a store for the instance in DIR, to be made by idb-store create. Sets
# STORE, the member "store" of its configuration, and IDB_STORE, the database file.
store_new() {
    export IDB_STORE=$1/store/idb.db
    STORE='{"url":"sqlite:'$IDB_STORE'"}'
}

# store_of_users GROUP PURGE: the member of a store that users of a system group share, one
# of whom erases; for store_new.
store_of_users() {
    STORE=$(jq -c --arg group "$1" '.group = $group' <<<"$STORE")
}

# store_users_gone USER…: before those are removed.
store_users_gone() { :; }

# sql STATEMENT: what an administrator, or an attacker, does with the store. Values are
# printed with | between them, true as 1.
sql() { sqlite3 -bail -cmd '.timeout 10000' "$IDB_STORE" "$1"; }

# dump: all that the store holds, in an order that stays.
dump() { sql .dump; }

# store_bytes: whatever stands in the store as it was written, for grep -a.
store_bytes() { cat "$IDB_STORE"*; }

# hold_lock: nobody else writes until release_lock, or the end of this test.
hold_lock() {
    exec {held}>>"$IDB_STORE-lock"
    flock -n "$held"
}
release_lock() { flock -u "$held"; }

# lock_holder SECONDS: a command that holds it for so long.
lock_holder() { echo "flock $IDB_STORE-lock sleep $1"; }

# is_held: somebody holds it.
is_held() { ! flock -n "$IDB_STORE-lock" true; }

# queued: somebody waits to write.
queued() { grep -qE " -> FLOCK .*:$(stat -c %i "$IDB_STORE-lock") " /proc/locks; }

# store_gone: as if it had never been made. store_away, store_back: for a while.
store_gone() { rm "$IDB_STORE"; }
store_away() { mv "${IDB_STORE%/*}" "${IDB_STORE%/*}.away"; }
store_back() { mv "${IDB_STORE%/*}.away" "${IDB_STORE%/*}"; }
