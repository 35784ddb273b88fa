#!/usr/bin/env bats
# PostgreSQL alone.
# Sanitized with --long: what it shows are rights.
# What the server lets a zone do that has its role and no keys, and that each program
# gets by with what its own may. Makes five users and a group and removes them.

export IDB_TEST_STORE=postgresql

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
    issued
}

teardown() { [ -z "${HERE-}" ] || rm -rf "$HERE"; }

# sql_as USER STATEMENT: an error is told by its state alone.
sql_as() {
    as "$1" env PGOPTIONS="-c search_path=$IDB_STORE -c client_min_messages=error" \
        psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -h "$IDB_TEST_SERVER" -d postgres -c "$2"
}

# denied USER STATEMENT…: those are sound, and that one has no right to them (42501).
denied() {
    local user=$1 statement
    shift
    for statement in "$@"; do
        sql "BEGIN; $statement; ROLLBACK" >/dev/null || { echo "not sound: $statement"; return 1; }
        run --separate-stderr sql_as "$user" "$statement"
        [ "$status" -ne 0 ] && [ "$stderr" = 'ERROR:  42501' ] && [ -z "$output" ] ||
            { printf '%s\n' "$user: $statement" "$output" "$stderr"; return 1; }
    done
}

# allowed USER STATEMENT…: and nothing of it stays.
allowed() {
    local user=$1 statement
    shift
    for statement in "$@"; do
        run --separate-stderr sql_as "$user" "BEGIN; $statement; ROLLBACK"
        [ "$status" -eq 0 ] && [ -z "$stderr" ] ||
            { printf '%s\n' "$user: $statement" "$output" "$stderr"; return 1; }
    done
}

# A whole row for a session and an invitation, and the call of the one there is.
NEW_SESSION="INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, code_expires_at,
    renewals, renew_until, created_at, expires_at, due_at, sealed)
    VALUES ('new', 'new', 'issued', 'status', 'kcc', 'nl', 'notify', 1, 0, 1, 1, 1, 1, 'a')"
NEW_INVITATION="INSERT INTO invitation (id, code_mac, purpose, bound, expires_at, sealed)
    VALUES ('new', '\\x00', 'status', 0, 1, 'a')"

called() {
    asks "$(code_on c-1)" as "$PHONE" idb-verify
    ok accepted
}

# ---- what a role must not ----

@test "roles: web cannot read what is sealed, seal anew, bind a call or move one" {
    denied "$WEB" "SELECT sealed FROM session" "SELECT * FROM session" \
        "UPDATE session SET sealed = 'another'" \
        "UPDATE session SET call_id = 'c-1'" "UPDATE session SET bound = '\\x00'" \
        "UPDATE session SET bound_key = 'k'" "UPDATE session SET number_hint = 'match'" \
        "UPDATE session SET caller_last2 = '78'" "UPDATE session SET called_at = 1" \
        "UPDATE session SET connected_at = 1" "UPDATE session SET purpose = 'change'" \
        "UPDATE session SET confirm = 'notify'" "UPDATE session SET expires_at = expires_at + 1" \
        "UPDATE session SET token_hash = '\\x00'" "UPDATE session SET id = 'another'" \
        "${NEW_SESSION/sealed)/bound)}" "${NEW_SESSION/sealed)/call_id)}" "$NEW_INVITATION" \
        "UPDATE invitation SET bound = 0"
    called
    # A call that is bound stays as it was bound; only ending takes it away.
    denied "$WEB" "UPDATE session SET call_id = 'c-2'" "UPDATE session SET bound = '\\x00'"
    allowed "$WEB" "$NEW_SESSION" \
        "UPDATE session SET state = 'cancelled', sealed = NULL, call_id = NULL, bound = NULL"
}

@test "roles: phone can neither read nor write what is sealed, nor make a session" {
    denied "$PHONE" "SELECT sealed FROM session" "SELECT * FROM session" "TABLE session" \
        "SELECT token_hash FROM session" \
        "SELECT id FROM session WHERE sealed LIKE 'ey%'" "UPDATE session SET sealed = 'another'" \
        "UPDATE session SET call_id = sealed" "$NEW_SESSION" \
        "UPDATE session SET confirmation = 'yes'" "UPDATE session SET announced = '\\x00'" \
        "UPDATE session SET code_mac = '\\x00'" "UPDATE session SET token_hash = '\\x00'" \
        "UPDATE session SET purpose = 'change'" "UPDATE session SET renewals = 0" \
        "UPDATE session SET expires_at = expires_at + 1" \
        "SELECT id FROM invitation" "UPDATE invitation SET spent_at = NULL" "$NEW_INVITATION"
    allowed "$PHONE" "UPDATE session SET call_id = 'c-1', bound = '\\x00', called_at = 1" \
        "UPDATE session SET sealed = NULL, confirmation = NULL"
}

@test "roles: the desk can neither make a session, nor seal anew, nor bind a call" {
    denied "$DESK" "$NEW_SESSION" "UPDATE session SET sealed = 'another'" \
        "UPDATE session SET call_id = 'c-1'" "UPDATE session SET bound = '\\x00'" \
        "UPDATE session SET confirmation = 'yes'" "UPDATE session SET code_mac = '\\x00'" \
        "UPDATE session SET called_at = 1" "UPDATE session SET confirm = 'notify'" \
        "UPDATE session SET purpose = 'change'" "SELECT count FROM attempts" \
        "UPDATE attempts SET count = 0" "SELECT id FROM invitation" "$NEW_INVITATION"
    called
    denied "$DESK" "UPDATE session SET call_id = 'c-2'" "UPDATE session SET bound = '\\x00'"
    allowed "$DESK" "SELECT sealed FROM session" "UPDATE session SET state = 'connected', connected_at = 1"
}

@test "roles: who invites reads no session, and nothing that an invitation carries" {
    denied "$INVITE" "SELECT id FROM session" "SELECT COUNT(*) FROM session" "$NEW_SESSION" \
        "UPDATE session SET state = 'done'" "SELECT sealed FROM invitation" "SELECT * FROM invitation" \
        "UPDATE invitation SET expires_at = 1" "UPDATE invitation SET spent_at = NULL" \
        "SELECT call_hash FROM ended_call" "SELECT subject FROM attempts"
    allowed "$INVITE" "$NEW_INVITATION" "SELECT id, code_mac FROM invitation"
}

@test "roles: who erases reads nothing sealed and makes nothing" {
    denied "$PURGE" "SELECT sealed FROM session" "SELECT token_hash FROM session" \
        "SELECT * FROM session" "$NEW_SESSION" "$NEW_INVITATION" \
        "UPDATE session SET sealed = 'another'" "UPDATE session SET bound = '\\x00'" \
        "UPDATE session SET call_id = 'c-1'" "UPDATE session SET confirmation = 'yes'" \
        "UPDATE session SET expires_at = 1" "UPDATE audit SET result = 'ok'" "DELETE FROM meta" \
        "UPDATE meta SET value = 1"
    allowed "$PURGE" "DELETE FROM session" "DELETE FROM ended_call" "DELETE FROM attempts" \
        "DELETE FROM audit" "DELETE FROM invitation" "UPDATE session SET sealed = NULL"
}

@test "roles: nobody but who erases deletes a row, and nobody changes what is on record" {
    local user table
    for user in "$WEB" "$PHONE" "$DESK" "$INVITE"; do
        for table in meta session ended_call attempts audit counter invitation; do
            denied "$user" "DELETE FROM $table" "TRUNCATE $table"
        done
        denied "$user" "UPDATE audit SET actor = 'nobody'" "UPDATE meta SET value = 1"
    done
    denied "$PURGE" "TRUNCATE session" "TRUNCATE audit"
    # What was done is read by the desk alone, and counted by who erases.
    for user in "$WEB" "$PHONE" "$INVITE"; do
        denied "$user" "SELECT actor FROM audit" "SELECT detail FROM audit"
    done
}

@test "roles: no role can change the schema, take a trigger away or go round one" {
    local user
    for user in "$WEB" "$PHONE" "$DESK" "$INVITE" "$PURGE"; do
        denied "$user" "CREATE TABLE mine (a int)" "DROP TABLE counter" \
            "CREATE INDEX mine ON session (sealed)" "DROP TRIGGER session_bound ON session" \
            "ALTER TABLE session DISABLE TRIGGER ALL" "SET session_replication_role = replica" \
            "CREATE OR REPLACE FUNCTION session_bound() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'" \
            "SET ROLE \"$(id -un)\"" "CREATE ROLE mine"
    done
}

@test "roles: who has no role of the store gets nowhere" {
    run --separate-stderr as nobody idb-purge
    [ "$status" -eq 77 ]
    is_error store_unreadable
    run --separate-stderr as nobody idb-stats
    [ "$status" -eq 77 ]
    is_error store_unreadable
    run --separate-stderr as "$INVITE" idb-purge
    [ "$status" -eq 77 ]
    is_error store_unreadable
}

# ---- what it can ----

@test "roles: a whole call, each program as its own role" {
    local code
    asks "$cookies" as "$WEB" idb-status
    [ "$status$(json .state)" = 0issued ]
    asks "$cookies" as "$WEB" idb-renew
    [ "$status$stderr" = 0 ]
    issued=$output
    # A wrong code and a mistyped one first; both are on record.
    code=$(code_of "$issued")
    asks "$(keyed "$(wrong_code "$code")" c-1)" as "$PHONE" idb-verify
    [ "$status$(json .result)" = 1wrong ]
    asks "$(keyed "$(mistyped_code "$code")" c-1)" as "$PHONE" idb-verify
    [ "$status$(json .result)" = 1mistyped ]
    called
    run --separate-stderr -0 as "$PHONE" idb-health
    [ "$status$(json .store)" = 0ok ]
    asks '{"open":true}' agent idb-lookup
    [ "$status$(json '.calls | length')" = 01 ]
    asks '{"call_id":"c-1","peek":true}' agent idb-lookup
    ok peek
    asks "$(jq -c '.confirm = true' <<<"$cookies")" as "$WEB" idb-confirm
    ok confirmed
    asks '{"call_id":"c-1","to_call_id":"c-2"}' as "$PHONE" idb-transfer
    ok transferred
    asks '{"call_id":"c-2"}' agent idb-lookup
    ok open
    [[ $output == *Estpersoon* ]]
    asks '{"call_id":"c-2","reveal":["bsn"]}' agent idb-lookup
    [ "$status" -eq 0 ]
    [[ $output == *999990019* ]]
    asks '{"call_id":"c-2","hand_over":true}' agent idb-lookup
    [ "$status$stderr" = 0 ]
    asks '{"call_id":"c-2"}' as "$PHONE" idb-end
    ok wrap_up
    asks "{\"ticket\":\"$(member ticket "$issued")\"}" as "$DESK" env AUTH_TYPE=x REMOTE_USER=sam idb-lookup
    [ "$status" -eq 0 ]
    asks '{"call_id":"c-2"}' agent idb-end --zone=desk
    ok ended
    [ "$(sql "SELECT sealed IS NULL AND call_id IS NULL AND bound IS NULL FROM session")" = 1 ]
    [ "$(sql "SELECT actor, result FROM audit WHERE action = 'verify' AND session IS NOT NULL")" = 'line:kcc|accepted' ]
    run --separate-stderr -0 as "$PURGE" idb-stats
    [ "$(json .hour.steps.ended)" = 1 ]
}

@test "roles: each zone ends a session of its own accord" {
    asks "$cookies" as "$WEB" idb-end
    ok ended
    issued
    called
    asks '{"call_id":"c-1"}' as "$PHONE" idb-end
    ok ended
    issued
    asks "$(code_on c-2)" as "$PHONE" idb-verify
    ok accepted
    asks "$(jq -c '.confirm = false' <<<"$cookies")" as "$WEB" idb-confirm
    ok not_me
    [ "$(sql 'SELECT COUNT(*), COUNT(sealed), COUNT(call_id) FROM session')" = '3|0|0' ]
}

@test "roles: a forged row raises the alarm from the desk" {
    called
    sql "UPDATE session SET bound = x'00'"
    asks '{"call_id":"c-1"}' agent idb-lookup
    error 70 forged
    [ "$(sql "SELECT count FROM counter WHERE name = 'forged'")" = 1 ]
}

@test "roles: an invitation is made, looked up, used once and erased, each by its own role" {
    local code
    jq '.methods.login = { label: { nl: "Inlog" }, issuer: "https://login.example.org", client_id: "c",
            client_auth: "client_secret_basic", id_token_alg: "RS256",
            claims: { bsn: "bsn", name: "name" }, level: { claim: "acr", values: { s: "substantial" } } }
        | .purposes[].methods = ["login"]' "$IDB_CONFIG" >"$HERE/new"
    cat "$HERE/new" >"$IDB_CONFIG"
    asks '{"purpose":"status","person":"999990019","expires_in":3600}' as "$INVITE" idb-invite
    [ "$status$stderr" = 0 ]
    code=$(json code)
    asks "{\"invitation\":\"$code\"}" as "$WEB" env REMOTE_ADDR=192.0.2.1 idb-oidc-start
    [ "$status$(json .purpose.name)" = 0status ]
    # A wrong one is counted.
    asks '{"invitation":"BCDFG-HJKLM"}' as "$WEB" env REMOTE_ADDR=192.0.2.1 idb-oidc-start
    [ "$status$(json .error)" = 1invitation_unknown ]
    allowed "$WEB" "UPDATE invitation SET spent_at = 1, sealed = NULL WHERE spent_at IS NULL RETURNING id"
    at_offset +2h as "$PURGE" idb-purge >"$HERE/purged"
    [ "$(jq .invitations "$HERE/purged")" = 1 ]
}

@test "roles: what is past its time is ended by idb-issue, and erased and deleted by idb-purge" {
    called
    asks "$(keyed "$(wrong_code "$(code_of "$issued")")" c-9)" as "$PHONE" idb-verify
    for _ in 1 2 3; do issued; done
    at_offset +5h as "$WEB" idb-issue --attest=front-office < <(requests 1) >"$HERE/issued"
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'expired' AND sealed IS NULL")" -ge 1 ]
    at_offset +10h as "$PURGE" idb-purge >"$HERE/purged"
    [ "$(sql 'SELECT COUNT(sealed), COUNT(call_id) FROM session')" = '0|0' ]
    at_offset +100d as "$PURGE" idb-purge >"$HERE/purged"
    [ "$(jq -c '.deleted | [.sessions, .calls, .attempts]' "$HERE/purged")" = '[5,1,3]' ]
    [ "$(sql 'SELECT COUNT(*) FROM audit')" = 1 ]
}

# ---- rights that somebody changed ----

# mended_by_migrate: check says what is wrong, migrate mends it.
mended_by_migrate() {
    run --separate-stderr idb-store check
    error 78 store_rights
    run --separate-stderr -0 idb-store migrate
    [ "$(json .result)" = unchanged ]
    run --separate-stderr -0 idb-store check
    [ "$(json .rights)" = ok ]
}

@test "roles: rights that somebody took away come back with idb-store migrate" {
    sql "REVOKE UPDATE (bound) ON session FROM \"$PHONE\""
    asks "$(code_on c-1)" as "$PHONE" idb-verify
    error 77 store_unreadable
    mended_by_migrate
    called
    sql "REVOKE ALL ON ALL TABLES IN SCHEMA $IDB_STORE FROM \"$WEB\"; REVOKE ALL ON SCHEMA $IDB_STORE FROM \"$WEB\""
    asks "$cookies" as "$WEB" idb-status
    [ "$status" -ne 0 ]
    run --separate-stderr -0 idb-store migrate
    asks "$cookies" as "$WEB" idb-status
    [ "$status$(json .state)" = 0called ]
}

@test "roles: rights that somebody gave go with idb-store migrate, to a role or to all" {
    local to
    for to in "\"$WEB\"" "\"$PHONE\"" PUBLIC; do
        sql "GRANT SELECT (sealed), UPDATE (bound) ON session TO $to; GRANT SELECT ON session TO $to"
        mended_by_migrate
        denied "$WEB" "SELECT sealed FROM session"
        denied "$PHONE" "SELECT sealed FROM session"
    done
}

@test "roles: a trigger that somebody took away or switched off is there again after idb-store migrate" {
    local change
    for change in 'DROP TRIGGER session_bound ON session' 'ALTER TABLE session DISABLE TRIGGER session_bound' \
        "CREATE OR REPLACE FUNCTION session_bound() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"; do
        sql "$change"
        allowed "$WEB" "UPDATE session SET bound = '\\x00'"
        [[ $change == *FUNCTION* ]] || mended_by_migrate
        run --separate-stderr -0 idb-store migrate
        denied "$WEB" "UPDATE session SET bound = '\\x00'"
    done
}
