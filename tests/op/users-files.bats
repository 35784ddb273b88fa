#!/usr/bin/env bats
# SQLite alone.
# Sanitized with --long: what it shows are rights.
# The files of a store that users of several zones share.

setup_file() {
    load ../lib
    load service
    services_up
}
teardown_file() { services_down; }

setup() {
    load ../lib
    load lib
    load service
    load users
    needs_root
    service_instance
}

teardown() {
    { exec 7>&-; } 2>/dev/null
    [ -z "${HERE-}" ] || rm -rf "$HERE"
}

# shared: each file of the store is the group's.
shared() {
    local file
    [ "$(stat -c '%a %G' "$HERE/store")" = "2770 $GROUP" ]
    for file in "$IDB_STORE" "$IDB_STORE"-{wal,shm,lock}; do
        [ "$(stat -c '%a %G' "$file")" = "660 $GROUP" ] || { ls -l "$HERE/store"; return 1; }
    done
}

# all_work CALL: every zone's user writes in the store, and root looks at it.
all_work() {
    issued
    asks "$(code_on "$1")" as "$PHONE" idb-verify
    ok accepted
    asks "{\"call_id\":\"$1\"}" agent idb-lookup
    ok open
    [[ $output == *Estpersoon* ]]
    asks "{\"call_id\":\"$1\"}" agent idb-end --zone=desk
    ok ended
    run --separate-stderr -0 idb-store check
    [ "$(json .rights)" = ok ]
}

# first USER REQUEST COMMAND…: that user is the first in a store that nobody has
# open, with the strictest umask, and stays; then all the others come.
first() {
    local user=$1 request=$2 i pid
    shift 2
    [ ! -e "$IDB_STORE-wal" ]
    [ ! -e "$IDB_STORE-shm" ]
    mkfifo "$HERE/in"
    as "$user" sh -c 'umask 077 && exec "$@"' sh "$@" <"$HERE/in" >"$HERE/out" 2>"$HERE/err" 3>&- &
    pid=$!
    exec 7>"$HERE/in"
    printf '%s\n' "$request" >&7
    for ((i = 0; i < 200; i++)); do
        [ ! -s "$HERE/out" ] || break
        sleep 0.05
    done
    [ "$(jq -r 'has("result")' "$HERE/out")" = true ]
    shared
    all_work first-1 7>&-
    shared
    printf '%s\n' "$request" >&7
    exec 7>&-
    wait "$pid" || [ $? -eq 1 ]
    [ "$(jq -c 'has("result")' "$HERE/out" | sort -u)" = true ]
    [ "$(wc -l <"$HERE/out")" -eq 2 ]
    [ ! -s "$HERE/err" ]
    # And once everybody has gone, again.
    all_work first-2
}

@test "users: the store belongs to root and its group" {
    [ "$(stat -c '%a %U %G' "$HERE/store")" = "2770 root $GROUP" ]
    [ "$(stat -c '%a %U %G' "$IDB_STORE")" = "660 root $GROUP" ]
    [ "$(stat -c '%a %U %G' "$IDB_STORE-lock")" = "660 root $GROUP" ]
}

@test "users: whoever is in the store's group may erase and count" {
    for user in "$WEB" "$PHONE" "$DESK" "$INVITE" "$PURGE"; do
        run --separate-stderr -0 as "$user" idb-purge
        [ "$(json .pending_erasure)" = false ]
        run --separate-stderr -0 as "$user" idb-stats
        [ "$(json .hour.steps.ended)" = 0 ]
    done
}

@test "users: the store's files are shared when the web zone comes first" {
    first "$WEB" "$(requests 1 | jq -c .)" sh -c 'idb-issue --attest=front-office | jq -c --unbuffered "{ result: .code }"'
}

@test "users: the store's files are shared when the phone zone comes first" {
    first "$PHONE" '{"code":"1","call_id":"x"}' idb-verify
}

@test "users: the store's files are shared when the desk comes first" {
    first "$DESK" '{"open":true}' env AUTH_TYPE=test REMOTE_USER=alice idb-lookup
}

@test "users: the store's files are shared when root comes first" {
    first root '{"code":"1","call_id":"x"}' idb-verify
}

@test "users: a store that is not the group's, or everybody's, is refused and mended likewise" {
    local wrong
    issued
    for wrong in "600 $IDB_STORE" "664 $IDB_STORE" "600 $IDB_STORE-lock" "666 $IDB_STORE-lock" \
        "0770 $HERE/store" "2775 $HERE/store"; do
        chmod "${wrong%% *}" "${wrong#* }"
        mended store_rights as "$WEB" idb-status || { echo "$wrong"; return 1; }
    done
    [ "$(stat -c '%a %G' "$HERE/store" "$IDB_STORE" "$IDB_STORE-lock" | sort -u)" = "2770 $GROUP
660 $GROUP" ]
}

@test "users: who is not in the store's group is refused, whatever keys they can read" {
    run --separate-stderr as nobody idb-purge
    [ "$status" -eq 77 ]
    is_error store_unreadable
    run --separate-stderr as nobody idb-stats --prometheus
    [ "$status" -eq 77 ]
    is_error store_unreadable
    [[ $output == *"member of the store's group"* ]]
    asks '{"code":"1","call_id":"x"}' as nobody idb-verify
    error 77 key_unreadable
    [[ $output == *"(user $PHONE) and you are nobody;"* ]]
    # The zone's user, without the group.
    asks '{"code":"1","call_id":"x"}' env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" setpriv \
        --reuid="$PHONE" --regid="$(id -g "$PHONE")" --clear-groups idb-verify
    error 77 store_unreadable
    [[ $output == *"member of the store's group"* ]]
}
