/*
 * account - where an actor and the chain stand, by the newest that any node says.
 *
 * All nodes are asked: one that was restarted just now may be far behind.
 */
#ifndef APM2_CLI_ACCOUNT_H
#define APM2_CLI_ACCOUNT_H

#include "services/cli/cluster.h"

struct account_question {
    const struct cluster *cluster;
    const uint8_t *public_key;
    uint32_t first_node;
    bool is_first_needed; /* no answer without its own */
};

struct account {
    uint64_t next_nonce;
    uint64_t height;
    uint32_t node; /* the first that answered, from first_node on */
};

/* DENIED: every node that answers says that the key is no actor's. */
WARN_UNUSED enum apm_err account_ask(const struct account_question *question,
                                     struct account *ret_account, struct complaint *ret_complaint);

#endif
