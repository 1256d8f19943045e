/* A genesis document. */
#include "common/genesis.h"
#include "common/json_read.h"
#include "tests/fuzz/fuzz.h"

static void run(struct span input)
{
    struct genesis *genesis = NULL;
    struct why why = {""};
    struct hash chain;
    json_t *json = NULL;
    if (json_read(input, &json, &why) != APM_OK)
        return;

    (void)genesis_signatures_missing(json);
    bool has_chain = genesis_chain(json, &chain) == APM_OK;
    if (genesis_from_json(json, &genesis, &why) == APM_OK)
        MUST(has_chain && hash_eq(&chain, &genesis->chain));
    else
        MUST(why.text[0] != 0);
    genesis_destroy(&genesis);
    json_decref(json);
}

const struct fuzz_target fuzz_target = {
    .run = run, .heap_base = 2 * sizeof(struct genesis) + 64 * KIB, .heap_per_byte = 8};
