/*
 * sample - the chain and the bundle that inputs are built from.
 *
 * Equal calls give equal bytes.
 */
#ifndef APM2_TESTS_FUZZ_SAMPLE_H
#define APM2_TESTS_FUZZ_SAMPLE_H

#include "common/bundle.h"

#define SAMPLE_BUNDLE_BYTES 2048u

/* seeds_evidence.c: into DIRECTORY/evidence. */
void evidence_seeds(const char *directory);
/* seeds_epoch.c: beside the other certificates and safety records. */
void epoch_seeds(const char *directory);

static inline struct hash sample_chain(void)
{
    return (struct hash){{0xc0, 0xde}};
}

#endif
