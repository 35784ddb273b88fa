#!/usr/bin/env bats
# On PostgreSQL with --long
# A code that was talked out of the resident: somebody else keys it in.

setup() {
    load ../lib
    load lib
    cd "$BATS_TEST_TMPDIR" || return
    instance
}

# resident PURPOSE: somebody who logs in on their own telephone and gets a code.
resident() {
    jq -nc --arg p "$1" '{ purpose: $p, attributes: { bsn: "999990019", name: "T. Estpersoon" },
        auth: { method: "counter", level: "substantial" }, caller: "+31611111111" }' |
        idb-issue --attest=front-office >issued
    code=$(jq -r .code issued)
    cookies=$(cookies_of "$(cat issued)")
}

page() { jq -nc --arg c "$cookies" '{ cookies: $c }' | idb-status; }
says() { jq -nc --arg c "$cookies" --argjson yes "$1" '{ cookies: $c, confirm: $yes }' | idb-confirm; }

# shows_nothing: no attribute, no login, no value of them is in the answer.
shows_nothing() {
    [ "$(jq 'has("attributes") or has("level") or has("reference") or has("method")' <<<"$output")" = false ]
    [[ $output != *999990019* ]]
    [[ $output != *Estpersoon* ]]
}

@test "relay: the resident's page shows a stranger's call at once; not me erases it and warns the agent" {
    resident status
    run --separate-stderr -0 page
    [ "$(json state)" = issued ]
    run --separate-stderr -0 verify "$code" evil-1 +31699999978
    [ "$(json result)" = accepted ]
    run --separate-stderr -0 page
    [ "$(json state)" = called ]
    [ "$(json .call.caller)" = 78 ]
    [[ $(json .call.at) == 20*Z ]]
    [ "$(jq 'has("code")' <<<"$output")" = false ]
    [[ $(json '.cookies[]') == *'Max-Age=0'* ]]
    # The desk has a hint before it opens anything.
    run --separate-stderr -0 lookup_as alice '{"call_id":"evil-1","peek":true}'
    [ "$(json number_hint)" = differs ]
    [ "$(json caller)" = 78 ]
    shows_nothing
    run --separate-stderr -0 says false
    [ "$(json result)" = not_me ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"evil-1"}'
    [ "$(json result)" = ended ]
    [ "$(json warning)" = not_me ]
    shows_nothing
    [ "$(sql "SELECT state || ' ' || end_reason FROM session")" = 'cancelled not_me' ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL OR code_mac IS NOT NULL
        OR call_id IS NOT NULL OR caller_last2 IS NOT NULL")" = 0 ]
    run --separate-stderr -0 page
    [ "$(json state)" = cancelled ]
    # Neither the code nor the call is good for anything any more.
    run --separate-stderr -1 verify "$code" evil-2
    [ "$(json result)" = wrong ]
    resident status
    run --separate-stderr -1 verify "$code" evil-1
    [ "$(json result)" = call_ended ]
    is_sound
}

@test "relay: an agent who had opened it already gets the warning with the next look" {
    resident status
    verify "$code" evil-1 +31699999978 >accepted
    run --separate-stderr -0 lookup_as alice '{"call_id":"evil-1"}'
    [ "$(json result)" = open ]
    run --separate-stderr -0 page
    [[ $(json connected_at) == 20*Z ]]
    says false >said
    local request
    for request in '{"call_id":"evil-1","peek":true}' '{"call_id":"evil-1","reveal":["bsn"]}' '{"call_id":"evil-1"}'; do
        run --separate-stderr -1 lookup_as alice "$request"
        [ "$(json warning)" = not_me ]
        shows_nothing
    done
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'reveal'")" = 0 ]
}

@test "relay: with confirm page the agent sees nothing until the resident says yes, also not by reveal or peek" {
    local request
    resident change
    verify "$code" evil-1 >accepted
    for request in '{"call_id":"evil-1"}' '{"call_id":"evil-1","reveal":["bsn"]}'; do
        run --separate-stderr -1 lookup_as alice "$request"
        shows_nothing
    done
    run --separate-stderr -0 lookup_as alice '{"call_id":"evil-1","peek":true}'
    [ "$(json confirm)" = page ]
    [ "$(json confirmed)" = false ]
    shows_nothing
    run --separate-stderr -0 lookup_as alice '{"open":true}'
    shows_nothing
    run --separate-stderr -0 page
    [ "$(json confirm)" = page ]
    [ "$(json .call.caller)" = withheld ]
    # The stranger, who has no browser of the resident, cannot confirm.
    run --separate-stderr -1 idb-confirm <<<'{"cookies":"__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA","confirm":true}'
    run --separate-stderr -1 lookup_as alice '{"call_id":"evil-1"}'
    [ "$(json result)" = unconfirmed ]
    says false >said
    run --separate-stderr -1 lookup_as alice '{"call_id":"evil-1"}'
    [ "$(json warning)" = not_me ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE result = 'ok' AND action IN ('open', 'reveal')")" = 0 ]
}

@test "relay: with confirm page the resident's own call opens after a yes" {
    resident change
    verify "$code" own-1 +31611111111 >accepted
    run --separate-stderr -1 lookup_as alice '{"call_id":"own-1"}'
    run --separate-stderr -0 says true
    run --separate-stderr -0 lookup_as alice '{"call_id":"own-1"}'
    [ "$(json confirmed)" = true ]
    [ "$(json number_hint)" = match ]
    [ "$(json '.attributes[] | select(.name == "name").value')" = 'T. Estpersoon' ]
    # Who changes their mind is still heard.
    run --separate-stderr -0 says false
    run --separate-stderr -1 lookup_as alice '{"call_id":"own-1"}'
    [ "$(json warning)" = not_me ]
}

@test "relay: a code that its resident keyed in first is used for the stranger, and leaves them no word of whose it is" {
    resident status
    verify "$code" own-1 >accepted
    run --separate-stderr -1 verify "$code" evil-1 +31699999978
    [ "$(json result)" = used ]
    [ "$(jq -r 'keys | join(" ")' <<<"$output")" = 'attempts_left result' ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"evil-1"}'
    [ "$(json error)" = unknown_call ]
    shows_nothing
}
