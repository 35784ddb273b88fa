# Pages, for tests/bench/run: what the code page costs, beside the least that a pipe of
# a shell and two jq's does (page-floor.sh); how many the server makes in a second; what
# a browser that has nothing yet loads for it; and which program takes which share of its
# time. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets

# pages_prepare: a web server, a code, and what each program of the page is given.
pages_prepare() {
    local port issued name
    port=$(free_port)
    "$root/scripts/site" start site web "$port"
    PAGES=https://localhost:$port
    export IDB_PATH=$PWD/recorders IDB_SHARE=$PWD/site/share TZ=Europe/Amsterdam
    export REQUEST_METHOD=GET SCRIPT_NAME=/nl/code QUERY_STRING=''
    issued=$(statements 1 | idb-issue --attest=front-office)
    HTTP_COOKIE=$(jq -r '[.cookies[] | split(";")[0]] | join("; ")' <<<"$issued")
    export HTTP_COOKIE
    mkdir recorders recorded idle
    for name in jq idb-request idb-status idb-config; do
        pages_recorder "$name" "$(command -v "$name")" >"recorders/$name"
        chmod 755 "recorders/$name"
        ln -s /bin/true "idle/$name" # the shell and its pipes, by themselves
    done
    "$root/scripts/web/code" </dev/null >recorded/page
    grep -q 'id="code"' recorded/page
    IDB_PATH=$IDB_BUILD
    for name in request select status config page; do
        [ -e "recorded/$name.in" ]
        seq -f "$name.%05g" 0 "$((pages - 1))" | xargs -n 1 ln -s "recorded/$name.in"
    done
}

# pages_recorder NAME PATH: that program, which keeps its arguments and its input. Of the
# two jq's, one selects what was asked and one writes the page.
pages_recorder() {
    cat <<END
#!/bin/sh
name=${1#idb-}
[ "\$1" != -c ] || name=select
[ "\$1" != -nr ] || name=page
printf '%s\\0' '$2' "\$@" >'$PWD/recorded/'\$name.argv
tee '$PWD/recorded/'\$name.in | '$2' "\$@"
END
}

# measure_pages: prints two JSON objects, figures as spawn has them and those of the server.
measure_pages() {
    local name stages=() argv
    pages_prepare
    for name in request select status config page; do
        mapfile -d '' argv <"recorded/$name.argv"
        stages+=(-- "$name" "$pages" "$name" "${argv[@]}")
    done
    "$spawn" code_page "$pages" - "$root/scripts/web/code" \
        -- page_floor "$pages" - "$root/tests/bench/page-floor.sh" \
        -- shell "$pages" - /usr/bin/env IDB_PATH="$PWD/idle" "$root/scripts/web/code" "${stages[@]}"
    [ "$(grep -c 'id="code"' code_page.out)" = "$pages" ]
    pages_served
}

# pages_served: as many pages as COUNT, as many at once as there are processors; and the
# bytes of the page and what it loads, compressed where the server does, with headers.
pages_served() {
    local began ended
    printf 'Cookie: %s\n' "$HTTP_COOKIE" >cookie
    for ((i = 0; i < pages * 2; i++)); do
        printf 'url = "%s/nl/code"\noutput = "served"\n' "$PAGES"
    done >urls
    began=$(date +%s%N)
    curl -q --no-progress-meter --fail --cacert site/cert.pem --noproxy '*' -H @cookie -Z --parallel-max "$(nproc)" -K urls
    ended=$(date +%s%N)
    for name in nl/code idb.css theme.css idb.js; do
        printf '%s ' "${name##*/}"
        curl -q -sS --fail --cacert site/cert.pem --noproxy '*' -H @cookie -H 'Accept-Encoding: gzip' \
            -o /dev/null -w '%{size_header} %{size_download}\n' "$PAGES/$name"
    done | jq -Rn --argjson n "$((pages * 2))" --argjson ns "$((ended - began))" '
        [inputs | split(" ") | { key: .[0], value: (.[1:] | map(tonumber) | add) }]
        | { served: { a_second: ($n * 1e9 / $ns), bytes: from_entries, total: (map(.value) | add) } }'
}

pages_stop() { [ ! -d site ] || "$root/scripts/site" stop site || true; }
