#include "tests/sim/replica.h"

#include "tests/sim/world.h"

uint64_t replica_now_ms(const struct world *world, const struct replica *replica)
{
    int64_t drift_ms = (int64_t)world->now_ms * replica->drift_ppm / 1000000;

    return (uint64_t)((int64_t)(world->now_ms + replica->clock_ms) + drift_ms);
}

struct tip tip_of(const struct pool *pool, uint32_t block)
{
    const struct proposal *proposal = &pool->blocks[block].proposal;

    return (struct tip){
        .rank = proposal->header.rank,
        .block = proposal->id,
        .height = proposal->header.height,
        .time_ms = proposal->header.time_ms,
        .author = proposal->header.author,
        .handoff = proposal->header.handoff,
        .next_set = proposal->header.next_set,
    };
}

uint32_t ancestor_at(const struct pool *pool, uint32_t block, uint64_t height)
{
    while (block != NO_BLOCK && pool->blocks[block].proposal.header.height > height)
        block = pool->blocks[block].parent;
    if (block == NO_BLOCK || pool->blocks[block].proposal.header.height != height)
        return NO_BLOCK;
    return block;
}

/* Whatever a process holds in memory, from what its disk held. */
static void forget(struct world *world, struct replica *replica)
{
    const struct store *store = &replica->store;

    replica->tick_ms = UINT64_MAX;
    replica->n_writes = 0;
    replica->known = store->bodies;
    replica->held = store->blocks;
    replica->proven = store->proofs;
    replica->epochs = store->epochs;
    if (store->signer.epoch > 1)
        replica->epochs |= UINT64_C(1) << store->signer.epoch;
    replica->head = replica->committed = replica->executed = store->tip;
    replica->is_executing = replica->is_fetching = false;
    replica->committed_requests = 0;
    replica->newest_committed_ms = 0;
    replica->n_waiting = 0;
    replica->pending.any = replica->pending.any_config = replica->pending.is_overtaken = false;
    replica->pending.oldest_ms = 0;
    replica->looked.resend_ms = 0;
    /* Monotonic clocks start anywhere at each boot, but never at 0. */
    replica->clock_ms = rng_between(&world->rng, 1000, 1000000);
    for (uint32_t r = 0; r < REQUESTS_MAX; r++)
        node_note_arrival(world, replica, r);
    for (uint32_t at = store->tip; at != NO_BLOCK; at = world->pool.blocks[at].parent)
        replica->committed_requests |= world->pool.blocks[at].requests;
}

/* Blocks above the committed one that the store has, oldest first. */
static void restore_blocks(struct world *world, struct replica *replica)
{
    uint64_t height = world->pool.blocks[replica->store.tip].proposal.header.height;
    uint32_t boot = replica->boot;

    for (uint32_t i = 1; i < world->pool.n_blocks && replica->boot == boot; i++) {
        const struct proposal *proposal = &world->pool.blocks[i].proposal;
        bool is_config_tip = i == replica->store.tip && !hash_is_zero(&proposal->header.next_set);
        if (!block_set_has(&replica->store.blocks, i) ||
            (proposal->header.height <= height && !is_config_tip))
            continue;
        struct input input = {.kind = INPUT_PROPOSAL, .from = VALIDATOR_NONE};
        input.proposal = proposal;
        replica_input(world, replica, &input);
    }
}

/* State roots that the replay of the stored blocks went through. */
static void restore_roots(struct world *world, struct replica *replica)
{
    const struct pool *pool = &world->pool;
    uint32_t at = replica->store.tip;

    for (uint32_t n = 0; at != NO_BLOCK && n < EXECUTED_ROOTS; n++, at = pool->blocks[at].parent)
        core_restore_root(replica->core, pool->blocks[at].proposal.header.height,
                          &pool->blocks[at].state);
}

/* Why the tip is committed, if the store knows. */
static void restore_proof(struct world *world, struct replica *replica)
{
    const struct commit_proof *proof = &world->pool.blocks[replica->store.tip].proof;
    struct input input = {.kind = INPUT_CC, .from = VALIDATOR_NONE};

    if (!block_set_has(&replica->store.proofs, replica->store.tip))
        return;
    if (proof->is_child_qc) {
        input.kind = INPUT_QC;
        input.qc = &proof->qc;
    } else {
        input.cc = &proof->cc;
    }
    replica_input(world, replica, &input);
}

static uint32_t self_at_genesis(const struct world *world, const struct replica *replica)
{
    struct hash instance = identity_of(replica->key, 0).instance;
    bool is_pinned = hash_eq(&instance, &replica->store.signer.instance);

    return is_pinned && replica->key < world->n_validators ? replica->key : VALIDATOR_NONE;
}

/* Of the tip's epoch: the newest whose root the store has executed. */
static const struct epoch_proof *proof_of_tip(const struct world *world,
                                              const struct replica *replica)
{
    uint64_t height = world->pool.blocks[replica->store.tip].proposal.header.height;

    for (uint32_t epoch = EPOCHS_MAX - 1; epoch > 1; epoch--) {
        const struct epoch_proof *proof = &world->roster->epochs[epoch].proof;
        if ((replica->epochs >> epoch & 1) != 0 && epoch_proof_height(proof) <= height)
            return proof;
    }
    return NULL;
}

void replica_give_proof(struct world *world, struct replica *replica)
{
    struct input input = {.kind = INPUT_EPOCH_PROOF, .from = VALIDATOR_NONE};

    for (uint64_t epoch = epoch_of(replica) + 1; epoch < EPOCHS_MAX; epoch++) {
        if ((replica->epochs >> epoch & 1) == 0)
            continue;
        input.epoch_proof = &world->roster->epochs[epoch].proof;
        replica_input(world, replica, &input);
        return;
    }
}

static void give_spare(struct world *world, struct replica *replica)
{
    struct input input = {.kind = INPUT_IDENTITY, .from = VALIDATOR_NONE};

    if (!replica->store.has_spare)
        return;
    input.identity = replica->store.spare;
    replica_input(world, replica, &input);
}

static void start(struct world *world, struct replica *replica)
{
    struct core_config config = world->config;
    const struct pool_block *tip = &world->pool.blocks[replica->store.tip];
    struct tip committed = tip_of(&world->pool, replica->store.tip);
    struct executed_root executed = {tip->proposal.header.height, tip->state};
    struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};
    uint32_t boot = replica->boot;

    replica->is_up = true;
    /* A crash does not come alone: the next start is in the middle of repairs. */
    if (world_has(world, FAULT_CRASH) && !world->is_healed && rng_chance(&world->rng, 300))
        replica->doom = 1 + rng_below(&world->rng, 25);
    forget(world, replica);
    check_booted(world, replica);
    config.self = self_at_genesis(world, replica);
    config.epoch_proof = proof_of_tip(world, replica);
    config.nonce = rng_next(&world->rng);
    core_init(replica->core, &config, &replica->store.signer, &committed, &executed);
    restore_roots(world, replica);
    replica_input(world, replica, &tick);
    if (replica->boot == boot)
        give_spare(world, replica);
    if (replica->boot == boot)
        replica_give_proof(world, replica);
    if (replica->boot == boot)
        restore_proof(world, replica);
    if (replica->boot == boot)
        restore_blocks(world, replica);
    if (replica->boot == boot)
        node_look_pending(world, replica);
}

void replica_boot(struct world *world, struct replica *replica)
{
    start(world, replica);
}

void replica_restart(struct world *world, struct replica *replica, bool is_decided)
{
    struct event event = {
        .kind = EVENT_RESTART, .replica = (uint16_t)replica->index, .boot = replica->boot};

    event.arg = 1;
    if (!is_decided) {
        world->stats->checks[CHECK_NO_OBSERVER]++;
        switch (store_reconcile(world, replica)) {
        case SAFETY_START_FILE:
            break;
        case SAFETY_START_REPAIR:
            world_schedule(world, rng_between(&world->rng, 0, 20), event);
            return;
        case SAFETY_START_OBSERVE:
            if (((world->twin_keys | world->liar_keys) >> replica->key & 1) != 0)
                replica->store.signer.observing = false; /* whatever it said */
            if (world_may_observe(world, replica->key))
                break;
            if (replica->store.has_lost_file)
                break;
            check_fail(world, CHECK_NO_OBSERVER, "r%u: a crash made it an observer",
                       replica->index);
            return;
        }
    }
    store_repaired(replica);
    world_trace(world, replica->index, "start", replica->boot);
    world_say(world, replica->index, "starts");
    transcript_say(world, replica->index, "starts");
    start(world, replica);
}

void replica_crash(struct world *world, struct replica *replica, uint64_t downtime_ms)
{
    struct event event = {.kind = EVENT_RESTART, .replica = (uint16_t)replica->index};

    world_trace(world, replica->index, "crash", replica->boot);
    world_say(world, replica->index, "crashes");
    transcript_say(world, replica->index, "crashes");
    world->stats->faults[FAULT_CRASH]++;
    store_crash(world, replica);
    replica->is_up = false;
    replica->doom = 0;
    event.boot = ++replica->boot;
    world_schedule(world, downtime_ms, event);
}

static void set_tick(struct world *world, struct replica *replica)
{
    uint64_t deadline_ms = core_deadline_ms(replica->core);
    struct event event = {
        .kind = EVENT_TICK, .replica = (uint16_t)replica->index, .boot = replica->boot};

    if (deadline_ms == UINT64_MAX)
        return;
    uint64_t now_ms = replica_now_ms(world, replica);
    uint64_t delay_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 1;
    /* A later tick that is already in the queue finds that it is not due any more. */
    if (world->now_ms + delay_ms >= replica->tick_ms && replica->tick_ms > world->now_ms)
        return;
    replica->tick_ms = world->now_ms + delay_ms;
    world_schedule(world, delay_ms, event);
}

void replica_input(struct world *world, struct replica *replica, struct input *input)
{
    struct actions *actions = world->actions;
    uint32_t boot = replica->boot;

    input->now_ms = replica_now_ms(world, replica);
    input->wall_ms = (uint64_t)((int64_t)(WALL_START_MS + world->now_ms) + replica->skew_ms);
    core_step(replica->core, input, actions);
    for (uint32_t i = 0; i < actions->n; i++) {
        replica_act(world, replica, &actions->list[i]);
        if (replica->doom > 0 && --replica->doom == 0)
            replica_crash(world, replica, rng_between(&world->rng, 10, 1500));
        if (replica->boot != boot || world->checkers.has_failed)
            return;
    }
    set_tick(world, replica);
}
