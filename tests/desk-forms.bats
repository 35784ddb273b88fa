#!/usr/bin/env bats
# Sanitized with --long: what the pages call is it each time, file by file.
# The agents' and support's pages, continued from tests/desk.bats: what a form must carry,
# who may frame them, tickets, language, logs.

load lib
load life
load site
load desk

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
    # shellcheck disable=SC2034 # for agent()
    who=sam
    call ticket-1
    ticket=$(member ticket "$issued")
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
    agent "desk/ticket?ticket=$(member ticket "$issued")"
    says 200 'Uw code werkt. Bel +31 24 123 45 67 en toets de code in'
    agent 'desk/ticket?ticket=BCDFGH'
    says 404 'Dit kenmerk is er niet' 'for="ticket">'
    as alice agent "desk/ticket?ticket=$ticket"
    says 403 'not_permitted</code>'
}

@test "desk: speaks English where the server says so" {
    local -x SITE_LANG=en
    SITE_PORT=$(free_ports 1)
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
    as sam agent "desk/ticket?ticket=$(member ticket "$issued")"
    send desk/end 'line=kcc&call_id=canary-1'
    site_down # so that all is written
    run -0 grep -E ' alice GET /desk 200 ' "$SITE/log/desk-access.log"
    for canary in canary-1 Anary "$(code_of "$issued")" 612345678 "$token" \
        "$(member ticket "$issued")" __Host '?' Sanitizer; do
        run -1 grep -rF -e "$canary" "$SITE/log"
    done
}
