#!/usr/bin/env bats
# idb-oidc-start: what the start page says, what is asked of the provider, and
# what is refused before the resident is sent anywhere.
# On PostgreSQL with --long
# Sanitized with --long

load lib
load life
load op/login

setup() {
    liar_start
    login_instance
    browser=$(browser_new one)
}

teardown() {
    liar_stop
    kill ${silent:+"$silent"} ${secure:+"$secure"} 2>/dev/null || true
}

begin() { run --separate-stderr "-${1-0}" start "$browser" "${2-status}" liar; }

# turned_away WORD: with that error, and which page to go back to.
turned_away() {
    [ "$(members)$(json error)" = "error lang message purpose$1" ] &&
        [ "$(json purpose) $(json lang)" = "${2-status} nl" ] &&
        [ "$stderr" = "idb-oidc-start: $(json message)" ]
}

# asks NAME: that parameter of the location in the answer.
asks() { parameter "$1" "$(json location)"; }

# ---- the start page ----

@test "idb-oidc-start: every member of the description, without asking the provider" {
    run --separate-stderr -0 idb-oidc-start <<<'{"purpose":"status","lang":"en"}'
    [ "$(members)" = 'attributes lang methods minimum_level number number_display organisation purpose tel' ]
    jq -e '. == { lang: "en", minimum_level: "substantial", number: "+31241234567",
        number_display: "+31 24 123 45 67", tel: "tel:+31241234567",
        organisation: { name: "Municipality of Voorbeeld", url: "https://www.example.org" },
        purpose: { name: "status", label: "How is my application doing?" },
        attributes: [ { name: "bsn", label: "Citizen service number" },
                      { name: "name", label: "Name" } ],
        methods: [ { name: "liar", label: "L" } ] }' <<<"$output"
    [ "$(liar_asked .well-known/openid-configuration)" = 0 ]
    [ -z "$stderr" ]
}

# at TIME JQ: of the description as it will be then.
at() {
    at_offset "+$(($(date -u -d "$1" +%s) - $(date +%s)))s" idb-oidc-start <<<'{"purpose":"appointment"}' | jq -rc "$2"
}

@test "idb-oidc-start: Dutch without lang, opening hours where the line has them" {
    login_instance '.lines.kcc += { time_zone: "Europe/Amsterdam", hours: { mon: ["09:00-17:00"] },
                                    closed: ["2030-12-25"] }'
    run --separate-stderr -0 idb-oidc-start <<<'{"purpose":"appointment"}'
    [ "$(json lang)" = nl ]
    [ "$(json .purpose.label)" = 'Een afspraak maken' ]
    [ "$(json .hours.mon[0])" = 09:00-17:00 ]
    [ "$(json .closed[0])" = 2030-12-25 ]
    # A Monday at noon, and the evening of that day.
    days=$((8 - $(date -u +%u)))
    [ "$(at "$days days 11:00" '[.open, .opens_at]')" = '[true,null]' ]
    [ "$(at "$days days 20:00" .open)" = false ]
    [[ $(at "$days days 20:00" .opens_at) == $(date -u -d "$((days + 7)) days" +%Y-%m-%d)T0[78]:00:00.000Z ]]
    [ "$(json minimum_level)" = null ]
}

@test "idb-oidc-start: refusals" {
    while read -r request word; do
        run --separate-stderr -65 idb-oidc-start <<<"$request"
        failed idb-oidc-start "$word"
    done <<'END'
{"purpose":"none"} unknown_purpose
{"purpose":"status","method":7} bad_request
{"purpose":"status","lang":"nld"} bad_request
{"purpose":"status","return":"https://evil.example"} bad_request
{"method":"liar"} bad_request
END
}

@test "idb-oidc-start: a method that is none, in English" {
    run --separate-stderr -65 idb-oidc-start <<<'{"purpose":"status","method":"none","lang":"en"}'
    [ "$(json error) $(json purpose) $(json lang)" = 'unknown_method status en' ]
}

@test "idb-oidc-start: a method of another purpose is none of this one's" {
    login_instance '.purposes.change.methods = []'
    begin 65 change
    turned_away unknown_method change
    [ "$(liar_asked .well-known/openid-configuration)" = 0 ]
}

@test "idb-oidc-start: an error handed in is handed on" {
    run --separate-stderr -65 idb-oidc-start <<<'{"error":"bad_form","message":"Broken."}'
    [ "$output" = '{"error":"bad_form","message":"Broken."}' ]
}

# ---- the request ----

@test "idb-oidc-start: every parameter of the request" {
    begin
    [ "$(members)" = 'cookies location' ]
    [[ $(json location) == "$LIAR_URL/auth?"* ]]
    [ "$(asks response_type)" = code ]
    [ "$(asks response_mode)" = query ]
    [ "$(asks client_id)" = id-bellen ]
    [ "$(asks redirect_uri)" = https://www.example.org/callback/liar ]
    [ "$(asks scope)" = openid ]
    [ "$(asks prompt)" = login ]
    [ "$(asks max_age)" = 300 ]
    [ "$(asks ui_locales)" = nl ]
    [ "$(asks code_challenge_method)" = S256 ]
    [ "$(asks acr_values)" = medium ]
    [[ $(asks state) =~ ^[A-Za-z0-9_-]{43}$ ]]
    [[ $(asks nonce) =~ ^[A-Za-z0-9_-]{43}$ ]]
    [[ $(asks code_challenge) =~ ^[A-Za-z0-9_-]{43}$ ]]
    [ "$(json location | grep -o '[?&][a-z_]*=' | tr -d '?&=' | sort | paste -sd ' ')" = \
        'acr_values claims client_id code_challenge code_challenge_method max_age nonce prompt redirect_uri response_mode response_type scope state ui_locales' ]
    [ -z "$stderr" ]
}

@test "idb-oidc-start: claims are exactly the purpose's attributes, and the level" {
    begin
    jq -e '. == { userinfo: { bsn: { essential: true }, name: { essential: true } },
                  id_token: { acr: { essential: true, values: ["medium"] } } }' <<<"$(asks claims)"
    begin 0 appointment
    jq -e '. == { userinfo: { name: { essential: true } },
                  id_token: { acr: { essential: true, values: ["low", "medium"] } } }' <<<"$(asks claims)"
    [ "$(asks acr_values)" = 'low medium' ]
}

@test "idb-oidc-start: a claim inside another is asked for by the outer one; an address is one name" {
    login_instance '.methods.liar.claims = { bsn: "ids.bsn.value", name: "https://example.org/claims/name" }'
    begin
    [ "$(asks claims | jq -c '.userinfo | keys')" = '["https://example.org/claims/name","ids"]' ]
}

@test "idb-oidc-start: scope and acr_values as configured" {
    login_instance '.methods.liar += { scope: "bsn name" }
        | .methods.liar.level.request = { substantial: "loa:substantial" }'
    begin
    [ "$(asks scope)" = 'openid bsn name' ]
    [ "$(asks acr_values)" = loa:substantial ]
}

@test "idb-oidc-start: a method without levels asks for none" {
    login_instance 'del(.methods.liar.level, .purposes.status.minimum_level)'
    begin
    [ -z "$(asks acr_values)" ]
    [ "$(asks claims | jq -c .id_token)" = '{}' ]
}

@test "idb-oidc-start: an authorization endpoint that has a query keeps it" {
    liar_metadata '.authorization_endpoint += "?tenant=7"'
    begin
    [[ $(json location) == "$LIAR_URL/auth?tenant=7&response_type=code&"* ]]
}

@test "idb-oidc-start: a slash at the end of the website's address is not doubled" {
    login_instance '.organisation.url += "/"'
    begin
    [ "$(asks redirect_uri)" = https://www.example.org/callback/liar ]
}

@test "idb-oidc-start: two runs differ in state, nonce, challenge and cookie" {
    begin
    one=$output
    begin
    for name in state nonce code_challenge; do
        [ "$(asks "$name")" != "$(output=$one asks "$name")" ]
    done
    [ "$(json .cookies[0])" != "$(output=$one json .cookies[0])" ]
    [ "$(asks state)" != "$(asks nonce)" ]
}

# ---- the cookie ----

@test "idb-oidc-start: one cookie, named after the state but not by it, sealed" {
    begin
    [ "$(json '.cookies | length')" = 1 ]
    [[ $(json .cookies[0]) =~ ^__Host-idb-login-[A-Za-z0-9_-]{16}=[A-Za-z0-9_.-]+\;\ Path=/\;\ Max-Age=3600\;\ Secure\;\ HttpOnly\;\ SameSite=Lax$ ]]
    for name in state nonce code_challenge; do
        [[ $(json .cookies[0]) != *"$(asks "$name")"* ]]
    done
    # Whatever base64url it consists of, none of it is a readable verifier.
    json .cookies[0] | tr '.=;' '\n' | basenc -d --base64url 2>/dev/null >"$BATS_TEST_TMPDIR/plain" || true
    run -1 grep -a -e verifier -e nonce "$BATS_TEST_TMPDIR/plain"
}

@test "idb-oidc-start: the fourth login of one browser takes the oldest's cookie away" {
    at_offset -3m start "$browser" status liar
    oldest=$(cut -d= -f1 "$browser/jar")
    at_offset -2m start "$browser" status liar
    at_offset -1m start "$browser" status liar
    [ "$(wc -l <"$browser/jar")" = 3 ]
    begin
    [ "$(grep -o 'Max-Age=0;' <<<"$output" | wc -l)" = 1 ]
    [ "$(wc -l <"$browser/jar")" = 3 ]
    run -1 grep -F -- "$oldest" "$browser/jar"
}

@test "idb-oidc-start: a login cookie that cannot be read is taken away, others' are left" {
    begin
    printf '%s\n' '__Host-idb-login-AAAAAAAAAAAAAAAA=rubbish' 'other=1' >>"$browser/jar"
    begin
    [ "$(json '.cookies | length')" = 2 ]
    [[ $(json '.cookies[]') == *'__Host-idb-login-AAAAAAAAAAAAAAAA=; Path=/; Max-Age=0;'* ]]
    [ "$(grep -c '' "$browser/jar")" = 3 ]
}

# ---- the provider ----

# refuses WORD: nobody is sent there, and no cookie is set.
refuses() {
    begin 69
    turned_away "$1"
    [ ! -s "$browser/jar" ]
}

@test "idb-oidc-start: a provider that is down" {
    liar_stop
    wait "$LIAR_PID" 2>/dev/null || true
    refuses provider_down
    [[ $(json message) != *127.0.0.1* ]]
}

@test "idb-oidc-start: a provider that is out of order" {
    liar_says .well-known/openid-configuration 503 text/html '<h1>Sorry</h1>'
    refuses provider_down
}

@test "idb-oidc-start: a provider that never answers is given up within 10 s" {
    port=$(free_port)
    socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" EXEC:'sleep 20' 3>&- 2>/dev/null &
    silent=$!
    login_instance ".methods.liar.issuer = \"http://127.0.0.1:$port\""
    sleep 0.2
    SECONDS=0
    begin 69
    turned_away provider_down
    [ "$SECONDS" -le 10 ]
}

@test "idb-oidc-start: nonsense instead of metadata" {
    local path=.well-known/openid-configuration
    liar_says $path 200 text/html '<html>Log in</html>'
    refuses provider_answer
    liar_says $path 200 application/json '<html>Log in</html>'
    refuses provider_answer
    liar_says $path 200 application/json '[]'
    refuses provider_answer
    liar_says $path 200 application/json ''
    refuses provider_answer
    liar_says $path 404 application/json '{}'
    refuses provider_answer
    liar_says $path 200 application/json "{\"issuer\":\"$LIAR_URL\",\"issuer\":\"$LIAR_URL\"}"
    refuses provider_answer
    liar_says $path 302 text/html '' "Location: $LIAR_URL/elsewhere"
    refuses provider_answer
    [ "$(liar_asked elsewhere)" = 0 ]
}

@test "idb-oidc-start: metadata up to 64 KiB, not more, whether the length is said or not" {
    local path=.well-known/openid-configuration plain
    liar_metadata '.filler = "x" * 60000'
    begin
    rm "$browser/jar" && : >"$browser/jar"
    liar_metadata '.filler = "x" * 66000'
    refuses provider_answer
    plain=$(sed '1,/^\r$/d' "$LIAR/${path//\//_}")
    liar_says $path 200 application/json "$plain" "Content-Length: ${#plain}"
    refuses provider_answer
}

@test "idb-oidc-start: metadata of another issuer, or with endpoints that may not be asked" {
    while read -r change; do
        liar_metadata "$change"
        refuses provider_answer
    done <<'END'
.issuer = "https://login.example.org"
.issuer += "/"
del(.issuer)
.issuer = 1
.token_endpoint = "http://login.example.org/token"
.token_endpoint = "ftp://127.0.0.1/token"
.token_endpoint = "http://127.0.0.1.evil.example/token"
.token_endpoint = "http://127.0.0.1@evil.example/token"
.token_endpoint = "file:///etc/passwd"
del(.token_endpoint)
.authorization_endpoint = "http://login.example.org/auth"
.authorization_endpoint = "javascript:alert(1)"
.authorization_endpoint = "https://login.example.org/a\r\nSet-Cookie: a=b"
.authorization_endpoint = "https://login.example.org\\@evil.example/"
del(.jwks_uri)
.jwks_uri = "http://login.example.org/jwks"
.userinfo_endpoint = "http://login.example.org/me"
END
}

@test "idb-oidc-start: metadata without userinfo will do" {
    liar_metadata 'del(.userinfo_endpoint)'
    begin
}

@test "idb-oidc-start: nobody is sent to log in where our secret is missing, open to all, or none" {
    chmod 644 "$IDB_KEYS/web/liar.secret"
    begin 78
    turned_away key_rights
    rm "$IDB_KEYS/web/liar.secret"
    begin 78
    turned_away key_missing
    [[ $(json message) == *"$IDB_KEYS/web/liar.secret"* ]]
    (umask 077 && printf 'hush\nhush\n' >"$IDB_KEYS/web/liar.secret")
    begin 78
    turned_away client_key
    jq '.methods.liar += { client_auth: "private_key_jwt" }' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    (umask 077 && echo '{"kty":"oct","k":"aHVzaA"}' >"$IDB_KEYS/web/liar.jwk")
    begin 78
    turned_away client_key
    [ ! -s "$browser/jar" ]
}

# ---- pushed requests ----

@test "idb-oidc-start: a request that the provider takes is pushed, and the browser carries its name" {
    liar_metadata '.pushed_authorization_request_endpoint = "\($u)/par"'
    liar_says par 201 application/json '{"request_uri":"urn:ietf:params:oauth:request_uri:a b&c","expires_in":60}'
    begin
    [ "$(json location)" = "$LIAR_URL/auth?client_id=id-bellen&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Aa%20b%26c" ]
    [ "$(sed -n 's/^authorization: basic //ip' "$LIAR/head" | tr -d '\r' | base64 -d)" = id-bellen:hush ]
    # All of the request, and nothing twice.
    for name in response_type response_mode client_id redirect_uri scope state nonce code_challenge \
        code_challenge_method prompt max_age ui_locales claims acr_values; do
        [ "$(tr '&' '\n' <"$LIAR/body" | grep -c "^$name=")" = 1 ] || { echo "$name"; false; }
    done
    [ "$(tr '&' '\n' <"$LIAR/body" | wc -l)" = 13 ]
    grep -q '^__Host-idb-login-' "$browser/jar"
}

@test "idb-oidc-start: nobody is sent on when the provider takes no pushed request, or answers another thing" {
    liar_metadata '.pushed_authorization_request_endpoint = "\($u)/par"'
    while read -r word status type body; do
        liar_says par "$status" "$type" "$body"
        refuses "$word"
    done <<'END'
provider_refused 400 application/json {"error":"invalid_request","error_description":"hush"}
provider_refused 401 application/json {"error":"invalid_client"}
provider_refused 200 application/json {"request_uri":"urn:x","expires_in":60}
provider_refused 302 application/json {"request_uri":"urn:x","expires_in":60}
provider_refused 201 text/html {"request_uri":"urn:x","expires_in":60}
provider_refused 201 application/json ["urn:x"]
provider_answer 201 application/json {"expires_in":60}
provider_answer 201 application/json {"request_uri":""}
provider_answer 201 application/json {"request_uri":7}
provider_down 503 application/json {}
END
    liar_metadata '.pushed_authorization_request_endpoint = "http://login.example.org/par"'
    refuses provider_answer
}

@test "idb-oidc-start: pushing that the configuration demands and the provider does not offer" {
    jq '.methods.liar.require_pushed_authorization_requests = true' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    refuses provider_answer
}

# ---- CGI ----

@test "idb-oidc-start: as CGI the cookies are headers" {
    answer=$(cgi idb-oidc-start POST '{"purpose":"status","method":"liar"}')
    [[ $answer == *'Status: 200'* ]]
    [ "$(grep -c '^Set-Cookie: __Host-idb-login-' <<<"$answer")" = 1 ]
    [[ $answer == *'Cache-Control: no-store'* ]]
    [ "$(sed '1,/^$/d' <<<"$answer" | jq -c 'keys')" = '["location"]' ]
}

@test "idb-oidc-start: as CGI a provider that is down is 502" {
    liar_says .well-known/openid-configuration 503 text/html ''
    [[ $(cgi idb-oidc-start POST '{"purpose":"status","method":"liar"}') == *'Status: 502'* ]]
}

@test "idb-oidc-start: a provider asked over https has no endpoint on http, not on this machine either" {
    local port
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext 'subjectAltName=DNS:localhost' -keyout "$LIAR/key" -out "$LIAR/cert" 2>/dev/null
    cat "$LIAR/key" "$LIAR/cert" >"$LIAR/pem"
    port=$(free_port)
    socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,verify=0,cert=$LIAR/pem" \
        "EXEC:$IDB_ROOT/tests/op/responder $LIAR" 3>&- 2>/dev/null &
    secure=$!
    LIAR_URL=https://localhost:$port
    login_instance ".methods.liar += { issuer: \"$LIAR_URL\", ca: \"$LIAR/cert\" }"
    sleep 0.2
    liar_metadata
    begin
    : >"$browser/jar"
    # The certificates of the configuration stand instead of the system's, which are not looked at.
    login_instance ".methods.liar += { issuer: \"$LIAR_URL\", ca: \"$LIAR/other\" }"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other \
        -keyout "$LIAR/key" -out "$LIAR/other" 2>/dev/null
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=%file -o "$LIAR/opened" \
        idb-oidc-start <<<'{"purpose":"status","method":"liar"}' >"$LIAR/answer" 2>"$LIAR/said" || true
    [ "$(jq -r .error "$LIAR/answer")" = provider_down ]
    grep -qF -- "$LIAR/other" "$LIAR/opened"
    run -1 grep -F /etc/ssl/certs "$LIAR/opened"
    rm "$LIAR/other"
    begin 78
    turned_away config_invalid
    [[ $(json message) == *"$LIAR/other"* ]]
    login_instance ".methods.liar += { issuer: \"$LIAR_URL\", ca: \"$LIAR/cert\" }"
    for endpoint in authorization_endpoint token_endpoint jwks_uri userinfo_endpoint; do
        liar_metadata ".$endpoint = \"http://127.0.0.1:$port/x\""
        refuses provider_answer
    done
}

@test "idb-oidc-start: whoever is answered at once does not wait for the next line's provider" {
    mkfifo "$BATS_TEST_TMPDIR/lines"
    idb-oidc-start <"$BATS_TEST_TMPDIR/lines" >"$BATS_TEST_TMPDIR/answers" 2>/dev/null 3>&- &
    filter=$!
    exec 8>"$BATS_TEST_TMPDIR/lines"
    kill -STOP "$LIAR_PID"
    # Both at once: bash itself would write each line alone.
    printf '%s\n' '{"purpose":"status"}' '{"purpose":"status","method":"liar"}' >"$BATS_TEST_TMPDIR/two"
    cat "$BATS_TEST_TMPDIR/two" >&8
    for _ in {1..100}; do
        [ ! -s "$BATS_TEST_TMPDIR/answers" ] || break
        sleep 0.02
    done
    first=$(cat "$BATS_TEST_TMPDIR/answers")
    kill -CONT "$LIAR_PID"
    exec 8>&-
    wait "$filter"
    [ "$(jq -r .purpose.name <<<"$first")" = status ]
    [ "$(wc -l <"$BATS_TEST_TMPDIR/answers")" = 2 ]
}
