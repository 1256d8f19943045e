/*
 * roster_read - whom to look after: a development cluster's cluster.json, which
 * `apm2 dev up` writes, or a node's own apm2.yaml.
 */
#ifndef APM2_ROSTER_READ_H
#define APM2_ROSTER_READ_H

#include "services/apm2d/roster.h"

struct roster_source {
    const char *notify_path;
    const char *dir;      /* of a development cluster, with its PostgreSQL, or NULL and */
    const char *postgres; /* the program */
    const char *config;   /* a node's configuration, and */
    const char *node;     /* its name */
};

WARN_UNUSED enum apm_err roster_read(const struct roster_source *source, struct roster **ret_roster,
                                     struct why *ret_why);

#endif
