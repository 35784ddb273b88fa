#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: login.bats and the files of the programs do it each time.
# The whole flow over HTTP: a provider, the three web servers, and browsers that
# press what the pages offer.

load ../lib
load ../site
load lib
load login
load flow

setup_file() { flow_up; }
teardown_file() { flow_down; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    flow_instance
    new one
}

@test "flow: with a secret, RS256, from the start page until nothing is left" { whole digid DigiD; }
@test "flow: with a private key, ES256" { whole eidas 'Europese inlog (eIDAS)'; }
@test "flow: with a private key, PS256" { whole broker Makelaar; }
@test "flow: with a private key, RS256" { whole nlgov 'Inlog Overheid'; }

@test "flow: the start page says what is asked; the whole way in English" {
    visit "$WEB/nl/start/status"
    sees 200 '<h1>Bellen: Hoe staat het met mijn aanvraag?</h1>' '<li>Burgerservicenummer</li><li>Naam</li>'
    follow English
    at "$WEB/en/start/status"
    sees 200 '<h1>Call us: How is my application doing?</h1>' '<li>Citizen service number</li><li>Name</li>'
    press 'Log in with Broker'
    press bert:
    sees 200 '<h1>Do you want to share these data?</h1>' 'You are logged in with Broker.' Agreed?
    # Text and nothing else, however it looks.
    [ "$(values)" = 'Citizen service number=999990020
Name=Bért "B." <Ø> Büyük' ]
    agree
    at "$WEB/en/code"
    sees 200 'Tell the code to nobody'
    press 'Stop and erase my data'
    at "$WEB/en/code"
    sees 200 'You have stopped' 'The code no longer works'
    key_in "$code" call-1
    [ "$result" = wrong ]
    follow 'Begin again'
    at "$WEB/en/start/status"
    [ "$(sql "SELECT state, sealed IS NULL, code_mac IS NULL FROM session")" = 'cancelled|1|1' ]
}

@test "flow: with confirm page the agent sees nothing before the yes, pressed on the page" {
    arrive nl change DigiD anna
    agree
    key_in "$code" call-1
    new_agent agent
    visit "$DESK/desk"
    follow 'Open gesprek call-1'
    sees 200 'Nog niet bevestigd'
    lacks Estpersoon 999990019
    to one
    reload
    press 'Ja, ik bel nu'
    at "$WEB/nl/code"
    sees 200 'U hebt bevestigd dat u belt'
    to agent
    visit "$DESK/desk"
    follow 'Open gesprek call-1'
    sees 200 'T. Estpersoon' 'ja, op de eigen pagina'
    to one
    reload
    press 'Dit ben ik niet'
    sees 200 'U zei: dit ben ik niet'
    to agent
    reload
    sees 200 'Waarschuwing: dit is niet de inwoner'
    lacks Estpersoon
}

# ---- again ----

@test "flow: each page can be loaded again, and a login cannot be used again" {
    visit "$WEB/nl/start/status"
    reload
    sees 200
    press 'Inloggen met DigiD'
    reload
    press anna:
    tab kept
    to one
    for _ in 1 2; do
        reload
        refused 400 bad_state login_mixed
    done
    # The page that was there before still works.
    to kept
    agree
    one=$code
    for _ in 1 2; do
        reload
        take_code
        [ "$code" = "$one" ]
    done
    follow English
    take_code
    [ "$code" = "$one" ]
    key_in "$code" call-1
    [ "$result" = accepted ]
    for _ in 1 2; do
        reload
        sees 200 'Somebody is calling with your code'
    done
    phone end '{"call_id":"call-1"}'
    for _ in 1 2; do
        reload
        sees 200 'The call was cut off'
    done
    [ "$(sessions)" = 1 ]
}

@test "flow: back and consent again gives a fresh code for the same session; the old one is dead" {
    arrive nl status DigiD anna
    tab kept
    to one
    agree
    one=$code ticket_one=$ticket
    to kept
    agree
    [ "$code" != "$one" ]
    [ "$ticket" = "$ticket_one" ]
    [ "$(sessions)" = 1 ]
    key_in "$one" call-1
    [ "$result" = wrong ]
    # Which the first tab learns when it loads itself again.
    to one
    reload
    [ "$(find_html '//span[@id="code"]' | tr -d ' ')" = "$code" ]
    key_in "$code" call-1
    [ "$result" = accepted ]
}

@test "flow: with cookies blocked, and back to a step that is over, the page says what to do and leads there" {
    begin nl status DigiD
    grep -v __Host-idb "$TAB/person/jar" >"$TAB/jar"
    mv "$TAB/jar" "$TAB/person/jar"
    press anna:
    refused 400 bad_state login_mixed
    sees 400 'sta cookies toe'
    follow 'Hoe staat het met mijn aanvraag?'
    sees 200 '<h1>Bellen: Hoe staat het met mijn aanvraag?</h1>'
    press 'Inloggen met DigiD'
    press anna:
    tab back
    to one
    agree
    one=$code
    to back
    reload
    refused 400 bad_state login_mixed
    follow 'Naar de pagina met uw code'
    take_code
    [ "$code" = "$one" ]
}

@test "flow: consent again after the call is refused, and so is a new code" {
    arrive nl status DigiD anna
    tab issued
    agree
    key_in "$code" call-1
    to one
    press Ja,
    refused 409 not_issued not_issued
    follow 'Naar de pagina met uw code'
    sees 200 'Er wordt gebeld met uw code'
    to issued
    press 'Nieuwe code'
    refused 409 not_issued not_issued
    [ "$(sessions)" = 1 ]
}

# ---- several at once ----

@test "flow: two browsers at once, whose sessions never mix" {
    begin nl status DigiD
    new two
    begin nl status 'Europese inlog'
    to one
    press anna:
    to two
    press bert:
    [[ $(values) == *999990020* ]]
    to one
    [[ $(values) == *999990019* ]]
    to two
    agree
    two=$code
    to one
    agree
    one=$code
    [ "$one" != "$two" ]
    key_in "$one" call-1 +31612345611
    key_in "$two" call-2 +31612345622
    reload
    sees 200 'eindigt op 11'
    to two
    reload
    sees 200 'eindigt op 22'
    new_agent agent
    visit "$DESK/desk"
    follow 'Open gesprek call-1'
    sees 200 'T. Estpersoon' 'eindigt op 11' substantieel
    lacks Büyük
    press 'Contact afsluiten'
    follow 'Open gesprek call-2'
    sees 200 'Bért &quot;B.&quot; &lt;Ø&gt; Büyük' 'eindigt op 22' hoog
    lacks Estpersoon
    to one
    reload
    sees 200 '<h1>Klaar</h1>'
    to two
    reload
    sees 200 'U bent in gesprek'
}

@test "flow: two tabs and two methods in one browser, finished in the other order" {
    visit "$WEB/nl/start/status"
    tab two
    visit "$WEB/nl/start/appointment"
    press 'Inloggen met Makelaar'
    to one
    press 'Inloggen met DigiD'
    to two
    press bert:
    [ "$(values)" = 'Naam=Bért "B." <Ø> Büyük' ]
    to one
    press anna:
    [[ $(values) == *Estpersoon* ]]
    # The latest login is the browser's: a browser holds one session.
    agree
    key_in "$code" call-1
    to two
    press Ja,
    refused 403 other_browser other_browser
    [ "$(sessions)" = 1 ]
    new_agent agent
    visit "$DESK/desk"
    follow 'Open gesprek call-1'
    sees 200 'T. Estpersoon' DigiD
}

# ---- before and without consent ----

@test "flow: up to a no the store does not change by one byte" {
    before=$(snapshot)
    unchanged() { [ "$(snapshot)" = "$before" ]; }
    visit "$WEB/nl/start/status"
    reload
    unchanged
    press 'Inloggen met DigiD'
    unchanged
    press anna:
    sees 200 '999 990 019'
    unchanged
    tab kept
    to one
    reload
    refused 400 bad_state
    visit "$WEB/nl/code"
    refused 410 no_cookie no_cookie
    unchanged
    to kept
    decline
    sees 200 '<h1>U hebt nee gezegd</h1>' 'Wij hebben niets van u bewaard en niets gedeeld.'
    refused 200 no_consent
    unchanged
    follow 'Naar de website van Gemeente Voorbeeld'
    unchanged
    [ "$(sessions)" = 0 ]
    store_bytes >bytes
    run --separate-stderr -1 grep -aF -e 999990019 -e Estpersoon bytes
    [ -s bytes ]
}

# nobody LANG METHOD BUTTON STATUS WORD KEY: so refused, nothing stored, and led on.
nobody() {
    begin "$1" status "$2"
    press "$3"
    refused "$4" "$5" "$6"
    [ "$(find_html /html/@lang)" = "$1" ]
    follow "$([ "$1" = nl ] && echo Begin opnieuw || echo Begin again)"
    at "$WEB/$1/start/status"
    sees 200
    [ "$(snapshot)" = "$before" ]
}

@test "flow: cancelled, a level too low, or something missing: the page says so, nothing is stored" {
    before=$(snapshot)
    nobody nl DigiD Cancel 200 login_cancelled login_cancelled
    nobody en DigiD Cancel 200 login_cancelled login_cancelled
    nobody nl 'Europese inlog' dirk: 403 level_too_low level_too_low
    nobody en Broker dirk: 403 level_too_low level_too_low
    nobody nl DigiD fleur: 403 level_too_low level_too_low
    nobody nl Makelaar carla: 403 attribute_missing attribute_missing
    nobody en DigiD carla: 403 attribute_missing attribute_missing
    nobody nl DigiD emil: 502 bad_claim provider
    # And then it goes well.
    arrive nl status DigiD anna
    agree
}

# ---- someone else's ----

@test "flow: an offer in another browser is refused, with a session of its own too" {
    arrive nl status DigiD anna
    before=$(snapshot)
    new thief
    shows_page_of one
    press Ja,
    refused 410 no_cookie no_cookie
    arrive nl status DigiD bert
    shows_page_of one
    press Ja,
    refused 403 other_browser other_browser
    [ "$(snapshot)" = "$before" ]
    arrive nl status DigiD bert
    agree
    shows_page_of one
    press Ja,
    refused 403 other_browser other_browser
    [ "$(sessions)" = 1 ]
    to one
    agree
    [ "$(sessions)" = 2 ]
}

@test "flow: the servers said nothing of memory or faults" {
    run -1 grep -rE 'Sanitizer|runtime error|jq: error|not found|Broken' "$SITE/log"
    [ -z "$output" ]
}
