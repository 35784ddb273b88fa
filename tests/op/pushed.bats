#!/usr/bin/env bats
# With --long alone: the quick ones of its kind are run each time.
# On PostgreSQL with --long
# Sanitized with --long: it drives programs that have sanitized tests of their own.
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
        -addext subjectAltName=IP:127.0.0.1 -keyout "$TLS/key" -out "$TLS/cert" 2>/dev/null
    for _ in 1 2 3; do
        port=$(free_port)
        "$PROVIDER" start "$BATS_FILE_TMPDIR/op" "$port" "https://127.0.0.1:$port" \
            --tls "$TLS/cert" "$TLS/key" --par 3>&- && return
    done
    return 1
}
teardown_file() { provider_stop; }
teardown() { proxy_stop; }

setup() {
    login_instance ".methods[].ca = \"$TLS/cert\""
    browser=$(browser_new one)
    export CURL_CA_BUNDLE=$TLS/cert # for the browser, not for us
}

# whole METHOD [CALL]: the browser carries no more than who asks and where the request is;
# the login ends with a code.
whole() {
    run --separate-stderr -0 start "$browser" status "$1"
    [[ $(json location) =~ ^https://127\.0\.0\.1:$port/auth\?client_id=[^\&]+\&request_uri=urn[^\&]+$ ]]
    at=$(at_provider "$browser" "$(json location)" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    [ "$(json '.attributes[0].value') $(json .auth.level)" = '999990019 substantial' ]
    run --separate-stderr -0 consent "$browser" "$output"
    run --separate-stderr -0 verify "$(json code)" "${2-call-1}"
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

# ---- a proxy on the way ----

# proxy_start: tinyproxy, which lets nobody through but to the provider; what it was
# asked stands in $BATS_TEST_TMPDIR/proxy.log.
proxy_start() {
    proxy_port=$(free_port)
    printf '%s\n' "Port $proxy_port" 'Listen 127.0.0.1' 'MaxClients 20' 'Allow 127.0.0.1' \
        "ConnectPort $port" 'LogLevel Connect' "LogFile \"$BATS_TEST_TMPDIR/proxy.log\"" \
        >"$BATS_TEST_TMPDIR/proxy.conf"
    tinyproxy -d -c "$BATS_TEST_TMPDIR/proxy.conf" >/dev/null 2>&1 3>&- &
    PROXY_PID=$!
    until (: <"/dev/tcp/127.0.0.1/$proxy_port") 2>/dev/null; do
        kill -0 "$PROXY_PID" || return
        sleep 0.02
    done
}
proxy_stop() {
    [ -z "${PROXY_PID-}" ] || kill "$PROXY_PID" 2>/dev/null || true
    PROXY_PID=''
}

# through: how often the proxy was asked for a tunnel to the provider; nothing else is
# asked of it.
through() {
    [ -z "$(grep 'Request' "$BATS_TEST_TMPDIR/proxy.log" | grep -v "CONNECT 127.0.0.1:$port HTTP/1.1")" ]
    grep -c "CONNECT 127.0.0.1:$port HTTP/1.1" "$BATS_TEST_TMPDIR/proxy.log" || true
}

@test "proxy: only where the configuration names one, whatever the environment says" {
    proxy_start
    export https_proxy=http://127.0.0.1:$proxy_port HTTPS_PROXY=http://127.0.0.1:$proxy_port
    export ALL_PROXY=http://127.0.0.1:$proxy_port
    run --separate-stderr -0 idb-oidc-start <<<'{"purpose":"status","method":"digid"}'
    [ "$(through)" = 0 ]
    unset https_proxy HTTPS_PROXY ALL_PROXY
    login_instance ".methods[].ca = \"$TLS/cert\" | .methods[].proxy = \"http://127.0.0.1:$proxy_port\""
    whole digid
    # Metadata, the pushed request, the token, the keys and userinfo.
    [ "$(through)" = 5 ]
    whole mtls call-2
    [ "$(through)" = 10 ]
    # It is not gone around.
    proxy_stop
    rm "${IDB_CONFIG%/*}"/cache/*
    run --separate-stderr -69 start "$browser" status digid
    [ "$(json error)" = provider_down ]
}
