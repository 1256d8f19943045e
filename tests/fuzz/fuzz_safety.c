/* The safety record, as file and store keep it. */
#include "services/consensus/core/safety.h"
#include "tests/fuzz/form.h"

static void run(struct span input)
{
    struct safety_record record;
    uint8_t again[RECORD_BYTES_MAX];

    if (!safety_decode(input, &record))
        return;
    MUST(safety_encode(&record, again, sizeof(again)) == input.size);
    MUST(memcmp(again, input.data, input.size) == 0);

    /* A maximum with itself changes nothing. */
    const struct safety_record copy = record;
    safety_merge(&record, &copy);
    MUST(safety_encode(&record, again, sizeof(again)) == input.size);
    MUST(memcmp(again, input.data, input.size) == 0);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
