#!/usr/bin/env bash
# dev up twice, a node down and up, logs, restart, and a second start within 20 s.
. "$(dirname "$0")/lib.sh"

state_of() {
    apm2 dev status --json | jq -r --arg node "$1" '.nodes[] | select(.name == $node) | .want'
}

seconds_of() {
    local began=$SECONDS
    "$@" || return
    took_s=$((SECONDS - began))
}

# Up twice: says that it is running, touches no process.
before=$(service_pid n1 consensus)
apm2 dev up --dir "$DIR" --net "$E2E_NET" >"$WORK/up" 2>&1 || fail "dev up a second time: exit $?"
grep -q "running already" "$WORK/up" || fail "dev up a second time says: $(<"$WORK/up")"
[[ $(service_pid n1 consensus) == "$before" ]] || fail "dev up a second time restarted n1"

submit before 200
hash=$(field n1 last_committed_hash)

# One node down, for good, until it is wanted again.
apm2 dev down n2 >"$WORK/down" 2>&1 || fail "dev down n2: $(<"$WORK/down")"
[[ $(state_of n2) == down && $(state_of n1) == up ]] ||
    fail "after dev down n2: $(state_of n1)/$(state_of n2)"
sleep 2
! is_healthy n2 || fail "n2 answers after dev down n2"
[[ ! -e $DIR/n2/pg/postmaster.pid ]] || fail "n2's PostgreSQL still runs"
submit three 50 --node n1
[[ ! -s $WORK/submit-errors ]] || fail "with three of four: $(<"$WORK/submit-errors")"
apm2 dev restart n2 >"$WORK/restart" 2>&1 || fail "dev restart n2: $(tail -n 1 "$WORK/restart")"
wait_until 20 "n2 healthy after dev restart n2" is_healthy n2
assert_agreement

# Logs: all, one, the last few lines.
apm2 dev logs n3 --lines 5 >"$WORK/logs" || fail "dev logs: exit $?"
grep -q "node=n3" "$WORK/logs" || fail "dev logs n3 shows no line of n3"
! grep -q "node=n1" "$WORK/logs" || fail "dev logs n3 shows lines of n1"
apm2 dev logs n9 >"$WORK/unknown" 2>&1
(($? == 64)) || fail "dev logs n9: not exit 64"

# Restart of everything, then down and a second start.
seconds_of apm2 dev restart >"$WORK/restart" 2>&1 ||
    fail "dev restart: $(tail -n 1 "$WORK/restart")"
restart_s=$took_s
wait_until 20 "all four healthy after dev restart" all_healthy
seconds_of apm2 dev down >"$WORK/down" 2>&1 || fail "dev down: $(tail -n 1 "$WORK/down")"
down_s=$took_s
[[ ! -e $DIR/apm2d.sock ]] || fail "apm2d.sock is left behind"
apm2 consensus status >"$WORK/status" 2>&1
(($? == 69)) || fail "consensus status of a cluster that is down: not exit 69"
seconds_of apm2 dev up --dir "$DIR" --net "$E2E_NET" >"$WORK/up" 2>&1 ||
    fail "second start: $(tail -n 1 "$WORK/up")"
((took_s <= 20)) || fail "second start took $took_s s"
wait_until 10 "all four healthy after the second start" all_healthy
assert_agreement
[[ $(query n1 "SELECT count(*) FROM block_v1 WHERE block = '\\x$hash'") == 1 ]] ||
    fail "the block committed before the stop is gone"
assert_nothing_lost
note "second_start_s=$took_s down_s=$down_s restart_s=$restart_s"
pass
