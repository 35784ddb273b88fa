#!/usr/bin/env bats
# With --long alone: the quick ones of its kind are run each time.
# On PostgreSQL with --long
# Sanitized with --long: login.bats and the files of the programs do it each time.
# What is not as it should be, over HTTP: each is a page that says what happened and
# leads on, and nothing is stored; and what of all this ends up in logs.

load ../lib
load ../site
load lib
load login
load flow

setup_file() {
    flow_wrap
    flow_up
}
teardown_file() { flow_down; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    rm -f "$ANSWERS"
    flow_instance
    new one
}

teardown() {
    liar_stop
    [ -z "${LISTENER-}" ] || kill "$LISTENER" 2>/dev/null || true
}

# nothing_stored: since before was set. Not even the store's files were touched.
nothing_stored() {
    [ "$(snapshot)" = "$before" ] || { sql 'SELECT * FROM session'; return 1; }
}

# post TEXT NAME FILE: presses that button, but the field NAME holds what is in FILE.
post() {
    local action options i
    take_form "$1"
    for i in "${!options[@]}"; do
        [[ ${options[i]} != "$2@"* ]] || options[i]=$2@$3
    done
    visit "$action" "${options[@]}"
}

# wrong STATUS URL [OPTION…]: a page, whoever makes it, with that status.
wrong() {
    visit "${@:2}"
    [ "$(<"$TAB/status")" = "$1" ] || { cat "$TAB"/{url,status,page}; return 1; }
    xmllint --noout "$TAB/page"
    [[ $(<"$TAB/page") == *'<h1'* ]]
    lacks Estpersoon 99999 canary
}

# ---- two clicks ----

# clicks N: so many at once on yes; the answers' statuses are in statuses.
clicks() {
    local action options i pids=()
    take_form Ja,
    for ((i = 0; i < $1; i++)); do
        # A second click does not wait for the cookies of the first.
        curl -q -K "$TAB/person/options" -b "$TAB/person/jar" -o "answer-$i" -D "headers-$i" \
            "${options[@]}" "$action" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    statuses=$(for ((i = 0; i < $1; i++)); do
        head -n 1 "headers-$i" | cut -d ' ' -f 2
    done | sort | uniq -c | tr -s ' ' | paste -sd ,)
    cat headers-* >>"$TRAIL"
}

# one_code N: idb-issue answered N codes, all of one session; one of them is live.
one_code() {
    local codes code accepted=0
    mapfile -t codes < <(jq -r '.code // empty' "$ANSWERS")
    [ "${#codes[@]}" = "$1" ]
    [ "$(jq -r '.session // empty' "$ANSWERS" | sort -u | wc -l)" = 1 ]
    [ "$(sessions)" = 1 ]
    [ "$(sessions 'code_mac IS NOT NULL')" = 1 ]
    for code in "${codes[@]}"; do
        key_in "$code" "click-$code" # a call of its own
        [[ $result == accepted || $result == wrong ]]
        [ "$result" != accepted ] || accepted=$((accepted + 1))
    done
    [ "$accepted" = 1 ]
    is_sound
}

@test "flow: a double click gives one session and one live code" {
    arrive nl status DigiD anna
    clicks 2
    [ "$statuses" = ' 2 303' ]
    one_code 2
}

@test "flow: ten clicks at once give one session and one live code" {
    arrive nl status DigiD anna
    clicks 10
    # The first code and three new ones; then the limit.
    [ "$statuses" = ' 4 303, 6 409' ]
    grep -lF '<code>renewals_spent</code>' answer-* | wc -l >spent
    [ "$(<spent)" = 6 ]
    one_code 4
}

# ---- offers ----

@test "flow: an offer that was altered, cut off, or is another kind of token" {
    arrive nl status DigiD anna
    before=$(snapshot)
    take_form Ja,
    cp "$TAB/fields/1" offer
    offer=$(<offer)
    login=$(sed -n 's/^[Ss]et-[Cc]ookie: __Host-idb-login-[^=]*=\([^;]\{100,\}\);.*/\1/p' "$TRAIL" | tail -n 1)
    tab two
    for bad in "${offer:0:-6}AAAAAA" "${offer:0:200}" "${offer%.*}" "${offer/./.A}" "$offer.x" x "$login" \
        "$(head -c 40000 /dev/zero | tr '\0' e)"; do
        shows_page_of one
        printf %s "$bad" >bad
        post Ja, offer bad
        refused 400 bad_offer login_mixed
    done
    shows_page_of one
    : >bad
    post Ja, offer bad
    refused 400 bad_request general
    nothing_stored
    # Whole it is good.
    shows_page_of one
    agree
}

@test "flow: an offer of another installation" {
    arrive en status DigiD anna
    flow_instance
    before=$(snapshot)
    press Yes,
    refused 400 bad_offer login_mixed
    nothing_stored
}

@test "flow: an offer after ten minutes, a login after fifteen, a code after ten" {
    arrive nl status DigiD anna
    before=$(snapshot)
    tab late
    later 11 press Ja,
    refused 410 offer_expired expired
    follow 'Naar de website'
    begin en status DigiD
    later 16 press anna:
    refused 410 login_expired expired
    nothing_stored
    to one
    agree
    later 11 reload
    sees 200 '<h1>Uw code is niet meer geldig</h1>' 'Nieuwe code'
    later 11 key_in "$code" call-1
    [ "$result" = expired ]
    later 300 reload
    sees 200 '<h1>De tijd is voorbij</h1>' 'Begin opnieuw'
    later 300 key_in "$code" call-2
    [ "$result" = wrong ]
}

@test "flow: an offer again after the resident stopped" {
    arrive nl status DigiD anna
    tab issued
    agree
    press 'Stoppen en mijn gegevens wissen'
    sees 200 '<h1>U bent gestopt</h1>'
    to one
    press Ja,
    refused 409 not_issued not_issued
    follow 'Naar de pagina met uw code'
    sees 200 '<h1>U bent gestopt</h1>'
    [ "$(sessions "state = 'issued'")" = 0 ]
}

# ---- callbacks ----

# state_of TAB: the state of the login that it began, by the redirect to the provider.
state_of() { grep -oE '[?&]state=[^&]+' "$BATS_TEST_TMPDIR/tab-$1/began" | sed 's/.*=//'; }

# begun NAME: a browser that is at the provider; the address it was sent to is kept.
begun() {
    new "$1"
    visit "$WEB/nl/start/status"
    local action options next
    take_form 'Inloggen met DigiD'
    request "$action" "${options[@]}"
    [ "$(<"$TAB/status")" = 303 ]
    printf '%s\n' "$next" >"$TAB/began"
}

@test "flow: a callback without a state, with a wrong one, twice the same, or with another browser's" {
    before=$(snapshot)
    begun two
    begun one
    for query in '' '?code=canarycanary' '?code=canarycanary&state=' '?code=canarycanary&state=canarycanary' \
        "?code=canarycanary&state=$(state_of two)" \
        "?code=canarycanary&error=access_denied&state=canarycanary"; do
        visit "$WEB/callback/digid$query"
        refused 400 bad_state login_mixed
    done
    visit "$WEB/callback/digid?code=canarycanary&state=$(state_of one)&state=$(state_of two)"
    refused 400 bad_form general
    wrong 400 "$WEB/callback/digid?code=%zz&state=$(state_of one)%zz"
    wrong 400 "$WEB/callback/digid?code=%00&state=$(state_of one)"
    # None of these spent this browser's login; another method's address does.
    visit "$WEB/callback/eidas?code=canarycanary&state=$(state_of one)"
    refused 400 bad_state login_mixed
    nothing_stored
    # The other browser's login is as good as it was.
    to two
    visit "$(<"$TAB/began")"
    press anna:
    agree
}

@test "flow: another browser's answer of the provider does not log this one in" {
    before=$(snapshot)
    begun two
    begun one
    # At the provider, and stopped before our own site.
    visit "$(<"$TAB/began")"
    local action options next
    take_form anna:
    request "$action" "${options[@]}"
    request "$next"
    answer=$next
    [[ $answer == "$WEB/callback/digid?code="* ]]
    to two
    visit "$answer"
    refused 400 bad_state login_mixed
    nothing_stored
    to one
    visit "$answer"
    sees 200 '999 990 019'
}

# ---- requests that no page makes ----

@test "flow: a form from another site does nothing, whatever cookies come along" {
    arrive nl status DigiD anna
    before=$(snapshot)
    local action options i origin
    take_form Ja,
    for origin in https://evil.example.org null "http://${WEB#https://}" "$WEB.evil.example.org" "$ISSUER"; do
        options[1]="Origin: $origin"
        request "$action" "${options[@]}"
        refused 403 cross_site cross_site
    done
    nothing_stored
    options[1]="Origin: $WEB"
    visit "$action" "${options[@]}"
    take_code
    for i in renew stop; do
        request "$WEB/nl/$i" -H 'Origin: https://evil.example.org' --data ''
        refused 403 cross_site
    done
    reload
    visit "$WEB/nl/code"
    take_code
}

@test "flow: giant cookies, forms and addresses, wrong methods and types, in the middle of a login" {
    arrive nl status DigiD anna
    tab kept
    to one
    before=$(snapshot)
    many() { head -c "$1" /dev/zero | tr '\0' a; }
    { printf 'Cookie: canary=' && many 1000000; } >cookie
    # Over HTTP/2 lighttpd breaks off instead.
    wrong 431 "$WEB/nl/code" --http1.1 -H @cookie
    { printf 'Cookie: __Host-idb-session=' && many 20000; } >cookie
    wrong 400 "$WEB/nl/code" -H @cookie
    refused 400 bad_cookie bad_cookie
    for ((i = 0; i < 10000; i++)); do printf '%d&' "$i"; done >form
    wrong 400 "$WEB/nl/consent" --data @form
    refused 400 bad_form general
    wrong 400 "$WEB/nl/login" --data @form
    { printf offer= && many 66000; } >form
    wrong 413 "$WEB/nl/consent" --http1.1 --data @form
    wrong 404 "$WEB/nl/start/$(many 8000)"
    wrong 404 "$WEB/nl/start/a/$(many 60)/c/d/e"
    wrong 400 "$WEB/callback/digid?canary=$(many 8000)&state=%zz"
    wrong 405 "$WEB/nl/consent"
    wrong 405 "$WEB/callback/digid" --data code=canarycanary
    wrong 405 "$WEB/nl/login" -X PUT --data canary=1
    wrong 405 "$WEB/nl/code" -X DELETE
    wrong 415 "$WEB/nl/consent" -H 'Content-Type: application/json' --data '{"offer":"canary","consent":true}'
    wrong 415 "$WEB/nl/consent" -H 'Content-Type: multipart/form-data; boundary=x' --data canary
    wrong 400 "$WEB/nl/consent" --data 'offer=canary&offer=canary&consent=yes'
    wrong 400 "$WEB/nl/consent" --data 'consent=yes'
    wrong 400 "$WEB/nl/login" --data 'purpose=status&method=canary'
    wrong 400 "$WEB/nl/login" --data 'purpose=status'
    nothing_stored
    # The login has not suffered.
    to kept
    agree
}

# ---- the provider ----

# forgotten: what was kept of the provider is, as it is after five minutes.
forgotten() { rm -f "${IDB_CONFIG%/*}"/cache/*.json; }

@test "flow: a provider that is down, at the start and at the callback, and comes back" {
    before=$(snapshot)
    begun nl
    visit "$(<"$TAB/began")"
    local action options next
    take_form anna:
    request "$action" "${options[@]}"
    request "$next"
    answer=$next
    "$PROVIDER" stop "$BATS_FILE_TMPDIR/op"
    visit "$answer"
    refused 502 provider_down provider
    forgotten
    follow 'Begin opnieuw'
    at "$WEB/nl/start/status"
    press 'Inloggen met DigiD'
    refused 502 provider_down provider
    visit "$WEB/en/start/status"
    press 'Log in with Broker'
    refused 502 provider_down provider
    nothing_stored
    provider_again
    visit "$WEB/en/start/status"
    press 'Log in with Broker'
    press anna:
    agree
}

# deaf PORT: accepts, shakes hands (TLS), and never answers.
deaf() {
    socat -u "OPENSSL-LISTEN:$1,cert=$SITE/tls.pem,verify=0,bind=127.0.0.1,reuseaddr,fork" \
        OPEN:/dev/null 3>&- 2>/dev/null &
    LISTENER=$!
    until (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do sleep 0.02; done
}

# timed NAME COMMAND…: in that tab, in the background; seconds in NAME.time.
timed() {
    local began=$SECONDS
    to "$1"
    "${@:2}"
    echo $((SECONDS - began)) >"$1.time"
}

@test "flow: a provider that accepts and never answers: the page comes within eight seconds, each time" {
    before=$(snapshot)
    begun slow
    visit "$(<"$TAB/began")"
    local action options next name
    take_form anna:
    request "$action" "${options[@]}"
    request "$next"
    answer=$next
    "$PROVIDER" stop "$BATS_FILE_TMPDIR/op"
    forgotten
    deaf "${ISSUER##*:}"
    new nl
    visit "$WEB/nl/start/status"
    new en
    visit "$WEB/en/start/status"
    timed slow visit "$answer" 3>&- &
    waiting=($!)
    timed nl press 'Inloggen met DigiD' 3>&- &
    waiting+=($!)
    timed en press 'Log in with DigiD' 3>&- &
    waiting+=($!)
    # Who asks nothing of it is not delayed.
    new other
    visit "$WEB/nl/start/status"
    sees 200
    wait "${waiting[@]}"
    kill "$LISTENER"
    provider_again
    for name in slow nl en; do
        to "$name"
        refused 502 provider_down provider
        # idb-oidc-callback(1): each request within 8 seconds; asked once, not twice.
        [ "$(<"$name.time")" -ge 7 ]
        [ "$(<"$name.time")" -lt 15 ]
    done
    [ "$(find_html /html/@lang)" = en ]
    nothing_stored
}

# ---- a provider that talks nonsense ----

# to_liar LANG: the browser is at the liar's; state is what must come back.
to_liar() {
    visit "$WEB/$1/start/status"
    press "$([ "$1" = nl ] && echo Inloggen met || echo Log in with) L"
    [[ $(<"$TAB/url") == "$LIAR_URL/auth?"* ]] || { cat "$TAB"/{url,page}; return 1; }
    state=$(parameter state "$(<"$TAB/url")")
    back=$(parameter redirect_uri "$(<"$TAB/url")")
}


@test "flow: a provider that answers nonsense" {
    liar_start
    flow_instance
    before=$(snapshot)
    local huge path lang n=0
    huge=$(head -c 100000 /dev/zero | tr '\0' '[')
    for path in .well-known/openid-configuration token; do
        for said in "200 text/html <html>" "200 application/json {" "200 application/json $huge" \
            "200 text/html {}" "302 text/html x" "404 text/plain canary" "200 application/json []"; do
            lang=$([ $((n++ % 2)) = 0 ] && echo nl || echo en)
            liar_metadata
            new "$lang-$n"
            [ "$path" != token ] || to_liar "$lang"
            IFS=' ' read -r code type text <<<"$said"
            liar_says "$path" "$code" "$type" "$text" "Location: $LIAR_URL/elsewhere"
            if [ "$path" = token ]; then
                visit "$back?code=canarycanary&state=$state"
            else
                visit "$WEB/$lang/start/status"
                press "$([ "$lang" = nl ] && echo Inloggen met || echo Log in with) L"
            fi
            word=$(find_html '//code')
            [ "$word" = provider_answer ] || [ "$path $word" = 'token provider_refused' ]
            refused 502 "$word" provider
            [ "$(find_html /html/@lang)" = "$lang" ]
            lacks canary
            rm -f "$LIAR/token"
        done
    done
    [ "$(liar_asked elsewhere)" = 0 ]
    nothing_stored
}

# ---- logs ----

# The last that needs the servers.
@test "flow: no log and no syslog line holds a code, a token, a cookie, a query, a BSN or a name" {
    # A whole call, and refusals of every step.
    arrive nl status DigiD anna
    agree
    visit "$WEB/nl/code?canary=canarycanary"
    key_in "$(wrong_code "$code")" call-secret
    key_in "$code" call-secret
    new_agent agent
    visit "$DESK/desk"
    follow 'Open gesprek call-secret'
    press 'Toon Burgerservicenummer'
    sees 200 999990019
    press 'Contact afsluiten'
    new two
    arrive en status Broker bert
    reload
    begin nl status DigiD
    press emil:
    begin nl status DigiD
    press Cancel
    begin en status Broker
    press dirk:
    visit "$WEB/callback/digid?code=canarycanary&state=canarycanary"
    visit "$WEB/nl/consent" --data 'offer=canarycanary&consent=yes'
    # They write what they have not yet written.
    site_down
    # Something was said, by each, so that its silence means something.
    for name in web desk phone; do
        grep -qE ' (GET|POST) /[a-z/]+ [245]0[0-9] ' "$SITE/log/$name-access.log"
    done
    grep -qF ' alice POST /desk/reveal 200 ' "$SITE/log/desk-access.log"
    grep -qF 'bad_claim, method digid' "$SAID"
    grep -qF 'login refused: login_cancelled, method digid' "$SAID"
    grep -qF 'reveal: agent' "$SAID"
    {
        # Of this case, and of all those before it.
        trail_secrets
        printf '%s\n' 999990019 999990020 999990018 999990032 Estpersoon Büyük Laag Fout 612345678 \
            call-secret canary __Host
    } | sort -u >wanted
    [ "$(wc -l <wanted)" -gt 100 ]
    nowhere wanted "$SITE"/log/* "$SAID"
    run --separate-stderr -1 grep -F '?' "$SITE"/log/*-access.log
    # What is looked for is found where it stands.
    for secret in "$code" canarycanary 999990019 "$(grep -m 1 '^ey' "$TRAIL")"; do
        printf 'x %s y\n' "$secret" >there
        cut -c 1-80 there
        run -1 nowhere wanted there
    done
    run -1 nowhere wanted "$TRAIL"
}

@test "flow: the servers said nothing of faults in memory or in the glue" {
    run -1 grep -rE 'Sanitizer|runtime error|jq: error|: not found' "$SITE/log"
    [ -z "$output" ]
}
