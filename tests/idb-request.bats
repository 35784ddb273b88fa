#!/usr/bin/env bats
# idb-request: a CGI request as one JSON object, and what is no request.

load lib
load life

# request METHOD [VARIABLE=VALUE…]: a request as a web server hands it on; its
# body is standard input.
request() {
    local verb=$1
    shift
    env -i "PATH=$PATH" ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} GATEWAY_INTERFACE=CGI/1.1 \
        REQUEST_METHOD="$verb" "$@" idb-request
}

# post BODY [VARIABLE=VALUE…]: the same for a form.
post() {
    local body=$1
    shift
    printf %s "$body" | request POST CONTENT_TYPE=application/x-www-form-urlencoded \
        CONTENT_LENGTH="$(printf %s "$body" | wc -c)" "$@"
}

# token [VARIABLE=VALUE…]: a page's token, alice's; in $token, with the new cookie,
# if any, in $cookie.
token() {
    run --separate-stderr -0 env "$@" idb-request --form-token
    [ "$(members)" = 'cookies form_token' ]
    [ -z "$stderr" ]
    token=$(json form_token) cookie=$(json '.cookies[0] // "" | split(";")[0] // ""')
}

# checked BODY [VARIABLE=VALUE…]: a form posted and held against its token.
checked() {
    local body=$1
    shift
    printf %s "$body" | env REQUEST_METHOD=POST CONTENT_TYPE=application/x-www-form-urlencoded \
        CONTENT_LENGTH="${#body}" "$@" idb-request --check-form-token
}

# bad WORD COMMAND…: refused with that word, and exit 65 or $exit.
bad() {
    local word=$1
    shift
    run --separate-stderr "-${exit-65}" "$@"
    failed idb-request "$word"
}

@test "idb-request: a GET with path, query, cookies" {
    run --separate-stderr -0 request GET PATH_INFO=/nl/start/status 'QUERY_STRING=a=1&b=x+y%26z&leeg=' \
        'HTTP_COOKIE=a=b; __Host-idb-session=c; __Host-other=d; __Host-idb-code=e' HTTP_HOST=www.example.org
    jq -e '. == { verb: "GET", path: ["nl", "start", "status"], cookies: "__Host-idb-session=c; __Host-idb-code=e",
                  query: { a: "1", b: "x y&z", leeg: "" } }' <<<"$output"
    [ -z "$stderr" ]
}

@test "idb-request: without path, query and cookies; HEAD as well" {
    run --separate-stderr -0 request GET
    [ "$output" = '{"verb":"GET","path":[],"query":{}}' ]
    run --separate-stderr -0 request HEAD PATH_INFO=/
    [ "$output" = '{"verb":"HEAD","path":[],"query":{}}' ]
}

@test "idb-request: a POST has its form apart from the query" {
    run --separate-stderr -0 post $'name=Zo%C3%AB&text=a%0D%0Ab&page=form' QUERY_STRING=page=query
    jq -e '.form == { name: "Zoë", text: "a\r\nb", page: "form" } and .query == { page: "query" }' <<<"$output"
}

@test "idb-request: a content type may have parameters and any case" {
    run --separate-stderr -0 post a=1 'CONTENT_TYPE=Application/X-WWW-Form-Urlencoded; charset=UTF-8'
    [ "$(json .form.a)" = 1 ]
}

@test "idb-request: the user is there only with the way the server knows them" {
    run --separate-stderr -0 request GET REMOTE_USER=alice AUTH_TYPE=Basic
    [ "$(json user)" = alice ]
    run --separate-stderr -0 request GET REMOTE_USER=alice
    [ "$(json user)" = null ]
}

@test "idb-request: other methods, other types, other lengths" {
    bad bad_method request PUT
    bad bad_method request get
    bad bad_method request ''
    bad bad_type post '{"a":1}' CONTENT_TYPE=application/json
    bad bad_type post a=1 CONTENT_TYPE=multipart/form-data
    bad bad_type post a=1 CONTENT_TYPE=application/x-www-form-urlencodedx
    bad bad_type post a=1 CONTENT_TYPE=
    bad bad_length post a=1 CONTENT_LENGTH=
    bad bad_length post a=1 CONTENT_LENGTH=-1
    bad bad_length post a=1 CONTENT_LENGTH=3x
    bad bad_length post a=1 CONTENT_LENGTH=4
    bad bad_length post a=1 CONTENT_LENGTH=99999999999999999999
    bad too_large post "a=$(a_lot 65535)"
}

@test "idb-request: a form of exactly 64 KiB" {
    run --separate-stderr -0 post "a=$(a_lot 65534)"
    [ "$(json '.form.a | length')" = 65534 ]
}

@test "idb-request: forms and queries that say two things, or nothing" {
    local form
    for form in a=1\&a=2 a=1\&%61=2 =1 a=%00 a=%1 a=%zz a=% a=%ff a=%01 a=%7 'a=%C3%28'; do
        bad bad_form post "$form"
        bad bad_form request GET "QUERY_STRING=$form"
    done
    bad bad_form post "$(seq -f 'f%g=1' 65 | paste -sd '&')"
    run --separate-stderr -0 post "$(seq -f 'f%g=1' 64 | paste -sd '&')"
    [ "$(json '.form | length')" = 64 ]
}

@test "idb-request: a NUL byte in a form" {
    run --separate-stderr -65 request POST CONTENT_TYPE=application/x-www-form-urlencoded \
        CONTENT_LENGTH=5 < <(printf 'a=1\0b')
    failed idb-request bad_form
}

@test "idb-request: a path of nothing but names" {
    local path
    for path in /a.b /../etc /%2e%2e /a/b?c '/a b' a/b /é '/a;b' /a//../b; do
        bad bad_path request GET "PATH_INFO=$path"
    done
    bad bad_path request GET "PATH_INFO=/$(a_lot 65)"
    bad bad_path request GET PATH_INFO=/1/2/3/4/5/6/7/8/9
    run --separate-stderr -0 request GET "PATH_INFO=/1/2/3/4/5/6/7/$(a_lot 64)"
    [ "$(json '.path | length')" = 8 ]
}

@test "idb-request: a form that stood on another site" {
    local origin
    for origin in https://evil.example null http://www.example.org https://www.example.org.evil.example \
        https://www.example.org:444 https://; do
        bad cross_site post a=1 HTTP_HOST=www.example.org "HTTP_ORIGIN=$origin"
    done
    run --separate-stderr -0 post a=1 HTTP_HOST=www.example.org HTTP_ORIGIN=https://www.example.org
    run --separate-stderr -0 post a=1 HTTP_HOST=127.0.0.1:8443 HTTP_ORIGIN=https://127.0.0.1:8443
    run --separate-stderr -0 request GET HTTP_HOST=www.example.org HTTP_ORIGIN=https://evil.example
}

@test "idb-request: cookies that are too many or not UTF-8" {
    bad bad_cookie request GET "HTTP_COOKIE=__Host-idb-session=$(a_lot 70000)"
    bad bad_cookie request GET HTTP_COOKIE=$'__Host-idb-session=\xff'
}

@test "idb-request: what a page fetches as a part of it is embedded" {
    for part in image iframe empty script; do
        run --separate-stderr -0 request GET HTTP_SEC_FETCH_DEST=$part
        [ "$(json embedded)" = true ]
    done
    run --separate-stderr -0 request GET HTTP_SEC_FETCH_DEST=iframe HTTP_SEC_FETCH_SITE=cross-site
    [ "$(json embedded)" = true ]
    for site in same-origin same-site; do
        run --separate-stderr -0 request GET HTTP_SEC_FETCH_DEST=iframe "HTTP_SEC_FETCH_SITE=$site"
        jq -e 'has("embedded") | not' <<<"$output"
        run --separate-stderr -0 request GET HTTP_SEC_FETCH_DEST=image "HTTP_SEC_FETCH_SITE=$site"
        [ "$(json embedded)" = true ]
    done
    # Typed half, and fetched by the browser already.
    for purpose in prefetch 'prefetch;prerender' 'prefetch;anonymous-client-ip'; do
        run --separate-stderr -0 request GET HTTP_SEC_FETCH_DEST=document "HTTP_SEC_PURPOSE=$purpose"
        [ "$(json embedded)" = true ]
    done
    run --separate-stderr -0 request GET HTTP_SEC_FETCH_DEST=document
    jq -e 'has("embedded") | not' <<<"$output"
}

@test "idb-request: cookies of other programs on the same host are left out, whatever they are" {
    for cookie in "a=$(a_lot 70000)" $'a=\xff' 'idb-session=x; __Host-id=y' ';;=;'; do
        run --separate-stderr -0 request GET "HTTP_COOKIE=$cookie"
        jq -e 'has("cookies") | not' <<<"$output"
    done
}

@test "idb-request: nothing of a refused request is said back" {
    bad bad_form post 'secret=hush%zz'
    [[ $output$stderr != *hush* ]]
    bad bad_path request GET PATH_INFO=/hush.me
    [[ $output$stderr != *hush* ]]
    bad cross_site post a=1 HTTP_HOST=h HTTP_ORIGIN=https://hush.example
    [[ $output$stderr != *hush* ]]
}

@test "idb-request: the error goes through the next program as it is" {
    idb_instance
    answer=$(post 'a=%zz' 2>/dev/null | idb-oidc-start 2>/dev/null || true)
    [ "$(member error "$answer")" = bad_form ]
}

# ---- form tokens ----

@test "idb-request: --form-token gives a token and, where there is none, a cookie for it" {
    export REMOTE_USER=alice AUTH_TYPE=Basic
    run --separate-stderr -0 idb-request --form-token
    [[ $(json form_token) =~ ^[A-Za-z0-9_-]{43}$ ]]
    [[ $(json '.cookies[0]') =~ ^__Host-idb-desk=[A-Za-z0-9_-]{22}\;\ Path=/\;\ Secure\;\ HttpOnly\;\ SameSite=Strict$ ]]
    [ "$(json '.cookies | length')" = 1 ]
    token
    first=$token kept=$cookie
    # The same browser keeps its cookie, and its token.
    token "HTTP_COOKIE=a=b; $kept"
    [ "$token|$cookie" = "$first|" ]
    # HMAC-SHA-256 as OpenSSL's own command makes it.
    key=$(printf '%s==' "${kept#*=}" | tr _- /+ | base64 -d | od -An -v -tx1 | tr -d ' \n')
    [ "$token" = "$({ printf '\0\0\0\15idb desk form\0\0\0\5alice'; } | openssl dgst -sha256 -mac HMAC \
        -macopt "hexkey:$key" -binary | base64 | tr /+ _- | tr -d =)" ]
    # Another agent's is another; a broken cookie, or two, are replaced.
    token REMOTE_USER=sam "HTTP_COOKIE=$kept"
    [ "$token" != "$first" ]
    for broken in __Host-idb-desk=x "__Host-idb-desk=" "$kept; $kept" "${kept}AAAA" "$kept%" "$(a_lot 5000)"; do
        token "HTTP_COOKIE=$broken"
        [ -n "$cookie" ]
        [ "$token" != "$first" ]
    done
}

@test "idb-request: a form with its token passes, and the token goes no further" {
    export REMOTE_USER=alice AUTH_TYPE=Basic
    token
    run --separate-stderr -0 checked "a=1&form_token=$token" "HTTP_COOKIE=$cookie"
    [ "$(jq -c .form <<<"$output")" = '{"a":"1"}' ]
    [ -z "$stderr" ]
    # What changes nothing needs none.
    run --separate-stderr -0 env REQUEST_METHOD=GET idb-request --check-form-token
    [ "$(json verb)" = GET ]
}

@test "idb-request: a token that is missing, altered, another agent's or another session's is refused" {
    export REMOTE_USER=alice AUTH_TYPE=Basic
    token
    others=$token
    token
    mine=$token kept=$cookie
    bad bad_form_token checked a=1 "HTTP_COOKIE=$kept"
    bad bad_form_token checked a=1
    bad bad_form_token checked "form_token=$mine"
    bad bad_form_token checked "form_token=$others" "HTTP_COOKIE=$kept"
    bad bad_form_token checked "form_token=$mine" "HTTP_COOKIE=$kept" REMOTE_USER=sam
    bad bad_form_token checked "form_token=$mine" "HTTP_COOKIE=$kept; $kept"
    bad bad_form_token checked "form_token=$mine" "HTTP_COOKIE=__Host-idb-session=${kept#*=}"
    for altered in "" "${mine%?}" "${mine}A" "A$mine" "${mine:0:42}%3D" "$(tr 'A-Za-z' 'B-ZAb-za' <<<"$mine")" \
        "${mine:0:21}"; do
        bad bad_form_token checked "form_token=$altered" "HTTP_COOKIE=$kept"
    done
    [[ $output$stderr != *"$mine"* && $output$stderr != *"${kept#*=}"* ]]
    # The query is no form.
    bad bad_form_token checked a=1 "HTTP_COOKIE=$kept" "QUERY_STRING=form_token=$mine"
}

@test "idb-request: nobody without a name and a way to log in has a token" {
    export REMOTE_USER=alice AUTH_TYPE=Basic
    token
    exit=77
    for nobody in REMOTE_USER= AUTH_TYPE=; do
        bad not_authenticated env "$nobody" idb-request --form-token
        bad not_authenticated checked "form_token=$token" "HTTP_COOKIE=$cookie" "$nobody"
        bad not_authenticated env "$nobody" REQUEST_METHOD=GET idb-request --check-form-token
    done
    exit=64
    bad usage idb-request --form-token --check-form-token
    bad usage idb-request word
}
