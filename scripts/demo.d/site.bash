# The whole flow over HTTPS: a site of real parts, and what a resident, a telephone
# exchange and an agent do on it. Sourced by scripts/demo.
# shellcheck shell=bash disable=SC2034,SC2154 # variables that the parts share

# ---- a browser ----

# client NAME LINE…: what curl needs to be that client, in a file that nobody else
# can read: passwords stand in no argument.
client() {
    local file=$dir/$1
    shift
    (
        umask 077
        printf '%s\n' silent show-error 'max-time = 30' 'noproxy = "*"' \
            'cacert = "site/cert.pem"' "$@" >"$file"
    )
}

# A browser follows redirects and, where it is given a jar, keeps cookies. The last line
# is ours: status, address, redirects.
browser() {
    client "$@" location 'write-out = "\n%{http_code} %{url_effective} %{num_redirects}\n"'
}

# page_text: a page as somebody reads it; [ … ] is a button. Above it the status and
# the address, without a login's query and without curl's password.
page_text() {
    local page state address redirects
    page=$(cat)
    read -r state address redirects <<<"${page##*$'\n'}"
    address=${address/\/\/*@/\/\/}
    [[ $address != */callback/* ]] || address="${address%%\?*}?…"
    [ "$redirects" = 0 ] || address+=", redirects: $redirects"
    printf '%s %s\n' "$state" "$address"
    [[ $page != *'<main '* ]] || printf '\n%s\n' "$(sed -n '/<main /,/<\/main>/p' <<<"$page" | main_text)"
}

# main_text: HTML as text, for pages as plain as these: what is there to be heard, or for
# idb.js, is left out.
main_text() {
    sed -E '
        s:<span class="idb-visually-hidden">[^<]*</span>::g
        s:<button type="button"[^>]*>[^<]*</button>::g
        s:<figure .*</figure>::g
        s:</?noscript>::g
        s:<div class="utrecht-action-group">:\n:g
        s:<a [^>]*href="(tel\:[^"]*)"[^>]*>([^<]*)</a>:\2 (\1):g
        s:<button[^>]*>([^<]*)</button>:\n[ \1 ]:g
        s:<h1[^>]*>:\n# :g
        s:<h2[^>]*>:\n\n## :g
        s:</h[12]>:\n:g
        s:<li[^>]*>:\n- :g
        s:</dt>:\: :g
        s:<(p|dt|tr|caption|br)[ >]:\n&:g
        s:</th>: :g
        s:<[^>]*>::g' |
        sed -E 's/&nbsp;|\xc2\xa0/ /g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&(apos|#39);/'\''/g
            s/&amp;/\&/g; s/^ +//' |
        fold -s -w 72 | sed -E 's/ +$//; s/^\[ /\n&/' | sed -zE 's/^\n+//; s/\n\n+/\n\n/g; s/\]\n\n+\[/]\n[/g'
}

# shorten: a long token by its beginning.
shorten() { sed -E 's/([A-Za-z0-9_-]{24})[A-Za-z0-9._-]{100,}/\1…/g'; }

# visit CLIENT ADDRESS [STATUS]: opens a page, or posts $request, a form. The page
# stays in $answer; it must have that status (200).
visit() {
    local form=()
    [ -z "$request" ] || form=(-d @-)
    as_request=shorten as_answer=page_text
    run curl -q -K "$1" "${form[@]}" "$2"
    as_request=cat as_answer=cat
    [ "$status" = 0 ] || stop "curl should exit 0, not $status"
    where=${answer##*$'\n'}
    [ "${where%% *}" = "${3-200}" ] || stop "HTTP ${3-200} was expected, not ${where%% *}"
    keep_secrets
}

# keep_secrets: every cookie that the browser ever had, and what came back from a
# login, to search for at the end.
secrets=''
keep_secrets() {
    [ ! -e "$dir/resident.jar" ] ||
        secrets+=$'\n'$(awk -F '\t' 'length($7) >= 16 { print $7 }' "$dir/resident.jar")
    [[ ! $where =~ \?code=([^ \&]+)\&state=([^ \&]+) ]] ||
        secrets+=$'\n'${BASH_REMATCH[1]}$'\n'${BASH_REMATCH[2]}
}

# field NAME: the value of that hidden field of the page.
field() {
    [[ $answer =~ name=\"$1\"\ value=\"([^\"]*)\" ]] || stop "the page has no field $1"
    printf '%s' "${BASH_REMATCH[1]}"
}

# ---- the site ----

site_configuration() {
    jq -n --arg dir "$dir" --arg url "$web" --slurpfile clients "$dir/provider/clients.json" '{
        organisation: { name: { nl: "Gemeente Voorbeeld", en: "Municipality of Voorbeeld" },
                        url: $url },
        lines: { kcc: { number: "+31241234567", number_display: "+31 24 123 45 67",
                        clients: ["exchange"] } },
        store: { url: "sqlite:\($dir)/store/idb.db" },
        keys: { directory: "\($dir)/keys" },
        cache: { directory: "\($dir)/cache" },
        desk: { alice: ["agent", "support"] },
        attributes: {
            bsn: { label: { nl: "Burgerservicenummer", en: "Citizen service number" },
                   type: "bsn", mask: true },
            name: { label: { nl: "Naam", en: "Name" } } },
        methods: ($clients[0] | { digid, eidas }
            | map_values(.method + { ca: "\($dir)/site/cert.pem" })),
        purposes: {
            status: { label: { nl: "Hoe staat het met mijn aanvraag?",
                               en: "How is my application doing?" },
                      line: "kcc", attributes: ["bsn", "name"], methods: ["digid", "eidas"],
                      minimum_level: "substantial" },
            appointment: { label: { nl: "Een afspraak maken", en: "Make an appointment" },
                           line: "kcc", attributes: ["name"], methods: ["digid", "eidas"] },
            change: { label: { nl: "Een adres wijzigen", en: "Change an address" },
                      line: "kcc", attributes: ["name", "bsn"], methods: ["digid", "eidas"],
                      confirm: "page" } } }'
}

is_taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# choose_ports: twelve in a row, from $port where it is given.
choose_ports() {
    local first=$port try i
    for ((try = 0; try < 100; try++)); do
        [ -n "$port" ] || first=$((20000 + RANDOM % 12000))
        for i in {0..11}; do
            is_taken $((first + i)) && continue 2
        done
        break
    done
    [ "$try" -lt 100 ] || {
        printf 'demo: ports %s to %s are not all free\n' "$first" $((first + 11)) >&2
        exit 69
    }
    # Ports of one host share their cookies: residents have a host of their own.
    web=https://localhost:$first
    desk=https://127.0.0.1:$((first + 1))
    phone=https://127.0.0.1:$((first + 2))
    provider=https://127.0.0.1:$((first + 3))
    # baresip takes the next port too, for TLS.
    line_at=127.0.0.1:$((first + 4))
    resident_port=$((first + 6)) agent_port=$((first + 8))
    resident_commands=$((first + 10)) agent_commands=$((first + 11))
}

# new_password USER: in $password, and its hash where the web servers read it.
new_password() {
    password=$(od -An -N 10 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s:%s\n' "$1" "$(printf '%s\n' "$password" | openssl passwd -6 -stdin)" \
        >>"$dir/site/users"
}

# The method's secret and key stand where those of the zone stand.
login_keys() {
    (
        umask 077
        jq -r .digid.secret "$dir/provider/clients.json" >"$dir/keys/web/digid.secret"
        jq -c .eidas.jwk "$dir/provider/clients.json" >"$dir/keys/web/eidas.jwk"
    )
}

serve() {
    run "$root/scripts/site" start site "$1" "${2##*:}"
    expect 0
}

make_site() {
    cd "$dir" || exit
    export IDB_CONFIG=$dir/idb.json SITE_LANG=en
    choose_ports

    step 'A login provider'
    say 'Real ones are DigiD, eIDAS or a broker in front of them. This one speaks the same' \
        'OpenID Connect, over TLS under a throw-away certificate that the configuration of' \
        'the methods trusts ("ca").'
    run "$root/scripts/site" certificate site
    expect 0
    run "$root/scripts/provider" start provider "${provider##*:}" "$provider" \
        --tls site/cert.pem site/key.pem --home "$web"
    expect 0

    step 'Configuration, keys and store'
    say 'The configuration names a telephone line, three purposes, and two methods to log' \
        'in. Their secrets are put beside the keys of the web zone. What the provider says' \
        'of itself is kept in a folder that only that zone can enter.'
    mkdir -m 700 cache
    site_configuration >"$IDB_CONFIG"
    run idb-keys create
    expect 0 '.made > 0'
    login_keys
    run idb-store create
    expect 0
    run idb-config check
    expect 0 '.result == "ok" and .purposes == 3'

    step 'Three web servers'
    say 'One for each zone: web for residents, desk for agents, phone for the telephone' \
        'exchange. Agents and exchange log in with a name and a password of this run.'
    new_password alice
    browser alice "user = \"alice:$password\"" 'cookie = "alice.jar"' 'cookie-jar = "alice.jar"'
    desk_password=$password
    new_password exchange
    client exchange http1.1 "user = \"exchange:$password\"" 'header = "Content-Type: application/json"'
    phone_password=$password
    serve web "$web"
    serve desk "$desk"
    serve phone "$phone"
}

# stop_site: whatever of it runs.
stop_site() {
    stop_phones
    "$root/scripts/site" stop "$dir/site"
    "$root/scripts/provider" stop "$dir/provider"
}

# ---- the resident, up to the code ----

# nothing_stored: the files of the store are what they were before the first visit.
nothing_stored() {
    echo
    say "$1"
    run sha256sum -c before
    expect 0
    [ "$(sha256sum store/*)" = "$(cat before)" ] || stop 'the store should not have changed'
}

start_page() {
    sha256sum store/* >before
    browser resident 'cookie = "resident.jar"' 'cookie-jar = "resident.jar"'

    step 'The start page'
    say 'It stands behind a link on the website, in an e-mail or in a letter. It says what' \
        'will happen, which data are asked for, and the number.'
    visit resident "$web/en/start/status"
    contains '>Citizen service number</li>'
    contains '>Name</li>'
    contains '+31 24 123 45 67'
    contains 'Log in with DigiD'

    step 'On to the login provider'
    say 'The resident chooses a method. The browser is sent on; the page is the provider'\''s.'
    choose_method
    contains 'Log in at the test provider'
}

choose_method() {
    request='purpose=status&method=digid'
    visit resident "$web/en/login"
    [[ $answer =~ action=\"(/login/[^\"]+)\" ]] || stop 'this should be the provider'\''s page'
    login=$provider${BASH_REMATCH[1]}
}

log_in() {
    step 'Cancelled there'
    say 'Nothing is held against who changes their mind: the page leads on.'
    request='cancel=yes'
    visit resident "$login"
    contains login_cancelled
    nothing_stored 'The store has not changed by one byte.'

    step 'Logged in, and asked'
    say 'Once more, and now as anna. Back here come the very data, and the question whether' \
        'the municipality may have them.'
    choose_method
    request='user=anna'
    visit resident "$login"
    contains ">${bsn:0:3} ${bsn:3:3} ${bsn:6}<"
    contains ">$name</dd>"
    contains 'Yes, share these data'
    offer=$(field offer)
    nothing_stored 'Still not: the browser carries the data, sealed so that only this site can open them.'

    step 'A no'
    say 'It ends there.'
    request="offer=$offer&consent=no"
    visit resident "$web/en/consent"
    contains no_consent
    nothing_stored 'And nothing was stored.'
}

# take_code: of the page, which must show number, code and link to call, agreeing.
take_code() {
    [[ $answer =~ href=\"tel:(\+[0-9]+),([0-9]+)\"\>([0-9+ ]+)\<.*id=\"code\"\ aria-hidden=\"true\"\>([0-9 ]+)\< ]] ||
        stop 'the page should show number and code'
    [ "${BASH_REMATCH[1]} ${BASH_REMATCH[3]// /}" = '+31241234567 +31241234567' ] ||
        stop 'the link should call the number'
    [ "${BASH_REMATCH[2]}" = "${BASH_REMATCH[4]// /}" ] || stop 'the link should send the code'
    code=${BASH_REMATCH[2]}
    codes+=("$code" "${BASH_REMATCH[4]}")
}

agree() {
    step 'A yes: number and code'
    say 'The resident goes back, and agrees. The link calls the number, waits (,) and sends' \
        'the code.'
    request="offer=$offer&consent=yes"
    visit resident "$web/en/consent"
    take_code
    [[ $answer =~ id=\"ticket\"\>([A-Z0-9]{6})\< ]] || stop 'the page should show a ticket'
    ticket=${BASH_REMATCH[1]}
    token=$(awk -F '\t' '$6 == "__Host-idb-session" { print $7 }' resident.jar)

    step 'Loaded again'
    say 'The same page with the same code, held by a cookie.'
    old_code=$code
    visit resident "$web/en/code"
    take_code
    [ "$code" = "$old_code" ] || stop 'the code should be the same'

    step 'A new code'
    say 'At a click there is a new one; the old one is dead.'
    request='new=yes'
    visit resident "$web/en/renew"
    take_code
    [ "$code" != "$old_code" ] || stop 'the code should be another'
}

# ---- the call ----

# post ADDRESS: $request as the telephone exchange posts it, JSON for JSON.
post() { run curl -q -K exchange -d @- "$phone/$1"; }

# key_in_at CODE: on the call c-1.
key_in_at() {
    request="{\"code\":\"$1\",\"call_id\":\"c-1\",\"caller\":\"$number\"}"
    post verify
}

call() {
    step 'The call: a slip of the finger'
    say 'First an exchange with a menu of its own: it asks for the code and posts what was' \
        'keyed in. One wrong key is known at once by the check digit, and costs nothing.'
    key_in_at "$(spoil "$code")"
    expect 0 '.result == "mistyped" and .attempts_left == 3'

    step 'A wrong code'
    say 'The old one. Of wrong codes a call has three.'
    key_in_at "$old_code"
    expect 0 '.result == "wrong" and .attempts_left == 2'

    call_by_telephone

    step 'The resident'\''s page, during the call'
    say 'Should it be somebody else who calls, then this is where the resident finds out.'
    visit resident "$web/en/code"
    contains 'Somebody is calling with your code'
    contains 'ending in 78'
}

agent() {
    local page="$desk/desk?line=kcc&call_id=$call_id"
    step 'The agent'\''s page, with a wrong password'
    say 'The agent'\''s telephone or screen opens the address with line and call in it.'
    browser stranger 'user = "alice:wrong"'
    visit stranger "$page" 401
    lacks "$name"

    step 'The agent'\''s page'
    say 'Who it is, how sure that is, and what it is about. The number stays hidden. That' \
        'alice opened it is on record.'
    visit alice "$page"
    contains "$name"
    contains 'ends in 78'
    lacks "$bsn"

    step 'The hidden value'
    say 'Shown at a click, which is on record too.'
    request="line=kcc&call_id=$call_id&name=bsn&form_token=$(field form_token)"
    visit alice "$desk/desk/reveal"
    contains "$bsn"

    step 'What the store holds during the call'
    say 'No code, no number, no name: only a record that is signed and sealed for the desk.'
    places=("$dir/store")
    sealed_pieces
    look
    [ "$total" = "$(wc -l <<<"$pieces")" ] || stop 'the sealed record should be found'

    step 'Hang-up'
    say 'Of a call that was transferred the line hears nothing more: whoever has it now says' \
        'that it is over, here an exchange. The agent still has some minutes to finish.'
    hang_up
    request="{\"call_id\":\"$call_id\"}"
    post end
    expect 0 '.result == "wrap_up"'
    visit alice "$page"
    contains 'To be seen until'
    contains "$name"

    step 'The agent is done'
    say 'Everything of the resident is erased now. What is left is the list of open calls,' \
        'and at the old address nothing to see.'
    request="line=kcc&call_id=$call_id&form_token=$(field form_token)"
    visit alice "$desk/desk/end"
    contains 'There are no calls'
    visit alice "$page"
    contains 'this call is closed'
    lacks "$name"
}

# ---- afterwards ----

afterwards() {
    step 'The resident'\''s page, after the call'
    say 'Done; and for support, who sees no personal data, the ticket tells the story.'
    visit resident "$web/en/code"
    contains '>Done</h1>'
    visit alice "$desk/desk/ticket?ticket=$ticket"
    contains "$ticket"
    lacks "$name"

    step 'The purge'
    say 'Cron runs it every minute; it sees to it that erased bytes are gone from the' \
        'store'\''s log too.'
    run idb-purge
    expect 0 '.pending_erasure == false'

    step 'The servers stop, and what their logs say'
    say 'Of the telephone, for example: who asked for what, when; not which code.'
    stop_site
    run cat site/log/phone-access.log
    expect 0
    contains 'exchange POST /verify 200'

    step 'What is left'
    say 'Of the resident nothing, neither in the store nor in any log.'
    places=("$dir/store" "$dir/site/log" "$dir/provider/provider.log" "$dir/line.log")
    look
    [ "$total" = 0 ] || stop 'the sealed record should be gone'
    search 'every cookie, and the login code' <<<"$secrets"
    search 'the passwords' <<<"$desk_password"$'\n'"$phone_password"
    [ "$total" = 0 ] || stop 'none of that should be found'
    echo
    say 'What is still there, for who must account for it: who did what when, without a' \
        'single value.'
    echo
    audit_rows 3
}

walk_site() {
    make_site
    start_page
    log_in
    agree
    call
    agent
    afterwards
    printf '\n%sAll %d steps went as they should.%s\n\n' "$bold" "$steps" "$plain"
    printf 'Nothing of it is left. To walk through the same site with your own browser:\n\n'
    printf '    %q --serve\n' "$root/scripts/demo"
}

# ---- for a browser of one's own ----

serve_site() {
    make_site
    step 'A telephone line'
    say 'It answers, plays the prompts, and takes the code by the keys.'
    start_line
    printf '\n%sThe site is up, until Ctrl-C.%s\n\n' "$bold" "$plain"
    say 'Its certificate is a throw-away one that no browser knows: yours will warn, once at' \
        'each of the three addresses. Go on.'
    cat <<END

    Start page    $web/en/start/status
                  $web/nl/start/status
                  or, instead of status, appointment, or change (there the
                  resident must confirm on the page before the agent sees anything)
    Login         at $provider, as anna, bert … by a click, without a password
    Desk          $desk/desk
    Tickets       $desk/desk/ticket
                  both: name alice, password $desk_password

A telephone line takes calls at

    Telephone     sip:line@$line_at
                  from any SIP telephone on this machine; identified, the call goes on
                  to an agent's telephone that answers by itself. Its id, to open it at
                  the desk, is in $dir/line.log

To key in a code on a call named c-1, as the telephone exchange does, and to hang
up, in another terminal:

END
    printf '    cd %q\n' "$dir"
    cat <<END
    echo '{"code":"CODE","call_id":"c-1","caller":"$number"}' | curl -q -K exchange -d @- $phone/verify
    echo '{"call_id":"c-1"}' | curl -q -K exchange -d @- $phone/end

or with the program itself:

END
    printf '    export IDB_CONFIG=%q\n' "$IDB_CONFIG"
    printf "    echo '{\"code\":\"CODE\",\"call_id\":\"c-1\"}' | %q\n\n" "$root/build/idb-verify"
    # As cron does.
    while :; do
        sleep 60 &
        waiting=$!
        wait "$waiting"
        idb-purge >/dev/null || true
    done
}
