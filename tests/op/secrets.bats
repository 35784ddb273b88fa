#!/usr/bin/env bats
# What must stand in no file of the store, no log, no argument list.

setup() {
    load ../lib
    load lib
    instance
    cd "$BATS_TEST_TMPDIR" || return
}

# Everything of the resident that the flow below passes along, a line each.
secrets() {
    printf '%s\n' 999990019 'T. Estpersoon' Z-1-reference +31612345678 31612345678 612345678
    jq -r '.code, .code_display, (.cookies[] | split(";")[0] | split("=")[1])' issued
}

# absent FILE…: none of the secrets stands in any of these files.
absent() {
    secrets >patterns
    run -1 grep -aFf patterns "$@"
    # Nor as bytes between others, as a database has them.
    run -1 grep -acFf patterns <(cat "$@" | tr -d '\0')
}

# Sets the array files: all that belongs to the store now.
store_files() { files=("$IDB_STORE"*); }

# pieces: the sealed record in pieces of 40 characters, so that a part of it left
# on a page is found too.
pieces() { sql 'SELECT sealed FROM session WHERE sealed IS NOT NULL' | fold -w 40 | grep -E '.{40}'; }

# hold: a program that keeps the store open, until let_go.
hold() {
    coproc HOLDER { exec idb-status; }
    printf '{"cookies":"__Host-idb-session=x"}\n' >&"${HOLDER[1]}"
    read -r -t 10 _ <&"${HOLDER[0]}"
}

let_go() {
    local pid=$HOLDER_PID
    eval "exec ${HOLDER[1]}>&-"
    wait "$pid" || true
}

# logged COMMAND…: adds to the file syslog what a command sends there.
logged() {
    traced -e trace=sendto,sendmsg -s 4096 "$@" >>answers 2>>complaints || true
    grep -E '^[0-9]+ +send(to|msg)\(' "$BATS_TEST_TMPDIR/trace" >>syslog || true
}

# flow: one call through everything; what each step says on standard error goes
# to complaints, the store is looked at after each.
flow() {
    local code cookies
    issue_status '.reference = "Z-1-reference" | .caller = "+31612345678"' >issued 2>>complaints
    code=$(code_of "$(cat issued)") cookies=$(cookies_of "$(cat issued)")
    pieces >sealed
    store_files && absent "${files[@]}"
    verify "$(wrong_code "$code")" c-1 +31612345678 >>answers 2>>complaints || true
    verify "$(mistyped_code "$code")" c-1 +31612345678 >>answers 2>>complaints || true
    verify "$code" c-1 +31612345678 >>answers 2>>complaints
    jq -nc --arg cookies "$cookies" '{ $cookies }' | idb-status >>answers 2>>complaints
    jq -nc --arg cookies "$cookies" '{ $cookies, confirm: true }' | idb-confirm >>answers 2>>complaints
    lookup_as alice '{"call_id":"c-1"}' >>answers 2>>complaints
    lookup_as alice '{"call_id":"c-1","reveal":["bsn"]}' >>answers 2>>complaints
    store_files && absent "${files[@]}"
    idb-transfer <<<'{"call_id":"c-1","to_call_id":"c-2"}' >>answers 2>>complaints
    idb-end <<<'{"call_id":"c-2"}' >>answers 2>>complaints
    store_files && absent "${files[@]}"
}

@test "secrets: the patterns are found where they do stand" {
    issue_status '.reference = "Z-1-reference" | .caller = "+31612345678"' >issued
    secrets >patterns
    run -0 grep -aFf patterns issued
    pieces >sealed
    [ "$(wc -l <sealed)" -gt 10 ]
    store_files
    run -0 grep -aFf sealed "${files[@]}"
}

@test "secrets: no file of the store holds a code, token, BSN, name, reference or number" {
    flow
    [ "$(wc -l <answers)" = 9 ]
    AUTH_TYPE=test REMOTE_USER=alice idb-end --zone=desk <<<'{"call_id":"c-2"}' >>answers
    idb-purge >>answers
    store_files && absent "${files[@]}"
}

@test "secrets: while another process keeps the store open they are in no -wal either" {
    hold
    flow
    [ -s "$IDB_STORE-wal" ]
    let_go
}

@test "secrets: after end and purge not even the sealed bytes are left" {
    # A reader that is open keeps the log from going away by itself.
    hold
    flow
    store_files
    run -0 grep -aqFf sealed "${files[@]}"
    AUTH_TYPE=test REMOTE_USER=alice idb-end --zone=desk <<<'{"call_id":"c-2"}'
    run -0 idb-purge
    [ "$(json pending_erasure)" = false ]
    store_files
    run -1 grep -aFf sealed "${files[@]}"
    store_files
    run -1 grep -a c-2 "${files[@]}"
    let_go
}

@test "secrets: programs say nothing of them on standard error, in arguments or environment" {
    flow
    touch complaints
    absent complaints
    # What a running program shows of itself: a co-process in the middle of its work.
    coproc HOLDER { exec idb-verify; }
    jq -nc --arg code "$(jq -r .code issued)" '{ code: $code, call_id: "c-9" }' >&"${HOLDER[1]}"
    read -r -t 10 answer <&"${HOLDER[0]}"
    [ "$(jq -r .result <<<"$answer")" = used ]
    cat "/proc/$HOLDER_PID/cmdline" "/proc/$HOLDER_PID/environ" >shown
    absent shown
    eval "exec ${HOLDER[1]}>&-"
    wait "$HOLDER_PID" || true
}

@test "secrets: what goes to syslog names sessions and agents, never values" {
    local cookies logger
    # Where no syslog daemon listens, something else does for the while.
    if [ ! -e /dev/log ]; then
        needs_root
        socat -u UNIX-RECV:/dev/log,mode=666 /dev/null 3>&- &
        logger=$!
        for _ in {1..50}; do [ -S /dev/log ] || sleep 0.1; done
    fi
    flow
    issue_status '.reference = "Z-1-reference"' >issued
    cookies=$(cookies_of "$(cat issued)")
    verify "$(jq -r .code issued)" c-7 >>answers
    lookup_as alice '{"call_id":"c-7"}' >>answers
    logged env AUTH_TYPE=test REMOTE_USER=alice idb-lookup <<<'{"call_id":"c-7","reveal":["bsn","name"]}'
    logged idb-confirm <<<"$(jq -nc --arg cookies "$cookies" '{ $cookies, confirm: false }')"
    sql "UPDATE session SET bound = x'00' WHERE call_id = 'c-2'"
    logged env AUTH_TYPE=test REMOTE_USER=alice idb-lookup <<<'{"call_id":"c-2"}'
    [ -z "${logger-}" ] || { kill "$logger" && rm -f /dev/log; }
    grep -q 'reveal: agent alice' syslog
    grep -q 'not_me: ' syslog
    grep -q 'forged: open' syslog
    absent syslog
}

@test "secrets: a file that a program was killed over leaves no core" {
    (
        ulimit -c unlimited
        mkdir dumps
        cd dumps
        coproc HOLDER { exec idb-lookup; }
        sleep 0.2
        kill -SEGV "$HOLDER_PID"
        wait "$HOLDER_PID" || true
        [ -z "$(ls)" ]
    )
}
