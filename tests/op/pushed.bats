#!/usr/bin/env bats
# Logins whose requests are pushed (RFC 9126), at a provider that takes no others, over
# https; and a client that shows a certificate (RFC 8705).

load ../lib
load lib
load ../life
load login

setup_file() {
    export TLS=$BATS_FILE_TMPDIR/tls port
    mkdir "$TLS"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=op \
        -addext subjectAltName=DNS:localhost -keyout "$TLS/key" -out "$TLS/cert" 2>/dev/null
    for _ in 1 2 3; do
        port=$(free_port)
        "$PROVIDER" start "$BATS_FILE_TMPDIR/op" "$port" "https://localhost:$port" \
            --tls "$TLS/cert" "$TLS/key" --par 3>&- && return
    done
    return 1
}
teardown_file() { provider_stop; }

setup() {
    login_instance ".methods[].ca = \"$TLS/cert\""
    browser=$(browser_new one)
    export CURL_CA_BUNDLE=$TLS/cert # for the browser, not for us
}

# whole METHOD: the browser carries no more than who asks and where the request is;
# the login ends with a code.
whole() {
    run --separate-stderr -0 start "$browser" status "$1"
    [[ $(json location) =~ ^https://localhost:$port/auth\?client_id=[^\&]+\&request_uri=urn[^\&]+$ ]]
    at=$(at_provider "$browser" "$(json location)" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    [ "$(json '.attributes[0].value') $(json .auth.level)" = '999990019 substantial' ]
    run --separate-stderr -0 consent "$browser" "$output"
    run --separate-stderr -0 verify "$(json code)" call-1
}

@test "pushed: with a secret" { whole digid; }
@test "pushed: with a secret in the form" { whole post; }
@test "pushed: with a private key" { whole broker; }
@test "pushed: with a certificate" { whole mtls; }

@test "pushed: another secret, another key, another certificate: nobody is sent there" {
    printf 'another\n' >"$IDB_KEYS/web/digid.secret"
    cp "$IDB_KEYS/web/digid.secret" "$IDB_KEYS/web/post.secret"
    jq -c '.alg = "PS256"' "$IDB_KEYS/web/nlgov.jwk" >"$IDB_KEYS/web/broker.jwk"
    cat "$TLS/key" "$TLS/cert" >"$IDB_KEYS/web/mtls.pem"
    for method in digid post broker mtls; do
        run --separate-stderr -69 start "$browser" status "$method"
        [ "$(json error)" = provider_refused ]
        [ ! -s "$browser/jar" ]
    done
}

@test "pushed: a certificate without its key, or none at all, is named before anybody is sent away" {
    cp "$IDB_KEYS/web/mtls.pem" "$BATS_TEST_TMPDIR/pem"
    sed '/PRIVATE KEY/,/PRIVATE KEY/d' "$BATS_TEST_TMPDIR/pem" >"$IDB_KEYS/web/mtls.pem"
    run --separate-stderr -78 start "$browser" status mtls
    [ "$(json error)" = client_key ]
    cat "$TLS/key" >"$IDB_KEYS/web/mtls.pem"
    run --separate-stderr -78 start "$browser" status mtls
    [ "$(json error)" = client_key ]
    { cat "$TLS/key" && sed -n '/BEGIN CERT/,$p' "$BATS_TEST_TMPDIR/pem"; } >"$IDB_KEYS/web/mtls.pem"
    run --separate-stderr -78 start "$browser" status mtls
    [ "$(json error)" = client_key ]
    rm "$IDB_KEYS/web/mtls.pem"
    run --separate-stderr -78 start "$browser" status mtls
    [ "$(json error)" = key_missing ]
}
