#!/usr/bin/env bash
# A full disk under one node's database: said clearly, nothing lost, the cluster goes on,
# the node recovers by itself when there is space again.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

victim=n4
pg=$DIR/$victim/pg

((EUID == 0)) || skip "needs root for a small file system"
mkdir -p "$WORK/try"
mount -t tmpfs -o size=1m apm2-e2e "$WORK/try" 2>"$WORK/mount" || skip "no tmpfs: $(<"$WORK/mount")"
umount "$WORK/try"

back_to_disk() {
    apm2 dev down "$victim"
    if mountpoint -q "$pg"; then
        rm -rf "$WORK/pg.saved"
        cp -a "$pg" "$WORK/pg.saved"
        umount "$pg" && rm -rf "$pg" && mv "$WORK/pg.saved" "$pg"
    fi
    apm2 dev restart "$victim"
}

is_full() {
    [[ $(df --output=avail "$pg" | tail -n 1) -lt 64 ]]
}

says_why() {
    apm2 --node "$victim" consensus status --json |
        jq -r '.reasons[]' | grep -qE 'database|No space'
}

has_caught_up() {
    [[ $(field "$victim" height) == $(field n1 height) ]]
}

if [[ $(leader) == "$victim" ]]; then
    apm2 consensus transfer-leadership --to n1 >/dev/null
    sleep 1
fi
apm2 dev down "$victim" >/dev/null 2>&1 || fail "dev down $victim: exit $?"
used_kib=$(du -sk "$pg" | cut -f1)
mv "$pg" "$WORK/pg.before"
mkdir "$pg"
at_exit back_to_disk
mount -t tmpfs -o "size=$((used_kib + 40960))k,mode=700" apm2-e2e "$pg" || fail "mount"
chown --reference="$WORK/pg.before" "$pg"
cp -a "$WORK/pg.before/." "$pg/"
rm -rf "$WORK/pg.before"
apm2 dev restart "$victim" >"$WORK/restart" 2>&1 || fail "on tmpfs: $(tail -n 1 "$WORK/restart")"
wait_until 20 "$victim healthy on a small file system" is_healthy "$victim"

load_start singles 1000 --node n1
gap_start
sleep 1
# All that is left goes at once: the next block does not fit.
head -c 1G /dev/zero >"$pg/ballast" 2>/dev/null
is_full || fail "the file system is not full"
wait_until 40 "$victim says that its database has no space" says_why
grep -hE 'level=(warn|error).*(No space left|no space left|NO_SPACE)' \
    "$DIR/$victim/log/consensus.log" >"$WORK/lines" ||
        fail "no line in $victim's log names the full disk"
sleep 3
gap=$(gap_stop)
load_stop singles
((gap <= 5000)) || fail "no commit for $gap ms while $victim's disk was full"

rm -f "$pg/ballast"
began_ms=$(now_ms)
wait_until 90 "$victim healthy once there is space" is_healthy "$victim"
wait_until 60 "$victim has caught up" has_caught_up
recovered_ms=$(($(now_ms) - began_ms))
assert_agreement
assert_nothing_lost
assert_no_double_signature
apm2 --node "$victim" ledger verify-chain >"$WORK/verify" ||
    fail "$victim: $(head -n 1 "$WORK/verify")"
note "gap_ms=$gap recovered_ms=$recovered_ms" \
    "said: $(sed 's/.*event=/event=/' "$WORK/lines" | head -n 1)"
pass
