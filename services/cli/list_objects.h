/*
 * list_objects - a service's list of leases, keys or schemas as a table or as JSON.
 */
#ifndef APM2_CLI_LIST_OBJECTS_H
#define APM2_CLI_LIST_OBJECTS_H

#include "services/cli/command.h"

struct object_list {
    const char *service;     /* whose; NULL = consensus */
    const char *verb;        /* the query, and the answer's member: "leases" */
    const char *filter_name; /* argument that names one, NULL = all */
    const char *filter;
    const char *const *columns; /* members, also the headers */
    uint32_t n_columns;
};

/* Asks, prints, returns the exit code. Naming one that is not there is NOT_FOUND. */
int list_objects(const struct invocation *invocation, const struct object_list *list);

#endif
