#!/usr/bin/env bats
# idb-end: hang-up by telephone, done at the desk, stopped by the resident.
# On PostgreSQL with --long

load lib
load life

setup() {
    idb_instance
    issued=$(issue_status)
    session=$(session_of "$issued")
}

called() { verify "$(code_of "$issued")" c-1 +31612345678 >/dev/null; }
opened() { lookup_as alice '{"call_id":"c-1"}' >/dev/null; }
hang_up() { run --separate-stderr -0 idb-end <<<"{\"call_id\":\"${1-c-1}\"}"; }
at_desk() { AUTH_TYPE=x REMOTE_USER=$1 idb-end --zone=desk <<<"$2"; }
stop() { run --separate-stderr -0 browser idb-end "$issued"; }

# erased STATE REASON: what is left of the session, and that is all.
erased() {
    [ "$(column 'state, end_reason, ended_at > 0' "$session")" = "$1|$2|1" ] &&
        [ "$(column 'code_mac IS NULL AND sealed IS NULL AND call_id IS NULL AND bound IS NULL
            AND bound_key IS NULL AND caller_last2 IS NULL AND announced IS NULL
            AND number_hint IS NULL AND confirmation IS NULL' "$session")" = 1 ]
}

# ---- by telephone ----

@test "idb-end: a hang-up before anybody opened it erases at once" {
    called
    hang_up
    [ "$output" = "{\"result\":\"ended\",\"session\":\"$session\"}" ]
    [ -z "$stderr" ]
    erased 'done' hung_up
    [ "$(newest_audit)" = "line:kcc|end|$session|hung_up" ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result) $(json reason)" = 'ended hung_up' ]
}

@test "idb-end: a hang-up after it was opened leaves the agent time" {
    called
    opened
    hang_up
    [ "$(members)" = 'result session wrap_up_until' ]
    [ "$(json result) $(json session)" = "wrap_up $session" ]
    about 900 "$(in_seconds .wrap_up_until)"
    [ "$(newest_audit)" = "line:kcc|end|$session|wrap_up" ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1","reveal":["bsn"]}'
    [ "$(json state) $(json '.attributes[0].value')" = 'wrap_up 999990019' ]
    about 900 "$(in_seconds .wrap_up_until)"
}

@test "idb-end: hanging up again changes nothing, and wrap-up grows no longer" {
    called
    opened
    hang_up
    first=$output before=$(snapshot)
    run --separate-stderr -0 at_offset +5m idb-end <<<'{"call_id":"c-1"}'
    [ "$output" = "$first" ]
    [ "$(snapshot)" = "$before" ]
}

@test "idb-end: after wrap-up nothing is shown, before any purge" {
    called
    opened
    hang_up
    run --separate-stderr -0 at_offset +895s lookup_as alice '{"call_id":"c-1"}'
    run --separate-stderr -1 at_offset +901s lookup_as alice '{"call_id":"c-1"}'
    [ "$(json attributes)" = null ]
}

@test "idb-end: wrap-up is the configuration's, and may be none" {
    idb_instance '.session = { wrap_up: 60 }'
    issued=$(issue_status) session=$(session_of "$issued")
    called
    opened
    hang_up
    about 60 "$(in_seconds .wrap_up_until)"
    idb_instance '.session = { wrap_up: 0 }'
    issued=$(issue_status) session=$(session_of "$issued")
    called
    opened
    hang_up
    [ "$output" = "{\"result\":\"ended\",\"session\":\"$session\"}" ]
    erased 'done' hung_up
}

@test "idb-end: wrap-up ends with the session at the latest" {
    called
    opened
    run --separate-stderr -0 at_offset +230m idb-end <<<'{"call_id":"c-1"}'
    about 14400 "$(in_seconds .wrap_up_until)"
    [ "$(column 'due_at = expires_at' "$session")" = 1 ]
}

@test "idb-end: a call nobody knows is ended, and its id never accepted" {
    hang_up stranger
    [ "$output" = '{"result":"ended"}' ]
    [ -z "$stderr" ]
    hang_up stranger
    [ "$output" = '{"result":"ended"}' ]
    run --separate-stderr -1 verify "$(code_of "$issued")" stranger
    [ "$(json result)" = call_ended ]
}

@test "idb-end: ending twice is success" {
    called
    hang_up
    before=$(snapshot)
    hang_up
    [ "$output" = '{"result":"ended"}' ]
    [ "$(snapshot)" = "$before" ]
    erased 'done' hung_up
}

@test "idb-end: hung up and accepted at once leaves no session on an ended call" {
    for i in 1 2 3 4; do
        issued=$(issue_status) session=$(session_of "$issued")
        verify "$(code_of "$issued")" "c-$i" >"$BATS_TEST_TMPDIR/verify" 3>&- &
        idb-end <<<"{\"call_id\":\"c-$i\"}" >/dev/null 3>&- &
        wait
        case $(jq -r .result "$BATS_TEST_TMPDIR/verify") in
        accepted) erased 'done' hung_up ;;
        call_ended) [ "$(column 'state, call_id IS NULL' "$session")" = 'issued|1' ] ;;
        *) false ;;
        esac
    done
}

# ---- at the desk ----

@test "idb-end: the agent is done, and it is erased now, opened or not" {
    called
    opened
    run --separate-stderr -0 at_desk alice '{"call_id":"c-1"}'
    [ "$output" = "{\"result\":\"ended\",\"session\":\"$session\"}" ]
    [ -z "$stderr" ]
    erased 'done' ended
    [ "$(newest_audit)" = "agent:alice|end|$session|ended" ]
    run --separate-stderr -0 at_desk alice '{"call_id":"c-1","line":"kcc"}'
    [ "$output" = '{"result":"ended"}' ]
    issued=$(issue_status) session=$(session_of "$issued")
    verify "$(code_of "$issued")" c-2 >/dev/null
    run --separate-stderr -0 at_desk alice '{"call_id":"c-2"}'
    erased 'done' ended
}

@test "idb-end: the agent ends the wrap-up" {
    called
    opened
    hang_up
    run --separate-stderr -0 at_desk alice '{"call_id":"c-1"}'
    [ "$(json result)" = ended ]
    erased 'done' ended
}

@test "idb-end: at the desk only agents who are listed" {
    idb_instance '.desk |= { alice, sam, pia }'
    issued=$(issue_status) session=$(session_of "$issued")
    called
    before=$(snapshot)
    for user in sam pia mallory root ''; do
        run --separate-stderr -77 at_desk "$user" '{"call_id":"c-1"}'
        failed idb-end not_permitted
    done
    REMOTE_USER=alice run --separate-stderr -77 idb-end --zone=desk <<<'{"call_id":"c-1"}'
    failed idb-end not_permitted
    SUDO_USER=sam run --separate-stderr -77 at_desk alice '{"call_id":"c-1"}'
    failed idb-end not_permitted
    [ "$(snapshot)" = "$before" ]
    SUDO_USER=alice run --separate-stderr -0 at_desk sam '{"call_id":"c-1"}'
    [ "$(newest_audit)" = "agent:alice|end|$session|ended" ]
}

@test "idb-end: the line is the request's at the desk only" {
    idb_instance '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67" }'
    issued=$(issue_status) session=$(session_of "$issued")
    jq -nc --arg code "$(code_of "$issued")" '{ code: $code, call_id: "c-1" }' |
        idb-verify --line=kcc >/dev/null
    run --separate-stderr -65 idb-end --line=kcc <<<'{"call_id":"c-1","line":"kcc"}'
    failed idb-end bad_request
    run --separate-stderr -65 at_desk alice '{"call_id":"c-1"}'
    failed idb-end unknown_line
    run --separate-stderr -65 at_desk alice '{"call_id":"c-1","line":"three"}'
    failed idb-end unknown_line
    run --separate-stderr -0 at_desk alice '{"call_id":"c-1","line":"two"}'
    [ "$output" = '{"result":"ended"}' ]
    run --separate-stderr -78 idb-end <<<'{"call_id":"c-1"}'
    failed idb-end unknown_line
    [ "$(column state "$session")" = called ]
    run --separate-stderr -0 at_desk alice '{"call_id":"c-1","line":"kcc"}'
    erased 'done' ended
}

# ---- by the resident ----

@test "idb-end: the resident cancels before the call" {
    stop
    [ "$output" = '{"result":"ended","cookies":["__Host-idb-code=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"]}' ]
    [ -z "$stderr" ]
    erased cancelled cancelled
    [ "$(newest_audit)" = "resident|end|$session|cancelled" ]
}

@test "idb-end: the resident stops during the call, whatever the agent does" {
    called
    opened
    hang_up
    stop
    erased 'done' resident
    [ "$(newest_audit)" = "resident|end|$session|done" ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result) $(json reason)" = 'ended resident' ]
}

@test "idb-end: the resident stops twice" {
    stop
    before=$(snapshot)
    stop
    [ "$(json result)" = ended ]
    [ "$(snapshot)" = "$before" ]
}

@test "idb-end: the resident needs no line and no key" {
    idb_instance '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67" }'
    issued=$(issue_status) session=$(session_of "$issued")
    mv "$IDB_KEYS/phone" "$IDB_KEYS/aside"
    stop
    erased cancelled cancelled
}

@test "idb-end: the telephone needs its key" {
    rm "$IDB_KEYS/phone/bind.key"
    run --separate-stderr -78 idb-end <<<'{"call_id":"c-1"}'
    failed idb-end key_missing
    [ "$(sql 'SELECT COUNT(*) FROM ended_call')" = 0 ]
}

@test "idb-end: in one stream each is put down to who did it" {
    called
    other=$(issue_status)
    run --separate-stderr -0 at_desk alice "$(
        echo '{"call_id":"c-1"}'
        jq -nc --arg cookies "$(cookies_of "$other")" '{ cookies: $cookies }'
    )"
    [ "$(newest_audit 2)" = "agent:alice|end|$session|ended" ]
    [ "$(newest_audit)" = "resident|end|$(session_of "$other")|cancelled" ]
}

@test "idb-end: cookies that are no session's" {
    run --separate-stderr -1 idb-end <<<'{"cookies":"a=b"}'
    refused no_cookie
    run --separate-stderr -1 idb-end <<<'{"cookies":"__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA"}'
    refused no_session
    run --separate-stderr -65 idb-end <<<'{"cookies":"__Host-idb-session=a; __Host-idb-session=a"}'
    failed idb-end bad_cookie
}

# ---- the request ----

@test "idb-end: call ids that cannot be" {
    for id in 'a b' é "$(a_lot 256)" "$(a_lot 10240)"; do
        run --separate-stderr -65 idb-end < <(jq -nc --arg id "$id" '{ call_id: $id }')
        failed idb-end bad_call_id
    done
    [ "$(sql 'SELECT COUNT(*) FROM ended_call')" = 0 ]
}

@test "idb-end: members that do not exist, are missing or of the wrong type" {
    before=$(snapshot)
    for request in '{}' '{"call_id":7}' '{"call_id":""}' '{"call_id":null}' '{"cookies":1}' \
        '{"call_id":"c","cookies":"a=b"}' '{"call_id":"c","reason":"x"}' '{"line":"kcc"}' '{"cookies":""}'; do
        run --separate-stderr -65 idb-end <<<"$request"
        failed idb-end bad_request
    done
    [ "$(snapshot)" = "$before" ]
}

@test "idb-end: usage" {
    run --separate-stderr -64 idb-end --zone=web <<<'{}'
    [[ $stderr == idb-end:\ * ]]
    run --separate-stderr -64 idb-end c-1 <<<'{}'
    [[ $stderr == idb-end:\ * ]]
}

@test "idb-end: as CGI by telephone the client's, by the resident the cookie's" {
    called
    run --separate-stderr -0 cgi idb-end POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    REMOTE_USER=alice AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-end POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 403 Forbidden' ]
    [ "$(column state "$session")" = called ]
    REMOTE_USER=pbx AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-end POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 200 OK' ]
    erased 'done' hung_up
    issued=$(issue_status) session=$(session_of "$issued")
    HTTP_COOKIE=$(cookies_of "$issued") run --separate-stderr -0 cgi idb-end POST '{}'
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'Set-Cookie: __Host-idb-code=; '* ]]
    erased cancelled cancelled
}

@test "idb-end: the clock set back, another writer" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    called
    hold_lock
    run --separate-stderr -75 idb-end <<<'{"call_id":"c-1"}'
    failed idb-end "$BUSY"
    release_lock
    at_offset +5m issue_status >/dev/null
    run --separate-stderr -75 idb-end <<<'{"call_id":"c-1"}'
    failed idb-end clock
    [ "$(column state "$session")" = called ]
}
