#!/usr/bin/env bash
# kill -9 of all four at once under load: all come back by themselves and go on.
. "$(dirname "$0")/lib.sh"

load_start singles 1000
load_start bundles 2000 --bundle 20
gap_start
sleep 2
height=$(highest)
pids=$(apm2 dev status --json |
    jq -r '.nodes[].services[] | select(.service == "consensus") | .pid')
[[ $(wc -w <<<"$pids") == 4 ]] || fail "not four processes: $pids"
began_ms=$(now_ms)
# shellcheck disable=SC2086 # one word per pid
kill -9 $pids || fail "kill -9 $pids"

wait_until 60 "commits after the kill of all four" height_is_above $((height + 2))
back_ms=$(($(now_ms) - began_ms))
wait_until 60 "all four healthy again" all_healthy
load_stop singles bundles
gap=$(gap_stop)

restarted=$(apm2 dev status --json |
    jq -r '.nodes[].services[] | select(.service == "consensus") | .pid')
for pid in $pids; do
    ! grep -qx "$pid" <<<"$restarted" || fail "pid $pid was not killed"
done
assert_agreement
assert_nothing_lost
assert_no_double_signature
note "gap_ms=$gap back_ms=$back_ms totals=$(submitted_totals | tr ' ' /)"
pass
