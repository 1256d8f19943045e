#!/usr/bin/env bash
# A validator that breaks the rules, one run for each fault: each ends as the right evidence
# on every honest node, and nobody honest is accused. A cluster of its own: the liar's keys
# have signed what no honest validator can explain.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

hostile=${E2E_HOSTILE:-$(dirname "$APM2_BIN")/../../tests/e2e/hostile}
[[ -x $hostile ]] || fail "$hostile is not built"
liar=n4
HONEST=(n1 n2 n3)
DIR=$WORK/c
net=${E2E_NET%.*}.$((${E2E_NET##*.} + 1))

# Spawned by this test: ended by it.
at_exit "$APM2_BIN" dev down --dir "$DIR"
"$APM2_BIN" dev up --dir "$DIR" --net "$net" >"$WORK/up" 2>&1 ||
    fail "dev up: $(tail -n 1 "$WORK/up")"

evidence() {
    apm2 --node "$1" consensus byzantine-evidence list --fault-type "$2" | jq -c "$3"
}

# The ids of one fault on a node, and whom it names.
ids() {
    evidence "$1" "$2" '[.evidence[].id] | sort'
}

named() {
    apm2 --node "$1" consensus byzantine-evidence list --json |
        jq -r '.evidence[].validator_id' | sort -u
}

# A row a minute: what goes on into the next one has two.
has_some() {
    (($(evidence "$1" "$2" '.evidence | length') >= 1))
}

has_n() {
    [[ $(evidence "$1" "$2" '.evidence | length') == "$3" ]]
}

tell_lies() {
    "$hostile" "$DIR/genesis.json" "$DIR/$liar/keys/$liar.pem" "$@" >"$WORK/hostile-$1" 2>&1 ||
        fail "hostile $1: $(<"$WORK/hostile-$1")"
}

# Every honest node has N of them within 10 s of the offence, under the same ids, with the
# same bytes.
assert_everywhere() {
    local fault=$1 n=$2 node since
    since=$(now_ms)
    for node in "${HONEST[@]}"; do
        wait_until 10 "$n of $fault on $node" has_n "$node" "$fault" "$n"
        ids "$node" "$fault"
    done | sort -u >"$WORK/$fault.ids"
    [[ $(wc -l <"$WORK/$fault.ids") == 1 ]] || fail "$fault: nodes list different ids"
    note "${fault}_everywhere_ms=$(($(now_ms) - since))"
    for node in "${HONEST[@]}"; do
        for id in $(evidence "$node" "$fault" '.evidence[].id' | tr -d '"'); do
            apm2 --node "$node" consensus byzantine-evidence show "$id" --json |
                jq -r '"\(.id) \(.record)"'
        done | sort >"$WORK/$fault.$node"
        cmp -s "$WORK/$fault.$node" "$WORK/$fault.n1" ||
            fail "$fault: n1 and $node hold different records"
    done
}

verify() {
    apm2 consensus byzantine-evidence verify "$@"
}

# Exported anywhere, verified with genesis alone; no changed byte passes. (All bytes of the
# record itself: tests/unit/test_evidence_record.c.)
assert_verifies() {
    local fault=$1 id file=$WORK/$1.json size i
    id=$(jq -r '.[0]' "$WORK/$fault.ids")
    rm -f "$file"
    apm2 --node n2 consensus byzantine-evidence export "$id" --output "$file" ||
        fail "$fault: export"
    (cd / && "$APM2_BIN" consensus byzantine-evidence verify "$file" \
        --genesis "$DIR/genesis.json" >"$WORK/verify.$fault") || fail "$fault: verify says no"
    grep -q "valid: $fault by $liar" "$WORK/verify.$fault" ||
        fail "$fault: verify says $(<"$WORK/verify.$fault")"
    size=$(stat -c %s "$file")
    for ((i = 0; i < size; i += size / 25)); do
        cp "$file" "$file.bad"
        flip "$file.bad" "$i"
        ! verify "$file.bad" --genesis "$DIR/genesis.json" >"$WORK/flipped" ||
            fail "$fault: byte $i changed, and it still verifies"
    done
}

# flip FILE OFFSET: changes the lowest bit of one byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf '%b' "\\x$(printf '%x' $((byte ^ 1)))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Seen by those it was sent to, named by its session; proves nothing to others.
assert_sighted() {
    local fault=$1 node id file=$WORK/$1.json
    for node in "${HONEST[@]}"; do
        wait_until 10 "$fault on $node" has_some "$node" "$fault"
        [[ $(evidence "$node" "$fault" '.evidence[0] | [.validator_id, .attributable]') == \
            "[\"$liar\",false]" ]] || fail "$node: $fault is $(evidence "$node" "$fault" .)"
    done
    id=$(evidence n1 "$fault" '.evidence[0].id' | tr -d '"')
    apm2 --node n1 consensus byzantine-evidence export "$id" --output "$file" ||
        fail "$fault: export"
    verify "$file" --genesis "$DIR/genesis.json" >"$WORK/verify.$fault"
    [[ $? == 1 ]] || fail "$fault: verify exits otherwise than with 1"
    grep -q "not attributable" "$WORK/verify.$fault" ||
        fail "$fault: verify says $(<"$WORK/verify.$fault")"
}

unacknowledged() {
    curl -s "http://$net.${1#n}:9474/metrics" |
        awk '/^apm2_byzantine_evidence_unacknowledged/ { print $2 }'
}

counted() {
    curl -s "http://$net.${1#n}:9474/metrics" |
        awk -v fault="fault_type=\"$2\"" \
            '/^apm2_byzantine_evidence_total/ && index($0, fault) { print $2 }'
}

submit warm 200
apm2 dev down "$liar" >"$WORK/down" 2>&1 || fail "dev down $liar: $(<"$WORK/down")"

# What honest validators send twice is no offence.
tell_lies honest 3
submit quiet 200
for node in "${HONEST[@]}"; do
    [[ -z $(named "$node") ]] || fail "$node has evidence where nobody did wrong"
done

tell_lies equivocation
assert_everywhere equivocation 3
assert_verifies equivocation

# What one node alone was told the others learn over the data plane, and check it.
tell_lies lonely
assert_everywhere equivocation 4

# No node alone hears both votes of a rank: each tells the others what lost, and they pair.
read -r term seq < <(query n1 "SELECT term, seq FROM block_v1 ORDER BY height DESC LIMIT 1" -F ' ')
tell_lies split "$term" "$seq"
submit split 30 --bundle 1 --window 1
has_pairs() {
    (($(evidence "$1" equivocation '.evidence | length') > 4))
}
for node in "${HONEST[@]}"; do
    wait_until 10 "an equivocation that nobody heard whole, on $node" has_pairs "$node"
done
have_same_ids() {
    [[ $(for node in "${HONEST[@]}"; do ids "$node" equivocation; done | sort -u | wc -l) == 1 ]]
}
wait_until 10 "the same equivocations on all" have_same_ids
equivocations=$(evidence n1 equivocation '.evidence | length')
note "equivocations=$equivocations"

# While the monitor is away its consensus keeps what it saw.
apm2 --node n1 service stop byzantine-monitor >"$WORK/stop" 2>&1 ||
    fail "service stop: $(<"$WORK/stop")"
tell_lies quorum_forgery
apm2 --node n1 service start byzantine-monitor >"$WORK/start" 2>&1 ||
    fail "service start: $(<"$WORK/start")"
assert_everywhere quorum_forgery 1
assert_verifies quorum_forgery

tell_lies invalid_signature
assert_sighted invalid_signature
tell_lies replay 8
assert_sighted replay

# Consensus went on all the while.
submit after 200
for node in "${HONEST[@]}"; do
    [[ $(named "$node") == "$liar" ]] || fail "$node accuses $(named "$node" | tr '\n' ' ')"
done

# Acknowledged, with a reason: no longer open, still listed, also after a restart.
before=$(unacknowledged n1)
id=$(jq -r '.[0]' "$WORK/quorum_forgery.ids")
apm2 --node n1 consensus byzantine-evidence ack "$id" --reason "removed, ticket 7" \
    >"$WORK/ack" || fail "ack: $(<"$WORK/ack")"
[[ $(unacknowledged n1) == $((before - 1)) ]] ||
    fail "unacknowledged after an ack: $before, then $(unacknowledged n1)"
kill_service n1 byzantine-monitor >/dev/null
monitor_is_back() {
    [[ $(unacknowledged n1) == $((before - 1)) && $(counted n1 equivocation) == "$equivocations" ]]
}
wait_until 15 "the same counts after kill -9 of the monitor" monitor_is_back
[[ $(apm2 --node n1 consensus byzantine-evidence show "$id" --json | jq -r .reason) == \
    "removed, ticket 7" ]] || fail "the reason is lost"
note "unacknowledged=$((before - 1))"
pass
