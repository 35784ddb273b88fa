# What the examples of this folder share; each sources it and is one pipe:
#
#     request POST 0 '{ form, query }' | ask PLAN | say gather
#
# PLAN, in jq, makes {program, state, request} of what the telephone platform posted;
# ask has the program answer the request, for the line of whoever the web server
# authenticated, or of the token; say turns the answer into what the platform takes.
# What is keyed in travels through the pipes alone. Beside what page.sh names the web
# server may set:
#
#     IDB_QUEUE        the queue of callers who are not identified; without it kcc
#     IDB_DESTINATION  where a call in VoiceXML goes to, {queue} being the queue's
#                      name; without it sip:{queue}@127.0.0.1
# shellcheck shell=sh
# shellcheck source=../../page.sh
. "${0%/*}/../page.sh"

# The prompts' texts, a file a language: nl.txt and en.txt.
idb_prompts=$idb_share/prompts

# Why a body is not read: the error word.
refusal() {
    case ${REQUEST_METHOD-} in
    POST) ;;
    *) echo bad_method && return ;;
    esac
    case ${CONTENT_TYPE-} in
    application/json | 'application/json;'* | 'application/json '*) ;;
    *) echo bad_type && return ;;
    esac
    case ${CONTENT_LENGTH-} in
    '' | *[!0-9]*) echo bad_length ;;
    ??????*) echo too_large ;;
    *) [ "$CONTENT_LENGTH" -le 65536 ] || echo too_large ;;
    esac
}

# json: as request of page.sh, of a body that is one JSON value of at most 64 KiB.
json() {
    idb_word=$(refusal)
    if [ -n "$idb_word" ]; then
        printf '{"error":"%s","message":"POST one JSON object of at most 64 KiB."}\n' "$idb_word"
    else
        only '' head -c "$CONTENT_LENGTH" | only '' jq -cn '
            try ([inputs] | if length == 1 then { json: .[0] } else error("") end)
            catch { error: "bad_json", message: "The body is not one JSON value." }'
    fi
}

# ask PLAN: what was posted becomes a plan, and its program answers; prints the plan's
# state, and that answer. Every plan has a program, so that nobody is answered who has
# not shown a password or a token.
ask() {
    only '' jq -r -L "${0%/*}" "
        include \"call\";
        if .error then . else
            try ($1) catch { error: \"bad_request\", message: \"This is no event of a call.\" }
        end
        | if .error then \"none\", \"{}\", tojson
          else .program, (.state | tojson), (.request | tojson) end" | {
        # A program's name, and counters: no word of the caller's.
        read -r idb_program && read -r idb_state || exit
        printf '%s\n' "$idb_state"
        case $idb_program in
        verify | transfer | end | health)
            only 'HTTP_AUTHORIZATION REMOTE_USER AUTH_TYPE' "idb-$idb_program" --client
            ;;
        *) cat ;;
        esac
    }
}

# say NAME: the HTTP answer, by NAME.jq.
say() {
    { cat && echo '"config"' && { (only '' idb-config show </dev/null 2>/dev/null) || :; }; } |
        only '' jq -nr -L "${0%/*}" \
            --rawfile nl "$idb_prompts/nl.txt" --rawfile en "$idb_prompts/en.txt" \
            --arg lang "$idb_lang" --arg queue "${IDB_QUEUE:-kcc}" \
            --arg destination "${IDB_DESTINATION:-sip:{queue\}@127.0.0.1}" \
            -f "${0%/*}/$1.jq"
}
