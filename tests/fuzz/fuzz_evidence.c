/* Evidence and signed messages: what is proven is made anew by its own two halves. */
#include "common/evidence/evidence.h"
#include "tests/fuzz/form.h"
#include "tests/support/good_certs.h"

static struct evidence_bytes again;

static void check_pair(const struct wire_evidence *evidence, struct span input)
{
    struct signed_message first, second;

    MUST(signed_message_read(&set, evidence->first, &first) == CERT_OK);
    MUST(signed_message_read(&set, evidence->second, &second) == CERT_OK);
    MUST(first.validator == evidence->validator && second.validator == evidence->validator);
    MUST(signed_message_cmp(&first, &second) != 0);
    MUST(evidence_pair(&set, evidence->second, evidence->first, &again) == EVIDENCE_PROVEN);
    MUST(span_eq(span_of(again.data, again.size), input));
}

static void check_forgery(const struct wire_evidence *evidence, struct span input)
{
    MUST(evidence_forgery(&set, evidence->first, evidence->second, &again) == EVIDENCE_PROVEN);
    MUST(span_eq(span_of(again.data, again.size), input));
}

static void run(struct span input)
{
    struct wire_evidence evidence;
    struct wire_message message;
    struct signed_message read;

    all_good();
    enum evidence_verdict verdict = evidence_verify(&set, input, &evidence);
    if (verdict != EVIDENCE_MALFORMED)
        (void)evidence_id(&evidence);
    if (verdict == EVIDENCE_PROVEN && evidence.kind == EVIDENCE_EQUIVOCATION)
        check_pair(&evidence, input);
    else if (verdict == EVIDENCE_PROVEN)
        check_forgery(&evidence, input);
    (void)signed_message_read(&set, input, &read);
    (void)form_check(input, &message);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
