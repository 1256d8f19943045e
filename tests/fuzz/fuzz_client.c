/* Clients' messages. */
#include "common/bundle.h"
#include "tests/fuzz/form.h"
#include "tests/fuzz/sample.h"

static void run(struct span input)
{
    const struct hash chain = sample_chain();
    struct wire_message message;
    struct bundle_view bundle;

    if (form_check(input, &message) && message.id == WIRE_submit &&
        bundle_parse(message.submit.bundle, &chain, &bundle) == BUNDLE_OK)
        (void)bundle_verify(&bundle, &chain);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
