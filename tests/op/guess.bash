# Somebody who guesses codes, thousands of them.
# shellcheck shell=bash

# guess LIVE N DIGITS [WHO]: N guesses against LIVE live codes, half of them in one
# stream during which the code key is replaced, the others in two programs more,
# from WHO (see tests/tools/guesses); honest callers key in the right code meanwhile.
# Fails when anything but chance let a guess in.
guess() {
    local live=$1 n=$2 digits=$3 who=${4-mixed} part seed=${SEED:-$RANDOM} reserved=10 honests=8
    instance ".code = { digits: $digits }"
    issue $((live + reserved + honests)) appointment >issued
    [ "$(wc -l <issued)" = $((live + reserved + honests)) ]
    # Over the chance that the configuration accepts, which 200 in 10^7 is, 10^9 not.
    [ "$digits" != 8 ] || [ "$(tail -n 1 issued | jq -r .warning)" = guess_risk ]
    [ "$digits" != 10 ] || [ "$(tail -n 1 issued | jq -r .warning)" = null ]
    head -n "$reserved" issued | jq -r .code >known
    tail -n "$honests" issued >honest
    for part in 1 2 3 4; do
        # shellcheck disable=SC2046
        "$IDB_ROOT/tests/tools/guesses" $((n / 4)) "$digits" "g-$part" $((seed + part)) "$who" \
            $(cat known) >"part.$part"
    done
    : >answers
    : >said
    {
        cat part.1
        answered part.1 || exit 1
        honest 1
        quietly idb-keys rotate code
        honest 2
        cat part.2
    } 2>complaints | idb-verify >>answers 2>>said || [ "$?" = 1 ]
    for part in 3 4; do
        idb-verify <"part.$part" >>answers 2>>said || [ "$?" = 1 ]
        honest "$part"
    done
    [ ! -s said ]
    [ ! -s complaints ] || { cat complaints; return 1; }
    cat part.[1-4] >requests
    [ "$(wc -l <answers)" = "$(wc -l <requests)" ]
    paste -d' ' requests answers >both
    check_calls
    check_chance "$digits" "$seed"
}

# answered FILE: waits until its requests have been answered.
answered() {
    local tries
    for ((tries = 0; tries < 1200; tries++)); do
        [ "$(wc -l <answers)" -lt "$(wc -l <"$1")" ] || return 0
        sleep 0.1
    done
    echo 'no answers' >&2
    return 1
}

# honest N: who has the code gets through, whatever is guessed; the agent sees
# nothing before the yes on the resident's page. One has a number that guesses come
# from too, one withholds theirs, the others have their own.
honest() {
    local issued looked wrong=0 from=('' +31600000001 '' +31687654321 +31687654322)
    issued=$(sed -n "$1p" honest)
    if [ "$(sql "SELECT state FROM session WHERE id = '$(member session "$issued")'")" != issued ]; then
        unlucky "$1"
        issued=$(sed -n "$(($1 + 4))p" honest)
    fi
    looked="{\"call_id\":\"honest-$1\"}"
    verify "$(code_of "$issued")" "honest-$1" "${from[$1]}" >"honest.$1" || wrong=1
    [ "$(jq -c '[.result, .attempts_left]' "honest.$1")" = '["accepted",3]' ] || wrong=2
    lookup_as alice "$looked" >"honest.$1" && wrong=3
    [ "$(jq -c '[.result, .attributes]' "honest.$1")" = '["unconfirmed",null]' ] || wrong=4
    jq -nc --arg c "$(cookies_of "$issued")" '{ cookies: $c, confirm: true }' |
        idb-confirm >"honest.$1.yes" || wrong=5
    lookup_as alice "$looked" >"honest.$1" || wrong=6
    [ "$(jq -r .result "honest.$1")" = open ] || wrong=7
    [ "$wrong" = 0 ] || { echo "honest caller $1, step $wrong: $(cat "honest.$1")" >&2; return 1; }
}

# unlucky N: a guess hit this one's code, as chance has it now and then: they hear that
# it is used, say that it was not them, and call with another.
unlucky() {
    local issued wrong=0
    issued=$(sed -n "$1p" honest)
    echo "# honest caller $1: somebody guessed their code" >&3
    verify "$(code_of "$issued")" "unlucky-$1" >"honest.$1" || wrong=1
    [ "$wrong$(jq -r .result "honest.$1")" = 1used ] || wrong=2
    jq -nc --arg c "$(cookies_of "$issued")" '{ cookies: $c, confirm: false }' |
        idb-confirm >"honest.$1" || wrong=3
    [ "$(jq -r .result "honest.$1")" = not_me ] || wrong=4
    [ "$wrong" = 1 ] || { echo "unlucky caller $1, step $wrong: $(cat "honest.$1")" >&2; return 1; }
}

# Per call: three tries count, the fourth is throttled, whatever the code is.
check_calls() {
    awk '{
        match($0, /"call_id":"[^"]*"/); call = substr($0, RSTART + 11, RLENGTH - 12)
        match($0, /"result":"[^"]*"/); result = substr($0, RSTART + 10, RLENGTH - 11)
        match($0, /"attempts_left":[0-9]/); left = substr($0, RSTART + 16, 1)
        tries[call]++
        if (result == "accepted")
            bound[call] = 1
        want = bound[call] ? "accepted|call_bound" : tries[call] > 3 ? "throttled" : "wrong|used"
        if (result !~ "^(" want ")$") {
            print "try " tries[call] " of " call ": " result; wrong = 1
        }
        if (result == "wrong" || result == "used")
            counted[call]++
        if (left != 3 - counted[call]) {
            print "try " tries[call] " of " call ": " left " left"; wrong = 1
        }
        if (tries[call] > 3)
            fourth++
    } END { if (!fourth) print "no call had a fourth try"; exit wrong || !fourth }' both
}

# live: how many codes can be hit now.
live() {
    sql "SELECT COUNT(*) FROM session WHERE state = 'issued' AND code_expires_at > $(date +%s)000"
}

# chance N HITS LEAST MOST DIGITS G: see tests/tools/chance; tells what it found.
chance() {
    local wrong=0
    "$IDB_ROOT/tests/tools/chance" "$@" >found || wrong=1
    sed "s/^/# seed ${SEED_USED-}: /" found >&3
    return "$wrong"
}

# A call has one hit at most, so the calls are rounds of three guesses.
check_chance() {
    local hits after
    hits=$(sql "SELECT COUNT(*) FROM session WHERE call_id LIKE 'g-%'")
    SEED_USED=$2 chance "$(sed 's/.*"call_id":"\(g-[^"]*\)".*/\1/' requests | sort -u | wc -l)" \
        "$hits" "$(live)" "$(wc -l <issued)" "$1" 3
    # Past the soft limit of 100 wrong ones each hit needs the page too.
    after=$(sql "SELECT id FROM audit WHERE action = 'verify' AND result = 'wrong'
        ORDER BY id LIMIT 1 OFFSET 99")
    [ -n "$after" ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE confirm <> 'page' AND id IN
        (SELECT session FROM audit WHERE result = 'accepted' AND id > $after)")" = 0 ]
    # Those that only a throttled call tried are whole, and good for a new call, but for
    # one that was guessed.
    jq -Rc '{ code: ., call_id: "reserved-\(input_line_number)" }' known | idb-verify >answers || [ $? = 1 ]
    run -1 grep -v '"result":"\(accepted\|used\)"' answers
    [ "$(grep -c '"result":"accepted"' answers)" -ge 7 ]
    is_sound
}

# hostile_instance [JQ]: as instance; wrong is a code that nobody has.
hostile_instance() {
    instance "${1-.}"
    wrong=$(wrong_code "$(issue 1 | jq -r .code)")
}

# sliding LIMIT WINDOW WINDOWS WHO: the best that a guesser can do against a limit: one
# guess, the others at the window's end, then each as soon as it needs no yes, for so
# many windows. WHO is fresh or a number. Whether it needs one is seen by a code that is
# mistyped, which is not counted. On the way the code key is replaced, and purged.
sliding() {
    local limit=$1 window=$2 windows=$3 who=$4 step start second caller issued n=0 rotated=0
    start=$(date +%s)
    for step in 0 $(seq $((window - 1)) $((window / (3 * limit))) $((window * windows - 1))); do
        if ((!rotated && step > window * 3 / 2)); then
            rotated=1
            quietly idb-keys rotate code
        fi
        while ((step > 0 || n == 0)); do
            # What the test itself takes is taken off.
            second=$((step - $(date +%s) + start))
            ((second >= 0)) || second=0
            n=$((n + 1))
            caller=$who
            [ "$who" != fresh ] || caller=+316$((10000000 + n))
            issued=$(at_offset "+${second}s" issue 1 appointment)
            at_offset "+${second}s" idb-verify >answer \
                <<<"{\"code\":\"$(code_of "$issued")\",\"call_id\":\"p-$n\",\"caller\":\"$caller\"}"
            [ -z "$(sql 'SELECT detail FROM audit ORDER BY id DESC LIMIT 1')" ] || break
            at_offset "+${second}s" idb-verify >answer \
                <<<"{\"code\":\"$wrong\",\"call_id\":\"g-$n\",\"caller\":\"$caller\"}" || [ $? = 1 ]
        done
        ((n % limit)) || at_offset "+${second}s" idb-purge >purged
    done
    # Twice the limit in a window, and it comes near; in all the windows and one more.
    sql "SELECT at FROM audit WHERE result = 'wrong' ORDER BY id" | awk -v limit="$limit" \
        -v window="${window}000" -v windows="$windows" '
        { at[NR] = $1 }
        END {
            for (i = 1; i <= NR; i++) {
                for (n = 0; i + n <= NR && at[i + n] < at[i] + window; n++);
                if (n > most) most = n
            }
            printf "# limit %d: at most %d in a window, %d in %d windows\n", limit, most, NR, windows
            exit most > 2 * limit || most < 2 * limit - 3 || NR > limit * (windows + 1) || NR < limit * (windows - 1)
        }' >&3
}
