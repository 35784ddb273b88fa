# A whole call by the users of an installation: `load ../lib`, `lib`, `service`, then `users`.
# shellcheck shell=bash disable=SC2154 # bats' own variables

# agent COMMAND…: as the desk's user, for the agent alice.
agent() { as "$DESK" env AUTH_TYPE=test REMOTE_USER=alice "$@"; }

# asks JSON COMMAND…: runs it with one request.
asks() {
    run --separate-stderr "${@:2}" <<<"$1"
}

# ok RESULT: exit 0, that result and nothing else said.
ok() {
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [ "$(json .result)" = "$1" ] && return
    printf '%s\n' "$status" "$output" "$stderr"
    return 1
}

# error STATUS WORD
error() {
    [ "$status" -eq "$1" ] && is_error "$2" && return
    printf '%s\n' "$status" "$output" "$stderr"
    return 1
}

# issued: a session, made by the web zone's user; sets issued and cookies.
issued() {
    asks "$(requests 1)" as "$WEB" idb-issue --attest=front-office
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    issued=$output
    cookies=$(jq -c --arg c "$(cookies_of "$issued")" '{ cookies: $c }' <<<'{}')
}

code_on() { jq -nc --arg code "$(code_of "$issued")" --arg call "$1" '{ code: $code, call_id: $call }'; }

# mended ASK…: what ASK refuses with STATUS WORD is in order after the command
# that the message gives.
mended() {
    local word=$1 command
    shift
    asks "$cookies" "$@"
    error 78 "$word"
    command=$(json .message)
    command=${command##*: }
    [[ $command == ch* ]]
    quietly bash -c "$command"
    asks "$cookies" "$@"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [ -z "$stderr" ]
    [ "$(json .state)" = issued ]
}
