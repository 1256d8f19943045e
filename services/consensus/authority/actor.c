#include "services/consensus/authority/actor.h"

#include "common/hash.h"
#include "common/must.h"

#define ACTOR_TAG "apm2/actor/1"
#define ACTOR_STATE_TAG "apm2/actor-state/1"

static struct hash key_of(const struct key *key)
{
    struct span part = span_of(key->b, sizeof(key->b));
    return hash_tagged(ACTOR_TAG, &part, 1);
}

uint32_t actor_find(const struct authority *authority, const struct key *key)
{
    struct hash at = key_of(key);
    return table_find(&authority->actor_table, &at);
}

static void mark(struct authority *authority, uint32_t slot)
{
    struct actor *actor = &authority->actors[slot];

    if (actor->is_dirty)
        return;
    actor->is_dirty = true;
    actor->next_dirty = authority->first_dirty;
    authority->first_dirty = slot;
}

uint32_t actor_add(struct authority *authority, const struct key *key)
{
    struct hash at = key_of(key);
    uint32_t slot = table_find(&authority->actor_table, &at);
    if (slot != SLOT_NONE)
        return slot;

    slot = table_add(&authority->actor_table, &at);
    if (slot == SLOT_NONE)
        return SLOT_NONE;
    struct actor *actor = &authority->actors[slot];
    *actor = (struct actor){.key = *key, .successor = SLOT_NONE};
    for (uint32_t i = 0; i < NAMESPACES_MAX; i++)
        actor->capabilities[i] = SLOT_NONE;
    mark(authority, slot);
    return slot;
}

void actor_use_nonce(struct authority *authority, uint32_t slot, uint64_t nonce)
{
    nonce_use(&authority->actors[slot].nonces, nonce);
    mark(authority, slot);
}

bool actor_answers_to(const struct authority *authority, uint32_t slot, const struct key *key)
{
    if (key_eq(key, &authority->actors[slot].key))
        return true;

    uint32_t at = actor_find(authority, key);
    while (at != SLOT_NONE && at != slot)
        at = authority->actors[at].successor;
    return at != SLOT_NONE;
}

void actor_succeed(struct authority *authority, uint32_t from, uint32_t to, uint64_t time_ms)
{
    struct actor *actor = &authority->actors[from];

    MUST(actor->successor == SLOT_NONE && from != to);
    actor->successor = to;
    actor->rotated_at_ms = time_ms;
    mark(authority, from);
}

static void put(struct authority *authority, uint32_t slot)
{
    const struct actor *actor = &authority->actors[slot];
    const struct nonce_window *nonces = &actor->nonces;
    uint8_t bytes[64 + NONCE_WINDOW / 8 + NONCE_WINDOW / 64];
    struct writer writer = writer_of(bytes, sizeof(bytes));
    uint8_t bits[NONCE_WINDOW / 8];

    for (uint32_t i = 0; i < sizeof(bits); i++)
        bits[i] = (uint8_t)(nonces->bits[i / 8] >> 8 * (i % 8));
    writer_u64(&writer, nonces->next);
    writer_bin(&writer, span_of(bits, sizeof(bits)));
    if (actor->successor != SLOT_NONE) {
        const struct key *next = &authority->actors[actor->successor].key;
        writer_bin(&writer, span_of(next->b, sizeof(next->b)));
        writer_u64(&writer, actor->rotated_at_ms);
    }
    authority_put(authority, &authority->actor_table.keys[slot], ACTOR_STATE_TAG, &writer);
}

void actor_flush(struct authority *authority)
{
    while (authority->first_dirty != SLOT_NONE) {
        uint32_t slot = authority->first_dirty;
        authority->first_dirty = authority->actors[slot].next_dirty;
        authority->actors[slot].is_dirty = false;
        put(authority, slot);
    }
}
