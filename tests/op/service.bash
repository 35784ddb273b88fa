# An installation as services are started in it: a user for each zone and a group
# for the store, made for the file and removed behind it, where root runs the
# tests; else whoever runs them is every zone. `load service` after lib.
# shellcheck shell=bash

# services_up: for setup_file. Sets BASE, a folder that all may read, with the
# programs in BASE/bin; WEB, PHONE, DESK, INVITE and PURGE, who erases and counts, the
# users; GROUP, theirs.
services_up() {
    export BASE GROUP WEB PHONE DESK INVITE PURGE
    local user
    BASE=$(mktemp -d /var/tmp/idb-services.XXXXXX)
    chmod 755 "$BASE"
    mkdir -m 755 "$BASE/bin"
    while read -r user; do
        install -m 755 "$IDB_BUILD/$user" "$BASE/bin"
    done < <(programs)
    WEB=$(id -un) PHONE=$WEB DESK=$WEB INVITE=$WEB PURGE=$WEB GROUP=$(id -gn)
    [ "$(id -u)" -eq 0 ] || return 0
    GROUP=idb-s$$
    WEB=$GROUP-web PHONE=$GROUP-phone DESK=$GROUP-desk INVITE=$GROUP-invite PURGE=$GROUP-purge
    accounts groupadd --system "$GROUP"
    for user in "$WEB" "$PHONE" "$DESK" "$INVITE" "$PURGE"; do
        accounts useradd --system --user-group --groups "$GROUP" --no-create-home \
            --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
    done
}

# services_down: for teardown_file.
services_down() {
    local user
    [ -n "${BASE-}" ] || return 0
    rm -rf "$BASE"
    [ "$(id -u)" -eq 0 ] || return 0
    store_users_gone "$WEB" "$PHONE" "$DESK" "$INVITE" "$PURGE"
    for user in "$WEB" "$PHONE" "$DESK" "$INVITE" "$PURGE"; do
        accounts userdel "$user"
        ! getent group "$user" >/dev/null || accounts groupdel "$user"
    done
    accounts groupdel "$GROUP"
}

# accounts COMMAND…: one at a time; another file that makes users may run beside.
accounts() {
    flock /etc "$@" 3>&- 4>&-
}

# service_instance: for setup. A configuration, keys and store of the case's own in
# HERE, which teardown removes.
service_instance() {
    HERE=$(mktemp -d "$BASE/i.XXXXXX")
    chmod 755 "$HERE"
    export IDB_CONFIG=$HERE/idb.json IDB_KEYS=$HERE/keys
    # No other user could be looked into by LeakSanitizer.
    export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
    PATH=$BASE/bin:$PATH
    store_new "$HERE"
    [ "$WEB" = "$PHONE" ] || store_of_users "$GROUP" "$PURGE"
    idb_config "$HERE" | jq --arg web "$WEB" --arg phone "$PHONE" --arg desk "$DESK" --arg invite "$INVITE" \
        '.store.wait_ms = 20000 | if $web == $phone then . else
            .keys.users = { web: $web, phone: $phone, desk: $desk, invite: $invite } end' >"$IDB_CONFIG"
    chmod 644 "$IDB_CONFIG"
    idb-keys create >"$HERE/made"
    idb-store create >>"$HERE/made"
    cd /
}

# as USER COMMAND…
as() {
    local user=$1
    shift
    if [ "$user" = "$(id -un)" ]; then
        "$@"
    else
        setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups "$@"
    fi
}

# fresh_code: a session that the web zone's user made; prints its code.
fresh_code() { requests 1 | as "$WEB" idb-issue --attest=front-office | jq -r .code; }

# keyed CODE CALL: the request for idb-verify.
keyed() { jq -nc --arg code "$1" --arg call "$2" '{ code: $code, call_id: $call }'; }

# children PID: the processes that it started; has_children PID N: so many of them.
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
has_children() { [ "$(children "$1" | wc -w)" = "$2" ]; }

# server_down PID: ends a server, once what it started has ended by itself; what had
# to be killed is a failure.
server_down() {
    local left='' pid
    until_true has_children "$1" 0 || left=$(children "$1")
    for pid in $left; do
        echo "left running: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        kill "$pid" || true
    done
    kill "$1"
    wait "$1" || true
    [ -z "$left" ]
}
