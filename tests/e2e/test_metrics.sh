#!/usr/bin/env bash
# What watches the cluster: every series of the contract on every node, sound by promtool,
# small and quick; the page says healthy in words; no sibling's death takes it along.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

promtool=$("$E2E_HERE/../../scripts/promtool") || fail "no promtool"
services=(consensus anti-entropy schema-registry byzantine-monitor)
n_scrapes=20

address() {
    echo "$E2E_NET.${1#n}"
}

# get NODE PATH [curl option...]
get() {
    local node=$1 path=$2
    shift 2
    curl -sS --max-time 5 "$@" "http://$(address "$node"):9470$path"
}

# Each line of the contract, as "name label=value"; node_id stands in all of them.
contract() {
    local value
    for value in committed rejected timeout; do
        echo "apm2_consensus_proposals_total outcome=\"$value\""
    done
    for value in 0.01 0.025 0.05 0.1 0.25 0.5 0.75 1 2 2.5 5 10 +Inf; do
        echo "apm2_consensus_finalization_latency_seconds_bucket le=\"$value\""
    done
    for value in rotation timeout crash bootstrap; do
        echo "apm2_consensus_leader_elections_total reason=\"$value\""
    done
    for value in quorum_size validators_active round_current epoch_current pending_transactions; do
        echo "apm2_consensus_$value "
    done
    for value in pull push; do
        echo "apm2_antientropy_sync_events_total direction=\"$value\""
    done
    for value in lww set_union g_counter manual; do
        echo "apm2_antientropy_conflicts_total resolution=\"$value\""
    done
    echo "apm2_schema_registry_entries "
    for value in equivocation invalid_signature quorum_forgery replay; do
        echo "apm2_byzantine_evidence_total fault_type=\"$value\""
    done
    echo "apm2_byzantine_evidence_unacknowledged "
    for value in "${services[@]}" metrics-exporter; do
        echo "apm2_service_up service=\"$value\""
        echo "apm2_build_info service=\"$value\""
        echo "hef_notification_drops_total service=\"$value\""
        echo "apm2_notification_drops_total service=\"$value\""
        echo "process_resident_memory_bytes service=\"$value\""
        echo "process_cpu_seconds_total service=\"$value\""
    done
    for value in "${services[@]}"; do
        echo "apm2_pg_up service=\"$value\""
    done
    for value in n1 n2 n3 n4; do
        echo "apm2_vote_missing_total validator=\"$value\""
        echo "apm2_peer_rtt_seconds peer=\"$value\""
        echo "apm2_clock_offset_seconds peer=\"$value\""
        echo "apm2_zmq_dropped_total peer=\"$value\""
    done
}

assert_contract() {
    local node=$1 name label n=0
    while read -r name label; do
        n=$((n + 1))
        awk -v name="$name{" -v node="node_id=\"$node\"" -v label="$label" '
            index($0, name) == 1 && index($0, node) && index($0, label) { found = 1 }
            END { exit !found }' "$WORK/$node.metrics" || fail "$node: no $name with $label"
    done < <(contract)
    note "$node: $n series of the contract are there"
}

value_of() {
    get "$1" /metrics | awk -v name="$2{" -v label="$3" \
        'index($0, name) == 1 && index($0, label) { print $NF }'
}

says() {
    get "$1" / | grep -q "<span>$2</span></h1>"
}

is_up() {
    [[ $(value_of "$1" apm2_service_up "service=\"$2\"") == "$3" ]]
}

is_not_voting() {
    get "$1" /status.json |
        jq -e ".consensus.validators[$2].votes | endswith(\"..\")" >/dev/null
}

submit warm 200

for node in "${NODES[@]}"; do
    wait_until 30 "the page of $node says healthy: $(get "$node" /status.json |
        jq -c .reasons)" says "$node" healthy
    get "$node" /metrics >"$WORK/$node.metrics"
    assert_contract "$node"
    "$promtool" check metrics <"$WORK/$node.metrics" >"$WORK/promtool" 2>&1 ||
        fail "promtool on $node: $(head -n 3 "$WORK/promtool")"
    [[ ! -s $WORK/promtool ]] || fail "promtool on $node: $(head -n 3 "$WORK/promtool")"
    bytes=$(wc -c <"$WORK/$node.metrics")
    ((bytes <= 200000)) || fail "$node: a scrape has $bytes bytes"
done

# Small and quick.
page_bytes=$(get n1 / | wc -c)
((page_bytes < 60000)) || fail "the page has $page_bytes bytes"
for ((i = 0; i < n_scrapes; i++)); do
    get n1 /metrics -o /dev/null -w '%{time_total}\n'
done | sort -n >"$WORK/times"
median=$(sed -n "$((n_scrapes / 2))p" "$WORK/times")
awk -v t="$median" 'BEGIN { exit !(t < 0.05) }' || fail "a scrape takes $median s"
note "scrape_bytes=$bytes page_bytes=$page_bytes scrape_median_s=$median"

# The forms it may be asked for.
get n1 /metrics -H 'Accept: application/openmetrics-text; version=1.0.0' >"$WORK/open"
[[ $(tail -n 1 "$WORK/open") == '# EOF' ]] || fail "OpenMetrics does not end with # EOF"
grep -q '^# TYPE apm2_consensus_proposals counter$' "$WORK/open" ||
    fail "OpenMetrics names a counter with _total"
get n1 / -D - -o "$WORK/page" | grep -qi "^content-security-policy: default-src 'none';" ||
    fail "the page has no strict policy"
if grep -Eq '<script|https?://|javascript:' "$WORK/page"; then
    fail "the page wants more than itself"
fi
[[ $(get n1 /livez) == ok ]] || fail "/livez"
[[ $(get n1 '/readyz?verbose' | grep -c '^\[+\]') == 4 ]] ||
    fail "/readyz: $(get n1 '/readyz?verbose')"
[[ $(get n1 /status.json | jq -r .health) == healthy ]] || fail "/status.json is not healthy"

# Each sibling dies and comes back; the page stays, and says who is away.
exporter_pid=$(service_pid n2 metrics-exporter)
committed=$(value_of n2 apm2_consensus_proposals_total 'outcome="committed"')
for service in "${services[@]}"; do
    pid=$(service_pid n2 "$service")
    kill -STOP "$pid" # the supervisor would have it back before anybody looked
    wait_until 15 "n2 says that $service is gone" is_up n2 "$service" 0
    get n2 /status.json | jq -e --arg s "$service" \
        '.services[] | select(.service == $s) | .up == false' >/dev/null ||
        fail "/status.json takes $service for up"
    get n2 /metrics | "$promtool" check metrics || fail "promtool while $service is gone"
    kill -9 "$pid"
    wait_until 30 "$service is back" is_up n2 "$service" 1
done
[[ $(service_pid n2 metrics-exporter) == "$exporter_pid" ]] || fail "the exporter was restarted"
wait_until 30 "the page of n2 says healthy again" says n2 healthy
now=$(value_of n2 apm2_consensus_proposals_total 'outcome="committed"')
((now >= committed)) || fail "proposals_total fell from $committed to $now with a restart"

# One node down: the others say why, in words and with exit codes.
apm2 dev down n4 >/dev/null 2>&1 || fail "dev down n4"
wait_until 15 "n1 calls itself degraded" says n1 degraded
get n1 / | grep -q 'validator n4 is not heard from' || fail "the page does not say who is silent"
apm2 --node n1 top --once >"$WORK/top"
(($? == 2)) || fail "top --once does not exit 2 on a degraded node"
grep -q 'validator n4 is not heard from' "$WORK/top" || fail "top does not say who is silent"
apm2 --node n1 consensus why --json | jq -e '.silent == ["n4"]' >/dev/null ||
    fail "why: $(apm2 --node n1 consensus why)"
submit away 100
wait_until 15 "n4 is seen not to vote" is_not_voting n1 3
apm2 dev restart n4 >/dev/null 2>&1 || fail "dev restart n4"
wait_until 60 "all four healthy" all_healthy
wait_until 30 "n1 healthy again" says n1 healthy
apm2 --node n1 top --once >"$WORK/top" || fail "top --once does not exit 0 on a healthy node"
assert_agreement
pass
