/*
 * watcher - supervises one development cluster until it is told to end.
 *
 * One per cluster directory, by flock on <dir>/apm2d.lock. SIGTERM and SIGINT end it
 * like `down`: everything is drained first.
 */
#ifndef APM2_WATCHER_H
#define APM2_WATCHER_H

#include "services/apm2d/roster.h"

/* Runs until the end; returns the process's exit code. */
int watcher_run(const char *dir, const struct roster_programs *programs);

#endif
