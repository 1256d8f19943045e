#include "common/cert/epoch_proof.h"

#include "common/hash.h"
#include "common/must.h"

/*
 * Fixed layout, so that two sides which agree on the fields agree on the bytes.
 * The tag ends in a zero byte: no tag can run on into what follows it.
 */

struct statement {
    uint8_t *out;
    size_t size;
};

static void put(struct statement *statement, const void *bytes, size_t size)
{
    MUST(size <= STATEMENT_BYTES_MAX - statement->size);
    memcpy(statement->out + statement->size, bytes, size);
    statement->size += size;
}

static void put_hash(struct statement *statement, const struct hash *hash)
{
    put(statement, hash->b, sizeof(hash->b));
}

static void put_u64(struct statement *statement, uint64_t value)
{
    uint8_t bytes[8];

    for (unsigned int i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    put(statement, bytes, sizeof(bytes));
}

static void put_rank(struct statement *statement, struct rank rank)
{
    put_u64(statement, rank.epoch);
    put_u64(statement, rank.term);
    put_u64(statement, rank.seq);
}

static struct statement begin(const char *tag, const struct hash *chain, uint8_t *out)
{
    struct statement statement = {.out = out};

    put(&statement, tag, strlen(tag) + 1);
    put_hash(&statement, chain);
    return statement;
}

size_t statement_vote(const struct hash *chain, const struct wire_vote *vote,
                      uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/vote/1", chain, out);

    put_rank(&statement, vote->rank);
    put_hash(&statement, &vote->block);
    put_hash(&statement, &vote->parent);
    put_rank(&statement, vote->parent_rank);
    return statement.size;
}

size_t statement_commit_vote(const struct hash *chain, const struct wire_commit_vote *vote,
                             uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/commit-vote/1", chain, out);

    put_rank(&statement, vote->rank);
    put_hash(&statement, &vote->block);
    return statement.size;
}

size_t statement_timeout(const struct hash *chain, const struct wire_timeout *timeout,
                         uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/timeout/1", chain, out);

    put_u64(&statement, timeout->epoch);
    put_u64(&statement, timeout->term);
    put_rank(&statement, timeout->high);
    return statement.size;
}

size_t statement_checkpoint(const struct hash *chain, const struct wire_checkpoint *checkpoint,
                            uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/checkpoint/1", chain, out);

    put_u64(&statement, checkpoint->height);
    put_hash(&statement, &checkpoint->block);
    put_hash(&statement, &checkpoint->state_root);
    return statement.size;
}

size_t statement_proposal(const struct hash *chain, const struct hash *block,
                          uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/proposal/1", chain, out);

    put_hash(&statement, block);
    return statement.size;
}

size_t statement_recovery(const struct hash *chain, const struct recovery *recovery,
                          uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/recovery/1", chain, out);
    struct hash reason = hash_bytes(span_of(recovery->reason, recovery->reason_size));

    put_u64(&statement, recovery->epoch);
    put_u64(&statement, recovery->height);
    put_hash(&statement, &recovery->block);
    put_hash(&statement, &recovery->state_root);
    put_hash(&statement, &recovery->set);
    put_hash(&statement, &reason);
    return statement.size;
}

size_t statement_caught_up(const struct hash *chain, const struct caught_up *caught_up,
                           uint8_t out[STATEMENT_BYTES_MAX])
{
    struct statement statement = begin("apm2/caught-up/1", chain, out);

    put_u64(&statement, caught_up->height);
    put_hash(&statement, &caught_up->block);
    put_hash(&statement, &caught_up->who.card);
    put(&statement, caught_up->who.key.b, sizeof(caught_up->who.key.b));
    put_hash(&statement, &caught_up->who.instance);
    return statement.size;
}
