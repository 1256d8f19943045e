/*
 * signatures - did any key sign two things at one rank?
 *
 * Read from the signers' own lines (event=signed kind= rank= digest=), which they write
 * before a signature can leave them.
 */
#ifndef APM2_CRASH_SIGNATURES_H
#define APM2_CRASH_SIGNATURES_H

#include "tests/crash/control.h"

struct signatures {
    uint64_t n;
    uint64_t n_double;
    char example[256]; /* of a double one */
};

/* Of the logs <dir>/nI/log/consensus.log. False: one cannot be read. */
bool signatures_count(const char *dir, struct signatures *ret_signatures);

#endif
