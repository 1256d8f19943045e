/*
 * watcher - supervises one node, or one development cluster, until it is told to end.
 *
 * One per directory, by flock on <dir>/apm2d.lock; there too the sockets apm2d.sock
 * (control.h) and apm2d.notify. `dir` is the cluster's, or the node's run directory.
 *
 * To its own supervisor it says READY=1 once every service is up or given up, STATUS=
 * what is up, and WATCHDOG=1 while no child hangs. SIGTERM and SIGINT drain everything
 * first, and say what is left; a second one ends it at once, and its children with it.
 * SIGHUP is handed on to the services.
 */
#ifndef APM2_WATCHER_H
#define APM2_WATCHER_H

#include "services/apm2d/roster_read.h"

/* Of the source all but notify_path is filled in. Runs until the end; returns the
 * process's exit code. */
int watcher_run(const char *dir, struct roster_source *source);

#endif
