#include "tests/sim/twins.h"

#include "common/must.h"
#include "tests/sim/schedule.h"

#include <inttypes.h>
#include <stdio.h>

/* Until everybody has been admitted, before anything is cut. */
#define ADMISSION_MS 30u
/* Short, so that sleeping over it makes no request old. */
#define ROUND_TIMEOUT_MS 300u
/* Long enough for a TC, two blocks and their commit votes. */
#define TERM_MS 90u
/* More than one block holds. */
#define TERM_REQUESTS (SIM_PAYLOAD_MAX + 1)

#define SPLITS (1u << (TWINS_REPLICAS - 1))
#define TERM_CHOICES (TWINS_VALIDATORS * SPLITS)
_Static_assert((TERM_CHOICES & (TERM_CHOICES - 1)) == 0, "twins_ith strides over a power of two");

uint64_t twins_count(uint32_t n_terms)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < n_terms; i++)
        n *= TERM_CHOICES;
    return n;
}

/* Two halves are told apart by where replica 0 is, so that no split comes twice. */
static struct twins_term term_at(uint64_t choice)
{
    return (struct twins_term){
        .leader = (uint32_t)(choice % TWINS_VALIDATORS),
        .far_side = (uint32_t)(choice / TWINS_VALIDATORS) << 1,
        .length_ms = TERM_MS,
    };
}

struct twins twins_at(uint32_t n_terms, uint64_t number)
{
    struct twins twins = {.n_terms = n_terms};

    MUST(n_terms <= TWINS_TERMS_MAX && number < twins_count(n_terms));
    for (uint32_t i = 0; i < n_terms; i++, number /= TERM_CHOICES)
        twins.terms[i] = term_at(number % TERM_CHOICES);
    return twins;
}

/* Neighbours differ in their first term only. Their count is a power of two, so that an odd
 * stride passes over each of them once. */
uint64_t twins_ith(uint32_t n_terms, uint64_t i)
{
    return i * UINT64_C(148147) % twins_count(n_terms);
}

struct twins twins_draw(uint64_t seed)
{
    struct rng rng = {.state = seed ^ UINT64_C(0x7317)};
    struct twins twins = {.n_terms = TWINS_TERMS_MAX};

    for (uint32_t i = 0; i < twins.n_terms; i++) {
        struct twins_term *term = &twins.terms[i];
        *term = term_at(rng_below(&rng, TERM_CHOICES));
        term->length_ms = (uint32_t)rng_between(&rng, 10, TERM_MS);
        term->cut_after_ms = rng_chance(&rng, 500) ? 0 : rng_below(&rng, term->length_ms);
        term->is_handed_on = i > 0 && rng_chance(&rng, 250);
    }
    return twins;
}

void twins_say(const struct twins *twins)
{
    for (uint32_t i = 0; i < twins->n_terms; i++) {
        const struct twins_term *term = &twins->terms[i];
        char sides[2][TWINS_REPLICAS + 1] = {"", ""};
        uint32_t n[2] = {0, 0};

        for (uint32_t r = 0; r < TWINS_REPLICAS; r++) {
            uint32_t side = term->far_side >> r & 1;
            sides[side][n[side]++] = (char)('0' + r);
        }
        printf("%s validator %" PRIu32 " leads %s|%s", i == 0 ? "twins:" : ";", term->leader,
               sides[0], sides[1]);
        if (term->cut_after_ms != 0)
            printf(" after %" PRIu32 " ms", term->cut_after_ms);
        if (term->is_handed_on)
            printf(", handed on");
    }
    printf("\n");
}

static void split(struct world *world, uint32_t far_side)
{
    if (far_side != 0)
        world->stats->faults[FAULT_PARTITION]++;
    for (uint32_t i = 0; i < TWINS_REPLICAS; i++)
        for (uint32_t j = 0; j < TWINS_REPLICAS; j++)
            world->net.is_cut[i][j] = (far_side >> i & 1) != (far_side >> j & 1);
}

/* Everybody wants the next leader. One who has not heard of the present one lately times
 * out towards the next term of the wanted one; one who has asks it to hand on. */
static void change_leader(struct world *world, const struct twins_term *next)
{
    uint64_t slept_ms = next->is_handed_on ? 0 : world->config.round_timeout_ms;

    world->stats->faults[FAULT_TRANSFER]++;
    for (uint32_t i = 0; i < world->n_replicas; i++)
        world->replicas[i].clock_ms += slept_ms;
    for (uint32_t i = 0; i < world->n_replicas && !world->checkers.has_failed; i++) {
        struct input input = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
        input.transfer_to = next->leader;
        replica_input(world, &world->replicas[i], &input);
    }
}

/* Everybody has the same requests, for what a leader has to propose is no question here. */
static void submit(struct world *world, uint32_t term)
{
    uint64_t requests = ((UINT64_C(1) << TERM_REQUESTS) - 1) << term * TERM_REQUESTS;

    world->submitted |= requests;
    for (uint32_t i = 0; i < world->n_replicas && !world->checkers.has_failed; i++) {
        node_learn_requests(world, &world->replicas[i], requests);
        node_look_pending(world, &world->replicas[i]);
    }
}

static void run_term(struct world *world, const struct twins *twins, uint32_t i)
{
    const struct twins_term *term = &twins->terms[i];
    uint64_t begun_ms = world->now_ms;

    split(world, term->cut_after_ms == 0 ? term->far_side : 0);
    if (i > 0)
        change_leader(world, term);
    submit(world, i);
    if (term->cut_after_ms != 0) {
        world_run_until(world, begun_ms + term->cut_after_ms);
        split(world, term->far_side);
    }
    world_run_until(world, begun_ms + term->length_ms);
}

bool twins_run(struct world *world, const struct twins *twins, uint64_t seed)
{
    struct world_setup setup = {.seed = seed,
                                .n_validators = TWINS_VALIDATORS,
                                .twin_keys = 1,
                                .first_leader = twins->terms[0].leader,
                                .round_timeout_ms = ROUND_TIMEOUT_MS};

    world_reset(world, &setup);
    MUST(world->n_replicas == TWINS_REPLICAS);
    world->stats->faults[FAULT_TWIN]++;
    /* The copies' clocks differ, and so do the blocks that they make of the same requests. */
    world->replicas[TWINS_REPLICAS - 1].skew_ms = 1;
    world_run_until(world, ADMISSION_MS);
    for (uint32_t i = 0; i < twins->n_terms && !world->checkers.has_failed; i++)
        run_term(world, twins, i);
    bool has_passed = !world->checkers.has_failed && schedule_finish(world);
    world->stats->schedules++;
    world->stats->twins++;
    return has_passed;
}
