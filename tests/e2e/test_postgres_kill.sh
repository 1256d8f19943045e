#!/usr/bin/env bash
# kill -9 of one node's PostgreSQL under load, a follower's and then the leader's: the node
# recovers by itself, the cluster never stops.
. "$(dirname "$0")/lib.sh"

gap_max_ms=5000

round() {
    local victim=$1 role=$2 pid height gap began_ms
    gap_start
    sleep 1
    height=$(highest)
    began_ms=$(now_ms)
    pid=$(kill_service "$victim" postgresql) || fail "$victim: no postmaster"
    wait_until 10 "commits after the kill of $victim's PostgreSQL (pid $pid)" \
        height_is_above $((height + 2))
    wait_until 60 "$victim healthy again" is_healthy "$victim"
    gap=$(gap_stop)
    note "$role=$victim gap_ms=$gap recovered_ms=$(($(now_ms) - began_ms))"
    ((gap <= gap_max_ms)) || fail "no commit for $gap ms after $victim's PostgreSQL was killed"
}

wait_until 20 "all four healthy" all_healthy
first=$(leader)
followers=()
for node in "${NODES[@]}"; do
    [[ $node == "$first" ]] || followers+=("$node")
done
# Not through the victim: what waits at a node without a database is no pause of the cluster.
load_start singles 1000 --node "$first"
load_start bundles 2000 --bundle 20 --node "${followers[1]}"
round "${followers[0]}" follower
wait_until 20 "all four healthy" all_healthy
round "$(leader)" leader
load_stop singles bundles

assert_agreement
assert_nothing_lost
assert_no_double_signature
pass
