#!/usr/bin/env bats
# The plain build only: three foreign web servers before programs that are tested alone.
# The phone zone behind lighttpd, nginx and Apache, each with its own configuration: who
# comes in, what goes through, what is too much.

load ../lib
load ../site
load lib

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance
    site_up "$BATS_FILE_TMPDIR/site" phone
    nginx_up
    apache_up
    token
    slow_begins
}

# slow_begins: a request line to Apache, and then nothing, beside the other cases; leaves
# slow.out and slow.s.
slow_begins() {
    local dir=$BATS_FILE_TMPDIR
    mkfifo "$dir/says"
    {
        exec 9<>"$dir/says"
        printf 'POST /verify HTTP/1.1\r\nHost: localhost\r\n' >&9
        SECONDS=0
        timeout 20 openssl s_client -quiet -connect "127.0.0.1:${APACHE##*:}" -servername localhost \
            <"$dir/says" >"$dir/slow.out" 2>"$dir/slow.err" || true
        echo "$SECONDS" >"$dir/s" && mv "$dir/s" "$dir/slow.s"
    } 3>&- &
}

teardown_file() {
    servers_down
    wait
    site_down
}

mistyped='{"code":"12","call_id":"m-1"}'

# Whoever shows nothing, or nothing that is good, is not let in, whatever other headers
# say.
refuses_strangers() {
    local header headers=()
    for header in 'Remote-User: pbx' 'REMOTE_USER: pbx' 'X-Remote-User: pbx' 'Auth-Type: Basic' \
        'AUTH_TYPE: Basic' 'Remote-Addr: 127.0.0.1' 'X-Forwarded-User: pbx' 'Proxy: http://127.0.0.1:1'; do
        headers+=(-H "$header")
    done
    headers+=(-H 'Content-Type: application/json' --data "$mistyped")
    fetch "$SERVER/verify" "${headers[@]}"
    is 401
    [[ $(header WWW-Authenticate) == Basic* ]]
    local who token scheme
    for who in pbx:wrong nobody:secret pbx: ':'; do
        fetch "$SERVER/verify" "${headers[@]}" -u "$who"
        is 401
    done
    for token in wrong '' "${TOKEN}x" "${TOKEN%?}" "$TOKEN $TOKEN"; do
        fetch "$SERVER/verify" "${headers[@]}" -K - <<<"header = \"Authorization: Bearer $token\""
        is 401
    done
    fetch "$SERVER/verify" "${headers[@]}" -H 'Authorization: Bearer wrong'
    is 401 not_authenticated
    [[ $(header WWW-Authenticate) == Bearer* ]]
    for scheme in Digest Negotiate Basic Bearerx; do
        fetch "$SERVER/verify" "${headers[@]}" -K - <<<"header = \"Authorization: $scheme $TOKEN\""
        [[ $status_code == 40[01] ]] || { printf '%s\n' "$output"; return 1; }
    done
}

# Two headers are never more than one of them.
refuses_two_headers() {
    local basic
    basic=$(printf 'pbx:wrong' | base64)
    for first in 'Bearer wrong' "Basic $basic"; do
        for second in 'Bearer wrong' "Basic $basic"; do
            fetch "$SERVER/verify" -H "Authorization: $first" -H "Authorization: $second" \
                -H 'Content-Type: application/json' --data "$mistyped"
            [[ $status_code == 40[01] ]] || { printf '%s\n' "$output"; return 1; }
        done
    done
}

lets_clients_in() {
    post /verify "$mistyped"
    is 200 mistyped
    fetch "$SERVER/verify" -K "$BEARER" -H 'Remote-User: alice' -H 'Content-Type: application/json' --data "$mistyped"
    is 200 mistyped
    # Schemes have no case (RFC 9110).
    fetch "$SERVER/verify" -H 'Content-Type: application/json' --data "$mistyped" \
        -K - <<<"header = \"Authorization: bearer $TOKEN\""
    is 200 mistyped
    fetch "$SERVER/verify" -u alice:secret -H 'Remote-User: pbx' -H 'Content-Type: application/json' --data "$mistyped"
    is 403 not_permitted
    fetch "$SERVER/health" -K "$BEARER"
    is 200 ok
    [ "$(jq -r .line <<<"$body")" = open ]
    fetch "$SERVER/health" -u pbx:secret
    is 200 ok
    fetch "$SERVER/health"
    is 401
}

# A whole call: the codes go through as they are, and only the addresses that are there.
carries_a_call() {
    local code call=$1
    code=$(code_of "$(issue_status)")
    post /verify "{\"code\":\"$code\",\"call_id\":\"$call\",\"caller\":\"+31612345678\"}"
    is 200 accepted
    [[ $(header Content-Type) == application/json* ]]
    post /transfer "{\"call_id\":\"$call\",\"to_call_id\":\"$call-2\"}"
    is 200 transferred
    post /end "{\"call_id\":\"$call-2\"}"
    is 200 ended
    for path in / /idb-verify.cgi /verify/x /verify/ /Verify /verify.cgi /desk /nl/code /verify%2fx /../verify; do
        post "$path" "$mistyped" --path-as-is
        [[ $status_code == 40[034] ]] || { echo "$path: $status_code"; return 1; }
    done
    post '/verify?x=1' "$mistyped"
    is 400 bad_query
    fetch "$SERVER/verify" -u pbx:secret
    is 405 bad_method
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: text/plain' --data "$mistyped"
    is 415 bad_type
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' --data-binary @- \
        < <(head -c 65537 /dev/zero | tr '\0' ' ')
    [ "$status_code" = 413 ]
}

logs_nothing() {
    local code
    code=$(code_of "$(issue_status)")
    post /verify "{\"code\":\"$code\",\"call_id\":\"canary-$1\",\"caller\":\"+31687654321\"}"
    is 200 accepted
    fetch "$SERVER/verify?canaryquery" -K "$BEARER" -H 'Content-Type: application/json' --data "$mistyped"
    for canary in "$code" canary- canaryquery 687654321 "$TOKEN" secret Bearer; do
        run -1 grep -rF -e "$canary" "$SITE/log"
    done
    run -0 grep -rhE 'POST /verify 200' "$SITE/log"
}

@test "lighttpd: lets in who shows a password or a token, and nobody else" {
    SERVER=$PHONE
    refuses_strangers
    refuses_two_headers
    lets_clients_in
}

@test "lighttpd: carries a whole call, and its logs nothing of it" {
    SERVER=$PHONE
    carries_a_call lighttpd-1
    logs_nothing lighttpd
}

@test "nginx: lets in who shows a password or a token, and nobody else" {
    SERVER=$NGINX
    refuses_strangers
    refuses_two_headers
    lets_clients_in
}

@test "nginx: carries a whole call, and its logs nothing of it" {
    SERVER=$NGINX
    carries_a_call nginx-1
    logs_nothing nginx
}

@test "apache: lets in who shows a password or a token, and nobody else" {
    SERVER=$APACHE
    refuses_strangers
    refuses_two_headers
    lets_clients_in
}

@test "apache: carries a whole call, and its logs nothing of it" {
    SERVER=$APACHE
    carries_a_call apache-1
    logs_nothing apache
}

@test "nginx: one address gets 429 past its rate, and is served again after it" {
    # One connection, so that nothing but the limit is in the way.
    local i
    for ((i = 0; i < 120; i++)); do
        printf 'url = "%s/verify"\noutput = /dev/null\n' "$NGINX"
    done | curl -s --http1.1 --cacert "$SITE/cert.pem" -w '%{http_code}\n' -K - >"$BATS_TEST_TMPDIR/seen"
    [ "$(grep -cx 401 "$BATS_TEST_TMPDIR/seen")" -ge 40 ]
    [ "$(grep -cx 429 "$BATS_TEST_TMPDIR/seen")" -ge 10 ]
    # A second later it has room.
    SERVER=$NGINX
    for ((try = 0; try < 40; try++)); do
        post /verify "$mistyped"
        [ "$status_code" = 429 ] || break
        sleep 0.1
    done
    is 200 mistyped
}

# hold ADDRESS N: N connections that say nothing, in $held.
hold() {
    local port=${1##*:} fd i
    held=()
    for ((i = 0; i < $2; i++)); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port"
        held+=("$fd")
    done
}

let_go() {
    local fd
    for fd in "${held[@]}"; do exec {fd}>&-; done
}

@test "lighttpd: takes no more connections at once than it is told" {
    hold "$PHONE" 64
    run -28 curl -s --max-time 1 --cacert "$SITE/cert.pem" "$PHONE/none"
    let_go
    SERVER=$PHONE
    post /verify "$mistyped"
    is 200 mistyped
}

@test "apache: cuts off who sends slowly" {
    local try dir=$BATS_FILE_TMPDIR
    for ((try = 0; try < 400; try++)); do
        [ ! -e "$dir/slow.s" ] || break
        sleep 0.05
    done
    [ "$(cat "$dir/slow.s")" -lt 15 ]
    grep -q '^HTTP/1.1 408 ' "$dir/slow.out"
}
