#!/usr/bin/env bats
# The plain build only: the whole flow in a real browser, Debian's chromium; see
# tests/browser/flow.mjs for what each case does.

load ../lib
load ../site
load ../op/lib
load ../op/login
load ../op/flow

setup_file() {
    "$IDB_ROOT/tests/browser/run" install
    flow_up
}
teardown_file() { flow_down; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    flow_instance '.desk.alice = ["agent", "support"]'
}

in_browser() {
    run --separate-stderr timeout 150 "$IDB_ROOT/tests/browser/run" "$1" 3>&-
    [ -z "$output" ] || printf '%s\n' "$output" >&3
    [ "$status" = 0 ] || { printf '%s\n' "$stderr" && return 1; }
}

@test "browser: the whole flow in Dutch; narrow, for screen readers, nothing in the console, no other host" {
    in_browser dutch
    [ "$(sessions "state = 'done' AND sealed IS NULL")" = 1 ]
}

@test "browser: the whole flow in English" {
    in_browser english
    [ "$(sessions "state = 'done' AND sealed IS NULL")" = 1 ]
}

@test "browser: the whole flow in Dutch, without JavaScript" { in_browser dutch-plain; }
@test "browser: the whole flow in English, without JavaScript" { in_browser english-plain; }

@test "browser: each page at 320 pixels and for axe (WCAG 2.2 AA), errors and the desk included" {
    in_browser pages
}

@test "browser: by keyboard alone" { in_browser keyboard; }

@test "browser: back, forward, again, and a double click" {
    in_browser back
    [ "$(sessions)" = 2 ]
}

@test "browser: two tabs, two methods" {
    in_browser tabs
    [ "$(sessions)" = 1 ]
}

@test "browser: a form on another site is refused, and gets no cookie" {
    in_browser cross-site
    [ "$(sessions "state = 'issued'")" = 1 ]
}
