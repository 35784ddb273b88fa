#!/usr/bin/env bats
# The plain build only: LeakSanitizer cannot look into programs of another user.
# The whole flow over HTTP with a server, a user and keys for each zone. Where root
# runs it, it makes three users and a group and removes them.

load ../lib
load ../site
load lib
load service
load login
load flow

# What the servers read stands in BASE, which all can read; this tree need not be so.
setup_file() {
    services_up
    # site_up has these names for the servers' addresses.
    export USER_WEB=$WEB USER_PHONE=$PHONE USER_DESK=$DESK FLOW=$BASE WRAPPED=$BASE/bin
    cp -R "$IDB_ROOT/scripts" "$BASE/scripts"
    chmod -R u=rwX,go=rX "$BASE/scripts"
    flow_up
}
teardown_file() {
    flow_down
    WEB=$USER_WEB PHONE=$USER_PHONE DESK=$USER_DESK services_down
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    flow_instance 'if env.USER_WEB == env.USER_PHONE then . else .store.group = env.GROUP
        | .keys.users = { web: env.USER_WEB, phone: env.USER_PHONE, desk: env.USER_DESK } end'
    chgrp "$(id -gn "$USER_WEB")" "$IDB_KEYS"/web/*.{secret,jwk,pem}
    chmod 640 "$IDB_KEYS"/web/*.{secret,jwk,pem}
    chown "$USER_WEB" "${IDB_CONFIG%/*}/cache"
    new one
}

# The servers are those of BASE, each as the user of its zone.
site_serve() {
    local user=USER_${2^^}
    if [ "$(id -u)" = 0 ]; then
        set -- "$@" --user "${!user}"
    fi
    "$BASE/scripts/site" start "$@" 3>&-
}

@test "flow: a server and a user for each zone, with keys that the others cannot read" {
    needs_root
    local zone other file user
    for zone in web phone desk; do
        user=USER_${zone^^}
        [ "$(stat -c %U "/proc/$(cat "$SITE/$zone.pid")")" = "${!user}" ]
        for other in WEB PHONE DESK; do
            other=USER_$other
            for file in "$IDB_KEYS/$zone"/*; do
                [ "$other" = "$user" ] || run -1 as "${!other}" test -r "$file"
                [ "$other" != "$user" ] || as "${!other}" test -r "$file"
            done
        done
    done
    [ "$(as "$USER_WEB" ls "$IDB_KEYS/web" | wc -l)" -ge 5 ]
    whole digid DigiD as "$USER_PHONE"
    # What the provider says of itself is kept where no other zone can write.
    [ "$(stat -c '%U %a' "${IDB_CONFIG%/*}/cache"/*.json | sort -u)" = "$USER_WEB 600" ]
}

@test "flow: with a user for each zone and a private key, and a stop by the resident" {
    whole eidas 'Europese inlog (eIDAS)' as "$USER_PHONE"
    arrive en change Broker anna
    agree
    press 'Stop and erase my data'
    sees 200 'You have stopped'
}

@test "flow: servers of different users leave logs that the others cannot read" {
    needs_root
    run -1 as "$USER_PHONE" test -r "$SITE/log/$USER_WEB/web-error.log"
    run -1 as "$USER_WEB" test -r "$SITE/log/$USER_DESK/desk-access.log"
    run -1 grep -rE 'jq: error|: not found|Permission denied' "$SITE/log"
    [ -z "$output" ]
}
