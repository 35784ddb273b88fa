#!/usr/bin/env bats
# On PostgreSQL with --long
# The plain build only: what the examples call is tested alone; this is glue.
# The examples of idb-http(7), over real HTTP through lighttpd: this file plays the
# telephone platform.

load ../lib
load ../site
load lib

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance '.store.wait_ms = 300 | .throttle = { total: 100000, per_caller: 1000 }
        | .purposes.status.queue = "status-desk"'
    site_up "$BATS_FILE_TMPDIR/site" phone
    token
    (umask 077 && printf '%s\n' "$TOKEN" >"$SITE/token")
    silence_begins
}

# silence_begins: the contact-flow function before a server that takes connections and
# says nothing, beside the other cases; leaves silent.{out,err,ms}.
silence_begins() {
    local port dir=$BATS_FILE_TMPDIR
    port=$(free_port)
    socat -u "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" OPEN:/dev/null 3>&- &
    export SILENT=$! CALL=0b8c-3
    {
        started=$(date +%s%3N)
        contact_flow '{"event":"code","code":"1234567890"}' IDB_URL="https://127.0.0.1:$port" \
            >"$dir/silent.out" 2>"$dir/silent.err" || true
        echo $(($(date +%s%3N) - started)) >"$dir/ms" && mv "$dir/ms" "$dir/silent.ms"
    } 3>&- &
}

teardown() {
    [ ! -e "$BATS_TEST_TMPDIR/kept" ] || cp "$BATS_TEST_TMPDIR/kept" "$IDB_CONFIG"
}

teardown_file() {
    kill "$SILENT" || true
    wait
    site_down
}

new_code() { code_of "$(issue_status)"; }

# configured JQ: the configuration is changed until the case ends.
configured() {
    cp "$IDB_CONFIG" "$BATS_TEST_TMPDIR/kept"
    jq "$1" "$BATS_TEST_TMPDIR/kept" >"$IDB_CONFIG"
}

closed_now() {
    configured "$(printf '.lines.kcc += { closed: ["%s", "%s", "%s"] }' \
        "$(date +%F)" "$(date -d tomorrow +%F)" "$(date -d yesterday +%F)")"
}

# text LANG NAME…: the prompts' texts, one after another.
text() {
    local lang=$1 name
    shift
    for name in "$@"; do
        sed -n "s/^$name: //p" "$IDB_ROOT/scripts/phone/prompts/$lang.txt"
    done | paste -sd ' '
}

# ---- webhook ----

# event JSON [curl option…]
event() {
    local json=$1
    shift
    fetch "$PHONE/${LANGUAGE:-nl}/webhook" -K "$BEARER" -H 'Content-Type: application/json' --data-raw "$json" "$@"
}

# digits CALL DIGITS: with the state of the last answer.
digits() {
    event "$(jq -c --arg call "$1" --arg digits "$2" '{ event: "digits", $digits, state: .next.state,
        call: { id: $call, from: "+31612345678" } }' <<<"$body")"
}

# heard LANG NAME…: those prompts were said, and next is NEXT.
heard() {
    is 200
    [[ $(header Content-Type) == application/json* ]]
    [ "$(jq -r '[.say[].prompt] | join(" ")' <<<"$body")" = "${*:2}" ] || { printf '%s\n' "$body"; return 1; }
    [ "$(jq -r '[.say[].text] | join(" ")' <<<"$body")" = "$(text "$@")" ]
}

next() { jq -c .next <<<"$body"; }

@test "webhook: a call from the welcome to the queue, and its end" {
    local code call=w-1
    code=$(new_code)
    event "{\"event\":\"started\",\"call\":{\"id\":\"$call\",\"from\":\"+31612345678\"}}"
    heard nl welcome enter
    [ "$(next)" = '{"action":"gather","digits":11,"finish":"#","timeout":6,"state":{"refused":0,"silent":0}}' ]
    digits $call ''
    heard nl again
    [ "$(jq -c .next.state <<<"$body")" = '{"refused":0,"silent":1}' ]
    digits $call "$(mistyped_code "$code")"
    heard nl mistyped again
    digits $call "$code"
    heard nl accepted
    [ "$(next)" = '{"action":"transfer","queue":"status-desk","purpose":"status"}' ]
    # What is posted twice is answered the same.
    event "{\"event\":\"digits\",\"call\":{\"id\":\"$call\"},\"digits\":\"$code\"}"
    heard nl accepted
    event "{\"event\":\"transferred\",\"call\":{\"id\":\"$call\"},\"to\":{\"id\":\"w-2\"}}"
    heard nl
    [ "$(next)" = '{"action":"nothing"}' ]
    [ "$(lookup_as alice '{"call_id":"w-2","peek":true}' | jq -r .purpose.name)" = status ]
    event '{"event":"ended","call":{"id":"w-2"}}'
    [ "$(next)" = '{"action":"nothing"}' ]
    event '{"event":"ended","call":{"id":"w-2"}}'
    [ "$(next)" = '{"action":"nothing"}' ]
    [ "$(lookup_as alice '{"call_id":"w-2"}' | jq -r .reason)" = hung_up ]
}

@test "webhook: three wrong codes, or three silences, and the call goes to the ordinary queue" {
    local wrong
    wrong=$(wrong_code "$(new_code)")
    LANGUAGE=en
    event '{"event":"started","call":{"id":"w-3"}}'
    heard en welcome enter
    for _ in 1 2; do
        digits w-3 "$wrong"
        heard en wrong again
    done
    digits w-3 "$wrong"
    heard en wrong no-more to-queue
    [ "$(next)" = '{"action":"transfer","queue":"kcc"}' ]
    digits w-3 "$(new_code)"
    heard en throttled no-more to-queue
    event '{"event":"started","call":{"id":"w-4"},"lang":"nl"}'
    heard nl welcome enter
    for _ in 1 2; do
        digits w-4 ''
        heard en again
    done
    digits w-4 ''
    heard en no-more to-queue
}

@test "webhook: each refusal has its words" {
    local code other
    code=$(new_code) other=$(new_code)
    event "{\"event\":\"digits\",\"call\":{\"id\":\"w-5\"},\"digits\":\"$code\"}"
    heard nl accepted
    event "{\"event\":\"digits\",\"call\":{\"id\":\"w-6\"},\"digits\":\"$code\"}"
    heard nl used again
    event "{\"event\":\"digits\",\"call\":{\"id\":\"w-5\"},\"digits\":\"$other\"}"
    heard nl used again
    event '{"event":"ended","call":{"id":"w-5"}}'
    event "{\"event\":\"digits\",\"call\":{\"id\":\"w-5\"},\"digits\":\"$other\"}"
    heard nl expired no-more to-queue
    # What is no digit is no code, and breaks nothing.
    event '{"event":"digits","call":{"id":"w-7","from":"\"<&>"},"digits":"12A\"<&>é"}'
    heard nl mistyped again
}

@test "webhook: a line that is closed says so" {
    closed_now
    event '{"event":"started","call":{"id":"w-8"}}'
    heard nl closed
    [ "$(next)" = '{"action":"hangup"}' ]
}

@test "webhook: while the store is down callers go on without a code, and an end is to be sent again" {
    hold_lock
    event "{\"event\":\"digits\",\"call\":{\"id\":\"w-9\"},\"digits\":\"$(printf '%010d' 0)\"}"
    heard nl unavailable
    [ "$(next)" = '{"action":"transfer","queue":"kcc"}' ]
    event '{"event":"ended","call":{"id":"w-9"}}'
    is 503
    [ "$(header Retry-After)" = 2 ]
    release_lock
    store_away
    event '{"event":"started","call":{"id":"w-9"}}'
    heard nl unavailable
    store_back
}

@test "webhook: nobody is answered who shows nothing good, and nothing that is no event" {
    local json='{"event":"digits","call":{"id":"w-10"},"digits":""}'
    for path in webhook gather voicexml; do
        fetch "$PHONE/nl/$path" -H 'Content-Type: application/json' --data "$json"
        is 401
        fetch "$PHONE/nl/$path" -u pbx:wrong -H 'Content-Type: application/json' --data "$json"
        is 401
    done
    # What the server lets through, the programs do not.
    fetch "$PHONE/nl/webhook" -H 'Authorization: Bearer none' -H 'Content-Type: application/json' --data "$json"
    is 401 not_authenticated
    [[ $(header WWW-Authenticate) == Bearer* ]]
    for path in gather voicexml; do
        fetch "$PHONE/nl/$path" -H 'Authorization: Bearer none' --data event=start
        is 401 not_authenticated
    done
    fetch "$PHONE/nl/webhook" -u alice:secret -H 'Content-Type: application/json' --data "$json"
    is 403 not_permitted
    for json in '{"event":' '{} {}' 'x'; do
        event "$json"
        is 400 bad_json
    done
    for json in '{}' '[]' '"x"' 'null' '{"event":"other"}' '{"event":"digits","call":"x"}' '{"error":"x","message":"y"}' \
        '{"event":"digits","call":{"id":"x"},"digits":12}'; do
        event "$json"
        is 400 bad_request
    done
    event '{"event":"digits","call":{"id":"a b"},"digits":"12"}'
    is 400 bad_call_id
    for type in text/plain application/jsonp application/x-www-form-urlencoded; do
        fetch "$PHONE/nl/webhook" -K "$BEARER" -H "Content-Type: $type" --data '{}'
        is 415 bad_type
    done
    event "$(printf '%65536s' '{}')"
    is 400 bad_request
    fetch "$PHONE/nl/webhook" -K "$BEARER"
    is 405 bad_method
    for path in gather voicexml; do
        fetch "$PHONE/nl/$path" -K "$BEARER" -H 'Content-Type: application/json' --data '{}'
        is 415 bad_type
    done
    for path in nl nl/ nl/call.sh nl/call.jq nl/contact-flow.mjs nl/webhook/x phone/webhook de/webhook; do
        fetch "$PHONE/$path" -K "$BEARER"
        [[ $status_code == 40[34] ]]
    done
}

# ---- gather ----

# form PATH FIELD…: the platform's form, with what it always sends, and basic auth.
form() {
    local path=$1 field options=()
    shift
    for field in AccountSid=AC1 "CallSid=$CALL" "From=${FROM-+31612345678}" To=+31241234567 Direction=inbound ApiVersion=2010 "$@"; do
        options+=(--data-urlencode "$field")
    done
    fetch "$PHONE/$path" -u pbx:secret "${options[@]}"
    is 200
    [[ $(header Content-Type) == text/xml* ]]
    xmllint --noout - <<<"$body"
}

# xpath EXPRESSION: a string of the XML in $body; names without a namespace.
xpath() { xmllint --xpath "string($1)" - <<<"$body"; }

# told LANG NAME…: those are said, in that language.
told() {
    local locale=nl-NL
    [ "$1" = nl ] || locale=en-GB
    [ "$(xmllint --xpath '//Say/text()' - <<<"$body" | paste -sd ' ')" = "$(text "$@")" ] || { printf '%s\n' "$body"; return 1; }
    [ "$(xpath "count(//Say[@language='$locale'])")" = "$(($# - 1))" ]
}

@test "gather: a call from the welcome to the queue, and its end" {
    local code action
    code=$(new_code) CALL=CA1
    form nl/gather CallStatus=ringing
    told nl welcome enter
    [ "$(xpath '/Response/Gather/@input')" = dtmf ]
    [ "$(xpath '/Response/Gather/@numDigits')" = 11 ]
    [ "$(xpath '/Response/Gather/@finishOnKey')" = '#' ]
    [ "$(xpath '/Response/Gather/@method')" = POST ]
    action=$(xpath '/Response/Gather/@action')
    # Nothing keyed in: the platform goes on to what comes next.
    [ "$(xpath '/Response/Gather/following-sibling::Redirect')" = "$action" ]
    form "nl/$action" CallStatus=in-progress
    told nl again
    form "nl/$(xpath '/Response/Gather/@action')" CallStatus=in-progress "Digits=$(wrong_code "$code")"
    told nl wrong again
    action=$(xpath '/Response/Gather/@action')
    form "nl/$action" CallStatus=in-progress "Digits=$code"
    told nl accepted
    [ "$(xpath /Response/Enqueue)" = status-desk ]
    [ "$(xpath 'count(/Response/Gather)')" = 0 ]
    form "nl/$action" CallStatus=in-progress "Digits=$code"
    told nl accepted
    form nl/gather CallStatus=completed CallDuration=30
    [ "$(xpath 'count(/Response/*)')" = 0 ]
    [ "$(lookup_as alice '{"call_id":"CA1"}' | jq -r .reason)" = hung_up ]
}

@test "gather: three times wrong, silent, closed or broken, in English" {
    local n
    CALL=CA2
    form en/gather CallStatus=ringing
    told en welcome enter
    for n in 1 2 3; do
        form "en/$(xpath '/Response/Gather/@action')" Digits="12*$n"
        [ "$n" = 3 ] || told en mistyped again
    done
    told en mistyped no-more to-queue
    [ "$(xpath /Response/Enqueue)" = kcc ]
    CALL=CA3
    form en/gather CallStatus=ringing
    for n in 1 2 3; do
        form "en/$(xpath '/Response/Gather/@action')" Digits=
    done
    told en no-more to-queue
    [ "$(xpath /Response/Enqueue)" = kcc ]
    hold_lock
    form en/gather Digits=1234567890
    told en unavailable
    [ "$(xpath /Response/Enqueue)" = kcc ]
    release_lock
    closed_now
    form en/gather CallStatus=ringing
    told en closed
    [ "$(xpath 'count(/Response/Hangup)')" = 1 ]
}

@test "gather: what a platform sends cannot write our XML" {
    CALL='"><Hangup/>' FROM='<Say>'
    form 'nl/gather?refused=%22%3E%3CHangup/%3E&silent=9999' CallStatus='<x>' 'Digits=<Hangup/>' \
        'CallerName=]]>&amp;'
    told nl mistyped again
    [ "$(xpath 'count(//Hangup)')" = 0 ]
    [ "$(xpath '/Response/Gather/@action')" = 'gather?refused=1&silent=0' ]
}

# ---- voicexml ----

# document PATH [FIELD…]: one that a VoiceXML platform fetches.
document() {
    local path=$1 field options=()
    shift
    for field in "$@"; do options+=(--data-urlencode "$field"); done
    fetch "$PHONE/$path" -u pbx:secret "${options[@]}"
    is 200
    [[ $(header Content-Type) == application/voicexml+xml* ]]
    xmllint --noout - <<<"$body"
    [ "$(xmllint --xpath 'namespace-uri(/*)' - <<<"$body")" = http://www.w3.org/2001/vxml ]
    # The tests below read it without its namespace.
    body=${body/ xmlns=\"http:\/\/www.w3.org\/2001\/vxml\"/}
    [ "$(xpath /vxml/@version)" = 2.1 ]
    # Every address within is one, and every variable that is posted is declared.
    for form in $(xmllint --xpath '//goto/@next' - <<<"$body" 2>/dev/null | grep -o '#[a-z]*'); do
        [ "$(xpath "count(/vxml/form[@id='${form#\#}'])")" = 1 ]
    done
    for field in $(xmllint --xpath '//submit/@namelist' - <<<"$body" 2>/dev/null | grep -o '[a-z_ ]*"$' | tr -d '"'); do
        [ "$(xpath "count(//var[@name='$field'] | //field[@name='$field'])")" = 1 ]
    done
}

# prompts XPATH LANG NAME…: that element says those.
prompts() {
    [ "$(xmllint --xpath "$1//prompt/text()" - <<<"$body" | paste -sd ' ')" = "$(text "${@:2}")" ] || { printf '%s\n' "$body"; return 1; }
}

@test "voicexml: a dialogue from the welcome to the transfer, and its end" {
    local code next
    code=$(new_code)
    document nl/voicexml
    [ "$(xpath /vxml/@xml:lang)" = nl-NL ]
    [ "$(xpath '//field/@type')" = 'digits?length=10' ]
    prompts '//form[@id="code"]/block' nl welcome
    prompts '//field/prompt/ancestor::field[1]/prompt[1]/..' nl enter again mistyped again mistyped
    prompts '//noinput[not(@count)]' nl again
    prompts '//nomatch[not(@count)]' nl mistyped again
    [ "$(xpath '//noinput[@count=3]/goto/@next')" = '#unidentified' ]
    [ "$(xpath '//filled/submit/@method')" = post ]
    [ "$(xpath '//filled/submit/@namelist')" = 'event call_id caller code' ]
    # Nobody is lost when we do not answer.
    [ "$(xpath '//catch[contains(@event, "error.badfetch")]/goto/@next')" = '#unavailable' ]
    prompts '//form[@id="unavailable"]' nl unavailable
    prompts '//form[@id="unidentified"]' nl no-more to-queue
    [ "$(xpath '//form[@id="unidentified"]/transfer/@dest')" = sip:kcc@exchange.example.org ]
    next=$(xpath '//filled/submit/@next')
    document "nl/$next" event=code call_id=vx-1@host 'caller=sip:+31612345678@sip.example.org' code="$(wrong_code "$code")"
    prompts '//form[@id="code"]/block' nl wrong
    next=$(xpath '//filled/submit/@next')
    [ "$next" = 'voicexml?refused=1&silent=0' ]
    document "nl/$next" event=code call_id=vx-1@host 'caller=sip:+31612345678@sip.example.org' code="$code"
    prompts '//form[@id="queue"]' nl accepted
    [ "$(xpath '//form[@id="queue"]/transfer/@dest')" = sip:status-desk@exchange.example.org ]
    [ "$(xpath '//form[@id="queue"]/transfer/@bridge')" = false ]
    [ "$(xpath '//form[@id="queue"]/transfer/@aaiexpr')" = call_id ]
    [ "$(lookup_as alice '{"call_id":"vx-1@host","peek":true}' | jq -r .caller)" = 78 ]
    document "nl/$next" event=code call_id=vx-1@host code="$code"
    prompts '//form[@id="queue"]' nl accepted
    # The caller hangs up: the catch posts to the first address.
    [ "$(xpath '//catch[@event="connection.disconnect.hangup"]/assign/@expr')" = "'end'" ]
    next=$(xpath '//catch[@event="connection.disconnect.hangup"]/submit/@next')
    document "nl/$next" event=end call_id=vx-1@host
    [ "$(xpath 'count(/vxml/form/block/exit)')" = 1 ]
    [ "$(lookup_as alice '{"call_id":"vx-1@host"}' | jq -r .reason)" = hung_up ]
}

@test "voicexml: three times wrong, closed or broken, in English" {
    local wrong
    wrong=$(wrong_code "$(new_code)")
    document en/voicexml
    for _ in 1 2 3; do
        document "en/$(xpath '//filled/submit/@next')" event=code call_id=vx-2 code="$wrong" caller=anonymous
    done
    prompts '//form[@id="queue"]' en wrong no-more to-queue
    [ "$(xpath '//form[@id="queue"]/transfer/@dest')" = sip:kcc@exchange.example.org ]
    hold_lock
    document en/voicexml event=code call_id=vx-3 code="$wrong"
    prompts '//form[@id="queue"]' en unavailable
    release_lock
    closed_now
    document en/voicexml
    prompts '//form[not(@id)]' en closed
    [ "$(xpath 'count(//disconnect)')" = 1 ]
}

# ---- contact-flow ----

# contact_flow PARAMETERS [VARIABLE=VALUE…]: the function, for call $CALL.
contact_flow() {
    local parameters=$1
    shift
    jq -nc --arg call "$CALL" --argjson parameters "$parameters" '{ Name: "ContactFlowEvent",
        Details: { Parameters: $parameters, ContactData: { ContactId: $call, Channel: "VOICE",
            CustomerEndpoint: { Address: "+31612345678", Type: "TELEPHONE_NUMBER" } } } }' |
        env -i NODE_EXTRA_CA_CERTS="$SITE/cert.pem" IDB_URL="https://127.0.0.1:${PHONE##*:}" IDB_TOKEN_FILE="$SITE/token" \
            IDB_PROMPTS="$IDB_ROOT/scripts/phone/prompts" "$@" \
            "$NODE" "$IDB_ROOT/tests/http/invoke.mjs" "$IDB_ROOT/scripts/phone/http/contact-flow.mjs"
}

# invoke PARAMETERS [VARIABLE=VALUE…]: its answer in $body.
invoke() {
    run --separate-stderr -0 contact_flow "$@"
    body=$output
}

# returned NEXT RESULT QUEUE LANG NAME…
returned() {
    [ "$(jq -r '[.next, .result, .queue] | join(" ")' <<<"$body")" = "$1 $2 $3" ] || { printf '%s\n' "$body" "$stderr"; return 1; }
    [ "$(jq -r .say <<<"$body")" = "$(text "${@:4}")" ]
}

@test "contact-flow: a call from the welcome to the queue, and its end" {
    local code
    code=$(new_code) CALL=0b8c-1
    invoke '{"event":"start"}'
    returned ask open kcc nl welcome enter
    invoke '{"event":"code","code":"","refused":"0","silent":"0"}'
    returned ask silent kcc nl again
    [ "$(jq -r '.refused + .silent' <<<"$body")" = 01 ]
    invoke "{\"event\":\"code\",\"code\":\"$(wrong_code "$code")\",\"language\":\"en\"}"
    returned ask wrong kcc en wrong again
    invoke "{\"event\":\"code\",\"code\":\"$(wrong_code "$code")\",\"refused\":\"2\"}"
    returned queue wrong kcc nl wrong no-more to-queue
    invoke "{\"event\":\"code\",\"code\":\"$code\",\"language\":\"en\"}"
    returned queue accepted status-desk en accepted
    [ "$(member purpose "$body")" = status ]
    [ -z "$stderr" ]
    invoke '{"event":"end"}'
    returned nothing ended kcc nl
    closed_now
    invoke '{"event":"start"}'
    returned hangup closed kcc nl closed
}

@test "contact-flow: a caller is not lost by a flow that gives it nothing" {
    CALL=0b8c-4
    invoke null
    returned ask open kcc nl welcome enter
    contact_flow() { echo '{}' | env -i "$NODE" "$IDB_ROOT/tests/http/invoke.mjs" "$IDB_ROOT/scripts/phone/http/contact-flow.mjs"; }
    run --separate-stderr -0 contact_flow
    [ "$(jq -r '.next + " " + .queue' <<<"$output")" = 'queue kcc' ]
}

@test "contact-flow: repeats itself while the store is busy, and never says the code" {
    local code
    code=$(new_code) CALL=0b8c-2
    sh -c "$(lock_holder 1)" >/dev/null 3>&- &
    until_true is_held
    invoke "{\"event\":\"code\",\"code\":\"$code\"}"
    returned queue accepted status-desk nl accepted
    [[ $stderr == *"idb: /verify 503 $BUSY"* ]]
    [[ $stderr$output != *"$code"* ]]
    [[ $stderr$output != *"$TOKEN"* ]]
    # Another's token, or none: the caller goes on, and the log says why.
    echo idb_none >"$SITE/other"
    invoke "{\"event\":\"code\",\"code\":\"$code\"}" IDB_TOKEN_FILE="$SITE/other" IDB_QUEUE=general
    returned queue unavailable general nl unavailable
    [ "$stderr" = 'idb: /verify 401 not_authenticated' ]
    # Without a word to say it still says where to.
    invoke "{\"event\":\"code\",\"code\":\"$code\"}" IDB_PROMPTS="$SITE/none"
    [ "$(jq -r '[.next, .queue, .say] | join(" ")' <<<"$body")" = 'queue status-desk ' ]
    # Somebody else's certificate.
    invoke "{\"event\":\"code\",\"code\":\"$code\"}" NODE_EXTRA_CA_CERTS=
    returned queue unavailable kcc nl unavailable
    [[ $stderr == 'idb: /verify TypeError DEPTH_ZERO_SELF_SIGNED_CERT' ]]
}

@test "contact-flow: answers within eight seconds, whatever we do" {
    local try dir=$BATS_FILE_TMPDIR
    for ((try = 0; try < 200; try++)); do
        [ ! -e "$dir/silent.ms" ] || break
        sleep 0.05
    done
    [ "$(cat "$dir/silent.ms")" -lt 8000 ]
    body=$(cat "$dir/silent.out") stderr=$(cat "$dir/silent.err")
    returned queue unavailable kcc nl unavailable
    [ "$(grep -c TimeoutError <<<"$stderr")" = 2 ]
    [[ $stderr != *1234567890* ]]
}

@test "examples: no log holds a code, a call, a number or a token" {
    local code
    code=$(new_code)
    event "{\"event\":\"digits\",\"call\":{\"id\":\"canary-1\",\"from\":\"+31687654321\"},\"digits\":\"$code\"}"
    heard nl accepted
    CALL=canary-2 FROM=+31687654321
    form nl/gather "Digits=$code"
    document nl/voicexml event=code call_id=canary-3 "code=$code"
    for canary in "$code" canary- 687654321 "$TOKEN" 'jq:' '?'; do
        run -1 grep -rF -e "$canary" "$SITE/log"
    done
    run -0 grep -rh 'POST /nl/gather 200' "$SITE/log"
}

@test "examples: the programs behind them get a clean environment and no data as argument" {
    local code
    mkdir "$BATS_TEST_TMPDIR/bin"
    for program in idb-verify idb-config jq head; do
        cat >"$BATS_TEST_TMPDIR/bin/$program" <<END
#!/bin/sh
{ echo "$program"; env | sed 's/=.*//' | sort | grep -vx -e PWD -e _ | paste -sd ' '; } >>"$BATS_TEST_TMPDIR/environment"
{ env; printf '%s\\n' "\$@"; } >>"$BATS_TEST_TMPDIR/all.$program"
exec "$(command -v $program)" "\$@"
END
    done
    chmod 755 "$BATS_TEST_TMPDIR"/bin/*
    code=$(new_code)
    run --separate-stderr -0 env REQUEST_METHOD=POST GATEWAY_INTERFACE=CGI/1.1 SCRIPT_NAME=/nl/webhook \
        CONTENT_TYPE=application/json CONTENT_LENGTH=1000 HTTP_AUTHORIZATION="Bearer $TOKEN" \
        HTTP_PROXY=canary HTTP_COOKIE=canary OPENSSL_CONF=canary IDB_QUEUE=kcc \
        IDB_PATH="$BATS_TEST_TMPDIR/bin:$IDB_BUILD" IDB_SHARE="$SITE/share" "$SITE/libexec/phone/webhook" \
        <<<"{\"event\":\"digits\",\"call\":{\"id\":\"canary-4\"},\"digits\":\"$code\"}"
    [[ $output == *'"action":"transfer"'* ]]
    [ "$(grep -A1 -x idb-verify "$BATS_TEST_TMPDIR/environment" | tail -n 1)" = 'HTTP_AUTHORIZATION IDB_CONFIG PATH' ]
    [ "$(grep -A1 -x idb-config "$BATS_TEST_TMPDIR/environment" | tail -n 1)" = 'IDB_CONFIG PATH' ]
    run -1 grep -hE "canary|$code" "$BATS_TEST_TMPDIR"/all.*
    run -1 grep -lF -- "$TOKEN" "$BATS_TEST_TMPDIR"/all.{jq,head,idb-config}
}

@test "examples: those of idb-http(7) work as they stand" {
    local script
    # Lines of the page that begin with "$ ", and what belongs to them; as tests/man.bats.
    script=$(mandoc -T ascii -O width=200 "$IDB_ROOT/man/idb-http.7" | sed 's/.\x08//g' |
        sed -n '/^EXAMPLES$/,/^[A-Z]/p' |
        awk '/^ *\$ / || more { sub(/^ *(\$ |> )?/, ""); print; more = /\\$/ }')
    [ "$(wc -l <<<"$script")" -gt 8 ]
    # The address of the page is this server, whose certificate is not for that name.
    printf 'connect-to = "phone.example.org:443:localhost:%s"\ninsecure\n' "${PHONE##*:}" >"$BATS_TEST_TMPDIR/.curlrc"
    cd "$BATS_TEST_TMPDIR"
    CURL_HOME=$BATS_TEST_TMPDIR run --separate-stderr -0 bash -euo pipefail -c "$script"
    [ -z "$stderr" ]
    # What it prints stands in the page too.
    [ "${#lines[@]}" = 5 ]
    for line in "${lines[@]}"; do
        grep -qFx -e "$line" "$IDB_ROOT/man/idb-http.7"
    done
}
