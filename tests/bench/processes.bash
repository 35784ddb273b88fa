# Processes that are started for one request each, for tests/bench/run: beside the floor
# program and a script of jq, openssl and sqlite3 (verify.sh), by turns. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets

# The script's store: as many codes, all known beforehand.
make_script_store() {
    local code mac
    sqlite3 script.db 'PRAGMA journal_mode = WAL;
        CREATE TABLE code (mac TEXT PRIMARY KEY, session TEXT, call_id TEXT)' >/dev/null
    echo 'a key of the script, nobody'\''s' >script.key
    for ((code = 1000000000; code < 1000000000 + scripts; code++)); do
        mac=$(printf %s "$code" | openssl dgst -sha256 -hmac "$(<script.key)" -r)
        printf "INSERT INTO code VALUES ('%s', 's-%s', NULL);\n" "${mac%% *}" "$code"
        printf '{"code":"%s","call_id":"c-%s"}\n' "$code" "$code" >&3
    done 3>script.requests | sqlite3 script.db
    split_input script <script.requests
}

# Each lookup opens a call that a verify of the same round connected.
measure_processes() {
    "$spawn" verify "$count" verify "$IDB_BUILD/idb-verify" \
        -- floor "$count" - "$floor" "$IDB_CONFIG" floor.db one \
        -- script "$scripts" script "$root/tests/bench/verify.sh" script.db script.key \
        -- lookup "$count" lookup "$IDB_BUILD/idb-lookup" \
        -- issue "$count" issue "$IDB_BUILD/idb-issue" --attest=front-office
    accepted verify "$count"
    accepted script "$scripts"
}

# The same while other processes, as kept ones do, have the stores open.
measure_held() {
    coproc store { idb-status; }
    # shellcheck disable=SC2154  # coproc sets it
    local store_in=${store[1]} pid=$store_PID holder answer
    echo '{"cookies":"__Host-idb-session=nobody"}' >&"$store_in"
    read -r answer <&"${store[0]}"
    [[ $answer == *'"no_session"'* || $answer == *'"bad_cookie"'* ]]
    mkfifo keep
    "$floor" "$IDB_CONFIG" floor.db hold <keep >held.answer &
    holder=$!
    exec 4>keep
    until [ -s held.answer ]; do sleep 0.01; done
    "$spawn" held "$count" held "$IDB_BUILD/idb-verify" \
        -- floor_held "$count" - "$floor" "$IDB_CONFIG" floor.db one
    exec 4>&- {store_in}>&-
    wait "$pid" || true
    wait "$holder"
    accepted held "$count"
}

measure_stream() {
    "$spawn" stream 1 stream "$IDB_BUILD/idb-verify" \
        -- floor_stream 1 - "$floor" "$IDB_CONFIG" floor.db stream "$stream"
    accepted stream "$stream"
}
