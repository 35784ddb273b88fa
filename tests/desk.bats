#!/usr/bin/env bats
# Sanitized with --long: what the pages call is it each time, file by file.
# The agents' and support's pages over HTTP, with the web server's own
# configuration: who comes in, what is shown, what is on record, and what a form
# must carry.

load lib
load life
load site

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance '
        .purposes.status.links = { bsn: "https://zaken.example.org/zoek?bsn={value}" }
        | .desk.bob = ["agent"]
        | .methods.counter = { label: { nl: "Balie \"<1>\"", en: "Counter" },
            issuer: "https://login.example.org", client_id: "x", id_token_alg: "ES256",
            client_auth: "client_secret_basic", claims: { name: "name" } }'
    site_up "$BATS_FILE_TMPDIR/site" desk
}

teardown_file() { site_down; }

setup() { jar=$BATS_TEST_TMPDIR/jar; }

# agent PATH [curl option…]: alice's browser, or that of $who, with its cookies.
agent() {
    local path=$1
    shift
    fetch "$DESK/$path" -u "${who-alice}:secret" -b "$jar.${who-alice}" -c "$jar.${who-alice}" "$@"
    read_token
}

# as WHO COMMAND…: the same by another.
as() {
    local who=$1
    shift
    "$@"
}

# read_token: $token is that of the page in $body, if it has one.
read_token() {
    local found
    found=$(grep -oP -m 1 'name="form_token" value="\K[^"]+' <<<"$body" | head -n 1) || true
    [ -z "$found" ] || token=$found
}

# send PATH FIELDS [curl option…]: a form of the page that was fetched last.
send() {
    local path=$1 fields=$2
    shift 2
    agent "$path" --data "$fields&form_token=$token" "$@"
}

# call CALL [JQ]: a session whose code was keyed in on that call; $issued.
call() {
    issued=$(issue_status "${2-.}")
    session=$(session_of "$issued")
    [ "$(verify "$(code_of "$issued")" "$1" +31612345678 | jq -r .result)" = accepted ]
}

# says STATUS TEXT…: the page is well-formed, kept nowhere, has this status and these texts.
says() {
    local text
    [ "$status_code" = "$1" ] || {
        echo "$output"
        return 1
    }
    xmllint --noout - <<<"$body"
    [ "$(header Cache-Control)" = no-store ]
    [[ $(header Content-Security-Policy) == *"default-src 'none'"*"base-uri 'none'"*"frame-ancestors "* ]]
    [ -z "$(header X-Frame-Options)" ]
    shift
    for text in "$@"; do
        [[ $body == *"$text"* ]] || {
            printf 'missing: %s\n%s\n' "$text" "$body"
            return 1
        }
    done
}

# rows ACTION [SESSION]: how many audit rows there are of it.
rows() { sql "SELECT COUNT(*) FROM audit WHERE action = '$1' AND session = '${2-$session}'"; }

tells_nothing() { [[ $body != *@(999990019|Estpersoon|Z-1)* ]]; }

# ---- who ----

@test "desk: nobody comes in without a password, whatever the headers say" {
    call door-1
    for who in -gno 'nobody:secret' 'alice:wrong' 'alice:'; do
        options=()
        [ "$who" = -gno ] || options=(-u "$who")
        for path in desk 'desk?call_id=door-1' 'desk?call_id=door-1&follow=1' 'desk?call_id=door-1&state=1' \
            desk/ticket idb.css; do
            fetch "$DESK/$path" "${options[@]}" -H 'Remote-User: alice' -H 'REMOTE_USER: alice' \
                -H 'Auth-Type: Basic' -H 'X-Remote-User: alice'
            [ "$status_code" = 401 ]
            tells_nothing
        done
        fetch "$DESK/desk/end" "${options[@]}" --data 'call_id=door-1'
        [ "$status_code" = 401 ]
    done
    # Another's name in a header does not make one another.
    for who in sam mallory; do
        agent 'desk?call_id=door-1' -H 'Remote-User: alice'
        says 403 'not_permitted</code>'
        tells_nothing
    done
    [ "$(rows open)" = 0 ]
    [ "$(column state "$session")" = called ]
}

@test "desk: without a web server that says who it is, not even an empty form is shown" {
    export IDB_PATH=$IDB_BUILD IDB_SHARE=$SITE/share REQUEST_METHOD=GET GATEWAY_INTERFACE=CGI/1.1
    for page in desk ticket; do
        for user in '' alice; do
            SCRIPT_NAME=/desk REMOTE_USER=$user AUTH_TYPE='' run --separate-stderr -0 "$SITE/libexec/desk/$page"
            [[ $output == 'Status: 401 '* ]]
            [[ $output != *'<form'* ]]
        done
    done
}

# ---- a call ----

@test "desk: an open call says who, how certainly and about what, in one request" {
    call open-1
    agent 'desk?call_id=open-1&line=kcc'
    says 200 '>Geïdentificeerd: Hoe staat het met mijn aanvraag?</h1>' 'Deze beller is geïdentificeerd.' \
        'T. Estpersoon' 'verborgen' 'Toon <span class="idb-visually-hidden">Burgerservicenummer</span>' 'Zonder login' \
        'front-office; de identiteit is verklaard, zonder login' 'Balie &quot;&lt;1&gt;&quot; (hier is niet ingelogd)' \
        'substantieel' 'Bevestigd door de inwoner' 'niet gevraagd; hier niet nodig' 'eindigt op 78' \
        'de inwoner gaf vooraf geen nummer op' 'Z-1' 'aan de code, ingetoetst om' 'aria-label="Kopieer Naam"' \
        'data-copy="copy-1"' 'id="copy-1">T. Estpersoon<'
    [[ $body != *999990019* && $body != *'Kopieer Burgerservicenummer'* && $body != *zaken.example.org* ]]
    [ "$(newest_audit)" = "agent:alice|open|$session|ok" ]
    # Beside a telephone client the address holds the call, and nothing of the resident.
    [ "$(rows open)" = 1 ]
    [ "$(column state "$session")" = connected ]
}

@test "desk: a masked value is shown when asked for, on record, with its link" {
    call mask-1
    agent 'desk?call_id=mask-1'
    send desk/reveal 'line=kcc&call_id=mask-1&name=bsn'
    says 200 '>999990019<' 'href="https://zaken.example.org/zoek?bsn=999990019"' 'rel="noopener noreferrer"' \
        'Kopieer Burgerservicenummer' 'action="../desk/end"' 'data-follow-at="../desk/reveal?line=kcc&amp;call_id=mask-1&amp;follow=1"'
    [[ $body != *idb-desk-hidden* ]]
    [ "$(newest_audit)" = "agent:alice|reveal|$session|ok" ]
    send desk/reveal 'line=kcc&call_id=mask-1&name=other'
    says 400 'attribute_not_allowed</code>'
    agent desk/reveal
    says 405 'bad_method</code>'
    [ "$(header Allow)" = POST ]
    # What follows that page only looks.
    agent 'desk/reveal?line=kcc&call_id=mask-1&follow=1'
    says 200 'data-keep' 'action="../desk/end"'
    tells_nothing
    [ "$(rows reveal)$(rows open)" = 11 ]
}

@test "desk: what the resident's data hold is text, wherever it stands" {
    bad='<script>alert(1)</script>"'"'&amp;"
    call 'bad<1>&"x"' ".attributes.name = \"$(sed 's/"/\\"/g' <<<"$bad")\""
    agent desk
    says 200 'call_id=bad%3C1%3E%26%22x%22' 'bad&lt;1&gt;&amp;&quot;x&quot;'
    agent 'desk?line=kcc&call_id=bad%3C1%3E%26%22x%22'
    says 200 "$(jq -rn --arg bad "$bad" '$bad | @html')" 'value="bad&lt;1&gt;&amp;&quot;x&quot;"'
    [[ $body != *'alert(1)</script>'* ]]
    agent 'desk?line=kcc&call_id=%22%3E%3Cscript%3E&x=%22%3E%3Cscript%3E"><script>'
    [[ $body != *'"><script>'* ]]
}

# ---- keeping up to date ----

@test "desk: an open page follows the call without opening it again, and is shown nothing more" {
    call follow-1
    agent 'desk?call_id=follow-1&line=kcc'
    says 200 'data-follow="5"' 'data-follow-at="desk?line=kcc&amp;call_id=follow-1&amp;follow=1"' \
        'id="kept-data"' 'id="kept-login"'
    opened=$body
    before=$(snapshot)
    for _ in 1 2 3; do
        agent 'desk?line=kcc&call_id=follow-1&follow=1' -H 'Sec-Fetch-Dest: empty'
        says 200 'id="kept-data" data-keep=""' 'id="kept-login" data-keep=""' 'U hebt dit gesprek nog niet geopend'
        tells_nothing
        [[ $body != *front-office* ]]
    done
    [ "$(snapshot)" = "$before" ]
    # But for what is kept they are the same, so that nothing moves while nothing happens.
    main() {
        sed -n '/<main/,/<\/main>/p' <<<"$1" | xmllint --recover --html --xmlout --nowarning - 2>/dev/null |
            python3 -c '
import sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.read())
for e in root.iter():
    if "data-keep" in e.attrib:
        tail = e.tail
        kept = dict(e.attrib)
        e.clear()
        e.attrib.update(kept)
        e.tail = tail
print(tree.tostring(root, encoding="unicode"))'
    }
    [ "$(main "$opened")" = "$(main "$body")" ]
    # Hung up, and handed over: it says so.
    idb-end <<<'{"call_id":"follow-1"}' >/dev/null
    agent 'desk?line=kcc&call_id=follow-1&follow=1'
    says 200 'De beller heeft opgehangen' 'Te zien tot'
    lookup_as bob '{"call_id":"follow-1","hand_over":true}' >/dev/null
    agent 'desk?line=kcc&call_id=follow-1&follow=1'
    says 200 'Dit gesprek is overgedragen door bob'
    # "This is not me": a warning, and nothing is kept.
    confirm "$issued" false >/dev/null
    agent 'desk?line=kcc&call_id=follow-1&follow=1'
    says 200 'Waarschuwing: dit is niet de inwoner' 'Vertrouw deze beller niet'
    [[ $body != *data-keep* && $body != *data-follow* ]]
    tells_nothing
    [ "$(rows open)" = 1 ]
}

@test "desk: without script a frame of the page looks by itself, and warns" {
    call frame-1
    agent 'desk?call_id=frame-1&line=kcc'
    says 200 '<noscript><iframe' 'src="desk?line=kcc&amp;call_id=frame-1&amp;state=1"'
    [[ $(header Content-Security-Policy) == *"frame-src 'self'"* ]]
    [[ $body != *http-equiv* ]]
    before=$(snapshot)
    agent 'desk?line=kcc&call_id=frame-1&state=1' -H 'Sec-Fetch-Dest: iframe' -H 'Sec-Fetch-Site: same-origin'
    says 200 'Deze beller is geïdentificeerd.' 'content="5"'
    [[ $(header Content-Security-Policy) == *"frame-ancestors 'self';"* ]]
    tells_nothing
    [ "$(snapshot)" = "$before" ]
    # What is wrong with us ends no call.
    mv "${IDB_STORE%/*}" "$BATS_TEST_TMPDIR/away"
    agent 'desk?line=kcc&call_id=frame-1&state=1'
    mv "$BATS_TEST_TMPDIR/away" "${IDB_STORE%/*}"
    says 500 'kan nu niet vanzelf laten zien' 'content="5"'
    [[ $body != *afgesloten* ]]
    confirm "$issued" false >/dev/null
    agent 'desk?line=kcc&call_id=frame-1&state=1'
    says 200 'Waarschuwing: dit is niet de inwoner'
    [[ $body != *http-equiv* ]]
    agent 'desk?line=kcc&call_id=frame-none&state=1'
    says 200 'Niet geïdentificeerd: dit gesprek is afgesloten'
    [[ $body != *http-equiv* ]]
}

@test "desk: a call that is not there yet opens when it comes, once" {
    agent 'desk?call_id=later-1&line=kcc'
    says 200 'Nog niet geïdentificeerd' 'data-follow="2"' '<noscript><meta http-equiv="refresh" content="2" />' \
        'data-follow-at="desk?call_id=later-1&amp;line=kcc&amp;wait=1"' 'Vraag nooit om de code'
    agent 'desk?call_id=later-1&line=kcc&wait=1'
    says 200 'Nog niet geïdentificeerd'
    call later-1
    agent 'desk?call_id=later-1&line=kcc&wait=1' -H 'Sec-Fetch-Dest: empty'
    says 200 'data-go="desk?line=kcc&amp;call_id=later-1"' '<noscript><meta http-equiv="refresh" content="0; url=desk?line=kcc&amp;call_id=later-1" />'
    tells_nothing
    [ "$(rows open)" = 0 ]
    agent 'desk?line=kcc&call_id=later-1'
    says 200 'T. Estpersoon'
    # A colleague's page that waits for it, such as after a transfer, opens it too; what
    # only follows does not.
    as bob agent 'desk?line=kcc&call_id=later-1&wait=1'
    says 200 'data-go="desk?line=kcc&amp;call_id=later-1"'
    tells_nothing
    as bob agent 'desk?line=kcc&call_id=later-1&follow=1'
    says 200 'U hebt dit gesprek nog niet geopend' 'href="desk?line=kcc&amp;call_id=later-1"'
    [[ $body != *data-go* ]]
    tells_nothing
    [ "$(rows open)" = 1 ]
    # Who needs time can stop it (WCAG 2.2.2).
    agent 'desk?call_id=later-2&hold'
    says 200 'Nog niet geïdentificeerd' 'href="desk?call_id=later-2"'
    [[ $body != *http-equiv* && $body != *data-follow* ]]
}

@test "desk: an unconfirmed call shows no data before the yes, and opens with it" {
    issued=$(issue change) session=$(session_of "$issued")
    verify "$(code_of "$issued")" yes-1 >/dev/null
    agent 'desk?call_id=yes-1&line=kcc'
    says 200 'Nog niet bevestigd' 'data-follow-at="desk?line=kcc&amp;call_id=yes-1&amp;wait=1"' \
        'content="3; url=desk?line=kcc&amp;call_id=yes-1&amp;wait=1"'
    tells_nothing
    before=$(snapshot)
    agent 'desk?line=kcc&call_id=yes-1&wait=1'
    says 200 'Nog niet bevestigd'
    [[ $body != *data-go* ]]
    [ "$(snapshot)" = "$before" ]
    confirm "$issued" true >/dev/null
    agent 'desk?line=kcc&call_id=yes-1&wait=1'
    says 200 'data-go="desk?line=kcc&amp;call_id=yes-1"'
    tells_nothing
    # A look that nobody waits behind goes nowhere by itself.
    agent 'desk?line=kcc&call_id=yes-1&peek=1'
    says 200 'href="desk?line=kcc&amp;call_id=yes-1"'
    [[ $body != *data-go* && $body != *http-equiv* ]]
    agent 'desk?line=kcc&call_id=yes-1'
    says 200 'T. Estpersoon' 'ja, op de eigen pagina'
    [ "$(sql "SELECT group_concat(result) FROM audit WHERE action = 'open' AND session = '$session'")" = unconfirmed,ok ]
}

@test "desk: a HEAD opens nothing, nor does what another site's page fetches or frames" {
    call head-1
    agent 'desk?call_id=head-1' --head
    [ "$status_code" = 200 ]
    for fetched in 'image cross-site' 'empty same-origin' 'script same-site' 'iframe cross-site'; do
        agent 'desk?call_id=head-1' -H "Sec-Fetch-Dest: ${fetched% *}" -H "Sec-Fetch-Site: ${fetched#* }"
        says 200 'U hebt het nog niet geopend'
        tells_nothing
    done
    agent 'desk?call_id=head-1' -H 'Sec-Fetch-Dest: document' -H 'Sec-Purpose: prefetch;prerender'
    says 200 'U hebt het nog niet geopend'
    tells_nothing
    [ "$(rows open)$(column state "$session")" = 0called ]
    agent 'desk?call_id=head-1' -H 'Sec-Fetch-Dest: iframe' -H 'Sec-Fetch-Site: same-site'
    says 200 'T. Estpersoon'
}

# ---- the list ----

@test "desk: without a call id the open calls, without personal data, kept up to date" {
    call list-1
    agent desk
    says 200 '>Open gesprekken</h1>' 'Hoe staat het met mijn aanvraag?' 'href="desk?line=kcc&amp;call_id=list-1"' \
        'data-follow="5"'
    tells_nothing
    before=$(snapshot)
    agent 'desk?calls'
    says 200 'href="desk?line=kcc&amp;call_id=list-1"'
    [ "$(snapshot)" = "$before" ]
    agent 'desk?calls&hold'
    says 200
    [[ $body != *data-follow* && $body != *http-equiv* ]]
    agent 'desk?line=other&call_id=x'
    says 404 'unknown_line</code>'
    agent 'desk?call_id=a%20b'
    says 400 'bad_call_id</code>'
}

# ---- forms ----

@test "desk: a call handed over is a colleague's to open, who sees by whom and when" {
    call hand-1
    agent 'desk?call_id=hand-1&line=kcc'
    send desk/reveal 'line=kcc&call_id=hand-1&name=bsn'
    send desk/handover 'line=kcc&call_id=hand-1'
    [ "$status_code" = 303 ]
    [ "$(header Location)" = ../desk ]
    [ "$(newest_audit)" = "agent:alice|hand_over|$session|ok" ]
    as bob agent desk
    says 200 'Dit gesprek is overgedragen door alice, om '
    tells_nothing
    as bob agent 'desk?call_id=hand-1&line=kcc'
    says 200 'Dit gesprek is overgedragen door alice, om ' 'Overgedragen' 'T. Estpersoon' idb-desk-hidden
    [[ $body != *999990019* ]]
    # Support hands nothing over, and a call that nobody opened is not handed over.
    call hand-2
    agent 'desk?call_id=hand-1&line=kcc'
    send desk/handover 'line=kcc&call_id=hand-2'
    says 409 'not_open</code>'
    sam=$(AUTH_TYPE=Basic REMOTE_USER=sam idb-request --form-token)
    fetch "$DESK/desk/handover" -u sam:secret -b "$(jq -r '.cookies[0] | split(";")[0]' <<<"$sam")" \
        --data "call_id=hand-1&form_token=$(jq -r .form_token <<<"$sam")"
    says 403 'not_permitted</code>'
}

@test "desk: the contact is closed, and everything erased" {
    call end-1
    agent 'desk?call_id=end-1&line=kcc'
    send desk/end 'line=kcc&call_id=end-1'
    [ "$status_code" = 303 ]
    [ "$(header Location)" = ../desk ]
    [ "$(column 'state, sealed IS NULL' "$session")" = 'done|1' ]
    agent 'desk?call_id=end-1'
    says 200 'Niet geïdentificeerd: dit gesprek is afgesloten' 'afgesloten aan de balie'
    # An old page's form finds nothing.
    send desk/reveal 'line=kcc&call_id=end-1&name=bsn'
    says 200 'Niet geïdentificeerd: dit gesprek is afgesloten'
    tells_nothing
}

@test "desk: the cookie of the forms is ours, strict, and set once" {
    call cookie-1
    agent desk
    [[ $(header Set-Cookie) =~ ^__Host-idb-desk=[A-Za-z0-9_-]{22}\;\ Path=/\;\ Secure\;\ HttpOnly\;\ SameSite=Strict$ ]]
    agent 'desk?call_id=cookie-1'
    [ -z "$(header Set-Cookie)" ]
    first=$token
    agent 'desk?call_id=cookie-1'
    [ "$token" = "$first" ]
}

@test "desk: a form without its token, with another agent's or another session's, changes nothing" {
    call form-1
    agent 'desk?call_id=form-1&line=kcc'
    mine=$token
    as bob agent 'desk?call_id=form-1&line=kcc'
    bobs=$token
    cp "$jar.alice" "$jar.kept"
    rm "$jar.alice"
    agent 'desk?call_id=form-1&line=kcc'
    newer=$token
    cp "$jar.kept" "$jar.alice"
    before=$(snapshot)
    for path in desk/reveal desk/handover desk/end; do
        for field in '' '&form_token=' "&form_token=$bobs" "&form_token=$newer" "&form_token=${mine}x" \
            "&form_token=${mine%?}" "&form_token=$(rev <<<"$mine")"; do
            agent "$path" --data "line=kcc&call_id=form-1&name=bsn$field"
            says 403 'bad_form_token</code>' 'Er is niets gedaan.' 'Open de balie in een eigen venster' \
                'href="../desk" target="_blank"'
            tells_nothing
        done
        # Nor with alice's cookie and token under another name, or without a cookie, as
        # from a frame of another site.
        cp "$jar.alice" "$jar.bob"
        as bob agent "$path" --data "line=kcc&call_id=form-1&name=bsn&form_token=$mine"
        says 403 'bad_form_token</code>'
        fetch "$DESK/$path" -u alice:secret --data "line=kcc&call_id=form-1&name=bsn&form_token=$mine"
        says 403 'bad_form_token</code>'
        agent "$path" --data "line=kcc&call_id=form-1&name=bsn&form_token=$mine" -H 'Origin: https://evil.example.org'
        says 403 'cross_site</code>'
        agent "$path?line=kcc&call_id=form-1&name=bsn&form_token=$mine"
        says 405
    done
    [ "$(snapshot)" = "$before" ]
    # It was a good one.
    agent desk/end --data "line=kcc&call_id=form-1&form_token=$mine"
    [ "$status_code" = 303 ]
}

# ---- frames ----

@test "desk: framed by nobody, or by configured origins alone" {
    call frames-1
    agent 'desk?call_id=frames-1&line=kcc'
    [[ $(header Content-Security-Policy) == *"frame-ancestors 'none';"* ]]
    cp "$IDB_CONFIG" "$BATS_TEST_TMPDIR/kept"
    jq '.frame_ancestors = ["https://kcc.example.org", "https://tel.example.org:8443"]' \
        "$BATS_TEST_TMPDIR/kept" >"$IDB_CONFIG"
    for path in 'desk?call_id=frames-1&line=kcc' desk 'desk?call_id=frames-9' 'desk/ticket' 'desk?call_id=a%20b' desk/end; do
        agent "$path"
        [[ $(header Content-Security-Policy) == *"frame-ancestors https://kcc.example.org https://tel.example.org:8443;"* ]]
        [ -z "$(header X-Frame-Options)" ]
    done
    agent 'desk?line=kcc&call_id=frames-1&state=1'
    [[ $(header Content-Security-Policy) == *"frame-ancestors 'self' https://kcc.example.org https://tel.example.org:8443;"* ]]
    cp "$BATS_TEST_TMPDIR/kept" "$IDB_CONFIG"
}

# ---- support ----

@test "desk: support finds a ticket without personal data, and what to say" {
    who=sam
    call ticket-1
    ticket=$(jq -r .ticket <<<"$issued")
    agent desk/ticket
    says 200 'for="ticket">' 'Wat de telefoon zegt' 'Eén cijfer klopte niet'
    agent "desk/ticket?ticket=$ticket"
    says 200 'wacht op een medewerker' 'Wat u de inwoner zegt' 'U bent herkend. Blijf aan de lijn.'
    verify "$(code_of "$issued")" ticket-2 >/dev/null || [ $? = 1 ]
    agent "desk/ticket?ticket=$ticket"
    says 200 'code al gebruikt' 'Er is al met deze code gebeld.'
    tells_nothing
    [[ $body != *ticket-1* && $body != *'eindigt op'* ]]
    confirm "$issued" false >/dev/null
    agent "desk/ticket?ticket=$ticket"
    says 200 'U zei op uw pagina: dit ben ik niet.'
    issued=$(issue_status)
    agent "desk/ticket?ticket=$(jq -r .ticket <<<"$issued")"
    says 200 'Uw code werkt. Bel +31 24 123 45 67 en toets de code in'
    agent 'desk/ticket?ticket=BCDFGH'
    says 404 'Dit kenmerk is er niet' 'for="ticket">'
    as alice agent "desk/ticket?ticket=$ticket"
    says 403 'not_permitted</code>'
}

@test "desk: speaks English where the server says so" {
    local -x SITE_LANG=en
    SITE_PORT=$((20000 + RANDOM % 12000))
    mkdir "$BATS_TEST_TMPDIR/log" "$BATS_TEST_TMPDIR/conf"
    ln -s "$SITE"/{libexec,share,tls.pem,cert.pem,users} "$BATS_TEST_TMPDIR"
    site_serve "$BATS_TEST_TMPDIR" desk "$SITE_PORT"
    fetch "https://localhost:$SITE_PORT/desk?call_id=english-1" -u alice:secret
    kill "$(cat "$BATS_TEST_TMPDIR/desk.pid")"
    says 200 '<html lang="en">' 'Not identified yet'
}

@test "desk: no log holds a call id, a ticket, a token or a name" {
    call canary-1 '.attributes.name = "C. Anary"'
    agent 'desk?call_id=canary-1'
    says 200 'C. Anary'
    as sam agent "desk/ticket?ticket=$(jq -r .ticket <<<"$issued")"
    send desk/end 'line=kcc&call_id=canary-1'
    site_down # so that all is written
    run -0 grep -E ' alice GET /desk 200 ' "$SITE/log/desk-access.log"
    for canary in canary-1 Anary "$(code_of "$issued")" 612345678 "$token" \
        "$(jq -r .ticket <<<"$issued")" __Host '?' Sanitizer; do
        run -1 grep -rF -e "$canary" "$SITE/log"
    done
}
