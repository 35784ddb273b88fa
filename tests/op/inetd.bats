#!/usr/bin/env bats
# On PostgreSQL with --long
# inetd itself, with scripts/inetd/idb.conf: what the telephone meets on the sockets.
# Sanitized with --long

setup_file() {
    load ../lib
    load service
    services_up
}

teardown_file() {
    load service
    services_down
}

setup() {
    load ../lib
    load lib
    load service
    load ../tools/inetd
    service_instance
    CONF=$IDB_ROOT/scripts/inetd/idb.conf
}

teardown() {
    { exec 7>&- 8>&-; } 2>/dev/null
    [ -z "${INETD-}" ] || server_down "$INETD"
    rm -rf "$HERE"
}

# inetd_up [OPTION…]: inetd with the shipped lines; user, folder and ports alone are
# others. Sets VERIFY, TRANSFER and END, the ports.
inetd_up() {
    VERIFY=$(free_ports 3)
    TRANSFER=$((VERIFY + 1)) END=$((VERIFY + 2))
    sed "s/:8446 /:$VERIFY /; s/:8447 /:$TRANSFER /; s/:8448 /:$END /
         s/ idb-phone / $PHONE /; s: /usr/local/bin/: $BASE/bin/:" "$CONF" >"$HERE/inetd.conf"
    inetd_start "$HERE/inetd.conf" "$PHONE" "$@"
    until_true listening "$VERIFY"
    until_true listening "$END"
}

# ask FD REQUEST: one request on an open connection; the answer in $output.
ask() {
    printf '%s\n' "$2" >&"$1"
    answer "$1"
}
answer() { IFS= read -r -t 20 output <&"$1"; }

# whole PORT: one connection; standard input goes there, and all that comes until the
# other end hangs up goes out.
whole() { socat -t 20 - "TCP:127.0.0.1:$1"; }

# result WORD
result() { [ "$(json result)" = "$1" ] || { echo "$output"; return 1; }; }
error() { [ "$(json error)" = "$1" ] || { echo "$output"; return 1; }; }

@test "inetd: the lines listen on this machine alone, as the phone zone's user, without end" {
    services=0
    while read -r address type protocol wait user program name rest; do
        services=$((services + 1))
        [[ $address =~ ^127\.0\.0\.1:[0-9]{4}$ ]]
        [ "$type $protocol $user" = 'stream tcp4 idb-phone' ]
        [[ $wait =~ ^nowait\.[0-9]{5}$ ]]
        [ "$program" = "/usr/local/bin/$name" ]
        [ -x "$IDB_BUILD/$name" ]
        [ -z "$rest" ]
    done < <(grep -v '^#' "$CONF")
    [ "$services" = 3 ]
    [ -z "$(grep -v '^#' "$CONF" | cut -d ' ' -f 1 | sort | uniq -d)" ]
    # A last line without an end would be lost.
    [ -z "$(tail -c 1 "$CONF")" ]
}

@test "inetd: a connection is a stream: several requests are answered, in order" {
    inetd_up
    codes=$(requests 3 | as "$WEB" idb-issue --attest=front-office | jq -r .code)
    i=0
    for code in $codes; do
        i=$((i + 1))
        keyed "$code" "c-$i"
        keyed "$(mistyped_code "$code")" "m-$i"
    done >"$HERE/requests"
    run --separate-stderr -0 whole "$VERIFY" <"$HERE/requests"
    [ "$(member result "$output" | paste -sd ' ')" = 'accepted mistyped accepted mistyped accepted mistyped' ]
    # One at a time, on one connection.
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY"
    ask 7 "$(keyed "$code" c-3)"
    result accepted
    ask 7 "$(keyed "$code" c-4)"
    result used
    has_children "$INETD" 1
    is_sound
}

@test "inetd: transfer and end have sockets of their own" {
    inetd_up
    code=$(fresh_code)
    run --separate-stderr -0 whole "$VERIFY" < <(keyed "$code" c-1)
    result accepted
    run --separate-stderr -0 whole "$TRANSFER" <<<'{"call_id":"c-1","to_call_id":"c-2"}'
    result transferred
    run --separate-stderr -0 whole "$END" <<<'{"call_id":"c-2"}'
    result ended
    [ "$(json session)" != null ]
    [ "$(sql 'SELECT state FROM session')" = 'done' ]
}

@test "inetd: what is no JSON is answered, and the stream goes on" {
    inetd_up
    code=$(fresh_code)
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY"
    ask 7 '{"code":'"$code"
    error bad_json
    [[ $(json message) == 'Line 1,'* ]]
    ask 7 '[1,2]'
    error bad_request
    ask 7 "{\"code\":\"$(a_lot_of_digits)\",\"call_id\":\"c-1\"}"
    error too_large
    ask 7 "$(keyed "$code" c-1)"
    result accepted
}

a_lot_of_digits() { head -c 70000 /dev/zero | tr '\0' 1; }

@test "inetd: a configuration that is not in order is an answer to each request" {
    inetd_up
    mv "$IDB_CONFIG" "$HERE/away"
    run --separate-stderr -0 whole "$VERIFY" <<<$'{"code":"1","call_id":"c-1"}\n{"code":"2","call_id":"c-1"}'
    [ "$(member error "$output" | sort -u)" = config_missing ]
    [ "${#lines[@]}" = 2 ]
    run --separate-stderr -0 whole "$END" <<<'{"call_id":"c-1"}'
    error config_missing
    # Mended while a connection is open: the next request on it is done.
    exec 7<>"/dev/tcp/127.0.0.1/$END"
    ask 7 '{"call_id":"c-1"}'
    error config_missing
    mv "$HERE/away" "$IDB_CONFIG"
    run --separate-stderr -0 whole "$END" <<<'{"call_id":"c-1"}'
    result ended
}

@test "inetd: complaints go to syslog and never among the answers" {
    # inetd would take LD_PRELOAD out of the environment but for -E.
    install -m 755 "$(tool syslog)" "$BASE/syslog.so"
    export SYSLOG_FILE=$HERE/syslog
    install -m 666 /dev/null "$SYSLOG_FILE"
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 LD_PRELOAD=$BASE/syslog.so inetd_up -E
    run --separate-stderr -0 whole "$VERIFY" <<<$'x\n{"code":"1","call_id":"c-1"}'
    [ "${#lines[@]}" = 2 ]
    [ "$(jq -r '.error // .result' <<<"$output" | paste -sd ' ')" = 'bad_json mistyped' ]
    until_true grep -q 'bad_json: Line 1,' "$SYSLOG_FILE"
    [ "$(wc -l <"$SYSLOG_FILE")" = 1 ]
    # inetd and what it started had nothing else to say.
    [ ! -s "$HERE/inetd.out" ]
}

@test "inetd: two connections at once do not wait for each other, and one code is one call's" {
    inetd_up
    code=$(fresh_code)
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY" 8<>"/dev/tcp/127.0.0.1/$VERIFY"
    until_true has_children "$INETD" 2
    # The first has said half of it.
    request=$(keyed "$code" c-1)
    printf '%s' "${request:0:20}" >&7
    ask 8 "$(keyed "$(mistyped_code "$code")" c-2)"
    result mistyped
    ask 8 "$(keyed "$code" c-2)"
    result accepted
    printf '%s\n' "${request:20}" >&7
    answer 7
    result used
}

@test "inetd: a connection that is closed ends its program" {
    inetd_up
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY" 8<>"/dev/tcp/127.0.0.1/$END"
    until_true has_children "$INETD" 2
    ask 7 '{"code":"1","call_id":"c-1"}'
    result mistyped
    exec 7>&-
    until_true has_children "$INETD" 1
    ask 8 '{"call_id":"c-1"}'
    result ended
    exec 8>&-
    until_true has_children "$INETD" 0
}

@test "inetd: who hangs up in the middle of a line has asked nothing" {
    inetd_up
    code=$(fresh_code)
    before=$(snapshot)
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY"
    request=$(keyed "$code" c-1)
    printf '%s' "${request:0:-3}" >&7
    until_true has_children "$INETD" 1
    exec 7>&-
    until_true has_children "$INETD" 0
    [ "$(snapshot)" = "$before" ]
    # Half closed, it is answered.
    run --separate-stderr -0 whole "$VERIFY" <<<"${request:0:-3}"
    error bad_json
    [ "$(snapshot)" = "$before" ]
    # A whole request needs no end of line.
    run --separate-stderr -0 whole "$VERIFY" < <(printf %s "$request")
    result accepted
}

@test "inetd: a client that is gone before the answer leaves nothing half done" {
    inetd_up
    code=$(fresh_code)
    # The answer cannot come: somebody else has the writers' queue.
    hold_lock
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY"
    printf '%s\n' "$(keyed "$code" c-1)" >&7
    until_true queued
    exec 7>&-
    release_lock
    until_true has_children "$INETD" 0
    # It was done or it was not; the same call may ask again, and no other.
    run --separate-stderr -0 whole "$VERIFY" < <(keyed "$code" c-1)
    result accepted
    run --separate-stderr -0 whole "$VERIFY" < <(keyed "$code" c-2)
    result used
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'verify' AND result = 'accepted'")" = 1 ]
    is_sound
}

@test "inetd: more connections than inetd's own limit a minute do not shut the line" {
    inetd_up
    for ((i = 0; i < 300; i++)); do
        exec 7<>"/dev/tcp/127.0.0.1/$VERIFY"
        exec 7>&-
    done
    run --separate-stderr -0 whole "$VERIFY" <<<'{"code":"1","call_id":"c-1"}'
    result mistyped
}

@test "inetd: with idb-serve one process takes all connections of a port, and comes again when it has ended" {
    sed 's/^127/#127/; s/^#\(127.* idb-serve [a-z]*\)$/\1/' "$CONF" >"$HERE/kept.conf"
    [ "$(grep -c '^127.0.0.1:.* wait idb-phone' "$HERE/kept.conf")" = 3 ]
    [ "$(grep -c '^127' "$HERE/kept.conf")" = 3 ]
    CONF=$HERE/kept.conf
    inetd_up
    code=$(fresh_code)
    exec 7<>"/dev/tcp/127.0.0.1/$VERIFY" 8<>"/dev/tcp/127.0.0.1/$VERIFY"
    request=$(keyed "$code" c-1)
    printf '%s' "${request:0:20}" >&7
    ask 8 '{"code":"1","call_id":"c-2"}'
    result mistyped
    printf '%s\n' "${request:20}" >&7
    answer 7
    result accepted
    has_children "$INETD" 1
    # It stays when they are closed, and what it complains of is not among the answers.
    exec 7>&- 8>&-
    run --separate-stderr -0 whole "$VERIFY" <<<$'x\n{"code":"1","call_id":"c-2"}'
    [ "$(jq -r '.error // .result' <<<"$output" | paste -sd ' ')" = 'bad_json mistyped' ]
    has_children "$INETD" 1
    first=$(children "$INETD")
    run --separate-stderr -0 whole "$TRANSFER" <<<'{"call_id":"c-1","to_call_id":"c-3"}'
    result transferred
    has_children "$INETD" 2
    kill -9 "${first% }"
    until_true has_children "$INETD" 1
    run --separate-stderr -0 whole "$VERIFY" < <(keyed "$code" c-4)
    result used
    run --separate-stderr -0 whole "$END" <<<'{"call_id":"c-3"}'
    result ended
    has_children "$INETD" 3
    # shellcheck disable=SC2046 # one word each
    kill $(children "$INETD")
    is_sound
}
