/*
 * genesis_plan - puts a genesis document together from files and writes it.
 */
#ifndef APM2_CLI_GENESIS_PLAN_H
#define APM2_CLI_GENESIS_PLAN_H

#include "common/genesis.h"
#include "services/cli/say.h"

struct genesis_files {
    const char *name;
    const char *cards[VALIDATORS_MAX];
    uint32_t n_cards;
    const char *t0_keys[GENESIS_T0_MAX];
    uint32_t n_t0;
    uint32_t threshold;
    const char *actor_key; /* gets the root capability in namespace kernel */
    const char *output;
};

/* Creates, signs with every T0 key and writes; refuses to replace a file. */
WARN_UNUSED enum apm_err genesis_from_files(const struct genesis_files *files,
                                            struct hash *ret_chain,
                                            struct complaint *ret_complaint);

#endif
