# Helpers for tests/op, tests/fault and tests/long: `load ../lib`, then
# `load lib` or `load ../op/lib`.
# shellcheck shell=bash

# Whoever runs the tests is nobody at the desk but by what a test sets.
unset SUDO_USER REMOTE_USER AUTH_TYPE

# instance [JQ]: idb_instance. A test that runs many programs at once gives them a longer wait than usual.
instance() {
    idb_instance ".store.wait_ms = 20000 | ${1-.}"
}

# issue N [PURPOSE]: issues N codes in one go, prints the answers.
issue() {
    requests "$1" "${2-status}" | idb-issue --attest=front-office
}

# requests N [PURPOSE]: N requests for idb-issue.
requests() {
    local request bsn='"bsn":"999990019",'
    [ "${2-status}" != appointment ] || bsn=
    request='{"purpose":"'${2-status}'","attributes":{'$bsn'"name":"T. Estpersoon"},"auth":{"method":"counter","level":"substantial"},"reference":"Z-1"}'
    yes "$request" | head -n "$1"
}

# is_error WORD: standard output holds that error and nothing else, standard
# error one line that says the same.
is_error() {
    [ "$(json error)" = "$1" ] || { printf '%s\n' "$output" "$stderr"; return 1; }
    [ "${#stderr_lines[@]}" -eq 1 ] || { printf '%s\n' "$stderr"; return 1; }
    [[ $stderr == idb-*": $(json message)" ]]
}

# is_sound: the store is in order, and so is what stands in it.
is_sound() {
    local wrong
    idb-store check >"$BATS_TEST_TMPDIR/check" 2>&1 || { cat "$BATS_TEST_TMPDIR/check"; return 1; }
    wrong=$(sql "
        SELECT 'called without a binding: ' || id FROM session
         WHERE state IN ('called', 'connected', 'wrap_up') AND (bound IS NULL OR call_id IS NULL);
        SELECT 'ended and not erased: ' || id FROM session
         WHERE ended_at IS NOT NULL AND (sealed IS NOT NULL OR code_mac IS NOT NULL
                                         OR call_id IS NOT NULL);
        SELECT 'accepted twice: ' || session FROM audit
         WHERE action = 'verify' AND result = 'accepted' GROUP BY session HAVING COUNT(*) > 1;
        SELECT 'accepted without a row that says so: ' || id FROM session
         WHERE called_at IS NOT NULL AND id NOT IN (SELECT session FROM audit
               WHERE action = 'verify' AND result = 'accepted');
        SELECT 'on record as accepted, and not: ' || session FROM audit
         WHERE action = 'verify' AND result = 'accepted'
           AND session NOT IN (SELECT id FROM session WHERE called_at IS NOT NULL);
        SELECT 'issued without a row that says so: ' || id FROM session
         WHERE id NOT IN (SELECT session FROM audit WHERE action = 'issue');
        SELECT 'on record as issued, and not: ' || session FROM audit
         WHERE action = 'issue' AND session NOT IN (SELECT id FROM session);")
    [ -z "$wrong" ] || { printf '%s\n' "$wrong"; return 1; }
}

needs_root() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
}

# LeakSanitizer cannot run under strace.
traced() {
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$@"
}

# quietly COMMAND…: without the colours of a terminal, what it says comes only
# when it fails.
quietly() {
    "$@" >"$BATS_TEST_TMPDIR/quiet" 2>&1 || { cat "$BATS_TEST_TMPDIR/quiet"; return 1; }
}

# disk SIZE: a small file system of its own at $DISK, mounted where only in_disk
# sees it, so that nothing is left behind whatever happens.
disk() {
    needs_root
    DISK=$BATS_TEST_TMPDIR/disk
    mkdir "$DISK"
    unshare -m --propagation private sh -c \
        'mount -t tmpfs -o "size=$1,mode=700" tmpfs "$2" && echo >"$3" && exec sleep 600 3>&-' \
        sh "$1" "$DISK" "$BATS_TEST_TMPDIR/mounted" 3>&- &
    DISK_PID=$!
    local i
    for ((i = 0; i < 100; i++)); do
        [ ! -e "$BATS_TEST_TMPDIR/mounted" ] || break
        sleep 0.05
    done
    [ -e "$BATS_TEST_TMPDIR/mounted" ]
}

# Root and folder are named, for the tests may run in a chroot.
in_disk() { nsenter -t "$DISK_PID" -m -r --wd="$PWD" "$@"; }

# disk_gone: for teardown.
disk_gone() {
    [ -n "${DISK_PID-}" ] || return 0
    kill "$DISK_PID" 2>/dev/null || true
    wait "$DISK_PID" 2>/dev/null || true
}

# tool NAME: compiles tests/tools/NAME.c into a library to be preloaded; prints
# where it is.
tool() {
    local made=${BATS_FILE_TMPDIR:-$BATS_TEST_TMPDIR}/$1.so
    [ -e "$made" ] || gcc -D_GNU_SOURCE -std=c17 -Wall -Wextra -Werror -O2 -fPIC -shared \
        -o "$made" "$IDB_ROOT/tests/tools/$1.c" || return
    printf '%s\n' "$made"
}

# impatient: the same configuration with a short wait; prints its path.
impatient() {
    jq '.store.wait_ms = 300' "$IDB_CONFIG" >"$BATS_TEST_TMPDIR/impatient.json"
    printf '%s\n' "$BATS_TEST_TMPDIR/impatient.json"
}

# stopped_at CALLS PROGRAM…: starts a program, which stops (SIGSTOP) at its first
# of these system calls; returns once it has. stopped_end SIGNAL ends it so, and
# is harmless without one.
stopped_at() {
    local i calls=$1
    shift
    (ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 exec strace -qq -o "$BATS_TEST_TMPDIR/stopped" \
        -e trace="$calls" -e inject="$calls":signal=STOP:when=1 "$@" 3>&-) <&0 &
    STOPPER=$!
    for ((i = 0; i < 200; i++)); do
        ! grep -q 'stopped by SIGSTOP' "$BATS_TEST_TMPDIR/stopped" 2>/dev/null || break
        sleep 0.05
    done
    grep -q 'stopped by SIGSTOP' "$BATS_TEST_TMPDIR/stopped"
    STOPPED=$(tr -d ' ' <"/proc/$STOPPER/task/$STOPPER/children")
}

stopped_end() {
    [ -n "${STOPPER-}" ] || return 0
    [ -z "${STOPPED-}" ] || kill -"$1" "$STOPPED" || true
    wait "$STOPPER" 2>/dev/null || true
    STOPPER='' STOPPED=''
}
