#!/usr/bin/env bats
# idb-purge: what is past its time goes, and nothing else does.
# On PostgreSQL with --long

load lib
load life

setup() { idb_instance; }

# purged EXPIRED ERASED: the answer says so, with all its members.
purged() {
    [ "$(members)" = 'deleted erased expired invitations pending_erasure' ] &&
        [ "$(members .deleted)" = 'attempts audit calls invitations sessions' ] &&
        [ "$(json expired) $(json erased)" = "$1 $2" ]
}
deleted() { [ "$(json '.deleted | "\(.sessions) \(.calls) \(.attempts) \(.audit)"')" = "$1" ]; }

# lives: one session in each state that ends by itself: issued, called, connected,
# wrap_up. Sets their ids.
lives() {
    local issued
    issued=$(issue_status) && issued_id=$(session_of "$issued")
    issued=$(issue_status) && called_id=$(session_of "$issued")
    verify "$(code_of "$issued")" called >/dev/null
    issued=$(issue_status) && connected_id=$(session_of "$issued")
    verify "$(code_of "$issued")" connected >/dev/null
    lookup_as alice '{"call_id":"connected"}' >/dev/null
    issued=$(issue_status) && wrap_up_id=$(session_of "$issued")
    verify "$(code_of "$issued")" wrap_up >/dev/null
    lookup_as alice '{"call_id":"wrap_up"}' >/dev/null
    idb-end <<<'{"call_id":"wrap_up"}' >/dev/null
}
state_of_all() {
    local id
    for id in "$issued_id" "$called_id" "$connected_id" "$wrap_up_id"; do column state "$id"; done | paste -sd ' '
}

@test "idb-purge: nothing to do, every member of the answer" {
    run --separate-stderr -0 idb-purge </dev/null
    [ "$output" = '{"expired":0,"erased":0,"invitations":0,"deleted":{"sessions":0,"calls":0,"attempts":0,"audit":0,"invitations":0},"pending_erasure":false}' ]
    [ -z "$stderr" ]
}

@test "idb-purge: what is not past its time stays" {
    lives
    before=$(snapshot)
    run --separate-stderr -0 at_offset +890s idb-purge
    purged 0 0
    [ "$(snapshot)" = "$before" ]
}

@test "idb-purge: each goes at its own time" {
    lives
    run --separate-stderr -0 at_offset +16m idb-purge
    purged 0 1
    [ "$(state_of_all)" = 'issued called connected done' ]
    [ "$(column end_reason "$wrap_up_id")" = wrap_up ]
    run --separate-stderr -0 at_offset +31m idb-purge
    purged 1 1
    [ "$(state_of_all)" = 'expired called connected done' ]
    run --separate-stderr -0 at_offset +4h idb-purge
    purged 2 2
    [ "$(state_of_all)" = 'expired expired expired done' ]
    [ "$(column end_reason "$called_id")" = expired ]
    run --separate-stderr -0 at_offset +4h idb-purge
    purged 0 0
}

@test "idb-purge: a code past its time that may be renewed is not" {
    issued=$(issue_status)
    run --separate-stderr -0 at_offset +11m idb-purge
    purged 0 0
    run --separate-stderr -0 at_offset +11m browser idb-renew "$issued"
}

@test "idb-purge: all of the resident is gone" {
    issued=$(issue_status '.caller = "+31612345678"')
    session=$(session_of "$issued")
    verify "$(code_of "$issued")" c-1 +31612345678 >/dev/null
    confirm "$issued" true >/dev/null
    run --separate-stderr -0 at_offset +4h idb-purge
    purged 1 1
    [ "$(json pending_erasure)" = false ]
    [ "$(column 'code_mac IS NULL AND sealed IS NULL AND call_id IS NULL AND bound IS NULL
        AND caller_last2 IS NULL AND announced IS NULL AND number_hint IS NULL
        AND confirmation IS NULL' "$session")" = 1 ]
}

@test "idb-purge: the call of a purged session says why, and its id stays dead" {
    lives
    at_offset +4h idb-purge >/dev/null
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -1 at_offset +4h idb-lookup <<<'{"call_id":"called"}'
    [ "$output" = '{"result":"ended","reason":"expired"}' ]
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -1 at_offset +4h idb-lookup <<<'{"call_id":"wrap_up"}'
    [ "$output" = '{"result":"ended","reason":"wrap_up"}' ]
    code=$(code_of "$(at_offset +4h issue_status)")
    run --separate-stderr -1 at_offset +4h verify "$code" called
    [ "$(json result)" = call_ended ]
}

@test "idb-purge: ended calls are kept a day, counts of wrong codes two" {
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    code=$(code_of "$(issue_status)")
    verify "$(wrong_code "$code")" c-2 >/dev/null || [ $? = 1 ]
    at_offset +20h idb-purge >/dev/null
    [ "$(sql 'SELECT (SELECT COUNT(*) FROM ended_call), (SELECT COUNT(*) FROM attempts)')" = '1|3' ]
    run --separate-stderr -0 at_offset +25h idb-purge
    deleted '0 1 0 0'
    run --separate-stderr -0 at_offset +49h idb-purge
    deleted '0 0 3 0'
}

@test "idb-purge: sessions and audit rows go after audit.days, the newest audit row stays" {
    idb_instance '.audit = { days: 2 }'
    issue_status >/dev/null
    at_offset +1h idb-purge >/dev/null
    ticket=$(sql 'SELECT ticket FROM session')
    rows=$(sql 'SELECT COUNT(*) FROM audit')
    newest=$(sql 'SELECT * FROM audit ORDER BY id DESC LIMIT 1')
    AUTH_TYPE=x REMOTE_USER=sam run --separate-stderr -0 at_offset +47h idb-lookup <<<"{\"ticket\":\"$ticket\"}"
    sql "DELETE FROM audit WHERE action = 'ticket'"
    run --separate-stderr -0 at_offset +47h idb-purge
    deleted '0 0 0 0'
    run --separate-stderr -0 at_offset +50h idb-purge
    deleted "1 0 0 $((rows - 1))"
    [ "$(sql 'SELECT * FROM audit')" = "$newest" ]
    # The mark of the clock still stands.
    run --separate-stderr -0 at_offset +50h idb-purge
    deleted '0 0 0 0'
    [ "$(sql 'SELECT * FROM audit')" = "$newest" ]
}

@test "idb-purge: what it erased is on record, and nothing is when it erased nothing" {
    issue_status >/dev/null
    issue_status >/dev/null
    idb-purge >/dev/null
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE actor = 'purge'")" = 0 ]
    at_offset +31m idb-purge >/dev/null
    [ "$(newest_audit)" = 'purge|purge||ok' ]
    [ "$(sql 'SELECT detail FROM audit ORDER BY id DESC LIMIT 1')" = '{"erased":2}' ]
}

@test "idb-purge: more than fit in one batch" {
    issue_status >/dev/null
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 129)
        INSERT INTO session SELECT substr(id, 1, 18) || (1000 + i), 100000 + i, state, purpose, line, lang, confirm,
            randomblob(32), randomblob(32), code_expires_at, renewals, renew_until, created_at,
            expires_at, due_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, sealed, NULL,
            NULL, NULL, NULL FROM session, n"
    run --separate-stderr -0 at_offset +31m idb-purge --dry-run
    [ "$(json due)" = 130 ]
    run --separate-stderr -0 at_offset +31m idb-purge
    purged 130 130
    [ "$(sql 'SELECT DISTINCT state FROM session')" = expired ]
    [ "$(sql "SELECT COUNT(*) > 2 FROM audit WHERE actor = 'purge'")" = 1 ]
}

@test "idb-purge: --dry-run counts and changes nothing" {
    lives
    before=$(snapshot)
    run --separate-stderr -0 at_offset +31m idb-purge --dry-run
    [ "$(members)" = 'dry_run due' ]
    [ "$(json dry_run) $(json due)" = 'true 2' ]
    [ -z "$stderr" ]
    run --separate-stderr -0 idb-purge --dry-run
    [ "$(json due)" = 0 ]
    [ "$(snapshot)" = "$before" ]
    hold_lock
    run --separate-stderr -0 at_offset +4h idb-purge --dry-run
    [ "$(json due)" = 4 ]
}

@test "idb-purge: beside a loop of verifies nobody waits in vain and nothing is lost" {
    for _ in {1..12}; do issue_status; done >"$BATS_TEST_TMPDIR/issued"
    mapfile -t codes < <(jq -r .code "$BATS_TEST_TMPDIR/issued")
    for code in "${codes[@]}"; do
        verify "$code" "c-$code" 3>&-
    done >"$BATS_TEST_TMPDIR/answers" &
    loop=$!
    while kill -0 "$loop" 2>/dev/null; do
        run --separate-stderr idb-purge
        # A verify may be in the way of emptying a log; never of more.
        [ "$status" = 0 ] || [ "$(json pending_erasure)" = true ]
    done
    wait "$loop"
    [ "$(jq -r .result "$BATS_TEST_TMPDIR/answers" | sort | uniq -c | xargs)" = '12 accepted' ]
    run --separate-stderr -0 idb-purge
    purged 0 0
    idb-store check >"$BATS_TEST_TMPDIR/check"
}

@test "idb-purge: many at once erase each session once" {
    for _ in {1..8}; do issue_status >/dev/null; done
    for _ in {1..4}; do at_offset +31m idb-purge >>"$BATS_TEST_TMPDIR/answers" 2>/dev/null 3>&- & done
    wait
    [ "$(jq -s 'map(.erased) | add' "$BATS_TEST_TMPDIR/answers")" = 8 ]
}

@test "idb-purge: usage" {
    run --separate-stderr -64 idb-purge now
    [[ $stderr == idb-purge:\ * ]]
    run --separate-stderr -64 idb-purge --wet-run
    [[ $stderr == idb-purge:\ * ]]
}

@test "idb-purge: the clock set back: nothing is deleted" {
    issue_status >/dev/null
    at_offset +2h issue_status >/dev/null
    before=$(snapshot)
    run --separate-stderr -75 at_offset +1h idb-purge
    failed idb-purge clock
    run --separate-stderr -75 at_offset +1h idb-purge --dry-run
    failed idb-purge clock
    [ "$(snapshot)" = "$before" ]
}

@test "idb-purge: another writer does not finish" {
    idb_instance '.store.wait_ms = 100'
    hold_lock
    run --separate-stderr -75 idb-purge
    failed idb-purge "$BUSY"
}

@test "idb-purge: no store" {
    store_gone
    run --separate-stderr -78 idb-purge
    failed idb-purge store_missing
}
