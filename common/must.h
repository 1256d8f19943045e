/*
 * must - what has to hold unless we made a mistake.
 *
 * On in every build. Never for what a peer, a file or the machine can cause:
 * those are verdicts and errors. A broken MUST prints file, line and condition
 * to standard error and aborts.
 */
#ifndef APM2_MUST_H
#define APM2_MUST_H

_Noreturn void must_fail(const char *condition, const char *file, int line);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            must_fail(#condition, __FILE__, __LINE__);                                             \
    } while (0)

#endif
