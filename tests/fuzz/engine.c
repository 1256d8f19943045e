/* What libFuzzer calls. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t capacity, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t capacity);

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_run(span_of(bytes, size));
    return 0;
}

/* One mutation in four stays blind: what no encoder of ours writes must be met as well. */
__attribute__((visibility("default"))) size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t capacity, unsigned seed)
{
    if (fuzz_target.mutate == NULL || seed % 4 == 0 || size > FUZZ_BYTES_MAX)
        return LLVMFuzzerMutate(bytes, size, capacity);

    uint8_t out[FUZZ_BYTES_MAX];
    struct fuzz_mutation mutation = {seed, LLVMFuzzerMutate};
    size_t room = capacity < sizeof(out) ? capacity : sizeof(out);
    size_t new_size = fuzz_target.mutate(&mutation, span_of(bytes, size), out, room);
    if (new_size == 0)
        return LLVMFuzzerMutate(bytes, size, capacity);
    memcpy(bytes, out, new_size);
    return new_size;
}
