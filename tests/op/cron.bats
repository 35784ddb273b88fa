#!/usr/bin/env bats
# scripts/cron/idb: each line as cron runs it, and what it does.

setup_file() {
    load ../lib
    load service
    services_up
}

teardown_file() {
    load service
    services_down
}

setup() {
    load ../lib
    load lib
    load service
    FILE=$IDB_ROOT/scripts/cron/idb
    service_instance
    mkdir -m 700 "$HERE/backups"
}

teardown() {
    rm -rf "$HERE"
}

# entries: the lines with a time, and settings: NAME=VALUE.
entries() { grep -E '^[0-9*]' "$FILE"; }
settings() { grep -E '^[A-Z]+=' "$FILE"; }

# entry TEXT: the one line that holds it.
entry() {
    [ "$(entries | grep -cF -- "$1")" = 1 ] || { echo "not one line with $1" >&2; return 1; }
    entries | grep -F -- "$1"
}

# cron LINE: does what cron(8) does with a line of /etc/cron.d: as its user, in an
# environment of its own with the file's settings, /bin/sh runs what stands before
# the first % that no backslash precedes; what follows is standard input. Users and
# the places of an installation are exchanged for this one's. What comes out is what
# cron would send as mail.
cron() {
    local user command input='' part
    read -r part part part part part user command <<<"$1"
    command=${command//\/var\/backups\/idb/"$HERE/backups"}
    command=${command//\/usr\/local\/share/"$BASE/share"}
    if [[ $command =~ ^(([^%\\]|\\.)*)%(.*)$ ]]; then
        command=${BASH_REMATCH[1]} input=${BASH_REMATCH[3]//%/$'\n'}
    fi
    command=${command//\\%/%}
    case "$user" in
    idb-purge) user=$PURGE ;;
    root) user=$(id -un) ;;
    *) return 1 ;;
    esac
    local environment=(SHELL=/bin/sh "HOME=/" "LOGNAME=$user" "USER=$user" IDB_CONFIG="$IDB_CONFIG")
    while read -r part; do
        environment+=("${part//\/usr\/local\/bin/"$BASE/bin"}")
    done < <(settings)
    # The clock that a case moves, and where syslog is caught.
    for part in ASAN_OPTIONS LD_PRELOAD CLOCK_OFFSET_MS SYSLOG_FILE; do
        [ -z "${!part-}" ] || environment+=("$part=${!part}")
    done
    (cd / && as "$user" env -i "${environment[@]}" /bin/sh -c "$command" <<<"$input")
}

# silent LINE: done, and no mail.
silent() {
    run --separate-stderr cron "$1"
    [ "$status" = 0 ] && [ -z "$output" ] && [ -z "$stderr" ] && return
    printf '%s\n' "$status" "$output" "$stderr"
    return 1
}

# keys FILE: the ids in a key file, the newest first. everything: all key files.
keys() { jq -r '.keys[].kid' "$IDB_KEYS/$1"; }
everything() { (cd "$IDB_KEYS" && cat */* | sha256sum); }

# aged OFFSET: all keys are new ones, made at that time.
aged() {
    rm -r "${IDB_KEYS:?}"/*
    at_offset "$1" idb-keys create >"$HERE/made"
}

@test "cron: the file is one that cron takes: fields, names, ends of lines, mode" {
    [[ $(basename "$FILE") =~ ^[A-Za-z0-9_-]+$ ]]
    # A last line without an end, and a carriage return, are passed over or worse.
    [ -z "$(tail -c 1 "$FILE")" ]
    run -1 grep -q $'\r' "$FILE"
    run -1 grep -vE '^(#.*|[A-Z]+=[^ ]+|([0-9]{1,2}|\*)( ([0-9]{1,2}|\*)){4} [a-z-]+ [^ ].*)?$' "$FILE"
    [ "$(entries | wc -l)" = 5 ]
    while read -r minute hour day month weekday user command; do
        [ "$minute" = '*' ] || [ "$minute" -lt 60 ]
        [ "$hour" = '*' ] || [ "$hour" -lt 24 ]
        [ "$day $month $weekday" = '* * *' ]
        [[ $user =~ ^(root|idb-purge)$ ]]
        # cron ends a command at a bare %.
        [[ ! ${command//\\%/} == *%* ]]
        [ "${#command}" -lt 990 ]
    done < <(entries)
    # The settings stand before the lines they are for.
    [ "$(grep -nE '^[A-Z]+=' "$FILE" | tail -n 1 | cut -d: -f1)" -lt "$(grep -nE '^[0-9*]' "$FILE" | head -n 1 | cut -d: -f1)" ]
    settings | grep -qx 'MAILTO=root'
    settings | grep -qx 'PATH=/usr/local/bin:/usr/bin:/bin'
    # Others may not write it, and the line that installs it sees to that.
    [ "$(stat -c %a "$FILE")" = 644 ]
    grep -qx '#     install -m 644 /usr/local/share/idb/cron/idb /etc/cron.d/idb' "$FILE"
}

@test "cron: each minute an expired session is erased, wherever it stood in the store" {
    store_gone
    at_offset -300m idb-store create >"$HERE/made"
    at_offset -300m idb-issue --attest=front-office < <(requests 1) >"$HERE/issued"
    [ "$(sql 'SELECT state, sealed IS NULL FROM session')" = 'issued|0' ]
    sealed=$(sql 'SELECT substr(sealed, 1, 60) FROM session')
    store_bytes >"$HERE/bytes"
    grep -aqF -- "$sealed" "$HERE/bytes"
    silent "$(entry idb-purge)"
    [ "$(sql 'SELECT state, sealed IS NULL FROM session')" = 'expired|1' ]
    store_bytes >"$HERE/bytes"
    run -1 grep -aqF -- "$sealed" "$HERE/bytes"
    [[ $(entry idb-purge) == '* * * * * idb-purge '* ]]
    # And again, with nothing to do.
    silent "$(entry idb-purge)"
    is_sound
}

@test "cron: what goes wrong is mail, or in syslog as the file says" {
    store_away
    run --separate-stderr -78 cron "$(entry idb-purge)"
    [ -z "$output" ]
    [[ $stderr == 'idb-purge: '* ]]
    [ "${#stderr_lines[@]}" = 1 ]
    grep -qF 'write `>/dev/null 2>&1`' "$FILE"
    export SYSLOG_FILE=$HERE/syslog
    install -m 666 /dev/null "$SYSLOG_FILE"
    install -m 755 "$(tool syslog)" "$BASE/syslog.so"
    LD_PRELOAD=$BASE/syslog.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 \
        run --separate-stderr -78 cron "$(entry idb-purge) 2>&1"
    [ -z "$output" ]
    [ -z "$stderr" ]
    grep -q 'store_missing: ' "$SYSLOG_FILE"
}

@test "cron: each hour the seal key is replaced once it is a day old, and its like destroyed in time" {
    line=$(entry ' seal ')
    [[ $line == '40 * * * * root '* ]]
    # A new one stays.
    before=$(everything)
    silent "$line"
    [ "$(everything)" = "$before" ]
    aged -22h
    before=$(everything)
    silent "$line"
    [ "$(everything)" = "$before" ]
    aged -1d
    old=$(keys desk/seal.key) others=$(cd "$IDB_KEYS" && cat */{browser,code,bind,issue}.*)
    silent "$line"
    [ "$(keys desk/seal.key | tail -n 1)" = "$old" ]
    [ "$(keys desk/seal.key | wc -l)" = 2 ]
    new=$(keys desk/seal.key | head -n 1)
    [ "$(keys web/seal.pub | head -n 1)" = "$new" ]
    [ "$(cd "$IDB_KEYS" && cat */{browser,code,bind,issue}.*)" = "$others" ]
    # An hour later nothing; five hours later the old one is gone.
    at_offset +1h silent "$line"
    [ "$(keys desk/seal.key | wc -l)" = 2 ]
    at_offset +5h silent "$line"
    [ "$(keys desk/seal.key)" = "$new" ]
    # Zones read theirs as before.
    fresh_code >"$HERE/code"
    run --separate-stderr -0 as "$PHONE" idb-verify < <(keyed "$(cat "$HERE/code")" c-1)
    run --separate-stderr -0 as "$DESK" env AUTH_TYPE=test REMOTE_USER=alice idb-lookup <<<'{"call_id":"c-1"}'
    [ "$(json result)" = open ]
}

@test "cron: each hour the other keys are replaced once they are 30 days old" {
    line=$(entry --older-than=720)
    [[ $line == '41 * * * * root '* ]]
    aged -29d
    before=$(everything)
    silent "$line"
    [ "$(everything)" = "$before" ]
    aged -31d
    silent "$line"
    for file in web/{browser,code,issue}.key phone/{code,bind}.key desk/bind.key desk/issue.pub; do
        [ "$(keys "$file" | wc -l)" = 2 ]
    done
    at_offset +5h silent "$line"
    for file in web/{browser,code,issue}.key phone/{code,bind}.key desk/bind.key desk/issue.pub; do
        [ "$(keys "$file" | wc -l)" = 1 ]
    done
}

@test "cron: each night there is a backup that can be restored, and old ones go" {
    line=$(entry idb-store)
    [[ $line == '15 3 * * * root '* ]]
    fresh_code >"$HERE/code"
    for days in 6 9; do
        touch -d "$days days ago" "$HERE/backups/$days.db"
    done
    touch -d '9 days ago' "$HERE/backups/other"
    before=$(date +%F)
    silent "$line"
    made=$(cd "$HERE/backups" && echo 20*)
    [ "$made" = "$before.db" ] || [ "$made" = "$(date +%F).db" ]
    [ "$(cd "$HERE/backups" && echo *)" = "$made 6.db other" ]
    [ "$(stat -c %a "$HERE/backups/$made")" = 600 ]
    run --separate-stderr -0 idb-store restore "$HERE/backups/$made"
    [ "$(json result) $(json expired)" = 'restored 1' ]
}

@test "cron: a night without a new backup leaves the old ones" {
    line=$(entry idb-store)
    touch -d '9 days ago' "$HERE/backups/9.db"
    store_away
    run --separate-stderr -78 cron "$line"
    [[ $stderr == 'idb-store: '* ]]
    store_back
    # One of today that was made before is not written over.
    echo mine >"$HERE/backups/$(date +%F).db"
    run --separate-stderr -1 cron "$line"
    [ "$(cat "$HERE/backups/$(date +%F).db")" = mine ]
    [ -e "$HERE/backups/9.db" ]
}

@test "cron: idb(7) shows the lines of the file" {
    shown=$(mandoc -T ascii -O width=200 "$IDB_ROOT/man/idb.7" | sed -nE 's/.\x08//g; s/^ +(([A-Z]+=|[0-9*]+ [0-9*]+ \* ).*)$/\1/p')
    [ "$shown" = "$(settings; entries)" ]
}

@test "cron: the line for Prometheus waits behind a #, and works without it" {
    line=$(grep '^#\*' "$FILE")
    [ "$line" = '#*/5 * * * * root /usr/local/share/idb/stats/textfile' ]
    grep -qxF -- "${line#\#}" <(mandoc -T ascii -O width=200 "$IDB_ROOT/man/idb-stats.8" | sed 's/.\x08//g; s/^ *//')
    mkdir -p "$BASE/share/idb/stats" "$HERE/counts"
    install -m 755 "$IDB_ROOT/scripts/stats/textfile" "$BASE/share/idb/stats"
    silent "${line#\#} $HERE/counts"
    grep -qx 'idb_live_codes 0' "$HERE/counts/idb.prom"
}
