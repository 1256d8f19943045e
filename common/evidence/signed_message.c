#include "common/evidence/signed_message.h"

static enum cert_verdict read_vote(const struct validator_set *set, const struct wire_vote *vote,
                                   struct signed_message *ret_message)
{
    enum cert_verdict verdict = vote_verify(set, vote);

    if (verdict != CERT_OK)
        return verdict;
    ret_message->validator = vote->voter;
    ret_message->rank = vote->rank;
    ret_message->statement_size = statement_vote(&set->chain, vote, ret_message->statement);
    return CERT_OK;
}

static enum cert_verdict read_commit_vote(const struct validator_set *set,
                                          const struct wire_commit_vote *vote,
                                          struct signed_message *ret_message)
{
    enum cert_verdict verdict = commit_vote_verify(set, vote);

    if (verdict != CERT_OK)
        return verdict;
    ret_message->validator = vote->voter;
    ret_message->rank = vote->rank;
    ret_message->statement_size = statement_commit_vote(&set->chain, vote, ret_message->statement);
    return CERT_OK;
}

/* The QC it came with is not signed: whoever passes it on could have put it there. */
static enum cert_verdict read_timeout(const struct validator_set *set,
                                      const struct wire_timeout *timeout,
                                      struct signed_message *ret_message)
{
    if (timeout->high_qc.size != 0)
        return CERT_MALFORMED;
    enum cert_verdict verdict = timeout_verify(set, timeout);
    if (verdict != CERT_OK)
        return verdict;
    ret_message->validator = timeout->voter;
    ret_message->rank = (struct rank){timeout->epoch, timeout->term, 0};
    ret_message->statement_size = statement_timeout(&set->chain, timeout, ret_message->statement);
    return CERT_OK;
}

static enum cert_verdict read_header(const struct validator_set *set,
                                     const struct wire_signed_header *message,
                                     struct signed_message *ret_message)
{
    struct wire_header header;

    if (wire_decode_as(WIRE_header, message->header, &header) != WIRE_OK ||
        !hash_eq(&header.chain, &set->chain))
        return CERT_MALFORMED;
    if (header.rank.epoch != set->epoch)
        return CERT_WRONG_EPOCH;
    if (header.rank.term == 0 || header.rank.seq == 0)
        return CERT_INCONSISTENT;
    if (header.author >= set->n)
        return CERT_STRANGER;
    struct hash id = hash_bytes(message->header);
    uint8_t statement[STATEMENT_BYTES_MAX];
    size_t size = statement_proposal(&set->chain, &id, statement);
    if (!set->check(&set->keys[header.author], span_of(statement, size), &message->signature))
        return CERT_BAD_SIGNATURE;
    ret_message->validator = header.author;
    ret_message->rank = header.rank;
    ret_message->statement_size = size;
    memcpy(ret_message->statement, statement, size);
    return CERT_OK;
}

enum cert_verdict signed_message_read(const struct validator_set *set, struct span bytes,
                                      struct signed_message *ret_message)
{
    struct wire_message message;
    struct signed_message read = {.validator = 0};
    enum cert_verdict verdict = CERT_MALFORMED;

    if (wire_decode(bytes, &message) != WIRE_OK)
        return CERT_MALFORMED;
    read.what = message.id;
    if (message.id == WIRE_vote)
        verdict = read_vote(set, &message.vote, &read);
    else if (message.id == WIRE_commit_vote)
        verdict = read_commit_vote(set, &message.commit_vote, &read);
    else if (message.id == WIRE_timeout)
        verdict = read_timeout(set, &message.timeout, &read);
    else if (message.id == WIRE_signed_header)
        verdict = read_header(set, &message.signed_header, &read);
    if (verdict == CERT_OK)
        *ret_message = read;
    return verdict;
}

size_t signed_message_of_vote(const struct wire_vote *vote, uint8_t *out, size_t capacity)
{
    return wire_encode(WIRE_vote, vote, out, capacity);
}

size_t signed_message_of_commit_vote(const struct wire_commit_vote *vote, uint8_t *out,
                                     size_t capacity)
{
    return wire_encode(WIRE_commit_vote, vote, out, capacity);
}

size_t signed_message_of_timeout(const struct wire_timeout *timeout, uint8_t *out, size_t capacity)
{
    struct wire_timeout bare = *timeout;

    bare.high_qc = span_of(NULL, 0);
    return wire_encode(WIRE_timeout, &bare, out, capacity);
}

size_t signed_message_of_proposal(const struct wire_proposal *proposal, uint8_t *out,
                                  size_t capacity)
{
    const struct wire_signed_header message = {proposal->header, proposal->signature};

    return wire_encode(WIRE_signed_header, &message, out, capacity);
}

int signed_message_cmp(const struct signed_message *a, const struct signed_message *b)
{
    size_t common = a->statement_size < b->statement_size ? a->statement_size : b->statement_size;
    int by_bytes = memcmp(a->statement, b->statement, common);

    return by_bytes != 0 ? by_bytes : (int)a->statement_size - (int)b->statement_size;
}

bool signed_message_is_alike(const struct signed_message *a, const struct signed_message *b)
{
    return a->what == b->what && a->validator == b->validator && rank_eq(a->rank, b->rank);
}
