#!/usr/bin/env bats
# idb-status: what the resident's page may know, in each state.
# On PostgreSQL with --long
# Sanitized with --long

load lib
load life

setup() {
    idb_instance
    issued=$(issue_status)
    session=$(session_of "$issued")
}

status() { run --separate-stderr "-${1-0}" browser idb-status "$issued"; }
status_at() { run --separate-stderr -0 at_offset "$1" browser idb-status "$issued"; }
called() { verify "$(code_of "$issued")" c-1 "${1-+31612345678}" >/dev/null; }
opened() { lookup_as alice '{"call_id":"c-1"}' >/dev/null; }

# clears_code: the answer takes the code's cookie away, and only that.
clears_code() {
    [ "$(json '.cookies | join("|")')" = \
        '__Host-idb-code=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax' ]
}

@test "idb-status: issued, every member of the answer" {
    status
    [ "$(members)" = 'code code_display code_expires_at code_valid confirm confirmed cookies expires_at lang number number_display purpose qr renewals_left state tel ticket' ]
    [ "$(members .purpose)" = 'label name' ]
    jq -e --argjson issued "$issued" 'del(.cookies, .expires_at, .qr) == ($issued
        | { state: "issued", lang: "nl", confirm: "notify", confirmed: false, code_valid: true,
            renewals_left: 3, ticket, code, code_display, number, number_display, tel,
            code_expires_at, purpose: { name: "status", label: "Hoe staat het met mijn aanvraag?" } })' \
        <<<"$output"
    about 14400 "$(in_seconds .expires_at)"
    [ "$(json .cookies)" = '[]' ]
    [ -z "$stderr" ]
}

@test "idb-status: the purpose in the resident's language, and confirm as the purpose asks" {
    issued=$(issue change '.lang = "en"')
    status
    [ "$(json .purpose.label) $(json lang) $(json confirm)" = 'Change an address en page' ]
}

@test "idb-status: number and code as a QR code, another one for another code" {
    status
    # 26 to 42 bytes, correction level M: version 3, 29 modules and 4 of white on each side.
    [ "$(members .qr) $(json .qr.size)" = 'path size 37' ]
    [[ $(json .qr.path) =~ ^M4\ 4h7v1h-7z ]]
    path=$(json .qr.path)
    status
    [ "$(json .qr.path)" = "$path" ]
    issued=$(issue_status)
    status
    [ "$(json .qr.path)" != "$path" ]
}

change_config() {
    jq "$1" "$IDB_CONFIG" >"$BATS_TEST_TMPDIR/changed" && cp "$BATS_TEST_TMPDIR/changed" "$IDB_CONFIG"
}

@test "idb-status: whether the line is open, where the configuration says when" {
    change_config '.lines.kcc.hours = { mon: ["00:00-24:00"], tue: ["00:00-24:00"], wed: ["00:00-24:00"],
        thu: ["00:00-24:00"], fri: ["00:00-24:00"], sat: ["00:00-24:00"], sun: ["00:00-24:00"] }'
    status
    [ "$(json open) $(json opens_at)" = 'true null' ]
    change_config '.lines.kcc |= (.closed = [now | gmtime | strftime("%Y-%m-%d")] | .time_zone = "UTC")'
    status
    [ "$(json open)" = false ]
    [ "$(json opens_at)" = "$(date -u -d tomorrow +%Y-%m-%dT00:00:00.000Z)" ]
}

@test "idb-status: the code stands in its cookie alone" {
    run --separate-stderr -0 browser idb-status "$issued" '.cookies |= split("; ")[0]'
    [ "$(json code) $(json code_display) $(json code_valid) $(json qr)" = 'null null true null' ]
    [ "$(json tel)" = tel:+31241234567 ]
}

@test "idb-status: another session's code cookie, or a broken one, shows no code" {
    other=$(cookies_of "$(issue_status)")
    run --separate-stderr -0 browser idb-status "$issued" \
        ".cookies |= (split(\"; \")[0] + \"; ${other#*; }\")"
    [ "$(json state)$(json code)" = issuednull ]
    run --separate-stderr -0 browser idb-status "$issued" '.cookies |= .[:-5] + "AAAAA"'
    [ "$(json state)$(json code)" = issuednull ]
}

@test "idb-status: a code past its time is not shown, and may be renewed" {
    status_at +11m
    [ "$(json state) $(json code) $(json code_display) $(json code_valid) $(json renewals_left) $(json qr)" = \
        'issued null null false 3 null' ]
    [ "$(json tel)" = tel:+31241234567 ]
}

@test "idb-status: renewals left go down, and are none half an hour after the login" {
    browser idb-renew "$issued" >/dev/null
    status
    [ "$(json renewals_left)" = 2 ]
    issued=$(issue_status '.auth.auth_time = (now - 1500 | todate)')
    status_at +6m
    [ "$(json state) $(json renewals_left)" = 'issued 0' ]
}

@test "idb-status: expired before any purge, without code; of a call only when it was" {
    status_at +31m
    [ "$(json state)" = expired ]
    [ "$(members)" = 'confirm confirmed cookies lang purpose state ticket' ]
    clears_code
    called
    status_at +4h
    [ "$(json state)" = expired ]
    [ "$(members)" = 'call confirm confirmed cookies lang purpose state ticket' ]
    [ "$(members .call)" = at ]
}

@test "idb-status: called says when and who at once, and clears the code" {
    called
    status
    [ "$(members)" = 'call confirm confirmed cookies expires_at lang purpose state ticket' ]
    [ "$(json state) $(members .call) $(json .call.caller)" = 'called at caller 78' ]
    about 0 "$(in_seconds .call.at)"
    clears_code
}

@test "idb-status: a withheld number" {
    called anonymous
    status
    [ "$(json .call.caller)" = withheld ]
}

@test "idb-status: connected, then wrapping up, then done when its time is over" {
    called
    opened
    status
    [ "$(json state)" = connected ]
    about 0 "$(in_seconds .connected_at)"
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    status
    [ "$(json state)" = wrap_up ]
    [ "$(json .call.caller)" = 78 ]
    clears_code
    status_at +901s
    [ "$(json state) $(members .call)" = 'expired at' ]
    at_offset +901s idb-purge >/dev/null
    status_at +901s
    [ "$(json state) $(json reason)" = 'done wrap_up' ]
}

@test "idb-status: ended says why and when, and when there was a call" {
    for how in cancelled not_me hung_up ended resident; do
        issued=$(issue_status)
        [ "$how" = cancelled ] || verify "$(code_of "$issued")" "$how" >/dev/null
        case $how in
        cancelled | resident) browser idb-end "$issued" >/dev/null ;;
        not_me) confirm "$issued" false >/dev/null ;;
        hung_up) idb-end <<<"{\"call_id\":\"$how\"}" >/dev/null ;;
        ended) AUTH_TYPE=x REMOTE_USER=alice idb-end --zone=desk <<<"{\"call_id\":\"$how\"}" >/dev/null ;;
        esac
        status
        case $how in
        cancelled) [ "$(members)" = 'confirm confirmed cookies ended_at lang purpose reason state ticket' ] ;;
        # That there was a call, and when, is told for who looks too late.
        *) [ "$(members '. | del(.call)')" = 'confirm confirmed cookies ended_at lang purpose reason state ticket' ] &&
            [ "$(members .call)" = at ] ;;
        esac
        [ "$(json reason)" = "$how" ]
        case $how in cancelled | not_me) state=cancelled ;; *) state="done" ;; esac
        [ "$(json state)" = "$state" ]
        about 0 "$(in_seconds .ended_at)"
        clears_code
    done
}

@test "idb-status: confirmed after the yes" {
    issued=$(issue change)
    called
    status
    [ "$(json confirm) $(json confirmed)" = 'page false' ]
    confirm "$issued" true >/dev/null
    status
    [ "$(json confirm) $(json confirmed)" = 'page true' ]
}

@test "idb-status: no value, reference, call id or whole number is told" {
    called
    opened
    status
    for secret in 999990019 Estpersoon Z-1 612345678 c-1 "$session" counter; do
        [[ $output != *"$secret"* ]]
    done
}

@test "idb-status: takes no lock and writes nothing" {
    before=$(snapshot)
    hold_lock
    status
    [ "$(json state)" = issued ]
    [ "$(snapshot)" = "$before" ]
}

@test "idb-status: cookies that are no session's" {
    run --separate-stderr -1 idb-status <<<'{}'
    refused no_cookie
    run --separate-stderr -1 idb-status <<<'{"cookies":"a=b; idb-session=x"}'
    refused no_cookie
    run --separate-stderr -1 idb-status <<<'{"cookies":"__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA"}'
    refused no_session
    run --separate-stderr -1 idb-status <<<"{\"cookies\":\"__Host-idb-session=$session\"}"
    refused no_session
    run --separate-stderr -1 idb-status <<<'{"cookies":"__Host-idb-session="}'
    refused no_session
}

@test "idb-status: cookies that no browser sends" {
    run --separate-stderr -65 idb-status <<<'{"cookies":"__Host-idb-session=a; __Host-idb-session=b"}'
    failed idb-status bad_cookie
    run --separate-stderr -65 idb-status <<<'{"cookies":"__Host-idb-session=a b"}'
    failed idb-status bad_cookie
    run --separate-stderr -65 idb-status <<<"{\"cookies\":\"__Host-idb-session=$(a_lot 4096)\"}"
    failed idb-status bad_cookie
    run --separate-stderr -65 idb-status <<<"{\"cookies\":\"a=$(a_lot 16400)\"}"
    failed idb-status bad_cookie
}

@test "idb-status: members that do not exist, or of the wrong type" {
    for request in '{"cookies":7}' '{"cookies":["a"]}' '{"cookies":null}' '{"session":"x"}'; do
        run --separate-stderr -65 idb-status <<<"$request"
        failed idb-status bad_request
    done
}

@test "idb-status: as CGI by GET, with the cookie from its header and back into one" {
    called
    HTTP_COOKIE=$(cookies_of "$issued") run --separate-stderr -0 cgi idb-status GET
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'Set-Cookie: __Host-idb-code=; Path=/; Max-Age=0; Secure'* ]]
    [ "$(sed '1,/^$/d' <<<"$output" | jq -r '"\(.state) \(.cookies)"')" = 'called null' ]
    run --separate-stderr -0 cgi idb-status POST "{\"cookies\":\"$(cookies_of "$issued")\"}"
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'"no_cookie"'* ]]
}

@test "idb-status: the clock set back" {
    at_offset +5m issue_status >/dev/null
    run --separate-stderr -75 browser idb-status "$issued"
    failed idb-status clock
}
