#!/usr/bin/env bats
# The plain build only: pages are made by jq alone.
# With --long alone: pages.bats and web.bats look at the most usual ones each time.
# The page of every error word, and where a page leads, continued from tests/pages.bats:
# well-formed, escaped, in both languages, with the headers that a page must have.

load lib
load pages.bash

@test "pages: after a form, on to the next page, with the cookies" {
    page redirect nl '{"session":"s","code":"4821093471","cookies":["a=b; Path=/"]}'
    [ "$head" = "$output" ]
    for line in 'Status: 303 See Other' 'Location: code' 'Set-Cookie: a=b; Path=/' 'Cache-Control: no-store'; do
        grep -qxF -- "$line" <<<"$head"
    done
    [[ $head != *4821093471* ]]
    page redirect nl '{"location":"https://login.example.org/?a=b","cookies":[]}'
    grep -qxF 'Location: https://login.example.org/?a=b' <<<"$head"
    # No value makes a header of its own.
    page redirect nl '{"location":"https://x/\r\nX-Evil: 1","cookies":["a=b\r\nX-Evil: 1"]}'
    run -1 grep -i '^X-Evil' <<<"$head"
    page redirect nl '{"result":"ended"}' ../desk
    grep -qxF 'Location: ../desk' <<<"$head"
}

# The words of idb-errors(7) and of the code.
error_words() {
    {
        sed -n 's/^\.It Sy \([a-z0-9_]*\).*/\1/p' "$IDB_ROOT/man/idb-errors.7"
        cat "$IDB_ROOT"/lib/*.c "$IDB_ROOT"/cmd/*.c | tr '\n' ' ' |
            grep -oP '\bidb_fail\(\s*[^,;]+,[^,;]+,\s*\K"[a-z0-9_]+"' | tr -d '"'
        printf '%s\n' no_ticket not_yet_known
    } | sort -u
}

# Words with the same page are shown by the first of them, but for its own name.
@test "pages: every error word has a page in both languages" {
    # shellcheck disable=SC2016
    error_words | jq -rR -L "$pages" 'include "idb"; . as $word
        | error_of($word) as [$status, $key, $where] | "\($key) \($where) \($status[:3]) \($word)"' |
        sort -u -k 1,3 >"$BATS_TEST_TMPDIR/pages"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/pages")" -gt 25 ]
    while read -r _ _ _ word; do
        for name in code desk; do
            both "$name" "{\"error\":\"$word\",\"message\":\"BAD\"}"
            # Never a dead end, and the word for support.
            main=${plain#*<main }
            [[ ${main%%</main>*} == *'<a href="'* || $name$plain == desk*'<nav '* ]] || { echo "$name $word $main"; false; }
            [[ $word == unknown_call && $name == desk || $body == *"<code>$word</code>"* ]]
        done
    done <"$BATS_TEST_TMPDIR/pages"
}

@test "pages: an error has its status" {
    while read -r expected word; do
        page code nl "{\"error\":\"$word\",\"message\":\"m\"}"
        [[ $head == "Status: $expected "* ]] || {
            echo "$word: $head"
            return 1
        }
    done <<'END'
200 login_cancelled
200 no_consent
400 bad_form
400 bad_state
400 not_yet_known
401 not_authenticated
403 cross_site
403 level_too_low
403 not_permitted
403 other_browser
404 bad_path
404 unknown_purpose
405 bad_method
409 renewals_spent
410 login_expired
410 no_cookie
410 no_session
410 offer_expired
413 too_large
415 bad_type
500 client_key
500 config_invalid
500 forged
500 internal
500 key_missing
500 schema
500 store_full
502 bad_claim
502 bad_id_token
502 bad_token_signature
502 login_failed
502 provider_answer
502 provider_down
502 provider_refused
502 store_down
503 busy
503 clock
503 conflict
503 locked
503 memory
503 no_code
503 random
503 store_lost
503 store_moved
503 store_unknown
END
    page code nl '{"error":"busy","message":"m"}'
    grep -qxF 'Retry-After: 5' <<<"$head"
    page redirect nl '{"error":"bad_method","message":"m"}'
    grep -qxF 'Allow: POST' <<<"$head"
}

@test "pages: an answer that is missing, torn or no object is an error page, with or without a configuration" {
    for answer in '' '{"state":' '[]' 'null' '"config"' '7'; do
        for name in start consent code redirect desk ticket; do
            page "$name" nl "$answer"
            [[ $head == 'Status: 500 '* ]]
            xmllint --noout - <<<"$body"
        done
    done
    cp "$BATS_FILE_TMPDIR/config.json" "$BATS_TEST_TMPDIR/kept"
    for config in '' '{"error":"config_missing","message":"m"}'; do
        echo "$config" >"$BATS_FILE_TMPDIR/config.json"
        for name in start consent code redirect desk ticket; do
            page "$name" nl '{"error":"bad_form","message":"m"}'
            sound nl
            page "$name" nl ''
            sound nl
        done
    done
    cp "$BATS_TEST_TMPDIR/kept" "$BATS_FILE_TMPDIR/config.json"
}

@test "pages: the pages that the web server has by itself are well-formed" {
    xmllint --noout "$pages/error.html"
    run -1 grep -E 'script|http-equiv| on[a-z]+=' "$pages/error.html"
}

@test "pages: a third language is one more file" {
    mkdir "$BATS_TEST_TMPDIR/texts"
    cp "$texts"/*.json "$BATS_TEST_TMPDIR/texts"
    # Each text in it is marked, so that one that comes from elsewhere shows.
    jq 'def mark: if type == "object" then map_values(mark) else "~" + . end;
        mark | .language = "Frysk" | .telephone = { international: "+31", national: "0" }' \
        "$texts/en.json" >"$BATS_TEST_TMPDIR/texts/fy.json"
    texts=$BATS_TEST_TMPDIR/texts
    export SCRIPT_NAME=/fy/start PATH_INFO=/x
    page start fy '{"organisation":{"name":"O","url":"https://www.example.org"},"purpose":{"name":"x","label":"L"},"lang":"fy",
        "attributes":[{"name":"a","label":"A"}],"methods":[],"number":"+31241234567","number_display":"+31 24","tel":"tel:+31"}'
    sound fy
    [[ $plain == *'<h1>~Call us: L</h1>'* && $plain == *'>024<'* ]]
    [[ $plain == *'lang="nl" hreflang="nl" href="../../nl/start/x">Nederlands<'* ]]
    [[ $plain == *'lang="en" hreflang="en" href="../../en/start/x">English<'* ]]
    [[ $plain != *'>Frysk<'* ]]
    # What is said in it stands between the tags, but for names and numbers.
    [ -z "$(sed -E 's/<[^>]*>/\n/g' <<<"$plain" | grep -E '[a-z]{3}' | grep -vE '~|Nederlands|English|^L$')" ]
    export SCRIPT_NAME=/callback PATH_INFO=/m
    page consent nl '{"error":"login_cancelled","message":"m","purpose":"x","lang":"fy"}'
    sound fy
    [[ $body == *'href="../fy/start/x"'* ]]
}
