#include "common/kernel_schema.h"

#include <stdlib.h>
#include <string.h>

#include "common/canonical_json.h"
#include "common/hash.h"

#define DIGEST_TAG "apm2/schema/1"

const struct kernel_schema *kernel_schema_of(const char *type)
{
    for (uint32_t i = 0; i < n_kernel_schemas; i++) {
        if (strcmp(kernel_schemas[i].type, type) == 0)
            return &kernel_schemas[i];
    }
    return NULL;
}

enum apm_err kernel_schema_digest(const char *text, struct hash *ret_digest)
{
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    char *canonical = NULL;
    size_t size = 0;
    enum apm_err err =
        schema != NULL ? canonical_json(schema, &canonical, &size) : APM_ERR_BAD_INPUT;

    json_decref(schema);
    if (err != APM_OK)
        return APM_ERR_BAD_INPUT;
    const struct span content = span_of(canonical, size);
    *ret_digest = hash_tagged(DIGEST_TAG, &content, 1);
    free(canonical);
    return APM_OK;
}

enum apm_err kernel_schema_check(const struct genesis *genesis, struct why *ret_why)
{
    for (uint32_t i = 0; i < genesis->n_schemas; i++) {
        const struct genesis_schema *bound = &genesis->schemas[i];
        const struct kernel_schema *ours = kernel_schema_of(bound->type);
        struct hash digest;

        if (ours == NULL)
            return explain(ret_why, APM_ERR_GENESIS,
                           "genesis binds a schema of %s, a type that this version does not "
                           "have: use the version that the other nodes run",
                           bound->type);
        if (kernel_schema_digest(ours->text, &digest) != APM_OK ||
            !hash_eq(&digest, &bound->digest))
            return explain(ret_why, APM_ERR_GENESIS,
                           "the schema of %s built into this version is not the one that genesis "
                           "binds: use the version that the other nodes run",
                           bound->type);
    }
    return APM_OK;
}
