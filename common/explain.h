/*
 * explain - the sentence that goes with an error an operator has to act on.
 *
 * An enum apm_err says what kind of failure it was; the text says which file,
 * which field and what to type next. It belongs to the caller and is written
 * only on failure. For start-up and commands, never for a hot path.
 */
#ifndef APM2_EXPLAIN_H
#define APM2_EXPLAIN_H

#include "common/err.h"

struct why {
    char text[256];
};

/* Formats into ret_why (NULL is fine; cut to fit) and returns err:
 *     return explain(ret_why, APM_ERR_NOT_FOUND, "%s: no such file", path); */
enum apm_err explain(struct why *ret_why, enum apm_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The kind of a failed system call. */
enum apm_err err_of_errno(int error);

#endif
