# Helpers for what logs in: `load lib`, `load life`, then `load op/login`.
# shellcheck shell=bash

PROVIDER=${IDB_ROOT:?}/scripts/provider

# free_port: a port of the loopback address that nobody listens on.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    printf '%s\n' "$port"
}

# provider_start [NAME]: for setup_file; a provider whose files are in
# $BATS_FILE_TMPDIR/NAME. Sets ISSUER.
provider_start() {
    local dir=$BATS_FILE_TMPDIR/${1-op} port
    for _ in 1 2 3; do
        port=$(free_port)
        export ISSUER=http://127.0.0.1:$port
        "$PROVIDER" start "$dir" "$port" "$ISSUER" 3>&- && return
    done
    return 1
}

# provider_stop [NAME], provider_restart [NAME]: the latter at the same address.
provider_stop() { "$PROVIDER" stop "$BATS_FILE_TMPDIR/${1-op}"; }
provider_restart() {
    "$PROVIDER" start "$BATS_FILE_TMPDIR/${1-op}" "${ISSUER##*:}" "$ISSUER" 3>&-
}

# login_instance [JQ]: idb_instance with the methods of the provider's clients,
# each for every purpose, their secrets in the key directory. JQ changes the
# configuration.
login_instance() {
    local clients=${CLIENTS-$BATS_FILE_TMPDIR/op/clients.json} methods
    methods=$(jq -c 'map_values(.method)' "$clients") || return
    idb_instance ".methods = $methods
        | .attributes.postal_code = { label: { nl: \"Postcode\", en: \"Postal code\" } }
        | .methods[].claims.postal_code = \"address.postal_code\"
        | .purposes.status.consent = { id: \"status-1\", text: { nl: \"Akkoord?\", en: \"Agreed?\" } }
        | .purposes[].methods = (.methods | keys) | ${1-.}" || return
    login_keys "$clients"
}

# login_keys CLIENTS: writes the secrets.
login_keys() {
    local name bytes
    while IFS=$'\t' read -r name bytes; do
        (umask 077 && base64 -d <<<"$bytes" >"$IDB_KEYS/web/$name")
    done < <(jq -r 'to_entries[] | .key as $method | .value
        | ([.secret, "secret"], [.jwk, "jwk"], [.enc, "enc.jwk"], [.pem, "pem"]) | select(.[0])
        | "\($method).\(.[1])\t\(.[0] | "\(.)\n" | @base64)"' "$1")
}

# A browser is a folder: jar, the cookies of our website; op, those of the
# provider.

# browser_new NAME: prints the folder of an empty one.
browser_new() {
    local dir=$BATS_TEST_TMPDIR/browser-$1
    rm -rf "$dir"
    mkdir "$dir"
    : >"$dir/jar"
    printf '%s\n' "$dir"
}

# keep BROWSER ANSWER: stores the answer's Set-Cookie values, each a line
# "name=value" of the jar; Max-Age=0 takes one away.
keep() {
    local line name
    [[ $2 == *'"cookies"'* ]] || return 0
    while read -r line; do
        name=${line%%=*}
        grep -v -F "$name=" "$1/jar" >"$1/jar.new" || true
        mv "$1/jar.new" "$1/jar"
        [[ $line == *'; Max-Age=0;'* ]] || printf '%s\n' "${line%%;*}" >>"$1/jar"
    done < <(jq -r '.cookies // [] | .[]' <<<"$2")
}

# jar BROWSER: its Cookie header.
jar() { paste -sd ';' "$1/jar" | sed 's/;/; /g'; }

# ask BROWSER PROGRAM [JQ]: one request with that browser's cookies; prints the
# answer, keeps its cookies, and has the program's exit status.
ask() {
    local answer status=0
    answer=$(jq -nRc --rawfile jar "$1/jar" '{}
        + ($jar | split("\n") | map(select(. != "")) | join("; ")
           | if . == "" then {} else { cookies: . } end) | '"${3-.}" | "$2") || status=$?
    keep "$1" "$answer"
    printf '%s\n' "$answer"
    return "$status"
}

# start BROWSER PURPOSE METHOD: begins a login; prints the answer.
start() { ask "$1" idb-oidc-start ". + { purpose: \"$2\", method: \"$3\" }"; }

# at_provider BROWSER LOCATION FORM: what a person does there: opens the address,
# posts the form (user=anna, cancel=yes), follows back. Prints where the browser
# is sent in the end, the callback with its query.
at_provider() {
    local at page
    page=$(curl -sS -L -o "$1/page" -w '%{url_effective}' -c "$1/op" -b "$1/op" "$2") || return
    at=$(curl -sS -o "$1/page" -w '%{redirect_url}' -c "$1/op" -b "$1/op" -d "$3" "$page") || return
    curl -sS -o "$1/page" -w '%{redirect_url}\n' -c "$1/op" -b "$1/op" "$at"
}

# callback BROWSER URL [METHOD]: what our website does with that address; METHOD
# where it is another than the address says.
callback() {
    local path=${2%%\?*} query=${2#*\?}
    jq -nc --arg method "${3-${path##*/}}" --arg query "$query" '{ method: $method, query: $query }' \
        >"$1/request"
    ask "$1" idb-oidc-callback ". + $(cat "$1/request")"
}

# log_in BROWSER PURPOSE METHOD FORM: a login from start to consent page; prints
# the callback's answer.
log_in() {
    local begun at
    begun=$(start "$1" "$2" "$3") || return
    at=$(at_provider "$1" "$(member location "$begun")" "$4") || return
    printf '%s\n' "$at" >"$1/at"
    callback "$1" "$at"
}

# consent BROWSER OFFERED: agrees; prints idb-issue's answer.
consent() {
    jq -c '{ offer, consent: true }' <<<"$2" >"$1/request"
    ask "$1" idb-issue ". + $(cat "$1/request")"
}

# parameter NAME URL: one parameter of a query, decoded.
parameter() {
    printf '%s' "$2" | QUERY_STRING=${2#*\?} REQUEST_METHOD=GET idb-request |
        jq -r --arg name "$1" '.query[$name] // empty'
}

# ---- a provider that does as it is told ----

# liar_start: for setup; answers from $LIAR, a folder, at $LIAR_URL, which is also
# its issuer; only its metadata is there. CLIENTS is then what login_instance
# takes: one method, "liar". liar_stop: for teardown.
liar_start() {
    local port
    LIAR=$BATS_TEST_TMPDIR/liar
    mkdir -p "$LIAR"
    : >"$LIAR/log"
    port=$(free_port)
    LIAR_URL=http://127.0.0.1:$port
    socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" \
        "EXEC:$IDB_ROOT/tests/op/responder $LIAR" 3>&- 2>/dev/null &
    LIAR_PID=$!
    until (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        kill -0 "$LIAR_PID" || return # somebody else took the port
        sleep 0.02
    done
    liar_metadata
    CLIENTS=$LIAR/clients.json
    jq -n --arg issuer "$LIAR_URL" '{ liar: { secret: "hush", method: {
        label: { nl: "L", en: "L" }, issuer: $issuer, client_id: "id-bellen",
        client_auth: "client_secret_basic", id_token_alg: "RS256",
        claims: { bsn: "bsn", name: "name" },
        level: { claim: "acr", values: { low: "low", medium: "substantial" } } } } }' >"$CLIENTS"
    export LIAR LIAR_URL CLIENTS
}
liar_stop() { [ -z "${LIAR_PID-}" ] || kill "$LIAR_PID" 2>/dev/null || true; }

# liar_says PATH STATUS TYPE BODY [HEADER…]: what it answers to that path, not to be
# kept unless a header says for how long.
liar_says() {
    local path=$1 status=$2 type=$3 body=$4
    shift 4
    {
        printf 'HTTP/1.1 %s X\r\nContent-Type: %s\r\nConnection: close\r\n' "$status" "$type"
        [[ ${*,,} == *cache-control* ]] || printf 'Cache-Control: no-store\r\n'
        [ $# = 0 ] || printf '%s\r\n' "$@"
        printf '\r\n%s' "$body"
    } >"$LIAR/${path//\//_}"
}

# liar_metadata [JQ]: its metadata, changed by JQ.
liar_metadata() {
    liar_says .well-known/openid-configuration 200 application/json "$(jq -nc --arg u "$LIAR_URL" '{
        issuer: $u, authorization_endpoint: "\($u)/auth", token_endpoint: "\($u)/token",
        jwks_uri: "\($u)/jwks", userinfo_endpoint: "\($u)/me" } | '"${1-.}")"
}

# liar_asked PATH: how often it was asked for that.
liar_asked() { grep -c " /$1\$" "$LIAR/log" || true; }
