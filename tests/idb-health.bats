#!/usr/bin/env bats
# On PostgreSQL with --long
# shellcheck disable=SC2154  # bats sets output and stderr

load lib
load life

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    idb_instance
    dir=$(dirname "$IDB_CONFIG")
}

# parts: result and parts on one line, an error by its word.
parts() {
    jq -r '[.result, (.configuration, .keys, .store, .line | if type == "object" then .error else . end)]
        | join(" ")' <<<"$output"
}
line_is() { jq "$1" "$IDB_CONFIG" >"$dir/other.json" && cat "$dir/other.json" >"$IDB_CONFIG"; }

# health EXIT PARTS: says so, and on standard error when something is broken.
health() {
    run --separate-stderr "-$1" idb-health </dev/null
    [ "${#lines[@]}" = 1 ] && [ "$(parts)" = "$2" ] || return
    if [ "$1" = 0 ]; then [ -z "$stderr" ]; else [[ $stderr == 'idb-health: '* && $stderr != *$'\n'* ]]; fi
}

# ask [HEADER=VALUE…]: as CGI; the status in $code, the body in $output.
ask() {
    run --separate-stderr -0 env "$@" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET idb-health.cgi
    output=${output//$'\r'/}
    answer=$output
    code=$(sed -n 's/^Status: \([0-9]*\).*/\1/p;/^$/q' <<<"$output") output=${output##*$'\n'}
}

@test "idb-health: all in order, and nothing is changed" {
    local before
    before=$(sql 'SELECT COUNT(*) FROM audit')
    health 0 'ok ok ok ok open'
    [ "$output" = '{"result":"ok","configuration":"ok","keys":"ok","store":"ok","line":"open"}' ]
    [ "$(sql 'SELECT COUNT(*) FROM audit')" = "$before" ]
}

@test "idb-health: a line that is closed is in order" {
    line_is '.lines.kcc.hours = { mon: [], tue: [], wed: [], thu: [], fri: [], sat: [], sun: [] }'
    health 0 'ok ok ok ok closed'
}

@test "idb-health: a configuration that is wrong hides the rest" {
    echo '{' >"$IDB_CONFIG"
    health 78 'broken config_json unknown unknown unknown'
    rm "$IDB_CONFIG"
    health 78 'broken config_missing unknown unknown unknown'
}

@test "idb-health: a key that is missing, or open to others, is told apart from the store" {
    chmod 644 "$IDB_KEYS/phone/bind.key"
    health 78 'broken ok key_rights ok open'
    rm "$IDB_KEYS/phone/bind.key"
    health 78 'broken ok key_missing ok open'
}

@test "idb-health: so are tokens that are not in order" {
    echo '{}' >"$IDB_KEYS/phone/tokens"
    chmod 600 "$IDB_KEYS/phone/tokens"
    health 78 'broken ok key_corrupt ok open'
}

@test "idb-health: a store that is missing, or of another version" {
    sql 'UPDATE meta SET value = 99'
    health 78 'broken ok ok schema open'
    store_gone
    health 78 'broken ok ok store_missing open'
}

@test "idb-health: a store that is ahead of the clock is exit 75" {
    issue_status >issued
    run --separate-stderr -75 at_offset -5m idb-health
    [ "$(parts)" = 'broken ok ok clock open' ]
}

@test "idb-health: several parts, and the gravest exit" {
    rm "$IDB_KEYS/phone/code.key"
    sql "UPDATE audit SET at = at + 3600000"
    health 78 'broken ok key_missing clock open'
}

@test "idb-health: of several lines one must be named" {
    line_is '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67" }'
    health 78 'broken ok ok ok unknown_line'
    run --separate-stderr -0 idb-health --line=two
    run --separate-stderr -78 idb-health --line=three
    [ "$(parts)" = 'broken ok ok ok unknown_line' ]
}

@test "idb-health: CGI answers who may have codes checked, by token or password" {
    local token
    token=$(idb-keys token kcc | jq -r .token)
    ask HTTP_AUTHORIZATION="Bearer $token"
    [ "$code $(parts)" = '200 ok ok ok ok open' ]
    ask REMOTE_USER=pbx AUTH_TYPE=Basic
    [ "$code $(parts)" = '200 ok ok ok ok open' ]
    rm "$IDB_KEYS/phone/code.key"
    ask HTTP_AUTHORIZATION="Bearer $token"
    [ "$code $(parts)" = '500 broken ok key_missing ok open' ]
}

@test "idb-health: CGI tells nobody else anything" {
    rm "$IDB_KEYS/phone/code.key"
    for who in A=b REMOTE_USER=pbx HTTP_AUTHORIZATION='Bearer idb_x' HTTP_AUTHORIZATION='Basic cGJ4OnNlY3JldA=='; do
        ask "$who"
        [ "$code $(json .error) $(json '. | length')" = '401 not_authenticated 2' ]
        [[ $answer == *'WWW-Authenticate: Bearer realm="ID Bellen"'* ]]
    done
    ask REMOTE_USER=mallory AUTH_TYPE=Basic
    [ "$code $(json .error)" = '403 not_permitted' ]
}

@test "idb-health: CGI names no part where nobody can be known" {
    echo '{}' >"$IDB_KEYS/phone/tokens"
    chmod 600 "$IDB_KEYS/phone/tokens"
    ask HTTP_AUTHORIZATION='Bearer idb_x'
    [ "$code $(json .error) $(json '. | length')" = '500 key_corrupt 2' ]
    echo '{' >"$IDB_CONFIG"
    ask REMOTE_USER=pbx AUTH_TYPE=Basic
    [ "$code $(json .error) $(json '. | length')" = '500 config_json 2' ]
}

@test "idb-health: --client is CGI's way for a script" {
    run --separate-stderr -77 idb-health --client
    [ "$(json .error)" = not_authenticated ]
    REMOTE_USER=pbx AUTH_TYPE=Basic run --separate-stderr -0 idb-health --client
    [ "$(parts)" = 'ok ok ok ok open' ]
    run --separate-stderr -64 idb-health --client --line=kcc
    [ "$(json .error)" = usage ]
}

@test "idb-health: a request with members, and a POST that is none" {
    CONTENT_TYPE=application/json REMOTE_USER=pbx AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-health POST '{"a":1}'
    [[ $output == *'Status: 400 '*'"bad_request"'* ]]
    REMOTE_USER=pbx AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-health POST '{}'
    [[ $output == *'Status: 200 '*'"result":"ok"'* ]]
}

@test "idb-health: wrong use is exit 64, an answer that cannot be written 69" {
    run --separate-stderr -64 idb-health now
    [ "$(json .error)" = usage ]
    run -69 bash -c 'idb-health >/dev/full'
    [ "$output" = "idb-health: Cannot write the answer: No space left on device." ]
}
