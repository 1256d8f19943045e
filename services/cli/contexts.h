/*
 * contexts - the names this user has for clusters, and which is meant by default.
 */
#ifndef APM2_CLI_CONTEXTS_H
#define APM2_CLI_CONTEXTS_H

#include "services/cli/cluster.h"

/* For messages. */
const char *contexts_path(void);

bool contexts_find(const char *name, char ret_dir[CLUSTER_PATH_MAX]);
bool contexts_current(char ret_dir[CLUSTER_PATH_MAX]);

/* Adds or replaces. It becomes the current one if asked to, and if there is none or
 * that one is gone. Failing to is no error: a directory still names the cluster.
 * True if it is the current one now. */
bool contexts_note(const char *name, const char *dir, bool make_current);

#endif
