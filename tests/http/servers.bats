#!/usr/bin/env bats
# On PostgreSQL with --long
# The plain build only: three foreign web servers before programs that are tested alone.
# The phone zone behind lighttpd, nginx and Apache, each with its own configuration: who
# comes in, what goes through, what is too much.
# shellcheck disable=SC2034 # SERVER is for clients

load ../lib
load ../site
load lib
load clients

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
