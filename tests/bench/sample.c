#include "tests/bench/sample.h"

#include <stdlib.h>
#include <time.h>

#include "common/must.h"

void sample_add(struct sample *sample, uint64_t value_us)
{
    if (sample->n == sample->capacity) {
        sample->capacity = sample->capacity == 0 ? 4096 : 2 * sample->capacity;
        sample->values_us =
            realloc(sample->values_us, sample->capacity * sizeof(*sample->values_us));
        MUST(sample->values_us != NULL);
    }
    sample->values_us[sample->n++] = value_us;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

uint64_t sample_percentile_us(struct sample *sample, double percent)
{
    if (sample->n == 0)
        return 0;
    qsort(sample->values_us, sample->n, sizeof(*sample->values_us), compare);
    size_t at = (size_t)(percent / 100.0 * (double)(sample->n - 1) + 0.5);
    return sample->values_us[at];
}

void sample_release(struct sample *sample)
{
    free(sample->values_us);
    *sample = (struct sample){NULL, 0, 0};
}

uint64_t bench_now_us(void)
{
    struct timespec now;

    MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}
