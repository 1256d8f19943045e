#!/usr/bin/env bash
# Strangers and garbage on every port cost their sender only: commits go on, refusals are
# counted, memory stays bounded, the connection ends.
. "$(dirname "$0")/lib.sh"

target=n1
stranger=${E2E_STRANGER:-$(dirname "$APM2_BIN")/../../tests/e2e/stranger}
[[ -x $stranger ]] || fail "$stranger is not built"
curve=$(jq -r .services.consensus.curve "$DIR/$target/keys/$target.card.json")
address=$E2E_NET.1
growth_max_kib=65536

rss_kib() {
    awk '/^VmRSS/ { print $2 }' "/proc/$(service_pid $target consensus)/status"
}

# A ZMTP 3.0 greeting for the given mechanism, as a client.
greeting() {
    printf '\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00'
    printf '%s' "$1"
    head -c $((20 - ${#1})) /dev/zero
    head -c 32 /dev/zero
}

# A command frame of the size a CURVE HELLO has, its content random.
false_hello() {
    printf '\x04\xc8\x05HELLO'
    head -c 194 /dev/urandom
}

long_frame() {
    # A length of 2^62: nobody may allocate what a frame merely announces.
    printf '\x02\x40\x00\x00\x00\x00\x00\x00\x00'
    head -c 4096 /dev/urandom
}

# send PORT: standard input to the port. How that ends for the sender is its own affair.
send() {
    timeout 3 nc -q 1 "$address" "$1" >/dev/null 2>&1 || true
}

throw_at() {
    local port=$1 i pids=()
    for i in 1 2; do
        head -c 1000000 /dev/urandom | send "$port" &
        pids+=($!)
        head -c 100 /dev/zero | send "$port" &
        pids+=($!)
        { greeting NULL; head -c 5000 /dev/urandom; } | send "$port" &
        pids+=($!)
        { greeting PLAIN; head -c 5000 /dev/urandom; } | send "$port" &
        pids+=($!)
        { greeting CURVE; false_hello; } | send "$port" &
        pids+=($!)
        { greeting CURVE; long_frame; } | send "$port" &
        pids+=($!)
    done
    # Open connections that say nothing.
    for ((i = 0; i < 40; i++)); do
        (sleep 6 | timeout 8 nc "$address" "$port" >/dev/null 2>&1) &
    done
    wait "${pids[@]}"
}

# The right server key, and a client key that is on nobody's card.
refused_of() {
    apm2 --node $target consensus metrics --json | jq ".$1.$2"
}

stranger_at() {
    timeout 20 "$stranger" "$address" "$@"
}

throw_as_client() {
    local malformed answer
    for i in 1 2 3; do
        answer=$(stranger_at 9090 "$curve")
        [[ $answer == refused ]] || fail "a client with an unknown key on 9090 is $answer"
    done
    malformed=$(refused_of client_refused_total malformed)
    answer=$(stranger_at 9096 "$curve" 300 200)
    [[ $answer == admitted ]] || fail "a client with any key on 9096 is $answer"
    # Longer than any message may be: the connection is cut.
    stranger_at 9096 "$curve" 8000000 3 >/dev/null
    sleep 1
    (($(refused_of client_refused_total malformed) > malformed)) ||
        fail "noise on 9096 is not counted as malformed"
}

http_code() {
    curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$1"
}

throw_at_http() {
    local port=9471
    head -c 1000000 /dev/urandom | send $port
    { printf 'GET /livez HTTP/1.1\r\nX: '; head -c 200000 /dev/zero | tr '\0' a; } | send $port
    printf 'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n' | send $port
    printf 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n' | send $port
    [[ $(http_code "http://$address:$port/livez") == 200 ]] ||
        fail "/livez does not answer after garbage"
    [[ $(http_code "http://$address:$port/nothing") == 404 ]] ||
        fail "an unknown path is not 404"
}

submit warm 200
pid=$(service_pid $target consensus)
before_kib=$(rss_kib)
load_start singles 500
gap_start
throw_at 9090
throw_at 9096
throw_as_client
throw_at_http
gap=$(gap_stop)
load_stop singles

[[ $(service_pid $target consensus) == "$pid" ]] || fail "$target was restarted"
growth_kib=$(($(rss_kib) - before_kib))
((growth_kib < growth_max_kib)) || fail "$target grew by $growth_kib KiB"
((gap <= 2000)) || fail "no commit for $gap ms under garbage"
wait_until 15 "all four healthy" all_healthy
assert_agreement
assert_nothing_lost
note "gap_ms=$gap growth_kib=$growth_kib"
pass
