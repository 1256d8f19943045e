/* The validators that a config block or a recovery names. */
#include "common/cert/epoch_proof.h"

#include "common/hash.h"
#include "common/must.h"

_Static_assert(sizeof(struct member) == MEMBER_BYTES, "a member is its bytes");

static bool is_alike(const struct member *a, const struct member *b)
{
    return hash_eq(&a->card, &b->card) || key_eq(&a->key, &b->key) ||
           hash_eq(&a->instance, &b->instance);
}

bool members_are_valid(const struct members *members)
{
    if (members->n == 0 || members->n > VALIDATORS_MAX)
        return false;
    for (uint32_t i = 0; i < members->n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (is_alike(&members->list[i], &members->list[j]))
                return false;
    return true;
}

uint32_t members_pin(const struct members *members, const struct key *key,
                     const struct hash *instance)
{
    for (uint32_t i = 0; i < members->n; i++)
        if (key_eq(&members->list[i].key, key) && hash_eq(&members->list[i].instance, instance))
            return i;
    return members->n;
}

struct hash members_digest(const struct members *members)
{
    const struct span bytes = span_of(members->list, members->n * sizeof(members->list[0]));

    return hash_tagged("apm2/set/1", &bytes, 1);
}

struct hash card_digest(struct span id)
{
    return hash_tagged("apm2/card-id/1", &id, 1);
}

void epoch_proof_set(const struct validator_set *before, const struct epoch_proof *proof,
                     struct validator_set *ret_set)
{
    MUST(proof->next.n > 0 && proof->next.n <= VALIDATORS_MAX);
    *ret_set = *before;
    ret_set->epoch = epoch_proof_epoch(proof);
    ret_set->root = epoch_proof_root(proof);
    ret_set->n = proof->next.n;
    ret_set->offset = schedule_offset(&ret_set->root, ret_set->n);
    for (uint32_t i = 0; i < ret_set->n; i++)
        ret_set->keys[i] = proof->next.list[i].key;
}

enum cert_verdict caught_up_verify(const struct validator_set *set,
                                   const struct caught_up *caught_up)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = statement_caught_up(&set->chain, caught_up, statement);

    return set->check(&caught_up->who.key, span_of(statement, size), &caught_up->signature)
               ? CERT_OK
               : CERT_BAD_SIGNATURE;
}
