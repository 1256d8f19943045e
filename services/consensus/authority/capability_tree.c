#include "services/consensus/authority/capability_tree.h"

#include "common/must.h"
#include "services/consensus/authority/actor.h"

#define CAPABILITY_TAG "apm2/capability/1"
#define CAPABILITY_STATE_TAG "apm2/capability-state/1"

struct hash capability_key(const struct authority *authority, uint32_t space, struct span id)
{
    return entry_key(CAPABILITY_TAG, name_span(&authority->spaces[space]), id);
}

static void put(struct authority *authority, uint32_t slot)
{
    const struct capability *capability = &authority->capabilities[slot];
    const struct key *subject = &authority->actors[capability->subject].key;
    struct span parent = {NULL, 0};
    uint8_t bytes[768];
    struct writer writer = writer_of(bytes, sizeof(bytes));

    if (capability->parent != SLOT_NONE)
        parent = name_span(&authority->capabilities[capability->parent].id);
    writer_u64(&writer, capability->state);
    writer_bin(&writer, span_of(subject->b, sizeof(subject->b)));
    writer_bin(&writer, span_of(capability->granter.b, sizeof(capability->granter.b)));
    writer_str(&writer, parent);
    writer_u64(&writer, capability->depth);
    writer_u64(&writer, capability->rights.bits);
    writer_u64(&writer, capability->expires_at_ms);
    writer_str(&writer, span_of(capability->prefix, capability->prefix_size));
    authority_put(authority, &authority->capability_table.keys[slot], CAPABILITY_STATE_TAG,
                  &writer);
}

static void link_in(struct authority *authority, uint32_t slot)
{
    struct capability *all = authority->capabilities;
    struct capability *capability = &all[slot];
    uint32_t *first = &authority->actors[capability->subject].capabilities[capability->space];

    capability->previous_of_subject = SLOT_NONE;
    capability->next_of_subject = *first;
    if (*first != SLOT_NONE)
        all[*first].previous_of_subject = slot;
    *first = slot;

    capability->first_child = capability->next_sibling = capability->previous_sibling = SLOT_NONE;
    if (capability->parent == SLOT_NONE)
        return;
    struct capability *parent = &all[capability->parent];
    capability->next_sibling = parent->first_child;
    if (parent->first_child != SLOT_NONE)
        all[parent->first_child].previous_sibling = slot;
    parent->first_child = slot;
}

static void unlink_subject(struct authority *authority, const struct capability *capability)
{
    struct capability *all = authority->capabilities;
    uint32_t next = capability->next_of_subject;

    if (next != SLOT_NONE)
        all[next].previous_of_subject = capability->previous_of_subject;
    if (capability->previous_of_subject != SLOT_NONE)
        all[capability->previous_of_subject].next_of_subject = next;
    else
        authority->actors[capability->subject].capabilities[capability->space] = next;
}

static void unlink_tree(struct authority *authority, struct capability *capability)
{
    struct capability *all = authority->capabilities;

    if (capability->next_sibling != SLOT_NONE)
        all[capability->next_sibling].previous_sibling = capability->previous_sibling;
    if (capability->previous_sibling != SLOT_NONE)
        all[capability->previous_sibling].next_sibling = capability->next_sibling;
    else if (capability->parent != SLOT_NONE)
        all[capability->parent].first_child = capability->next_sibling;
    capability->parent = SLOT_NONE;
}

/* Forgets the one that ended first, if any did. */
static void forget_oldest(struct authority *authority)
{
    uint32_t slot = authority->first_ended;

    if (slot == SLOT_NONE)
        return;
    authority->first_ended = authority->capabilities[slot].next_ended;
    if (authority->first_ended == SLOT_NONE)
        authority->last_ended = SLOT_NONE;
    smap_remove(&authority->map, &authority->capability_table.keys[slot]);
    table_remove(&authority->capability_table, slot);
}

static void push_ended(struct authority *authority, uint32_t slot)
{
    authority->capabilities[slot].next_ended = SLOT_NONE;
    if (authority->last_ended != SLOT_NONE)
        authority->capabilities[authority->last_ended].next_ended = slot;
    else
        authority->first_ended = slot;
    authority->last_ended = slot;
}

static void end_leaf(struct authority *authority, uint32_t slot, enum capability_state state)
{
    struct capability *capability = &authority->capabilities[slot];

    MUST(capability->state == CAPABILITY_LIVE && capability->first_child == SLOT_NONE);
    unlink_subject(authority, capability);
    unlink_tree(authority, capability);
    expiry_remove(&authority->capability_expiry, slot);
    capability->state = state;
    push_ended(authority, slot);
    put(authority, slot);
}

void capability_end(struct authority *authority, uint32_t slot, enum capability_state state)
{
    uint32_t at = slot;

    /* Leaves first: no live capability ever stands below an ended one. */
    for (;;) {
        while (authority->capabilities[at].first_child != SLOT_NONE)
            at = authority->capabilities[at].first_child;
        uint32_t above = authority->capabilities[at].parent;
        end_leaf(authority, at, state);
        if (at == slot)
            return;
        at = above;
    }
}

/* How many live ones the actor has, counted up to the limit. */
static uint32_t count_of(const struct authority *authority, uint32_t actor, uint32_t space)
{
    uint32_t n = 0;
    uint32_t slot = authority->actors[actor].capabilities[space];

    while (slot != SLOT_NONE && n < CAPABILITIES_PER_SUBJECT_MAX) {
        slot = authority->capabilities[slot].next_of_subject;
        n++;
    }
    return n;
}

/* The subject's actor slot and a capability slot, or nothing. */
static bool make_room(struct authority *authority, const struct capability_plan *plan,
                      uint32_t *ret_subject)
{
    uint32_t actor = actor_find(authority, &plan->subject);

    if (actor != SLOT_NONE &&
        count_of(authority, actor, plan->space) == CAPABILITIES_PER_SUBJECT_MAX)
        return false;
    if (actor == SLOT_NONE && table_is_full(&authority->actor_table))
        return false;
    if (table_is_full(&authority->capability_table))
        forget_oldest(authority);
    if (table_is_full(&authority->capability_table))
        return false;
    *ret_subject = actor_add(authority, &plan->subject);
    return true;
}

static void fill(struct capability *capability, const struct capability_plan *plan)
{
    *capability = (struct capability){
        .id.size = (uint32_t)plan->id.size,
        .space = plan->space,
        .granter = plan->granter,
        .rights = plan->rights,
        .expires_at_ms = plan->expires_at_ms,
        .parent = plan->parent,
        .prefix_size = (uint32_t)plan->prefix.size,
    };
    memcpy(capability->id.text, plan->id.data, plan->id.size);
    if (plan->prefix.size > 0)
        memcpy(capability->prefix, plan->prefix.data, plan->prefix.size);
}

bool capability_make(struct authority *authority, const struct capability_plan *plan)
{
    uint32_t subject;
    if (!make_room(authority, plan, &subject))
        return false;

    struct hash key = capability_key(authority, plan->space, plan->id);
    uint32_t slot = table_add(&authority->capability_table, &key);
    struct capability *capability = &authority->capabilities[slot];
    fill(capability, plan);
    capability->subject = subject;
    if (plan->parent != SLOT_NONE)
        capability->depth = authority->capabilities[plan->parent].depth + 1;
    link_in(authority, slot);
    if (capability->expires_at_ms != 0)
        expiry_set(&authority->capability_expiry, slot, capability->expires_at_ms);
    put(authority, slot);
    return true;
}

void capability_move(struct authority *authority, uint32_t from, uint32_t to)
{
    for (uint32_t space = 0; space < authority->n_spaces; space++) {
        uint32_t first = authority->actors[from].capabilities[space];

        MUST(authority->actors[to].capabilities[space] == SLOT_NONE);
        authority->actors[from].capabilities[space] = SLOT_NONE;
        authority->actors[to].capabilities[space] = first;
        for (uint32_t at = first; at != SLOT_NONE;
             at = authority->capabilities[at].next_of_subject) {
            authority->capabilities[at].subject = to;
            put(authority, at);
        }
    }
}
