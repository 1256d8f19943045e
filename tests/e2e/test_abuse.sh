#!/usr/bin/env bash
# Every listening port of a node abused at once, under load: garbage, broken and unfinished
# handshakes, oversize frames, drips, floods, HTTP of every bad kind. No process ends, no
# descriptor and no memory stays taken, commits go on about as quickly, nothing is lost.
. "$(dirname "$0")/lib.sh"

target=n1
address=$E2E_NET.1
abuse_s=$(small_or_full 20 300)
baseline_s=$(small_or_full 10 60)
settle_s=12            # longer than any connection may last that said nothing useful
fds_more_max=16        # connections of clients and of the database come and go
rss_more_max_kib=65536 # queues once used, and what the load itself leaves behind
endless_max_mib=512
ratio_max=$(small_or_full 8 5)
seed=${E2E_SEED:-$RANDOM$RANDOM}
n_ports_min=8

built=$(dirname "$APM2_BIN")/../../tests/e2e
abuser=${E2E_ABUSER:-$built/abuser}
stranger=${E2E_STRANGER:-$built/stranger}
for program in "$abuser" "$stranger"; do
    [[ -x $program ]] || fail "$program is not built"
done
curve=$(jq -r .services.consensus.curve "$DIR/$target/keys/$target.card.json")

# ---- what runs ----

# "NODE/SERVICE PID" of every service of the cluster.
services() {
    apm2 service list --json | jq -r '.nodes[] | .name as $node | .services[] |
        "\($node)/\(.service) \(.pid)"'
}

# Asked of the kernel: a port that a service opens one day is abused without being listed.
ports() {
    ss -Hltn "src $address" | awk '{ sub(/.*:/, "", $4); print $4 }' | sort -nu
}

# "NODE/SERVICE FDS RSS_KIB" of the target's services.
sizes() {
    local name pid
    while read -r name pid; do
        echo "$name $(find "/proc/$pid/fd" -mindepth 1 | wc -l)" \
            "$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")"
    done < <(services | grep "^$target/")
}

is_shrunk() {
    sizes >"$WORK/sizes.after"
    join "$WORK/sizes.before" "$WORK/sizes.after" |
        awk -v fds="$fds_more_max" -v kib="$rss_more_max_kib" '
            { print }
            $4 > $2 + fds || $5 > $3 + kib { bad = 1 }
            END { exit bad }' >"$WORK/sizes"
}

# shellcheck disable=SC2317 # called by wait_until
answers_http() {
    curl -sf -o /dev/null --max-time 5 "http://$address:$1/livez"
}

# p99_ms NAME: of the bundles that load NAME submitted.
p99_ms() {
    jq -r '.bundles[]? | select(.state == "final") | .latency_ms' "$WORK/acks/$1"-*.json |
        sort -n | awk '{ v[NR] = $1 } END { print int(v[int((NR * 99 + 99) / 100)] + 0.5) }'
}

# ---- nuisances beside the abuser ----

# Clients that are admitted, with any key, and then send noise, or what never ends.
strangers_loop() {
    trap - EXIT
    while [[ ! -e $WORK/abuse.stop && ! -e $WORK/stop ]]; do
        timeout 20 "$stranger" "$address" 9096 "$curve" 300 200 >/dev/null 2>&1
        timeout 20 "$stranger" "$address" 9096 "$curve" 8000000 2 >/dev/null 2>&1
        timeout 20 "$stranger" "$address" 9090 "$curve" >/dev/null 2>&1
        timeout 60 "$stranger" "$address" 9096 "$curve" endless >>"$WORK/endless_mib" 2>&1
        sleep 1
    done
}

# What an operator's own question becomes meanwhile: a line "1" for each that was answered.
ask_loop() {
    local port
    trap - EXIT
    while [[ ! -e $WORK/abuse.stop && ! -e $WORK/stop ]]; do
        for port in 9470 9471 9472 9473 9474; do
            answers_http "$port" && echo 1 || echo 0
            sleep 0.2
        done
    done >"$WORK/asked"
}

tools_loop() {
    local port
    trap - EXIT
    while [[ ! -e $WORK/abuse.stop && ! -e $WORK/stop ]]; do
        for port in "$@"; do
            nc -z -w 2 "$address" "$port"
            head -c 20000 /dev/urandom | timeout 3 nc -q 0 "$address" "$port"
            curl -s -o /dev/null --max-time 3 "http://$address:$port/"
            curl -s -o /dev/null --max-time 3 -X PUT -T /etc/passwd "http://$address:$port/a"
        done >/dev/null 2>&1
        sleep 0.5
    done
}

# ---- the run ----

mapfile -t ports < <(ports)
((${#ports[@]} >= n_ports_min)) || fail "only ${#ports[@]} ports listen: ${ports[*]}"
note "ports=$(IFS=,; echo "${ports[*]}") seed=$seed"

submit warm 300
load_start before 200 --window 16
sleep "$baseline_s"
load_stop before
services >"$WORK/services.before"
wc -c "$DIR"/n*/log/*.log >"$WORK/logs.before"
sizes >"$WORK/sizes.before"

load_start during 200 --window 16
gap_start
strangers_loop &
strangers_pid=$!
tools_loop "${ports[@]}" &
tools_pid=$!
ask_loop &
ask_pid=$!
timeout -k 5 $((abuse_s + 30)) "$abuser" "$seed" "$abuse_s" "$address" "${ports[@]}" \
    >"$WORK/abuser" || fail "the abuser: exit $?"
touch "$WORK/abuse.stop"
wait "$strangers_pid" "$tools_pid" "$ask_pid"
gap=$(gap_stop)
load_stop during

# ---- what became of it ----

endless_mib=$(sort -n "$WORK/endless_mib" | tail -n 1)
note "endless_messages=$(wc -l <"$WORK/endless_mib") longest_mib=$endless_mib"
((endless_mib > 0 && endless_mib <= endless_max_mib)) ||
    fail "a message without end was taken up to $endless_mib MiB"

total() {
    awk -v name="$1" '{ for (i = 2; i <= NF; i++) { split($i, a, "="); sum[a[1]] += a[2] } }
                      END { print sum[name] + 0 }' "$WORK/abuser"
}
n_asked=$(wc -l <"$WORK/asked")
n_answered=$(grep -c 1 "$WORK/asked")
note "livez_asked=$n_asked answered=$n_answered"
((n_answered * 2 >= n_asked)) || fail "/livez answered $n_answered of $n_asked times meanwhile"
note "connections=$(total connections) bytes=$(total bytes) answered=$(total answered)"
(($(total connections) >= abuse_s * 10)) || fail "the abuser made $(total connections) connections"

services >"$WORK/services.after"
changed=$(diff "$WORK/services.before" "$WORK/services.after" | grep '^[<>]' | tr '\n' ' ')
[[ -z $changed ]] || fail "not the same processes as before: $changed"
(($(total refused) == 0)) || fail "$(total refused) connections met a closed port"
# PostgreSQL says "aborting" of transactions whenever it is stopped.
crash=$(find "$DIR/$target/log" -name '*.log' ! -name postgresql.log -exec \
    grep -hiE 'assert|MUST\(|abort|segfault|stack smashing|AddressSanitizer|panic' {} + | tail -n 1)
[[ -z $crash ]] || fail "$target logged: $crash"

for port in 9470 9471 9472 9473 9474; do
    wait_until "$settle_s" "/livez on $port answers" answers_http "$port"
done
end=$((SECONDS + settle_s))
until is_shrunk; do
    ((SECONDS < end)) || fail "not given back, fds and KiB: $(paste -sd ';' "$WORK/sizes")"
    sleep 0.5
done
while read -r name fds_before kib_before fds_after kib_after; do
    note "service=$name fds=$fds_before..$fds_after rss_kib=$kib_before..$kib_after"
done <"$WORK/sizes"

before_ms=$(p99_ms before)
during_ms=$(p99_ms during)
ratio=$(awk -v a="$during_ms" -v b="$before_ms" 'BEGIN { printf "%.2f", a / (b > 0 ? b : 1) }')
note "p99_before_ms=$before_ms p99_during_ms=$during_ms ratio=$ratio gap_ms=$gap"
((during_ms <= before_ms * ratio_max)) || fail "p99 went from $before_ms to $during_ms ms"
wait_until 15 "all four healthy" all_healthy
assert_agreement
assert_nothing_lost
pass
