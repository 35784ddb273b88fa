#!/usr/bin/env bats
# SQLite alone.
# Sanitized with --long: the programs' own files are it each time.
# What an answer is worth when something below is full, read-only, stuck or gone.
# tests/fault has the failures that the kernel must be made to report.

setup() {
    load ../lib
    load lib
    cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
    let_go
    stopped_end 9
    disk_gone
}

# disk_instance SIZE: an instance whose store has a small disk of its own.
disk_instance() {
    disk "$1"
    mkdir keys
    export IDB_CONFIG=$PWD/idb.json
    store_new "$DISK"
    idb_config "$PWD" | jq '.throttle = { total: 1000000, per_caller: 1000 }' >"$IDB_CONFIG"
    quietly idb-keys create
    quietly in_disk idb-store create
}

disk_sql() { in_disk sqlite3 -bail "$IDB_STORE" "$1"; }

# keep_open: a program that has the store open and waits for its next request, as
# a kept one does; without it even opening takes room. let_go ends it.
keep_open() {
    mkfifo "$BATS_TEST_TMPDIR/keeper"
    in_disk idb-end <"$BATS_TEST_TMPDIR/keeper" >"$BATS_TEST_TMPDIR/kept" 3>&- &
    KEEPER=$!
    exec 7>"$BATS_TEST_TMPDIR/keeper"
    echo '{"call_id":"keeper"}' >&7
    until_true test -s "$BATS_TEST_TMPDIR/kept"
}

let_go() {
    [ -n "${KEEPER-}" ] || return 0
    exec 7>&-
    wait "$KEEPER"
    KEEPER=''
}

# fill LEFT: fills the disk to the last page, then gives LEFT pages back.
fill() {
    in_disk sh -c 'cat /dev/zero >"$1/fill" 2>/dev/null; true' sh "$DISK"
    in_disk truncate -s "-$(($1 * 4096))" "$DISK/fill"
}

# key_in CODES: a request for each code, from calls full-1, full-2 …
key_in() {
    jq -Rc '{ code: ., call_id: "full-\(input_line_number)" }' "$1"
}

@test "full disk: in a group that the disk breaks each answer is true, and with room all works" {
    local pages some_full=0 some_accepted=0
    disk_instance 1500k
    for pages in 0 2 6 12 20 30 45; do
        requests 60 | in_disk idb-issue --attest=front-office | jq -r '"\(.session) \(.code)"' >issued
        cut -d' ' -f2 issued >codes
        fill "$pages"
        # So that the call ids of one round are not those of the next.
        key_in codes | sed "s/full-/full-$pages-/" >requests
        run --separate-stderr in_disk idb-verify <requests
        printf '%s\n' "$output" >answers
        [ "$(wc -l <answers)" = 60 ]
        in_disk rm "$DISK/fill"
        # accepted stands; store_full (or, when it could not even be opened, the next
        # case) changed nothing, not even a counter.
        paste -d' ' issued <(jq -r '.result // .error' answers) | sort >said
        disk_sql "SELECT id, code_mac IS NOT NULL AND state = 'issued' AND call_id IS NULL
            AND id NOT IN (SELECT session FROM audit WHERE action = 'verify' AND session IS NOT NULL)
            AND refusal IS NULL, state = 'called' AND call_id IS NOT NULL AND bound IS NOT NULL
            AND id IN (SELECT session FROM audit WHERE action = 'verify' AND result = 'accepted')
            FROM session" | tr '|' ' ' | sort >store
        join said store | awk '
            ($3 == "store_full" || $3 == "store_io") && $4 == 1 { next }
            $3 == "accepted" && $5 == 1 { next }
            { print "not true: " $0; wrong = 1 }
            END { exit wrong }'
        [ "$(disk_sql 'SELECT COUNT(*) FROM attempts')" = 0 ]
        echo "# $pages pages: $(jq -r '.result // .error' answers | sort | uniq -c | tr '\n' ' ')" >&3
        if grep -q '"error"' answers; then
            some_full=1
            [ "$status" -eq 69 ]
            [[ $stderr == "idb-verify: The store's disk "* ]]
        else
            [ "$status" -eq 0 ]
        fi
        ! grep -q accepted answers || some_accepted=1
        run --separate-stderr -0 in_disk idb-verify <requests
        [ "$(member result "$output" | sort | uniq -c | tr -s ' ')" = ' 60 accepted' ]
        run --separate-stderr -0 in_disk idb-store check
    done
    [ "$some_full" = 1 ]
    [ "$some_accepted" = 1 ]
}

# One request for each program that writes, in a file of its name.
write_requests() {
    local issued code
    issued=$(requests 4 | in_disk idb-issue --attest=front-office)
    code=$(head -n 1 <<<"$issued" | jq -r .code)
    in_disk idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}" >first
    jq -nc --arg c "$(cookies_of "$(head -n 1 <<<"$issued")")" '{cookies: $c, confirm: true}' >confirm
    jq -nc --arg c "$(cookies_of "$(tail -n 1 <<<"$issued")")" '{cookies: $c}' >renew
    requests 1 >issue
    echo '{"call_id":"c-1"}' >end
    echo '{"call_id":"c-1"}' >lookup
    echo '{"call_id":"c-1","to_call_id":"c-2"}' >transfer
}

@test "full disk: every program that writes says store_full with 69 and changes nothing; readers go on" {
    local program
    disk_instance 700k
    write_requests
    keep_open
    fill 0
    before=$(disk_sql .dump)
    for program in confirm renew issue end lookup transfer; do
        local options=()
        [ "$program" != issue ] || options=(--attest=front-office)
        run --separate-stderr -69 in_disk "idb-$program" "${options[@]}" <"$program"
        is_error store_full
        [ "$(disk_sql .dump)" = "$before" ]
    done
    run --separate-stderr -69 at_offset +5h in_disk idb-purge
    is_error store_full
    run --separate-stderr -0 in_disk idb-status <renew
    [ "$(json state)" = issued ]
    run --separate-stderr -0 in_disk idb-lookup <<<'{"call_id":"c-1","peek":true}'
    let_go
    in_disk rm "$DISK/fill"
    for program in confirm renew lookup transfer; do
        run --separate-stderr -0 in_disk "idb-$program" <"$program"
    done
    run --separate-stderr -0 in_disk idb-store check
}

@test "full disk: so full that the store cannot be opened is store_full too" {
    local program
    disk_instance 700k
    write_requests
    fill 0
    for program in confirm end lookup transfer; do
        run --separate-stderr -69 in_disk "idb-$program" <"$program"
        is_error store_full
    done
}

@test "full disk: erasing needs room too; idb-purge says so, and finishes once there is" {
    disk_instance 700k
    requests 20 | in_disk idb-issue --attest=front-office >/dev/null
    keep_open
    fill 0
    run --separate-stderr -69 at_offset +5h in_disk idb-purge
    is_error store_full
    [ "$(disk_sql "SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL")" = 20 ]
    in_disk rm "$DISK/fill"
    let_go
    run --separate-stderr -0 at_offset +5h in_disk idb-purge
    [ "$(json erased)" = 20 ]
    [ "$(json pending_erasure)" = false ]
}

@test "read-only disk: who writes says store_read_only with 69; mounted writable again all works" {
    local code
    disk_instance 2m
    code=$(requests 1 | in_disk idb-issue --attest=front-office | jq -r .code)
    in_disk mount -o remount,ro "$DISK"
    run --separate-stderr -69 in_disk idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    is_error store_read_only
    run --separate-stderr -69 in_disk idb-purge
    is_error store_read_only
    in_disk mount -o remount,rw "$DISK"
    run --separate-stderr -0 in_disk idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    [ "$(json result)" = accepted ]
}

@test "stuck writer: after store.wait_ms every writer says busy with 75 and changed nothing; readers go on" {
    local issued code before began took
    instance
    issued=$(issue 1)
    code=$(code_of "$issued")
    before=$(snapshot)
    stopped_at fsync,fdatasync idb-end <<<'{"call_id":"other"}'
    IDB_CONFIG=$(impatient)
    began=$(date +%s%N)
    run --separate-stderr -75 idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    took=$((($(date +%s%N) - began) / 1000000))
    is_error busy
    [ "$took" -ge 300 ]
    [ "$took" -lt 3000 ]
    run --separate-stderr -75 idb-issue --attest=front-office < <(requests 3)
    [ "$(member error "$output" | sort | uniq -c | tr -s ' ')" = ' 3 busy' ]
    run --separate-stderr -0 idb-status < <(jq -nc --arg c "$(cookies_of "$issued")" '{cookies: $c}')
    [ "$(json state)" = issued ]
    # It wakes up, finishes what it began, and the queue moves on.
    stopped_end CONT
    [ "$(sql "SELECT COUNT(*) FROM ended_call")" = 1 ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" = 1 ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'verify'")" = 0 ]
    [ "$before" != "$(snapshot)" ]
    run --separate-stderr -0 idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    is_sound
}

@test "clock: two minutes behind the newest audit row is 75 and changes nothing; half a minute is borne" {
    local issued code before program
    instance
    issued=$(issue 1)
    code=$(code_of "$issued")
    jq -nc --arg c "$(cookies_of "$issued")" '{cookies: $c}' >renew
    cp renew status
    echo "{\"code\":\"$code\",\"call_id\":\"c-1\"}" >verify
    echo '{"call_id":"c-9"}' >end
    before=$(snapshot)
    for program in renew status verify end; do
        run --separate-stderr -75 at_offset -2m "idb-$program" <"$program"
        is_error clock
    done
    run --separate-stderr -75 at_offset -2m idb-purge
    is_error clock
    [ "$(snapshot)" = "$before" ]
    run --separate-stderr -0 at_offset -30s idb-verify <verify
    [ "$(json result)" = accepted ]
}

@test "closed standard output: nothing is done, the exit code is 69 and the complaint reaches standard error" {
    local code before
    instance
    code=$(issue 1 | jq -r .code)
    before=$(snapshot)
    run --separate-stderr -69 bash -c 'idb-verify >&-' <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    [ -z "$output" ]
    [[ $stderr == "idb-verify: "*"Nothing was done."* ]]
    run --separate-stderr -69 bash -c 'idb-issue --attest=front-office >&-' < <(requests 1)
    run --separate-stderr -69 bash -c 'idb-verify <&-'
    [ "$(snapshot)" = "$before" ]
}

@test "a reader that goes away: what was not answered was not done" {
    local reader
    instance
    issue 30 | jq -c '{ code, call_id: "gone-\(input_line_number)" }' >requests
    mkfifo told
    head -n 2 told >answers 3>&- &
    reader=$!
    # Two requests; the others come when the reader has its two answers and is gone.
    {
        head -n 2 requests
        while kill -0 "$reader"; do sleep 0.05; done 2>/dev/null
        tail -n +3 requests
    } | {
        idb-verify 2>complaint >told || echo $? >status
    }
    [ "$(jq -r .result answers | sort | uniq -c | tr -s ' ')" = ' 2 accepted' ]
    [ "$(cat status)" = 69 ]
    grep -q '^idb-verify: Whoever reads the answers is gone' complaint
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'called'")" = 2 ]
    is_sound
}

@test "an answer that cannot be written: exit 69, and the same question again has the same answer" {
    local code
    instance
    code=$(issue 1 | jq -r .code)
    run --separate-stderr -69 bash -c 'idb-verify >/dev/full' <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    [[ $stderr == "idb-verify: Cannot write the answer: No space left on device."* ]]
    run --separate-stderr -0 idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    [ "$(json result)" = accepted ]
    is_sound
}
