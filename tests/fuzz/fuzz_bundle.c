/* Bundles as clients send them. */
#include "common/bundle.h"
#include "tests/fuzz/form.h"
#include "tests/fuzz/sample.h"

static void run(struct span input)
{
    const struct hash chain = sample_chain();
    struct bundle_view bundle;

    enum bundle_verdict verdict = bundle_parse(input, &chain, &bundle);
    MUST(bundle_verdict_text(verdict) != NULL);
    if (verdict != BUNDLE_OK)
        return;
    MUST(bundle.events.n == bundle.body.n_events && bundle.events.n > 0);
    struct bundle_view again = bundle_reopen(input);
    MUST(hash_eq(&again.id, &bundle.id) && again.events.n == bundle.events.n);
    (void)bundle_verify(&bundle, &chain);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
