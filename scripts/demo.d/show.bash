# How the demo shows and checks what it does. Sourced by scripts/demo.
# shellcheck shell=bash disable=SC2034,SC2154 # variables that the parts share

bold='' dim='' plain='' colour=-M
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m' colour=-C
fi

steps=0
step() {
    steps=$((steps + 1))
    printf '\n%s%d. %s%s\n\n' "$bold" "$steps" "$1" "$plain"
}

# Plain sentences; without any, an empty line.
say() { printf '%s\n' "$*" | fmt -w 78; }

stop() {
    printf '\ndemo: stopped at step %d: %s\n' "$steps" "$*" >&2
    exit 1
}

# show MARK: standard input behind a mark, JSON spread over lines.
show() {
    local text
    text=$(cat)
    if [[ $text == ['{[']* ]]; then
        text=$(jq "$colour" . <<<"$text")
    fi
    while IFS= read -r line; do
        printf '    %s%s%s %s\n' "$dim" "$1" "$plain" "$line"
    done <<<"$text"
}

# run COMMAND…: shows it, its standard input $request, its answer, what it says on
# standard error and its exit code; leaves them in $answer and $status. What is
# personal goes in by standard input only, here as everywhere. $as_request and
# $as_answer are filters that make either readable.
request='' answer='' status=0 as_request=cat as_answer=cat
run() {
    printf '\n    %s$ %s%s\n' "$bold" "$*" "$plain"
    [ -z "$request" ] || "$as_request" <<<"$request" | show '<'
    status=0
    answer=$(printf '%s' "${request:+$request$'\n'}" | "$@" 2>"$dir/complaint") || status=$?
    [ -z "$answer" ] || "$as_answer" <<<"$answer" | show '>'
    [ ! -s "$dir/complaint" ] || show '!' <"$dir/complaint"
    rm -f "$dir/complaint"
    printf '    %sexit %d%s\n' "$dim" "$status" "$plain"
    request=''
}

# expect STATUS [FILTER]: stops unless the last command exited so and FILTER is
# true of its answer.
expect() {
    [ "$status" = "$1" ] || stop "exit $1 was expected, not $status"
    [ "$#" = 1 ] || jq -e "$2" >/dev/null <<<"$answer" || stop "this was expected: $2"
}

# contains TEXT, lacks TEXT: of the last answer, as text.
contains() { [[ $answer == *"$1"* ]] || stop "the answer should show: $1"; }
lacks() { [[ $answer != *"$1"* ]] || stop "the answer should not show: $1"; }

# spoil CODE: the code with its last digit, the check digit, wrong.
spoil() { printf '%s%d' "${1%?}" $(((${1: -1} + 1) % 10)); }

# $places: the files and folders that are searched for what should not be there.
places=()

# count_found: how many of the lines on standard input stand in them.
count_found() { { grep -raohFf - "${places[@]}" || true; } | sort -u | wc -l; }

# search LABEL: the same, in words.
search() {
    local lines found
    # An empty line would match everything.
    lines=$(grep .) || stop "there is nothing to search for: $1"
    found=$(count_found <<<"$lines")
    printf '    %-34s %s of %s found\n' "$1" "$found" "$(sort -u <<<"$lines" | wc -l)"
    total=$((total + found))
}

show_search() { printf '\n    %s$ grep -raohFf - %s%s\n' "$bold" "${places[*]}" "$plain"; }

# look: what of the resident can be read in $places.
look() {
    total=0
    show_search
    printf '%s\n' "${codes[@]}" | search 'the codes, plain and as shown'
    search 'the citizen service number' <<<"$bsn"
    search 'the name' <<<"$name"
    search "the telephone number" <<<"${number#+31}"
    search "the browser's token" <<<"$token"
    [ "$total" = 0 ] || stop 'none of that should be found'
    search 'pieces of the sealed record' <<<"$pieces"
}

# sealed_pieces: of the one sealed record in the store, its text cut into pieces.
sealed_pieces() {
    pieces=$(grep -raohE 'eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{64,}' \
        "$dir/store" | head -n 1 | cut -d . -f 4 | fold -w 32 | grep -E '^.{32}$') ||
        stop 'the sealed record was not found in the store'
}

# audit_rows N: the newest row of a page stands first, its texts one behind the
# other: who, what, on which session, with which result. At least N of verify.
audit_rows() {
    local rows
    rows=$(LC_ALL=C grep -aohE '((admin|attest|line|agent):|resident(issue|renew|end))[[:print:]]+' \
        "$dir/store/idb.db" | tac | sed -E 's/^(.*)(create|issue|renew|verify|open|reveal|transfer|end|ticket)([A-Za-z0-9_-]{22})?(ok|accepted|mistyped|wrong|used|wrap_up|ended|cancelled)(\{.*\})?.?$/\1\t\2\t\3\t\4\t\5/')
    [ "$(grep -c verify <<<"$rows")" -ge "$1" ] || stop 'the audit should have rows'
    while IFS=$'\t' read -r actor action rest; do
        printf '    %-20s %-9s %s\n' "$actor" "$action" "${rest//$'\t'/ }"
    done <<<"$rows"
}
