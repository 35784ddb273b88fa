#!/usr/bin/env bats
# idb-transfer: the verification goes along with a call, and nothing else does.
# On PostgreSQL with --long
# Sanitized with --long

load lib
load life

setup() {
    idb_instance
    issued=$(issue_status)
    session=$(session_of "$issued")
}

called() { verify "$(code_of "$issued")" "${1-c-1}" +31612345678 >/dev/null; }
move() { jq -nc --arg from "$1" --arg to "$2" '{ call_id: $from, to_call_id: $to }' | idb-transfer; }
transfer() { run --separate-stderr "-$1" move "$2" "$3"; }

# transferred: the answer is that, with all its members.
transferred() {
    [ "$output" = "{\"result\":\"transferred\",\"session\":\"$session\",\"purpose\":\"status\"}" ] &&
        [ -z "$stderr" ]
}

# sessions: all sessions and ended calls; a refusal may add an audit row only.
sessions() { sql 'SELECT * FROM session ORDER BY id; SELECT * FROM ended_call ORDER BY call_hash'; }

@test "idb-transfer: the session moves, every member of the answer" {
    called
    called_at=$(column called_at "$session")
    transfer 0 c-1 c-2
    transferred
    [ "$(column 'state, call_id, called_at, caller_last2, number_hint' "$session")" = \
        "called|c-2|$called_at|78|unknown" ]
    [ "$(newest_audit)" = "line:kcc|transfer|$session|ok" ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
    [ "$(json session)" = "$session" ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result) $(json reason) $(json attributes)" = 'ended transferred null' ]
}

@test "idb-transfer: it stays open when it was" {
    called
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    transfer 0 c-1 c-2
    [ "$(column state "$session")" = connected ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2","reveal":["bsn"]}'
    [ "$(json '.attributes[0].value')" = 999990019 ]
}

@test "idb-transfer: the caller goes to a colleague, and what each agent looked at is on record" {
    idb_instance '.desk.bob = ["agent"]'
    issued=$(issue_status)
    session=$(session_of "$issued")
    called
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    transfer 0 c-1 c-2
    lookup_as bob '{"call_id":"c-2"}' >/dev/null
    run --separate-stderr -0 lookup_as bob '{"call_id":"c-2","reveal":["bsn"]}'
    [ "$(json '.attributes[0].value') $(json session)" = "999990019 $session" ]
    [ "$(sql "SELECT actor, action, result FROM audit WHERE session = '$session' ORDER BY id")" = \
        "attest:front-office|issue|ok
line:kcc|verify|accepted
agent:alice|open|ok
line:kcc|transfer|ok
agent:bob|open|ok
agent:bob|reveal|ok" ]
    # Handed on by telephone alone, without a new call: both look at the same call.
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
    [ "$(newest_audit)" = "agent:alice|open|$session|ok" ]
}

@test "idb-transfer: twice is once, and again it may move on" {
    called
    transfer 0 c-1 c-2
    before=$(snapshot)
    transfer 0 c-1 c-2
    transferred
    [ "$(snapshot)" = "$before" ]
    transfer 0 c-2 c-3
    transferred
    transfer 0 c-2 c-3
    transferred
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-3"}'
}

@test "idb-transfer: of many at once exactly one moves it" {
    called
    for i in {1..6}; do
        move c-1 "to-$i" >>"$BATS_TEST_TMPDIR/answers" 3>&- &
    done
    wait
    [ "$(jq -r '.result // .error' "$BATS_TEST_TMPDIR/answers" | sort | uniq -c | xargs)" = \
        '5 call_ended 1 transferred' ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'transfer' AND result = 'ok'")" = 1 ]
}

@test "idb-transfer: the old id is never used again" {
    called
    transfer 0 c-1 c-2
    other=$(issue_status)
    run --separate-stderr -1 verify "$(code_of "$other")" c-1
    [ "$(json result)" = call_ended ]
    run --separate-stderr -1 verify "$(code_of "$issued")" c-1
    [ "$(json result)" = call_ended ]
    transfer 1 c-2 c-1
    refused call_in_use
    run --separate-stderr -0 verify "$(code_of "$issued")" c-2
    [ "$(json session)" = "$session" ]
}

@test "idb-transfer: the hang-up of the first call leaves the second alone" {
    called
    transfer 0 c-1 c-2
    run --separate-stderr -0 idb-end <<<'{"call_id":"c-1"}'
    [ "$(column 'state, call_id' "$session")" = 'called|c-2' ]
    run --separate-stderr -0 idb-end <<<'{"call_id":"c-2"}'
    [ "$(column state "$session")" = "done" ]
}

@test "idb-transfer: after the second call ended nothing is transferred" {
    called
    transfer 0 c-1 c-2
    idb-end <<<'{"call_id":"c-2"}' >/dev/null
    transfer 1 c-1 c-2
    refused call_ended
    [ "$(newest_audit)" = "line:kcc|transfer|$session|call_ended" ]
}

@test "idb-transfer: a call without a session" {
    before=$(sessions)
    transfer 1 c-1 c-2
    refused unknown_call
    [ "$(newest_audit)" = 'line:kcc|transfer||unknown_call' ]
    [ "$(sessions)" = "$before" ]
    # The second id is not spent by it.
    run --separate-stderr -0 verify "$(code_of "$issued")" c-2
}

@test "idb-transfer: a call that ended, or is in wrap-up" {
    called
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    before=$(sessions)
    transfer 1 c-1 c-2
    refused call_ended
    [ "$(sessions)" = "$before" ]
    idb-end <<<'{"call_id":"never"}' >/dev/null
    transfer 1 never c-2
    refused call_ended
}

@test "idb-transfer: to a call that has a session, or had one, or hung up" {
    called
    other=$(issue_status)
    verify "$(code_of "$other")" c-2 >/dev/null
    before=$(sessions)
    transfer 1 c-1 c-2
    refused call_in_use
    [ "$(newest_audit)" = "line:kcc|transfer|$session|call_in_use" ]
    [ "$(sessions)" = "$before" ]
    idb-end <<<'{"call_id":"c-2"}' >/dev/null
    transfer 1 c-1 c-2
    refused call_in_use
    idb-end <<<'{"call_id":"c-3"}' >/dev/null
    transfer 1 c-1 c-3
    refused call_in_use
    [ "$(column 'state, call_id' "$session")" = 'called|c-1' ]
}

@test "idb-transfer: a session past its time does not move, before any purge" {
    called
    run --separate-stderr -1 at_offset +4h move c-1 c-2
    [ "$(json error)" = call_ended ] || [ "$(json error)" = unknown_call ]
    [ "$(column call_id "$session")" = c-1 ]
}

@test "idb-transfer: the throttle's count stays with the call it was made on" {
    wrong=$(wrong_code "$(code_of "$issued")")
    for _ in 1 2 3; do verify "$wrong" c-2 >/dev/null || [ $? = 1 ]; done
    called
    transfer 0 c-1 c-2
    other=$(issue_status)
    run --separate-stderr -1 verify "$(code_of "$other")" c-2
    [ "$(json result) $(json attempts_left)" = 'call_bound 0' ]
}

@test "idb-transfer: after a rotation of bind.key the desk still trusts it" {
    called
    idb-keys rotate bind >/dev/null
    transfer 0 c-1 c-2
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
}

@test "idb-transfer: call ids that cannot be" {
    called
    before=$(snapshot)
    for ids in 'a b|c-2' 'c-1|a b' "c-1|$(a_lot 256)" "$(a_lot 10240)|c-2" 'c-1|é' 'c-1|c-1'; do
        transfer 65 "${ids%|*}" "${ids#*|}"
        failed idb-transfer bad_call_id
    done
    [ "$(snapshot)" = "$before" ]
}

@test "idb-transfer: members that do not exist, are missing or of the wrong type" {
    called
    before=$(snapshot)
    for change in 'del(.call_id)' 'del(.to_call_id)' '.call_id = 1' '.to_call_id = null' \
        '.to_call_id = ""' '.line = "kcc"' '.code = "1"' '.call_id = ["c-1"]'; do
        run --separate-stderr -65 idb-transfer \
            < <(jq -nc "{ call_id: \"c-1\", to_call_id: \"c-2\" } | $change")
        failed idb-transfer bad_request
    done
    [ "$(snapshot)" = "$before" ]
}

@test "idb-transfer: a line moves its own calls only" {
    idb_instance '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67",
        clients: ["pbx2"] }'
    issued=$(issue_status) session=$(session_of "$issued")
    jq -nc --arg code "$(code_of "$issued")" '{ code: $code, call_id: "c-1" }' |
        idb-verify --line=kcc >/dev/null
    transfer 78 c-1 c-2
    failed idb-transfer unknown_line
    run --separate-stderr -1 idb-transfer --line=two <<<'{"call_id":"c-1","to_call_id":"c-2"}'
    refused unknown_call
    REMOTE_USER=pbx2 AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-transfer POST \
        '{"call_id":"c-1","to_call_id":"c-2"}'
    [[ $output == *'"unknown_call"'* ]]
    run --separate-stderr -0 cgi idb-transfer POST '{"call_id":"c-1","to_call_id":"c-2"}'
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    REMOTE_USER=pbx AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-transfer POST \
        '{"call_id":"c-1","to_call_id":"c-2"}'
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [ "$(column call_id "$session")" = c-2 ]
}

@test "idb-transfer: the clock set back, another writer" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    called
    hold_lock
    transfer 75 c-1 c-2
    failed idb-transfer "$BUSY"
    release_lock
    at_offset +5m issue_status >/dev/null
    transfer 75 c-1 c-2
    failed idb-transfer clock
    [ "$(column call_id "$session")" = c-1 ]
}
