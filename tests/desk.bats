#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: what the pages call is it each time, file by file.
# The agents' and support's pages over HTTP, with the web server's own
# configuration: who comes in, what is shown, and what is on record.
# tests/desk-forms.bats goes on.

load lib
load life
load site
load desk

# ---- who ----

@test "desk: nobody comes in without a password, whatever the headers say" {
    call door-1
    for who in -gno 'nobody:secret' 'alice:wrong' 'alice:'; do
        options=()
        [ "$who" = -gno ] || options=(-u "$who")
        for path in desk 'desk?call_id=door-1' 'desk?call_id=door-1&follow=1' 'desk?call_id=door-1&state=1' \
            'desk?call_id=door-1&digest=1' desk/ticket idb.css; do
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

# digest PATH: what idb.js gets of it, in $digest, by looking alone.
digest() {
    local was
    was=$(snapshot)
    agent "$1&digest=1"
    [[ $status_code == 200 && $(header Content-Type) == text/plain* && $(header Cache-Control) == no-store ]]
    [[ $body =~ ^[0-9a-f]{64}\ \ -$ ]] || { echo "$body"; return 1; }
    [ "$(snapshot)" = "$was" ]
    digest=${body%% *}
}

@test "desk: a digest of what a page is made from changes with it, opens nothing and tells nothing" {
    local path='desk?line=kcc&call_id=made-1' seen=()
    # A browser that has its cookie.
    agent "$path&follow=1"
    says 200 "data-follow-state=\"desk?line=kcc&amp;call_id=made-1&amp;digest=1\""
    # changed: not what it was before, and the same again.
    changed() {
        digest "$path"
        [[ " ${seen[*]} " != *" $digest "* ]]
        seen+=("$digest")
        digest "$path"
        [ "$digest" = "${seen[-1]}" ]
    }
    changed
    call made-1
    changed
    agent "$path&follow=1"
    says 200 "data-follow-state=\"desk?line=kcc&amp;call_id=made-1&amp;digest=1\""
    agent "$path"
    says 200 'T. Estpersoon'
    changed
    lookup_as bob '{"call_id":"made-1","hand_over":true}' >/dev/null
    changed
    # Another agent's forms hold another token.
    digest "$path"
    before=$digest
    cp "$jar.alice" "$jar.bob"
    who=bob digest "$path"
    [ "$digest" != "$before" ]
    idb-end <<<'{"call_id":"made-1"}' >/dev/null
    changed
    confirm "$issued" false >/dev/null
    changed
    digest 'desk?calls'
    before=$digest
    call made-2
    digest 'desk?calls'
    [ "$digest" != "$before" ]
    # In the midst of a query it is nothing but a look.
    before=$(snapshot)
    agent 'desk?digest=1&line=kcc&call_id=made-2'
    says 200 'Een gesprek met een goede code'
    [ "$(snapshot)" = "$before" ]
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
    store_away
    agent 'desk?line=kcc&call_id=frame-1&state=1'
    store_back
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
