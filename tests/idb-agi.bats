#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: unit/agi.c reads all that a peer may say each time.
# idb-agi: what a caller hears and keys in, word for word as Asterisk carries it.

load lib
load op/lib
load life

setup() {
    HERE=$BATS_TEST_TMPDIR
    export SYSLOG_FILE=$HERE/syslog
    instance
}

# instance [JQ]: an instance with one code for the purpose "status".
instance() {
    idb_instance "${1-.}"
    issued=$(issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
    wrong=$(wrong_code "$code")
}

# agi [OPTION…]: runs idb-agi against the transcript on standard input. What it tells
# syslog is in $SYSLOG_FILE.
agi() {
    local transcript
    transcript=$(mktemp "$HERE/transcript.XXXXXX")
    cat >"$transcript"
    rm -f "$SYSLOG_FILE"
    "$IDB_ROOT/tests/agi/peer" "$transcript" env LD_PRELOAD="${LD_PRELOAD-}:$(tool syslog)" \
        ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" idb-agi "$@"
}

# complained WORD: that is the one line in syslog, and standard error has none.
complained() {
    [ "$(wc -l <"$SYSLOG_FILE")" = 1 ] && grep -q "^3 $1: " "$SYSLOG_FILE" && [ -z "$output$stderr" ] && return
    printf '%s\n' "$output" "$stderr" "$(cat "$SYSLOG_FILE")"
    return 1
}
silent() {
    [ ! -s "$SYSLOG_FILE" ] && [ -z "$output$stderr" ] && return
    printf '%s\n' "$output" "$stderr" "$(cat "$SYSLOG_FILE")"
    return 1
}

# ---- parts of a transcript ----

# call ID [LANGUAGE [CALLERID]]: the environment of FastAGI, and the answer.
call() {
    cat <<END2
< agi_network: yes
< agi_network_script: idb?line=other
< agi_request: agi://127.0.0.1:4573/idb?line=other
< agi_channel: PJSIP/trunk-00000001
< agi_language: ${2-nl}
< agi_type: PJSIP
< agi_uniqueid: $1
< agi_version: 22.0.0
< agi_callerid: ${3-+31612345678}
< agi_calleridname: "A: B" \\ C
< agi_callingpres: 0
< agi_callingani2: 0
< agi_callington: 0
< agi_callingtns: 0
< agi_dnid: 31241234567
< agi_rdnis: unknown
< agi_context: from-trunk
< agi_extension: 31241234567
< agi_priority: 3
< agi_enhanced: 0.0
< agi_accountcode: 
< agi_threadid: 139860000000000
< agi_arg_1: line=other
< 
> ANSWER
< 200 result=0
END2
}

# welcome [REPLY], play NAME, ask NAME KEYED [MAX], refuse NAME: one command each.
welcome() { printf '%s\n' "> STREAM FILE idb/nl/welcome \"0123456789*#\"" "< 200 ${1-result=0 endpos=32000}"; }
refuse() { printf '%s\n' "> STREAM FILE idb/nl/$1 \"0123456789*#\"" "< 200 ${2-result=0 endpos=32000}"; }
play() { printf '%s\n' "> STREAM FILE idb/${2-nl}/$1 \"\"" "< 200 result=0 endpos=32000"; }
ask() { printf '%s\n' "> GET DATA idb/nl/$1 6000 ${3-11}" "< 200 result=$2"; }

# told RESULT [SESSION PURPOSE QUEUE [LANGUAGE]]: the variables.
told() {
    printf '> SET VARIABLE %s "%s"\n< 200 result=1\n' IDB_SESSION "${2-}" IDB_PURPOSE "${3-}" \
        IDB_QUEUE "${4-}" IDB_LANG "${5-nl}" IDB_RESULT "$1"
}
accepted() { told accepted "${1-$session}" status status && play accepted; }
not_identified() { told not_identified && play no-more && play to-queue; }
# closed [there]: what the line says of its hours, or of every line.
closed() {
    if [ "${1-}" = there ]; then
        play closed-kcc
    else
        printf '%s\n' '> STREAM FILE idb/nl/closed-kcc ""' '< 200 result=-1 endpos=0' \
            '> CHANNEL STATUS' '< 200 result=6' && play closed
    fi
}
unavailable() { told unavailable && play unavailable; }

# state [SESSION]
state() { column state "${1-$session}"; }

# ---- accepted ----

@test "idb-agi: a good code: the whole dialogue, what the dialplan is told, and the store" {
    run --separate-stderr -0 agi < <(call 1795444511.1; welcome; ask enter "$code"; accepted)
    silent
    [ "$(column 'state, call_id, caller_last2, number_hint' "$session")" = 'called|1795444511.1|78|unknown' ]
    [ "$(newest_audit)" = "line:kcc|verify|$session|accepted" ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"1795444511.1"}'
    [ "$(json result)" = open ]
}

@test "idb-agi: a local script, in English" {
    run --separate-stderr -0 agi <<END2
< agi_request: idb-agi
< agi_channel: PJSIP/trunk-00000002
< agi_language: en
< agi_uniqueid: pbx-1795444511.2
< agi_callerid: anonymous
< agi_arg_1: x
< 
> ANSWER
< 200 result=0
> STREAM FILE idb/en/welcome "0123456789*#"
< 200 result=0 endpos=32000
> GET DATA idb/en/enter 6000 11
< 200 result=$code
$(told accepted "$session" status status en; play accepted en)
END2
    silent
    [ "$(column 'call_id, caller_last2, number_hint' "$session")" = 'pbx-1795444511.2||unknown' ]
}

@test "idb-agi: the language is the channel's, else --lang, else Dutch" {
    for try in 'nl nl' 'en en' 'nl_NL nl' 'en-GB en' 'de nl' 'english nl' ' nl' 'de en --lang=en' \
        'nl nl --lang=en' ' en --lang=en'; do
        IFS=' ' read -r language heard option <<<"${try/# /- }"
        run --separate-stderr -1 agi ${option:+"$option"} \
            < <(call c-1 "${language#-}"; printf '%s\n' "> STREAM FILE idb/$heard/welcome \"0123456789*#\"" gone)
        silent
    done
}

@test "idb-agi: --prompts is put in front of the names" {
    run --separate-stderr -0 agi --prompts=/usr/share/idb/prompts < <({ call c-1; welcome
        ask enter "$code"; accepted; } | sed 's: idb/nl: /usr/share/idb/prompts/nl:')
    silent
}

@test "idb-agi: what is keyed in with a key of its own before the end, or after the time, is the code" {
    for keyed in "$code" "$code (timeout)"; do
        run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$keyed"; accepted)
    done
    # The length is the configuration's, and one more is asked for.
    instance '.code.digits = 8'
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$code" 9; accepted)
    silent
}

@test "idb-agi: what is keyed in during the welcome or a refusal is the beginning of the code" {
    ascii=$(printf %d "'${code:0:1}")
    run --separate-stderr -0 agi < <(call c-1; welcome "result=$ascii endpos=2880"
        ask enter "${code:1}" 10; accepted)
    silent
    instance
    ascii=$(printf %d "'${code:0:1}")
    run --separate-stderr -0 agi < <(call c-2; welcome; ask enter "$wrong"
        refuse wrong "result=$ascii endpos=2880"; ask again "${code:1} (timeout)" 10; accepted)
    silent
    # The key # just ends the prompt.
    instance
    run --separate-stderr -0 agi < <(call c-3; welcome "result=35 endpos=2880"; ask enter "$code"; accepted)
    silent
}

@test "idb-agi: the queue is the purpose's, or has its name" {
    instance '.purposes.status.queue = "kcc-status"'
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$code"
        told accepted "$session" status kcc-status; play accepted)
    silent
}

@test "idb-agi: the line is --line's or the only one, whatever the request says" {
    instance '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67" }'
    run --separate-stderr -1 agi --line=two < <(call c-1; welcome; ask enter "$code"; refuse wrong
        ask again '' ; ask again ''; ask again ''; not_identified)
    silent
    run --separate-stderr -0 agi --line=kcc < <(call c-2; welcome; ask enter "$code"; accepted)
    silent
    for option in '' --line=three; do
        run --separate-stderr -78 agi ${option:+"$option"} < <(call c-3; unavailable)
        complained unknown_line
    done
}

# ---- refused ----

@test "idb-agi: each refusal is said, and the code asked for again" {
    used=$(code_of "$(issue_status)")
    verify "$used" other >/dev/null
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$(mistyped_code "$code")"; refuse mistyped
        ask again "$wrong"; refuse wrong; ask again "$code"; accepted)
    silent
    instance
    used=$(code_of "$(issue_status)")
    verify "$used" other >/dev/null
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$used"; refuse used; ask again "$code"; accepted)
    silent
    # The same call asked once more keeps its session, by another code or by none.
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$wrong"; refuse used; ask again "$code"; accepted)
    silent
    instance
    run --separate-stderr -1 at_offset +11m agi < <(call c-1; welcome; ask enter "$code"; refuse expired; printf '%s\n' \
        "> GET DATA idb/nl/again 6000 11" gone)
    silent
}

@test "idb-agi: past the wrong codes of a call there is no more, and the dialplan goes on" {
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$wrong"; refuse wrong; ask again "$wrong"
        refuse wrong; ask again "$wrong"; refuse wrong; not_identified)
    silent
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'verify' AND result = 'wrong'")" = 3 ]
    # Once more in the same call: not even the good one.
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$code"; refuse throttled; not_identified)
    silent
    [ "$(state)" = issued ]
}

@test "idb-agi: attempts are those of idb-verify" {
    verify "$wrong" c-1 || [ $? = 1 ]
    verify "$wrong" c-1 || [ $? = 1 ]
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$wrong"; refuse wrong; not_identified)
    run --separate-stderr -1 verify "$code" c-1
    [ "$(json result)" = throttled ]
    instance '.throttle.per_call = 1'
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$wrong"; refuse wrong; not_identified)
    silent
}

@test "idb-agi: slips of the finger end too" {
    slip=$(mistyped_code "$code")
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$slip"; refuse mistyped; ask again "${slip:0:5} (timeout)"
        refuse mistyped; ask again "${code}1"; refuse mistyped; not_identified)
    silent
    run --separate-stderr -1 agi < <(call c-2; welcome; ask enter "A$code"; refuse mistyped; ask again "**"
        refuse mistyped; ask again "$code$code$code$code$code$code$code"; refuse mistyped; not_identified)
    silent
    [ "$(sql 'SELECT COUNT(*) FROM attempts')" = 0 ]
}

@test "idb-agi: where nothing is keyed in it asks again, three times" {
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter ' (timeout)'; ask again ''; ask again ' (timeout)'
        not_identified)
    silent
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'verify'")" = 0 ]
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter ' (timeout)'; ask again "$code"; accepted)
}

@test "idb-agi: a call that was ended is not asked again" {
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$code"; refuse expired; not_identified)
    silent
}

@test "idb-agi: a line may hang up on who is not identified" {
    instance '.lines.kcc.unidentified = "goodbye"'
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter ''; ask again ''; ask again ''
        told not_identified; play no-more; play goodbye
        printf '%s\n' '> HANGUP' '< 200 result=1' '< HANGUP')
    silent
    run --separate-stderr -0 agi < <(call c-2; welcome; ask enter "$code"; accepted)
    # Nothing else is taken.
    jq '.lines.kcc.unidentified = "hangup"' "$IDB_CONFIG" >"$HERE/other.json"
    run --separate-stderr -78 idb-config --config="$HERE/other.json" check
    [[ $stderr == *'lines.kcc.unidentified: found "hangup", expected one of: queue, goodbye.'* ]]
    jq '.purposes.status.queue = "Status 1"' "$IDB_CONFIG" >"$HERE/other.json"
    run --separate-stderr -78 idb-config --config="$HERE/other.json" check
    [[ $stderr == *'purposes.status.queue: '* ]]
}

@test "idb-agi: what is no AGI behind a hang-up is complained of, and the session ended" {
    run --separate-stderr -65 agi < <(call c-1; welcome; ask enter "$code"; told accepted "$session" status status
        printf '%s\n' '> STREAM FILE idb/nl/accepted ""' 'raw HANGUP\nnonsense\n')
    complained bad_agi
    [ "$(state)" = 'done' ]
}

# ---- opening hours ----

@test "idb-agi: outside the hours of the line, and on closed days, it says so" {
    today=$(TZ=Europe/Amsterdam date +%F)
    for hours in '{}' '{"mon":[]}'; do
        instance ".lines.kcc.hours = $hours"
        run --separate-stderr -1 agi < <(call c-1; told closed; closed)
        silent
    done
    instance ".lines.kcc.closed = [\"$today\"] | .lines.kcc.unidentified = \"goodbye\""
    run --separate-stderr -1 agi < <(call c-1; told closed; closed; play goodbye
        printf '%s\n' '> HANGUP' '< 200 result=1')
    silent
    # That needs no store.
    store_gone
    run --separate-stderr -1 agi < <(call c-1; told closed; closed; play goodbye
        printf '%s\n' '> HANGUP' '< 200 result=1')
    silent
    # Its own hours, where they were recorded.
    run --separate-stderr -1 agi < <(call c-1; told closed; closed there; play goodbye
        printf '%s\n' '> HANGUP' '< 200 result=1')
    silent
    always='[ "mon", "tue", "wed", "thu", "fri", "sat", "sun" ] | map({ (.): ["00:00-24:00"] }) | add'
    instance ".lines.kcc.hours = ($always) | .lines.kcc.closed = [\"2020-01-01\"]"
    run --separate-stderr -0 agi < <(call c-1; welcome; ask enter "$code"; accepted)
    silent
}

# ---- a hang-up ----

# dead COMMAND: what Asterisk answers to it when the caller hangs up meanwhile.
dead() {
    case "$1" in
    SET*) echo '200 result=1' ;;
    STREAM*) echo '200 result=-1 endpos=0' ;;
    *) echo '200 result=-1' ;;
    esac
}

@test "idb-agi: a hang-up at any step, in any manner, leaves nothing but an unspent code or an ended session" {
    local j k nth=0 manner commands=() replies=()
    mapfile -t codes < <(requests 40 | idb-issue --attest=front-office | jq -r '.code + " " + .session')
    for manner in line hup gone; do
        for ((k = 0; k < 9; k++)); do
            read -r code session <<<"${codes[nth]}"
            nth=$((nth + 1))
            { call "c-$nth"; welcome; ask enter "$code"; accepted; } >"$HERE/whole"
            mapfile -t commands < <(sed -n 's/^> //p' "$HERE/whole")
            mapfile -t replies < <(sed -n '/^> /,$p' "$HERE/whole" | sed -n 's/^< //p')
            [ "${#commands[@]}" = 9 ]
            run --separate-stderr -1 agi < <(
                sed '/^> /,$d' "$HERE/whole"
                for ((j = 0; j < k; j++)); do printf '%s\n' "> ${commands[j]}" "< ${replies[j]}"; done
                echo "> ${commands[k]}"
                case "$manner" in
                line) printf '%s\n' '< HANGUP' "< $(dead "${commands[k]}")" ;;
                hup) printf '%s\n' hup "< $(dead "${commands[k]}")" ;;
                gone) echo gone; exit ;;
                esac
                # Once it began to tell, it tells all, and then anew.
                for ((j = k + 1; j < 8 && k >= 3; j++)); do printf '%s\n' "> ${commands[j]}" '< 200 result=1'; done
                told hangup)
            silent
            if ((k < 3)); then
                [ "$(state)" = issued ]
            else
                [ "$(column 'state, end_reason, sealed IS NULL' "$session")" = 'done|hung_up|1' ]
            fi
        done
    done
    is_sound
}

@test "idb-agi: who hangs up with the last key has not spent the code" {
    run --separate-stderr -1 agi < <(call c-1; welcome; printf '%s\n' "> GET DATA idb/nl/enter 6000 11" \
        "raw 200 result=$code\\nHANGUP\\n"; told hangup)
    silent
    [ "$(state)" = issued ]
    # As Asterisk 22 does it: first the reply, the line when the next command is there.
    run --separate-stderr -1 agi < <(call c-2; welcome; printf '%s\n' "> GET DATA idb/nl/enter 6000 11" \
        '< 200 result=-1' '> CHANNEL STATUS' '< HANGUP' \
        '< 511 Command Not Permitted on a dead channel or intercept routine'; told hangup)
    silent
    run --separate-stderr -1 agi < <(call c-3; welcome; printf '%s\n' "> GET DATA idb/nl/enter 6000 11" \
        "< 200 result=-1" '> CHANNEL STATUS' gone)
    silent
    [ "$(state)" = issued ]
}

@test "idb-agi: a hang-up just behind the last prompt ends the session" {
    run --separate-stderr -1 agi < <(call c-1; welcome; ask enter "$code"; told accepted "$session" status status
        printf '%s\n' '> STREAM FILE idb/nl/accepted ""' 'raw 200 result=0 endpos=1\nHANGUP\n'; told hangup)
    silent
    [ "$(state)" = 'done' ]
}

@test "idb-agi: after a hang-up nobody is waited for" {
    SECONDS=0
    run --separate-stderr -1 agi < <(call c-1; welcome; printf '%s\n' "> GET DATA idb/nl/enter 6000 11" hup)
    silent
    [ "$SECONDS" -lt 8 ]
}

# ---- what is missing ----

@test "idb-agi: without recordings the dialogue goes on" {
    missing() { printf '%s\n' "$1" '< 200 result=-1 endpos=0' '> CHANNEL STATUS' '< 200 result=6'; }
    run --separate-stderr -0 agi < <(call c-1
        missing '> STREAM FILE idb/nl/welcome "0123456789*#"'
        missing '> GET DATA idb/nl/enter 6000 11'
        printf '%s\n' '> GET DATA silence/1 6000 11' "< 200 result=$code"
        told accepted "$session" status status
        missing '> STREAM FILE idb/nl/accepted ""')
    silent
    # With none at all a code cannot be asked for.
    run --separate-stderr -65 agi < <(call c-2; welcome
        missing '> GET DATA idb/nl/enter 6000 11'
        missing '> GET DATA silence/1 6000 11'; unavailable)
    complained bad_agi
}

@test "idb-agi: commands that the exchange does not know, 510 and 520 over several lines" {
    usage=$'< 520-Invalid command syntax.  Proper usage follows:\n<  Usage: STREAM FILE <filename>\n< 200 result=49\n< HANGUP\n< 520 End of proper usage.'
    usage=${usage/$'< HANGUP\n'/}
    run --separate-stderr -0 agi < <(call c-1
        printf '%s\n' '> STREAM FILE idb/nl/welcome "0123456789*#"' "$usage"
        ask enter "$code"; told accepted "$session" status status
        printf '%s\n' '> STREAM FILE idb/nl/accepted ""' '< 510 Invalid or unknown command')
    silent
    run --separate-stderr -65 agi < <(call c-2; welcome
        printf '%s\n' '> GET DATA idb/nl/enter 6000 11' '< 510 Invalid or unknown command'; unavailable)
    complained bad_agi
    issued=$(issue_status)
    session=$(session_of "$issued")
    run --separate-stderr -65 agi < <(call c-3; welcome; ask enter "$(code_of "$issued")"
        told accepted "$session" status status | sed '2s/.*/< 510 Invalid or unknown command/')
    complained bad_agi
}

@test "idb-agi: 511, the channel is dead from the start" {
    run --separate-stderr -1 agi < <(call c-1 | sed '$s/.*/< 511 Command Not Permitted on a dead channel or intercept routine/'
        told hangup)
    silent
}

@test "idb-agi: without configuration, key or store the caller is told and goes on" {
    for lost in idb.json:config_missing keys/phone/code.key:key_missing keys/phone/bind.key:key_missing; do
        mv "$HERE/idb/${lost%:*}" "$HERE/away"
        run --separate-stderr -78 agi < <(call c-1; unavailable)
        complained "${lost#*:}"
        mv "$HERE/away" "$HERE/idb/${lost%:*}"
    done
    store_away
    run --separate-stderr -78 agi < <(call c-1; unavailable)
    complained store_missing
    store_back
    [ "$(state)" = issued ]
}

@test "idb-agi: a busy store makes it unavailable, and the code stays good" {
    instance '.store.wait_ms = 200'
    hold_lock
    run --separate-stderr -75 agi < <(call c-1; welcome; ask enter "$code"; unavailable)
    complained "$BUSY"
    release_lock
    [ "$(state)" = issued ]
}

@test "idb-agi: an end that cannot be written is told; the hangup handler comes after us" {
    instance '.store.wait_ms = 200'
    run --separate-stderr -75 agi < <(call c-2; welcome; ask enter "$code"; told accepted "$session" status status
        printf '%s\n' '> STREAM FILE idb/nl/accepted ""' "run $(lock_holder 1) >$HERE/holder 2>&1 3>&- 8>&- &" \
            'run sleep 0.2' 'raw HANGUP\n200 result=-1 endpos=0\n'; told hangup)
    complained "$BUSY"
}

# ---- what is no AGI ----

@test "idb-agi: what is no environment ends without a word, exit 65" {
    bad() {
        run --separate-stderr -65 agi
        complained bad_agi
    }
    bad <<<'< GET / HTTP/1.1'
    bad < <(printf '%s\n' '< agi_uniqueid' '< ')
    bad < <(printf '%s\n' '< agi_language: nl' '< ')
    bad < <(printf '%s\n' '< agi_uniqueid: c-1' '< agi_uniqueid: c-2' '< ')
    bad < <(printf '%s\n' '< agi_uniqueid: c-1' eof)
    bad < <(printf '%s\n' 'raw agi_uniqueid: c\0-1\n\n')
    bad < <(printf '%s\n' 'raw agi_uniqueid: c-1\nHANGUP' eof)
    # The longest line, and one byte more.
    printf -v line 'agi_arg_1: %*s' $((8192 - 12)) x
    run --separate-stderr -1 agi < <(printf '%s\n' "< $line" '< agi_uniqueid: c-1' '< ' '> ANSWER' gone)
    silent
    bad < <(printf '%s\n' "< ${line}x" '< agi_uniqueid: c-1' '< ')
    # Without end.
    bad < <(for i in {1..300}; do echo "< agi_arg_$i: x"; done)
    bad < <(for i in {1..300}; do echo '< HANGUP'; done)
    run --separate-stderr -65 agi < <(printf '%s\n' '< agi_uniqueid: c 1' '< ')
    complained bad_call_id
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE actor = 'line:kcc'")" = 0 ]
}

@test "idb-agi: what is no reply ends without another word, exit 65" {
    printf -v long '%*s' 9000 ''
    for reply in '< ' '< 20 result=0' '< 2000 result=0' '< result=0' '< agi_uniqueid: c-2' "< 200 result=0 $long" \
        "< 200 result=${long// /1}" '< 200' '< 200 ok' 'raw 200 result=0\0\n'; do
        run --separate-stderr -65 agi < <(call c-1 | sed '$d'; echo "$reply")
        complained bad_agi
    done
    run --separate-stderr -65 agi < <(call c-1 | sed '$d'; for i in {1..300}; do echo '< 520-x'; done)
    complained bad_agi
    [ "$(state)" = issued ]
}

@test "idb-agi: a connection without a word is no failure" {
    run --separate-stderr -1 agi <<<eof
    silent
    run --separate-stderr -1 agi <<<gone
    silent
}

@test "idb-agi: a peer that keeps silent is left, exit 69, wherever it stops" {
    { call c-1 | sed '/^< $/,$d'; } >"$HERE/t1"
    { call c-2 | sed '$d'; } >"$HERE/t2"
    { call c-3; welcome; ask enter "$code"; told accepted "$session" status status | sed -n '1p'; } >"$HERE/t3"
    # A byte at a time is no better than none.
    { echo '< agi_uniqueid: c-4'; for i in {1..7}; do printf '%s\n' 'raw a' 'run sleep 0.9'; done; } >"$HERE/t4"
    for i in 1 2 3 4; do
        { status=0; timeout 30 bash -c '"$0/tests/agi/peer" "$1" idb-agi' "$IDB_ROOT" "$HERE/t$i" >"$HERE/out$i" 2>&1 ||
            status=$?; echo "$status" >"$HERE/status$i"; } 3>&- &
    done
    wait
    [ "$(cat "$HERE"/status? | paste -sd ' ')" = '69 69 69 69' ]
    # Accepted it was; the dialplan's hangup handler ends it.
    [ "$(state)" = called ]
}

# ---- how it speaks ----

@test "idb-agi: nothing is said before the reply to what was said" {
    run --separate-stderr -0 agi < <({ call c-1; welcome; ask enter "$code"; accepted; } | sed '/^> \(ANSWER\|GET\|STREAM\)/a quiet')
    silent
    # Asterisk's lines may come in pieces.
    run --separate-stderr -0 agi < <(call c-1; echo '> STREAM FILE idb/nl/welcome "0123456789*#"'
        printf '%s\n' 'raw 200 res' 'run sleep 0.1' 'raw ult=0 endpos=1\r\n'; ask enter "$code"; accepted)
    silent
}

@test "idb-agi: wrong options are told as by every program, before any dialogue" {
    for option in --prompts= '--prompts=a b' --prompts=$'a\nHANGUP' --lang=de --lang= --nonsense word; do
        run --separate-stderr -64 idb-agi "$option" </dev/null
        failed idb-agi usage
    done
    run --separate-stderr -69 bash -c 'idb-agi <&-'
    [[ $stderr == 'idb-agi: '*closed* ]]
}

@test "idb-agi: behind a socket, with standard error joined, as inetd does" {
    for ((try = 0; try < 10; try++)); do
        port=$((20000 + RANDOM % 12000))
        socat TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr EXEC:idb-agi,nofork,stderr >"$HERE/socat" 2>&1 3>&- &
        server=$!
        for ((i = 0; i < 100; i++)); do
            ! grep -q "0100007F:$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp || break 2
            kill -0 "$server" 2>/dev/null || break
            sleep 0.05
        done
    done
    { call c-1; welcome; ask enter "$code"; accepted; } >"$HERE/t"
    run --separate-stderr -0 "$IDB_ROOT/tests/agi/peer" "$HERE/t" socat -t 0.2 - "TCP:127.0.0.1:$port"
    [ -z "$output$stderr" ]
    status=0
    wait "$server" || status=$?
    [ "$status" = 0 ]
    [ ! -s "$HERE/socat" ]
    [ "$(state)" = called ]
}

@test "idb-agi: the code stands in no log, and neither does the number" {
    run --separate-stderr -65 agi < <(call c-1; welcome; ask enter "$code"; told accepted "$session" status status | sed '2s/.*/< nonsense/;3,$d')
    complained bad_agi
    run -1 grep -E "$code|612345678" "$SYSLOG_FILE"
    store_bytes >"$HERE/bytes"
    run -1 grep -aqE "$code|612345678" "$HERE/bytes"
    run -0 grep -aqF -- "$session" "$HERE/bytes"
}

teardown() {
    [ -z "${server-}" ] || kill "$server" 2>/dev/null || true
}

@test "idb-agi: the example dialplan reads what is told, and its hangup handler ends the call" {
    dialplan=$IDB_ROOT/scripts/phone/extensions.conf
    for name in $(grep -v '^ *;' "$dialplan" | grep -oE 'IDB_[A-Z]+' | sort -u); do
        grep -q "^\.It Ev $name\$" "$IDB_ROOT/man/idb-agi.1"
    done
    verify "$code" 1795444511.1 >/dev/null
    socat UNIX-LISTEN:"$HERE/end" EXEC:idb-end >"$HERE/socat" 2>&1 3>&- &
    server=$!
    for ((try = 0; try < 100; try++)); do
        [ ! -S "$HERE/end" ] || break
        sleep 0.05
    done
    command=$(sed -n 's/^exten => s,1,System(\(.*\))$/\1/p' "$dialplan")
    command=${command//'${UNIQUEID}'/1795444511.1}
    run --separate-stderr -0 sh -c "${command//\/run\/idb\/end/"$HERE/end"}"
    [ "$(json result) $(json session)" = "ended $session" ]
    [ "$(state)" = 'done' ]
}
