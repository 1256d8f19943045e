#include "common/hash.h"
#include "common/must.h"
#include "services/consensus/authority/actor.h"
#include "services/consensus/authority/capability.h"

#define LEASES_DEFAULT 65536u
#define CAPABILITIES_DEFAULT 16384u
#define ACTORS_DEFAULT 4096u

/* Beyond these the arena would not be a sane request. */
#define ENTRIES_MAX (4u * MIB)

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value == 0 ? fallback : value;
}

bool authority_limits_fill(const struct authority_limits *limits,
                           struct authority_limits *ret_limits)
{
    struct authority_limits filled = {
        .leases = or_default(limits->leases, LEASES_DEFAULT),
        .capabilities = or_default(limits->capabilities, CAPABILITIES_DEFAULT),
        .actors = or_default(limits->actors, ACTORS_DEFAULT),
        .nonce_window = or_default(limits->nonce_window, NONCE_WINDOW),
        .expiry_heights_max = or_default(limits->expiry_heights_max, BUNDLE_EXPIRY_HEIGHTS_MAX),
    };

    if (filled.leases > ENTRIES_MAX || filled.capabilities > ENTRIES_MAX ||
        filled.actors > ENTRIES_MAX || filled.nonce_window > NONCE_WINDOW ||
        filled.expiry_heights_max > BUNDLE_EXPIRY_HEIGHTS_MAX)
        return false;
    *ret_limits = filled;
    return true;
}

static void lay_out_table(struct table *table, struct arena *arena, uint32_t capacity)
{
    *table = (struct table){.capacity = capacity, .free_list = SLOT_NONE};
    table->n_cells = table_cells(capacity);
    table->keys = arena_take(arena, capacity, sizeof(*table->keys));
    table->next_free = arena_take(arena, capacity, sizeof(*table->next_free));
    table->cells = arena_take(arena, table->n_cells, sizeof(*table->cells));
}

static void lay_out_expiry(struct expiry *expiry, struct arena *arena, const struct table *table)
{
    *expiry = (struct expiry){.keys = table->keys};
    expiry->heap = arena_take(arena, table->capacity, sizeof(*expiry->heap));
    expiry->places = arena_take(arena, table->capacity, sizeof(*expiry->places));
}

void authority_lay_out(struct authority *authority, struct arena *arena)
{
    const struct authority_limits *limits = &authority->limits;

    lay_out_table(&authority->lease_table, arena, limits->leases);
    lay_out_expiry(&authority->lease_expiry, arena, &authority->lease_table);
    authority->leases = arena_take(arena, limits->leases, sizeof(*authority->leases));

    lay_out_table(&authority->capability_table, arena, limits->capabilities);
    lay_out_expiry(&authority->capability_expiry, arena, &authority->capability_table);
    authority->capabilities =
        arena_take(arena, limits->capabilities, sizeof(*authority->capabilities));

    lay_out_table(&authority->actor_table, arena, limits->actors);
    authority->actors = arena_take(arena, limits->actors, sizeof(*authority->actors));

    /* One entry for each slot and each schema; an entry takes two nodes at most. */
    uint32_t n_entries = limits->leases + limits->capabilities + limits->actors + EVENT_NONE;
    authority->n_map_nodes = 2 * n_entries + 1;
    authority->map_nodes = arena_take(arena, authority->n_map_nodes, sizeof(*authority->map_nodes));
}

static struct span hash_span(const struct hash *hash)
{
    return span_of(hash->b, sizeof(hash->b));
}

struct hash entry_key(const char *tag, struct span space, struct span name)
{
    uint8_t space_size = (uint8_t)space.size;
    const struct span parts[] = {span_of(&space_size, 1), space, name};

    MUST(space.size <= ID_BYTES_MAX);
    return hash_tagged(tag, parts, N_ELEMENTS(parts));
}

void authority_put(struct authority *authority, const struct hash *key, const char *tag,
                   const struct writer *value)
{
    MUST(!value->overflow);

    struct span bytes = span_of(value->out, value->size);
    struct hash hash = hash_tagged(tag, &bytes, 1);
    MUST(smap_put(&authority->map, key, &hash));
}

uint32_t authority_space(const struct authority *authority, struct span space)
{
    for (uint32_t i = 0; i < authority->n_spaces; i++) {
        if (span_eq(space, name_span(&authority->spaces[i])))
            return i;
    }
    return SLOT_NONE;
}

static bool add_space(struct authority *authority, struct span space)
{
    if (authority_space(authority, space) != SLOT_NONE)
        return true;
    if (space.size == 0 || space.size > ID_BYTES_MAX || authority->n_spaces == NAMESPACES_MAX)
        return false;

    struct name *name = &authority->spaces[authority->n_spaces++];
    name->size = (uint32_t)space.size;
    memcpy(name->text, space.data, space.size);
    return true;
}

static bool add_grant(struct authority *authority, const struct authority_grant *grant)
{
    if (grant->id.size == 0 || grant->id.size > ID_BYTES_MAX)
        return false;
    return add_space(authority, grant->space) && capability_root(authority, grant);
}

static bool add_schema(struct authority *authority, const struct authority_schema *schema)
{
    enum event_type type = event_type_of(schema->type);
    if (type == EVENT_NONE || !hash_is_zero(&authority->schemas[type]))
        return false;

    struct hash key = hash_tagged("apm2/schema-of/1", &schema->type, 1);
    uint8_t bytes[sizeof(struct hash) + 2];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    writer_bin(&writer, hash_span(&schema->digest));
    authority_put(authority, &key, "apm2/schema-of-state/1", &writer);
    authority->schemas[type] = schema->digest;
    return true;
}

enum apm_err authority_init(struct authority *authority, const struct authority_genesis *genesis)
{
    smap_init(&authority->map, authority->map_nodes, authority->n_map_nodes);
    authority->first_ended = authority->last_ended = SLOT_NONE;
    authority->first_dirty = SLOT_NONE;

    bool is_good = add_space(authority, span_of(NAMESPACE_KERNEL, sizeof(NAMESPACE_KERNEL) - 1));
    for (uint32_t i = 0; i < genesis->n_grants && is_good; i++)
        is_good = add_grant(authority, &genesis->grants[i]);
    for (uint32_t i = 0; i < genesis->n_schemas && is_good; i++)
        is_good = add_schema(authority, &genesis->schemas[i]);
    return is_good ? APM_OK : APM_ERR_GENESIS;
}

struct hash authority_root(struct authority *authority)
{
    actor_flush(authority);
    return smap_root(&authority->map);
}
