/* What a node does beside its core: mempool, bundles, execution, helping the late. */
#include "common/must.h"
#include "tests/sim/member.h"
#include "tests/sim/world.h"

#define FETCH_MS 50u

static struct pool_block *block_at(struct world *world, uint32_t index)
{
    return &world->pool.blocks[index];
}

static uint64_t height_of(struct world *world, uint32_t index)
{
    return block_at(world, index)->proposal.header.height;
}

static struct event event_of(const struct replica *replica, enum event_kind kind, uint32_t arg)
{
    return (struct event){.kind = (uint16_t)kind,
                          .replica = (uint16_t)replica->index,
                          .boot = replica->boot,
                          .arg = arg};
}

/* Requests that uncommitted ancestors of a block to be built on `parent` hold. */
static uint64_t requests_above_committed(struct world *world, const struct replica *replica,
                                         uint32_t parent)
{
    uint64_t height = height_of(world, replica->committed);
    uint64_t requests = 0;

    for (; parent != NO_BLOCK && height_of(world, parent) > height;
         parent = block_at(world, parent)->parent)
        requests |= block_at(world, parent)->requests;
    return requests;
}

static uint64_t waiting_requests(struct world *world, const struct replica *replica)
{
    uint64_t waiting = replica->known & ~replica->committed_requests &
                       ~requests_above_committed(world, replica, replica->head);

    return waiting & ~unfit_changes(world, epoch_of(replica), waiting);
}

static uint64_t oldest_of(const struct replica *replica, uint64_t requests)
{
    uint64_t oldest_ms = UINT64_MAX;

    for (; requests != 0; requests &= requests - 1) {
        uint64_t arrived_ms = replica->arrived_ms[__builtin_ctzll(requests)];
        if (arrived_ms < oldest_ms)
            oldest_ms = arrived_ms;
    }
    return oldest_ms;
}

/* At half of stall_timeout the body goes to everybody, whoever was given it, and again
 * after each further half: what is sent may be lost. */
static void resend_old(struct world *world, struct replica *replica, uint64_t waiting)
{
    uint64_t now_ms = replica_now_ms(world, replica);
    uint64_t next_ms = UINT64_MAX;
    uint64_t requests = 0;

    for (uint64_t left = waiting; left != 0; left &= left - 1) {
        uint64_t *resend_ms = &replica->resend_ms[__builtin_ctzll(left)];
        if (*resend_ms <= now_ms) {
            *resend_ms = now_ms + world->config.stall_timeout_ms / 2;
            requests |= left & -left;
        }
        if (*resend_ms < next_ms)
            next_ms = *resend_ms;
    }
    replica->looked.resend_ms = next_ms;
    if (requests == 0)
        return;
    struct message message = {.kind = MESSAGE_BUNDLES, .requests = requests};
    net_send(world, replica->index, TO_ALL, &message);
}

/* Asked after every event; most leave the mempool and the chain above it as they were. */
static bool must_look(const struct world *world, const struct replica *replica)
{
    return replica->looked.known != replica->known ||
           replica->looked.committed_requests != replica->committed_requests ||
           replica->looked.head != replica->head ||
           replica->looked.committed != replica->committed ||
           replica->looked.resend_ms <= replica_now_ms(world, replica);
}

static void note_looked(struct replica *replica)
{
    replica->looked.known = replica->known;
    replica->looked.committed_requests = replica->committed_requests;
    replica->looked.head = replica->head;
    replica->looked.committed = replica->committed;
}

void node_look_pending(struct world *world, struct replica *replica)
{
    if (!must_look(world, replica))
        return;
    note_looked(replica);
    struct input input = {.kind = INPUT_PENDING, .from = VALIDATOR_NONE};
    uint64_t waiting = waiting_requests(world, replica);
    bool any_config = (waiting & world->roster->change_requests) != 0;
    bool any = (waiting & ~world->roster->change_requests) != 0;
    uint64_t oldest_ms = waiting != 0 ? oldest_of(replica, waiting) : 0;
    bool is_overtaken = waiting != 0 && replica->newest_committed_ms > oldest_ms;

    resend_old(world, replica, waiting);
    if (any == replica->pending.any && any_config == replica->pending.any_config &&
        oldest_ms == replica->pending.oldest_ms && is_overtaken == replica->pending.is_overtaken)
        return;
    replica->pending.any = input.pending.any = any;
    replica->pending.any_config = input.pending.any_config = any_config;
    replica->pending.oldest_ms = input.pending.oldest_ms = oldest_ms;
    replica->pending.is_overtaken = input.pending.is_overtaken = is_overtaken;
    replica_input(world, replica, &input);
}

/* A change that would be accepted now, 0 = there is none. */
static uint64_t choose_change(struct world *world, const struct replica *replica, uint64_t left)
{
    left &= world->roster->change_requests & ~unfit_changes(world, epoch_of(replica), left);
    return left & -left;
}

static uint64_t choose_requests(const struct world *world, uint64_t left)
{
    uint64_t choice = 0;

    left &= ~world->roster->change_requests;
    for (int n = 0; n < SIM_PAYLOAD_MAX && left != 0; n++, left &= left - 1)
        choice |= left & -left;
    return choice;
}

static void built(struct world *world, struct replica *replica, uint32_t arg)
{
    struct input input = {.kind = INPUT_BUILT, .from = VALIDATOR_NONE};
    uint32_t parent = arg & ~(EVENT_ARG_EMPTY | EVENT_ARG_CONFIG);
    uint64_t left = replica->known & ~replica->committed_requests &
                    ~requests_above_committed(world, replica, parent);
    uint64_t choice = 0;

    if ((arg & EVENT_ARG_CONFIG) != 0)
        choice = choose_change(world, replica, left);
    if (choice != 0) {
        input.built.next = &world->roster->built;
        bool is_made =
            change_apply(world, change_in(world, choice), epoch_of(replica), &world->roster->built);
        MUST(is_made);
    } else if ((arg & EVENT_ARG_EMPTY) == 0) {
        choice = choose_requests(world, left);
    }
    input.built.parent = block_at(world, parent)->proposal.id;
    input.built.payload_root = payload_root_of(choice);
    input.built.is_empty = choice == 0;
    replica_input(world, replica, &input);
}

static uint64_t unexecuted_bodies(struct world *world, const struct replica *replica)
{
    uint64_t requests = 0;

    for (uint32_t at = replica->committed; at != replica->executed;
         at = block_at(world, at)->parent)
        requests |= block_at(world, at)->requests;
    return requests;
}

static uint64_t missing_bodies(struct world *world, const struct replica *replica)
{
    uint64_t requests = unexecuted_bodies(world, replica);

    for (uint32_t i = 0; i < replica->n_waiting; i++)
        requests |= block_at(world, replica->waiting[i])->requests;
    return requests & ~replica->known;
}

static void fetch_soon(struct world *world, struct replica *replica)
{
    if (replica->is_fetching || missing_bodies(world, replica) == 0)
        return;
    replica->is_fetching = true;
    world_schedule(world, 5, event_of(replica, EVENT_FETCH, 0));
}

static void fetch(struct world *world, struct replica *replica)
{
    struct message message = {.kind = MESSAGE_BUNDLE_REQUEST};
    uint32_t n_nodes = world->n_validators + world->n_joiners;
    uint32_t step = 1 + rng_below(&world->rng, n_nodes - 1);

    message.requests = missing_bodies(world, replica);
    replica->is_fetching = message.requests != 0;
    if (!replica->is_fetching)
        return;
    net_send(world, replica->index, (replica->key + step) % n_nodes, &message);
    world_schedule(world, FETCH_MS, event_of(replica, EVENT_FETCH, 0));
}

static void execute_next(struct world *world, struct replica *replica)
{
    uint32_t slowest = world_has(world, FAULT_SLOW_EXECUTION) && !world->is_healed ? 120 : 4;

    if (replica->is_executing || replica->executed == replica->committed)
        return;
    uint64_t height = height_of(world, replica->executed) + 1;
    uint32_t next = ancestor_at(&world->pool, replica->committed, height);
    MUST(next != NO_BLOCK);
    if ((block_at(world, next)->requests & ~replica->known) != 0) {
        fetch_soon(world, replica);
        return;
    }
    replica->is_executing = true;
    world_schedule(world, rng_between(&world->rng, 0, slowest),
                   event_of(replica, EVENT_EXECUTED, next));
}

static void executed(struct world *world, struct replica *replica, uint32_t block)
{
    struct input input = {.kind = INPUT_EXECUTED, .from = VALIDATOR_NONE};
    uint32_t boot = replica->boot;

    replica->is_executing = false;
    replica->executed = block;
    store_note_tip(world, replica, block);
    input.executed.height = height_of(world, block);
    input.executed.root = block_at(world, block)->state;
    replica_input(world, replica, &input);
    if (replica->boot == boot)
        execute_next(world, replica);
}

/* Blocks whose bundles have all come go to be checked. */
static void look_at_waiting(struct world *world, struct replica *replica)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < replica->n_waiting; i++) {
        uint32_t block = replica->waiting[i];
        if ((block_at(world, block)->requests & ~replica->known) != 0)
            replica->waiting[n++] = block;
        else
            world_schedule(world, rng_below(&world->rng, 3),
                           event_of(replica, EVENT_PAYLOAD, block));
    }
    replica->n_waiting = n;
    fetch_soon(world, replica);
}

void node_need_payload(struct world *world, struct replica *replica, uint32_t block)
{
    MUST(block != NO_BLOCK);
    for (uint32_t i = 0; i < replica->n_waiting; i++)
        if (replica->waiting[i] == block)
            return;
    if (!check_fits(world, replica, "blocks waiting for their bundles", WAITING_MAX,
                    replica->n_waiting + 1))
        return;
    replica->waiting[replica->n_waiting++] = block;
    look_at_waiting(world, replica);
}

/* VOTE rule 4, as far as requests are concerned: no ancestor holds one of them. */
static void payload_checked(struct world *world, struct replica *replica, uint32_t index)
{
    struct input input = {.kind = INPUT_PAYLOAD, .from = VALIDATOR_NONE};
    const struct pool_block *block = block_at(world, index);
    uint64_t earlier = 0;

    for (uint32_t at = block->parent; at != NO_BLOCK; at = block_at(world, at)->parent)
        earlier |= block_at(world, at)->requests;
    input.payload.block = block->proposal.id;
    input.payload.is_valid = (block->requests & earlier) == 0;
    replica_input(world, replica, &input);
}

void node_note_arrival(const struct world *world, struct replica *replica, uint32_t request)
{
    replica->arrived_ms[request] = replica_now_ms(world, replica);
    replica->resend_ms[request] = replica->arrived_ms[request] + world->config.stall_timeout_ms / 2;
}

void node_learn_requests(struct world *world, struct replica *replica, uint64_t requests)
{
    uint64_t fresh = requests & ~replica->known;

    if (fresh == 0)
        return;
    replica->known |= fresh;
    for (uint64_t left = fresh; left != 0; left &= left - 1)
        node_note_arrival(world, replica, (uint32_t)__builtin_ctzll(left));
    look_at_waiting(world, replica);
    execute_next(world, replica);
}

void node_committed(struct world *world, struct replica *replica, uint32_t block)
{
    uint64_t requests = block_at(world, block)->requests;

    replica->committed = block;
    replica->committed_requests |= requests;
    block_set_add(&replica->held, block);
    for (uint64_t left = requests & replica->known; left != 0; left &= left - 1) {
        uint64_t arrived_ms = replica->arrived_ms[__builtin_ctzll(left)];
        if (arrived_ms > replica->newest_committed_ms)
            replica->newest_committed_ms = arrived_ms;
    }
    execute_next(world, replica);
}

void node_on_event(struct world *world, struct replica *replica, const struct event *event)
{
    struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};

    switch ((enum event_kind)event->kind) {
    case EVENT_TICK:
        if (event->at_ms != replica->tick_ms)
            return;
        replica->tick_ms = UINT64_MAX;
        replica_input(world, replica, &tick);
        break;
    case EVENT_BUILT:
        built(world, replica, event->arg);
        break;
    case EVENT_PAYLOAD:
        payload_checked(world, replica, event->arg);
        break;
    case EVENT_EXECUTED:
        executed(world, replica, event->arg);
        break;
    case EVENT_FETCH:
        fetch(world, replica);
        break;
    case EVENT_EPOCH:
        replica_give_proof(world, replica);
        break;
    case EVENT_CONFIG:
        member_execute_config(world, replica, event->arg);
        break;
    case EVENT_DELIVER:
    case EVENT_FILE:
    case EVENT_STORE:
    case EVENT_RESTART:
    case EVENT_RECOVER:
    case EVENT_SUBMIT:
        MUST(false);
    }
}
