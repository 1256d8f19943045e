#!/usr/bin/env bash
# One lone event on an idle cluster commits; then nothing moves and nothing is logged, and
# a whole node without its PostgreSQL is small and hardly works.
. "$(dirname "$0")/lib.sh"

info_lines() {
    cat "$DIR"/n*/log/*.log | grep -c -E 'level=(info|warn|error)'
}

# The processes of a node: its services, and the signer, their child.
processes() {
    local pids
    pids=$(apm2 service list --node "$1" --json | jq -r '.nodes[0].services[].pid | select(. > 0)')
    echo "$pids"
    xargs -n1 pgrep -P <<<"$pids"
}

rss_kib() {
    processes "$1" | sed 's|.*|/proc/&/status|' | xargs cat |
        awk '/^VmRSS:/ { sum += $2 } END { print sum + 0 }'
}

# Clock ticks of CPU so far: /proc/PID/stat, behind the name.
ticks() {
    processes "$1" | sed 's|.*|/proc/&/stat|' | xargs sed 's/.*) //' |
        awk '{ sum += $12 + $13 } END { print sum + 0 }'
}

assert_agreement
sleep 1
before=$(highest)
apm2 lease issue "idle/$$" --holder svc-a --ttl 1h >/dev/null || fail "the lone event: exit $?"
assert_agreement
# The checkpoint that follows takes no block.
sleep 1
assert_agreement
height=$(highest)
((height > before)) || fail "height stayed at $before"

lines=$(info_lines)
quiet_s=10
ticks=$(ticks n1)
end=$((SECONDS + quiet_s))
while ((SECONDS < end)); do
    now=$(highest)
    ((now == height)) || fail "height went from $height to $now while idle"
    sleep 1
done
now=$(info_lines)
((now == lines)) || fail "$((now - lines)) info lines while idle"
for node in "${NODES[@]}"; do
    is_healthy "$node" ||
        fail "$node after $quiet_s idle seconds: $(field "$node" health)," \
            "$(field "$node" 'reasons[0]')"
done
rss_mib=$(($(rss_kib n1) / 1024))
cpu_per_mille=$((($(ticks n1) - ticks) * 1000 / quiet_s / $(getconf CLK_TCK)))
((rss_mib <= 120)) || fail "n1 idles at $rss_mib MiB"
# The bound is loose: a loop that never sleeps is what it is to find.
((cpu_per_mille <= 200)) || fail "n1 idles at $cpu_per_mille per mille of a core"
note "node=n1 rss_mib=$rss_mib cpu_per_mille=$cpu_per_mille"
note "height=$height stood still for $quiet_s s"
pass
