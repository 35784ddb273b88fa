# Helpers for the .bats files: `load lib`, or `load ../lib` from a folder below.
# A file may be run by itself, with `bats tests/idb-verify.bats`: then it takes
# the plain build.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

IDB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
IDB_BUILD=${IDB_BUILD:-$IDB_ROOT/build}
PATH=$IDB_BUILD:$PATH
export IDB_ROOT IDB_BUILD PATH

# Where the store is: sqlite, or postgresql with IDB_TEST_STORE=postgresql.
# shellcheck source=tests/store/sqlite.bash
source "$IDB_ROOT/tests/store/${IDB_TEST_STORE:=sqlite}.bash"

# idb_instance [JQ]: a configuration with keys and store of its own, made anew in
# $BATS_TEST_TMPDIR/idb; JQ changes the configuration. Sets IDB_CONFIG and IDB_KEYS (the
# key directory).
idb_instance() {
    local dir=$BATS_TEST_TMPDIR/idb
    rm -rf "$dir"
    mkdir "$dir"
    mkdir -m 700 "$dir/cache"
    export IDB_CONFIG=$dir/idb.json IDB_KEYS=$dir/keys
    store_new "$dir" || return
    idb_config "$dir" "${1-}" >"$IDB_CONFIG" || return
    idb-keys create >"$dir/keys.log" && idb-store create >"$dir/store.log" && return
    cat "$dir"/*.log >&2
    return 1
}

# idb_config DIR [JQ]: the configuration of an instance in DIR, with the store of store_new.
# Without keys.users and store.group, so that whoever runs the tests is every zone.
idb_config() {
    local config
    [ -n "${STORE-}" ] || store_new "$1" || return
    config='{
        "organisation": { "name": { "nl": "Gemeente Voorbeeld", "en": "Municipality of Voorbeeld" },
                          "url": "https://www.example.org" },
        "lines": { "kcc": { "number": "+31241234567", "number_display": "+31 24 123 45 67",
                            "clients": ["pbx"] } },
        "store": '$STORE',
        "keys": { "directory": "'$1'/keys" },
        "cache": { "directory": "'$1'/cache" },
        "issue": { "attest": ["front-office"] },
        "desk": { "alice": ["agent"], "sam": ["support"], "pia": ["privacy"],
                  "'$(id -un)'": ["agent", "support", "privacy"] },
        "attributes": {
            "bsn": { "label": { "nl": "Burgerservicenummer", "en": "Citizen service number" },
                     "type": "bsn", "mask": true },
            "name": { "label": { "nl": "Naam", "en": "Name" } } },
        "purposes": {
            "status": { "label": { "nl": "Hoe staat het met mijn aanvraag?",
                                   "en": "How is my application doing?" },
                        "line": "kcc", "attributes": ["bsn", "name"],
                        "minimum_level": "substantial", "confirm": "notify" },
            "appointment": { "label": { "nl": "Een afspraak maken", "en": "Make an appointment" },
                             "line": "kcc", "attributes": ["name"] },
            "change": { "label": { "nl": "Een adres wijzigen", "en": "Change an address" },
                        "line": "kcc", "attributes": ["name", "bsn"], "confirm": "page" } } }'
    edited "$config" "${2-}"
}

# edited JSON [JQ]: JSON, as JQ makes it; jq itself takes longer to start than most of our
# programs take for all they do, so it is not started for nothing.
edited() {
    if [ -z "${2-}" ] || [ "$2" = . ]; then
        printf '%s\n' "$1"
    else
        jq -c "$2" <<<"$1"
    fi
}

# issue_status [JQ]: issues a code for the purpose "status" and prints the answer;
# JQ changes the request.
issue_status() {
    edited '{"purpose":"status","attributes":{"bsn":"999990019","name":"T. Estpersoon"},"auth":{"method":"counter","level":"substantial"},"reference":"Z-1"}' "${1-}" |
        idb-issue --attest=front-office
}

# snapshot: to see that nothing in the store was changed.
snapshot() { dump | sha256sum; }

# code_of ISSUED, cookies_of ISSUED: the code in idb-issue's answer; its cookies
# as the browser sends them back, one Cookie header.
code_of() { member code "$1"; }
cookies_of() { jq -r '[.cookies[] | split(";")[0]] | join("; ")' <<<"$1"; }

# verify CODE CALL [CALLER]: keys a code in.
verify() {
    if [[ "$1$2${3-}" =~ ^[A-Za-z0-9_.:@+-]*$ ]]; then
        printf '{"code":"%s","call_id":"%s"%s}\n' "$1" "$2" "${3:+,\"caller\":\"$3\"}"
    else
        jq -nc --arg code "$1" --arg call "$2" --arg caller "${3-}" \
            '{ code: $code, call_id: $call } + if $caller == "" then {} else { caller: $caller } end'
    fi | idb-verify
}

# lookup_as USER JSON: idb-lookup for a desk user, as the web server names one.
lookup_as() { AUTH_TYPE=test REMOTE_USER=$1 idb-lookup <<<"$2"; }

# json KEY: one member of the answer in $output; a path such as .attributes[0]
# does as well.
json() { member "$1" "$output"; }

# member KEY JSON: the same of any JSON, of several lines too. What stands before every
# object and list is found without jq.
member() {
    local key=${1#.} value scalar='("([^"\]|\\.)*"|-?[0-9]+|true|false|null)'
    if [[ $key =~ ^[a-z_]+$ && $2 == *'}' && $2 != *$'\n'* ]] && ((${#2} < 4000)) &&
        [[ $2 =~ ^\{(\"[a-z_]+\":$scalar,)*\"$key\":${scalar}[,}] ]]; then
        value=${BASH_REMATCH[4]}
        if [[ $value == \"* ]]; then
            value=${value:1:-1}
            value=${value//\\\"/\"}
        fi
        if [[ $value != *\\* ]]; then
            printf '%s\n' "$value"
            return
        fi
    fi
    jq -r ".$key" <<<"$2"
}

# cgi PROGRAM METHOD [BODY]: calls PROGRAM.cgi as a web server does and prints
# the whole HTTP answer without carriage returns. What else the server would set
# (REMOTE_USER, HTTP_COOKIE …) is taken from the environment.
cgi() {
    local body=${3-}
    printf %s "$body" | GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=$2 \
        CONTENT_TYPE=${CONTENT_TYPE-application/json} \
        CONTENT_LENGTH=${CONTENT_LENGTH-$(printf %s "$body" | wc -c)} \
        "$IDB_BUILD/$1.cgi" | tr -d '\r'
}

# damm DIGITS: the check digit (H. M. Damm, Total anti-symmetrische Quasigruppen,
# Marburg 2004, page 111).
damm() {
    local table=(0317598642 7092154863 4206871359 1750983426 6123045978
        3674209581 5869720134 8945362017 9438617205 2581436790)
    local i digit=0
    for ((i = 0; i < ${#1}; i++)); do
        digit=${table[digit]:${1:i:1}:1}
    done
    printf '%s\n' "$digit"
}

# wrong_code CODE: another code of the same length whose check digit is right.
wrong_code() {
    local body=${1%?}
    body=${body%?}$(((10#${body: -1} + 1) % 10))
    printf '%s%s\n' "$body" "$(damm "$body")"
}

# mistyped_code CODE: the code with its last digit wrong.
mistyped_code() { printf '%s%s\n' "${1%?}" $(((10#${1: -1} + 1) % 10)); }

# until_true COMMAND…: waits until it is true, at most ten seconds.
until_true() {
    local try
    for ((try = 0; try < 200; try++)); do
        ! "$@" || return 0
        sleep 0.05
    done
    echo "not within ten seconds: $*"
    return 1
}

# at_offset OFFSET COMMAND…: runs a command, a program or a helper of this file,
# with the clock moved by +15m, -2h, +30s, +1d or +200ms. The monotonic clock
# stays: waits are not longer.
at_offset() {
    local number unit scale
    [[ $1 =~ ^([+-][0-9]+)(ms|s|m|h|d)$ ]] || {
        echo "at_offset: not an offset: $1" >&2
        return 64
    }
    number=${BASH_REMATCH[1]} unit=${BASH_REMATCH[2]}
    case "$unit" in
    ms) scale=1 ;; s) scale=1000 ;; m) scale=60000 ;; h) scale=3600000 ;; *) scale=86400000 ;;
    esac
    [ -e "$IDB_ROOT/build/tests/clock.so" ] ||
        make -s -C "$IDB_ROOT" build/tests/clock.so || return
    shift
    (
        export CLOCK_OFFSET_MS=$((number * scale)) LD_PRELOAD=$IDB_ROOT/build/tests/clock.so
        # A sanitized program wants to be first; the clock does no harm before it.
        export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0
        "$@"
    )
}

# count_calls NAMES COMMAND…: how often a command makes the system calls NAMES
# (fsync,fdatasync); its own output goes away. LeakSanitizer cannot run under
# strace.
count_calls() {
    local names=$1 trace=$BATS_TEST_TMPDIR/trace
    shift
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
        strace -f -qq -e trace="$names" -e signal=none -o "$trace" "$@" >/dev/null 2>&1 || true
    wc -l <"$trace"
}

# programs: the names of all programs that were built.
programs() {
    local source
    for source in "$IDB_ROOT"/cmd/*.c; do
        basename "$source" .c
    done
}
