#!/usr/bin/env bats
# make bench, with few processes: that it runs, and the shape of what it says.
# The plain build only: that is what is measured.

load lib

setup_file() {
    make -s -C "$IDB_ROOT" all benches
}

@test "bench: JSON with the machine and every ratio; a code page takes less than 60 kB, cold" {
    local before
    before=$(ls "$IDB_ROOT/build/bench" 2>/dev/null || true)
    JSON=1 COUNT=5 run --separate-stderr -0 "$IDB_ROOT/tests/bench/run"
    [ -z "$stderr" ]
    jq -e '(.machine | .cores > 0 and (.cpu, .kernel, .filesystem | length > 0))
        and .count == 5 and .stream == 25
        and (.pages | .a_second > 0 and (.bytes | keys == ["code", "idb.css", "idb.js", "theme.css"])
            and .total == ([.bytes[]] | add) and .total < 60000 and (.share | length == 6 and ([.[]] | add) > 95))
        and (.figures | length >= 9 and any(.name == "code page") and any(.name == "verify")
            and any(.name == "agi, a dialogue by inetd") and any(.name == "verify, kept connection")
            and any(.name == "callback, processor time"))
        and all(.figures[]; (.name | length > 0) and .ours_ms > 0 and .floor_ms > 0 and .ratio > 0)' \
        <<<"$output"
    [ "$(ls "$IDB_ROOT/build/bench")" = "$before" ]
    run -1 pgrep -f "inetd -i $IDB_ROOT/build/bench/"
}

@test "bench: a table for people, from another directory" {
    cd /
    COUNT=2 run --separate-stderr -0 "$IDB_ROOT/tests/bench/run"
    [[ ${lines[0]} == *' cores, Linux '* ]]
    grep -qE '^verify( +[0-9.]+){4}$' <<<"$output"
    grep -qE '^code page: [0-9.]+ a second by the server; [0-9]+ bytes' <<<"$output"
}

@test "bench: a COUNT that is no number is exit 64" {
    COUNT=many run --separate-stderr -64 "$IDB_ROOT/tests/bench/run"
    [[ $stderr == 'run: COUNT'* ]]
}
