#!/usr/bin/env bats
# The plain build only: it is what is installed.
# make install and make uninstall.

load lib

setup() {
    unset MAKEFLAGS MFLAGS MAKELEVEL SANITIZE
    root=$BATS_TEST_TMPDIR/root
}

run_make() { make -s -C "$IDB_ROOT" DESTDIR="$root" PREFIX=/usr "$@"; }

@test "install: programs, pages, completion, example and CGI names are there" {
    umask 077
    run -0 run_make install
    for program in $(programs); do
        [ -x "$root/usr/bin/$program" ]
        run -0 "$root/usr/bin/$program" --version
        [ -L "$root/usr/share/bash-completion/completions/$program" ]
        [ -e "$root/usr/share/bash-completion/completions/$program" ]
    done
    for page in "$IDB_ROOT"/man/*.[1-8]; do
        cmp "$page" "$root/usr/share/man/man${page##*.}/$(basename "$page")"
    done
    [ -d "$root/etc/idb" ]
    jq -e . "$root/usr/share/idb/idb.json.example" >/dev/null
    # Every second name leads to a program, by a link that moves along.
    for link in "$root"/usr/libexec/idb/*.cgi; do
        [ "$(readlink -f "$link")" = "$root/usr/bin/$(basename "$link" .cgi)" ]
        [[ $(readlink "$link") != /* ]]
    done
    [ -e "$root/usr/libexec/idb/idb-verify.cgi" ]
    # What the pages look like, once make look has made it.
    run -0 run_make look
    run -0 run_make install
    for file in idb.css theme.css idb.js; do
        cmp "$IDB_ROOT/build/look/web/$file" "$root/usr/share/idb/web/$file"
    done
    for page in "$root"/usr/share/idb/web/status-*.html; do
        cmp "$IDB_ROOT/scripts/pages/error.html" "$page"
    done
}

@test "install: what is installed may be read by everybody and written by its owner" {
    umask 077
    run -0 run_make install
    [ -z "$(find "$root/usr" ! -type l \( ! -perm -0444 -o -perm /022 \))" ]
    [ -z "$(find "$root/usr" -type d ! -perm -0555)" ]
}

@test "install: units, and lines for cron and inetd, name the place of the programs" {
    run -0 run_make install
    units=$root/usr/lib/systemd/system
    for file in "$IDB_ROOT"/scripts/systemd/*.{service,socket,timer} \
        "$IDB_ROOT"/scripts/systemd/idb-.service.d/hardening.conf; do
        sed 's:/usr/local:/usr:g' "$file" | cmp - "$units/${file#"$IDB_ROOT/scripts/systemd/"}"
    done
    for file in cron/idb inetd/idb.conf; do
        sed 's:/usr/local:/usr:g' "$IDB_ROOT/scripts/$file" | cmp - "$root/usr/share/idb/$file"
    done
    grep -qx 'ExecStart=/usr/bin/idb-verify' "$units/idb-verify@.service"
    # Nothing of it runs before somebody says so.
    [ ! -e "$root/etc/cron.d" ]
    [ ! -e "$root/etc/systemd" ]
    [ ! -e "$root/etc/inetd.conf" ]
}

@test "install: what Prometheus and Grafana are given is there, and works from there" {
    run -0 run_make install
    share=$root/usr/share/idb/stats
    [ "$(cd "$share" && echo *)" = 'dashboard.json rules.yaml textfile' ]
    for file in dashboard.json rules.yaml textfile; do
        cmp "$IDB_ROOT/scripts/stats/$file" "$share/$file"
    done
    idb_instance
    run --separate-stderr -0 "$share/textfile" "$BATS_TEST_TMPDIR"
    grep -qx 'idb_live_codes 0' "$BATS_TEST_TMPDIR/idb.prom"
}

@test "install: each web server's configurations of the pages are there" {
    run -0 run_make install
    share=$root/usr/share/idb
    for zone in web desk; do
        for server in lighttpd nginx apache; do
            cmp "$IDB_ROOT/scripts/$zone/$server.conf" "$share/$server/$zone.conf"
        done
    done
    cmp "$IDB_ROOT/scripts/desk/apache-oidc.conf" "$share/apache/desk-oidc.conf"
    cmp "$IDB_ROOT/scripts/desk/lighttpd-certificates.conf" "$share/lighttpd/desk-certificates.conf"
    # Behind an address there are scripts alone.
    [ -z "$(find "$root/usr/libexec" -name '*.conf')" ]
    # The page that a server shows by itself; nginx and Apache know one name of it.
    for status in 401 404; do
        cmp "$IDB_ROOT/scripts/pages/error.html" "$share/web/status-$status.html"
    done
}

@test "install: the telephone's addresses have the files of each web server, and name them" {
    run -0 run_make install
    share=$root/usr/share/idb phone=$IDB_ROOT/scripts/phone
    cmp "$phone/lighttpd.conf" "$share/lighttpd/phone.conf"
    cmp "$phone/lighttpd-scgi.conf" "$share/lighttpd/phone-scgi.conf"
    for file in {nginx,apache}{,-scgi}.conf; do
        cmp "$phone/$file" "$share/phone/$file"
    done
    # What each says to include is where it is installed.
    while read -r file; do
        [ -e "$root/usr/${file#/usr/local/}" ] || { echo "$file"; false; }
    done < <(grep -rhoiE 'include "?/usr/local/[^";]*' "$share/lighttpd" "$share/phone"/*.conf | sed -E 's/^[^/]*//')
}

@test "install: twice is the same as once" {
    run -0 run_make install
    once=$(cd "$root" && find . | sort)
    run -0 run_make install
    [ "$once" = "$(cd "$root" && find . | sort)" ]
}

@test "install: uninstall leaves keys, configuration and what others put there" {
    run -0 run_make install
    echo '{}' >"$root/etc/idb/idb.json"
    mkdir -p "$root/var/lib/idb" "$root/usr/share/man/man1"
    touch "$root/var/lib/idb/idb.db" "$root/usr/bin/other" "$root/usr/share/man/man1/other.1"
    touch "$root/usr/lib/systemd/system/idb-other.service"
    run -0 run_make uninstall
    [ "$(cd "$root" && find . ! -type d | sort | paste -sd ' ')" = \
        './etc/idb/idb.json ./usr/bin/other ./usr/lib/systemd/system/idb-other.service ./usr/share/man/man1/other.1 ./var/lib/idb/idb.db' ]
    [ ! -e "$root/usr/lib/systemd/system/idb-.service.d" ]
    [ ! -e "$root/usr/libexec/idb" ]
    [ ! -e "$root/usr/share/idb" ]
    run -0 run_make uninstall
}

@test "install: completion offers options and sub-commands" {
    cat >"$BATS_TEST_TMPDIR/complete" <<'END'
source "$IDB_ROOT/scripts/completion/idb.bash"
compopt() { :; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_idb "$1" "${!#}"
printf '%s\n' "${COMPREPLY[@]}"
END
    run -0 bash "$BATS_TEST_TMPDIR/complete" idb-config --
    [ "$output" = "$(printf '%s\n' --config= --help --json --lang= --version)" ]
    run -0 bash "$BATS_TEST_TMPDIR/complete" idb-config ''
    [ "$output" = "$(printf '%s\n' check show)" ]
    run -0 bash "$BATS_TEST_TMPDIR/complete" idb-store ''
    [ "$output" = "$(printf '%s\n' backup check create migrate move restore)" ]
    run -0 bash "$BATS_TEST_TMPDIR/complete" idb-verify ''
    [ -z "$output" ]
    run -0 bash "$BATS_TEST_TMPDIR/complete" idb-keys r
    [ "$output" = "$(printf '%s\n' revoke rotate)" ]
}

@test "look: a theme without design tokens on lines of their own is refused, and nothing is made" {
    local theme=$BATS_TEST_TMPDIR/theme.css look=$IDB_ROOT/build/look
    made() { find "$look" -maxdepth 2 -type f -exec sha256sum {} + 2>/dev/null | sort; }
    before=$(made)
    for text in '' 'x {' '.theme{--utrecht-document-color:red;--basis-color:blue}'; do
        printf '%s\n' "$text" >"$theme"
        run --separate-stderr -64 "$IDB_ROOT/scripts/look/build" "$theme"
        [[ $stderr == "look: no design tokens in $theme"* ]]
        [ "$(made)" = "$before" ]
    done
}
