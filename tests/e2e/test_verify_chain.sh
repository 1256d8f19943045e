#!/usr/bin/env bash
# verify-chain succeeds on every node. One flipped byte in what a node stores: it names the
# table and the first bad sequence, exit 1; the byte put back: it succeeds again.
. "$(dirname "$0")/lib.sh"

submit singles 300
submit bundles 600 --bundle 20
assert_agreement

for node in "${NODES[@]}"; do
    apm2 --node "$node" ledger verify-chain --json >"$WORK/verify.$node" ||
        fail "$node: exit $?: $(<"$WORK/verify.$node")"
    [[ $(jq -r .state_root "$WORK/verify.$node") == $(field "$node" state_root) ]] ||
        fail "$node: verify-chain recomputes another state root than the node has"
done

node=n2
# In the middle of the chain, with more than one record.
height=$(query $node "SELECT height FROM segment_v1 WHERE n_records > 1
    AND height >= (SELECT max(height) / 2 FROM segment_v1) ORDER BY height LIMIT 1")
[[ -n $height ]] || fail "no block with two records"
first=$(query $node "SELECT first_seq FROM segment_v1 WHERE height = $height")
records=$(query $node "SELECT n_records FROM segment_v1 WHERE height = $height")

in_block="id = (SELECT block FROM committed WHERE height = $height)"
at_height="height = $height"

# update TABLE COLUMN WHERE: flips the column's middle byte, or by a second call puts it back.
flip() {
    query $node "UPDATE $1 SET $2 = set_byte($2, length($2) / 2, get_byte($2, length($2) / 2) # 1)
        WHERE $3 RETURNING 1" >"$WORK/flip" || fail "cannot flip a byte of $1.$2"
    [[ $(grep -c 1 "$WORK/flip") == 1 ]] || fail "no such byte: $1.$2 at height $height"
}

# row TABLE COLUMN WHERE VIEW: VIEW is the name by which the finding may call the table.
row() {
    local table=$1 column=$2 where=$3 view=$4 code=0 named seq
    flip "$table" "$column" "$where"
    apm2 --node $node ledger verify-chain --json >"$WORK/found" 2>"$WORK/found.err" || code=$?
    flip "$table" "$column" "$where"
    ((code == 1)) || fail "$table.$column flipped at height $height: exit $code"
    named=$(jq -r .table "$WORK/found")
    seq=$(jq -r .seq "$WORK/found")
    [[ $named == "$table" || $named == "$view" ]] ||
        fail "$table.$column flipped: it names table $named: $(<"$WORK/found")"
    ((seq >= first && seq < first + records)) ||
        fail "$table.$column flipped in sequences $first..$((first + records - 1)): it names $seq"
    echo "$table.$column $(<"$WORK/found")" >>"$WORK/findings"
}

row block bundles "$in_block" block_v1
row block proposal "$in_block" block_v1
row block parent "$in_block" block_v1
row committed outcomes "$at_height" block_v1
row committed proof "$at_height" block_v1
row committed block "$at_height" block_v1
row committed state_root "$at_height" block_v1
row committed authority_root "$at_height" block_v1
row committed ledger_root "$at_height" block_v1
row segment chain "$at_height" segment_v1
row segment tree_root "$at_height" segment_v1
row bundle_index bundle "$at_height AND position = 0" bundle_v1

# The first of two bad places is the one that is named.
flip committed outcomes "height = $height + 2"
row committed outcomes "$at_height" block_v1
flip committed outcomes "height = $height + 2"

apm2 --node $node ledger verify-chain >"$WORK/again" ||
    fail "all bytes put back: $(head -n 1 "$WORK/again")"
assert_agreement
note "columns=$(wc -l <"$WORK/findings") height=$height sequences=$first..$((first + records - 1))"
pass
