#!/usr/bin/env bats
# idb-renew: a new code for the same session, a few times and not for long.
# On PostgreSQL with --long
# Sanitized with --long

load lib
load life

setup() {
    idb_instance
    issued=$(issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
}

renew() { run --separate-stderr "-$1" browser idb-renew "$issued"; }
renew_at() { run --separate-stderr "-$2" at_offset "$1" browser idb-renew "$issued"; }

@test "idb-renew: every member of the answer, the session's own" {
    renew 0
    [ "$(members)" = 'code code_display code_expires_at cookies number number_display session tel ticket' ]
    [ "$(json session) $(json ticket)" = "$session $(member ticket "$issued")" ]
    [[ $(json code) =~ ^[0-9]{10}$ ]]
    [ "$(json code)" != "$code" ]
    [ "$(damm "$(json code)")" = 0 ]
    [ "$(json code_display | tr -d ' ')" = "$(json code)" ]
    [ "$(json tel)" = "tel:+31241234567,$(json code)" ]
    about 600 "$(in_seconds .code_expires_at)"
    [ "$(json '.cookies | length')" = 1 ]
    [[ $(json '.cookies[0]') == __Host-idb-code=*'; Path=/; Max-Age='[56][0-9][0-9]'; Secure; HttpOnly; SameSite=Lax' ]]
    [ -z "$stderr" ]
    [ "$(newest_audit)" = "resident|renew|$session|ok" ]
}

@test "idb-renew: the new code works, the old one is dead" {
    renew 0
    new=$(json code)
    run --separate-stderr -1 verify "$code" c-1
    [ "$(json result)" = wrong ]
    run --separate-stderr -0 verify "$new" c-1
    [ "$(json session)" = "$session" ]
}

@test "idb-renew: the new cookie shows the new code" {
    renew 0
    cookie=$(json '.cookies[0] | split(";")[0]') new=$(json code)
    run --separate-stderr -0 browser idb-status "$issued" ".cookies |= (split(\"; \")[0] + \"; $cookie\")"
    [ "$(json code) $(json renewals_left)" = "$new 2" ]
}

@test "idb-renew: the session lives no longer for it" {
    before=$(column 'expires_at, renew_until' "$session")
    renew_at +5m 0
    [ "$(column 'expires_at, renew_until' "$session")" = "$before" ]
}

@test "idb-renew: three times and no more" {
    renew 0
    renew 0
    renew 0
    last=$(json code)
    before=$(snapshot)
    renew 1
    refused renewals_spent
    [ "$(snapshot)" = "$before" ]
    run --separate-stderr -0 verify "$last" c-1
}

@test "idb-renew: how often is the configuration's" {
    idb_instance '.session = { renewals: 0 }'
    issued=$(issue_status)
    renew 1
    refused renewals_spent
}

@test "idb-renew: of many at once no more than three are given" {
    for _ in {1..6}; do
        browser idb-renew "$issued" >>"$BATS_TEST_TMPDIR/answers" 3>&- &
    done
    wait
    [ "$(jq -r '.error // "ok"' "$BATS_TEST_TMPDIR/answers" | sort | uniq -c | xargs)" = '3 ok 3 renewals_spent' ]
    [ "$(column renewals "$session")" = 3 ]
}

@test "idb-renew: never past half an hour after the login" {
    renew_at +25m 0
    about 1800 "$(in_seconds .code_expires_at)"
    new=$(json code)
    run --separate-stderr -1 at_offset +1801s verify "$new" c-1
    [ "$(json result)" != accepted ]
    renew_at +1801s 1
    refused too_late
}

@test "idb-renew: the half hour runs from the login, not from the first code" {
    issued=$(issue_status '.auth.auth_time = (now - 1500 | todate)')
    renew_at +2m 0
    about 300 "$(in_seconds .code_expires_at)"
    renew_at +301s 1
    refused too_late
}

@test "idb-renew: a new code does not outlive its session" {
    idb_instance '.session = { lifetime: 900, wrap_up: 0 }'
    issued=$(issue_status)
    renew_at +10m 0
    about 900 "$(in_seconds .code_expires_at)"
    [ "$(column 'code_expires_at <= expires_at' "$(session_of "$issued")")" = 1 ]
    renew_at +901s 1
    refused too_late
}

@test "idb-renew: not once the code was used, nor after the end" {
    verify "$code" c-1 >/dev/null
    renew 1
    refused not_issued
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    renew 1
    refused not_issued
    issued=$(issue_status)
    browser idb-end "$issued" >/dev/null
    renew 1
    refused not_issued
}

@test "idb-renew: of a code keyed in and renewed at once one wins, never both" {
    for i in 1 2 3 4; do
        issued=$(issue_status)
        verify "$(code_of "$issued")" "c-$i" >"$BATS_TEST_TMPDIR/verify" 3>&- &
        browser idb-renew "$issued" >"$BATS_TEST_TMPDIR/renew" 3>&- &
        wait
        both="$(jq -r .result "$BATS_TEST_TMPDIR/verify") $(jq -r '.error // "renewed"' "$BATS_TEST_TMPDIR/renew")"
        [ "$both" = 'accepted not_issued' ] || [ "$both" = 'wrong renewed' ]
    done
}

@test "idb-renew: cookies that are no session's" {
    run --separate-stderr -1 idb-renew <<<'{}'
    refused no_cookie
    run --separate-stderr -1 idb-renew <<<'{"cookies":"__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA"}'
    refused no_session
    run --separate-stderr -65 idb-renew <<<'{"cookies":"__Host-idb-session=a; __Host-idb-session=b"}'
    failed idb-renew bad_cookie
}

@test "idb-renew: members that do not exist, or of the wrong type" {
    for request in '{"cookies":7}' '{"session":"x"}' '{"cookies":"a=b","consent":true}'; do
        run --separate-stderr -65 idb-renew <<<"$request"
        failed idb-renew bad_request
    done
}

@test "idb-renew: after a rotation of all keys" {
    for key in browser code; do idb-keys rotate "$key" >/dev/null; done
    renew 0
    run --separate-stderr -0 verify "$(json code)" c-1
}

@test "idb-renew: as CGI, with the cookie from its header and back into one" {
    HTTP_COOKIE=$(cookies_of "$issued") run --separate-stderr -0 cgi idb-renew POST '{}'
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [ "$(grep -c '^Set-Cookie: __Host-idb-code=[A-Za-z0-9]' <<<"$output")" = 1 ]
    [ "$(sed '1,/^$/d' <<<"$output" | jq -r '"\(.session) \(.cookies)"')" = "$session null" ]
    HTTP_COOKIE=$(cookies_of "$issued") run --separate-stderr -0 cgi idb-renew GET
    [ "${lines[0]}" = 'Status: 405 Method Not Allowed' ]
}

@test "idb-renew: the clock set back, another writer" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    hold_lock
    renew 75
    failed idb-renew "$BUSY"
    release_lock
    at_offset +5m issue_status >/dev/null
    renew 75
    failed idb-renew clock
    [ "$(column renewals "$session")" = 0 ]
}
