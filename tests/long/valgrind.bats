#!/usr/bin/env bats
# The plain build only: the main path of every program under valgrind.

setup() {
    load ../lib
    load ../op/lib
    command -v valgrind >/dev/null || skip 'needs valgrind'
    cd "$BATS_TEST_TMPDIR" || return
    instance
}

# clean STATUS PROGRAM…: ends with that status, finds nothing wrong (valgrind's 99)
# and, with 0 or 1, says nothing on standard error. To the web server a refusal
# ends with 0 too, and goes into its log.
clean() {
    local want=$1 program=$2
    shift 2
    run --separate-stderr valgrind -q --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite "$IDB_BUILD/$program" "$@"
    [ "$status" -eq "$want" ] || { printf '%s\n' "exit $status" "$output" "$stderr"; return 1; }
    [ "$want" -gt 1 ] || [[ $output == "Status: 4"* ]] || [ -z "$stderr" ] || { printf '%s\n' "$stderr"; return 1; }
    # valgrind's lines begin with ==PID==.
    [[ ! $stderr =~ (^|$'\n')==[0-9]+== ]] || { printf '%s\n' "$stderr"; return 1; }
}

# sent COOKIES [JQ]: the request of a browser with those cookies.
sent() { jq -nc --arg c "$1" "{ cookies: \$c } | ${2-.}"; }

# by_web PROGRAM METHOD BODY STATUS: as the web server calls it.
by_web() {
    GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=$2 CONTENT_TYPE=application/json \
        CONTENT_LENGTH=${#3} clean 0 "$1.cgi" < <(printf %s "$3") || return
    [[ $output == "Status: $4"* ]] || { printf '%s\n' "$output"; return 1; }
}

@test "valgrind: the life of a session, through each program" {
    local code cookies
    clean 0 idb-issue --attest=front-office < <(requests 1)
    code=$(json code)
    cookies=$(cookies_of "$output")
    clean 0 idb-status < <(sent "$cookies")
    [ "$(json state)" = issued ]
    clean 0 idb-renew < <(sent "$cookies")
    code=$(json code)
    clean 1 idb-verify <<<"{\"code\":\"$(wrong_code "$code")\",\"call_id\":\"c-1\"}"
    [ "$(json result)" = wrong ]
    clean 0 idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\",\"caller\":\"+31612345678\"}"
    [ "$(json result)" = accepted ]
    clean 0 idb-confirm < <(sent "$cookies" '.confirm = true')
    [ "$(json result)" = confirmed ]
    clean 0 idb-transfer <<<'{"call_id":"c-1","to_call_id":"c-2"}'
    [ "$(json result)" = transferred ]
    clean 0 idb-lookup <<<'{"call_id":"c-2","peek":true}'
    [ "$(json result)" = peek ]
    clean 0 idb-lookup --human <<<'{"call_id":"c-2"}'
    clean 0 idb-lookup <<<'{"call_id":"c-2","reveal":["bsn"]}'
    [ "$(json '.attributes[] | select(.name == "bsn").value')" = 999990019 ]
    clean 0 idb-lookup <<<'{"open":true}'
    [ "$(json '.calls | length')" = 1 ]
    clean 0 idb-lookup < <(jq -nc --arg t "$(sql 'SELECT ticket FROM session')" '{ ticket: $t }')
    clean 0 idb-end <<<'{"call_id":"c-2"}'
    [ "$(json result)" = wrap_up ]
    clean 0 idb-end --zone=desk <<<'{"call_id":"c-2","line":"kcc"}'
    [ "$(json result)" = ended ]
    clean 1 idb-lookup <<<'{"call_id":"c-2"}'
    clean 0 idb-purge
    [ "$(json pending_erasure)" = false ]
    is_sound
}

@test "valgrind: streams, with good and bad lines" {
    clean 65 idb-issue --attest=front-office < <(
        requests 40
        echo '{"purpose":"nothing"}'
        echo 'no JSON'
        printf '{"x":"%70000d"}\n' 0
        requests 3
    )
    [ "$(jq -r '.error // "issued"' <<<"$output" | sort | uniq -c | tr -s ' ')" = " 1 bad_json
 1 bad_request
 43 issued
 1 too_large" ] || { jq -r '.error // "issued"' <<<"$output" | sort | uniq -c; return 1; }
    issue 40 | jq -c '{ code, call_id: "c-\(input_line_number)" }' >verify
    jq -c '{ call_id }' verify >calls
    clean 0 idb-verify <verify
    clean 0 idb-lookup <calls
    clean 0 idb-end <calls
    is_sound
}

@test "valgrind: the resident stops, and says that it is someone else" {
    local issued code
    issued=$(issue 2)
    clean 0 idb-end < <(sent "$(cookies_of "$(head -n 1 <<<"$issued")")")
    issued=$(tail -n 1 <<<"$issued")
    code=$(code_of "$issued")
    verify "$code" c-3 >/dev/null
    clean 0 idb-confirm < <(sent "$(cookies_of "$issued")" '.confirm = false')
    [ "$(json result)" = not_me ]
    clean 1 idb-status < <(sent none=1)
    [ "$(json error)" = no_cookie ]
}

@test "valgrind: each program called by the web server" {
    local issued code cookies
    issued=$(issue 1)
    code=$(code_of "$issued")
    cookies=$(cookies_of "$issued")
    export HTTP_COOKIE=$cookies
    by_web idb-renew POST '{}' 200
    code=$(sed -n 's/.*"code":"\([0-9]*\)".*/\1/p' <<<"$output")
    export AUTH_TYPE=test
    REMOTE_USER=pbx by_web idb-verify POST "{\"code\":\"$code\",\"call_id\":\"c-1\"}" 200
    REMOTE_USER=pbx by_web idb-transfer POST '{"call_id":"c-1","to_call_id":"c-2"}' 200
    REMOTE_USER=alice by_web idb-lookup POST '{"call_id":"c-2","line":"kcc"}' 200
    by_web idb-status GET '' 200
    by_web idb-verify PUT '{}' 405
    by_web idb-end POST '{}' 200
    by_web idb-end POST '{"call_id":' 400
    is_sound
}

@test "valgrind: keys, store and configuration" {
    clean 0 idb-keys list
    clean 0 idb-keys list --human
    clean 0 idb-keys rotate
    clean 0 idb-keys create
    clean 0 idb-store check
    clean 0 idb-store check --human
    clean 0 idb-store migrate
    issue 3 >issued
    clean 0 idb-store backup "$PWD/copy"
    clean 0 idb-store restore "$PWD/copy"
    clean 0 idb-purge --dry-run
    clean 0 idb-stats
    clean 0 idb-stats --human
    clean 0 idb-stats --prometheus
    clean 0 idb-config check
    clean 0 idb-config show
    clean 0 idb-config show --json --lang=en
    rm -r "$IDB_KEYS" "$(dirname "$IDB_STORE")"
    clean 0 idb-keys create
    clean 0 idb-store create
}

@test "valgrind: what fails: usage, no keys, no store, a wrong configuration" {
    local program
    for program in $(programs); do
        clean 64 "$program" --nonsense
    done
    clean 0 idb-verify --help
    mv "$IDB_STORE" elsewhere
    clean 78 idb-verify <<<'{"code":"1","call_id":"c-1"}'
    [ "$(json error)" = store_missing ]
    mv "$IDB_KEYS" elsewhere.keys
    clean 78 idb-verify <<<'{"code":"1","call_id":"c-1"}'
    [ "$(json error)" = key_missing ]
    jq '.purposes.status.attributes = 3 | .more = true' "$IDB_CONFIG" >wrong.json
    chmod 600 wrong.json
    IDB_CONFIG=$PWD/wrong.json
    clean 78 idb-config check
    clean 78 idb-issue --attest=front-office < <(requests 1)
}

# dialogue STATUS [OPTION…]: idb-agi under valgrind against the transcript on standard
# input (tests/agi/peer): ends with that status, and finds nothing wrong.
dialogue() {
    local want=$1
    shift
    cat >transcript
    run --separate-stderr "$IDB_ROOT/tests/agi/peer" transcript valgrind -q --error-exitcode=98 \
        --leak-check=full --errors-for-leak-kinds=definite "$IDB_BUILD/idb-agi" "$@"
    [ "$status" -eq "$want" ] && [ -z "$output$stderr" ] || { printf '%s\n' "exit $status" "$output" "$stderr"; return 1; }
}

# Parts of a transcript: call ID, play NAME [REPLY [KEYS]], heard NAME [REPLY] which a key
# may end, ask NAME KEYED, told RESULT [SESSION].
call() { printf '%s\n' "< agi_uniqueid: $1" '< agi_callerid: +31612345678' '< ' '> ANSWER' '< 200 result=0'; }
play() { printf '%s\n' "> STREAM FILE idb/nl/$1 \"${3-}\"" "< 200 result=${2-0 endpos=32000}"; }
heard() { play "$1" "${2-0 endpos=32000}" '0123456789*#'; }
ask() { printf '%s\n' "> GET DATA idb/nl/$1 6000 11" "< 200 result=$2"; }
told() {
    local purpose=${2+status}
    printf '> SET VARIABLE %s "%s"\n< 200 result=1\n' IDB_SESSION "${2-}" IDB_PURPOSE "$purpose" \
        IDB_QUEUE "$purpose" IDB_LANG nl IDB_RESULT "$1"
}
no_more() { told not_identified; play no-more; play to-queue; }

@test "valgrind: dialogues of idb-agi: accepted, refused, nothing keyed in, closed" {
    local issued code wrong session
    issued=$(issue 1)
    code=$(code_of "$issued") wrong=$(wrong_code "$code") session=$(member session "$issued")
    dialogue 1 < <(call c-1; heard welcome; ask enter "$wrong"; heard wrong; ask again "$wrong"; heard wrong
        ask again "$wrong"; heard wrong; no_more)
    dialogue 1 < <(call c-2; heard welcome; ask enter "$(mistyped_code "$code")"; heard mistyped
        ask again ' (timeout)'; ask again ''; ask again 'ABCD*'; heard mistyped; ask again ''; no_more)
    dialogue 0 < <(call c-3; heard welcome "$(printf %d "'${code:0:1}") endpos=2880"
        printf '%s\n' '> GET DATA idb/nl/enter 6000 10' "< 200 result=${code:1}"
        told accepted "$session"; play accepted)
    dialogue 1 < <(call c-4; heard welcome; ask enter "$code"; heard used; ask again ''; ask again ''
        ask again ''; no_more)
    jq '.lines.kcc += { hours: {}, unidentified: "goodbye" }' "$IDB_CONFIG" >closed.json
    dialogue 1 --config="$PWD/closed.json" < <(call c-5; told closed; play closed-kcc; play goodbye
        printf '%s\n' '> HANGUP' '< 200 result=1')
    is_sound
}

@test "valgrind: dialogues of idb-agi: a hang-up at each step, in each manner" {
    local code session k j manner n=0
    issue 27 | jq -r '.code + " " + .session' >codes
    for manner in line hup gone; do
        for k in 0 1 2 3 7 8; do
            n=$((n + 1))
            read -r code session < <(sed -n "${n}p" codes)
            { call "c-$n"; heard welcome; ask enter "$code"; told accepted "$session"; play accepted; } >whole
            # Up to the k-th command, and what Asterisk says to a dead channel from there.
            dialogue 1 < <(
                awk -v k="$k" '/^> / { n++ } n <= k { print } /^> / && n == k + 1 { print; exit }' whole
                case "$manner" in
                line) printf '%s\n' '< HANGUP' '< 200 result=-1' ;;
                hup) printf '%s\n' hup '< 200 result=-1' ;;
                gone) echo gone; exit ;;
                esac
                for ((j = k; j < 7 && k >= 3; j++)); do
                    sed -n 's/^> //p' whole | sed -n "$((j + 2))s/.*/> &\n< 200 result=1/p"
                done
                told hangup)
        done
    done
    is_sound
}

@test "valgrind: dialogues of idb-agi: no configuration, key or store, and what is no AGI" {
    local lost code
    code=$(code_of "$(issue 1)")
    for lost in "$IDB_CONFIG" "$IDB_KEYS/phone/bind.key" "$IDB_STORE"; do
        mv "$lost" away
        dialogue 78 < <(call c-1; told unavailable; play unavailable)
        mv away "$lost"
    done
    dialogue 1 <<<eof
    dialogue 65 <<<'< GET / HTTP/1.1'
    dialogue 65 < <(printf 'raw agi_uniqueid: c\\0\\n\\n\n')
    dialogue 65 < <(printf '< agi_arg_1: %9000d\n' 0)
    dialogue 65 < <(for lost in {1..300}; do echo "< agi_arg_$lost: x"; done)
    dialogue 65 < <(call c-2; printf '%s\n' '> STREAM FILE idb/nl/welcome "0123456789*#"' '< agi_x: y')
    dialogue 65 < <(call c-3; heard welcome; printf '> GET DATA idb/nl/enter 6000 11\n< 200 result=%080d\n' 0)
    dialogue 65 < <(call c-4; heard welcome; ask enter "$code"; sed 's/^< .*/< 510 Unknown/' < <(
        told accepted "$(sql 'SELECT id FROM session')"))
}

@test "valgrind: an invitation, made for one person and typed in, and wrong ones" {
    local code
    idb_instance '.methods.login = { label: { nl: "Inlog" }, issuer: "https://login.example.org",
            client_id: "c", client_auth: "client_secret_basic", id_token_alg: "RS256",
            claims: { bsn: "bsn", name: "name" }, level: { claim: "acr", values: { s: "substantial" } } }
        | .purposes[].methods = ["login"]'
    clean 0 idb-invite <<<'{"purpose":"status","reference":"Z-1","person":"999990019","qr":"svg"}'
    clean 0 idb-invite <<<'{"purpose":"status","qr":"png","lang":"en"}'
    code=$(json code)
    clean 65 idb-invite <<<'{"purpose":"status","person":"999990018"}'
    clean 0 idb-oidc-start <<<"{\"invitation\":\"$code\"}"
    [ "$(json .purpose.name)" = status ]
    REMOTE_ADDR=192.0.2.1 clean 1 idb-oidc-start <<<'{"invitation":"BCDFG-HJKLM"}'
    clean 1 idb-oidc-start <<<'{"invitation":"none"}'
}
