#!/usr/bin/env bats
# With --long alone: it builds the tree once more.
# make STATIC=1: the programs that ask OpenSSL for MACs alone, with the libraries in them.

load ../lib

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL SANITIZE
    local said
    said=$(make -s -C "$IDB_ROOT" STATIC=1 2>&1)
    [ -z "$said" ] || {
        echo "$said" >&2
        return 1
    }
}

setup() {
    idb_instance
    static=$IDB_ROOT/build/static
}

@test "static: no library is loaded, and what hardens the others is there" {
    local program
    [ "$(find "$static" -maxdepth 1 -type f -printf '%f\n' | sort | paste -sd ' ')" = \
        'idb-agi idb-end idb-request idb-transfer idb-verify libidb.a' ]
    for program in "$static"/idb-{agi,end,request,transfer,verify}; do
        run --separate-stderr -0 readelf -ldW "$program"
        [[ $output != *NEEDED* && $output != *INTERP* && $output != *TEXTREL* ]]
        [[ $output == *GNU_RELRO* && $output == *BIND_NOW* && $output =~ Flags:\ .*PIE ]]
        [[ $output =~ GNU_STACK.*RW\ +0x ]]
        run --separate-stderr -0 "$program" --version
    done
}

@test "static: a call, from code to end, on the store of the other programs" {
    local issued
    issued=$(issue_status)
    PATH=$static:$PATH
    run --separate-stderr -0 verify "$(code_of "$issued")" c-1 +31612345678
    [ -z "$stderr" ]
    [ "$(json result)" = accepted ]
    run --separate-stderr -0 idb-transfer <<<'{"call_id":"c-1","to_call_id":"c-2"}'
    [ -z "$stderr" ]
    run --separate-stderr -0 idb-lookup <<<'{"line":"kcc","call_id":"c-2"}'
    [ "$(json .purpose.name)" = status ]
    run --separate-stderr -0 idb-end <<<'{"call_id":"c-2"}'
    [ -z "$stderr" ]
    run --separate-stderr -1 verify "$(code_of "$issued")" c-2
    [ "$(json result)" = call_ended ]
    run --separate-stderr -0 cgi idb-verify GET
    [[ $output == *'405'* ]]
}

@test "static: users of /etc/passwd are known, where there is no other look-up" {
    local code
    code=$(code_of "$(issue_status)")
    verify "$code" c-1 >/dev/null
    unset SUDO_USER REMOTE_USER AUTH_TYPE
    run --separate-stderr -0 "$static/idb-end" --zone=desk <<<'{"line":"kcc","call_id":"c-1"}'
    [ -z "$stderr" ]
    [ "$(sql "SELECT actor FROM audit ORDER BY id DESC LIMIT 1")" = "agent:$(id -un)" ]
}

@test "static: they are installed in the place of the others" {
    run --separate-stderr -0 make -s -C "$IDB_ROOT" DESTDIR="$BATS_TEST_TMPDIR/root" PREFIX=/usr STATIC=1 install
    [ -z "$stderr" ]
    cmp "$static/idb-verify" "$BATS_TEST_TMPDIR/root/usr/bin/idb-verify"
    [ "$(readlink -f "$BATS_TEST_TMPDIR/root/usr/libexec/idb/idb-end.cgi")" = "$BATS_TEST_TMPDIR/root/usr/bin/idb-end" ]
    [ ! -e "$BATS_TEST_TMPDIR/root/usr/bin/idb-issue" ]
}
