# The login flow over HTTP for tests: a site of three web servers, a provider, and
# browsers made of curl that know no address but the first; from there on they press
# the buttons and follow the links of the pages. `load ../lib`, `../site`, `lib`,
# `login`, then `flow`.
# shellcheck shell=bash disable=SC2154 # bats' own variables, and those of site

# flow_up: for setup_file; site and provider for a whole file, the latter over TLS
# under the site's certificate. Each case has an instance of its own, by
# flow_instance, in the one place that the servers know, below FLOW. flow_down: for
# teardown_file.
flow_up() {
    local port
    export FLOW=${FLOW-$BATS_FILE_TMPDIR} TRAIL=$BATS_FILE_TMPDIR/trail
    export IDB_CONFIG=$FLOW/idb/idb.json
    IDB_BUILD=${WRAPPED-$IDB_BUILD} site_up "$FLOW/site" web desk phone || return
    for _ in 1 2 3; do
        port=$(free_port)
        export ISSUER=https://127.0.0.1:$port
        provider_again && break
    done
    : >"$TRAIL"
}

# flow_wrap: before flow_up; the servers' programs run with syslog into the file SAID,
# with the clock as later sets it, and what idb-issue answers is added to ANSWERS. The
# glue passes on no LD_PRELOAD, so it is given programs that set it.
flow_wrap() {
    local program preload
    export SAID=$BATS_FILE_TMPDIR/said ANSWERS=$BATS_FILE_TMPDIR/answers
    export OFFSET=$BATS_FILE_TMPDIR/offset WRAPPED=$BATS_FILE_TMPDIR/bin
    preload=$(tool syslog) && make -s -C "$IDB_ROOT" build/tests/clock.so || return
    mkdir "$WRAPPED"
    : >"$SAID"
    for program in $(programs); do
        cat >"$WRAPPED/$program" <<WRAP
#!/bin/bash
export LD_PRELOAD=$preload:$IDB_ROOT/build/tests/clock.so SYSLOG_FILE=$SAID
export ASAN_OPTIONS=verify_asan_link_order=0
read -r CLOCK_OFFSET_MS 2>/dev/null <$OFFSET && export CLOCK_OFFSET_MS
run() { exec -a "\$0" "$IDB_BUILD/$program" "\$@"; }
$([ "$program" = idb-issue ] && printf '(run "$@") | LD_PRELOAD= tee -a %q' "$ANSWERS" || echo 'run "$@"')
WRAP
        chmod 755 "$WRAPPED/$program"
    done
}

# later MINUTES COMMAND…: so much later, for the servers' programs.
later() {
    local status=0
    printf '%s\n' $(($1 * 60000)) >"$OFFSET"
    "${@:2}" || status=$?
    rm "$OFFSET"
    return "$status"
}

provider_again() {
    "$PROVIDER" start "$BATS_FILE_TMPDIR/op" "${ISSUER##*:}" "$ISSUER" \
        --tls "$SITE/cert.pem" "$SITE/key.pem" --home "$WEB" 3>&-
}

flow_down() {
    [ -z "${SITE-}" ] || site_down
    "$PROVIDER" stop "$BATS_FILE_TMPDIR/op"
}

# flow_instance [JQ]: for setup; as login_instance.
flow_instance() {
    local BATS_TEST_TMPDIR=$FLOW
    login_instance ".organisation.url = env.WEB | .store.wait_ms = 20000
        | .methods[] |= if .issuer == env.ISSUER then .ca = \"$SITE/cert.pem\" else . end
        | ${1-.}"
}

# ---- browsers ----

# A tab is a folder: url, page, headers and status of what it shows; person, a link
# to the folder with the cookies of the browser it belongs to. TAB is the one that
# acts.

# new NAME [LINE…]: an empty browser, with lines for curl's configuration, and its
# first tab, NAME, which acts from now on.
new() {
    TAB=$BATS_TEST_TMPDIR/tab-$1
    shift
    rm -rf "$TAB"
    mkdir -p "$TAB/own"
    ln -s own "$TAB/person"
    printf '%s\n' silent show-error 'max-time = 40' 'noproxy = "*"' 'max-redirs = 0' \
        "cacert = \"$SITE/cert.pem\"" "$@" >"$TAB/own/options"
    : >"$TAB/own/jar"
}

# tab NAME: another tab of this browser, showing the same page; it acts from now on.
tab() {
    local from=$TAB
    TAB=$BATS_TEST_TMPDIR/tab-$1
    rm -rf "$TAB"
    mkdir "$TAB"
    ln -s "$(readlink -f "$from/person")" "$TAB/person"
    [ ! -e "$from/page" ] || cp "$from"/{url,page,status,headers} "$TAB/"
}

# to NAME: that tab acts from now on.
to() { TAB=$BATS_TEST_TMPDIR/tab-$1; }

# shows_page_of NAME: a page of another browser gets into this one.
shows_page_of() { cp "$BATS_TEST_TMPDIR/tab-$1"/{url,page,status,headers} "$TAB/"; }

# request URL [OPTION…]: one request; what is kept is in the tab. Sets next, where a
# redirect leads.
request() {
    local said
    said=$(curl -q -K "$TAB/person/options" -b "$TAB/person/jar" -c "$TAB/person/jar" \
        -D "$TAB/headers" -o "$TAB/page" -w '%{http_code} %{redirect_url}\n' "${@:2}" "$1") || return
    [ -e "$TAB/page" ] || : >"$TAB/page"
    sed -i 's/\r$//' "$TAB/headers"
    forget_cookies
    printf '%s\n' "$1" >"$TAB/url"
    read -r said next <<<"$said"
    next=${next/\/\/*@/\/\/} # curl puts the password into it
    printf '%s\n' "$said" >"$TAB/status"
    { printf '> %s\n' "$1" && cat "$TAB/headers"; } >>"$TRAIL"
}

# forget_cookies: those that the answer takes back; curl 7.88 reads them in again.
forget_cookies() {
    local name
    while read -r name; do
        grep -vP "\t$name\t" "$TAB/person/jar" >"$TAB/jar" || true
        mv "$TAB/jar" "$TAB/person/jar"
    done < <(sed -nE 's/^set-cookie: ([^=]+)=;.* Max-Age=0;.*/\1/Ip' "$TAB/headers")
}

# visit URL [OPTION…]: opens it, and goes where it is sent.
visit() {
    local next hop
    request "$@" || return
    for ((hop = 0; hop < 10; hop++)); do
        [ -n "$next" ] || return 0
        [ "$(<"$TAB/status")" = 303 ] || [[ $(<"$TAB/url") == "$ISSUER"* ]] || return 0
        request "$next" || return
    done
    echo 'redirected ten times'
    return 1
}

reload() { visit "$(<"$TAB/url")"; }

# find_html XPATH: a string of the page.
find_html() { printf '%s' "$(xmllint --html --xpath "string($1)" "$TAB/page" 2>/dev/null)"; }

# resolve ADDRESS: against that of the page.
resolve() {
    local at
    at=$(<"$TAB/url")
    at=${at%%\?*}
    case "$1" in
    http*) at=$1 ;;
    /*) [[ $at =~ ^https?://[^/]+ ]] && at=${BASH_REMATCH[0]}$1 ;;
    *) at=${at%/*}/$1 ;;
    esac
    sed -E ':a; s:/[^/.][^/]*/\.\./:/:; ta' <<<"$at"
}

# press TEXT: the button that begins with it: posts its form, hidden fields and all.
press() {
    local options=()
    take_form "$1" || return
    visit "$action" "${options[@]}"
}

# take_form TEXT: sets action and options, curl's, to what that button would post.
take_form() {
    local button form n i name fields=$TAB/fields
    button="//button[starts-with(normalize-space(.), \"$1\")]" form="$button/ancestor::form"
    [ "$(find_html "count($form)")" = 1 ] || {
        printf 'not one button %s in a form\n' "$1"
        cat "$TAB/page"
        return 1
    }
    [ "$(find_html "$form/@method")" = post ] || return
    action=$(resolve "$(find_html "$form/@action")")
    # As a browser does: where the form stands.
    [[ $(<"$TAB/url") =~ ^https?://[^/]+ ]]
    options=(-H "Origin: ${BASH_REMATCH[0]}")
    rm -rf "$fields"
    mkdir "$fields"
    n=$(find_html "count($form//input[@type='hidden'])")
    for ((i = 1; i <= n; i++)); do
        name=$(find_html "($form//input[@type='hidden'])[$i]/@name")
        find_html "($form//input[@type='hidden'])[$i]/@value" >"$fields/$i"
        options+=(--data-urlencode "$name@$fields/$i")
    done
    name=$(find_html "$button/@name")
    [ -z "$name" ] || options+=(--data-urlencode "$name=$(find_html "$button/@value")")
    [ -n "$name" ] || [ "$n" != 0 ] || options+=(--data '')
    [ ! -e "$fields/1" ] || { echo && cat "$fields"/* && echo; } >>"$TRAIL"
}

# follow TEXT: the link that begins with it.
follow() {
    local href
    href=$(find_html "//a[starts-with(normalize-space(.), \"$1\")]/@href")
    [ -n "$href" ] || {
        printf 'no link %s\n' "$1"
        cat "$TAB/page"
        return 1
    }
    visit "$(resolve "$href")"
}

# at PATH: the tab's address is that of our site.
at() {
    [ "$(<"$TAB/url")" = "$1" ] || { cat "$TAB/url"; return 1; }
}

# sees STATUS TEXT…: a sound page of ours with that status and those texts.
sees() {
    local text page
    page=$(sed -E 's/ class="[^"]*"//g' "$TAB/page") # what it says, not its look
    [ "$(<"$TAB/status")" = "$1" ] || {
        cat "$TAB"/{url,headers,page}
        return 1
    }
    xmllint --noout "$TAB/page" || return
    grep -qix 'cache-control: no-store' "$TAB/headers" || return
    [[ $page == *"<h1>"*"</h1>"* ]] || return
    for text in "${@:2}"; do
        [[ $page == *"$text"* ]] || {
            printf 'missing: %s\n%s\n' "$text" "$page"
            return 1
        }
    done
}

# lacks TEXT…: the page has none of these.
lacks() {
    local text page
    page=$(<"$TAB/page")
    for text in "$@"; do
        [[ $page != *"$text"* ]] || {
            printf 'should not be there: %s\n' "$text"
            return 1
        }
    done
}

# refused STATUS WORD [KEY]: the page says in its own language what happened, gives
# the word, and leads on.
refused() {
    local lang
    lang=$(find_html /html/@lang)
    sees "$1" "<code>$2</code>" || return
    [ -z "${3-}" ] || sees "$1" "<h1>$(jq -r --arg k "$3" '.errors[$k].title' "$IDB_ROOT/scripts/text/$lang.json")</h1>" \
        "<p>$(jq -r --arg k "$3" '.errors[$k].text' "$IDB_ROOT/scripts/text/$lang.json")</p>" || return
    [ -n "$(find_html '//main//a/@href')" ] || {
        echo 'a dead end'
        cat "$TAB/page"
        return 1
    }
    lacks Estpersoon 99999
}

# take_code: sets code and ticket to those of the page, whose link to call agrees.
take_code() {
    local page shown link='href="tel:(\+[0-9]+),([0-9]+)">[0-9+ ]+<.*id="code" aria-hidden="true">([0-9 ]+)<'
    page=$(<"$TAB/page")
    [[ $page =~ $link ]] || {
        printf 'no code\n%s\n' "$page"
        return 1
    }
    code=${BASH_REMATCH[2]} shown=${BASH_REMATCH[3]}
    [ "${BASH_REMATCH[1]}" = +31241234567 ] && [ "${shown// /}" = "$code" ] || return
    ticket=$(find_html '//*[@id="ticket"]')
    [[ $ticket =~ ^[A-Z0-9]{6}$ ]] || return
    printf 'code %s %s %s\n' "$code" "$shown" "$ticket" >>"$TRAIL"
}

# values: what the consent page shows, label=value, one a line.
values() {
    local i n list='//section[@aria-labelledby="data"]//dl/div'
    n=$(find_html "count($list)")
    for ((i = 1; i <= n; i++)); do
        # A number in groups is there twice, to be seen and to be heard.
        printf '%s=%s\n' "$(find_html "($list)[$i]/dt")" \
            "$(find_html "($list)[$i]/dd/*[@aria-hidden]" | tr -d ' ' | grep . || find_html "($list)[$i]/dd")"
    done
}

# ---- what people do ----

# begin LANG PURPOSE LABEL: the start page, and on to the provider with that method.
begin() {
    visit "$WEB/$1/start/$2" && sees 200 || return
    press "$([ "$1" = nl ] && echo Inloggen met || echo Log in with) $3" || return
    [[ $(<"$TAB/page") == *'Log in at the test provider'* ]] || {
        cat "$TAB"/{status,page}
        return 1
    }
    [[ $(<"$TAB/url") == "$ISSUER/login/"* ]]
}

# arrive LANG PURPOSE LABEL PERSON: the same, logs in, and stands at the question.
arrive() {
    begin "$1" "$2" "$3" && press "$4:" && sees 200 "<form method=\"post\" action=\"../$1/consent\">"
}

# agree: yes, in either language of the page; then code and ticket are set.
agree() {
    press "$([[ $(<"$TAB/page") == *'lang="nl">'* ]] && echo Ja, || echo Yes,)" && take_code
}

# decline: no.
decline() { press "$([[ $(<"$TAB/page") == *'lang="nl">'* ]] && echo Nee, || echo No,)"; }

# phone PATH JSON: the telephone exchange posts; the answer is in body.
phone() {
    fetch "$PHONE/$1" -u pbx:secret -H 'Content-Type: application/json' --data "$2"
    [ "$status_code" = 200 ]
}

# key_in CODE CALL [CALLER]: sets result.
key_in() {
    phone verify "$(jq -nc --arg code "$1" --arg call "$2" --arg caller "${3-+31612345678}" \
        '{ code: $code, call_id: $call, caller: $caller }')" || return
    result=$(member result "$body")
}

# the agent's browser.
new_agent() { new "$1" 'user = "alice:secret"'; }

# ---- what is left ----

sessions() { sql "SELECT COUNT(*) FROM session${1+ WHERE $1}"; }

# sealed_pieces: the sealed record of each session, cut up, so that what is left of
# one page of the store is found as well.
sealed_pieces() {
    sql 'SELECT sealed FROM session WHERE sealed IS NOT NULL' |
        tr . '\n' | fold -w 24 | grep -xE '.{24}' | sort | uniq -u
}

# trail_secrets: all that went to and fro and must not stay anywhere: cookies' values,
# what logins carry, offers, codes.
trail_secrets() {
    {
        sed -nE 's/^[Ss]et-[Cc]ookie: [^=]+=([^;]{16,});.*/\1/p' "$TRAIL"
        # Of requests and redirects: the login's parameters.
        grep -E '^(> |[Ll]ocation: )' "$TRAIL" | grep -oE '[?&](code|state|nonce|code_challenge)=[^& ]{8,}' |
            sed 's/^[^=]*=//'
        # Offers, whole and in pieces.
        grep -E '^ey[A-Za-z0-9._-]{100,}$' "$TRAIL" | tr . '\n' | fold -w 40
        sed -nE 's/^code ([0-9]+) ([0-9 ]+) ([A-Z0-9]+)$/\1\n\2\n\3/p' "$TRAIL"
    } | grep -E '.{6}' | sort -u
}

# nowhere WANTED FILE…: no line of the file WANTED is in one of the others.
nowhere() {
    local file
    [ -s "$1" ] || return
    for file in "${@:2}"; do
        ! LC_ALL=C grep -aoFf "$1" "$file" >"$BATS_TEST_TMPDIR/found" || {
            echo "in $file:"
            sort "$BATS_TEST_TMPDIR/found" | uniq -c | cut -c 1-100
            return 1
        }
    done
}

# ---- all of it ----

# whole METHOD LABEL [COMMAND…]: from the start page until nothing is left, in the tab
# "one"; COMMAND runs the purge as another user.
whole() {
    local before
    before=$(snapshot)
    begin nl status "$2"
    press anna:
    # Just the claims, and nothing else of them.
    sees 200 '<h1>Wilt u deze gegevens delen?</h1>' "U bent ingelogd met $2." Akkoord?
    [ "$(values)" = 'Burgerservicenummer=999990019
Naam=T. Estpersoon' ]
    lacks 6511
    [ "$(snapshot)" = "$before" ]
    agree
    at "$WEB/nl/code"
    sees 200 'Vertel de code aan niemand'
    [ "$(sessions "state = 'issued'")" = 1 ]
    sealed_pieces >wanted
    [ "$(wc -l <wanted)" -gt 20 ]
    # What will be looked for is there now.
    store_bytes >bytes
    LC_ALL=C grep -qaFf wanted bytes

    key_in "$code" call-1
    [ "$result $(member purpose "$body")" = 'accepted status' ]
    [[ $output != *Estpersoon* && $output != *99999* ]]
    reload
    sees 200 'Er wordt gebeld met uw code' 'eindigt op 78'
    lacks "$code"

    new_agent agent
    visit "$DESK/desk"
    lacks Estpersoon
    follow 'Open gesprek call-1'
    sees 200 'T. Estpersoon' verborgen 'eindigt op 78' "<dd>$2</dd>" '<dd>substantieel</dd>'
    lacks 999990019
    press 'Toon Burgerservicenummer'
    sees 200 999990019 'T. Estpersoon'
    to one
    reload
    sees 200 'U bent in gesprek'

    phone end '{"call_id":"call-1"}'
    [ "$(member result "$body")" = wrap_up ]
    reload
    sees 200 'Het gesprek is voorbij'
    to agent
    press 'Contact afsluiten'
    at "$DESK/desk"
    sees 200 'Er zijn nu geen gesprekken'
    to one
    reload
    sees 200 '<h1>Klaar</h1>'

    run --separate-stderr -0 "${@:3}" idb-purge
    [ "$(json pending_erasure)" = false ]
    is_sound
    trail_secrets | grep -vx "$ticket" >>wanted
    printf '%s\n' 999990019 Estpersoon 61234567 call-1 >>wanted
    store_bytes >bytes
    nowhere wanted bytes
}
