#include "services/consensus/authority/expiry.h"

#include "common/must.h"

static bool is_before(const struct expiry *expiry, struct expiry_entry a, struct expiry_entry b)
{
    if (a.when_ms != b.when_ms)
        return a.when_ms < b.when_ms;
    return memcmp(expiry->keys[a.slot].b, expiry->keys[b.slot].b, sizeof(struct hash)) < 0;
}

static void place(struct expiry *expiry, uint32_t index, struct expiry_entry entry)
{
    expiry->heap[index] = entry;
    expiry->places[entry.slot] = index + 1;
}

/* Finds the place of `entry` from the hole at `index` upwards; returns it. */
static uint32_t sift_up(struct expiry *expiry, uint32_t index, struct expiry_entry entry)
{
    while (index > 0) {
        uint32_t above = (index - 1) / 2;
        if (!is_before(expiry, entry, expiry->heap[above]))
            break;
        place(expiry, index, expiry->heap[above]);
        index = above;
    }
    return index;
}

static uint32_t sift_down(struct expiry *expiry, uint32_t index, struct expiry_entry entry)
{
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= expiry->n)
            return index;
        if (child + 1 < expiry->n &&
            is_before(expiry, expiry->heap[child + 1], expiry->heap[child]))
            child++;
        if (!is_before(expiry, expiry->heap[child], entry))
            return index;
        place(expiry, index, expiry->heap[child]);
        index = child;
    }
}

static void settle(struct expiry *expiry, uint32_t hole, struct expiry_entry entry)
{
    uint32_t index = sift_up(expiry, hole, entry);

    if (index == hole)
        index = sift_down(expiry, hole, entry);
    place(expiry, index, entry);
}

void expiry_set(struct expiry *expiry, uint32_t slot, uint64_t when_ms)
{
    uint32_t hole = expiry->places[slot] == 0 ? expiry->n++ : expiry->places[slot] - 1;

    settle(expiry, hole, (struct expiry_entry){when_ms, slot});
}

void expiry_remove(struct expiry *expiry, uint32_t slot)
{
    if (expiry->places[slot] == 0)
        return;

    uint32_t hole = expiry->places[slot] - 1;
    MUST(hole < expiry->n);
    expiry->places[slot] = 0;
    expiry->n--;
    if (hole < expiry->n)
        settle(expiry, hole, expiry->heap[expiry->n]);
}

bool expiry_due(const struct expiry *expiry, uint64_t now_ms, uint32_t *ret_slot)
{
    if (expiry->n == 0 || expiry->heap[0].when_ms > now_ms)
        return false;
    *ret_slot = expiry->heap[0].slot;
    return true;
}
