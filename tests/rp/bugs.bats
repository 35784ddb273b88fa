#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: the programs' own files are it each time.
# Bugs that other relying parties had, each by its number where it has one.

load ../lib
load ../op/lib
load ../life
load ../op/login
load rp

setup_file() { rp_up bugs; }
teardown_file() { rp_down; }
setup() { rp_case; }

# all_refused WORD EXIT CASE…
all_refused() {
    local word=$1 exit=$2 name
    shift 2
    for name; do
        refused "$name" "$word" "$exit"
    done
}

# came WORD…: $output is one of these refusals of a callback; nobody was asked for tokens.
came() {
    local word
    [ "$(asked "$name" token)" = 0 ] && [ "$(snapshot)" = "$stored" ] || return
    [[ $output != *'"offer"'* ]] || return
    for word; do
        [[ $output != *"\"error\":\"$word\""* ]] || return 0
    done
    printf 'not %s: exit %s, %s\n' "$*" "$status" "${output:0:300}"
    return 1
}

@test "rp: CVE-2026-54789: a cookie header that is empty, cut off, broken or giant" {
    name=cookies
    begin $name
    at_op
    right=$cookies
    cookies=' ' # the glue leaves such a header out
    back $name
    came bad_request
    wrong=(';' '=' ';;;=;' "${right%%=*}" "${right%%=*}=" "=${right#*=}" "${right%?}" "${right:0:40}"
        "${right%.*}" "${right%%.*}" "${right%.*}." "$right; $right" "x$right" "${right/=/==}" "${right/=/;}"
        "${right/=/ =}" "__Host-idb-login-" "__Host-idb-login-=" "$right," "${right%%=*}=$(a_lot 5000)"
        "${right%%=*}=$(a_lot 16000)")
    for cookies in "${wrong[@]}"; do
        back $name
        came bad_state
        [ "$status" = 65 ]
    done
    for size in 16400 65000 65536; do
        cookies="$right; x=$(a_lot "$((size - ${#right} - 4))")"
        back $name
        came bad_state too_large bad_cookie
    done
    # idb-oidc-start looks at them as well.
    for cookies in "${wrong[@]}"; do
        printf '{"purpose":"status","method":"%s","cookies":"%s"}\n' $name "$cookies" >"$T/request"
        say idb-oidc-start <"$T/request"
        [[ $status = 0 && $output == *'"location":"'* ]]
    done
    # With others beside it the right one is found.
    cookies="a=b; __Host-idb-login-x; ;${right}; c"
    back $name
    offered
}

@test "rp: CVE-2024-10318: a nonce that is absent, empty or null is no nonce that fits" {
    all_refused bad_id_token 69 nonce-absent nonce-empty nonce-null
}

@test "rp: CVE-2026-33322: the algorithm is the configured one, never the token's" {
    all_refused bad_token_signature 69 alg-other-rs512 alg-other-es256 alg-other-hs256 alg-other-none
}

@test "rp: CVE-2026-28498: an at_hash of another hash, or none, is no at_hash that fits" {
    all_refused bad_id_token 69 at-hash-sha512 at-hash-sha1 at-hash-whole at-hash-empty at-hash-null at-hash-number
}

# plain ANSWER: an offer's answer without what differs from login to login.
plain() { jq -Sc 'del(.offer, .cookies, .auth.auth_time)' "$1"; }

@test "rp: CVE-2021-32786, CVE-2022-23527: nobody says where to return to" {
    name=open-redirect
    flow $name
    offered
    plain "$T/answer" >"$T/expected"
    for to in https%3A%2F%2Fevil.example %2F%5Cevil.example %2F%09%2Fevil.example %5C%5Cevil.example \
        '/\\evil.example' //evil.example; do
        begin $name
        at_op
        back $name "${at#*\?}&return=$to&redirect=$to&next=$to&target_link_uri=$to&url=$to"
        case $to in
        *%09*) # no control character stands in any query
            [[ $status = 65 && $output == *'"error":"bad_form"'* ]]
            ;;
        *)
            offered
            plain "$T/answer" | cmp - "$T/expected"
            ;;
        esac
        page_of consent
        run -1 grep -F evil "$T/answer" "$T/stderr" "$T/html"
    done
    # Nor does who begins, whether as a filter or by the web server's form.
    printf '{"purpose":"status","method":"%s","return":"/\\\\evil.example"}\n' $name >"$T/request"
    say idb-oidc-start <"$T/request"
    [[ $status = 65 && $output == *'"error":"bad_request"'* ]]
    body="purpose=status&method=$name&return=%2F%5Cevil.example&next=//evil.example&redirect_uri=https://evil.example"
    printf %s "$body" | IDB_PATH=$IDB_BUILD IDB_SHARE=$IDB_ROOT/scripts REQUEST_METHOD=POST \
        CONTENT_TYPE=application/x-www-form-urlencoded CONTENT_LENGTH=${#body} SCRIPT_NAME=/nl/login \
        HTTP_HOST=www.example.org QUERY_STRING='return=/%5Cevil.example' "$IDB_ROOT/scripts/web/login" >"$T/html"
    grep -q "^Location: $RP_URL/$name/authorize?response_type=code&" "$T/html"
    run -1 grep -F evil "$T/html"
}

@test "rp: CVE-2021-41246: a session from before the login is not kept, and each login has its own" {
    name=fixation
    planted='__Host-idb-session=AAAAAAAAAAAAAAAAAAAAAA; __Host-idb-offer=BBBBBBBBBBBBBBBBBBBBBB'
    for login in one two; do
        begin $name
        at_op
        cookies="$cookies; $planted"
        back $name
        offered
        offer=$(jq -r '.cookies[] | select(startswith("__Host-idb-offer=")) | split(";")[0]' "$T/answer")
        [[ $offer =~ ^__Host-idb-offer=[A-Za-z0-9_-]{22,}$ && $offer != *BBBBBB* ]]
        jq -c --arg cookies "$offer; ${planted%%;*}" '{ offer, consent: true, $cookies }' "$T/answer" >"$T/request"
        # The planted cookie cannot be used to spend the offer.
        jq -c --arg cookies "$planted" '.cookies = $cookies' "$T/request" >"$T/planted"
        run --separate-stderr -1 idb-issue <"$T/planted"
        [ "$(json error)" = other_browser ]
        run --separate-stderr -0 idb-issue <"$T/request"
        json session >"$T/$login"
        jq -r '.cookies[] | split(";")[0]' <<<"$output" | grep '^__Host-idb-session=' >>"$T/$login"
        [[ $output != *AAAAAAAAAAAA* ]]
        printf '%s\n' "$offer" >>"$T/$login"
    done
    # Session, its token and the offer's cookie all differ.
    [ "$(cat "$T/one" "$T/two" | wc -l)" = 6 ]
    [ -z "$(sort "$T/one" "$T/two" | uniq -d)" ]
}

# cgi_back [NAME=VALUE…]: the callback as CGI with that environment alone.
cgi_back() {
    status=0
    env -i PATH="$PATH" IDB_CONFIG="$IDB_CONFIG" ASAN_OPTIONS="${ASAN_OPTIONS-}" GATEWAY_INTERFACE=CGI/1.1 "$@" \
        "$IDB_BUILD/idb-oidc-callback.cgi" </dev/null >"$T/answer" 2>"$T/stderr" || status=$?
    output=$(tr -d '\r' <"$T/answer")
}

@test "rp: CVE-2023-28625, CVE-2024-24814, CVE-2025-3891: headers that are missing, empty or giant" {
    name=headers
    begin $name
    at_op
    query=${at#*\?}
    for missing in '' REQUEST_METHOD=GET "REQUEST_METHOD=GET PATH_INFO=/$name" \
        "REQUEST_METHOD=GET PATH_INFO=/$name QUERY_STRING=" "REQUEST_METHOD=GET PATH_INFO=/$name QUERY_STRING=$query" \
        "REQUEST_METHOD=GET PATH_INFO= QUERY_STRING=$query HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=GET QUERY_STRING=$query HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=GET PATH_INFO=/ QUERY_STRING=$query HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=GET PATH_INFO=/$name HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=GET PATH_INFO=/$name QUERY_STRING=$query HTTP_COOKIE=" \
        "REQUEST_METHOD=GET PATH_INFO=/$name QUERY_STRING=$query HTTP_COOKIE=${cookies%%=*}" \
        "REQUEST_METHOD=GET PATH_INFO=/$name QUERY_STRING=$query HTTP_COOKIE=x=$(a_lot 65536)" \
        "REQUEST_METHOD=GET PATH_INFO=/$name QUERY_STRING=$query&x=$(a_lot 65536) HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=GET PATH_INFO=/$(a_lot 65536) QUERY_STRING=$query HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=POST PATH_INFO=/$name QUERY_STRING=$query HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD=POST PATH_INFO=/$name CONTENT_TYPE= CONTENT_LENGTH= HTTP_COOKIE=$cookies" \
        "REQUEST_METHOD= PATH_INFO=/$name QUERY_STRING=$query HTTP_COOKIE=$cookies"; do
        # shellcheck disable=SC2086  # a word each
        cgi_back $missing
        [ "$status" = 0 ] || { echo "exit $status: ${missing:0:100}"; cat "$T/stderr"; false; }
        [[ $output =~ ^Status:\ 4[0-9][0-9] && $output == *'Cache-Control: no-store'* && $output == *'"error":"'* ]] ||
            { echo "${missing:0:100}: $output"; false; }
        [ "$(asked $name token)" = 0 ]
        [ "$(snapshot)" = "$stored" ]
    done
    # It was none of these.
    cgi_back REQUEST_METHOD=GET "PATH_INFO=/$name" "QUERY_STRING=$query" "HTTP_COOKIE=$cookies"
    [[ $output == 'Status: 200'* && $output == *'"offer":"'* ]]
}

@test "rp: an answer of the provider without headers, or without a body" {
    all_refused provider_refused 69 headers-none body-none
}

@test "rp: comparisons are byte for byte: nonce" {
    all_refused bad_id_token 69 natural-nonce-zero natural-nonce-case natural-nonce-blank natural-nonce-more natural-nonce-less
    all_refused bad_token_signature 69 natural-nonce-nul # no JSON of ours
}
@test "rp: comparisons are byte for byte: state" {
    all_refused bad_state 65 natural-state-zero natural-state-case natural-state-blank
    all_refused bad_form 65 natural-state-nul
}
@test "rp: comparisons are byte for byte: issuer" {
    all_refused bad_issuer 65 natural-iss-blank natural-iss-port
    all_refused bad_form 65 natural-iss-nul
    all_refused bad_id_token 69 natural-id-iss
    all_refused bad_token_signature 69 natural-id-iss-nul
}
@test "rp: comparisons are byte for byte: sub, 1e1 is not 10" {
    for name in natural-sub natural-sub-zero natural-sub-number; do
        refused $name provider_answer 69 1
    done
}

@test "rp: duplicated parameters: neither the first nor the last wins" {
    all_refused bad_form 65 twice-state twice-code twice-iss twice-other twice-encoded
}

@test "rp: exp of 1e300, and other times beyond all numbers" {
    all_refused bad_id_token 69 exp-1e300 exp-9e15 iat-1e300 iat-minus-1e300 nbf-minus-1e300 auth-time-1e300
    # These are no numbers of the JSON library's.
    all_refused bad_token_signature 69 exp-1e308 exp-2-64
}

@test "rp: an unknown kid drives no endless key fetches" {
    for login in 1 2 3; do
        flow kid-unknown
        is_refusal kid-unknown bad_token_signature 69
        [ "$(asked kid-unknown jwks)" -le "$login" ]
    done
    [ "$(asked kid-unknown jwks)" -ge 1 ]
    [ "$(asked kid-unknown token)" = 3 ]
    honestly kid-unknown
    flow kid-unknown
    offered
}
