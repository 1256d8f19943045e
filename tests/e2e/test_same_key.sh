#!/usr/bin/env bash
# Two submitters with one key, which know nothing of each other: the slow one's nonces are
# all used by the fast one while it works. It takes fresh ones: nothing is refused.
. "$(dirname "$0")/lib.sh"

# The lock on a key's file keeps two apart that share the file: a copy has another.
at_exit rm -f "$WORK/copy.pem"
install -m 600 "$DIR/operator.pem" "$WORK/copy.pem"

refused_of() {
    jq -r .refused "$WORK/acks/$1.json"
}

# One at a time, so that it is still under way when the fast one has passed it.
submit slow 150 --window 1 --node n1 &
sleep 0.5
submit fast 2000 --window 1000 --key "$WORK/copy.pem" --node n2
wait $!

[[ ! -s $WORK/submit-errors ]] || fail "$(head -n 1 "$WORK/submit-errors")"
for name in slow fast; do
    [[ $(refused_of $name) == 0 ]] || fail "$name: $(refused_of $name) refused, the first: \
$(jq -r 'first(.bundles[] | select(.state == "refused")).detail' "$WORK/acks/$name.json")"
done
used=$(jq -r '[.bundles[] | select(.state == "final")] | length' "$WORK/acks/slow.json")
((used == 150)) || fail "slow: only $used of 150 are final"
assert_nothing_lost
assert_agreement
pass
