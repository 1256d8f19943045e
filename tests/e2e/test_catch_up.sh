#!/usr/bin/env bash
# A node that was away while many events committed catches up, with one of its three peers
# lying to it, names the liar, and votes again. E2E_BLOCKS: how many blocks of one bundle.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

events=$(small_or_full 5000 50000)
singles=$(small_or_full 1000 5000)
blocks=${E2E_BLOCKS:-$(small_or_full 600 2000)}

false_peer=${APM2_BIN%/services/cli/apm2}/tests/e2e/false_peer

missed_votes() {
    apm2 --node "$2" consensus validators --json |
        jq --arg id "$1" '.validators[] | select(.id == $id) | .missed_votes'
}

has_caught_up() {
    (($(field "$1" executed_height) >= target)) 2>/dev/null
}

# Its vote is missing from no certificate of a whole submission.
votes_again() {
    local before
    i=$((i + 1))
    before=$(missed_votes "$away" "$witness")
    submit "voting-$i" 20 --node "$witness"
    (($(missed_votes "$away" "$witness") - before < 5))
}

away=n2
[[ $(leader) != "$away" ]] || away=n3
witness=n1
[[ $(leader) != "$witness" ]] || witness=n4

height=$(field "$away" height)
apm2 dev down "$away" >"$WORK/down" 2>&1 || fail "dev down $away: $(<"$WORK/down")"
! is_healthy "$away" || fail "$away still answers"
submit bundled $((events - singles)) --bundle 100 --node "$witness"
submit single "$singles" --node "$witness"
# One at a time: a block for each.
submit blocks "$blocks" --window 1 --node "$witness"
[[ ! -s $WORK/submit-errors ]] || fail "with three of four: $(head -n 1 "$WORK/submit-errors")"
target=$(field "$witness" height)
((target > height)) || fail "height stayed at $height with three of four"
missed=$(missed_votes "$away" "$witness")
((missed > 0)) || fail "$witness has not noticed that $away does not vote"

# ---- one of the three lies ----

liar=n4
[[ $witness != n4 ]] || liar=n1
APM2_LIMIT_S=30 apm2 --node "$liar" service stop anti-entropy >"$WORK/liar" 2>&1 ||
    fail "service stop: $(<"$WORK/liar")"
at_exit apm2 --node "$liar" service start anti-entropy
"$false_peer" "$DIR/genesis.json" "$DIR/$liar/keys/$liar.pem" forge 2>"$WORK/false_peer" &
false_pid=$!
at_exit kill "$false_pid"

began_ms=$(now_ms)
log=$DIR/$away/log/anti-entropy.log
before=$(wc -l <"$log") # what earlier tests did to others is none of this
apm2 dev restart "$away" >"$WORK/restart" 2>&1 ||
    fail "dev restart $away: $(tail -n 1 "$WORK/restart")"
wait_until 120 "$away at height $target" has_caught_up "$away"
caught_up_ms=$(($(now_ms) - began_ms))
wait_until 10 "$away's anti-entropy saying that it has caught up" grep -q event=caught_up "$log"
line=$(grep event=caught_up "$log" | tail -n 1)
is_named() {
    tail -n +$((before + 1)) "$log" | grep event=peer_struck | grep -q "peer=$liar "
}
wait_until 10 "$away naming $liar a liar" is_named
struck=$(tail -n +$((before + 1)) "$log" | grep event=peer_struck | grep -v "peer=$liar ")
[[ -z $struck ]] || fail "$away accuses an honest peer: $struck"
kill "$false_pid" && wait "$false_pid" 2>/dev/null
note "liar=$liar named; ${line#*event=caught_up }"

i=0
wait_until 30 "$away's votes in the certificates" votes_again
voting_ms=$(($(now_ms) - began_ms))
# A certificate needs three of the four: its vote need not be in every one.
has_voted() {
    i=$((i + 1))
    submit "voted-$i" 1 --node "$witness"
    apm2 --node "$witness" consensus validators --json |
        jq -e --arg id "$away" '.validators[] | select(.id == $id) | .has_voted' >"$WORK/voted"
}
wait_until 30 "$witness saying that $away has voted" has_voted

assert_agreement
assert_nothing_lost
apm2 --node "$away" ledger verify-chain >"$WORK/verify" || fail "$away: $(head -n 1 "$WORK/verify")"
note "events=$events blocks=$((target - height)) caught_up_ms=$caught_up_ms voting_ms=$voting_ms" \
    "(restart of PostgreSQL included)"
pass
