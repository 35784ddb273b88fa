#!/usr/bin/env bats
# The plain build only: it is style sheets and a script.
# What the pages look like, as scripts/look/build makes it.

load lib

setup_file() { "$IDB_ROOT/scripts/look/build"; }

# A tree with what scripts/packages installed from npm, and no more of build/.
setup() {
    cd "$BATS_TEST_TMPDIR" || return
    tree=$BATS_TEST_TMPDIR/tree
    mkdir -p "$tree/scripts" "$tree/build/look"
    cp -r "$IDB_ROOT/scripts/look" "$tree/scripts/"
    cp -r "$IDB_ROOT/build/look"/{node_modules,package-lock.json} "$tree/build/look/"
    web=$tree/build/look/web
}

build() { run --separate-stderr "-${1-0}" "$tree/scripts/look/build" "${@:2}"; }

@test "look: the same files from the same sources, and nothing done when nothing has changed" {
    build
    [ -z "$output" ]
    [[ $stderr == 'look: made build/look/web: idb.css '*', theme.css '*', idb.js '*' bytes' ]]
    for file in idb.css theme.css idb.js; do
        cmp "$web/$file" "$IDB_ROOT/build/look/web/$file"
        [ "$(stat -c %a "$web/$file")" = 644 ]
    done
    touch -d '2 days ago' "$web"/*
    build
    [ -z "$output$stderr" ]
    [ -z "$(find "$web" -newermt '1 day ago' -type f)" ]
    echo '.idb-new { color: red; }' >>"$tree/scripts/look/desk.css"
    build
    [[ $stderr == 'look: made '* ]]
    [ "$(tail -n 1 "$web/idb.css")" = '.idb-new { color: red; }' ]
    [ ! -e "$web/idb.css.new" ]
}

@test "look: every class of the pages that is a component's is in the style sheet" {
    grep -ohE 'utrecht-[a-z0-9_-]+' "$IDB_ROOT"/scripts/pages/*.jq "$IDB_ROOT"/scripts/pages/error.html |
        grep -vE -e '-$' | sort -u >classes
    grep -oE '\.utrecht-[a-z0-9_-]+' "$IDB_ROOT/build/look/web/idb.css" | tr -d . | sort -u >known
    run -1 grep -vxFf known classes
    [ "$(wc -l <classes)" -gt 30 ]
    # The kinds of alert come from a variable.
    for kind in info ok warning error; do grep -qx "utrecht-alert--$kind" known; done
}

@test "look: the theme holds what the style sheet asks for, and nothing more" {
    css=$IDB_ROOT/build/look/web/idb.css theme=$IDB_ROOT/build/look/web/theme.css
    sed -nE 's/^ *(--[A-Za-z0-9_-]+):.*/\1/p' "$theme" | sort >has
    [ "$(uniq -d has)" = '' ]
    cat "$css" "$theme" | tr '\n' ' ' | grep -oE 'var\( *--[A-Za-z0-9_-]+' | sed -E 's/^var\( *//' | sort -u >asked
    [ -z "$(comm -23 has asked)" ]
    # What the theme itself asks for is in it.
    grep -oE 'var\(--[A-Za-z0-9_-]+' "$theme" | sed 's/^var(//' | sort -u >inner
    [ -z "$(comm -13 has inner)" ]
    # So is what our own sheet takes without saying what else.
    grep -oE 'var\(--(basis|utrecht)-[A-Za-z0-9_-]+\)' "$IDB_ROOT/scripts/look/idb.css" | sed -E 's/^var\(|\)$//g' |
        sort -u >ours
    sed -nE 's/^ *(--[A-Za-z0-9_-]+):.*/\1/p' "$IDB_ROOT/scripts/look/idb.css" | sort -u - has >there
    [ -z "$(comm -23 ours there)" ]
}

@test "look: an organisation's own theme, of which the tokens are taken that are used" {
    cat >mine.css <<'END'
@font-face { font-family: x; src: url(x.woff2); }
/* A theme. */
.mine-theme {
  --utrecht-heading-1-color: var(--mine-red); /* ours */
  --mine-red:
    #a00;
  --mine-unused: 1px;
}
@media (prefers-color-scheme: dark) { .mine-theme { --mine-red: #f00; } }
END
    build 0 mine.css
    [ "$(grep -vE '^( \*|/\*)' "$web/theme.css")" = ':root {
  --utrecht-heading-1-color: var(--mine-red);
  --mine-red: #a00;
}' ]
    [[ $(<"$web/theme.css") != *'example theme'* ]]
    # Back to the example when nothing is said.
    build
    cmp "$web/theme.css" "$IDB_ROOT/build/look/web/theme.css"
}

@test "look: options, a theme that is not there, and no npm" {
    run --separate-stderr -0 "$tree/scripts/look/build" --help
    [[ $output == 'usage: '* && -z $stderr ]]
    build 64 a b
    [[ $stderr == 'usage: '* ]]
    build 64 none.css
    [ "$stderr" = 'look: cannot read none.css' ]
    rm "$tree/build/look/package-lock.json"
    mkdir bin
    for program in bash dirname readlink cat cmp cp cut mkdir flock sha256sum xargs; do
        ln -s "$(command -v "$program")" bin/
    done
    run --separate-stderr -69 env PATH="$PWD/bin" "$tree/scripts/look/build"
    [ "$stderr" = 'look: npm is not there; on Debian: apt-get install --no-install-recommends npm' ]
    [ ! -e "$web/idb.css" ]
}

@test "look: idb.js is small, and keeps and sends nothing" {
    script=$IDB_ROOT/scripts/look/idb.js
    [ "$(wc -c <"$script")" -le 6144 ]
    run -1 grep -E 'localStorage|sessionStorage|cookie|indexedDB|eval|XMLHttpRequest|sendBeacon|https?:' "$script"
    [ "$(grep -c 'fetch(' "$script")" = 1 ]
}

@test "look: the lock file names each package, its licence and its hash, and no address" {
    lock=$IDB_ROOT/scripts/look/package-lock.json
    jq -e '.packages | to_entries | map(select(.key != "")) | length > 20 and
        all(.value.license == "EUPL-1.2" and (.value.integrity | startswith("sha512-")) and (.value | has("resolved") | not))' "$lock"
    [ "$(jq -cS .dependencies "$IDB_ROOT/scripts/look/package.json")" = \
        "$(jq -cS '.packages[""].dependencies' "$lock")" ]
    # Each that is installed is used.
    for package in $(jq -r '.dependencies | keys[] | select(startswith("@utrecht/"))' "$IDB_ROOT/scripts/look/package.json"); do
        name=${package#@utrecht/}
        grep -qE "utrecht-${name%-css}[ \"_\\-]" "$IDB_ROOT"/scripts/pages/*.jq || { echo "$package"; false; }
    done
}
