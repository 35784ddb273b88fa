#!/usr/bin/env bats
# idb-invite: what an invitation holds, who can read it, and what is refused.
# On PostgreSQL with --long
# Sanitized with --long

load lib
load life

# A login by which somebody could answer; nobody logs in here.
LOGIN='.methods.login = { label: { nl: "Inlog" }, issuer: "https://login.example.org",
        client_id: "c", client_auth: "client_secret_basic", id_token_alg: "RS256",
        claims: { bsn: "bsn", name: "name" }, level: { claim: "acr", values: { s: "substantial" } } }
    | .purposes[].methods = ["login"]'
BOUND='{"purpose":"status","reference":"Z-2026-77","person":"999990019"}'

setup() { idb_instance "$LOGIN"; }

invite() { run --separate-stderr "-${2-0}" idb-invite <<<"$1"; }

refused() {
    invite "$1" 65
    [ "$(json error)" = "$2" ] && [ "$stderr" = "idb-invite: $(json message)" ] &&
        [ "$(sql 'SELECT COUNT(*) FROM invitation')" = 0 ]
}

@test "idb-invite: every member of the answer" {
    invite "$BOUND"
    [ "$(members)" = 'address address_with_code bound code expires_at invitation lang number number_display organisation purpose reference tel' ]
    [ -z "$stderr" ]
    jq -e '.address == "https://www.example.org/i" and .bound and .lang == "nl"
        and .number == "+31241234567" and .number_display == "+31 24 123 45 67"
        and .tel == "tel:+31241234567" and .organisation == "Gemeente Voorbeeld" and .reference == "Z-2026-77"
        and .purpose == { name: "status", label: "Hoe staat het met mijn aanvraag?" }
        and (.code | test("^[BCDFGHJKLMNPQRSTVWXZ2-9]{5}-[BCDFGHJKLMNPQRSTVWXZ2-9]{5}$"))
        and .address_with_code == "https://www.example.org/i?c=" + (.code | gsub("-"; ""))' <<<"$output"
    # Thirty days without a word on it, to the second.
    [ "$(json 'expires_at[:19]')" = "$(date -u -d "@$(($(sql 'SELECT expires_at FROM invitation') / 1000))" +%FT%T)" ]
    [ $(($(sql 'SELECT expires_at FROM invitation') / 60000 - $(date +%s) / 60)) -ge $((30 * 1440 - 1)) ]
}

@test "idb-invite: another language has its own page, names and words" {
    invite '{"purpose":"status","lang":"en"}'
    [ "$(json address)" = https://www.example.org/i ]
    [[ $(json address_with_code) == "https://www.example.org/en/invite?c="* ]]
    [ "$(json organisation), $(json .purpose.label)" = 'Municipality of Voorbeeld, How is my application doing?' ]
    [ "$(json bound)" = false ]
}

@test "idb-invite: the QR code reads as the address with the code, drawn or as a picture" {
    command -v zbarimg >/dev/null || skip 'zbar-tools is not there'
    invite '{"purpose":"status","qr":"png"}'
    jq -r .qr_png <<<"$output" | base64 -d >"$BATS_TEST_TMPDIR/code.png"
    [ "$(zbarimg -q --raw "$BATS_TEST_TMPDIR/code.png" 2>/dev/null)" = "$(json address_with_code)" ]
    invite '{"purpose":"status","qr":"svg"}'
    json qr_svg >"$BATS_TEST_TMPDIR/code.svg"
    xmllint --noout "$BATS_TEST_TMPDIR/code.svg"
    [[ $(json qr_svg) =~ ^'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 '([0-9]+)' '([0-9]+)'"'.*'</svg>'$ ]]
    [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
}

@test "idb-invite: a list is answered line by line, the bad ones too" {
    {
        jq -nc 'range(300) | { purpose: "appointment", reference: "R\(.)" }'
        echo '{"purpose":"none"}'
        echo 'not json'
        echo '{"purpose":"change"}'
    } >"$BATS_TEST_TMPDIR/list"
    run --separate-stderr -65 idb-invite <"$BATS_TEST_TMPDIR/list"
    [ "${#lines[@]}" = 303 ]
    [ "$(jq -r '.code // empty' <<<"$output" | sort -u | wc -l)" = 301 ]
    [ "$(jq -r '.reference // empty' <<<"$output" | paste -sd ' ')" = "$(seq -f 'R%g' -s ' ' 0 299)" ]
    [ "$(jq -r '.error // empty' <<<"$output" | paste -sd ' ')" = 'unknown_purpose bad_json' ]
    [ "$(sql 'SELECT COUNT(*), COUNT(DISTINCT code_mac), COUNT(DISTINCT id) FROM invitation')" = '301|301|301' ]
}

@test "idb-invite: nothing of it can be read in the store" {
    local code id
    invite "$BOUND"
    code=$(json code) id=$(json invitation)
    store_bytes >"$BATS_TEST_TMPDIR/bytes"
    run -1 grep -aqE "${code/-/-?}|999990019|Z-2026-77" "$BATS_TEST_TMPDIR/bytes"
    run -0 grep -aqF -- "$id" "$BATS_TEST_TMPDIR/bytes"
    [ "$(sql 'SELECT actor, action, session, result FROM audit ORDER BY id DESC LIMIT 1')" = "invite:$(id -un)|invite||ok" ]
    [ "$(sql 'SELECT detail FROM audit ORDER BY id DESC LIMIT 1')" = \
        "{\"invitation\":\"$id\",\"purpose\":\"status\",\"bound\":true}" ]
}

@test "idb-invite: one person and one reference look different each time" {
    invite "$BOUND"
    invite "$BOUND"
    [ "$(sql 'SELECT COUNT(DISTINCT sealed), COUNT(DISTINCT code_mac) FROM invitation')" = '2|2' ]
}

@test "idb-invite: sudo's user is who is on record" {
    SUDO_USER=clerk invite "$BOUND"
    [ "$(sql 'SELECT actor FROM audit ORDER BY id DESC LIMIT 1')" = invite:clerk ]
}

@test "idb-invite: an expiry in seconds or as a moment, up to invite.days" {
    local soon late
    soon=$(date -u -d '+2 days' +%FT%TZ) late=$(date -u -d '+31 days' +%FT%TZ)
    invite '{"purpose":"status","expires_in":3600}'
    invite "{\"purpose\":\"status\",\"expires_at\":\"$soon\"}"
    [ "$(json expires_at)" = "${soon/Z/.000Z}" ]
    sql 'DELETE FROM invitation'
    refused '{"purpose":"status","expires_in":0}' bad_request
    refused '{"purpose":"status","expires_in":-1}' bad_request
    refused '{"purpose":"status","expires_in":2592001}' bad_request
    refused '{"purpose":"status","expires_in":"3600"}' bad_request
    refused '{"purpose":"status","expires_in":3.5}' bad_request
    refused "{\"purpose\":\"status\",\"expires_at\":\"$late\"}" bad_request
    refused '{"purpose":"status","expires_at":"2020-01-01T00:00:00Z"}' bad_request
    refused '{"purpose":"status","expires_at":"tomorrow"}' bad_request
    refused "{\"purpose\":\"status\",\"expires_at\":\"$soon\",\"expires_in\":60}" bad_request
    invite '{"purpose":"status","expires_in":2592000}'
}

@test "idb-invite: what is refused, and nothing is stored" {
    refused '{"reference":"Z-1"}' bad_request
    refused '{"purpose":"none"}' unknown_purpose
    refused '{"purpose":"status","person":"999990018"}' bad_person
    refused '{"purpose":"status","person":"99999001"}' bad_person
    refused '{"purpose":"appointment","person":"999990019"}' cannot_invite
    refused '{"purpose":"status","qr":"gif"}' bad_request
    refused '{"purpose":"status","lang":"xyz"}' bad_request
    refused '{"purpose":"status","lang":"EN"}' bad_request
    refused '{"purpose":"status","lang":"zz"}' bad_request
    refused '{"purpose":"status","agent":"alice"}' bad_request
    refused "{\"purpose\":\"status\",\"reference\":\"$(printf '%0129d' 0)\"}" bad_request
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'invite'")" = 0 ]
}

@test "idb-invite: a refusal does not repeat the BSN" {
    invite '{"purpose":"status","person":"999990018"}' 65
    [[ $output$stderr != *99999001* ]]
}

@test "idb-invite: a purpose that nobody can log in for is refused" {
    idb_instance
    refused '{"purpose":"status"}' cannot_invite
}

@test "idb-invite: over HTTP it refuses everything" {
    run --separate-stderr -0 cgi idb-invite POST '{"purpose":"status"}'
    [[ $output == 'Status: 403'* ]]
    [ "$(tail -n 1 <<<"$output" | jq -r .error)" = not_permitted ]
    REMOTE_USER=alice AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-invite POST '{"purpose":"status"}'
    [[ $output == 'Status: 403'* ]]
    [ "$(sql 'SELECT COUNT(*) FROM invitation')" = 0 ]
}

@test "idb-invite: without its key it names the command" {
    rm "$IDB_KEYS/invite/invite.key" "$IDB_KEYS/web/invite.key"
    run --separate-stderr -78 idb-invite <<<"$BOUND"
    [ "$(json error)" = key_missing ]
    [[ $stderr == *'idb-keys create'* ]]
}

@test "idb-invite: what is past its date is erased by idb-purge, and its row later" {
    invite '{"purpose":"status","reference":"Z-1","expires_in":3600}'
    invite '{"purpose":"status","reference":"Z-2"}'
    run --separate-stderr -0 idb-purge
    [ "$(json invitations)" = 0 ]
    run --separate-stderr -0 at_offset +1h idb-purge
    [ "$(json invitations)" = 1 ]
    [ "$(sql 'SELECT COUNT(*), COUNT(sealed) FROM invitation')" = '2|1' ]
    run --separate-stderr -0 at_offset +92d idb-purge
    [ "$(json .deleted.invitations)" = 1 ]
    [ "$(sql 'SELECT COUNT(*), COUNT(sealed) FROM invitation')" = '1|0' ]
}

@test "idb-invite: in a restored store those for everybody have expired" {
    invite "$BOUND"
    invite '{"purpose":"status","reference":"Z-1"}'
    idb-store backup "$BATS_TEST_TMPDIR/old" >"$BATS_TEST_TMPDIR/log"
    idb-store restore "$BATS_TEST_TMPDIR/old" >"$BATS_TEST_TMPDIR/log"
    [ "$(sql 'SELECT bound, sealed IS NULL, expires_at > (SELECT MAX(at) FROM audit) FROM invitation ORDER BY bound')" = \
        '0|1|0
1|0|1' ]
}

# ---- the code, typed in ----

# typed CODE [ADDRESS]: what the page asks, for who comes from ADDRESS.
typed() {
    run --separate-stderr "-${3-0}" env REMOTE_ADDR="${2-192.0.2.1}" idb-oidc-start \
        < <(jq -nc --arg code "$1" '{ invitation: $code }')
}
is_refused() { typed "$1" "${3-192.0.2.1}" 1 && [ "$(json error)" = "$2" ] && [ -z "$stderr" ]; }
# counted: tries in the store, in all.
counted() { sql "SELECT COALESCE(MAX(count), 0) FROM attempts"; }

@test "idb-invite: a code leads to its purpose, however it is typed, and is not spent" {
    local code way
    invite "$BOUND"
    code=$(json code)
    for way in "$code" "${code,,}" "${code/-/}" " ${code/-/ - }." "${code:0:2} ${code:2}" \
        "${code/-/$'\u2013'}" "${code/-/$'\u00a0'}"; do
        typed "$way"
        [ "$(json .purpose.name) $(json invitation)" = "status $code" ]
        [[ $output != *Z-2026-77* ]]
    done
    [ "$(sql 'SELECT spent_at FROM invitation')" = '' ]
    [ "$(counted)" = 0 ]
}

@test "idb-invite: unknown, expired and used codes are told apart" {
    local code
    is_refused BCDFG-HJKLM invitation_unknown
    invite '{"purpose":"status","expires_in":3600}'
    code=$(json code)
    run --separate-stderr -1 at_offset +1h env REMOTE_ADDR=192.0.2.1 idb-oidc-start <<<"{\"invitation\":\"$code\"}"
    [ "$(json error)" = invitation_expired ]
    sql 'UPDATE invitation SET spent_at = 1, sealed = NULL'
    is_refused "$code" invitation_used
}

@test "idb-invite: what can be no code is refused without being counted" {
    local code
    for code in 'BCDFG-HJKL' 'BCDFG-HJKLMN' 'BCDFG-HJKLA' 'BCDFG-HJKL1' 'BCDFG_HJKLM' 'é'; do
        is_refused "$code" invitation_unknown
    done
    typed "$(printf 'B%.0s' {1..65})" 192.0.2.1 65
    [ "$(counted)" = 0 ]
}

@test "idb-invite: with purpose and invitation, or neither, it is a bad request" {
    run --separate-stderr -65 idb-oidc-start <<<'{"invitation":"BCDFG-HJKLM","purpose":"status"}'
    [ "$(json error)" = bad_request ]
    run --separate-stderr -65 idb-oidc-start <<<'{"lang":"nl"}'
    [ "$(json error)" = bad_request ]
}

@test "idb-invite: an address has its tries, kept over programs, and others have theirs" {
    local code i
    idb_instance "$LOGIN | .invite.per_address = 4"
    invite '{"purpose":"status"}'
    code=$(json code)
    for i in 1 2 3 4; do is_refused BCDFG-HJKLM invitation_unknown; done
    is_refused "$code" invitation_throttled
    typed "$code" 192.0.2.2
    # The other half of an IPv6 address is who it belongs to; IPv4 in it is IPv4.
    for i in 1 2 3 4; do is_refused BCDFG-HJKLM invitation_unknown "2001:db8::$i"; done
    is_refused "$code" invitation_throttled 2001:db8::ffff
    typed "$code" 2001:db8:0:1::1
    is_refused "$code" invitation_throttled ::ffff:192.0.2.1
    # The window goes on.
    run --separate-stderr -0 at_offset +21m env REMOTE_ADDR=192.0.2.1 idb-oidc-start <<<"{\"invitation\":\"$code\"}"
    # No address stands in the store, and nothing says which tries were whose.
    store_bytes >"$BATS_TEST_TMPDIR/bytes"
    run -1 grep -aqE '192\.0\.2\.|2001:db8' "$BATS_TEST_TMPDIR/bytes"
    [ -s "$BATS_TEST_TMPDIR/bytes" ]
}

@test "idb-invite: past the tries in all an honest address still has three, and a proxy's none" {
    local code i
    idb_instance "$LOGIN | .invite.total = 5"
    invite '{"purpose":"status"}'
    code=$(json code)
    for i in 1 2 3 4 5; do is_refused BCDFG-HJKLM invitation_unknown "198.51.100.$i"; done
    typed "$code" 203.0.113.1
    for i in 1 2 3; do is_refused BCDFG-HJKLM invitation_unknown 203.0.113.1; done
    is_refused "$code" invitation_throttled 203.0.113.1
    # Nobody knows who asks: the server itself, or none.
    is_refused "$code" invitation_throttled 127.0.0.1
    is_refused "$code" invitation_throttled ::1
    is_refused "$code" invitation_throttled ''
    is_refused "$code" invitation_throttled nonsense
}

@test "idb-invite: a rotated key still finds what was made with the one before" {
    local code
    invite "$BOUND"
    code=$(json code)
    idb-keys rotate invite >"$BATS_TEST_TMPDIR/log"
    typed "$code"
    [ "$(json .purpose.name)" = status ]
    invite "$BOUND"
    typed "$(json code)"
}

@test "idb-invite: a start page without an invitation asks neither store nor key" {
    rm -r "$IDB_KEYS/invite" "$IDB_KEYS/web/invite.key"
    store_gone
    run --separate-stderr -0 idb-oidc-start <<<'{"purpose":"status"}'
    typed BCDFG-HJKLM 192.0.2.1 78
    [ "$(json error)" = key_missing ]
}

# ---- the letter ----

letter() { run --separate-stderr "-${2-0}" "$IDB_ROOT/scripts/letter/letter" "$1" <"$BATS_TEST_TMPDIR/line"; }

@test "letter: in both languages, with address, code and date, and no link that hides another" {
    local lang
    for lang in nl en; do
        idb-invite >"$BATS_TEST_TMPDIR/line" \
            <<<"{\"purpose\":\"status\",\"reference\":\"Z & <1>\",\"person\":\"999990019\",\"lang\":\"$lang\",\"qr\":\"svg\",\"expires_at\":\"$(date -u -d '+3 days' +%FT10:05:00Z)\"}"
        code=$(jq -r .code "$BATS_TEST_TMPDIR/line")
        letter html
        xmllint --noout - <<<"${output#*$'\n'}"
        [[ $output == *"<span class=\"address\">https://www.example.org/i</span>"*"<span class=\"code\">$code</span>"*'<svg '* ]]
        [[ $output == *'Z &amp; &lt;1&gt;'* && $output != *'{'[a-z]*'}'* && $output != *'<img'* && $output != *'<a '* ]]
        letter mail
        [ "$(grep -c '' <<<"$output")" = "$(grep -c $'\r$' <<<"$output")" ]
        [[ $output == *" https://www.example.org/i"$'\r\n'*" $code"$'\r\n'*"$(jq -r .address_with_code "$BATS_TEST_TMPDIR/line")"$'\r\n'* ]]
        [[ $output == *"$(date -u -d '+3 days' +'%-d ')"* && $output == *'Z & <1>'* && $output != *'{'[a-z]*'}'* ]]
        [ -z "$stderr" ]
    done
}

@test "letter: both languages have the same texts" {
    local lang
    for lang in nl en; do
        jq -r 'paths(scalars) | map(tostring) | join(".")' "$IDB_ROOT/scripts/letter/$lang.json" | sort >"$BATS_TEST_TMPDIR/$lang"
    done
    diff "$BATS_TEST_TMPDIR/nl" "$BATS_TEST_TMPDIR/en"
}

@test "letter: a subject that is not ASCII is a header all the same; the address is what it was given" {
    idb_instance "$LOGIN | .purposes.status.label.nl = \"Coördinatie één tweeëndertig patiëntenadministraties\""
    idb-invite <<<'{"purpose":"status","qr":"svg"}' | jq -c '. + { to: ["T. Est", "<b>1"] }' >"$BATS_TEST_TMPDIR/line"
    letter mail
    [ "$(sed -n '1,/^MIME/p' <<<"$output" | grep -c 'UTF-8?B')" -ge 3 ]
    [ "$(sed '/^MIME/,$d; s/^Subject: //; s/^ //; s/\r$//; s/^=?UTF-8?B?//; s/?=$//' <<<"$output" | while read -r part; do base64 -d <<<"$part"; done)" = \
        'Bel ons: Coördinatie één tweeëndertig patiëntenadministraties' ]
    letter html
    [[ $output == *'<address>T. Est<br />&lt;b&gt;1</address>'* ]]
}

@test "letter: what is no line of idb-invite is refused with exit 65, and usage with 64" {
    local line
    for line in '' '{}' 'x' '{"error":"busy","message":"Try again."}' '{"code":"B"}'; do
        printf '%s\n' "$line" >"$BATS_TEST_TMPDIR/line"
        letter mail 65
        [ -z "$output" ]
        [[ $stderr == *'letter: not one line of idb-invite'* ]]
    done
    idb-invite <<<'{"purpose":"status"}' >"$BATS_TEST_TMPDIR/line"
    letter html 65
    letter pdf 64
    [[ $stderr == 'usage: scripts/letter/letter'* ]]
}
