/* Leases, capabilities and actors, as executed here. */
#include "services/consensus/queries.h"

#include "common/log.h"

static void set_span(json_t *object, const char *name, struct span text)
{
    json_object_set_new(object, name, json_stringn((const char *)text.data, text.size));
}

static void set_key(json_t *object, const char *name, const struct key *key)
{
    char text[65];

    hex_encode(key->b, sizeof(key->b), text);
    json_object_set_new(object, name, json_string(text));
}

static void set_u64(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

enum apm_err query_account(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    struct key actor;
    uint64_t nonce = 0;

    if (!query_key(args, "actor", &actor)) {
        admin_error_body(ret_body, "actor: must be 64 hex digits of an ed25519 key", NULL);
        return APM_ERR_BAD_INPUT;
    }
    bool is_known = authority_next_nonce(execution_authority(node->execution), &actor, &nonce);
    struct hash_text chain = hash_to_text(&node->genesis->chain);
    json_t *body =
        json_pack("{s:b,s:I,s:I,s:s}", "known", is_known, "next_nonce", (json_int_t)nonce, "height",
                  (json_int_t)node->view.committed.height, "chain_id", chain.text);
    return admin_body(body, ret_body);
}

static json_t *lease_json(const struct lease_view *lease)
{
    json_t *json = json_object();
    struct hash_text id = hash_to_text(&lease->id);

    set_span(json, "resource", lease->resource);
    set_span(json, "holder", lease->holder);
    set_u64(json, "issued_ms", lease->issued_at_ms);
    set_u64(json, "renewed_ms", lease->renewed_at_ms);
    set_u64(json, "expires_ms", lease->expires_at_ms);
    set_u64(json, "renewals", lease->n_renewals);
    set_key(json, "issuer", &lease->issuer);
    json_object_set_new(json, "id", json_string(id.text));
    return json;
}

/* The namespace asked about, `kernel` by default. */
static struct span space_of(struct span args, char text[ID_BYTES_MAX + 1])
{
    if (!query_text(args, "namespace", text))
        memcpy(text, NAMESPACE_KERNEL, sizeof(NAMESPACE_KERNEL));
    return span_of(text, strlen(text));
}

/* Objects per answer: one that is full names the cursor to go on from as `next`. */
#define PAGE_OBJECTS_MAX 1000u

struct page {
    json_t *list;
    uint32_t cursor;
    bool is_full;
};

static struct page page_begin(struct span args)
{
    return (struct page){json_array(), (uint32_t)query_u64(args, "cursor", 0), false};
}

static bool page_has_room(struct page *page)
{
    page->is_full = json_array_size(page->list) >= PAGE_OBJECTS_MAX;
    return !page->is_full;
}

static enum apm_err page_done(const struct node *node, struct page *page, const char *name,
                              struct buf *ret_body)
{
    json_t *body =
        json_pack("{s:o,s:I}", name, page->list, "height", (json_int_t)node->view.executed_height);

    if (page->is_full)
        set_u64(body, "next", page->cursor);
    return admin_body(body, ret_body);
}

enum apm_err query_leases(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    const struct authority *authority = execution_authority(node->execution);
    char name[ID_BYTES_MAX + 1], resource[ID_BYTES_MAX + 1];
    struct span space = space_of(args, name);
    struct page page = page_begin(args);
    struct lease_view lease;

    if (query_text(args, "resource", resource)) {
        if (authority_find_lease(authority, space, span_of(resource, strlen(resource)), &lease))
            json_array_append_new(page.list, lease_json(&lease));
    } else {
        while (page_has_room(&page) && authority_next_lease(authority, space, &page.cursor, &lease))
            json_array_append_new(page.list, lease_json(&lease));
    }
    return page_done(node, &page, "leases", ret_body);
}

static const char *state_text(enum capability_state state)
{
    switch (state) {
    case CAPABILITY_LIVE:
        return "live";
    case CAPABILITY_ENDED_REVOKED:
        return "revoked";
    case CAPABILITY_ENDED_EXPIRED:
        return "expired";
    }
    return "unknown";
}

static json_t *capability_json(const struct capability_view *capability)
{
    json_t *json = json_object();
    char rights[1024] = "";

    set_span(json, "id", capability->id);
    set_span(json, "parent", capability->parent);
    set_key(json, "subject", &capability->subject);
    set_key(json, "granter", &capability->granter);
    (void)rights_print(capability->rights, rights, sizeof(rights));
    json_object_set_new(json, "rights", json_string(rights));
    set_span(json, "resource_prefix", capability->resource_prefix);
    set_u64(json, "expires_ms", capability->expires_at_ms);
    set_u64(json, "depth", capability->depth);
    json_object_set_new(json, "state", json_string(state_text(capability->state)));
    return json;
}

enum apm_err query_capabilities(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    const struct authority *authority = execution_authority(node->execution);
    char name[ID_BYTES_MAX + 1], id[ID_BYTES_MAX + 1];
    struct span space = space_of(args, name);
    struct page page = page_begin(args);
    struct capability_view capability;

    if (query_text(args, "id", id)) {
        if (authority_find_capability(authority, space, span_of(id, strlen(id)), &capability))
            json_array_append_new(page.list, capability_json(&capability));
    } else {
        while (page_has_room(&page) &&
               authority_next_capability(authority, space, &page.cursor, &capability))
            json_array_append_new(page.list, capability_json(&capability));
    }
    return page_done(node, &page, "capabilities", ret_body);
}

static const char *tier_text(enum actor_tier tier)
{
    switch (tier) {
    case ACTOR_TIER_NONE:
        return "";
    case ACTOR_TIER_2:
        return "T2";
    case ACTOR_TIER_3:
        return "T3";
    }
    return "";
}

static json_t *actor_json(const struct actor_view *actor)
{
    json_t *json = json_object();

    set_key(json, "key", &actor->key);
    json_object_set_new(json, "state", json_string(actor->is_rotated ? "rotated" : "in use"));
    json_object_set_new(json, "tier", json_string(tier_text(actor->tier)));
    set_u64(json, "capabilities", actor->n_capabilities);
    set_u64(json, "next_nonce", actor->next_nonce);
    if (actor->is_rotated) {
        set_key(json, "successor", &actor->successor);
        set_u64(json, "rotated_ms", actor->rotated_at_ms);
    }
    return json;
}

enum apm_err query_actors(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    const struct authority *authority = execution_authority(node->execution);
    struct page page = page_begin(args);
    struct actor_view actor;
    struct key key;

    if (query_key(args, "key", &key)) {
        if (authority_find_actor(authority, &key, &actor))
            json_array_append_new(page.list, actor_json(&actor));
    } else {
        while (page_has_room(&page) && authority_next_actor(authority, &page.cursor, &actor))
            json_array_append_new(page.list, actor_json(&actor));
    }
    return page_done(node, &page, "actors", ret_body);
}
