/*
 * notify - the socket at which children say sd_notify's words.
 *
 * One datagram socket, mode 0600. The kernel names the sender's process, so nobody can
 * speak for another; descriptors sent along are discarded, long messages cut.
 */
#ifndef APM2_NOTIFY_H
#define APM2_NOTIFY_H

#include "common/explain.h"
#include "common/loop.h"

#include <sys/types.h>

struct notify {
    struct loop *loop;
    int fd;
    char path[108];
    /* Lines of NAME=value; dies with the call. */
    void (*heard)(void *arg, pid_t pid, const char *words);
    void *arg;
};

/* `notify` is filled in but for loop, fd and path. */
WARN_UNUSED enum apm_err notify_start(struct notify *notify, struct loop *loop, const char *path,
                                      struct why *ret_why);
void notify_stop(struct notify *notify);

#endif
