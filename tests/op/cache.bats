#!/usr/bin/env bats
# With --long alone: the quick ones of its kind are run each time.
# On PostgreSQL with --long
# Sanitized with --long: it drives programs that have sanitized tests of their own.
# What is kept on disk of a login provider, its metadata and its keys: for how
# long, when they are asked for again, and what happens when that goes wrong.

load ../lib
load lib
load ../life
load login

setup_file() { provider_start; }
teardown_file() { provider_stop; }

teardown() {
    liar_stop
    disk_gone
}

# ---- against a provider that does as it is told: what is asked of it ----

well_known=.well-known/openid-configuration

liar_instance() {
    liar_start
    login_instance
    browser=$(browser_new one)
    cache=${IDB_CONFIG%/*}/cache
}

# kept FOR [HEADER…]: metadata with those headers are asked for once in so many seconds.
kept() {
    local seconds=$1 before
    shift
    rm -f "$cache"/*
    liar_says "$well_known" 200 application/json "$metadata" "$@"
    before=$(liar_asked "$well_known")
    start "$browser" status liar >"$browser/begun"
    start "$browser" status liar >"$browser/begun"
    at_offset "+$((seconds - 5))s" start "$browser" status liar >"$browser/begun"
    [ $(($(liar_asked "$well_known") - before)) = 1 ]
    at_offset "+$((seconds + 1))s" start "$browser" status liar >"$browser/begun"
    [ $(($(liar_asked "$well_known") - before)) = 2 ]
}

@test "cache: metadata for as long as HTTP says, five minutes where it says nothing, a day at most" {
    liar_instance
    metadata=$(tail -n 1 "$LIAR/${well_known//\//_}")
    kept 60 'Cache-Control: public, max-age=60'
    kept 300 'X-Cache-Control: none'
    kept 86400 'Cache-Control: max-age=9999999'
    kept 100 'X-Cache-Control: none' 'Date: Tue, 24 Nov 2026 12:00:00 GMT' \
        'Expires: Tue, 24 Nov 2026 12:01:40 GMT'
}

@test "cache: not what must not be stored" {
    liar_instance
    local before
    before=$(liar_asked "$well_known")
    start "$browser" status liar >"$browser/begun"
    start "$browser" status liar >"$browser/begun"
    [ $(($(liar_asked "$well_known") - before)) = 2 ]
    [ ! -e "$cache/liar.metadata.json" ]
    # Nor what was refused.
    metadata=$(jq -c '.issuer = "https://evil.example"' <<<"$(tail -n 1 "$LIAR/${well_known//\//_}")")
    liar_says "$well_known" 200 application/json "$metadata" 'Cache-Control: max-age=60'
    run --separate-stderr -69 start "$browser" status liar
    [ "$(json error)" = provider_answer ]
    [ ! -e "$cache/liar.metadata.json" ]
}

# keep_metadata: a start after which they are there for an hour.
keep_metadata() {
    metadata=$(tail -n 1 "$LIAR/${well_known//\//_}")
    liar_says "$well_known" 200 application/json "$metadata" 'Cache-Control: max-age=3600'
    start "$browser" status liar >"$browser/begun"
    [ -s "$cache/liar.metadata.json" ]
}

@test "cache: a provider that is down costs nothing while it is fresh, and is down afterwards" {
    liar_instance
    keep_metadata
    liar_stop
    run --separate-stderr -0 start "$browser" status liar
    [[ $(json location) == "$LIAR_URL/auth?"* ]]
    run --separate-stderr -69 at_offset +61m start "$browser" status liar
    [ "$(json error)" = provider_down ]
}

@test "cache: of another issuer, of other certificates, torn, or of a clock set back: asked anew" {
    liar_instance
    keep_metadata
    local change
    for change in '.url = "https://evil.example"' '.ca = "/etc/ca.pem"' '.fetched_at += 3600000' \
        '.fresh_until = "x"' '.body = null' 'del(.body)'; do
        jq -c "$change" "$cache/liar.metadata.json" >"$cache/changed"
        mv "$cache/changed" "$cache/liar.metadata.json"
        before=$(liar_asked "$well_known")
        run --separate-stderr -0 start "$browser" status liar
        [ $(($(liar_asked "$well_known") - before)) = 1 ]
        jq -e '.body.issuer' "$cache/liar.metadata.json"
    done
    head -c 100 "$cache/liar.metadata.json" >"$cache/torn"
    mv "$cache/torn" "$cache/liar.metadata.json"
    run --separate-stderr -0 start "$browser" status liar
    jq -e '.body.issuer' "$cache/liar.metadata.json"
}

@test "cache: what is kept is held against the configuration like what comes, and is none otherwise" {
    liar_instance
    keep_metadata
    jq -c '.body.token_endpoint = "http://evil.example/" | .fetched_at -= 600000' \
        "$cache/liar.metadata.json" >"$cache/changed"
    mv "$cache/changed" "$cache/liar.metadata.json"
    run --separate-stderr -0 start "$browser" status liar
    # For an hour from now, not from when the other was fetched.
    jq -e --argjson now "$(date +%s)" '(.fetched_at / 1000 - $now | fabs) < 60' "$cache/liar.metadata.json"
    [ "$(jq -r .body.token_endpoint "$cache/liar.metadata.json")" = "$LIAR_URL/token" ]
    # An issuer with a slash more has its metadata at the same address.
    jq '.methods.liar.issuer += "/"' "$IDB_CONFIG" >"$IDB_CONFIG.new" && mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    liar_metadata '.issuer += "/"'
    run --separate-stderr -0 start "$browser" status liar
}

@test "cache: a folder that others can enter is refused, with the command that mends it" {
    liar_instance
    chmod 750 "$cache"
    run --separate-stderr -78 start "$browser" status liar
    [ "$(json error)" = cache_rights ]
    [[ $(json message) == "$cache must be a folder that only $(id -un) can enter; empty it, then run: "* ]]
    sh -c "$(json message | sed 's/.*then run: //')"
    run --separate-stderr -0 start "$browser" status liar
    rm -rf "$cache"
    mkdir "$cache.real"
    ln -s "$cache.real" "$cache"
    run --separate-stderr -78 start "$browser" status liar
    [ "$(json error)" = cache_rights ]
}

# heard WHAT: a start, whose metadata might be kept for an hour, goes on and tells syslog
# just that.
heard() {
    rm -f "$BATS_TEST_TMPDIR/heard"
    export SYSLOG_FILE=$BATS_TEST_TMPDIR/heard
    LD_PRELOAD=$preload run --separate-stderr -0 idb-oidc-start <<<'{"purpose":"status","method":"liar"}'
    [ -z "$stderr" ]
    [ "$(cat "$SYSLOG_FILE")" = "4 cannot keep what a login provider says of itself in $cache: $1" ]
}

@test "cache: without its folder, or when nothing can be written there, logins go on" {
    liar_instance
    preload=$(tool syslog)
    metadata=$(tail -n 1 "$LIAR/${well_known//\//_}")
    liar_says "$well_known" 200 application/json "$metadata" 'Cache-Control: max-age=3600'
    rmdir "$cache"
    heard 'No such file or directory'
    [ ! -e "$cache" ]
    mkdir -m 700 "$cache" "$cache/liar.metadata.new"
    heard 'Is a directory'
    [ ! -e "$cache/liar.metadata.json" ]
    # Who is in the way is not waited for.
    rmdir "$cache/liar.metadata.new"
    (exec 9>"$cache/liar.metadata.lock" && flock 9 && : >"$BATS_TEST_TMPDIR/locked" && exec sleep 60) 3>&- &
    blocker=$!
    until [ -e "$BATS_TEST_TMPDIR/locked" ]; do sleep 0.02; done
    run --separate-stderr -0 idb-oidc-start <<<'{"purpose":"status","method":"liar"}'
    kill "$blocker"
    [ -z "$stderr" ]
    [ ! -e "$cache/liar.metadata.json" ]
}

@test "cache: twelve that fetch at once all go on, and leave one whole entry" {
    liar_instance
    metadata=$(tail -n 1 "$LIAR/${well_known//\//_}")
    liar_says "$well_known" 200 application/json "$metadata" 'Cache-Control: max-age=3600'
    local i pids=()
    for ((i = 0; i < 12; i++)); do
        idb-oidc-start <<<'{"purpose":"status","method":"liar"}' >"$BATS_TEST_TMPDIR/$i" 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    [ "$(cat "$BATS_TEST_TMPDIR"/{0..11} | jq -r .location | grep -c "^$LIAR_URL/auth?")" = 12 ]
    jq -e .body.issuer "$cache/liar.metadata.json"
    [ "$(find "$cache" -type f | sort)" = "$(printf '%s\n' "$cache"/liar.metadata.{json,lock})" ]
}

# ---- a token of an unknown key ----

# unknown_key [OFFSET]: a callback whose ID token names a key that is not in the set.
unknown_key() {
    local state
    state=$(parameter state "$(start "$browser" status liar | jq -r .location)")
    run --separate-stderr -69 at_offset "${1-+0s}" callback "$browser" "/callback/liar?code=hush&state=$state"
    [ "$(json error)" = bad_token_signature ]
}

unknown_instance() {
    liar_instance
    local part
    part=$(printf '{"alg":"RS256","kid":"unknown"}' | basenc --base64url -w 0 | tr -d =)
    liar_says token 200 application/json \
        "{\"token_type\":\"Bearer\",\"access_token\":\"a\",\"id_token\":\"$part.e30.AAAA\"}"
    liar_says jwks 200 application/json '{"keys":[]}' 'Cache-Control: max-age=3600'
}

@test "cache: an unknown key is fetched for once a minute, however many logins ask for it" {
    unknown_instance
    unknown_key
    [ "$(liar_asked jwks)" = 1 ] # just fetched: there is nothing newer to be had
    unknown_key
    [ "$(liar_asked jwks)" = 2 ]
    unknown_key
    unknown_key +50s
    [ "$(liar_asked jwks)" = 2 ]
    unknown_key +62s
    [ "$(liar_asked jwks)" = 3 ]
}

@test "cache: six logins with an unknown key at once fetch the keys once" {
    unknown_instance
    unknown_key
    local i state pids=()
    for ((i = 0; i < 6; i++)); do
        browser=$(browser_new "$i")
        state=$(parameter state "$(start "$browser" status liar | jq -r .location)")
        callback "$browser" "/callback/liar?code=hush&state=$state" >"$browser/answer" 2>/dev/null 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || [ $? = 69 ]
    done
    [ "$(jq -r .error "$BATS_TEST_TMPDIR"/browser-{0..5}/answer | sort | uniq -c | tr -s ' ')" = ' 6 bad_token_signature' ]
    [ "$(liar_asked jwks)" = 2 ]
}

@test "cache: a fetch that failed lets the next one in after five seconds, and forgets where keys are" {
    unknown_instance
    keep_metadata
    unknown_key
    liar_says jwks 404 text/plain ''
    state=$(parameter state "$(start "$browser" status liar | jq -r .location)")
    run --separate-stderr -69 callback "$browser" "/callback/liar?code=hush&state=$state"
    [ "$(json error)" = provider_answer ]
    [ ! -e "$cache/liar.metadata.json" ]
    [ "$(liar_asked jwks)" = 2 ]
    unknown_key +2s
    [ "$(liar_asked jwks)" = 2 ]
    liar_says jwks 200 application/json '{"keys":[]}' 'Cache-Control: max-age=3600'
    unknown_key +7s
    [ "$(liar_asked jwks)" = 3 ]
}

# ---- a whole provider changes its keys ----

op_instance() {
    login_instance
    cache=${IDB_CONFIG%/*}/cache
    browser=$(browser_new one)
}

# rotate: the provider comes back with other keys.
rotate() {
    provider_stop
    rm "$BATS_FILE_TMPDIR/op/keys.json"
    provider_restart
}

kids() { jq -r '.body.keys[].kid' "$cache/$1.keys.json" | sort; }

@test "cache: signing-key-rotation: keys that change in the middle of a login" {
    op_instance
    run --separate-stderr -0 log_in "$browser" status digid user=anna
    before=$(kids digid)
    begun=$(start "$browser" status digid)
    rotate
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    [ "$(json '.attributes[0].value')" = 999990019 ]
    after=$(kids digid)
    [ "$before" != "$after" ]
    # The next login finds them.
    fetched=$(jq .fetched_at "$cache/digid.keys.json")
    run --separate-stderr -0 log_in "$browser" status digid user=anna
    [ "$(jq .fetched_at "$cache/digid.keys.json")" = "$fetched" ]
}

@test "cache: keys that change under signed userinfo, and under encrypted tokens" {
    op_instance
    run --separate-stderr -0 log_in "$browser" status nlgov user=anna
    begun=$(start "$browser" status nlgov)
    rotate
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
    [ "$(json '.attributes[0].value')" = 999990019 ]
}

@test "cache: two logins at once after the keys changed both go on" {
    op_instance
    other=$(browser_new two)
    run --separate-stderr -0 log_in "$browser" status digid user=anna
    rotate
    for one in "$browser" "$other"; do
        begun=$(start "$one" status digid)
        at_provider "$one" "$(member location "$begun")" user=anna >"$one/at"
    done
    callback "$browser" "$(cat "$browser/at")" >"$browser/answer" 3>&- &
    first=$!
    callback "$other" "$(cat "$other/at")" >"$other/answer" 3>&- &
    wait $!
    wait "$first"
    [ "$(jq -r '.attributes[0].value' "$browser/answer" "$other/answer" | sort -u)" = 999990019 ]
}

@test "cache: a new key under an old kid" {
    op_instance
    run --separate-stderr -0 log_in "$browser" status digid user=anna
    begun=$(start "$browser" status digid)
    provider_stop
    jq '.[0].kid' "$BATS_FILE_TMPDIR/op/keys.json" >"$BATS_TEST_TMPDIR/kid"
    rm "$BATS_FILE_TMPDIR/op/keys.json"
    provider_restart
    provider_stop
    jq --slurpfile kid "$BATS_TEST_TMPDIR/kid" '.[0].kid = $kid[0]' "$BATS_FILE_TMPDIR/op/keys.json" \
        >"$BATS_FILE_TMPDIR/op/keys.new"
    mv "$BATS_FILE_TMPDIR/op/keys.new" "$BATS_FILE_TMPDIR/op/keys.json"
    provider_restart
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    run --separate-stderr -0 callback "$browser" "$at"
}

@test "cache: keys change while nothing can be written there, on a full disk or a locked file" {
    op_instance
    run --separate-stderr -0 log_in "$browser" status digid user=anna
    # A folder in place of the file cannot be opened, by root neither.
    rm "$cache/digid.keys.lock"
    mkdir "$cache/digid.keys.lock"
    rotate
    run --separate-stderr -0 log_in "$browser" status digid user=anna
    disk 64k
    install -d -m 700 "$DISK"
    in_disk cp "$cache"/digid.*.json "$DISK"
    in_disk dd if=/dev/zero of="$DISK/full" bs=1k status=none 2>/dev/null || true
    jq --arg disk "$DISK" '.cache.directory = $disk' "$IDB_CONFIG" >"$IDB_CONFIG.new" && mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    rotate
    begun=$(start "$browser" status digid)
    at=$(at_provider "$browser" "$(member location "$begun")" user=anna)
    jq -nc --arg query "${at#*\?}" --arg cookies "$(jar "$browser")" \
        '{ method: "digid", query: $query, cookies: $cookies }' >"$BATS_TEST_TMPDIR/back"
    run --separate-stderr -0 in_disk env PATH="$PATH" idb-oidc-callback <"$BATS_TEST_TMPDIR/back"
    [ "$(json '.attributes[0].value')" = 999990019 ]
}

@test "cache: root leaves nothing in the folder of the web zone's user" {
    needs_root
    liar_instance
    metadata=$(tail -n 1 "$LIAR/${well_known//\//_}")
    liar_says "$well_known" 200 application/json "$metadata" 'Cache-Control: max-age=3600'
    chown daemon "$cache"
    run --separate-stderr -0 start "$browser" status liar
    [ -z "$(ls "$cache")" ]
}
