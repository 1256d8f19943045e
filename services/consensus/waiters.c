#include "services/consensus/waiters.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

#define NONE UINT32_MAX

struct waiters {
    uint32_t max;
    uint32_t n_used; /* of all: the rest was never taken */
    uint32_t n_taken;
    uint32_t free; /* head of a list, NONE = empty */
    struct waiter *all;
    uint32_t *heads; /* max chains, by bundle */
};

struct waiters *waiters_new(uint32_t max)
{
    struct waiters *waiters = mem_new(1, sizeof(*waiters));

    MUST(max > 0 && max < NONE);
    waiters->max = max;
    waiters->free = NONE;
    waiters->all = mem_new(max, sizeof(*waiters->all));
    waiters->heads = mem_new(max, sizeof(*waiters->heads));
    for (uint32_t i = 0; i < max; i++)
        waiters->heads[i] = NONE;
    return waiters;
}

void waiters_destroy(struct waiters **waiters)
{
    if (*waiters == NULL)
        return;
    free((*waiters)->all);
    free((*waiters)->heads);
    free(*waiters);
    *waiters = NULL;
}

static uint32_t *head_of(struct waiters *waiters, const struct hash *bundle)
{
    uint32_t word;

    memcpy(&word, bundle->b, sizeof(word)); /* a hash: as good as random */
    return &waiters->heads[word % waiters->max];
}

struct waiter *waiters_take(struct waiters *waiters)
{
    uint32_t index = waiters->free;

    if (index != NONE)
        waiters->free = waiters->all[index].next;
    else if (waiters->n_used < waiters->max)
        index = waiters->n_used++;
    else
        return NULL;
    waiters->n_taken++;
    waiters->all[index] = (struct waiter){.next = NONE};
    return &waiters->all[index];
}

void waiters_give_back(struct waiters *waiters, struct waiter *waiter)
{
    MUST(waiters->n_taken > 0);
    waiters->n_taken--;
    waiter->next = waiters->free;
    waiters->free = waiters_index(waiters, waiter);
}

uint32_t waiters_index(const struct waiters *waiters, const struct waiter *waiter)
{
    return (uint32_t)(waiter - waiters->all);
}

struct waiter *waiters_at(struct waiters *waiters, uint32_t index)
{
    MUST(index < waiters->n_used);
    return &waiters->all[index];
}

void waiters_hang(struct waiters *waiters, struct waiter *waiter, const struct hash *bundle)
{
    uint32_t *head = head_of(waiters, bundle);

    waiter->bundle = *bundle;
    waiter->next = *head;
    *head = waiters_index(waiters, waiter);
}

bool waiters_claim(struct waiters *waiters, const struct hash *bundle, struct waiter *ret_waiter)
{
    uint32_t *link = head_of(waiters, bundle);

    while (*link != NONE && !hash_eq(&waiters->all[*link].bundle, bundle))
        link = &waiters->all[*link].next;
    if (*link == NONE)
        return false;

    struct waiter *waiter = &waiters->all[*link];
    *link = waiter->next;
    *ret_waiter = *waiter;
    waiters_give_back(waiters, waiter);
    return true;
}

uint32_t waiters_count(const struct waiters *waiters)
{
    return waiters->n_taken;
}
