#!/usr/bin/env bats
# scripts/phone/sip-line: calls that go wrong, each in its own way. tests/sip has those
# that go well.

load ../lib
load ../life
load ../sip/sip

setup() {
    idb_instance
    issued=$(issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
    wrong=$(wrong_code "$code")
}

teardown() { stop_all; }

# call [OPTION…]: a line and an agent, and a caller who has dialled.
call() {
    [ -e "$HERE/prompts" ] || tones "$HERE/prompts"
    agent
    phone caller "${caller-+31612345678}"
    line line --queue="sip:kcc@127.0.0.1:$agent_port" --queue="status=sip:status@127.0.0.1:$agent_port" "$@"
    dial caller
    within 5 calls_are 1
}
# keyed CODES: # behind each.
keyed() { on caller sndcode "$(printf '%s#' "$@")"; }

# went_to QUEUE: transferred there, with the call's id when it is not the ordinary one.
went_to() {
    within 60 said line ' transferred$' || { cat "$HERE/line" "$HERE/agent.log" | head -60; return 1; }
    local id
    id=";idb-call-id=$(call_of line)"
    [ "$1" != kcc ] || id=''
    [ "$(invited)" = "sip:$1@127.0.0.1:$agent_port$id" ]
}

# heard_in_all: what the caller heard of the line.
heard_in_all() {
    stop_all
    local files=("$HERE"/caller/heard/*-dec.wav)
    heard "${files[0]}"
}

@test "sip-line: a slip of the finger, and asked again" {
    call
    sleep 1.5
    keyed "$(mistyped_code "$code")"
    sleep 8
    keyed "$code"
    went_to status
    [ "$(heard_in_all)" = 'welcome enter mistyped again accepted' ]
    lacks_codes "$code"
}

@test "sip-line: a code without # counts some seconds after its last digit" {
    call
    on caller sndcode "$code"
    went_to status
    [ "$(column state "$session")" = called ]
}

@test "sip-line: an expired code" {
    at_offset -15m idb_instance
    issued=$(at_offset -15m issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
    call
    sleep 1.5
    keyed "$code"
    sleep 6
    on caller hangup
    within 5 said line ' ended$'
    [[ $(heard_in_all) == 'welcome enter expired'* ]]
    [[ $(newest_audit) == *expired ]]
}

@test "sip-line: a used code" {
    verify "$code" other-call >/dev/null
    call
    sleep 1.5
    keyed "$code"
    sleep 6
    on caller hangup
    within 5 said line ' ended$'
    [[ $(heard_in_all) == 'welcome enter used'* ]]
    [ "$(column call_id "$session")" = other-call ]
}

@test "sip-line: after as many codes as are allowed the call goes to the ordinary queue" {
    call
    sleep 1.5
    for _ in 1 2 3; do
        keyed "$wrong"
        sleep 6
    done
    went_to kcc
    # The line still knows the code as another's.
    [ "$(column state "$session")" = issued ]
    [[ $(heard_in_all) == 'welcome enter wrong '*'no-more to-queue' ]]
}

@test "sip-line: who keys in nothing is asked three times, and goes to the ordinary queue" {
    call
    went_to kcc
    [ "$(heard_in_all)" = 'welcome enter again again no-more to-queue' ]
}

@test "sip-line: where the line says so, a caller without a code hears goodbye" {
    idb_instance '.lines.kcc.unidentified = "goodbye" | .throttle.per_call = 1'
    call
    keyed "$wrong"
    within 20 said line ' ended$'
    run -1 was_invited
    [[ $(heard_in_all) == *'no-more goodbye' ]]
}

@test "sip-line: a closed line says so and hangs up" {
    idb_instance '.lines.kcc += { time_zone: "Europe/Amsterdam", hours: {} }'
    call
    within 20 said line ' ended$'
    run -1 was_invited
    [ "$(heard_in_all)" = closed ]
}

@test "sip-line: a hang-up after the code was accepted, and before the transfer, erases the session" {
    tones "$HERE/prompts" accepted 20
    call
    keyed "$code"
    within 20 is_state called
    on caller hangup
    within 5 said line ' ended$'
    [ "$(column 'state, sealed IS NULL' "$session")" = 'done|1' ]
    run -1 was_invited
}
is_state() { [ "$(column state "$session")" = "$1" ]; }

@test "sip-line: a second caller finds the line busy, and the first is not disturbed" {
    call
    a_port
    run -1 timeout 20 sipp -sn uac -i 127.0.0.1 -p "$port" -s line -m 1 -trace_msg \
        -message_file "$HERE/second.log" -nostdin "127.0.0.1:$line_port" 3>&-
    grep -qa '^SIP/2.0 486 ' "$HERE/second.log"
    keyed "$code"
    went_to status
    calls_are 1
}

@test "sip-line: the store goes away in mid-call: the caller hears so and is not lost" {
    call
    sleep 1.5
    mv "${IDB_STORE%/*}" "$HERE/elsewhere"
    keyed "$code"
    went_to kcc
    [[ $(heard_in_all) == 'welcome enter unavailable' ]]
    mv "$HERE/elsewhere" "${IDB_STORE%/*}"
    [ "$(column state "$session")" = issued ]
}

@test "sip-line: a configuration that is broken loses no caller" {
    export IDB_CONFIG=$HERE/none.json
    call
    went_to kcc
    run -0 heard_in_all; echo "heard $output"; [ "$output" = unavailable ]
}

@test "sip-line: a withheld number" {
    caller=anonymous call
    said line 'from a withheld number$'
    keyed "$code"
    went_to status
    [ -z "$(column caller_last2 "$session")" ]
    grep -qa '^From: .*sip:anonymous@' "$HERE/agent.log"
}

@test "sip-line: prompts that are missing are left out" {
    tones "$HERE/prompts"
    rm "$HERE/prompts/nl"/{welcome,enter,accepted}.wav
    call
    keyed "$code"
    went_to status
}

@test "sip-line: a transfer that fails ends the call, and the session is erased" {
    tones "$HERE/prompts"
    phone caller +31612345678
    phone agent other auto
    line line --queue="sip:nobody@127.0.0.1:${sip[agent]}"
    dial caller
    within 5 calls_are 1
    keyed "$code"
    within 20 said line 'the transfer failed, and the caller is lost$'
    within 5 said line ' ended$'
    [ "$(column 'state, sealed IS NULL' "$session")" = 'done|1' ]
    # The next call goes as any.
    dial caller
    within 5 calls_are 2
    on caller hangup
    within 5 ended_are 2
}
ended_are() { [ "$(grep -c ' ended$' "$HERE/line")" = "$1" ]; }

@test "sip-line: stopped in mid-call, call and session end, and nothing is left" {
    for signal in TERM INT HUP; do
        call
        keyed "$code"
        within 20 is_state called
        kill "-$signal" "$line_pid"
        status=0
        wait "$line_pid" || status=$?
        [ "$status" = 0 ]
        said line ' ended, for the line stops$'
        [ "$(column 'state, sealed IS NULL' "$session")" = 'done|1' ]
        nothing_left
        within 5 grep -qa 'terminated (duration' "$HERE/caller/log" || {
            stop_all
            grep -qa 'session closed: Connection reset by peer' "$HERE/caller/log"
        }
        stop_all
        issued=$(issue_status)
        code=$(code_of "$issued") session=$(session_of "$issued")
        rm -rf "$HERE"/caller
    done
}

@test "sip-line: it ends when baresip does, and when its commands are taken over" {
    call
    keyed "$code"
    within 20 is_state called
    kill -KILL "$(pgrep -f "baresip -f $HERE/tmp")"
    status=0
    wait "$line_pid" || status=$?
    [ "$status" = 69 ]
    said line 'baresip has ended, or somebody else has taken its commands over$'
    [ "$(column 'state, sealed IS NULL' "$session")" = 'done|1' ]
    nothing_left
    line second --queue=sip:kcc@127.0.0.1:9
    port=$(sed -n 's/^ctrl_tcp_listen .*://p' "$HERE"/tmp/*/baresip/config)
    exec 7<>"/dev/tcp/127.0.0.1/$port"
    status=0
    wait "$line_pid" || status=$?
    exec 7>&-
    [ "$status" = 69 ]
    nothing_left
}

@test "sip-line: killed, it leaves no baresip that takes calls" {
    call
    kill -KILL "$line_pid"
    within 5 no_baresip
}
no_baresip() { ! pgrep -f "baresip -f $HERE/tmp" >/dev/null; }
