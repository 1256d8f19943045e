/*
 * registry - the service's state: the schemas that genesis binds, and their table.
 *
 * Built-in texts are checked against genesis before anything is served, and the table's
 * rows against their own digests whenever the database comes up: what differs ends the
 * service (GENESIS, CORRUPT). Without a database the built-ins are served all the same.
 */
#ifndef APM2_SCHEMA_REGISTRY_H
#define APM2_SCHEMA_REGISTRY_H

#include <jansson.h>

#include "common/kernel_schema.h"
#include "common/service.h"
#include "services/schema-registry/store.h"

/* One schema in force. Version 1 is the one that came with genesis. */
struct schema_entry {
    struct hash digest;
    const struct kernel_schema *schema;
};

struct registry {
    struct service_env *env;
    struct store *store;
    bool is_stored; /* the table holds all of them, each as its digest says */
    struct schema_entry entries[GENESIS_SCHEMAS_MAX]; /* by type, as in genesis */
    uint32_t n_entries;
};

extern const struct admin_query registry_queries[];

enum apm_err registry_start(void *state, struct service_env *env);
void registry_turn(void *state, uint64_t now_ms);
void registry_stop(void *state);
void registry_health(void *state, struct health *health);

#endif
