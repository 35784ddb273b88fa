#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: bugs.bats and the unit tests do it each time.
# With what the browser may come back.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up callback; }
teardown_file() { rp_down; }
setup() { rp_case; }

# turned_away WORD CASE…: each is refused with exit 65, and no token request was made.
turned_away() {
    local word=$1 name
    shift
    for name; do
        before_tokens "$name" "$word" 65
    done
}

# cleared: the answer took the login's cookie away.
cleared() { [[ $1 == *"\"${cookies%%=*}=; Path=/; Max-Age=0; "* ]]; }

# turned_back WORD EXIT CASE: what $output says is such a refusal; no token request.
turned_back() {
    is_refusal "$3" "$1" "$2"
    [ "$(asked "$3" token)" = 0 ]
}

@test "rp: callback: state missing or empty" { turned_away bad_state state-missing state-empty; }
@test "rp: callback: state wrong, in other case too" { turned_away bad_state state-wrong state-case; }
@test "rp: callback: state expired" {
    begin expired
    at_op
    at_offset +16m back expired
    output=$(<"$T/answer") status=$(<"$T/status") # at_offset runs it in a subshell
    turned_back login_expired 1 expired
    cleared "$output"
    flow expired
    offered
}
@test "rp: callback: state from another browser, with no login or one of its own" {
    begin other-browser
    at_op
    mine=$cookies
    cookies=''
    back other-browser
    turned_back bad_state 65 other-browser
    kept=$at
    begin other-browser
    back other-browser "${kept#*\?}"
    turned_back bad_state 65 other-browser
    # Another login's contents under this one's name.
    cookies=${mine%%=*}=${cookies#*=}
    back other-browser "${kept#*\?}"
    turned_back bad_state 65 other-browser
    # And mine is as good as it was.
    cookies=$mine
    back other-browser "${kept#*\?}"
    offered
}
@test "rp: callback: state of another method's redirect URI" {
    begin other-method
    at_op
    back two-methods "${at#*\?}"
    turned_back bad_state 65 other-method
    [ ! -e "$RP/two-methods.log" ]
    cleared "$output"
    flow other-method
    offered
}
@test "rp: callback: state used twice: the first answer clears its cookie" {
    begin used-twice
    at_op
    back used-twice
    offered
    cleared "$output"
    kept=$cookies cookies=''
    back used-twice
    is_refusal used-twice bad_state 65
    [ "$(asked used-twice token)" = 1 ]
    # Whoever kept the cookie: the provider takes no code a second time.
    cookies=$kept
    back used-twice
    is_refusal used-twice provider_refused 69
    flow used-twice
    offered
}
@test "rp: callback: a state whose login was refused is spent" {
    flow server-error
    is_refusal server-error login_failed 69
    cleared "$output"
    cookies=''
    back server-error
    is_refusal server-error bad_state 65
}
@test "rp: callback: state given twice" { turned_away bad_form state-twice state-twice-last; }
@test "rp: callback: code given twice" { turned_away bad_form code-twice code-twice-first; }
@test "rp: callback: iss given twice" { turned_away bad_form iss-twice iss-twice-first; }
@test "rp: callback: iss differs from the issuer, be it by a byte" {
    turned_away bad_issuer iss-other iss-slash iss-case iss-empty
}
@test "rp: callback: iss absent where the metadata announce it" {
    turned_away bad_issuer iss-absent
    accepted iss-not-announced
}
@test "rp: callback: iss differs or is absent, on error answers too" {
    turned_away bad_issuer error-iss-other error-iss-absent
}
@test "rp: callback: access_denied is a polite page; what the provider says of it is not repeated" {
    before_tokens access-denied login_cancelled 1
    lying access-denied
    flow access-denied
    page_of consent
    grep -q '^Status: 200 OK$' "$T/html"
    [[ $at == *geheim-omschrijving* ]]
    cleared "$output"
    back access-denied
    cookies=''
    back access-denied
    is_refusal access-denied bad_state 65
}
@test "rp: callback: another error of the provider, and it is not repeated" { before_tokens server-error login_failed 69; }
@test "rp: callback: code together with error" { turned_away bad_callback code-and-error code-and-empty-error; }
@test "rp: callback: neither code nor error, or an empty code" { turned_away bad_callback code-empty code-absent; }
@test "rp: callback: the page that the web server calls: 400, no-store, nothing of the query" {
    begin glue
    at_op
    IDB_PATH=$IDB_BUILD IDB_SHARE=$IDB_ROOT/scripts REQUEST_METHOD=GET PATH_INFO=/glue SCRIPT_NAME=/callback \
        QUERY_STRING=${at#*\?} HTTP_COOKIE=$cookies "$IDB_ROOT/scripts/web/callback" >"$T/html" 2>"$T/stderr"
    : >"$T/answer"
    : >"$T/syslog"
    silent glue
    grep -q '^Status: 400 ' "$T/html"
    grep -q '^Cache-Control: no-store$' "$T/html"
    grep -qF '<code>bad_issuer</code>' "$T/html"
    [[ $(cat "$T/html") == *"Set-Cookie: ${cookies%%=*}=; Path=/; Max-Age=0;"* ]]
    honestly glue
    flow glue
    offered
}
