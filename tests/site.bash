# A site for tests: an instance, and a lighttpd for each zone as it is installed,
# on free ports of 127.0.0.1, with a throw-away certificate. Sourced after lib.
# shellcheck shell=bash

# site_tree DIR: the files where an installation has them, as links.
site_tree() {
    local program status
    mkdir -p "$1"/{libexec,share/web,log,conf} || return
    ln -s "$IDB_ROOT"/scripts/{web,desk,page.sh} "$1/libexec/"
    for program in verify transfer end; do
        ln -s "$IDB_BUILD/idb-$program" "$1/libexec/idb-$program.cgi"
    done
    ln -s "$IDB_ROOT"/scripts/{pages,text} "$1/share/"
    ln -s "$IDB_ROOT/scripts/pages/idb.css" "$1/share/web/"
    for status in 400 403 404 405 411 413 414 417 431 500 501 503; do
        ln -s "$IDB_ROOT/scripts/pages/error.html" "$1/share/web/status-$status.html"
    done
}

# site_certificate DIR: tls.pem, and cert.pem for those who check it.
site_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null &&
        cat "$1/key.pem" "$1/cert.pem" >"$1/tls.pem"
}

# site_serve DIR ZONE PORT: one lighttpd in the background; its pid in DIR/ZONE.pid.
site_serve() {
    cat >"$1/conf/$2.conf" <<END
var.idb_libexec = "$1/libexec"
var.idb_share = "$1/share"
var.idb_config = "$IDB_CONFIG"
var.idb_path = "$IDB_BUILD"
var.idb_bind = "127.0.0.1"
var.idb_port = $3
var.idb_pem = "$1/tls.pem"
var.idb_log = "$1/log"
var.idb_users = "$1/users"
var.idb_lang = "${SITE_LANG-nl}"
include "$IDB_ROOT/scripts/$2/lighttpd.conf"
END
    "$(PATH=$PATH:/usr/sbin:/sbin command -v lighttpd)" -D -f "$1/conf/$2.conf" \
        </dev/null >"$1/log/$2.out" 2>&1 3>&- &
    echo $! >"$1/$2.pid"
    local try
    for ((try = 0; try < 100; try++)); do
        kill -0 "$(cat "$1/$2.pid")" 2>/dev/null || return 1
        curl -s -o /dev/null --cacert "$1/cert.pem" "https://localhost:$3/" && return
        sleep 0.05
    done
    return 1
}

# site_up DIR ZONE…: certificate, users (password "secret") and servers; sets
# SITE, and WEB, DESK and PHONE to the servers' addresses.
site_up() {
    local zone port try
    SITE=$1
    shift
    site_tree "$SITE" && site_certificate "$SITE" || return
    for zone in alice sam pia mallory pbx; do
        printf '%s:%s\n' "$zone" "$(openssl passwd -6 secret)"
    done >"$SITE/users"
    for zone in "$@"; do
        for ((try = 0; try < 10; try++)); do
            port=$((20000 + RANDOM % 12000))
            site_serve "$SITE" "$zone" "$port" && break
        done
        [ "$try" -lt 10 ] || {
            cat "$SITE/log/$zone"* >&2
            return 1
        }
        export "${zone^^}=https://localhost:$port"
    done
    export SITE
}

site_down() {
    local pid
    for pid in "$SITE"/*.pid; do
        kill "$(cat "$pid")" 2>/dev/null || true
    done
}

# fetch URL [curl option…]: the answer's headers and body in $output, without
# carriage returns; its status in $status_code and its body in $body.
fetch() {
    local url=$1
    shift
    run --separate-stderr -0 curl -sS -i --http1.1 --max-time 20 --cacert "$SITE/cert.pem" "$@" "$url"
    output=${output//$'\r'/}
    # shellcheck disable=SC2034 # for the tests
    status_code=$(head -n 1 <<<"$output" | cut -d ' ' -f 2) body=${output#*$'\n\n'}
}

# header NAME: a header of the answer in $output; several, one a line.
header() { sed -n "/^\$/q; s/^$1: //Ip" <<<"$output"; }
