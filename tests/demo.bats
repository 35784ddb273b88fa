#!/usr/bin/env bats
# scripts/demo: the whole walk, and that nothing of it stays.
# The plain build only: that is what the demo makes and runs.

load lib

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    demo=$IDB_ROOT/scripts/demo
}

teardown() {
    [ -z "${tree-}" ] || rm -rf "$tree"
}

# Nothing in the temporary folder, and no process that works in it.
nothing_left() {
    [ -z "$(ls -A "${1:-$TMPDIR}")" ]
    [ "$(grep -ls "${1:-$TMPDIR}/[t]mp\." /proc/[0-9]*/cmdline | wc -l)" = 0 ]
}

# copy_tree: a checkout that anyone may read, at $tree; to make, nothing is to do.
copy_tree() {
    tree=$(mktemp -d /tmp/idb-demo.XXXXXX)
    chmod 755 "$tree"
    mkdir "$tree/build"
    cp -a "$IDB_ROOT"/{Makefile,cmd,lib,scripts} "$tree"
    cp -a "$IDB_ROOT"/build/{cmd,lib,libidb.a,idb-*} "$tree/build"
    chmod -R a+rX "$tree"
    find "$tree" -exec touch -hd '1 hour ago' {} +
}

@test "demo: goes through every step and says so" {
    run --separate-stderr -0 "$demo"
    [ -z "$stderr" ]
    for title in 'An instance' 'Keys and store' 'A code for a resident' 'A slip of the finger' \
        'A wrong code' 'The right code' 'The same code again' 'The agent opens the call' \
        'The same as JSON, with the masked value' 'A transfer' 'Hang-up, and wrap-up' \
        'The agent is done' 'Another code, and no call' 'The purge' 'What the store holds now'; do
        grep -qE "^[0-9]+\. $title\$" <<<"$output"
    done
    for program in idb-config idb-keys idb-store idb-issue idb-renew idb-status idb-verify \
        idb-lookup idb-transfer idb-end idb-purge; do
        grep -qE "^    \\$ .*\b$program\b" <<<"$output"
    done
    for result in mistyped wrong accepted used transferred wrap_up ended; do
        grep -qF "\"result\": \"$result\"" <<<"$output"
    done
    [[ $output == *"All $(grep -cE '^[0-9]+\. ' <<<"$output") steps went as they should."* ]]
}

@test "demo: leaves nothing behind" {
    run -0 "$demo"
    nothing_left
}

@test "demo: what is personal is found in the store neither during nor after, the sealed record only during" {
    run -0 "$demo"
    run -0 grep -E ' [0-9]+ of [0-9]+ found$' <<<"$output"
    [ "${#lines[@]}" = 12 ]
    for i in "${!lines[@]}"; do
        if [ "$i" = 5 ]; then
            [[ ${lines[i]} =~ sealed.*\ ([0-9]+)\ of\ ([0-9]+)\ found ]]
            [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
            [ "${BASH_REMATCH[1]}" -gt 10 ]
        else
            [[ ${lines[i]} == *' 0 of '* ]]
        fi
    done
}

@test "demo --quick: from another directory, by a link, with a space in TMPDIR" {
    mkdir "$TMPDIR/a b"
    ln -s "$demo" "$BATS_TEST_TMPDIR/link"
    cd /
    TMPDIR="$TMPDIR/a b" run --separate-stderr -0 "$BATS_TEST_TMPDIR/link" --quick
    [ -z "$stderr" ]
    [[ $output == *'steps went as they should.'* ]]
    nothing_left "$TMPDIR/a b"
}

@test "demo: as an ordinary user" {
    copy_tree
    local as=()
    [ "$(id -u)" != 0 ] || as=(runuser -u nobody --)
    mkdir -m 1777 "$tree/tmp"
    run --separate-stderr -0 env TMPDIR="$tree/tmp" "${as[@]}" "$tree/scripts/demo"
    [ -z "$stderr" ]
    [[ $output == *'steps went as they should.'* ]]
    nothing_left "$tree/tmp"
}

@test "demo: by sudo, whose user is then the agent" {
    SUDO_USER=jansen run --separate-stderr -0 "$demo"
    [[ $output == *agent:jansen*open* ]]
}

@test "demo: what is personal stands in no argument and in no environment" {
    run -0 strace -f -v -s 100000 -qq -e trace=execve -e signal=none -o "$BATS_TEST_TMPDIR/trace" "$demo"
    grep -q idb-verify "$BATS_TEST_TMPDIR/trace"
    { printf '%s\n' 999990019 Estpersoon 612345678
        grep -oP '"code(_display)?": "\K[0-9 ]+' <<<"$output"
        grep -oP '__Host-idb-session=\K[^;"]+' <<<"$output"
    } | sort -u >"$BATS_TEST_TMPDIR/personal"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/personal")" -ge 11 ]
    run -1 grep -Ff "$BATS_TEST_TMPDIR/personal" "$BATS_TEST_TMPDIR/trace"
}

@test "demo --keep: says where, and what it says to try works" {
    run -0 "$demo" --keep
    local script
    script=$(sed -n '/^The instance is in/,$s/^    //p' <<<"$output")
    [ "$(wc -l <<<"$script")" -ge 7 ]
    run -0 bash -euo pipefail -c "$script"
    [[ $output == *'"result":"accepted"'* ]]
    [[ $output == *'T. Estpersoon'* ]]
    [[ $output == *'"result":"ended"'* ]]
    [ "$(find "$TMPDIR" -name idb.db | wc -l)" = 1 ]
}

@test "demo: stops with a message when an answer is not what it should be" {
    copy_tree
    rm "$tree/build/idb-verify"
    printf '#!/bin/sh\necho "{\\"result\\":\\"accepted\\"}"\n' >"$tree/build/idb-verify"
    chmod +x "$tree/build/idb-verify"
    run --separate-stderr -1 "$tree/scripts/demo"
    [[ $stderr =~ ^$'\n'?'demo: stopped at step '[0-9]+': exit 1 was expected, not 0'$ ]]
    [[ $output == *'A slip of the finger'* ]]
    [[ $output != *'The right code'* ]]
    nothing_left
}

@test "demo: ends at once on a signal, and leaves nothing" {
    local signal code
    for signal in TERM:143 HUP:129; do
        code=${signal#*:}
        "$demo" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
        until grep -q 'A code for a resident' "$BATS_TEST_TMPDIR/out"; do sleep 0.02; done
        kill "-${signal%:*}" $!
        status=0
        wait $! || status=$?
        [ "$status" = "$code" ]
        nothing_left
        run -1 grep -q 'steps went' "$BATS_TEST_TMPDIR/out"
    done
}

@test "demo: ends when nobody reads it any more, and leaves nothing" {
    run --separate-stderr -0 bash -c '"$1" | head -n 3' - "$demo"
    [ -z "$stderr" ]
    until [ -z "$(ls -A "$TMPDIR")" ]; do sleep 0.05; done
    nothing_left
}

@test "demo: colour on a terminal alone" {
    run -0 "$demo"
    [[ $output != *$'\e'* ]]
    run -0 script -qec "$demo" /dev/null
    [[ $output == *$'\e[1m'* ]]
    NO_COLOR=1 run -0 script -qec "$demo" /dev/null
    [[ $output != *$'\e['* ]]
}

@test "demo: --help says what it does, anything else is exit 64" {
    run --separate-stderr -0 "$demo" --help
    [[ $output == 'usage: scripts/demo [--quick] [--keep]'* ]]
    run --separate-stderr -64 "$demo" --fast
    [[ $stderr == 'demo: not understood: --fast'* ]]
    nothing_left
}
