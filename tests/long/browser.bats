#!/usr/bin/env bats
# The plain build only: the whole flow and every page in a real browser, Debian's
# chromium; see tests/browser/flow.mjs for what each case does. What the pages look like
# is in build/screenshots afterwards.

load ../lib
load ../site
load ../op/lib
load ../op/login
load ../op/flow
load ../browser/lib

setup_file() { browser_up; }
teardown_file() { browser_down; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    browser_instance
}

@test "browser: the whole flow in Dutch: fits at five widths, axe and html-validate find nothing, no other host" {
    in_browser dutch
    [ "$(sessions "state = 'done' AND sealed IS NULL")" = 1 ]
}

@test "browser: the whole flow in English" {
    in_browser english
    [ "$(sessions "state = 'done' AND sealed IS NULL")" = 1 ]
}

@test "browser: the whole flow in Dutch, without JavaScript" { in_browser dutch-plain; }
@test "browser: the whole flow in English, without JavaScript" { in_browser english-plain; }

@test "browser: each page beside that flow, errors and the desk included, in Dutch" { in_browser pages-dutch; }
@test "browser: each page beside that flow, errors and the desk included, in English" { in_browser pages-english; }

@test "browser: each error page there is, and what takes time or bad luck" {
    render_all
    in_browser rendered
}

@test "browser: the agent's page waits, opens once, keeps what it shows, and warns" {
    in_browser desk
    # Once by each of the two, however often they looked.
    [ "$(sql "SELECT group_concat(action || ' ' || n) FROM
        (SELECT action, COUNT(*) AS n FROM audit WHERE actor = 'agent:alice' GROUP BY action ORDER BY action)")" = 'open 2,reveal 1' ]
}

@test "browser: by keyboard alone" { in_browser keyboard; }

@test "browser: back, forward, and loaded again" {
    in_browser back
    [ "$(sessions)" = 1 ]
}

@test "browser: too many requests from an address take no page away" { in_browser limit; }

@test "browser: two tabs, two methods" {
    in_browser tabs
    [ "$(sessions)" = 1 ]
}

# render FILE ADDRESS PAGE JSON: the page as the glue prints it, for an answer.
render() {
    {
        printf '%s\n' "$2"
        printf '%s\n' "$4" | IDB_SHARE=$SITE/share IDB_PATH=$IDB_BUILD SCRIPT_NAME=$2 IDB_LANG=${2:1:2} \
            sh -c '. "$IDB_ROOT/scripts/page.sh" && page "$1"' sh "$3"
    } >"$RENDERED/$1"
}

# Every error page once for each text and way on; and states that are not met by walking.
render_all() {
    local lang word states
    export RENDERED=$BATS_TEST_TMPDIR/rendered
    mkdir "$RENDERED"
    states=$(jq -n '
        { state: "issued", ticket: "BC4RTZ", purpose: { name: "status", label: "?" }, confirm: "notify",
          number: "+31241234567", number_display: "+31 24 123 45 67", renewals_left: 2 } as $issued
        | ($issued + { code: "4821093471", code_display: "482 109 3471", code_valid: true, tel: "tel:+31241234567,4821093471",
            code_expires_at: "2026-01-01T12:10:00Z" }) as $code
        | { "code-old": ($issued + { code_valid: false }),
            "code-old-last": ($issued + { code_valid: false, renewals_left: 0 }),
            "code-closed": ($code + { open: false, opens_at: "2026-01-02T08:00:00Z" }),
            "hung-up": { state: "done", reason: "hung_up", ticket: "BC4RTZ", purpose: $issued.purpose },
            "expired": { state: "expired", ticket: "BC4RTZ", purpose: $issued.purpose },
            "replaced": { state: "cancelled", reason: "replaced", ticket: "BC4RTZ", purpose: $issued.purpose } }')
    for lang in nl en; do
        while read -r word; do
            render "error-$word-$lang" "/$lang/code" code "{\"error\":\"$word\"}"
        done < <(jq -nr -L "$IDB_ROOT/scripts/pages" 'include "idb";
            error_table | to_entries | group_by(.value)[][0].key')
        while read -r word; do
            render "$word-$lang" "/$lang/code" code "$(jq -c --arg s "$word" '.[$s]' <<<"$states")"
        done < <(jq -r 'keys[]' <<<"$states")
    done
    for word in not_permitted call_ended not_open unknown_line bad_call_id internal busy; do
        render "desk-error-$word" /desk desk "{\"error\":\"$word\"}"
    done
}

@test "browser: the servers said nothing of memory or faults" {
    run -1 grep -rE 'Sanitizer|runtime error|jq: error|not found|Broken' "$SITE/log"
    [ -z "$output" ]
}
