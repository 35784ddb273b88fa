#!/usr/bin/env bats
# idb-verify: what becomes of a code, and of those who guess.
# On PostgreSQL too

load lib
load life

setup() {
    idb_instance
    issued=$(issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
    wrong=$(wrong_code "$code")
}

# gives RESULT LEFT: the answer is that, with no session and nothing else.
gives() {
    [ "$(members)" = 'attempts_left result' ] && [ "$(json result) $(json attempts_left)" = "$1 $2" ] &&
        [ -z "$stderr" ]
}

# accepted SESSION [LEFT]: the answer is that, with all its members.
accepted() {
    [ "$(members)" = 'attempts_left purpose queue result session' ] && [ -z "$stderr" ] &&
        [ "$(json result) $(json purpose) $(json queue) $(json session) $(json attempts_left)" = \
            "accepted status status $1 ${2-3}" ]
}

# bad WORD EXIT REQUEST: fails so, and nothing is written.
bad() {
    local before
    before=$(snapshot)
    run --separate-stderr "-$2" idb-verify <<<"$3"
    failed idb-verify "$1"
    [ "$(snapshot)" = "$before" ]
}

# guess CALL CALLER TIMES: wrong codes, each on a call of its own.
guess() {
    local i
    for ((i = 1; i <= $3; i++)); do
        verify "$wrong" "$1-$i" "$2" >/dev/null || [ $? = 1 ]
    done
}

# asks SESSION: notify or page, as it stands in the row.
asks() { column confirm "$1"; }

# two_lines: an instance with a second line, and a purpose on it.
two_lines() {
    idb_instance '.lines.two = { number: "+31201234567", number_display: "+31 20 123 45 67",
            clients: ["pbx2"] }
        | .purposes.other = (.purposes.appointment | .line = "two")'
    issued=$(issue_status)
    code=$(code_of "$issued") session=$(session_of "$issued")
    wrong=$(wrong_code "$code")
}
on_line() { jq -nc --arg code "$2" --arg call "$3" '{ code: $code, call_id: $call }' | idb-verify --line="$1"; }

# ---- accepted ----

@test "idb-verify: accepted, every member of the answer" {
    run --separate-stderr -0 verify "$code" c-1 +31612345678
    accepted "$session"
    [ "$(column 'state, call_id, caller_last2, number_hint, confirm' "$session")" = \
        'called|c-1|78|unknown|notify' ]
    [ "$(column 'length(bound), connected_at IS NULL' "$session")" = '32|1' ]
    [ "$(newest_audit)" = "line:kcc|verify|$session|accepted" ]
    [ "$(sql 'SELECT COUNT(*) FROM attempts')" = 0 ]
}

@test "idb-verify: spaces and dots between the digits are accepted" {
    run --separate-stderr -0 verify " ${code:0:3} ${code:3:3}. ${code:6:2}.${code:8} " c-1
    accepted "$session"
}

@test "idb-verify: the same code on the same call gets the same answer, and is recorded once" {
    run --separate-stderr -0 verify "$code" c-1
    before=$(snapshot)
    for _ in 1 2; do
        run --separate-stderr -0 verify "$code" c-1
        accepted "$session"
    done
    [ "$(snapshot)" = "$before" ]
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    run --separate-stderr -0 at_offset +3h verify "$code" c-1
    accepted "$session"
    [ "$(column state "$session")" = connected ]
}

@test "idb-verify: the same code several times in one group" {
    run --separate-stderr -1 idb-verify < <(jq -nc --arg code "$code" \
        '{ code: $code, call_id: ("c-1", "c-1", "c-2") }')
    [ "$(member result "$output" | paste -sd ' ')" = 'accepted accepted used' ]
}

@test "idb-verify: of many calls that key one code in at once exactly one wins" {
    for i in {1..8}; do
        verify "$code" "c-$i" >"$BATS_TEST_TMPDIR/answer.$i" 3>&- &
    done
    wait
    [ "$(cat "$BATS_TEST_TMPDIR"/answer.* | jq -r .result | sort | uniq -c | xargs)" = '1 accepted 7 used' ]
    won=$(grep -l accepted "$BATS_TEST_TMPDIR"/answer.*)
    [ "$(column call_id "$session")" = "c-${won##*.}" ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE result = 'accepted'")" = 1 ]
}

@test "idb-verify: what the caller's number is told the desk, and kept as no number" {
    for try in '+31612345678 match 78' '+31687654321 differs 21' 'anonymous withheld' '+31 withheld' \
        '0612345678 withheld' ' withheld'; do
        IFS=' ' read -r caller hint last2 <<<"$try"
        [ "${try:0:1}" = ' ' ] && caller='' hint=withheld
        issued=$(issue_status '.caller = "+31612345678"')
        run --separate-stderr -0 verify "$(code_of "$issued")" "call$RANDOM$RANDOM" "$caller"
        [ "$(column 'number_hint, caller_last2' "$(session_of "$issued")")" = "$hint|$last2" ]
    done
    store_bytes >"$BATS_TEST_TMPDIR/bytes"
    run -1 grep -aqE '612345678|687654321' "$BATS_TEST_TMPDIR/bytes"
    run -0 grep -aqF -- "$session" "$BATS_TEST_TMPDIR/bytes"
}

@test "idb-verify: an empty caller is a withheld one, and so is null" {
    for caller in '""' null; do
        run --separate-stderr -0 idb-verify < <(jq -nc --arg code "$code" --argjson caller "$caller" \
            '{ code: $code, call_id: "c-1", caller: $caller }')
        accepted "$session"
    done
    run --separate-stderr -65 idb-verify <<<'{"code":"1","call_id":null}'
    [ "$(json error)" = bad_request ]
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json caller)" = withheld ]
}

@test "idb-verify: a number announced before midnight matches after it" {
    to_midnight=$((86400 - $(date +%s) % 86400))
    ((to_midnight > 60)) || to_midnight=$((to_midnight + 86400))
    issued=$(at_offset "+$((to_midnight - 20))s" issue_status '.caller = "+31612345678"')
    run --separate-stderr -0 at_offset "+$((to_midnight + 20))s" verify "$(code_of "$issued")" c-1 +31612345678
    [ "$(column number_hint "$(session_of "$issued")")" = match ]
}

# ---- not accepted ----

@test "idb-verify: mistyped costs nothing" {
    for typed in "$(mistyped_code "$code")" "${code%?}" "${code}0" "$code#" "*$code" 1 '#' "$(a_lot 64 | tr x 1)"; do
        run --separate-stderr -1 verify "$typed" c-1
        gives mistyped 3
    done
    [ "$(sql 'SELECT COUNT(*) FROM attempts')" = 0 ]
    [ "$(newest_audit)" = 'line:kcc|verify||mistyped' ]
    run --separate-stderr -0 verify "$code" c-1
    accepted "$session"
}

@test "idb-verify: neighbours swapped are mistyped" {
    for i in 0 1 2 3 4 5 6 7 8; do
        swapped=${code:0:i}${code:i+1:1}${code:i:1}${code:i+2}
        [ "$swapped" = "$code" ] || run --separate-stderr -1 verify "$swapped" c-1
        [ "$swapped" = "$code" ] || gives mistyped 3
    done
}

@test "idb-verify: wrong, and who was wrong" {
    run --separate-stderr -1 verify "$wrong" c-1
    gives wrong 2
    [ "$(newest_audit)" = 'line:kcc|verify||wrong' ]
    [ "$(column 'state, refusal IS NULL' "$session")" = 'issued|1' ]
    [ "$(sql 'SELECT COUNT(*) FROM attempts WHERE count = 1')" = 3 ]
    [ "$(alarms twin_code)" = 0 ]
}

@test "idb-verify: a code is good until its time and expired after it" {
    run --separate-stderr -0 at_offset +595s verify "$code" c-1
    accepted "$session"
    issued=$(at_offset +600s issue_status)
    run --separate-stderr -1 at_offset +1201s verify "$(code_of "$issued")" c-2
    gives expired 2
    [ "$(column 'state, refusal' "$(session_of "$issued")")" = 'issued|expired' ]
    [ "$(newest_audit)" = "line:kcc|verify|$(session_of "$issued")|expired" ]
}

@test "idb-verify: used from another call, and the session stays where it is" {
    verify "$code" c-1 >/dev/null
    run --separate-stderr -1 verify "$code" c-2
    gives used 2
    [ "$(column 'state, call_id, refusal' "$session")" = 'called|c-1|used' ]
    [ "$(newest_audit)" = "line:kcc|verify|$session|used" ]
}

@test "idb-verify: another code on a call that has a session is call_bound and not spent" {
    verify "$code" c-1 >/dev/null
    other=$(issue_status)
    for typed in "$(code_of "$other")" "$wrong" "$(mistyped_code "$code")"; do
        run --separate-stderr -1 verify "$typed" c-1
        gives call_bound 3
    done
    [ "$(column state "$(session_of "$other")")" = issued ]
    [ "$(sql 'SELECT COUNT(*) FROM attempts')" = 0 ]
    run --separate-stderr -0 verify "$(code_of "$other")" c-2
    accepted "$(session_of "$other")"
}

@test "idb-verify: a call that ended takes no code" {
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    for typed in "$code" "$wrong" "$(mistyped_code "$code")"; do
        run --separate-stderr -1 verify "$typed" c-1
        gives call_ended 3
    done
    run --separate-stderr -0 verify "$code" c-2
    accepted "$session"
}

@test "idb-verify: a call that hung up after it was opened takes no code" {
    verify "$code" c-1 >/dev/null
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    other=$(issue_status)
    for typed in "$code" "$(code_of "$other")"; do
        run --separate-stderr -1 verify "$typed" c-1
        gives call_ended 3
    done
    [ "$(column state "$(session_of "$other")")" = issued ]
}

@test "idb-verify: a call whose session is past its time takes no code, before any purge" {
    verify "$code" c-1 >/dev/null
    other=$(at_offset +235m issue_status)
    run --separate-stderr -1 at_offset +241m verify "$(code_of "$other")" c-1
    gives call_ended 3
    [ "$(column 'state, refusal IS NULL' "$(session_of "$other")")" = 'issued|1' ]
}

@test "idb-verify: a call whose wrap-up is over takes no code, before any purge" {
    verify "$code" c-1 >/dev/null
    lookup_as alice '{"call_id":"c-1"}' >/dev/null
    idb-end <<<'{"call_id":"c-1"}' >/dev/null
    other=$(at_offset +10m issue_status)
    run --separate-stderr -1 at_offset +16m verify "$(code_of "$other")" c-1
    gives call_ended 3
}

@test "idb-verify: the code of a session that ended is wrong" {
    browser idb-end "$issued" >/dev/null
    run --separate-stderr -1 verify "$code" c-1
    gives wrong 2
}

@test "idb-verify: the old code is wrong once there is a new one" {
    new=$(code_of "$(browser idb-renew "$issued")")
    run --separate-stderr -1 verify "$code" c-1
    gives wrong 2
    run --separate-stderr -0 verify "$new" c-1
    accepted "$session" 2
}

@test "idb-verify: a code that two live sessions have is accepted for neither, with an alarm" {
    idb-keys rotate code >/dev/null
    twin=$(session_of "$(issue_status)")
    # The first session has its MAC under the old key.
    sql "UPDATE session SET code_mac = x'$(mac_under 0)' WHERE id = '$twin'"
    run --separate-stderr -1 verify "$code" c-1
    gives wrong 2
    [ "$(column state "$session")$(column state "$twin")" = issuedissued ]
    [ "$(alarms twin_code)" = 1 ]
    [ "$(newest_audit 2)" = 'line:kcc|verify||twin_code' ]
    # What stands against it is only the twin.
    sql "DELETE FROM session WHERE id = '$twin'"
    run --separate-stderr -0 verify "$code" c-1
    accepted "$session" 2
}

# mac_under N: the code's MAC under a key of the file, from 0, the newest.
mac_under() {
    local key
    key=$(jq -r ".keys[$1].k" "$IDB_KEYS/web/code.key" | tr '_-' '/+')
    key=$(base64 -d <<<"$key=" | od -An -v -tx1 | tr -d ' \n')
    printf '\0\0\0\4code\0\0\0\12%s' "$code" |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -r | cut -d' ' -f1
}

@test "idb-verify: a twin under whichever of the keys is found" {
    local n keys
    for ((n = 0; n < 3; n++)); do
        idb-keys rotate code >/dev/null
    done
    keys=$(jq '.keys | length' "$IDB_KEYS/web/code.key")
    [ "$keys" -gt 2 ]
    twin=$(session_of "$(issue_status)")
    # The last key is the one that the first session has its own under.
    for ((n = 0; n < keys - 1; n++)); do
        sql "UPDATE session SET code_mac = x'$(mac_under "$n")' WHERE id = '$twin'"
        run --separate-stderr -1 verify "$code" "c-$n"
        gives wrong 2
        [ "$(alarms twin_code)" = $((n + 1)) ]
    done
    sql "DELETE FROM session WHERE id = '$twin'"
    run --separate-stderr -0 verify "$code" c-right
    accepted "$session" 3
}

# ---- throttle ----

@test "idb-verify: three wrong ones on a call, then the right one is throttled" {
    for left in 2 1 0; do
        run --separate-stderr -1 verify "$wrong" c-1
        gives wrong "$left"
    done
    for typed in "$code" "$wrong" "$(mistyped_code "$code")"; do
        run --separate-stderr -1 verify "$typed" c-1
        gives throttled 0
    done
    [ "$(column state "$session")" = issued ]
    [ "$(sql 'SELECT MAX(count) FROM attempts')" = 3 ]
    [ "$(newest_audit)" = 'line:kcc|verify||throttled' ]
    run --separate-stderr -0 verify "$code" c-2
    accepted "$session"
}

@test "idb-verify: expired and used count as wrong" {
    verify "$code" c-1 >/dev/null
    run --separate-stderr -1 verify "$code" c-2
    gives used 2
    old=$(code_of "$(issue_status)")
    run --separate-stderr -1 at_offset +11m verify "$old" c-2
    gives expired 1
    run --separate-stderr -1 at_offset +11m verify "$wrong" c-2
    gives wrong 0
    good=$(code_of "$(at_offset +11m issue_status)")
    run --separate-stderr -1 at_offset +11m verify "$good" c-2
    gives throttled 0
}

@test "idb-verify: a new code and a new key do not reset the count, and no time does" {
    verify "$wrong" c-1 >/dev/null || [ $? = 1 ]
    issued=$(browser idb-renew "$issued" | jq -c --argjson old "$issued" '.cookies = $old.cookies')
    run --separate-stderr -1 verify "$wrong" c-1
    gives wrong 1
    idb-keys rotate code >/dev/null
    run --separate-stderr -1 at_offset +20m verify "$wrong" c-1
    gives wrong 0
    good=$(code_of "$(at_offset +3h issue_status)")
    run --separate-stderr -1 at_offset +3h verify "$good" c-1
    gives throttled 0
}

@test "idb-verify: the limit is the configuration's, and the answer counts down from it" {
    idb_instance '.throttle = { per_call: 1 }'
    code=$(code_of "$(issue_status)")
    run --separate-stderr -1 verify "$(mistyped_code "$code")" c-1
    gives mistyped 1
    run --separate-stderr -1 verify "$(wrong_code "$code")" c-1
    gives wrong 0
    run --separate-stderr -1 verify "$code" c-1
    gives throttled 0
}

@test "idb-verify: many wrong ones at once are all counted" {
    for _ in {1..6}; do verify "$wrong" c-1 >>"$BATS_TEST_TMPDIR/answers" 3>&- & done
    wait
    [ "$(jq -r .result "$BATS_TEST_TMPDIR/answers" | sort | uniq -c | xargs)" = '3 throttled 3 wrong' ]
    [ "$(sql 'SELECT MAX(count) FROM attempts')" = 3 ]
}

@test "idb-verify: past the limit per caller nobody is refused, but must confirm" {
    idb_instance '.throttle = { per_caller: 2 }'
    guess a +31612345678 2
    one=$(issue_status) two=$(issue_status) three=$(issue_status)
    run --separate-stderr -0 verify "$(code_of "$one")" c-1 +31612345678
    accepted "$(session_of "$one")"
    [ "$(asks "$(session_of "$one")")" = page ]
    run --separate-stderr -0 verify "$(code_of "$two")" c-2 +31687654321
    [ "$(asks "$(session_of "$two")")" = notify ]
    run --separate-stderr -0 verify "$(code_of "$three")" c-3
    [ "$(asks "$(session_of "$three")")" = notify ]
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result)$(json attributes)" = unconfirmednull ]
    run --separate-stderr -0 browser idb-status "$one"
    [ "$(json confirm)" = page ]
    confirm "$one" true >/dev/null
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1"}'
}

@test "idb-verify: below the limit per caller it is as it was" {
    idb_instance '.throttle = { per_caller: 3 }'
    guess a +31612345678 2
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-1 +31612345678 >/dev/null
    [ "$(asks "$(session_of "$issued")")" = notify ]
}

@test "idb-verify: a new key does not begin the count of a caller anew, be it the fourth" {
    local n
    idb_instance '.throttle = { per_caller: 4 }'
    guess a +31612345678 1
    for n in b c d; do
        idb-keys rotate code >/dev/null
        [ "$(asks_of "$n" +31612345678)" = notify ]
        guess "$n" +31612345678 1
    done
    [ "$(asks_of e +31612345678)" = page ]
    [ "$(asks_of f +31687654321)" = notify ]
}

# asks_of CALL CALLER: what a session is asked that such a call is given now.
asks_of() {
    local issued
    issued=$(issue_status)
    verify "$(code_of "$issued")" "asks-$1" "$2" >/dev/null
    asks "$(session_of "$issued")"
}

@test "idb-verify: withheld numbers are counted together" {
    idb_instance '.throttle = { per_caller: 2 }'
    guess a '' 1
    guess b anonymous 1
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-1 unknown >/dev/null
    [ "$(asks "$(session_of "$issued")")" = page ]
}

@test "idb-verify: past the limit in all everybody must confirm, until the rate falls" {
    idb_instance '.throttle = { total: 3, window: 300 }'
    guess a +31612345678 2
    guess b +31687654321 1
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-1 +31611111111 >/dev/null
    [ "$(asks "$(session_of "$issued")")" = page ]
    issued=$(at_offset +301s issue_status)
    at_offset +302s verify "$(code_of "$issued")" c-2 +31611111111 >/dev/null
    [ "$(asks "$(session_of "$issued")")" = notify ]
}

@test "idb-verify: throttled attempts and mistyped ones do not fill the count of all" {
    idb_instance '.throttle = { total: 4 }'
    wrong=$(wrong_code "$(code_of "$(issue_status)")")
    for _ in 1 2 3 4 5; do verify "$wrong" c-1 >/dev/null || [ $? = 1 ]; done
    verify "$(mistyped_code "$wrong")" c-2 >/dev/null || [ $? = 1 ]
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-3 >/dev/null
    [ "$(asks "$(session_of "$issued")")" = notify ]
}

@test "idb-verify: callers are counted under a key of the day, across midnight (UTC) as well" {
    idb_instance '.throttle = { per_caller: 2 }'
    to_midnight=$((86400 - $(date +%s) % 86400))
    ((to_midnight > 60)) || to_midnight=$((to_midnight + 86400))
    subjects() { sql 'SELECT COUNT(*) FROM attempts'; }
    issued=$(at_offset "+$((to_midnight - 40))s" issue_status)
    wrong=$(wrong_code "$(code_of "$issued")")
    at_offset "+$((to_midnight - 30))s" guess a +31612345678 1
    [ "$(subjects)" = 3 ] # call, caller, all
    at_offset "+$((to_midnight + 20))s" guess b +31612345678 1
    [ "$(subjects)" = 5 ] # another call, the caller under another key
    at_offset "+$((to_midnight + 30))s" verify "$(code_of "$issued")" c-1 +31612345678 >/dev/null
    [ "$(asks "$(session_of "$issued")")" = page ]
}

# ---- key rotation ----

@test "idb-verify: a code issued before a rotation is accepted after it, again and again" {
    idb-keys rotate code >/dev/null
    idb-keys rotate bind >/dev/null
    for _ in 1 2; do
        run --separate-stderr -0 verify "$code" c-1
        accepted "$session"
    done
    idb-keys rotate code >/dev/null
    run --separate-stderr -0 verify "$code" c-1
    accepted "$session"
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-1"}'
}

@test "idb-verify: a process that is kept follows a rotation" {
    coproc kept { idb-verify; }
    local in=${kept[1]} out=${kept[0]} pid=$kept_PID answer
    jq -nc --arg code "$wrong" '{ code: $code, call_id: "c-0" }' >&"$in"
    read -r -t 10 answer <&"$out"
    [ "$(member result "$answer")" = wrong ]
    idb-keys rotate code >/dev/null
    new=$(issue_status)
    jq -nc --arg code "$(code_of "$new")" '{ code: $code, call_id: "c-1" }' >&"$in"
    read -r -t 10 answer <&"$out"
    [ "$(member session "$answer")" = "$(session_of "$new")" ]
    jq -nc --arg code "$code" '{ code: $code, call_id: "c-2" }' >&"$in"
    read -r -t 10 answer <&"$out"
    [ "$(member session "$answer")" = "$session" ]
    exec {in}>&-
    wait "$pid" || [ $? = 1 ]
}

# ---- the request ----

@test "idb-verify: what no telephone can key in" {
    for typed in 12345abcde "$code-" '１２３' $'4821\u00a0' "$(a_lot 65 | tr x 1)" "$(a_lot 4096)"; do
        bad bad_code 65 "$(jq -nc --arg code "$typed" '{ code: $code, call_id: "c-1" }')"
        [[ $output$stderr != *"$typed"* ]]
    done
}

@test "idb-verify: call ids that cannot be" {
    for id in 'a b' $'a\u00e9' "$(a_lot 256)" "$(a_lot 10240)"; do
        bad bad_call_id 65 "$(jq -nc --arg code "$code" --arg id "$id" '{ code: $code, call_id: $id }')"
    done
    [ "$(column state "$session")" = issued ]
}

@test "idb-verify: call ids that can: every printable sign, 255 of them" {
    run --separate-stderr -0 verify "$code" "~!\"#%&'()*+,-./:;<=>?@[\\]^_\`{|}\$"
    accepted "$session"
    issued=$(issue_status)
    run --separate-stderr -0 verify "$(code_of "$issued")" "$(a_lot 255)"
    accepted "$(session_of "$issued")"
}

@test "idb-verify: members that do not exist, are missing, of the wrong type, empty or too long" {
    for change in 'del(.code)' 'del(.call_id)' '.code = 4821093471' '.code = null' '.code = ""' \
        '.call_id = 7' '.call_id = ""' '.call_id = ["c"]' '.caller = 31612345678' '.caller = {}' \
        '.extra = 1' '.line = "kcc"' '.session = "x"' '.code = "1" * 4097' '.caller = "x" * 257' \
        '.call_id = "a\tb"'; do
        bad bad_request 65 "$(jq -nc --arg code "$code" "{ code: \$code, call_id: \"c-1\" } | $change")"
    done
    [ "$(column state "$session")" = issued ]
}

@test "idb-verify: a value in a member's place is not told back" {
    run --separate-stderr -65 idb-verify <<<"{\"999990019\":\"x\",\"code\":\"$code\",\"call_id\":\"c\"}"
    failed idb-verify bad_request
    [[ $output$stderr != *999990019* ]]
}

# ---- lines ----

@test "idb-verify: with several lines one must be named, and must exist" {
    two_lines
    bad unknown_line 78 '{"code":"1","call_id":"c"}'
    run --separate-stderr -78 on_line three "$code" c-1
    failed idb-verify unknown_line
}

@test "idb-verify: a code is good on its own line only, and ids of lines are apart" {
    two_lines
    run --separate-stderr -1 on_line two "$code" c-1
    gives wrong 2
    [ "$(column 'state, refusal IS NULL' "$session")" = 'issued|1' ]
    run --separate-stderr -0 on_line kcc "$code" c-1
    accepted "$session"
    other=$(issue appointment '.purpose = "other"')
    run --separate-stderr -0 on_line two "$(code_of "$other")" c-1
    [ "$(json purpose)" = other ]
    [ "$(newest_audit)" = "line:two|verify|$(session_of "$other")|accepted" ]
}

@test "idb-verify: as CGI the line is the authenticated client's" {
    two_lines
    body=$(jq -nc --arg code "$code" '{ code: $code, call_id: "c-1" }')
    run --separate-stderr -0 cgi idb-verify POST "$body"
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    [[ $output == *'"not_authenticated"'* ]]
    REMOTE_USER=pbx run --separate-stderr -0 cgi idb-verify POST "$body"
    [ "${lines[0]}" = 'Status: 401 Unauthorized' ]
    REMOTE_USER=alice AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-verify POST "$body"
    [ "${lines[0]}" = 'Status: 403 Forbidden' ]
    [[ $output == *'"not_permitted"'* ]]
    [ "$(column state "$session")" = issued ]
    REMOTE_USER=pbx2 AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-verify POST "$body"
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'"wrong"'* ]]
    REMOTE_USER=pbx AUTH_TYPE=Basic run --separate-stderr -0 cgi idb-verify POST "$body"
    [ "${lines[0]}" = 'Status: 200 OK' ]
    [[ $output == *'"accepted"'* ]]
}

# with_token TOKEN: $body with that bearer token; the status in $status_line.
with_token() {
    HTTP_AUTHORIZATION="Bearer $1" run --separate-stderr -0 cgi idb-verify POST "$body"
    status_line=${lines[0]#Status: }
}

@test "idb-verify: as CGI a bearer token acts for its line alone" {
    two_lines
    body=$(jq -nc --arg code "$code" '{ code: $code, call_id: "c-1" }')
    local kcc two
    kcc=$(idb-keys token kcc) two=$(idb-keys token two)
    with_token "$(member token "$two")"
    [ "$status_line" = '200 OK' ]
    [[ $output == *'"wrong"'* ]]
    [ "$(column state "$session")" = issued ]
    with_token "$(member token "$kcc")"
    [ "$status_line" = '200 OK' ]
    [[ $output == *'"accepted"'* ]]
    [ "$(newest_audit)" = "line:kcc|verify|$session|accepted" ]
}

@test "idb-verify: as CGI a token that is none, was taken away, or lost its line" {
    two_lines
    body=$(jq -nc --arg code "$code" '{ code: $code, call_id: "c-1" }')
    local made token
    made=$(idb-keys token two)
    token=$(member token "$made")
    for try in "${token}x" "${token%?}" "${token#idb_}" '' "$(jq -r '.tokens[0].hash' "$IDB_KEYS/phone/tokens")" \
        "$token "; do
        with_token "$try"
        [ "$status_line" = '401 Unauthorized' ]
        [[ $output == *'WWW-Authenticate: Bearer realm="ID Bellen"'*'"not_authenticated"'* ]]
    done
    jq 'del(.lines.two, .purposes.other)' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    cat "$IDB_CONFIG.new" >"$IDB_CONFIG"
    with_token "$token"
    [ "$status_line" = '403 Forbidden' ]
    [[ $output == *'"not_permitted"'* ]]
    idb-keys revoke "$(jq -r .id <<<"$made")" >"$BATS_TEST_TMPDIR/gone"
    with_token "$token"
    [ "$status_line" = '401 Unauthorized' ]
    [ "$(column state "$session")" = issued ]
}

@test "idb-verify: as CGI what is broken is said by its word, and where in the log alone" {
    body="{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    broken() {
        HTTP_AUTHORIZATION='Bearer idb_x' run --separate-stderr -0 cgi idb-verify POST "$body"
        [[ $output == "Status: $1 "*"\"$2\""* && $output != *"$BATS_TEST_TMPDIR"* ]]
        [[ $stderr == *"$BATS_TEST_TMPDIR"* ]]
    }
    chmod 644 "$IDB_KEYS/phone/bind.key"
    broken 500 key_rights
    rm "$IDB_KEYS/phone/bind.key"
    broken 500 key_missing
    echo '{' >"$IDB_CONFIG"
    broken 500 config_json
}

@test "idb-verify: as CGI a token decides, whoever the web server authenticated" {
    body=$(jq -nc --arg code "$code" '{ code: $code, call_id: "c-1" }')
    export REMOTE_USER=pbx AUTH_TYPE=Basic
    with_token idb_unknown
    [ "$status_line" = '401 Unauthorized' ]
    [ "$(column state "$session")" = issued ]
}

@test "idb-verify: --client takes the line of who calls, and nobody else's" {
    two_lines
    body=$(jq -nc --arg code "$code" '{ code: $code, call_id: "c-1" }')
    run --separate-stderr -77 idb-verify --client <<<"$body"
    failed idb-verify not_authenticated
    run --separate-stderr -64 idb-verify --client --line=kcc <<<"$body"
    failed idb-verify usage
    REMOTE_USER=pbx2 AUTH_TYPE=Basic run --separate-stderr -1 idb-verify --client <<<"$body"
    gives wrong 2
    HTTP_AUTHORIZATION="Bearer $(idb-keys token kcc | jq -r .token)" \
        run --separate-stderr -0 idb-verify --client <<<"$body"
    accepted "$session"
}

# ---- when something else is wrong ----

@test "idb-verify: the clock set back by more than a minute" {
    at_offset +50s verify "$wrong" c-1 >/dev/null || [ $? = 1 ]
    run --separate-stderr -1 verify "$wrong" c-1
    gives wrong 1
    at_offset +5m verify "$wrong" c-2 >/dev/null || [ $? = 1 ]
    bad clock 75 "{\"code\":\"$code\",\"call_id\":\"c-3\"}"
    run --separate-stderr -0 at_offset +5m verify "$code" c-3
    accepted "$session"
}

@test "idb-verify: another writer does not finish, and then does" {
    jq '.store.wait_ms = 100' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    hold_lock
    bad "$BUSY" 75 "{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    release_lock
    run --separate-stderr -0 verify "$code" c-1
    accepted "$session"
}

@test "idb-verify: no key, no store, a newer schema" {
    request="{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    mv "$IDB_KEYS/phone/bind.key" "$IDB_KEYS/phone/aside"
    bad key_missing 78 "$request"
    mv "$IDB_KEYS/phone/aside" "$IDB_KEYS/phone/bind.key"
    sql "UPDATE meta SET value = 99"
    bad schema 78 "$request"
    [[ $stderr == *idb-store* ]]
    store_gone
    run --separate-stderr -78 idb-verify <<<"$request"
    failed idb-verify store_missing
}

@test "idb-verify: what makes OpenSSL ready for MACs alone links nothing that asks it for more" {
    local source programs=0
    for source in $(grep -l mac_only "$IDB_ROOT"/cmd/*.c); do
        run --separate-stderr -0 readelf -d "$IDB_BUILD/$(basename "$source" .c)"
        [[ $output != *@(libjose|libcurl|libssl)* ]]
        programs=$((programs + 1))
    done
    [ "$programs" -gt 1 ]
}
