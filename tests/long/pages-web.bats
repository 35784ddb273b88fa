#!/usr/bin/env bats
# The plain build only: three foreign web servers before programs that are tested alone.
# The residents' pages behind lighttpd, nginx and Apache, each with its own
# configuration: the same addresses, answers and limits, and nothing in the logs.

load ../lib
load ../site
load ../http/lib
load ../http/pages

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    # A provider that is never there: 127.0.0.1 listens to nobody on port 9.
    idb_instance '.methods.counter = { label: { nl: "Balie", en: "Counter" },
            issuer: "https://127.0.0.1:9", client_id: "x", id_token_alg: "ES256",
            client_auth: "client_secret_basic", claims: { name: "name" } }
        | .purposes.appointment.methods = ["counter"] | .invite.per_address = 2'
    site_up "$BATS_FILE_TMPDIR/site" web
    pages_tree
    nginx_pages NGINX web
    apache_pages APACHE web
}

teardown_file() {
    servers_down
    site_down
}

# shows_pages: what a browser opens, and what there is not.
shows_pages() {
    local path
    fetch "$SERVER/nl/start/appointment"
    answered 200 '<html lang="nl">' 'href="../../idb.css"' 'href="../../en/start/appointment"'
    [[ $(header Content-Type) == 'text/html; charset=utf-8' ]]
    [[ $(header Content-Security-Policy) == *"frame-ancestors 'none'"* ]]
    [ "$(header Referrer-Policy)" = strict-origin ]
    fetch "$SERVER/nl/start/appointment" --head
    answered 200
    fetch "$SERVER/callback/counter?code=1&state=2"
    answered 400 '<code>bad_state</code>' 'href="../idb.css"'
    fetch "$SERVER/en/start/status/more/of/it"
    answered 404 '<code>bad_path</code>' 'href="../../../../../idb.css"'
    for path in / /nl /nl/ /none /nl/none /en/lighttpd.conf /nl/page.sh /nl/starts/x /web/start \
        /page.sh /desk /verify /pages/idb.jq /idb.cssx /idb.css/x /codex; do
        fetch "$SERVER$path"
        [[ $status_code == 40[34] ]] || { echo "$path: $status_code"; return 1; }
        own_page "$status_code"
    done
    for path in /nl/..%2fpage.sh /nl/%2e%2e/page.sh /nl/../page.sh /./nl/code '/nl/code;x' /nl/code%00 \
        /.ht '/nl/code%0a'; do
        fetch "$SERVER$path" --path-as-is
        refused 400 403 404
    done
}

# Every script of web has an address, and so has every language.
serves_every_script() {
    local file text lang
    for file in "$IDB_ROOT"/scripts/web/*; do
        file=$(basename "$file")
        [[ $file != *.conf && $file != callback ]] || continue
        fetch "$SERVER/en/$file"
        [ "$status_code" != 404 ] || [[ $body == *'<code>'* ]] || { echo "$file: 404"; return 1; }
    done
    for text in "$IDB_ROOT"/scripts/text/*.json; do
        lang=$(basename "$text" .json)
        fetch "$SERVER/$lang/code"
        answered 410 "<html lang=\"$lang\""
    done
    [ ! -e "$IDB_ROOT/scripts/web/invite" ] || {
        fetch "$SERVER/i"
        answered 200
    }
}

# sends_forms: what is posted, by whom, and how much.
sends_forms() {
    local issued cookies path
    issued=$(issue_status)
    cookies=$(cookies_of "$issued")
    fetch "$SERVER/nl/code" -H "Cookie: $cookies" "${forged[@]}"
    answered 200 "$(member code_display "$issued")"
    fetch "$SERVER/nl/renew" -H "Cookie: $cookies" -H "Origin: $SERVER" --data ''
    answered 303
    [ "$(header Location)" = code ]
    [[ $(header Set-Cookie) == __Host-idb-code=*HttpOnly* ]]
    fetch "$SERVER/nl/stop" -H "Cookie: $cookies" -H 'Origin: https://evil.example.org' --data ''
    answered 403 '<code>cross_site</code>'
    fetch "$SERVER/nl/login" --data 'purpose=appointment&method=none'
    answered 400 '<code>unknown_method</code>' 'href="../nl/start/appointment"'
    fetch "$SERVER/en/consent"
    answered 405 '<code>bad_method</code>'
    [ "$(header Allow)" = POST ]
    for path in PUT TRACE; do
        fetch "$SERVER/nl/code" -X "$path"
        [[ $status_code == 405 || $status_code == 501 ]] || { echo "$path: $status_code"; return 1; }
    done
    fetch "$SERVER/nl/renew" -H 'Content-Type: application/json' --data '{}'
    answered 415 '<code>bad_type</code>'
}

# keeps_limits: 16 KiB of cookies, 64 KiB of a form.
keeps_limits() {
    bytes 16100 | sed 's/^/Cookie: other=/' >"$BATS_TEST_TMPDIR/header"
    fetch "$SERVER/nl/code" -H "@$BATS_TEST_TMPDIR/header"
    answered 410 '<code>no_cookie</code>'
    bytes 20000 | sed 's/^/Cookie: __Host-idb-session=/' >"$BATS_TEST_TMPDIR/header"
    fetch "$SERVER/nl/code" -H "@$BATS_TEST_TMPDIR/header"
    answered 400 '<code>bad_cookie</code>'
    bytes 100000 | sed 's/^/Cookie: a=/' >"$BATS_TEST_TMPDIR/header"
    fetch "$SERVER/nl/code" -H "@$BATS_TEST_TMPDIR/header"
    refused 400 431
    { printf 'a=' && bytes 65000; } >"$BATS_TEST_TMPDIR/form"
    fetch "$SERVER/nl/renew" --data "@$BATS_TEST_TMPDIR/form"
    answered 410 '<code>no_cookie</code>'
    { printf 'a=' && bytes 65535; } >"$BATS_TEST_TMPDIR/form"
    fetch "$SERVER/nl/renew" --data "@$BATS_TEST_TMPDIR/form"
    refused 413
}

# logs_nothing NAME: of what a browser says.
logs_nothing() {
    local issued canary path
    issued=$(issue_status)
    fetch "$SERVER/nl/code?canary-query" -H "Cookie: $(cookies_of "$issued"); x=canary-cookie" \
        -H 'User-Agent: canary-agent' -H 'Referer: https://canary-referrer.example.org' "${forged[@]}"
    answered 200
    fetch "$SERVER/callback/counter?code=canary-code&state=canary-state"
    answered 400
    fetch "$SERVER/nl/login" --data 'purpose=canary-form&method=x'
    answered 404
    # What a server complains of by itself, too.
    for path in '/nl/code%zz?canary-query' '/none?canary-query' '/nl/start/%2e%2e?canary-query' \
        '/nl/%2fcode?canary-query' '/%00?canary-query'; do
        fetch "$SERVER$path" --path-as-is -H 'Cookie: x=canary-cookie'
    done
    # A file of a server that is not to be read.
    for canary in canary- 127.0.0.1 192.0.2.77 "$(code_of "$issued")" 'host-idb'; do
        in_no_log -e "$canary"
    done
    run -0 grep -rhE ' GET /nl/code 200' "$SITE/log"
}

cgi=(AUTH_TYPE CONTENT_LENGTH CONTENT_TYPE GATEWAY_INTERFACE HTTP_COOKIE HTTP_HOST HTTP_ORIGIN
    HTTP_SEC_FETCH_DEST HTTP_SEC_FETCH_SITE IDB_CONFIG IDB_LANG IDB_PATH IDB_SHARE PATH_INFO QUERY_STRING REMOTE_ADDR
    REMOTE_USER REQUEST_METHOD SCRIPT_FILENAME SCRIPT_NAME)

# whole SERVER CHECK…: all of it, and what its scripts may see of a request.
whole() {
    SERVER=$1
    rm -f "$SITE/seen"
    shows_pages
    serves_every_script
    assets
    uncompressed nl/start/appointment
    sends_forms
    "${@:2}"
    keeps_limits
    logs_nothing
}

@test "lighttpd: pages, forms and limits, and logs without a word of them" {
    whole "$WEB" sees_no_claims
}

@test "nginx: pages, forms and limits, and logs without a word of them" {
    # fcgiwrap hands on what it was started with.
    mapfile -t outside < <(compgen -e)
    whole "$NGINX" environment "${cgi[@]}" FCGI_ROLE _ "${outside[@]}"
}

@test "apache: pages, forms and limits, and logs without a word of them" {
    whole "$APACHE" sees_no_claims
}

# types_codes N STATUS ADDRESS: wrong codes of a letter, from behind the proxy.
types_codes() {
    local try
    for ((try = 0; try < $1; try++)); do
        fetch "$SERVER/nl/invite" -H "X-Real-IP: $3" --data 'code=BCDFG-HJKLM'
        answered "$2"
    done
}

# counts_by_address A B: who types wrong codes is stopped, and nobody else is.
counts_by_address() {
    types_codes 2 404 "$1"
    types_codes 1 429 "$1"
    types_codes 1 404 "$2"
}

@test "lighttpd: behind a proxy clients are told apart, and nobody else is believed" {
    SERVER=$WEB
    types_codes 4 404 192.0.2.1
    port=$(free_port)
    mkdir "$SITE/proxied"
    {
        sed "s/^var.idb_port = .*/var.idb_port = $port/" "$SITE/conf/web.conf"
        printf '%s\n' 'server.modules += ( "mod_extforward" )' \
            'extforward.forwarder = ( "127.0.0.1" => "trust" )' 'extforward.headers = ( "X-Real-IP" )'
    } >"$SITE/proxied/lighttpd.conf"
    setsid /usr/sbin/lighttpd -D -f "$SITE/proxied/lighttpd.conf" </dev/null >"$SITE/proxied/log" 2>&1 3>&- &
    echo $! >"$SITE/proxied/lighttpd.group"
    SERVER=https://localhost:$port
    served "$SERVER/" $!
    counts_by_address 192.0.2.1 2001:db8::2
}

@test "nginx: behind a proxy clients are told apart, and nobody else is believed" {
    SERVER=$NGINX
    types_codes 4 404 192.0.2.3
    nginx_pages PROXIED web 'set_real_ip_from 127.0.0.1' 'real_ip_header X-Real-IP'
    SERVER=$PROXIED
    counts_by_address 192.0.2.3 2001:db8:0:1::2
}

@test "apache: behind a proxy clients are told apart, and nobody else is believed" {
    SERVER=$APACHE
    types_codes 4 404 192.0.2.4
    # shellcheck disable=SC2016 # ${} is Apache's
    apache_pages PROXIED2 web 'LoadModule remoteip_module ${IDB_MODULES}/mod_remoteip.so' \
        'RemoteIPHeader X-Real-IP' 'RemoteIPInternalProxy 127.0.0.1'
    SERVER=$PROXIED2
    counts_by_address 192.0.2.4 2001:db8:0:2::2
}
