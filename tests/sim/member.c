#include "tests/sim/member.h"

#include "common/must.h"
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>

/* No message is under way this long after everybody was stopped. */
#define STILL_MS 4000u
#define BRING_MS 200u
#define GONE_MS 10000000u

static struct replica *replica_of(struct world *world, uint32_t node)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        if (world->replicas[i].key == node)
            return &world->replicas[i];
    return NULL;
}

static const struct sim_epoch *newest_epoch(const struct world *world)
{
    return &world->roster->epochs[world->roster->newest];
}

/* Does the set pin a record that its node has lost? */
static bool is_record_lost(const struct world *world, const struct member *member)
{
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *replica = &world->replicas[i];
        if (replica->key == member->card.b[0] && replica->store.has_lost_file &&
            hash_eq(&replica->store.lost_instance, &member->instance))
            return true;
    }
    return false;
}

static bool has_left(const struct world *world, uint32_t node)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        if (world->replicas[i].key == node && world->replicas[i].is_gone)
            return true;
    return false;
}

/* Members that count in f: liars, twins, those without a record, those switched off. */
static uint32_t count_impaired(const struct world *world, const struct members *members)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < members->n; i++) {
        uint32_t node = members->list[i].card.b[0];
        n += world_is_faulty(world, node) || is_record_lost(world, &members->list[i]) ||
             has_left(world, node);
    }
    return n;
}

bool member_is_changing(const struct world *world)
{
    const struct roster *roster = world->roster;
    uint64_t committed = world->checkers.requests & roster->change_requests;
    uint64_t open = roster->change_requests & ~committed;

    return (uint32_t)__builtin_popcountll(committed) != roster->n_commits ||
           unfit_changes(world, roster->newest, open) != open;
}

static struct identity keygen(struct world *world, uint32_t node)
{
    struct identity identity = {{{0}}, {{0}}};

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        struct replica *replica = &world->replicas[i];
        if (replica->key != node)
            continue;
        identity = identity_of(node, ++replica->store.generation);
        replica->store.has_spare = true;
        replica->store.spare = identity;
        if (!replica->is_up)
            continue;
        struct input input = {.kind = INPUT_IDENTITY, .from = VALIDATOR_NONE};
        input.identity = identity;
        replica_input(world, replica, &input);
    }
    return identity;
}

/* ---- one change ---- */

static bool may_change(const struct world *world, const struct change *change)
{
    const struct sim_epoch *epoch = newest_epoch(world);
    struct members next;

    return change_apply(world, change, world->roster->newest, &next) &&
           count_impaired(world, &next) <= faulty_max(next.n) &&
           count_impaired(world, &epoch->members) <= faulty_max(epoch->members.n);
}

static void submit_change(struct world *world, const struct change *change)
{
    struct roster *roster = world->roster;
    uint32_t request = CHANGE_FIRST + roster->n_changes;

    roster->changes[roster->n_changes++] = *change;
    roster->change_requests |= UINT64_C(1) << request;
    schedule_submit(world, request, change->node % world->n_validators);
}

/* It (VALIDATOR_NONE: anybody) goes over to a new record right now: the next change of its
 * waits for that, and losing a file now would lose the old record only. */
static bool is_going_over(const struct world *world, uint32_t node)
{
    const struct members *members = &newest_epoch(world)->members;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct store *store = &world->replicas[i].store;
        bool is_meant = node == VALIDATOR_NONE || world->replicas[i].key == node;
        if (is_meant && store->has_spare &&
            members_pin(members, &store->spare.key, &store->spare.instance) < members->n)
            return true;
    }
    return false;
}

/* The joiner is its own record's; everybody else gets a new one. */
static bool make_member(struct world *world, struct change *change, const struct replica *replica)
{
    struct core_view view;

    if (change->kind == CHANGE_REMOVE)
        return true;
    if (change->kind != CHANGE_ADD) {
        change->member = member_of(change->node, replica->store.generation + 1);
        return true;
    }
    if (!replica->is_up)
        return false;
    core_look(replica->core, &view);
    change->member = member_of(change->node, replica->store.generation);
    struct caught_up *caught_up = &change->caught_up;
    caught_up->height = view.committed.height;
    caught_up->block = view.committed.block;
    caught_up->who = change->member;
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = statement_caught_up(&world->set.chain, caught_up, statement);
    caught_up->signature = fake_sign(&change->member.key, span_of(statement, size));
    return view.is_caught_up && !replica->store.has_lost_file;
}

void member_change(struct world *world, const struct strike *strike)
{
    static const enum change_kind kinds[] = {
        [STRIKE_ADD - STRIKE_ADD] = CHANGE_ADD,
        [STRIKE_REMOVE - STRIKE_ADD] = CHANGE_REMOVE,
        [STRIKE_REKEY - STRIKE_ADD] = CHANGE_REKEY,
        [STRIKE_REINSTATE - STRIKE_ADD] = CHANGE_REINSTATE,
    };
    struct change change = {.kind = kinds[strike->kind - STRIKE_ADD]};
    const struct replica *replica = &world->replicas[strike->who];

    change.node = replica->key;
    bool is_lost = replica->store.has_lost_file;
    if (world->roster->n_changes == CHANGES_MAX || member_is_changing(world) || replica->is_gone ||
        is_lost != (change.kind == CHANGE_REINSTATE) || is_going_over(world, change.node) ||
        !make_member(world, &change, replica) || !may_change(world, &change))
        return;
    if (change.kind == CHANGE_REKEY || change.kind == CHANGE_REINSTATE)
        (void)keygen(world, change.node);
    world_say(world, strike->who, "is to be changed: kind %d", (int)change.kind);
    submit_change(world, &change);
}

void member_execute_config(struct world *world, struct replica *replica, uint32_t block)
{
    const struct pool_block *pooled = &world->pool.blocks[block];
    const struct change *change = change_in(world, pooled->requests);
    struct input input = {.kind = INPUT_CONFIG, .from = VALIDATOR_NONE};

    if ((pooled->requests & ~replica->known) != 0)
        return; /* its body is on the way; the core asks again */
    input.config.block = pooled->proposal.id;
    input.config.next = &world->roster->built;
    input.config.is_accepted =
        change != NULL &&
        change_apply(world, change, pooled->proposal.header.rank.epoch, &world->roster->built);
    replica_input(world, replica, &input);
}

/* ---- lost records ---- */

static void lose_file(struct world *world, struct replica *replica, uint64_t downtime_ms)
{
    replica->store.has_lost_file = true;
    replica->store.lost_instance = replica->store.file.instance;
    world_say(world, replica->index, "loses its safety file");
    if (replica->is_up)
        replica_crash(world, replica, downtime_ms);
}

void member_lose_file(struct world *world, const struct strike *strike)
{
    struct replica *replica = &world->replicas[strike->who];
    const struct members *members = &newest_epoch(world)->members;

    if (!replica->is_up || world_is_faulty(world, replica->key) || replica->store.has_lost_file ||
        index_of(world, world->roster->newest, replica->key) == VALIDATOR_NONE ||
        member_is_changing(world) || count_impaired(world, members) >= faulty_max(members->n))
        return;
    lose_file(world, replica, rng_between(&world->rng, 10, 800));
}

/* Clients' requests that no other correct node has. */
static uint64_t known_here_only(const struct world *world, const struct replica *replica)
{
    uint64_t elsewhere = 0;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *other = &world->replicas[i];
        if (other != replica && other->is_up && !world_is_faulty(world, other->key))
            elsewhere |= other->known;
    }
    return replica->known & ~elsewhere;
}

void member_released(struct world *world, struct replica *replica)
{
    if (world_is_faulty(world, replica->key) || replica->key >= world->n_validators ||
        index_of(world, epoch_of(replica), replica->key) != VALIDATOR_NONE ||
        known_here_only(world, replica) != 0 || !rng_chance(&world->rng, 500))
        return;
    world_say(world, replica->index, "is switched off");
    replica->is_gone = true;
    replica_crash(world, replica, GONE_MS);
}

/* ---- T0 ---- */

/* Is everything that could ever be proven at hand, in the store of one that stays? */
static bool is_all_at_hand(const struct world *world)
{
    const struct checkers *checkers = &world->checkers;
    uint32_t tip = checkers->committed[checkers->height];
    bool is_held = false;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        const struct replica *replica = &world->replicas[i];
        if (replica->is_gone)
            continue;
        if (!replica->is_up ||
            world->pool.blocks[replica->committed].proposal.header.height > checkers->height)
            return false; /* what liars alone have seen committed may turn up, too */
        is_held |= replica->store.tip == tip && !world_is_faulty(world, replica->key);
    }
    for (uint32_t i = 0; i < checkers->n_committed; i++)
        if (world->pool.blocks[checkers->with_cc[i]].proposal.header.height > checkers->height)
            return false;
    return is_held;
}

static void sign_recovery(struct world *world, struct epoch_proof *proof)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct recovery *recovery = &proof->recovery;

    recovery->set = members_digest(&proof->next);
    recovery->reason_size = 4;
    memcpy(recovery->reason, "lost", 4);
    size_t size = statement_recovery(&world->set.chain, recovery, statement);
    uint32_t absent = rng_below(&world->rng, world->set.t0.n);
    for (uint32_t i = 0; i < world->set.t0.n; i++) {
        struct key key = t0_key(i);
        if (i == absent)
            continue;
        recovery->signers |= UINT64_C(1) << i;
        recovery->sigs[i] = fake_sign(&key, span_of(statement, size));
    }
}

static void begin_proof(const struct world *world, struct epoch_proof *proof, uint32_t block)
{
    const struct pool_block *root = &world->pool.blocks[block];

    memset(proof, 0, sizeof(*proof));
    proof->kind = EPOCH_PROOF_RECOVERY;
    proof->next = newest_epoch(world)->members;
    proof->recovery.height = root->proposal.header.height;
    proof->recovery.block = root->proposal.id;
    proof->recovery.state_root = root->state;
}

/* Those named, and as many more of the honest as it takes that no quorum is left. */
static uint64_t choose_victims(const struct world *world, uint64_t named)
{
    const struct members *members = &newest_epoch(world)->members;
    uint32_t wanted = faulty_max(members->n) + 1;
    uint64_t victims = 0;

    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < members->n; i++) {
            uint32_t node = members->list[i].card.b[0];
            bool is_wanted = (named >> node & 1) != 0 ||
                             (pass == 1 && (uint32_t)__builtin_popcountll(victims) < wanted);
            if (is_wanted && !world_is_faulty(world, node) && !has_left(world, node))
                victims |= UINT64_C(1) << node;
        }
    return victims;
}

static void stop_all(struct world *world, uint64_t victims)
{
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        struct replica *replica = &world->replicas[i];
        if (!replica->is_up)
            continue;
        if ((victims >> replica->key & 1) != 0 && !replica->store.has_lost_file)
            lose_file(world, replica, STILL_MS);
        else
            replica_crash(world, replica, STILL_MS);
    }
}

void member_recover(struct world *world, const struct strike *strike)
{
    struct roster *roster = world->roster;
    struct epoch_proof *proof = &roster->recovery;

    if (roster->n_recoveries > 0 || member_is_changing(world) || !is_all_at_hand(world) ||
        is_going_over(world, VALIDATOR_NONE))
        return;
    uint64_t victims = choose_victims(world, strike->from);
    stop_all(world, victims);
    begin_proof(world, proof, world->checkers.committed[world->checkers.height]);
    /* Above whatever epoch a config block may have opened unseen. */
    proof->recovery.epoch = roster->newest + 2 + rng_below(&world->rng, 2);
    for (uint32_t i = 0; i < proof->next.n; i++) {
        uint32_t node = proof->next.list[i].card.b[0];
        struct replica *replica = replica_of(world, node);
        if (is_record_lost(world, &proof->next.list[i])) {
            (void)keygen(world, node);
            proof->next.list[i] = member_of(node, replica->store.generation);
        }
    }
    sign_recovery(world, proof);
    roster->n_recoveries++;
    world_say(world, 0, "T0 recovers at height %" PRIu64 " in epoch %" PRIu64,
              proof->recovery.height, proof->recovery.epoch);
    world_schedule(world, STILL_MS + BRING_MS, (struct event){.kind = EVENT_RECOVER});
}

static void give_proof(struct world *world, struct replica *replica,
                       const struct epoch_proof *proof)
{
    struct input input = {.kind = INPUT_EPOCH_PROOF, .from = VALIDATOR_NONE};

    input.epoch_proof = proof;
    if (epoch_proof_verify(core_set(replica->core), proof) == CERT_OK)
        replica_input(world, replica, &input);
}

void member_bring_recovery(struct world *world)
{
    const struct epoch_proof *proof = &world->roster->recovery;
    uint32_t first = rng_below(&world->rng, world->n_replicas);
    bool is_missing = false;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        struct replica *replica = &world->replicas[(first + i) % world->n_replicas];
        if (replica->is_gone || (replica->is_up && epoch_of(replica) >= proof->recovery.epoch))
            continue;
        if (replica->is_up && !is_missing)
            give_proof(world, replica, proof);
        is_missing = true;
    }
    if (is_missing)
        world_schedule(world, BRING_MS, (struct event){.kind = EVENT_RECOVER});
}

void member_recover_below(struct world *world, const struct strike *strike)
{
    struct replica *replica = &world->replicas[strike->who];
    const struct pool *pool = &world->pool;
    struct epoch_proof *proof = &world->stale_recovery;

    if (!replica->is_up || world_is_faulty(world, replica->key))
        return;
    uint64_t height = pool->blocks[replica->committed].proposal.header.height;
    if (height < 2)
        return;
    uint32_t below = ancestor_at(pool, replica->committed, height - 1);
    begin_proof(world, proof, below);
    proof->recovery.epoch = EPOCHS_MAX - 1;
    sign_recovery(world, proof);
    give_proof(world, replica, proof);
}
