#!/usr/bin/env bats
# The plain build only: what is tested here is a document; the programs have their own.
# openapi.json is OpenAPI 3.1, and true: all that the cases of this file get over HTTP is
# in it, and all that is in it they get. The last case looks.

load ../lib
load ../op/lib
load ../site
load lib

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance '.store.wait_ms = 300 | .throttle = { total: 100000, per_caller: 1000 }
        | .purposes.status.queue = "status-desk"'
    # A code of eleven minutes ago, and a store that is older.
    rm -r "$IDB_KEYS"
    store_gone
    at_offset -12m idb-keys create >/dev/null
    at_offset -12m idb-store create >/dev/null
    EXPIRED=$(code_of "$(at_offset -11m issue_status)")
    export EXPIRED
    site_up "$BATS_FILE_TMPDIR/site" phone
    nginx_up
    export SEEN=$BATS_FILE_TMPDIR/seen
}

setup() { SERVER=$PHONE; }

teardown() { "$IDB_ROOT/scripts/site" stop "$BATS_TEST_TMPDIR/site"; }

teardown_file() {
    servers_down
    site_down
}

# exchange METHOD PATH BODY [curl option…]: asks SERVER, and notes what was seen.
exchange() {
    local method=$1 path=$2 request=$3 type
    shift 3
    [ -z "$request" ] || set -- "$@" -H 'Content-Type: application/json' --data-binary "$request"
    fetch "$SERVER$path" -X "$method" "$@"
    type=$(header Content-Type)
    printf '%s' "$body" | jq -Rsc --arg method "$method" --arg path "${path%%\?*}" --arg request "$request" \
        --arg status "$status_code" --arg type "${type%%;*}" \
        '{ $method, $path, $request, status: ($status | tonumber), $type, body: . }' >>"$SEEN"
}

# asks PATH JSON RESULT; refused PATH JSON WORD: by the password.
asks() {
    exchange POST "$1" "$2" -u pbx:secret
    is 200 "$3"
}

refused() {
    exchange POST "$1" "$2" -u pbx:secret
    is 400 "$3"
}

# everywhere STATUS WORD [curl option…]: all four addresses answer so.
everywhere() {
    local expected=$1 word=$2 path
    shift 2
    for path in /verify /transfer /end; do
        exchange POST "$path" "$(example "$path")" "$@"
        is "$expected" "$word"
    done
    exchange GET /health '' "$@"
    is "$expected"
}

# example PATH: a request that the document shows.
example() {
    jq -c --arg path "$1" 'first(.paths[$path].post.requestBody.content["application/json"].examples[]).value' \
        "$IDB_ROOT/scripts/phone/openapi.json"
}

@test "openapi: every result of a code" {
    local first second
    first=$(code_of "$(issue_status)")
    second=$(code_of "$(issue_status)")
    asks /verify "{\"code\":\"$(mistyped_code "$first")\",\"call_id\":\"v-1\"}" mistyped
    asks /verify "{\"code\":\"$(wrong_code "$first")\",\"call_id\":\"v-1\",\"caller\":\"\"}" wrong
    asks /verify "{\"code\":\"$first\",\"call_id\":\"v-1\",\"caller\":\"+31612345678\"}" accepted
    [ "$(member queue "$body")" = status-desk ]
    # The same again is the same.
    asks /verify "{\"code\":\"$first\",\"call_id\":\"v-1\",\"caller\":\"+31612345678\"}" accepted
    asks /verify "{\"code\":\"$first\",\"call_id\":\"v-2\"}" used
    asks /verify "{\"code\":\"$second\",\"call_id\":\"v-1\"}" call_bound
    asks /end '{"call_id":"v-1"}' ended
    asks /verify "{\"code\":\"$second\",\"call_id\":\"v-1\"}" call_ended
    for _ in 1 2 3; do
        asks /verify "{\"code\":\"$(wrong_code "$first")\",\"call_id\":\"v-3\"}" wrong
    done
    asks /verify "{\"code\":\"$second\",\"call_id\":\"v-3\"}" throttled
    asks /verify "{\"code\":\"$EXPIRED\",\"call_id\":\"v-4\"}" expired
}

@test "openapi: every result of a transfer and of an end" {
    local code
    code=$(code_of "$(issue_status)")
    asks /verify "{\"code\":\"$code\",\"call_id\":\"t-1\"}" accepted
    asks /transfer '{"call_id":"t-1","to_call_id":"t-2"}' transferred
    asks /transfer '{"call_id":"t-1","to_call_id":"t-2"}' transferred
    asks /transfer '{"call_id":"t-0","to_call_id":"t-3"}' unknown_call
    asks /transfer '{"call_id":"t-1","to_call_id":"t-3"}' call_ended
    asks /transfer '{"call_id":"t-2","to_call_id":"t-1"}' call_in_use
    lookup_as alice '{"line":"kcc","call_id":"t-2"}' >/dev/null
    asks /end '{"call_id":"t-2"}' wrap_up
    asks /end '{"call_id":"t-2"}' wrap_up
    asks /end '{"call_id":"t-9"}' ended
    asks /end '{}' no_cookie
}

@test "openapi: the limits of the schemas are those of the programs" {
    # long N: that many characters.
    long() { printf "%0$1d" 0; }
    asks /verify "{\"code\":\"$(long 64)\",\"call_id\":\"l-1\"}" mistyped
    refused /verify "{\"code\":\"$(long 65)\",\"call_id\":\"l-1\"}" bad_code
    asks /verify '{"code":"1 2.3*#","call_id":"l-1"}' mistyped
    refused /verify '{"code":"12a","call_id":"l-1"}' bad_code
    refused /verify '{"code":" ","call_id":"l-1"}' bad_request
    refused /verify '{"code":"","call_id":"l-1"}' bad_request
    refused /verify '{"code":1234567890,"call_id":"l-1"}' bad_request
    refused /verify '{"code":null,"call_id":"l-1"}' bad_request
    refused /verify '{"call_id":"l-1"}' bad_request
    refused /verify '{"code":"12"}' bad_request
    refused /verify '{"code":"12","call_id":"l-1","line":"kcc"}' bad_request
    refused /verify '{"code":"12","call_id":"l-1","extra":true}' bad_request
    refused /verify '[]' bad_request
    refused /verify '{"code":' bad_json
    asks /verify "{\"code\":\"12\",\"call_id\":\"l-1\",\"caller\":\"$(long 256)\"}" mistyped
    refused /verify "{\"code\":\"12\",\"call_id\":\"l-1\",\"caller\":\"$(long 257)\"}" bad_request
    asks /verify '{"code":"12","call_id":"l-1","caller":"anonymous"}' mistyped
    refused /verify '{"code":"12","call_id":"l-1","caller":"\u0007"}' bad_request
    refused /verify '{"code":"12","call_id":"l-1","caller":" "}' bad_request
    asks /verify "{\"code\":\"12\",\"call_id\":\"$(long 255)\"}" mistyped
    refused /verify "{\"code\":\"12\",\"call_id\":\"$(long 256)\"}" bad_call_id
    refused /verify '{"code":"12","call_id":"a b"}' bad_call_id
    refused /verify '{"code":"12","call_id":"é"}' bad_call_id
    refused /verify '{"code":"12","call_id":""}' bad_request
    asks /transfer "{\"call_id\":\"x\",\"to_call_id\":\"$(long 255)\"}" unknown_call
    refused /transfer "{\"call_id\":\"x\",\"to_call_id\":\"$(long 256)\"}" bad_call_id
    refused /transfer '{"call_id":"x","to_call_id":"x"}' bad_call_id
    refused /transfer '{"call_id":"x"}' bad_request
    refused /transfer '{"call_id":"x","to_call_id":"y","line":"kcc"}' bad_request
    asks /end "{\"call_id\":\"$(long 255)\"}" ended
    refused /end "{\"call_id\":\"$(long 256)\"}" bad_call_id
    refused /end '{"call_id":5}' bad_request
    refused /end '{"call_id":"x","line":"kcc"}' bad_request
    exchange GET '/health?x=1' '' -u pbx:secret
    is 400 bad_query
    refused '/end?x=1' '{"call_id":"x"}' bad_query
}

@test "openapi: what HTTP itself refuses" {
    local path
    everywhere 401 not_authenticated -H 'Authorization: Bearer none'
    everywhere 403 not_permitted -u alice:secret
    for path in /verify /transfer /end; do
        exchange POST "$path" '{}'
        [ "$status_code" = 401 ]
        exchange GET "$path" '' -u pbx:secret
        is 405 bad_method
        [ "$(header Allow)" = POST ]
        exchange POST "$path" "$(printf '%65537s' x)" -u pbx:secret "${ask_first[@]}"
        [ "$status_code" = 413 ]
        exchange POST "$path" '' -u pbx:secret -H 'Content-Type: text/plain' --data x
        is 415 bad_type
    done
    exchange DELETE /health '' -u pbx:secret
    is 405 bad_method
    [ "$(header Allow)" = 'GET, POST' ]
}

@test "openapi: past the rate, where the web server has one" {
    local i path method seen
    for path in /verify /transfer /end /health; do
        seen=$(for ((i = 0; i < 100; i++)); do
            printf 'url = "%s%s"\noutput = /dev/null\n' "$NGINX" "$path"
        done | curl -s --http1.1 --cacert "$SITE/cert.pem" -w '%{http_code} %{content_type}\n' -K - | grep -m 1 '^429 ')
        method=POST
        [ "$path" != /health ] || method=GET
        jq -nc --arg method "$method" --arg path "$path" --arg type "${seen#* }" \
            '{ $method, $path, request: "", status: 429, $type, body: "" }' >>"$SEEN"
    done
}

@test "openapi: what is broken below" {
    exchange GET /health '' -u pbx:secret
    is 200 ok
    # A configuration that is none.
    cp "$IDB_CONFIG" "$BATS_TEST_TMPDIR/kept"
    echo '{"canary":1}' >"$IDB_CONFIG"
    everywhere 500 config_invalid -u pbx:secret
    cp "$BATS_TEST_TMPDIR/kept" "$IDB_CONFIG"
    # A store that somebody else holds.
    hold_lock
    everywhere 503 "$BUSY" -u pbx:secret
    [ "$(header Retry-After)" = 2 ]
    release_lock
}

@test "openapi: a disk that cannot be written" {
    needs_root
    local dir=$BATS_TEST_TMPDIR/site port
    mkdir -p "$dir"/{log,conf}
    ln -s "$SITE"/{libexec,share,tls.pem,cert.pem,users} "$dir"
    port=$(free_port)
    unshare -m --propagation private sh -c '
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && "$2/scripts/site" start "$3" phone "$4"' \
        sh "${IDB_STORE%/*}" "$IDB_ROOT" "$dir" "$port" 3>&-
    SERVER=https://localhost:$port
    everywhere 502 store_read_only -u pbx:secret
}

@test "openapi: the document is valid, true and complete" {
    run --separate-stderr "$NODE" "$IDB_ROOT/tests/http/openapi.mjs" \
        "$IDB_ROOT/scripts/phone/openapi.json" "$SEEN" "$IDB_ROOT/build/provider"
    printf '%s\n' "$output" "$stderr"
    [ "$status" = 0 ]
    [ -z "$output$stderr" ]
    [ "idb-verify $(jq -r .info.version "$IDB_ROOT/scripts/phone/openapi.json")" = "$(idb-verify --version | head -n 1)" ]
    # Its error words have the statuses that idb-errors(7) gives them.
    WORDS=1 run --separate-stderr -0 "$NODE" "$IDB_ROOT/tests/http/openapi.mjs" \
        "$IDB_ROOT/scripts/phone/openapi.json" "$SEEN" "$IDB_ROOT/build/provider"
    [ "${#lines[@]}" -gt 50 ]
    while read -r status word; do
        page=$(grep -A1 "^\.It Sy $word No" "$IDB_ROOT/man/idb-errors.7" | head -n 1) || true
        [ "$status" != 200 ] || [ -n "$page" ] || continue # a result
        [ "$word" != broken ] || continue
        [[ $page == *HTTP*"$status"* ]] || { echo "$word is not of $status: $page"; false; }
    done <<<"$output"
}
