# What the CGI scripts of web/, desk/ and phone/ share; each sources it and is one pipe:
#
#     request 'GET HEAD' 0 '{ cookies }' | only '' idb-status | page code
#
# Request data travels through the pipes alone, never through a variable, an
# argument or a here-document. The web server may set, and the client cannot:
#
#     IDB_CONFIG  the configuration file; without it /etc/idb/idb.json
#     IDB_PATH    where the programs are; without it the bin of this installation
#     IDB_SHARE   where pages/ and text/ are; without it its share/idb
#     IDB_LANG    the language of the desk, nl without it
#     TZ          the time zone of the pages; without it Europe/Amsterdam
# shellcheck shell=sh

set -f
umask 077
ulimit -c 0 # jq and the shell hold personal data too
idb_prefix=${0%/*}/../../..
idb_share=${IDB_SHARE:-$idb_prefix/share/idb}
PATH=${IDB_PATH:-$idb_prefix/bin}:/usr/bin:/bin
TZ=${TZ:-Europe/Amsterdam}
export PATH TZ
idb_names=$(awk 'BEGIN { for (name in ENVIRON) print name }')
idb_cgi="REQUEST_METHOD CONTENT_TYPE CONTENT_LENGTH QUERY_STRING PATH_INFO HTTP_COOKIE"
idb_cgi="$idb_cgi HTTP_ORIGIN HTTP_HOST HTTP_SEC_FETCH_DEST HTTP_SEC_FETCH_SITE"
idb_cgi="$idb_cgi HTTP_SEC_PURPOSE REMOTE_USER AUTH_TYPE"

# By the address that the server matched, /nl/… or /en/…, else the desk's. Each file of
# text/ is a language.
idb_lang=${SCRIPT_NAME-}
idb_lang=${idb_lang%/*}
for idb_lang in "${idb_lang##*/}" "${IDB_LANG-}" nl; do
    case $idb_lang in
    [a-z][a-z]) [ ! -r "$idb_share/text/$idb_lang.json" ] || break ;;
    esac
done

# only NAMES COMMAND…: a stage of the pipe, with PATH, IDB_CONFIG and the variables
# of NAMES for its environment. Replaces the (sub)shell it runs in.
only() {
    idb_keep=" PATH IDB_CONFIG $1 "
    shift
    for idb_name in $idb_names; do
        case $idb_keep in
        *" $idb_name "*) ;;
        *) unset "$idb_name" ;;
        esac
    done
    exec "$@"
}

# request VERBS PARTS FILTER [OPTION]: what was asked, as the request that FILTER makes of
# it; members that are not there are left out. PARTS is how much of a path may
# follow the page's address; OPTION is idb-request's. What that refuses goes on down
# the pipe.
# shellcheck disable=SC2016 # \$verb is jq's
request() {
    only "$idb_cgi" idb-request ${4+"$4"} |
        only '' jq -c --arg verbs "$1" --argjson parts "$2" "
            if .error then .
            elif .verb as \$verb | \$verbs | split(\" \") | index(\$verb) | not then
                { error: \"bad_method\", message: \"This page takes \\(\$verbs).\" }
            elif .path | length > \$parts then
                { error: \"bad_path\", message: \"There is no such page.\" }
            else $3 | if .error then . else with_entries(select(.value != null)) end end"
}

# digest: of the answer on standard input and of what the desk's forms get: another one where
# the page is another.
digest() {
    printf '%s\r\n' 'Status: 200 OK' 'Content-Type: text/plain' 'Cache-Control: no-store' \
        'X-Content-Type-Options: nosniff' ''
    { cat && { (only 'HTTP_COOKIE REMOTE_USER AUTH_TYPE' idb-request --form-token </dev/null 2>/dev/null) || :; }; } |
        only '' sha256sum
}

# page NAME [TO]: the answer on standard input as the page NAME, with what anybody
# may know of the configuration behind it; TO is where redirect leads. Pages that can
# be held read the query for that; in another it may be a login's. The desk's forms
# get the token that they are held against.
page() {
    idb_page=$1
    idb_to=${2-}
    case $idb_page in code | desk) idb_query="QUERY_STRING" ;; *) idb_query="" ;; esac
    set --
    set +f
    for idb_file in "$idb_share"/text/[a-z][a-z].json; do
        idb_name=${idb_file##*/}
        set -- "$@" --slurpfile "${idb_name%.json}" "$idb_file"
    done
    set -f
    {
        cat && echo '"config"' && { (only '' idb-config show </dev/null 2>/dev/null) || :; }
        case $idb_page in
        desk) (only 'HTTP_COOKIE REMOTE_USER AUTH_TYPE' idb-request --form-token </dev/null 2>/dev/null) || : ;;
        esac
    } |
        only "TZ SCRIPT_NAME PATH_INFO $idb_query" jq -nr -L "$idb_share/pages" "$@" \
            --arg lang "$idb_lang" --arg to "$idb_to" -f "$idb_share/pages/$idb_page.jq"
}
