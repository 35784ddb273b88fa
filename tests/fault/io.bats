#!/usr/bin/env bats
# System calls that fail: every one in turn, once and from then on.

setup() {
    load ../lib
    load ../op/lib
    cd "$BATS_TEST_TMPDIR" || return
    instance
}

# failing CALLS ERROR WHEN PROGRAM: runs it with that error injected.
failing() {
    local calls=$1 error=$2 when=$3
    shift 3
    traced -e trace="$calls" -e inject="$calls":error="$error":when="$when" "$@"
}

# holds ANSWERS: each line of them, for the codes of `issued` in order, is true:
# accepted stands, and what was said not to be done is not.
holds() {
    paste -d' ' issued <(jq -r '"\(.result // .error) \(.message)"' "$1") |
        while read -r id _ said message; do
            state=$(sql "SELECT state || (SELECT COUNT(*) FROM audit WHERE action = 'verify'
                AND result = 'accepted' AND session = '$id') FROM session WHERE id = '$id'")
            case "$said $state $message" in
            'accepted called1 '* | store_*' issued0 '*) ;;
            store_*' called1 '*'Nothing was done'*)
                echo "said that nothing was done, and it was: $said $message"
                exit 1
                ;;
            store_*' called1 '*) ;;
            *)
                echo "said $said, is $state"
                exit 1
                ;;
            esac
        done
}

# Every Nth call fails until the program no longer gets as far. With a PAUSE the
# first request comes that much before the others.
every_call() {
    local calls=$1 error=$2 suffix=$3 pause=${4-0} n
    for n in {1..40}; do
        instance
        issue 5 | jq -r '"\(.session) \(.code)"' >issued
        jq -Rc 'split(" ") | { code: .[1], call_id: "c-\(.[0])" }' issued >requests
        run --separate-stderr failing "$calls" "$error" "$n$suffix" idb-verify < <(
            head -n 1 requests
            sleep "$pause"
            tail -n +2 requests
        )
        printf '%s\n' "$output" >answers
        grep -q INJECTED trace || return 0
        echo "call $n$suffix: $status $(jq -r '.result // .error' answers | sort | uniq -c | tr '\n' ' ')"
        [ "$(wc -l <answers)" = 5 ]
        holds answers
        if grep -q '"error"' answers; then
            [ "$status" -eq 69 ]
            [[ $stderr == "idb-verify: The store's disk "* ]]
        fi
        is_sound
        # The disk is well again: all of them can be keyed in.
        run --separate-stderr -0 idb-verify <requests
        is_sound
    done
    echo "still failing after $n calls"
    return 1
}

@test "disk: a flush that fails once (EIO): each answer is true, nothing is half done" {
    every_call fsync,fdatasync EIO ''
}

@test "disk: flushes that fail from some moment on (EIO): what was answered as not done is not done later" {
    every_call fsync,fdatasync EIO +
}

@test "disk: flushes that fail in the middle of a stream: what is said not to be done is not done later" {
    every_call fsync,fdatasync EIO + 0.3
}

@test "disk: a write that fails once (EIO): each answer is true, nothing is half done" {
    every_call pwrite64 EIO ''
}

@test "disk: writes that fail from some moment on (ENOSPC): each answer is true, nothing is half done" {
    every_call pwrite64 ENOSPC +
}

@test "disk: a flush that fails while idb-purge erases: 69, and the next one finishes" {
    issue 5 >issued
    run --separate-stderr -69 at_offset +5h failing fsync,fdatasync EIO 1 idb-purge
    is_error store_io
    run --separate-stderr -0 at_offset +5h idb-purge
    [ "$(sql "SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL")" = 0 ]
}

@test "random: without random bytes no code is made, exit 69" {
    # OpenSSL asks the kernel once, at its start; then it gives up.
    run --separate-stderr failing getrandom EIO 1+ idb-issue --attest=front-office < <(requests 1)
    [ "$status" -eq 69 ] || [ "$status" -eq 0 ]
    if [ "$status" -eq 0 ]; then
        # It found another source: the device.
        grep -q '"code":"[0-9]\{10\}"' <<<"$output"
    else
        is_error random
        [ "$(sql 'SELECT COUNT(*) FROM session')" = 0 ]
    fi
}
