# What clients of the phone zone's addresses meet at $SERVER, whichever web server that is
# and whatever answers behind it: `load clients` after lib.
# shellcheck shell=bash

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
    [ "$(member line "$body")" = open ]
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
    refuses_large_body
}

# Who asks first gets 413. Who just sends may find the connection closed in the midst of it,
# before the answer was read: the server does not take in what it refused.
refuses_large_body() {
    local file=$BATS_TEST_TMPDIR/large
    head -c 65537 /dev/zero | tr '\0' ' ' >"$file"
    fetch "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' --data-binary "@$file" \
        "${ask_first[@]}"
    [ "$status_code" = 413 ]
    run --separate-stderr curl -s -o /dev/null -w '%{http_code}' --http1.1 --max-time 20 \
        --cacert "$SITE/cert.pem" "$SERVER/verify" -u pbx:secret -H 'Content-Type: application/json' \
        --data-binary "@$file"
    [[ "$status $output" == @(0 413|5[56] 413|5[56] 000) ]] || { echo "$status $output"; return 1; }
}

logs_nothing() {
    local code
    code=$(code_of "$(issue_status)")
    post /verify "{\"code\":\"$code\",\"call_id\":\"canary-$1\",\"caller\":\"+31687654321\"}"
    is 200 accepted
    fetch "$SERVER/verify?canaryquery" -K "$BEARER" -H 'Content-Type: application/json' --data "$mistyped"
    # A server may keep the lines of its log for some seconds.
    fetch "$SERVER/last-$1" -K "$BEARER"
    until_true grep -rqF "/last-$1" "$SITE/log"
    grep -rqF 'POST /verify 200' "$SITE/log"
    for canary in "$code" canary- canaryquery 687654321 "$TOKEN" secret Bearer; do
        run -1 grep -rF -e "$canary" "$SITE/log"
    done
}
