/*
 * heap - how much the code under test holds at most, from malloc's own view.
 *
 * Under the address sanitizer by its hooks, else by standing in for malloc: the
 * C library's dependencies are seen, too. One thread.
 */
#ifndef APM2_TESTS_FUZZ_HEAP_H
#define APM2_TESTS_FUZZ_HEAP_H

#include <stddef.h>

void heap_watch_start(void);

/* The most bytes held at once since the start, in excess of what was held then. */
size_t heap_watch_peak(void);

#endif
