#!/usr/bin/env bats
# On PostgreSQL with --long
# Sanitized with --long: what it shows are rights.
# What someone who has the keys of one zone, and the store, cannot do.

setup() {
    load ../lib
    load lib
    cd "$BATS_TEST_TMPDIR" || return
    instance
    REAL=$IDB_CONFIG
}

# attacker ZONE: a configuration for the same store whose key directory holds just
# that zone's keys; prints its path. What else is put there the attacker made.
attacker() {
    rm -rf attacker
    mkdir -m 700 attacker
    cp -r "$IDB_KEYS/$1" "attacker/$1"
    jq --arg dir "$PWD/attacker" '.keys.directory = $dir' "$REAL" >attacker.json
    export IDB_CONFIG=$PWD/attacker.json
}

# own_keys: keys that the attacker made, in own/ZONE.
own_keys() {
    rm -rf own
    jq --arg dir "$PWD/own" '.keys.directory = $dir' "$REAL" >own.json
    quietly idb-keys --config=own.json create
}

# as_real PROGRAM…: with the real keys, as the zone it belongs to.
as_real() { IDB_CONFIG=$REAL "$@"; }

# called PURPOSE CALL: a session accepted on a call; prints its id.
called() {
    local issued
    issued=$(as_real issue 1 "$1")
    printf '%s\n' "$issued" >"issued-$2"
    as_real verify "$(code_of "$issued")" "$2" | jq -r .session
}

look() { as_real idb-lookup <<<"{\"call_id\":\"$1\"}"; }

confirm() {
    jq -nc --arg c "$(cookies_of "$(cat "issued-$1")")" '{ cookies: $c, confirm: true }' | idb-confirm
}

# is_forged CALL: the desk refuses it, raises the alarm, and shows nothing.
is_forged() {
    local before=$(($(sql "SELECT COALESCE(SUM(count), 0) FROM counter WHERE name = 'forged'")))
    run --separate-stderr -70 look "$1"
    is_error forged
    [[ $output != *999990019* ]]
    [[ $output != *Estpersoon* ]]
    [ "$(sql "SELECT SUM(count) FROM counter WHERE name = 'forged'")" = $((before + 1)) ]
    [ "$(sql 'SELECT action, result FROM audit ORDER BY id DESC LIMIT 1')" = 'open|forged' ]
}

# opens CALL: the desk opens it.
opens() {
    run --separate-stderr -0 look "$1"
    [ "$(json result)" = open ]
}

# ---- what each holds ----

@test "zones: each zone holds the key files it needs and no others" {
    [ "$(cd "$IDB_KEYS/web" && echo *)" = 'browser.key code.key invite.key issue.key seal.pub' ]
    [ "$(cd "$IDB_KEYS/phone" && echo *)" = 'bind.key code.key' ]
    [ "$(cd "$IDB_KEYS/desk" && echo *)" = 'bind.key issue.pub seal.key' ]
    [ "$(cd "$IDB_KEYS/invite" && echo *)" = 'invite.key' ]
    [ "$(jq -c '[.keys[] | has("d")]' "$IDB_KEYS/web/seal.pub" "$IDB_KEYS/desk/issue.pub" |
        sort -u)" = '[false]' ]
    # Nothing private stands in two zones.
    [ "$(jq -r '.keys[].d // empty' "$IDB_KEYS"/*/* | sort | uniq -d | wc -l)" = 0 ]
}

@test "zones: desk alone cannot issue, verify or confirm: it lacks the keys" {
    attacker desk
    run --separate-stderr -78 idb-issue --attest=front-office < <(requests 1)
    is_error key_missing
    run --separate-stderr -78 idb-verify <<<'{"code":"4821093471","call_id":"c-1"}'
    is_error key_missing
    run --separate-stderr -78 idb-confirm <<<'{"cookies":"__Host-idb-session=x","confirm":true}'
    is_error key_missing
}

# ---- the web zone ----

@test "zones: web alone cannot open a call: it lacks every key file of the desk" {
    called status c-1 >session
    attacker web
    run --separate-stderr -78 idb-lookup <<<'{"call_id":"c-1"}'
    is_error key_missing
    run --separate-stderr -78 idb-verify <<<'{"code":"4821093471","call_id":"c-2"}'
    is_error key_missing
    opens c-1
}

@test "zones: web cannot open a sealed record with any key it has, under any name and id" {
    local key kid
    called status c-1 >session
    kid=$(jq -r '.keys[0].kid' "$IDB_KEYS/desk/seal.key")
    attacker web
    # Binding and issue's public key are given away: the seal key is what counts.
    mkdir -m 700 attacker/desk
    cp "$IDB_KEYS/desk/bind.key" "$IDB_KEYS/desk/issue.pub" attacker/desk
    for key in "$IDB_KEYS"/web/*; do
        install -m 600 "$key" attacker/desk/seal.key
        run --separate-stderr idb-lookup <<<'{"call_id":"c-1"}'
        echo "$key: $output"
        [[ $(json error) =~ ^(key_corrupt|key_destroyed)$ ]]
        # Under the real key's id.
        jq -c --arg kid "$kid" '.keys[].kid = $kid' "$key" >attacker/desk/seal.key
        run --separate-stderr idb-lookup <<<'{"call_id":"c-1"}'
        echo "$key, id changed: $output"
        [[ $(json error) =~ ^(key_corrupt|forged)$ ]]
        # The real public key with a private half of another.
        jq -c --slurpfile pub "$IDB_KEYS/web/seal.pub" '.keys[0] as $k | $pub[0]
            | .keys[0].d = ($k.d // $k.k // "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE")' \
            "$key" >attacker/desk/seal.key
        run --separate-stderr idb-lookup <<<'{"call_id":"c-1"}'
        echo "$key, spliced: $output"
        [[ $(json error) =~ ^(key_corrupt|forged)$ ]]
    done
    opens c-1
}

@test "zones: web cannot attach a session to a call: without the phone's binding it is forged" {
    local id now
    id=$(as_real issue 1 | tee issued-w | jq -r .session)
    now=$(($(date +%s) * 1000))
    sql "UPDATE session SET state = 'called', call_id = 'w-1', called_at = $now,
        due_at = expires_at WHERE id = '$id'"
    is_forged w-1
    # Nor with a binding key of its own.
    own_keys
    attacker web
    mkdir -m 700 attacker/phone
    cp own/phone/bind.key attacker/phone
    cp "$IDB_KEYS/web/code.key" attacker/phone
    id=$(as_real issue 1 | tee issued-w | jq -r .session)
    run --separate-stderr -0 verify "$(code_of "$(cat issued-w)")" w-2
    is_forged w-2
    # Nor with the real one's id.
    jq -c --arg kid "$(jq -r '.keys[0].kid' "$IDB_KEYS/phone/bind.key")" '.keys[0].kid = $kid' \
        own/phone/bind.key >attacker/phone/bind.key
    as_real issue 1 >issued-w
    run --separate-stderr -0 verify "$(code_of "$(cat issued-w)")" w-3
    is_forged w-3
}

# ---- the phone zone ----

@test "zones: phone cannot make a record that the desk believes, with the public seal key alone" {
    own_keys
    attacker phone
    mkdir -m 700 attacker/web
    cp "$IDB_KEYS/web/seal.pub" attacker/web
    cp "$IDB_KEYS/phone/code.key" own/web/browser.key own/web/issue.key attacker/web
    run --separate-stderr -0 issue 1
    run --separate-stderr -0 verify "$(json code)" p-1
    [ "$(json result)" = accepted ]
    is_forged p-1
    # Signed under the id of the real key.
    jq -c --arg kid "$(jq -r '.keys[0].kid' "$IDB_KEYS/desk/issue.pub")" '.keys[0].kid = $kid' \
        own/web/issue.key >attacker/web/issue.key
    run --separate-stderr -0 issue 1
    run --separate-stderr -0 verify "$(json code)" p-2
    is_forged p-2
}

@test "zones: phone cannot open a call nor issue: it lacks the keys" {
    called status c-1 >session
    attacker phone
    run --separate-stderr -78 idb-lookup <<<'{"call_id":"c-1"}'
    is_error key_missing
    run --separate-stderr -78 idb-issue --attest=front-office < <(requests 1)
    is_error key_missing
}

@test "zones: who writes the store cannot skip the resident's confirmation" {
    local one two
    one=$(called change c-1)
    two=$(called change c-2)
    as_real confirm c-2 >confirmed
    opens c-2
    run --separate-stderr -1 look c-1
    [ "$(json result)" = unconfirmed ]
    # The purpose asks for it, whatever the row says.
    sql "UPDATE session SET confirm = 'notify' WHERE id = '$one'"
    run --separate-stderr -1 look c-1
    [ "$(json result)" = unconfirmed ]
    # Nor does another purpose help.
    sql "UPDATE session SET purpose = 'status' WHERE id = '$one'"
    is_forged c-1
    sql "UPDATE session SET purpose = 'change' WHERE id = '$one'"
    # Another session's confirmation, and one made by hand.
    sql "UPDATE session SET confirmation = (SELECT confirmation FROM session WHERE id = '$two')
        WHERE id = '$one'"
    is_forged c-1
    sql "UPDATE session SET confirmation = 'yes' WHERE id = '$one'"
    is_forged c-1
    sql "UPDATE session SET confirmation = '' WHERE id = '$one'"
    run --separate-stderr look c-1
    [ "$status" -ne 0 ]
    [[ $output != *Estpersoon* ]]
    # One signed by a key of the attacker, the right time and session in it.
    own_keys
    attacker phone
    mkdir -m 700 attacker/web
    cp own/web/* attacker/web
    sql "UPDATE session SET confirmation = NULL WHERE id = '$one'"
    run --separate-stderr -0 confirm c-1
    is_forged c-1
    jq -c --arg kid "$(jq -r '.keys[0].kid' "$IDB_KEYS/desk/issue.pub")" '.keys[0].kid = $kid' \
        own/web/issue.key >attacker/web/issue.key
    sql "UPDATE session SET confirmation = NULL WHERE id = '$one'"
    run --separate-stderr -0 confirm c-1
    is_forged c-1
    # A record that its own web zone signed is no confirmation.
    sql "UPDATE session SET confirmation = sealed WHERE id = '$one'"
    is_forged c-1
}

@test "zones: a confirmation is for one call: not for the call before a renewal of the row" {
    local id
    id=$(called change c-1)
    as_real confirm c-1 >confirmed
    opens c-1
    sql "UPDATE session SET called_at = called_at - 1 WHERE id = '$id'"
    is_forged c-1
}

# ---- the row ----

@test "zones: a row altered in any column that counts is forged or not found" {
    local id other change
    other=$(called status c-other)
    while IFS='#' read -r change expected; do
        id=$(called status c-row)
        sql "UPDATE session SET $change WHERE id = '$id'"
        run --separate-stderr look c-row
        echo "$change: $status $output"
        [[ $output != *Estpersoon* ]]
        [[ $(json '.error // .result') =~ ^($expected)$ ]]
        sql "DELETE FROM session WHERE id = '$id'"
    done <<END
purpose = 'appointment'#forged
purpose = 'change'#unconfirmed
purpose = 'gone'#unconfirmed
expires_at = expires_at + 1#forged
expires_at = expires_at + 86400000, due_at = due_at + 86400000#forged
expires_at = expires_at - 1#forged
line = 'other'#unknown_call
call_id = 'c-else'#unknown_call
called_at = called_at + 1#forged
bound = x'00'#forged
bound = zeroblob(32)#forged
bound = NULL#forged
bound_key = '0000000000000000'#forged
bound = (SELECT bound FROM session WHERE id = '$other')#forged
sealed = (SELECT sealed FROM session WHERE id = '$other')#forged
sealed = NULL#forged
sealed = ''#forged
sealed = 'a.b.c.d.e'#forged
sealed = substr(sealed, 1, length(sealed) - 1)#forged
sealed = substr(sealed, 1, 399) || CASE substr(sealed, 400, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(sealed, 401)#forged
sealed = upper(sealed)#forged
id = 'AAAAAAAAAAAAAAAAAAAAAA'#forged
state = 'issued'#forged|call_ended
state = 'done'#forged|call_ended
state = 'nonsense'#forged|call_ended
END
}

@test "zones: a session bound to another call by hand is forged, and so are two that change places" {
    local one two
    one=$(called status c-1)
    two=$(called status c-2)
    sql "UPDATE session SET call_id = 'c-3' WHERE id = '$one'"
    is_forged c-3
    sql "UPDATE session SET call_id = 'c-1' WHERE id = '$two'"
    is_forged c-1
    sql "UPDATE session SET call_id = 'c-2' WHERE id = '$one'"
    is_forged c-2
    # Back as they were they open.
    sql "UPDATE session SET call_id = 'x' WHERE id = '$one';
        UPDATE session SET call_id = 'c-2' WHERE id = '$two';
        UPDATE session SET call_id = 'c-1' WHERE id = '$one'"
    opens c-1
    opens c-2
}

@test "zones: a session copied under another id and ticket is forged" {
    local id
    id=$(called status c-1)
    sql "CREATE TEMP TABLE copy AS SELECT * FROM session WHERE id = '$id';
        UPDATE copy SET id = 'BBBBBBBBBBBBBBBBBBBBBB', ticket = 'BBBBBB', call_id = 'c-2',
            token_hash = NULL, code_mac = NULL;
        INSERT INTO session SELECT * FROM copy"
    is_forged c-2
    opens c-1
}

@test "zones: a row brought back from a copy after its end is forged" {
    local id
    id=$(called status c-1)
    opens c-1
    sql "CREATE TABLE old AS SELECT * FROM session WHERE id = '$id'"
    run --separate-stderr -0 idb-end --zone=desk <<<'{"call_id":"c-1"}'
    sql "DELETE FROM session WHERE id = '$id';
        INSERT INTO session SELECT * FROM old"
    is_forged c-1
    run --separate-stderr -1 verify "$(code_of "$(cat issued-c-1)")" c-2
    [ "$(json result)" = used ]
}

@test "zones: a store restored from a backup opens nothing that was live in it" {
    local issued
    called status c-1 >session
    as_real issue 1 >issued
    idb-store backup "$PWD/backup.db" >made
    run --separate-stderr -0 idb-end --zone=desk <<<'{"call_id":"c-1"}'
    run --separate-stderr -0 idb-store restore "$PWD/backup.db"
    run --separate-stderr -1 look c-1
    [[ $(json error) =~ ^(unknown_call|call_ended)$ ]]
    run --separate-stderr -1 verify "$(code_of "$(cat issued)")" c-2
    [ "$(json result)" = wrong ]
    [ "$(sql 'SELECT COUNT(*) FROM session WHERE sealed IS NOT NULL')" = 0 ]
}

# ---- the key ----

@test "zones: once its seal key is destroyed a record opens for nobody, wherever it was kept" {
    called status c-1 >session
    opens c-1
    quietly idb-keys rotate seal
    opens c-1
    # Five hours on the replaced key is past its time; the copy of the store is not.
    cp -r "$IDB_KEYS" before
    run --separate-stderr -0 at_offset +5h idb-keys rotate seal
    [ "$(json destroyed)" = 1 ]
    run --separate-stderr -1 look c-1
    is_refused key_destroyed
    [ "$(sql 'SELECT action, result FROM audit ORDER BY id DESC LIMIT 1')" = 'open|key_destroyed' ]
    jq -r '.keys[-1].d' before/desk/seal.key >destroyed
    run -1 grep -rqFf destroyed "$IDB_KEYS"
    # It was the key: with it the record would still open.
    cp before/desk/seal.key "$IDB_KEYS/desk/seal.key"
    opens c-1
}

# is_refused WORD: a refusal says so on standard output only.
is_refused() {
    [ "$(json error)" = "$1" ]
    [ -z "$stderr" ]
}

@test "zones: a replaced binding or issue key still holds for what it made" {
    called status c-1 >session
    called change c-2 >session
    quietly idb-keys rotate bind issue
    as_real confirm c-2 >confirmed
    opens c-1
    opens c-2
    called status c-3 >session
    opens c-3
}
