/*
 * spawn - fork and exec of a child: signals, output, user, notify socket.
 */
#ifndef APM2_SPAWN_H
#define APM2_SPAWN_H

#include "services/apm2d/child.h"

/* Its pid, or -1 when the system has no room for another process. */
pid_t spawn(const struct child *child);

#endif
