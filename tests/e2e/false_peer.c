/*
 * false_peer: stands in for a node's apm2-anti-entropy, with the node's own keys, and lies.
 *
 *   false_peer GENESIS KEY_FILE forge|withhold|drip
 *
 * forge: ranges of blocks under a certificate nobody signed, and heads of feeds that their
 * author did not sign. withhold: a head of its own feed, well signed, and no answer to any
 * request for its records or for blocks. drip: of each range one block, true, a second late.
 * Ends with SIGTERM, or when nobody has spoken to it for two minutes.
 */
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/bus.h"
#include "common/clock.h"
#include "common/feed/feed.h"
#include "common/genesis.h"
#include "common/keygen.h"
#include "common/mem.h"

#define SILENCE_MS 120000u
#define DRIPS_MAX 16u
#define DRIP_MS 1000u

enum lie { LIE_FORGE, LIE_WITHHOLD, LIE_DRIP };
static const char *const lies[] = {"forge", "withhold", "drip"};

/* A block on its way from an honest peer to who asked for many. */
struct drip {
    uint64_t due_ms; /* 0: a free place */
    uint32_t to;
    uint64_t request; /* theirs; ours is the place's number */
    uint8_t frame[16u * KIB];
    size_t size; /* 0: it has not come */
};

struct liar {
    struct genesis *genesis;
    uint32_t self;
    enum lie lie;
    struct drip drips[DRIPS_MAX];
    struct bus *bus;
    struct sign_pair feed_key;
    uint8_t frame[64u * KIB];
};

static void say(struct liar *liar, uint32_t to, enum wire_id id, const void *message)
{
    size_t size = wire_encode(id, message, liar->frame, sizeof(liar->frame));

    (void)bus_send(liar->bus, to, span_of(liar->frame, size));
}

/* A block like the one asked for, and a quorum's signatures of zeroes. */
static void forge_range(struct liar *liar, uint32_t to, const struct wire_range_request *request)
{
    const uint8_t zeroes[3 * 64] = {0};
    const struct wire_header header = {.chain = liar->genesis->chain,
                                       .rank = {1, 1, request->from_height},
                                       .height = request->from_height};
    uint8_t bytes[HEADER_BYTES_MAX], proposal[2048], block[4096], cc[1024], proof[2048];
    struct wire_proposal message = {.header = span_of(bytes, header_encode(&header, bytes))};
    const struct wire_sync_block sync = {
        .proposal =
            span_of(proposal, wire_encode(WIRE_proposal, &message, proposal, sizeof(proposal)))};
    const struct wire_cc_record certificate = {.rank = header.rank,
                                               .block = header_id(&header),
                                               .signers = 7,
                                               .sigs = span_of(zeroes, sizeof(zeroes))};
    const struct wire_commit_proof why = {
        .kind = 1, .body = span_of(cc, wire_encode(WIRE_cc_record, &certificate, cc, sizeof(cc)))};
    const struct span one =
        span_of(block, wire_encode(WIRE_sync_block, &sync, block, sizeof(block)));
    const struct wire_range range = {
        .request = request->request,
        .from_height = request->from_height,
        .blocks = {.n = 1, .items = &one},
        .proof = span_of(proof, wire_encode(WIRE_commit_proof, &why, proof, sizeof(proof))),
        .tip_height = request->from_height,
    };

    say(liar, to, WIRE_range, &range);
}

/* One block of what is wanted, asked of somebody who has it. */
static void begin_drip(struct liar *liar, uint32_t to, const struct wire_range_request *request)
{
    uint32_t n = liar->genesis->n_validators;
    uint32_t other = (liar->self + 1) % n == to ? (liar->self + 2) % n : (liar->self + 1) % n;

    for (uint32_t i = 0; i < DRIPS_MAX; i++) {
        struct drip *drip = &liar->drips[i];
        if (drip->due_ms != 0)
            continue;
        const struct wire_range_request ask = {
            .request = i + 1, .from_height = request->from_height, .max_blocks = 1};
        drip->due_ms = clock_mono_ms() + DRIP_MS;
        drip->to = to;
        drip->request = request->request;
        drip->size = 0;
        say(liar, other, WIRE_range_request, &ask);
        return;
    }
}

static void keep_drip(struct liar *liar, const struct wire_range *range)
{
    struct drip *drip = &liar->drips[(range->request - 1) % DRIPS_MAX];
    struct wire_range answer = *range;

    answer.request = drip->request;
    drip->size = wire_encode(WIRE_range, &answer, drip->frame, sizeof(drip->frame));
}

static void send_drips(struct liar *liar)
{
    for (uint32_t i = 0; i < DRIPS_MAX; i++) {
        struct drip *drip = &liar->drips[i];
        if (drip->due_ms == 0 || clock_mono_ms() < drip->due_ms)
            continue;
        if (drip->size > 0)
            (void)bus_send(liar->bus, drip->to, span_of(drip->frame, drip->size));
        drip->due_ms = 0;
    }
}

/* Forging: another's feed, unsigned. Withholding: its own, well signed, of records that it
 * does not have. */
static void lie_about_feeds(struct liar *liar, uint32_t to, const struct wire_digest *digest)
{
    uint32_t other = (liar->self + 1) % liar->genesis->n_validators;
    const char *author = liar->genesis->cards[liar->lie == LIE_WITHHOLD ? liar->self : other].id;
    const struct wire_feed_head head = {.space = span_of("kernel", 6),
                                        .author = span_of(author, strlen(author)),
                                        .incarnation = 1,
                                        .size = 1000,
                                        .hlc_max = 1,
                                        .key_epoch = 1};
    uint8_t bytes[FEED_HEAD_BYTES_MAX], statement[FEED_STATEMENT_BYTES];
    const struct span one = span_of(bytes, feed_head_encode(&head, bytes));
    const struct wire_frontier frontier = {.request = digest->request,
                                           .heads = {.n = 1, .items = &one}};
    struct sig sig;

    size_t size = feed_head_statement(&liar->genesis->chain, one, statement);
    if (liar->lie == LIE_WITHHOLD &&
        crypto_sign_detached(sig.b, NULL, statement, size, liar->feed_key.secret) == 0)
        feed_head_seal(bytes, one.size, &sig);
    say(liar, to, WIRE_frontier, &frontier);
}

static void answer(struct liar *liar, const struct bus_message *frame)
{
    struct wire_message message;

    if (wire_decode(frame->body, &message) != WIRE_OK)
        return;
    if (message.id == WIRE_range_request && liar->lie == LIE_FORGE)
        forge_range(liar, frame->from, &message.range_request);
    else if (message.id == WIRE_range_request && liar->lie == LIE_DRIP)
        begin_drip(liar, frame->from, &message.range_request);
    else if (message.id == WIRE_range)
        keep_drip(liar, &message.range);
    else if (message.id == WIRE_digest && liar->lie != LIE_DRIP)
        lie_about_feeds(liar, frame->from, &message.digest);
}

static enum apm_err open_bus(struct liar *liar, const char *key_file, struct why *why)
{
    struct bus_peer *peers = mem_new(VALIDATORS_MAX, sizeof(*peers));
    struct bus_config config = {
        .context = zmq_ctx_new(), .service = "anti-entropy", .peers = peers};
    char path[1100];
    bool is_named = keygen_sibling(key_file, "anti-entropy.pem", path, sizeof(path));
    enum apm_err err = is_named ? keyfile_read_curve(path, &config.curve, why) : APM_ERR_BAD_INPUT;

    is_named = keygen_sibling(key_file, "feed.pem", path, sizeof(path));
    if (err == APM_OK)
        err = is_named ? keyfile_read_sign(path, &liar->feed_key, why) : APM_ERR_BAD_INPUT;
    for (uint32_t i = 0; err == APM_OK && i < liar->genesis->n_validators; i++) {
        const struct card *card = &liar->genesis->cards[i];
        const struct card_endpoint *end = &card->services[CARD_ANTI_ENTROPY];
        if (curve_key_eq(&end->curve, &config.curve.public_key)) {
            liar->self = i;
            config.address = card->address;
            config.port = end->port;
            continue;
        }
        struct bus_peer *peer = &peers[config.n_peers++];
        *peer = (struct bus_peer){.index = i, .port = end->port, .curve = end->curve};
        memcpy(peer->address, card->address, sizeof(card->address));
    }
    if (err == APM_OK)
        err = zap_new(config.context, &config.zap);
    if (err == APM_OK)
        err = bus_new(&config, &liar->bus, why);
    free(peers);
    return err;
}

static void serve(struct liar *liar)
{
    zmq_pollitem_t item = {bus_socket(liar->bus), 0, ZMQ_POLLIN, 0};
    uint64_t heard_ms = clock_mono_ms();

    while (clock_mono_ms() < heard_ms + SILENCE_MS) {
        struct bus_message frame;
        send_drips(liar);
        if (zmq_poll(&item, 1, DRIP_MS / 10) <= 0 || bus_receive(liar->bus, &frame) != BUS_MESSAGE)
            continue;
        heard_ms = clock_mono_ms();
        answer(liar, &frame);
        bus_message_release(&frame);
    }
}

int main(int argc, char **argv)
{
    struct liar *liar = mem_new(1, sizeof(*liar));
    struct why why = {""};

    if (argc != 4 || sodium_init() < 0)
        return 64;
    while (liar->lie < N_ELEMENTS(lies) && strcmp(argv[3], lies[liar->lie]) != 0)
        liar->lie++;
    if (liar->lie == N_ELEMENTS(lies))
        return 64;
    enum apm_err err = genesis_read(argv[1], &liar->genesis, &why);
    if (err == APM_OK)
        err = open_bus(liar, argv[2], &why);
    if (err != APM_OK) {
        (void)fprintf(stderr, "false_peer: %s %s\n", apm_err_text(err), why.text);
        return 1;
    }
    serve(liar);
    return 0;
}
