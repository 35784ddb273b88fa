# A plot of each figure, for tests/bench/run: SVG by gnuplot, of the times that the programs
# left and the figures made of them. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets

# plot NAME TITLE X Y STYLE SETTING [LABEL FILE]…: OUT/NAME.svg, a line for each FILE of two
# columns.
plot() {
    local name=$1 title=$2 x=$3 y=$4 style=$5 setting=$6 line=
    shift 6
    while [ "$#" -gt 1 ]; do
        line+="${line:+, }'$2' using 1:2 with $style title '$1'"
        shift 2
    done
    gnuplot <<END
load "$root/tests/bench/plot.gp"
set output "$out/$name.svg"
set title "$title"
set xlabel "$x"
set ylabel "$y"
$setting
plot $line
END
}

# spread NAME…: of each, NAME.spread: up to how many milliseconds how many of 100 take.
spread() {
    local name
    for name in "$@"; do
        sort -n "$name.ms" | awk '
            { ms[NR] = $1 }
            END { for (i = 0; i <= 200; i++) print ms[1 + int(i * (NR - 1) / 200)], i / 2 }' >"$name.spread"
    done
}

# plot_spread NAME TITLE [LABEL WHAT]…: within how many milliseconds how many of 100 are done.
plot_spread() {
    local name=$1 title=$2 series=()
    shift 2
    while [ "$#" -gt 1 ]; do
        spread "$2"
        series+=("$1" "$2.spread")
        shift 2
    done
    plot "$name" "$title" 'milliseconds' 'so many of 100 are done' lines \
        'set logscale x; set yrange [0:100]' "${series[@]}"
}

# a_second PREFIX: PREFIX.dat, of each PREFIX_N: N, and how many a second.
a_second() {
    jq -r --arg prefix "$1_" '.measured | to_entries[] | select(.key | startswith($prefix))
        | { of: (.key | ltrimstr($prefix)), a_second: .value.a_second } | select(.of | test("^[0-9]+$"))
        | "\(.of) \(.a_second)"' figures.json | sort -n >"$1.dat"
}

# worst NAME: NAME.trace, the longest of each 200th of the time, of requests one after
# the other.
worst() {
    awk -v all="$(awk '{ sum += $1 } END { print sum }' "$1.ms")" '
        { at += $1; slot = int(at / all * 200); if ($1 > most[slot]) most[slot] = $1 }
        END { for (i = 0; i < 200; i++) if (i in most) print i * all / 200000, most[i] }' "$1.ms" >"$1.trace"
}

plots() {
    local name per_process
    for name in waiting group connections pgsql pgbench; do a_second "$name"; done
    per_process=$(jq '1000 / .measured.verify.median' figures.json)
    awk -v y="$per_process" '{ print $1, y }' connections.dat >per_process.dat
    worst purge
    plot_spread processes 'One code a process, from start to exit' idb-verify verify \
        'the floor program' floor 'a script of sqlite3, openssl and jq' script
    plot waiting 'Verifies a second, by how many wait on one connection' 'waiting at once' 'a second' \
        linespoints 'set logscale x 2' idb-serve waiting.dat \
        'a bare SQLite loop, groups of as many' group.dat
    plot connections 'Verifies a second, by connections with one request at a time' 'connections' \
        'a second' linespoints 'set logscale x 2' idb-serve connections.dat \
        'one process after the other' per_process.dat
    plot_spread writers '16 processes at once, each from start to exit' idb-verify writers
    plot_spread rows "One code a process, by sessions in the store" "$rows" rows_large 1000 rows_small
    plot_spread rows-kept "One request at a time to idb-serve, by sessions in the store" \
        "$rows" rows_large_kept 1000 rows_small_kept
    plot purge "The longest wait of a verify while $purge sessions are purged" seconds milliseconds \
        impulses 'set linetype 1 linewidth 1.5' 'the longest of each 200th of the time' purge.trace
    plot memory 'Memory of idb-serve that is its own' requests kB linespoints '' idb-serve growth.dat
    plot_spread http-programs 'HTTP, a program started for each request' 'idb-verify as CGI' http_cgi \
        'a CGI that starts the floor program' http_floor
    plot postgresql 'Verifies a second on PostgreSQL, by connections with one request at a time' \
        connections 'a second' linespoints 'set logscale x 2' 'idb-serve, a process each' pgsql.dat \
        'pgbench, the one update that decides' pgbench.dat
    plot_spread rows-postgresql 'One request at a time, by sessions in a store of PostgreSQL' \
        "$rows" pgsql_rows_large 1000 pgsql_rows_small
    plot_spread http-kept 'HTTP, 16 clients' 'idb-serve by SCGI' http_scgi 'a small file' http_file
}
