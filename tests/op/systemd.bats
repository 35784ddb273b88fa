#!/usr/bin/env bats
# The plain build only: it is what is installed.
# The units as they are installed: systemd accepts them, they are closed off, and
# what they start works as their user with their rights.

setup_file() {
    load ../lib
    load service
    services_up
    # At a place of its own, so that what a unit starts is there.
    export PREFIX=$BASE/prefix UNITS=$BASE/prefix/lib/systemd/system
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL SANITIZE
        umask 022
        make -s -C "$IDB_ROOT" PREFIX="$PREFIX" SYSCONFDIR="$BASE/etc" install 3>&-
    )
}

teardown_file() {
    load service
    services_down
}

setup() {
    load ../lib
    load lib
    load service
    service_instance
    mkdir -m 700 "$HERE/backups"
}

teardown() {
    { exec 7>&- 8>&-; } 2>/dev/null
    socket_down
    rm -rf "$HERE"
}

# settings UNIT NAME: the values of a setting, one a line, the shared ones first.
settings() {
    sed -n "s/^$2=//p" "$UNITS/idb-.service.d/hardening.conf" "$UNITS/$1"
}

# commands UNIT: what it starts, one a line, read as systemd does: %% is %, $$ is $.
# The places of backups and of counts are this instance's.
commands() {
    settings "$1" ExecStart | sed "s/%%/%/g; s/\\\$\\\$/\$/g; s:/var/backups/idb:$HERE/backups:g
        s:/var/lib/prometheus/node-exporter:$HERE/counts:g"
}

# rights UNIT: its user, groups, umask and capabilities as words for setpriv and sh;
# into the array with. Where one user is every zone just the umask.
rights() {
    local user groups capabilities
    user=$(settings "$1" User) groups=$(settings "$1" SupplementaryGroups)
    capabilities=$(settings "$1" CapabilityBoundingSet)
    with=(sh -c "umask $(settings "$1" UMask) && exec \"\$@\"" sh)
    [ "$(id -u)" -eq 0 ] || return 0
    case "$user" in
    idb-phone) user=$PHONE ;;
    idb-purge) user=$PURGE ;;
    '') user=root ;;
    *) return 1 ;;
    esac
    case "$groups" in
    idb) groups=--groups=$(getent group "$GROUP" | cut -d: -f3) ;;
    '') groups=--clear-groups ;;
    *) return 1 ;;
    esac
    capabilities=${capabilities,,}
    capabilities=-all${capabilities:+,+${capabilities#cap_}}
    with=(setpriv --reuid="$user" --regid="$(id -g "$user")" "$groups" --no-new-privs
        --inh-caps=-all --bounding-set="$capabilities" "${with[@]}")
}

# oneshot UNIT: starts it as systemd does, one command after the other.
oneshot() {
    local with words line
    rights "$1"
    [ "$(settings "$1" Type)" = oneshot ]
    while read -r line; do
        # xargs takes quotes off as systemd does.
        mapfile -t words < <(xargs -n 1 printf '%s\n' <<<"$line")
        (cd / && env -i PATH=/usr/local/bin:/usr/bin:/bin IDB_CONFIG="$IDB_CONFIG" \
            ${CLOCK_OFFSET_MS+CLOCK_OFFSET_MS="$CLOCK_OFFSET_MS" LD_PRELOAD="$LD_PRELOAD"} \
            "${with[@]}" "${words[@]}" >/dev/null) || return
    done < <(commands "$1")
    [ "$(settings "$1" StandardOutput)" = null ]
}

# socket_up PROGRAM: its service behind a socket as the unit says: a process for each
# connection, which is its standard input and output; complaints stay in HERE/journal.
socket_up() {
    local with words
    grep -qx 'Accept=yes' "$UNITS/idb-$1.socket"
    [ "$(settings "idb-$1@.service" StandardInput)" = socket ]
    [ "$(settings "idb-$1@.service" StandardOutput)" = socket ]
    [ "$(settings "idb-$1@.service" StandardError)" = journal ]
    rights "idb-$1@.service"
    mapfile -t words < <(commands "idb-$1@.service" | xargs -n 1 printf '%s\n')
    SOCKET=$HERE/run/$1
    install -d -m 755 "$HERE/run"
    [ "$(id -u)" -ne 0 ] || chown "$PHONE" "$HERE/run"
    install -m 666 /dev/null "$HERE/journal"
    (cd / && exec "${with[@]}" systemd-socket-activate --listen="$SOCKET" --accept --inetd \
        -E IDB_CONFIG "${words[@]}" </dev/null >"$HERE/journal" 2>&1 3>&-) &
    ACTIVATOR=$!
    until_true test -S "$SOCKET"
}

# kept_up WHAT…: idb-serve-phone.service with these sockets, begun by the first connection;
# each at HERE/run/WHAT.
kept_up() {
    local with words what names='' sockets=()
    rights idb-serve-phone.service
    mapfile -t words < <(commands idb-serve-phone.service | xargs -n 1 printf '%s\n')
    install -d -m 755 "$HERE/run"
    [ "$(id -u)" -ne 0 ] || chown "$PHONE" "$HERE/run"
    install -m 666 /dev/null "$HERE/journal"
    for what; do
        sockets+=(--listen="$HERE/run/$what") names+=:$what
    done
    (cd / && exec "${with[@]}" systemd-socket-activate "${sockets[@]}" --fdname="${names#:}" \
        -E IDB_CONFIG "${words[@]}" </dev/null >/dev/null 2>"$HERE/journal" 3>&-) &
    ACTIVATOR=$!
    until_true test -S "$HERE/run/$what"
}

# by_scgi PROGRAM JSON: a request of the client pbx, as from a web server.
by_scgi() {
    local head
    head="CONTENT_LENGTH|${#2}|SCGI|1|REQUEST_METHOD|POST|SCRIPT_NAME|/$1|"
    head+='CONTENT_TYPE|application/json|REMOTE_USER|pbx|AUTH_TYPE|Basic|'
    printf '%d:%s,%s' "${#head}" "$head" "$2" | tr '|' '\0' |
        socat -t 20 - "UNIX-CONNECT:$HERE/run/scgi" | tr -d '\r'
}

# said: what the programs complained of; the rest is systemd-socket-activate's.
said() { grep '^idb-' "$HERE/journal" || true; }

socket_down() {
    [ -z "${ACTIVATOR-}" ] || server_down "$ACTIVATOR"
    ACTIVATOR=
}

# whole: one connection; standard input goes there, all that comes goes out.
whole() { socat -t 20 - "UNIX-CONNECT:$SOCKET"; }

# open_connection NAME: one that stays, in NAME.in (to be held open) and NAME.out.
open_connection() {
    mkfifo "$HERE/$1.in"
    socat -t 20 - "UNIX-CONNECT:$SOCKET" <"$HERE/$1.in" >"$HERE/$1.out" 3>&- 7>&- 8>&- &
}
lines_in() { [ "$(wc -l <"$HERE/$1")" = "$2" ]; }

result() { [ "$(json result)" = "$1" ] || { echo "$output"; return 1; }; }
error() { [ "$(json error)" = "$1" ] || { echo "$output"; return 1; }; }

services() { (cd "$UNITS" && echo *.service); }

@test "systemd: every unit is accepted, without a word" {
    [ "$(cd "$UNITS" && ls -d -- *.* | wc -l)" = "$(cd "$IDB_ROOT/scripts/systemd" && ls -d -- *.* | wc -l)" ]
    for unit in "$UNITS"/*.{service,socket,timer}; do
        run -0 systemd-analyze verify --man=no "$unit"
        [ -z "$output" ] || { echo "$output"; false; }
    done
    # A word that systemd does not know is not passed over.
    sed 's/^ExecStart=/NoNewPrivilege=yes\n&/' "$UNITS/idb-purge.service" >"$HERE/idb-wrong.service"
    run systemd-analyze verify --man=no "$HERE/idb-wrong.service"
    [[ $output == *NoNewPrivilege* ]]
}

@test "systemd: units name the programs where they were installed, and pages that exist" {
    run -1 grep -r /usr/local "$UNITS"
    for unit in "$UNITS"/*.service; do
        while read -r program rest; do
            [ -x "$program" ]
        done < <(sed -n 's/^ExecStart=//p' "$unit")
    done
    pages=0
    while read -r page section; do
        [ -e "$PREFIX/share/man/man$section/$page.$section" ]
        pages=$((pages + 1))
    done < <(sed -n 's/^Documentation=//p' "$UNITS"/*.{service,socket,timer} | tr ' ' '\n' |
        sed -E 's/^man:(.*)\((.)\)$/\1 \2/')
    [ "$pages" -ge 15 ]
    for zone in web desk phone; do
        grep -qx "ExecStart=/usr/sbin/lighttpd -D -f /etc/idb/lighttpd/$zone.conf" "$UNITS/idb-$zone.service"
        [ -e "$PREFIX/share/idb/lighttpd/$zone.conf" ]
    done
}

@test "systemd: installing enables nothing" {
    [ -z "$(find "$PREFIX" "$BASE/etc" -path '*.wants*' -o -path '*.requires*' -o -name '*.preset')" ]
    [ -z "$(find "$UNITS" -type l)" ]
}

@test "systemd: no unit lacks the hardening" {
    for line in NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes \
        PrivateDevices=yes MemoryDenyWriteExecute=yes SystemCallFilter=@system-service \
        SystemCallArchitectures=native RestrictNamespaces=yes RestrictSUIDSGID=yes \
        LockPersonality=yes ProtectProc=invisible ProtectKernelTunables=yes LimitCORE=0 UMask=0007; do
        grep -qx "$line" "$UNITS/idb-.service.d/hardening.conf"
    done
    mkdir "$HERE/bare"
    for unit in $(services); do
        # The shared file is found by the name, and nothing takes it back.
        [[ $unit == idb-* ]]
        [ "$(grep -cE '^(CapabilityBoundingSet|RestrictAddressFamilies|ReadWritePaths)=' "$UNITS/$unit")" = 3 ]
        run -1 grep -E '^(NoNewPrivileges|Protect.*|Private(Tmp|Devices)|Restrict(Namespaces|SUIDSGID)|Memory.*|SystemCall.*|UMask|AmbientCapabilities)=' "$UNITS/$unit"
        run -0 systemd-analyze security --offline=true --no-pager --threshold=20 "$UNITS/$unit"
        # And it is that file which does it.
        cp "$UNITS/$unit" "$HERE/bare"
        run -1 systemd-analyze security --offline=true --no-pager --threshold=20 "$HERE/bare/$unit"
    done
}

@test "systemd: each unit has its zone's user and no more rights than it needs" {
    for unit in $(services); do
        case "$unit" in
        idb-web.service) expected='idb-web|idb||AF_UNIX AF_INET AF_INET6|-/var/lib/idb' ;;
        idb-desk.service) expected='idb-desk|idb||AF_UNIX AF_INET AF_INET6|-/var/lib/idb' ;;
        idb-phone.service) expected='idb-phone|idb||AF_UNIX AF_INET AF_INET6|-/var/lib/idb' ;;
        idb-fcgi@.service) expected='idb-%i|idb||AF_UNIX AF_INET AF_INET6|-/var/lib/idb -/var/cache/idb' ;;
        idb-rotate.service) expected='||CAP_CHOWN|AF_UNIX|-/etc/idb/keys' ;;
        idb-backup.service) expected='|idb||AF_UNIX|-/var/lib/idb -/var/backups/idb' ;;
        idb-stats.service) expected='|idb||AF_UNIX|-/var/lib/idb -/var/lib/prometheus/node-exporter' ;;
        idb-purge.service) expected='idb-purge|idb||AF_UNIX|-/var/lib/idb' ;;
        *) expected='idb-phone|idb||AF_UNIX|-/var/lib/idb' ;;
        esac
        found=
        for name in User SupplementaryGroups CapabilityBoundingSet RestrictAddressFamilies ReadWritePaths; do
            found+="|$(settings "$unit" "$name")"
        done
        [ "${found#|}" = "$expected" ] || { echo "$unit: $found"; false; }
    done
}

@test "systemd: nobody but the phone zone's user may connect, and no flood shuts a socket" {
    for program in verify transfer end; do
        for line in "ListenStream=/run/idb/$program" Accept=yes SocketUser=idb-phone SocketMode=0600 \
            TriggerLimitIntervalSec=2s TriggerLimitBurst=2000; do
            grep -qx "$line" "$UNITS/idb-$program.socket"
        done
        [ "$(commands "idb-$program@.service")" = "$PREFIX/bin/idb-$program" ]
        # Without it the units of failed connections would pile up.
        grep -qx 'CollectMode=inactive-or-failed' "$UNITS/idb-$program@.service"
    done
}

@test "systemd: idb-serve's sockets are at the same addresses, and as closed" {
    for line in ListenStream=/run/idb/%i FileDescriptorName=%i Conflicts=idb-%i.socket \
        Service=idb-serve-phone.service SocketUser=idb-phone SocketMode=0600; do
        grep -qx "$line" "$UNITS/idb-serve-phone@.socket"
    done
    for line in ListenStream=/run/idb/phone.scgi FileDescriptorName=scgi SocketUser=idb-phone SocketMode=0600; do
        grep -qx "$line" "$UNITS/idb-serve-phone.socket"
    done
    # One process takes the connections, so neither says Accept=yes.
    run -1 grep -h '^Accept=' "$UNITS"/idb-serve-*
    [ "$(commands idb-serve-phone.service)" = "$PREFIX/bin/idb-serve" ]
}

@test "systemd: timers: each has its service, and purging comes each minute" {
    for timer in "$UNITS"/*.timer; do
        [ -e "${timer%.timer}.service" ]
        run -0 systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$timer")"
    done
    next=$(LC_ALL=C systemd-analyze calendar --base-time='2026-11-24 10:00:00 UTC' --iterations=3 \
        "$(sed -n 's/^OnCalendar=//p' "$UNITS/idb-purge.timer")")
    [[ $next == *'10:01:00'*'10:02:00'*'10:03:00'* ]]
    grep -qx 'AccuracySec=1s' "$UNITS/idb-purge.timer"
    # The same commands as cron's.
    for command in 'idb-purge' 'idb-keys rotate --older-than=23 seal' 'idb-keys rotate --older-than=720' \
        'idb-keys rotate --older-than=3000 invite' \
        'find /var/backups/idb' '-mtime +7 -delete' 'idb-store backup /var/backups/idb/'; do
        grep -qF -- "$command" "$IDB_ROOT/scripts/cron/idb"
        cat "$UNITS"/idb-{purge,rotate,backup}.service | grep '^ExecStart=' | grep -qF -- "$command"
    done
}

@test "systemd: idb-verify's service answers on its socket, in order, and complains elsewhere" {
    socket_up verify
    code=$(fresh_code)
    { keyed "$code" c-1; echo bad; keyed "$(mistyped_code "$code")" c-2; keyed "$code" c-1; } >"$HERE/requests"
    run --separate-stderr -0 whole <"$HERE/requests"
    [ "$(jq -r '.error // .result' <<<"$output" | paste -sd ' ')" = 'accepted bad_json mistyped accepted' ]
    until_true has_children "$ACTIVATOR" 0
    [[ $(said) == 'idb-verify: Line 2,'* ]]
    [ "$(said | wc -l)" = 1 ]
    mv "$IDB_CONFIG" "$HERE/away"
    run --separate-stderr -0 whole <<<'{"code":"1","call_id":"c-3"}'
    error config_missing
    mv "$HERE/away" "$IDB_CONFIG"
    # Whoever comes next can write the store.
    run --separate-stderr -0 as "$WEB" idb-issue --attest=front-office < <(requests 1)
    is_sound
}

@test "systemd: idb-transfer's and idb-end's services answer on theirs" {
    code=$(fresh_code)
    keyed "$code" c-1 | as "$PHONE" idb-verify >"$HERE/verified"
    socket_up transfer
    run --separate-stderr -0 whole <<<'{"call_id":"c-1","to_call_id":"c-2"}'
    result transferred
    socket_down
    socket_up end
    run --separate-stderr -0 whole <<<$'{"call_id":"c-2"}\n{"call_id":"c-2"}'
    [ "$(member result "$output" | paste -sd ' ')" = 'ended ended' ]
    [ -z "$(said)" ]
    [ "$(sql 'SELECT state FROM session')" = 'done' ]
}

@test "systemd: idb-serve-phone.service serves all of its sockets, is told of a new configuration, and ends" {
    kept_up verify transfer end scgi
    code=$(fresh_code)
    SOCKET=$HERE/run/verify
    { keyed "$code" c-1; echo bad; keyed "$(mistyped_code "$code")" c-2; } >"$HERE/requests"
    run --separate-stderr -0 whole <"$HERE/requests"
    [ "$(jq -r '.error // .result' <<<"$output" | paste -sd ' ')" = 'accepted bad_json mistyped' ]
    SOCKET=$HERE/run/transfer
    run --separate-stderr -0 whole <<<'{"call_id":"c-1","to_call_id":"c-3"}'
    result transferred
    run --separate-stderr -0 by_scgi end '{"call_id":"c-3"}'
    [[ $output == 'Status: 200 OK'*'"result":"ended"'* ]]
    SOCKET=$HERE/run/end
    run --separate-stderr -0 whole <<<'{"call_id":"c-3"}'
    result ended
    [[ $(said) == 'idb-serve: Line 2,'* ]]
    reload=$(settings idb-serve-phone.service ExecReload | sed 's/\$\$/$/g')
    # A configuration that is not valid is complained of, and the old one stays.
    jq '.lines.kcc.clients = ["other"]' "$IDB_CONFIG" >"$HERE/next"
    echo '{}' >"$IDB_CONFIG"
    MAINPID=$ACTIVATOR run -0 bash -c "$reload"
    until_true has_said 2
    run --separate-stderr -0 by_scgi end '{"call_id":"c-3"}'
    [[ $output == 'Status: 200 OK'* ]]
    cp "$HERE/next" "$IDB_CONFIG"
    MAINPID=$ACTIVATOR run -0 bash -c "$reload"
    until_true is_refused
    kill "$ACTIVATOR"
    wait "$ACTIVATOR"
    ACTIVATOR=
    [ "$(sql 'SELECT state FROM session')" = 'done' ]
    is_sound
}

has_said() { [ "$(said | wc -l)" = "$1" ]; }
is_refused() { [[ $(by_scgi end '{"call_id":"c-3"}') == 'Status: 403 '*not_permitted* ]]; }

@test "systemd: two connections at once do not wait for each other, and end when closed" {
    socket_up verify
    code=$(fresh_code)
    open_connection one
    exec 7>"$HERE/one.in"
    open_connection two
    exec 8>"$HERE/two.in"
    until_true has_children "$ACTIVATOR" 2
    request=$(keyed "$code" c-1)
    printf '%s' "${request:0:20}" >&7
    keyed "$code" c-2 >&8
    until_true lines_in two.out 1
    [ "$(jq -r .result "$HERE/two.out")" = accepted ]
    [ ! -s "$HERE/one.out" ]
    printf '%s\n' "${request:20}" >&7
    until_true lines_in one.out 1
    [ "$(jq -r .result "$HERE/one.out")" = used ]
    exec 7>&-
    until_true has_children "$ACTIVATOR" 1
    exec 8>&-
    until_true has_children "$ACTIVATOR" 0
}

@test "systemd: who hangs up in the middle of a line, or before the answer, leaves nothing half done" {
    socket_up verify
    code=$(fresh_code)
    before=$(snapshot)
    request=$(keyed "$code" c-1)
    # socat -u reads no answer: it is gone when it has sent.
    printf '%s' "${request:0:-3}" | socat -u - "UNIX-CONNECT:$SOCKET"
    until_true has_children "$ACTIVATOR" 0
    [ "$(snapshot)" = "$before" ]
    hold_lock
    printf '%s\n' "$request" | socat -u - "UNIX-CONNECT:$SOCKET"
    until_true queued
    release_lock
    until_true has_children "$ACTIVATOR" 0
    run --separate-stderr -0 whole <<<"$request"
    result accepted
    run --separate-stderr -0 whole < <(keyed "$code" c-2)
    result used
    is_sound
}

@test "systemd: idb-purge.service erases an expired session" {
    store_gone
    at_offset -300m idb-store create >"$HERE/made"
    at_offset -300m idb-issue --attest=front-office < <(requests 1) >"$HERE/issued"
    run --separate-stderr -0 oneshot idb-purge.service
    [ -z "$output$stderr" ]
    [ "$(sql 'SELECT state, sealed IS NULL FROM session')" = 'expired|1' ]
    is_sound
    # What goes wrong makes it fail, and stands in the journal.
    mv "$HERE/store" "$HERE/away"
    run --separate-stderr -78 oneshot idb-purge.service
    [[ $stderr == 'idb-purge: '* ]]
}

@test "systemd: idb-rotate.service replaces a seal key of yesterday, and the others after 30 days" {
    counts() { jq '.keys | length' "$IDB_KEYS"/{desk/seal.key,web/seal.pub,web/code.key,phone/code.key,web/issue.key,desk/bind.key} | paste -sd ' '; }
    run --separate-stderr -0 oneshot idb-rotate.service
    [ "$(counts)" = '1 1 1 1 1 1' ]
    rm -r "${IDB_KEYS:?}"/*
    at_offset -1d idb-keys create >"$HERE/made"
    run --separate-stderr -0 oneshot idb-rotate.service
    [ -z "$output$stderr" ]
    [ "$(counts)" = '2 2 1 1 1 1' ]
    rm -r "${IDB_KEYS:?}"/*
    at_offset -31d idb-keys create >"$HERE/made"
    run --separate-stderr -0 oneshot idb-rotate.service
    [ "$(counts)" = '2 2 2 2 2 2' ]
    # Destroyed in time, and every zone reads its own.
    at_offset +5h run --separate-stderr -0 oneshot idb-rotate.service
    [ "$(counts)" = '1 1 1 1 1 1' ]
    code=$(fresh_code)
    run --separate-stderr -0 as "$PHONE" idb-verify < <(keyed "$code" c-1)
    run --separate-stderr -0 as "$DESK" env AUTH_TYPE=test REMOTE_USER=alice idb-lookup <<<'{"call_id":"c-1"}'
    result open
}

@test "systemd: idb-backup.service backs up while a zone holds the store open, and old backups go" {
    fresh_code >"$HERE/code"
    touch -d '9 days ago' "$HERE/backups/9.db"
    # The log is the phone zone's file then.
    mkfifo "$HERE/in"
    as "$PHONE" idb-verify <"$HERE/in" >"$HERE/out" 3>&- &
    exec 7>"$HERE/in"
    echo '{"code":"1","call_id":"c-1"}' >&7
    until_true lines_in out 1
    run --separate-stderr -0 oneshot idb-backup.service
    [ -z "$output$stderr" ]
    exec 7>&-
    made=$(cd "$HERE/backups" && echo *)
    [[ $made =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}\.db$ ]]
    [ "$(stat -c %a "$HERE/backups/$made")" = 600 ]
    # Without a new one the old ones stay.
    touch -d '9 days ago' "$HERE/backups/9.db"
    run --separate-stderr -1 oneshot idb-backup.service
    [ -e "$HERE/backups/9.db" ]
    run --separate-stderr -0 idb-store restore "$HERE/backups/$made"
    [ "$(json result) $(json expired)" = 'restored 1' ]
}

@test "systemd: idb-stats.service counts for Prometheus, and leaves the file where it cannot" {
    # Root's, with the keys out of its sight.
    [ "$(settings idb-stats.service InaccessiblePaths)" = -/etc/idb/keys ]
    mkdir "$HERE/counts"
    fresh_code >"$HERE/code"
    run --separate-stderr -0 oneshot idb-stats.service
    [ -z "$output$stderr" ]
    grep -qx 'idb_live_codes 1' "$HERE/counts/idb.prom"
    [ "$(stat -c %a "$HERE/counts/idb.prom")" = 644 ]
    # Whoever comes next can write the store.
    run --separate-stderr -0 as "$WEB" idb-issue --attest=front-office < <(requests 1)
    is_sound
    mv "$HERE/store" "$HERE/away"
    run --separate-stderr -78 oneshot idb-stats.service
    [[ $stderr == 'idb-stats: '* ]]
    [ "$(ls -A "$HERE/counts")" = idb.prom ]
    next=$(LC_ALL=C systemd-analyze calendar --base-time='2026-11-24 10:00:00 UTC' --iterations=2 \
        "$(sed -n 's/^OnCalendar=//p' "$UNITS/idb-stats.timer")")
    [[ $next == *'10:05:00'*'10:10:00'* ]]
}
