#!/usr/bin/env bats
# The plain build only: it is text that Prometheus' own tool reads.
# What idb-stats prints and the alerts on it, as promtool sees them.

load ../lib
load ../life

setup() { idb_instance; }

@test "prometheus: promtool finds nothing to say of what is printed" {
    issue_status >/dev/null
    sql "INSERT INTO counter VALUES ('a\"b\\c' || char(10), 1)"
    # Of the week before there are purposes too.
    for ((n = 0; n < 12; n++)); do issue_status >/dev/null; done
    at_offset +5h idb-purge >/dev/null
    at_offset +173h idb-stats --prometheus >"$BATS_TEST_TMPDIR/printed"
    grep -q '^idb_week_purpose_sessions{purpose="status"} 13$' "$BATS_TEST_TMPDIR/printed"
    run --separate-stderr -0 promtool check metrics <"$BATS_TEST_TMPDIR/printed"
    [ -z "$output$stderr" ]
    # It does find what is wrong.
    sed -i 's/^# TYPE idb_live_codes gauge/# TYPE idb_live_codes counter/' "$BATS_TEST_TMPDIR/printed"
    run --separate-stderr -3 promtool check metrics <"$BATS_TEST_TMPDIR/printed"
}

@test "prometheus: promtool takes the alerts" {
    run -0 promtool check rules "$IDB_ROOT/scripts/stats/rules.yaml"
    [[ $output == *' rules found'* ]]
}

# rises METRIC VALUES ALERT MINUTE [OTHER VALUES]…: with these series that alert, and no other, is
# there at that minute; "" for none.
rises() {
    local name alert=$3 minute=$4 series=("$1" "$2" "${@:5}") i
    {
        printf 'rule_files: [%s]\nevaluation_interval: 1m\ntests:\n' "$IDB_ROOT/scripts/stats/rules.yaml"
        printf '  - interval: 1m\n    input_series:\n'
        printf "      - series: 'idb_stats_timestamp_seconds'\n        values: '0+60x300'\n"
        for ((i = 0; i < ${#series[@]}; i += 2)); do
            printf "      - series: '%s'\n        values: '%s'\n" "${series[i]}" "${series[i + 1]}"
        done
        printf '    promql_expr_test:\n      - expr: count by (alertname) (ALERTS{alertstate="firing"})\n'
        printf '        eval_time: %sm\n        exp_samples:\n' "$minute"
        for name in $alert; do
            printf "          - labels: '{alertname=\"%s\"}'\n            value: 1\n" "$name"
        done
    } >"$BATS_TEST_TMPDIR/test.yaml"
    run promtool test rules "$BATS_TEST_TMPDIR/test.yaml"
    [ "$status" = 0 ] || { echo "$1: $output"; return 1; }
}

@test "prometheus: each alert rises when it should, and not before" {
    rises 'idb_alarms_total{word="forged"}' '0x10 1x20' IdbAlarm 12
    rises 'idb_alarms_total{word="forged"}' '5x30' '' 12
    rises idb_overdue_sessions '3x30' IdbErasurePending 20 idb_oldest_overdue_timestamp_seconds '60x30'
    rises idb_overdue_sessions '3x30' '' 20 idb_oldest_overdue_timestamp_seconds '0+60x30'
    rises idb_store_log_bytes '99999999x30' IdbLogGrows 20
    rises idb_store_log_bytes '4000000x30' '' 20
    rises idb_guess_ratio '2e-6x30' IdbGuessRisk 20 idb_guess_limit_ratio '1e-6x30'
    rises idb_guess_ratio '1e-6x30' '' 20 idb_guess_limit_ratio '1e-6x30'
    rises idb_wrong_codes '100x30' IdbWrongCodes 20 idb_wrong_codes_limit '100x30'
    rises idb_wrong_codes '99x30' '' 20 idb_wrong_codes_limit '100x30'
    rises 'idb_hour_ended_sessions{reason="not_me"}' '1x30' IdbNotMe 20
    rises 'idb_hour_ended_sessions{reason="ended"}' '1x30' '' 20
    rises 'idb_hour_codes{result="mistyped"}' '30x30' IdbMistyped 20 'idb_hour_codes{result="accepted"}' '29x30'
    rises 'idb_hour_codes{result="mistyped"}' '30x30' '' 20 'idb_hour_codes{result="accepted"}' '30x30'
    rises idb_hour_uncalled_sessions '12x30' IdbNobodyCalls 20 idb_hour_called_sessions '11x30' \
        idb_hour_connected_sessions '11x30'
    rises idb_hour_uncalled_sessions '11x30' '' 20 idb_hour_called_sessions '12x30' \
        idb_hour_connected_sessions '12x30'
    rises idb_hour_called_sessions '12x30' IdbCallsNotOpened 20 idb_hour_connected_sessions '5x30'
    rises idb_hour_called_sessions '12x30' '' 20 idb_hour_connected_sessions '6x30'
}

@test "prometheus: no count at all, or an old one, is an alert" {
    rises idb_live_codes 1x30 '' 20
    sed -i "s/'0+60x300'/'0x30'/; /exp_samples/a\\          - labels: '{alertname=\"IdbStatsMissing\"}'\n            value: 1" \
        "$BATS_TEST_TMPDIR/test.yaml"
    run -0 promtool test rules "$BATS_TEST_TMPDIR/test.yaml"
    sed -i "s/idb_stats_timestamp_seconds/idb_other/" "$BATS_TEST_TMPDIR/test.yaml"
    run -0 promtool test rules "$BATS_TEST_TMPDIR/test.yaml"
}
