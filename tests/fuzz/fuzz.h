/*
 * fuzz - the frame of every fuzz target: one function that is given bytes.
 *
 * A target file defines `fuzz_target`. The same object is linked with libFuzzer
 * (scripts/fuzz) and with replay.c, which runs the committed inputs as a unit test.
 * A property that does not hold is our bug: MUST. Targets keep nothing between runs.
 */
#ifndef APM2_TESTS_FUZZ_H
#define APM2_TESTS_FUZZ_H

#include "common/must.h"
#include "common/wire.h"

/* No target is given more: enough for every form, few enough for a buffer on the stack. */
#define FUZZ_BYTES_MAX (64u * KIB)

/* What a mutator needs: randomness, and the engine's own mutation of raw bytes. */
struct fuzz_mutation {
    uint64_t random;
    size_t (*mutate)(uint8_t *bytes, size_t size, size_t capacity);
};

struct fuzz_target {
    void (*run)(struct span input);
    /* Peak heap is at most heap_base + heap_per_byte * input; pure decoders: nothing. */
    size_t heap_base;
    size_t heap_per_byte;
    /* Changes what the bytes mean, not the bytes. Returns the new size, 0: cannot be
     * done with these. NULL: raw bytes only. */
    size_t (*mutate)(struct fuzz_mutation *mutation, struct span input, uint8_t *out,
                     size_t capacity);
};

extern const struct fuzz_target fuzz_target;

/* One run, with its heap watched. */
void fuzz_run(struct span input);

#endif
