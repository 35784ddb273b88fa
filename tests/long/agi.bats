#!/usr/bin/env bats
# The plain build only: ten thousand callers through inetd, and what they leave behind.

N=${CALLERS:-10000}
AT_ONCE=50

setup_file() {
    load ../lib
    load ../op/service
    services_up
    gcc -D_GNU_SOURCE -std=c17 -Wall -Wextra -Werror -O2 -o "$BASE/bin/callers" \
        "$IDB_ROOT/tests/tools/callers.c"
}

teardown_file() {
    load ../op/service
    services_down
}

setup() {
    load ../lib
    load ../op/lib
    load ../op/service
    load ../tools/inetd
    service_instance
    cd "$HERE" || return
}

teardown() {
    { exec 7>&-; } 2>/dev/null
    if [ -n "${CALLERS_PID-}" ]; then
        kill "$CALLERS_PID" 2>/dev/null || true
        wait "$CALLERS_PID" || true
    fi
    [ -z "${INETD-}" ] || server_down "$INETD"
    cd / && rm -rf "$HERE"
}

# inetd_up NAME [OTHER]: inetd with the shipped line of that program; user, folder and
# port alone are others, and the program where OTHER is given. Sets PORT.
inetd_up() {
    PORT=$(free_ports 1)
    sed -nE "s/^#?(127.*) $1\$/\1 $1/p" "$IDB_ROOT/scripts/inetd/idb.conf" |
        sed -E "s/:[0-9]+ /:$PORT /; s/ idb-phone / $PHONE /; s: /usr/local/bin/[^ ]*: $BASE/bin/${2-$1}:" >inetd.conf
    grep -q 'nowait\.60000' inetd.conf
    inetd_start "$HERE/inetd.conf" "$PHONE"
    until_true listening "$PORT"
}

# codes N: issues N codes in one stream, into the file codes: code, session.
codes() {
    requests "$1" | as "$WEB" idb-issue --attest=front-office 2>issue.complaints |
        jq -r '.code + " " + .session' >codes
    [ "$(wc -l <codes)" = "$1" ]
    ISSUED_AT=$SECONDS
}

# plan N KINDS: makes the file plan of N callers out of codes, for tests/tools/callers;
# KINDS is the awk that changes kind, call, number, code and other of caller i, with
# fresh(), wrong(code) and slip(code). k is i of a hundred.
plan() {
    awk -v n="$1" '
        function damm(digits,    d, k) {
            d = 0
            for (k = 1; k <= length(digits); k++)
                d = substr(table[d + 1], substr(digits, k, 1) + 1, 1)
            return d
        }
        # Another code with a right check digit, that is nobody'\''s.
        function wrong(code,    body) {
            body = substr(code, 1, length(code) - 1)
            do {
                body = sprintf("%0" length(body) "d", (body + 1) % 10 ^ length(body))
            } while ((body damm(body)) in live)
            return body damm(body)
        }
        function slip(code) {
            return substr(code, 1, length(code) - 1) (substr(code, length(code)) + 1) % 10
        }
        function fresh() { return all[++taken] }
        BEGIN {
            split("0317598642 7092154863 4206871359 1750983426 6123045978 " \
                "3674209581 5869720134 8945362017 9438617205 2581436790", table, " ")
        }
        { all[NR] = $1; live[$1] = 1 }
        END {
            for (i = 0; i < n; i++) {
                kind = "right"; number = i; call = "c-" i; code = other = ""
                k = i % 100
                '"$2"'
                if (code == "") code = fresh()
                printf "%s %s +316%08d %s%s\n", kind, call, number, code, other == "" ? "" : " " other
            }
        }' codes >plan
    [ "$(wc -l <plan)" = "$1" ]
}

# status_of PID NAME: a line of /proc/PID/status, in kB.
status_of() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }

# descriptors PID: how many are open. Only root may look at a program of ours.
descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }

# spread TITLE COLUMN FILE: number, median, 99th of a hundred and slowest, in milliseconds.
spread() {
    sort -g -k "$2,$2" "$3" | awk -v title="$1" -v k="$2" '{ all[NR] = $k }
        END { printf "# %s: %d, median %.0f ms, 99%% within %.0f ms, slowest %.0f ms\n",
              title, NR, all[int((NR + 1) / 2)], all[int(NR * 0.99 + 0.5)], all[NR] }' >&3
}

# nothing QUERY: the store has no such row.
nothing() {
    local rows
    rows=$(sql "$1 LIMIT 5")
    [ -z "$rows" ] || { printf '%s\n' "$rows"; return 1; }
}

# audited: how often verify said what, one line each.
audited() {
    sql "SELECT result, COUNT(*) FROM audit WHERE action = 'verify' GROUP BY result ORDER BY result" |
        tr '|' ' '
}

# pages_are_asked: of the accepted, just those after the hundredth wrong code must be
# confirmed on the page, and both kinds are there.
pages_are_asked() {
    sql "CREATE TEMP TABLE v AS SELECT session, result, COALESCE(detail, '') AS detail,
             SUM(result IN ('wrong', 'expired', 'used')) OVER (ORDER BY id) >= 100 AS past
             FROM audit WHERE action = 'verify';
         SELECT past, detail, session.confirm, COUNT(*) FROM v LEFT JOIN session
             ON session.id = v.session WHERE result = 'accepted' GROUP BY 1, 2, 3 ORDER BY 1" >pages
    [ "$(cut -d '|' -f 1-3 pages)" = '0||notify
1|{"confirm":"page"}|page' ] || { cat pages; return 1; }
}

@test "agi: $N dialogues through inetd, $AT_ONCE at once: none lost, none double, nothing left behind" {
    local began rss files call heard twice
    codes "$N"
    # Of a hundred: wrong and mistyped ones, who hangs up or is lost while keying (the
    # code is then keyed in later), one code by two at once, dead connections.
    # shellcheck disable=SC2016  # awk
    plan "$N" '
        if (k < 3) { kind = "wrong"; code = fresh(); other = wrong(code) }
        else if (k == 3) { kind = "slip"; code = fresh(); other = slip(code) }
        else if (k <= 6) { kind = k == 4 ? "keying" : k == 5 ? "last" : "gone"
                           code = fresh(); kept[++keep] = code; since[keep] = i }
        else if (k == 7) kind = "heard"
        else if (k == 8) { kind = i % 200 < 100 ? "empty" : "half"; code = "-" }
        else if (i % 500 == 9) { kind = "mute"; code = "-" }
        else if (k == 10) { kind = "twice"; code = pair = fresh() }
        else if (k == 11) { kind = "twice"; code = pair }
        else if (k < 20) kind = "early"
        else if (k >= 50 && k < 53 && spent < keep && i - since[spent + 1] >= 300)
            code = kept[++spent]'
    inetd_up idb-agi
    rss=$(status_of "$INETD" VmRSS) files=$(descriptors "$INETD")
    began=$SECONDS
    callers agi "$PORT" "$AT_ONCE" plan >outcomes 2>complaints || { sort complaints | head; return 1; }
    echo "# $N dialogues, $AT_ONCE at once: $((SECONDS - began)) s" >&3
    grep -vE '^(empty|half|mute|gone) ' outcomes >whole
    spread 'a dialogue' 6 whole
    spread 'last key to verdict' 7 <(grep -E '^(right|early|wrong|slip|twice) ' outcomes)
    # The codes were good all the while.
    [ "$((SECONDS - ISSUED_AT))" -lt 600 ]

    # Each has its answer, and it is the right one.
    [ "$(wc -l <outcomes)" = "$N" ]
    awk 'NR == FNR { session[$1] = $2; next }
        /^(right|early|wrong|slip) / && $4 == "accepted" && $5 == session[$3] { next }
        /^twice / && ($4 == "accepted" && $5 == session[$3] || $4 " " $5 == "not_identified -") { next }
        /^(keying|last|heard) / && $4 " " $5 == "hangup -" { next }
        /^(empty|half|mute|gone) / && $4 " " $5 == "- -" { next }
        { print }' codes outcomes >others
    [ ! -s others ] || { head -n 5 others; return 1; }

    # What was told is what stands, each code once and by the call that keyed it in.
    awk '$4 == "accepted" { print $2 "|" $5 }' outcomes | sort >told
    [ -z "$(cut -d '|' -f 2 told | sort | uniq -d)" ]
    sql "SELECT call_id, id FROM session WHERE state = 'called'" | sort >stands
    diff told stands >differences || { head -n 5 differences; return 1; }
    nothing "SELECT id, state FROM session WHERE state NOT IN ('called', 'issued')
             AND (state <> 'done' OR end_reason <> 'hung_up')"
    heard=$(grep -c '^heard ' plan) twice=$(($(grep -c '^twice ' plan) / 2))
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'done'")" = "$heard" ]
    [ "$(sql "SELECT COUNT(*) FROM ended_call")" = "$heard" ]
    # Hung up before an answer, by whatever means: unspent, or spent by the later call.
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" = "$((N - heard - $(wc -l <told)))" ]
    [ "$(audited)" = "accepted $((heard + $(wc -l <told)))
mistyped $(grep -c '^slip ' plan)
used $twice
wrong $(grep -c '^wrong ' plan)" ] || { audited; return 1; }
    [ "$(grep -c '^twice .* accepted ' outcomes)" = "$twice" ]
    pages_are_asked
    # To the desk they are nobody until then.
    call=$(sql "SELECT call_id FROM session WHERE state = 'called' AND confirm = 'page' LIMIT 1")
    run --separate-stderr -1 as "$DESK" env AUTH_TYPE=test REMOTE_USER=alice idb-lookup \
        < <(printf '{"call_id":"%s"}' "$call")
    [ "$(json result) $(json .attributes)" = 'unconfirmed null' ]
    is_sound

    # Who stays when all have gone.
    until_true has_children "$INETD" 0
    [ "$(descriptors "$INETD")" = "$files" ]
    echo "# inetd: $rss kB before, $(status_of "$INETD" VmRSS) kB after" >&3
    (($(status_of "$INETD" VmRSS) - rss < 256))
    [ ! -s inetd.out ]
}

# members: of each of inetd's programs its id, VmRSS, VmHWM and open descriptors.
members() {
    local pid
    for pid in $(children "$INETD"); do
        echo "$pid $(status_of "$pid" VmRSS) $(status_of "$pid" VmHWM) $(descriptors "$pid")"
    done | sort -n
}

@test "verify: $N requests on $AT_ONCE connections that are kept: none lost, none double, memory flat" {
    local began rss files twice
    codes "$N"
    # Of a hundred: wrong and mistyped ones with the right one after it, on the same
    # connection; the same again by the same call and by another; one code by two at once.
    # shellcheck disable=SC2016  # awk
    plan "$N" '
        if (k < 3) { kind = "wrong"; first[i] = fresh(); code = wrong(first[i]) }
        else if (k == 3) { kind = "slip"; first[i] = fresh(); code = slip(first[i]) }
        else if (k == 4 || k == 5) code = first[i] = fresh()
        else if (k == 10) { kind = "twice"; code = pair = fresh() }
        else if (k == 11) { kind = "twice"; code = pair }
        else if (k >= 50 && k <= 55) {
            kind = k < 54 ? "then" : k == 54 ? "again" : "other"
            number = i - 50; code = first[number]
            if (kind != "other") call = "c-" number
        }'
    inetd_up idb-verify
    files=$(descriptors "$INETD")
    mkfifo go
    callers verify "$PORT" "$AT_ONCE" "$((N / AT_ONCE / 2))" plan <go >outcomes 2>complaints 3>&- &
    CALLERS_PID=$!
    exec 7>go
    began=$SECONDS
    until_said paused
    rss=$(status_of "$INETD" VmRSS)
    members >before
    echo >&7
    until_said 'done'
    members >after
    echo "# $N requests, $AT_ONCE at once: $((SECONDS - began)) s" >&3
    [ "$((SECONDS - ISSUED_AT))" -lt 600 ]
    sed -i '/^paused$/d; /^done$/d' outcomes
    spread 'a request' 4 outcomes

    # The same programs, as large as they were, with as much open.
    [ "$(wc -l <before)" = "$AT_ONCE" ]
    [ "$(cut -d ' ' -f 1,4 before)" = "$(cut -d ' ' -f 1,4 after)" ]
    paste -d ' ' before after | awk '{ r = $6 - $2; h = $7 - $3; if (r > grown) grown = r; if (h > peak) peak = h
            if ($7 > most) most = $7 }
        END { printf "# idb-verify: %d kB at most; since half of the requests, resident %+d kB, peak %+d kB\n", most, grown, peak
              exit grown >= 128 || peak >= 128 }' >&3
    (($(status_of "$INETD" VmRSS) - rss < 256))
    [ "$(descriptors "$INETD")" = "$files" ]
    echo >&7
    wait "$CALLERS_PID" || { head -n 5 complaints; return 1; }
    CALLERS_PID=''
    until_true has_children "$INETD" 0
    [ ! -s inetd.out ]

    # Each has its answer, and it is the right one.
    [ "$(wc -l <outcomes)" = "$N" ]
    awk 'NR == FNR { session[$1] = $2; next }
        { match($5, /"result":"[a-z]*"/); result = substr($5, RSTART + 10, RLENGTH - 11)
          told = match($5, /"session":"[^"]*"/) ? substr($5, RSTART + 11, RLENGTH - 12) : "" }
        result == "accepted" && told == session[$3] && /^(right|then|again|twice) / { print $2 "|" told > "accepted"; next }
        told == "" && /^wrong / && result == "wrong" { next }
        told == "" && /^slip / && result == "mistyped" { next }
        told == "" && /^(other|twice) / && result == "used" { next }
        { print }' codes outcomes >others
    [ ! -s others ] || { head -n 5 others; return 1; }

    # Each code once, and by the call that keyed it in; who asks again is told the same.
    sort -u accepted >told
    [ -z "$(cut -d '|' -f 2 told | sort | uniq -d)" ]
    sql "SELECT call_id, id FROM session WHERE state = 'called'" | sort >stands
    diff told stands >differences || { head -n 5 differences; return 1; }
    nothing "SELECT id, state FROM session WHERE state NOT IN ('called', 'issued')"
    twice=$(($(grep -c '^twice ' plan) / 2))
    [ "$(wc -l <accepted)" = "$(($(grep -cE '^(right|then|again) ' plan) + twice))" ]
    [ "$(audited)" = "accepted $(wc -l <told)
mistyped $(grep -c '^slip ' plan)
used $(($(grep -c '^other ' plan) + twice))
wrong $(grep -c '^wrong ' plan)" ] || { audited; return 1; }
    pages_are_asked
    is_sound
}

# until_said WORD: the callers wait there; five minutes at most.
until_said() {
    local try
    for ((try = 0; try < 6000; try++)); do
        ! grep -qx "$1" outcomes || return 0
        kill -0 "$CALLERS_PID" 2>/dev/null || break
        sleep 0.05
    done
    head -n 5 complaints
    return 1
}

# accepted N: so many sessions, so far.
accepted() { [ "$(sql 'SELECT COUNT(*) FROM session WHERE called_at IS NOT NULL')" = "$1" ]; }

@test "agi: an exchange that stalls, at whatever step, holds up nobody" {
    local code
    codes 10
    plan 9 'kind = "mute"; other = i'
    inetd_up idb-agi
    callers agi "$PORT" 9 plan >outcomes 2>complaints 3>&- &
    CALLERS_PID=$!
    # Six of them have been accepted, none of the others.
    until_true accepted 6
    has_children "$INETD" 9
    for _ in {1..20}; do
        flock -n "$IDB_STORE-lock" true
        sleep 0.05
    done
    code=$(tail -n 1 codes | cut -d ' ' -f 1)
    run --separate-stderr -0 timeout 2 idb-verify < <(keyed "$code" c-99)
    kill "$CALLERS_PID"
    wait "$CALLERS_PID" || true
    CALLERS_PID=''
    until_true has_children "$INETD" 0
    # Who was asked for a code and never answered has not spent it.
    [ "$(sql "SELECT COUNT(*) FROM session WHERE state = 'issued'")" = 3 ]
    nothing "SELECT id, state, call_id FROM session WHERE state = 'called' AND call_id <> 'c-99'"
    is_sound
}

# interrupted: a program behind inetd, idb-agi with SIGHUP at the next of the system
# calls that HERE/calls lists; the first time it makes the list.
interrupted() {
    cat <<END
#!/bin/sh
read -r turn <"$HERE/turn"
echo "\$((turn + 1))" >"$HERE/turn"
[ "\$turn" != 0 ] || exec strace -qq -o "$HERE/trace" "$BASE/bin/idb-agi"
call=\$(sed -n "\${turn}p" "$HERE/calls")
exec strace -qq -o /dev/null -e trace="\${call% *}" \\
    -e inject="\${call% *}:signal=HUP:when=\${call#* }" "$BASE/bin/idb-agi"
END
}

@test "agi: SIGHUP at any system call of a dialogue: the code is unspent, or the session ended" {
    local n
    codes 1000
    interrupted >"$BASE/bin/interrupted"
    chmod 755 "$BASE/bin/interrupted"
    echo 0 >turn
    install -m 666 /dev/null trace
    chmod 666 turn
    inetd_up idb-agi interrupted
    plan 1 ''
    run --separate-stderr -0 callers agi "$PORT" 1 plan
    # Each as the k-th of its name, from where the program has begun.
    sed -nE '2,$s/^([a-z0-9_]+)\(.*/\1/p' trace | grep -v exit_group | awk '{ print $1, ++n[$1] }' >calls
    n=$(wc -l <calls)
    sed -i 1d codes
    plan "$n" 'kind = "hup"; call = "s-" (i + 1)'
    callers agi "$PORT" 1 plan >outcomes
    # Killed before it hears that there is a call; then nothing is spent, then all is
    # ended. Once it has seen that the caller is still there the dialplan has its turn.
    sql 'SELECT id, state FROM session' | tr '|' ' ' >states
    awk 'FILENAME == "states" { state[$1] = $2; next }
        FILENAME == "codes" { session[$1] = $2; next }
        { print $4, state[session[$3]] }' states codes outcomes | sort | uniq -c | sed 's/^ */# /' >sums
    cat sums >&3
    [ "$(cut -d ' ' -f 3- sums)" = '- issued
accepted called
hangup done
hangup issued' ]
    awk -v n="$n" '/accepted/ { if ($2 > n / 5) exit 1 } /hangup/ { if ($2 < n / 5) exit 1 }' sums
    is_sound
    until_true has_children "$INETD" 0
}
