# Helpers for the .bats files of scripts/demo: `load lib`, then `load demo`.
# shellcheck shell=bash

setup() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir "$TMPDIR"
    demo=$IDB_ROOT/scripts/demo
    # shellcheck disable=SC2034 # for the tests
    site=$IDB_ROOT/scripts/site
}

# Whatever a failed case left running is found by what it was started with.
teardown() {
    local pid
    for pid in $(processes "$TMPDIR") ${tree:+$(processes "$tree")}; do
        kill "$pid" 2>/dev/null || true
    done
    [ -z "${tree-}" ] || rm -rf "$tree"
}

# processes FOLDER: those with that folder in an argument or in the environment.
processes() {
    (
        unset TMPDIR IDB_CONFIG IDB_BUILD IDB_STORE
        grep -lsE "${1%?}[${1: -1}]" /proc/[0-9]*/{cmdline,environ} | cut -d / -f 3 | sort -u
    ) || true
}

# Nothing in the temporary folder, and no process that knows it.
nothing_left() {
    [ -z "$(ls -A "${1:-$TMPDIR}")" ]
    [ -z "$(processes "${1:-$TMPDIR}")" ]
}

# walked [OPTION]: one walk for all the cases that read it; its output in $output,
# the rest in the folder $walk. It is watched for what it runs, with which arguments.
walked() {
    local status=0
    walk=$BATS_FILE_TMPDIR/walked$*
    if [ ! -e "$walk/status" ]; then
        mkdir -p "$walk/tmp"
        TMPDIR=$walk/tmp strace -f --seccomp-bpf -v -s 100000 -qq -e trace=execve -e signal=none \
            -o "$walk/trace" "$demo" "$@" >"$walk/out" 2>"$walk/err" 3>&- || status=$?
        processes "$walk/tmp" >"$walk/processes"
        echo "$status" >"$walk/status"
    fi
    cat "$walk/err"
    [ "$(cat "$walk/status")" = 0 ]
    output=$(cat "$walk/out")
}

# walked_without_trace: that one left nothing.
walked_without_trace() {
    [ -z "$(ls -A "$walk/tmp")" ]
    [ ! -s "$walk/processes" ]
}

# copy_tree: a checkout that anyone may read, at $tree; to make, nothing is to do.
copy_tree() {
    tree=$(mktemp -d /tmp/idb-demo.XXXXXX)
    chmod 755 "$tree"
    mkdir -p "$tree/build" "$tree/tests/op"
    cp -a "$IDB_ROOT"/{Makefile,cmd,lib,scripts} "$tree"
    cp -a "$IDB_ROOT/tests/op/provider" "$tree/tests/op"
    cp -a "$IDB_ROOT"/build/{cmd,lib,look,libidb.a,idb-*} "$tree/build"
    chmod -R a+rX "$tree"
    find "$tree" -exec touch -hd '1 hour ago' {} +
}

# background LINE [OPTION…]: the demo as a terminal runs it, until it has printed
# LINE; its process, and group, is $pid.
background() {
    local line=$1 try
    shift
    setsid env --default-signal=INT "$demo" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    for ((try = 0; try < 1000; try++)); do
        grep -qe "$line" "$BATS_TEST_TMPDIR/out" && return
        kill -0 "$pid"
        sleep 0.02
    done
    return 1
}

# ended STATUS: it ends so, without a word, and leaves nothing.
ended() {
    local status=0
    wait "$pid" || status=$?
    [ "$status" = "$1" ]
    # Of a command that the signal ended as well the shell may say so.
    run grep -vE ': line [0-9]+: +[0-9]+ (Hangup|Terminated|Interrupt) ' "$BATS_TEST_TMPDIR/err"
    [ "$status" = 1 ] || { echo "$output"; return 1; }
    nothing_left
}

# printed NAME: the address behind that word.
printed() { sed -nE "s/^    $1 +(at )?([^ ,]+).*/\2/p" "$BATS_TEST_TMPDIR/out"; }
