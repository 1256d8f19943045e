/*
 * plan - one schedule in full: who is there, what is wrong all the time, what strikes when.
 *
 * A seed draws it; what is left to chance while it runs (which message is lost, what a liar says)
 * comes from the same seed. Being data it can be cut down (shrink.h) and printed as a script that
 * scenario.c runs the same way.
 */
#ifndef APM2_SIM_PLAN_H
#define APM2_SIM_PLAN_H

#include "tests/sim/strike.h"

#define PLAN_STRIKES_MAX 512u
/* Of a correct wall clock, either way. */
#define SKEW_MAX_MS 1500u

struct plan {
    uint64_t seed;
    bool has_real_signatures; /* of one set only */
    uint32_t n_validators, n_joiners;
    uint32_t first_leader;
    uint64_t twin_keys, liar_keys;
    uint64_t clone_keys;           /* twins whose second copy waits for its strike */
    uint64_t machine_keys;         /* who may be set back as a whole */
    uint64_t file_keys;            /* whose safety file may */
    uint32_t lies[VALIDATORS_MAX]; /* of each liar, a bit per enum lie */
    uint32_t level[FAULTS_END];    /* of what is wrong all the time: 0 = not, per mille, ms, 1 */
    uint64_t end_ms;               /* when everything heals */
    uint32_t n_strikes;            /* by time */
    struct strike strikes[PLAN_STRIKES_MAX];
};

/* Nothing is wrong and nothing strikes. */
void plan_init(struct plan *plan);

/* Each seed first switches whole classes of faults off, so that some runs are nothing but
 * crashes and others nothing but lost votes. 0 validators: 4 to 7, by chance. */
void plan_draw(struct plan *plan, uint64_t seed, uint32_t n_validators);

uint32_t plan_n_replicas(const struct plan *plan);
/* Keys that are made while it runs are fake ones. */
bool plan_changes_sets(const struct plan *plan);

/* Starts the run: the first millisecond has passed, nothing has struck. */
void plan_begin(struct world *world, const struct plan *plan);

/* As a script. `indent` goes before each line. */
void plan_print(FILE *file, const struct plan *plan, const char *indent);

/* plan_text.c: a line that comes before all strikes. NULL, or how it has to look; is_setup says
 * whether the first word belongs to such a line at all. */
bool plan_is_setup(const char *word);
const char *plan_read(char *const *words, int n_words, struct plan *plan);

#endif
