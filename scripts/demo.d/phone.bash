# A telephone line by SIP, and the telephones of the resident and the agent, made of
# baresip. Sourced by scripts/demo.
# shellcheck shell=bash disable=SC2034,SC2154 # variables that the parts share

phones=() # every process that is one of these

# telephone NAME USER PORT COMMANDS MODE: sip:USER@127.0.0.1:PORT, told what to do at the
# port COMMANDS. What it prints stays in its folder, as log, where a sixth is given.
telephone() {
    local folder=$dir/telephone-$1 printed=/dev/null
    mkdir "$folder"
    : >"$folder/contacts"
    printf '<sip:%s@127.0.0.1:%s>;regint=0;answermode=%s;audio_codecs=pcma,pcmu\n' "$2" "$3" "$5" \
        >"$folder/accounts"
    [ -e "$dir/silence.wav" ] || sox -n -r 8000 -c 1 -b 16 "$dir/silence.wav" trim 0 600
    printf '%s\n' 'poll_method epoll' "sip_listen 127.0.0.1:$3" 'net_interface 127.0.0.1' \
        'call_max_calls 4' "audio_source aufile,$dir/silence.wav" 'ausrc_srate 8000' \
        'auplay_srate 8000' 'ausrc_channels 1' 'auplay_channels 1' \
        'module_path /usr/lib/baresip/modules' 'module g711.so' 'module aufile.so' \
        'module_tmp account.so' 'module_app menu.so' 'module_app debug_cmd.so' \
        'module_app ctrl_tcp.so' "ctrl_tcp_listen 127.0.0.1:$4" 'menu_bell no' \
        'ringback_disabled yes' 'statmode_default off' >"$folder/config"
    [ "$#" = 5 ] || printed=$folder/log
    baresip -s -f "$folder" </dev/null >"$printed" 2>&1 &
    phones+=("$!")
    await 'the telephone should be there' is_taken "$4"
}

# await MESSAGE COMMAND…: until that succeeds; stops with the message.
await() {
    local message=$1 try
    shift
    for ((try = 0; try < 200; try++)); do
        ! "$@" || return 0
        sleep 0.05
    done
    stop "$message"
}

# press PORT WHAT COMMAND [PARAMETER]: what somebody does at their telephone; WHAT is how
# the transcript has it. A code goes through printf, which is the shell's own.
press() {
    local json="{\"command\":\"$3\",\"params\":\"${4-}\"}" to
    printf '\n    (%s)\n' "$2"
    exec {to}<>"/dev/tcp/127.0.0.1/$1"
    printf '%d:%s,' "${#json}" "$json" >&"$to"
    IFS= read -r -t 5 -d , -u "$to" || stop 'the telephone should answer'
    exec {to}>&-
}

start_line() {
    make -s -C "$root" prompts PROMPTS="$dir/prompts" >/dev/null 2>"$dir/complaint" ||
        stop "the prompts should be made: $(cat "$dir/complaint")"
    telephone agent agent "$agent_port" "$agent_commands" auto log
    local command=("$root/scripts/phone/sip-line" --lang=en --listen="$line_at"
        --prompts=prompts --queue="sip:agent@127.0.0.1:$agent_port")
    printf '\n    %s$ %s &%s\n' "$bold" "${command[*]}" "$plain"
    : >"$dir/line.log"
    IDB_PATH=$root/build TMPDIR=$dir "${command[@]}" </dev/null >/dev/null 2>>"$dir/line.log" &
    phones+=("$!")
    shown=0
    follow ' takes calls$'
}

# sentence NAME: what that prompt says.
sentence() { sed -n "s/^$1: //p" "$root/scripts/phone/prompts/en.txt" | fold -s -w 70 | sed 's/ $//'; }

# follow PATTERN: shows what the line says, with each prompt's words, up to that.
follow() {
    local told try
    for ((try = 0; try < 900; try++)); do
        while IFS= read -r told; do
            shown=$((shown + 1))
            show '!' <<<"$told"
            [[ $told != *': plays '* ]] || sentence "${told##* }" | show '>'
            [[ ! $told =~ $1 ]] || return 0
        done < <(tail -n "+$((shown + 1))" "$dir/line.log")
        sleep 0.1
    done
    stop "the line should say:$1"
}

stop_phones() {
    local pid
    [ "${#phones[@]}" -gt 0 ] || return 0
    kill "${phones[@]}" || true
    for pid in "${phones[@]}"; do wait "$pid" || true; done
    phones=()
}

# invited: the address that the agent's telephone was called at.
invited() { grep -aoPm 1 '^INVITE \Ksip:agent@\S+' "$dir/telephone-agent/log"; }

call_by_telephone() {
    step 'A telephone line without an exchange'
    say 'The same dialogue, by voice: this line is a SIP telephone that plays the prompts' \
        'and listens to keys. Identified callers are transferred to an agent'\''s telephone.'
    start_line

    step 'The resident calls'
    say 'With a telephone, here one that has no loudspeaker. What the line says stands below.' \
        'The code is the one on the page; a key that is pressed ends the prompt.'
    telephone resident "$number" "$resident_port" "$resident_commands" manual
    press "$resident_commands" 'the resident dials the number' dial "sip:line@$line_at"
    follow ' plays welcome$'
    press "$resident_commands" "the resident keys in $code, and #" sndcode "$code#"
    follow ' transferred$'
    call_id=$(sed -n 's/.*call \(sip-[0-9a-f]*\): transferred$/\1/p' "$dir/line.log")
    [ -n "$call_id" ] || stop 'the line should say which call it was'
    grep -qE ": accepted, queue status$" "$dir/line.log" || stop 'the code should be accepted'

    step 'The agent'\''s telephone rings'
    say 'The resident'\''s telephone was asked to call there, with the call'\''s id in the address.'
    await 'the agent should be called' invited >/dev/null
    printf '\n'
    invited | show '>'
    [ "$(invited)" = "sip:agent@127.0.0.1:$agent_port;idb-call-id=$call_id" ] ||
        stop 'the address should hold the id of the call'
}

hang_up() {
    press "$resident_commands" 'the resident hangs up' hangup
}
