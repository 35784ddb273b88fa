#!/usr/bin/env bats
# What every filter does alike, shown with idb-verify: lines, groups, CGI,
# descriptors, environment.

load lib

setup() {
    idb_instance
    # A code that nobody has, and the same with a slip of the finger.
    nobody=482109347$(damm 482109347)
    slip=$(mistyped_code "$nobody")
}

# request CODE CALL: one request line; padded N CODE: one of exactly N bytes.
request() { printf '{"code":"%s","call_id":"%s"}\n' "$1" "$2"; }
padded() {
    local line
    line=$(request "$2" padded)
    printf '{%*s%s\n' $(($1 - ${#line})) '' "${line#\{}"
}

results() { jq -r '.result // .error' <<<"$output" | paste -sd ' '; }

# Answers, all of them JSON lines, and how many.
answers() {
    jq -es "length == $1 and all(type == \"object\")" <<<"$output" >/dev/null &&
        [ "$(grep -c . <<<"$output")" = "$1" ]
}

# ---- lines ----

@test "frame: a bad line is answered in its place, with line and column, and the stream goes on" {
    code=$(code_of "$(issue_status)")
    run --separate-stderr -65 idb-verify <<<"$(request "$slip" a; echo '{"code":nonsense}'; request "$code" b)"
    [ "$(results)" = 'mistyped bad_json accepted' ]
    message=$(jq -r 'select(.error).message' <<<"$output")
    [[ $message == *'ine 2, column '[1-9]* ]]
    [[ $message != *nonsense* ]]
    [[ $stderr == idb-verify:\ * ]]
    [ "${#stderr_lines[@]}" = 1 ]
}

@test "frame: one value over several lines is one request" {
    run --separate-stderr -1 idb-verify < <(jq -n --arg code "$slip" '{code: $code, call_id: "a"}')
    answers 1
    [ "$(json result)" = mistyped ]
    [ -z "$stderr" ]
}

@test "frame: a broken value over several lines is one answer with the right line" {
    run --separate-stderr -65 idb-verify <<<$'{\n"code": "1",\n"call_id": }\n'
    answers 1
    [[ $(json message) == *'ine 3, column'* ]]
}

@test "frame: a request of exactly 64 KiB is answered" {
    run --separate-stderr -1 idb-verify < <(padded 65536 "$slip")
    [ "$(results)" = mistyped ]
}

@test "frame: a request of one byte more is refused, and the stream goes on" {
    run --separate-stderr -65 idb-verify < <(request "$slip" a; padded 65537 "$slip"; request "$slip" b)
    [ "$(results)" = 'mistyped too_large mistyped' ]
    [[ $(jq -r 'select(.error).message' <<<"$output") == *'ine 2'* ]]
}

@test "frame: a line of a megabyte is refused once, and the stream goes on" {
    run --separate-stderr -65 idb-verify < <(padded 1000000 "$slip"; request "$slip" b)
    [ "$(results)" = 'too_large mistyped' ]
}

@test "frame: a broken first line swallows nothing of a burst behind it" {
    { echo '{"code":'; padded 60000 "$slip"; padded 60000 "$slip"; request "$slip" a; } >"$BATS_TEST_TMPDIR/burst"
    run --separate-stderr -65 idb-verify <"$BATS_TEST_TMPDIR/burst"
    [ "$(results)" = 'bad_json mistyped mistyped mistyped' ]
}

@test "frame: carriage returns, blanks and empty lines are harmless" {
    run --separate-stderr -1 idb-verify \
        < <(printf '\n\r\n  \n%s \r\n\n\t%s\t\r\n' "$(request "$slip" a)" "$(request "$slip" b)")
    [ "$(results)" = 'mistyped mistyped' ]
}

@test "frame: nothing at all is answered by nothing" {
    run --separate-stderr -0 idb-verify </dev/null
    [ -z "$output$stderr" ]
}

@test "frame: a NUL byte makes a bad line, not the end" {
    run --separate-stderr -65 idb-verify \
        < <(printf '{"code":"%s\0","call_id":"a"}\n\0\n' "$slip"; request "$slip" b)
    [ "$(results)" = 'bad_json bad_json mistyped' ]
}

@test "frame: bytes that are not UTF-8 make a bad line" {
    run --separate-stderr -65 idb-verify < <(printf '{"code":"\xff"}\n'; request "$slip" b)
    [ "$(results)" = 'bad_json mistyped' ]
}

@test "frame: what is no object is refused" {
    run --separate-stderr -65 idb-verify <<<$'[1]\n"text"\n1\nnull\n[{}]'
    answers 5
    [ "$(results | tr ' ' '\n' | sort -u)" = bad_request ] ||
        [ "$(results)" = 'bad_request bad_json bad_json bad_json bad_request' ]
}

@test "frame: a name that stands twice in a request is refused" {
    run --separate-stderr -65 idb-verify <<<"{\"code\":\"$slip\",\"code\":\"$slip\",\"call_id\":\"a\"}"
    [ "$(results)" = bad_json ]
}

@test "frame: two values on a line are refused" {
    run --separate-stderr -65 idb-verify <<<"$(request "$slip" a)$(request "$slip" b)"
    [ "$(results)" = bad_json ]
}

@test "frame: nesting of thousands is refused, and the stream goes on" {
    deep=$(printf '[%.0s' {1..20000})$(printf ']%.0s' {1..20000})
    run --separate-stderr -65 idb-verify < <(printf '{"code":%s}\n' "$deep"; request "$slip" b)
    [ "$(results)" = 'bad_json mistyped' ]
}

@test "frame: the last line needs no end" {
    run --separate-stderr -1 idb-verify < <(request "$slip" a; printf %s "$(request "$slip" b)")
    [ "$(results)" = 'mistyped mistyped' ]
}

@test "frame: a last line cut off is answered" {
    run --separate-stderr -65 idb-verify < <(request "$slip" a; printf '{"code":"48210')
    [ "$(results)" = 'mistyped bad_json' ]
}

@test "frame: an answer comes at once while the other side keeps the line open" {
    coproc verifier { idb-verify; }
    local answer pid=$verifier_PID to=${verifier[1]}
    for call in a b; do
        request "$slip" "$call" >&"$to"
        IFS= read -r -t 20 answer <&"${verifier[0]}"
        [ "$(member result "$answer")" = mistyped ]
    done
    exec {to}>&-
    wait "$pid" || [ "$?" = 1 ]
}

# drip: hands on its input, one byte a write.
drip() { LC_ALL=C awk '{ for (i = 1; i <= length; i++) { printf "%s", substr($0, i, 1); fflush() } print "" }'; }

@test "frame: a peer that drips bytes costs little processor time" {
    TIMEFORMAT='%3U %3S'
    # On one line, and as a value that goes on after the first line.
    for first in '' $'{\n'; do
        { printf %s "$first"; padded 60000 "$slip" | sed "s/^${first:+.}//"; } | drip |
            { time idb-verify >"$BATS_TEST_TMPDIR/answer"; } 2>"$BATS_TEST_TMPDIR/time" || true
        [ "$(jq -r .result "$BATS_TEST_TMPDIR/answer")" = mistyped ]
        awk '{ exit $1 + $2 > 4 }' <(tail -n 1 "$BATS_TEST_TMPDIR/time")
    done
}

# ---- groups ----

@test "frame: requests that arrived together are one transaction" {
    request "$nobody" one >"$BATS_TEST_TMPDIR/one"
    for i in {1..40}; do request "$nobody" "many-$i"; done >"$BATS_TEST_TMPDIR/many"
    # The store's first writer of a day may do more; let that be over.
    verify "$nobody" before >/dev/null || true
    one=$(count_calls fsync,fdatasync bash -c 'exec idb-verify <"$0"' "$BATS_TEST_TMPDIR/one")
    many=$(count_calls fsync,fdatasync bash -c 'exec idb-verify <"$0"' "$BATS_TEST_TMPDIR/many")
    [ "$one" -gt 0 ]
    [ "$many" -le $((one + 2)) ]
}

@test "frame: nothing is done for a reader that has gone" {
    code=$(code_of "$(issue_status)")
    run bash -c 'set +o pipefail
        { sleep 0.5; printf "%s\n" "$0"; } | idb-verify 2>"$1" | true
        exit "${PIPESTATUS[1]}"' "$(request "$code" gone)" "$BATS_TEST_TMPDIR/stderr"
    [ "$status" = 69 ]
    grep -q '^idb-verify: ' "$BATS_TEST_TMPDIR/stderr"
    run --separate-stderr -0 verify "$code" another
    [ "$(json result)" = accepted ]
}

@test "frame: closed input or output is exit 69, and nothing is done" {
    code=$(code_of "$(issue_status)")
    run --separate-stderr -69 bash -c 'idb-verify <&-'
    [[ $stderr == *closed* ]]
    run --separate-stderr -69 bash -c 'idb-verify <<<"$0" >&-' "$(request "$code" a)"
    [[ $stderr == idb-verify:\ *closed* ]]
    run -69 bash -c 'idb-verify <<<"$0" >&- 2>&-' "$(request "$code" a)"
    run -69 bash -c 'idb-verify <&- 2>&-'
    [ ! -s "$IDB_STORE-lock" ]
    run --separate-stderr -0 verify "$code" b
    [ "$(json result)" = accepted ]
}

@test "frame: closed standard error is harmless" {
    run -1 bash -c 'idb-verify <<<"$0" 2>&-' "$(request "$slip" a)"
    [ "$(json result)" = mistyped ]
}

@test "frame: a full disk behind the output is exit 69, said on standard error" {
    run --separate-stderr -69 bash -c 'idb-verify <<<"$0" >/dev/full' "$(request "$slip" a)"
    [ "${#stderr_lines[@]}" = 1 ]
    [[ $stderr == idb-verify:\ * ]]
    run --separate-stderr -69 bash -c 'idb-verify --help >/dev/full'
}

@test "frame: a configuration that is not there is answered once a request, exit 78" {
    run --separate-stderr -78 env IDB_CONFIG=/nonexistent/idb.json idb-verify \
        <<<"$(request "$slip" a; request "$slip" b; request "$slip" c)"
    answers 3
    [ "$(results)" = 'config_missing config_missing config_missing' ]
    [ "${#stderr_lines[@]}" = 1 ]
    [[ $stderr == 'idb-verify: '*/nonexistent/idb.json* ]]
}

@test "frame: on a socket that is output and error at once there are answers only" {
    # socat leaves at once, answers unread, when its child ends with an error.
    run -0 socat -t 20 - 'SYSTEM:idb-verify; true,stderr' <<<"$(request "$slip" a; echo nonsense)"
    answers 2
    export IDB_CONFIG=/nonexistent/idb.json
    run -0 socat -t 20 - 'SYSTEM:idb-verify; true,stderr' <<<'{}'
    answers 1
}

# ---- options, of every program ----

@test "frame: --help is one screen of 24 lines and 80 columns" {
    for program in $(programs); do
        run --separate-stderr -0 "$program" --help
        [ -z "$stderr" ]
        [ "${#lines[@]}" -gt 2 ]
        [ "$(wc -l <<<"$output")" -le 24 ] || { echo "$program: $(wc -l <<<"$output") lines"; false; }
        [[ $output == "usage: $program"* ]]
        [ "$(LC_ALL=C.UTF-8 wc -L <<<"$output")" -le 80 ] || { echo "$program: too wide"; false; }
    done
}

@test "frame: --version says which program and which version" {
    version=$(sed -n 's/^VERSION = //p' "$IDB_ROOT/Makefile")
    for program in $(programs); do
        run --separate-stderr -0 "$program" --version
        [ "$output" = "$program $version" ]
    done
}

@test "frame: an unknown option or an extra word is exit 64 and does nothing" {
    for program in $(programs); do
        for word in --nonsense nonsense -x --help=yes; do
            run --separate-stderr -64 "$program" "$word" </dev/null
            [ "$(json error)" = usage ]
            [ "${#stderr_lines[@]}" = 1 ]
            [[ $stderr == "$program: "* ]]
        done
    done
}

@test "frame: an option without its value is exit 64" {
    run --separate-stderr -64 idb-verify --config
    [ "$(json error)" = usage ]
}

# ---- CGI ----

# status_is STATUS: of the HTTP answer in $output, which is JSON and not cached.
status_is() {
    [[ ${lines[0]} == "Status: $1 "* ]]
    grep -qx 'Content-Type: application/json' <<<"$output"
    grep -qx 'Cache-Control: no-store' <<<"$output"
    sed '1,/^$/d' <<<"$output" | jq -e type >/dev/null
}

body() { sed '1,/^$/d' <<<"$output" | jq -r "$1"; }

@test "cgi: a request of a line's client is answered with 200, refusals included" {
    export AUTH_TYPE=Basic REMOTE_USER=pbx
    run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 200
    [ "$(body .result)" = mistyped ]
    code=$(code_of "$(unset AUTH_TYPE REMOTE_USER && issue_status)")
    run --separate-stderr -0 cgi idb-verify POST "$(request "$code" a)"
    status_is 200
    [ "$(body .result)" = accepted ]
}

@test "cgi: other methods are 405 and name those allowed" {
    export AUTH_TYPE=Basic REMOTE_USER=pbx
    for method in GET HEAD PUT DELETE post ''; do
        run --separate-stderr -0 cgi idb-verify "$method"
        status_is 405
        grep -qx 'Allow: POST' <<<"$output"
    done
}

@test "cgi: another type of content is 415" {
    export AUTH_TYPE=Basic REMOTE_USER=pbx
    for type in text/plain application/x-www-form-urlencoded application/jsonx ''; do
        CONTENT_TYPE=$type run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
        status_is 415
    done
    CONTENT_TYPE='application/json; charset=utf-8' \
        run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 200
}

@test "cgi: a body over 64 KiB is 413, one of exactly that is answered" {
    export AUTH_TYPE=Basic REMOTE_USER=pbx
    run --separate-stderr -0 cgi idb-verify POST "$(padded 65536 "$slip")"
    status_is 200
    run --separate-stderr -0 cgi idb-verify POST "$(padded 65537 "$slip")"
    status_is 413
}

@test "cgi: a body that is no JSON, too short or without a length is 400" {
    export AUTH_TYPE=Basic REMOTE_USER=pbx
    run --separate-stderr -0 cgi idb-verify POST nonsense
    status_is 400
    for length in 4000 '' -1 1x 99999999999999999999; do
        CONTENT_LENGTH=$length run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
        [[ ${lines[0]} == 'Status: 400 '* || ${lines[0]} == 'Status: 413 '* ]]
    done
}

@test "cgi: nobody is 401, another than a line's client is 403" {
    run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 401
    # A user without a kind of authentication is a header that somebody sent.
    REMOTE_USER=pbx run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 401
    AUTH_TYPE=Basic REMOTE_USER=mallory \
        run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 403
}

@test "cgi: a configuration that is not there is 500 and no detail is lost to the log" {
    AUTH_TYPE=Basic REMOTE_USER=pbx IDB_CONFIG=/nonexistent/idb.json \
        run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 500
    [[ $stderr == idb-verify:\ * ]]
}

@test "cgi: a query, or the arguments a web server makes of one, is refused" {
    export AUTH_TYPE=Basic REMOTE_USER=pbx
    QUERY_STRING=code=1 run --separate-stderr -0 cgi idb-verify POST "$(request "$slip" a)"
    status_is 400
    export GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST CONTENT_TYPE=application/json CONTENT_LENGTH=2
    for argument in --help --version "--config=$IDB_CONFIG" word; do
        run --separate-stderr -0 bash -c '"$0" "$1" <<<"{}" | tr -d "\r"' \
            "$IDB_BUILD/idb-verify.cgi" "$argument"
        status_is 400
    done
}

@test "cgi: the environment of a web server does not make a filter one" {
    export GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET QUERY_STRING=x CONTENT_LENGTH=0
    run --separate-stderr -1 idb-verify <<<"$(request "$slip" a)"
    answers 1
    [ "$(json result)" = mistyped ]
}

# ---- environment and traces ----

@test "frame: OPENSSL_CONF, proxies and the like change nothing" {
    # With this file in force OpenSSL has no algorithm at all.
    cat >"$BATS_TEST_TMPDIR/openssl.cnf" <<'END'
openssl_conf = init
[init]
providers = providers
[providers]
base = base
[base]
activate = 1
END
    code=$(code_of "$(issue_status)")
    export OPENSSL_CONF=$BATS_TEST_TMPDIR/openssl.cnf OPENSSL_MODULES=/nonexistent
    export SSLKEYLOGFILE=$BATS_TEST_TMPDIR/keylog http_proxy=http://127.0.0.1:1 SQLITE_TMPDIR=/nonexistent
    run --separate-stderr -0 verify "$code" a
    [ "$(json result)" = accepted ]
    [ ! -e "$BATS_TEST_TMPDIR/keylog" ]
    count_calls openat idb-verify </dev/null >/dev/null
    run -1 grep openssl.cnf "$BATS_TEST_TMPDIR/trace"
}

@test "frame: a program that is killed leaves no core file" {
    cd "$BATS_TEST_TMPDIR"
    ulimit -c unlimited
    mkfifo pipe
    idb-verify <pipe >answer 2>/dev/null &
    pid=$!
    exec 7>pipe
    request "$slip" a >&7
    for _ in {1..100}; do
        [ -s answer ] && break
        sleep 0.1
    done
    grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
    kill -SEGV "$pid"
    wait "$pid" || true
    exec 7>&-
    [ -z "$(find . -name '*core*')" ]
}
