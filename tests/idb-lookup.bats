#!/usr/bin/env bats
# idb-lookup: what the desk sees, who may, and that forged rows are found out.
# On PostgreSQL with --long

load lib
load life

setup() {
    idb_instance
    issued=$(issue_status)
    session=$(session_of "$issued")
}

called() { verify "$(code_of "$issued")" "${1-c-1}" +31612345678 >/dev/null; }
# look EXIT MEMBERS: alice asks about c-1, with MEMBERS of JSON added.
look() { run --separate-stderr "-$1" lookup_as alice "{\"call_id\":\"c-1\"${2:+,$2}}"; }

# tells_nothing: no value of the resident stands in the answer or the complaint.
tells_nothing() {
    [ "$(json attributes)" = null ] && [[ $output$stderr != *@(999990019|Estpersoon|Z-1)* ]]
}

# forged SQL: the store is changed like that, and opening the call then fails as
# forged, with all that goes with it and nothing changed.
forged() {
    sql "$1"
    is_forged
}
is_forged() {
    local rows count
    rows=$(sql 'SELECT * FROM session ORDER BY id') count=$(alarms forged)
    look 70
    failed idb-lookup forged
    tells_nothing
    [ "$(newest_audit)" = "agent:alice|open|$session|forged" ]
    [ "$(alarms forged)" = $((count + 1)) ]
    [ "$(sql 'SELECT * FROM session ORDER BY id')" = "$rows" ]
}

# ---- opening ----

@test "idb-lookup: open, every member of the answer" {
    called
    look 0
    [ -z "$stderr" ]
    [ "$(members)" = 'attested_by attributes auth_time call_id called_at caller confirm confirmed connected_at level line method number_hint purpose recognised_by reference result session state ticket' ]
    [ "$(jq -r '[.result, .session, .state, .line, .call_id, .confirm, .confirmed, .caller, .number_hint,
        .recognised_by, .method, .level, .reference, .attested_by] | join(" ")' <<<"$output")" = \
        "open $session connected kcc c-1 notify false 78 unknown code counter substantial Z-1 front-office" ]
    [ "$(json ticket)" = "$(member ticket "$issued")" ]
    [ "$(json '.purpose | tojson')" = '{"name":"status","label":"Hoe staat het met mijn aanvraag?"}' ]
    for member in called_at connected_at auth_time; do about 0 "$(in_seconds ".$member")"; done
    [ "$(json '.attributes | tojson')" = '[{"name":"bsn","label":"Burgerservicenummer","value":"••••••","masked":true},{"name":"name","label":"Naam","value":"T. Estpersoon","masked":false}]' ]
    [ "$(newest_audit)" = "agent:alice|open|$session|ok" ]
    [ "$(column state "$session")" = connected ]
}

@test "idb-lookup: labels in the language asked for, else in Dutch" {
    called
    look 0 '"lang":"en"'
    [ "$(json .purpose.label) $(json '.attributes[0].label')" = 'How is my application doing? Citizen service number' ]
    look 0 '"lang":"fr"'
    [ "$(json '.attributes[0].label')" = Burgerservicenummer ]
}

@test "idb-lookup: opened again it is the same, and each time on record" {
    called
    look 0
    first=$output
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -0 at_offset +10s idb-lookup <<<'{"call_id":"c-1"}'
    [ "$output" = "$first" ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'open'")" = 2 ]
}

@test "idb-lookup: no reference, an announced number, a withheld one" {
    issued=$(issue_status 'del(.reference) | .caller = "+31612345678"')
    called
    look 0
    [ "$(json reference) $(json number_hint)" = 'null match' ]
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-2 >/dev/null
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
    [ "$(json caller)" = withheld ]
}

@test "idb-lookup: values are shown as they were stated, whatever is in them" {
    issued=$(issue_status '.attributes.name = "Zoë <b>\"O'\''Hara\"</b> \\ 北"')
    called
    look 0
    [ "$(json '.attributes[1].value')" = "Zoë <b>\"O'Hara\"</b> \\ 北" ]
}

@test "idb-lookup: links of the purpose go along" {
    idb_instance '.purposes.status.links = { bsn: "https://cases.example.org/?bsn={value}" }'
    issued=$(issue_status)
    called
    look 0
    [ "$(json .links.bsn)" = 'https://cases.example.org/?bsn={value}' ]
}

# ---- revealing ----

@test "idb-lookup: one masked value, on record" {
    called
    look 0
    look 0 '"reveal":["bsn"]'
    [ "$(json '.attributes[0] | tojson')" = \
        '{"name":"bsn","label":"Burgerservicenummer","value":"999990019","masked":false}' ]
    [ "$(newest_audit)" = "agent:alice|reveal|$session|ok" ]
    [ "$(sql 'SELECT detail FROM audit ORDER BY id DESC LIMIT 1')" = '{"attributes":["bsn"]}' ]
    [[ $(sql 'SELECT group_concat(detail) FROM audit') != *999990019* ]]
    look 0
    [ "$(json '.attributes[0].masked')" = true ]
}

@test "idb-lookup: revealing before opening is refused" {
    called
    look 1 '"reveal":["bsn"]'
    refused not_open
    [ "$(column 'state, connected_at IS NULL' "$session")" = 'called|1' ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'reveal'")" = 0 ]
}

@test "idb-lookup: only the purpose's attributes are revealed" {
    called
    look 0
    before=$(snapshot)
    for names in '["email"]' '["bsn","email"]' '[7]' '[null]' '[["bsn"]]'; do
        look 65 "\"reveal\":$names"
        failed idb-lookup attribute_not_allowed
        tells_nothing
    done
    [ "$(snapshot)" = "$before" ]
}

# ---- peeking ----

@test "idb-lookup: peek opens nothing, writes nothing, takes no lock" {
    called
    before=$(snapshot)
    hold_lock
    look 0 '"peek":true'
    [ "$(members)" = 'call_id called_at caller confirm confirmed line number_hint purpose result session state ticket' ]
    [ "$(json result) $(json state)" = 'peek called' ]
    tells_nothing
    [ "$(snapshot)" = "$before" ]
    [ -z "$stderr" ]
}

@test "idb-lookup: peek:false opens" {
    called
    look 0 '"peek":false'
    [ "$(json result)" = open ]
}

@test "idb-lookup: peek at a call without a session, and at one that ended" {
    look 1 '"peek":true'
    refused unknown_call
    called
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    look 1 '"peek":true'
    [ "$output" = '{"result":"ended","reason":"hung_up"}' ]
}

# ---- handing over ----

@test "idb-lookup: handed over, on record, and every look says so, but shows nothing more" {
    called
    look 0
    look 0 '"hand_over":true'
    [ -z "$stderr" ]
    [ "$(members)" = 'call_id called_at caller confirm confirmed connected_at handed_over line number_hint purpose result session state ticket' ]
    [ "$(json result) $(json state) $(json .handed_over.by)" = 'handed_over connected alice' ]
    about 0 "$(in_seconds .handed_over.at)"
    tells_nothing
    [ "$(newest_audit)" = "agent:alice|hand_over|$session|ok" ]
    me=$(id -un) handed=$(json '.handed_over | tojson')
    for request in '{"call_id":"c-1","peek":true}' '{"call_id":"c-1"}' '{"call_id":"c-1","reveal":["bsn"]}'; do
        run --separate-stderr -0 lookup_as "$me" "$request"
        [ "$(json '.handed_over | tojson')" = "$handed" ]
        [ -z "$stderr" ]
    done
    # What was shown to the one who handed over is masked anew.
    run --separate-stderr -0 lookup_as "$me" '{"call_id":"c-1"}'
    [ "$(json '.attributes[0].masked')" = true ]
    run --separate-stderr -0 lookup_as "$me" '{"open":true}'
    [ "$(json '.calls[0].handed_over | tojson')" = "$handed" ]
    run --separate-stderr -0 lookup_as "$me" '{"call_id":"c-1","hand_over":true}'
    [ "$(json .handed_over.by)" = "$me" ]
    run --separate-stderr -0 idb-lookup --human <<<'{"call_id":"c-1","peek":true}'
    [[ $output == *'Handed over by '*"$me"* ]]
}

@test "idb-lookup: only what was opened is handed over, by an agent, and alone" {
    called
    other=$(issue_status)
    verify "$(code_of "$other")" c-2 >/dev/null
    lookup_as alice '{"call_id":"c-2"}' >/dev/null
    before=$(snapshot)
    look 1 '"hand_over":true'
    refused not_open
    for more in '"peek":true' '"reveal":["bsn"]'; do
        look 65 "\"hand_over\":true,$more"
        failed idb-lookup bad_request
    done
    for user in sam pia mallory; do
        run --separate-stderr -77 lookup_as "$user" '{"call_id":"c-2","hand_over":true}'
        failed idb-lookup not_permitted
    done
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-9","hand_over":true}'
    refused unknown_call
    [ "$(snapshot)" = "$before" ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
    [ "$(json handed_over)" = null ]
    idb-end --zone=desk <<<'{"call_id":"c-2"}' >/dev/null
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-2","hand_over":true}'
    [ "$output" = '{"result":"ended","reason":"ended"}' ]
}

@test "idb-lookup: a forged call is not handed over" {
    called
    look 0
    sql "UPDATE session SET bound = zeroblob(32)"
    look 70 '"hand_over":true'
    failed idb-lookup forged
    [ "$(newest_audit)" = "agent:alice|hand_over|$session|forged" ]
    [ "$(alarms forged)" = 1 ]
}

# ---- unconfirmed ----

@test "idb-lookup: a purpose that needs a yes shows nothing before it" {
    issued=$(issue change) session=$(session_of "$issued")
    called
    look 1
    [ "$(members)" = 'call_id called_at caller confirm confirmed line number_hint purpose result session state ticket' ]
    [ "$(json result) $(json confirm) $(json confirmed)" = 'unconfirmed page false' ]
    tells_nothing
    [ -z "$stderr" ]
    [ "$(newest_audit)" = "agent:alice|open|$session|unconfirmed" ]
    [ "$(column 'state, connected_at IS NULL' "$session")" = 'called|1' ]
    confirm "$issued" true >/dev/null
    look 0
    [ "$(json '.attributes[0].value')" = 'T. Estpersoon' ]
}

@test "idb-lookup: the configuration asks for a yes even where the row does not" {
    issued=$(issue change) session=$(session_of "$issued")
    called
    sql "UPDATE session SET confirm = 'notify'"
    look 1
    [ "$(json result)" = unconfirmed ]
    jq 'del(.purposes.change)' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    look 1
    [ "$(json result)" = unconfirmed ]
}

# ---- no session ----

@test "idb-lookup: a call that nobody verified" {
    look 1
    refused unknown_call
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'open'")" = 0 ]
}

@test "idb-lookup: an ended call says why, with a warning where it must" {
    called
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    look 1
    [ "$output" = '{"result":"ended","reason":"hung_up"}' ]
    look 1 '"reveal":["bsn"]'
    [ "$output" = '{"result":"ended","reason":"hung_up"}' ]
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-2 >/dev/null
    confirm "$issued" false >/dev/null
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-2"}'
    [ "$output" = '{"result":"ended","reason":"not_me","warning":"not_me"}' ]
    [ -z "$stderr" ]
}

@test "idb-lookup: a session past its time is not opened, before and after the purge" {
    called
    look 0
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -1 at_offset +4h idb-lookup <<<'{"call_id":"c-1"}'
    tells_nothing
    at_offset +4h idb-purge >/dev/null
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -1 at_offset +4h idb-lookup <<<'{"call_id":"c-1"}'
    [ "$output" = '{"result":"ended","reason":"expired"}' ]
}

@test "idb-lookup: a call id on another line is another call" {
    idb_instance '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67" }'
    issued=$(issue_status)
    jq -nc --arg code "$(code_of "$issued")" '{ code: $code, call_id: "c-1" }' |
        idb-verify --line=kcc >/dev/null
    look 65
    failed idb-lookup unknown_line
    look 65 '"line":"three"'
    failed idb-lookup unknown_line
    look 1 '"line":"two"'
    refused unknown_call
    look 0 '"line":"kcc"'
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -0 idb-lookup --line=kcc <<<'{"call_id":"c-1"}'
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -78 idb-lookup --line=three <<<'{"call_id":"c-1"}'
    failed idb-lookup unknown_line
}

@test "idb-lookup: a seal key that was destroyed" {
    called
    rm "$IDB_KEYS/desk/seal.key" "$IDB_KEYS/web/seal.pub"
    idb-keys create >/dev/null
    look 1
    refused key_destroyed
    [ "$(newest_audit)" = "agent:alice|open|$session|key_destroyed" ]
    [ "$(alarms forged)" = 0 ]
    [ "$(column state "$session")" = called ]
}

@test "idb-lookup: after a rotation of every key it still opens" {
    called
    for key in seal issue bind; do idb-keys rotate "$key" >/dev/null; done
    look 0
    [ "$(json '.attributes[1].value')" = 'T. Estpersoon' ]
}

# ---- forged ----

@test "idb-lookup: forged: the binding altered, missing, of another key, of another session" {
    called
    other=$(issue_status)
    verify "$(code_of "$other")" c-2 >/dev/null
    forged "UPDATE session SET bound = randomblob(32) WHERE id = '$session'"
    forged "UPDATE session SET bound = NULL WHERE id = '$session'"
    forged "UPDATE session SET bound = (SELECT bound FROM session WHERE call_id = 'c-2') WHERE id = '$session'"
    forged "UPDATE session SET bound_key = '0000000000000000' WHERE id = '$session'"
    [ "$(alarms forged)" = 4 ]
}

@test "idb-lookup: forged: attached to a call by hand" {
    forged "UPDATE session SET state = 'called', call_id = 'c-1', called_at = created_at,
        due_at = expires_at WHERE id = '$session'"
}

@test "idb-lookup: forged: two calls swapped" {
    called
    other=$(issue_status '.attributes.name = "An Other"')
    verify "$(code_of "$other")" c-2 >/dev/null
    sql "UPDATE session SET call_id = 'x' WHERE call_id = 'c-1';
         UPDATE session SET call_id = 'c-1' WHERE call_id = 'c-2';
         UPDATE session SET call_id = 'c-2' WHERE call_id = 'x'"
    session=$(session_of "$other")
    is_forged
    [[ $output != *'An Other'* ]]
}

@test "idb-lookup: forged: moved to another call, or another time of call" {
    called c-9
    forged "UPDATE session SET call_id = 'c-1' WHERE id = '$session'"
    sql "UPDATE session SET call_id = 'c-9'"
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-9"}'
    issued=$(issue_status) session=$(session_of "$issued")
    called
    forged "UPDATE session SET called_at = called_at + 1 WHERE id = '$session'"
}

@test "idb-lookup: forged: the sealed record of another session, another one's, none" {
    called
    other=$(issue_status '.attributes.name = "An Other"')
    forged "UPDATE session SET sealed = (SELECT sealed FROM session
        WHERE id = '$(session_of "$other")') WHERE id = '$session'"
    forged "UPDATE session SET sealed = substr(sealed, 1, length(sealed) - 4) || 'AAAA' WHERE id = '$session'"
    forged "UPDATE session SET sealed = 'x' WHERE id = '$session'"
    forged "UPDATE session SET sealed = NULL WHERE id = '$session'"
}

@test "idb-lookup: forged: a record that the web zone did not sign" {
    called
    good=$(column sealed "$session")
    # The desk knows another issue key than the one that signed.
    cp -a "$IDB_KEYS" "$BATS_TEST_TMPDIR/keys"
    rm "$IDB_KEYS/web/issue.key" "$IDB_KEYS/desk/issue.pub"
    idb-keys create >/dev/null
    look 70
    failed idb-lookup forged
    [ "$good" = "$(column sealed "$session")" ]
    rm -rf "$IDB_KEYS"
    mv "$BATS_TEST_TMPDIR/keys" "$IDB_KEYS"
    look 0
}

@test "idb-lookup: forged: purpose and times differ from what was signed" {
    called
    forged "UPDATE session SET purpose = 'appointment' WHERE id = '$session'"
    sql "UPDATE session SET purpose = 'status'"
    forged "UPDATE session SET expires_at = expires_at + 3600000, due_at = due_at + 3600000 WHERE id = '$session'"
    forged "UPDATE session SET expires_at = expires_at - 7200000 WHERE id = '$session'"
}

@test "idb-lookup: past the signed expiry nothing opens, whatever the row says" {
    called
    sql "UPDATE session SET due_at = due_at + 86400000"
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr at_offset +5h idb-lookup <<<'{"call_id":"c-1"}'
    [ "$status" = 70 ] || [ "$status" = 1 ]
    tells_nothing
}

@test "idb-lookup: forged: a confirmation copied, made up, or of another call" {
    issued=$(issue change) session=$(session_of "$issued")
    called
    other=$(issue change)
    verify "$(code_of "$other")" c-2 >/dev/null
    confirm "$other" true >/dev/null
    forged "UPDATE session SET confirmation = (SELECT confirmation FROM session
        WHERE call_id = 'c-2') WHERE id = '$session'"
    forged "UPDATE session SET confirmation = 'yes' WHERE id = '$session'"
    sql "UPDATE session SET confirmation = NULL"
    look 1
    [ "$(json result)" = unconfirmed ]
}

@test "idb-lookup: forged: a confirmation of a call of the same moment" {
    issued=$(issue change) session=$(session_of "$issued")
    other=$(issue change)
    # One group is one moment.
    idb-verify >/dev/null < <(jq -nc --arg one "$(code_of "$issued")" --arg two "$(code_of "$other")" \
        '{ code: $one, call_id: "c-1" }, { code: $two, call_id: "c-2" }')
    [ "$(sql 'SELECT COUNT(DISTINCT called_at) FROM session WHERE called_at > 0')" = 1 ]
    confirm "$other" true >/dev/null
    forged "UPDATE session SET confirmation = (SELECT confirmation FROM session
        WHERE call_id = 'c-2') WHERE id = '$session'"
}

@test "idb-lookup: forged: a confirmation of an earlier call of the session" {
    issued=$(issue change) session=$(session_of "$issued")
    called c-9
    confirm "$issued" true >/dev/null
    yes=$(column confirmation "$session")
    sql "UPDATE session SET state = 'issued', call_id = NULL, called_at = NULL, bound = NULL,
        confirmation = NULL WHERE id = '$session'"
    called
    look 1
    [ "$(json result)" = unconfirmed ]
    forged "UPDATE session SET confirmation = '$yes' WHERE id = '$session'"
}

@test "idb-lookup: forged: an ended session brought back" {
    called
    row=$(sql "SELECT quote(sealed), quote(bound), quote(bound_key) FROM session")
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    IFS='|' read -r sealed bound key <<<"$row"
    forged "UPDATE session SET state = 'called', call_id = 'c-1', sealed = $sealed, bound = $bound,
        bound_key = $key, due_at = expires_at, ended_at = NULL, end_reason = NULL WHERE id = '$session'"
}

@test "idb-lookup: forged as CGI is 500, and the stream goes on" {
    called
    sql "UPDATE session SET bound = randomblob(32)"
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -0 cgi idb-lookup POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 500 Internal Server Error' ]
    [[ $output == *'"forged"'* ]]
    other=$(issue_status)
    verify "$(code_of "$other")" c-2 >/dev/null
    run --separate-stderr -70 lookup_as alice $'{"call_id":"c-1"}\n{"call_id":"c-2"}'
    [ "$(jq -r '.error // .result' <<<"$output" | paste -sd ' ')" = 'forged open' ]
    [ "$(alarms forged)" = 2 ]
    [ "$(column state "$(session_of "$other")")" = connected ]
}

# ---- the desk's list ----

@test "idb-lookup: open calls, in order, without personal data" {
    run --separate-stderr -0 lookup_as alice '{"open":true}'
    [ "$output" = '{"result":"calls","calls":[]}' ]
    called
    other=$(issue change)
    at_offset +1s verify "$(code_of "$other")" c-2 >/dev/null
    gone=$(issue_status)
    verify "$(code_of "$gone")" c-3 >/dev/null
    idb-end <<<'{"call_id":"c-3"}' >/dev/null
    before=$(snapshot)
    run --separate-stderr -0 lookup_as alice '{"open":true}'
    [ "$(json '.calls | map(.call_id) | join(" ")')" = 'c-1 c-2' ]
    [ "$(members '.calls[0]')" = 'call_id called_at caller confirm confirmed line number_hint purpose session state ticket' ]
    [ "$(json '.calls | map(.confirm) | join(" ")')" = 'notify page' ]
    tells_nothing
    [ "$(snapshot)" = "$before" ]
    [ -z "$stderr" ]
}

@test "idb-lookup: calls past their time are not in the list, before any purge" {
    called
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -0 at_offset +4h idb-lookup <<<'{"open":true}'
    [ "$(json '.calls | length')" = 0 ]
}

# ---- support ----

@test "idb-lookup: a ticket, every member of the answer, no personal data" {
    ticket=$(member ticket "$issued")
    run --separate-stderr -0 lookup_as sam "{\"ticket\":\"$ticket\"}"
    [ "$(members)" = 'code_expires_at code_valid confirm confirmed created_at purpose result session state ticket' ]
    [ "$(json result) $(json ticket) $(json session) $(json state) $(json code_valid)" = \
        "ticket $ticket $session issued true" ]
    about 600 "$(in_seconds .code_expires_at)"
    [ "$(newest_audit)" = "agent:sam|ticket|$session|ok" ]
    called
    verify "$(code_of "$issued")" c-2 >/dev/null || [ $? = 1 ]
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    browser idb-end "$issued" >/dev/null
    run --separate-stderr -0 lookup_as sam "{\"ticket\":\"$ticket\"}"
    [ "$(members)" = 'called_at code_expires_at code_valid connected_at created_at ended_at purpose reason refusal refused_at result session state ticket' ]
    [ "$(json state) $(json reason) $(json refusal) $(json code_valid)" = 'done resident used false' ]
    for secret in 999990019 Estpersoon Z-1 c-1 '"78"'; do [[ $output != *"$secret"* ]]; done
    [ -z "$stderr" ]
}

@test "idb-lookup: a ticket says whether the resident must confirm, and has, while it lives" {
    issued=$(issue change)
    called
    ticket=$(member ticket "$issued")
    run --separate-stderr -0 lookup_as sam "{\"ticket\":\"$ticket\"}"
    [ "$(json confirm) $(json confirmed)" = 'page false' ]
    confirm "$issued" true >/dev/null
    run --separate-stderr -0 lookup_as sam "{\"ticket\":\"$ticket\"}"
    [ "$(json confirm) $(json confirmed)" = 'page true' ]
    [ -z "$stderr" ]
}

@test "idb-lookup: a ticket in small letters, and one that does not exist" {
    ticket=$(jq -r '.ticket | ascii_downcase' <<<"$issued")
    run --separate-stderr -0 lookup_as sam "{\"ticket\":\"$ticket\"}"
    for ticket in AAAAAA BCDFG BCDFGHJ 'BCDFG%'; do
        run --separate-stderr -1 lookup_as sam "{\"ticket\":\"$ticket\"}"
        refused unknown_ticket
    done
    [ "$(newest_audit)" = 'agent:sam|ticket||unknown_ticket' ]
}

@test "idb-lookup: a ticket of a session past its time is expired, before any purge" {
    ticket=$(member ticket "$issued")
    AUTH_TYPE=x REMOTE_USER=sam run --separate-stderr -0 at_offset +40m idb-lookup <<<"{\"ticket\":\"$ticket\"}"
    [ "$(json state) $(json code_valid)" = 'expired false' ]
}

# ---- who ----

@test "idb-lookup: agents open, support sees tickets, privacy neither" {
    called
    ticket=$(member ticket "$issued")
    before=$(snapshot)
    for try in 'sam|{"call_id":"c-1"}' 'sam|{"call_id":"c-1","peek":true}' 'sam|{"open":true}' \
        "alice|{\"ticket\":\"$ticket\"}" 'pia|{"call_id":"c-1"}' 'pia|{"open":true}' \
        "pia|{\"ticket\":\"$ticket\"}" 'mallory|{"call_id":"c-1"}' 'ALICE|{"call_id":"c-1"}'; do
        run --separate-stderr -77 lookup_as "${try%%|*}" "${try#*|}"
        failed idb-lookup not_permitted
        tells_nothing
    done
    [ "$(snapshot)" = "$before" ]
    look 0
}

@test "idb-lookup: REMOTE_USER without AUTH_TYPE is nobody's word" {
    called
    REMOTE_USER=sam run --separate-stderr -0 idb-lookup <<<'{"call_id":"c-1"}'
    [ "$(newest_audit)" = "agent:$(id -un)|open|$session|ok" ]
    REMOTE_USER=sam AUTH_TYPE='' run --separate-stderr -0 idb-lookup <<<'{"call_id":"c-1"}'
    jq '.desk |= { alice }' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    REMOTE_USER=alice run --separate-stderr -77 idb-lookup <<<'{"call_id":"c-1"}'
    failed idb-lookup not_permitted
    AUTH_TYPE=x run --separate-stderr -77 idb-lookup <<<'{"call_id":"c-1"}'
    failed idb-lookup not_permitted
}

@test "idb-lookup: sudo's user comes before the web server's, but not under CGI" {
    called
    SUDO_USER=sam look 77
    failed idb-lookup not_permitted
    SUDO_USER=alice run --separate-stderr -0 lookup_as sam '{"call_id":"c-1"}'
    [ "$(newest_audit)" = "agent:alice|open|$session|ok" ]
    SUDO_USER=alice AUTH_TYPE=x REMOTE_USER=sam run --separate-stderr -0 cgi idb-lookup POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 403 Forbidden' ]
}

@test "idb-lookup: as CGI only whom the web server names" {
    called
    SUDO_USER=alice run --separate-stderr -0 cgi idb-lookup POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    [[ $output == *'"not_authenticated"'* ]]
    REMOTE_USER=alice run --separate-stderr -0 cgi idb-lookup POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    REMOTE_USER=alice AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-lookup POST '{"call_id":"c-1"}'
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'"open"'* ]]
    [ "$(newest_audit)" = "agent:alice|open|$session|ok" ]
}

@test "idb-lookup: the agent is never a member of the request" {
    called
    for member in agent user REMOTE_USER role; do
        run --separate-stderr -65 lookup_as sam "{\"call_id\":\"c-1\",\"$member\":\"alice\"}"
        failed idb-lookup bad_request
    done
}

# ---- the request ----

@test "idb-lookup: call ids that cannot be" {
    for id in 'a b' é "$(a_lot 256)" "$(a_lot 10240)"; do
        run --separate-stderr -65 lookup_as alice "$(jq -nc --arg id "$id" '{ call_id: $id }')"
        failed idb-lookup bad_call_id
    done
}

@test "idb-lookup: members that do not exist, are missing or of the wrong type" {
    called
    before=$(snapshot)
    for request in '{}' '{"call_id":7}' '{"call_id":""}' '{"call_id":"c-1","peek":"true"}' \
        '{"call_id":"c-1","reveal":"bsn"}' '{"call_id":"c-1","reveal":{}}' '{"call_id":"c-1","lang":"eng"}' \
        '{"call_id":"c-1","line":7}' '{"call_id":"c-1","open":true}' '{"call_id":"c-1","ticket":"BCDFGH"}' \
        '{"open":true,"line":"kcc"}' '{"open":1}' '{"ticket":7}' '{"ticket":"","x":1}' '{"peek":true}' \
        '{"ticket":"BCDFGHBCDFGHBCDFGH"}' '{"open":false}'; do
        run --separate-stderr -65 lookup_as alice "$request"
        failed idb-lookup bad_request
    done
    [ "$(snapshot)" = "$before" ]
}

@test "idb-lookup: --human is for people" {
    called
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -0 idb-lookup --human <<<'{"call_id":"c-1"}'
    [[ $output == *Naam*'T. Estpersoon'* ]]
    [[ $output == *Burgerservicenummer*••••••* ]]
    [[ $output != *'{'* ]]
    [[ $output != *999990019* ]]
    AUTH_TYPE=x REMOTE_USER=alice run --separate-stderr -1 idb-lookup --human <<<'{"call_id":"c-2"}'
    [[ $output != *'{'* ]]
}

# ---- when something else is wrong ----

@test "idb-lookup: another writer does not finish: nothing is opened, peeking goes on" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    called
    hold_lock
    look 75
    failed idb-lookup "$BUSY"
    tells_nothing
    look 0 '"peek":true'
}

@test "idb-lookup: the clock set back" {
    called
    at_offset +5m issue_status >/dev/null
    look 75
    failed idb-lookup clock
    look 75 '"peek":true'
    failed idb-lookup clock
}

@test "idb-lookup: no key" {
    called
    rm "$IDB_KEYS/desk/seal.key"
    look 78
    failed idb-lookup key_missing
}
