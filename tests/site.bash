# A site for tests: an instance, and a lighttpd for each zone as it is installed,
# on free ports of 127.0.0.1, with a throw-away certificate (scripts/site). Sourced
# after lib.
# shellcheck shell=bash

# shellcheck source=tests/tools/inetd.bash
source "$IDB_ROOT/tests/tools/inetd.bash"

# site_serve DIR ZONE PORT: one lighttpd; its pid in DIR/ZONE.pid.
site_serve() { "$IDB_ROOT/scripts/site" start "$@" 3>&-; }

# site_up DIR ZONE…: certificate, users (password "secret") and servers; sets
# SITE, and WEB, DESK and PHONE to the servers' addresses.
site_up() {
    local zone user hash port try
    SITE=$1
    shift
    mkdir -p "$SITE" || return
    hash=$(openssl passwd -6 secret) || return
    for user in alice bob sam pia mallory pbx; do
        printf '%s:%s\n' "$user" "$hash"
    done >"$SITE/users"
    for zone in "$@"; do
        for ((try = 0; try < 10; try++)); do
            port=$(free_ports 1)
            site_serve "$SITE" "$zone" "$port" && break
        done
        [ "$try" -lt 10 ] || return
        export "${zone^^}=https://localhost:$port"
    done
    export SITE
}

site_down() { "$IDB_ROOT/scripts/site" stop "$SITE"; }

# For a body that is refused for its size: with it curl waits until it is told to go on. A
# client that does not may be cut off while it sends, before it has read the answer.
# shellcheck disable=SC2034 # for the tests
ask_first=(-H 'Expect: 100-continue' --expect100-timeout 10)

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
