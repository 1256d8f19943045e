/*
 * dev_create - the files of a new development cluster, and their removal.
 *
 *   <dir>/cluster.json genesis.json operator.pem t0/t0-I.pem apm2d.{lock,sock,notify,log}
 *   <dir>/nI/apm2.yaml keys/ run/ log/ data/ pg/ pgsock/
 *
 * cluster.json is written last: without it the directory holds no cluster, and what a
 * failed or interrupted creation left is removed by the next one.
 */
#ifndef APM2_CLI_DEV_CREATE_H
#define APM2_CLI_DEV_CREATE_H

#include "services/cli/cluster.h"
#include "services/cli/programs.h"

struct dev_plan {
    const char *dir;
    const char *net; /* "127.0.10" */
    uint32_t n_nodes;
};

WARN_UNUSED enum apm_err dev_create(const struct dev_plan *plan, const struct programs *programs,
                                    struct cluster *ret_cluster, struct complaint *ret_complaint);

/* True when a cluster was finished there, or has run: what is lost by removing it. */
bool dev_holds_data(const char *dir);

/* Removes what dev_create makes, and nothing else. Refuses a directory that looks
 * like something else. */
WARN_UNUSED enum apm_err dev_remove(const char *dir, struct complaint *ret_complaint);

#endif
