#!/usr/bin/env bash
# Observations put on one node are on all four: at once, after a node was away, and after
# kill -9 of the services that carry them.
# shellcheck disable=SC2317 # functions are called by wait_until
. "$(dirname "$0")/lib.sh"

n=$(small_or_full 40 400)

put() {
    apm2 --node "$1" observe put --kind "$2" --id "$3" "$4" --json 2>>"$WORK/put-errors"
}

# "author seq" of a kind's records on a node, in an order of their own.
seen() {
    apm2 --node "$1" observe list --kind "$2" --json 2>/dev/null |
        jq -r '.observations[] | "\(.author) \(.seq) \(.id)"' | sort
}

all_have() {
    local node
    for node in "${NODES[@]}"; do
        (($(seen "$node" "$1" | wc -l) == $2)) || return 1
    done
}

feeds_digest() {
    query "$1" "SELECT md5(string_agg(encode(feed, 'hex') || size || encode(root, 'hex'), ','
        ORDER BY feed)) FROM feed_v1"
}

is_one_digest() {
    local node
    for node in "${NODES[@]}"; do
        feeds_digest "$node"
    done | sort -u | wc -l | grep -qx 1
}

# ---- at once ----

answer=$(put n1 Once first '{"text":"h\u00e9","n":-7,"list":[true,null]}') ||
    fail "put: $(<"$WORK/put-errors")"
feed=$(jq -r .feed <<<"$answer")
seq=$(jq -r .seq <<<"$answer")
wait_until 10 "the record on all four nodes" all_have Once 1
for node in "${NODES[@]}"; do
    got=$(apm2 --node "$node" observe get "$feed" "$seq" | jq -Sc .payload) || fail "$node: get"
    [[ $got == '{"list":[true,null],"n":-7,"text":"hé"}' ]] || fail "$node: payload $got"
done

# ---- what is refused, and how ----

refused() {
    local want=$1 code=0
    shift
    apm2 "$@" >"$WORK/refused" 2>&1 || code=$?
    ((code == want)) || fail "exit $code, not $want: $* : $(<"$WORK/refused")"
}
refused 64 --node n1 observe put --kind 'no name!' 1
refused 64 --node n1 observe put --kind Note 'not json'
refused 64 --node n1 observe put --kind Note 1.5
refused 64 --node n1 observe put 1
refused 1 --node n1 observe get "$feed" 99999
refused 64 --node n1 observe get "$feed" 0

# ---- a node away and back ----

apm2 dev down n3 >"$WORK/down" 2>&1 || fail "dev down n3: $(<"$WORK/down")"
for ((i = 0; i < n; i++)); do
    put "n$((i % 2 + 1))" Away "$i" "$i" >/dev/null || fail "put: $(tail -n 1 "$WORK/put-errors")"
done
apm2 dev restart n3 >"$WORK/restart" 2>&1 || fail "dev restart n3: $(tail -n 1 "$WORK/restart")"
began_ms=$(now_ms)
wait_until 40 "$n records on all four after n3 was away" all_have Away "$n"
note "records=$n back_ms=$(($(now_ms) - began_ms))"

# ---- kill -9 in the middle ----

acknowledged=0
for ((i = 0; i < n; i++)); do
    ((i % 10 != 5)) || kill_service "n$((i / 10 % 4 + 1))" anti-entropy >/dev/null
    if put n1 Killed "$i" "$i" >>"$WORK/killed"; then
        acknowledged=$((acknowledged + 1))
    else
        sleep 0.2
    fi
done
((acknowledged > 0)) || fail "nothing was acknowledged"
killed_have_all() {
    local node seq
    for node in "${NODES[@]}"; do
        seen "$node" Killed | awk '{ print $2 }' | sort >"$WORK/there"
        jq -r .seq "$WORK/killed" | sort | comm -23 - "$WORK/there" | grep -q . && return 1
    done
    return 0
}
wait_until 60 "all $acknowledged acknowledged records on all four" killed_have_all
wait_until 60 "one digest of all feeds on all four" is_one_digest
note "acknowledged=$acknowledged of $n through kill -9, all on four nodes"

# ---- a peer that advertises records and withholds them ----

liar=n4
apm2 --node "$liar" service stop anti-entropy >"$WORK/liar" 2>&1 ||
    fail "service stop: $(<"$WORK/liar")"
at_exit apm2 --node "$liar" service start anti-entropy
"${APM2_BIN%/services/cli/apm2}/tests/e2e/false_peer" "$DIR/genesis.json" \
    "$DIR/$liar/keys/$liar.pem" withhold 2>"$WORK/false_peer" &
false_pid=$!
at_exit kill "$false_pid"
put n1 Meanwhile first 1 >/dev/null || fail "put: $(tail -n 1 "$WORK/put-errors")"
is_struck() {
    apm2 --node n1 sync status --json |
        jq -e --arg id "$liar" '.peers[] | select(.peer == $id) | .last_strike == "withheld"' \
            >"$WORK/struck"
}
wait_until 45 "n1 naming $liar, which withholds" is_struck
NODES=(n1 n2 n3)
wait_until 10 "the honest ones having what was put meanwhile" all_have Meanwhile 1
NODES=(n1 n2 n3 n4)
kill "$false_pid" && wait "$false_pid" 2>/dev/null
apm2 --node "$liar" service start anti-entropy >"$WORK/liar" 2>&1 ||
    fail "service start: $(<"$WORK/liar")"
wait_until 60 "all four having it in the end" all_have Meanwhile 1
pass
