#!/usr/bin/env bats
# idb-oidc-callback: which answers it takes back from a login provider, and what
# it makes of them. The provider here does as it is told; a whole one is in
# op/login.bats, what an ID token may say in unit/idtoken.c.
# On PostgreSQL with --long
# Sanitized with --long

load lib
load life
load op/login

setup() {
    liar_start
    login_instance
    browser=$(browser_new one)
    begun=$(start "$browser" status liar)
    state=$(parameter state "$(member location "$begun")")
    before=$(snapshot)
}

teardown() { liar_stop; }

# back QUERY [EXIT]: the browser comes back with that.
back() {
    run --separate-stderr "-${2-65}" callback "$browser" "https://www.example.org/callback/liar?$1"
}

# refuses WORD: with that error, nothing stored, nothing of the query repeated,
# and no more said than which page to go back to.
refuses() {
    [ "$(json error)" = "$1" ]
    [ -n "$(json message)" ]
    [[ $output$stderr != *hush* && $output$stderr != *"$state"* ]]
    [ "$(snapshot)" = "$before" ]
}

# spent: the login's cookie went away with the answer; asked N: so many token requests.
spent() { [ ! -s "$browser/jar" ] && [[ $(json '.cookies[]') == '__Host-idb-login-'*'=; Path=/; Max-Age=0; '* ]]; }
asked() { [ "$(liar_asked token)" = "$1" ]; }

# ---- the state ----

@test "idb-oidc-callback: without a state, or with one that is none" {
    local query
    for query in code=hush 'code=hush&state=' "code=hush&state=${state%?}" "code=hush&state=${state}A" \
        "code=hush&state=$(a_lot 43)" "code=hush&State=$state" error=access_denied; do
        back "$query"
        refuses bad_state
        [ "$stderr" = "idb-oidc-callback: $(json message)" ]
        # Whoever lures the browser here does not end its login.
        [ "$(wc -l <"$browser/jar")" = 1 ]
    done
    asked 0
}

@test "idb-oidc-callback: another browser's state" {
    other=$(browser_new two)
    run --separate-stderr -65 callback "$other" "/callback/liar?code=hush&state=$state"
    refuses bad_state
    start "$other" status liar >"$other/begun"
    run --separate-stderr -65 callback "$other" "/callback/liar?code=hush&state=$state"
    refuses bad_state
    [ "$(wc -l <"$other/jar")" = 1 ]
    asked 0
}

@test "idb-oidc-callback: the state serves once, even when the answer is refused" {
    back "state=$state&error=server_error" 69
    refuses login_failed
    spent
    back "state=$state&code=hush"
    refuses bad_state
    asked 0
}

@test "idb-oidc-callback: a state of another method's address" {
    clients=$(jq '.second = .liar' "$CLIENTS")
    printf '%s\n' "$clients" >"$CLIENTS"
    login_instance
    start "$browser" status liar >"$browser/begun"
    state=$(parameter state "$(jq -r .location "$browser/begun")")
    before=$(snapshot)
    run --separate-stderr -65 callback "$browser" "/callback/second?code=hush&state=$state"
    refuses bad_state
    asked 0
}

@test "idb-oidc-callback: a method that is none, or no longer one of the purpose's" {
    run --separate-stderr -65 callback "$browser" "/callback/none?code=hush&state=$state"
    refuses bad_state
    start "$browser" status liar >"$browser/begun"
    state=$(parameter state "$(jq -r .location "$browser/begun")")
    jq '.purposes.status.methods = []' "$IDB_CONFIG" >"$IDB_CONFIG.new" && mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    back "code=hush&state=$state"
    refuses unknown_method
}

@test "idb-oidc-callback: a login that took longer than a quarter of an hour" {
    run --separate-stderr -1 at_offset +16m callback "$browser" "/callback/liar?code=hush&state=$state"
    refuses login_expired
    [ "$(json purpose) $(json lang)" = 'status nl' ]
    spent
    asked 0
}

@test "idb-oidc-callback: a login cookie that was altered, doubled or another's" {
    cookie=$(cat "$browser/jar")
    altered=${cookie%?????}AAAAA
    printf '%s\n' "$altered" >"$browser/jar"
    back "code=hush&state=$state"
    refuses bad_state
    spent
    printf '%s\n' "$cookie" "$cookie" >"$browser/jar"
    back "code=hush&state=$state"
    refuses bad_state
    # Another login's contents under this one's name.
    other=$(browser_new two)
    start "$other" status liar >"$other/begun"
    printf '%s=%s\n' "${cookie%%=*}" "$(cut -d= -f2- "$other/jar")" >"$browser/jar"
    back "code=hush&state=$state"
    refuses bad_state
    asked 0
}

@test "idb-oidc-callback: a login cookie of another installation" {
    keep=$(cat "$browser/jar")
    idb_instance "$(jq -c '{ methods, attributes, purposes }' "$IDB_CONFIG" | sed 's/^/. * /')"
    before=$(snapshot)
    printf '%s\n' "$keep" >"$browser/jar"
    back "code=hush&state=$state"
    refuses bad_state
    asked 0
}

# ---- the answer ----

@test "idb-oidc-callback: parameters that stand in it twice" {
    local query
    for query in "code=hush&code=a" "code=hush&state=$state" "code=hush&iss=a&iss=a" "code=hush&x=1&x=1" \
        "code=hush&st%61te=$state"; do
        back "state=$state&$query"
        refuses bad_form
    done
    asked 0
    [ -s "$browser/jar" ]
}

@test "idb-oidc-callback: code and error both, or neither, or an empty code" {
    local query
    for query in 'code=hush&error=access_denied' x=1 code= 'code=&error=server_error'; do
        start "$browser" status liar >"$browser/begun"
        state=$(parameter state "$(jq -r .location "$browser/begun")")
        back "state=$state&$query"
        refuses bad_callback
    done
    asked 0
}

@test "idb-oidc-callback: cancelled, politely, and what the provider says of it is not repeated" {
    back "state=$state&error=access_denied&error_description=%3Cb%3Ehush&error_uri=https://hush.example" 1
    refuses login_cancelled
    [ "$(members)" = 'cookies error lang message purpose' ]
    [ "$(json purpose) $(json lang)" = 'status nl' ]
    [ -z "$stderr" ]
    spent
}

@test "idb-oidc-callback: an issuer that is another, or not exactly ours" {
    local iss
    for iss in https://evil.example "$LIAR_URL/" "${LIAR_URL^^}" ''; do
        start "$browser" status liar >"$browser/begun"
        state=$(parameter state "$(jq -r .location "$browser/begun")")
        back "code=hush&state=$state&iss=$iss"
        refuses bad_issuer
        start "$browser" status liar >"$browser/begun"
        state=$(parameter state "$(jq -r .location "$browser/begun")")
        back "error=access_denied&state=$state&iss=$iss"
        refuses bad_issuer
    done
    asked 0
}

@test "idb-oidc-callback: no issuer is refused where the provider says that it sends one" {
    liar_metadata '.authorization_response_iss_parameter_supported = true'
    back "code=hush&state=$state"
    refuses bad_issuer
    start "$browser" status liar >"$browser/begun"
    state=$(parameter state "$(jq -r .location "$browser/begun")")
    back "error=access_denied&state=$state&iss=$LIAR_URL" 1
    refuses login_cancelled
    asked 0
}

# ---- the token request ----

@test "idb-oidc-callback: the token request, and one alone" {
    secret='a%:+&=/ b'
    jq --arg s "$secret" '.liar.secret = $s | .liar.method.client_id = "id bellen:1"' "$CLIENTS" >"$CLIENTS.new"
    mv "$CLIENTS.new" "$CLIENTS"
    login_instance
    : >"$browser/jar"
    before=$(snapshot)
    start "$browser" status liar >"$browser/begun"
    state=$(parameter state "$(jq -r .location "$browser/begun")")
    challenge=$(parameter code_challenge "$(jq -r .location "$browser/begun")")
    liar_says token 400 application/json '{"error":"invalid_grant","error_description":"hush"}'
    back "code=hu%2Fsh%26x&state=$state" 69
    refuses provider_refused
    spent
    asked 1
    form=$(cat "$LIAR/body")
    [ "$(parameter grant_type "?$form")" = authorization_code ]
    [ "$(parameter code "?$form")" = 'hu/sh&x' ]
    [ "$(parameter redirect_uri "?$form")" = https://www.example.org/callback/liar ]
    [ "$(parameter client_secret "?$form")" = '' ]
    verifier=$(parameter code_verifier "?$form")
    [[ $verifier =~ ^[A-Za-z0-9._~-]{43,128}$ ]]
    [ "$(printf %s "$verifier" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =)" = "$challenge" ]
    # Form-encoded each, then joined.
    [ "$(sed -n 's/^authorization: basic //ip' "$LIAR/head" | tr -d '\r' | base64 -d)" = \
        'id%20bellen%3A1:a%25%3A%2B%26%3D%2F%20b' ]
}

# make_jwk: a private key for ES256. The scalar and the point are out of the DER
# (RFC 5915).
make_jwk() {
    local key d xy
    b64() { printf %s "${1^^}" | basenc -d --base16 | basenc --base64url | tr -d '=\n'; }
    key=$(openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -outform DER | od -An -v -tx1 | tr -d ' \n')
    d=${key#*0420} xy=${key: -128} # the first 0420: the key itself may hold it too
    jq -nc --arg d "$(b64 "${d:0:64}")" \
        --arg x "$(b64 "${xy:0:64}")" --arg y "$(b64 "${xy:64}")" \
        '{ kty: "EC", crv: "P-256", kid: "k1", d: $d, x: $x, y: $y }'
}

@test "idb-oidc-callback: a client assertion says who, to whom, for a minute, and never the same twice" {
    jq --argjson jwk "$(make_jwk)" '.liar |= (del(.secret) | .jwk = $jwk
        | .method += { client_auth: "private_key_jwt", client_alg: "ES256" })' "$CLIENTS" >"$CLIENTS.new"
    mv "$CLIENTS.new" "$CLIENTS"
    login_instance
    liar_says token 400 application/json '{}'
    for audience in token_endpoint issuer; do
        jq --arg a "$audience" '.methods.liar.assertion_audience = $a' "$IDB_CONFIG" >"$IDB_CONFIG.new"
        mv "$IDB_CONFIG.new" "$IDB_CONFIG"
        : >"$browser/jar"
        start "$browser" status liar >"$browser/begun"
        back "code=hush&state=$(parameter state "$(jq -r .location "$browser/begun")")" 69
        [ "$(json error)" = provider_refused ]
        form=$(cat "$LIAR/body")
        [ "$(parameter client_assertion_type "?$form")" = urn:ietf:params:oauth:client-assertion-type:jwt-bearer ]
        run -1 grep -i '^authorization:' "$LIAR/head"
        parameter client_assertion "?$form" | cut -d. -f1,2 | tr . '\n' | while read -r part; do
            printf '%s%s' "$part" "$(printf '%*s' $(((4 - ${#part} % 4) % 4)) '' | tr ' ' =)" | basenc -d --base64url
            echo
        done >"$BATS_TEST_TMPDIR/$audience"
        [ "$(sed -n 1p "$BATS_TEST_TMPDIR/$audience" | jq -c '[.alg, .typ, .kid]')" = '["ES256","JWT","k1"]' ]
    done
    claims() { sed -n 2p "$BATS_TEST_TMPDIR/$1"; }
    for audience in token_endpoint issuer; do
        jq -e '.iss == "id-bellen" and .sub == "id-bellen" and .exp - .iat <= 60 and .exp > now
               and (.iat - now | fabs) < 20' <<<"$(claims "$audience")"
    done
    [ "$(claims token_endpoint | jq -r .aud)" = "$LIAR_URL/token" ]
    [ "$(claims issuer | jq -r .aud)" = "$LIAR_URL" ]
    [ "$(claims token_endpoint | jq -r .jti)" != "$(claims issuer | jq -r .jti)" ]
}

# token_answer EXIT WORD STATUS TYPE BODY [HEADER…]: a new login ends so; one request.
token_answer() {
    local exit=$1 word=$2
    shift 2
    : >"$browser/jar"
    : >"$LIAR/log"
    start "$browser" status liar >"$browser/begun"
    state=$(parameter state "$(jq -r .location "$browser/begun")")
    liar_says token "$@"
    back "code=hush&state=$state" "$exit"
    refuses "$word"
    spent
    asked 1
}

@test "idb-oidc-callback: nonsense instead of tokens" {
    token_answer 69 provider_refused 200 text/html '<html>hush</html>'
    token_answer 69 provider_refused 200 application/json '<html>hush</html>'
    token_answer 69 provider_refused 200 '' '{"access_token":"hush","id_token":"a.b.c","token_type":"Bearer"}'
    token_answer 69 provider_refused 200 application/json '["hush"]'
    token_answer 69 provider_refused 200 application/json '{"hush":1,"hush":1}'
    token_answer 69 provider_refused 401 application/json '{"error":"invalid_client"}'
    token_answer 69 provider_refused 302 application/json '{}' "Location: $LIAR_URL/elsewhere"
    [ "$(liar_asked elsewhere)" = 0 ]
    token_answer 69 provider_refused 307 application/json '{}' "Location: $LIAR_URL/elsewhere"
    [ "$(liar_asked elsewhere)" = 0 ]
    token_answer 69 provider_refused 200 application/json "{\"hush\":\"$(a_lot 66000)\"}"
    token_answer 69 provider_down 500 text/html hush
}

@test "idb-oidc-callback: tokens of another type, or one missing, or no token" {
    local body
    for body in '{"access_token":"hush","token_type":"Bearer"}' '{"id_token":"hush","token_type":"Bearer"}' \
        '{"access_token":"hush","id_token":"a.b.c","token_type":"DPoP"}' '{"access_token":"hush","id_token":"a.b.c"}' \
        '{"access_token":"","id_token":"a.b.c","token_type":"Bearer"}' \
        '{"access_token":"hush\r\n\r\nGET /hush HTTP/1.1\r\n","id_token":"a.b.c","token_type":"Bearer"}' \
        '{"access_token":"hush hush","id_token":"a.b.c","token_type":"Bearer"}' \
        '{"access_token":1,"id_token":"a.b.c","token_type":"Bearer"}' '{"access_token":"hush","id_token":{},"token_type":"Bearer"}'; do
        token_answer 69 provider_refused 200 application/json "$body"
    done
}

@test "idb-oidc-callback: an ID token that nobody signed, or no key set" {
    local none
    none=$(printf '{"alg":"none"}' | basenc --base64url | tr -d =).e30.
    liar_says jwks 200 application/json '{"keys":[]}'
    for body in a.b.c "$none" '' "$(a_lot 60000)"; do
        token_answer 69 bad_token_signature 200 application/json \
            "{\"access_token\":\"hush\",\"token_type\":\"bearer\",\"id_token\":\"$body\"}"
    done
    liar_says jwks 200 application/json '{"keys":{}}'
    token_answer 69 provider_answer 200 application/json \
        "{\"access_token\":\"hush\",\"token_type\":\"bearer\",\"id_token\":\"$none\"}"
    liar_says jwks 404 application/json '{"keys":[]}'
    token_answer 69 provider_answer 200 application/json \
        "{\"access_token\":\"hush\",\"token_type\":\"bearer\",\"id_token\":\"$none\"}"
    liar_says jwks 503 application/json '{"keys":[]}'
    token_answer 69 provider_down 200 application/json \
        "{\"access_token\":\"hush\",\"token_type\":\"bearer\",\"id_token\":\"$none\"}"
}

@test "idb-oidc-callback: a provider that went away in the middle" {
    liar_stop
    wait "$LIAR_PID" 2>/dev/null || true
    back "code=hush&state=$state" 69
    refuses provider_down
    spent
    [ "$stderr" = "idb-oidc-callback: $(json message)" ]
}

# ---- the client's secret ----

# begin_with SUFFIX TEXT: a new login with that secret or key; sets state.
begin_with() {
    rm -f "$IDB_KEYS/web/liar.$1"
    (umask 077 && printf '%s\n' "$2" >"$IDB_KEYS/web/liar.$1")
    : >"$browser/jar"
    start "$browser" status liar >"$browser/begun"
    state=$(parameter state "$(jq -r .location "$browser/begun")")
}

@test "idb-oidc-callback: a secret that is missing, open to all, or no secret" {
    chmod 644 "$IDB_KEYS/web/liar.secret"
    back "code=hush&state=$state" 78
    refuses key_rights
    [[ $(json message) == *chmod* ]]
    begin_with secret hush
    rm "$IDB_KEYS/web/liar.secret"
    back "code=hush&state=$state" 78
    refuses key_missing
    while read -r secret word; do
        begin_with secret hush
        printf %b "$secret" >"$IDB_KEYS/web/liar.secret"
        back "code=hush&state=$state" 78
        refuses "$word"
    done <<'END'
\n key_corrupt
\x01 key_corrupt
hush\x00 key_corrupt
hush\x00\n key_corrupt
hush\nhush client_key
hush\rhush client_key
END
    asked 0
}

@test "idb-oidc-callback: a client key that is no JWK, or of another kind" {
    jq '.liar.method += { client_auth: "private_key_jwt", client_alg: "ES256" }' "$CLIENTS" >"$CLIENTS.new"
    mv "$CLIENTS.new" "$CLIENTS"
    login_instance
    good=$(make_jwk)
    begin_with jwk "$good"
    before=$(snapshot)
    for key in hush '[]' '{"kty":"oct","k":"aHVzaA"}' '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}' \
        '{"kty":"EC","kty":"EC"}' $'{"kty":"EC",\n"crv":"P-256"}'; do
        begin_with jwk "$good"
        printf '%s\n' "$key" >"$IDB_KEYS/web/liar.jwk"
        back "code=hush&state=$state" 78
        refuses client_key
    done
    asked 0
}

# ---- requests ----

@test "idb-oidc-callback: requests that are none" {
    while read -r request word; do
        run --separate-stderr -65 idb-oidc-callback <<<"$request"
        [ "$(json error)" = "$word" ]
    done <<'END'
{} bad_request
{"method":"liar"} bad_state
{"method":"liar","query":1} bad_request
{"method":"liar","query":""} bad_state
{"method":"liar","query":"state=a","offer":"b"} bad_request
{"method":"liar","query":"state=%zz"} bad_form
{"method":"liar","query":"state=a"} bad_state
END
    run --separate-stderr -65 idb-oidc-callback <<<'{"error":"bad_path","message":"There is no such page."}'
    [ "$output" = '{"error":"bad_path","message":"There is no such page."}' ]
}

@test "idb-oidc-callback: as CGI" {
    HTTP_COOKIE=$(jar "$browser") QUERY_STRING="state=$state&error=access_denied"
    export PATH_INFO=/liar HTTP_COOKIE QUERY_STRING
    answer=$(CONTENT_TYPE='' CONTENT_LENGTH='' cgi idb-oidc-callback GET)
    [[ $answer == *'Status: 200'* ]]
    [[ $answer == *'Cache-Control: no-store'* ]]
    [[ $answer == *'Set-Cookie: __Host-idb-login-'*'=; Path=/; Max-Age=0'* ]]
    [ "$(sed '1,/^$/d' <<<"$answer" | jq -r .error)" = login_cancelled ]
    QUERY_STRING="state=$(a_lot 43)&code=hush"
    answer=$(CONTENT_TYPE='' CONTENT_LENGTH='' cgi idb-oidc-callback GET)
    [[ $answer == *'Status: 400'* && $answer != *hush* ]]
}
