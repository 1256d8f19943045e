#include "tests/fuzz/heap.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* malloc has no argument to hand these down in. */
static size_t held;
static size_t peak;
/* libFuzzer's own thread allocates now and then: only the watched one counts. */
static _Thread_local bool is_watched;

static void took(size_t size)
{
    if (!is_watched)
        return;
    held += size;
    peak = held > peak ? held : peak;
}

/* What is freed may be older than the watch. */
static void gave(size_t size)
{
    if (!is_watched)
        return;
    held -= size < held ? size : held;
}

void heap_watch_start(void)
{
    held = 0;
    peak = 0;
    is_watched = true;
}

size_t heap_watch_peak(void)
{
    return peak;
}

#if defined(__SANITIZE_ADDRESS__) || defined(APM2_FUZZ_CLANG)

int __sanitizer_install_malloc_and_free_hooks(void (*took)(const volatile void *, size_t),
                                              void (*gave)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *at);

static void on_malloc(const volatile void *at, size_t size)
{
    (void)at;
    took(size);
}

static void on_free(const volatile void *at)
{
    gave(at == NULL ? 0 : __sanitizer_get_allocated_size(at));
}

/* Hooks cannot be taken off again: they are put on once. */
__attribute__((constructor)) static void put_on_hooks(void)
{
    if (__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == 0)
        abort();
}

#else

/* The C library's own, behind what we put in their place. */
void *libc_malloc(size_t size) __asm__("__libc_malloc");
void *libc_calloc(size_t n, size_t size) __asm__("__libc_calloc");
void *libc_realloc(void *at, size_t size) __asm__("__libc_realloc");
void libc_free(void *at) __asm__("__libc_free");

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    void *at = libc_malloc(size);
    took(malloc_usable_size(at));
    return at;
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    void *at = libc_calloc(n, size);
    took(malloc_usable_size(at));
    return at;
}

__attribute__((visibility("default"))) void *realloc(void *at, size_t size)
{
    size_t before = malloc_usable_size(at);
    void *moved = libc_realloc(at, size);
    /* Both are held while it moves. */
    took(malloc_usable_size(moved));
    gave(before);
    return moved;
}

__attribute__((visibility("default"))) void free(void *at)
{
    gave(malloc_usable_size(at));
    libc_free(at);
}

#endif
