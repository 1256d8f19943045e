#!/usr/bin/env bash
# The runbook's reachability check, word for word: port 9090 of every validator.
. "$(dirname "$0")/lib.sh"

n=0
for peer in $(apm2 consensus validators --json | jq -r '.validators[].address'); do
    nc -zv "$peer" 9090 2>>"$WORK/nc" || fail "nc -zv $peer 9090: $(tail -n 1 "$WORK/nc")"
    n=$((n + 1))
done
((n == 4)) || fail "$n validators listed"
pass
