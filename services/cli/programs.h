/*
 * programs - where apm2d and PostgreSQL's programs are.
 *
 * Ours lie where common/program.h looks for them.
 * PostgreSQL's: APM2_POSTGRES_BIN, then the newest /usr/lib/postgresql/N/bin, then PATH.
 */
#ifndef APM2_CLI_PROGRAMS_H
#define APM2_CLI_PROGRAMS_H

#include "common/program.h"
#include "services/cli/cluster.h"

#define POSTGRES_VERSION_MIN 15

struct programs {
    char apm2d[PROGRAM_PATH_MAX];
    char postgres[CLUSTER_PATH_MAX];
    char initdb[CLUSTER_PATH_MAX];
};

WARN_UNUSED enum apm_err programs_find(struct programs *ret_programs,
                                       struct complaint *ret_complaint);

#endif
