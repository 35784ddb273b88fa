#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: the programs' own files are it each time.
# Where nothing of a resident may stand: the store, standard error,
# arguments, environment, syslog.

setup() {
    load ../lib
    load lib
    cd "$BATS_TEST_TMPDIR" || return
    instance
    export SYSLOG_FILE=$BATS_TEST_TMPDIR/syslog
    : >"$SYSLOG_FILE"
    : >complaints
    : >wanted
    SYSLOG=$(tool syslog)
}

# Kept processes end with the case.
teardown() {
    exec 7>&- 2>/dev/null
}

# logged PROGRAM…: its syslog goes to a file and its standard error too.
logged() {
    LD_PRELOAD=$SYSLOG ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 "$@" 2>>complaints
}

# secret TEXT…: from now on it must not be found anywhere. The texts are told to
# grep in files, so that they stand in no arguments of ours either.
secret() { printf '%s\n' "$@" >>wanted; }

# nowhere FILE…: none of the secrets is in them.
nowhere() {
    local file
    for file in "$@"; do
        [ -e "$file" ] || continue
        ! LC_ALL=C grep -aoFf wanted "$file" >found || {
            echo "in $file:"
            sort found | uniq -c
            return 1
        }
    done
}

is_clean() {
    store_bytes >bytes
    nowhere bytes complaints "$SYSLOG_FILE"
}

# pieces: the sealed record of each session and the confirmations, cut up, so that
# what is left of one page is found as well.
pieces() {
    sql "SELECT sealed FROM session WHERE sealed IS NOT NULL
         UNION ALL SELECT confirmation FROM session WHERE confirmation IS NOT NULL" |
        tr . '\n' | fold -w 24 | grep -xE '.{24}' | sort | uniq -u
}

ask() { jq -nc --arg c "$cookies" "{ cookies: \$c } | ${1-.}"; }

flow() {
    local issued code caller=+31698761234
    issued=$(jq -nc '{ purpose: "change",
        attributes: { bsn: "999990019", name: "Pieternel Geheimzinnig" },
        auth: { method: "counter", level: "substantial" },
        reference: "Dossier-774411", caller: "+31698761234" }' | logged idb-issue --attest=front-office)
    code=$(code_of "$issued")
    cookies=$(cookies_of "$issued")
    secret "$code" "$(member code_display "$issued")" 999990019 Pieternel Geheimzinnig \
        Dossier-774411 "$caller" "${caller#+}" "0${caller#+31}"
    jq -r '.cookies[] | split(";")[0] | split("=")[1]' <<<"$issued" >>wanted
    # The last digits may be shown; the rest of the number not.
    secret "${caller:3:6}"
    is_clean
    ask . | logged idb-status >status
    ask . | logged idb-renew >renewed
    secret "$(jq -r .code renewed)"
    code=$(jq -r .code renewed)
    is_clean
    jq -nc --arg c "$(wrong_code "$code")" --arg n "$caller" '{code: $c, call_id: "live-call-5150", caller: $n}' |
        logged idb-verify >wrong || true
    jq -nc --arg c "$(mistyped_code "$code")" '{code: $c, call_id: "live-call-5150"}' |
        logged idb-verify >mistyped || true
    jq -nc --arg c "$code" --arg n "$caller" '{code: $c, call_id: "live-call-5150", caller: $n}' |
        logged idb-verify >right
    [ "$(jq -r .result right)" = accepted ]
    is_clean
    echo '{"call_id":"live-call-5150"}' | logged idb-lookup >unconfirmed || true
    ask '.confirm = true' | logged idb-confirm >confirmed
    echo '{"call_id":"live-call-5150"}' | logged idb-lookup >opened
    echo '{"call_id":"live-call-5150","reveal":["bsn"]}' | logged idb-lookup >revealed
    grep -q 999990019 revealed
    grep -q 'Pieternel Geheimzinnig' opened
    echo '{"call_id":"live-call-5150","to_call_id":"live-call-6260"}' | logged idb-transfer >moved
    is_clean
}

@test "secrets: in a whole call no code, token, cookie, BSN, name, reference or number is in the store, on standard error or in syslog" {
    flow
    # Alarms and warnings say which session, and no more.
    sql "UPDATE session SET bound = x'00'"
    echo '{"call_id":"live-call-6260"}' | logged idb-lookup >forged || true
    ask '.confirm = false' | logged idb-confirm >not-me
    local said
    for said in 'reveal: agent' 'forged: open' 'not_me: '; do
        grep -q "$said" "$SYSLOG_FILE"
    done
    is_clean
}

@test "secrets: what is looked for is found where it stands, and so is the sealed record" {
    flow
    run -0 grep -qaFf wanted revealed
    # What must not be found is findable: the row is there, sealed.
    [ "$(pieces | wc -l)" -gt 20 ]
    pieces >live
    store_bytes >bytes
    LC_ALL=C grep -qaFf live bytes
}

@test "secrets: after end and purge not even the sealed bytes or the call's id are left" {
    flow
    pieces >>wanted
    echo '{"call_id":"live-call-6260"}' | logged idb-end --zone=desk >ended
    [ "$(jq -r .result ended)" = ended ]
    run --separate-stderr -0 logged idb-purge
    [ "$(json pending_erasure)" = false ]
    secret live-call-5150 live-call-6260
    is_clean
}

@test "secrets: the same while another program keeps the store open, and after not-me, cancel and expiry" {
    local issued
    exec 7> >(exec idb-end >kept 3>&-)
    echo '{"call_id":"keeper"}' >&7
    for _ in {1..200}; do
        [ ! -s kept ] || break
        sleep 0.05
    done
    flow
    pieces >>wanted
    ask '.confirm = false' | logged idb-confirm >not-me
    issued=$(issue 3)
    member code "$issued" >>wanted
    pieces >>wanted
    jq -nc --arg c "$(cookies_of "$(head -n 1 <<<"$issued")")" '{cookies: $c}' | logged idb-end >cancelled
    run --separate-stderr -0 logged at_offset +5h idb-purge
    [ "$(json erased)" = 2 ]
    [ "$(json pending_erasure)" = false ]
    secret live-call-5150 live-call-6260
    is_clean
}

@test "secrets: a backup holds none either, and the store that it is restored to nothing sealed" {
    flow
    run --separate-stderr -0 idb-store backup "$PWD/backup.db"
    nowhere backup.db
    pieces >>wanted
    run --separate-stderr -0 idb-store restore "$PWD/backup.db"
    secret live-call-5150 live-call-6260
    is_clean
}

@test "secrets: a running program has none in its arguments and its environment, leaves no core and lets no user look in" {
    local pid code
    code=$(issue 1 | jq -r .code)
    secret "$code" +31698761234 99999001 secret-call
    mkfifo in
    idb-verify <in >out 3>&- &
    pid=$!
    exec 7>in
    jq -nc --arg c "$code" '{code: $c, call_id: "secret-call-1", caller: "+31698761234"}' >&7
    for _ in {1..200}; do
        [ ! -s out ] || break
        sleep 0.05
    done
    [ "$(jq -r .result out)" = accepted ]
    tr '\0' '\n' <"/proc/$pid/cmdline" >cmdline
    tr '\0' '\n' <"/proc/$pid/environ" >environ
    nowhere cmdline environ
    [ "$(awk '/^Max core file size/ { print $5 $6 }' "/proc/$pid/limits")" = 00 ]
    # Not dumpable: what stands under /proc belongs to root, whoever runs it.
    [ "$(stat -c %U "/proc/$pid/environ")" = root ]
    exec 7>&-
    wait "$pid"
}

@test "secrets: refused and bad requests are not quoted, on standard error or in syslog" {
    secret 4712345678 Geheimzinnig 999990019 +31698761234 geheime-call
    {
        echo '{"code":"4712345678","call_id":"geheime-call","caller":"+31698761234"}'
        echo '{"code":"4712345678","call_id":"geheime-call","Geheimzinnig":1}'
        echo '{"code":"4712345678x","call_id":"geheime-call"}'
        echo '{"code":"4712345678","call_id":"geheime-call"'
        echo '{"code":["4712345678"],"call_id":"geheime-call"}'
        echo '"999990019"'
    } >bad
    logged idb-verify <bad >answers || true
    jq -nc '{ purpose: "Geheimzinnig", attributes: { bsn: "999990019" },
        auth: { method: "x", level: "substantial" } }' | logged idb-issue --attest=front-office >>answers || true
    jq -nc '{ purpose: "status", attributes: { bsn: "999990018", name: "Geheimzinnig" },
        auth: { method: "x", level: "substantial" } }' | logged idb-issue --attest=front-office >>answers || true
    echo '{"call_id":"geheime-call"}' | logged idb-lookup >>answers || true
    echo '{"call_id":"geheime-call","reveal":["Geheimzinnig"]}' | logged idb-lookup >>answers || true
    echo '{"cookies":"__Host-idb-session=Geheimzinnig"}' | logged idb-status >>answers || true
    [ "$(wc -l <answers)" = 11 ]
    [ -s complaints ]
    nowhere answers
    is_clean
}

@test "secrets: a program that crashes leaves no core" {
    local pid
    mkdir dumps
    mkfifo in
    (ulimit -c unlimited && cd dumps && exec idb-lookup) <in >out 3>&- &
    pid=$!
    exec 7>in
    echo '{"open":true}' >&7
    for _ in {1..200}; do
        [ ! -s out ] || break
        sleep 0.05
    done
    [ "$(jq -r .result out)" = calls ]
    kill -SEGV "$pid"
    wait "$pid" || true
    [ -z "$(ls dumps)" ]
}
