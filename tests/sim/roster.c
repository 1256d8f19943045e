#include "tests/sim/roster.h"

#include "common/must.h"
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#define T0_N 3u
#define T0_THRESHOLD 2u
/* A set never gets smaller: below four nobody may be faulty. */
#define MEMBERS_MIN 4u

struct identity identity_of(uint32_t node, uint32_t generation)
{
    struct identity identity = {.key = fake_key(node + 1000 * generation)};

    identity.instance.b[0] = (uint8_t)(node + 1);
    identity.instance.b[1] = (uint8_t)generation;
    return identity;
}

struct member member_of(uint32_t node, uint32_t generation)
{
    struct identity identity = identity_of(node, generation);
    struct member member = {.key = identity.key, .instance = identity.instance};

    member.card.b[0] = (uint8_t)node;
    member.card.b[31] = 1;
    return member;
}

struct key t0_key(uint32_t i)
{
    return fake_key(900 + i);
}

void roster_reset(struct world *world)
{
    struct roster *roster = world->roster;
    struct sim_epoch *first = &roster->epochs[1];

    for (uint32_t i = 0; i < EPOCHS_MAX; i++)
        roster->epochs[i].is_known = false;
    roster->newest = 1;
    roster->n_commits = roster->n_changes = roster->n_recoveries = 0;
    roster->change_requests = 0;
    world->set.t0 = (struct t0_set){.n = T0_N, .threshold = T0_THRESHOLD};
    for (uint32_t i = 0; i < T0_N; i++)
        world->set.t0.keys[i] = t0_key(i);
    first->is_known = true;
    first->proof.kind = EPOCH_PROOF_NONE;
    first->set = world->set;
    first->members.n = world->n_validators;
    for (uint32_t i = 0; i < world->n_validators; i++)
        first->members.list[i] = member_of(i, 0);
    for (uint32_t i = 0; i < world->n_validators; i++)
        first->members.list[i].key = world->set.keys[i]; /* real ones, perhaps */
}

const struct validator_set *set_of_epoch(const struct world *world, uint64_t epoch)
{
    if (epoch >= EPOCHS_MAX || !world->roster->epochs[epoch].is_known)
        return NULL;
    return &world->roster->epochs[epoch].set;
}

uint32_t index_of(const struct world *world, uint64_t epoch, uint32_t node)
{
    if (epoch == 1)
        return node < world->n_validators ? node : VALIDATOR_NONE;
    if (set_of_epoch(world, epoch) == NULL)
        return VALIDATOR_NONE;
    const struct members *members = &world->roster->epochs[epoch].members;
    for (uint32_t i = 0; i < members->n; i++)
        if (members->list[i].card.b[0] == node)
            return i;
    return VALIDATOR_NONE;
}

uint32_t node_at(const struct world *world, uint64_t epoch, uint32_t index)
{
    if (epoch == 1)
        return index < world->n_validators ? index : VALIDATOR_NONE;
    if (set_of_epoch(world, epoch) == NULL)
        return VALIDATOR_NONE;
    const struct members *members = &world->roster->epochs[epoch].members;
    return index < members->n ? members->list[index].card.b[0] : VALIDATOR_NONE;
}

uint64_t epoch_of(const struct replica *replica)
{
    return core_set(replica->core)->epoch;
}

uint32_t peer_number(const struct world *world, const struct replica *replica, uint32_t node)
{
    uint32_t index = index_of(world, epoch_of(replica), node);

    return index != VALIDATOR_NONE ? index : OUTSIDER(node);
}

uint32_t peer_node(const struct world *world, const struct replica *replica, uint32_t number)
{
    if (number >= OUTSIDER(0) && number < OUTSIDER(OUTSIDERS_MAX))
        return number - OUTSIDER(0);
    return node_at(world, epoch_of(replica), number);
}

const struct change *change_in(const struct world *world, uint64_t requests)
{
    const struct roster *roster = world->roster;

    if ((requests & roster->change_requests) != requests || requests == 0 ||
        (requests & (requests - 1)) != 0)
        return NULL;
    return &roster->changes[(uint32_t)__builtin_ctzll(requests) - CHANGE_FIRST];
}

/* The environment keeps what the protocol builds on: never more than f of a set are faulty. */
static bool is_tenable(const struct world *world, const struct members *members)
{
    uint32_t n_faulty = 0;

    if (members->n < MEMBERS_MIN || members->n > VALIDATORS_MAX)
        return false;
    for (uint32_t i = 0; i < members->n; i++)
        n_faulty += world_is_faulty(world, members->list[i].card.b[0]);
    return n_faulty <= faulty_max(members->n) && members_are_valid(members);
}

static void insert(struct members *members, const struct member *member)
{
    uint32_t i = members->n++;

    for (; i > 0 && memcmp(members->list[i - 1].card.b, member->card.b, 32) > 0; i--)
        members->list[i] = members->list[i - 1];
    members->list[i] = *member;
}

bool change_apply(const struct world *world, const struct change *change, uint64_t epoch,
                  struct members *ret_next)
{
    uint32_t at = index_of(world, epoch, change->node);
    bool is_add = change->kind == CHANGE_ADD;

    if (set_of_epoch(world, epoch) == NULL || is_add != (at == VALIDATOR_NONE))
        return false;
    struct members *next = ret_next;
    *next = world->roster->epochs[epoch].members;
    switch (change->kind) {
    case CHANGE_ADD:
        if (caught_up_verify(&world->set, &change->caught_up) != CERT_OK)
            return false;
        insert(next, &change->member);
        break;
    case CHANGE_REMOVE:
        next->n--;
        memmove(next->list + at, next->list + at + 1, (next->n - at) * sizeof(next->list[0]));
        break;
    case CHANGE_REKEY:
    case CHANGE_REINSTATE:
        if (hash_eq(&next->list[at].instance, &change->member.instance))
            return false;
        next->list[at] = change->member;
        break;
    }
    return is_tenable(world, next);
}

uint64_t unfit_changes(const struct world *world, uint64_t epoch, uint64_t requests)
{
    struct members next;
    uint64_t unfit = 0;

    for (uint64_t left = requests & world->roster->change_requests; left != 0; left &= left - 1)
        if (!change_apply(world, change_in(world, left & -left), epoch, &next))
            unfit |= left & -left;
    return unfit;
}
