# idb-config: what the administrator asks before anything else.

load lib

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    unset IDB_CONFIG
    cp "$BATS_TEST_DIRNAME/../scripts/idb.json.example" idb.json
}

# Changes idb.json with a jq program.
edit() {
    jq "$1" idb.json >new.json && mv new.json idb.json
}

# check on idb.json fails with $1 as exit, $2 as error word and $3 in the
# message, in JSON on standard output and as one line on standard error.
refused() {
    run --separate-stderr "-$1" idb-config --config=idb.json check
    [ "${#lines[@]}" -eq 1 ]
    [ "$(member error "$output")" = "$2" ]
    [[ "$(member message "$output")" = *"$3"* ]]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ "$stderr" = "idb-config: "*"$3"* ]]
}

@test "idb-config: the example passes the check, without a warning" {
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$output" = '{"result":"ok","file":"idb.json","purposes":2,"lines":1,"methods":1}' ]
    [ -z "$stderr" ]
}

@test "idb-config: \$IDB_CONFIG names the file, --config comes first" {
    IDB_CONFIG=idb.json run --separate-stderr -0 idb-config check
    [ "$(jq -r .file <<<"$output")" = idb.json ]
    IDB_CONFIG=/nowhere/x run --separate-stderr -0 idb-config --config idb.json check
    [ -z "$stderr" ]
    IDB_CONFIG=/nowhere/x run --separate-stderr -78 idb-config check
    [ "$(member error "$output")" = config_missing ]
    [[ "$stderr" = *"/nowhere/x"* ]]
}

@test "idb-config: a contradiction is named with its path, exit 78" {
    edit '.purposes."application-status".line = "kcc2"'
    refused 78 config_invalid 'purposes.application-status.line: there is no line "kcc2"; lines are: kcc.'
}

@test "idb-config: an unknown member is named with its path, exit 78" {
    edit '.store.colour = 1'
    refused 78 config_invalid 'store.colour: there is no such member; members are: url, wait_ms, group, schema, pass_files, roles.'
}

@test "idb-config: a file that is not JSON is answered with line and column" {
    printf '{\n  "a": ,\n}\n' >idb.json
    refused 78 config_json 'idb.json: line 2, column '
}

@test "idb-config: a key that stands twice is refused" {
    printf '{"store":{},"store":{}}' >idb.json
    refused 78 config_json 'duplicate object key'
}

@test "idb-config: an empty file, a directory, a pipe and a file too large are refused" {
    : >idb.json
    refused 78 config_json 'the file is empty'
    rm idb.json && mkdir idb.json
    refused 78 config_unreadable 'a directory'
    rmdir idb.json && mkfifo idb.json
    refused 78 config_unreadable 'not a regular file'
    rm idb.json && head -c 1048577 /dev/zero >idb.json
    refused 78 config_unreadable 'larger than 1048576 bytes'
}

@test "idb-config: a file that may not be read is exit 77 and says who and what to do" {
    local as_user=() user
    user="$(id -un) (uid $(id -u))"
    chmod 0 idb.json
    # Root may read everything: then it is nobody who tries, with a copy of the program.
    if [ "$(id -u)" -eq 0 ]; then
        as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        user='nobody (uid 65534)'
        dir=$(mktemp -d)
        chmod 755 "$dir"
        cp "$IDB_BUILD/idb-config" idb.json "$dir"
        chmod 0 "$dir/idb.json"
        cd "$dir"
    fi
    run --separate-stderr -77 "${as_user[@]}" "${dir:-$IDB_BUILD}/idb-config" --config=idb.json check
    [ -z "${dir-}" ] || rm -r "$dir"
    [ "$(member error "$output")" = config_unreadable ]
    [[ $stderr == *"$user"* ]]
    [[ $stderr == *'chmod a+r'* ]]
}

@test "idb-config: no users at the desk is a warning" {
    edit '.desk = {"comment": "nobody yet"}'
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r '.result, .warnings[]' <<<"$output")" = "ok
desk: no users are listed: nobody can open a call." ]
    [ -z "$stderr" ]
}

@test "idb-config: a purpose that nobody can issue for is a warning" {
    edit 'del(.purposes.appointment.methods, .issue)'
    run --separate-stderr -0 idb-config --config=idb.json check
    [[ "$(jq -r '.warnings[]' <<<"$output")" = "purposes.appointment: no methods"* ]]
    edit '.issue.attest = ["front-office"]'
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r .warnings <<<"$output")" = null ]
}

@test "idb-config: a method whose secret or key is not there is a warning, once there are keys" {
    mkdir -m 700 cache
    edit ".keys = { directory: \"$PWD/keys\" } | .store.url = \"sqlite:$PWD/store/idb.db\"
        | .cache = { directory: \"$PWD/cache\" }"
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r .warnings <<<"$output")" = null ]
    idb-keys --config=idb.json create >made
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r '.warnings[]' <<<"$output")" = \
        "methods.digid: $PWD/keys/web/digid.jwk does not exist: nobody can log in by it." ]
    [ -z "$stderr" ]
    edit '.methods.digid.client_auth = "client_secret_basic"'
    run --separate-stderr -0 idb-config --config=idb.json check
    [[ "$(jq -r '.warnings[]' <<<"$output")" = *digid.secret* ]]
    touch keys/web/digid.secret
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r .warnings <<<"$output")" = null ]
    edit '.methods.digid.id_token_encryption = { alg: "RSA-OAEP", enc: "A256GCM" }'
    run --separate-stderr -0 idb-config --config=idb.json check
    [[ "$(jq -r '.warnings[]' <<<"$output")" = "methods.digid: $PWD/keys/web/digid.enc.jwk does not exist"* ]]
}

@test "idb-config: a cache folder that is not there, or that others can enter, is a warning" {
    edit ".keys = { directory: \"$PWD/keys\" } | .cache = { directory: \"$PWD/cache\" }"
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r '.warnings[]' <<<"$output")" = "cache.directory: $PWD/cache does not exist: the login \
providers are asked for their keys at each login; make it with: install -d -o $(id -un) -m 700 $PWD/cache" ]
    sh -c "$(jq -r '.warnings[]' <<<"$output" | sed 's/.*make it with: //')"
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r .warnings <<<"$output")" = null ]
    chmod 710 cache
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r '.warnings[]' <<<"$output")" = \
        "cache.directory: $PWD/cache must be a folder that only $(id -un) can enter: nobody can log in." ]
}

@test "idb-config: certificates of a method that cannot be read are a warning" {
    edit '.methods.digid.ca = "/nonexistent/ca.pem"'
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r '.warnings[]' <<<"$output")" = 'methods.digid.ca: /nonexistent/ca.pem cannot be read.' ]
}

@test "idb-config: a time zone that the system does not know is a warning" {
    [ -d /usr/share/zoneinfo ] || skip "this system has no time zones"
    edit '.lines.kcc.time_zone = "Europe/Voorbeeld"'
    run --separate-stderr -0 idb-config --config=idb.json check
    [ "$(jq -r '.warnings[]' <<<"$output")" = \
        'lines.kcc.time_zone: this system knows no time zone "Europe/Voorbeeld".' ]
}

@test "idb-config: show prints one JSON line into a pipe, without what is not public" {
    run --separate-stderr -0 idb-config --config=idb.json show
    [ "${#lines[@]}" -eq 1 ]
    [ "$(jq -rc '.lines.kcc.number, .purposes.appointment.confirm, .attributes.name.mask, .code' <<<"$output")" = \
        "+31241234567
notify
false
{\"digits\":10,\"valid\":600}" ]
    [[ "$output" != *exchange* ]]
    [[ "$output" != *jansen* ]]
    [[ "$output" != */etc/idb* ]]
    [[ "$output" != *comment* ]]
    [ -z "$stderr" ]
}

@test "idb-config: who may frame the desk is shown, and is an origin" {
    edit '.frame_ancestors = ["https://kcc.example.org", "https://[::1]:8443"]'
    run --separate-stderr -0 idb-config --config=idb.json show
    [ "$(jq -c .frame_ancestors <<<"$output")" = '["https://kcc.example.org","https://[::1]:8443"]' ]
    [ -z "$stderr" ]
    for origin in http://kcc.example.org https://kcc.example.org/ 'https://*.example.org' https:// \
        'https://a.example.org;script-src' "'self'" '*' https://a@example.org https://a.example.org:0; do
        edit ".frame_ancestors = [\"$origin\"]"
        refused 78 config_invalid 'frame_ancestors[0]'
    done
}

@test "idb-config: show prints text on a terminal, in the language asked for" {
    run -0 script -qec "idb-config --config=idb.json show" /dev/null
    [[ "$output" = "Gemeente Voorbeeld"* ]]
    [[ "$output" = *"number      +31 24 123 45 67"* ]]
    [[ "$output" = *"thu         09:00-12:30, 13:30-20:00"* ]]
    [[ "$output" = *"attributes  Burgerservicenummer (masked), Naam"* ]]
    run -0 script -qec "idb-config --config=idb.json show --lang=en" /dev/null
    [[ "$output" = "Municipality of Voorbeeld"* ]]
    run -0 script -qec "idb-config --config=idb.json show --lang=fr" /dev/null
    [[ "$output" = "Gemeente Voorbeeld"* ]]
    run -0 script -qec "idb-config --config=idb.json show --json" /dev/null
    [ "${output:0:1}" = "{" ]
}

@test "idb-config: standard input is not read" {
    printf 'left alone\n' >input
    run --separate-stderr -0 bash -c 'idb-config --config=idb.json check >/dev/null; cat' <input
    [ "$output" = "left alone" ]
}

@test "idb-config: no word, an unknown word, two words and a bad option are usage, exit 64" {
    for words in "" "chek" "check show" "check --colour" "show --lang=nld" "--config"; do
        # shellcheck disable=SC2086 # the words are meant to split
        run --separate-stderr -64 idb-config $words
        [ "$(member error "$output")" = usage ]
        [ "${#stderr_lines[@]}" -eq 1 ]
    done
}

@test "idb-config: an answer that cannot be written is exit 69" {
    [ -c /dev/full ] || skip "this system has no /dev/full"
    run --separate-stderr -69 bash -c 'idb-config --config=idb.json check >/dev/full'
    [[ "$stderr" = "idb-config: "* ]]
}

@test "idb-config: --help and --version" {
    run --separate-stderr -0 idb-config --help
    [[ "$output" = "usage: idb-config"* ]]
    run --separate-stderr -0 idb-config --version
    [[ "$output" = "idb-config "* ]]
    [ -z "$stderr" ]
}
