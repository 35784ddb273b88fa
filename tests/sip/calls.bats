#!/usr/bin/env bats
# scripts/phone/sip-line: real calls over loopback, by baresip and by sipp.
# The plain build only: calls take their time, and idb-agi has tests of its own.

load ../lib
load ../life
load sip

setup() {
    idb_instance
    issued=$(issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
    agent
    queues=(--queue="sip:kcc@127.0.0.1:$agent_port" --queue="status=sip:status@127.0.0.1:$agent_port")
}

teardown() { stop_all; }

@test "sip-line: the prompt is really heard, and hanging up is no more than that" {
    make -s -C "$IDB_ROOT" prompts PROMPTS="$HERE/prompts" >/dev/null
    phone caller +31612345678
    line line "${queues[@]}"
    dial caller
    within 5 said line 'from a number ending in 78$'
    sleep 6 # the length of what is listened to
    on caller hangup
    within 5 said line ' ended$'
    run -0 resembles "$HERE"/caller/heard/*-dec.wav "$HERE/prompts/nl/welcome.wav"
    # Another prompt would not do.
    run -1 resembles "$HERE"/caller/heard/*-dec.wav "$HERE/prompts/nl/used.wav"
    run -1 was_invited
    [ "$(column state "$session")" = issued ]
    stops
}

@test "sip-line: a good code leads to the queue of its purpose, with the call's id, and the agent sees who it is" {
    tones "$HERE/prompts"
    phone caller +31612345678
    line line "${queues[@]}"
    dial caller
    within 5 said line 'from a number ending in 78$'
    sleep 1.5 # so that all is heard
    on caller sndcode "$code#"
    within 20 said line ' transferred$'
    call=$(call_of line)
    [ "$(invited)" = "sip:status@127.0.0.1:$agent_port;idb-call-id=$call" ]
    grep -qaE '^From: .*<?sip:\+31612345678@' "$HERE/agent.log"
    [ "$(column 'state, caller_last2' "$session")" = 'called|78' ]
    run -0 lookup_as alice "{\"call_id\":\"$call\"}"
    [ "$(json result)$(json '.attributes[1].value')" = 'openT. Estpersoon' ]
    lacks_codes "$code"
    on caller hangup
    stop_all
    first=("$HERE"/caller/heard/*-dec.wav)
    run -0 heard "${first[0]}"
    [ "$output" = 'welcome enter accepted' ]
}

@test "sip-line: a wrong code and then the right one, by a telephone that says its number otherwise" {
    tones "$HERE/prompts"
    line line "${queues[@]}" --lang=en
    sipp_call "$line_port" "$(wrong_code "$code")#$code#" 6500
    within 5 said line ' transferred$'
    call=$(call_of line)
    grep -qaF "Refer-To: sip:status@127.0.0.1:$agent_port;idb-call-id=$call" "$HERE/sipp.log"
    # No E.164: withheld.
    [ "$(column 'state, caller_last2' "$session")" = 'called|' ]
    [ "$(newest_audit 1)" = "line:kcc|verify|$session|accepted" ]
    [[ $(newest_audit 2) == 'line:kcc|verify|'*'|wrong' ]]
    lacks_codes "$code" "$(wrong_code "$code")"
}

@test "sip-line: who hangs up while keying has not spent the code, and the line takes the next call" {
    tones "$HERE/prompts"
    phone caller +31612345678
    line line "${queues[@]}"
    dial caller
    within 5 said line 'from a number ending in 78$'
    on caller sndcode "${code:0:6}"
    sleep 2
    on caller hangup
    within 5 said line ' ended$'
    [ "$(column state "$session")" = issued ]
    dial caller
    within 5 calls_are 2
    on caller sndcode "$code#"
    within 20 said line ' transferred$'
    [ "$(column call_id "$session")" = "$(call_of line)" ]
    stops
}

@test "sip-line: a caller cannot send the line on to call somebody" {
    tones "$HERE/prompts"
    phone caller +31612345678
    line line "${queues[@]}"
    dial caller
    within 5 said line 'plays welcome$'
    on caller transfer "sip:premium@127.0.0.1:$agent_port"
    within 5 grep -q 'transfer failed' "$HERE/caller/log"
    sleep 0.5
    run -1 was_invited
    on caller hangup
    within 5 said line ' ended$'
    dial caller
    within 5 calls_are 2
}

@test "sip-line: idb-agi dies amid a prompt: the caller goes to the ordinary queue" {
    tones "$HERE/prompts" welcome 3
    phone caller +31612345678
    line line "${queues[@]}"
    dial caller
    within 5 said line 'plays welcome$'
    sleep 0.3
    # (name) state parent; processes may go meanwhile.
    pid=$(cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v parent="$line_pid" '$2 == "(idb-agi)" && $4 == parent { print $1 }')
    kill -KILL "$pid"
    within 10 said line ' transferred$'
    [ "$(invited)" = "sip:kcc@127.0.0.1:$agent_port" ]
    on caller hangup
    stops
}

@test "sip-line: two callers at once, on two lines, each with a session of their own" {
    tones "$HERE/prompts"
    other=$(issue_status)
    other_code=$(code_of "$other") other_session=$(session_of "$other")
    phone one +31612345678
    phone two anonymous
    line line1 "${queues[@]}"
    port1=$line_port
    line line2 "${queues[@]}"
    dial one "$port1"
    dial two
    within 5 said line1 'from a number ending in 78$'
    within 5 said line2 'from a withheld number$'
    on one sndcode "$code#"
    on two sndcode "$other_code#"
    within 20 said line1 ' transferred$'
    within 20 said line2 ' transferred$'
    [ "$(column call_id "$session")" = "$(call_of line1)" ]
    [ "$(column call_id "$other_session")" = "$(call_of line2)" ]
    [ -z "$(column caller_last2 "$other_session")" ]
    [ "$(invited | sort)" = "$(printf 'sip:status@127.0.0.1:%s;idb-call-id=%s\n' \
        "$agent_port" "$(call_of line1)" "$agent_port" "$(call_of line2)" | sort)" ]
    lacks_codes "$code" "$other_code"
}

@test "sip-line: what it does not take is exit 64, what is missing 69 or 78" {
    run --separate-stderr -0 "$LINE" --help
    [ -z "$stderr" ]
    [ "${#lines[@]}" -le 24 ]
    run -1 grep -E '.{81}' <<<"$output"
    local arguments=()
    while IFS= read -r options; do
        read -ra arguments <<<"$options"
        run --separate-stderr -64 "$LINE" "${arguments[@]}"
        [[ $stderr == 'sip-line: '*'usage: sip-line '* ]]
        [ -z "$output" ]
    done <<'END'

--queue=
--queue=tel:1
--queue=a=b
--queue=sip:a@b"c
--queue=sip:a@b?c=d
--queue=sip:a@b\
--queue=sip:a@b --listen=localhost:5060
--queue=sip:a@b --lang=de
--queue=sip:a@b --fast
--queue=sip:a@b now
--line=kcc
END
    mkdir "$HERE/tmp"
    export TMPDIR=$HERE/tmp
    IDB_PATH=/none run --separate-stderr -69 "$LINE" --queue=sip:a@b
    [ "$stderr" = 'sip-line: idb-agi is not there' ]
    export IDB_PATH=$IDB_BUILD
    run --separate-stderr -78 "$LINE" --queue=sip:a@b --prompts="$HERE"
    [[ $stderr == "sip-line: $HERE/nl holds no prompts; "* ]]
    tones "$HERE/prompts"
    run --separate-stderr -69 timeout 20 "$LINE" --queue=sip:a@b --prompts="$HERE/prompts" --listen="127.0.0.1:$agent_port"
    [[ $stderr == *"is 127.0.0.1:$agent_port an address of this machine, and free?" ]]
    [ -z "$(ls -A "$HERE/tmp")" ]
}
