#!/usr/bin/env bats
# idb-confirm: the resident's yes, and "This is not me".
# On PostgreSQL with --long

load lib
load life

setup() {
    idb_instance
    issued=$(issue change)
    session=$(session_of "$issued")
}

answer() { run --separate-stderr "-$1" confirm "$issued" "$2"; }
called() { verify "$(code_of "$issued")" c-1 +31612345678 >/dev/null; }

@test "idb-confirm: yes, and the desk sees the attributes" {
    called
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    answer 0 true
    [ "$output" = '{"result":"confirmed","cookies":[]}' ]
    [ -z "$stderr" ]
    [ "$(newest_audit)" = "resident|confirm|$session|ok" ]
    [ "$(column state "$session")" = called ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result) $(json confirmed) $(json '.attributes[0].value')" = 'open true T. Estpersoon' ]
}

@test "idb-confirm: yes again is yes" {
    called
    answer 0 true
    answer 0 true
    [ "$(json result)" = confirmed ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1"}'
}

@test "idb-confirm: yes while the agent wraps up, and where nothing asked for it" {
    issued=$(issue_status)
    called
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    answer 0 true
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json confirm) $(json confirmed)" = 'notify true' ]
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    answer 0 true
    [ "$(json result)" = confirmed ]
}

@test "idb-confirm: the yes moves along with a transfer" {
    called
    answer 0 true
    idb-transfer <<<'{"call_id":"c-1","to_call_id":"c-2"}' >/dev/null
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
    [ "$(json confirmed)" = true ]
}

@test "idb-confirm: not me ends and erases the session, and warns the desk" {
    called
    answer 0 false
    [ "$(jq -c . <<<"$output")" = '{"result":"not_me","cookies":["__Host-idb-code=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"]}' ]
    [ -z "$stderr" ]
    [ "$(newest_audit)" = "resident|confirm|$session|not_me" ]
    [ "$(column 'state, end_reason' "$session")" = 'cancelled|not_me' ]
    [ "$(column 'sealed IS NULL AND code_mac IS NULL AND call_id IS NULL AND bound IS NULL
        AND caller_last2 IS NULL AND number_hint IS NULL AND confirmation IS NULL' "$session")" = 1 ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result) $(json reason) $(json warning)" = 'ended not_me not_me' ]
    run --separate-stderr -1 verify "$(code_of "$(issue_status)")" c-1
    [ "$(json result)" = call_ended ]
}

@test "idb-confirm: not me after yes, and while the agent has it open" {
    called
    answer 0 true
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    answer 0 false
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json warning)" = not_me ]
}

@test "idb-confirm: nothing to confirm before a call; after its end not me is still put on record" {
    before=$(snapshot)
    for yes in true false; do
        answer 1 "$yes"
        refused not_called
    done
    [ "$(snapshot)" = "$before" ]
    called
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    answer 1 true
    refused not_called
    answer 0 false
    [ "$(json result)" = not_me ]
    [ "$(column 'state, end_reason' "$session")" = 'done|hung_up' ]
    [ "$(newest_audit)" = "resident|confirm|$session|not_me" ]
}

@test "idb-confirm: past the session's time, before any purge: no yes, but not me erases" {
    called
    run --separate-stderr -1 at_offset +4h confirm "$issued" true
    refused not_called
    [ "$(column 'state, confirmation IS NULL' "$session")" = 'called|1' ]
    run --separate-stderr -0 at_offset +4h confirm "$issued" false
    [ "$(column 'state, sealed IS NULL' "$session")" = 'cancelled|1' ]
}

@test "idb-confirm: cookies that are no session's" {
    run --separate-stderr -1 idb-confirm <<<'{"confirm":true}'
    refused no_cookie
    run --separate-stderr -1 idb-confirm <<<'{"confirm":true,"cookies":"__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA"}'
    refused no_session
    run --separate-stderr -65 idb-confirm <<<'{"confirm":true,"cookies":"__Host-idb-session=\\"}'
    failed idb-confirm bad_cookie
}

@test "idb-confirm: members that do not exist, are missing or of the wrong type" {
    called
    before=$(snapshot)
    for change in 'del(.confirm)' '.confirm = "true"' '.confirm = 1' '.confirm = null' '.cookies = 1' \
        '.call_id = "c-1"'; do
        run --separate-stderr -65 browser idb-confirm "$issued" ".confirm = true | $change"
        failed idb-confirm bad_request
    done
    [ "$(snapshot)" = "$before" ]
}

@test "idb-confirm: as CGI, with the cookie from its header and back into one" {
    called
    run --separate-stderr -0 cgi idb-confirm POST "{\"confirm\":true,\"cookies\":\"$(cookies_of "$issued")\"}"
    [[ $output == *'"no_cookie"'* ]]
    HTTP_COOKIE=$(cookies_of "$issued") run --separate-stderr -0 cgi idb-confirm POST '{"confirm":false}'
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'Set-Cookie: __Host-idb-code=; '* ]]
    [ "$(sed '1,/^$/d' <<<"$output")" = '{"result":"not_me"}' ]
    [ "$(column state "$session")" = cancelled ]
}

@test "idb-confirm: the clock set back, another writer" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    called
    hold_lock
    answer 75 false
    failed idb-confirm "$BUSY"
    release_lock
    at_offset +5m issue_status >/dev/null
    answer 75 false
    failed idb-confirm clock
    [ "$(column state "$session")" = called ]
}
