#!/usr/bin/env bats
# On PostgreSQL with --long
# idb-serve: one process, many connections; started by systemd's tool for sockets, and by inetd.
# Sanitized with --long

setup() {
    load lib
    load tools/inetd
    idb_instance
    DIR=$(mktemp -d /tmp/idb-serve.XXXXXX) # the path of a socket must be short
}

teardown() {
    { exec 5>&- 6>&- 7>&- 8>&-; } 2>/dev/null || true
    for pid in "${SERVE-}" "${INETD-}"; do
        [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
        [ -z "$pid" ] || wait "$pid" 2>/dev/null || true
    done
    rm -rf "$DIR"
}

# serve NAMES [OPTION…]: idb-serve with a socket for each of NAMES in $DIR, which systemd
# calls so. It is started by the first who connects. Sets SERVE.
serve() {
    local name listen=() names=
    for name in $1; do
        listen+=(-l "$DIR/$name")
        names+=${names:+:}$name
    done
    systemd-socket-activate "${listen[@]}" --fdname="$names" -E IDB_CONFIG -E ASAN_OPTIONS \
        -E UBSAN_OPTIONS "$IDB_BUILD/idb-serve" "${@:2}" </dev/null >"$DIR/out" 2>"$DIR/err" 3>&- &
    SERVE=$!
    for name in $1; do
        until_true unix_socket "$DIR/$name"
    done
}

# unix_socket NAME: somebody listens there; a path that is there may not be listened at yet.
unix_socket() { grep -qE "^[^ ]+ [^ ]+ [^ ]+ 00010000 .* $1\$" /proc/net/unix; }

# whole NAME: standard input goes to that socket, what comes back goes out.
whole() { socat -t 20 - "UNIX-CONNECT:$DIR/$1"; }

# dial FD NAME: opens a connection that stays. ask FD REQUEST: the answer in $output.
dial() {
    coproc socat -t 1 - "UNIX-CONNECT:$DIR/$2" 2>/dev/null
    # shellcheck disable=SC2154 # coproc sets it
    eval "exec $1<&${COPROC[0]} $(($1 + 1))>&${COPROC[1]}"
}

# ask FD REQUEST: one request on a connection of dial(); the answer in $output.
ask() {
    printf '%s\n' "$2" >&"$(($1 + 1))"
    IFS= read -r -t 20 -u "$1" output
}

# request CODE CALL: as a line.
request() { jq -nc --arg code "$1" --arg call "$2" '{ code: $code, call_id: $call }'; }

# codes N: so many codes, a line each.
codes() {
    jq -nc --argjson n "$1" 'range($n) | { purpose: "appointment", attributes: { name: "T. Est" },
        auth: { method: "counter", level: "low" } }' | idb-issue --attest=front-office | jq -r .code
}

# scgi SCRIPT BODY [NAME VALUE …]: one request as a web server makes it, without what it
# would add; the answer without carriage returns.
scgi() {
    local head=$DIR/head
    printf '%s\0' CONTENT_LENGTH "$(printf %s "$2" | wc -c)" SCGI 1 SCRIPT_NAME "$1" \
        REQUEST_METHOD POST CONTENT_TYPE application/json "${@:3}" >"$head"
    { printf '%s:' "$(wc -c <"$head")" && cat "$head" && printf ',%s' "$2"; } | whole scgi | tr -d '\r'
}

@test "idb-serve: without a listening socket, or with words that do not fit, exit 64" {
    run --separate-stderr -64 idb-serve verify </dev/null
    [ "$(json error)" = usage ]
    [[ $(json message) == 'Descriptor 0 is no listening socket; let inetd (wait) or systemd'* ]]
    [[ $stderr == 'idb-serve: Descriptor 0'* ]]
    run --separate-stderr -64 idb-serve </dev/null
    [[ $(json message) == 'Say what the socket carries'* ]]
    run --separate-stderr -64 idb-serve lookup </dev/null
    [[ $(json message) == 'Zone phone has no lookup to serve'* ]]
    run --separate-stderr -64 idb-serve verify end </dev/null
    [[ $(json message) == '1 sockets were handed down, and 2 words'* ]]
    run --separate-stderr -64 idb-serve --zone=cellar verify </dev/null
    run --separate-stderr -64 idb-serve --connections=0 verify </dev/null
    run --separate-stderr -64 idb-serve --idle=0 verify </dev/null
}

@test "idb-serve: SCGI says who is logged in, and is not taken from a port" {
    local port
    port=$(free_ports 1)
    systemd-socket-activate -l "127.0.0.1:$port" --fdname=scgi -E IDB_CONFIG \
        "$IDB_BUILD/idb-serve" </dev/null >"$DIR/out" 2>"$DIR/err" 3>&- &
    SERVE=$!
    until_true listening "$port"
    : | socat -t 1 - "TCP:127.0.0.1:$port" || true
    wait "$SERVE" && false
    SERVE=
    grep -q '"error":"usage"' "$DIR/out"
    grep -q 'idb-serve: SCGI says who is logged in' "$DIR/err"
}

@test "idb-serve: SCGI is not taken from an abstract socket, which has no owner" {
    local name=idb-serve-$$-$RANDOM
    systemd-socket-activate -l "@$name" --fdname=scgi -E IDB_CONFIG \
        "$IDB_BUILD/idb-serve" </dev/null >"$DIR/out" 2>"$DIR/err" 3>&- &
    SERVE=$!
    until_true unix_socket "@$name"
    : | socat -t 1 - "ABSTRACT-CONNECT:$name" || true
    until_true test -s "$DIR/out"
    grep -q '"error":"usage"' "$DIR/out"
    grep -q 'idb-serve: SCGI says who is logged in' "$DIR/err"
}

@test "idb-serve: answers lines in order, bad ones too, and ends with the other end" {
    local code
    code=$(codes 1)
    serve verify
    { request "$code" c-1 && echo nonsense && request "$code" c-2 && printf %s "$(request "$code" c-1)"; } |
        whole verify >"$DIR/answers"
    run -0 jq -rc '[.result, .error] | map(values)[0]' "$DIR/answers"
    [ "$output" = $'accepted\nbad_json\nused\naccepted' ]
    grep -q 'Line 2, column' "$DIR/answers"
    [ ! -s "$DIR/out" ]
    grep -q '^idb-serve: Line 2' "$DIR/err"
}

@test "idb-serve: one value over several lines is a request, at the end of input" {
    local code
    code=$(codes 1)
    serve verify
    run -0 whole verify < <(request "$code" c-1 | jq .)
    [ "$(json result)" = accepted ]
}

@test "idb-serve: what waits together is committed together, and all of it answered" {
    codes 64 >"$DIR/codes"
    serve verify
    : | whole verify # started now
    strace -f -qq -e trace=fdatasync,fsync -o "$DIR/trace" -p "$SERVE" 2>/dev/null 3>&- &
    local tracer=$!
    until_true test -e "$DIR/trace"
    sleep 0.2
    jq -Rc '{ code: ., call_id: "c-\(.)" }' "$DIR/codes" | whole verify >"$DIR/answers"
    kill "$tracer" && wait "$tracer" || true
    [ "$(grep -c '"result":"accepted"' "$DIR/answers")" = 64 ]
    # A commit is two at the most: the log begun anew is synchronised twice.
    [ "$(grep -cE 'f(data)?sync' "$DIR/trace")" -le 8 ]
}

@test "idb-serve: somebody slow, silent or talking without end is in nobody's way" {
    local code
    mapfile -t code < <(codes 2)
    serve verify
    dial 7 verify
    printf '{"code":"' >&8 # and then nothing
    { head -c 300000 /dev/zero | tr '\0' 'x' && sleep 5; } | whole verify >"$DIR/flood" &
    run -0 whole verify < <(request "${code[0]}" c-1)
    [ "$(json result)" = accepted ]
    ask 7 "$(printf '%s","call_id":"c-2"}' "${code[1]}")"
    [ "$(json result)" = accepted ]
    until_true grep -q too_large "$DIR/flood"
    [ "$(wc -l <"$DIR/flood")" = 1 ]
}

@test "idb-serve: who reads no answers is asked nothing more, and others are answered" {
    codes 1 >"$DIR/codes"
    serve verify
    # Answers of some 100 bytes each, far more than a socket holds.
    yes '{"nothing":1}' | head -n 200000 |
        socat -u - "UNIX-CONNECT:$DIR/verify,end-close" 2>/dev/null 3>&- &
    local talker=$!
    sleep 0.5
    run -0 whole verify < <(request "$(<"$DIR/codes")" c-1)
    [ "$(json result)" = accepted ]
    [ "$(awk '/VmRSS/ { print $2 }' "/proc/$SERVE/status")" -lt 400000 ]
    kill "$talker" 2>/dev/null || true
    wait "$talker" || true
}

@test "idb-serve: a silent connection is closed after --idle, a dripping one too" {
    serve verify --idle=1
    dial 7 verify
    printf '{"co' >&8
    run -1 read -r -t 8 -u 7
    exec 7<&- 8>&-
    { for _ in $(seq 40); do printf x || exit 0; sleep 0.1; done; } 2>/dev/null |
        whole verify >"$DIR/drip" 2>"$DIR/dripped" || true
    [ ! -s "$DIR/drip" ]
    grep -q 'Broken pipe\|reset' "$DIR/dripped"
}

@test "idb-serve: past --connections the one that is silent longest makes room, and no other" {
    local code
    code=$(codes 1)
    serve verify --connections=2
    dial 7 verify
    ask 7 '{}'
    sleep 0.1
    dial 5 verify
    ask 5 '{}'
    run -0 whole verify < <(request "$code" c-1)
    [ "$(json result)" = accepted ]
    run -1 read -r -t 5 -u 7 # the first is closed
    ask 5 '{}'
    [ "$(json error)" = bad_request ]
}

@test "idb-serve: a single request does not stand behind all that others have sent" {
    local code i wrong talker=()
    code=$(codes 1)
    wrong=$(request "$(wrong_code "$code")" w-1)
    serve verify
    : | whole verify
    kill -STOP "$SERVE"
    for ((i = 0; i < 20; i++)); do
        { yes "$wrong" | head -n 64 && sleep 20; } 2>/dev/null | whole verify >/dev/null 3>&- &
        talker+=($!)
    done
    sleep 1
    request "$code" c-1 | whole verify >"$DIR/answer" &
    talker+=($!)
    sleep 0.5
    kill -CONT "$SERVE"
    wait "${talker[-1]}"
    [ "$(jq -r .result "$DIR/answer")" = accepted ]
    # It was in the first group, which has 256.
    run -0 sql "SELECT COUNT(*) FROM audit WHERE action = 'verify' AND id <
        (SELECT id FROM audit WHERE action = 'verify' AND result = 'accepted')"
    [ "$output" -lt 256 ]
    kill "${talker[@]}" 2>/dev/null || true
}

@test "idb-serve: SCGI, with a token or a user of the web server, and without" {
    local code token
    mapfile -t code < <(codes 3)
    token=$(idb-keys token kcc | jq -r .token)
    serve 'verify scgi'
    run -0 scgi /verify "$(request "${code[0]}" h-1)" HTTP_AUTHORIZATION "Bearer $token"
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [ "${lines[1]}" = 'Content-Type: application/json' ]
    [ "${lines[2]}" = 'Cache-Control: no-store' ]
    [[ ${lines[-1]} == '{"result":"accepted",'* ]]
    run -0 scgi /v1/idb-verify.cgi "$(request "${code[1]}" h-2)" REMOTE_USER pbx AUTH_TYPE Basic
    [[ ${lines[-1]} == '{"result":"accepted",'* ]]
    run -0 scgi /verify "$(request "${code[2]}" h-3)"
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    [ "${lines[3]}" = 'WWW-Authenticate: Bearer realm="ID Bellen"' ]
    run -0 scgi /verify "$(request "${code[2]}" h-3)" REMOTE_USER pbx
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    run -0 scgi /verify "$(request "${code[2]}" h-3)" REMOTE_USER nobody AUTH_TYPE Basic
    [ "${lines[0]}" = 'Status: 403 Forbidden' ]
    run -0 scgi /verify '{' REMOTE_USER pbx AUTH_TYPE Basic
    [ "${lines[0]}" = 'Status: 400 Bad Request' ]
    run -0 scgi /verify "{\"x\":\"$(head -c 70000 /dev/zero | tr '\0' x)\"}" REMOTE_USER pbx AUTH_TYPE Basic
    [ "${lines[0]}" = 'Status: 413 Content Too Large' ]
    run -0 scgi /lookup '{}' REMOTE_USER pbx AUTH_TYPE Basic
    [ "${lines[0]}" = 'Status: 404 Not Found' ]
    [[ ${lines[-1]} == '{"error":"unknown_program",'* ]]
    run -0 scgi /verify '{}' REMOTE_USER pbx AUTH_TYPE Basic QUERY_STRING a=b
    [ "${lines[0]}" = 'Status: 400 Bad Request' ]
    # The one who asked before leaves nothing behind for who comes next.
    run -0 whole verify < <(request "${code[2]}" h-3)
    [ "$(json result)" = accepted ]
}

@test "idb-serve: what is no SCGI is closed without an answer" {
    local bad
    serve scgi
    for bad in 'GET / HTTP/1.1' '99999:' '05:a' '3:a' ':,' '12:SCGI' '24:SCGI'; do
        run -0 whole scgi < <(printf '%s' "$bad")
        [ -z "$output" ]
    done
    run -0 scgi /verify '{}'
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
}

@test "idb-serve: at the desk it is the user at the other end, whatever the environment says" {
    local code me
    me=$(id -un)
    code=$(codes 1)
    verify "$code" c-1 >/dev/null
    export REMOTE_USER=alice AUTH_TYPE=Basic SUDO_USER=alice
    serve 'lookup end' --zone=desk
    run -0 whole lookup <<<'{"call_id":"c-1"}'
    [ "$(json '.attributes[0].value')" = 'T. Est' ]
    run -0 sql "SELECT DISTINCT actor FROM audit WHERE action = 'open'"
    [ "$output" = "agent:$me" ]
    run -0 whole end <<<'{"call_id":"c-1"}'
    [ "$(json result)" = ended ]
}

@test "idb-serve: through a port nobody is known, and the desk stays closed" {
    local port
    port=$(free_ports 1)
    systemd-socket-activate -l "127.0.0.1:$port" --fdname=lookup -E IDB_CONFIG -E ASAN_OPTIONS \
        "$IDB_BUILD/idb-serve" --zone=desk </dev/null >"$DIR/out" 2>"$DIR/err" 3>&- &
    SERVE=$!
    until_true listening "$port"
    run -0 socat -t 20 - "TCP:127.0.0.1:$port" <<<'{"call_id":"c-1"}'
    [ "$(json error)" = not_authenticated ]
}

@test "idb-serve: the web zone cannot end a call" {
    local code
    code=$(codes 1)
    verify "$code" c-1 >/dev/null
    serve 'end status' --zone=web
    rm "$IDB_KEYS/phone/bind.key"
    run -0 whole end <<<'{"call_id":"c-1"}'
    [[ $(json error) == key* ]]
    run -0 sql "SELECT state FROM session"
    [ "$output" = called ]
}

@test "idb-serve: SIGHUP rereads the configuration, and one that is broken is not taken" {
    local code
    mapfile -t code < <(codes 2)
    serve verify
    dial 7 verify
    ask 7 '{"code":"'"$(wrong_code "${code[0]}")"'","call_id":"w-1"}'
    [ "$(json attempts_left)" = 2 ]
    jq '.throttle.per_call = 1' "$IDB_CONFIG" >"$DIR/new" && cp "$DIR/new" "$IDB_CONFIG"
    kill -HUP "$SERVE"
    sleep 0.3
    ask 7 '{"code":"'"$(wrong_code "${code[0]}")"'","call_id":"w-2"}'
    [ "$(json attempts_left)" = 0 ]
    echo '{' >"$IDB_CONFIG"
    kill -HUP "$SERVE"
    sleep 0.3
    ask 7 "$(request "${code[1]}" c-1)"
    [ "$(json result)" = accepted ]
    grep -q '^idb-serve: .*idb.json' "$DIR/err"
}

@test "idb-serve: keys that are missing are said to each, and found when they are there" {
    local code
    code=$(codes 1)
    mv "$IDB_KEYS/phone/bind.key" "$DIR"
    serve verify
    dial 7 verify
    ask 7 "$(request "$code" c-1)"
    [[ $(json error) == key* ]]
    mv "$DIR/bind.key" "$IDB_KEYS/phone"
    ask 7 "$(request "$code" c-1)"
    [ "$(json result)" = accepted ]
}

@test "idb-serve: SIGTERM answers what was read, and ends with exit 0" {
    codes 200 >"$DIR/codes"
    serve verify
    : | whole verify
    { jq -Rc '{ code: ., call_id: "c-\(.)" }' "$DIR/codes" && sleep 5; } | whole verify >"$DIR/answers" 3>&- &
    until_true test -s "$DIR/answers"
    kill "$SERVE"
    wait "$SERVE"
    SERVE=
    run -0 sql "SELECT COUNT(*) FROM session WHERE state = 'called'"
    [ "$output" -gt 0 ]
    until_true are_accepted "$output"
}

# are_accepted N: so many answers came.
are_accepted() { [ "$(grep -c accepted "$DIR/answers")" = "$1" ]; }

@test "idb-serve: killed with -9, everything answered is in the store" {
    codes 200 >"$DIR/codes"
    serve verify
    : | whole verify
    { jq -Rc '{ code: ., call_id: "c-\(.)" }' "$DIR/codes" && sleep 5; } | whole verify >"$DIR/answers" 3>&- &
    until_true test -s "$DIR/answers"
    kill -KILL "$SERVE"
    wait "$SERVE" || true
    SERVE=
    until_true ends_at_a_line
    run -0 sql "SELECT id FROM session WHERE state = 'called' ORDER BY id"
    grep -q . <<<"$output"
    [ -z "$(comm -13 <(echo "$output") <(jq -r 'select(.result == "accepted").session' "$DIR/answers" | sort))" ]
    # Where it was before: the next process takes the codes that were not.
    serve verify
    jq -Rc '{ code: ., call_id: "c-\(.)" }' "$DIR/codes" | whole verify >"$DIR/again"
    [ "$(jq -c .result "$DIR/again" | sort | uniq -c | tr -s ' ')" = ' 200 "accepted"' ]
}

# ends_at_a_line: no answer is half there.
ends_at_a_line() { [ -z "$(tail -c 1 "$DIR/answers")" ]; }

@test "idb-serve: erased bytes are gone within seconds, who else wrote them too" {
    local code sealed
    code=$(codes 1)
    sealed=$(sql 'SELECT substr(sealed, 200, 60) FROM session')
    serve verify
    dial 7 verify
    ask 7 "$(request "$code" c-1)"
    [ "$(json result)" = accepted ]
    run -1 is_gone "$sealed"
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    # Somebody else's commit is noticed at the next turn, after twenty seconds.
    until_true is_gone "$sealed" || until_true is_gone "$sealed" || until_true is_gone "$sealed"
}

is_gone() { ! store_bytes | grep -qaF -- "$1"; }

@test "idb-serve: a store that was restored is taken up, the old one let go" {
    local code
    code=$(codes 1)
    serve verify
    dial 7 verify
    ask 7 '{"code":"'"$(wrong_code "$code")"'","call_id":"c-1"}'
    idb-store backup "$DIR/backup.db" >/dev/null
    idb-store restore "$DIR/backup.db" >/dev/null
    ask 7 "$(request "$code" c-2)"
    [ "$(json result)" = wrong ] # every session of a restored store is over
}

@test "idb-serve: inetd hands it the socket and waits" {
    local port code me
    me=$(id -un)
    mapfile -t code < <(codes 2)
    port=$(free_ports 1)
    echo "127.0.0.1:$port stream tcp4 wait $me $IDB_BUILD/idb-serve idb-serve --config=$IDB_CONFIG verify" \
        >"$DIR/inetd.conf"
    inetd_start "$DIR/inetd.conf" "$me"
    until_true listening "$port"
    exec 7<>"/dev/tcp/127.0.0.1/$port" 8<>"/dev/tcp/127.0.0.1/$port"
    request "${code[0]}" c-1 >&7
    request "${code[1]}" c-2 >&8
    IFS= read -r -t 20 output <&8
    [ "$(json result)" = accepted ]
    IFS= read -r -t 20 output <&7
    [ "$(json result)" = accepted ]
    [ "$(pgrep -cf "^idb-serve --config=$IDB_CONFIG")" = 1 ]
    pkill -f "^idb-serve --config=$IDB_CONFIG"
}
