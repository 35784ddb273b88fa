#!/usr/bin/env bats
# What each zone can do with nothing but its own keys, and what the desk makes
# of a store that somebody wrote in.

setup() {
    load ../lib
    load lib
    instance
    cd "$BATS_TEST_TMPDIR" || return
}

# called CALL: a session connected to that call; sets issued and session.
called() {
    issued=$(issue_status)
    session=$(jq -r .session <<<"$issued")
    verify "$(code_of "$issued")" "$1" >/dev/null
}

opens() {
    run --separate-stderr -0 lookup_as alice "{\"call_id\":\"$1\"}"
    [ "$(json result)" = open ]
}

# is_forged CALL: the desk says so, with exit 70, shows nothing, and all that must
# know of it know.
is_forged() {
    local count
    count=$(sql "SELECT COALESCE(SUM(count), 0) FROM counter WHERE name = 'forged'")
    run --separate-stderr -70 lookup_as alice "{\"call_id\":\"$1\"}"
    is_error forged
    run -1 grep -E '999990019|Estpersoon' <<<"$output"
    [ "$(sql "SELECT count FROM counter WHERE name = 'forged'")" = $((count + 1)) ]
    [ "$(sql 'SELECT action, result FROM audit ORDER BY id DESC LIMIT 1')" = 'open|forged' ]
}

# only ZONE: a second configuration whose key directory holds that zone's keys
# alone; the store stays the same. Prints the directory.
only() {
    local dir=$BATS_TEST_TMPDIR/only-$1
    mkdir -m 700 "$dir" && cp -a "$IDB_KEYS/$1" "$dir"
    jq --arg dir "$dir" '.keys.directory = $dir' "$IDB_CONFIG" >"$dir/idb.json"
    printf '%s\n' "$dir"
}

@test "zones: each holds the files it needs and no others" {
    [ "$(cd "$IDB_KEYS/web" && echo *)" = 'browser.key code.key issue.key seal.pub' ]
    [ "$(cd "$IDB_KEYS/phone" && echo *)" = 'bind.key code.key' ]
    [ "$(cd "$IDB_KEYS/desk" && echo *)" = 'bind.key issue.pub seal.key' ]
    [ "$(jq -c '[.keys[] | has("d")]' "$IDB_KEYS/web/seal.pub" "$IDB_KEYS/desk/issue.pub" | sort -u)" = '[false]' ]
}

@test "zones: with one zone's keys the programs of the others do nothing" {
    called c-1
    web=$(only web) phone=$(only phone) desk=$(only desk)
    run --separate-stderr -78 idb-verify --config="$web/idb.json" <<<'{"code":"1","call_id":"c-2"}'
    is_error key_missing
    run --separate-stderr -78 env AUTH_TYPE=t REMOTE_USER=alice idb-lookup --config="$web/idb.json" <<<'{"call_id":"c-1"}'
    is_error key_missing
    run --separate-stderr -78 env AUTH_TYPE=t REMOTE_USER=alice idb-lookup --config="$phone/idb.json" <<<'{"call_id":"c-1"}'
    is_error key_missing
    run --separate-stderr -78 idb-issue --config="$phone/idb.json" --attest=front-office <<<'{"purpose":"appointment","attributes":{"name":"X"},"auth":{"method":"m","level":"low"}}'
    is_error key_missing
    run --separate-stderr -78 idb-issue --config="$desk/idb.json" --attest=front-office <<<'{"purpose":"appointment","attributes":{"name":"X"},"auth":{"method":"m","level":"low"}}'
    is_error key_missing
    run --separate-stderr -78 idb-verify --config="$desk/idb.json" <<<'{"code":"1","call_id":"c-2"}'
    is_error key_missing
    opens c-1
}

@test "zones: web cannot open what it sealed: its seal key has no private half" {
    called c-1
    mv "$IDB_KEYS/desk/seal.key" aside
    cp "$IDB_KEYS/web/seal.pub" "$IDB_KEYS/desk/seal.key"
    run --separate-stderr -78 lookup_as alice '{"call_id":"c-1"}'
    is_error key_corrupt
    # Nor does its own private key, the one that signs, in the other's place.
    jq --slurpfile seal "$IDB_KEYS/web/seal.pub" '.keys[0].kid = $seal[0].keys[0].kid' \
        "$IDB_KEYS/web/issue.key" >"$IDB_KEYS/desk/seal.key"
    is_forged c-1
    mv aside "$IDB_KEYS/desk/seal.key"
    opens c-1
}

@test "zones: phone cannot make a record the desk believes: it has no key that signs" {
    called c-1
    # A signing key of one's own, under the id of the real one.
    kid=$(jq -r '.keys[0].kid' "$IDB_KEYS/web/issue.key")
    cp -a "$IDB_KEYS" real
    other=$BATS_TEST_TMPDIR/other
    mkdir -m 700 "$other"
    jq --arg dir "$other" '.keys.directory = $dir' "$IDB_CONFIG" >own.json
    idb-keys --config=own.json create >/dev/null
    jq --arg kid "$kid" '.keys[0].kid = $kid' "$other/web/issue.key" >"$IDB_KEYS/web/issue.key"
    issued=$(issue_status)
    verify "$(code_of "$issued")" c-2 >/dev/null
    is_forged c-2
    opens c-1
}

@test "zones: web cannot attach a session to a call: it has no key that binds" {
    issued=$(issue_status)
    session=$(jq -r .session <<<"$issued")
    sql "UPDATE session SET state = 'called', call_id = 'c-1', due_at = expires_at,
         called_at = created_at WHERE id = '$session'"
    is_forged c-1
    # With a binding of its own making.
    sql "UPDATE session SET bound = randomblob(32),
         bound_key = '$(jq -r '.keys[0].kid' "$IDB_KEYS/phone/bind.key")' WHERE id = '$session'"
    is_forged c-1
}

@test "zones: a row that was altered, copied or bound to another call is forged" {
    called c-1
    first=$session
    called c-2
    cp "$IDB_STORE" clean.db
    altered=(
        "UPDATE session SET call_id = 'c-3' WHERE call_id = 'c-2'"
        "UPDATE session SET called_at = called_at - 1 WHERE call_id = 'c-2'"
        "UPDATE session SET purpose = 'appointment' WHERE call_id = 'c-2'"
        "UPDATE session SET expires_at = expires_at + 1 WHERE call_id = 'c-2'"
        "UPDATE session SET sealed = (SELECT sealed FROM session WHERE id = '$first') WHERE call_id = 'c-2'"
        "UPDATE session SET bound = (SELECT bound FROM session WHERE id = '$first') WHERE call_id = 'c-2'"
        "UPDATE session SET sealed = substr(sealed, 1, 400) || 'A' || substr(sealed, 402) WHERE call_id = 'c-2'"
        "UPDATE session SET sealed = NULL WHERE call_id = 'c-2'"
        "UPDATE session SET confirmation = 'eyJhbGciOiJub25lIn0.e30.' WHERE call_id = 'c-2'"
        "UPDATE session SET id = 'AAAAAAAAAAAAAAAAAAAAAA' WHERE call_id = 'c-2'"
    )
    for statement in "${altered[@]}"; do
        sql "$statement"
        is_forged "$(sql "SELECT call_id FROM session WHERE id <> '$first' AND call_id IS NOT NULL")"
        sqlite3 "$IDB_STORE" ".restore clean.db"
    done
    opens c-2
    opens c-1
}

@test "zones: a row brought back from a backup is forged" {
    called c-1
    idb-store backup before.db >/dev/null
    AUTH_TYPE=t REMOTE_USER=alice idb-end --zone=desk <<<'{"call_id":"c-1"}' >/dev/null
    sql "ATTACH 'before.db' AS old; DELETE FROM session WHERE id = '$session';
         INSERT INTO session SELECT * FROM old.session WHERE id = '$session'"
    is_forged c-1
    run --separate-stderr -1 verify "$(code_of "$issued")" c-2
    [ "$(json result)" = used ]
}

@test "zones: a store restored from a backup has no session that lives" {
    called c-1
    other=$(issue_status)
    idb-store backup before.db >/dev/null
    run --separate-stderr -0 idb-store restore before.db
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    run -1 grep -E '999990019|Estpersoon' <<<"$output"
    run --separate-stderr -1 verify "$(code_of "$other")" c-2
    [ "$(json result)" = wrong ]
    [ "$(sql 'SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL')" = 0 ]
}

@test "zones: a backup and a later key of the desk open nothing: the key was destroyed" {
    called c-1
    idb-store backup before.db >/dev/null
    record=$(sqlite3 before.db 'SELECT sealed FROM session')
    idb-keys rotate seal >/dev/null
    opens c-1
    old=$(jq -r '.keys[1].d' "$IDB_KEYS/desk/seal.key")
    at_offset +5h idb-keys rotate --older-than=1 seal >/dev/null
    run -1 grep -rF "$old" "$IDB_KEYS"
    # The row as it was, made to look as if it lived on: there is no key for it.
    sql "UPDATE session SET expires_at = expires_at + 86400000, due_at = due_at + 86400000"
    [ "$(sql 'SELECT sealed FROM session')" = "$record" ]
    run --separate-stderr -1 at_offset +5h lookup_as alice '{"call_id":"c-1"}'
    [ "$(json error)" = key_destroyed ]
}

@test "zones: phone and desk cannot say yes for the resident" {
    issue 1 change >issued
    verify "$(jq -r .code issued)" c-1 >/dev/null
    called c-2
    jq -nc --arg cookies "$(cookies_of "$issued")" '{ $cookies, confirm: true }' | idb-confirm >/dev/null
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result)" = unconfirmed ]
    # Another session's yes.
    sql "UPDATE session SET confirmation = (SELECT confirmation FROM session WHERE call_id = 'c-2')
         WHERE call_id = 'c-1'"
    is_forged c-1
    # A purpose that asks for it does so whatever the row says.
    sql "UPDATE session SET confirmation = NULL, confirm = 'notify' WHERE call_id = 'c-1'"
    run --separate-stderr -1 lookup_as alice '{"call_id":"c-1"}'
    [ "$(json result)" = unconfirmed ]
}
