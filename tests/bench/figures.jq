# What tests/bench/run measured, objects by name, as figures: with --argjson machine and
# sizes. An object that is there several times, once a round, becomes one of medians.

def round2: . * 100 | round / 100;
def round4: . * 10000 | round / 10000;
def middle: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;

def rounds: map(.value) | if length == 1 then .[0] else
    . as $all | .[0] | with_entries(.key as $key | .value = ([$all[][$key]] |
        if $key == "n" then add elif $key == "slowest" then max else middle end)) end;

def figure($name; $ours; $floor): { name: $name, ours_ms: ($ours | round4),
    floor_ms: ($floor | round4), ratio: ($ours / $floor | round2) };

# What is to be reached: value is ours over beside, or ours alone.
def target($name; $ours; $beside; $unit; $value): { name: $name, ours: ($ours | round2),
    beside: (if $beside == null then null else $beside | round2 end), unit: $unit, value: ($value | round2) };
def at_most($limit): . + { at_most: $limit, reached: (.value <= $limit) };
def at_least($limit): . + { at_least: $limit, reached: (.value >= $limit) };
def ratio($name; $ours; $beside; $unit): target($name; $ours; $beside; $unit; $ours / $beside);

([.[] | to_entries[]] | group_by(.key) | map({ key: .[0].key, value: rounds }) | from_entries) as $t
| { machine: $machine } + $sizes + { targets: [
    (ratio("one idb-verify process / the floor program"; $t.verify.median; $t.floor.median; "ms")
        | at_most(1.25)),
    (ratio("the same / a script of sqlite3, openssl and jq"; $t.verify.median; $t.script.median; "ms")
        | at_most(0.15)),
    (ratio("idb-serve, 64 waiting on one connection / a bare SQLite loop, groups of 64";
           $t.waiting_64.a_second; $t.group_64.a_second; "a second") | at_least(0.6)),
    (ratio("idb-serve, 16 connections, one request at a time / one process after the other";
           $t.connections_16.a_second; 1000 / $t.verify.median; "a second") | at_least(15)),
    (ratio("16 processes at once: the slowest / the median"; $t.writers.slowest; $t.writers.median; "ms")
        | at_most(50) | .least = $t.writers.least | .most = $t.writers.most
        | .reached = (.reached and .least * 2 >= .most)),
    (ratio("one process, \($sizes.rows) sessions / 1000"; $t.rows_large.median; $t.rows_small.median; "ms")
        | at_most(1.2)),
    (ratio("idb-serve, \($sizes.rows) sessions / 1000"; $t.rows_large_kept.median;
           $t.rows_small_kept.median; "ms") | at_most(1.2)),
    (target("the longest wait while \($sizes.purge) sessions are purged, beside without"; $t.purge.slowest;
            $t.calm.slowest; "ms"; $t.purge.slowest) | at_most(100)),
    (([$t.verify.kb, $t.stream.kb] | max / 1024) as $mb
        | target("the most memory of idb-verify"; $mb; null; "MB"; $mb) | at_most(8)),
    (target("growth of idb-serve over \($sizes.growth) requests"; $t.growth.kb; null; "kB"; $t.growth.kb)
        | at_most(0)),
    (ratio("HTTP, idb-verify as CGI / a CGI that starts the floor program"; $t.http_cgi.a_second;
           $t.http_floor.a_second; "a second") | at_least(0.7)),
    (ratio("HTTP, idb-serve by SCGI, 16 clients / lighttpd with a small file"; $t.http_scgi.a_second;
           $t.http_file.a_second; "a second") | at_least(0.3)),
    (ratio("PostgreSQL, 16 idb-serve, one request at a time / pgbench, the same update, 16 clients";
           $t.pgsql_16.a_second; $t.pgbench_16.a_second; "a second") | at_least(0.7)),
    (ratio("PostgreSQL, 16 idb-serve, four waiting at each / the same";
           $t.pgsql_16_waiting_4.a_second; $t.pgbench_16.a_second; "a second") | at_least(0.7)),
    (ratio("PostgreSQL, idb-serve, \($sizes.rows) sessions / 1000"; $t.pgsql_rows_large.median;
           $t.pgsql_rows_small.median; "ms") | at_most(1.3)),
    (ratio("idb-verify on SQLite, built with the driver of PostgreSQL / without"; $t.driver.median;
           $t.nopg.median; "ms") | at_most(1.05)) ],
  figures: [
    figure("verify"; $t.verify.median; $t.floor.median),
    figure("verify, processor time"; $t.verify.cpu; $t.floor.cpu),
    figure("verify, store held open"; $t.held.median; $t.floor_held.median),
    figure("verify, beside a script"; $t.verify.median; $t.script.median),
    figure("issue"; $t.issue.median; $t.floor.median),
    figure("lookup"; $t.lookup.median; $t.floor.median),
    figure("verify, in one stream"; $t.stream.median / $sizes.stream;
           $t.floor_stream.median / $sizes.stream),
    figure("verify, 16 processes"; 1000 / $t.writers.a_second; $t.floor.median),
    figure("agi, a dialogue by inetd"; $t.agi.median; $t.agi_echo.median),
    figure("verify, kept connection"; $t.kept.median; $t.kept_echo.median),
    figure("PostgreSQL, 1 idb-serve"; 1000 / $t.pgsql_1.a_second; 1000 / $t.pgbench_1.a_second),
    figure("PostgreSQL, 4 idb-serve"; 1000 / $t.pgsql_4.a_second; 1000 / $t.pgbench_4.a_second),
    figure("PostgreSQL, one for 16"; 1000 / $t.pgsql_one_16.a_second; 1000 / $t.pgbench_16.a_second),
    figure("PostgreSQL, 64 waiting"; 1000 / $t.pgsql_one_64.a_second; 1000 / $t.pgbench_16.a_second),
    figure("PostgreSQL, 16, 16 waiting"; 1000 / $t.pgsql_16_waiting_16.a_second;
           1000 / $t.pgbench_16.a_second),
    figure("callback, processor time"; $t.callback.cpu; $t.curl.cpu),
    figure("code page"; $t.code_page.median; $t.page_floor.median),
    figure("code page, processor time"; $t.code_page.cpu; $t.page_floor.cpu) ],
  pages: ($t.served + { a_second: ($t.served.a_second * 10 | round / 10),
    share: ({ "idb-request": $t.request.cpu, "jq, the request": $t.select.cpu,
              "idb-status": $t.status.cpu, "idb-config": $t.config.cpu,
              "jq, the page": $t.page.cpu, shell: $t.shell.cpu }
            | add as $all | map_values(. / $all * 100 | round)) }),
  measured: ($t | del(.served)) }
