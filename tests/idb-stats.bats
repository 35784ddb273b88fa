#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: tests/unit/stats.c is it each time.
# idb-stats: the counts are right, tell nothing of anybody, and are read as Prometheus reads.

load lib
load life

setup() { idb_instance; }

# A Wednesday to come, at noon, so that no period depends on the day of the test: the
# last whole week ended two and a half days before.
noon() {
    local today=$(($(date +%s) / 86400))
    echo $(((today + 9 - (today + 3) % 7) * 86400 + 43200))
}

# stats_then [OPTION…]: idb-stats at that noon.
stats_then() { at_offset "+$((NOON - $(date +%s)))s" idb-stats "$@"; }

# ended N AGE STATE REASON [PURPOSE [CALLED [CONNECTED [RENEWALS]]]]: N sessions that ended AGE
# seconds before noon; of these all or none had been called about, been opened, been renewed.
ended() {
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, code_expires_at,
            renewals, renew_until, created_at, expires_at, called_at, connected_at, ended_at, end_reason)
        SELECT lower(hex(randomblob(11))), hex(randomblob(8)), '$3', '${5-status}', 'kcc', 'nl', 'notify', 0,
            ${8-0}, 0, 0, 0, ${6-NULL}, ${7-NULL}, $(((NOON - $2) * 1000)), '$4' FROM n LIMIT $1"
}

# lives N STATE DUE [CODE_EXPIRES [CREATED]]: N sessions; times in seconds before noon.
lives() {
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, code_expires_at,
            renewals, renew_until, created_at, expires_at, due_at)
        SELECT lower(hex(randomblob(11))), hex(randomblob(8)), '$2', 'status', 'kcc', 'nl', 'notify',
            $(((NOON - ${4-0}) * 1000)), 0, 0, $(((NOON - ${5-0}) * 1000)), $(((NOON - $3) * 1000)),
            $(((NOON - $3) * 1000)) FROM n"
}

# recorded N AGE ACTION RESULT: N audit rows of AGE seconds before noon, oldest first.
recorded() {
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO audit (at, actor, action, session, result)
        SELECT $(((NOON - $2) * 1000)), 'agent:alice', '$3', 'a-session', '$4' FROM n"
}

# counts PATH: an object in the answer as "name value …", without those that are 0.
counts() { jq -r "[$1 | to_entries[] | select(.value != 0) | .key, .value] | join(\" \")" <<<"$output"; }

at() { date -u -d "@$((NOON - $1))" +%Y-%m-%dT%H:%M:%S.000Z; }

MONDAY=$((60 * 3600)) # before that noon, in seconds
WEEK=$((7 * 86400))

@test "idb-stats: an empty store, every member of the answer" {
    run --separate-stderr -0 idb-stats </dev/null
    [ -z "$stderr" ]
    [ "$(jq -c 'del(.at, .newest_audit, .store, .hour, .day, .week)' <<<"$output")" = '{"sessions":{"issued":0,"called":0,"connected":0,"wrap_up":0},"overdue":0,"codes":{"live":0,"chance":0,"chance_per_call":0,"warn_above":1e-06,"wrong":0,"wrong_limit":100,"wrong_window":600},"alarms":{"forged":0,"twin_code":0}}' ]
    [ "$(members)" = 'alarms at codes day hour newest_audit overdue sessions store week' ]
    [ "$(members .store)" = 'bytes free_pages log_bytes pages' ]
    [ "$(json .store.bytes)" -gt 0 ]
    about 0 "$(in_seconds .at)"
    for period in hour day week; do
        [ "$(jq -c ".$period | del(.from, .until, .purposes)" <<<"$output")" = '{"issued":0,"renewals":0,"codes":{"accepted":0,"mistyped":0,"wrong":0,"expired":0,"used":0,"throttled":0,"call_bound":0,"call_ended":0},"steps":{"ended":0,"called":0,"connected":0,"finished":0},"renewed":0,"expired_uncalled":0,"states":{"done":0,"expired":0,"cancelled":0},"reasons":{"ended":0,"wrap_up":0,"resident":0,"hung_up":0,"expired":0,"cancelled":0,"replaced":0,"not_me":0,"restored":0}}' ]
    done
    [ "$(json '.week | "\(.purposes) \(has("other"))"')" = '{} false' ]
}

@test "idb-stats: what the programs did is counted" {
    first=$(issue_status) second=$(issue_status) third=$(issue change) fourth=$(issue_status)
    verify "$(mistyped_code "$(code_of "$first")")" c-1 >/dev/null || true
    verify "$(wrong_code "$(code_of "$first")")" c-1 >/dev/null || true
    verify "$(code_of "$first")" c-1 >/dev/null
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    idb-end --zone=desk <<<'{"call_id":"c-1"}' >/dev/null
    browser idb-renew "$second" >/dev/null
    verify "$(code_of "$third")" c-3 >/dev/null
    confirm "$third" false >/dev/null
    browser idb-end "$fourth" >/dev/null
    run --separate-stderr -0 idb-stats
    [ "$(counts .sessions)" = 'issued 1' ]
    [ "$(counts .codes)" = 'live 1 chance 1e-09 chance_per_call 3e-09 warn_above 1e-06 wrong 1 wrong_limit 100 wrong_window 600' ]
    for period in hour day; do
        [ "$(json ".$period | \"\(.issued) \(.renewals) \(.renewed) \(.expired_uncalled)\"")" = '4 1 0 0' ]
        [ "$(counts ".$period.codes")" = 'accepted 2 mistyped 1 wrong 1' ]
        [ "$(counts ".$period.steps")" = 'ended 3 called 2 connected 1 finished 1' ]
        [ "$(counts ".$period.states")" = 'done 1 cancelled 2' ]
        [ "$(counts ".$period.reasons")" = 'ended 1 cancelled 1 not_me 1' ]
    done
    [ "$(counts .week.steps)" = '' ]
    # The one that is left runs out of time.
    at_offset +5h idb-purge >/dev/null
    run --separate-stderr -0 at_offset +5h idb-stats
    [ "$(counts .sessions)" = '' ]
    [ "$(counts .hour.reasons)" = 'expired 1' ]
    [ "$(json '.hour | "\(.renewed) \(.expired_uncalled)"')" = '1 1' ]
    [ "$(counts .day.reasons)" = 'ended 1 expired 1 cancelled 1 not_me 1' ]
}

@test "idb-stats: a period is what ended in it, and each step a part of the one before" {
    NOON=$(noon)
    ended 7 1800 'done' wrap_up status 1 1 2
    ended 5 3500 'done' hung_up status 1
    ended 3 3700 cancelled not_me status 1 1
    ended 11 7200 expired expired status
    ended 2 7200 expired expired status 1
    ended 4 86300 'done' resident status 1 1
    ended 100 86500 'done' ended status 1 1
    recorded 6 90000 issue ok
    recorded 5 7200 verify wrong
    recorded 2 7200 renew ok
    recorded 3 1800 verify accepted
    recorded 1 1800 verify twin_code
    run --separate-stderr -0 stats_then
    [ "$(counts .hour.steps)" = 'ended 12 called 12 connected 7 finished 7' ]
    [ "$(counts .hour.reasons)" = 'wrap_up 7 hung_up 5' ]
    [ "$(counts .hour.codes)" = 'accepted 3' ]
    [ "$(counts .day.steps)" = 'ended 32 called 21 connected 14 finished 11' ]
    [ "$(counts .day.states)" = 'done 16 expired 13 cancelled 3' ]
    [ "$(counts .day.reasons)" = 'wrap_up 7 resident 4 hung_up 5 expired 13 not_me 3' ]
    [ "$(counts .day.codes)" = 'accepted 3 wrong 5' ]
    [ "$(json '.day | "\(.issued) \(.renewals) \(.renewed) \(.expired_uncalled)"')" = '0 2 7 11' ]
    [ "$(json .newest_audit)" = "$(at 1800)" ]
}

@test "idb-stats: sessions that live, and those that should be gone" {
    NOON=$(noon)
    lives 3 issued -600 -60 30
    lives 2 issued -600 60 1200
    lives 4 called -600 0 7200
    lives 1 connected -600 0 600
    run --separate-stderr -0 stats_then
    [ "$(counts .sessions)" = 'issued 5 called 4 connected 1' ]
    [ "$(json '. | "\(.oldest_session) \(.overdue) \(has("oldest_overdue"))"')" = "$(at 7200) 0 false" ]
    [ "$(json .codes.live)" = 3 ]
    lives 6 wrap_up 60
    lives 1 called 5400 0 9000
    run --separate-stderr -0 stats_then
    [ "$(counts .sessions)" = 'issued 5 called 4 connected 1' ]
    [ "$(json '. | "\(.oldest_session) \(.overdue) \(.oldest_overdue)"')" = "$(at 7200) 7 $(at 5400)" ]
}

@test "idb-stats: purposes are of the last whole week alone" {
    NOON=$(noon)
    ended 10 $((MONDAY + 1)) 'done' ended status 1 1
    ended 20 $((MONDAY + WEEK - 1)) 'done' ended appointment 1 1
    ended 40 $((MONDAY - 1)) 'done' ended change 1 1
    ended 80 $((MONDAY + WEEK + 1)) 'done' ended change 1 1
    recorded 9 $((MONDAY + WEEK + 1)) issue ok
    recorded 3 $((MONDAY + WEEK - 1)) issue ok
    recorded 5 $((MONDAY - 1)) issue ok
    run --separate-stderr -0 stats_then
    [ "$(json '.week | "\(.from) \(.until)"')" = "$(at $((MONDAY + WEEK))) $(at "$MONDAY")" ]
    [[ $(json .week.from) == *T00:00:00.000Z ]]
    [ "$(date -u -d "$(json .week.from)" +%a)" = "$(LC_ALL=C date -u -d '2026-11-16' +%a)" ]
    [ "$(counts .week.steps)" = 'ended 30 called 30 connected 30 finished 30' ]
    [ "$(json .week.issued)" = 3 ]
    [ "$(counts .week.purposes)" = 'status 10 appointment 20' ]
    [ "$(json '.week | has("other")')" = false ]
    # And of no other period.
    [ "$(jq -c '[.hour, .day | has("purposes", "other")]' <<<"$output")" = '[false,false,false,false]' ]
}

# week A B C: that many of each purpose in the last whole week; the answer's purposes, and other.
week() {
    sql 'DELETE FROM session'
    ((!$1)) || ended "$1" $((MONDAY + 3600)) 'done' ended status
    ((!$2)) || ended "$2" $((MONDAY + 3600)) 'done' ended appointment
    ((!$3)) || ended "$3" $((MONDAY + 3600)) 'done' ended change
    run --separate-stderr -0 stats_then
    week=$(counts .week.purposes)/$(json .week.other)
}

@test "idb-stats: no purpose is named with a count below ten, nor to be had by subtraction" {
    NOON=$(noon)
    week 10 30 20
    [ "$week" = 'status 10 appointment 30 change 20/null' ]
    # Two small ones are together.
    week 9 30 1
    [ "$week" = 'appointment 30/10' ]
    # A single one takes the smallest of the others along.
    week 1 30 20
    [ "$week" = 'appointment 30/21' ]
    week 9 30 0
    [ "$week" = '/39' ]
    # Few in all are not shown.
    week 4 3 2
    [ "$week" = '/null' ]
    week 0 0 1
    [ "$week" = '/null' ]
    # One that is no longer configured has no name.
    week 0 30 0
    ended 25 $((MONDAY + 3600)) 'done' ended abolished
    run --separate-stderr -0 stats_then
    [ "$(counts .week.purposes)/$(json .week.other)" = 'appointment 30/25' ]
    [[ $output != *abolished* ]]
}

@test "idb-stats: without rows of two weeks there is no week, for it would crumble" {
    idb_instance '.audit.days = 13'
    NOON=$(noon)
    run --separate-stderr -0 stats_then
    [ "$(members)" = 'alarms at codes day hour newest_audit overdue sessions store' ]
    run --separate-stderr -0 stats_then --human
    run --separate-stderr -0 stats_then --prometheus
    [[ $output != *idb_week* ]]
    idb_instance '.audit.days = 14'
    run --separate-stderr -0 stats_then
    [ "$(json '.week | type')" = object ]
}

@test "idb-stats: the chance of a guess is that by which idb-issue warns" {
    idb_instance '.code.digits = 8 | .code.risk = 1.5e-7 | .throttle.per_call = 2'
    [ "$(issue_status | jq -r .warning)" = null ]
    run --separate-stderr -0 idb-stats
    [ "$(jq -c '.codes | [.live, .chance, .chance_per_call, .warn_above]' <<<"$output")" = '[1,1e-07,2e-07,1.5e-07]' ]
    [ "$(issue_status | jq -r .warning)" = guess_risk ]
    run --separate-stderr -0 idb-stats
    [ "$(jq -c '.codes | [.live, .chance, .chance_per_call]' <<<"$output")" = '[2,2e-07,4e-07]' ]
    # A code past its time is none, though its session lives.
    run --separate-stderr -0 at_offset +601s idb-stats
    [ "$(jq -c '[.codes.live, .codes.chance, .sessions.issued]' <<<"$output")" = '[0,0,2]' ]
}

@test "idb-stats: wrong codes leave the throttle's window, and stay in the period" {
    for call in 1 2 3 4; do
        verify 1234567897 "c-$call" >/dev/null || true
        verify "$(damm 123456789 | sed 's/^/123456789/')" "d-$call" >/dev/null || true
    done
    run --separate-stderr -0 idb-stats
    wrong=$(json .hour.codes.wrong)
    [ "$wrong" -ge 4 ]
    [ "$(json .codes.wrong)" = "$wrong" ]
    run --separate-stderr -0 at_offset +21m idb-stats
    [ "$(json '. | "\(.codes.wrong) \(.hour.codes.wrong)"')" = "0 $wrong" ]
    run --separate-stderr -0 at_offset +61m idb-stats
    [ "$(json '. | "\(.hour.codes.wrong) \(.day.codes.wrong)"')" = "0 $wrong" ]
}

@test "idb-stats: alarms never fall, and one that has no name of ours is escaped" {
    sql $'INSERT INTO counter VALUES (\'forged\', 3), (\'\ea"b\\c\nd\', 2)'
    at_offset +91d idb-purge >/dev/null
    run --separate-stderr -0 idb-stats
    [ "$(json '. | "\(.alarms.forged) \(.alarms.twin_code) \(.alarms | length)"')" = '3 0 3' ]
    run --separate-stderr -0 idb-stats --prometheus
    [ "$(grep '^idb_alarms_total' <<<"$output")" = 'idb_alarms_total{word="forged"} 3
idb_alarms_total{word="twin_code"} 0
idb_alarms_total{word="'$'\e''a\"b\\c\nd"} 2' ]
    # No control character reaches a terminal.
    run --separate-stderr -0 idb-stats --human
    [[ $output == *'alarms     ?a"b\c?d         2'* ]]
    [[ $output != *$'\e'* ]]
}

@test "idb-stats: --human is a table, on a terminal too, unless Prometheus asks" {
    ended_now() { sql "UPDATE session SET state = 'done', end_reason = 'ended', due_at = NULL, ended_at = created_at"; }
    issue_status >/dev/null
    ended_now
    run --separate-stderr -0 idb-stats --human
    [ -z "$stderr" ]
    grep -qxE 'at +20[0-9-]+T[0-9:.]+Z' <<<"$output"
    grep -qx 'sessions   issued           0' <<<"$output"
    grep -qx 'codes      warn_above       1e-06' <<<"$output"
    grep -qx '                                 hour       day      week' <<<"$output"
    grep -qx '           issued                   1         1         0' <<<"$output"
    grep -qx 'reasons    ended                    1         1         0' <<<"$output"
    run -1 grep -E '.{81}' <<<"$output"
    # The same on a terminal.
    idb-stats --human | sed 's/[0-9]/x/g' >"$BATS_TEST_TMPDIR/table"
    run -0 script -qec idb-stats /dev/null
    [ "$(tr -d '\r' <<<"$output" | sed 's/[0-9]/x/g')" = "$(cat "$BATS_TEST_TMPDIR/table")" ]
    run -0 script -qec 'idb-stats --prometheus' /dev/null
    [[ $output == '# HELP '* ]]
    # Purposes stand below the table.
    idb_instance
    NOON=$(noon)
    ended 12 $((MONDAY + 3600)) 'done' ended
    ended 4 $((MONDAY + 3600)) 'done' ended appointment
    ended 40 $((MONDAY + 3600)) 'done' ended change
    run --separate-stderr -0 stats_then --human
    grep -qx 'purpose    change           40' <<<"$output"
    grep -qx 'week       other            16' <<<"$output"
    [[ $output != *appointment* ]]
}

# exposition: checks $output against the text format 0.0.4 line by line: each metric has a
# HELP and a TYPE before its samples, in one block, and no series is there twice; every sample is a
# number. Prints the series with their values.
exposition() {
    awk '
        function bad(why) { print NR ": " why ": " $0; failed = 1 }
        /^# HELP idb_[a-z_]+ [A-Z].*[.]$/ { if ($3 in helped) bad("again"); helped[$3]; name = $3; next }
        /^# TYPE idb_[a-z_]+ (gauge|counter)$/ {
            if ($3 != name) bad("not behind its HELP")
            if (($4 == "counter") != ($3 ~ /_total$/)) bad("a counter ends in _total, and nothing else")
            typed = $3; next }
        match($0, /^idb_[a-z_]+(\{[a-z]+="([^"\\]|\\["\\n])*"\})? -?[0-9]+([.][0-9]+)?(e-?[0-9]+)?$/) {
            series = $0; sub(/ [^ ]*$/, "", series); own = series; sub(/\{.*/, "", own)
            if (own != typed) bad("not behind its TYPE")
            if (series in seen) bad("twice")
            seen[series]; print; next }
        { bad("no such line") }
        END { exit failed }'
}

@test "idb-stats: --prometheus, line by line, says what the JSON says" {
    NOON=$(noon)
    lives 3 issued -600 -60 30
    lives 2 called 60
    ended 12 1800 'done' wrap_up status 1 1 1
    ended 2 1900 expired expired
    ended 12 $((MONDAY + 3600)) 'done' ended
    ended 4 $((MONDAY + 3600)) 'done' ended appointment
    ended 40 $((MONDAY + 3600)) 'done' ended change
    recorded 4 1800 verify wrong
    recorded 2 1700 issue ok
    sql "INSERT INTO counter VALUES ('twin_code', 5)"
    run --separate-stderr -0 stats_then --prometheus
    [ -z "$stderr" ]
    exposition <<<"$output" >"$BATS_TEST_TMPDIR/series" || { cat "$BATS_TEST_TMPDIR/series"; false; }
    # A file ends with the end of a line.
    [ "$(stats_then --prometheus | tail -c 1 | od -An -tx1)" = ' 0a' ]
    run --separate-stderr -0 stats_then
    while read -r path series; do
        value=$(jq -r "$path" <<<"$output")
        [[ $value != *T*Z ]] || value=$(date -u -d "$value" +%s.%3N)
        grep -qxF -- "$series $value" "$BATS_TEST_TMPDIR/series" || { echo "$series is not $value"; false; }
    done <<'END'
.sessions.issued idb_sessions{state="issued"}
.overdue idb_overdue_sessions
.oldest_session idb_oldest_session_timestamp_seconds
.oldest_overdue idb_oldest_overdue_timestamp_seconds
.newest_audit idb_newest_audit_timestamp_seconds
.codes.live idb_live_codes
.codes.chance idb_guess_ratio
.codes.chance_per_call idb_call_guess_ratio
.codes.warn_above idb_guess_limit_ratio
.codes.wrong idb_wrong_codes
.codes.wrong_limit idb_wrong_codes_limit
.codes.wrong_window idb_wrong_codes_window_seconds
.alarms.forged idb_alarms_total{word="forged"}
.alarms.twin_code idb_alarms_total{word="twin_code"}
.store.bytes idb_store_bytes
.store.pages idb_store_pages
.store.free_pages idb_store_free_pages
.hour.issued idb_hour_issued_sessions
.hour.renewals idb_hour_renewals
.hour.codes.wrong idb_hour_codes{result="wrong"}
.hour.reasons.wrap_up idb_hour_ended_sessions{reason="wrap_up"}
.hour.steps.called idb_hour_called_sessions
.hour.steps.connected idb_hour_connected_sessions
.hour.steps.finished idb_hour_finished_sessions
.hour.renewed idb_hour_renewed_sessions
.hour.expired_uncalled idb_hour_uncalled_sessions
.day.reasons.expired idb_day_ended_sessions{reason="expired"}
.week.from idb_week_start_timestamp_seconds
.week.reasons.ended idb_week_ended_sessions{reason="ended"}
.week.purposes.change idb_week_purpose_sessions{purpose="change"}
.week.other idb_week_other_sessions
END
    [ "$(grep -c '^idb_week_purpose_sessions' "$BATS_TEST_TMPDIR/series")" = 1 ]
    # What there is none of is left out, and what is counted begins with 0.
    idb_instance
    run --separate-stderr -0 idb-stats --prometheus
    exposition <<<"$output" >"$BATS_TEST_TMPDIR/series"
    run -1 grep -E 'oldest|week_(purpose|other)' <<<"$output"
    grep -qx 'idb_hour_ended_sessions{reason="not_me"} 0' "$BATS_TEST_TMPDIR/series"
}

@test "idb-stats: alerts and dashboard name only what is printed" {
    NOON=$(noon)
    lives 1 called 60
    lives 1 called -60
    ended 12 $((MONDAY + 3600)) 'done' ended
    ended 40 $((MONDAY + 3600)) 'done' ended appointment
    ended 4 $((MONDAY + 3600)) 'done' ended change
    stats_then --prometheus >"$BATS_TEST_TMPDIR/printed"
    names() { grep -oE '\bidb_[a-z_]+' | sort -u; }
    grep -v '^#' "$BATS_TEST_TMPDIR/printed" | names >"$BATS_TEST_TMPDIR/names"
    sed -n 's/^ *expr: //p' "$IDB_ROOT/scripts/stats/rules.yaml" | names >"$BATS_TEST_TMPDIR/alerts"
    jq -r '.panels[].targets[].expr' "$IDB_ROOT/scripts/stats/dashboard.json" | names >"$BATS_TEST_TMPDIR/shown"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/alerts")" -ge 10 ]
    [ "$(wc -l <"$BATS_TEST_TMPDIR/shown")" -ge 10 ]
    for file in alerts shown; do
        [ -z "$(comm -13 "$BATS_TEST_TMPDIR/names" "$BATS_TEST_TMPDIR/$file")" ]
    done
    # Labels and their values too.
    while read -r selector; do
        grep -qF -- "$selector" "$BATS_TEST_TMPDIR/printed"
    done < <(grep -ohE 'idb_[a-z_]+\{[^}]*\}' "$IDB_ROOT"/scripts/stats/*)
    # A gauge over a period does not grow: no rate of it. That is for counters alone.
    run -1 grep -oE '(rate|increase)\(idb_[a-z_]+' <(grep -vE '(rate|increase)\(idb_[a-z_]+_total' "$IDB_ROOT"/scripts/stats/*)
    # Each alert says what is the matter and what to do.
    alerts=$(grep -c '^ *- alert: Idb' "$IDB_ROOT/scripts/stats/rules.yaml")
    for word in expr labels severity annotations summary description; do
        [ "$(grep -cE "^ +$word:" "$IDB_ROOT/scripts/stats/rules.yaml")" = "$alerts" ]
    done
    [ "$(jq '[.panels[].id] | length == (unique | length)' "$IDB_ROOT/scripts/stats/dashboard.json")" = true ]
}

@test "idb-stats: nothing of anybody, and no key is read" {
    first=$(issue_status) second=$(issue change)
    verify "$(code_of "$first")" the-call +31201234567 >/dev/null
    lookup_as alice '{"call_id":"the-call"}' >/dev/null
    rm -r "$IDB_KEYS"
    before=$(snapshot)
    for option in '' --human --prometheus; do
        # shellcheck disable=SC2086  # none, or one word
        run --separate-stderr -0 idb-stats $option
        for word in alice the-call "$(session_of "$first")" "$(session_of "$second")" \
            "$(member ticket "$first")" "$(code_of "$first")" Estpersoon 999990019 kcc change; do
            [[ $output != *"$word"* ]]
        done
    done
    [ "$(snapshot)" = "$before" ]
}

@test "idb-stats: beside a writer it does not wait, nor is it waited for" {
    hold_lock
    run --separate-stderr -0 idb-stats
    [ "$(json .overdue)" = 0 ]
    release_lock
}

@test "idb-stats: wrong options are 64, and nothing is counted" {
    for options in '--human --prometheus' '--prometheus --human' word '--json' '--human=1'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr -64 idb-stats $options
        failed idb-stats usage
    done
}

@test "idb-stats: a store that is missing, of another schema, or ahead of the clock" {
    for option in '' --prometheus --human; do
        store_away
        # shellcheck disable=SC2086  # none, or one word
        run --separate-stderr -78 idb-stats $option
        failed idb-stats store_missing
        store_back
    done
    for version in 1 99; do
        sql "UPDATE meta SET value = $version WHERE name = 'schema_version'"
        run --separate-stderr -78 idb-stats
        failed idb-stats schema
    done
    sql "UPDATE meta SET value = 3 WHERE name = 'schema_version'"
    run --separate-stderr -75 at_offset -2h idb-stats
    failed idb-stats clock
}

@test "idb-stats: for the collector a file is whole, or stays what it was" {
    export IDB_PATH=$IDB_BUILD
    textfile=$IDB_ROOT/scripts/stats/textfile folder=$BATS_TEST_TMPDIR/collector
    mkdir "$folder"
    umask 077
    run --separate-stderr -0 "$textfile" "$folder"
    [ -z "$output$stderr" ]
    [ "$(ls -A "$folder")" = idb.prom ]
    [ "$(stat -c %a "$folder/idb.prom")" = 644 ]
    exposition <"$folder/idb.prom" >/dev/null
    issue_status >/dev/null
    run --separate-stderr -0 "$textfile" "$folder"
    grep -qx 'idb_live_codes 1' "$folder/idb.prom"
    before=$(cat "$folder/idb.prom")
    store_away
    run --separate-stderr -78 "$textfile" "$folder"
    [[ -z $output && $stderr == 'idb-stats: '* ]]
    [ "$(ls -A "$folder")" = idb.prom ]
    [ "$(cat "$folder/idb.prom")" = "$before" ]
    run --separate-stderr -73 "$textfile" "$folder/none"
    [[ -z $output && $stderr == *"$folder/none/"* ]]
    for words in '--what' 'a b'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr -64 "$textfile" $words
        [[ -z $output && $stderr == 'usage: textfile'* ]]
    done
    run --separate-stderr -64 "$textfile" ''
    run --separate-stderr -0 "$textfile" --help
    [[ $output == 'usage: textfile'* ]]
}
