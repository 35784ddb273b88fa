#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: what the pages call is it each time, file by file.
# The pages over HTTP, with the web servers' own configurations: what may be
# asked, what a page answers, what stays out of the logs.

load lib
load site

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance '
        .lines.kcc += { hours: { mon: ["09:00-17:00"] }, closed: ["2099-12-25"] }
        | .purposes.status.links = { bsn: "https://zaken.example.org/zoek?bsn={value}" }
        | .methods.counter = { label: { nl: "Balie \"<1>\"", en: "Counter" },
            issuer: "https://login.example.org", client_id: "x", id_token_alg: "ES256",
            client_auth: "client_secret_basic", claims: { name: "name" } }
        | .purposes.appointment.methods = ["counter"]'
    site_up "$BATS_FILE_TMPDIR/site" web desk phone
}

teardown_file() { site_down; }

# The resident's browser, with the cookies of an issued session.
resident() {
    local path=$1
    shift
    fetch "$WEB/$path" -H "Cookie: $cookies" "$@"
}

# begin [JQ]: a session, in $issued and $cookies.
begin() {
    issued=$(issue_status "$@")
    cookies=$(cookies_of "$issued")
}

agent() {
    local path=$1
    shift
    fetch "$DESK/$path" -u alice:secret "$@"
}

# phone PROGRAM JSON: the telephone exchange.
phone() {
    fetch "$PHONE/$1" -u pbx:secret -H 'Content-Type: application/json' --data "$2"
}

# call CALL [CALLER]: the session's code is keyed in.
call() {
    phone verify "$(jq -nc --arg code "$(code_of "$issued")" --arg call "$1" \
        --arg caller "${2-+31612345678}" '{ code: $code, call_id: $call, caller: $caller }')"
    [ "$(member result "$body")" = accepted ]
}

# says STATUS TEXT…: the page is well-formed, has this status, and these texts, its
# look apart.
says() {
    local text plain
    [ "$status_code" = "$1" ] || {
        echo "$output"
        return 1
    }
    xmllint --noout - <<<"$body"
    [ "$(header Cache-Control)" = no-store ]
    shift
    plain=$(sed -E 's/ class="[^"]*"//g' <<<"$body")
    for text in "$@"; do
        [[ $plain == *"$text"* ]] || {
            printf 'missing: %s\n%s\n' "$text" "$body"
            return 1
        }
    done
}

@test "web: the start page says what will happen, in both languages" {
    fetch "$WEB/nl/start/appointment"
    says 200 '<html lang="nl">' '<h1>Bellen: Een afspraak maken</h1>' 'Gemeente Voorbeeld' \
        '>024 123 45 67</a>' 'maandag' '09:00 – 17:00' 'vrijdag 25 december 2099' '<li>Naam</li>' \
        'Inloggen met Balie &quot;&lt;1&gt;&quot;' 'href="../../en/start/appointment"' \
        'action="../../nl/login"' 'href="../../idb.css"' 'href="../../theme.css"' 'src="../../idb.js"'
    [[ $(header Content-Security-Policy) == *"default-src 'none'"*"frame-ancestors 'none'"* ]]
    # The answer to this page's form leads to the provider, which form-action would forbid.
    [[ $(header Content-Security-Policy) != *form-action* ]]
    [ "$(header Referrer-Policy)" = strict-origin ]
    [ "$(header X-Content-Type-Options)" = nosniff ]
    [ "$(header Content-Language)" = nl ]
    fetch "$WEB/en/start/appointment"
    says 200 '<html lang="en">' '<h1>Call us: Make an appointment</h1>' 'Municipality of Voorbeeld' \
        'Monday' 'closed' 'Log in with Counter'
    # A purpose without a login still says whom to call.
    fetch "$WEB/nl/start/change"
    says 200 'U kunt voor deze vraag niet inloggen'
}

@test "web: HEAD is GET without a body, save where it would spend something" {
    fetch "$WEB/nl/start/appointment" --head
    [ "$status_code" = 200 ]
    [[ $(header Content-Type) == text/html* ]]
    [ -z "$(sed '1,/^$/d' <<<"$output")" ]
    fetch "$WEB/callback/counter?code=1&state=2" --head
    [ "$status_code" = 405 ]
    [ "$(header Allow)" = GET ]
}

@test "web: what the pages look like is there, compressed, and nothing else of the installation" {
    for file in idb.css:text/css theme.css:text/css idb.js:text/javascript; do
        fetch "$WEB/${file%:*}"
        [ "$status_code" = 200 ]
        [[ $(header Content-Type) == "${file#*:}"* && $(header Cache-Control) == *max-age* ]]
        cmp "$IDB_ROOT/build/look/web/${file%:*}" <(printf '%s\n' "$body") ||
            cmp "$IDB_ROOT/build/look/web/${file%:*}" <(printf '%s' "$body")
        fetch "$WEB/${file%:*}" -H 'Accept-Encoding: gzip' -o "$BATS_TEST_TMPDIR/compressed" -D -
        [ "$(header Content-Encoding)" = gzip ]
    done
    # A page holds a code, and tells nothing by its length.
    fetch "$WEB/nl/start/appointment" -H 'Accept-Encoding: gzip'
    [ "$status_code$(header Content-Encoding)" = 200 ]
    for path in / /nl /nl/ /en/lighttpd.conf /nl/page.sh /nl/starts/x /web/start /page.sh /desk \
        /verify /nl/..%2fpage.sh /nl/%2e%2e/page.sh /pages/idb.jq; do
        fetch "$WEB$path" --path-as-is
        [[ $status_code == 40[0-9] ]]
        xmllint --noout - <<<"$body"
        [[ $body == *'lang="nl"'*'lang="en"'* ]]
    done
}

@test "web: what the servers answer by themselves is kept nowhere either" {
    for address in "$WEB/" "$WEB/none" "$WEB/nl/none" "$DESK/desk" "$PHONE/verify"; do
        fetch "$address"
        [[ $status_code == 4?? ]] || { echo "$address: $status_code"; false; }
        [ "$(header Cache-Control)" = no-store ] || { echo "$address"; printf '%s\n' "$output"; false; }
    done
}

@test "web: unknown pages and purposes are 404, and lead on" {
    fetch "$WEB/nl/start/other"
    says 404 'href="https://www.example.org"' '<code>unknown_purpose</code>' 'tel:+31241234567'
    fetch "$WEB/nl/start"
    says 404 '<code>bad_path</code>'
    fetch "$WEB/en/start/status/more/of/it"
    says 404 '<code>bad_path</code>' 'href="../../../../../idb.css"'
    fetch "$WEB/en/code/x"
    says 404 '<code>bad_path</code>'
}

@test "web: a page takes its own methods alone" {
    for path in login consent renew confirm stop; do
        fetch "$WEB/nl/$path"
        says 405 '<code>bad_method</code>'
        [ "$(header Allow)" = POST ]
    done
    fetch "$WEB/nl/code" --data a=1
    says 405
    [ "$(header Allow)" = 'GET, HEAD' ]
    fetch "$WEB/nl/code" -X PUT
    says 405
    fetch "$WEB/nl/code" -X DELETE
    says 405
    fetch "$WEB/nl/renew" -H 'Content-Type: application/json' --data '{}'
    says 415 '<code>bad_type</code>'
}

@test "web: what is too large, too much or broken is refused by a page" {
    head -c 1000000 /dev/zero | tr '\0' a | sed 's/^/Cookie: a=/' >"$BATS_TEST_TMPDIR/cookie"
    fetch "$WEB/nl/code" -H "@$BATS_TEST_TMPDIR/cookie"
    [[ $status_code == 4[03][01] ]]
    xmllint --noout - <<<"$body"
    head -c 20000 /dev/zero | tr '\0' a | sed 's/^/Cookie: __Host-idb-session=/' >"$BATS_TEST_TMPDIR/cookie"
    fetch "$WEB/nl/code" -H "@$BATS_TEST_TMPDIR/cookie"
    says 400 '<code>bad_cookie</code>'
    head -c 20000 /dev/zero | tr '\0' a | sed 's/^/Cookie: a=/' >"$BATS_TEST_TMPDIR/cookie"
    fetch "$WEB/nl/code" -H "@$BATS_TEST_TMPDIR/cookie"
    says 410 '<code>no_cookie</code>'
    for ((i = 0; i < 10000; i++)); do printf '%d&' "$i"; done >"$BATS_TEST_TMPDIR/form"
    fetch "$WEB/nl/renew" --data "@$BATS_TEST_TMPDIR/form"
    says 400 '<code>bad_form</code>'
    head -c 70000 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/form"
    fetch "$WEB/nl/renew" --data "@$BATS_TEST_TMPDIR/form" "${ask_first[@]}"
    [ "$status_code" = 413 ]
    fetch "$WEB/nl/renew" --data 'a=%zz'
    says 400 '<code>bad_form</code>'
    fetch "$WEB/nl/confirm" --data 'answer=yes&answer=not_me'
    says 400 '<code>bad_form</code>'
    fetch "$WEB/nl/confirm" --data 'answer=perhaps'
    says 400 '<code>bad_form</code>'
}

@test "web: a form from another site does nothing" {
    begin
    resident nl/stop -H 'Origin: https://evil.example.org' --data ''
    says 403 '<code>cross_site</code>'
    resident nl/stop -H 'Origin: null' --data ''
    says 403 '<code>cross_site</code>'
    resident nl/code
    says 200 "$(member code_display "$issued")"
    resident nl/stop -H "Origin: $WEB" --data ''
    [ "$status_code" = 303 ]
}

@test "web: a login without a method, with an unknown one, or to a provider that is down" {
    fetch "$WEB/nl/login" --data purpose=appointment
    says 400 '<code>unknown_method</code>' 'href="../nl/start/appointment"'
    fetch "$WEB/nl/login" --data 'purpose=appointment&method=other'
    says 400 '<code>unknown_method</code>'
    fetch "$WEB/callback/counter?code=1&state=2"
    says 400 '<code>bad_state</code>' 'href="../idb.css"'
    fetch "$WEB/callback/counter?error=1"
    says 400 '<code>bad_state</code>'
}

@test "web: consent without a login, and a no, give no code" {
    fetch "$WEB/en/consent" --data 'offer=x&consent=yes'
    says 400 '<code>bad_offer</code>' 'href="https://www.example.org"'
    fetch "$WEB/en/consent" --data 'offer=x&consent=no'
    says 200 'You have said no' 'We have kept nothing of yours'
    fetch "$WEB/en/consent" --data 'consent=yes'
    says 400
}

@test "web: number and code stand on the code page, with the warning, and reload" {
    begin
    for _ in 1 2; do
        resident nl/code
        says 200 ">$(member code_display "$issued")</span>" \
            "href=\"tel:+31241234567,$(code_of "$issued")\"" '>024 123 45 67</a>' \
            'Vertel de code aan niemand' "$(member ticket "$issued")" 'Nieuwe code' \
            '<noscript><meta http-equiv="refresh" content="5" /></noscript>' 'data-follow="5"' \
            'href="../en/code"'
    done
    [[ $(header Content-Security-Policy) == *"form-action 'self'" ]]
    # All that a browser fetches for it the first time, as it is sent: under 60 kB.
    bytes=${#output}
    for file in idb.css theme.css idb.js; do
        bytes=$((bytes + $(gzip -c "$IDB_ROOT/build/look/web/$file" | wc -c)))
    done
    [ "$bytes" -lt 60000 ]
    until=$(jq -r '.code_expires_at' <<<"$issued")
    [[ $body == *"tot $(TZ=Europe/Amsterdam date -d "$until" +%H:%M) uur"* ]]
    # Who needs time can stop it (WCAG 2.2.1).
    resident nl/code?hold
    says 200 "$(member code_display "$issued")" 'href="../nl/code"'
    [[ $body != *http-equiv* && $body != *data-follow* ]]
    resident en/code
    says 200 'Tell the code to nobody' '<html lang="en">' '>+31 24 123 45 67</a>'
    # In another browser there is nothing to see.
    fetch "$WEB/nl/code"
    says 410 '<code>no_cookie</code>'
    fetch "$WEB/nl/code" -H 'Cookie: __Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA'
    says 410 '<code>no_session</code>'
}

@test "web: what the code page is made from changes when the page does, and only then" {
    local first
    begin
    resident nl/code
    says 200 'data-follow-state="../nl/code?state"'
    resident nl/code?state
    [ "$status_code" = 200 ]
    [[ $(header Content-Type) == application/json && $(header Cache-Control) == no-store ]]
    [ "$(member state "$body")" = issued ]
    first=$body
    sleep 1.1
    resident nl/code?state
    [ "$body" = "$first" ]
    call state-1
    resident nl/code?state
    [ "$(member state "$body")" = called ]
    agent "desk?line=kcc&call_id=state-1"
    resident nl/code?state
    [ "$(member state "$body")" = connected ]
    # In another browser there is nothing to see.
    fetch "$WEB/nl/code?state"
    [ "$(member error "$body")" = no_cookie ]
}

@test "web: a third language is one more file, after a restart" {
    mkdir -p "$BATS_TEST_TMPDIR/share/text"
    ln -s "$SITE"/share/{pages,web} "$BATS_TEST_TMPDIR/share/"
    ln -s "$IDB_ROOT"/scripts/text/*.json "$BATS_TEST_TMPDIR/share/text/"
    jq '.language = "Frysk" | .start.how = "Sa wurket it"' "$IDB_ROOT/scripts/text/nl.json" \
        >"$BATS_TEST_TMPDIR/share/text/fy.json"
    mkdir "$BATS_TEST_TMPDIR/log" "$BATS_TEST_TMPDIR/conf"
    ln -s "$SITE"/{libexec,tls.pem,cert.pem} "$BATS_TEST_TMPDIR"
    port=$(free_ports 1)
    site_serve "$BATS_TEST_TMPDIR" web "$port"
    fetch "https://localhost:$port/fy/start/appointment"
    kill "$(cat "$BATS_TEST_TMPDIR/web.pid")"
    says 200 '<html lang="fy">' 'Sa wurket it' 'href="../../nl/start/appointment">Nederlands</a>'
    # Here it is not.
    fetch "$WEB/fy/start/appointment"
    [ "$status_code" = 404 ]
}

@test "web: closed, the start page says when to call, and the code page that it is no use now" {
    cp "$IDB_CONFIG" "$BATS_TEST_TMPDIR/kept"
    jq '.lines.kcc.closed = [now, now + 86400, now + 172800 | localtime | strftime("%Y-%m-%d")] | .lines.kcc |= del(.hours)' \
        "$BATS_TEST_TMPDIR/kept" >"$IDB_CONFIG"
    begin
    fetch "$WEB/nl/start/appointment"
    start=$output
    resident nl/code
    cp "$BATS_TEST_TMPDIR/kept" "$IDB_CONFIG"
    says 200 'De telefoonlijn is nu dicht. U kunt weer bellen op ' ', vanaf 00:00 uur.' 'Stop nu en begin opnieuw'
    body=${start#*$'\n\n'}
    says 200 'De telefoonlijn is nu dicht. U kunt weer bellen op ' 'Log pas in als de lijn open is'
}

@test "web: a new code comes in the place of the old one" {
    begin
    resident nl/renew --data ''
    [ "$status_code" = 303 ]
    [ "$(header Location)" = code ]
    [[ $(header Set-Cookie) == __Host-idb-code=*'HttpOnly'* ]]
    old=$(code_of "$issued")
    cookies="$(sed 's/; .*//' <<<"$cookies"); $(header Set-Cookie | cut -d ';' -f 1)"
    resident nl/code
    says 200 'id="code"'
    new=$(grep -oP 'tel:\+31241234567,\K\d+' <<<"$body")
    [ "$new" != "$old" ]
    phone verify "{\"code\":\"$old\",\"call_id\":\"renew-1\"}"
    [ "$(member result "$body")" = wrong ]
    # The browser that keeps the old cookie has no code to show.
    for _ in 1 2; do
        resident nl/renew --data ''
        [ "$status_code" = 303 ]
    done
    resident nl/renew --data ''
    says 409 '<code>renewals_spent</code>' 'href="../nl/code"'
    resident nl/code
    [[ $body == *'U kunt geen nieuwe code meer krijgen'* ]]
}

@test "web: a call shows at once, and This is not me ends it and warns the agent" {
    begin
    call not-me-1
    resident nl/code
    says 200 'Er wordt gebeld met uw code' 'eindigt op 78' 'value="not_me"' 'Dit ben ik niet' \
        '<meta http-equiv="refresh" content="5" />'
    [[ $body != *'value="yes"'* ]]
    [[ $(header Set-Cookie) == '__Host-idb-code=; '*'Max-Age=0'* ]]
    [[ $body != *"$(code_of "$issued")"* ]]
    agent 'desk?call_id=not-me-1'
    says 200 'Geïdentificeerd'
    resident nl/confirm --data answer=not_me
    [ "$status_code" = 303 ]
    [ "$(header Location)" = code ]
    resident nl/code
    says 200 'U zei: dit ben ik niet' 'Begin opnieuw'
    [[ $body != *http-equiv* ]]
    agent 'desk?call_id=not-me-1'
    says 200 'Waarschuwing: dit is niet de inwoner' 'Vertrouw deze beller niet'
    [[ $body != *Estpersoon* ]]
}

@test "web: with confirm: page the agent sees nothing before the resident says yes" {
    begin '.purpose = "change"'
    resident nl/code
    says 200 'Tijdens het gesprek vragen wij u hier'
    call page-1 withheld
    resident en/code
    says 200 'Is it you who is calling now?' 'withheld' 'Change an address' 'value="yes"' 'value="not_me"'
    agent 'desk?call_id=page-1&line=kcc'
    says 200 'Nog niet bevestigd'
    [[ $body != *Estpersoon* ]]
    agent 'desk?call_id=page-1&line=kcc&peek=1'
    says 200 'Nog niet bevestigd'
    resident en/confirm --data answer=yes
    [ "$status_code" = 303 ]
    resident en/code
    says 200 'You have confirmed that you are calling' 'This is not me'
    [[ $body != *'value="yes"'* ]]
    agent 'desk?call_id=page-1&line=kcc&peek=1'
    says 200 'href="desk?line=kcc&amp;call_id=page-1"'
    [[ $body != *Estpersoon* ]]
    agent 'desk?call_id=page-1&line=kcc'
    says 200 'T. Estpersoon' 'ja, op de eigen pagina'
    resident en/code
    says 200 'You are in a call'
}

@test "web: the resident stops, before and in the call" {
    begin
    resident nl/stop --data ''
    [ "$status_code" = 303 ]
    resident nl/code
    says 200 'U bent gestopt' 'De code werkt niet meer' 'href="../nl/start/status"'
    resident nl/confirm --data answer=yes
    says 409 '<code>not_called</code>'
    begin
    call stop-2
    resident nl/stop --data ''
    resident nl/code
    says 200 'De medewerker ziet ze niet meer'
    fetch "$WEB/nl/stop" --data ''
    says 410 '<code>no_cookie</code>'
}

@test "phone: verifies by JSON, for a client of the line alone" {
    begin
    json="{\"code\":\"$(code_of "$issued")\",\"call_id\":\"phone-1\"}"
    fetch "$PHONE/verify" -H 'Content-Type: application/json' --data "$json"
    [ "$status_code" = 401 ]
    fetch "$PHONE/verify" -u pbx:wrong -H 'Content-Type: application/json' --data "$json"
    [ "$status_code" = 401 ]
    fetch "$PHONE/verify" -u alice:secret -H 'Content-Type: application/json' --data "$json" \
        -H 'Remote-User: pbx'
    [ "$status_code" = 403 ]
    [ "$(member error "$body")" = not_permitted ]
    fetch "$PHONE/verify" -u pbx:secret
    [ "$status_code" = 405 ]
    phone verify '{"code":"12","call_id":"phone-1"}'
    [ "$status_code" = 200 ]
    [ "$(member result "$body")" = mistyped ]
    phone verify "$json"
    [ "$(member result "$body")" = accepted ]
    phone transfer '{"call_id":"phone-1","to_call_id":"phone-2"}'
    [ "$(member result "$body")" = transferred ]
    phone end '{"call_id":"phone-2"}'
    [ "$(member result "$body")" = ended ]
    for path in / /idb-verify.cgi /verify/x /desk /nl/code; do
        fetch "$PHONE$path" -u pbx:secret
        [ "$status_code" = 404 ] || [ "$status_code" = 403 ]
    done
}

@test "web: a broken configuration is a page, 500, without what is wrong" {
    cp "$IDB_CONFIG" "$BATS_TEST_TMPDIR/kept"
    echo '{"canary":1}' >"$IDB_CONFIG"
    fetch "$WEB/nl/start/status"
    cp "$BATS_TEST_TMPDIR/kept" "$IDB_CONFIG"
    says 500 'Er ging bij ons iets fout' '<code>config_invalid</code>'
    [[ $body != *canary* ]]
}

@test "web: a locked store is a page that says so, 503" {
    begin
    hold_lock
    resident nl/renew --data ''
    release_lock
    says 503 "<code>$BUSY</code>"
    [ "$(header Retry-After)" = 5 ]
}

@test "web: no log holds a query, a cookie, a code, a ticket or a name" {
    begin '.attributes.name = "C. Anary"'
    resident 'nl/code?canaryquery'
    resident 'nl/start/status?canaryquery=1'
    fetch "$WEB/callback/counter?code=canaryquery&state=canaryquery"
    resident nl/confirm --data 'answer=canaryform'
    call canary-1
    agent 'desk?call_id=canary-1'
    says 200 'C. Anary'
    agent "desk/ticket?ticket=$(member ticket "$issued")" -u sam:secret
    site_down # so that all is written
    run -0 grep -h '/nl/code 200' "$SITE/log/web-access.log"
    run -0 grep -E ' alice GET /desk 200 ' "$SITE/log/desk-access.log"
    for canary in canaryquery canaryform canary-1 Anary "$(code_of "$issued")" 612345678 \
        "$(member ticket "$issued")" __Host '?' Sanitizer; do
        run -1 grep -rF -e "$canary" "$SITE/log"
    done
}

@test "web: the programs behind a page get a clean environment and no data as argument" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for program in idb-status idb-config idb-lookup; do
        cat >"$BATS_TEST_TMPDIR/bin/$program" <<END
#!/bin/sh
env | sort >"$BATS_TEST_TMPDIR/$program.env"
ulimit -c >"$BATS_TEST_TMPDIR/$program.core"
exec "$IDB_BUILD/$program" "\$@"
END
    done
    cat >"$BATS_TEST_TMPDIR/bin/jq" <<END
#!/bin/sh
{ env | sort; printf '%s\\n' "\$@"; } >>"$BATS_TEST_TMPDIR/jq.log"
exec "$(command -v jq)" "\$@"
END
    chmod 755 "$BATS_TEST_TMPDIR"/bin/*
    begin
    export REQUEST_METHOD=GET GATEWAY_INTERFACE=CGI/1.1 SCRIPT_NAME=/nl/code QUERY_STRING=canary=1 \
        HTTP_COOKIE="$cookies" HTTP_PROXY=canary CURL_CA_BUNDLE=canary OPENSSL_CONF=canary
    export IDB_PATH=$BATS_TEST_TMPDIR/bin:$IDB_BUILD IDB_SHARE=$SITE/share
    run --separate-stderr -0 "$SITE/libexec/web/code"
    [[ $output == *"$(member code_display "$issued")"* ]]
    for program in idb-status idb-config; do
        [ "$(sed 's/=.*//' "$BATS_TEST_TMPDIR/$program.env" | grep -vx -e PWD -e _ | paste -sd ' ')" = 'IDB_CONFIG PATH' ]
        [ "$(cat "$BATS_TEST_TMPDIR/$program.core")" = 0 ]
    done
    # The address's query, which CGI puts into the environment, is all that the page reads there.
    run -1 grep -E 'HTTP_|CURL|OPENSSL|idb-session|REMOTE' "$BATS_TEST_TMPDIR/jq.log"
    [ "$(grep -c canary "$BATS_TEST_TMPDIR/jq.log")" = 1 ]
    run -0 grep -x QUERY_STRING=canary=1 "$BATS_TEST_TMPDIR/jq.log"
    export SCRIPT_NAME=/desk QUERY_STRING=call_id=canary REMOTE_USER=alice AUTH_TYPE=Basic
    run --separate-stderr -0 "$SITE/libexec/desk/desk"
    [[ $output == *'Nog niet geïdentificeerd'* ]]
    [ "$(sed 's/=.*//' "$BATS_TEST_TMPDIR/idb-lookup.env" | grep -vx -e PWD -e _ | paste -sd ' ')" = \
        'AUTH_TYPE IDB_CONFIG PATH REMOTE_USER' ]
}
