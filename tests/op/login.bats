#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: the programs' own files are it each time.
# A whole login at a whole provider, from the start page to the agent's screen,
# and what browsers, people and attackers do on the way.

load ../lib
load lib
load ../life
load login

setup_file() { provider_start; }
teardown_file() { provider_stop; }

setup() {
    login_instance
    browser=$(browser_new one)
}

# log FORM [METHOD] [EXIT] [PURPOSE]: that person logs in and comes back.
log() {
    run --separate-stderr "-${3-0}" log_in "$browser" "${4-status}" "${2-digid}" "$1"
}

# agree [EXIT]: the browser consents to what is in $offered.
agree() { run --separate-stderr "-${1-0}" consent "$browser" "$offered"; }

# offer_of PURPOSE FORM [BROWSER]: the callback's answer to a login that succeeds.
offer_of() { log_in "${3-$browser}" "$1" digid "$2"; }

# agent CALL: what the agent sees of that call.
agent() { lookup_as alice "{\"call_id\":\"$1\"}"; }

# state_of BEGUN: the state in a start's answer.
state_of() { parameter state "$(jq -r .location <<<"$1")"; }

# ---- the whole way ----

# whole METHOD: from login to the agent, who sees just the claims.
whole() {
    log user=anna "$1"
    [ "$(members)" = 'attributes auth consent cookies lang method offer organisation purpose' ]
    jq -e --arg m "$1" --arg name "$(jq -r ".methods[\"$1\"].label.nl" "$IDB_CONFIG")" '
        .method == { name: $m, "label": $name } and .lang == "nl"
        and .auth.method == $m and .auth.level == "substantial"
        and .organisation == { name: "Gemeente Voorbeeld", url: "https://www.example.org" }
        and .purpose == { name: "status", label: "Hoe staat het met mijn aanvraag?" }
        and .consent == { id: "status-1", text: "Akkoord?" }
        and .attributes == [ { name: "bsn", label: "Burgerservicenummer", value: "999990019" },
                             { name: "name", label: "Naam", value: "T. Estpersoon" } ]' <<<"$output"
    about 0 "$(in_seconds .auth.auth_time)"
    [ -z "$stderr" ]
    offered=$output
    agree
    issued=$output
    run --separate-stderr -0 verify "$(code_of "$issued")" call-1
    run --separate-stderr -0 agent call-1
    jq -e --arg m "$1" '.result == "open" and .method == $m and .level == "substantial"
        and .recognised_by == "code" and has("attested_by") == false
        and (.attributes | map({ (.name): .value }) | add) == { bsn: "••••••", name: "T. Estpersoon" }' <<<"$output"
    [ "$(json .auth_time)" = "$(jq -r .auth.auth_time <<<"$offered")" ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"call-1","reveal":["bsn"]}'
    [ "$(json '.attributes[] | select(.name == "bsn").value')" = 999990019 ]
}

@test "login: with a secret, RS256" { whole digid; }
@test "login: with a secret in the form" { whole post; }
@test "login: with a private key, ES256" { whole eidas; }
@test "login: with a private key, PS256" { whole broker; }
@test "login: with a private key, RS256" { whole nlgov; }

@test "login: one more level, a BSN with a broker's prefix, a name that is text and nothing else" {
    log user=bert eidas
    [ "$(json .auth.level)" = high ]
    [ "$(json '.attributes[0].value')" = 999990020 ]
    [ "$(json '.attributes[1].value')" = 'Bért "B." <Ø> Büyük' ]
    offered=$output
    agree
    verify "$(code_of "$output")" call-1
    run --separate-stderr -0 agent call-1
    [ "$(json level)" = high ]
    [ "$(json '.attributes[1].value')" = 'Bért "B." <Ø> Büyük' ]
}

@test "login: only what the purpose needs is asked for, offered and stored" {
    log user=anna digid 0 appointment
    [ "$(json '.attributes | map(.name) | join(" ")')" = name ]
    [[ $output != *999990019* && $output != *6511* ]]
}

@test "login: a claim inside another" {
    login_instance '.purposes.appointment.attributes = ["postal_code"]'
    log user=anna eidas 0 appointment
    [ "$(json '.attributes | map("\(.name)=\(.value)") | join(" ")')" = 'postal_code=6511 PP' ]
}

@test "login: in English" {
    begun=$(ask "$browser" idb-oidc-start '. + { purpose: "status", method: "digid", lang: "en" }')
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    [ "$(json lang) $(json .attributes[0].label) $(json .consent.text)" = 'en Citizen service number Agreed?' ]
}

@test "login: an assertion to the issuer instead of the token endpoint" {
    login_instance '.methods.eidas.assertion_audience = "issuer"'
    log user=anna eidas
}

@test "login: the provider refuses another secret and another key" {
    (umask 077 && echo wrong >"$IDB_KEYS/web/digid.secret")
    log user=anna digid 69
    [ "$(json error)" = provider_refused ]
    jq -c 'del(.alg)' "$IDB_KEYS/web/broker.jwk" >"$BATS_TEST_TMPDIR/key"
    cat "$BATS_TEST_TMPDIR/key" >"$IDB_KEYS/web/nlgov.jwk"
    log user=anna nlgov 69
    [ "$(json error)" = provider_refused ]
}

@test "login: an ID token signed with another algorithm than the configured one" {
    login_instance '.methods.broker.id_token_alg = "RS256"'
    log user=anna broker 69
    [ "$(json error)" = bad_token_signature ]
}

# ---- not logged in ----

# nobody EXIT WORD FORM [METHOD]: such a login is refused; nothing is stored and
# the login's cookie is gone.
nobody() {
    local before
    before=$(snapshot)
    log "$3" "${4-digid}" "$1"
    [ "$(members)" = 'cookies error lang message purpose' ]
    [ "$(json error)" = "$2" ]
    [[ $output$stderr != *9999900* ]]
    [ "$(snapshot)" = "$before" ]
    [ ! -s "$browser/jar" ]
}

@test "login: cancelled at the provider" { nobody 1 login_cancelled cancel=yes; }
@test "login: an error of the provider" { nobody 69 login_failed error=server_error; }
@test "login: a level that is too low" { nobody 1 level_too_low user=dirk eidas; }
@test "login: no level at all" { nobody 1 level_too_low user=fleur; }
@test "login: a person without a BSN" { nobody 1 attribute_missing user=carla; }
@test "login: a BSN that is none" { nobody 69 bad_claim user=emil; }
@test "login: an earlier login used again" { nobody 1 login_too_old 'user=anna&ago=120'; }

@test "login: userinfo signed where plain is expected, plain where signed is, or with another algorithm" {
    login_instance 'del(.methods.nlgov.userinfo_alg) | .methods.digid.userinfo_alg = "RS256"'
    nobody 69 provider_answer user=anna nlgov
    nobody 69 provider_answer user=anna digid
    login_instance '.methods.nlgov.userinfo_alg = "PS256"'
    nobody 69 bad_token_signature user=anna nlgov
}

@test "login: an ID token in the clear, encrypted otherwise, or to another key" {
    login_instance '.methods.digid.id_token_encryption = { alg: "RSA-OAEP", enc: "A256GCM" }
        | del(.methods.nlgov.id_token_encryption) | .methods.post.id_token_encryption.enc = "A256GCM"'
    cp "$IDB_KEYS/web/nlgov.enc.jwk" "$IDB_KEYS/web/digid.enc.jwk"
    nobody 69 bad_token_encryption user=anna digid
    nobody 69 bad_token_signature user=anna nlgov
    nobody 69 bad_token_encryption user=anna post
    login_instance '.methods.post.id_token_encryption.alg = "RSA-OAEP"'
    cp "$IDB_KEYS/web/post.enc.jwk" "$IDB_KEYS/web/nlgov.enc.jwk"
    nobody 69 bad_token_encryption user=anna nlgov
    nobody 69 bad_token_encryption user=anna post
}

@test "login: userinfo in the clear where an encrypted one is expected, and the other way" {
    login_instance '.methods.nlgov.userinfo_encryption = .methods.nlgov.id_token_encryption
        | del(.methods.post.userinfo_encryption)'
    nobody 69 bad_token_encryption user=anna nlgov
    nobody 69 bad_token_signature user=anna post
}

@test "login: nobody is sent away where the key to decrypt with is missing, or another kind" {
    mv "$IDB_KEYS/web/nlgov.enc.jwk" "$IDB_KEYS/web/nlgov.kept"
    run --separate-stderr -78 start "$browser" status nlgov
    [ "$(json error)" = key_missing ]
    jq -c '{ kty, n, e }' "$IDB_KEYS/web/nlgov.kept" >"$IDB_KEYS/web/nlgov.enc.jwk"
    chmod 600 "$IDB_KEYS/web/nlgov.enc.jwk"
    run --separate-stderr -78 start "$browser" status nlgov
    [ "$(json error)" = client_key ]
}

@test "login: a low level is enough where the purpose asks for none" {
    log user=dirk digid 0 appointment
    [ "$(json .auth.level)" = low ]
    log user=fleur digid 1 appointment
    [ "$(json error)" = level_too_low ]
}

@test "login: what the provider says of an error is not repeated" {
    log cancel=yes digid 1
    [[ $output$stderr != *pressed* ]]
}

# ---- several at once ----

@test "login: two browsers at once, whose sessions never mix" {
    other=$(browser_new two)
    one=$(start "$browser" status digid) two=$(start "$other" status digid)
    at_two=$(at_provider "$other" "$(member location "$two")" user=bert)
    at_one=$(at_provider "$browser" "$(member location "$one")" user=anna)
    # Each other's answer is of no use, and spoils nothing.
    run --separate-stderr -65 callback "$other" "$at_one"
    [ "$(json error)" = bad_state ]
    run --separate-stderr -65 callback "$browser" "$at_two"
    [ "$(json error)" = bad_state ]
    two=$(callback "$other" "$at_two") one=$(callback "$browser" "$at_one")
    [[ $(jq -r '.attributes[0].value' <<<"$one") == 999990019 ]]
    [[ $(jq -r '.attributes[0].value' <<<"$two") == 999990020 ]]
    one=$(consent "$browser" "$one") two=$(consent "$other" "$two")
    verify "$(code_of "$two")" call-2
    verify "$(code_of "$one")" call-1
    run --separate-stderr -0 agent call-1
    [ "$(json '.attributes[1].value')" = 'T. Estpersoon' ]
    run --separate-stderr -0 agent call-2
    [ "$(json '.attributes[1].value')" = 'Bért "B." <Ø> Büyük' ]
    run --separate-stderr -0 ask "$browser" idb-status
    [ "$(json .ticket)" = "$(member ticket "$one")" ]
    run --separate-stderr -0 ask "$other" idb-status
    [ "$(json .ticket)" = "$(member ticket "$two")" ]
}

@test "login: two methods in two tabs of one browser, and no answer on the other's address" {
    one=$(start "$browser" status digid) two=$(start "$browser" status eidas)
    [ "$(wc -l <"$browser/jar")" = 2 ]
    at_one=$(at_provider "$browser" "$(member location "$one")" user=anna)
    at_two=$(at_provider "$browser" "$(member location "$two")" user=bert)
    [[ $at_one == https://www.example.org/callback/digid\?* && $at_two == https://www.example.org/callback/eidas\?* ]]
    cp "$browser/jar" "$browser/both"
    run --separate-stderr -65 callback "$browser" "$at_one" eidas
    [ "$(json error)" = bad_state ]
    cp "$browser/both" "$browser/jar"
    run --separate-stderr -0 callback "$browser" "$at_two"
    [ "$(json .method.name) $(json .attributes[0].value)" = 'eidas 999990020' ]
    run --separate-stderr -0 callback "$browser" "$at_one"
    [ "$(json .method.name) $(json .attributes[0].value)" = 'digid 999990019' ]
}

@test "login: two runs have nothing in common" {
    one=$(offer_of status user=anna)
    two=$(offer_of status user=anna)
    for member in offer '.cookies[-1]'; do
        [ "$(output=$one json "$member")" != "$(output=$two json "$member")" ]
    done
    issued=$(consent "$browser" "$two")
    verify "$(code_of "$issued")" call-1
    # The first one's session secret went when the second took its place.
    offered=$one
    agree 1
    [ "$(json error)" = other_browser ]
}

# ---- again ----

@test "login: the callback again is refused, from the same browser and with its cookie kept" {
    begun=$(start "$browser" status digid)
    cp "$browser/jar" "$browser/kept"
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    run --separate-stderr -65 callback "$browser" "$at"
    [ "$(json error)" = bad_state ]
    # With a copy of the cookie it is the code that is spent.
    cp "$browser/kept" "$browser/jar"
    run --separate-stderr -69 callback "$browser" "$at"
    [ "$(json error)" = provider_refused ]
}

@test "login: consent again gives a fresh code for the same session, and the old one is dead" {
    offered=$(offer_of status user=anna)
    agree
    one=$output
    agree
    two=$output
    [ "$(member session "$one")" = "$(member session "$two")" ]
    [ "$(code_of "$one")" != "$(code_of "$two")" ]
    run --separate-stderr -1 verify "$(code_of "$one")" call-1
    run --separate-stderr -0 verify "$(code_of "$two")" call-1
    # Once called, the offer is spent.
    agree 1
    [ "$(json error)" = not_issued ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 1 ]
}

@test "login: the code page again shows the same code" {
    offered=$(offer_of status user=anna)
    agree
    issued=$output
    for _ in 1 2; do
        run --separate-stderr -0 ask "$browser" idb-status
        [ "$(json code)" = "$(code_of "$issued")" ]
    done
}

@test "login: another login takes nothing from a session before it is agreed to" {
    offered=$(offer_of status user=anna)
    agree
    first=$output
    offer_of appointment user=anna >/dev/null
    run --separate-stderr -0 verify "$(code_of "$first")" call-1 +31612345678
    run --separate-stderr -0 ask "$browser" idb-status
    [ "$(json .state) $(json .call.caller)" = 'called 78' ]
    run --separate-stderr -0 ask "$browser" idb-confirm '. + { confirm: false }'
    run --separate-stderr -1 lookup_as alice '{"call_id":"call-1"}'
    [ "$(json .reason) $(json .warning)" = 'not_me not_me' ]
}

@test "login: a code for another question ends the session before it, also in a call" {
    offered=$(offer_of status user=anna)
    agree
    first=$output
    run --separate-stderr -0 verify "$(code_of "$first")" call-1
    run --separate-stderr -0 lookup_as alice '{"call_id":"call-1"}'
    offered=$(offer_of appointment user=anna)
    agree
    second=$output
    run --separate-stderr -1 lookup_as alice '{"call_id":"call-1"}'
    [ "$(json .result) $(json .reason)" = 'ended replaced' ]
    [[ $output != *Estpersoon* ]]
    run --separate-stderr -0 ask "$browser" idb-status
    [ "$(json .purpose.name) $(json .state)" = 'appointment issued' ]
    [ "$(json .code)" = "$(code_of "$second")" ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'end' AND actor = 'resident' AND result = 'replaced'")" = 1 ]
    # The same again is no other.
    agree
    [ "$(member session "$second")" = "$(json .session)" ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" = 1 ]
}

@test "login: a level that was raised, or a method that was taken away, between login and consent" {
    offered=$(offer_of status user=anna)
    for change in '.purposes.status.methods = ["eidas"]' '.purposes.status.minimum_level = "high"' \
        'del(.purposes.status)'; do
        jq "$change" "$IDB_CONFIG" >"$IDB_CONFIG.changed"
        IDB_CONFIG=$IDB_CONFIG.changed run --separate-stderr consent "$browser" "$offered"
        words+=" $status $(json error)"
    done
    [ "$words" = ' 65 unknown_method 1 level_too_low 65 unknown_purpose' ]
    agree
}

# ---- before and without consent ----

@test "login: up to the consent page the store does not change" {
    before=$(snapshot)
    begun=$(start "$browser" status digid)
    [ "$(snapshot)" = "$before" ]
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    [ "$(snapshot)" = "$before" ]
    store_bytes >"$BATS_TEST_TMPDIR/bytes"
    run -1 grep -aF -e 999990019 -e Estpersoon "$BATS_TEST_TMPDIR/bytes"
    [ -s "$BATS_TEST_TMPDIR/bytes" ]
}

@test "login: with consent refused nothing was ever stored" {
    before=$(snapshot)
    offered=$(offer_of status user=anna)
    for consent in false null '"yes"' 1; do
        run --separate-stderr ask "$browser" idb-issue ". + { offer: $(jq .offer <<<"$offered"), consent: $consent }"
        [[ $(json error) == no_consent || $(json error) == bad_request ]]
    done
    [ "$(snapshot)" = "$before" ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
}

# ---- attackers ----

@test "login: an offer of another browser is refused, also in a browser with a session of its own" {
    offered=$(offer_of status user=anna)
    thief=$(browser_new thief)
    run --separate-stderr -1 consent "$thief" "$offered"
    [ "$(json error)" = no_cookie ]
    offer_of status user=bert "$thief" >/dev/null
    run --separate-stderr -1 consent "$thief" "$offered"
    [ "$(json error)" = other_browser ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
    agree
}

@test "login: an offer that was altered, is another kind of token, or of another installation" {
    offered=$(offer_of status user=anna)
    offer=$(jq -r .offer <<<"$offered")
    for bad in "${offer%?????}AAAAA" "${offer/./.A}" "A$offer" "${offer%.*}" "$offer.x" "x" \
        "$(start "$browser" status digid | jq -r '.cookies[0] | split("=")[1] | split(";")[0]')"; do
        run --separate-stderr -65 consent "$browser" "$(jq -n --arg offer "$bad" '{ $offer }')"
        [ "$(json error)" = bad_offer ]
    done
    kept=$(cat "$browser/jar")
    login_instance
    printf '%s\n' "$kept" >"$browser/jar"
    agree 65
    [ "$(json error)" = bad_offer ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
}

@test "login: an offer that is older than ten minutes" {
    offered=$(offer_of status user=anna)
    run --separate-stderr -1 at_offset +11m consent "$browser" "$offered"
    [ "$(json error)" = offer_expired ]
    [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
}

@test "login: an offer after the session it gave has ended" {
    offered=$(offer_of status user=anna)
    agree
    run --separate-stderr -0 ask "$browser" idb-end
    agree 1
    run --separate-stderr -0 ask "$browser" idb-issue ". + { offer: $(offer_of status user=anna | jq .offer), consent: true }"
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" = 1 ]
}

@test "login: a session cookie from before the login is not kept" {
    fixed=__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA
    echo "$fixed" >"$browser/jar"
    offered=$(offer_of status user=anna)
    agree
    run -1 grep -F -- "$fixed" "$browser/jar"
    run -1 grep -F __Host-idb-offer "$browser/jar"
    echo "$fixed" >"$browser/jar"
    agree 1
    [ "$(json error)" = other_browser ]
}

# ---- the provider is away ----

@test "login: the provider stopped between start and callback, and came back" {
    begun=$(start "$browser" status digid)
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    provider_stop
    run --separate-stderr callback "$browser" "$at"
    [ "$(json error)" = provider_down ]
    # Whoever begins is sent there while what is kept of it is fresh.
    run --separate-stderr -0 start "$browser" status digid
    rm "${IDB_CONFIG%/*}/cache/digid.metadata.json"
    run --separate-stderr -69 start "$browser" status digid
    [ "$(json error)" = provider_down ]
    provider_restart
    log user=anna
}

@test "login: over https the certificate must be of an issuer that is trusted, and of that name" {
    tls=$BATS_TEST_TMPDIR/tls
    mkdir "$tls"
    for name in right other; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" \
            -addext "subjectAltName=DNS:localhost" -keyout "$tls/$name.key" -out "$tls/$name.pem" 2>/dev/null
    done
    port=$(free_port)
    "$PROVIDER" start "$tls/op" "$port" "https://localhost:$port" --tls "$tls/right.pem" "$tls/right.key" 3>&-
    export CLIENTS=$tls/op/clients.json
    login_instance ".methods.eidas.ca = \"$tls/right.pem\" | .methods.broker.ca = \"$tls/other.pem\"
        | .methods.nlgov |= (.issuer = \"https://127.0.0.1:$port\" | .ca = \"$tls/right.pem\")"
    export CURL_CA_BUNDLE=$tls/right.pem # for the browser, not for us
    run --separate-stderr log_in "$browser" status eidas user=anna
    [ "$status" = 0 ] || "$PROVIDER" stop "$tls/op"
    [ "$(json '.attributes[0].value')" = 999990019 ]
    for method in digid broker nlgov; do
        run --separate-stderr start "$browser" status "$method"
        [ "$status $(json error)" = '69 provider_down' ] || { "$PROVIDER" stop "$tls/op"; false; }
    done
    "$PROVIDER" stop "$tls/op"
}

# ---- what is said where nobody should look ----

@test "login: neither standard error, nor syslog, nor the command line holds anything personal or secret" {
    library=$(tool syslog)
    export SYSLOG_FILE=$BATS_TEST_TMPDIR/syslog
    # with PROGRAM…: its own syslog and standard error kept; the command lines as well.
    said() {
        local status=0
        ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0:detect_leaks=0 \
            LD_PRELOAD=$library "$@" 2>>"$BATS_TEST_TMPDIR/stderr" || status=$?
        return "$status"
    }
    for form in user=anna cancel=yes user=dirk user=emil; do
        begun=$(said start "$browser" status eidas)
        parameter state "$(member location "$begun")" >>"$BATS_TEST_TMPDIR/secrets"
        parameter nonce "$(member location "$begun")" >>"$BATS_TEST_TMPDIR/secrets"
        at=$(at_provider "$browser" "$(member location "$begun")" "$form")
        parameter code "$at" >>"$BATS_TEST_TMPDIR/secrets"
        cut -d= -f2- "$browser/jar" >>"$BATS_TEST_TMPDIR/secrets"
        offered=$(said callback "$browser" "$at" || true)
        jq -r '.offer // empty' <<<"$offered" >>"$BATS_TEST_TMPDIR/secrets"
        [ "$form" != user=anna ] || issued=$(said consent "$browser" "$offered")
        said callback "$browser" "$at" >/dev/null || true
    done
    said consent "$browser" '{"offer":"x"}' >/dev/null || true
    said verify "$(code_of "$issued")" call-1 +31612345678 >/dev/null
    said agent call-1 >/dev/null
    said lookup_as alice '{"call_id":"call-1","reveal":["bsn"]}' >/dev/null
    printf '%s\n' 999990019 999990032 999990018 Estpersoon Laag 612345678 "$(code_of "$issued")" >>"$BATS_TEST_TMPDIR/secrets"
    sed -i '/^$/d' "$BATS_TEST_TMPDIR/secrets"
    # Something was said, so that its silence means something.
    grep -F 'login refused: login_cancelled, method eidas' "$SYSLOG_FILE"
    grep -F 'level_too_low' "$SYSLOG_FILE"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/secrets")" -gt 20 ]
    run -1 grep -F -f "$BATS_TEST_TMPDIR/secrets" "$SYSLOG_FILE" "$BATS_TEST_TMPDIR/stderr"
}

@test "login: no program's command line or environment carries a code, a token or a claim" {
    begun=$(start "$browser" status digid)
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    jq -nc --arg query "${at#*\?}" --arg cookies "$(jar "$browser")" \
        '{ method: "digid", $query, $cookies }' >"$BATS_TEST_TMPDIR/request"
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq -s 4096 -e trace=execve,write,sendto -v \
        -e signal=none -o "$BATS_TEST_TMPDIR/trace" idb-oidc-callback <"$BATS_TEST_TMPDIR/request" >"$BATS_TEST_TMPDIR/answer"
    [ "$(jq -r '.attributes[0].value' "$BATS_TEST_TMPDIR/answer")" = 999990019 ]
    [ "$(grep -c execve "$BATS_TEST_TMPDIR/trace")" = 1 ]
    run -1 grep -E "execve.*($(parameter code "$at")|$(parameter state "$at"))" "$BATS_TEST_TMPDIR/trace"
    run -1 grep -E 'write\(2,|sendto\([0-9]+, "<[0-9]+>' "$BATS_TEST_TMPDIR/trace"
}
