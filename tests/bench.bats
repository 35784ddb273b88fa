#!/usr/bin/env bats
# make bench, with few processes: that it runs, and the shape of what it says.
# The plain build only: that is what is measured.
# With --long alone: the programs that it starts have tests of their own.

load lib

setup() { cd "$BATS_TEST_TMPDIR" || return; }

setup_file() {
    make -s -C "$IDB_ROOT" all benches
    # From another directory; few processes, and small stores.
    cd /
    ls "$IDB_ROOT/build/bench" >"$BATS_FILE_TMPDIR/before" || true
    JSON=1 COUNT=4 ROWS=1000 PURGE=300 GROWTH=1000 OUT=$BATS_FILE_TMPDIR/out "$IDB_ROOT/tests/bench/run" \
        >"$BATS_FILE_TMPDIR/stdout" 2>"$BATS_FILE_TMPDIR/stderr" || echo "exit $?" >>"$BATS_FILE_TMPDIR/stderr"
}

@test "bench: JSON with the machine, every target and ratio; a code page takes less than 60 kB, cold" {
    [ ! -s "$BATS_FILE_TMPDIR/stderr" ] || cat "$BATS_FILE_TMPDIR/stderr"
    [ ! -s "$BATS_FILE_TMPDIR/stderr" ]
    jq -e '(.machine | .cores > 0 and (.cpu, .kernel, .filesystem | length > 0))
        and .count == 4 and .stream == 20 and .rows == 1000 and .purge == 300 and .growth == 1000
        and (.pages | .a_second > 0 and (.bytes | keys == ["code", "idb.css", "idb.js", "theme.css"])
            and .total == ([.bytes[]] | add) and .total < 60000 and (.share | length == 6 and ([.[]] | add) > 95))
        and (.figures | length >= 9 and any(.name == "code page") and any(.name == "verify")
            and any(.name == "agi, a dialogue by inetd") and any(.name == "verify, kept connection")
            and any(.name == "callback, processor time")
            and any(.name == "PostgreSQL, one for 16"))
        and all(.figures[]; (.name | length > 0) and .ours_ms > 0 and .floor_ms > 0 and .ratio > 0)
        and (.targets | length == 16)
        and all(.targets[]; (.name | length > 0) and (.unit == "kB" or .value > 0 and .ours > 0)
            and (.at_most != null) != (.at_least != null) and (.reached | type == "boolean"))' "$BATS_FILE_TMPDIR/stdout"
    [ "$(jq -c . "$BATS_FILE_TMPDIR/out/figures.json")" = "$(<"$BATS_FILE_TMPDIR/stdout")" ]
}

@test "bench: a plot of each, and nothing else is left, no process either" {
    local name
    for name in processes waiting connections writers rows rows-kept purge memory http-programs http-kept \
        postgresql rows-postgresql; do
        xmllint --noout "$BATS_FILE_TMPDIR/out/$name.svg"
        grep -q '<path' "$BATS_FILE_TMPDIR/out/$name.svg"
    done
    [ "$(ls "$BATS_FILE_TMPDIR/out" | wc -l)" = 13 ]
    [ "$(ls "$IDB_ROOT/build/bench")" = "$(<"$BATS_FILE_TMPDIR/before")" ]
    run -1 pgrep -f "(inetd -i|lighttpd -D -f|idb-serve --config=)[ ]?$IDB_ROOT/build/bench/"
    run -1 pgrep -f 'postgres -D /tmp/idb-bench[.]'
    [ -z "$(find /tmp -maxdepth 2 -path '/tmp/idb-bench.*' -lname "$IDB_ROOT/build/bench/*")" ]
}

@test "bench: a table for people" {
    run --separate-stderr -0 "$IDB_ROOT/tests/bench/show" "$BATS_FILE_TMPDIR/out/figures.json"
    [ -z "$stderr" ]
    [[ ${lines[0]} == *' cores, Linux '* ]]
    grep -qE '^one idb-verify process / the floor program( +[0-9.]+){2} ms +[0-9.]+  at most 1.25 +(yes|NO)$' <<<"$output"
    [ "$(grep -cE ' at (most|least) [0-9.]+ +(yes|NO)$' <<<"$output")" = 16 ]
    grep -qE '^verify( +[0-9.]+){4}$' <<<"$output"
    grep -qE '^code page: [0-9.]+ a second by the server; [0-9]+ bytes' <<<"$output"
}

@test "bench: the README's table and plots anew, and nothing else of it" {
    printf '%s\n' before '<!-- bench -->' old '<!-- bench end -->' after >README.md
    run --separate-stderr -0 "$IDB_ROOT/tests/bench/pictures" "$BATS_FILE_TMPDIR/out" .
    [ -z "$output$stderr" ]
    cmp "$BATS_FILE_TMPDIR/out/processes.svg" man/pictures/bench-processes.svg
    cmp "$BATS_FILE_TMPDIR/out/connections.svg" man/pictures/bench-connections.svg
    [ "$(sed -n '1,2p' README.md)" = $'before\n<!-- bench -->' ]
    [ "$(tail -n 2 README.md)" = $'<!-- bench end -->\nafter' ]
    [ "$(grep -cE '^\| .* \| at (most|least) [0-9.]+ \| (yes|no) \|$' README.md)" = 16 ]
    run -1 grep old README.md
}

@test "bench: a COUNT that is no number is exit 64, and so is a store of no rows" {
    COUNT=many run --separate-stderr -64 "$IDB_ROOT/tests/bench/run"
    [[ $stderr == 'run: COUNT'* ]]
    ROWS=0 run --separate-stderr -64 "$IDB_ROOT/tests/bench/run"
    [[ $stderr == 'run: COUNT, ROWS'* ]]
}

@test "bench: without gnuplot it says what installs it, exit 69" {
    mkdir bin
    ln -s /usr/bin/* bin/
    rm bin/gnuplot*
    PATH=$PWD/bin run --separate-stderr -69 "$IDB_ROOT/tests/bench/run"
    [ -z "$output" ]
    [ "$stderr" = 'run: gnuplot is not there; scripts/packages bench installs it' ]
}
