# For tests/long/browser*.bats: a site with a desk in each language, and a real browser
# on it. After ../lib, ../site, ../op/lib, ../op/login and ../op/flow.
# shellcheck shell=bash

# browser_up: for setup_file. browser_down: for teardown_file.
browser_up() {
    local desk
    "$IDB_ROOT/tests/browser/run" install || return
    export SCREENSHOTS=$IDB_ROOT/build/screenshots
    mkdir -p "$SCREENSHOTS"
    flow_up || return
    desk=$DESK
    (
        SITE_LANG=en site_up "$FLOW/site-en" desk && printf '%s\n' "$DESK" >"$FLOW/desk-en"
    ) || return
    DESK=$desk DESK_EN=$(<"$FLOW/desk-en")
    export DESK DESK_EN
}
browser_down() {
    "$IDB_ROOT/scripts/site" stop "$FLOW/site-en" || true
    flow_down
}

# browser_instance [JQ]: for setup. Two agents; a line that is never open, for the
# purpose appointment.
browser_instance() {
    flow_instance ".desk.alice = [\"agent\", \"support\"] | .desk.mallory = [\"agent\"]
        | .lines.night = (.lines.kcc + { number: \"+31241234568\", number_display: \"+31 24 123 45 68\", clients: [],
            hours: { mon: [\"03:00-03:01\"], tue: [\"03:00-03:01\", \"03:30-03:31\"] }, closed: [\"2036-12-25\"] })
        | .purposes.appointment.line = \"night\" | ${1-.}"
}

# in_browser CASE: of tests/browser/cases.mjs; what it prints is passed on.
in_browser() {
    run --separate-stderr timeout 180 "$IDB_ROOT/tests/browser/run" "$1" 3>&-
    [ -z "$output" ] || printf '%s\n' "$output" >&3
    [ "$status" = 0 ] || { printf '%s\n' "$stderr" && return 1; }
}
