#!/usr/bin/env bats
# The plain build only: what idb.js adds to the pages, and how they go without it, in a
# real browser; QR codes are read from its screen. See tests/browser/script.mjs.

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

@test "script: the code page follows the store without a reload, keeps the focus, and says it" {
    in_browser follow
    [ "$(sessions "state = 'done' AND sealed IS NULL")" = 1 ]
}

@test "script: the code page is made anew only when something has changed" { in_browser cheap; }
@test "script: the agent's pages are made anew only when something has changed" { in_browser 'cheap at the desk'; }

@test "script: a page that cannot be kept up to date says so" { in_browser lost; }

@test "script: not me turns the agent's open page into a warning" {
    in_browser warned
    [ "$(sessions "end_reason = 'not_me' AND sealed IS NULL")" = 1 ]
}

@test "script: the same without JavaScript" { in_browser warned-plain; }

@test "script: a call that is not there yet opens when it comes" { in_browser waits; }

@test "script: copying takes just the value" { in_browser copy; }
@test "script: nothing to copy with without JavaScript" { in_browser copy-plain; }

@test "script: a double click sends one form" {
    in_browser twice
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'issue'")" = 1 ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'renew'")" = 1 ]
}

@test "script: a double click without JavaScript leaves one session with a code" {
    in_browser twice-plain
    [ "$(sessions)" = 1 ]
}

@test "script: the QR code of the code page is its link to call" { in_browser qr; }

@test "script: an invitation from its QR code to the desk, and only once" {
    local invitation='{"purpose":"status","reference":"Z-2026-77","person":"999990019","qr":"svg"}'
    INVITATION=$(idb-invite <<<"$invitation") INVITATION_PNG=$(idb-invite <<<"${invitation/svg/png}")
    export INVITATION INVITATION_PNG
    in_browser invitation
}
