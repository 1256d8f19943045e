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

/* Adds or replaces; current if there is none yet. Failing to is no error: the
 * cluster can still be named by its directory. */
void contexts_note(const char *name, const char *dir);

#endif
