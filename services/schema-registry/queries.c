/* What operators and other services ask: the list, and one schema. */
#include "services/schema-registry/registry.h"

#include <string.h>

#include "common/admin_json.h"
#include "common/hash.h"

static json_t *entry_json(const struct schema_entry *entry)
{
    struct hash_text digest = hash_to_text(&entry->digest);

    return json_pack("{s:s,s:s,s:i,s:s,s:i,s:s}", "type", entry->schema->type, "namespace",
                     NAMESPACE_KERNEL, "version", 1, "state", "active", "bytes",
                     (int)strlen(entry->schema->text), "digest", digest.text);
}

static enum apm_err query_schemas(void *state, struct span args, struct buf *ret_body)
{
    const struct registry *registry = state;
    json_t *list = json_array();

    (void)args;
    for (uint32_t i = 0; i < registry->n_entries; i++)
        (void)json_array_append_new(list, entry_json(&registry->entries[i]));
    return admin_body(json_pack("{s:o,s:b}", "schemas", list, "stored", registry->is_stored),
                      ret_body);
}

/* By its type, or by its digest in hex. */
static const struct schema_entry *find(const struct registry *registry, const char *name)
{
    struct hash digest;
    bool is_digest = hex_decode(name, sizeof(digest.b), digest.b);

    for (uint32_t i = 0; i < registry->n_entries; i++) {
        const struct schema_entry *entry = &registry->entries[i];
        if (is_digest ? hash_eq(&digest, &entry->digest) : strcmp(name, entry->schema->type) == 0)
            return entry;
    }
    return NULL;
}

static enum apm_err query_schema(void *state, struct span args, struct buf *ret_body)
{
    const struct registry *registry = state;
    json_t *json = admin_args(args);
    const char *name = json_string_value(json_object_get(json, "schema"));
    const struct schema_entry *entry = name != NULL ? find(registry, name) : NULL;
    enum apm_err err = name == NULL ? APM_ERR_BAD_INPUT : APM_ERR_NOT_FOUND;

    if (name == NULL)
        admin_error_body(ret_body, "schema: a type or a digest of 64 hex digits is needed", NULL);
    else if (entry == NULL)
        admin_error_body(ret_body, "no schema of this type or digest is in force",
                         "apm2 schema list");
    json_decref(json);
    if (entry == NULL)
        return err;
    json_t *body = entry_json(entry);
    json_t *schema = json_loads(entry->schema->text, JSON_REJECT_DUPLICATES, NULL);
    (void)json_object_set_new(body, "schema", schema);
    return admin_body(body, ret_body);
}

const struct admin_query registry_queries[] = {
    {"schemas", "the schemas in force", query_schemas, NULL},
    {"schema", "one of them, whole", query_schema, NULL},
    {NULL, NULL, NULL, NULL},
};
