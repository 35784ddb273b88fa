# Pages made of answers by jq alone, for tests/pages.bats and tests/pages-errors.bats:
# `load lib`, then `load pages.bash`.
# shellcheck shell=bash disable=SC2034,SC2154 # for the cases; what bats sets

setup_file() {
    cat >"$BATS_FILE_TMPDIR/config.json" <<'END'
{"organisation":{"name":{"nl":"Gemeente <b>\"X\" & 'Y'","en":"Municipality of <b>\"X\""},"url":"https://www.example.org"},
 "lines":{"kcc":{"number":"+31241234567","number_display":"+31 24 123 45 67"}},"purposes":{},
 "code":{"digits":10,"valid":600},"session":{"lifetime":14400}}
END
}

setup() {
    export TZ=Europe/Amsterdam SCRIPT_NAME=/nl/code PATH_INFO='' QUERY_STRING=''
    # What would be markup, were it not escaped.
    bad="<script>alert(1)</script>\"'&amp;"
    pages=$IDB_ROOT/scripts/pages texts=$IDB_ROOT/scripts/text
}

# page NAME LANG JSON [TO]: renders; the headers in $head and the page in $body.
page() {
    run --separate-stderr -0 page_of "$@"
    [ -z "$stderr" ]
    head=${output%%$'\n\n'*} body=${output#*$'\n\n'}
    plain=$(sed -E 's/ class="[^"]*"//g' <<<"$body")
}

page_of() {
    local language texts_of=()
    for language in "$texts"/*.json; do
        texts_of+=(--slurpfile "$(basename "$language" .json)" "$language")
    done
    printf '%s\n"config"\n%s' "$3" "$(<"$BATS_FILE_TMPDIR/config.json")" |
        jq -nr -L "$pages" "${texts_of[@]}" \
            --arg lang "$2" --arg to "${4-code}" -f "$pages/$1.jq"
}

# once TEXT: the page holds it, and not twice.
once() {
    local rest=${plain#*"$1"}
    [ "$rest" != "$plain" ] && [[ $rest != *"$1"* ]] || { echo "not once: $1"; return 1; }
}

# sound LANG: what holds for every page.
sound() {
    local part line id ids='' rest
    xmllint --noout - <<<"$body"
    [[ $body == '<!DOCTYPE html>'*"<html lang=\"$1\">"* ]]
    for part in '<h1>' '<title>' '<header>' '<main id="main" ' '<footer>' 'name="viewport"' \
        '<a href="#main">' '<script ' 'idb.js" defer="defer"></script>'; do
        once "$part"
    done
    [[ $plain =~ '<script src="'(\.\./)*'idb.js" ' && $plain != *'<title></title>'* ]]
    [[ $body != *'null'* && $body != *'{'* && $body != *' style='* ]]
    rest=$body
    while [[ $rest == *' id="'* ]]; do
        rest=${rest#*' id="'}
        id=${rest%%'"'*}
        [[ $ids != *" $id "* ]] || { echo "twice: $id"; return 1; }
        ids+=" $id "
    done
    [[ $head =~ ^'Status: '[2-5][0-9][0-9]' ' ]]
    for line in 'Content-Type: text/html; charset=utf-8' 'Cache-Control: no-store' \
        "Content-Language: $1" 'X-Content-Type-Options: nosniff' 'Referrer-Policy: strict-origin'; do
        [[ $'\n'$head$'\n' == *$'\n'"$line"$'\n'* ]] || { echo "no header: $line"; return 1; }
    done
    [[ $'\n'$head$'\n' =~ $'\n'"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'"("; frame-src 'self'")?("; form-action 'self'")?$'\n' ]]
    while IFS= read -r line; do
        [[ $line =~ ^[A-Za-z-]+': '[^[:cntrl:]]+$ ]]
    done <<<"$head"
}

# both NAME JSON TEXT…: in both languages, sound, and holding the texts, which
# are the same in both.
both() {
    local name=$1 answer=$2 lang text
    shift 2
    for lang in nl en; do
        page "$name" "$lang" "$(jq -c --arg bad "$bad" --arg lang "$lang" \
            'walk(if . == "BAD" then $bad else . end) | if has("lang") then .lang = $lang else . end' <<<"$answer")"
        sound "$lang"
        for text in "$@"; do
            [[ $plain == *"$text"* ]] || {
                printf 'missing: %s\n%s\n' "$text" "$body"
                return 1
            }
        done
    done
}

escaped=$(jq -rn --arg bad "<script>alert(1)</script>\"'&amp;" '$bad | @html')
