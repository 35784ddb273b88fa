#!/usr/bin/env bats
# The plain build only: browsers, people and sites that mean harm, in a real browser; see
# tests/browser/hostile.mjs.

load ../lib
load ../site
load ../op/lib
load ../op/login
load ../op/flow
load ../browser/lib

# Everything that would be markup somewhere, were it not text.
setup_file() {
    read -r HOSTILE <<'END'
</title></svg></script>"'><script>window.owned=1</script><img src=x onerror=window.owned=1>{{name}}${name}&lt;
END
    export HOSTILE
    browser_up
}
teardown_file() { browser_down; }

setup() { cd "$BATS_TEST_TMPDIR" || return; }

@test "hostile browser: markup in a claim and in every label comes out as text" {
    browser_instance '.organisation.name = { nl: env.HOSTILE, en: env.HOSTILE }
        | .purposes[].label = { nl: env.HOSTILE, en: env.HOSTILE }
        | .attributes[].label = { nl: env.HOSTILE, en: env.HOSTILE }
        | .methods[].label = { nl: env.HOSTILE, en: env.HOSTILE }
        | .purposes.status.consent.text = { nl: env.HOSTILE, en: env.HOSTILE }'
    in_browser markup
}

@test "hostile browser: markup in every field and address comes to nothing" {
    browser_instance
    in_browser fields
    [ "$(sessions)" = 0 ]
}

@test "hostile browser: a form that was altered, is somebody else's, or comes again" {
    browser_instance
    in_browser forms
    [ "$(sessions)" = 1 ]
}

@test "hostile browser: nobody else sees or ends a session" {
    browser_instance
    in_browser others
    [ "$(sessions "state = 'called'")" = 1 ]
}

@test "hostile browser: the desk's forms without a token, or with another agent's" {
    browser_instance
    in_browser desk-forms
    [ "$(sessions "state = 'connected'")" = 1 ]
    [ "$(sql "SELECT COUNT(*) FROM audit WHERE action = 'reveal' AND result = 'ok'")" = 1 ]
}

@test "hostile browser: a form on another site is refused, and gets no cookie" {
    browser_instance
    in_browser cross-site
    [ "$(sessions "state = 'connected'")" = 1 ]
}

@test "hostile browser: no page shows in a frame of another site" {
    browser_instance
    in_browser framed
}

@test "hostile browser: the servers said nothing of memory or faults" {
    run -1 grep -rE 'Sanitizer|runtime error|jq: error|not found|Broken' "$SITE/log"
    [ -z "$output" ]
}
