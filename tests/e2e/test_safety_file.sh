#!/usr/bin/env bash
# The safety file lost, old, or restored. Without it a node observes and says why, and never
# signs; the cluster goes on with three. An old copy is as good as none.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

victim=n4
file=$DIR/$victim/keys/$victim.safety

signed() {
    grep -c ' event=signed ' "$DIR/$victim/log/consensus.log"
}

stop_victim() {
    apm2 dev down "$victim" >"$WORK/down" 2>&1 || fail "dev down $victim: $(<"$WORK/down")"
}

# A node that observes is not healthy: the command says so, and is not believed here.
start_victim() {
    apm2 --timeout 5s dev restart "$victim" >"$WORK/restart" 2>&1
    wait_until 30 "$victim answers" answers
}

answers() {
    [[ $(field "$victim" node_id) == "$victim" ]]
}

reason() {
    apm2 --node "$victim" consensus status --json | jq -r '.reasons[]' | grep '^observing' || true
}

has_caught_up() {
    [[ $(field "$victim" height) == $(field n1 height) ]]
}

# assert_observes WHAT PATTERN
assert_observes() {
    local before height
    wait_until 20 "$1: $victim's status says that it observes" status_has "$victim" observing true
    reason | grep -qE "$2" || fail "$1: status gives the reason \"$(reason)\""
    apm2 --node "$victim" consensus status >"$WORK/status" && fail "$1: consensus status exits 0"
    grep -q 'event=observing' "$DIR/$victim/log/consensus.log" || fail "$1: no line in the log"
    before=$(signed)
    height=$(highest)
    submit "${1// /-}" 300 --node n1
    [[ ! -s $WORK/submit-errors ]] || fail "$1: with three of four: $(<"$WORK/submit-errors")"
    height_is_above "$height" || fail "$1: the three others stopped"
    wait_until 20 "$1: $victim follows what the others commit" has_caught_up
    [[ $(signed) == "$before" ]] || fail "$1: $victim signed"
}

submit before 200
[[ $(leader) != "$victim" ]] || apm2 consensus transfer-leadership --to n1 >/dev/null
stop_victim
cp -p "$file" "$WORK/old.safety" || fail "no safety file"
mv "$file" "$WORK/current.safety"
start_victim
assert_observes "missing file" 'safety file missing'
[[ ! -e $file ]] || fail "a start made a new safety file"

# Nothing was signed meanwhile, so that the file is still the newest there is.
stop_victim
mv "$WORK/current.safety" "$file"
start_victim
wait_until 30 "$victim is healthy with its safety file back" is_healthy "$victim"
status_has "$victim" observing false || fail "$victim observes still"
before=$(signed)
for i in 1 2 3 4 5; do
    submit "signs-$i" 100
done
(($(signed) > before)) || fail "$victim signs nothing with its safety file back"

# The copy from before those signatures, over the file.
stop_victim
cp -p "$file" "$WORK/current.safety"
cp -p "$WORK/old.safety" "$file"
start_victim
assert_observes "old copy" 'rolled back|older than the database'

# Broken from end to end.
stop_victim
head -c "$(stat -c %s "$WORK/current.safety")" /dev/urandom >"$file"
start_victim
assert_observes "corrupt file" 'corrupt'

stop_victim
cp -p "$WORK/current.safety" "$file"
start_victim
wait_until 30 "$victim is healthy again" is_healthy "$victim"
assert_agreement
assert_nothing_lost
assert_no_double_signature
pass
