/*
 * lock - one process per run directory or data directory, by flock(2).
 *
 * The kernel drops the lock when the process dies, however it dies. A forked child
 * holds it too, until it execs, ends or calls lock_release on its copy.
 */
#ifndef APM2_LOCK_H
#define APM2_LOCK_H

#include "common/err.h"

#include <sys/types.h>

struct lock {
    int fd; /* -1: not held */
};

/* Creates the file if need be and writes our process id into it. APM_ERR_FENCED:
 * somebody else holds it; `*ret_holder` (may be NULL) is then their process id, 0
 * if unknown. */
WARN_UNUSED enum apm_err lock_take(const char *path, struct lock *ret_lock, pid_t *ret_holder);

void lock_release(struct lock *lock);

#endif
