#include "common/mem.h"
#include "common/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *never_null(void *memory)
{
    if (memory == NULL) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_new(size_t n, size_t size)
{
    /* calloc(0, ...) may be NULL without being a failure. */
    return never_null(calloc(n == 0 ? 1 : n, size == 0 ? 1 : size));
}

void *mem_resize(void *memory, size_t size)
{
    return never_null(realloc(memory, size == 0 ? 1 : size));
}

char *mem_strdup(const char *text)
{
    MUST(text != NULL);
    return never_null(strdup(text));
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);

    return never_null(length < 0 ? NULL : text);
}
