# Real telephones for tests of scripts/phone/sip-line: `load ../lib`, `load ../life`,
# `load sip` or `load ../sip/sip`.
# shellcheck shell=bash

LINE=$IDB_ROOT/scripts/phone/sip-line
HERE=$BATS_TEST_TMPDIR
# In the order of the notes that tones makes of them.
SAID=(welcome enter again mistyped wrong expired used throttled accepted no-more to-queue
    goodbye closed unavailable)

# Everything that was started, the newest first; phones and lines in their own time.
started=()
stop_all() {
    local pid try
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do
        for ((try = 0; try < 200; try++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.02
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    started=()
}

# within SECONDS COMMAND…: waits for it.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -le "$end" ] || { echo "not within time: $*" >&2; return 1; }
        sleep 0.05
    done
}

# has_port PORT: somebody has it.
has_port() {
    local hex
    printf -v hex ':%04X ' "$1"
    grep -qF -- "$hex" /proc/net/tcp /proc/net/udp
}

# a_port: one that nobody has, in $port, nor the next, which baresip takes too; below
# those that the system gives out by itself.
a_port() {
    while :; do
        port=$((20000 + RANDOM % 12000))
        has_port "$port" || has_port $((port + 1)) || return 0
    done
}

# tones DIR [NAME SECONDS]: prompts in both languages, each a note of its own, short; one
# of them longer.
tones() {
    local i name
    mkdir -p "$1"/{nl,en}
    for i in "${!SAID[@]}"; do
        name=${SAID[i]}
        sox -n -r 8000 -c 1 -b 16 "$1/nl/$name.wav" synth \
            "$([ "$name" = "${2-}" ] && echo "$3" || echo 0.5)" sine $((400 + 200 * i)) vol 0.5
        cp "$1/nl/$name.wav" "$1/en/$name.wav"
    done
}

# heard FILE: the prompts in a recording, in order: notes of more than a moment.
heard() {
    sox "$1" -t dat - | awk -v names="${SAID[*]}" '
        BEGIN { split(names, name, " ") }
        /^;/ { next }
        { n++; sum += $2 * $2; if (($2 > 0) != up) { up = $2 > 0; crossings++ } }
        n == 800 {
            i = int((crossings * 5 - 400) / 200 + 1.5)
            now = sqrt(sum / n) > 0.05 && i in name ? name[i] : ""
            if (now == last) { if (now && ++times == 2) print now } else times = 1
            last = now; n = sum = crossings = 0
        }' | paste -sd ' '
}

# phone NAME USER [OPTION]: a telephone at sip:USER@127.0.0.1:$port, ${sip[NAME]} from now
# on; it records what it hears in $HERE/NAME/heard.
declare -gA sip=() commands=()
phone() {
    local name=$1 dir=$HERE/$1
    mkdir -p "$dir/heard"
    [ -e "$HERE/silence.wav" ] || sox -n -r 8000 -c 1 -b 16 "$HERE/silence.wav" trim 0 120
    a_port; sip[$name]=$port
    a_port; commands[$name]=$port
    : >"$dir/contacts"
    echo "<sip:$2@127.0.0.1:${sip[$name]}>;regint=0;answermode=${3-manual};audio_codecs=pcmu,pcma" >"$dir/accounts"
    printf '%s\n' 'poll_method epoll' "sip_listen 127.0.0.1:${sip[$name]}" 'net_interface 127.0.0.1' \
        'call_max_calls 4' "audio_source aufile,$HERE/silence.wav" 'ausrc_srate 8000' \
        'auplay_srate 8000' 'ausrc_channels 1' 'auplay_channels 1' \
        'module_path /usr/lib/baresip/modules' 'module g711.so' 'module aufile.so' 'module sndfile.so' \
        'module_tmp account.so' 'module_app menu.so' 'module_app debug_cmd.so' 'module_app ctrl_tcp.so' \
        "snd_path $dir/heard" "ctrl_tcp_listen 127.0.0.1:${commands[$name]}" 'menu_bell no' \
        'ringback_disabled yes' 'statmode_default off' >"$dir/config"
    baresip -f "$dir" </dev/null >"$dir/log" 2>&1 3>&- &
    started=($! "${started[@]}")
    within 10 has_port "${commands[$name]}" || { cat "$dir/log"; return 1; }
}

# on NAME COMMAND [PARAMETER]: a command for that telephone.
on() {
    local json="{\"command\":\"$2\",\"params\":\"${3-}\",\"token\":\"t\"}" fd
    exec {fd}<>"/dev/tcp/127.0.0.1/${commands[$1]}"
    printf '%d:%s,' "${#json}" "$json" >&"$fd"
    IFS= read -r -t 5 -d , -u "$fd"
    exec {fd}>&-
}

dial() { on "$1" dial "sip:line@127.0.0.1:${2-$line_port}"; }

# line NAME [OPTION…]: a line, at $line_port; what it says in $HERE/NAME. Once more at
# another port where somebody took that one meanwhile.
line() {
    local try
    for try in 1 2 3; do
        start_line "$@" && return
        cat "$HERE/$1" >&2
    done
    return 1
}

start_line() {
    local name=$1
    shift
    mkdir -p "$HERE/tmp"
    a_port; line_port=$port
    IDB_PATH=$IDB_BUILD TMPDIR=$HERE/tmp env --default-signal=INT "$LINE" --listen="127.0.0.1:$line_port" \
        --prompts="$HERE/prompts" "$@" </dev/null 2>"$HERE/$name" 3>&- &
    line_pid=$!
    started=("$line_pid" "${started[@]}")
    within 30 begun_or_ended "$name" && said "$name" ' takes calls$'
}

begun_or_ended() { said "$1" ' takes calls$' || ! kill -0 "$line_pid" 2>/dev/null; }

# said NAME TEXT: the line has said that.
said() { grep -qE -- "$2" "$HERE/$1"; }
# calls_are N: so many calls has the line had.
calls_are() { [ "$(grep -c ': from a ' "$HERE/line")" = "$1" ]; }
# call_of NAME: the id of its newest call.
call_of() { grep -oE 'sip-[0-9a-f]{32}' "$HERE/$1" | tail -n 1; }

# agent [NAME]: a telephone made of sipp that answers each call; its messages are in
# $HERE/agent.log.
agent() {
    a_port; agent_port=$port
    sipp -sn uas -i 127.0.0.1 -p "$agent_port" -trace_msg -message_file "$HERE/agent.log" \
        -nostdin </dev/null >/dev/null 2>&1 3>&- &
    started=($! "${started[@]}")
    within 10 has_port "$agent_port"
}

# invited: the addresses that the agent's telephone was called at.
invited() { grep -aoP '^INVITE \K\S+' "$HERE/agent.log" 2>/dev/null; }
was_invited() { [ -n "$(invited)" ]; }

# lacks_code CODE…: none of them stands in what the lines said or left, wholly or in part.
lacks_codes() {
    local code
    for code in "$@"; do printf '%s\n' "$code" "${code:0:7}" "${code:3}"; done >"$HERE/codes"
    run -1 grep -raFf "$HERE/codes" "$HERE"/line* "$HERE/tmp"
}

# sipp_call LINE_PORT CODES [SECONDS]: a caller made of sipp that keys CODES in, takes a
# transfer, says that it went well, and sees the end. Its messages are in $HERE/sipp.log.
sipp_call() {
    a_port
    sed "s/@DTMF@/$2/; s/@PAUSE@/$3/" "$IDB_ROOT/tests/sip/caller.xml" >"$HERE/caller.xml"
    timeout 60 sipp -sf "$HERE/caller.xml" -i 127.0.0.1 -p "$port" -s line -m 1 -trace_msg \
        -message_file "$HERE/sipp.log" -nostdin "127.0.0.1:$1" </dev/null >"$HERE/sipp.out" 2>&1 3>&-
}

# resembles RECORDING PROMPT: the first four seconds of the prompt are in the recording:
# loudness, over 50 ms, rises and falls together, at some delay of up to two seconds.
resembles() {
    awk '
        /^;/ { if (FNR == 1) { file++; n = sum = count = 0 }; next }
        { n++; sum += $2 * $2 }
        n == 80 {
            part[count % 5] = sum
            loud = sqrt(part[0] + part[1] + part[2] + part[3] + part[4])
            if (file == 1) recording[count++] = loud
            else prompt[count++] = loud
            n = sum = 0
        }
        function correlation(delay,    i, x, y, sx, sy, sxx, syy, sxy) {
            for (i = 0; i < 400; i++) {
                x = recording[i + delay]; y = prompt[i]
                sx += x; sy += y; sxx += x * x; syy += y * y; sxy += x * y
            }
            x = (400 * sxx - sx * sx) * (400 * syy - sy * sy)
            return x > 0 ? (400 * sxy - sx * sy) / sqrt(x) : 0
        }
        END {
            for (delay = 0; delay <= 200; delay++) {
                now = correlation(delay)
                if (now > best)
                    best = now
            }
            print "correlation", best
            exit best < 0.9
        }' <(sox "$1" -t dat -) <(sox "$2" -t dat -)
}

# stops NAME: the line of $line_pid ends as it is told to, and leaves nothing.
stops() {
    local status=0
    kill "$line_pid"
    wait "$line_pid" || status=$?
    [ "$status" = "${1-0}" ]
    nothing_left
}

# nothing_left: of a line: neither a file nor a process that names its folder.
nothing_left() {
    [ -z "$(ls -A "$HERE/tmp")" ]
    # In brackets, so that it does not find itself.
    run -1 grep -aqE "$HERE/tm[p]" <(cat /proc/[0-9]*/cmdline 2>/dev/null)
}
