#include "common/evidence/evidence.h"

/* A record without its messages. */
#define OFFENCE_BYTES_MAX 256u

static const struct kind {
    enum evidence_kind kind;
    const char *text;
    bool is_attributable;
} kinds[] = {
    {EVIDENCE_EQUIVOCATION, "equivocation", true},
    {EVIDENCE_INVALID_SIGNATURE, "invalid_signature", false},
    {EVIDENCE_QUORUM_FORGERY, "quorum_forgery", true},
    {EVIDENCE_REPLAY, "replay", false},
};

const char *evidence_kind_text(uint64_t kind)
{
    for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].text;
    }
    return NULL;
}

enum evidence_kind evidence_kind_of(const char *text)
{
    for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].text, text) == 0)
            return kinds[i].kind;
    }
    return 0;
}

bool evidence_is_attributable(uint64_t kind)
{
    for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].is_attributable;
    }
    return false;
}

const char *evidence_what_text(uint64_t what)
{
    switch (what) {
    case WIRE_signed_header:
        return "proposal";
    case WIRE_qc_record:
        return "justify of a proposal";
    case WIRE_entry_record:
        return "entry of a proposal";
    default:
        return wire_name((enum wire_id)what);
    }
}

const char *evidence_verdict_text(enum evidence_verdict verdict)
{
    switch (verdict) {
    case EVIDENCE_PROVEN:
        return "proven";
    case EVIDENCE_NOT_ATTRIBUTABLE:
        return "not attributable: it says what came over a session, not who made it";
    case EVIDENCE_MALFORMED:
        return "malformed";
    case EVIDENCE_WRONG_CHAIN:
        return "of another chain";
    case EVIDENCE_WRONG_EPOCH:
        return "of another epoch or another set of validators";
    case EVIDENCE_BAD_MESSAGE:
        return "a message that the accused did not sign";
    case EVIDENCE_SAME_MESSAGE:
        return "both messages say the same";
    case EVIDENCE_NOT_ALIKE:
        return "two messages that may differ";
    case EVIDENCE_NOT_CITED:
        return "the header cites another certificate";
    case EVIDENCE_SOUND_CERTIFICATE:
        return "the certificate is good";
    }
    return "unknown";
}

struct hash evidence_set_digest(const struct validator_set *set)
{
    uint8_t epoch[8];

    for (unsigned int i = 0; i < sizeof(epoch); i++)
        epoch[i] = (uint8_t)(set->epoch >> (56 - 8 * i));
    const struct span parts[] = {
        span_of(set->chain.b, sizeof(set->chain.b)),
        span_of(epoch, sizeof(epoch)),
        span_of(set->keys, set->n * sizeof(set->keys[0])),
    };
    return hash_tagged("apm2/evidence-set/1", parts, N_ELEMENTS(parts));
}

struct hash evidence_id(const struct wire_evidence *evidence)
{
    uint8_t bytes[OFFENCE_BYTES_MAX];
    struct wire_evidence offence = *evidence;

    /* One offence, whatever shows it. */
    offence.first = offence.second = span_of(NULL, 0);
    size_t size = wire_encode(WIRE_evidence, &offence, bytes, sizeof(bytes));
    const struct span part = span_of(bytes, size);
    return hash_tagged("apm2/evidence/1", &part, 1);
}

/* ---- checks ---- */

/* Does the record say of itself what its messages say? */
static bool is_about(const struct wire_evidence *evidence, const struct signed_message *message)
{
    return evidence->validator == message->validator &&
           rank_eq((struct rank){evidence->epoch, evidence->term, evidence->seq}, message->rank);
}

static enum evidence_verdict verify_pair(const struct validator_set *set,
                                         const struct wire_evidence *evidence)
{
    struct signed_message first, second;

    if (signed_message_read(set, evidence->first, &first) != CERT_OK ||
        signed_message_read(set, evidence->second, &second) != CERT_OK)
        return EVIDENCE_BAD_MESSAGE;
    if (!signed_message_is_alike(&first, &second))
        return EVIDENCE_NOT_ALIKE;
    int order = signed_message_cmp(&first, &second);
    if (order == 0)
        return EVIDENCE_SAME_MESSAGE;
    if (order > 0 || evidence->what != first.what || !is_about(evidence, &first))
        return EVIDENCE_MALFORMED;
    return EVIDENCE_PROVEN;
}

/* What no honest validator cites. MALFORMED and WRONG_EPOCH are left out: other versions
 * may know certificates that this one cannot read. */
static enum evidence_verdict forgery_of(enum cert_verdict verdict)
{
    switch (verdict) {
    case CERT_OK:
    case CERT_MALFORMED:
    case CERT_WRONG_EPOCH:
        return EVIDENCE_SOUND_CERTIFICATE;
    case CERT_STRANGER:
    case CERT_NO_QUORUM:
    case CERT_BAD_SIGNATURE:
    case CERT_INCONSISTENT:
        return EVIDENCE_PROVEN;
    }
    return EVIDENCE_SOUND_CERTIFICATE;
}

static enum evidence_verdict verify_justify(const struct validator_set *set,
                                            const struct wire_header *header, struct span bytes)
{
    struct qc qc;

    if (qc_decode(bytes, &qc) != CERT_OK)
        return EVIDENCE_SOUND_CERTIFICATE;
    struct hash digest = qc_digest(&qc);
    if (!hash_eq(&digest, &header->justify))
        return EVIDENCE_NOT_CITED;
    return forgery_of(qc_verify(set, &qc));
}

static enum evidence_verdict verify_entry(const struct validator_set *set,
                                          const struct wire_header *header, struct span bytes)
{
    struct entry entry;

    if (bytes.size == 0 || entry_decode(bytes, &entry) != CERT_OK)
        return EVIDENCE_SOUND_CERTIFICATE;
    struct hash digest = entry_digest(&entry);
    if (!hash_eq(&digest, &header->entry))
        return EVIDENCE_NOT_CITED;
    return forgery_of(entry_verify(set, &entry));
}

static enum evidence_verdict verify_forgery(const struct validator_set *set,
                                            const struct wire_evidence *evidence)
{
    struct wire_signed_header message;
    struct wire_header header;
    struct signed_message first;

    if (signed_message_read(set, evidence->first, &first) != CERT_OK ||
        first.what != WIRE_signed_header ||
        wire_decode_as(WIRE_signed_header, evidence->first, &message) != WIRE_OK ||
        wire_decode_as(WIRE_header, message.header, &header) != WIRE_OK)
        return EVIDENCE_BAD_MESSAGE;
    if (!is_about(evidence, &first))
        return EVIDENCE_MALFORMED;
    if (evidence->what == WIRE_qc_record)
        return verify_justify(set, &header, evidence->second);
    if (evidence->what == WIRE_entry_record)
        return verify_entry(set, &header, evidence->second);
    return EVIDENCE_MALFORMED;
}

static enum evidence_verdict verify(const struct validator_set *set,
                                    const struct wire_evidence *evidence)
{
    struct hash digest = evidence_set_digest(set);

    if (evidence_kind_text(evidence->kind) == NULL)
        return EVIDENCE_MALFORMED;
    if (!hash_eq(&evidence->chain, &set->chain))
        return EVIDENCE_WRONG_CHAIN;
    if (evidence->epoch != set->epoch || !hash_eq(&evidence->set, &digest))
        return EVIDENCE_WRONG_EPOCH;
    if (evidence->validator >= set->n)
        return EVIDENCE_MALFORMED;
    if (evidence->kind == EVIDENCE_EQUIVOCATION)
        return verify_pair(set, evidence);
    if (evidence->kind == EVIDENCE_QUORUM_FORGERY)
        return verify_forgery(set, evidence);
    return EVIDENCE_NOT_ATTRIBUTABLE;
}

enum evidence_verdict evidence_verify(const struct validator_set *set, struct span bytes,
                                      struct wire_evidence *ret_evidence)
{
    struct wire_evidence evidence;

    if (wire_decode_as(WIRE_evidence, bytes, &evidence) != WIRE_OK)
        return EVIDENCE_MALFORMED;
    enum evidence_verdict verdict = verify(set, &evidence);
    if (verdict != EVIDENCE_MALFORMED)
        *ret_evidence = evidence;
    return verdict;
}

/* ---- making them ---- */

static bool encode(const struct wire_evidence *evidence, struct evidence_bytes *ret_evidence)
{
    size_t size =
        wire_encode(WIRE_evidence, evidence, ret_evidence->data, sizeof(ret_evidence->data));

    ret_evidence->size = size;
    return size > 0;
}

static struct wire_evidence about(const struct validator_set *set, enum evidence_kind kind,
                                  const struct signed_message *message)
{
    return (struct wire_evidence){
        .kind = (uint64_t)kind,
        .what = (uint64_t)message->what,
        .chain = set->chain,
        .epoch = message->rank.epoch,
        .set = evidence_set_digest(set),
        .validator = message->validator,
        .term = message->rank.term,
        .seq = message->rank.seq,
    };
}

/* Says what it is only if it would convince somebody else. */
static enum evidence_verdict finish(const struct validator_set *set,
                                    const struct wire_evidence *evidence,
                                    struct evidence_bytes *ret_evidence)
{
    enum evidence_verdict verdict = verify(set, evidence);

    if (verdict == EVIDENCE_PROVEN && !encode(evidence, ret_evidence))
        return EVIDENCE_MALFORMED;
    return verdict;
}

enum evidence_verdict evidence_pair(const struct validator_set *set, struct span a, struct span b,
                                    struct evidence_bytes *ret_evidence)
{
    struct signed_message first, second;

    if (signed_message_read(set, a, &first) != CERT_OK ||
        signed_message_read(set, b, &second) != CERT_OK)
        return EVIDENCE_BAD_MESSAGE;
    bool is_ordered = signed_message_cmp(&first, &second) <= 0;
    struct wire_evidence evidence = about(set, EVIDENCE_EQUIVOCATION, &first);
    evidence.first = is_ordered ? a : b;
    evidence.second = is_ordered ? b : a;
    return finish(set, &evidence, ret_evidence);
}

enum evidence_verdict evidence_forgery(const struct validator_set *set, struct span signed_header,
                                       struct span certificate, struct evidence_bytes *ret_evidence)
{
    struct signed_message message;
    struct qc qc;

    if (signed_message_read(set, signed_header, &message) != CERT_OK)
        return EVIDENCE_BAD_MESSAGE;
    struct wire_evidence evidence = about(set, EVIDENCE_QUORUM_FORGERY, &message);
    bool is_qc = qc_decode(certificate, &qc) == CERT_OK;
    evidence.what = is_qc ? WIRE_qc_record : WIRE_entry_record;
    evidence.first = signed_header;
    evidence.second = certificate;
    return finish(set, &evidence, ret_evidence);
}

bool evidence_sight(const struct validator_set *set, const struct evidence_sighting *sighting,
                    struct evidence_bytes *ret_evidence)
{
    const struct wire_evidence evidence = {
        .kind = (uint64_t)sighting->kind,
        .what = (uint64_t)sighting->what,
        .chain = set->chain,
        .epoch = set->epoch,
        .set = evidence_set_digest(set),
        .validator = sighting->validator,
        .term = sighting->rank.term,
        .seq = sighting->rank.seq,
        .first = sighting->message,
    };

    return encode(&evidence, ret_evidence);
}
