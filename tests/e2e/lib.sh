# shellcheck shell=bash
# What every end-to-end test begins with: . "$(dirname "$0")/lib.sh"
#
# A test drives the cluster in $E2E_DIR as an operator would, through `apm2`, signals and
# plain network tools, and ends with `pass` or `fail REASON`. It leaves the cluster up and
# healthy; tests/e2e/run sees to it that it begins so. PostgreSQL is only read, except
# where a test says that it plays a failing disk.

set -u

: "${E2E_DIR:?run tests through tests/e2e/run}" "${APM2_BIN:?}" "${E2E_NET:?}" "${E2E_SCALE:=small}"

E2E_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
E2E_NAME=$(basename "$0" .sh)
E2E_NAME=${E2E_NAME#test_}
E2E_STARTED_S=$SECONDS
DIR=$E2E_DIR/c
WORK=$E2E_DIR/work/$E2E_NAME
NODES=(n1 n2 n3 n4)

rm -rf "$WORK"
mkdir -p "$WORK"

# ---- the end of a test ----

e2e_at_exit=()
e2e_is_decided=false

# at_exit COMMAND...: run whatever becomes of the test, last one first.
at_exit() {
    e2e_at_exit+=("$(printf '%q ' "$@")")
}

e2e_end() {
    local status=$? i
    touch "$WORK/stop"
    for ((i = ${#e2e_at_exit[@]} - 1; i >= 0; i--)); do
        eval "${e2e_at_exit[i]}" >>"$WORK/exit.log" 2>&1
    done
    if ! $e2e_is_decided; then
        echo "FAIL $E2E_NAME the test ended early with status $status"
        exit 1
    fi
}
trap e2e_end EXIT

pass() {
    e2e_is_decided=true
    echo "ok $E2E_NAME $((SECONDS - E2E_STARTED_S))"
    exit 0
}

# Not run, and why: said, not counted as passed.
skip() {
    e2e_is_decided=true
    echo "skip $E2E_NAME $*"
    exit 0
}

fail() {
    e2e_is_decided=true
    collect_evidence >"$WORK/evidence.txt" 2>&1
    echo "FAIL $E2E_NAME $*"
    exit 1
}

# Figures: note gap_ms=40.
note() {
    echo "note $E2E_NAME $*"
}

collect_evidence() {
    local node log
    echo "== dev status"
    apm2 dev status
    for node in "${NODES[@]}"; do
        echo "== $node"
        apm2 --node "$node" consensus status --verbose --json
        for log in "$DIR/$node"/log/*.log; do
            echo "-- ${log##*/}"
            grep -v level=debug "$log" | tail -n 25
        done
    done
}

# ---- the operator's command ----

apm2() {
    timeout -k 5 "${APM2_LIMIT_S:-120}" "$APM2_BIN" --cluster "$DIR" --no-color "$@"
}

# field NODE NAME: one value of a node's status; nothing when it does not answer.
field() {
    apm2 --node "$1" --timeout 3s consensus status --verbose --json 2>/dev/null |
        jq -r ".$2" 2>/dev/null
}

# The leader of the newest term that anybody knows of.
leader() {
    local node
    for node in "${NODES[@]}"; do
        apm2 --node "$node" --timeout 3s consensus status --json 2>/dev/null
    done | jq -rs 'map(select(.term)) | max_by(.term).leader_id'
}

service_pid() {
    apm2 dev status --json | jq -r --arg node "$1" --arg service "$2" \
        '.nodes[] | select(.name == $node) | .services[] | select(.service == $service) | .pid'
}

# A node that is paused must not hold up the look at the others for long.
highest() {
    local node
    for node in "${NODES[@]}"; do
        apm2 --node "$node" --timeout 1s consensus status --json 2>/dev/null
    done | awk '/"height"/ { gsub(/[^0-9]/, ""); if ($0 + 0 > max) max = $0 + 0 }
                END { print max + 0 }'
}

# query NODE SQL [psql option...]: in a node's database, as its service.
query() {
    local node=$1 sql=$2
    shift 2
    psql -X -q -A -t -h "$DIR/$node/pgsock" -U apm2 -d apm2 -v ON_ERROR_STOP=1 "$@" -c "$sql"
}

# The same as PostgreSQL's own superuser.
query_as_admin() {
    query "$@" -U postgres
}

# ---- waiting ----

now_ms() {
    echo $((${EPOCHREALTIME/./} / 1000))
}

# wait_until SECONDS WHAT COMMAND...: fails the test with WHAT when time is over.
wait_until() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        ((SECONDS < end)) || fail "not in time: $what"
        sleep 0.2
    done
}

is_healthy() {
    apm2 --node "$1" --timeout 3s consensus status >/dev/null 2>&1
}

all_healthy() {
    local node
    for node in "${NODES[@]}"; do
        is_healthy "$node" || return 1
    done
}

status_has() {
    [[ $(field "$1" "$2") == "$3" ]]
}

height_is_above() {
    (($(highest) > $1))
}

# ---- agreement ----

# One line per node: height, last_committed_hash, state_root.
positions() {
    local node
    for node in "${NODES[@]}"; do
        apm2 --node "$node" --timeout 5s consensus status --json 2>/dev/null |
            jq -r '"\(.height) \(.last_committed_hash) \(.state_root)"'
    done
}

is_agreed() {
    local lines
    lines=$(positions)
    [[ $(wc -l <<<"$lines") == "${#NODES[@]}" && $(sort -u <<<"$lines" | wc -l) == 1 ]]
}

# Without load all four come to one position; E2E_SETTLE_S bounds how long that may take.
assert_agreement() {
    wait_until "${E2E_SETTLE_S:-30}" "one last_committed_hash and one state_root on all four" \
        is_agreed
}

# ---- load ----

# load_start NAME EVENTS [submit option...]: submits EVENTS at a time, over and over, until
# load_stop. Every answer is kept in $WORK/acks.
load_start() {
    local name=$1 events=$2
    shift 2
    mkdir -p "$WORK/acks" "$WORK/load"
    rm -f "$WORK/load/$name.stop"
    load_loop "$name" "$events" "$@" &
    echo $! >"$WORK/load/$name.pid"
}

# A node that is asked by name may just be down: then nothing was sent.
load_loop() {
    local name=$1 events=$2 i=0
    trap - EXIT
    shift 2
    e2e_down_code=69
    while [[ ! -e $WORK/load/$name.stop && ! -e $WORK/stop ]]; do
        i=$((i + 1))
        submit "$name-$i" "$events" "$@"
        [[ -s $WORK/acks/$name-$i.json ]] || sleep 0.2
    done
}

e2e_down_code=0

# submit NAME EVENTS [submit option...]: one submission, its answer kept in $WORK/acks.
submit() {
    local name=$1 events=$2 code=0
    shift 2
    mkdir -p "$WORK/acks"
    "$E2E_HERE/events.sh" "$events" "$E2E_NAME-$name" >"$WORK/$name.events"
    APM2_LIMIT_S=300 apm2 --timeout 60s event submit "$WORK/$name.events" --json "$@" \
        >"$WORK/acks/$name.json" 2>"$WORK/acks/$name.err" || code=$?
    rm -f "$WORK/$name.events"
    ((code <= 1 || code == e2e_down_code)) ||
        echo "$name: exit $code: $(<"$WORK/acks/$name.err")" >>"$WORK/submit-errors"
}

load_stop() {
    local name
    for name in "$@"; do
        touch "$WORK/load/$name.stop"
        wait "$(<"$WORK/load/$name.pid")"
    done
    [[ ! -s $WORK/submit-errors ]] || fail "submitting failed: $(head -n 1 "$WORK/submit-errors")"
}

# "BUNDLE HEIGHT" of every bundle of which a final outcome was acknowledged.
acknowledged() {
    jq -r '.bundles[]? | select(.state == "final") | "\(.bundle) \(.height)"' \
        "$WORK"/acks/*.json | sort
}

# "applied rejected refused expired undecided" over all submissions.
submitted_totals() {
    jq -rs 'map(select(.applied != null)) |
        "\(map(.applied) | add) \(map(.rejected) | add) \(map(.refused) | add) " +
        "\(map(.expired) | add) \(map(.undecided) | add)"' "$WORK"/acks/*.json
}

# The longest wait of any bundle for its outcome, as the submitter saw it.
longest_latency_ms() {
    jq -rs 'map(.latency_max_ms // 0) | max | round' "$WORK"/acks/*.json
}

# Every acknowledged bundle is in every node's ledger at the height that was told.
assert_nothing_lost() {
    local node missing n
    acknowledged >"$WORK/acknowledged"
    n=$(wc -l <"$WORK/acknowledged")
    ((n > 0)) || fail "no bundle was acknowledged at all"
    awk '{ print "\\\\x" $1 "\t" $2 }' "$WORK/acknowledged" >"$WORK/acknowledged.copy"
    for node in "${NODES[@]}"; do
        missing=$(psql -X -q -A -t -h "$DIR/$node/pgsock" -U apm2 -d apm2 -v ON_ERROR_STOP=1 <<SQL
CREATE TEMP TABLE want (bundle bytea, height bigint);
\\copy want FROM '$WORK/acknowledged.copy'
SELECT count(*) FROM want w LEFT JOIN bundle_v1 b ON b.bundle = w.bundle AND b.height = w.height
    WHERE b.bundle IS NULL;
SQL
        ) || fail "$node: its ledger cannot be read"
        [[ $missing == 0 ]] || fail "$node lacks $missing of $n acknowledged bundles"
    done
    note "acknowledged_bundles=$n, all in four ledgers"
}

# ---- gaps ----

# Notes the highest height of any node and when it rose, until gap_stop.
gap_start() {
    rm -f "$WORK/gap.stop" "$WORK/gap"
    gap_loop &
    echo $! >"$WORK/gap.pid"
}

gap_loop() {
    local height last=0
    trap - EXIT
    while [[ ! -e $WORK/gap.stop && ! -e $WORK/stop ]]; do
        height=$(highest)
        if ((height > last)); then
            last=$height
            echo "$(now_ms) $height" >>"$WORK/gap"
        fi
        sleep 0.05
    done
    echo "$(now_ms) end" >>"$WORK/gap"
}

# Prints the longest time without a commit, in milliseconds.
gap_stop() {
    touch "$WORK/gap.stop"
    wait "$(<"$WORK/gap.pid")"
    awk 'NR > 1 && $1 - last > max { max = $1 - last } { last = $1 } END { print max + 0 }' \
        "$WORK/gap"
}

# ---- signatures ----

# From the signers' own lines: for one key, kind and rank never two digests.
assert_no_double_signature() {
    local found n
    # Rotated logs too: the older generation begins before the newer.
    found=$(awk '
        / event=signed / {
            kind = rank = digest = ""
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^kind=/) kind = $i
                if ($i ~ /^rank=/) rank = $i
                if ($i ~ /^digest=/) digest = $i
            }
            key = FILENAME
            sub(/\/log\/.*/, "", key)
            what = key " " kind " " rank
            n++
            if (what in seen && seen[what] != digest) print what, seen[what], digest
            seen[what] = digest
        }
        END { print n + 0 > "'"$WORK"'/signatures" }' \
        "$DIR"/n*/log/consensus.log* | head -n 3)
    n=$(<"$WORK/signatures")
    ((n > 0)) || fail "no signer logged a signature: log_level debug is not in force"
    [[ -z $found ]] || fail "signed twice at a rank: $found"
    note "signatures=$n, no key signed twice at a rank"
}

# ---- processes ----

# kill_service NODE SERVICE: SIGKILL; prints the pid.
kill_service() {
    local pid
    pid=$(service_pid "$1" "$2")
    if [[ -n $pid ]] && ((pid > 1)); then
        kill -9 "$pid" && echo "$pid"
    fi
}

small_or_full() {
    if [[ $E2E_SCALE == full ]]; then
        echo "$2"
    else
        echo "$1"
    fi
}
