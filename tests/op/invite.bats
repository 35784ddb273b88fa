#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: idb-invite.bats and login.bats do it each time.
# A letter's whole way over HTTP: the code typed or scanned, the login, the consent that
# spends it, and the agent who sees what it was about and whose it is.

load ../lib
load ../site
load lib
load ../life
load login
load flow

setup_file() { flow_up; }
teardown_file() { flow_down; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    flow_instance
    new one
}

# letter [JQ]: an invitation for anna; JQ changes it. Sets letter, plain and with_code.
letter() {
    letter=$(jq -nc '{ purpose: "status", reference: "Z-2026-77", person: "999990019" } | '"${1-.}" | idb-invite) || return
    plain=$(jq -r .address <<<"$letter") with_code=$(jq -r .address_with_code <<<"$letter")
    paper=$(member code "$letter")
}

# type_code CODE: into the page's form, as curl's press cannot.
type_code() {
    local options=()
    take_form "$([[ $(<"$TAB/page") == *'<html lang="nl"'* ]] && echo Ga verder || echo Go on)" || return
    printf %s "$1" >typed
    visit "$action" "${options[@]}" --data-urlencode code@typed
}

spent() { sql 'SELECT COUNT(*) FROM invitation WHERE spent_at IS NOT NULL'; }

# look CALL: the agent opens that call.
look() {
    new_agent agent
    visit "$DESK/desk?line=kcc&call_id=$1"
}

# come PERSON: from the letter in hand to the question.
come() { visit "$plain" && type_code "$paper" && press 'Inloggen met DigiD' && press "$1:"; }

@test "invite: typed in, for one person: from the letter to the agent" {
    letter
    visit "$plain"
    sees 200 '<h1>Bel ons met de code uit uw brief of e-mail</h1>' 'Gemeente Voorbeeld'
    type_code "${paper,,}"
    sees 200 '<h1>Bellen: Hoe staat het met mijn aanvraag?</h1>' "value=\"$paper\""
    lacks Z-2026-77
    press 'Inloggen met DigiD'
    press anna:
    sees 200 '<h1>Wilt u deze gegevens delen?</h1>'
    [ "$(spent)" = 0 ]
    agree
    [ "$(spent)" = 1 ]
    # Posted again, the same session has a new code.
    [ "$(sql 'SELECT sealed IS NULL FROM invitation')" = 1 ]
    key_in "$code" call-1
    [ "$result" = accepted ]
    look call-1
    sees 200 'T. Estpersoon' Z-2026-77
    lacks 'niet gekoppeld'
    [ "$(sql "SELECT actor, result, session = (SELECT id FROM session) FROM audit WHERE action = 'spend'")" = 'resident|ok|1' ]
    [ "$(sql "SELECT detail FROM audit WHERE action = 'spend'")" = "{\"invitation\":\"$(jq -r .invitation <<<"$letter")\"}" ]
    # It served; whoever finds the letter comes no further.
    new two
    visit "$plain"
    type_code "$paper"
    refused 410 invitation_used invitation_used
    # Neither servers nor store kept it.
    store_bytes >bytes
    run -1 grep -rqaE "${paper/-/-?}" "$SITE/log" bytes
    [ -s bytes ]
}

@test "invite: scanned, the code stands in the form, and looking does nothing" {
    letter '.lang = "en"'
    before=$(snapshot)
    for _ in 1 2 3; do
        visit "$with_code"
        visit "$with_code" --head
        visit "$WEB/i?c=$paper"
    done
    # A code that nobody has looks just the same.
    visit "$WEB/en/invite?c=BCDFGHJKLM"
    sees 200 'value="BCDFG-HJKLM"'
    visit "$WEB/i?c=%22%3E%3Cb%3E"
    sees 200 'value=""'
    visit "$with_code"
    sees 200 '<h1>Call us with the code of your letter or e-mail</h1>' "value=\"$paper\""
    [ "$(snapshot)" = "$before" ]
    follow Nederlands
    sees 200 "value=\"$paper\""
    follow English
    type_code "$paper"
    follow Nederlands
    sees 200 'Bel ons met de code' "value=\"$paper\""
    type_code "$paper"
    press 'Inloggen met DigiD'
    press anna:
    agree
    [ "$(spent)" = 1 ]
}

@test "invite: somebody else who logs in is told so, and the code stays good" {
    letter
    come bert
    refused 403 other_person other_person
    [ "$(sessions) $(spent)" = '0 0' ]
    follow 'Typ de code opnieuw'
    sees 200 "value=\"$paper\""
    type_code "$paper"
    press 'Inloggen met DigiD'
    press anna:
    agree
    [ "$(sessions) $(spent)" = '1 1' ]
}

@test "invite: for everybody, the desk reads that the reference is nobody's" {
    letter 'del(.person)'
    come bert
    agree
    key_in "$code" call-1
    look call-1
    sees 200 Z-2026-77 'Kenmerk niet gekoppeld aan deze persoon'
    run --separate-stderr -0 lookup_as alice '{"call_id":"call-1"}'
    [ "$(json reference) $(json reference_tied)" = 'Z-2026-77 false' ]
}

@test "invite: a login that was stopped begins again with the letter" {
    letter
    visit "$plain"
    type_code "$paper"
    press 'Inloggen met DigiD'
    press Cancel
    sees 200 'U bent gestopt met inloggen'
    follow 'Begin opnieuw'
    sees 200 "value=\"$paper\""
}

@test "invite: of two who agree with one code one gets a session, and a new code when posting again" {
    letter 'del(.person)'
    come anna
    take_form Ja,
    first=("$action" "${options[@]}")
    new two
    come bert
    take_form Ja,
    visit "$action" "${options[@]}"
    take_code
    to one
    visit "${first[@]}"
    refused 410 invitation_used invitation_used
    [ "$(sessions) $(spent)" = '1 1' ]
    to two
    one=$code
    visit "$action" "${options[@]}"
    take_code
    [ "$code" != "$one" ]
    [ "$(sessions)" = 1 ]
}

@test "invite: six programs that spend one code at once make one session" {
    local i browsers=() offers=()
    letter 'del(.person)'
    for i in 1 2 3 4 5 6; do
        browsers[i]=$(browser_new "$i")
        offers[i]=$(log_in_by "${browsers[i]}" "$paper")
    done
    for i in 1 2 3 4 5 6; do
        { consent "${browsers[i]}" "${offers[i]}" >"answer-$i" 2>"said-$i" || :; } &
    done
    wait
    [ "$(jq -r '.error // "session"' answer-* | sort | uniq -c | tr -s ' ' | paste -sd ,)" = ' 5 invitation_used, 1 session' ]
    [ "$(sessions) $(spent)" = '1 1' ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'spend'")" = 1 ]
}

# log_in_by BROWSER CODE: a login of anna that begins with a code; prints the callback's
# answer.
log_in_by() {
    local begun at
    begun=$(ask "$1" idb-oidc-start ". + { invitation: \"$2\", method: \"digid\" }") || return
    at=$(CURL_CA_BUNDLE=$SITE/cert.pem at_provider "$1" "$(member location "$begun")" user=anna) || return
    callback "$1" "$at"
}

@test "invite: no code, a wrong one, and too many: each a page that leads on" {
    letter
    visit "$plain"
    type_code ' '
    refused 404 invitation_unknown invitation_unknown
    for _ in {1..10}; do
        follow 'Typ de code opnieuw'
        type_code BCDFG-HJKLM
        refused 404 invitation_unknown invitation_unknown
    done
    # All tests come from this machine, which counts in all alone.
    follow 'Typ de code opnieuw'
    type_code "$paper"
    sees 200 '<h1>Bellen:'
    sql "UPDATE attempts SET count = 1000"
    visit "$plain"
    type_code "$paper"
    refused 429 invitation_throttled invitation_throttled
    grep -qx 'Retry-After: 900' "$TAB/headers"
}

@test "invite: a code that expires during the login says so" {
    letter
    visit "$plain"
    type_code "$paper"
    press 'Inloggen met DigiD'
    sql "UPDATE invitation SET expires_at = $(date +%s)000 - 1"
    press anna:
    refused 410 invitation_expired invitation_expired
    follow 'Begin opnieuw'
    at "$WEB/nl/start/status"
}

@test "invite: a row that was tampered with is refused" {
    letter
    sql "UPDATE invitation SET bound = 0"
    come anna
    refused 500 forged
    sql "UPDATE invitation SET bound = 1, purpose = 'change'"
    come anna
    refused 500 forged
    [ "$(sessions)" = 0 ]
}
