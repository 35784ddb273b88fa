#!/usr/bin/env bats
# idb-store(8). Cases that need root or a file system of their own are skipped elsewhere.
# shellcheck disable=SC2154  # bats sets output and stderr
bats_require_minimum_version 1.5.0

load lib

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export IDB_CONFIG=$PWD/idb.json
    config "$PWD/store/idb.db"
}

teardown() {
    if mountpoint -q "$BATS_TEST_TMPDIR/disk" 2>/dev/null; then
        umount "$BATS_TEST_TMPDIR/disk"
    fi
}

# config DATABASE [GROUP]
config() {
    jq -n --arg url "sqlite:$1" --arg group "${2-}" --arg keys "$PWD/keys" '{
        organisation: { name: { nl: "X" }, url: "https://www.example.org" },
        lines: { kcc: { number: "+31241234567", number_display: "+31 24 123 45 67" } },
        store: ({ url: $url, wait_ms: 500 } + if $group == "" then {} else { group: $group } end),
        keys: { directory: $keys },
        attributes: { name: { label: { nl: "Naam" } } },
        purposes: { p: { label: { nl: "P" }, line: "kcc", attributes: ["name"] } } }' >idb.json
}

sql() {
    sqlite3 -bail store/idb.db "$@"
}

# session ID STATE: a row with something of a resident in it
session() {
    sql "INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, token_hash, code_mac,
        code_expires_at, renewals, renew_until, created_at, expires_at, sealed)
        VALUES ('$1', '$1', '$2', 'p', 'kcc', 'nl', 'notify', CAST('t$1' AS BLOB),
        CAST('c$1' AS BLOB), 9999999999999, 0, 9999999999999, 1, 9999999999999, 'SEALED-$1');"
}

# What the store holds, to see that nothing was changed.
contents() {
    sqlite3 "${1:-store/idb.db}" .dump | sha256sum
}

# word of the error on stdout, and one line on stderr that names the program
is_error() {
    [ "$(member error "$output")" = "$1" ]
    [[ $(member message "$output") == *"$2"* ]]
    [[ $stderr == "idb-store: "*"$2"* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
}

needs_root() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
}

# disk SIZE: an empty file system of its own at ./disk
disk() {
    needs_root
    mkdir disk
    mount -t tmpfs -o "size=$1,mode=700" tmpfs disk 2>/dev/null || skip "cannot mount a tmpfs"
}

# damage_last_page FILE: it with a page that nothing but a check of all pages reads
damage_last_page() {
    head -c -4096 "$1"
    head -c 4096 /dev/zero | tr '\0' x
}

# ---- usage ----

@test "idb-store: no command, an unknown one, a word too many or too few is exit 64" {
    local words
    for words in "" "vacuum" "create now" "backup" "restore" "backup a b" "create --human"; do
        # shellcheck disable=SC2086
        run --separate-stderr -64 idb-store $words
        is_error usage "Wanted: create, migrate, check"
    done
    run --separate-stderr -64 idb-store backup ""
    is_error usage "backup FILE"
    [ ! -e store ]
}

@test "idb-store: --help names every command, --version the program" {
    run --separate-stderr -0 idb-store --help
    [[ $output == *"create"*"migrate"*"check"*"backup"*"restore"* ]]
    [ -z "$stderr" ]
    run --separate-stderr -0 idb-store --version
    [[ $output == "idb-store "* ]]
}

@test "idb-store: a configuration that is not there is exit 78, --config comes before IDB_CONFIG" {
    run --separate-stderr -78 idb-store --config=none.json check
    is_error config_missing none.json
}

@test "idb-store: standard input is not read" {
    run --separate-stderr -0 bash -c '{ idb-store create >/dev/null && cat; } <<<untouched'
    [ "$output" = untouched ]
}

# ---- create ----

@test "idb-store: create makes folder, lock file and database for its owner, whatever the umask" {
    run --separate-stderr -0 bash -c 'umask 000; exec idb-store create'
    [ "$(jq -c . <<<"$output")" = "{\"result\":\"created\",\"file\":\"$PWD/store/idb.db\",\"schema\":3}" ]
    [ -z "$stderr" ]
    [ "$(stat -c '%a %n' store store/*)" = "700 store
600 store/idb.db
600 store/idb.db-lock" ]
    [ "$(sql 'PRAGMA journal_mode')" = wal ]
    rm -r store
    run --separate-stderr -0 bash -c 'umask 777; exec idb-store create'
    [ "$(stat -c %a store store/*)" = "700
600
600" ]
}

@test "idb-store: create leaves one audit row, of the person that sudo names" {
    needs_root
    SUDO_USER=a.jansen run --separate-stderr -0 idb-store create
    [ "$(sql 'SELECT actor, action, result FROM audit')" = "admin:a.jansen|create|ok" ]
}

@test "idb-store: create with store.group shares folder and files with the group" {
    needs_root
    config "$PWD/store/idb.db" daemon
    run --separate-stderr -0 idb-store create
    [ "$(stat -c '%U:%G %a %n' store store/*)" = "root:daemon 2770 store
root:daemon 660 store/idb.db
root:daemon 660 store/idb.db-lock" ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: a member of the group uses a store that root made" {
    needs_root
    command -v setpriv >/dev/null || skip "needs setpriv"
    local shared
    shared=$(mktemp -d -p /tmp idb-store.XXXXXX)
    chmod 755 "$shared" && chmod 644 idb.json
    config "$shared/store/idb.db" daemon
    cp idb.json "$shared/"
    export IDB_CONFIG=$shared/idb.json
    run --separate-stderr -0 idb-store create
    cp "$(command -v idb-store)" "$shared/"
    run --separate-stderr -0 setpriv --reuid nobody --regid daemon --clear-groups \
        "$shared/idb-store" check
    run --separate-stderr -77 setpriv --reuid nobody --regid nogroup --clear-groups \
        "$shared/idb-store" check
    is_error store_unreadable "group"
    rm -r "$shared"
}

@test "idb-store: a group that the system does not know is exit 78 and nothing is made" {
    config "$PWD/store/idb.db" idb-nobody-has-this
    run --separate-stderr -78 idb-store create
    is_error config_invalid "groupadd --system idb-nobody-has-this"
    [ ! -e store ]
}

@test "idb-store: create refuses a store that exists with exit 1 and leaves it alone" {
    idb-store create
    session a issued
    before=$(contents)
    run --separate-stderr -1 idb-store create
    [ "$(member error "$output")" = store_exists ]
    [ -z "$stderr" ]
    [ "$(contents)" = "$before" ]
}

@test "idb-store: create puts back a lock file that was removed" {
    idb-store create
    rm store/idb.db-lock
    run --separate-stderr -78 idb-store check
    is_error store_missing "idb-store create"
    run --separate-stderr -1 idb-store create
    run --separate-stderr -0 idb-store check
}

@test "idb-store: create refuses a folder that is open to all and names the command" {
    mkdir -m 755 store
    run --separate-stderr -78 idb-store create
    is_error store_rights "run: chmod o-rwx $PWD/store"
    [ "$(stat -c %a store)" = 755 ]
    [ -z "$(ls store)" ]
}

@test "idb-store: create refuses a folder of another group, and a closed one that is in use" {
    needs_root
    config "$PWD/store/idb.db" daemon
    mkdir store && chmod 2770 store
    run --separate-stderr -78 idb-store create
    is_error store_rights "chgrp daemon $PWD/store"
    chmod 700 store && chmod g-s store
    touch store/of-another
    run --separate-stderr -78 idb-store create
    is_error store_rights "chgrp daemon $PWD/store"
    [ "$(stat -c %G:%a store)" = root:700 ]
}

@test "idb-store: create says that the folder above is missing" {
    config "$PWD/none/store/idb.db"
    run --separate-stderr -78 idb-store create
    is_error store_missing "$PWD/none/store"
}

@test "idb-store: a create that was killed is finished by the next one" {
    needs_root
    config "$PWD/store/idb.db" daemon
    mkdir -m 700 store
    run --separate-stderr -0 idb-store create
    [ "$(stat -c '%G %a' store)" = "daemon 2770" ]
    mv store/idb.db store/idb.db-new
    head -c 5000 store/idb.db-new >store/half && mv store/half store/idb.db-new
    touch store/idb.db-new-journal
    chmod 600 store/idb.db-lock
    run --separate-stderr -0 idb-store create
    [ "$(stat -c '%G %a %n' store/*)" = "daemon 660 store/idb.db
daemon 660 store/idb.db-lock" ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: create does not mix a new database with the log of one that is gone" {
    idb-store create
    echo stale >store/idb.db-wal
    rm store/idb.db
    run --separate-stderr -0 idb-store create
    [ ! -e store/idb.db-wal ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: killed at any system call, create can be run again" {
    command -v strace >/dev/null || skip "needs strace"
    local call
    for call in mkdir fchown:when=1 fchmod:when=2 openat:when=12 pwrite64:when=1 fsync:when=1 \
        fdatasync:when=1 fchmod:when=4 rename fsync:when=2; do
        rm -rf store
        run --separate-stderr -137 env ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace -e "inject=$call:signal=KILL" idb-store create
        run --separate-stderr idb-store create
        [ "$status" -le 1 ] # 1 where it was killed after the rename
        run --separate-stderr -0 idb-store check
    done
}

@test "idb-store: of many creates at once exactly one makes the store" {
    local i
    for i in 1 2 3 4 5 6 7 8; do
        { idb-store create >"out.$i" || :; } &
    done
    wait
    [ "$(cat out.* | jq -r .result | grep -c created)" -eq 1 ]
    [ "$(cat out.* | jq -r .error | grep -c store_exists)" -eq 7 ]
    run --separate-stderr -0 idb-store check
}

# ---- migrate and check ----

@test "idb-store: migrate of a store that is up to date changes nothing" {
    idb-store create
    before=$(contents)
    run --separate-stderr -0 idb-store migrate
    [ "$(jq -c . <<<"$output")" = '{"result":"unchanged","from":3,"schema":3}' ]
    [ "$(contents)" = "$before" ]
}

# schema_2, schema_1: the store as programs of that schema left it.
schema_2() {
    sqlite3 store/idb.db "DROP INDEX audit_hand_over; CREATE INDEX audit_session ON audit (session);
        UPDATE meta SET value = 2 WHERE name = 'schema_version'"
}
schema_1() {
    schema_2
    sqlite3 store/idb.db "DROP TABLE invitation; UPDATE meta SET value = 1 WHERE name = 'schema_version'"
}

@test "idb-store: migrate brings a store of schema 1 to 3 with all that is in it" {
    idb-store create
    session a issued
    session b called
    before=$(sqlite3 store/idb.db 'SELECT * FROM session')
    schema_1
    run --separate-stderr -78 idb-store check
    is_error schema "idb-store migrate"
    run --separate-stderr -0 idb-store migrate
    [ "$(jq -c . <<<"$output")" = '{"result":"migrated","from":1,"schema":3}' ]
    [ -z "$stderr" ]
    [ "$(sqlite3 store/idb.db 'SELECT COUNT(*) FROM invitation')" = 0 ]
    [ "$(sqlite3 store/idb.db 'SELECT * FROM session')" = "$before" ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: a backup of schema 1 can be restored" {
    idb-store create
    session a issued
    schema_1
    sqlite3 store/idb.db "VACUUM INTO 'old'"
    rm store/idb.db*
    idb-store create
    run --separate-stderr -0 idb-store restore old
    run --separate-stderr -0 idb-store check
    [ "$(json .schema)" = 3 ]
}

@test "idb-store: migrate from schema 2 leaves one small index of the audit rows, that is used" {
    idb-store create
    session a issued
    schema_2
    run --separate-stderr -0 idb-store migrate
    [ "$(jq -c . <<<"$output")" = '{"result":"migrated","from":2,"schema":3}' ]
    [ "$(sqlite3 store/idb.db "SELECT name FROM sqlite_schema WHERE type = 'index'
        AND tbl_name = 'audit' ORDER BY name" | paste -sd ' ')" = 'audit_at audit_hand_over' ]
    run -0 sqlite3 store/idb.db "EXPLAIN QUERY PLAN SELECT at, actor FROM audit WHERE session = 'a'
        AND action = 'hand_over' AND result = 'ok' ORDER BY id DESC LIMIT 1"
    [[ $output == *'USING INDEX audit_hand_over'* ]]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: check reports schema, size and live sessions" {
    idb-store create
    session a issued
    session b called
    session c 'done'
    run --separate-stderr -0 idb-store check
    [ -z "$stderr" ]
    [ "$(jq -c '[.result,.schema,.integrity,.rights,.clock,.sessions]' <<<"$output")" \
        = '["ok",3,"ok","ok","ok",2]' ]
    [ "$(jq .size <<<"$output")" -eq "$(stat -c %s store/idb.db)" ]
    [[ $(jq -r .newest_audit <<<"$output") == 20*Z ]]
}

@test "idb-store: check --human prints the same for people" {
    idb-store create
    run --separate-stderr -0 idb-store check --human
    [[ $output == *"file"*"$PWD/store/idb.db"* ]]
    [[ $output == *"integrity     ok"* ]]
    [[ $output == *"sessions      0"* ]]
}

@test "idb-store: without a store every command but create is exit 78 and names create" {
    local words
    for words in migrate check "backup new" "restore old"; do
        # shellcheck disable=SC2086
        run --separate-stderr -78 idb-store $words
        is_error store_missing "idb-store create"
    done
    [ ! -e store ]
    [ ! -e new ]
}

@test "idb-store: rights that are too wide are exit 78 and name the command" {
    idb-store create
    chmod o+r store/idb.db
    run --separate-stderr -78 idb-store check
    is_error store_rights "chmod o-rwx $PWD/store/idb.db"
}

@test "idb-store: check sees a file of another group" {
    needs_root
    config "$PWD/store/idb.db" daemon
    idb-store create
    chgrp root store/idb.db
    run --separate-stderr -78 idb-store check
    is_error store_rights "chgrp daemon $PWD/store/idb.db"
}

@test "idb-store: a newer schema is exit 78 for every command and nothing changes" {
    idb-store create
    sql "UPDATE meta SET value = 99"
    before=$(contents)
    local words
    for words in migrate check "backup new"; do
        # shellcheck disable=SC2086
        run --separate-stderr -78 idb-store $words
        is_error schema "99"
    done
    [ "$(contents)" = "$before" ]
    [ ! -e new ]
}

@test "idb-store: another program's database and an empty one are no store, and stay as they are" {
    idb-store create
    local statement before
    for statement in "DROP TABLE meta" "CREATE TABLE meta (x)" "DROP TABLE meta; CREATE TABLE meta (name, value)"; do
        sql "$statement"
        before=$(contents)
        run --separate-stderr -78 idb-store check
        is_error schema "no store of ID Bellen"
        run --separate-stderr -78 idb-store migrate
        is_error schema "no store of ID Bellen"
        [ "$(contents)" = "$before" ]
    done
    : >store/idb.db
    run --separate-stderr -78 idb-store migrate
    is_error schema "no store of ID Bellen"
    [ ! -s store/idb.db ]
}

@test "idb-store: a file that is no database, and one with a damaged page, are store_corrupt" {
    idb-store create
    session a issued
    cp store/idb.db whole
    damage_last_page whole >store/idb.db
    run --separate-stderr -78 idb-store check
    is_error store_corrupt "restore"
    run --separate-stderr -78 idb-store backup new
    is_error store_corrupt ""
    [ ! -e new ]
    tr '\0' x <whole >store/idb.db
    before=$(sha256sum store/idb.db)
    local words
    for words in check migrate "backup new"; do
        # shellcheck disable=SC2086
        run --separate-stderr -78 idb-store $words
        is_error store_corrupt ""
    done
    [ "$(sha256sum store/idb.db)" = "$before" ]
}

@test "idb-store: check says exit 75 when the newest audit row is in the future" {
    idb-store create
    sql "UPDATE audit SET at = at + 3600000"
    run --separate-stderr -75 idb-store check
    is_error clock "clock"
}

@test "idb-store: a held lock is exit 75 after store.wait_ms, and nothing is done" {
    idb-store create
    idb-store backup old
    exec 9<store/idb.db-lock
    flock 9
    before=$(contents)
    local words
    for words in migrate "backup new" "restore old"; do
        # shellcheck disable=SC2086
        run --separate-stderr -75 idb-store $words 9<&-
        is_error busy "500 ms"
    done
    [ "$(contents)" = "$before" ]
    [ ! -e new ]
    run --separate-stderr -0 idb-store check
}

# ---- backup ----

@test "idb-store: backup writes one whole file for its owner alone, whatever the umask" {
    idb-store create
    session a issued
    run --separate-stderr -0 bash -c 'umask 777; exec idb-store backup new'
    [ "$output" = '{"result":"backed_up","file":"new"}' ]
    [ -z "$stderr" ]
    [ "$(stat -c %a new)" = 600 ]
    [ "$(contents new)" = "$(contents)" ]
    [ "$(ls new*)" = new ]
    [ "$(sql 'SELECT action, result FROM audit ORDER BY id DESC LIMIT 1')" = "backup|started" ]
}

@test "idb-store: backup refuses a file that exists, also a dangling link, and leaves no row" {
    idb-store create
    echo mine >old
    ln -s nowhere link
    before=$(contents)
    local file
    for file in old link; do
        run --separate-stderr -1 idb-store backup "$file"
        [ "$(member error "$output")" = file_exists ]
        [ -z "$stderr" ]
    done
    [ "$(cat old)" = mine ]
    [ ! -e nowhere ]
    [ "$(contents)" = "$before" ]
}

@test "idb-store: backup takes no name for more than a file" {
    idb-store create
    local file
    for file in :memory: "file:x?mode=memory" -- ; do
        run --separate-stderr -0 idb-store backup -- "./$file"
        run --separate-stderr -1 idb-store backup -- "$file"
        [ -s "$file" ]
    done
}

@test "idb-store: backup works while others write, and holds whole transactions" {
    idb-store create
    sql "CREATE TABLE pair (x)"
    (
        for i in $(seq 60); do
            sqlite3 -cmd '.timeout 5000' store/idb.db \
                "BEGIN IMMEDIATE; INSERT INTO pair VALUES ($i); INSERT INTO pair VALUES ($i); COMMIT"
        done
    ) &
    local i
    for i in 1 2 3 4 5 6; do
        run --separate-stderr -0 idb-store backup "new.$i"
    done
    wait
    for i in 1 2 3 4 5 6; do
        [ "$(sqlite3 "new.$i" 'PRAGMA integrity_check')" = ok ]
        [ "$(sqlite3 "new.$i" 'SELECT COUNT(*) FROM (SELECT x FROM pair GROUP BY x HAVING COUNT(*) <> 2)')" -eq 0 ]
    done
    [ "$(sql 'SELECT COUNT(*) FROM pair')" -eq 120 ]
}

@test "idb-store: backup to a full disk is exit 69 and leaves no part of a file" {
    disk 32k
    idb-store create
    run --separate-stderr -69 idb-store backup disk/new
    is_error store_full "disk/new"
    [ -z "$(ls disk)" ]
}

@test "idb-store: backup to a folder that is not there or read-only says which file" {
    idb-store create
    run --separate-stderr -78 idb-store backup none/new
    is_error store_missing "none/new"
    disk 1m
    mount -o remount,ro disk
    run --separate-stderr -69 idb-store backup disk/new
    is_error store_read_only "disk/new"
}

# ---- restore ----

@test "idb-store: restore brings the backup back and ends every session in it" {
    idb-store create
    session a issued
    session b called
    session c wrap_up
    session d 'done'
    idb-store backup old
    sql "DELETE FROM session"
    session z issued
    run --separate-stderr -0 idb-store restore old
    [ "$output" = '{"result":"restored","expired":3}' ]
    [ -z "$stderr" ]
    [ "$(sql 'SELECT id, state FROM session ORDER BY id')" = "a|expired
b|expired
c|expired
d|done" ]
    [ "$(sql "SELECT COUNT(*) FROM session WHERE id <> 'd'
        AND COALESCE(code_mac, token_hash, sealed, call_id) IS NOT NULL")" -eq 0 ]
    [ "$(sql 'SELECT action, result FROM audit ORDER BY id DESC LIMIT 1')" = "restore|ok" ]
    [ "$(sql 'PRAGMA journal_mode')" = wal ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: restore leaves no bytes of the resident in the store's folder" {
    idb-store create
    session a issued
    idb-store backup old
    session z issued
    idb-store restore old
    run -1 grep -l SEALED- store/*
    [ "$(ls store)" = "idb.db
idb.db-lock" ]
    run -0 grep -c SEALED-a old
}

@test "idb-store: a backup with the log of its store restores too" {
    idb-store create
    session a issued
    exec 8< <(sqlite3 store/idb.db "SELECT 1; INSERT INTO counter VALUES ('x', 1); SELECT 2" ".shell cp store/idb.db old; cp store/idb.db-wal old-wal")
    cat <&8 >/dev/null
    [ -s old-wal ]
    run --separate-stderr -0 idb-store restore old
    [ "$(sql "SELECT name FROM counter")" = x ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: no reader sees a live session of the backup, and a reader does not stop it" {
    idb-store create
    session a issued
    idb-store backup old
    sql "UPDATE session SET state = 'done'"
    (
        while [ ! -e stop ]; do
            sqlite3 -cmd '.timeout 2000' store/idb.db "SELECT state FROM session"
        done >seen
    ) &
    local i
    for i in 1 2 3 4 5; do
        run --separate-stderr -0 idb-store restore old
    done
    touch stop
    wait
    [ "$(sort -u seen | grep -c issued)" -eq 0 ]
    grep -q expired seen
}

@test "idb-store: restore sets times from the future to now, and the clock is in order again" {
    idb-store create
    sql "INSERT INTO audit (at, actor, action, result) VALUES (9000000000000, 'a', 'b', 'c');
        INSERT INTO attempts VALUES (x'01', 9000000000000, 3, 0);
        INSERT INTO ended_call VALUES (x'01', 9000000000000, 'hung_up', NULL);"
    run --separate-stderr -75 idb-store check
    run --separate-stderr -0 idb-store backup old
    run --separate-stderr -75 idb-store check
    is_error clock "clock" # a backup alone does not move the mark
    run --separate-stderr -0 idb-store restore old
    run --separate-stderr -0 idb-store check
    [ "$(sql "SELECT (SELECT MAX(at) FROM audit) < 9000000000000,
        (SELECT since FROM attempts) < 9000000000000,
        (SELECT at FROM ended_call) < 9000000000000")" = "1|1|1" ]
}

@test "idb-store: restore refuses what is no sound backup and changes nothing" {
    idb-store create
    session a issued
    idb-store backup old
    before=$(contents)
    head -c 20000 old >short
    damage_last_page old >damaged
    echo "not a database at all" >text
    : >empty
    sqlite3 other "CREATE TABLE x (y)"
    cp old newer
    sqlite3 newer "UPDATE meta SET value = 99"
    cp old older
    sqlite3 older "UPDATE meta SET value = 0"
    local file
    for file in short damaged text; do
        run --separate-stderr -78 idb-store restore "$file"
        is_error store_corrupt "$file is no sound backup"
    done
    for file in empty other newer older; do
        run --separate-stderr -78 idb-store restore "$file"
        is_error schema "$file is no backup"
    done
    run --separate-stderr -65 idb-store restore none
    is_error file_unreadable "none"
    run --separate-stderr -65 idb-store restore store
    is_error file_unreadable "store"
    [ "$(contents)" = "$before" ]
    [ ! -e none ]
}

@test "idb-store: restore mends a damaged store, and says what to do when there is no database left" {
    idb-store create
    session a issued
    idb-store backup old
    head -c 4096 old >store/idb.db
    head -c "$(($(stat -c %s old) - 4096))" /dev/zero | tr '\0' x >>store/idb.db
    run --separate-stderr -0 idb-store restore old
    run --separate-stderr -0 idb-store check
    head -c 100000 /dev/zero | tr '\0' x >store/idb.db
    run --separate-stderr -78 idb-store restore old
    is_error store_corrupt "move it away"
    mv store/idb.db away
    run --separate-stderr -0 idb-store create
    run --separate-stderr -0 idb-store restore old
    [ "$(sql 'SELECT state FROM session')" = expired ]
}

@test "idb-store: killed at any write, restore has done all or nothing and leaves no file" {
    command -v strace >/dev/null || skip "needs strace"
    idb-store create
    session a issued
    idb-store backup old
    sql "DELETE FROM session"
    local n
    for n in 1 2 10 25 27 40; do
        run env ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace -e "inject=pwrite64:signal=KILL:when=$n" idb-store restore old
        [ "$(sql 'SELECT COUNT(*) FROM session WHERE state <> '"'expired'")" -eq 0 ]
        run --separate-stderr -0 idb-store check
        [ "$(ls store)" = "idb.db
idb.db-lock" ]
    done
    grep -q "killed by SIGKILL" trace
}

@test "idb-store: on a full disk create and restore are exit 69 and change nothing" {
    disk 256k
    config "$PWD/disk/store/idb.db"
    head -c 220000 /dev/zero >disk/filler
    run --separate-stderr -69 idb-store create
    is_error store_full ""
    [ "$(ls disk/store)" = idb.db-lock ]
    rm disk/filler
    run --separate-stderr -0 idb-store create
    cp disk/store/idb.db big
    sqlite3 big "CREATE TABLE filler (x); INSERT INTO filler VALUES (randomblob(400000))"
    before=$(contents disk/store/idb.db)
    run --separate-stderr -69 idb-store restore big
    is_error store_full ""
    [ "$(contents disk/store/idb.db)" = "$before" ]
    run --separate-stderr -0 idb-store check
}

@test "idb-store: on a read-only file system every command is exit 69 and names it" {
    disk 1m
    config "$PWD/disk/store/idb.db"
    idb-store create
    idb-store backup old
    mount -o remount,ro disk
    local words
    for words in create migrate check "backup new" "restore old"; do
        # shellcheck disable=SC2086
        run --separate-stderr -69 idb-store $words
        is_error store_read_only "mount it writable"
    done
    [ ! -e new ]
}
