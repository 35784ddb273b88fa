#!/usr/bin/env bats
# The plain build only: no program runs here.
# What the telephone line says: the texts, make prompts, and the page about them.

load lib

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL SANITIZE RECORDINGS
    make -s -C "$IDB_ROOT" prompts PROMPTS="$BATS_FILE_TMPDIR/prompts" >"$BATS_FILE_TMPDIR/made"
}

setup() {
    unset MAKEFLAGS MFLAGS MAKELEVEL SANITIZE RECORDINGS
    texts=$IDB_ROOT/scripts/phone/prompts
    all=$BATS_FILE_TMPDIR/prompts
}

# own_prompts: prompts that a case may change, made in $out, and the texts that they come
# from in $source.
own_prompts() {
    source=$BATS_TEST_TMPDIR/source out=$BATS_TEST_TMPDIR/out
    cp -r "$texts" "$source"
    rm -rf "$source/recordings"
    cp -rp "$all" "$out"
}

# lines FILE: its prompts, without comments.
lines() { grep -v '^#' "$1"; }
names() { lines "$1" | cut -d : -f 1; }

# page_lines LANGUAGE: NAME: TEXT of each prompt, as the page has them.
page_lines() {
    sed -n '/^\.Sh PROMPTS$/,/^\.Sh MAKING/p' "$IDB_ROOT/man/idb-prompts.7" |
        awk -v "language=$1" '
            /^\.It Sy / { name = $3 }
            /^\.It (nl|en)$/ { if ($2 == language) { printf "%s%s:", end, name; end = "\n"; on = 1 } else on = 0 }
            /^\./ { if ($1 != ".It") on = 0; next }
            on { printf " %s", $0 }
            END { print "" }'
}

# measure NAME: one of the numbers that sox stat left.
measure() { sed -n "s/^$1: *//p" "$BATS_TEST_TMPDIR/heard"; }
# frequency FILE: of what sounds a second in.
frequency() {
    sox "$1" -n trim 1 1 stat 2>"$BATS_TEST_TMPDIR/heard"
    measure 'Rough   frequency'
}
between() { awk -v "value=$1" -v "low=$2" -v "high=$3" 'BEGIN { exit !(value >= low && value <= high) }'; }

# tone FILE FREQUENCY [CHANNELS]: two seconds of it, as a studio would hand it in.
tone() {
    mkdir -p "$(dirname "$1")"
    sox -n -r 44100 -b 24 -c "${3-2}" "$1" synth 2 sine "$2" gain -12
}

# state FOLDER: which prompts are there, and which of them are new files.
state() { find "$1" -name '*.wav' -printf '%p %i %T@ %s\n' | sort; }

# refused SAYS [RECORDINGS]: with it nothing is made, and what was there stays.
refused() {
    local before
    before=$(state "$out")
    run --separate-stderr -65 "$source/speak" "$out" "${@:2}"
    [ -z "$output" ]
    [ "$stderr" = "prompts: $1" ]
    [ "$before" = "$(state "$out")" ]
    [ -z "$(find "$out" -name '.new*')" ]
}

@test "prompts: both languages have the names that the line plays" {
    wanted='accepted again closed enter expired goodbye mistyped no-more throttled to-queue unavailable used welcome wrong'
    for language in nl en; do
        [ "$(names "$texts/$language.txt" | sort | paste -sd ' ')" = "$wanted" ]
    done
    [ "$(names "$texts/nl.txt")" = "$(names "$texts/en.txt")" ]
}

@test "prompts: no digit is spoken, and the texts are short" {
    run -1 grep -hE '^[^#]*[0-9]' "$texts/nl.txt" "$texts/en.txt"
    for language in nl en; do
        while IFS= read -r line; do
            [ "$(wc -w <<<"${line#*: }")" -le 45 ] || { echo "$line"; false; }
        done < <(lines "$texts/$language.txt")
    done
}

@test "prompts: the welcome warns, and what went wrong says what to do" {
    lines "$texts/nl.txt" | grep '^welcome: ' | grep 'alleen als u ons zelf belt' | grep -q 'Niemand mag u om de code vragen, ook onze eigen medewerkers niet'
    lines "$texts/en.txt" | grep '^welcome: ' | grep 'only when you call us yourself' | grep -q 'Nobody may ask you for the code, not even our own staff'
    for name in wrong expired used; do
        lines "$texts/nl.txt" | grep "^$name: " | grep -q 'nieuwe code'
        lines "$texts/en.txt" | grep "^$name: " | grep -q 'new code'
    done
}

@test "prompts: the page has the same names and texts, in the same order" {
    for language in nl en; do
        diff <(page_lines "$language") <(lines "$texts/$language.txt")
    done
}

@test "prompts: make prompts makes each, 8 kHz mono 16 bit, neither silent nor long" {
    for language in nl en; do
        [ "$(cd "$all/$language" && printf '%s\n' * | sed 's/\.wav$//')" = "$(names "$texts/$language.txt" | sort)" ]
    done
    for file in "$all"/*/*.wav; do
        soxi "$file" >"$BATS_TEST_TMPDIR/format"
        grep -qx 'Channels       : 1' "$BATS_TEST_TMPDIR/format"
        grep -qx 'Sample Rate    : 8000' "$BATS_TEST_TMPDIR/format"
        grep -qx 'Sample Encoding: 16-bit Signed Integer PCM' "$BATS_TEST_TMPDIR/format"
        # As loud as the others.
        sox "$file" -n stat 2>"$BATS_TEST_TMPDIR/heard"
        between "$(measure 'Length (seconds)')" 0.5 30
        between "$(measure 'RMS     amplitude')" 0.02 0.5
        between "$(measure 'Maximum amplitude')" 0.3 0.75
    done
    # A moment of silence before and behind.
    sox "$all/nl/welcome.wav" -n trim 0 0.19 stat 2>"$BATS_TEST_TMPDIR/heard"
    between "$(measure 'Maximum amplitude')" 0 0.001
    sox "$all/nl/welcome.wav" -n trim -0.49 stat 2>"$BATS_TEST_TMPDIR/heard"
    between "$(measure 'Maximum amplitude')" 0 0.001
    # No two say the same.
    [ -z "$(sha256sum "$all"/*/*.wav | cut -d ' ' -f 1 | sort | uniq -d)" ]
    [ "$(grep -c '\.wav$' "$BATS_FILE_TMPDIR/made")" = "$(find "$all" -name '*.wav' | wc -l)" ]
}

@test "prompts: nothing is made a second time" {
    before=$(state "$all")
    run --separate-stderr -0 make -s -C "$IDB_ROOT" prompts PROMPTS="$all"
    [ -z "$output" ]
    [ -z "$stderr" ]
    [ "$before" = "$(state "$all")" ]
}

# hours CHANGE [LANGUAGE]: what the line kcc says, its line of idb.json changed so.
hours() {
    jq "{ lines: { comment: \"x\", kcc: ({} | $1) } }" -n >"$BATS_TEST_TMPDIR/idb.json"
    jq -r --arg lang "${2-nl}" -f "$texts/hours.jq" "$BATS_TEST_TMPDIR/idb.json"
}

@test "prompts: the hours of a line in words" {
    week='.hours = { mon: ["09:00-17:00"], tue: ["09:00-17:00"], wed: ["08:30-12:30", "13:00-24:00"], sun: ["00:00-12:00"] }'
    [ "$(hours "$week")" = 'closed-kcc: Deze lijn is nu gesloten. Wij zijn open op maandag en dinsdag van 9 uur tot 17 uur. Op woensdag van 8 uur 30 tot 12 uur 30, en van 13 uur tot 24 uur. Op zondag van 0 uur tot 12 uur. U kunt dan opnieuw bellen.' ]
    [ "$(hours "$week" en)" = 'closed-kcc: This line is closed now. We are open on Monday and Tuesday from 9 AM until 5 PM. On Wednesday from 8:30 AM until 12:30 PM, and from 1 PM until midnight. On Sunday from midnight until noon. You can call again then.' ]
    all='["mon", "tue", "wed", "thu", "fri", "sat", "sun"] | map({ (.): ["10:00-16:00"] }) | add'
    [ "$(hours ".hours = ($all) | .closed = [\"2026-12-25\"]")" = 'closed-kcc: Deze lijn is nu gesloten. Wij zijn open op maandag tot en met zondag van 10 uur tot 16 uur. U kunt dan opnieuw bellen. Op feestdagen zijn wij soms gesloten.' ]
    # Nothing to say.
    [ -z "$(hours '.number = "+31241234567"')$(hours '.hours = {}')$(hours '.hours = { mon: [] }')" ]
}

@test "prompts: with a configuration the hours of each line are spoken too, and go with it" {
    own_prompts
    run --separate-stderr -0 "$source/speak" "$out" '' "$IDB_ROOT/scripts/idb.json.example"
    [ "$output" = "$out/en/closed-kcc.wav"$'\n'"$out/nl/closed-kcc.wav" ]
    sox "$out/nl/closed-kcc.wav" -n stat 2>"$BATS_TEST_TMPDIR/heard"
    between "$(measure 'Length (seconds)')" 5 40
    run --separate-stderr -0 "$source/speak" "$out"
    [ ! -e "$out/nl/closed-kcc.wav" ]
    echo '{' >"$BATS_TEST_TMPDIR/none.json"
    before=$(state "$out")
    run --separate-stderr -65 "$source/speak" "$out" '' "$BATS_TEST_TMPDIR/none.json"
    [[ $stderr == "prompts: $BATS_TEST_TMPDIR/none.json: "* ]]
    [ "$before" = "$(state "$out")" ]
}

@test "prompts: a text that changed is spoken anew, alone; one that went is gone" {
    own_prompts
    sed -i 's/^closed: .*/closed:\t Wij zijn er morgen weer.  \r/' "$source/nl.txt"
    sed -i '/^goodbye: /d' "$source"/*.txt
    touch "$source"/*.txt "$out/nl/of-another.wav"
    rm "$out/en/enter.wav"
    run --separate-stderr -0 "$source/speak" "$out"
    [ "$output" = "$(printf '%s\n' "$out/en/enter.wav" "$out/nl/closed.wav")" ]
    [ -z "$stderr" ]
    run -1 cmp -s "$out/nl/closed.wav" "$all/nl/closed.wav"
    cmp "$out/en/enter.wav" "$all/en/enter.wav"
    [ -z "$(find "$out" -name 'goodbye.wav')" ]
    [ -e "$out/nl/of-another.wav" ]
    run --separate-stderr -0 "$source/speak" "$out"
    [ -z "$output" ]
}

@test "prompts: a recording takes the place of the synthetic one, and gives it back" {
    own_prompts
    tone "$source/recordings/nl/welcome.wav" 440
    tone "$BATS_TEST_TMPDIR/studio/en/no-more.wav" 1000 1
    : >"$source/recordings/.hidden"
    run --separate-stderr -0 "$source/speak" "$out"
    [ "$output" = "$out/nl/welcome.wav" ]
    [ "$(soxi -r "$output") $(soxi -c "$output") $(soxi -b "$output")" = '8000 1 16' ]
    between "$(soxi -D "$output")" 2.69 2.71
    between "$(frequency "$output")" 435 445
    between "$(measure 'Maximum amplitude')" 0.69 0.72
    # Another folder, for make: that one alone counts.
    run --separate-stderr -0 make -s -C "$IDB_ROOT" prompts PROMPTS="$out" RECORDINGS="$BATS_TEST_TMPDIR/studio"
    [ "$output" = "$(printf '%s\n' "$out/en/no-more.wav" "$out/nl/welcome.wav")" ]
    [ -z "$stderr" ]
    cmp "$out/nl/welcome.wav" "$all/nl/welcome.wav"
    between "$(frequency "$out/en/no-more.wav")" 950 1050
    # A newer take of the same.
    tone "$BATS_TEST_TMPDIR/studio/en/no-more.wav" 600 1
    run -0 "$source/speak" "$out" "$BATS_TEST_TMPDIR/studio"
    [ "$output" = "$out/en/no-more.wav" ]
}

@test "prompts: a recording that is broken, silent or misnamed is refused by name" {
    own_prompts
    studio=$BATS_TEST_TMPDIR/studio
    refused "$studio: is not there, or is no folder" "$studio"
    tone "$studio/nl/enter.wav" 440
    cp "$studio/nl/enter.wav" "$BATS_TEST_TMPDIR/good.wav"
    # A good one beside it is not made either.
    tone "$studio/en/enter.wav" 440

    head -c 100000 "$BATS_TEST_TMPDIR/good.wav" >"$studio/nl/enter.wav"
    refused "$studio/nl/enter.wav: sox WARN wav: Premature EOF on .wav input file" "$studio"
    echo 'no sound' >"$studio/nl/enter.wav"
    refused "$studio/nl/enter.wav: sox FAIL formats: can't open input file \`$studio/nl/enter.wav': WAVE: RIFF header not found" "$studio"
    : >"$studio/nl/enter.wav"
    refused "$studio/nl/enter.wav: sox FAIL formats: can't open input file \`$studio/nl/enter.wav': WAVE: RIFF header not found" "$studio"
    sox -n -r 44100 -b 16 "$studio/nl/enter.wav" trim 0 2
    refused "$studio/nl/enter.wav: holds no sound" "$studio"
    sox -n -r 44100 -b 16 "$studio/nl/enter.wav" trim 0 0
    refused "$studio/nl/enter.wav: holds no sound" "$studio"
    rm "$studio/nl/enter.wav"
    ln -s nowhere "$studio/nl/enter.wav"
    refused "$studio/nl/enter.wav: cannot be read" "$studio"
    rm "$studio/nl/enter.wav"
    mkdir "$studio/nl/enter.wav"
    refused "$studio/nl/enter.wav: cannot be read" "$studio"
    rmdir "$studio/nl/enter.wav"

    for name in nl/welkom.wav nl/enter.mp3 nl/enter.WAV de/enter.wav enter.wav nl/enter/enter.wav; do
        mkdir -p "$(dirname "$studio/$name")"
        cp "$BATS_TEST_TMPDIR/good.wav" "$studio/$name"
        refused "$studio/$name: is not a prompt; a recording is called LANG/NAME.wav" "$studio"
        rm "$studio/$name"
    done
}

@test "prompts: a text that is missing, or says a prompt wrongly, is refused by file and line" {
    own_prompts
    echo 'Without a name' >>"$source/nl.txt"
    last=$(wc -l <"$source/nl.txt")
    refused "$source/nl.txt:$last: is not NAME: TEXT"
    sed -i '$ s/.*/empty: /' "$source/nl.txt"
    refused "$source/nl.txt:$last: is not NAME: TEXT"
    sed -i '$ s/.*/..\/..\/x: text/' "$source/nl.txt"
    refused "$source/nl.txt:$last: is not NAME: TEXT"
    sed -i '$ s/.*/enter: Nog een keer./' "$source/nl.txt"
    refused "$source/nl.txt:$last: enter stands there twice"
    sed -i '$ s/.*/more: Nog een./' "$source/nl.txt"
    refused "$source/en.txt: has no more, which $source/nl.txt has"
    printf 'more: caf\xe9\n' >>"$source/en.txt"
    refused "$source/en.txt: is not UTF-8"
    printf '# nothing\n\n' >"$source/nl.txt"
    cp "$source/nl.txt" "$source/en.txt"
    refused "$source/nl.txt: no prompt stands in it"
    rm "$source/en.txt"
    refused "$source/en.txt: is not there, or cannot be read"
}

@test "prompts: without espeak-ng or sox it says what to install, and makes nothing" {
    own_prompts
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in bash env find sort awk grep head iconv mkdir mktemp mv readlink dirname rm sha256sum sox; do
        ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
    done
    rm "$out/nl/enter.wav"
    run --separate-stderr -69 env PATH="$BATS_TEST_TMPDIR/bin" "$source/speak" "$out"
    [ "$stderr" = 'prompts: espeak-ng is not there; scripts/packages prompts installs it' ]
    # With a recording instead it is not missed; sox is.
    tone "$source/recordings/nl/enter.wav" 440
    run --separate-stderr -0 env PATH="$BATS_TEST_TMPDIR/bin" "$source/speak" "$out"
    [ "$output" = "$out/nl/enter.wav" ]
    rm "$out/nl/enter.wav" "$BATS_TEST_TMPDIR/bin/sox"
    run --separate-stderr -69 env PATH="$BATS_TEST_TMPDIR/bin" "$source/speak" "$out"
    [ "$stderr" = 'prompts: sox is not there; scripts/packages prompts installs it' ]
    [ ! -e "$out/nl/enter.wav" ]
    run --separate-stderr -64 "$source/speak"
    [ "$stderr" = 'prompts: usage: speak OUT [RECORDINGS [CONFIGURATION]]' ]
}

@test "prompts: on a full disk nothing is put in place" {
    own_prompts
    # Eight bits become sixteen: the recording is smaller than the limit, the prompt is not.
    mkdir -p "$source/recordings/nl"
    sox -n -r 8000 -b 8 "$source/recordings/nl/enter.wav" synth 5 sine 440 gain -12
    before=$(state "$out")
    # Without the signal a write beyond the limit fails, as on a full disk.
    run --separate-stderr -69 bash -c 'trap "" XFSZ; ulimit -f 60; "$@"' - "$source/speak" "$out"
    [ -z "$output" ]
    [[ $stderr == "prompts: $source/recordings/nl/enter.wav: sox FAIL "*': File too large' ]]
    [ "$before" = "$(state "$out")" ]
    run -0 "$source/speak" "$out"
    [ "$output" = "$out/nl/enter.wav" ]
}

@test "prompts: make install installs them where they were made, and uninstall removes them" {
    umask 077
    root=$BATS_TEST_TMPDIR/root
    installing=(make -s -C "$IDB_ROOT" DESTDIR="$root" PREFIX=/usr)
    run -0 "${installing[@]}" install PROMPTS="$BATS_TEST_TMPDIR/none"
    [ -e "$root/usr/share/idb/idb.json.example" ]
    # The texts are there in any case, for platforms that speak by themselves.
    [ "$(ls "$root/usr/share/idb/prompts")" = $'en.txt\nnl.txt' ]
    cmp "$texts/nl.txt" "$root/usr/share/idb/prompts/nl.txt"
    run -0 "${installing[@]}" install PROMPTS="$all"
    diff -r -x made -x '*.txt' "$all" "$root/usr/share/idb/prompts"
    [ ! -e "$root/usr/share/idb/prompts/made" ]
    [ -z "$(find "$root/usr/share/idb" -type f ! -name letter ! -name textfile ! -perm 0644 -o -type d ! -perm 0755)" ]
    cmp "$IDB_ROOT/man/idb-prompts.7" "$root/usr/share/man/man7/idb-prompts.7"
    run -0 "${installing[@]}" uninstall
    [ ! -e "$root/usr/share/idb" ]
}
