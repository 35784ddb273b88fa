#!/usr/bin/env bats
# On PostgreSQL with --long
# With --long alone: tests/idb-serve.bats has SCGI by itself, each time.
# Sanitized with --long: three foreign web servers before one program.
# The phone zone behind lighttpd, nginx and Apache once more, each with one idb-serve that
# stays behind it: to clients nothing is different.

load ../lib
load ../site
load lib
load clients

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance
    site_up "$BATS_FILE_TMPDIR/site" phone
    export SCGI=$BATS_FILE_TMPDIR/scgi
    serve_up
    lighttpd_up
    nginx_up
    apache_up
    token
}

teardown_file() {
    servers_down
    [ ! -e "$SITE/serve.pid" ] || serve_down
    site_down
}

# What was asked went to idb-serve: no program of the addresses is there any more.
setup() {
    rm -f "$SITE"/libexec/idb-{verify,transfer,end}.cgi
}

# A token is good until it is revoked, at once.
forgets_a_token() {
    local good=$TOKEN bearer=$BEARER id
    token
    id=$(idb-keys list | jq -r '.[] | select(.file == "tokens").keys | last.id') || return
    fetch "$SERVER/verify" -K "$BEARER" -H 'Content-Type: application/json' --data "$mistyped"
    is 200 mistyped
    idb-keys revoke "$id" >"$BATS_TEST_TMPDIR/revoked"
    fetch "$SERVER/verify" -K "$BEARER" -H 'Content-Type: application/json' --data "$mistyped"
    is 401 not_authenticated
    TOKEN=$good BEARER=$bearer
}

# Bodies of all lengths that may be, whole, in pieces and without their length.
takes_bodies() {
    local file=$BATS_TEST_TMPDIR/body
    { printf '%s' "$mistyped"; head -c $((65536 - ${#mistyped})) /dev/zero | tr '\0' ' '; } >"$file"
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' --data-binary "@$file"
    is 200 mistyped
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' --data-binary "@$file" \
        --limit-rate 65536
    is 200 mistyped
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
        --data-raw "$mistyped"
    [[ $status_code == 200 || $status_code == 4* ]] || { printf '%s\n' "$output"; return 1; }
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' --data-raw ''
    is 400 bad_json
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' --data-raw '{"code":'
    is 400 bad_json
}

# Many at once, and each gets its own answer.
keeps_answers_apart() {
    local i path json dir=$BATS_TEST_TMPDIR/many
    mkdir "$dir"
    for ((i = 1; i <= 20; i++)); do
        path=end json="{\"call_id\":\"e-$i\"}"
        [ $((i % 2)) = 0 ] || path=verify json="{\"code\":\"12\",\"call_id\":\"$1-many-$i\"}"
        printf 'next\nurl = "%s"\noutput = "%s"\ndata = "%s"\n' "$SERVER/$path" "$dir/$i" "${json//\"/\\\"}"
        printf '%s\n' 'user = "pbx:secret"' 'header = "Content-Type: application/json"' \
            http1.1 "cacert = \"$SITE/cert.pem\""
    done | sed 1d >"$dir/curl"
    run -0 curl -sS -Z --parallel-max 20 -K "$dir/curl"
    for ((i = 1; i <= 20; i++)); do
        [ "$(jq -r .result "$dir/$i")" = "$([ $((i % 2)) = 0 ] && echo ended || echo mistyped)" ]
    done
}

# is_down: an answer that says: try again, and is kept by nobody.
is_down() {
    [[ $status_code == 50[23] ]] || { printf '%s\n' "$output"; return 1; }
    [ "$(header Cache-Control)" = no-store ]
}

# Without idb-serve it says so, and as soon as that is there again all is well; what was
# asked while it was killed was not done.
survives_its_end() {
    local code call=$1 asked="$BATS_TEST_TMPDIR/asked" pid
    code=$(code_of "$(issue_status)")
    post /verify "$mistyped"
    is 200 mistyped
    hold_lock
    (
        post /verify "{\"code\":\"$code\",\"call_id\":\"$call\"}"
        # Apache has one answer for an answer that breaks off.
        [[ $status_code == 50[023] ]]
    ) >"$asked" &
    pid=$!
    until_true queued
    serve_down KILL
    release_lock
    wait "$pid" || { cat "$asked"; return 1; }
    # Each process of the server finds it gone.
    for path in /verify /transfer /end /verify /verify /verify /verify /verify /verify /verify; do
        post "$path" '{}'
        is_down
    done
    # Who is a stranger learns nothing of it where the password is asked first.
    fetch "$SERVER/verify" -H 'Content-Type: application/json' --data "$mistyped"
    is 401
    fetch "$SERVER/health" -K "$BEARER"
    is 200 ok
    serve_up
    # lighttpd does not ask one that was gone before a second is over.
    until_true takes "$code" "$call"
    is 200 accepted
    for ((try = 0; try < 8; try++)); do
        post /verify "{\"code\":\"$code\",\"call_id\":\"$call-2\"}"
        [[ $status_code == 200 ]] || { printf '%s\n' "$output"; return 1; }
    done
    fetch "$SERVER/verify" -K "$BEARER" -H 'Content-Type: application/json' --data "$mistyped"
    is 200 mistyped
}

takes() {
    post /verify "{\"code\":\"$1\",\"call_id\":\"$2\"}"
    [[ $status_code == 200 ]]
}

@test "lighttpd before idb-serve: lets in who shows a password or a token, and nobody else" {
    SERVER=$LIGHTTPD
    refuses_strangers
    refuses_two_headers
    lets_clients_in
    forgets_a_token
}

@test "lighttpd before idb-serve: carries a whole call, and its logs nothing of it" {
    SERVER=$LIGHTTPD
    carries_a_call lighttpd-1
    logs_nothing lighttpd
    takes_bodies
    keeps_answers_apart lighttpd
}

@test "lighttpd before idb-serve: says so when that is gone, and goes on when it is back" {
    SERVER=$LIGHTTPD
    survives_its_end lighttpd-2
}

@test "nginx before idb-serve: lets in who shows a password or a token, and nobody else" {
    SERVER=$NGINX
    refuses_strangers
    refuses_two_headers
    lets_clients_in
    forgets_a_token
}

@test "nginx before idb-serve: carries a whole call, and its logs nothing of it" {
    SERVER=$NGINX
    carries_a_call nginx-1
    logs_nothing nginx
    takes_bodies
    keeps_answers_apart nginx
}

@test "nginx before idb-serve: says so when that is gone, and goes on when it is back" {
    SERVER=$NGINX
    survives_its_end nginx-2
}

@test "apache before idb-serve: lets in who shows a password or a token, and nobody else" {
    SERVER=$APACHE
    refuses_strangers
    refuses_two_headers
    lets_clients_in
    forgets_a_token
}

@test "apache before idb-serve: carries a whole call, and its logs nothing of it" {
    SERVER=$APACHE
    carries_a_call apache-1
    logs_nothing apache
    takes_bodies
    keeps_answers_apart apache
}

@test "apache before idb-serve: says so when that is gone, and goes on when it is back" {
    SERVER=$APACHE
    survives_its_end apache-2
}

@test "idb-serve: a body that is too long, which these servers let nobody send, is read and refused" {
    local head='CONTENT_LENGTH|3000000|SCGI|1|REQUEST_METHOD|POST|SCRIPT_NAME|/verify|CONTENT_TYPE|application/json|'
    [ -e "$SITE/serve.pid" ] || serve_up
    { printf '%d:%s,' "${#head}" "$head" | tr '|' '\0'; head -c 3000000 /dev/zero; } >"$BATS_TEST_TMPDIR/request"
    run --separate-stderr -0 socat -t 20 - "UNIX-CONNECT:$SCGI" <"$BATS_TEST_TMPDIR/request"
    [[ $output == 'Status: 413 '*'"error":"too_large"'* ]] || { echo "$output"; false; }
    [ -z "$stderr" ]
}
