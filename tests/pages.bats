#!/usr/bin/env bats
# The plain build only: pages are made by jq alone.
# Every page from every answer, those of errors in tests/pages-errors.bats:
# well-formed, escaped, in both languages, with the headers that a page must have.

load lib
load pages.bash

@test "pages: the languages have the same texts, with the same places to fill in" {
    for language in nl en; do
        jq -r 'paths(type == "string") as $p | "\($p | join(".")) \([getpath($p) | scan("\\{[a-z_]+\\}")] | sort | join(" "))"' \
            "$texts/$language.json" | sort >"$BATS_TEST_TMPDIR/$language"
        [ -z "$(jq -r '.. | strings | select(. == "" or test("[<>]|\\s$|^\\s|TODO"))' "$texts/$language.json")" ]
    done
    diff "$BATS_TEST_TMPDIR/nl" "$BATS_TEST_TMPDIR/en"
}

@test "pages: start" {
    export SCRIPT_NAME=/nl/start PATH_INFO=/x
    both start '{"organisation":{"name":"BAD","url":"https://www.example.org"},"purpose":{"name":"x","label":"BAD"},"lang":"nl",
        "attributes":[{"name":"a","label":"BAD"}],"methods":[{"name":"m","label":"BAD"}],"minimum_level":"BAD",
        "hours":{"mon":["09:00-12:00","13:00-17:00"]},"closed":["2000-01-01","2099-12-24"],
        "number":"+31241234567","number_display":"+31 24 123 45 67","tel":"tel:+31241234567"}' \
        "$escaped" '09:00 – 12:00<br />13:00 – 17:00' ' 2099</li>' 'href="../../idb.css"' \
        'href="../../theme.css"'
    [[ $body != *' 2000<'* && $head != *form-action* ]]
    both start '{"organisation":{"name":"O","url":"https://www.example.org"},"purpose":{"name":"x","label":"L"},"lang":"nl",
        "attributes":[{"name":"a","label":"A"}],"methods":[],"number":"+31241234567","number_display":"+31 24","tel":"tel:+31"}'
}

@test "pages: consent" {
    export SCRIPT_NAME=/callback PATH_INFO=/m
    offered='{"organisation":{"name":"BAD","url":"https://www.example.org"},"purpose":{"name":"x","label":"BAD"},"lang":"nl",
        "method":{"name":"m","label":"BAD"},"auth":{"method":"m","level":"low","auth_time":"2026-07-31T12:00:00Z"},
        "attributes":[{"name":"a","label":"BAD","value":"BAD"},{"name":"other","label":"O","value":"999990019"}],
        "consent":{"id":"c","text":"BAD"},"offer":"BAD","cookies":["a=b; Path=/","c=; Max-Age=0"]}'
    both consent "$offered" "$escaped" "name=\"offer\" value=\"$escaped\"" 'value="yes"' 'value="no"' 'href="../idb.css"'
    [ "$(grep -c '^Set-Cookie: ' <<<"$head")" = 2 ]
    [[ $head == *"form-action 'self'"* ]]
    [[ $body == *'action="../en/consent"'* && $plain == *'<dd>999990019</dd>'* ]]
    both consent "$(jq -c '.attributes[0] += { name: "bsn", value: "999990019" }' <<<"$offered")" \
        '<dd><span aria-hidden="true">999 990 019</span><span>9 9 9, 9 9 0, 0 1 9</span></dd>'
    # Another language than ours falls back to the page's own.
    page consent nl '{"error":"login_cancelled","message":"m","purpose":"x","lang":"de","cookies":["a=b"]}'
    sound nl
    [[ $body == *'href="../nl/start/x"'* && $head == *'Set-Cookie: a=b'* ]]
}

@test "pages: code, in every state" {
    base='{"ticket":"BC4RTZ","purpose":{"name":"x","label":"BAD"},"lang":"nl","confirm":"notify","confirmed":false,"cookies":[],
        "number":"+31241234567","number_display":"+31 24 123 45 67","tel":"tel:+31241234567,4821093471",
        "code_expires_at":"2026-07-31T12:05:00.123Z"}'
    state() { jq -c "$1" <<<"$base"; }
    both code "$(state '.state = "issued" | .code = "4821093471" | .code_display = "482 109 3471" | .code_valid = true | .renewals_left = 3')" \
        '<span id="code" aria-hidden="true">482 109 3471</span><span>4 8 2, 1 0 9, 3 4 7 1</span>' '14:05' \
        'BC4RTZ' 'href="tel:+31241234567,4821093471"' 'data-follow="5"' \
        '<noscript><meta http-equiv="refresh" content="5" /></noscript>'
    # Winter time, and a zone that the machine does not know.
    page code nl "$(state '.state = "issued" | .code = "1" | .code_display = "1" | .code_valid = true | .renewals_left = 0 | .code_expires_at = "2026-12-31T23:30:00Z"')"
    [[ $body == *'tot 00:30 uur'* ]]
    TZ=Nowhere/Town page code nl "$(state '.state = "issued" | .code = "1" | .code_display = "1" | .code_valid = true | .renewals_left = 0')"
    [[ $body == *'tot 12:05 UTC uur'* ]]
    both code "$(state '.state = "issued" | .code_valid = false | .renewals_left = 2')" 'action="../'
    [[ $body == *'action="../en/renew"'* ]]
    both code "$(state '.state = "issued" | .code_valid = false | .renewals_left = 0')" '/start/x"'
    for state in called connected wrap_up; do
        for rest in '.' '.confirm = "page"' '.confirm = "page" | .confirmed = true' '.call.caller = "withheld"'; do
            both code "$(state ".state = \"$state\" | .call = {caller: \"78\", at: \"2026-07-31T12:05:00Z\"}
                | .connected_at = \"2026-07-31T12:06:00Z\" | $rest")" "$escaped" '14:05' 'value="not_me"' 'http-equiv="refresh"' 'data-follow="5"'
        done
    done
    for reason in cancelled resident not_me ended hung_up wrap_up expired restored other; do
        both code "$(state ".state = \"done\" | .reason = \"$reason\" | .ended_at = \"2026-07-31T12:05:00Z\"")" 'BC4RTZ'
        [[ $body != *http-equiv* && $body != *data-follow* && $body != *4821093471* ]]
    done
    for state in expired cancelled "done"; do
        both code "$(state ".state = \"$state\"")"
    done
}

@test "pages: the desk, in every state" {
    export SCRIPT_NAME=/desk
    call='"session":"s","ticket":"BC4RTZ","state":"called","line":"kcc","call_id":"BAD","purpose":{"name":"x","label":"BAD"},
        "confirm":"page","confirmed":false,"caller":"78","number_hint":"differs","called_at":"2026-07-31T12:05:00Z"'
    both desk "{\"result\":\"open\",$call,\"connected_at\":\"2026-07-31T12:05:00Z\",\"wrap_up_until\":\"2026-07-31T12:05:00Z\",
        \"recognised_by\":\"code\",\"method\":\"m\",\"method_label\":\"BAD\",\"level\":\"BAD\",\"auth_time\":\"2026-07-31T12:01:00Z\",
        \"reference\":\"BAD\",\"attested_by\":\"BAD\",\"links\":{\"a\":\"https://x.example.org/{value}/z\",\"b\":\"https://x.example.org/{value}\"},
        \"attributes\":[{\"name\":\"a\",\"label\":\"BAD\",\"value\":\"BAD\",\"masked\":false},{\"name\":\"b\",\"label\":\"BAD\",\"value\":\"••••••\",\"masked\":true}]}" \
        "$escaped" "value=\"$escaped\"" '14:01' '14:05' 'BC4RTZ' \
        "href=\"https://x.example.org/$(jq -rn --arg bad "$bad" '$bad | @uri | @html')/z\""
    # A hidden value is in no address either.
    [ "$(grep -o 'x.example.org' <<<"$body" | wc -l)" = 1 ]
    both desk "{\"result\":\"unconfirmed\",$call}" "$escaped" 'call_id=%3Cscript%3E' '&amp;wait=1'
    both desk "{\"result\":\"peek\",$call}" 'http-equiv="refresh"'
    both desk "$(jq -c '.confirmed = true' <<<"{\"result\":\"peek\",$call}")" 'href="desk?line=kcc&amp;call_id=%3Cscript'
    [[ $body != *data-go* && $body != *http-equiv* ]]
    both desk "{\"result\":\"calls\",\"calls\":[{$call},{$call}]}" "$escaped" 'href="desk?line=kcc&amp;call_id=%3Cscript'
    both desk "{\"result\":\"calls\",\"calls\":[{$call,\"handed_over\":{\"by\":\"BAD\",\"at\":\"2026-07-31T12:15:00Z\"}}]}" "$escaped" '14:15'
    export QUERY_STRING='line=kcc&call_id=%3Cscript%3E&wait=1'
    both desk "$(jq -c '.confirmed = true' <<<"{\"result\":\"peek\",$call}")" 'data-go="desk?line=kcc&amp;call_id=%3Cscript'
    QUERY_STRING='line=kcc&call_id=%3Cscript%3E&follow=1'
    both desk "$(jq -c '.confirmed = true | .state = "wrap_up" | .wrap_up_until = "2026-07-31T12:25:00Z"
        | .handed_over = { by: "BAD", at: "2026-07-31T12:15:00Z" }' <<<"{\"result\":\"peek\",$call}")" \
        "$escaped" '14:15' '14:25' 'data-follow="5"' 'data-keep=""' '&amp;state=1"'
    QUERY_STRING=
    both desk '{"result":"calls","calls":[]}'
    both desk '{"result":"ended","reason":"BAD"}' "$escaped"
    both desk '{"result":"ended","reason":"not_me","warning":"not_me"}' '<p><strong>'
    QUERY_STRING='call_id=%22&x="><b>' both desk '{"error":"unknown_call","message":"m"}' 'content="2"' \
        'data-follow-at="desk?call_id=%22&amp;x=&quot;&gt;&lt;b&gt;&amp;wait=1"'
    page desk nl '{"result":"handed_over"}'
    grep -qxF 'Location: ../desk' <<<"$head"
    export SCRIPT_NAME=/desk/reveal
    both desk "{\"result\":\"open\",$call,\"attributes\":[]}" 'action="../desk/end"' 'href="../idb.css"'
}

@test "pages: a ticket" {
    export SCRIPT_NAME=/desk/ticket
    both ticket '{"result":"ticket","ticket":"BC4RTZ","session":"s","state":"issued","purpose":{"name":"x","label":"BAD"},
        "code_valid":true,"created_at":"2026-07-31T12:01:00Z","code_expires_at":"2026-07-31T12:11:00Z",
        "refusal":"BAD","refused_at":"2026-07-31T22:05:00Z","reason":"BAD"}' \
        "$escaped" '31-07-2026 14:11' '01-08-2026 00:05' ' for="ticket">' 'action="../desk/ticket"'
    both ticket '{"error":"no_ticket","message":"m"}' ' for="ticket">'
    both ticket '{"error":"unknown_ticket","message":"m"}' ' for="ticket">'
}

@test "pages: a ticket says what to say, in every state and after every refusal" {
    export SCRIPT_NAME=/desk/ticket
    # said KEY ANSWER: what stands in the texts below desk.say is said, in both languages.
    said() {
        local lang text
        for lang in nl en; do
            page ticket "$lang" "$(jq -c '{ result: "ticket", ticket: "BC4RTZ", session: "s", purpose: { name: "x", label: "L" },
                code_valid: false, created_at: "2026-07-31T12:01:00Z", code_expires_at: "2026-07-31T12:11:00Z" } + .' <<<"$2")"
            sound "$lang"
            text=$(jq -r ".desk.say.$1 | @html" "$texts/$lang.json")
            [[ $body == *"idb-desk-say\">${text%%\{*}"* ]] || {
                printf '%s: %s\n%s\n' "$1" "$text" "$body"
                return 1
            }
        done
    }
    said states.issued '{"state":"issued","code_valid":true}'
    [[ $body == *'14:11'* ]]
    said states.old '{"state":"issued"}'
    for state in called connected wrap_up "done" expired cancelled; do
        said "states.$state" "{\"state\":\"$state\"}"
    done
    said states.confirm '{"state":"called","confirm":"page","confirmed":false}'
    said states.called '{"state":"called","confirm":"page","confirmed":true}'
    while read -r reason; do
        said "reasons.$reason" "{\"state\":\"done\",\"reason\":\"$reason\"}"
    done < <(jq -r '.reasons | keys[]' "$texts/nl.json")
    while read -r refusal; do
        said "refusals.$refusal" "{\"state\":\"issued\",\"refusal\":\"$refusal\"}"
    done < <(jq -r '.refusals | keys[]' "$texts/nl.json")
}
