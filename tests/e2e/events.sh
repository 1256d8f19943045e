#!/usr/bin/env bash
# Events of a realistic mix, one JSON object a line: events.sh N PREFIX
#
# Of ten events six issue leases, two renew, one collides with a live lease or gives one
# back, one grants, delegates or revokes a capability. PREFIX keeps the names of one call
# apart from those of another. Leases are short, so that a long test does not fill the
# authority state to its genesis limit. Equal arguments give equal lines.
set -eu

n=${1:?usage: events.sh N PREFIX}
prefix=${2:?usage: events.sh N PREFIX}

awk -v n="$n" -v prefix="$prefix" '
function emit(type, payload) {
    printf "{\"type\":\"%s\",\"namespace\":\"kernel\",\"payload\":{%s}}\n", type, payload
}
function lease(id) {
    return sprintf("\"resource\":\"%s/%d\"", prefix, id)
}
function issue(id) {
    emit("LeaseIssued", sprintf("%s,\"holder\":\"svc-%d\",\"ttl_ms\":20000", lease(id), id % 7))
}
function subject(id) {
    return sprintf("\"subject\":\"%064x\"", id + 1)
}
function grant(id) {
    emit("CapabilityGranted", sprintf("\"capability_id\":\"%s-c%d\",%s,\"rights\":[\"lease/*\"]",
                                      prefix, id, subject(id)))
}
function capability(id) {
    step = id % 10 == 9 ? int(id / 10) % 3 : 0
    if (step == 0)
        grant(id)
    else if (step == 1)
        emit("CapabilityDelegated",
             sprintf("\"from\":\"root/kernel\",\"capability_id\":\"%s-d%d\",%s,%s",
                     prefix, id, subject(id), "\"rights\":[\"lease/issue\"]"))
    else
        emit("CapabilityRevoked", sprintf("\"capability_id\":\"%s-c%d\"", prefix, id - 20))
}
BEGIN {
    for (i = 0; i < n; i++) {
        kind = i % 10
        if (kind < 6)
            issue(i)
        else if (kind < 8)
            emit("LeaseRenewed", lease(i - 6) ",\"ttl_ms\":20000")
        else if (kind == 8 && int(i / 10) % 2 == 0)
            issue(i - 5)
        else if (kind == 8)
            emit("LeaseReleased", lease(i - 4))
        else
            capability(i)
    }
}'
