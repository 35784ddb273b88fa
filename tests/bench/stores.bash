# Stores for tests/bench/run that are larger than the programs would make them in the time
# that there is: filled by SQL (fill.c), with rows like those that the programs made. Sourced.
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets

codes=0 # given away so far: each number is a code once

# serve_models DIR: somebody calls and is served, and somebody else has a code: what all
# others are made like.
serve_models() {
    issue 1 | requests model >"$1/request"
    idb-verify <"$1/request" >"$1/verified"
    idb-lookup <<<'{"call_id":"model-1"}' >"$1/shown"
    idb-end --zone=desk <<<'{"call_id":"model-1"}' >"$1/ended"
    issue 1 >"$1/issued"
}

# instance_new NAME: an instance in the folder NAME, with those. Prints its configuration.
instance_new() (
    mkdir "$1"
    BATS_TEST_TMPDIR=$PWD/$1 idb_instance .
    serve_models "$1"
    echo "$IDB_CONFIG"
)

# fill_store CONFIG SQL…: with two tables beside its own, model and model_audit: a session
# with a code, and what is on record of one from beginning to end. What was written is on
# the disk afterwards.
fill_store() {
    local config=$1
    shift
    "$fill" "$config" <<END
CREATE TEMP TABLE model AS SELECT * FROM session WHERE state = 'issued' LIMIT 1;
CREATE TEMP TABLE model_audit AS SELECT * FROM audit WHERE session =
    (SELECT id FROM session WHERE state = 'done' LIMIT 1);
$*
END
    sync
}

# fill_live CONFIG N [OVERDUE]: N sessions whose codes nobody keyed in yet, good for four
# hours; or past their time. Prints their requests for idb-verify, a line each; not into a
# pipe, for then nobody would know that these codes are taken.
fill_live() {
    local from=$codes to=$((codes + $2)) due='model.created_at + 4 * 3600000'
    [ -z "${3-}" ] || due='model.created_at - 1000'
    codes=$to
    fill_store "$1" "
        WITH RECURSIVE n (i) AS (SELECT $from UNION ALL SELECT i + 1 FROM n WHERE i < $to - 1)
        INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, token_hash,
            code_mac, code_expires_at, renewals, renew_until, created_at, expires_at, due_at, sealed)
        SELECT substr(hex(randomblob(11)), 1, 22), printf('%06x', i), 'issued', purpose, line,
            lang, confirm, randomblob(32), code_mac(code(i)), $due, 0, renew_until, created_at,
            $due, $due, sealed FROM n, model;
        WITH RECURSIVE n (i) AS (SELECT $from UNION ALL SELECT i + 1 FROM n WHERE i < $to - 1)
        SELECT printf('{\"code\":\"%s\",\"call_id\":\"f-%d\",\"caller\":\"+31612345678\"}', code(i), i)
        FROM n;"
}

# fill_ended CONFIG N: N sessions of the last 80 days that are over, what is on record of
# each, and the calls of the last day.
fill_ended() {
    local now step
    now=$(date +%s%3N)
    step=$((80 * 86400000 / $2))
    fill_store "$1" "
        BEGIN;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
        INSERT INTO session (id, ticket, state, purpose, line, lang, confirm, token_hash,
            code_expires_at, renewals, renew_until, created_at, expires_at, called_at,
            connected_at, ended_at, end_reason)
        SELECT substr(hex(randomblob(11)), 1, 22), printf('e%x', i), 'done', purpose, line, lang,
            confirm, randomblob(32), at + 600000, 0, at + 1800000, at, at + 14400000,
            at + 60000, at + 70000, at + 300000, 'ended'
        FROM (SELECT i, $now - 300000 - ($2 - i) * $step AS at FROM n), model;
        DELETE FROM audit;
        INSERT INTO audit (at, actor, action, session, result, detail)
        SELECT session.created_at, actor, action, session.id, result, detail
        FROM session, model_audit WHERE session.state = 'done' ORDER BY session.rowid;
        INSERT INTO ended_call (call_hash, at, reason, session)
        SELECT randomblob(32), ended_at, end_reason, id FROM session
        WHERE ended_at > $now - 86400000;
        COMMIT;" >/dev/null
}
