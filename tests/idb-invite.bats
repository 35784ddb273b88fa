#!/usr/bin/env bats
# idb-invite: what an invitation holds, who can read it, and what is refused.

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
    [ "$(members)" = 'address address_with_code bound code expires_at invitation lang organisation purpose reference' ]
    [ -z "$stderr" ]
    jq -e '.address == "https://www.example.org/i" and .bound and .lang == "nl"
        and .organisation == "Gemeente Voorbeeld" and .reference == "Z-2026-77"
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
    run -1 grep -aqE "${code/-/-?}|999990019|Z-2026-77" "$IDB_STORE"*
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
