#!/usr/bin/env bats
# Sanitized with --long: what it shows are rights.
# shellcheck disable=SC2034 # what users.bash reads
# An installation with a user for each zone: who can do what, and who cannot.
# Makes five users and a group and removes them.
# On PostgreSQL with --long

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

@test "users: what root makes belongs to root and the zone's group" {
    local zone user file
    [ "$(stat -c '%a %U %G' "$IDB_KEYS")" = '755 root root' ]
    for zone in web phone desk invite; do
        user=$GROUP-$zone
        [ "$(stat -c '%a %U %G' "$IDB_KEYS/$zone")" = "750 root $user" ]
        for file in "$IDB_KEYS/$zone"/*; do
            [ "$(stat -c '%a %U %G' "$file")" = "640 root $user" ]
        done
    done
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
    run --separate-stderr as "$PURGE" idb-purge
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "$(json .pending_erasure)" = false ]
    run --separate-stderr -0 as "$PURGE" idb-stats
    [ "$(json .hour.steps.ended)" = 2 ]
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

