#!/bin/sh
# The floor under a page: what a shell, a cat and two jq's take to start, in a pipe, and
# to write what was there already.
jq -c . </dev/null | cat | jq -nrR 'input' "${0%/*}/../../scripts/pages/error.html"
