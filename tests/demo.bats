#!/usr/bin/env bats
# scripts/demo: both walks, and that nothing of them stays. tests/site.bats has the site to
# try, tests/long/demo.bats more ways for it to end.
# The plain build only: that is what the demo makes and runs.

load lib
load demo

@test "demo --quick: goes through every step and says so" {
    walked --quick
    [ ! -s "$walk/err" ]
    for title in 'An instance' 'Keys and store' 'A code for a resident' 'A slip of the finger' \
        'A wrong code' 'The right code' 'The same code again' 'The agent opens the call' \
        'The same as JSON, with the masked value' 'A transfer' 'Hang-up, and wrap-up' \
        'The agent is done' 'Another code, and no call' 'The purge' 'What the store holds now'; do
        grep -qE "^[0-9]+\. $title\$" <<<"$output"
    done
    for program in idb-config idb-keys idb-store idb-issue idb-renew idb-status idb-verify \
        idb-lookup idb-transfer idb-end idb-purge; do
        grep -qE "^    \\$ .*\b$program\b" <<<"$output"
    done
    for result in mistyped wrong accepted used transferred wrap_up ended; do
        grep -qF "\"result\": \"$result\"" <<<"$output"
    done
    [[ $output == *"All $(grep -cE '^[0-9]+\. ' <<<"$output") steps went as they should."* ]]
}

@test "demo --quick: leaves nothing behind" {
    walked --quick
    walked_without_trace
}

@test "demo --quick: what is personal is found in the store neither during nor after, the sealed record only during" {
    walked --quick
    run -0 grep -E ' [0-9]+ of [0-9]+ found$' <<<"$output"
    [ "${#lines[@]}" = 12 ]
    for i in "${!lines[@]}"; do
        if [ "$i" = 5 ]; then
            [[ ${lines[i]} =~ sealed.*\ ([0-9]+)\ of\ ([0-9]+)\ found ]]
            [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
            [ "${BASH_REMATCH[1]}" -gt 10 ]
        else
            [[ ${lines[i]} == *' 0 of '* ]]
        fi
    done
}

@test "demo --quick: what is personal stands in no argument and in no environment" {
    walked --quick
    grep -q idb-verify "$walk/trace"
    { printf '%s\n' 999990019 Estpersoon 612345678
        grep -oP '"code(_display)?": "\K[0-9 ]+' <<<"$output"
        grep -oP '__Host-idb-session=\K[^;"]+' <<<"$output"
    } | sort -u >"$BATS_TEST_TMPDIR/personal"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/personal")" -ge 11 ]
    run -1 grep -Ff "$BATS_TEST_TMPDIR/personal" "$walk/trace"
}

@test "demo --quick --keep: says where, and what it says to try works" {
    run -0 "$demo" --quick --keep
    local script
    script=$(sed -n '/^The instance is in/,$s/^    //p' <<<"$output")
    [ "$(wc -l <<<"$script")" -ge 7 ]
    run -0 bash -euo pipefail -c "$script"
    [[ $output == *'"result":"accepted"'* ]]
    [[ $output == *'T. Estpersoon'* ]]
    [[ $output == *'"result":"ended"'* ]]
    [ "$(find "$TMPDIR" -name idb.db | wc -l)" = 1 ]
}

@test "demo --quick: stops with a message when an answer is not what it should be" {
    copy_tree
    rm "$tree/build/idb-verify"
    printf '#!/bin/sh\necho "{\\"result\\":\\"accepted\\"}"\n' >"$tree/build/idb-verify"
    chmod +x "$tree/build/idb-verify"
    run --separate-stderr -1 "$tree/scripts/demo" --quick
    [[ $stderr =~ ^$'\n'?'demo: stopped at step '[0-9]+': exit 1 was expected, not 0'$ ]]
    [[ $output == *'A slip of the finger'* ]]
    [[ $output != *'The right code'* ]]
    nothing_left
}

@test "demo --quick: colour on a terminal alone" {
    walked --quick
    [[ $output != *$'\e'* ]]
    run -0 script -qec "$demo --quick" /dev/null
    [[ $output == *$'\e[1m'* ]]
    NO_COLOR=1 run -0 script -qec "$demo --quick" /dev/null
    [[ $output != *$'\e['* ]]
}

@test "demo: --help says what it does, anything else is exit 64" {
    run --separate-stderr -0 "$demo" --help
    [[ $output == 'usage: scripts/demo [--port=N]'* ]]
    for options in --fast --keep '--serve --keep' '--quick --serve' '--quick --port=2000' --port --port= \
        --port=80 --port=65525 --port=x '--port=20000 -- x'; do
        # shellcheck disable=SC2086 # one or two words
        run --separate-stderr -64 "$demo" $options
        [[ $stderr == 'demo: '*'usage: scripts/demo '* ]]
        [ -z "$output" ]
    done
    run --separate-stderr -64 "$demo" --fast
    [[ $stderr == 'demo: not understood: --fast'* ]]
    nothing_left
}

# ---- the whole flow ----

# step_of TITLE: what the walk printed in that step.
step_of() { sed -nE "/^[0-9]+\. $1\$/,/^[0-9]+\. /p" <<<"$output"; }

@test "demo: walks through the whole flow, and says so" {
    walked
    [ ! -s "$walk/err" ]
    for title in 'A login provider' 'Configuration, keys and store' 'Three web servers' \
        'The start page' 'On to the login provider' 'Cancelled there' 'Logged in, and asked' \
        'A no' 'A yes: number and code' 'Loaded again' 'A new code' \
        'The call: a slip of the finger' 'A wrong code' 'A telephone line without an exchange' \
        'The resident calls' "The agent's telephone rings" "The resident's page, during the call" "The agent's page, with a wrong password" \
        "The agent's page" 'The hidden value' 'What the store holds during the call' 'Hang-up' \
        'The agent is done' "The resident's page, after the call" 'The purge' \
        'The servers stop, and what their logs say' 'What is left'; do
        grep -qE "^[0-9]+\. $title\$" <<<"$output"
    done
    [ "$(grep -cE '^[0-9]+\. ' <<<"$output")" = 27 ]
    [[ $output == *'All 27 steps went as they should.'* ]]
}

@test "demo: pages are shown as text, with what counts on them" {
    walked
    [[ $(step_of 'The start page') == *'> - Citizen service number'*'> - Name'*'(tel:+31241234567)'*'> [ Log in with DigiD ]'* ]]
    [[ $(step_of 'Logged in, and asked') == *'> Citizen service number: 999 990 019'*'> Name: T. Estpersoon'* ]]
    yes=$(step_of 'A yes: number and code')
    [[ $yes =~ tel:\+31241234567,([0-9]{10})\).*'Key in this code: '([0-9 ]+) ]]
    [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]// /}" ]
    [[ $(step_of 'Loaded again') == *"${BASH_REMATCH[1]}"* ]]
    [[ $(step_of 'A new code') != *"${BASH_REMATCH[1]}"* ]]
    [[ $(step_of 'A wrong code') == *"\"code\": \"${BASH_REMATCH[1]}\""*'"result": "wrong"'* ]]
    [[ $(step_of "The agent's page, with a wrong password") == *'> 401 https://'* ]]
    [[ $(step_of "The agent's page") == *'number: hidden'*'Name: T. Estpersoon'* ]]
    [[ $(step_of 'The hidden value') == *'number: 999990019'* ]]
    [[ $(step_of 'The agent is done') != *Estpersoon* ]]
    # HTML and characters written out in it nowhere, and no line without end.
    run -1 grep -nE '<[a-z/]|&[a-z#0-9]+;' <(grep -E '^    > ' "$walk/out")
    run -1 grep -nE '.{400}' "$walk/out"
}

@test "demo: a telephone keys the code of the page in, and the call reaches the agent with its id" {
    walked
    calls=$(step_of 'The resident calls')
    [[ $calls == *': plays welcome'*'> Welcome to your municipality.'*': plays accepted'*'> Thank you. Your code is right.'* ]]
    [[ $(step_of 'A new code') =~ 'Key in this code: '([0-9 ]+) ]]
    [[ $calls == *"keys in ${BASH_REMATCH[1]// /}, and #"* ]]
    [[ $calls =~ 'call '(sip-[0-9a-f]{32})': transferred' ]]
    [[ $(step_of "The agent's telephone rings") == *"> sip:agent@127.0.0.1:"*";idb-call-id=${BASH_REMATCH[1]}"* ]]
    [[ $(step_of "The agent's page") == *"call_id=${BASH_REMATCH[1]}"*'Name: T. Estpersoon'* ]]
    # The line says no digit of it.
    run -1 grep -E 'sip-line: .*[^0-9a-f][0-9]{10}' <(grep -v ':[0-9]\+;' <<<"$calls")
}

@test "demo: before a yes the store does not change, and afterwards nothing personal is anywhere" {
    walked
    [ "$(grep -c '\$ sha256sum -c before$' <<<"$output")" = 3 ]
    [ "$(grep -cE '^    > store/idb\.db: OK$' <<<"$output")" = 3 ]
    run -0 grep -E ' [0-9]+ of [0-9]+ found$' "$walk/out"
    [ "${#lines[@]}" = 14 ]
    for i in "${!lines[@]}"; do
        if [ "$i" = 5 ]; then
            [[ ${lines[i]} =~ sealed.*\ ([0-9]+)\ of\ ([0-9]+)\ found ]]
            [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ] && [ "${BASH_REMATCH[1]}" -gt 10 ]
        else
            [[ ${lines[i]} == *' 0 of '[1-9]* ]]
        fi
    done
    [[ ${lines[12]} =~ cookie.*' of '([0-9]+) ]]
    [ "${BASH_REMATCH[1]}" -ge 8 ]
    grep -qE '^    agent:alice +reveal +[A-Za-z0-9_-]{22} ok \{"attributes":\["bsn"\]\}$' "$walk/out"
}

@test "demo: the whole flow leaves nothing" {
    walked
    walked_without_trace
}

# CGI imposes query, cookie and authorization; lighttpd adds the query in REQUEST_URI.
@test "demo: what is personal stands in no argument, nor else in an environment" {
    walked
    grep -q 'idb-oidc-callback' "$walk/trace"
    { printf '%s\n' 999990019 Estpersoon 612345678
        grep -oP '"code": "\K[0-9]+' "$walk/out"
        grep -oP 'Key in this code: \K[0-9 ]+' "$walk/out"
        grep -oP 'the resident keys in \K[0-9]+' "$walk/out"
    } | sort -u >"$BATS_TEST_TMPDIR/personal"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/personal")" -ge 8 ]
    run -1 grep -Ff "$BATS_TEST_TMPDIR/personal" "$walk/trace"
    run -1 grep -E '[^-]offer=|user=anna' "$walk/trace"
    sed -E 's/"(HTTP_COOKIE|QUERY_STRING|REQUEST_URI|HTTP_AUTHORIZATION)=[^"]*"//g' "$walk/trace" \
        >"$BATS_TEST_TMPDIR/rest"
    [ "$(grep -c HTTP_COOKIE= "$walk/trace")" -gt 5 ]
    run -1 grep -E '__Host-[A-Za-z0-9-]+=|Basic [A-Za-z0-9]|[?&]code=|alice:[0-9a-f]{20}' "$BATS_TEST_TMPDIR/rest"
}
