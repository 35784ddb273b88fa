#!/usr/bin/env bats
# Sanitized with --long: what it shows are rights.
# An installation with a user for each zone: who can do what, and who cannot.
# Makes four users and a group and removes them.

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
    needs_root
    service_instance
}

teardown() {
    { exec 7>&-; } 2>/dev/null
    [ -z "${HERE-}" ] || rm -rf "$HERE"
}

# agent COMMAND…: as the desk's user, for the agent alice.
agent() { as "$DESK" env AUTH_TYPE=test REMOTE_USER=alice "$@"; }

# asks JSON COMMAND…: runs it with one request.
asks() {
    run --separate-stderr "${@:2}" <<<"$1"
}

# ok RESULT: exit 0, that result and nothing else said.
ok() {
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [ "$(json .result)" = "$1" ] && return
    printf '%s\n' "$status" "$output" "$stderr"
    return 1
}

# error STATUS WORD
error() {
    [ "$status" -eq "$1" ] && is_error "$2" && return
    printf '%s\n' "$status" "$output" "$stderr"
    return 1
}

# issued: a session, made by the web zone's user; sets issued and cookies.
issued() {
    asks "$(requests 1)" as "$WEB" idb-issue --attest=front-office
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    issued=$output
    cookies=$(jq -c --arg c "$(cookies_of "$issued")" '{ cookies: $c }' <<<'{}')
}

code_on() { jq -nc --arg code "$(code_of "$issued")" --arg call "$1" '{ code: $code, call_id: $call }'; }

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

@test "users: what root makes belongs to root and the zone's group, or the store's" {
    local zone user file
    [ "$(stat -c '%a %U %G' "$IDB_KEYS")" = '755 root root' ]
    for zone in web phone desk invite; do
        user=$GROUP-$zone
        [ "$(stat -c '%a %U %G' "$IDB_KEYS/$zone")" = "750 root $user" ]
        for file in "$IDB_KEYS/$zone"/*; do
            [ "$(stat -c '%a %U %G' "$file")" = "640 root $user" ]
        done
    done
    [ "$(stat -c '%a %U %G' "$HERE/store")" = "2770 root $GROUP" ]
    [ "$(stat -c '%a %U %G' "$IDB_STORE")" = "660 root $GROUP" ]
    [ "$(stat -c '%a %U %G' "$IDB_STORE-lock")" = "660 root $GROUP" ]
}

@test "users: who invites can make invitations and nothing else" {
    local code
    jq '.methods.login = { label: { nl: "Inlog" }, issuer: "https://login.example.org", client_id: "c",
            client_auth: "client_secret_basic", id_token_alg: "RS256",
            claims: { bsn: "bsn", name: "name" }, level: { claim: "acr", values: { s: "substantial" } } }
        | .purposes[].methods = ["login"]' "$IDB_CONFIG" >"$HERE/new"
    cat "$HERE/new" >"$IDB_CONFIG"
    asks '{"purpose":"status","person":"999990019"}' as "$INVITE" idb-invite
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    code=$(json code)
    asks "{\"invitation\":\"$code\"}" as "$WEB" idb-oidc-start
    [ "$status" -eq 0 ]
    [ "$(json .purpose.name)" = status ]
    for user in "$WEB" "$PHONE" "$DESK"; do
        asks '{"purpose":"status"}' as "$user" idb-invite
        error 77 key_unreadable
    done
    asks "{\"invitation\":\"$code\"}" as "$INVITE" idb-oidc-start
    error 77 key_unreadable
    asks "$(requests 1)" as "$INVITE" idb-issue --attest=front-office
    error 77 key_unreadable
    asks '{"code":"4821093471","call_id":"c-1"}' as "$INVITE" idb-verify
    error 77 key_unreadable
    asks '{"call_id":"c-1"}' as "$INVITE" env AUTH_TYPE=test REMOTE_USER=alice idb-lookup
    error 77 key_unreadable
}

@test "users: every program works as the user of its zone" {
    issued
    asks "$cookies" as "$WEB" idb-status
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(json .state)" = issued ]
    asks "$cookies" as "$WEB" idb-renew
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    issued=$output
    asks "$(code_on c-1)" as "$PHONE" idb-verify
    ok accepted
    asks "$(jq -c '.confirm = true' <<<"$cookies")" as "$WEB" idb-confirm
    ok confirmed
    asks '{"call_id":"c-1","to_call_id":"c-2"}' as "$PHONE" idb-transfer
    ok transferred
    asks '{"call_id":"c-2"}' agent idb-lookup
    ok open
    [[ $output == *Estpersoon* ]]
    asks '{"call_id":"c-2"}' as "$PHONE" idb-end
    ok wrap_up
    asks '{"call_id":"c-2"}' agent idb-end --zone=desk
    ok ended
    issued
    asks "$cookies" as "$WEB" idb-end
    ok ended
    run --separate-stderr as "$PHONE" idb-purge
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(json .pending_erasure)" = false ]
    for user in "$WEB" "$PHONE" "$DESK" "$INVITE"; do
        run --separate-stderr -0 as "$user" idb-stats
        [ "$(json .hour.steps.ended)" = 2 ]
    done
    run --separate-stderr -0 as "$DESK" idb-config check
}

@test "users: as the user of another zone each program is refused, with the zone and both users named" {
    local zone user other command request
    issued
    while IFS='|' read -r zone request command; do
        user=$GROUP-$zone
        for other in "$WEB" "$PHONE" "$DESK"; do
            [ "$other" != "$user" ] || continue
            # shellcheck disable=SC2086 # a command and its options
            asks "$request" as "$other" env AUTH_TYPE=test REMOTE_USER=alice $command
            error 77 key_unreadable || { echo "$command as $other"; return 1; }
            [[ $output == *"belongs to the $zone zone (user $user) and you are $other;"* ]]
            [[ $output == *"sudo -u $user"* ]]
        done
    done <<END
web|$(requests 1)|idb-issue --attest=front-office
web|$cookies|idb-status
web|$cookies|idb-renew
web|$(jq -c '.confirm = true' <<<"$cookies")|idb-confirm
phone|$(code_on c-1)|idb-verify
phone|{"call_id":"c-1","to_call_id":"c-2"}|idb-transfer
phone|{"call_id":"c-1"}|idb-end
desk|{"call_id":"c-1"}|idb-lookup
desk|{"call_id":"c-1"}|idb-end --zone=desk
END
    # Nothing was done: the code is as good as it was.
    asks "$(code_on c-1)" as "$PHONE" idb-verify
    ok accepted
}

@test "users: no zone's user can make, rotate or read the keys of another" {
    local other
    for other in "$WEB" "$PHONE" "$DESK"; do
        run --separate-stderr as "$other" idb-keys rotate
        [ "$status" -eq 77 ]
        [ "${#stderr_lines[@]}" -ge 1 ]
    done
    run --separate-stderr as "$WEB" cat "$IDB_KEYS/desk/seal.key"
    [ "$status" -ne 0 ]
    [ -z "$output" ]
    run --separate-stderr as "$WEB" touch "$IDB_KEYS/web/new" "$IDB_KEYS/web/code.key"
    [ "$status" -ne 0 ]
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

# mended ASK…: what ASK refuses with STATUS WORD is in order after the command
# that the message gives.
mended() {
    local word=$1 command
    shift
    asks "$cookies" "$@"
    error 78 "$word"
    command=$(json .message)
    command=${command##*: }
    [[ $command == ch* ]]
    quietly bash -c "$command"
    asks "$cookies" "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [ -z "$stderr" ]
    [ "$(json .state)" = issued ]
}

@test "users: a key file with a wrong mode is refused, and mended by the command in the message" {
    local mode key=$IDB_KEYS/web/browser.key
    issued
    for mode in 644 660 650 641 642 777; do
        chmod "$mode" "$key"
        mended key_rights as "$WEB" idb-status
    done
    # Without the group's right it is of no use to the zone.
    for mode in 600 604; do
        chmod "$mode" "$key"
        asks "$cookies" as "$WEB" idb-status
        error 77 key_unreadable
    done
}

@test "users: a key file of a wrong owner is refused, and mended by the command in the message" {
    local owner
    issued
    for owner in "$PHONE" "$DESK" nobody; do
        chown "$owner" "$IDB_KEYS/web/browser.key"
        mended key_rights as "$WEB" idb-status
        [ "$(stat -c '%a %U %G' "$IDB_KEYS/web/browser.key")" = "640 root $WEB" ]
    done
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
