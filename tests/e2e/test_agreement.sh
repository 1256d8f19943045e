#!/usr/bin/env bash
# After 10,000 events all four nodes hold one last_committed_hash and one state_root.
. "$(dirname "$0")/lib.sh"

events=10000
submit single $((events / 2)) --node n2
submit bundled $((events / 2)) --bundle 50 --node n3
[[ ! -s $WORK/submit-errors ]] || fail "$(head -n 1 "$WORK/submit-errors")"

read -r applied rejected refused expired undecided < <(submitted_totals)
((applied + rejected == events)) ||
    fail "of $events: $applied applied, $rejected rejected, $refused refused, $expired expired," \
        "$undecided undecided"
((applied > events / 2 && rejected > 0)) ||
    fail "the mix is not realistic: $applied applied, $rejected rejected"

assert_agreement
for node in "${NODES[@]}"; do
    wait_until 10 "$node: apm2 consensus status exits 0" is_healthy "$node"
    # Proposals, votes and heights are one thing; that the node also executed is another.
    [[ $(field "$node" height) == $(field "$node" executed_height) ]] ||
        fail "$node has not executed"
done
apm2 consensus status >/dev/null || fail "apm2 consensus status exits $?"
assert_nothing_lost

# More leases than one answer holds: the list is fetched page by page, and whole.
for ((i = 0; i < 2500; i++)); do
    printf '{"type":"LeaseIssued","payload":{"resource":"page/%d",%s}}\n' "$i" \
        '"holder":"pager","ttl_ms":600000'
done >"$WORK/pages"
apm2 event submit "$WORK/pages" --bundle 500 >"$WORK/pages.out" || fail "$(cat "$WORK/pages.out")"
n_listed=$(apm2 lease list --json |
    jq '[.leases[].resource | select(startswith("page/"))] | unique | length')
((n_listed == 2500)) || fail "lease list shows $n_listed of 2500 leases"
note "events=$events applied=$applied rejected=$rejected height=$(highest)"
pass
