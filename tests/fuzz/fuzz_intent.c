/* What the node asks its signer child to sign. */
#include "services/consensus/core/safety.h"
#include "tests/fuzz/fuzz.h"

static void run(struct span input)
{
    const struct hash chain = {{0}};
    struct intent intent;
    uint8_t again[INTENT_BYTES_MAX];
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (!intent_decode(input, &intent))
        return;
    MUST(intent_encode(&intent, again) == input.size);
    MUST(memcmp(again, input.data, input.size) == 0);
    size_t size = intent_statement(&chain, &intent, statement);
    MUST(size > 0 && size <= sizeof(statement));

    struct safety_record record = {.epoch = 1};
    MUST(safety_verdict_text(safety_approve(&record, &intent)) != NULL);
}

const struct fuzz_target fuzz_target = {.run = run};
