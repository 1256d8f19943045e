/*
 * hostile - a validator without scruples: one that has another node's keys and neither a
 * safety record nor rules. It speaks to the real nodes over their real links.
 *
 *   hostile GENESIS KEY.pem FAULT [SECONDS]
 *   hostile GENESIS KEY.pem split TERM SEQ
 *
 * FAULT: equivocation     two votes, commit votes, timeouts and proposals at one rank
 *        lonely           two votes, told to one node only
 *        split            a vote to one node, another to the next, at each of the ranks behind
 *                         (TERM, SEQ): the cluster's own
 *        quorum_forgery   a signed proposal around a certificate that nobody signed
 *        invalid_signature
 *        replay           its old votes, after newer ones
 *        honest           what an honest validator sends twice: none of it is an offence
 *
 * The node whose keys it has must be down. Everything stands at ranks far beyond the
 * cluster's. Prints what it sent; exits 0.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/bus_socket.h"
#include "common/evidence/signed_message.h"
#include "common/genesis.h"
#include "common/hash.h"
#include "common/keygen.h"
#include "common/merkle/merkle.h"

#define TERM 1u
#define SEQ_BASE 1000000u
#define SETTLE_S 1u

struct hostile {
    struct genesis *genesis;
    struct sign_pair pair;
    uint32_t self;
    void *zmq;
    void *dealers[VALIDATORS_MAX]; /* NULL: ourselves */
    uint64_t seq;                  /* the next rank nobody used */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "hostile: %s\n", what);
    exit(1);
}

static struct hash block_of(uint8_t byte)
{
    struct hash hash;
    memset(hash.b, byte, sizeof(hash.b));
    return hash;
}

#define SPLIT_RANKS 8u

static struct rank rank_at(uint64_t seq)
{
    return (struct rank){1, TERM, SEQ_BASE + seq};
}

/* ---- sending ---- */

static void send_to(struct hostile *hostile, uint32_t to, struct span frame)
{
    if (hostile->dealers[to] != NULL &&
        zmq_send(hostile->dealers[to], frame.data, frame.size, 0) < 0)
        die("cannot send");
}

static void send_all(struct hostile *hostile, struct span frame)
{
    for (uint32_t i = 0; i < hostile->genesis->n_validators; i++)
        send_to(hostile, i, frame);
}

static struct sig sign(const struct hostile *hostile, const uint8_t *statement, size_t size)
{
    struct sig sig;
    if (crypto_sign_detached(sig.b, NULL, statement, size, hostile->pair.secret) != 0)
        die("cannot sign");
    return sig;
}

struct letter {
    size_t size;
    uint8_t bytes[64u * KIB];
};

static struct span letter_span(const struct letter *letter)
{
    return span_of(letter->bytes, letter->size);
}

static void encode(struct letter *letter, enum wire_id id, const void *message)
{
    letter->size = wire_encode(id, message, letter->bytes, sizeof(letter->bytes));
    if (letter->size == 0)
        die("cannot encode");
}

static void vote_at(const struct hostile *hostile, struct rank rank, uint8_t block,
                    struct letter *letter)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct wire_vote message = {.rank = rank,
                                .block = block_of(block),
                                .parent = block_of(0xee),
                                .parent_rank = {1, 0, 0},
                                .voter = hostile->self};
    size_t size = statement_vote(&hostile->genesis->chain, &message, statement);
    message.signature = sign(hostile, statement, size);
    encode(letter, WIRE_vote, &message);
}

static void vote(const struct hostile *hostile, uint64_t seq, uint8_t block, struct letter *letter)
{
    vote_at(hostile, rank_at(seq), block, letter);
}

static void commit_vote(const struct hostile *hostile, uint64_t seq, uint8_t block,
                        struct letter *letter)
{
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct wire_commit_vote message = {
        .rank = rank_at(seq), .block = block_of(block), .voter = hostile->self};
    size_t size = statement_commit_vote(&hostile->genesis->chain, &message, statement);
    message.signature = sign(hostile, statement, size);
    encode(letter, WIRE_commit_vote, &message);
}

/* A signed header, with a justify of the caller's. */
static void proposal(const struct hostile *hostile, uint64_t seq, uint8_t salt,
                     const struct qc *justify, struct letter *letter)
{
    uint8_t header_bytes[HEADER_BYTES_MAX], qc_bytes[QC_BYTES_MAX];
    uint8_t statement[STATEMENT_BYTES_MAX];
    struct wire_header header = {.rules_version = hostile->genesis->rules_version,
                                 .chain = hostile->genesis->chain,
                                 .rank = rank_at(seq),
                                 .height = 1000000 + seq,
                                 .parent = block_of(salt),
                                 .justify = qc_digest(justify),
                                 .payload_root = merkle_root_of_hashes(NULL, 0),
                                 .author = hostile->self};
    struct hash id = header_id(&header);
    size_t size = statement_proposal(&hostile->genesis->chain, &id, statement);
    const struct wire_proposal message = {
        .header = span_of(header_bytes, header_encode(&header, header_bytes)),
        .justify = span_of(qc_bytes, qc_encode(justify, qc_bytes, sizeof(qc_bytes))),
        .signature = sign(hostile, statement, size)};
    encode(letter, WIRE_proposal, &message);
}

/* ---- the faults ---- */

static struct letter a, b;

static void equivocate(struct hostile *hostile)
{
    struct qc root = qc_of_root(&hostile->genesis->set);

    vote(hostile, ++hostile->seq, 0xa1, &a);
    vote(hostile, hostile->seq, 0xb2, &b);
    send_all(hostile, letter_span(&a));
    send_all(hostile, letter_span(&b));
    commit_vote(hostile, ++hostile->seq, 0xa1, &a);
    commit_vote(hostile, hostile->seq, 0xb2, &b);
    send_all(hostile, letter_span(&b));
    send_all(hostile, letter_span(&a));
    proposal(hostile, ++hostile->seq, 0xa1, &root, &a);
    proposal(hostile, hostile->seq, 0xb2, &root, &b);
    send_all(hostile, letter_span(&a));
    send_all(hostile, letter_span(&b));
    (void)printf("two votes, two commit votes, two proposals\n");
}

/* The others can only learn it from that one. */
static void tell_one(struct hostile *hostile)
{
    uint32_t to = hostile->self == 0 ? 1 : 0;

    vote(hostile, ++hostile->seq, 0xa1, &a);
    vote(hostile, hostile->seq, 0xb2, &b);
    send_to(hostile, to, letter_span(&a));
    send_to(hostile, to, letter_span(&b));
    (void)printf("two votes to %s\n", hostile->genesis->cards[to].id);
}

/* Nobody hears both: each names a block that loses. */
static void split(struct hostile *hostile, struct rank tip)
{
    uint32_t first = hostile->self == 0 ? 1 : 0;

    for (uint64_t i = 1; i <= SPLIT_RANKS; i++) {
        struct rank rank = {tip.epoch, tip.term, tip.seq + i};
        vote_at(hostile, rank, 0xa1, &a);
        vote_at(hostile, rank, 0xb2, &b);
        send_to(hostile, first, letter_span(&a));
        send_to(hostile, first + 1, letter_span(&b));
    }
    (void)printf("one of two votes to each of two nodes\n");
}

static void forge(struct hostile *hostile)
{
    uint32_t n = hostile->genesis->n_validators;
    struct qc justify = {.rank = rank_at(++hostile->seq),
                         .block = block_of(0xf0),
                         .parent = block_of(0xee),
                         .parent_rank = {1, 0, 0}};

    for (uint32_t i = 0; i < quorum_size(n); i++) {
        justify.signers |= UINT64_C(1) << i;
        randombytes_buf(justify.sigs[i].b, sizeof(justify.sigs[i].b));
    }
    proposal(hostile, ++hostile->seq, 0xf0, &justify, &a);
    send_all(hostile, letter_span(&a));
    (void)printf("a proposal around a forged certificate\n");
}

static void spoil(struct hostile *hostile)
{
    for (int i = 0; i < 20; i++) {
        struct wire_vote message;
        vote(hostile, ++hostile->seq, 0xa1, &a);
        if (wire_decode_as(WIRE_vote, letter_span(&a), &message) != WIRE_OK)
            die("cannot decode what it encoded");
        message.signature.b[3] ^= 1;
        encode(&b, WIRE_vote, &message);
        send_all(hostile, letter_span(&b));
    }
    (void)printf("20 votes with a bad signature\n");
}

static void replay(struct hostile *hostile, unsigned int seconds)
{
    uint64_t old = ++hostile->seq;

    vote(hostile, old, 0xa1, &a);
    send_all(hostile, letter_span(&a));
    for (unsigned int i = 0; i < 2 * seconds; i++) {
        vote(hostile, ++hostile->seq, 0xa1, &b);
        send_all(hostile, letter_span(&b));
        (void)usleep(500000);
    }
    for (int i = 0; i < 20; i++) {
        send_all(hostile, letter_span(&a)); /* each of them may be dropped */
        (void)usleep(200000);
    }
    (void)printf("an old vote, twenty times\n");
}

/* Resends of the newest, the same after a reconnect: for minutes, if it must be. */
static void behave(struct hostile *hostile, unsigned int seconds)
{
    vote(hostile, ++hostile->seq, 0xa1, &a);
    for (unsigned int i = 0; i < 5 * seconds; i++) {
        send_all(hostile, letter_span(&a));
        (void)usleep(200000);
    }
    (void)printf("one vote, again and again\n");
}

/* ---- links ---- */

static void connect_all(struct hostile *hostile, const char *key_file)
{
    static const struct bus_socket_bounds bounds = {FRAME_BYTES_MAX, 1000, 1000};
    char path[1100], endpoint[BUS_ENDPOINT_BYTES_MAX];
    struct curve_pair pair;
    struct why why = {""};

    if (!keygen_sibling(key_file, "consensus.pem", path, sizeof(path)) ||
        keyfile_read_curve(path, &pair, &why) != APM_OK)
        die("no transport key");
    for (uint32_t i = 0; i < hostile->genesis->n_validators; i++) {
        const struct card *card = &hostile->genesis->cards[i];
        const struct card_endpoint *service = &card->services[CARD_CONSENSUS];
        if (i == hostile->self)
            continue;
        bus_endpoint(card->address, service->port, endpoint);
        hostile->dealers[i] = bus_socket_new(hostile->zmq, ZMQ_DEALER, &bounds);
        if (hostile->dealers[i] == NULL ||
            !bus_socket_connect(hostile->dealers[i], endpoint, &service->curve, &pair))
            die("cannot connect");
    }
}

static void disconnect(struct hostile *hostile)
{
    static const int linger_ms = 2000;

    for (uint32_t i = 0; i < hostile->genesis->n_validators; i++) {
        if (hostile->dealers[i] == NULL)
            continue;
        (void)zmq_setsockopt(hostile->dealers[i], ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
        zmq_close(hostile->dealers[i]);
    }
    zmq_ctx_term(hostile->zmq);
}

static void act(struct hostile *hostile, const char *fault, unsigned int seconds)
{
    if (strcmp(fault, "equivocation") == 0)
        equivocate(hostile);
    else if (strcmp(fault, "lonely") == 0)
        tell_one(hostile);
    else if (strcmp(fault, "quorum_forgery") == 0)
        forge(hostile);
    else if (strcmp(fault, "invalid_signature") == 0)
        spoil(hostile);
    else if (strcmp(fault, "replay") == 0)
        replay(hostile, seconds);
    else if (strcmp(fault, "honest") == 0)
        behave(hostile, seconds);
    else
        die("no such fault");
}

int main(int argc, char **argv)
{
    struct hostile hostile = {.seq = 0};
    struct why why = {""};

    if (argc < 4 || sodium_init() < 0)
        die("usage: hostile GENESIS KEY.pem FAULT [SECONDS]");
    if (genesis_read(argv[1], &hostile.genesis, &why) != APM_OK ||
        keyfile_read_sign(argv[2], &hostile.pair, &why) != APM_OK)
        die(why.text);
    hostile.self = genesis_index_of(hostile.genesis, &hostile.pair.public_key);
    if (hostile.self == hostile.genesis->n_validators)
        die("not a validator's key");
    /* Another fault, other ranks: what one run said must not contradict another's. */
    for (const char *c = argv[3]; *c != 0; c++)
        hostile.seq = (hostile.seq * 31 + (unsigned char)*c) % 10007;
    hostile.seq *= 1000;
    hostile.zmq = zmq_ctx_new();
    connect_all(&hostile, argv[2]);
    (void)sleep(SETTLE_S);
    if (argc == 6)
        split(&hostile, (struct rank){1, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10)});
    else
        act(&hostile, argv[3], argc > 4 ? (unsigned int)strtoul(argv[4], NULL, 10) : 8);
    (void)sleep(SETTLE_S);
    disconnect(&hostile);
    genesis_destroy(&hostile.genesis);
    return 0;
}
