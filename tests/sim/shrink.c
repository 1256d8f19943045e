#include "tests/sim/shrink.h"

#include "common/must.h"
#include "tests/sim/schedule.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIALS_MAX 2000u
#define THROWS_MAX 100u
/* Short enough to be read. */
#define SHORT_STRIKES 4u

struct shrink {
    struct world *world;
    struct plan *plan; /* the shortest that fails */
    struct plan *trial;
    int failure;
    uint32_t n_throws; /* a failure is a matter of luck, too: how often chance is tried */
    uint32_t n_trials;
};

static void panic_quietly(void)
{
    static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};

    for (size_t i = 0; i < N_ELEMENTS(fatal); i++)
        (void)signal(fatal[i], SIG_DFL);
    (void)close(STDERR_FILENO);
}

int run_apart(struct world *world, bool (*run)(struct world *world, const void *what),
              const void *what)
{
    int ended = 0;

    (void)fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        struct stats stats = {0};
        world->stats = &stats;
        panic_quietly();
        bool has_passed = run(world, what);
        _exit(has_passed ? 255 : (int)world->checkers.what);
    }
    MUST(waitpid(pid, &ended, 0) == pid);
    if (!WIFEXITED(ended))
        return RUN_PANICKED;
    return WEXITSTATUS(ended) == 255 ? RUN_PASSED : WEXITSTATUS(ended);
}

static bool run_plan(struct world *world, const void *plan)
{
    return schedule_run(world, plan);
}

/* Does what stands in `trial` fail in the same way? Then it is the plan from now on. */
static bool try_it(struct shrink *shrink)
{
    for (uint32_t throw = 0; throw < shrink->n_throws && shrink->n_trials < TRIALS_MAX; throw ++) {
        shrink->n_trials++;
        if (run_apart(shrink->world, run_plan, shrink->trial) == shrink->failure) {
            *shrink->plan = *shrink->trial;
            return true;
        }
        /* The end of a run depends on the seed's last two bits: they stay. */
        shrink->trial->seed += 4;
    }
    return false;
}

static struct plan *begin(struct shrink *shrink)
{
    *shrink->trial = *shrink->plan;
    return shrink->trial;
}

static void leave_out(struct plan *plan, uint32_t from, uint32_t n)
{
    uint32_t rest = plan->n_strikes - from - n;

    memmove(&plan->strikes[from], &plan->strikes[from + n], rest * sizeof(plan->strikes[0]));
    plan->n_strikes -= n;
}

/* Halves, quarters, ..., single strikes; from the end, for what comes late matters least. */
static bool shorten_list(struct shrink *shrink)
{
    bool is_better = false;

    for (uint32_t n = (shrink->plan->n_strikes + 1) / 2; n > 0; n /= 2)
        for (uint32_t end = shrink->plan->n_strikes; end > 0; end -= end < n ? end : n) {
            uint32_t from = end < n ? 0 : end - n;
            if (end > shrink->plan->n_strikes)
                continue;
            leave_out(begin(shrink), from, end - from);
            is_better |= try_it(shrink);
        }
    return is_better;
}

static bool quiet_down(struct shrink *shrink)
{
    bool is_better = false;

    for (size_t fault = 0; fault < FAULTS_END; fault++) {
        if (shrink->plan->level[fault] == 0)
            continue;
        begin(shrink)->level[fault] = 0;
        is_better |= try_it(shrink);
    }
    return is_better;
}

/* Replica `gone` is in none of the sets; those above it move down. */
static uint64_t without(uint64_t set, uint32_t gone)
{
    uint64_t below = (UINT64_C(1) << gone) - 1;

    return set == UINT64_MAX ? set : (set & below) | (set >> 1 & ~below);
}

static void renumber(struct plan *plan, uint32_t gone)
{
    for (uint32_t i = 0; i < plan->n_strikes; i++) {
        struct strike *strike = &plan->strikes[i];
        strike->who -= strike->who > gone ? 1 : 0;
        strike->who %= plan_n_replicas(plan);
        strike->from = without(strike->from, gone);
        strike->to = without(strike->to, gone);
        if (strike->kind == STRIKE_TRANSFER && strike->n != VALIDATOR_NONE && strike->n > gone)
            strike->n--;
    }
}

/* Both copies of a twin stay, or the second goes. */
static bool drop_twins(struct shrink *shrink)
{
    bool is_better = false;

    for (uint32_t key = 0; key < shrink->plan->n_validators; key++) {
        uint64_t bit = UINT64_C(1) << key;
        if ((shrink->plan->twin_keys & bit) == 0)
            continue;
        struct plan *plan = begin(shrink);
        uint32_t copy =
            plan->n_validators + (uint32_t)__builtin_popcountll(plan->twin_keys & (bit - 1));
        plan->twin_keys &= ~bit;
        plan->clone_keys &= ~bit;
        renumber(plan, copy);
        is_better |= try_it(shrink);
    }
    return is_better;
}

static bool drop_restored(struct shrink *shrink)
{
    bool is_better = false;

    if (shrink->plan->machine_keys != 0) {
        begin(shrink)->machine_keys = 0;
        is_better |= try_it(shrink);
    }
    if (shrink->plan->file_keys != 0) {
        begin(shrink)->file_keys = 0;
        is_better |= try_it(shrink);
    }
    return is_better;
}

static bool drop_lies(struct shrink *shrink)
{
    bool is_better = false;

    for (uint32_t key = 0; key < shrink->plan->n_validators; key++) {
        if ((shrink->plan->liar_keys >> key & 1) == 0)
            continue;
        begin(shrink)->liar_keys &= ~(UINT64_C(1) << key);
        if (try_it(shrink)) {
            is_better = true;
            continue;
        }
        for (uint32_t left = shrink->plan->lies[key]; left != 0; left &= left - 1) {
            if ((shrink->plan->lies[key] & (shrink->plan->lies[key] - 1)) == 0)
                break;
            begin(shrink)->lies[key] &= ~(left & -left);
            is_better |= try_it(shrink);
        }
    }
    return is_better;
}

/* The last validator goes, if what is left may still have so many faulty ones. */
static bool drop_validator(struct shrink *shrink)
{
    struct plan *plan = begin(shrink);
    uint32_t gone = plan->n_validators - 1;
    uint64_t faulty = plan->twin_keys | plan->liar_keys | plan->machine_keys | plan->file_keys;

    if (gone < 4 || (faulty >> gone & 1) != 0 ||
        faulty_max(gone) < (uint32_t)__builtin_popcountll(faulty))
        return false;
    plan->n_validators = gone;
    plan->first_leader %= gone;
    renumber(plan, gone);
    return try_it(shrink);
}

/* The end comes right after the last strike, and times are rounded down. */
static bool hurry(struct shrink *shrink)
{
    static const uint64_t grains_ms[] = {500, 100, 50, 10};
    uint32_t n = shrink->plan->n_strikes;
    uint64_t last_ms = n == 0 ? 1 : shrink->plan->strikes[n - 1].at_ms;

    for (uint64_t rest_ms = 10; last_ms + rest_ms < shrink->plan->end_ms; rest_ms *= 4) {
        begin(shrink)->end_ms = last_ms + rest_ms;
        if (try_it(shrink))
            return true;
    }
    for (size_t i = 0; i < N_ELEMENTS(grains_ms); i++) {
        struct plan *plan = begin(shrink);
        bool is_other = false;
        for (uint32_t at = 0; at < plan->n_strikes; at++) {
            uint64_t *at_ms = &plan->strikes[at].at_ms;
            is_other |= *at_ms % grains_ms[i] > 1;
            *at_ms -= *at_ms > grains_ms[i] ? *at_ms % grains_ms[i] : *at_ms - 1;
        }
        if (is_other && try_it(shrink))
            return true;
    }
    return false;
}

static bool pass(struct shrink *shrink)
{
    bool is_better = shorten_list(shrink);

    is_better |= quiet_down(shrink);
    is_better |= drop_twins(shrink);
    is_better |= drop_restored(shrink);
    is_better |= drop_lies(shrink);
    is_better |= drop_validator(shrink);
    is_better |= hurry(shrink);
    return is_better;
}

uint32_t shrink(struct world *world, struct plan *plan, int failure)
{
    struct shrink shrink = {.world = world, .plan = plan, .failure = failure, .n_throws = 3};

    shrink.trial = malloc(sizeof(*shrink.trial));
    MUST(shrink.trial != NULL);
    /* Fails it at all once more, and without the slow signatures? */
    if (plan->has_real_signatures)
        begin(&shrink)->has_real_signatures = false;
    else
        (void)begin(&shrink);
    shrink.n_throws = 1;
    if (!try_it(&shrink))
        shrink.n_trials = TRIALS_MAX;
    shrink.n_throws = 3;
    /* First what is easily left out; the more often chance is asked, the shorter the rest. */
    while (shrink.n_trials < TRIALS_MAX)
        if (!pass(&shrink)) {
            if (shrink.plan->n_strikes <= SHORT_STRIKES || shrink.n_throws > THROWS_MAX)
                break;
            shrink.n_throws *= 4;
        }
    free(shrink.trial);
    return shrink.n_trials;
}
