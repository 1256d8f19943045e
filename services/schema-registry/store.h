/*
 * store - the table of schema texts.
 *
 * Rows are written once and never changed. Every time the database comes up `up` is
 * called, which puts what must be there; store_check then reads all rows back and
 * compares each text with its digest. A final fault (fenced, corrupt, a schema version
 * out of range) is told once, through `failed`.
 */
#ifndef APM2_SCHEMA_REGISTRY_STORE_H
#define APM2_SCHEMA_REGISTRY_STORE_H

#include "common/err.h"
#include "common/ids.h"
#include "common/loop.h"

struct store_schema {
    struct hash digest;
    struct span space, type;
    uint64_t version;
    struct span text;
};

struct store_config {
    const char *conninfo;
    const char *node;
    uint64_t seed;
};

struct store_events {
    void *context;
    void (*up)(void *context);
    void (*checked)(void *context, uint64_t n_rows);
    void (*failed)(void *context, enum apm_err err, const char *detail);
};

struct store;

/* Borrows the config's strings and the loop for its life. */
struct store *store_new(const struct store_config *config, const struct store_events *events,
                        struct loop *loop);
void store_destroy(struct store **store);

bool store_is_up(const struct store *store);
const char *store_detail(const struct store *store);

/* From `up` only. A row that is there already stays as it is. */
void store_put(struct store *store, const struct store_schema *schema);
void store_check(struct store *store);

#endif
