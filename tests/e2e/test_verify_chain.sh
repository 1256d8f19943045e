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
# In the middle of the chain, with more than one record, and certified itself.
height=$(query $node "SELECT s.height FROM segment_v1 s JOIN block_v1 b USING (height)
    WHERE s.n_records > 1 AND b.proof IS NOT NULL
    AND s.height >= (SELECT max(height) / 2 FROM segment_v1) ORDER BY s.height LIMIT 1")
[[ -n $height ]] || fail "no block with two records"
first=$(query $node "SELECT first_seq FROM segment_v1 WHERE height = $height")
records=$(query $node "SELECT n_records FROM segment_v1 WHERE height = $height")

declare -A where=(
    [block]="id = (SELECT block FROM committed WHERE height = $height)"
    [committed]="height = $height"
    [segment]="height = $height"
    [bundle_index]="height = $height AND position = 0"
)

# flipped COLUMN TYPE: the column with one bit turned; twice gives the column back.
flipped() {
    case $2 in
    bytea) echo "set_byte($1, length($1) / 2, get_byte($1, length($1) / 2) # 1)" ;;
    bigint) echo "$1 # (1::bigint << 40)" ;;
    text) echo "overlay($1 PLACING chr(ascii($1) # 1) FROM 1 FOR 1)" ;;
    *) fail "column $1 has type $2: say how to flip it" ;;
    esac
}

# change TABLE COLUMN EXPRESSION WHERE: prints where the row is now, whatever was changed.
change() {
    local ctid
    ctid=$(query $node "UPDATE $1 SET $2 = $3 WHERE $4 RETURNING ctid") || return 1
    [[ $ctid =~ ^\([0-9]+,[0-9]+\)$ ]] && echo "ctid = '$ctid'"
}

# is_found TABLE WHAT: verify-chain fails, names the table and a sequence of this block.
is_found() {
    local code=0 named seq
    apm2 --node $node ledger verify-chain --json >"$WORK/found" 2>"$WORK/found.err" || code=$?
    ((code == 1)) || fail "$2 at height $height: exit $code"
    named=$(jq -r .table "$WORK/found")
    seq=$(jq -r .seq "$WORK/found")
    [[ $named == "$1" ]] || fail "$2: it names table $named: $(<"$WORK/found")"
    ((seq >= first && seq < first + records)) ||
        fail "$2 in sequences $first..$((first + records - 1)): it names $seq"
    echo "$2: $(<"$WORK/found")" >>"$WORK/findings"
}

# row TABLE COLUMN TYPE
row() {
    local expression place
    expression=$(flipped "$2" "$3")
    place=$(change "$1" "$2" "$expression" "${where[$1]}") || fail "cannot flip $1.$2"
    is_found "$1" "$1.$2 flipped"
    change "$1" "$2" "$expression" "$place" >/dev/null || fail "cannot put $1.$2 back"
}

# Every column there is, also those of later migrations.
query $node "SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public'
    AND table_name IN ('block', 'committed', 'segment', 'bundle_index')
    ORDER BY table_name, ordinal_position" -F ' ' >"$WORK/columns"
(($(wc -l <"$WORK/columns") >= 27)) || fail "only these columns: $(<"$WORK/columns")"
while read -r table column type; do
    row "$table" "$column" "$type" </dev/null
done <"$WORK/columns"

# No signature at all is no signature.
signed=$(query $node "SELECT encode(proposal, 'hex') FROM block WHERE ${where[block]}")
unsigned="decode('${signed::-128}$(printf '%0128d' 0)', 'hex')"
change block proposal "$unsigned" "${where[block]}" >/dev/null || fail "cannot unsign a proposal"
is_found block "the proposal's signature zeroed"
change block proposal "decode('$signed', 'hex')" "${where[block]}" >/dev/null ||
    fail "cannot put the signature back"

# A row too many, and one too few.
query $node "INSERT INTO bundle_index VALUES (sha256('nothing'), $height, 1000000)"
is_found bundle_index "an invented bundle"
query $node "DELETE FROM bundle_index WHERE bundle = sha256('nothing')"
query $node "CREATE TABLE kept AS SELECT * FROM bundle_index WHERE ${where[bundle_index]};
    DELETE FROM bundle_index WHERE ${where[bundle_index]}"
is_found bundle_index "a bundle that is missing"
query $node "INSERT INTO bundle_index SELECT * FROM kept; DROP TABLE kept"

# The first of two bad places is the one that is named.
later="height = $height + 2"
outcomes=$(flipped outcomes bytea)
change committed outcomes "$outcomes" "$later" >/dev/null || fail "no block at $height + 2"
row committed outcomes bytea
change committed outcomes "$outcomes" "$later" >/dev/null || fail "cannot put outcomes back"

apm2 --node $node ledger verify-chain >"$WORK/again" ||
    fail "all bytes put back: $(head -n 1 "$WORK/again")"
assert_agreement
note "changes=$(wc -l <"$WORK/findings") height=$height sequences=$first..$((first + records - 1))"
pass
