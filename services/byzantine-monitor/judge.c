/* Whether a record holds, and the row it becomes. */
#include "services/byzantine-monitor/monitor.h"

#include "common/log.h"

/* What accuses nobody is one row for each member, kind, type and minute. */
#define SIGHTING_MINUTE_MS 60000u

static struct hash sighting_id(const struct wire_evidence *evidence, uint64_t at_ms)
{
    uint8_t bytes[256];
    struct wire_evidence about = *evidence;

    about.term = 0;
    about.seq = at_ms / SIGHTING_MINUTE_MS;
    about.first = about.second = span_of(NULL, 0);
    const struct span part =
        span_of(bytes, wire_encode(WIRE_evidence, &about, bytes, sizeof(bytes)));
    return hash_tagged("apm2/sighting/1", &part, 1);
}

/* Refused: what does not hold, and what nobody here can judge. */
bool monitor_judge(const struct monitor *monitor, const struct claim *claim,
                   struct store_row *ret_row)
{
    struct wire_evidence evidence;

    if (wire_decode_as(WIRE_evidence, claim->record, &evidence) != WIRE_OK)
        return false;
    const struct validator_set *set = monitor_set(monitor, evidence.epoch);
    if (set == NULL)
        return false;
    enum evidence_verdict verdict = evidence_verify(set, claim->record, &evidence);
    if (verdict != EVIDENCE_PROVEN && verdict != EVIDENCE_NOT_ATTRIBUTABLE)
        return false;
    *ret_row = (struct store_row){
        .id = verdict == EVIDENCE_PROVEN ? evidence_id(&evidence)
                                         : sighting_id(&evidence, claim->at_ms),
        .kind = evidence.kind,
        .what = evidence.what,
        .is_attributable = verdict == EVIDENCE_PROVEN,
        .validator = evidence.validator,
        .validator_id = log_text(monitor_name_of(monitor, evidence.epoch, evidence.validator)),
        .rank = {evidence.epoch, evidence.term, evidence.seq},
        .n = verdict == EVIDENCE_PROVEN ? 1 : claim->n,
        .first_ms = claim->at_ms,
        .last_ms = claim->at_ms,
        .record = claim->record,
    };
    return true;
}
