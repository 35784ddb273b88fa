# demo --quick: the programs alone, one after the other. Sourced by scripts/demo.
# shellcheck shell=bash disable=SC2034,SC2154 # variables that the parts share

# cookies_of ANSWER…: the request with the cookies that a browser holds after them.
cookies_of() {
    printf '%s\n' "$@" | jq -sc '{ cookies: ([.[].cookies[] | split(";")[0]
        | capture("(?<key>[^=]+)=(?<value>.*)")] | from_entries | to_entries
        | map(select(.value != "") | "\(.key)=\(.value)") | join("; ")) }'
}

# key_in CODE CALL: the request that the telephone makes of it.
key_in() { request="{\"code\":\"$1\",\"call_id\":\"$2\",\"caller\":\"$number\"}"; }

# Whoever runs this is the agent, by sudo too. Who has no name in this system is
# named as a web server would do it.
configuration() {
    local user
    user=$(id -un 2>/dev/null) || user=demo
    [ "$user" != demo ] || export REMOTE_USER=demo AUTH_TYPE=demo
    jq -n --arg dir "$dir" --arg user "$user" --arg sudo "${SUDO_USER:-$user}" '{
        organisation: { name: { nl: "Gemeente Voorbeeld", en: "Municipality of Voorbeeld" },
                        url: "https://www.example.org" },
        lines: { kcc: { number: "+31241234567", number_display: "+31 24 123 45 67" } },
        store: { url: "sqlite:\($dir)/store/idb.db" },
        keys: { directory: "\($dir)/keys" },
        issue: { attest: ["front-office"] },
        desk: { ($user): ["agent", "support"], ($sudo): ["agent", "support"], bob: ["agent"] },
        attributes: {
            bsn: { label: { nl: "Burgerservicenummer", en: "Citizen service number" },
                   type: "bsn", mask: true },
            name: { label: { nl: "Naam", en: "Name" } } },
        purposes: {
            status: { label: { nl: "Hoe staat het met mijn aanvraag?",
                               en: "How is my application doing?" },
                      line: "kcc", attributes: ["bsn", "name"], minimum_level: "substantial" },
            appointment: { label: { nl: "Een afspraak maken", en: "Make an appointment" },
                           line: "kcc", attributes: ["name"] } } }'
}

# run_as AGENT COMMAND…: run for one whom a web server has logged in.
run_as() {
    local agent=$1
    shift
    run env -u SUDO_USER AUTH_TYPE=Basic "REMOTE_USER=$agent" "$@"
}

make_instance() {
    step 'An instance'
    say 'The configuration names one telephone line and two purposes: a question about an' \
        'application needs number and name from a reliable login, an appointment just a name.'
    export IDB_CONFIG=$dir/idb.json
    configuration >"$IDB_CONFIG"
    run idb-config check
    expect 0 '.result == "ok" and .purposes == 2'
    run idb-config show
    expect 0 '.purposes | keys == ["appointment", "status"]'

    step 'Keys and store'
    say 'Each zone (web, telephone, desk) has keys of its own, so that none of them alone' \
        'can do everything. The store is one SQLite file.'
    run idb-keys create
    expect 0 '.made > 0'
    run idb-keys list --human
    expect 0
    run idb-store create
    expect 0
    run idb-store check
    expect 0
}

issue_code() {
    step 'A code for a resident'
    say 'A counter clerk has seen the resident'\''s papers and states who it is. (A login with' \
        'OpenID Connect ends in the same place.) The answer is what the resident gets to see:' \
        'a number to call and a code to key in.'
    request='{"purpose":"status","lang":"en","attributes":{"bsn":"'$bsn'","name":"'$name'"},"auth":{"method":"counter","level":"substantial"},"reference":"Z-2031","caller":"'$number'"}'
    run idb-issue --attest=front-office
    expect 0 '.code | test("^[0-9]{10}$")'
    issued=$answer
    take_code "$issued"
    token=$(jq -r '.cookies[0] | split(";")[0] | split("=")[1]' <<<"$issued")
    resident=$(cookies_of "$issued")

    step 'The resident'\''s page, before the call'
    say 'Held by a cookie, it can be loaded again at any time and shows the same code.'
    request=$resident
    run idb-status
    expect 0 '.state == "issued" and .code_valid'
    [ "$(jq -r .code <<<"$answer")" = "$code" ] || stop 'the page should show the code'

    step 'A new code'
    say 'A code is valid for ten minutes; the page gives another one at a click, and the old' \
        'one is dead.'
    request=$resident
    run idb-renew
    expect 0 '.code | test("^[0-9]{10}$")'
    old_code=$code
    take_code "$answer"
    [ "$code" != "$old_code" ] || stop 'the new code should be another'
    resident=$(cookies_of "$issued" "$answer")
}

# take_code ANSWER: the code that counts from now on; $codes has all, as shown too.
take_code() {
    code=$(jq -r .code <<<"$1")
    codes+=("$code" "$(jq -r .code_display <<<"$1")")
}

key_in_codes() {
    step 'A slip of the finger'
    say 'The last digit is a check digit: one wrong key is known at once, and costs nothing.'
    key_in "$(spoil "$code")" c-1
    run idb-verify
    expect 1 '.result == "mistyped" and .attempts_left == 3'

    step 'A wrong code'
    say 'Here the old one, which looks right. Of wrong codes a call has three.'
    key_in "$old_code" c-1
    run idb-verify
    expect 1 '.result == "wrong" and .attempts_left == 2'

    step 'The right code'
    say 'Now the call c-1 has a session. The telephone learns the purpose, nothing personal.'
    key_in "$code" c-1
    run idb-verify
    expect 0 '.result == "accepted" and .purpose == "status"'
    lacks "$name"

    step 'The same code again'
    say 'On the same call the answer is the same: a telephone exchange may ask twice.'
    key_in "$code" c-1
    run idb-verify
    expect 0 '.result == "accepted"'
    echo
    say 'From another call it is used up.'
    key_in "$code" c-2
    run idb-verify
    expect 1 '.result == "used"'

    step 'The resident'\''s page, during the call'
    say 'It tells that somebody calls with this code, and from which number (two digits of' \
        'it), so that a resident who does not call can say so: that is idb-confirm.'
    request=$resident
    run idb-status
    expect 0 '.state == "called" and .call.caller == "78" and (has("code") | not)'
    resident=$(cookies_of "$issued" "$answer")
}

open_call() {
    step 'The agent opens the call'
    say 'Only a named agent, and on the record. --human is for a terminal; the number stays' \
        'masked.'
    request='{"call_id":"c-1","lang":"en"}'
    run idb-lookup --human
    expect 0
    contains "$name"
    lacks "$bsn"

    step 'The same as JSON, with the masked value'
    say 'Revealing is a second act with a row of its own in the audit.'
    request='{"call_id":"c-1","lang":"en","reveal":["bsn"]}'
    run idb-lookup
    expect 0 '.result == "open" and .state == "connected" and .number_hint == "match"
        and .attested_by == "front-office" and .reference == "Z-2031"'
    contains "$bsn"

    step 'Somebody who is no agent'
    say 'Whom the configuration does not list under "desk" sees nothing.'
    request='{"call_id":"c-1"}'
    run_as eve idb-lookup
    expect 77 '.error == "not_permitted"'
    lacks "$name"
}

transfer_call() {
    step 'A transfer'
    say 'The telephone exchange says that call c-1 goes on as c-3, at a colleague'\''s.'
    request='{"call_id":"c-1","to_call_id":"c-3"}'
    run idb-transfer
    expect 0 '.result == "transferred"'
    echo
    say 'The colleague, bob, sees it, here as the web server would name him.'
    request='{"call_id":"c-3","lang":"en"}'
    run_as bob idb-lookup
    expect 0 '.result == "open" and .call_id == "c-3"'
    contains "$name"
    echo
    say 'At the old call there is nothing left to see.'
    request='{"call_id":"c-1"}'
    run idb-lookup
    expect 1 '.result == "ended" and .reason == "transferred"'
}

look_during() {
    step 'What the store holds during the call'
    say 'No code, no number, no name: only a record that is signed and sealed for the desk.'
    sealed_pieces
    look
    [ "$total" = "$(wc -l <<<"$pieces")" ] || stop 'the sealed record should be found'
}

end_call() {
    step 'Hang-up, and wrap-up'
    say 'The resident has hung up. The agent still has some minutes to finish.'
    request='{"call_id":"c-3"}'
    run idb-end
    expect 0 '.result == "wrap_up"'
    request='{"call_id":"c-3","lang":"en"}'
    run_as bob idb-lookup
    expect 0 '.state == "wrap_up"'
    contains "$name"

    step 'The agent is done'
    say 'Ended at the desk, everything of the resident is erased now.'
    request='{"call_id":"c-3"}'
    run_as bob idb-end --zone=desk
    expect 0 '.result == "ended"'
    request='{"call_id":"c-3"}'
    run_as bob idb-lookup
    expect 1 '.result == "ended"'
    lacks "$name"

    step 'The resident'\''s page, after the call'
    say 'It says that the call is over; a code it no longer has.'
    request=$resident
    run idb-status
    expect 0 '.state == "done" and (has("code") | not)'
    echo
    say 'For support, who sees no personal data, the ticket on that page tells the story.'
    request=$(jq -c '{ ticket }' <<<"$issued")
    run idb-lookup
    expect 0 '.state == "done" and .refusal == "used"'
}

cancel_appointment() {
    step 'Another code, and no call'
    say 'For an appointment a name is enough. Anything more is refused.'
    request='{"purpose":"appointment","lang":"en","attributes":{"bsn":"'$bsn'","name":"'$name'"},"auth":{"method":"counter","level":"low"}}'
    run idb-issue --attest=front-office
    expect 65 '.error == "attribute_not_allowed"'
    request='{"purpose":"appointment","lang":"en","attributes":{"name":"'$name'"},"auth":{"method":"counter","level":"low"}}'
    run idb-issue --attest=front-office
    expect 0
    local appointment=$answer
    take_code "$appointment"
    echo
    say 'The resident thinks better of it. The code is dead at once.'
    request=$(cookies_of "$appointment")
    run idb-end
    expect 0 '.result == "ended"'
    key_in "$code" c-4
    run idb-verify
    expect 1 '.result == "wrong"'
}

look_after() {
    step 'The purge'
    say 'Cron runs it every minute: it ends what is past its time, deletes old rows, and sees' \
        'to it that erased bytes are gone from the store'\''s log too.'
    run idb-purge
    expect 0 '.pending_erasure == false'

    step 'What the store holds now'
    say 'Of the resident, nothing: the sealed record is not just forgotten but overwritten.'
    look
    [ "$total" = 0 ] || stop 'the sealed record should be gone'
    echo
    say 'What is still there, for support and for who must account for it: states and times' \
        '(the ticket above) and the audit, who did what when, without a single value:'
    echo
    audit_rows 5
}

what_next() {
    local page pages=''
    for page in idb.7 idb-issue.1 idb-verify.1 idb-lookup.1 idb.json.5; do
        [ ! -e "$root/man/$page" ] || pages+=" man/$page"
    done
    printf '\n%sAll %d steps went as they should.%s\n\n' "$bold" "$steps" "$plain"
    if [ "$keep" = 0 ]; then
        printf 'Nothing of it is left. To go on in an instance that stays:\n\n'
        printf '    %q --quick --keep\n\n' "$root/scripts/demo"
    else
        printf 'The instance is in %s; remove the folder when you are done. Try:\n\n' "$dir"
        # shellcheck disable=SC2016  # $PATH is for whoever copies the line
        printf '    cd %q\n    export IDB_CONFIG=%q PATH=%q:"$PATH"\n' "$dir" "$IDB_CONFIG" \
            "$root/build"
        cat <<'TRY'
    echo '{"purpose":"appointment","attributes":{"name":"T. Estpersoon"},"auth":{"method":"counter","level":"low"}}' | idb-issue --attest=front-office >issued.json
    jq -c '{cookies: ([.cookies[] | split(";")[0]] | join("; "))}' issued.json | idb-status | jq .
    jq -c '{code, call_id: "c-9"}' issued.json | idb-verify
    echo '{"open":true}' | idb-lookup --human
    echo '{"call_id":"c-9"}' | idb-lookup --human
    echo '{"call_id":"c-9"}' | idb-end --zone=desk

TRY
    fi
    [ -z "$pages" ] || printf 'Manual pages, to read with man -l:%s\n' "$pages"
    printf 'Every program says with --help what it takes.\n'
}

walk_programs() {
    places=("$dir/store")
    make_instance
    issue_code
    key_in_codes
    open_call
    transfer_call
    look_during
    end_call
    cancel_appointment
    look_after
    what_next
}
