/*
 * dev_postgres - the private PostgreSQL instance of each development node.
 *
 * Durable like production (fsync, full_page_writes, synchronous_commit stay on),
 * small, and reachable only through a socket in a directory of mode 0700. As root it
 * belongs to the unprivileged user that cluster.postgres_user names.
 */
#ifndef APM2_CLI_DEV_POSTGRES_H
#define APM2_CLI_DEV_POSTGRES_H

#include "services/cli/cluster.h"
#include "services/cli/programs.h"

/* "" unless root; then the user PostgreSQL is to run as. CONFIG if there is none. */
WARN_UNUSED enum apm_err dev_postgres_user(char ret_user[64], struct complaint *ret_complaint);

/* initdb, configuration, roles and database of every node, side by side. */
WARN_UNUSED enum apm_err dev_postgres_create(const struct cluster *cluster,
                                             const struct programs *programs,
                                             struct complaint *ret_complaint);

#endif
