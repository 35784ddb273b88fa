#!/usr/bin/env bats
# Sanitized with --long
# shellcheck disable=SC2154  # bats sets output and stderr

load lib

setup() {
    export IDB_CONFIG=$BATS_TEST_TMPDIR/idb.json IDB_KEYS=$BATS_TEST_TMPDIR/keys
    store_new "$BATS_TEST_TMPDIR"
    idb_config "$BATS_TEST_TMPDIR" >"$IDB_CONFIG"
    cd "$BATS_TEST_TMPDIR" || return
}

# file ZONE/NAME: one member of the list.
file() {
    idb-keys list | jq -c --arg f "$1" '.[] | select("\(.zone)/\(.file)" == $f)'
}

# ids ZONE/NAME: the ids of its keys, newest first, on one line.
ids() { file "$1" | jq -r '[.keys[].id] | join(" ")'; }

@test "idb-keys: create makes eleven files, for their owner alone" {
    run --separate-stderr -0 idb-keys create
    [ "$output" = '{"made":11}' ]
    [ -z "$stderr" ]
    [ "$(cd "$IDB_KEYS" && find . -type f -name '[a-z]*' -printf '%P %m\n' | sort)" = \
        "desk/bind.key 600
desk/issue.pub 600
desk/seal.key 600
invite/invite.key 600
phone/bind.key 600
phone/code.key 600
web/browser.key 600
web/code.key 600
web/invite.key 600
web/issue.key 600
web/seal.pub 600" ]
    [ "$(stat -c %a "$IDB_KEYS"/{web,phone,desk,invite} | sort -u)" = 700 ]
}

@test "idb-keys: rights do not depend on the umask" {
    umask 000
    run --separate-stderr -0 idb-keys create
    [ "$(find "$IDB_KEYS" -type f -perm /077)" = "" ]
    umask 077
    rm -r "$IDB_KEYS"
    run --separate-stderr -0 idb-keys create
    run --separate-stderr -0 idb-keys list
    [ "$(json '. | [.[].mode] | unique | join(" ")')" = 0600 ]
}

@test "idb-keys: create leaves what is there and makes what is missing" {
    idb-keys create
    cp -r "$IDB_KEYS" "$BATS_TEST_TMPDIR/before"
    run --separate-stderr -0 idb-keys create
    [ "$output" = '{"made":0}' ]
    rm "$IDB_KEYS/web/code.key"
    run --separate-stderr -0 idb-keys create
    [ "$output" = '{"made":1}' ]
    diff -r "$IDB_KEYS" "$BATS_TEST_TMPDIR/before"
}

@test "idb-keys: with a user for each zone its files are root's and its group's" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    jq '.keys.users = {web: "daemon", phone: "bin", desk: "sys"}' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    run --separate-stderr -0 idb-keys create
    run --separate-stderr -0 idb-keys list
    [ "$(json '. | [.[] | .owner + " " + .mode] | unique | join(",")')" = \
        "root:bin 0640,root:daemon 0640,root:sys 0640" ]
    [ "$(stat -c '%U:%G %a' "$IDB_KEYS/desk")" = "root:sys 750" ]
    [ "$(stat -c %a "$IDB_KEYS")" = 755 ]
    idb-keys rotate seal
    [ "$(stat -c '%U:%G %a' "$IDB_KEYS/desk/seal.key" "$IDB_KEYS/web/seal.pub" | tr '\n' ,)" = \
        "root:sys 640,root:daemon 640," ]
}

@test "idb-keys: two zones with one group are refused with exit 78" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    jq '.keys.users = {web: "daemon", phone: "sync", desk: "nobody"}' "$IDB_CONFIG" >"$IDB_CONFIG.new"
    mv "$IDB_CONFIG.new" "$IDB_CONFIG"
    run --separate-stderr -78 idb-keys create
    [ "$(json .error)" = config_invalid ]
    [[ $stderr == "idb-keys: keys.users: the users of phone and desk have one primary group"* ]]
}

@test "idb-keys: list is one line of JSON and holds no key" {
    idb-keys create
    run --separate-stderr -0 idb-keys list
    [ "${#lines[@]}" = 1 ]
    [ -z "$stderr" ]
    [ "$(json '. | length')" = 11 ]
    [ "$(json '. | [.[].type] | group_by(.) | map("\(.[0]) \(length)") | join(",")')" = \
        "private 2,public 2,secret 7" ]
    [ "$(json '.[0].keys[0] | keys | join(" ")')" = "created_at id readable_until retired_at" ]
    [ "$(json '.[0].keys[0].retired_at')" = null ]
    local secret
    for secret in $(jq -r '.keys[] | .k // .d' "$IDB_KEYS"/*/*.key); do
        [ "${#secret}" = 43 ]
        [[ $output != *"$secret"* ]]
    done
}

@test "idb-keys: list --human is an aligned table, a row for each key" {
    idb-keys create
    idb-keys rotate seal
    run --separate-stderr -0 idb-keys list --human
    [ "${#lines[@]}" = 14 ]
    [[ ${lines[0]} == "FILE "*"KEY "*"READABLE UNTIL" ]]
    local id=${lines[0]%%KEY*} row
    for row in "${lines[@]:1}"; do
        [[ ${row:${#id}:16} =~ ^[0-9a-f]{16}$ ]]
    done
}

@test "idb-keys: list shows a file that is not in order, and exits 78" {
    idb-keys create
    chmod 644 "$IDB_KEYS/phone/code.key"
    run --separate-stderr -78 idb-keys list
    [ "$(json '.[] | select(.error) | "\(.zone)/\(.file) \(.error) \(.mode)"')" = \
        "phone/code.key key_rights 0644" ]
    [ "$stderr" = "idb-keys: $IDB_KEYS/phone/code.key is open to others (mode 0644); mend it with: chmod g-wx,o-rwx $IDB_KEYS/phone/code.key" ]
    chmod g-wx,o-rwx "$IDB_KEYS/phone/code.key"
    run --separate-stderr -0 idb-keys list
}

@test "idb-keys: rotate without names makes a new key for the five of sessions" {
    idb-keys create
    local before
    before=$(ids web/seal.pub)
    run --separate-stderr -0 idb-keys rotate
    [ "$output" = '{"rotated":["browser","code","bind","issue","seal"],"destroyed":0}' ]
    [ -z "$stderr" ]
    run --separate-stderr -0 idb-keys list
    [ "$(json '. | [.[] | "\(.file == "invite.key") \(.keys | length)"] | unique | join(",")')" = 'false 2,true 1' ]
    [ "$(ids web/seal.pub)" = "$(ids desk/seal.key)" ]
    [ "$(ids desk/issue.pub)" = "$(ids web/issue.key)" ]
    [ "$(ids web/code.key)" = "$(ids phone/code.key)" ]
    [ "$(ids phone/bind.key)" = "$(ids desk/bind.key)" ]
    [[ $(ids web/seal.pub) == *" $before" ]]
}

@test "idb-keys: a public file never holds a private key" {
    idb-keys create
    idb-keys rotate
    [ "$(jq -c '.keys[] | select(has("d") or has("k"))' "$IDB_KEYS"/*/*.pub)" = "" ]
    [ "$(jq -r '.keys[] | has("d")' "$IDB_KEYS"/{web/issue,desk/seal}.key | sort -u)" = true ]
}

@test "idb-keys: rotate takes only the names given, and only what is old enough" {
    idb-keys create
    run --separate-stderr -0 idb-keys rotate --older-than=24 seal code
    [ "$output" = '{"rotated":[],"destroyed":0}' ]
    run --separate-stderr -0 at_offset +25h idb-keys rotate --older-than=24 seal
    [ "$output" = '{"rotated":["seal"],"destroyed":0}' ]
    [ "$(file web/code.key | jq '.keys | length')" = 1 ]
}

@test "idb-keys: a key past its time is destroyed on both sides, not before" {
    idb-keys create
    local old secret
    old=$(ids desk/seal.key)
    secret=$(jq -r '.keys[0].d' "$IDB_KEYS/desk/seal.key")
    idb-keys rotate seal
    run --separate-stderr -0 at_offset +4h idb-keys rotate --older-than=24
    [ "$output" = '{"rotated":[],"destroyed":0}' ]
    run --separate-stderr -0 at_offset +250m idb-keys rotate --older-than=24
    [ "$output" = '{"rotated":[],"destroyed":1}' ]
    [[ "$(ids desk/seal.key) $(ids web/seal.pub)" != *"$old"* ]]
    run -1 grep -rF -- "$secret" "$IDB_KEYS"
}

@test "idb-keys: a fifth valid key is refused with exit 1, the others go on" {
    idb-keys create
    for _ in 1 2 3; do idb-keys rotate code; done
    run --separate-stderr -1 idb-keys rotate code seal
    [ "$(json '.rotated | join(" ")')" = seal ]
    [ "$(json .error)" = keys_in_use ]
    [ -z "$stderr" ]
    [ "$(file web/code.key | jq '.keys | length')" = 4 ]
}

@test "idb-keys: of several rotations at once none is lost and both sides agree" {
    idb-keys create
    for _ in 1 2 3; do idb-keys rotate code >>"$BATS_TEST_TMPDIR/log" & done
    wait
    [ "$(jq -s 'map(.rotated[]) | length' "$BATS_TEST_TMPDIR/log")" = 3 ]
    [ "$(ids web/code.key | wc -w)" = 4 ]
    [ "$(ids web/code.key)" = "$(ids phone/code.key)" ]
}

@test "idb-keys: rotate waits for another that holds the lock" {
    idb-keys create
    exec 8>>"$IDB_KEYS/.lock"
    flock 8
    run --separate-stderr -124 timeout 0.3 idb-keys rotate code
    flock -u 8
    run --separate-stderr -0 timeout 5 idb-keys rotate code
}

@test "idb-keys: a rotation cut short between the two files is healed by the next" {
    idb-keys create
    cp "$IDB_KEYS/web/code.key" "$BATS_TEST_TMPDIR/kept"
    idb-keys rotate code
    cp "$BATS_TEST_TMPDIR/kept" "$IDB_KEYS/web/code.key"
    [ "$(ids web/code.key)" != "$(ids phone/code.key)" ]
    run --separate-stderr -0 at_offset +9h idb-keys rotate --older-than=24 code
    [ "$output" = '{"rotated":[],"destroyed":0}' ]
    [ "$(ids web/code.key)" = "$(ids phone/code.key)" ]
    [ "$(ids web/code.key | wc -w)" = 2 ]
}

@test "idb-keys: killed at any system call of a rotation, the next run mends it" {
    command -v strace >/dev/null || skip "needs strace"
    idb-keys create
    local at call n
    for at in renameat:1 renameat:2 fsync:{1,2,3,4,5,6}; do
        call=${at%:*} n=${at#*:}
        ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -qq -o /dev/null \
            -e "inject=$call:signal=KILL:when=$n" idb-keys rotate bind >/dev/null 2>&1 || true
        run --separate-stderr -0 idb-keys rotate --older-than=24 bind
        [ "$(ids phone/bind.key)" = "$(ids desk/bind.key)" ]
        rm -r "$IDB_KEYS"
        idb-keys create
    done
}

@test "idb-keys: a disk that fails is exit 69, and the old key stays" {
    command -v strace >/dev/null || skip "needs strace"
    idb-keys create
    local before
    before=$(ids desk/seal.key)
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 run --separate-stderr -69 strace -qq -o /dev/null \
        -e inject=fsync:error=EIO:when=1 idb-keys rotate seal
    [ "$(json .error)" = key_unwritable ]
    [ "$stderr" = "idb-keys: $IDB_KEYS/desk/seal.key cannot be written: Input/output error." ]
    [ "$(ids desk/seal.key)" = "$before" ]
    [ "$(find "$IDB_KEYS" -name '*.new')" = "" ]
}

@test "idb-keys: rotate before create says what to do, exit 78" {
    run --separate-stderr -78 idb-keys rotate
    [ "$(json .error)" = key_missing ]
    [ "$stderr" = "idb-keys: The key directory $IDB_KEYS does not exist; run idb-keys create." ]
    idb-keys create
    rm "$IDB_KEYS/web/code.key"
    run --separate-stderr -78 idb-keys rotate code
    [ "$(json .message)" = "$IDB_KEYS/web/code.key does not exist; run idb-keys create." ]
}

@test "idb-keys: a file that is no key file is refused with exit 78 and never quoted" {
    idb-keys create
    echo '{"keys":["hunter2"' >"$IDB_KEYS/phone/code.key"
    run --separate-stderr -78 idb-keys rotate code
    [ "$(json .error)" = key_corrupt ]
    [[ "$output$stderr" != *hunter2* ]]
}

@test "idb-keys: a link in a key file's place is refused with exit 78" {
    idb-keys create
    mv "$IDB_KEYS/phone/code.key" "$BATS_TEST_TMPDIR/elsewhere"
    ln -s "$BATS_TEST_TMPDIR/elsewhere" "$IDB_KEYS/phone/code.key"
    run --separate-stderr -78 idb-keys rotate code
    [ "$(json .error)" = key_rights ]
    cp --remove-destination "$(readlink -f "$IDB_KEYS/phone/code.key")" "$IDB_KEYS/phone/code.key"
    run --separate-stderr -0 idb-keys rotate code
}

@test "idb-keys: who may not read a file is told whose it is, exit 77" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    idb-keys create
    chown -R daemon "$IDB_KEYS/phone"
    run --separate-stderr -77 setpriv --bounding-set=-dac_override,-dac_read_search idb-keys list
    [ "$(json '. | [.[] | select(.error) | "\(.zone) \(.error)"] | unique | join(",")')" = \
        "phone key_unreadable" ]
    [ "$stderr" = "idb-keys: $IDB_KEYS/phone/code.key belongs to the phone zone (user daemon) and you are root; run it as daemon, for instance with sudo -u daemon." ]
}

# tokens: the ids in the file, one a line.
tokens() { idb-keys list | jq -r '.[] | select(.file == "tokens").keys[] | "\(.id) \(.line)"'; }

@test "idb-keys: a token is shown once, and only its hash is kept" {
    idb-keys create
    run --separate-stderr -0 idb-keys token kcc
    [ -z "$stderr" ]
    [ "$(json '. | keys | join(" ")')" = 'id line token' ]
    local token id file=$IDB_KEYS/phone/tokens
    token=$(json .token) id=$(json .id)
    [[ $token =~ ^idb_[A-Za-z0-9_-]{43}$ && $id =~ ^[0-9a-f]{16}$ && $(json .line) = kcc ]]
    [ "$(stat -c %a "$file")" = 600 ]
    [ "$(jq -r '.tokens[0].hash' "$file")" = \
        "$(printf %s "$token" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =)" ]
    run -1 grep -rqF -- "${token#idb_}" "$IDB_KEYS"
    [ "$(tokens)" = "$id kcc" ]
    run --separate-stderr -0 idb-keys list
    [[ $output != *"${token#idb_}"* && $output != *"$(jq -r '.tokens[0].hash' "$file")"* ]]
    [ "$(json '.[] | select(.file == "tokens") | "\(.zone) \(.type) \(.mode)"')" = 'phone tokens 0600' ]
}

@test "idb-keys: several tokens stand side by side, and one is taken away alone" {
    idb-keys create
    local first second
    first=$(idb-keys token kcc | jq -r .id) second=$(idb-keys token kcc | jq -r .id)
    [ "$(tokens)" = "$first kcc"$'\n'"$second kcc" ]
    run --separate-stderr -0 idb-keys revoke "$first"
    [ "$output" = "{\"revoked\":\"$first\"}" ]
    [ "$(tokens)" = "$second kcc" ]
    run --separate-stderr -1 idb-keys revoke "$first"
    [ "$(json .error)" = unknown_token ]
    [ "$(tokens)" = "$second kcc" ]
}

@test "idb-keys: a token for no line, and the sixty-fifth, change nothing" {
    idb-keys create
    run --separate-stderr -65 idb-keys token nowhere
    [ "$(json .error)" = unknown_line ]
    [ ! -e "$IDB_KEYS/phone/tokens" ]
    idb-keys token kcc >first
    jq '.tokens = [range(64) as $i | .tokens[0] | .id = ($i | tostring)]' "$IDB_KEYS/phone/tokens" >many
    cat many >"$IDB_KEYS/phone/tokens"
    run --separate-stderr -1 idb-keys token kcc
    [ "$(json .error)" = tokens_in_use ]
    cmp many "$IDB_KEYS/phone/tokens"
}

@test "idb-keys: a file of tokens that is not in order is refused and never quoted" {
    idb-keys create
    idb-keys token kcc >first
    local change
    for change in '.more = 1' '.tokens = {}' '.tokens[0].hash = "hunter2"' 'del(.tokens[0].line)' \
        '.tokens[0].token = "hunter2"' '.tokens[0].created_at = "hunter2"'; do
        jq "$change" "$IDB_KEYS/phone/tokens" >other
        cp "$IDB_KEYS/phone/tokens" good
        cat other >"$IDB_KEYS/phone/tokens"
        run --separate-stderr -78 idb-keys token kcc
        [ "$(json .error)" = key_corrupt ]
        [[ "$output$stderr" != *hunter2* ]]
        run --separate-stderr -78 idb-keys list
        [ "$(json '.[] | select(.error) | .file')" = tokens ]
        cat good >"$IDB_KEYS/phone/tokens"
    done
}

@test "idb-keys: tokens made and taken away at once are all there, or all gone" {
    idb-keys create
    local i
    for i in {1..12}; do
        idb-keys token kcc >"made.$i" 3>&- &
    done
    wait
    [ "$(tokens | sort)" = "$(cat made.* | jq -r '"\(.id) \(.line)"' | sort)" ]
    for i in {1..12}; do
        idb-keys revoke "$(jq -r .id "made.$i")" >"gone.$i" 3>&- &
    done
    wait
    [ -z "$(tokens)" ]
}

@test "idb-keys: wrong use is exit 64" {
    local words
    for words in "" "make" "create web" "list all" "rotate nothing" "rotate --older-than=x" \
        "rotate --older-than=-1" "--colour list" "list --config" "token" "token kcc kcc" "revoke" "revoke a b"; do
        # shellcheck disable=SC2086
        run --separate-stderr -64 idb-keys $words
        [ "$(json .error)" = usage ]
        [[ $stderr == "idb-keys: "* ]]
        [ ! -e "$IDB_KEYS" ]
    done
}

@test "idb-keys: an answer that cannot be written is exit 69" {
    idb-keys create
    for words in "list" "list --human" "rotate seal"; do
        # shellcheck disable=SC2086
        run -69 bash -c 'idb-keys "$@" >/dev/full' idb-keys $words
        [ "$output" = "idb-keys: Cannot write the answer: No space left on device." ]
    done
}

@test "idb-keys: a configuration that is not there is exit 78" {
    run --separate-stderr -78 idb-keys --config="$BATS_TEST_TMPDIR/none.json" create
    [ "$(json .error)" = config_missing ]
}

@test "idb-keys: --help and --version are exit 0" {
    run --separate-stderr -0 idb-keys --help
    [[ ${lines[0]} == "usage: idb-keys"* ]]
    run --separate-stderr -0 idb-keys --version
    [[ $output =~ ^idb-keys\ [0-9.]+$ ]]
}
