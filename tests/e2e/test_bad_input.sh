#!/usr/bin/env bash
# Bad input and bad surroundings, one row each: the exit code, and what the message names.
# Replayed bundles are for the unit tests: the command signs each one anew.
# shellcheck disable=SC2317 # functions are called by row and wait_until
. "$(dirname "$0")/lib.sh"

service_bin=$(dirname "$APM2_BIN")/apm2-consensus
[[ -x $service_bin ]] || service_bin=$(dirname "$APM2_BIN")/../consensus/apm2-consensus
other_net=${E2E_NET%.*}.$((${E2E_NET##*.} + 1))
n_rows=0
cd "$WORK" || fail "cannot enter $WORK"

# row CODE PATTERN COMMAND...
row() {
    local want=$1 pattern=$2 code=0 what
    shift 2
    what=$*
    "$@" >out 2>&1 || code=$?
    n_rows=$((n_rows + 1))
    ((code == want)) || fail "exit $code, not $want: ${what:0:120}: $(head -c 300 out)"
    grep -qE -- "$pattern" out ||
        fail "does not say \"$pattern\": ${what:0:120}: $(head -c 300 out)"
}

# Nothing of a file with a bad line is sent.
row_of_file() {
    local want=$1 pattern=$2 text=$3 before
    before=$(highest)
    printf '%s\n' "$text" >file
    row "$want" "$pattern" apm2 event submit file
    ((want != 64 || $(highest) == before)) || fail "a block after: $(head -c 100 file)"
}

issue() {
    printf '{"type":"LeaseIssued","namespace":"%s","payload":{%s}}' "$1" "$2"
}

serve() {
    timeout -k 5 30 "$service_bin" --config "$1"
}

good='"resource":"bad/1","holder":"svc-a","ttl_ms":60000'
id=$(printf '%064d' 1)
long=$(head -c 100000 /dev/zero | tr '\0' a)
deep=$(head -c 30000 /dev/zero | tr '\0' '[')

# ---- events ----

row_of_file 64 'line 1: not JSON' '{"type":'
row_of_file 64 'line 2: not JSON' "$(issue kernel "$good")"$'\n{"type":'
row_of_file 64 'nothing was sent; 1 of 2 lines' "$(issue kernel "$good")"$'\n{"type":'
row_of_file 64 'line 1: ' '[1]'
row_of_file 64 'line 1: too many values for its size' "$deep"
row_of_file 64 'a line of [0-9]+ bytes; at most 65536' "$(issue kernel "\"resource\":\"$long\"")"
row_of_file 64 'type: Nope: no such event type' '{"type":"Nope","namespace":"kernel","payload":{}}'
row_of_file 64 'payload.color: LeaseIssued has no such field' "$(issue kernel "$good,\"color\":1")"
row_of_file 64 'payload.holder: missing' "$(issue kernel '"resource":"a","ttl_ms":1')"
row_of_file 64 'payload.ttl_ms: must be an integer' \
    "$(issue kernel '"resource":"a","holder":"b","ttl_ms":"1"')"
row_of_file 64 'payload.ttl_ms: must be an integer' \
    "$(issue kernel '"resource":"a","holder":"b","ttl_ms":0')"
row_of_file 64 'LeaseExpired: made by execution' \
    '{"type":"LeaseExpired","namespace":"kernel","payload":{"resource":"a","lease_id":"'"$id"'",'\
'"holder":"b","expired_at_ms":1}}'
row_of_file 1 'UNKNOWN_NAMESPACE' "$(issue mars "$good")"
row_of_file 64 'holds no events' ''
row 1 'absent: No such file' apm2 event submit absent

# ---- the command line ----

issue kernel "$good" >ok
row 64 'unknown command' apm2 nonsense
row 64 'needs FILE' apm2 event submit
row 64 '"0" is not a number from 1 to 1000' apm2 event submit ok --bundle 0
row 64 '"99999" is not a number' apm2 event submit ok --expiry 99999
row 64 'no node "n9"' apm2 --node n9 consensus status
row 64 'must be 64 hex digits' apm2 event get 00
row 1 'no committed bundle of this id' apm2 event get "$id"
row 1 'no cluster in /nonexistent' apm2 --cluster /nonexistent consensus status
row 78 'color' apm2 config show --config <(echo 'color: red')
row 64 'no service "web"; there are consensus, anti-entropy' apm2 service restart web --node n1
row 64 'next: apm2 service restart consensus --node n1' apm2 service restart consensus
row 64 'no node "n9" in cluster c; there are n1, n2, n3, n4' apm2 service stop consensus --node n9
row 64 'no node "n9"' apm2 service list --node n9
row 64 'or name a service' apm2 dev logs web

# ---- keys and rights ----

apm2 key new --output stranger.pem >/dev/null || fail "key new: exit $?"
row 1 'stranger.pem: exists already' apm2 key new --output stranger.pem
row 77 'belongs to no actor' apm2 event submit ok --key stranger.pem
row 0 'applied' apm2 capability grant "bad-input-$$" --grantee stranger.pem --right lease/renew
row 1 'NO_RIGHT' apm2 event submit ok --key stranger.pem
chmod 644 stranger.pem
row 78 'stranger.pem: mode 0644 opens the key to others' apm2 event submit ok --key stranger.pem
echo garbage >corrupt.pem
chmod 600 corrupt.pem
row 78 'corrupt.pem: not a PKCS#8 PEM key' apm2 event submit ok --key corrupt.pem
row 1 'absent.pem: cannot open' apm2 event submit ok --key absent.pem

# ---- expired, busy ----

"$E2E_HERE/events.sh" 4000 "bad-$$" >many
row 1 'expired' apm2 event submit many --expiry 1 --window 4000
(($(apm2 consensus metrics --json | jq '.height') > 0)) || fail "no metrics"

# A quota of a handful: the node says busy, the command waits and gets everything through.
n1_pid=$(service_pid n1 consensus)
cp "$DIR/n1/apm2.yaml" n1.yaml
at_exit cp "$WORK/n1.yaml" "$DIR/n1/apm2.yaml"
busy_of() {
    apm2 --node n1 consensus metrics --json | jq '.busy_total.actor_quota'
}
busy=$(busy_of)
echo 'quota_per_actor: 20' >>"$DIR/n1/apm2.yaml"
kill -HUP "$n1_pid" || fail "kill -HUP $n1_pid"
sleep 1
submit busy 1000 --node n1 --window 500
cp n1.yaml "$DIR/n1/apm2.yaml"
kill -HUP "$n1_pid" || fail "kill -HUP $n1_pid"
read -r applied rejected refused expired undecided < <(submitted_totals)
((applied + rejected == 1000)) ||
    fail "busy: $refused refused, $expired expired, $undecided undecided"
(($(busy_of) > busy)) || fail "a quota of 20 and a window of 500, yet nobody was told busy"

# ---- genesis ----

cards=()
for node in "${NODES[@]}"; do
    cards+=(--card "$DIR/$node/keys/$node.card.json")
done
chmod 600 stranger.pem
create=(apm2 consensus genesis create --output genesis.json --name x "${cards[@]}"
    --t0-key stranger.pem --threshold 1 --actor-key stranger.pem)
row 64 'give at least 4 --card' apm2 consensus genesis create --output genesis.json --name x \
    --card "$DIR/n1/keys/n1.card.json" --t0-key stranger.pem --threshold 1 --actor-key stranger.pem
row 0 'genesis.json' "${create[@]}"
row 1 'genesis.json' "${create[@]}"
# Another chain's genesis on this node's database.
mkdir -p run2 keys2
cp "$DIR"/n4/keys/* keys2/
own() {
    sed -e "s|^run_dir:.*|run_dir: \"$WORK/run2\"|" -e "s|^address:.*|address: $other_net.9|" \
        -e "s|^health_address:.*|health_address: $other_net.9|" "$@" "$DIR/n4/apm2.yaml"
}
own -e "s|^genesis:.*|genesis: \"$WORK/genesis.json\"|" \
    -e "s|^key_file:.*|key_file: \"$WORK/keys2/n4.pem\"|" \
    -e "s|^database:.*|database: \"host=$DIR/n4/pgsock user=apm2 dbname=other\"|" >other_chain.yaml
query_as_admin n4 'CREATE DATABASE other OWNER apm2' || fail "CREATE DATABASE"
at_exit query_as_admin n4 'DROP DATABASE IF EXISTS other WITH (FORCE)'
row 78 'migrat' serve other_chain.yaml
row 0 '' apm2 db migrate --config other_chain.yaml
row 0 '' apm2 db migrate --config other_chain.yaml
query n4 "INSERT INTO chain VALUES (1, '\\x$id')" -d other || fail "INSERT"
row 78 'genesis|chain' serve other_chain.yaml

# ---- a second process ----

n4_pid=$(service_pid n4 consensus)
row 75 "run_dir_locked.*holder_pid=$n4_pid" serve "$DIR/n4/apm2.yaml"
own >same_key.yaml
row 75 'n4.safety: another process has this safety file open' serve same_key.yaml
own -e "s|^key_file:.*|key_file: \"$WORK/keys2/n4.pem\"|" >same_database.yaml
row 75 "another process holds this node's database" serve same_database.yaml
row 78 'absent.yaml: not found' serve absent.yaml
own -e "s|^node:.*|node: n4\nround_timeout: 5 parsecs|" >bad_setting.yaml
row 78 'round_timeout: .*5 parsecs.* is not a duration' serve bad_setting.yaml
own -e "s|^genesis:.*|genesis: \"$WORK/corrupt.pem\"|" >bad_genesis.yaml
row 78 'corrupt.pem' serve bad_genesis.yaml
chmod 644 keys2/n4.pem
row 78 'n4.pem: mode 0644 opens the key to others' serve same_database.yaml
[[ $(service_pid n4 consensus) == "$n4_pid" ]] || fail "n4 was disturbed: its pid changed"

# ---- dev up ----

row 78 "$E2E_NET.1:[0-9]+ is in use" "$APM2_BIN" dev up --dir "$WORK/c" --net "$E2E_NET"
[[ ! -e $WORK/c/n1/pg ]] || fail "port in use, yet databases were made"
row 64 'not three numbers of a loopback address' "$APM2_BIN" dev up --dir "$WORK/c" --net 10.0.0
row 78 'holds no initdb and postgres' env APM2_POSTGRES_BIN=/nowhere "$APM2_BIN" dev up \
    --dir "$WORK/c" --net "$other_net"
row 64 'a cluster is running' "$APM2_BIN" dev up --dir "$DIR" --net "$E2E_NET" --fresh --yes

# ---- PostgreSQL refusing, and hanging ----

says_database() {
    apm2 --node n3 consensus status --json | jq -r '.reasons[]' | grep -q '^database: '
}

others_go_on() {
    row 2 'database: ' apm2 --node n3 consensus status
    submit "$1" 100 --node n1
    [[ ! -s submit-errors ]] || fail "$1: $(<submit-errors)"
}

if [[ $(leader) == n3 ]]; then
    apm2 consensus transfer-leadership --to n1 >/dev/null || fail "transfer-leadership: exit $?"
    wait_until 10 "n1 leads" status_has n1 leader_id n1
fi
postgres=$(service_pid n3 postgresql)
hba=$DIR/n3/pg/pg_hba.conf
cp "$hba" hba.before
give_back() {
    cat "$WORK/hba.before" >"$hba"
    kill -HUP "$postgres"
}
at_exit give_back
echo 'local all all reject' >"$hba"
query_as_admin n3 "SELECT pg_reload_conf(); SELECT pg_sleep(0.5);
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'apm2'" >/dev/null ||
    fail "pg_terminate_backend"
wait_until 20 "n3 says that its database refuses" says_database
row 69 'database' apm2 --node n3 ledger verify-chain
others_go_on refusing
give_back
wait_until 30 "n3 healthy once its database accepts again" is_healthy n3

mapfile -t family < <(echo "$postgres" && pgrep -P "$postgres")
at_exit kill -CONT "${family[@]}"
kill -STOP "${family[@]}" || fail "kill -STOP ${family[*]}"
submit unnoticed 100 --node n1
wait_until 40 "n3 says that its database hangs" says_database
others_go_on hanging
kill -CONT "${family[@]}"
wait_until 40 "n3 healthy once its database answers again" is_healthy n3

wait_until 20 "all four healthy" all_healthy
assert_agreement
assert_nothing_lost
note "rows=$n_rows"
pass
