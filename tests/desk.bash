# The desk behind a web server, for tests/desk.bats and tests/desk-forms.bats: `load lib`,
# life and site, then `load desk`.
# shellcheck shell=bash disable=SC2154 # what tests/site.bash and a case set

setup_file() {
    local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
    idb_instance '
        .purposes.status.links = { bsn: "https://zaken.example.org/zoek?bsn={value}" }
        | .desk.bob = ["agent"]
        | .methods.counter = { label: { nl: "Balie \"<1>\"", en: "Counter" },
            issuer: "https://login.example.org", client_id: "x", id_token_alg: "ES256",
            client_auth: "client_secret_basic", claims: { name: "name" } }'
    site_up "$BATS_FILE_TMPDIR/site" desk
}

teardown_file() { site_down; }

setup() { jar=$BATS_TEST_TMPDIR/jar; }

# agent PATH [curl option…]: alice's browser, or that of $who, with its cookies.
agent() {
    local path=$1
    shift
    fetch "$DESK/$path" -u "${who-alice}:secret" -b "$jar.${who-alice}" -c "$jar.${who-alice}" "$@"
    read_token
}

# as WHO COMMAND…: the same by another.
as() {
    local who=$1
    shift
    "$@"
}

# read_token: $token is that of the page in $body, if it has one.
read_token() {
    local found
    found=$(grep -oP -m 1 'name="form_token" value="\K[^"]+' <<<"$body" | head -n 1) || true
    [ -z "$found" ] || token=$found
}

# send PATH FIELDS [curl option…]: a form of the page that was fetched last.
send() {
    local path=$1 fields=$2
    shift 2
    agent "$path" --data "$fields&form_token=$token" "$@"
}

# call CALL [JQ]: a session whose code was keyed in on that call; $issued.
call() {
    issued=$(issue_status "${2-.}")
    session=$(session_of "$issued")
    [ "$(verify "$(code_of "$issued")" "$1" +31612345678 | jq -r .result)" = accepted ]
}

# says STATUS TEXT…: the page is well-formed, kept nowhere, has this status and these texts.
says() {
    local text
    [ "$status_code" = "$1" ] || {
        echo "$output"
        return 1
    }
    xmllint --noout - <<<"$body"
    [ "$(header Cache-Control)" = no-store ]
    [[ $(header Content-Security-Policy) == *"default-src 'none'"*"base-uri 'none'"*"frame-ancestors "* ]]
    [ -z "$(header X-Frame-Options)" ]
    shift
    for text in "$@"; do
        [[ $body == *"$text"* ]] || {
            printf 'missing: %s\n%s\n' "$text" "$body"
            return 1
        }
    done
}

# rows ACTION [SESSION]: how many audit rows there are of it.
rows() { sql "SELECT COUNT(*) FROM audit WHERE action = '$1' AND session = '${2-$session}'"; }

tells_nothing() { [[ $body != *@(999990019|Estpersoon|Z-1)* ]]; }
