#!/usr/bin/env bash
# apm2d as on a host of its own: one node from its settings file, under a supervisor that
# speaks sd_notify. What it says, whom it restarts, how it ends; two of anything; a
# database that is away.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

node=n4
config=$DIR/$node/apm2.yaml
run_dir=$DIR/$node/run
apm2d=$(dirname "$APM2_BIN")/../apm2d/apm2d
[[ -x $apm2d ]] || apm2d=$(dirname "$APM2_BIN")/apm2d
said=$WORK/said
out=$WORK/apm2d.log

# Whatever becomes of the test, the cluster's own apm2d has the node again.
give_back() {
    [[ ! -s $WORK/pid ]] || kill -9 "$(<"$WORK/pid")"
    sleep 0.5
    apm2 service start --node "$node"
}

"$E2E_HERE/notified.py" "$WORK/notify" >>"$said" &
at_exit kill $!
at_exit give_back
wait_until 5 "a notify socket" test -S "$WORK/notify"

start() {
    : >"$said"
    : >"$out"
    NOTIFY_SOCKET=$WORK/notify "$apm2d" --config "$config" >"$out" 2>&1 &
    echo $! >"$WORK/pid"
}

# ends SECONDS: the exit code of apm2d.
ends() {
    local pid code=0
    pid=$(<"$WORK/pid")
    timeout "$1" tail --pid="$pid" -f /dev/null || fail "apm2d does not end within $1 s"
    wait "$pid" || code=$?
    : >"$WORK/pid"
    return "$code"
}

children() {
    pgrep -P "$(<"$WORK/pid")" | sort
}

all_there() {
    (($(children | wc -l) == n))
}

child_named() {
    pgrep -P "$(<"$WORK/pid")" -f "apm2-$1 "
}

heard() {
    grep -q "$1" "$said"
}

logged() {
    grep -q "$1" "$out"
}

apm2 service stop --node "$node" >"$WORK/stop" || fail "service stop --node $node: exit $?"
[[ $(apm2 service list --node "$node" --json | jq '[.nodes[0].services[].pid] | add') == 0 ]] ||
    fail "services run after service stop"

# Ready, once all are; then a status line and the watchdog's food.
start
wait_until 20 "READY=1" heard '^READY=1$'
n=$(children | wc -l)
((n == 5)) || fail "apm2d has $n children"
wait_until 10 "the status line" heard "^STATUS=$n/$n up; height [0-9]*; term"
wait_until 20 "$node healthy under its own apm2d" is_healthy "$node"
fed=$(grep -c '^WATCHDOG=1$' "$said")
sleep 3
(($(grep -c '^WATCHDOG=1$' "$said") >= fed + 2)) || fail "the watchdog is not fed"
[[ -S $run_dir/apm2d.sock ]] || fail "no control socket in the run directory"

# One dies, the others do not notice.
victim=$(child_named metrics-exporter)
before=$(children)
kill -9 "$victim"
wait_until 10 "a new process for the one that was killed" logged "event=crash .*killed by signal 9"
wait_until 10 "as many children as before" all_there
[[ $(comm -12 <(echo "$before") <(children) | wc -l) == $((n - 1)) ]] ||
    fail "more than the killed child changed"

# Two of anything.
code=0
"$apm2d" --config "$config" >"$WORK/second" 2>&1 || code=$?
((code == 75)) || fail "a second apm2d: exit $code, not 75"
grep -q "event=cannot_lock .*holder=$(<"$WORK/pid")" "$WORK/second" ||
    fail "a second apm2d says: $(tail -n 1 "$WORK/second")"
for program in $(children | xargs -I{} readlink /proc/{}/exe); do
    code=0
    timeout 20 "$program" --config "$config" >"$WORK/second" 2>&1 || code=$?
    ((code == 75)) || fail "a second ${program##*/}: exit $code, not 75"
    grep -q "event=run_dir_locked .*holder_pid=[1-9]" "$WORK/second" ||
        fail "a second ${program##*/} says: $(tail -n 1 "$WORK/second")"
done

# Settings are read again by all of them.
kill -HUP "$(<"$WORK/pid")"
reloaded() {
    (($(grep -c 'event=reloaded' "$out") >= n))
}
wait_until 5 "every service reads its settings again" reloaded
[[ $(children | wc -l) == "$n" ]] || fail "a child died of SIGHUP"

# Drained, and said so.
kill -TERM "$(<"$WORK/pid")"
ends 15 || fail "apm2d after SIGTERM: exit $?"
heard '^STOPPING=1$' || fail "no STOPPING=1"
heard '^STATUS=stopping; left: ' || fail "no work left shown: $(tail -n 1 "$said")"
[[ ! -e $run_dir/apm2d.sock && ! -e $run_dir/apm2d.notify ]] || fail "sockets are left behind"

# The database is away: services run, say so, and are well once it is back.
apm2 dev down "$node" >/dev/null || fail "dev down $node"
start
# The exporter needs none.
for program in $(children | xargs -I{} readlink /proc/{}/exe | grep -v metrics-exporter); do
    wait_until 20 "${program##*/} says that it waits for its database" \
        logged "service=${program##*/} .*event=not_ready"
done
! logged event=given_up || fail "given up without a database: $(grep given_up "$out")"
! is_healthy "$node" || fail "$node calls itself healthy without its database"
kill -TERM "$(<"$WORK/pid")"
ends 15 || fail "apm2d without a database after SIGTERM: exit $?"

# A second SIGTERM: at once, children and all.
start
wait_until 5 "children" all_there
last=$(children | tr '\n' ' ')
wait_until 20 "all of them ready" heard '^READY=1$'
paused=$(child_named metrics-exporter) # so that the drain cannot be over too soon
kill -STOP "$paused"
kill -TERM "$(<"$WORK/pid")"
sleep 1
kill -TERM "$(<"$WORK/pid")"
ends 3 && fail "apm2d after a second SIGTERM: exit 0"
kill -CONT "$paused"
gone() {
    # shellcheck disable=SC2086 # one word per pid
    ! kill -0 $last 2>/dev/null
}
wait_until 15 "the children end with it" gone

apm2 dev restart "$node" >"$WORK/restart" 2>&1 || fail "dev restart: $(tail -n 1 "$WORK/restart")"
wait_until 20 "all four healthy afterwards" all_healthy
pass
