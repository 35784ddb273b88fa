#!/usr/bin/env bats
# On PostgreSQL with --long
# The plain build only: the programs' own files test them; this holds a page against them.
# idb-telephony(7), by which suppliers couple: every word of it is so.

load lib
load op/lib
load life

setup() {
    PAGE=$IDB_ROOT/man/idb-telephony.7
    idb_instance
    cd "$BATS_TEST_TMPDIR" || return
}

# part FROM [PAGE]: the source from that .Sh or .Ss up to the next.
part() { awk -v from="$1" '/^\.S[hs] / { on = substr($0, 5) == from; next } on' "${2-$PAGE}"; }

# cells: a table's rows without its head, a tab between cells, without macros.
cells() {
    sed -n 's/^\.It //p' | grep ' Ta ' | grep -v '^Em ' |
        sed -E 's/ Ta /\t/g; s/\\&//g; s/(^|\t| )(Ic|Em|Ql|Xr) /\1/g'
}

# same NAME WHAT-THE-PAGE-SAYS WHAT-IS: as sets of lines.
same() {
    diff -u --label 'the page' <(tr ' ' '\n' <<<"$2" | sed '/^$/d' | sort -u) \
        --label "$1" <(tr ' ' '\n' <<<"$3" | sed '/^$/d' | sort -u)
}

# words FILE: the texts in quotes that the program gives as result, but for those that
# it compares with.
words() {
    grep -E 'result = |"result", "|_fail\(err, IDB_REFUSED|refuse\(' "$IDB_ROOT/lib/$1" |
        sed -E 's/strcmp\([^()]*\)//g; s/, "(session|purpose|call_id|error|message|cookies)"//g' |
        grep -oE '"[a-z_]+"' | tr -d '"' | grep -vx result
}

# code_for [JQ]: a fresh code; issued holds its answer.
code_for() {
    issued=$(issue appointment "${1-.}")
    code=$(code_of "$issued")
}

# ends WORD EXIT REQUEST PROGRAM [OPTION…]: its one answer has that result or error.
ends() {
    local word=$1 exit=$2 request=$3
    shift 3
    run --separate-stderr "-$exit" "$@" <<<"$request"
    [ "$(json '.result // .error')" = "$word" ] || { printf '%s: %s\n' "$word" "$output"; return 1; }
}

@test "telephony: the results of verify in the page are those of the program, each seen, each with its prompt" {
    table=$(part 'Of verify' | cells)
    same 'lib/handle_verify.c' "$(cut -f1 <<<"$table")" "$(words handle_verify.c)"
    # What is said is what idb-agi says.
    spoken=$(sed -nE 's/^.*\{ "([a-z_]+)", +"([a-z_-]+)", (true|false) \}.*$/&/p' "$IDB_ROOT/lib/dialogue.c" |
        grep -oE '\{ "[a-z_]+", "[a-z_-]+", (true|false) \}' | tr -d '{},"' |
        while read -r result prompt again; do echo "$result/$prompt/$again"; done)
    [ "$(wc -l <<<"$spoken")" = 7 ]
    same lib/dialogue.c "$(while IFS=$'\t' read -r result prompt step; do
        again=false
        case "$step" in
        'ask again') again=true ;;
        'the ordinary queue') ;;
        'the queue in queue') again=queue ;;
        *) echo "what is: $step" ;;
        esac
        echo "$result/$prompt/$again"
    done <<<"$table")" "accepted/accepted/queue
$spoken"
    # And each does come out.
    code_for
    wrong=$(wrong_code "$code")
    ends mistyped 1 '{"code":"1","call_id":"c-1"}' idb-verify
    ends wrong 1 "{\"code\":\"$wrong\",\"call_id\":\"c-1\"}" idb-verify
    ends accepted 0 "{\"code\":\"$code\",\"call_id\":\"c-1\"}" idb-verify
    ends call_bound 1 "{\"code\":\"$wrong\",\"call_id\":\"c-1\"}" idb-verify
    for _ in 1 2 3; do ends used 1 "{\"code\":\"$code\",\"call_id\":\"c-2\"}" idb-verify; done
    ends throttled 1 "{\"code\":\"$code\",\"call_id\":\"c-2\"}" idb-verify
    ends ended 0 '{"call_id":"c-1"}' idb-end
    ends call_ended 1 "{\"code\":\"$wrong\",\"call_id\":\"c-1\"}" idb-verify
    code_for
    ends expired 1 "{\"code\":\"$code\",\"call_id\":\"c-3\"}" at_offset +11m idb-verify
    # Each has a line of explanation too.
    same explained "$(part 'Of verify' | sed -n 's/^\.It \([a-z_]*\)$/\1/p')" "$(cut -f1 <<<"$table")"
}

@test "telephony: the words of transfer and end in the page are those of the programs, each seen" {
    same 'lib/handle_transfer.c' "$(part 'Of transfer' | cells | cut -f1)" \
        "$(words handle_transfer.c) transferred"
    grep -q '"transferred"' "$IDB_ROOT/lib/handle_transfer.c"
    [ "$(part 'Of transfer' | cells | cut -f1,2 | tr '\t\n' '  ')" = \
        'transferred result unknown_call error call_ended error call_in_use error ' ]
    same 'lib/handle_end.c' "$(part 'Of end' | cells | cut -f1)" "$(words handle_end.c)"
    code_for
    verify "$code" c-1 >answer
    idb-end <<<'{"call_id":"c-8"}' >answer
    ends call_in_use 1 '{"call_id":"c-1","to_call_id":"c-8"}' idb-transfer
    ends unknown_call 1 '{"call_id":"c-7","to_call_id":"c-9"}' idb-transfer
    for _ in 1 2; do ends transferred 0 '{"call_id":"c-1","to_call_id":"c-2"}' idb-transfer; done
    ends call_ended 1 '{"call_id":"c-1","to_call_id":"c-3"}' idb-transfer
    # The old leg hangs up, and the session stays; then the new one, opened or not.
    ends ended 0 '{"call_id":"c-1"}' idb-end
    run --separate-stderr -0 lookup_as alice '{"call_id":"c-2"}'
    for _ in 1 2; do ends wrap_up 0 '{"call_id":"c-2"}' idb-end; done
    ends call_ended 1 '{"call_id":"c-2","to_call_id":"c-4"}' idb-transfer
    ends ended 0 '{"call_id":"c-2"}' idb-end --zone=desk
    code_for
    verify "$code" c-5 >answer
    for _ in 1 2; do ends ended 0 '{"call_id":"c-5"}' idb-end; done
    [ "$(column state "$(session_of "$issued")")" = 'done' ]
    # Gone before the code was looked at: it is not spent.
    code_for
    ends ended 0 '{"call_id":"c-6"}' idb-end
    ends call_ended 1 "{\"code\":\"$code\",\"call_id\":\"c-6\"}" idb-verify
    [ "$(column state "$(session_of "$issued")")" = issued ]
}

@test "telephony: the prompts that the page names are those of idb-prompts(7), all of them" {
    # In the page each stands in the table, or in words for which there is no other use.
    named=$(part 'Of verify' | cells | cut -f2
        sed -n 's/^\.Ql \([a-z-]*\)\( .*\)*$/\1/p' "$PAGE" |
            grep -xE 'welcome|enter|again|no-more|to-queue|goodbye|closed|unavailable')
    same 'idb-prompts(7)' "$named" \
        "$(part PROMPTS "$IDB_ROOT/man/idb-prompts.7" | sed -n 's/^\.It Sy //p')"
}

@test "telephony: the members of requests in the page are those that the programs take" {
    described=$(part 'Members of requests' | sed -nE 's/^\.It Ic ([a-z_]+) Pq text, (.*)$/\1 \2/p' |
        while IFS=' ' read -r name where; do
            case "$where" in
            'all three') printf '%s:%s\n' verify "$name" transfer "$name" end "$name" ;;
            *', optional') echo "${where%, optional}:$name:optional" ;;
            *) echo "$where:$name" ;;
            esac
        done)
    # Of end those of the desk and of the resident's browser are not the telephone's.
    taken=$(for program in verify transfer end; do
        tr '\n' ' ' <"$IDB_ROOT/lib/handle_$program.c" |
            grep -oE '\{ "[a-z_]+", JSON_STRING, [0-9]+, +IDB_[A-Z_]+ \}' |
            sed -E "s/\{ \"([a-z_]+)\".*IDB_REQUIRED.*/$program:\1/; s/\{ \"([a-z_]+)\".*/$program:\1:optional/"
    done | sed 's/^end:call_id:optional$/end:call_id/' | grep -vxE 'end:(line|cookies):optional')
    same 'lib/handle_*.c' "$described" "$taken"
    ends bad_request 65 '{"code":"1","call_id":"c-1","line":"kcc"}' idb-verify
}

@test "telephony: the members of answers in the page are those that come" {
    code_for
    request="{\"code\":\"$code\",\"call_id\":\"c-1\"}"
    came=$(idb-verify <<<"$request"
        idb-transfer <<<'{"call_id":"c-1","to_call_id":"c-2"}'
        lookup_as alice '{"call_id":"c-2"}' >seen
        idb-end <<<'{"call_id":"c-2"}'
        idb-end --zone=desk <<<'{"call_id":"c-2"}'
        idb-end <<<'{"call_id":"c-3"}'
        idb-transfer <<<'{"call_id":"c-7","to_call_id":"c-8"}' || true)
    same 'the answers' "$(part 'Members of answers' | sed -nE 's/^\.It Ic ([a-z_]+) .*/\1/p')" \
        "$(jq -r 'keys[]' <<<"$came")"
    [ "$(jq -r 'select(.session) | .session | length' <<<"$came" | sort -u)" = 22 ]
    # Which has which.
    [ "$(jq -r '"\(.result // .error):\(keys - ["result", "error"] | join(","))"' <<<"$came")" = \
'accepted:attempts_left,purpose,queue,session
transferred:purpose,session
wrap_up:session,wrap_up_until
ended:session
ended:
unknown_call:message' ]
    [[ $(jq -r 'select(.wrap_up_until).wrap_up_until' <<<"$came") =~ ^20[0-9-]+T[0-9:.]+Z$ ]]
}

@test "telephony: the limits of requests are what the page says" {
    text=$(part 'Members of requests' | tr '\n' ' ')
    [[ $text == *'keyed in, 1 to 64 characters.'*'call: 1 to 255 printable'*'at most 256 characters.'* ]]
    grep -q 'object in UTF-8, of at most 64 KiB' "$PAGE"
    for try in '64 255 256 mistyped 1' '65 255 256 bad_code 65' '64 256 256 bad_call_id 65' \
        '64 255 257 bad_request 65' '0 255 256 bad_request 65' '64 0 256 bad_request 65'; do
        read -r code call caller word exit <<<"$try"
        ends "$word" "$exit" "{\"code\":\"$(a_lot "$code" | tr x 1)\",\"call_id\":\"$(a_lot "$call")\",\"caller\":\"$(a_lot "$caller")\"}" idb-verify
    done
    ends mistyped 1 "{\"code\":\"1\",\"call_id\":\"c-1\"$(a_lot 65508 | tr x ' ')}" idb-verify
    ends too_large 65 "{\"code\":\"1\",\"call_id\":\"c-1\"$(a_lot 65510 | tr x ' ')}" idb-verify
    # The keys A to D are none of ours; a star in their place is.
    ends bad_code 65 '{"code":"12A4567890","call_id":"c-1"}' idb-verify
    ends mistyped 1 '{"code":"12*4567890","call_id":"c-1"}' idb-verify
    # Capitals differ, and the other line's calls do.
    code_for
    ends wrong 1 "{\"code\":\"$(wrong_code "$code")\",\"call_id\":\"c-x\"}" idb-verify
    ends wrong 1 "{\"code\":\"$(wrong_code "$code")\",\"call_id\":\"c-X\"}" idb-verify
    [ "$(json attempts_left)" = 2 ]
}

@test "telephony: what the page says is a withheld number is one, and no error" {
    withheld=$(part 'Members of requests' | sed -n '/counts as withheld/,/^Turn/p' |
        sed -nE 's/^\.Ql (.*) [,.]$/\1/p')
    [ "$(wc -l <<<"$withheld")" = 5 ]
    while IFS= read -r caller; do
        issued=$(issue appointment '.caller = "+31612345678"')
        run --separate-stderr -0 verify "$(code_of "$issued")" "c-$RANDOM$RANDOM" "$caller"
        [ "$(column 'number_hint, caller_last2' "$(session_of "$issued")")" = 'withheld|' ]
    done <<<"$withheld"
    issued=$(issue appointment '.caller = "+31612345678"')
    verify "$(code_of "$issued")" c-1 "$(sed -n 's/.*written as in \(+[0-9]*\)\.$/\1/p' "$PAGE")" >answer
    [ "$(column 'number_hint, caller_last2' "$(session_of "$issued")")" = 'match|78' ]
}

@test "telephony: an id that comes again is refused for as long as the page says, and its wrong codes count" {
    grep -q 'refused for 24 hours, and its wrong codes are counted' "$PAGE"
    grep -q '^for 48: who cannot promise' "$PAGE"
    code_for
    ends wrong 1 "{\"code\":\"$(wrong_code "$code")\",\"call_id\":\"c-1\"}" idb-verify
    ends ended 0 '{"call_id":"c-1"}' idb-end
    at_offset +1439m idb-purge >purged
    ends call_ended 1 '{"code":"0000000000","call_id":"c-1"}' at_offset +1439m idb-verify
    at_offset +1445m idb-purge >purged
    ends wrong 1 '{"code":"0000000000","call_id":"c-1"}' at_offset +1445m idb-verify
    [ "$(json attempts_left)" = 1 ]
    at_offset +2885m idb-purge >purged
    ends wrong 1 '{"code":"0000000000","call_id":"c-1"}' at_offset +2885m idb-verify
    [ "$(json attempts_left)" = 2 ]
}

@test "telephony: the page's errors have the exit status and HTTP status of idb-errors(7), and none is missing" {
    rows=$(part 'ERROR WORDS' | cells)
    while IFS=$'\t' read -r words exit http remedy; do
        for word in ${words//,/ }; do
            entry=$(grep -E "^\.It Sy ${word//\*/[a-z]*} " "$IDB_ROOT/man/idb-errors.7")
            grep -qE "exit ([0-9]+ or |[0-9]+, )*$exit" <<<"$entry" || { echo "$word: $exit, and: $entry"; false; }
            [ "$http" != none ] || http='no HTTP'
            grep -oE '(no )?HTTP.*' <<<"$entry" | grep -qw "$http" || { echo "$word: $http, and: $entry"; false; }
            [ "$remedy" != again ] || [[ $exit =~ ^(69|75)$ ]]
        done
    done <<<"$rows"
    # What the three programs' pages have, the resident's errors of end apart.
    known=$(cut -f1 <<<"$rows" | tr -d , | tr ' ' '\n'; part 'Of transfer' | cells | cut -f1)
    for program in verify transfer end; do
        part 'ERROR WORDS' "$IDB_ROOT/man/idb-$program.1" |
            sed -nE 's/^\.(It Ic|Ql) ([a-z][a-z_*]+).*/\2/p'
    done | grep -vxE 'no_session|no_cookie|bad_cookie|clients|agent|desk|wrong|twin_code' | sort -u >theirs
    [ "$(wc -l <theirs)" -gt 20 ]
    while read -r word; do
        grep -qxF -- "$word" <<<"$known" || { echo "the page lacks $word"; false; }
    done <theirs
}

@test "telephony: what is asked again after no answer: a wrong one counts again, a busy one not" {
    code_for
    wrong="{\"code\":\"$(wrong_code "$code")\",\"call_id\":\"c-1\"}"
    ends wrong 1 "$wrong" idb-verify
    ends wrong 1 "$wrong" idb-verify
    [ "$(json attempts_left)" = 1 ]
    jq '.store.wait_ms = 50' "$IDB_CONFIG" >impatient.json
    hold_lock
    ends "$BUSY" 75 "$wrong" idb-verify --config=impatient.json
    release_lock
    # Who went away before the answer came.
    { idb-verify <<<"{\"code\":\"$code\",\"call_id\":\"c-1\"}" || true; } 2>complaint | true
    ends accepted 0 "{\"code\":\"$code\",\"call_id\":\"c-1\"}" idb-verify
    [ "$(json attempts_left)" = 1 ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE result = 'accepted'")" = 1 ]
    # The clock behind.
    ends clock 75 "$wrong" at_offset -5m idb-verify
}

@test "telephony: verify does not look at hours" {
    idb_instance '.lines.kcc.hours = { mon: [] }'
    code_for
    ends accepted 0 "{\"code\":\"$code\",\"call_id\":\"c-1\"}" idb-verify
}

@test "telephony: ports, files, sockets and what is shipped are as the page says" {
    grep -q 'var.idb_port    = 8445' "$IDB_ROOT/scripts/phone/lighttpd.conf"
    grep -q 'var.idb_port    = 8444' "$IDB_ROOT/scripts/desk/lighttpd.conf"
    grep -q '"^/(verify|transfer|end|health)' "$IDB_ROOT/scripts/phone/lighttpd.conf"
    [ "$(sed -nE 's/^127.0.0.1:([0-9]+) .* idb-([a-z]+)$/\1 \2/p' "$IDB_ROOT/scripts/inetd/idb.conf" | tr '\n' ' ')" = \
        '8446 verify 8447 transfer 8448 end ' ]
    grep -q '8446, 8447 and 8448' "$PAGE"
    for program in verify transfer end; do
        grep -qx "ListenStream=/run/idb/$program" "$IDB_ROOT/scripts/systemd/idb-$program.socket"
    done
    grep -qx 'ListenStream=127.0.0.1:4573' "$IDB_ROOT/scripts/systemd/idb-agi.socket"
    for says in 'digits : 8 to 12, default 10' 'wait_ms : 1 to 60000, default 2000' \
        'wrap_up : 0 to 14400 seconds, default 900' 'lifetime : 600 to 14400 seconds, default 14400'; do
        grep -qx "\.It Ic $says" "$IDB_ROOT/man/idb.json.5"
    done
    grep -q '"Retry-After: 2' "$IDB_ROOT/lib/cgi.c"
    # Six seconds between keys, three silences.
    grep -q '#define KEY_MS    6000' "$IDB_ROOT/lib/dialogue.c"
    grep -q '#define SILENCES  3 ' "$IDB_ROOT/lib/dialogue.c"
}

@test "telephony: the drawings fit a terminal, and the examples work and give what stands there" {
    for drawing in 'Asterisk, with FastAGI' 'A cloud platform, over HTTPS' 'SIP, without an exchange'; do
        drawn=$(part "$drawing" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.')
        [ "$(wc -l <<<"$drawn")" -ge 3 ]
        [ "$(wc -L <<<"$drawn")" -le 71 ]
    done
    mandoc -T ascii -O width=200 "$PAGE" | sed 's/.\x08//g' |
        sed -n '/^EXAMPLES$/,/^   Before going live$/p' | awk '
            /^$/ { on = 0 }
            /^ *\$ / { on = 1; sub(/^ *\$ /, ""); print >"script"; next }
            on { sub(/^ */, ""); print >"printed" }'
    [ "$(wc -l <script)" -ge 12 ]
    bash -euo pipefail script >came
    # Ids and times are of the day.
    mask() { sed -E 's/"session":"[^"]{22}"/"session":"S"/; s/"20[0-9T:.-]*Z"/"T"/' "$1"; }
    diff -u <(mask printed) <(mask came)
}
