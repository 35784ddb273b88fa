#!/usr/bin/env bats
# The plain build only: many writers at once, for a while.

setup() {
    load ../lib
    load ../op/lib
    # Codes keyed in by mistake are not what is tried here.
    cd "$BATS_TEST_TMPDIR" || return
    instance '.throttle = { total: 1000000, per_caller: 1000 }'
}

teardown() {
    touch "$BATS_TEST_TMPDIR/stop"
    [ -z "${CHILDREN-}" ] || wait "${CHILDREN[@]}" 2>/dev/null || true
}

# timed NAME FILE PROGRAM…: its answer into $answer, its exit code and its
# milliseconds to FILE.times.
timed() {
    local name=$1 file=$2 began=${EPOCHREALTIME/./} status=0
    shift 2
    answer=$(timeout 60 "$@" 2>>"$file.complaints") || status=$?
    echo "$name $status $(((${EPOCHREALTIME/./} - began) / 1000))" >>"$file.times"
}

# writer N: issues, keys in and ends, a program each, until told to stop. What it
# was told goes to the file said.N: session, state, call.
writer() {
    local n=$1 round=0 answer session code call request
    request=$(requests 1)
    while [ ! -e stop ]; do
        call="w-$n-$((round++))"
        timed issue "writer.$n" idb-issue --attest=front-office <<<"$request"
        session=$(member session "$answer") code=$(member code "$answer")
        timed verify "writer.$n" idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"$call\"}"
        [ "$(member result "$answer") $(member session "$answer")" = "accepted $session" ] || echo "$answer" >>wrong
        # Every third call goes on.
        if ((round % 3 == 0)); then
            echo "$session called $call" >>"said.$n"
            continue
        fi
        timed end "writer.$n" idb-end <<<"{\"call_id\":\"$call\"}"
        [ "$(member result "$answer") $(member session "$answer")" = "ended $session" ] || echo "$answer" >>wrong
        echo "$session done " >>"said.$n"
    done
}

purger() {
    local answer
    while [ ! -e stop ]; do
        timed purge purger idb-purge
        sleep 1
    done
}

# kept: one idb-issue that stays, asked ten times a second, one request after
# the other's answer.
kept() {
    local request answer began
    request=$(requests 1)
    mkfifo ask told
    idb-issue --attest=front-office <ask >told 2>kept.complaints &
    exec 7>ask 6<told
    while [ ! -e stop ]; do
        began=${EPOCHREALTIME/./}
        echo "$request" >&7
        IFS= read -r -t 60 -u 6 answer || answer=none
        echo "kept 0 $(((${EPOCHREALTIME/./} - began) / 1000))" >>kept.times
        echo "$(member session "$answer") issued " >>said.kept
        sleep 0.1
    done
    exec 7>&-
    wait $! || echo "kept: exit $?" >>wrong
}

# dripping SECONDS PROGRAM…: a peer that sends a byte now and then, never a line's
# end; a program of its own waits for it.
dripping() {
    local program=("$@")
    while [ ! -e stop ]; do
        printf '{'
        sleep 0.02
    done | "${program[@]}" >/dev/null 2>&1
}

# spread FILES…: number, median and slowest of each kind, in milliseconds.
spread() {
    sort -k 1,1 -k 3,3n "$@" | awk '
        function out() { if (n) printf "# %-6s %5d, median %d ms, slowest %d ms\n", name, n, all[int((n + 1) / 2)], all[n] }
        $1 != name { out(); name = $1; n = 0 }
        { all[++n] = $3 }
        END { out() }'
}

# slowest FILES…: in milliseconds.
slowest() { cut -d' ' -f3 "$@" | sort -n | tail -n 1; }

@test "load: 16 writers, a kept stream and idb-purge for 20 seconds: all are answered, nothing is lost" {
    local n
    CHILDREN=()
    touch wrong
    for ((n = 0; n < 16; n++)); do
        writer "$n" 3>&- &
        CHILDREN+=($!)
    done
    purger 3>&- &
    CHILDREN+=($!)
    kept 3>&- &
    CHILDREN+=($!)
    sleep 20
    touch stop
    wait "${CHILDREN[@]}"
    CHILDREN=()
    spread ./*.times >&3
    # Nobody was refused, sent away or left waiting. A purge may have met a reader.
    [ ! -s wrong ] || { head -n 5 wrong; return 1; }
    cat writer.*.complaints kept.complaints >complaints
    [ ! -s complaints ] || { sort complaints | uniq -c | head -n 5; return 1; }
    [ "$(cut -d' ' -f2 writer.*.times kept.times | sort -u)" = 0 ]
    run -1 grep -vE '^purge (0|75) ' purger.times
    run -1 grep -v 'idb-purge: A reader keeps erased bytes' purger.complaints
    [ "$(slowest writer.*.times)" -lt 10000 ]
    # What was answered is what stands, and nothing else does.
    sort said.* >said
    sql "SELECT id, state, COALESCE(call_id, '') FROM session" | tr '|' ' ' | sort >store
    [ "$(wc -l <said)" -gt 100 ]
    diff said store >differences || { head -n 10 differences; return 1; }
    is_sound
    run --separate-stderr -0 idb-purge
    [ "$(json pending_erasure)" = false ]
}

@test "load: peers that drip their requests delay nobody" {
    local n answer code
    CHILDREN=()
    touch wrong
    for ((n = 0; n < 8; n++)); do
        dripping idb-verify 3>&- &
        CHILDREN+=($!)
        dripping idb-issue --attest=front-office 3>&- &
        CHILDREN+=($!)
    done
    # Programs that have the store open and then hear half a request.
    for ((n = 0; n < 4; n++)); do
        { echo '{"call_id":"drip"}'; dripping cat; } 3>&- | idb-end >/dev/null 2>&1 3>&- &
        CHILDREN+=($!)
    done
    sleep 1
    issue 40 | jq -r .code >codes
    n=0
    while read -r code; do
        timed verify alone idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"d-$n\"}"
        [ "$(member result "$answer")" = accepted ] || echo "$answer" >>wrong
        n=$((n + 1))
    done <codes
    spread alone.times >&3
    timed purge alone idb-purge
    touch stop
    wait "${CHILDREN[@]}" || true
    CHILDREN=()
    [ ! -s wrong ] || { head -n 5 wrong; return 1; }
    [ ! -s alone.complaints ] || { cat alone.complaints; return 1; }
    [ "$(cut -d' ' -f2 alone.times | sort -u)" = 0 ]
    # Who waited for one of them would wait until it stops.
    [ "$(slowest alone.times)" -lt 1000 ]
    # Of what never was a request nothing was done.
    [ "$(sql 'SELECT COUNT(*) FROM ended_call')" = 1 ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'called'")" = 40 ]
    is_sound
}
