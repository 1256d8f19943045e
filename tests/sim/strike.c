#include "tests/sim/strike.h"

#include "common/must.h"
#include "tests/sim/member.h"
#include "tests/sim/world.h"

/* ---- the network ---- */

static void add_rule(struct world *world, const struct strike *strike)
{
    struct net *net = &world->net;

    if (net->n_rules == NET_RULES_MAX)
        return;
    net->rules[net->n_rules++] = (struct net_rule){
        .is_hold = strike->kind == STRIKE_HOLD,
        .kind = strike->message,
        .from = strike->from,
        .to = strike->to,
        .term = strike->term,
        .seq = strike->seq,
    };
}

static void end_rules(struct world *world, const struct strike *strike)
{
    struct net *net = &world->net;
    uint32_t n = 0;

    for (uint32_t i = 0; strike->kind == STRIKE_PASS && i < net->n_rules; i++)
        if (net->rules[i].kind != strike->message)
            net->rules[n++] = net->rules[i];
    net->n_rules = n;
    net_release(world);
}

static bool is_in(uint64_t set, uint32_t replica)
{
    return (set >> replica % 64 & 1) != 0;
}

static void split(struct world *world, const struct strike *strike)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        for (uint32_t j = 0; j < world->n_replicas; j++)
            world->net.is_cut[i][j] = is_in(strike->from, i) != is_in(strike->from, j);
}

static void cut_or_join(struct world *world, const struct strike *strike)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        for (uint32_t j = 0; j < world->n_replicas; j++)
            if (is_in(strike->from, i) && is_in(strike->to, j))
                world->net.is_cut[i][j] = strike->kind == STRIKE_CUT;
}

static void slow_down(struct world *world, const struct strike *strike)
{
    for (uint32_t i = 0; i < world->n_replicas; i++)
        for (uint32_t j = 0; j < world->n_replicas; j++)
            if (is_in(strike->from, i) && is_in(strike->to, j))
                world->net.slow_ms[i][j] = strike->n;
}

static void mend(struct world *world, const struct strike *strike)
{
    (void)strike;
    net_mend(world);
}

/* ---- nodes ---- */

static struct replica *next_up(struct world *world, uint32_t first)
{
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        struct replica *replica = &world->replicas[(first + i) % world->n_replicas];
        if (replica->is_up)
            return replica;
    }
    return NULL;
}

static void crash(struct world *world, const struct strike *strike)
{
    struct replica *replica = next_up(world, strike->who);

    if (replica == NULL)
        return;
    if (strike->n == 0)
        replica_crash(world, replica, 50);
    else
        replica->doom = strike->n;
}

static void cut_power(struct world *world, const struct strike *strike)
{
    (void)strike;
    for (uint32_t i = 0; i < world->n_replicas; i++)
        if (world->replicas[i].is_up || world->replicas[i].store.is_repairing)
            replica_crash(world, &world->replicas[i], rng_between(&world->rng, 5, 400));
}

static void pause(struct world *world, const struct strike *strike)
{
    world->replicas[strike->who].paused_until_ms = world->now_ms + strike->n;
}

static void set_clock(struct world *world, const struct strike *strike)
{
    int64_t by_ms = (int64_t)strike->n;

    world->replicas[strike->who].skew_ms = strike->kind == STRIKE_AHEAD ? by_ms : -by_ms;
}

/* ---- disks ---- */

static void change_room(struct world *world, const struct strike *strike)
{
    struct store *store = &world->replicas[strike->who].store;

    store->is_file_full = strike->kind == STRIKE_FILL_FILE;
    store->is_store_full = strike->kind == STRIKE_FILL_STORE;
}

static void fail_sync(struct world *world, const struct strike *strike)
{
    world->replicas[strike->who].store.fails_sync = true;
}

static void back_up(struct world *world, const struct strike *strike)
{
    store_backup(&world->replicas[strike->who]);
}

/* Only who may have lost its memory that way is set back: the others are promised more. */
static bool may_restore(const struct world *world, const struct strike *strike)
{
    uint32_t key = world->replicas[strike->who].key;

    if (strike->kind == STRIKE_RESTORE_MACHINE)
        return world_is_faulty(world, key);
    return strike->kind == STRIKE_RESTORE_STORE || world_may_observe(world, key);
}

static void restore(struct world *world, const struct strike *strike)
{
    struct replica *replica = &world->replicas[strike->who];

    if (!may_restore(world, strike) || !replica->is_up)
        return;
    replica_crash(world, replica, rng_between(&world->rng, 20, 300));
    store_restore(replica, strike->kind != STRIKE_RESTORE_STORE,
                  strike->kind != STRIKE_RESTORE_FILE);
}

static void clone(struct world *world, const struct strike *strike)
{
    struct replica *copy = &world->replicas[strike->who];

    if (strike->who < world->n_validators || copy->boot > 0 || copy->is_up)
        return;
    store_clone(copy, &world->replicas[copy->key]);
    copy->boot++;
    replica_restart(world, copy, false);
}

/* ---- clients, operators and liars ---- */

static void submit(struct world *world, const struct strike *strike)
{
    schedule_submit(world, strike->n, strike->who);
}

static void transfer(struct world *world, const struct strike *strike)
{
    struct input input = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    struct replica *replica = next_up(world, strike->who);

    if (replica == NULL)
        return;
    input.transfer_to = strike->n < world->n_validators ? strike->n : VALIDATOR_NONE;
    replica_input(world, replica, &input);
}

static void starve_or_feed(struct world *world, const struct strike *strike)
{
    world->replicas[strike->who].is_starved = strike->kind == STRIKE_STARVE;
}

static void lie(struct world *world, const struct strike *strike)
{
    (void)strike;
    liar_strike(world);
}

void strike_do(struct world *world, const struct strike *strike)
{
    static void (*const deeds[])(struct world *, const struct strike *) = {
        [STRIKE_SUBMIT] = submit,
        [STRIKE_TRANSFER] = transfer,
        [STRIKE_CRASH] = crash,
        [STRIKE_POWER] = cut_power,
        [STRIKE_PAUSE] = pause,
        [STRIKE_AHEAD] = set_clock,
        [STRIKE_BEHIND] = set_clock,
        [STRIKE_FILL_FILE] = change_room,
        [STRIKE_FILL_STORE] = change_room,
        [STRIKE_MAKE_ROOM] = change_room,
        [STRIKE_FAIL_SYNC] = fail_sync,
        [STRIKE_BACKUP] = back_up,
        [STRIKE_RESTORE_STORE] = restore,
        [STRIKE_RESTORE_FILE] = restore,
        [STRIKE_RESTORE_MACHINE] = restore,
        [STRIKE_CLONE] = clone,
        [STRIKE_DROP] = add_rule,
        [STRIKE_HOLD] = add_rule,
        [STRIKE_PASS] = end_rules,
        [STRIKE_PASS_ALL] = end_rules,
        [STRIKE_SPLIT] = split,
        [STRIKE_CUT] = cut_or_join,
        [STRIKE_JOIN] = cut_or_join,
        [STRIKE_SLOW] = slow_down,
        [STRIKE_MEND] = mend,
        [STRIKE_STARVE] = starve_or_feed,
        [STRIKE_FEED] = starve_or_feed,
        [STRIKE_LIE] = lie,
        [STRIKE_ADD] = member_change,
        [STRIKE_REMOVE] = member_change,
        [STRIKE_REKEY] = member_change,
        [STRIKE_REINSTATE] = member_change,
        [STRIKE_LOSE] = member_lose_file,
        [STRIKE_RECOVER] = member_recover,
        [STRIKE_RECOVER_BELOW] = member_recover_below,
    };

    MUST(strike->kind < STRIKES_END && strike->who < world->n_replicas);
    if (strike->fault != FAULTS_END)
        world->stats->faults[strike->fault]++;
    deeds[strike->kind](world, strike);
}
