#!/usr/bin/env bats
# The plain build only: what is tested here is text.
# The pages: their examples work, and they agree with --help.

load lib

# page PROGRAM: its page.
page() { compgen -G "$IDB_ROOT/man/$1.[18]" | head -n 1; }

# text PAGE: as a reader sees it, without bold and with long lines.
text() { mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g'; }

# section PAGE NAME: of the page's source.
section() { sed -n "/^\.Sh $2\$/,/^\.Sh/p" "$1"; }

# examples PAGE: the commands of EXAMPLES: lines that start with "$ ", joined to
# what follows where they end in a backslash. What root types stands behind "# "
# and is not run.
examples() {
    text "$1" | sed -n '/^EXAMPLES$/,/^[A-Z]/p' | awk '
        /^ *[$>] / || more { sub(/^ *([$>] )?/, ""); print; more = /\\$/ }'
}

@test "man: pages are clean" {
    run -0 mandoc -T lint -W warning "$IDB_ROOT"/man/*.[1-8]
}

@test "man: every program has a page with SYNOPSIS, EXIT STATUS and EXAMPLES" {
    for program in $(programs); do
        [ -n "$(page "$program")" ] || { echo "no page for $program"; false; }
        for name in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
            grep -q "^\.Sh $name\$" "$(page "$program")" || { echo "$program: no $name"; false; }
        done
    done
}

@test "man: --help and the page name the same options" {
    for program in $(programs); do
        page=$(page "$program")
        help=$("$program" --help | grep -oE -- '--[a-z][a-z-]*' | sort -u)
        read_as=$(text "$page" | grep -oE -- '--[a-z][a-z-]*' | sort -u)
        described=$({ section "$page" SYNOPSIS; grep '^\.It ' "$page"; } |
            grep -oE 'Fl \\?-[a-z][a-z-]*' | sed -E 's/Fl \\?/-/' | sort -u)
        missing=$(comm -23 <(echo "$help") <(echo "$read_as") | paste -sd ' ')
        extra=$(comm -23 <(echo "$described") <(echo "$help") | paste -sd ' ')
        [ -z "$missing" ] || { echo "$page lacks $missing"; false; }
        [ -z "$extra" ] || { echo "$program --help lacks $extra"; false; }
    done
}

@test "man: the examples work as they stand" {
    ran=0
    for page in "$IDB_ROOT"/man/idb-*.[18]; do
        script=$(examples "$page")
        [ -n "$script" ] || continue
        # A login for who is invited; nobody logs in here.
        idb_instance '.methods.login = { label: { nl: "Inlog" }, issuer: "https://login.example.org",
                client_id: "c", client_auth: "client_secret_basic", id_token_alg: "RS256",
                claims: { bsn: "bsn", name: "name" },
                level: { claim: "acr", values: { s: "substantial" } } }
            | .purposes[].methods = ["login"]'
        cd "$(mktemp -d "$BATS_TEST_TMPDIR/example.XXXXXX")"
        run bash -euo pipefail -c "$script"
        [ "$status" = 0 ] || { printf '%s: status %s\n%s\n---\n%s\n' "$page" "$status" "$script" "$output"; false; }
        ran=$((ran + 1))
    done
    [ "$ran" -gt 0 ]
}

@test "man: pages that are referred to exist" {
    for page in "$IDB_ROOT"/man/*.[1-8]; do
        while read -r name number; do
            [ -e "$IDB_ROOT/man/$name.$number" ] || { echo "$page: no $name($number)"; false; }
        done < <(sed -n 's/^\.Xr \(idb[a-z.-]*\) \([1-8]\).*/\1 \2/p' "$page")
    done
}
