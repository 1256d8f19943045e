#include "tests/sim/sign.h"

#include "common/must.h"
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <sodium.h>

void sign_init(struct world *world, bool is_real, struct validator_set *set)
{
    world->is_real = is_real;
    set->check = is_real ? sig_check_ed25519 : fake_check;
    for (uint32_t i = 0; i < set->n; i++) {
        set->keys[i] = fake_key(i);
        if (is_real) /* the fake key is the seed of the real pair */
            MUST(crypto_sign_seed_keypair(set->keys[i].b, world->secrets[i], fake_key(i).b) == 0);
    }
}

struct sig replica_sign(const struct world *world, const struct replica *replica,
                        struct span statement)
{
    struct sig sig;

    if (!world->is_real)
        return fake_sign(&replica->store.signer.key, statement);
    MUST(crypto_sign_detached(sig.b, NULL, statement.data, statement.size,
                              world->secrets[replica->key]) == 0);
    return sig;
}

bool world_signed(const struct world *world, const struct key *key, struct span statement,
                  const struct sig *sig)
{
    if (world->is_real)
        return crypto_sign_verify_detached(sig->b, statement.data, statement.size, key->b) == 0;
    struct sig want = fake_sign(key, statement);
    return memcmp(want.b, sig->b, sizeof(want.b)) == 0;
}
