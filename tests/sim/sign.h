/*
 * sign - the signatures of a run: faked, so that they cost nothing, or ed25519 as shipped.
 *
 * Real ones are made by the primitive the signer child uses, over the statements it signs, and
 * checked by common/cert. They are some hundred times slower, so a slice of schedules has them.
 */
#ifndef APM2_SIM_SIGN_H
#define APM2_SIM_SIGN_H

#include "common/cert/cert.h"

struct world;
struct replica;

/* The public keys of the set and how it checks, as the run wants them. */
void sign_init(struct world *world, bool is_real, struct validator_set *set);

/* With the key of its signer. Real ones: that of epoch 1. */
struct sig replica_sign(const struct world *world, const struct replica *replica,
                        struct span statement);

/* For checkers: by libsodium itself, or by comparing with the only good one. */
bool world_signed(const struct world *world, const struct key *key, struct span statement,
                  const struct sig *sig);

#endif
