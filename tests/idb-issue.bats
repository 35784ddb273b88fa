#!/usr/bin/env bats
# idb-issue: the answer, its limits, what the store then holds. What an offer may
# On PostgreSQL too
# and may not do is in unit/offer.c, for here is no login to make one.

load lib
load life

setup() { idb_instance; }

# bad JQ WORD [EXIT]: an issue with the request changed like that fails so and
# writes nothing.
bad() {
    local before
    before=$(snapshot)
    run --separate-stderr "-${3-65}" issue_status "$1"
    if [ "${3-65}" = 1 ]; then refused "$2"; else failed idb-issue "$2"; fi
    [ "$(snapshot)" = "$before" ]
}

# ---- the answer ----

@test "idb-issue: every member of the answer" {
    run --separate-stderr -0 issue_status
    [ "$(members)" = 'code code_display code_expires_at cookies number number_display session tel ticket' ]
    [[ $(json session) =~ ^[A-Za-z0-9_-]{22}$ ]]
    [[ $(json ticket) =~ ^[BCDFGHJKLMNPQRSTVWXZ2-9]{6}$ ]]
    code=$(json code)
    [[ $code =~ ^[0-9]{10}$ ]]
    [ "$(damm "$code")" = 0 ]
    [ "$(json code_display)" = "${code:0:3} ${code:3:3} ${code:6}" ]
    about 600 "$(in_seconds .code_expires_at)"
    [ "$(json number)" = +31241234567 ]
    [ "$(json number_display)" = '+31 24 123 45 67' ]
    [ "$(json tel)" = "tel:+31241234567,$code" ]
    [ -z "$stderr" ]
}

@test "idb-issue: both cookies are __Host-, Secure, HttpOnly, Lax and end with what they hold" {
    run --separate-stderr -0 issue_status
    [ "$(json '.cookies | length')" = 2 ]
    [[ $(json '.cookies[0]') =~ ^__Host-idb-session=[A-Za-z0-9_-]{22}\;\ Path=/\;\ Max-Age=14400\;\ Secure\;\ HttpOnly\;\ SameSite=Lax$ ]]
    [[ $(json '.cookies[1]') =~ ^__Host-idb-code=[A-Za-z0-9_.-]+\;\ Path=/\;\ Max-Age=(600|599)\;\ Secure\;\ HttpOnly\;\ SameSite=Lax$ ]]
    [[ $(json '.cookies[]') != *"$(json code)"* ]]
}

@test "idb-issue: two answers have nothing in common" {
    one=$(issue_status) two=$(issue_status)
    for member in session ticket code '.cookies[0]' '.cookies[1]'; do
        [ "$(output=$one json "$member")" != "$(output=$two json "$member")" ]
    done
}

@test "idb-issue: several requests are answered in order" {
    run --separate-stderr -65 idb-issue --attest=front-office < <(
        jq -nc '{ attributes: { name: "A" }, auth: { method: "m", level: "low" } }
            | (.purpose = "appointment"), (.purpose = "none"), (.purpose = "appointment")')
    [ "$(jq -r '.error // "issued"' <<<"$output" | paste -sd ' ')" = 'issued unknown_purpose issued' ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 2 ]
}

@test "idb-issue: the length of the code is the configuration's" {
    for digits in 8 12; do
        idb_instance ".code = { digits: $digits }"
        run --separate-stderr -0 issue_status
        code=$(json code)
        [ "${#code}" = "$digits" ]
        [ "$(json code_display | tr -d ' ')" = "$code" ]
        run --separate-stderr -0 verify "$code" c-1
    done
}

@test "idb-issue: validity of code and session are the configuration's" {
    idb_instance '.code = { valid: 120 } | .session = { lifetime: 900 }'
    run --separate-stderr -0 issue_status
    about 120 "$(in_seconds .code_expires_at)"
    [[ $(json '.cookies[0]') == *'; Max-Age=900; '* ]]
    [[ $(json '.cookies[1]') =~ 'Max-Age=1'(20|19) ]]
}

@test "idb-issue: no code outlives its session" {
    idb_instance '.session = { lifetime: 600, wrap_up: 0 }'
    issued=$(issue_status)
    [ "$(column 'code_expires_at <= expires_at' "$(session_of "$issued")")" = 1 ]
}

@test "idb-issue: more live codes than the risk allows are warned of" {
    idb_instance '.code = { risk: 2e-9 }'
    run --separate-stderr -0 issue_status
    [ "$(json warning)" = null ]
    run --separate-stderr -0 issue_status
    [ "$(json warning)" = null ]
    run --separate-stderr -0 issue_status
    [ "$(json warning)" = guess_risk ]
    [ -z "$stderr" ]
    run --separate-stderr -0 at_offset +11m issue_status
    [ "$(json warning)" = null ]
}

@test "idb-issue: auth_time may lie up to 30 minutes back, and a minute ahead" {
    for ago in 1790 -50; do
        run --separate-stderr -0 issue_status ".auth.auth_time = (now - $ago | todate)"
    done
}

# ---- what is stored ----

@test "idb-issue: the row is issued, of the purpose's line and confirm, in the language asked for" {
    issued=$(issue change '.lang = "en"')
    session=$(session_of "$issued")
    [ "$(column 'state, purpose, line, lang, confirm, renewals' "$session")" = 'issued|change|kcc|en|page|0' ]
    [ "$(column 'expires_at - created_at, code_expires_at - created_at' "$session")" = '14400000|600000' ]
    [ "$(column 'call_id IS NULL AND called_at IS NULL AND bound IS NULL AND announced IS NULL' "$session")" = 1 ]
    issued=$(issue_status)
    [ "$(column 'lang, confirm' "$(session_of "$issued")")" = 'nl|notify' ]
}

@test "idb-issue: no code, token, value, reference or number stands in the store" {
    issued=$(issue_status '.caller = "+31612345678"')
    token=$(jq -r '.cookies[0] | split("[=;]"; "")[1]' <<<"$issued")
    [ "${#token}" = 22 ]
    store_bytes >"$BATS_TEST_TMPDIR/bytes"
    for secret in "$(code_of "$issued")" "$token" 999990019 Estpersoon Z-1 612345678; do
        run -1 grep -aqF -- "$secret" "$BATS_TEST_TMPDIR/bytes"
    done
    run -0 grep -aqF -- "$(session_of "$issued")" "$BATS_TEST_TMPDIR/bytes"
}

@test "idb-issue: the audit row says who, what for and which attributes, and no value" {
    issued=$(issue_status)
    [ "$(newest_audit)" = "attest:front-office|issue|$(session_of "$issued")|ok" ]
    [ "$(sql 'SELECT detail FROM audit ORDER BY id DESC LIMIT 1')" = \
        '{"purpose":"status","attributes":["bsn","name"],"lang":"nl"}' ]
}

@test "idb-issue: ends a few overdue sessions as it goes" {
    for _ in 1 2 3 4 5 6; do issue_status >/dev/null; done
    at_offset +5h issue_status >/dev/null
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'expired' AND sealed IS NULL")" = 4 ]
}

@test "idb-issue: a dozen at once are all given" {
    for i in {1..12}; do
        issue_status >"$BATS_TEST_TMPDIR/issued.$i" 3>&- &
        running[i]=$!
    done
    for i in {1..12}; do wait "${running[i]}"; done
    [ "$(cat "$BATS_TEST_TMPDIR"/issued.* | jq -r .code | sort -u | wc -l)" = 12 ]
}

# ---- refusals ----

@test "idb-issue: an attestor that is not listed" {
    before=$(snapshot)
    run --separate-stderr -77 idb-issue --attest=back-office <<<'{}'
    failed idb-issue attestor_unknown
    run --separate-stderr -77 idb-issue --attest= <<<'{}'
    failed idb-issue attestor_unknown
    [ "$(snapshot)" = "$before" ]
}

@test "idb-issue: nobody attests when the configuration lists none" {
    idb_instance 'del(.issue)'
    bad . attestor_unknown 77
}

@test "idb-issue: a purpose that does not exist" {
    bad '.purpose = "nothing"' unknown_purpose
    [[ $stderr != *nothing* ]]
}

@test "idb-issue: exactly the purpose's attributes" {
    bad 'del(.attributes.bsn)' attribute_missing
    bad '.attributes = {}' attribute_missing
    bad '.attributes.email = "a@example.org"' attribute_not_allowed
    bad '.purpose = "appointment"' attribute_not_allowed
}

@test "idb-issue: values of attributes are text of 1 to 1024 bytes without control characters" {
    bad '.attributes.name = ""' bad_attribute
    bad '.attributes.name = "a\nb"' bad_attribute
    bad '.attributes.name = "a\u007f"' bad_attribute
    bad '.attributes.name = 7' bad_attribute
    bad '.attributes.name = null' bad_attribute
    bad '.attributes.name = ["T."]' bad_attribute
    bad '.attributes.name = "x" * 1025' bad_attribute
    run --separate-stderr -0 issue_status '.attributes.name = "x" * 1024'
    run --separate-stderr -0 issue_status '.attributes.name = "Zoë 北"'
}

@test "idb-issue: a citizen service number passes the test of eleven, and is not told back" {
    for bsn in 999990018 99999001 9999900190 99999001x 000000000 '999 990 019'; do
        bad ".attributes.bsn = \"$bsn\"" bad_attribute
        [[ $output$stderr != *"$bsn"* ]]
    done
    run --separate-stderr -0 issue_status '.attributes.bsn = "111222333"'
}

@test "idb-issue: levels of assurance" {
    bad '.auth.level = "none"' unknown_level
    bad '.auth.level = "low"' level_too_low 1
    run --separate-stderr -0 issue_status '.auth.level = "high"'
}

@test "idb-issue: times of the login that cannot be" {
    bad '.auth.auth_time = (now + 90 | todate)' bad_auth_time
    bad '.auth.auth_time = (now - 1830 | todate)' bad_auth_time
    bad '.auth.auth_time = "yesterday"' bad_request
    bad '.auth.auth_time = 1700000000' bad_request
}

@test "idb-issue: members that do not exist, are missing or of the wrong type" {
    bad '.bsn = "999990019"' bad_request
    bad '.auth.code = "1"' bad_request
    bad '.consent = true' bad_request
    bad '.cookies = "a=b"' bad_request
    for member in purpose attributes auth .auth.method .auth.level; do
        bad "del(.${member#.})" bad_request
        bad ".${member#.} = 7" bad_request
        bad ".${member#.} = null" bad_request
    done
    for member in reference lang caller; do
        bad ".$member = 7" bad_request
        bad ".$member = \"\"" bad_request
    done
}

@test "idb-issue: texts that are too long, and just not" {
    bad '.reference = "x" * 129' bad_request
    bad '.purpose = "x" * 65' bad_request
    bad '.purpose = "x" * 10240' bad_request
    bad '.auth.method = "x" * 65' bad_request
    bad '.auth.level = "x" * 65' bad_request
    run --separate-stderr -0 issue_status '.reference = "x" * 128 | .auth.method = "x" * 64'
}

@test "idb-issue: a language is two letters" {
    bad '.lang = "eng"' bad_request
    bad '.lang = "1!"' bad_request
    bad '.lang = "e"' bad_request
    run --separate-stderr -0 issue_status '.lang = "de"'
}

@test "idb-issue: the announced number is E.164" {
    for number in 0612345678 +31 '+31 6 12345678' 31612345678 +3161234567890123 +31a12345678; do
        bad ".caller = \"$number\"" bad_request
    done
    bad '.caller = "0687654321"' bad_request
    [[ $output$stderr != *87654321* ]]
    run --separate-stderr -0 issue_status '.caller = "+31612345678"'
}

@test "idb-issue: what is not one object is refused" {
    run --separate-stderr -65 idb-issue --attest=front-office <<<'[]'
    failed idb-issue bad_request
    run --separate-stderr -65 idb-issue --attest=front-office <<<'{"purpose":"status","purpose":"status"}'
    failed idb-issue bad_json
}

@test "idb-issue: without --attest only an offer is taken" {
    run --separate-stderr -65 idb-issue < <(jq -nc '{ purpose: "status" }')
    failed idb-issue bad_request
    run --separate-stderr -65 idb-issue <<<'{"offer":"a.b.c.d.e","cookies":"__Host-idb-session=x","consent":true}'
    failed idb-issue bad_offer
    run --separate-stderr -1 idb-issue <<<'{"offer":"a.b.c.d.e","cookies":"__Host-idb-session=x","consent":false}'
    refused no_consent
    for rest in '' ',"consent":1' ',"consent":"true"' ',"consent":true,"purpose":"status"' \
        ',"consent":true,"caller":"12"' ',"consent":true,"cookies":{}'; do
        run --separate-stderr -65 idb-issue <<<"{\"offer\":\"a\"$rest}"
        failed idb-issue bad_request
    done
    run --separate-stderr -65 idb-issue <<<"{\"offer\":\"$(a_lot 49153)\",\"consent\":true}"
    failed idb-issue bad_request
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
}

@test "idb-issue: a token of another kind is no offer" {
    token=$(issue_status | jq -r '.cookies[1] | split("[=;]"; "")[1]')
    run --separate-stderr -65 idb-issue < <(jq -nc --arg token "$token" \
        '{ offer: $token, cookies: "__Host-idb-session=x", consent: true }')
    failed idb-issue bad_offer
}

@test "idb-issue: as CGI nobody attests" {
    run --separate-stderr -0 cgi idb-issue POST "$(jq -nc '{ purpose: "appointment",
        attributes: { name: "A" }, auth: { method: "m", level: "low" } }')"
    [ "${lines[0]}" = 'Status: 400 Bad Request' ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
}

@test "idb-issue: usage" {
    run --separate-stderr -64 idb-issue --attest <<<'{}'
    [[ $stderr == idb-issue:\ * ]]
    run --separate-stderr -64 idb-issue front-office <<<'{}'
    [[ $stderr == idb-issue:\ * ]]
}

# ---- when something else is wrong ----

@test "idb-issue: the clock set back" {
    at_offset +5m issue_status >/dev/null
    bad . clock 75
}

@test "idb-issue: another writer does not finish" {
    idb_instance '.store.wait_ms = 100'
    hold_lock
    bad . "$BUSY" 75
}

@test "idb-issue: no key, no store" {
    mv "$IDB_KEYS/web/seal.pub" "$IDB_KEYS/web/aside"
    bad . key_missing 78
    mv "$IDB_KEYS/web/aside" "$IDB_KEYS/web/seal.pub"
    store_gone
    run --separate-stderr -78 issue_status
    failed idb-issue store_missing
}
