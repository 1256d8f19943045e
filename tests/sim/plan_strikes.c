/* What strikes when. */
#include "common/must.h"
#include "tests/sim/plan_draw.h"

/* In the order of time, and of drawing among equals; none after the end. */
static void add(struct draw *draw, struct strike strike)
{
    struct plan *plan = draw->plan;
    uint32_t i = plan->n_strikes;

    if (i == PLAN_STRIKES_MAX || draw->at_ms >= plan->end_ms)
        return;
    strike.at_ms = draw->at_ms;
    for (; i > 0 && plan->strikes[i - 1].at_ms > strike.at_ms; i--)
        plan->strikes[i] = plan->strikes[i - 1];
    plan->strikes[i] = strike;
    plan->n_strikes++;
}

static uint32_t any_replica(struct draw *draw)
{
    return rng_below(&draw->rng, draw->n_replicas);
}

static uint64_t any_set(struct draw *draw)
{
    return rng_next(&draw->rng) & ((UINT64_C(1) << (draw->n_replicas & 63)) - 1);
}

static uint64_t often_all(struct draw *draw)
{
    return rng_chance(&draw->rng, 500) ? UINT64_MAX : any_set(draw);
}

static void lose_a_kind(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_KIND_LOSS, .kind = STRIKE_PASS_ALL};

    draw->is_losing = !draw->is_losing;
    if (draw->is_losing) {
        strike.kind = STRIKE_DROP;
        strike.message = (enum message_kind)rng_below(&draw->rng, MESSAGES_END);
        strike.from = often_all(draw);
        strike.to = often_all(draw);
    }
    add(draw, strike);
}

static void partition(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_PARTITION, .kind = STRIKE_MEND};

    draw->is_split = !draw->is_split;
    if (draw->is_split) {
        strike.kind = STRIKE_SPLIT;
        strike.from = any_set(draw);
    }
    add(draw, strike);
}

/* One link, or all links from one side to the other. */
static void cut_one_way(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_ONE_WAY, .kind = STRIKE_CUT};

    strike.from = UINT64_C(1) << any_replica(draw);
    strike.to = UINT64_C(1) << any_replica(draw);
    if (rng_chance(&draw->rng, 200)) {
        strike.from = any_set(draw);
        strike.to = ~strike.from;
    } else if (rng_chance(&draw->rng, 500)) {
        strike.kind = STRIKE_JOIN;
    }
    add(draw, strike);
}

/* Cut and whole again, many times, faster than any timer. */
static void flap(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_FLAP};
    uint64_t start_ms = draw->at_ms;

    strike.from = any_set(draw);
    for (uint64_t left = rng_between(&draw->rng, 3, 10); left > 0; left--) {
        strike.kind = STRIKE_SPLIT;
        add(draw, strike);
        strike.fault = FAULTS_END; /* counted once */
        draw->at_ms += rng_between(&draw->rng, 5, 60);
        strike.kind = STRIKE_MEND;
        add(draw, strike);
        draw->at_ms += rng_between(&draw->rng, 5, 60);
    }
    draw->at_ms = start_ms;
}

static void slow_links(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_SLOW_LINK, .kind = STRIKE_SLOW};

    strike.from = strike.to = UINT64_MAX;
    draw->is_slow = !draw->is_slow;
    if (draw->is_slow) {
        strike.from = any_set(draw);
        strike.to = often_all(draw);
        strike.n = (uint32_t)rng_between(&draw->rng, 50, 900);
    }
    add(draw, strike);
}

static void crash(struct draw *draw)
{
    struct strike strike = {.fault = FAULTS_END, .kind = STRIKE_CRASH};

    strike.who = any_replica(draw);
    strike.n = 1 + rng_below(&draw->rng, 12);
    add(draw, strike);
}

static void power_cut(struct draw *draw)
{
    add(draw, (struct strike){.fault = FAULT_POWER, .kind = STRIKE_POWER});
}

static void stand_still(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_PAUSE, .kind = STRIKE_PAUSE};

    strike.who = any_replica(draw);
    strike.n = (uint32_t)rng_between(&draw->rng, 20, 2500);
    add(draw, strike);
}

static void step_clock(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_STEP, .who = any_replica(draw)};

    strike.kind = rng_chance(&draw->rng, 500) ? STRIKE_AHEAD : STRIKE_BEHIND;
    strike.n = (uint32_t)rng_between(&draw->rng, 0, SKEW_MAX_MS);
    add(draw, strike);
}

static void fill_up(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_FULL, .who = any_replica(draw)};

    strike.kind = rng_chance(&draw->rng, 500) ? STRIKE_FILL_FILE : STRIKE_FILL_STORE;
    add(draw, strike);
    uint64_t start_ms = draw->at_ms;
    draw->at_ms += rng_between(&draw->rng, 50, 1500);
    strike.kind = STRIKE_MAKE_ROOM;
    strike.fault = FAULTS_END;
    add(draw, strike);
    draw->at_ms = start_ms;
}

static void fail_sync(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_SYNC, .kind = STRIKE_FAIL_SYNC};

    strike.who = any_replica(draw);
    add(draw, strike);
}

/* One of the set is backed up now, and set back a while later. */
static void restore(struct draw *draw, enum fault fault, enum strike_kind kind, uint64_t keys)
{
    struct strike strike = {.fault = FAULTS_END, .kind = STRIKE_BACKUP};
    uint32_t skip = rng_below(&draw->rng, (uint32_t)__builtin_popcountll(keys));
    uint64_t start_ms = draw->at_ms;

    for (; skip > 0; skip--)
        keys &= keys - 1;
    strike.who = (uint32_t)__builtin_ctzll(keys);
    if (rng_chance(&draw->rng, 500))
        add(draw, strike);
    draw->at_ms += rng_between(&draw->rng, 20, 1500);
    strike.fault = fault;
    strike.kind = kind;
    add(draw, strike);
    draw->at_ms = start_ms;
}

static void restore_store(struct draw *draw)
{
    restore(draw, FAULT_RESTORE_STORE, STRIKE_RESTORE_STORE, draw->store_keys);
}

static void restore_file(struct draw *draw)
{
    restore(draw, FAULT_RESTORE_FILE, STRIKE_RESTORE_FILE, draw->plan->file_keys);
}

static void restore_machine(struct draw *draw)
{
    restore(draw, FAULT_RESTORE_MACHINE, STRIKE_RESTORE_MACHINE, draw->plan->machine_keys);
}

static void clone(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_CLONE, .kind = STRIKE_CLONE};

    strike.who = draw->plan->n_validators +
                 rng_below(&draw->rng, draw->n_replicas - draw->plan->n_validators);
    add(draw, strike);
}

static void transfer(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_TRANSFER, .kind = STRIKE_TRANSFER};

    strike.who = any_replica(draw);
    strike.n = rng_below(&draw->rng, draw->plan->n_validators + 1);
    if (strike.n == draw->plan->n_validators)
        strike.n = VALIDATOR_NONE;
    add(draw, strike);
}

static void starve(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_VICTIM, .who = any_replica(draw)};

    draw->starved ^= UINT64_C(1) << strike.who % 64;
    strike.kind = (draw->starved >> strike.who % 64 & 1) != 0 ? STRIKE_STARVE : STRIKE_FEED;
    add(draw, strike);
}

static void lie(struct draw *draw)
{
    add(draw, (struct strike){.fault = FAULT_LIAR, .kind = STRIKE_LIE});
}

/* The last replicas. */
static uint32_t any_joiner(struct draw *draw)
{
    return draw->n_replicas - 1 - rng_below(&draw->rng, draw->plan->n_joiners);
}

static void change_members(struct draw *draw)
{
    static const enum strike_kind kinds[] = {STRIKE_ADD, STRIKE_ADD, STRIKE_REMOVE, STRIKE_REKEY};
    struct strike strike = {.fault = FAULT_MEMBERS};

    strike.kind = kinds[rng_below(&draw->rng, N_ELEMENTS(kinds))];
    strike.who = strike.kind == STRIKE_ADD ? any_joiner(draw) : any_replica(draw);
    add(draw, strike);
}

/* Lost, and reinstated a while later. */
static void lose_file(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_LOST_FILE, .kind = STRIKE_LOSE};
    uint64_t start_ms = draw->at_ms;

    strike.who = any_replica(draw);
    add(draw, strike);
    strike.fault = FAULTS_END;
    strike.kind = STRIKE_REINSTATE;
    for (int i = 0; i < 3; i++) {
        draw->at_ms += rng_between(&draw->rng, 100, 900);
        if (draw->at_ms < draw->plan->end_ms)
            add(draw, strike);
    }
    draw->at_ms = start_ms;
}

/* Half of the time everybody's record is lost; or T0's word is an old one. */
static void recover(struct draw *draw)
{
    struct strike strike = {.fault = FAULT_RECOVERY, .kind = STRIKE_RECOVER};

    strike.from = often_all(draw);
    strike.who = any_replica(draw);
    if (rng_chance(&draw->rng, 300))
        strike.kind = STRIKE_RECOVER_BELOW;
    add(draw, strike);
}

/* Classes that strike again and again, and the pause between two strikes. */
static const struct {
    enum fault fault;
    uint32_t pause_min_ms, pause_max_ms;
    void (*draw)(struct draw *draw);
} recurring[] = {
    {FAULT_KIND_LOSS, 100, 1200, lose_a_kind},
    {FAULT_PARTITION, 100, 1500, partition},
    {FAULT_ONE_WAY, 50, 900, cut_one_way},
    {FAULT_FLAP, 300, 2500, flap},
    {FAULT_SLOW_LINK, 100, 1500, slow_links},
    {FAULT_CRASH, 50, 1200, crash},
    {FAULT_POWER, 400, 2500, power_cut},
    {FAULT_FULL, 200, 2000, fill_up},
    {FAULT_SYNC, 100, 1500, fail_sync},
    {FAULT_RESTORE_STORE, 100, 1500, restore_store},
    {FAULT_RESTORE_FILE, 100, 1500, restore_file},
    {FAULT_RESTORE_MACHINE, 100, 1500, restore_machine},
    {FAULT_CLONE, 100, 2500, clone},
    {FAULT_STEP, 100, 1500, step_clock},
    {FAULT_PAUSE, 100, 2000, stand_still},
    {FAULT_TRANSFER, 100, 900, transfer},
    {FAULT_VICTIM, 100, 1200, starve},
    {FAULT_LIAR, 20, 200, lie},
    {FAULT_MEMBERS, 100, 900, change_members},
    {FAULT_LOST_FILE, 200, 1500, lose_file},
    {FAULT_RECOVERY, 500, 2500, recover},
};

void draw_strikes(struct draw *draw)
{
    for (size_t i = 0; i < N_ELEMENTS(recurring); i++) {
        if ((draw->faults_on >> recurring[i].fault & 1) == 0)
            continue;
        draw->at_ms = 1;
        for (;;) {
            draw->at_ms +=
                rng_between(&draw->rng, recurring[i].pause_min_ms, recurring[i].pause_max_ms);
            if (draw->at_ms >= draw->plan->end_ms)
                break;
            recurring[i].draw(draw);
        }
    }
}

void draw_requests(struct draw *draw, uint32_t n_requests)
{
    struct strike strike = {.fault = FAULTS_END, .kind = STRIKE_SUBMIT};
    uint32_t first_ms = 1;
    uint32_t last_ms = (uint32_t)draw->plan->end_ms - 1;

    /* In some runs all at once: more than a block takes, so that one follows the other. */
    if (rng_chance(&draw->rng, 300)) {
        first_ms = (uint32_t)rng_between(&draw->rng, 1, last_ms);
        last_ms = first_ms + 50 < last_ms ? first_ms + 50 : last_ms;
    }
    for (strike.n = 0; strike.n < n_requests; strike.n++) {
        strike.who = rng_below(&draw->rng, draw->plan->n_validators);
        draw->at_ms = rng_between(&draw->rng, first_ms, last_ms);
        add(draw, strike);
    }
}
