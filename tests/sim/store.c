#include "tests/sim/store.h"

#include "common/must.h"
#include "services/consensus/core/safety_step.h"
#include "tests/sim/world.h"

static void batch_clear(struct batch *batch)
{
    batch->n_persists = batch->n_blocks = 0;
    batch->tip = NO_BLOCK;
    batch->epochs = 0;
    batch->is_file_done = batch->is_store_done = false;
}

static bool batch_is_empty(const struct batch *batch)
{
    return batch->n_persists == 0 && batch->tip == NO_BLOCK && batch->epochs == 0;
}

static void forget_writes(struct store *store)
{
    store->gathering = &store->batches[0];
    store->flying = NULL;
    store->is_repairing = false;
    batch_clear(store->gathering);
}

void store_born_record(const struct world *world, const struct identity *identity,
                       bool is_of_genesis, struct safety_record *ret_record)
{
    struct qc root = qc_of_root(&world->set);

    safety_init(ret_record, &identity->instance, &root);
    ret_record->key = identity->key;
    ret_record->epoch = is_of_genesis ? 1 : 0;
}

void store_born(struct world *world, struct replica *replica)
{
    struct store *store = &replica->store;
    struct identity identity = identity_of(replica->key, 0);
    struct safety_record record;

    if (replica->key < world->n_validators)
        identity.key = world->set.keys[replica->key];
    store_born_record(world, &identity, replica->key < world->n_validators, &record);
    store->epochs = 1u << 1;
    store->generation = 0;
    store->has_spare = store->has_lost_file = false;
    copy_record(&store->file, &record);
    copy_record(&store->file_before, &record);
    copy_record(&store->record, &record);
    copy_record(&store->signer, &record);
    store->is_torn = store->is_file_full = store->is_store_full = store->fails_sync = false;
    store->backup.is_taken = false;
    store->blocks = store->proofs = (struct block_set){{0}};
    store->bodies = 0;
    store->tip = 0;
    forget_writes(store);
}

/* The epoch that the record enters pins the other key: the signer goes over to its file. */
static void change_identity(struct world *world, struct replica *replica,
                            const struct safety_record *record)
{
    struct store *store = &replica->store;

    if (hash_eq(&record->instance, &store->signer.instance) || !store->has_spare)
        return;
    struct safety_record born;
    store_born_record(world, &store->spare, false, &born);
    copy_record(&store->signer, &born);
}

/* The signer judges by its own record; counters number writes, not persists. */
static bool signer_approves(struct world *world, struct replica *replica, struct batch *batch)
{
    struct safety_step step = {.proposed = &batch->record, .intents = world->intents};
    uint32_t refused = 0;

    for (uint32_t i = 0; i < batch->n_persists; i++)
        for (uint32_t j = 0; j < batch->persists[i].n_intents; j++)
            world->intents[step.n_intents++] = batch->persists[i].intents[j];
    change_identity(world, replica, &batch->record);
    batch->record.counter = replica->store.signer.counter + 1;
    enum safety_verdict verdict = safety_step(&replica->store.signer, &step, &refused);
    world->stats->checks[CHECK_SIGNER]++;
    if (verdict != SAFETY_OK) {
        check_fail(world, CHECK_SIGNER, "r%u: signer refuses intent %u of %u: %s", replica->index,
                   refused, step.n_intents, safety_verdict_text(verdict));
        return false;
    }
    copy_record(&batch->file_record, &replica->store.signer);
    return true;
}

static uint64_t write_ms(struct world *world)
{
    uint32_t slowest = world_has(world, FAULT_SLOW_STORE) && !world->is_healed ? 60 : 4;
    return rng_between(&world->rng, 0, slowest);
}

static void start_write(struct world *world, struct replica *replica)
{
    struct store *store = &replica->store;
    struct batch *batch = store->gathering;
    struct event event = {.replica = (uint16_t)replica->index, .boot = replica->boot};

    if (store->flying != NULL || batch_is_empty(batch))
        return;
    store->flying = batch;
    store->gathering = &store->batches[batch == &store->batches[0] ? 1 : 0];
    batch_clear(store->gathering);
    batch->is_file_done = batch->n_persists == 0;
    if (!batch->is_file_done) {
        if (!signer_approves(world, replica, batch))
            return;
        event.kind = EVENT_FILE;
        world_schedule(world, write_ms(world), event);
    }
    event.kind = EVENT_STORE;
    world_schedule(world, write_ms(world), event);
}

void store_persist(struct world *world, struct replica *replica, const struct action *action)
{
    struct batch *batch = replica->store.gathering;
    uint32_t i = batch->n_persists;

    if (!check_fits(world, replica, "writes waiting for a disk", BATCH_PERSISTS_MAX, i + 1))
        return;
    batch->n_persists++;
    batch->persists[i].token = action->persist.token;
    batch->persists[i].n_intents = action->persist.n_intents;
    memcpy(batch->persists[i].intents, action->persist.intents,
           action->persist.n_intents * sizeof(action->persist.intents[0]));
    copy_record(&batch->record, action->persist.record);
    if (!hash_is_zero(&action->persist.block)) {
        uint32_t block = pool_find_block(&world->pool, &action->persist.block);
        MUST(block != NO_BLOCK);
        batch->blocks[batch->n_blocks++] = block;
    }
    start_write(world, replica);
}

void store_note_epoch(struct world *world, struct replica *replica, uint64_t epoch)
{
    replica->store.gathering->epochs |= UINT64_C(1) << epoch;
    start_write(world, replica);
}

void store_note_tip(struct world *world, struct replica *replica, uint32_t block)
{
    replica->store.gathering->tip = block;
    start_write(world, replica);
}

static void land_in_file(struct store *store, const struct batch *batch)
{
    copy_record(&store->file_before, &store->file);
    copy_record(&store->file, &batch->file_record);
    store->is_torn = false;
    /* The old key and its record are destroyed with the first write of the new one. */
    if (store->has_spare && hash_eq(&store->file.instance, &store->spare.instance)) {
        store->has_spare = false;
        store->has_lost_file = false;
    }
}

static void land_in_store(struct world *world, struct replica *replica, const struct batch *batch)
{
    struct store *store = &replica->store;

    if (batch->n_persists > 0)
        copy_record(&store->record, &batch->record);
    for (uint32_t i = 0; i < batch->n_blocks; i++) {
        block_set_add(&store->blocks, batch->blocks[i]);
        store->bodies |= world->pool.blocks[batch->blocks[i]].requests & replica->known;
    }
    store->epochs |= batch->epochs;
    if (batch->tip == NO_BLOCK)
        return;
    for (uint32_t at = batch->tip; at != store->tip; at = world->pool.blocks[at].parent) {
        block_set_add(&store->blocks, at);
        store->bodies |= world->pool.blocks[at].requests & replica->known;
        if (block_set_has(&replica->proven, at))
            block_set_add(&store->proofs, at);
    }
    store->tip = batch->tip;
}

static struct sig sign(struct world *world, struct replica *replica, const struct intent *intent)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = intent_statement(&world->set.chain, intent, statement);
    struct sig sig = replica_sign(world, replica, span_of(statement, size));

    if (intent->kind == INTENT_PROPOSAL) {
        uint32_t block = pool_find_block(&world->pool, &intent->proposal.block);
        MUST(block != NO_BLOCK);
        world->pool.blocks[block].signature = sig;
        world->pool.blocks[block].is_signed = true;
    }
    check_signed(world, replica, intent);
    return sig;
}

/* Tells the core of each persist, in order; any of them may be its end. */
static void complete_persists(struct world *world, struct replica *replica,
                              const struct batch *batch)
{
    uint32_t boot = replica->boot;

    for (uint32_t i = 0; i < batch->n_persists && replica->boot == boot; i++) {
        struct input input = {.kind = INPUT_PERSISTED, .from = VALIDATOR_NONE};
        input.persisted.token = batch->persists[i].token;
        input.persisted.n_sigs = batch->persists[i].n_intents;
        for (uint32_t j = 0; j < batch->persists[i].n_intents; j++)
            input.persisted.sigs[j] = sign(world, replica, &batch->persists[i].intents[j]);
        replica_input(world, replica, &input);
    }
}

/* A crash between the two halves of a write; more often in the first one of a life, for
 * two such crashes in a row are what the repair of the file is for. */
static bool is_cut_off(struct world *world, const struct replica *replica)
{
    bool is_first = replica->boot > 0 && replica->n_writes == 0;

    return world_has(world, FAULT_CRASH) && !world->is_healed &&
           rng_chance(&world->rng, is_first ? 200 : 15);
}

/* The signer child cannot write its file, or does not know what a failed sync left in it:
 * it ends, and the node with it. True: so it was. */
static bool has_file_failed(struct world *world, struct replica *replica)
{
    struct store *store = &replica->store;

    if (!store->is_file_full && !store->fails_sync)
        return false;
    if (store->fails_sync && rng_chance(&world->rng, 500))
        land_in_file(store, store->flying);
    else if (rng_chance(&world->rng, 500))
        store->is_torn = true;
    store->fails_sync = false;
    store->flying->is_file_done = true; /* nothing more may happen to it */
    replica_crash(world, replica, rng_between(&world->rng, 50, 400));
    return true;
}

/* The database refuses: the node asks again and again. */
static void try_store_again(struct world *world, const struct replica *replica)
{
    struct event event = {
        .kind = EVENT_STORE, .replica = (uint16_t)replica->index, .boot = replica->boot};

    world_schedule(world, 50, event);
}

void store_completed(struct world *world, struct replica *replica, bool is_file)
{
    struct store *store = &replica->store;
    struct batch *batch = store->flying;
    uint32_t boot = replica->boot;

    MUST(batch != NULL);
    if (is_file && has_file_failed(world, replica))
        return;
    if (!is_file && store->is_store_full) {
        try_store_again(world, replica);
        return;
    }
    if (is_file) {
        land_in_file(store, batch);
        batch->is_file_done = true;
    } else {
        land_in_store(world, replica, batch);
        batch->is_store_done = true;
        if (batch->tip != NO_BLOCK)
            check_acknowledged(world, replica, batch->tip);
    }
    if (!batch->is_file_done || !batch->is_store_done) {
        if (is_cut_off(world, replica))
            replica_crash(world, replica, rng_between(&world->rng, 5, 300));
        return;
    }
    replica->n_writes++;
    complete_persists(world, replica, batch);
    if (replica->boot != boot)
        return;
    store->flying = NULL;
    start_write(world, replica);
}

/* A disk that said "synced" too early. Of the file alone, and of one write, which is what the
 * database makes up for. */
static void lose_synced(struct world *world, struct store *store)
{
    if (!world_has(world, FAULT_STALE) || world->is_healed || store->is_torn ||
        store->file.counter != store->record.counter ||
        !hash_eq(&store->file_before.instance, &store->file.instance) ||
        store->file_before.counter + 1 != store->file.counter || !rng_chance(&world->rng, 300))
        return;
    world->stats->faults[FAULT_STALE]++;
    copy_record(&store->file, &store->file_before);
}

void store_crash(struct world *world, struct replica *replica)
{
    struct store *store = &replica->store;
    const struct batch *batch = store->flying;

    if (store->is_repairing && rng_chance(&world->rng, 500))
        store_repaired(replica);
    if (batch != NULL && !batch->is_file_done) {
        if (rng_chance(&world->rng, 400)) {
            land_in_file(store, batch);
        } else if (world_has(world, FAULT_TORN) && rng_chance(&world->rng, 500)) {
            world->stats->faults[FAULT_TORN]++;
            store->is_torn = true;
        }
    }
    if (batch != NULL && !batch->is_store_done && !store->is_store_full &&
        rng_chance(&world->rng, 500))
        land_in_store(world, replica, batch);
    forget_writes(store);
    lose_synced(world, store);
}

void store_backup(struct replica *replica)
{
    struct store *store = &replica->store;
    struct backup *backup = &store->backup;

    backup->is_taken = true;
    copy_record(&backup->file, &store->file);
    copy_record(&backup->record, &store->record);
    backup->blocks = store->blocks;
    backup->proofs = store->proofs;
    backup->bodies = store->bodies;
    backup->tip = store->tip;
    backup->epochs = store->epochs;
}

void store_restore(struct replica *replica, bool is_file_restored, bool is_store_restored)
{
    struct store *store = &replica->store;
    const struct backup *backup = &store->backup;

    if (is_file_restored && backup->is_taken) {
        copy_record(&store->file, &backup->file);
        copy_record(&store->file_before, &backup->file);
        store->is_torn = false;
    }
    if (!is_store_restored || !backup->is_taken)
        return;
    copy_record(&store->record, &backup->record);
    store->blocks = backup->blocks;
    store->proofs = backup->proofs;
    store->bodies = backup->bodies;
    store->tip = backup->tip;
    store->epochs = backup->epochs;
}

void store_clone(struct replica *replica, const struct replica *from)
{
    struct store *store = &replica->store;

    copy_record(&store->file, &from->store.file);
    copy_record(&store->file_before, &from->store.file_before);
    copy_record(&store->record, &from->store.record);
    store->epochs = from->store.epochs;
    store->is_torn = from->store.is_torn;
    store->blocks = from->store.blocks;
    store->proofs = from->store.proofs;
    store->bodies = from->store.bodies;
    store->tip = from->store.tip;
}
