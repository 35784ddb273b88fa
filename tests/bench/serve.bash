# What idb-serve makes of it, a kept process: for tests/bench/run. Beside it by turns a bare
# loop of SQLite with groups of the same size (floor.c), and, behind a web server, the floor as
# a CGI program and a small static file. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run and stores.bash set

serves=()

serve_listens() {
    case "$1" in
    */*) grep -q " 00010000 .* $1\$" /proc/net/unix ;;
    *) listening "$1" ;;
    esac
}

# serve_start CONFIG ADDRESS WHAT: an idb-serve that listens there; sets SERVE, its process.
serve_start() {
    "$launch" "$2" "$IDB_BUILD/idb-serve" --config="$1" "$3" >/dev/null 3>&- &
    SERVE=$!
    serves+=("$SERVE")
    until serve_listens "$2"; do
        kill -0 "$SERVE"
        sleep 0.01
    done
}

# serve_stop PROCESS
serve_stop() {
    local pid kept=()
    for pid in "${serves[@]}"; do
        [ "$pid" = "$1" ] || kept+=("$pid")
    done
    serves=("${kept[@]}")
    kill "$1"
    wait "$1" || [ $? = 143 ]
}

# take N DESCRIPTOR: the next N requests of those that are ready there.
take() {
    local lines
    mapfile -t -n "$1" -u "$2" lines
    [ "${#lines[@]}" = "$1" ]
    printf '%s\n' "${lines[@]}"
}

# again N TEXT: N lines of it.
again() {
    local i
    for ((i = 0; i < $1; i++)); do printf '%s\n' "$2"; done
}

# requested NAME ADDRESS CONNECTIONS WAITING [METHOD PATH TOKENFILE]: all on standard
# input; each must be accepted.
requested() { "$load" "${@:1:4}" '"result":"accepted"' "${@:5}"; }

# floor_groups NAME N SIZE: the bare loop.
floor_groups() {
    "$floor" "$IDB_CONFIG" floor.db fill "$2"
    "$spawn" "$1" 1 - "$floor" "$IDB_CONFIG" floor.db group "$2" "$3" |
        jq -c --argjson n "$2" 'map_values(.a_second = $n * 1000 / .median)'
}

# measure_serve: with 1 to 128 waiting on one connection, beside the loop, by turns; then
# on 1 to 64 connections, one request at a time.
measure_serve() {
    local config port round n=$((count * 10)) waiting=(1 4 16 64 128) connections=(1 4 16 64) w c
    config=$(instance_new serve)
    port=$(free_ports 1)
    fill_live "$config" $((n * rounds * (${#waiting[@]} + ${#connections[@]}))) >serve.requests
    exec 5<serve.requests
    serve_start "$config" "$port" verify
    for ((round = 0; round < rounds; round++)); do
        for w in "${waiting[@]}"; do
            take "$n" 5 | requested "waiting_$w" "$port" 1 "$w"
            floor_groups "group_$w" "$n" "$w"
        done
        for c in "${connections[@]}"; do
            take "$n" 5 | requested "connections_$c" "$port" "$c" 1
        done
    done
    exec 5<&-
    serve_stop "$SERVE"
    rm -r serve serve.requests
}

# anonymous PROCESS: its memory in kB, but for files that are mapped.
anonymous() { sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$1/status"; }

# measure_growth: the memory of an idb-serve over $growth requests, of which it has answered
# a tenth before it counts.
measure_growth() {
    local config port step
    config=$(instance_new growth)
    port=$(free_ports 1)
    fill_live "$config" "$growth" >growth.requests
    exec 5<growth.requests
    serve_start "$config" "$port" verify
    for ((step = 1; step <= 20; step++)); do
        take $((growth / 20)) 5 | requested growth_load "$port" 16 1 >growth.answer
        echo "$((step * (growth / 20))) $(anonymous "$SERVE")" >>growth.dat
    done
    exec 5<&-
    sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$SERVE/status" >growth.peak
    serve_stop "$SERVE"
    rm -r growth growth.requests
    jq -Rnc --argjson peak "$(<growth.peak)" '[inputs | split(" ") | map(tonumber)] |
        { growth: { n: .[-1][0], kb: (.[-1][1] - .[1][1]), at_end_kb: .[-1][1], peak_kb: $peak } }' growth.dat
}

# http_start CONFIG PORT: the telephone exchange's web server as scripts/phone has it, but
# without TLS, which is not measured here; beside its addresses /kept/verify, which is
# idb-serve by SCGI, /floor and /small.
http_start() {
    local try
    mkdir -p http/libexec http/log
    ln -s "$IDB_BUILD/idb-verify" http/libexec/idb-verify.cgi
    ln -s "$floor" http/libexec/floor
    sed '/^ssl\./d; s/, "mod_openssl"//' "$root/scripts/phone/lighttpd.conf" >http/phone.conf
    : >http/users
    idb-keys token kcc --config="$1" | jq -r .token >http/token
    printf '{"result":"accepted","session":"%s","attempts_left":3}\n' 0123456789ABCDEF012345 >http/small
    cat >http/server.conf <<END
var.idb_libexec = "$PWD/http/libexec"
var.idb_config = "$1"
var.idb_bind = "127.0.0.1"
var.idb_port = $2
var.idb_log = "$PWD/http/log"
var.idb_users = "$PWD/http/users"
include "$PWD/http/phone.conf"
server.modules += ( "mod_scgi" )
\$HTTP["url"] == "/kept/verify" {
    scgi.server = ( "/kept/verify" => (( "socket" => "$PWD/http.socket", "check-local" => "disable" )) )
}
\$HTTP["url"] == "/floor" {
    alias.url = ( "/floor" => var.idb_libexec + "/floor" )
    cgi.assign = ( "" => "" )
    cgi.execute-x-only = "enable"
    setenv.set-environment = ( "FLOOR_CONFIG" => "$1", "FLOOR_DATABASE" => "$PWD/floor.db" )
}
\$HTTP["url"] == "/small" { alias.url = ( "/small" => "$PWD/http/small" ) }
END
    PATH=$PATH:/usr/sbin lighttpd -D -f "$PWD/http/server.conf" >http/out 2>&1 3>&- &
    HTTP=$!
    for ((try = 0; try < 500; try++)); do
        ! listening "$2" || return 0
        kill -0 "$HTTP" || break
        sleep 0.01
    done
    cat http/out http/log/* >&2
    return 70
}

# measure_http: one client, whose requests start a program each; then 16 at once, by SCGI
# and for a file.
measure_http() {
    local config port round n=$((count * 10)) programs=$(((count + 1) / 2))
    config=$(instance_new http_store)
    port=$(free_ports 1)
    fill_live "$config" $((rounds * (programs + n))) >http.requests
    exec 5<http.requests
    serve_start "$config" "$PWD/http.socket" scgi
    http_start "$config" "$port"
    for ((round = 0; round < rounds; round++)); do
        take "$programs" 5 | requested http_cgi "$port" 1 1 POST /verify http/token
        again "$programs" '{}' | requested http_floor "$port" 1 1 POST /floor http/token
        take "$n" 5 | requested http_scgi "$port" 16 1 POST /kept/verify http/token
        again "$n" '' | requested http_file "$port" 16 1 GET /small http/token
    done
    exec 5<&-
    serve_stop "$SERVE"
    http_stop
    rm -r http_store http.requests
}

http_stop() {
    [ -n "${HTTP-}" ] || return 0
    kill "$HTTP" 2>/dev/null || true
    wait "$HTTP" || true
    HTTP=
}

serves_stop() {
    [ "${#serves[@]}" = 0 ] || kill "${serves[@]}" 2>/dev/null || true
    http_stop
}
