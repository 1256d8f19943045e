/* Stored outcomes, replayed: a u16 size, a bundle of that size, and what execution is
 * said to have made of it. */
#include "common/ledger/replay.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sample.h"

static uint64_t n_appended(const struct ledger_segments *segments)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < segments->n; i++)
        n += segments->list[i].n_records;
    return n;
}

/* The walk that look-ups take finds as many records as the replay appended. */
static uint64_t n_walked(const struct ledger *ledger, const struct ledger_block *block,
                         struct span outcomes)
{
    struct records records;
    struct record record;
    uint64_t n = 0;

    MUST(records_begin(&records, ledger, block, outcomes) == RECORDS_OK);
    while (records_next(&records, &record))
        MUST(record.index == n++);
    return n;
}

static void check_replay(const struct ledger_block *block, struct span outcomes)
{
    const struct span spaces[] = {span_of("payments", 8)};
    struct ledger ledger;
    struct ledger_segments segments = {0};

    MUST(ledger_start(&ledger, spaces, N_ELEMENTS(spaces)));
    struct hash before = ledger_root(&ledger);
    enum records_verdict verdict = ledger_replay(&ledger, block, outcomes, &segments);
    MUST(records_verdict_text(verdict) != NULL);
    struct hash after = ledger_root(&ledger);
    if (verdict == RECORDS_OK)
        MUST(n_appended(&segments) == n_walked(&ledger, block, outcomes));
    MUST(hash_eq(&before, &after) == (n_appended(&segments) == 0));
}

static void run(struct span input)
{
    const struct hash chain = sample_chain();
    struct bundle_view bundle;

    if (input.size < 2)
        return;
    size_t size = (size_t)input.data[0] << 8 | input.data[1];
    if (size > input.size - 2)
        return;
    struct ledger_block block = {.height = 1, .bundles = &bundle};
    if (bundle_parse(span_of(input.data + 2, size), &chain, &bundle) == BUNDLE_OK)
        block.n_bundles = 1;
    check_replay(&block, span_of(input.data + 2 + size, input.size - 2 - size));
}

const struct fuzz_target fuzz_target = {.run = run};
