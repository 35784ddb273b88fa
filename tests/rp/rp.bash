# Helpers for tests/rp: a login that goes through provider.mjs, and what must hold
# when it is refused. `load ../lib`, `load ../op/lib` (for its tool), `load ../life`,
# `load ../op/login`, then this.
# shellcheck shell=bash

# rp_up GROUP [JQ]: for setup_file. Starts the provider with that group's cases and
# makes one instance with a method for each, which the file's cases share; for up to
# the consent nothing is stored. JQ changes the configuration.
rp_up() {
    export RP=$BATS_FILE_TMPDIR/rp RP_PID RP_URL RP_SYSLOG
    "$PROVIDER" install || return
    mkdir "$RP"
    "$IDB_ROOT/build/provider/node_modules/.bin/node" "$IDB_ROOT/tests/rp/provider.mjs" "$RP" "$1" \
        </dev/null >"$RP/log" 2>&1 3>&- 4>&- &
    RP_PID=$!
    until [ -e "$RP/ready" ]; do
        kill -0 "$RP_PID" || { cat "$RP/log"; return 1; }
        sleep 0.02
    done
    RP_URL=$(cat "$RP/ready")
    RP_SYSLOG=$(tool syslog)
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR idb_instance ".methods = $(cat "$RP/methods.json")
        | .purposes[].methods = (.methods | keys) | ${2-.}" || return
    cp "$RP"/keys/* "$IDB_KEYS/web" && idb-config show >"$RP/shown"
}

# rp_down: for teardown_file.
rp_down() {
    [ -z "${RP_PID-}" ] || kill "$RP_PID" 2>/dev/null || true
    [ ! -s "${RP-}/log" ] || { echo "the provider said:" && cat "$RP/log" && false; }
}

# rp_case: for setup.
rp_case() {
    T=$BATS_TEST_TMPDIR
    rm -f "$RP"/*.honest "$RP"/*.secrets "$RP"/*.log
    stored=$(snapshot)
}

# say PROGRAM…: gives it standard input; its answer, standard error and syslog are
# files in $T then, and $status its exit.
say() {
    status=0
    : >"$T/syslog"
    ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 SYSLOG_FILE=$T/syslog \
        LD_PRELOAD=$RP_SYSLOG${LD_PRELOAD:+:$LD_PRELOAD} "$@" >"$T/answer" 2>"$T/stderr" || status=$?
    printf '%s\n' "$status" >"$T/status" # where say runs in a subshell
    output=$(<"$T/answer")
}

# begin CASE [PURPOSE]: idb-oidc-start. Sets location, and cookies: a Cookie header.
begin() {
    printf '{"purpose":"%s","method":"%s"}\n' "${2-status}" "$1" >"$T/request"
    say idb-oidc-start <"$T/request"
    location='' cookies=''
    [[ ! $output =~ \"location\":\"([^\"]*)\" ]] || location=${BASH_REMATCH[1]}
    [[ ! $output =~ \"(__Host-idb-login-[A-Za-z0-9_-]+=[^;]*)\; ]] || cookies=${BASH_REMATCH[1]}
}

# at_op: what the browser does at the provider. Sets at, where it is sent to. (Without
# curl, whose start takes longer than all the rest.)
at_op() {
    local op line said=''
    exec {op}<>"/dev/tcp/127.0.0.1/${RP_URL##*:}"
    printf 'GET %s HTTP/1.0\r\n\r\n' "${location#"$RP_URL"}" >&"$op"
    at=''
    while read -r line; do
        [[ $line != 'Location: '* ]] || at=${line#Location: } at=${at%$'\r'}
        said+=$line$'\n'
    done <&"$op"
    exec {op}>&-
    [ -n "$at" ] || { printf '%s' "$said"; return 1; }
}

# back CASE [QUERY]: it comes back; idb-oidc-callback.
back() {
    printf '{"method":"%s","query":"%s"%s}\n' "$1" "${2-${at#*\?}}" "${cookies:+,\"cookies\":\"$cookies\"}" >"$T/request"
    say idb-oidc-callback <"$T/request"
}

# flow CASE: a login up to the callback's answer.
flow() {
    begin "$1"
    [ "$status" = 0 ] || { cat "$T/stderr"; return 1; }
    at_op
    back "$1"
}

# honestly CASE, lying CASE: from here on.
honestly() { : >"$RP/$1.honest"; }
lying() { rm -f "$RP/$1.honest"; }

# asked CASE ENDPOINT: how often it was.
asked() { grep -cF "{\"at\":\"$2\"," "$RP/$1.log" || true; }

# request_of CASE ENDPOINT: the newest such request, as JSON.
request_of() { grep -F "{\"at\":\"$2\"," "$RP/$1.log" | tail -n 1; }

# offered: the login was answered with an offer, and with these data.
offered() {
    [ "$status" = 0 ] && [[ $output == *'"offer":"'* && $output == *'"value":"T. Estpersoon"'* ]] || {
        printf 'not offered: %s\n' "$output" "$(cat "$T/stderr" "$T/request")"
        return 1
    }
}

# page_of NAME: the HTML page that the answer becomes, as scripts/page.sh makes it.
page_of() {
    { cat "$T/answer" && echo '"config"' && cat "$RP/shown"; } |
        SCRIPT_NAME=/callback PATH_INFO=/x jq -nr -L "$IDB_ROOT/scripts/pages" --arg lang nl --arg to '' \
            --slurpfile nl "$IDB_ROOT/scripts/text/nl.json" --slurpfile en "$IDB_ROOT/scripts/text/en.json" \
            -f "$IDB_ROOT/scripts/pages/$1.jq" >"$T/html"
    grep -q '<h1[ >]' "$T/html"
}

# is_refusal CASE WORD EXIT [PAGE]: what was just answered is that refusal; nothing is
# stored, and nowhere stands what is nobody's business.
is_refusal() {
    [[ $status == "$3" && $output == *"\"error\":\"$2\""* && $output != *'"offer"'* ]] || {
        printf 'not %s: exit %s, %s\n' "$2" "$status" "$output"
        return 1
    }
    if [ "$3" = 1 ]; then
        [ ! -s "$T/stderr" ]
    else
        [ "$(wc -l <"$T/stderr")" = 1 ]
    fi
    [ "$(snapshot)" = "$stored" ]
    # The page is made of this answer alone, so one of each word in a file will do.
    : >"$T/html"
    if [ ! -e "$RP/page-$2" ]; then
        page_of "${4-consent}"
        [[ $(<"$T/html") == *"<code>$2</code>"* ]]
        : >"$RP/page-$2"
    fi
    [ ! -s "$RP/$1.secrets" ] || silent "$1"
}

# silent CASE: none of that login's secrets stands in answer, standard error, syslog or
# page.
silent() {
    local left
    left=$(grep -oF -f "$RP/$1.secrets" "$T/answer" "$T/stderr" "$T/syslog" "$T/html" || true)
    [ -z "$left" ] || { printf 'said: %s\n' "$left"; return 1; }
}

# refused CASE WORD EXIT [USERINFO]: its login is refused, with so many userinfo
# requests (0) and one token request at the most, and would be offered if the provider
# did not do that. Sets refusal, the answer.
refused() {
    lying "$1"
    flow "$1"
    # shellcheck disable=SC2034  # the cases look at it
    refusal=$output
    is_refusal "$1" "$2" "$3"
    grep -qxE "5 login refused: $2, method ($1|-)" "$T/syslog"
    [ -s "$RP/$1.secrets" ]
    asked_tokens=$(asked "$1" token)
    [ "$asked_tokens" -le 1 ]
    [ "$(asked "$1" userinfo)" = "${4-0}" ]
    [[ $(<"$RP/$1.log") != *'{"at":"elsewhere'* ]]
    honestly "$1"
    flow "$1"
    offered
}

# before_tokens CASE WORD EXIT: the same, and no token request was made.
before_tokens() {
    refused "$@"
    [ "$asked_tokens" = 0 ]
}

# accepted CASE: its login is offered.
accepted() {
    lying "$1"
    flow "$1"
    offered
}
