/*
 * programs - where our own programs and PostgreSQL's are.
 *
 * Ours lie beside this executable, or in the build tree's sibling directories.
 * PostgreSQL's: APM2_POSTGRES_BIN, then the newest /usr/lib/postgresql/N/bin, then PATH.
 */
#ifndef APM2_CLI_PROGRAMS_H
#define APM2_CLI_PROGRAMS_H

#include "services/cli/cluster.h"

#define POSTGRES_VERSION_MIN 15

struct programs {
    char apm2[CLUSTER_PATH_MAX];
    char apm2d[CLUSTER_PATH_MAX];
    char consensus[CLUSTER_PATH_MAX];
    char postgres[CLUSTER_PATH_MAX];
    char initdb[CLUSTER_PATH_MAX];
};

WARN_UNUSED enum apm_err programs_find(struct programs *ret_programs,
                                       struct complaint *ret_complaint);

#endif
