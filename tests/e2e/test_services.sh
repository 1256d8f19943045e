#!/usr/bin/env bash
# Each service of a node under load: killed, paused for 10 s, silent until the watchdog ends
# it, restarted. Siblings keep their pids, commits go on, it returns, nothing acknowledged
# is lost.
#
# `small` does every service on one node each, pauses at the same time; `full` (or --full)
# every service of every node, one after the other.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"
[[ ${1-} != --full ]] || E2E_SCALE=full

pause_s=10
silent_s=16 # apm2d gives a silent service 15 s
gap_max_ms=5000

# ---- what runs ----

# "NODE/SERVICE PID STATE" of every service.
services() {
    apm2 service list --json | jq -r '.nodes[] | .name as $node | .services[] |
        "\($node)/\(.service) \(.pid) \(.state)"'
}

pid_of() {
    services | awk -v it="$1" '$1 == it { print $2 }'
}

is_up_anew() {
    services | grep -q "^$1 [1-9][0-9]* up$" && [[ $(pid_of "$1") != "$2" ]]
}

mapfile -t all < <(services | awk '{ print $1 }')
((${#all[@]} == 20)) || fail "not five services of four nodes: ${all[*]}"

# Whoever is not named has the same process as before.
assert_others_kept() {
    local targets=$1 before=$2
    diff <(grep -vE "^($targets) " <<<"$before" | cut -d' ' -f1,2) \
        <(services | grep -vE "^($targets) " | cut -d' ' -f1,2) >"$WORK/diff" ||
        fail "$targets: another service changed: $(grep '^[<>]' "$WORK/diff" | tr '\n' ' ')"
}

# ---- commits ----

# The longest pause between two commits that touches FROM_MS to TO_MS.
gap_between() {
    awk -v from="$1" -v to="$2" '
        NR > 1 && $1 >= from && last <= to && $1 - last > max { max = $1 - last }
        { last = $1 }
        END { print max + 0 }' "$WORK/gap"
}

# row TARGET ACTION BEGAN_MS BACK_MS: one line of the table, once commits have gone on.
row() {
    local target=$1 action=$2 began_ms=$3 back_ms=$4 height gap
    height=$(highest)
    wait_until 30 "$action of $target: commits go on" height_is_above "$height"
    sleep 0.3 # the last line of the gap file
    gap=$(gap_between "$began_ms" "$(now_ms)")
    printf '%-22s %-9s %6s ms %6s ms\n' "$target" "$action" "$back_ms" "$gap" >>"$WORK/table"
    ((gap <= gap_max_ms)) || fail "$action of $target: no commit for $gap ms"
}

# ---- load ----

# A submission waits for the node it went to, and all others with the same key for it: so
# that there is something to commit, they go to a node that is left alone.
load_away_from() {
    local i=${1#n}
    echo "n$((i % 4 + 1))" >"$WORK/load.node"
    sleep 1 # until what is under way is through
}

load_loop_elsewhere() {
    local i=0
    trap - EXIT
    while [[ ! -e $WORK/load.stop && ! -e $WORK/stop ]]; do
        i=$((i + 1))
        submit "singles-$i" 150 --node "$(<"$WORK/load.node")"
        submit "bundles-$i" 400 --bundle 20 --node "$(<"$WORK/load.node")"
    done
}

# ---- what is done to them ----

# A validator that was away has to be well again before another may be taken.
settle() {
    wait_until 60 "all four healthy before the next one" all_healthy
}

disturb() {
    local target=$1 action=$2 began_ms back_ms before old
    load_away_from "${target%/*}"
    settle
    before=$(services)
    old=$(awk -v it="$target" '$1 == it { print $2 }' <<<"$before")
    began_ms=$(now_ms)
    "do_$action" "$target" "$old"
    back_ms=$(($(now_ms) - began_ms))
    assert_others_kept "$target" "$before"
    row "$target" "$action" "$began_ms" "$back_ms"
}

do_kill() {
    kill -9 "$2" || fail "$1 has no process $2"
    wait_until 15 "$1 returns after kill -9" is_up_anew "$1" "$2"
}

do_restart() {
    apm2 service restart "${1#*/}" --node "${1%/*}" --json >"$WORK/restart.json" ||
        fail "service restart ${1#*/} --node ${1%/*}: exit $?"
    is_up_anew "$1" "$2" || fail "$1 is not up with a new process after service restart"
    jq '.services[0].elapsed_ms' "$WORK/restart.json" >>"$WORK/restart_ms"
}

do_pause() {
    kill -STOP "$2" || fail "$1 has no process $2"
    sleep "$pause_s"
    kill -CONT "$2"
    [[ $(pid_of "$1") == "$2" ]] || fail "$1 was not left alone for $pause_s s"
}

do_silence() {
    kill -STOP "$2" || fail "$1 has no process $2"
    sleep "$silent_s"
    wait_until 15 "$1 returns after the watchdog ended it" is_up_anew "$1" "$2"
    [[ $(apm2 service list --node "${1%/*}" --json | jq -r --arg it "${1#*/}" \
        '.nodes[0].services[] | select(.service == $it) | .last_exit') == "silent, killed" ]] ||
        fail "$1: its end is not called silent"
}

# pause_all TARGET...: at the same time; at most one of them, the first, a validator.
pause_all() {
    local before began_ms target pids=()
    load_away_from "${1%/*}"
    settle
    before=$(services)
    for target in "$@"; do
        pids+=("$(awk -v it="$target" '$1 == it { print $2 }' <<<"$before")")
    done
    began_ms=$(now_ms)
    kill -STOP "${pids[@]}" || fail "pausing $*: no such process"
    sleep "$pause_s"
    kill -CONT "${pids[@]}"
    assert_others_kept none "$before"
    for target in "$@"; do
        row "$target" pause "$began_ms" $((pause_s * 1000))
    done
}

# ---- the run ----

# For small: the first service on n1, the second on n2, ...
sample=()
for i in "${!all[@]}"; do
    [[ ${all[i]%%/*} == n1 ]] || continue
    sample+=("${NODES[${#sample[@]} % 4]}/${all[i]#*/}")
done
silenced=${sample[${#sample[@]} - 1]}

load_away_from n1
load_loop_elsewhere &
loop=$!
gap_start
if [[ $E2E_SCALE == full ]]; then
    for target in "${all[@]}"; do
        for action in kill pause restart; do
            disturb "$target" "$action"
        done
    done
    for target in "${sample[@]}"; do
        disturb "$target" silence
    done
else
    for target in "${sample[@]}"; do
        disturb "$target" kill
        disturb "$target" restart
    done
    pause_all "${sample[@]}"
    disturb "$silenced" silence
fi
settle
touch "$WORK/load.stop"
wait "$loop"
[[ ! -s $WORK/submit-errors ]] || fail "submitting failed: $(head -n 1 "$WORK/submit-errors")"
gap=$(gap_stop)

printf '%-22s %-9s %9s %9s\n' SERVICE ACTION "BACK IN" "GAP"
cat "$WORK/table"
assert_agreement
assert_nothing_lost
assert_no_double_signature
note "disturbed=$(wc -l <"$WORK/table") longest_gap_ms=$gap" \
    "longest_restart_ms=$(sort -n "$WORK/restart_ms" | tail -n 1)" \
    "totals=$(submitted_totals | tr ' ' /)"
pass
