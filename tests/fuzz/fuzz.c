#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/heap.h"

void fuzz_run(struct span input)
{
    if (input.size > FUZZ_BYTES_MAX)
        return;
    size_t max = fuzz_target.heap_base + fuzz_target.heap_per_byte * input.size;

    heap_watch_start();
    fuzz_target.run(input);
    MUST(heap_watch_peak() <= max);
}
