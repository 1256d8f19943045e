#!/usr/bin/env bash
# One lone event on an idle cluster commits; then nothing moves and nothing is logged.
. "$(dirname "$0")/lib.sh"

info_lines() {
    cat "$DIR"/n*/log/consensus.log | grep -c -E 'level=(info|warn|error)'
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
note "height=$height stood still for $quiet_s s"
pass
