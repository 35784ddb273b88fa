# Helpers for the files about the life of a session, beside lib.bash.
# shellcheck shell=bash

# Whoever runs the tests is nobody at the desk but by what a test sets.
unset SUDO_USER REMOTE_USER AUTH_TYPE

# column NAME SESSION: one value of a session's row.
column() { sql "SELECT $1 FROM session WHERE id = '$2'"; }

# session_of ISSUED: the id of the session.
session_of() { member session "$1"; }

# issue PURPOSE [JQ]: as issue_status, for one of the purposes; JQ changes the request.
issue() {
    issue_status ".purpose = \"$1\"
        | if .purpose == \"appointment\" then del(.attributes.bsn) else . end | ${2-.}"
}

# browser PROGRAM ISSUED [JQ]: what the browser that got this answer asks; JQ
# adds to the request. cancel ISSUED: the resident stops.
browser() {
    jq -c "{ cookies: ([.cookies[] | split(\";\")[0]] | join(\"; \")) } | ${3-.}" <<<"$2" | "$1"
}
confirm() { browser idb-confirm "$1" ".confirm = $2"; }

# members [PATH]: the names in the answer, or in an object in it, in order of the alphabet.
members() { jq -r "${1-.} | keys | join(\" \")" <<<"$output"; }

# in_seconds PATH: when that time in the answer is, in seconds from now.
in_seconds() {
    jq -r "($1 | sub(\"[.][0-9]{3}Z\$\"; \"Z\") | fromdateiso8601) - now | round" <<<"$output"
}

# about SECONDS VALUE: true when they differ by no more than a slow machine explains.
about() { (($2 >= $1 - 20 && $2 <= $1 + 2)); }

# refused WORD: the answer is just that refusal, and nothing was complained of.
refused() {
    # shellcheck disable=SC2154  # bats sets stderr
    only_error "$1" && [ -n "$REPLY" ] && [ -z "$stderr" ]
}

# failed PROGRAM WORD: the same with the one line on standard error.
failed() {
    only_error "$2" && [ "$stderr" = "$1: $REPLY" ]
}

# only_error WORD: the answer is an error and has no other members. Sets REPLY, the message.
only_error() {
    REPLY=$(json message)
    [[ $output =~ ^\{\"error\":\"$1\",\"message\":\"([^\"\\]|\\.)*\"\}$ ]]
}

# newest_audit [N]: actor, action, session and result of the newest row, or the
# Nth newest.
newest_audit() {
    sql "SELECT actor, action, session, result FROM audit ORDER BY id DESC LIMIT 1 OFFSET $((${1-1} - 1))"
}

# alarms WORD: how often it was raised.
alarms() { sql "SELECT COALESCE(SUM(count), 0) FROM counter WHERE name = '$1'"; }

# a_lot N: so many characters.
a_lot() { head -c "$1" /dev/zero | tr '\0' x; }
