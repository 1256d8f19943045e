#!/usr/bin/env bash
# A node that was away while many events committed catches up, with one of its three peers
# lying to it, names the liar, and votes again; and once more with one that drips.
# E2E_BLOCKS: how many blocks of one bundle (100000 take about 8 minutes to make).
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

events=$(small_or_full 5000 50000)
singles=$(small_or_full 1000 5000)
blocks=${E2E_BLOCKS:-$(small_or_full 600 2000)}
dripped=1000
batch=20000 # of one submission
voting_max_ms=30000

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

send_away() {
    height=$(field "$away" height)
    apm2 dev down "$away" >"$WORK/down" 2>&1 || fail "dev down $away: $(<"$WORK/down")"
    ! is_healthy "$away" || fail "$away still answers"
}

# make_blocks NAME BLOCKS: bundles two at a time, the next waits while one is voted on:
# nearly always a block for each.
make_blocks() {
    local made=0 more
    until ((made >= $2)); do
        more=$(($2 - made < batch ? $2 - made : batch))
        submit "$1-$made" "$more" --window 2 --node "$witness"
        [[ ! -s $WORK/submit-errors ]] || break
        made=$(($(field "$witness" height) - height))
    done
    [[ ! -s $WORK/submit-errors ]] || fail "with three of four: $(head -n 1 "$WORK/submit-errors")"
    target=$(field "$witness" height)
    ((target > height)) || fail "height stayed at $height with three of four"
}

# lie HOW: the liar's anti-entropy is false from now on.
lie() {
    "$false_peer" "$DIR/genesis.json" "$DIR/$liar/keys/$liar.pem" "$1" 2>"$WORK/false_peer" &
    false_pid=$!
    at_exit kill "$false_pid"
}

# come_back: $line is what its anti-entropy says of having caught up.
come_back() {
    began_ms=$(now_ms)
    before=$(wc -l <"$log") # what earlier tests did to others is none of this
    apm2 dev restart "$away" >"$WORK/restart" 2>&1 ||
        fail "dev restart $away: $(tail -n 1 "$WORK/restart")"
    wait_until 120 "$away at height $target" has_caught_up "$away"
    caught_up_ms=$(($(now_ms) - began_ms))
    wait_until 10 "$away's anti-entropy saying that it has caught up" says event=caught_up
    line=$(new_lines | grep event=caught_up | tail -n 1)
    line=${line#*event=caught_up }
}

new_lines() {
    tail -n +$((before + 1)) "$log"
}

says() {
    new_lines | grep -q "$@"
}

# Rows that its tables gave without an index, ever.
rows_read_through() {
    query "$away" "SELECT sum(seq_tup_read) FROM pg_stat_user_tables
        WHERE relname IN ('block', 'committed', 'segment', 'bundle_index')" ||
        fail "$away: its statistics cannot be read"
}

# However large the tables have become, no statement reads through one.
assert_by_index() {
    local n=$(($(rows_read_through) - read_before))
    ((n <= target)) || fail "$n rows were read without an index, at height $target"
}

assert_no_honest_peer_struck() {
    local struck
    struck=$(new_lines | grep event=peer_struck | grep -v "peer=$liar ")
    [[ -z $struck ]] || fail "$away accuses an honest peer: $struck"
}

away=n2
[[ $(leader) != "$away" ]] || away=n3
witness=n1
[[ $(leader) != "$witness" ]] || witness=n4
liar=n4
[[ $witness != n4 ]] || liar=n1
log=$DIR/$away/log/anti-entropy.log
read_before=$(rows_read_through)

# ---- one of the three lies ----

send_away
first=$height
submit bundled $((events - singles)) --bundle 100 --node "$witness"
submit single "$singles" --node "$witness"
make_blocks blocks "$blocks"
missed=$(missed_votes "$away" "$witness")
((missed > 0)) || fail "$witness has not noticed that $away does not vote"

APM2_LIMIT_S=30 apm2 --node "$liar" service stop anti-entropy >"$WORK/liar" 2>&1 ||
    fail "service stop: $(<"$WORK/liar")"
at_exit apm2 --node "$liar" service start anti-entropy
lie forge
come_back
note "$line"
wait_until 10 "$away naming $liar a liar" says "event=peer_struck peer=$liar "
note "$(new_lines | grep event=peer_struck | grep -m 1 -o 'peer=.*')"
assert_no_honest_peer_struck

i=0
wait_until 30 "$away's votes in the certificates" votes_again
voting_ms=$(($(now_ms) - began_ms))
((voting_ms <= voting_max_ms)) || fail "$away voted again only after $voting_ms ms"
# A certificate needs three of the four: its vote need not be in every one.
has_voted() {
    i=$((i + 1))
    submit "voted-$i" 1 --node "$witness"
    apm2 --node "$witness" consensus validators --json |
        jq -e --arg id "$away" '.validators[] | select(.id == $id) | .has_voted' >"$WORK/voted"
}
wait_until 30 "$witness saying that $away has voted" has_voted
note "events=$events blocks=$((target - first)) caught_up_ms=$caught_up_ms voting_ms=$voting_ms" \
    "(restart of PostgreSQL included)"
kill "$false_pid" && wait "$false_pid" 2>/dev/null

# ---- one of the three drips: a block where many were asked for, a second late ----

send_away
make_blocks dripped "$dripped"
lie drip
come_back
note "$line"
assert_by_index
says 'event=caught_up .*overdue=[1-9]' || fail "nobody was late, so nobody dripped: $line"
assert_no_honest_peer_struck
kill "$false_pid" && wait "$false_pid" 2>/dev/null

assert_agreement
assert_nothing_lost
APM2_LIMIT_S=900 apm2 --node "$away" ledger verify-chain >"$WORK/verify" ||
    fail "$away: $(head -n 1 "$WORK/verify")"
pass
