# What a login's way back costs, beside two requests by curl (curl.sh) to the same
# provider, for tests/bench/run. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets

# A provider over https, whose metadata and keys are in the cache, and people who have
# logged in there; the codes that they bring back serve once, and for a minute.
prepare_logins() {
    local port i browser
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=op \
        -addext subjectAltName=DNS:localhost -keyout op.key -out op.pem 2>/dev/null
    port=$(free_port)
    "$PROVIDER" start op "$port" "https://localhost:$port" --tls op.pem op.key >/dev/null
    login_instance ".methods[].ca = \"$PWD/op.pem\"" >/dev/null
    export CURL_CA_BUNDLE=$PWD/op.pem ISSUER=https://localhost:$port
    browser=$(browser_new first)
    log_in "$browser" status digid user=anna >first.answer
    for ((i = 0; i < logins; i++)); do
        browser=$(browser_new "$i")
        start "$browser" status digid >"$browser/begun"
        at_provider "$browser" "$(jq -r .location "$browser/begun")" user=anna >"$browser/at"
        jq -nc --rawfile at "$browser/at" --arg cookies "$(jar "$browser")" \
            '{ method: "digid", query: ($at | rtrimstr("\n") | split("?")[1]), cookies: $cookies }'
    done | split_input callback
}

measure_logins() {
    prepare_logins
    "$spawn" callback "$logins" callback "$IDB_BUILD/idb-oidc-callback" \
        -- curl "$logins" - "$root/tests/bench/curl.sh" "$ISSUER/.well-known/openid-configuration" \
        "$ISSUER/jwks"
    [ "$(grep -c '"value":"999990019"' callback.out)" = "$logins" ]
}
