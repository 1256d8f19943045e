#!/usr/bin/env bash
# kill -9 of the leader under load, again and again: commits go on, nothing acknowledged is
# lost, no key signs twice at a rank.
. "$(dirname "$0")/lib.sh"

rounds=$(small_or_full 4 10)
gap_max_ms=5000

round() {
    local i=$1 victim pid height began_ms gap
    # A fifth short life in a row would make the watcher give the service up, as it should.
    wait_until 30 "round $i: all four healthy before the kill" all_healthy
    victim=$(leader)
    gap_start
    sleep 1
    height=$(highest)
    began_ms=$(now_ms)
    pid=$(kill_service "$victim" consensus) || fail "round $i: no process of the leader $victim"
    # The blocks that were certified already may still commit: look past them.
    wait_until 10 "round $i: commits after the kill of $victim (pid $pid)" \
        height_is_above $((height + 2))
    wait_until 20 "round $i: $victim is started again" status_has "$victim" node_id "$victim"
    gap=$(gap_stop)
    note "round=$i leader=$victim new_leader=$(leader) gap_ms=$gap" \
        "back_ms=$(($(now_ms) - began_ms))"
    echo "$gap" >>"$WORK/gaps"
    ((gap <= gap_max_ms)) || fail "round $i: no commit for $gap ms after the kill of $victim"
}

load_start singles 1000
load_start bundles 2000 --bundle 20 --node n2
for ((i = 1; i <= rounds; i++)); do
    round "$i"
done
load_stop singles bundles

assert_agreement
wait_until 20 "all four healthy afterwards" all_healthy
assert_nothing_lost
assert_no_double_signature
for node in "${NODES[@]}"; do
    apm2 --node "$node" ledger verify-chain >"$WORK/verify.$node" ||
        fail "$node: verify-chain: $(head -n 1 "$WORK/verify.$node")"
done
note "kills=$rounds longest_gap_ms=$(sort -n "$WORK/gaps" | tail -n 1)" \
    "submitter_longest_ms=$(longest_latency_ms) totals=$(submitted_totals | tr ' ' /)"
pass
