#!/usr/bin/env bash
# transfer-leadership --to n3 under load: a handoff, not an election.
. "$(dirname "$0")/lib.sh"

to=n3
elections() {
    local node
    for node in "${NODES[@]}"; do
        apm2 --node "$node" consensus metrics --json | jq '.leader_elections_total.timeout'
    done | paste -sd ' '
}

load_start singles 1000
if [[ $(leader) == "$to" ]]; then
    apm2 consensus transfer-leadership --to n1 >/dev/null || fail "to n1: exit $?"
    wait_until 10 "n1 leads" status_has n1 leader_id n1
fi
sleep 1
term=$(field "$to" term)
timeouts=$(elections)
gap_start
sleep 1
began_ms=$(now_ms)
apm2 consensus transfer-leadership --to "$to" >"$WORK/transfer" 2>&1 ||
    fail "transfer-leadership: $(<"$WORK/transfer")"
wait_until 10 "$to leads" status_has "$to" leader_id "$to"
took_ms=$(($(now_ms) - began_ms))
sleep 1
gap=$(gap_stop)
load_stop singles

[[ $(field "$to" term) == $((term + 1)) ]] || fail "term went from $term to $(field "$to" term)"
[[ $(elections) == "$timeouts" ]] || fail "elections by time-out: $timeouts, then $(elections)"
for node in "${NODES[@]}"; do
    status_has "$node" leader_id "$to" || fail "$node says $(field "$node" leader_id) leads"
    grep "event=term_entered term=$((term + 1)) " "$DIR/$node/log/consensus.log" | tail -n 1 |
        grep -q "leader=$to reason=handoff" || fail "$node: term $((term + 1)) is no handoff"
done
assert_agreement
assert_nothing_lost
((gap <= 2000)) || fail "no commit for $gap ms"

apm2 consensus transfer-leadership --to n9 >"$WORK/unknown" 2>&1
code=$?
((code == 1)) || fail "--to n9: exit $code"
grep -q "no validator of that name" "$WORK/unknown" || fail "--to n9: $(<"$WORK/unknown")"
note "gap_ms=$gap took_ms=$took_ms submitter_longest_ms=$(longest_latency_ms)"
pass
