/*
 * roster - who is a validator in which epoch, and the changes that operators ask for.
 *
 * A node has a number that stays (`key` of its replicas), whatever its keys: its place in
 * epoch 1, and above that the joiners. Sets are known from the first epoch proof that a
 * replica entered by, once the checkers took it (check_epoch.c). A change is a request like
 * any other, but alone in its block, and executing it makes the next set.
 */
#ifndef APM2_SIM_ROSTER_H
#define APM2_SIM_ROSTER_H

#include "services/consensus/core/core.h"

struct world;
struct replica;

#define EPOCHS_MAX 64u
#define JOINERS_MAX 3u
/* Requests from this one on are changes, in a run that has any. */
#define CHANGE_FIRST 40u
#define CHANGES_MAX 20u

enum change_kind {
    CHANGE_ADD,
    CHANGE_REMOVE,
    CHANGE_REKEY,
    CHANGE_REINSTATE,
};

struct change {
    enum change_kind kind;
    uint32_t node;
    struct member member;       /* as it is to be; REMOVE: unused */
    struct caught_up caught_up; /* ADD */
};

struct sim_epoch {
    bool is_known;
    struct epoch_proof proof; /* NONE: epoch 1 */
    struct validator_set set;
    struct members members;
};

struct roster {
    struct sim_epoch epochs[EPOCHS_MAX];
    uint64_t newest;
    uint32_t n_commits; /* epochs that config blocks began */
    uint32_t n_changes;
    struct change changes[CHANGES_MAX];
    uint64_t change_requests; /* a bit each */
    struct members built;     /* of the config block in the making, or judged */
    struct epoch_proof recovery;
    uint32_t n_recoveries; /* T0 signed for */
};

void roster_reset(struct world *world);

/* The key and instance of a node's `generation`-th keygen. */
struct identity identity_of(uint32_t node, uint32_t generation);
struct member member_of(uint32_t node, uint32_t generation);
struct key t0_key(uint32_t i);

/* NULL: nobody has entered it. */
const struct validator_set *set_of_epoch(const struct world *world, uint64_t epoch);
/* VALIDATOR_NONE: not of that set. */
uint32_t index_of(const struct world *world, uint64_t epoch, uint32_t node);
/* VALIDATOR_NONE: no such index. */
uint32_t node_at(const struct world *world, uint64_t epoch, uint32_t index);

/* The epoch that a running replica's core is in. */
uint64_t epoch_of(const struct replica *replica);
/* How a replica's core calls another node, and the other way round. */
uint32_t peer_number(const struct world *world, const struct replica *replica, uint32_t node);
uint32_t peer_node(const struct world *world, const struct replica *replica, uint32_t number);

/* The change that the requests of a block are, alone; NULL: they are none. */
const struct change *change_in(const struct world *world, uint64_t requests);
/* What executing it in that epoch makes; false: rejected. */
bool change_apply(const struct world *world, const struct change *change, uint64_t epoch,
                  struct members *ret_next);
/* Those of the requests that may not be proposed in that epoch. */
uint64_t unfit_changes(const struct world *world, uint64_t epoch, uint64_t requests);

#endif
