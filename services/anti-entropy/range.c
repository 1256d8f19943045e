/* Ranges of committed blocks: served from consensus's view, and checked when they come. */
#include "services/anti-entropy/entropy.h"

#include "common/hash.h"
#include "common/mem.h"
#include "common/range_answer.h"

/* ---- serving ---- */

struct serving_range {
    struct entropy *entropy;
    uint32_t to;
    struct range_answer answer;
};

static void add_block(void *context, const struct store_block *row)
{
    struct range_answer *answer = &((struct serving_range *)context)->answer;
    const struct wire_sync_block block = {row->proposal,
                                          {.n = row->n_bundles, .raw = row->bundles}};

    if (row->height == answer->from_height + answer->n)
        range_answer_add(answer, &block, row->proof);
}

static void send_range(void *context, enum apm_err err)
{
    struct serving_range *serving = context;
    struct range_answer *answer = &serving->answer;
    const struct wire_range range =
        range_answer_message(answer, answer->from_height + answer->n - 1);

    if (err == APM_OK) {
        (void)entropy_send(serving->entropy, serving->to, WIRE_range, &range);
        entropy_count_out(serving->entropy, answer->bytes);
    }
    range_answer_release(answer);
    serving->entropy->server.n_ranges[serving->to]--;
    free(serving);
}

/* A peer's requests beyond its share are dropped: it asks another. */
void on_range_request(struct entropy *entropy, uint32_t from,
                      const struct wire_range_request *message)
{
    const struct store_range range = {
        .from_height = message->from_height,
        .max_blocks =
            message->max_blocks < RANGE_BLOCKS_MAX ? message->max_blocks : RANGE_BLOCKS_MAX,
        .max_bytes = RANGE_ANSWER_READ_MAX,
    };

    if (!entropy->is_loaded || range.max_blocks == 0 || range.from_height == 0 ||
        range.from_height > INT64_MAX || entropy->server.n_ranges[from] >= SERVE_RANGES_MAX)
        return;
    struct serving_range *serving = mem_new(1, sizeof(*serving));
    serving->entropy = entropy;
    serving->to = from;
    serving->answer.request = message->request;
    serving->answer.from_height = message->from_height;
    const struct store_block_reader reader = {serving, add_block, send_range};
    entropy->server.n_ranges[from]++;
    if (store_read_range(entropy->store, &range, &reader) == APM_OK)
        return;
    entropy->server.n_ranges[from]--;
    free(serving);
}

/* ---- checking ---- */

/* The next block's header, if it follows the one before. */
static bool follows(struct span bytes, uint64_t height, struct hash *last)
{
    struct wire_sync_block block;
    struct wire_proposal proposal;
    struct wire_header header;

    if (wire_decode_as(WIRE_sync_block, bytes, &block) != WIRE_OK ||
        wire_decode_as(WIRE_proposal, block.proposal, &proposal) != WIRE_OK ||
        wire_decode_as(WIRE_header, proposal.header, &header) != WIRE_OK)
        return false;
    if (header.height != height || (!hash_is_zero(last) && !hash_eq(&header.parent, last)))
        return false;
    *last = hash_bytes(proposal.header);
    return true;
}

/* The certificate of the last block vouches for all before it, by their hashes. One of an
 * epoch whose set is not known here is left to consensus, which judges all of it anyway. */
static enum strike_reason check_proof(const struct entropy *entropy, struct span bytes,
                                      const struct hash *last)
{
    struct commit_proof proof;

    if (commit_proof_decode(bytes, &proof) != CERT_OK)
        return STRIKE_MALFORMED;
    struct hash proven = commit_proof_block(&proof);
    if (!hash_eq(&proven, last))
        return STRIKE_BAD_CERTIFICATE;
    enum cert_verdict verdict = commit_proof_verify(&entropy->genesis->set, &proof);
    return verdict == CERT_OK || verdict == CERT_WRONG_EPOCH ? STRIKE_NONE : STRIKE_BAD_CERTIFICATE;
}

enum strike_reason range_check(const struct entropy *entropy, uint64_t from, uint64_t to,
                               const struct wire_range *range, const char **ret_what)
{
    struct hash last = {{0}};
    uint64_t height = from;
    size_t cursor = 0;
    struct span bytes;

    *ret_what = "blocks of a range";
    while (blobs_next(&range->blocks, &cursor, &bytes)) {
        if (height > to || !follows(bytes, height, &last))
            return STRIKE_BAD_BLOCKS;
        height++;
    }
    *ret_what = "certificate of a range";
    return check_proof(entropy, range->proof, &last);
}
