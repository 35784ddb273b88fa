#!/bin/bash
# What an integrator would write without idb-verify: one code a run, with jq,
# openssl and sqlite3. It checks less, and the key stands in openssl's argv.
#
#     verify.sh DATABASE KEYFILE <REQUEST
set -euo pipefail

read -r code call < <(jq -r '"\(.code) \(.call_id)"')
mac=$(printf %s "$code" | openssl dgst -sha256 -hmac "$(<"$2")" -r)
session=$(sqlite3 -cmd '.timeout 2000' "$1" "PRAGMA synchronous = FULL;
    UPDATE code SET call_id = '${call//\'/\'\'}'
    WHERE mac = '${mac%% *}' AND call_id IS NULL RETURNING session")
[ -n "$session" ]
jq -nc --arg session "$session" '{ result: "accepted", session: $session }'
