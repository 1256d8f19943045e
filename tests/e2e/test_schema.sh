#!/usr/bin/env bash
# The schema registry: what is in force is what genesis binds, everywhere alike; a stored
# text that was tampered with ends the service and nobody else; its siblings need it not.
# And an actor's key is rotated: the old one is never good again.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

serves_schemas() {
    apm2 --node "$1" schema list --json >/dev/null 2>&1
}

has_row() {
    [[ $(query n4 "SELECT count(*) FROM schema_text WHERE type = 'LeaseIssued'") == 1 ]]
}

# ---- listed and served ----

for node in "${NODES[@]}"; do
    wait_until 20 "$node's registry" serves_schemas "$node"
    apm2 --node "$node" schema list --json | jq -S .schemas >"$WORK/$node"
    cmp -s "$WORK/n1" "$WORK/$node" || fail "$node lists other schemas than n1"
done
jq -r '.[] | "\(.type) \(.digest)"' "$WORK/n1" | sort >"$WORK/listed"
jq -r '.schemas[] | "\(.type) \(.digest)"' "$DIR/genesis.json" | sort >"$WORK/bound"
[[ -s $WORK/listed ]] || fail "no schemas"
diff "$WORK/listed" "$WORK/bound" >&2 || fail "not what genesis binds"

digest=$(awk '$1 == "LeaseIssued" { print $2 }' "$WORK/listed")
by_type=$(apm2 schema show LeaseIssued) || fail "schema show LeaseIssued: exit $?"
[[ $(jq -r .title <<<"$by_type") == LeaseIssued ]] || fail "schema show: $by_type"
[[ $(apm2 schema show "$digest") == "$by_type" ]] || fail "by digest another schema than by type"
apm2 schema show Nonesuch >"$WORK/none" 2>&1
code=$?
((code == 1)) || fail "an unknown schema: exit $code"
grep -q "apm2 schema list" "$WORK/none" || fail "no next command: $(<"$WORK/none")"

# ---- a tampered row ----

query n4 "UPDATE schema_text SET text = replace(text, '256', '257') WHERE type = 'LeaseIssued'"
apm2 service restart schema-registry --node n4 >/dev/null 2>&1
wait_until 30 "the refusal" grep -q "schema_text: the text of LeaseIssued" \
    "$DIR/n4/log/schema-registry.log"
status_has n4 health healthy || fail "n4's consensus minds"
query n4 "DELETE FROM schema_text WHERE type = 'LeaseIssued'"
apm2 service restart schema-registry --node n4 >/dev/null 2>&1
wait_until 30 "the registry of n4" serves_schemas n4
wait_until 10 "its row again" has_row

# ---- an actor's key ----

apm2 key new --output "$WORK/a.pem" >/dev/null || fail "key new: exit $?"
apm2 capability grant rotated-test --grantee "$WORK/a.pem" --right 'lease/*' >/dev/null ||
    fail "grant: exit $?"
apm2 lease issue rotated/r --holder x --ttl 60s --key "$WORK/a.pem" >/dev/null ||
    fail "issue: exit $?"
apm2 key rotate --key "$WORK/a.pem" --output "$WORK/b.pem" >/dev/null 2>&1 ||
    fail "rotate: exit $?"
apm2 lease release rotated/r --key "$WORK/a.pem" >"$WORK/old" 2>&1
code=$?
((code == 1)) || fail "the old key: exit $code"
grep -q KEY_ROTATED_AWAY "$WORK/old" || fail "the old key: $(<"$WORK/old")"
apm2 lease release rotated/r --key "$WORK/b.pem" >/dev/null || fail "the new key: exit $?"
[[ $(apm2 key show "$WORK/a.pem" --json | jq -r '.actors[0].state') == rotated ]] ||
    fail "key show says otherwise"

# Lost: who granted it all rotates it.
apm2 key rotate --actor "$WORK/b.pem" --output "$WORK/c.pem" >/dev/null 2>&1 ||
    fail "rotating another's key: exit $?"
apm2 lease issue rotated/s --holder x --ttl 60s --key "$WORK/c.pem" >/dev/null ||
    fail "issue with the third key: exit $?"
assert_agreement
pass
