/*
 * sample - durations of one run and their percentiles, shared by the benches.
 *
 * Grows as needed; the caller releases it.
 */
#ifndef APM2_BENCH_SAMPLE_H
#define APM2_BENCH_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct sample {
    uint64_t *values_us;
    size_t n;
    size_t capacity;
};

void sample_add(struct sample *sample, uint64_t value_us);
/* Sorts; `percent` 0..100. 0 for an empty sample. */
uint64_t sample_percentile_us(struct sample *sample, double percent);
void sample_release(struct sample *sample);

/* Monotonic. */
uint64_t bench_now_us(void);

#endif
