#!/usr/bin/env bats
# The plain build only: three foreign web servers before programs that are tested alone.
# The agents' desk behind lighttpd, nginx and Apache, each with its own configuration:
# who comes in by password, by certificate or by OpenID Connect, and who does not.

load ../lib
load ../site
load ../op/login
load ../http/lib
load ../http/pages

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR port
    idb_instance '.desk.anna = ["agent"]'
    site_up "$BATS_FILE_TMPDIR/site" desk
    pages_tree
    certificates "$SITE/ca"
    nginx_pages NGINX desk "set \$idb_users $SITE/users" 'set $idb_lang nl'
    nginx_pages NGINX_CERT desk 'set $idb_users /dev/null' 'set $idb_lang nl' \
        "ssl_client_certificate $SITE/ca/ca.pem" 'ssl_verify_client on'
    apache_pages APACHE desk "Define IDB_USERS $SITE/users" 'Define IDB_LANG nl'
    apache_pages APACHE_CERT desk "Define IDB_CLIENT_CA $SITE/ca/ca.pem" 'Define IDB_LANG nl'
    lighttpd_certificates
    openid_up
    CALL=$(issue_status)
    verify "$(code_of "$CALL")" door-1 >/dev/null
}

teardown_file() {
    "$PROVIDER" stop "$BATS_FILE_TMPDIR/op"
    servers_down
    site_down
}

# certificates DIR: a CA (ca.pem) with alice's and mallory's certificates, each with its
# key in one file, and alice's of another CA: other.pem.
certificates() {
    mkdir -p "$1"
    (
        cd "$1"
        for ca in ca stranger; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                -subj "/O=Gemeente Voorbeeld/CN=Agents" -keyout "$ca.key" -out "$ca.pem"
        done
        while read -r file ca subject; do
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$subject" \
                -keyout "$file.key" -out "$file.csr"
            openssl x509 -req -in "$file.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial -days 2 \
                -out "$file.crt"
            cat "$file.crt" "$file.key" >"$file.pem"
        done <<'END'
alice ca /O=Gemeente Voorbeeld/CN=alice
mallory ca /O=Gemeente Voorbeeld/CN=mallory
crafty ca /CN=mallory/O=x,CN=alice
nameless ca /O=Gemeente Voorbeeld
other stranger /O=Gemeente Voorbeeld/CN=alice
END
    ) >"$1/log" 2>&1 || { cat "$1/log"; return 1; }
}

# lighttpd_certificates: the desk's lighttpd again, with certificates: LIGHTTPD_CERT.
lighttpd_certificates() {
    local dir=$SITE/lighttpd-cert port
    port=$(free_port)
    mkdir -p "$dir"
    sed "s/^var.idb_port = .*/var.idb_port = $port/; s|^var.idb_users = .*|var.idb_users = \"/dev/null\"|" \
        "$SITE/conf/desk.conf" >"$dir/desk.conf"
    cat >>"$dir/desk.conf" <<END
var.idb_client_ca = "$SITE/ca/ca.pem"
include "$IDB_ROOT/scripts/desk/lighttpd-certificates.conf"
END
    setsid /usr/sbin/lighttpd -D -f "$dir/desk.conf" </dev/null >"$dir/out" 2>&1 3>&- &
    echo $! >"$dir/lighttpd.group"
    export LIGHTTPD_CERT=https://localhost:$port
    served "$LIGHTTPD_CERT/" $! || { cat "$dir/out"; return 1; }
}

# openid_up: the provider, and Apache before it: OPENID.
openid_up() {
    local port op
    port=$(free_port) op=$(free_port)
    export OP=https://localhost:$op
    "$PROVIDER" start "$BATS_FILE_TMPDIR/op" "$op" "$OP" --tls "$SITE/cert.pem" "$SITE/key.pem" \
        --desk "https://localhost:$port" 3>&-
    (
        umask 077
        jq -r '"OIDCClientSecret \"\(.secret)\""' "$BATS_FILE_TMPDIR/op/desk.json"
        printf 'OIDCCryptoPassphrase "%s"\n' "$(openssl rand -hex 32)"
    ) >"$SITE/openid.secrets"
    PORT=$port apache_pages OPENID desk 'Define IDB_LANG nl' \
        "Define IDB_OIDC_METADATA $OP/.well-known/openid-configuration" \
        'Define IDB_OIDC_CLIENT id-bellen-desk' "Define IDB_OIDC_SECRETS $SITE/openid.secrets" \
        'Define IDB_OIDC_CLAIM sub' "Define IDB_OIDC_CA $SITE/cert.pem" \
        "Define IDB_URL https://localhost:$port" "$IDB_ROOT/scripts/desk/apache-oidc.conf"
}

# shows_nothing PATH STATUS [curl option…]: whatever the headers say.
shows_nothing() {
    local path=$1 want=$2
    shift 2
    fetch "$SERVER/$path" "${forged[@]}" "$@"
    [ "$status_code" = "$want" ] || { echo "$path:"; printf '%s\n' "$output"; return 1; }
    [[ $(header Cache-Control) =~ no-(store|cache) ]] || { printf '%s\n' "$output"; return 1; }
    [[ $output != *Estpersoon* && $output != *999990019* ]]
}

# refuses_strangers STATUS PATH… : who shows nothing.
refuses_strangers() {
    local want=$1 path
    for path in desk 'desk?call_id=door-1' desk/ticket desk/none idb.css none; do
        shows_nothing "$path" "$want"
        [[ $body == *'lang="nl"'*'lang="en"'* ]] || { printf '%s\n' "$output"; return 1; }
    done
    shows_nothing desk/reveal "$want" --data 'line=kcc&call_id=door-1&name=bsn'
}

# lets_agents_in [curl option…]: an agent who is listed, as these options say; whatever
# other headers say it is alice and nobody else.
lets_agents_in() {
    fetch "$SERVER/desk?call_id=door-1" "$@"
    answered 200 'T. Estpersoon' 'href="idb.css"'
    [[ $(header Content-Security-Policy) == *"default-src 'none'"* ]]
    fetch "$SERVER/desk/ticket" "$@" "${forged[@]}"
    answered 200 'href="../idb.css"'
    for path in / /none /desk/none /desk/ /desk/desk.conf /nl/code /desk/lighttpd.conf; do
        fetch "$SERVER$path" "$@"
        [[ $status_code == 40[34] ]] || { echo "$path: $status_code"; return 1; }
        own_page "$status_code"
    done
    assets "$@"
    uncompressed desk "$@"
}

# acts_as USER [curl option…]: the audit says who it was, whatever the headers say.
acts_as() {
    local user=$1 seen
    shift
    seen=$(opened_by "$user")
    fetch "$SERVER/desk?call_id=door-1" "$@" "${forged[@]}"
    answered 200 'T. Estpersoon'
    [ "$(opened_by "$user")" = "$((seen + 1))" ]
}
opened_by() { sql "SELECT count(*) FROM audit WHERE actor = 'agent:$1'"; }

# Every script of desk has an address.
serves_every_script() {
    local file
    for file in "$IDB_ROOT"/scripts/desk/*; do
        file=$(basename "$file")
        [[ $file != *.conf ]] || continue
        file=desk/$file
        fetch "$SERVER/${file/desk\/desk/desk}" "$@"
        [ "$status_code" != 404 ] || [[ $body == *'<code>'* ]] || { echo "$file: 404"; return 1; }
    done
}

keeps_limits() {
    bytes 16100 | sed 's/^/Cookie: other=/' >"$BATS_TEST_TMPDIR/header"
    fetch "$SERVER/desk" -H "@$BATS_TEST_TMPDIR/header" "$@"
    answered 200
    bytes 100000 | sed 's/^/Cookie: a=/' >"$BATS_TEST_TMPDIR/header"
    fetch "$SERVER/desk" -H "@$BATS_TEST_TMPDIR/header" "$@"
    refused 400 431
    { printf 'a=' && bytes 65535; } >"$BATS_TEST_TMPDIR/form"
    fetch "$SERVER/desk/end" --data "@$BATS_TEST_TMPDIR/form" "$@"
    refused 413
    fetch "$SERVER/desk" --data a=1 "$@"
    answered 403 '<code>bad_form_token</code>' # before anything else is said of a form
    fetch "$SERVER/desk/end" -H 'Origin: https://evil.example.org' --data call_id=door-1 "$@"
    answered 403 '<code>cross_site</code>'
}

logs_nothing() {
    local path
    for path in 'desk?call_id=canary-call' 'desk/ticket?ticket=CANARY' 'none?canary-query' \
        '%2e%2e?canary-query' 'desk%zz?canary-query'; do
        fetch "$SERVER/$path" --path-as-is -H 'Cookie: x=canary-cookie' \
            -H 'User-Agent: canary-agent' -H 'Referer: https://canary.example.org' "$@"
    done
    for canary in canary secret T.Estpersoon 999990019 192.0.2.77 door-1; do
        in_no_log -e "$canary"
    done
}

# by_password: alice comes in with hers, others do not.
by_password() {
    local who
    refuses_strangers 401
    [[ $(header WWW-Authenticate) == 'Basic realm="ID Bellen"'* ]]
    for who in alice:wrong nobody:secret alice: '-u:x'; do
        shows_nothing 'desk?call_id=door-1' 401 -u "$who"
    done
    shows_nothing 'desk?call_id=door-1' 401 -H 'Authorization: Bearer alice'
    shows_nothing 'desk?call_id=door-1' 403 -u mallory:secret
    answered 403 '<code>not_permitted</code>'
    rm -f "$SITE/seen"
    lets_agents_in -u alice:secret
    acts_as alice -u alice:secret
    sees_no_claims NONE
    serves_every_script -u alice:secret
    keeps_limits -u alice:secret
    logs_nothing -u alice:secret
    run -0 grep -rhE ' "?alice"? GET /desk 200' "$SITE/log"
}

# by_certificate STATUS: alice comes in with hers; others do not, and neither does a
# password. STATUS is the answer to no certificate.
by_certificate() {
    local file
    refuses_strangers "$1"
    shows_nothing desk "$1" -u alice:secret
    # Not listed, and with a comma that makes it look like somebody who is.
    for file in mallory crafty; do
        shows_nothing 'desk?call_id=door-1' 403 --cert "$SITE/ca/$file.pem"
        answered 403 '<code>not_permitted</code>'
    done
    fetch "$SERVER/desk?call_id=door-1" "${forged[@]}" -u alice:secret --cert "$SITE/ca/nameless.pem"
    [[ $status_code == 40[13] && $body != *Estpersoon* ]] || { printf '%s\n' "$output"; return 1; }
    # Another's certificate is no certificate: an error page, or no connection at all.
    run curl -sS -i --http1.1 --cacert "$SITE/cert.pem" --cert "$SITE/ca/other.pem" "$SERVER/desk?call_id=door-1"
    [[ $status != 0 || $output == HTTP/1.1\ 40[013]* ]] || { printf '%s\n' "$output"; return 1; }
    [[ $output != *Estpersoon* ]]
    lets_agents_in --cert "$SITE/ca/alice.pem"
    acts_as alice --cert "$SITE/ca/alice.pem" -u mallory:secret
}

@test "lighttpd: an agent comes in by password" {
    SERVER=$DESK
    by_password
}

@test "lighttpd: an agent comes in by certificate" {
    SERVER=$LIGHTTPD_CERT
    by_certificate 401
}

@test "nginx: an agent comes in by password" {
    SERVER=$NGINX
    by_password
}

@test "nginx: an agent comes in by certificate" {
    SERVER=$NGINX_CERT
    by_certificate 400
}

@test "apache: an agent comes in by password" {
    SERVER=$APACHE
    by_password
}

@test "apache: an agent comes in by certificate" {
    SERVER=$APACHE_CERT
    by_certificate 403
}

# agent NAME FORM: logs in at the provider, in a browser of its own; leaves where that
# ended in $output, with the page in $page.
agent() {
    local jar=$BATS_TEST_TMPDIR/$1 at
    browser=(-sS --max-time 20 --cacert "$SITE/cert.pem" -c "$jar" -b "$jar")
    at=$(curl "${browser[@]}" -L -o "$jar.page" -w '%{url_effective}' "$OPENID/desk?call_id=door-1")
    [[ $at == "$OP/login/"* ]] || { echo "$at"; cat "$jar.page"; return 1; }
    output=$(curl "${browser[@]}" -L -o "$jar.page" -w '%{http_code} %{url_effective}' -d "$2" "$at")
    page=$(cat "$jar.page")
}

@test "apache, OpenID Connect: an agent logs in at the provider, and others do not" {
    SERVER=$OPENID
    # A page leads there; a form, and what a page fetches, does not.
    shows_nothing 'desk?call_id=door-1' 302
    [[ $(header Location) == "$OP/auth?"*code_challenge=* ]]
    shows_nothing desk 302 -u alice:secret
    shows_nothing 'desk?call_id=door-1' 401 -H 'Sec-Fetch-Dest: empty'
    shows_nothing desk/reveal 401 --data 'line=kcc&call_id=door-1&name=bsn'
    agent nobody user=nobody
    [[ $output == "200 $OP/login/"* && $page != *Estpersoon* ]]
    agent cancel cancel=yes
    # Back to the desk, and so to the login.
    [[ $output == "200 $OP/login/"* && $page != *Estpersoon* ]]
    agent bert user=bert
    [[ $output == "403 $OPENID/desk?call_id=door-1" && $page == *'<code>not_permitted</code>'* ]]
    rm -f "$SITE/seen"
    agent anna user=anna
    [[ $output == "200 $OPENID/desk?call_id=door-1" && $page == *'T. Estpersoon'* ]] || { echo "$output $page"; false; }
    lets_agents_in "${browser[@]}"
    acts_as anna "${browser[@]}"
    sees_no_claims
    run -1 grep -E '^(OIDC|HTTP_OIDC_CLAIM_[a-z])' "$SITE/seen"
    serves_every_script "${browser[@]}"
    # Out again, and the cookie that somebody kept is worth nothing.
    cp "$BATS_TEST_TMPDIR/anna" "$BATS_TEST_TMPDIR/kept"
    grep -q "__Host-desk-session" "$BATS_TEST_TMPDIR/kept"
    fetch "$SERVER/desk/login?logout=/desk" "${browser[@]}"
    [ "$status_code" = 302 ]
    shows_nothing 'desk?call_id=door-1' 302 -b "$BATS_TEST_TMPDIR/kept"
    shows_nothing 'desk?call_id=door-1' 302 -H 'Cookie: __Host-desk-session=forged'
    # Nobody leads an agent elsewhere by it.
    fetch "$SERVER/desk/login?logout=https://evil.example.org/"
    [[ $(header Location) != https://evil* ]]
    # An answer that this browser never asked for.
    shows_nothing 'desk/login?code=canary-code&state=canary-state' 302
    logs_nothing
    run -1 grep -rE 'code=|state=' "$SITE/log"
}

# Each 64 seconds lighttpd forgets its connections, and once in that time is no silence of
# half a minute: of two, one at least is whole.
@test "lighttpd: a wrong password is answered however long nobody asked" {
    for _ in 1 2; do
        fetch "$DESK/desk"
        sleep 32
        fetch "$DESK/desk" -u alice:wrong
        [ "$status_code" = 401 ]
    done
}
