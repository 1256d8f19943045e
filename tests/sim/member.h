/*
 * member - what operators do to the set: take in, let go, change keys, reinstate, recover;
 * and how a node loses its safety file in the first place.
 *
 * Operators keep to the runbook, as PROTOCOL.md builds on it: one change in flight, a joiner
 * catches up first, never more than f members faulty or without their record, and T0 speaks
 * only when all nodes are stopped and everything provable is at hand. A strike that would not
 * keep to it does nothing.
 */
#ifndef APM2_SIM_MEMBER_H
#define APM2_SIM_MEMBER_H

#include "tests/sim/strike.h"

struct replica;

/* The change of a set: ADD (a joiner), REMOVE, REKEY or REINSTATE node `who`. */
void member_change(struct world *world, const struct strike *strike);
/* It crashes, and its safety file is gone. */
void member_lose_file(struct world *world, const struct strike *strike);
/* Everybody is stopped; those in `from` (and enough others, if they are not more than f) have
 * lost their records; T0 signs for the same nodes with new ones. */
void member_recover(struct world *world, const struct strike *strike);
/* An old certificate of T0, of a block that `who` has long committed past, is given to it. */
void member_recover_below(struct world *world, const struct strike *strike);

/* EVENT_RECOVER: T0's word is brought to one more node. */
void member_bring_recovery(struct world *world);
/* EVENT_CONFIG: what executing the config block says. */
void member_execute_config(struct world *world, struct replica *replica, uint32_t block);
/* Its core says that the epoch is settled: who is not of it may be switched off. */
void member_released(struct world *world, struct replica *replica);

/* Is a change on its way that will commit if nothing is wrong? */
bool member_is_changing(const struct world *world);

#endif
