#!/usr/bin/env bats
# Somebody else keys the code in: what the resident sees and can do, and what the
# desk sees of it.

setup() {
    load ../lib
    load lib
    instance
}

# talked_into PURPOSE: a resident logged in and read the code out to a stranger,
# who keys it in. Sets cookies.
talked_into() {
    local issued
    issued=$(issue 1 "$1")
    cookies=$(cookies_of "$issued")
    verify "$(code_of "$issued")" stranger +31687654321 >/dev/null
}

page() { jq -nc --arg cookies "$cookies" '{ $cookies }' | idb-status; }
says() { jq -nc --arg cookies "$cookies" --argjson confirm "$1" '{ $cookies, $confirm }' | idb-confirm; }
desk() { lookup_as alice '{"call_id":"stranger"}'; }

nothing_shown() { run -1 grep -E '999990019|Estpersoon|attributes' <<<"$output"; }

@test "relay: the resident's page shows the call at once: when, and how the number ends" {
    talked_into status
    run --separate-stderr -0 page
    [ "$(json .state)" = called ]
    [ "$(json .call.caller)" = 21 ]
    [[ $(json .call.at) == 20*Z ]]
    run -1 grep -E '31687654321|687654321' <<<"$output"
}

@test "relay: not me ends and erases it, and the agent is warned" {
    talked_into status
    run --separate-stderr -0 desk
    run --separate-stderr -0 says false
    [ "$(json result)" = not_me ]
    [ "$(sql 'SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL OR call_id IS NOT NULL')" = 0 ]
    run --separate-stderr -1 desk
    [ "$(json '. | "\(.result) \(.reason) \(.warning)"')" = 'ended not_me not_me' ]
    nothing_shown
    run --separate-stderr -0 page
    [ "$(json '. | "\(.state) \(.reason)"')" = 'cancelled not_me' ]
}

@test "relay: where something can be changed the agent sees no attribute before the resident's yes" {
    talked_into change
    run --separate-stderr -1 desk
    [ "$(json result)" = unconfirmed ]
    nothing_shown
    run --separate-stderr -1 lookup_as alice '{"call_id":"stranger","reveal":["bsn"]}'
    nothing_shown
    run --separate-stderr -0 page
    [ "$(json '. | "\(.confirm) \(.confirmed)"')" = 'page false' ]
    run --separate-stderr -0 says false
    run --separate-stderr -1 desk
    [ "$(json warning)" = not_me ]
    nothing_shown
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action IN ('open', 'reveal') AND result = 'ok'")" = 0 ]
}

@test "relay: the resident who does call says yes, and the agent sees the data" {
    talked_into change
    run --separate-stderr -0 says true
    run --separate-stderr -0 desk
    [ "$(json '. | "\(.result) \(.confirmed)"')" = 'open true' ]
    run --separate-stderr -0 page
    [ "$(json '. | "\(.state) \(.confirmed)"')" = 'connected true' ]
}
