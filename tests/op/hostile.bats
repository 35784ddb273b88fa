#!/usr/bin/env bats
# On PostgreSQL with --long
# With --long alone: the quick ones of its kind are run each time.
# Sanitized with --long: tests/op/guess.bats and tests/idb-verify.bats have the same
# programs with fewer guesses.
# Hostile callers, case by case as GUESSING in idb-verify(1) has them, and its figures.

setup() {
    load ../lib
    load lib
    load guess
    load race
    PAGE=$IDB_ROOT/man/idb-verify.1
    cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
    exec 8>&-
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null || true
    wait
}

# rows: the table's, a tab between cells. setting NAME: as shipped.
rows() { sed -n '/^\.Sh GUESSING/,/^\.Sh ENV/s/^\.It //p' "$PAGE" | grep ' Ta ' | grep -v '^Em ' | sed 's/ Ta /\t/g'; }
setting() { sed -nE "s/^\.It Ic $1 : [0-9]+ to [0-9]+( seconds)?, default ([0-9]+)\$/\2/p" "$IDB_ROOT/man/idb.json.5" | head -n 1; }

# tries N CALL [CALLER]: wrong codes, three on a call, named CALL and a number.
tries() {
    local i
    for ((i = 0; i < $1; i++)); do
        printf '{"code":"%s","call_id":"%s-%d"%s}\n' "$wrong" "$2" $((i / 3)) "${3:+,\"caller\":\"$3\"}"
    done | idb-verify >answers || [ $? = 1 ]
    [ "$(jq -r .result answers | sort | uniq -c | xargs)" = "$1 wrong" ]
}

# lucky CALL [CALLER]: a code that is live, keyed in; lucky holds what idb-issue gave.
lucky() {
    lucky=$(issue 1 appointment)
    verify "$(code_of "$lucky")" "$@" >answer
    [ "$(jq -r .result answer)" = accepted ]
}

# desk CALL: what the agent gets; says YES: the resident's word, in their browser.
desk() { { lookup_as alice "{\"call_id\":\"$1\"}" || [ $? = 1 ]; } | jq -r '.result + if .attributes then " attributes" else "" end + if .warning then " " + .warning else "" end'; }
says() { jq -nc --arg c "$(cookies_of "$lucky")" --argjson yes "$1" '{ cookies: $c, confirm: $yes }' | idb-confirm | jq -r .result; }

@test "hostile: the figures of the page are those of its formulas, and idb(7) has the same" {
    grep -qx '\.Dl p = live / 10 ^ (digits - 1)' "$PAGE"
    grep -qx '\.Dl 1 - (1 - p) ^ g' "$PAGE"
    grep -qx '\.Dl d = 86400 / window + 1' "$PAGE"
    grep -q 'with codes of 10 digits of which 1000 live,$' "$PAGE"
    grep -q '^and with codes of 8 digits of which 200 live\.$' "$PAGE"
    [ "$(setting per_call) $(setting per_caller) $(setting total) $(setting window)" = '3 10 100 600' ]
    [ "$(rows | wc -l)" = 6 ]
    while IFS=$'\t' read -r case formula g ten eight; do
        [[ $formula =~ ^[a-z_0-9\ *]+$ ]]
        [ "$(awk -v per_call="$(setting per_call)" -v per_caller="$(setting per_caller)" \
            -v total="$(setting total)" -v window="$(setting window)" \
            "BEGIN { d = 86400 / window + 1; print $formula }")" = "$g" ]
        while read -r live digits printed; do
            awk -v live="$live" -v digits="$digits" -v g="$g" -v printed="$printed" 'BEGIN {
                chance = 1 - (1 - live / 10 ^ (digits - 1)) ^ g
                # Two figures that count.
                exit sprintf("%.1e", chance) != sprintf("%.1e", printed) || printed !~ /^0\.0*[1-9][0-9]$/
            }' || { echo "$case: $printed"; return 1; }
        done <<<"1000 10 $ten
200 8 $eight"
    done < <(rows)
    # What idb(7) says in words.
    said=$(sed -n '/^\.Sy A hostile caller/,/^\.Sy A relay/p' "$IDB_ROOT/man/idb.7" | tr '\n' ' ')
    [[ $said == *"So at most $(rows | sed -n 's/^all numbers, a window\t[^\t]*\t\([0-9]*\)\t.*/\1/p') guesses in any ten minutes, and $(rows | sed -n 's/^all numbers, a day\t[^\t]*\t\([0-9]*\)\t.*/\1/p') in a day, "* ]]
    [[ $said == *'1000 live codes that is one in a million'*'a chance of one in 5000, and for who keeps that up a whole day 1.4 in a hundred; with 100 live codes a tenth of that.'* ]]
    [ "$(rows | sed -n 's/^all numbers, a window\t.*\t\(0[^\t]*\)\t.*/\1/p')" = 0.00020 ]
    [ "$(rows | sed -n 's/^all numbers, a day\t.*\t\(0[^\t]*\)\t.*/\1/p')" = 0.014 ]
}

@test "hostile: ten thousand calls from spoofed numbers hit as often as chance, and honest callers get through" {
    guess 3000 30000 8 fresh
    [ "$(sed 's/.*"call_id":"\(g-[^"]*\)".*/\1/' requests | sort -u | wc -l)" = 10000 ]
}

@test "hostile: in one window at most twice the limit of a number needs no yes, in the long run once" {
    hostile_instance '.throttle = { per_caller: 6, window: 60 }'
    sliding 6 60 3 +31612345678
}

@test "hostile: in one window at most twice the limit of all numbers needs no yes, in the long run once" {
    hostile_instance '.throttle = { total: 6, window: 60 }'
    sliding 6 60 3 fresh
}

@test "hostile: a number written in another way is no other number, and gives a call no more tries" {
    hostile_instance '.throttle = { per_caller: 10 }'
    "$IDB_ROOT/tests/tools/guesses" 60 10 w 1 withheld >guesses
    # On one call, each time from another.
    sed 's/"call_id":"[^"]*"/"call_id":"one"/' guesses | idb-verify >answers || [ $? = 1 ]
    [ "$(jq -r .result answers | sort | uniq -c | xargs)" = '57 throttled 3 wrong' ]
    # All are one number: after ten the next needs a yes, and who has a number does not.
    idb-verify <<<"$(sed -n '1,7p' guesses)" >answers || [ $? = 1 ]
    [ "$(jq -r .result answers | sort | uniq -c | xargs)" = '7 wrong' ]
    [ "$(jq -r '.caller // ""' guesses | sort -u | wc -l)" -ge 10 ]
    while IFS= read -r caller; do
        lucky "h-$((++n))" "$caller"
        [ "$(desk "h-$n")" = unconfirmed ]
    done < <(jq -r '.caller // ""' guesses | sort -u)
    lucky own-1 +31612345678
    [ "$(desk own-1)" = 'open attributes' ]
}

@test "hostile: who claims a victim's number cannot shut the victim out, nor anybody else" {
    hostile_instance
    tries 30 spoof +31611111111
    lucky victim +31611111111
    [ "$(desk victim)" = unconfirmed ]
    [ "$(says true)" = confirmed ]
    [ "$(desk victim)" = 'open attributes' ]
    # Others do not notice.
    lucky other +31622222222
    [ "$(desk other)" = 'open attributes' ]
    lucky withheld
    [ "$(desk withheld)" = 'open attributes' ]
    # Nor does the victim when the window is over.
    issued=$(at_offset +21m issue 1 appointment)
    at_offset +21m verify "$(code_of "$issued")" victim-2 +31611111111 >answer
    [ "$(at_offset +21m desk victim-2)" = 'open attributes' ]
}

@test "hostile: many at once pass no limit, not by one, and honest callers come in between" {
    local i
    hostile_instance '.throttle = { total: 20, per_caller: 1000 }'
    issue 64 appointment | jq -r .code >codes
    race_start
    # A program for each try: of four on a call three are looked at, and every other
    # one has a code that is good.
    for ((i = 0; i < 128; i++)); do
        if ((i % 2)); then
            racer "$(sed -n "$((i / 2 + 1))p" codes)" "h-$i" 3>&- &
        else
            racer "$wrong" "g-$((i % 32))" 3>&- &
        fi
    done
    race_end
    [ "$(sort results | uniq -c | xargs)" = '64 0 accepted 16 1 throttled 48 1 wrong' ]
    [ "$(sql 'SELECT COUNT(*) FROM attempts WHERE count = 3')" = 16 ]
    [ "$(sql 'SELECT MAX(count) FROM attempts')" = 48 ]
    # In the order of the record: from the twentieth wrong one on each needs the yes.
    sql "SELECT audit.result, session.confirm FROM audit LEFT JOIN session ON session.id = audit.session
         WHERE action = 'verify' AND result <> 'throttled' ORDER BY audit.id" | awk -F'|' '
        $1 == "wrong" { wrong++; next }
        { n[$2]++; if (($2 == "page") != (wrong >= 20)) { print "after " wrong ": " $0; bad = 1 } }
        END {
            printf "# %d accepted before the limit, %d after it\n", n["notify"], n["page"]
            exit bad || !n["notify"] || !n["page"]
        }' >seen || { cat seen; false; }
    cat seen >&3
    is_sound
}

@test "hostile: counts outlive programs, a new key, a purge, and a restore as far as the backup has them" {
    hostile_instance
    tries 99 many
    verify "$wrong" last-1 >answer || [ $? = 1 ]
    quietly idb-store backup "$PWD/backup.db"
    for again in 'idb-keys rotate code' idb-purge "idb-store restore $PWD/backup.db" 'idb-keys rotate code'; do
        # shellcheck disable=SC2086
        quietly $again
        lucky "h-$((++n))" +31612345678
        [ "$(desk "h-$n")" = unconfirmed ]
        [ "$(verify "$(code_of "$(issue 1)")" many-0 | jq -r .result)" = throttled ]
        run --separate-stderr -1 verify "$(mistyped_code "$wrong")" last-1
        [ "$(json attempts_left)" = 2 ]
    done
    # What was counted after the backup is not in it.
    verify "$wrong" last-1 >answer || [ $? = 1 ]
    [ "$(jq .attempts_left answer)" = 1 ]
    quietly idb-store restore "$PWD/backup.db"
    run --separate-stderr -1 verify "$(mistyped_code "$wrong")" last-1
    [ "$(json attempts_left)" = 2 ]
}

@test "hostile: a hit past the limit is of no use, now, later, or on another call, and the resident ends it" {
    hostile_instance
    tries 102 many +31699999999
    lucky hit +31699999999
    [ "$(desk hit)" = unconfirmed ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"hit","reveal":["name"]}'
    [[ $output != *Estpersoon* ]]
    idb-transfer <<<'{"call_id":"hit","to_call_id":"moved"}' >answer
    [ "$(desk moved)" = unconfirmed ]
    # Nobody else's cookie says yes for it.
    mine=$lucky
    lucky other
    [ "$(says true)" = confirmed ]
    [ "$(desk moved)" = unconfirmed ]
    [ "$(desk other)" = 'open attributes' ]
    lucky=$mine
    [ "$(says false)" = not_me ]
    [ "$(desk moved)" = 'ended not_me' ]
    # The rate falls, and a stranger who waited for that still waits.
    lucky waits +31699999999
    [ "$(at_offset +1h desk waits)" = unconfirmed ]
    # Before the limit a hit is one: that is what the table counts.
    hostile_instance
    tries 9 few +31699999999
    lucky hit +31699999999
    [ "$(desk hit)" = 'open attributes' ]
}
