/*
 * mem - allocation that never returns NULL: for the edges, never for the pure half.
 *
 * Running out of memory is not survivable in the middle of a decision: the
 * process says so and aborts, and its supervisor starts it again.
 * Whoever calls owns the result and gives it to free().
 */
#ifndef APM2_MEM_H
#define APM2_MEM_H

#include <stddef.h>

/* n * size zeroed bytes; aborts when the product overflows. */
void *mem_new(size_t n, size_t size) __attribute__((returns_nonnull, alloc_size(1, 2)));

void *mem_resize(void *memory, size_t size) __attribute__((returns_nonnull, alloc_size(2)));

char *mem_strdup(const char *text) __attribute__((returns_nonnull));

/* Formatted text of any length. */
char *mem_printf(const char *format, ...) __attribute__((returns_nonnull, format(printf, 1, 2)));

#endif
