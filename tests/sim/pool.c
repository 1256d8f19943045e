#include "tests/sim/pool.h"

#include "common/must.h"
#include "tests/support/fake_sig.h"

#include <stddef.h>
#include <stdlib.h>

static void *array_new(size_t n, size_t size)
{
    void *array = calloc(n, size);
    MUST(array != NULL);
    return array;
}

void pool_new(struct pool *pool)
{
    *pool = (struct pool){0};
    pool->blocks = array_new(BLOCKS_MAX, sizeof(*pool->blocks));
    pool->qcs = array_new(CERTIFICATES_MAX, sizeof(*pool->qcs));
    pool->ccs = array_new(CERTIFICATES_MAX, sizeof(*pool->ccs));
    pool->entries = array_new(ENTRIES_MAX, sizeof(*pool->entries));
}

void pool_destroy(struct pool *pool)
{
    free(pool->blocks);
    free(pool->qcs);
    free(pool->ccs);
    free(pool->entries);
}

static void copy_sigs(struct sig *to, const struct sig *from, uint64_t signers)
{
    for (; signers != 0; signers &= signers - 1) {
        int i = __builtin_ctzll(signers);
        to[i] = from[i];
    }
}

void copy_qc(struct qc *to, const struct qc *from)
{
    memcpy(to, from, offsetof(struct qc, sigs));
    copy_sigs(to->sigs, from->sigs, from->signers);
}

static void copy_cc(struct cc *to, const struct cc *from)
{
    memcpy(to, from, offsetof(struct cc, sigs));
    copy_sigs(to->sigs, from->sigs, from->signers);
}

static void copy_tc(struct tc *to, const struct tc *from)
{
    to->term = from->term;
    to->signers = from->signers;
    for (uint64_t left = from->signers; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);
        to->timeouts[i] = from->timeouts[i];
    }
    copy_qc(&to->high_qc, &from->high_qc);
}

void copy_entry(struct entry *to, const struct entry *from)
{
    to->kind = from->kind;
    switch (from->kind) {
    case ENTRY_NONE:
    case ENTRY_ROOT:
        break;
    case ENTRY_TC:
        copy_tc(&to->tc, &from->tc);
        break;
    case ENTRY_HANDOFF:
        copy_qc(&to->handoff_qc, &from->handoff_qc);
        to->handoff_header = from->handoff_header;
        break;
    }
}

void copy_record(struct safety_record *to, const struct safety_record *from)
{
    memcpy(to, from, offsetof(struct safety_record, high_qc));
    copy_qc(&to->high_qc, &from->high_qc);
    copy_entry(&to->entry, &from->entry);
    to->timed_out = from->timed_out;
    to->timeout_high = from->timeout_high;
    copy_qc(&to->timeout_qc, &from->timeout_qc);
    epoch_proof_copy(&to->proof, &from->proof);
}

static uint64_t digest_of(const void *bytes, size_t size, uint64_t salt)
{
    return fake_digest(salt, span_of(bytes, size));
}

struct hash payload_root_of(uint64_t requests)
{
    struct hash root = {{0}};
    uint64_t mixed = fake_mix(1, requests);

    memcpy(root.b, &requests, sizeof(requests));
    memcpy(root.b + 8, &mixed, sizeof(mixed));
    return root;
}

/* State is a hash chain of committed ids: whoever committed the same has the same. */
static struct hash state_after(const struct hash *state, const struct hash *block)
{
    struct hash next;

    for (size_t at = 0; at < sizeof(next.b); at += 8) {
        uint64_t word = fake_digest(at, span_of(state->b, sizeof(state->b)));
        word = fake_digest(word, span_of(block->b, sizeof(block->b)));
        memcpy(next.b + at, &word, sizeof(word));
    }
    return next;
}

static uint64_t block_digest(const struct hash *id)
{
    return digest_of(id->b, sizeof(id->b), 1);
}

/* NULL: nobody has entered that epoch. */
static const struct validator_set *set_at(const struct pool *pool, uint64_t epoch)
{
    const struct roster *roster = pool->roster;

    return epoch < EPOCHS_MAX && roster->epochs[epoch].is_known ? &roster->epochs[epoch].set : NULL;
}

void pool_reset(struct pool *pool, const struct roster *roster, const struct hash *genesis_state)
{
    const struct validator_set *set = &roster->epochs[1].set;
    bool is_new;
    struct pool_block *root = &pool->blocks[0];

    pool->roster = roster;
    map_clear(&pool->map);
    pool->n_blocks = 1;
    pool->n_qcs = pool->n_ccs = pool->n_entries = 0;
    root->proposal.header = (struct wire_header){.rank = {set->epoch, 0, 0}};
    root->proposal.header.author = VALIDATOR_NONE;
    root->proposal.id = set->root;
    root->parent = NO_BLOCK;
    root->requests = 0;
    root->state = *genesis_state;
    root->has_proof = false;
    root->is_checked = root->is_good = true;
    (void)map_put(&pool->map, block_digest(&set->root), 0, &is_new);
}

uint32_t pool_find_block(const struct pool *pool, const struct hash *id)
{
    return map_get(&pool->map, block_digest(id), NO_BLOCK);
}

uint32_t pool_add_block(struct pool *pool, const struct proposal *proposal, uint64_t requests)
{
    bool is_new;
    uint32_t index = map_put(&pool->map, block_digest(&proposal->id), pool->n_blocks, &is_new);

    if (!is_new)
        return index;
    MUST(pool->n_blocks < BLOCKS_MAX);
    struct pool_block *block = &pool->blocks[pool->n_blocks++];
    block->proposal.header = proposal->header;
    block->proposal.id = proposal->id;
    block->proposal.is_payload_empty = proposal->is_payload_empty;
    copy_qc(&block->proposal.justify, &proposal->justify);
    copy_entry(&block->proposal.entry, &proposal->entry);
    block->is_signed = block->is_checked = block->has_proof = false;
    block->requests = requests;
    block->parent = pool_find_block(pool, &proposal->header.parent);
    MUST(block->parent != NO_BLOCK);
    block->state = state_after(&pool->blocks[block->parent].state, &proposal->id);
    return index;
}

static bool is_block_good(const struct pool *pool, const struct pool_block *block)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    const struct proposal *proposal = &block->proposal;
    const struct validator_set *set = set_at(pool, proposal->header.rank.epoch);
    struct hash id = header_id(&proposal->header);
    struct hash justify = qc_digest(&proposal->justify);
    struct hash entry = entry_digest(&proposal->entry);

    if (set == NULL || !hash_eq(&id, &proposal->id) ||
        !hash_eq(&justify, &proposal->header.justify) ||
        !hash_eq(&entry, &proposal->header.entry) || proposal->header.author >= set->n)
        return false;
    size_t size = statement_proposal(&set->chain, &id, statement);
    if (!set->check(&set->keys[proposal->header.author], span_of(statement, size),
                    &block->signature))
        return false;
    return qc_verify(set, &proposal->justify) == CERT_OK &&
           (proposal->entry.kind == ENTRY_NONE || entry_verify(set, &proposal->entry) == CERT_OK);
}

bool pool_block_is_good(struct pool *pool, uint32_t index)
{
    struct pool_block *block = &pool->blocks[index];

    if (!block->is_checked) {
        block->is_checked = true;
        block->is_good = is_block_good(pool, block);
    }
    return block->is_good;
}

static uint64_t rank_digest(uint64_t salt, struct rank rank)
{
    return fake_mix(fake_mix(fake_mix(salt, rank.epoch), rank.term), rank.seq);
}

/* Signatures are left out: they follow from the rest, or nothing verifies. */
static uint64_t qc_content(uint64_t salt, const struct qc *qc)
{
    uint64_t digest = rank_digest(rank_digest(salt, qc->rank), qc->parent_rank);
    digest = digest_of(qc->block.b, sizeof(qc->block.b), digest);
    digest = digest_of(qc->parent.b, sizeof(qc->parent.b), digest);
    return fake_mix(digest, qc->signers);
}

const struct qc *pool_add_qc(struct pool *pool, const struct qc *qc, bool *ret_is_new)
{
    uint32_t index = map_put(&pool->map, qc_content(2, qc), pool->n_qcs, ret_is_new);

    if (*ret_is_new) {
        MUST(pool->n_qcs < CERTIFICATES_MAX);
        copy_qc(&pool->qcs[pool->n_qcs++], qc);
        const struct validator_set *set = set_at(pool, qc->rank.epoch);
        if (set == NULL || qc_verify(set, qc) != CERT_OK)
            return NULL;
    }
    return &pool->qcs[index];
}

const struct cc *pool_add_cc(struct pool *pool, const struct cc *cc, bool *ret_is_new)
{
    uint64_t digest = rank_digest(3, cc->rank);
    digest = fake_mix(digest_of(cc->block.b, sizeof(cc->block.b), digest), cc->signers);
    uint32_t index = map_put(&pool->map, digest, pool->n_ccs, ret_is_new);

    if (*ret_is_new) {
        MUST(pool->n_ccs < CERTIFICATES_MAX);
        copy_cc(&pool->ccs[pool->n_ccs++], cc);
        const struct validator_set *set = set_at(pool, cc->rank.epoch);
        if (set == NULL || cc_verify(set, cc) != CERT_OK)
            return NULL;
    }
    return &pool->ccs[index];
}

static uint64_t entry_content(const struct entry *entry)
{
    uint64_t digest = fake_mix(4, (uint64_t)entry->kind);

    switch (entry->kind) {
    case ENTRY_NONE:
    case ENTRY_ROOT:
        break;
    case ENTRY_HANDOFF:
        return qc_content(digest, &entry->handoff_qc);
    case ENTRY_TC:
        digest = fake_mix(fake_mix(digest, entry->tc.term.epoch), entry->tc.term.term);
        for (uint64_t left = entry->tc.signers; left != 0; left &= left - 1) {
            const struct tc_timeout *timeout = &entry->tc.timeouts[__builtin_ctzll(left)];
            digest = rank_digest(fake_mix(digest, timeout->term), timeout->high);
        }
        return fake_mix(qc_content(digest, &entry->tc.high_qc), entry->tc.signers);
    }
    return digest;
}

const struct entry *pool_add_entry(struct pool *pool, const struct entry *entry, bool *ret_is_new)
{
    uint32_t index = map_put(&pool->map, entry_content(entry), pool->n_entries, ret_is_new);

    if (*ret_is_new) {
        MUST(pool->n_entries < ENTRIES_MAX);
        copy_entry(&pool->entries[pool->n_entries++], entry);
        uint64_t epoch =
            entry->kind == ENTRY_TC ? entry->tc.term.epoch : entry->handoff_qc.rank.epoch;
        const struct validator_set *set = set_at(pool, epoch);
        if (set == NULL || entry_verify(set, entry) != CERT_OK)
            return NULL;
    }
    return &pool->entries[index];
}

void pool_add_proof(struct pool *pool, uint32_t index, const struct commit_proof *proof)
{
    struct pool_block *block = &pool->blocks[index];

    if (block->has_proof)
        return;
    block->has_proof = true;
    block->proof.is_child_qc = proof->is_child_qc;
    if (proof->is_child_qc)
        copy_qc(&block->proof.qc, &proof->qc);
    else
        copy_cc(&block->proof.cc, &proof->cc);
}
