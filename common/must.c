#include "common/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *condition, const char *file, int line)
{
    /* Nothing to be done when even this write fails: we are about to abort. */
    (void)fprintf(stderr, "panic: %s:%d: MUST(%s)\n", file, line, condition);
    abort();
}
