/*
 * Writes the corpora: one file per sample, into DIRECTORY/<target>/.
 *
 * Equal runs write equal files; what fuzzing found lies beside them under other names.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/event.h"
#include "common/genesis.h"
#include "common/hash.h"
#include "common/pkcs8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sample.h"
#include "tests/support/safety_sample.h"
#include "tests/support/wire_sample.h"

struct out {
    const char *directory;
    const char *target;
};

static void put(const struct out *out, const char *name, struct span bytes)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", out->directory, out->target);
    (void)mkdir(path, 0755);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", out->directory, out->target, name);
    FILE *file = fopen(path, "wb");
    MUST(file != NULL && bytes.size > 0);
    MUST(fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
}

static void put_text(const struct out *out, const char *name, const char *text)
{
    put(out, name, span_of(text, strlen(text)));
}

static void put_message(const struct out *out, enum wire_id id, const void *msg)
{
    uint8_t bytes[FUZZ_BYTES_MAX];
    put(out, wire_name(id), span_of(bytes, wire_encode(id, msg, bytes, sizeof(bytes))));
}

/* ---- events and bundles ---- */

static struct span text_of(const char *text)
{
    return span_of(text, strlen(text));
}

static const struct payload_row {
    const char *name;
    enum event_type type;
} payload_rows[] = {
    {"granted", EVENT_CapabilityGranted}, {"delegated", EVENT_CapabilityDelegated},
    {"revoked", EVENT_CapabilityRevoked}, {"issued", EVENT_LeaseIssued},
    {"renewed", EVENT_LeaseRenewed},      {"released", EVENT_LeaseReleased},
    {"expired", EVENT_LeaseExpired},      {"conflict", EVENT_LeaseConflict},
};

/* A value in bounds for every field of the type. */
static void fill_payload(const struct event_info *info, union event_payload *payload)
{
    for (uint32_t i = 0; i < info->n_fields; i++) {
        const struct event_field *field = &info->fields[i];
        uint8_t *at = (uint8_t *)payload + field->offset;
        if (field->kind == EVENT_KIND_str)
            *(struct span *)at = text_of("lease/issue");
        else if (field->kind == EVENT_KIND_u64)
            *(uint64_t *)at = field->min + 1 <= field->max ? field->min + 1 : field->max;
        else if (field->kind == EVENT_KIND_list)
            *(struct event_list *)at = (struct event_list){1, {text_of("lease/issue")}};
        else
            at[0] = 7;
    }
}

static struct span make_event(enum event_type type, uint8_t *out)
{
    const struct event_head head = {.type = type, .hlc_wall_ms = 1000};
    union event_payload payload = {0};
    fill_payload(event_info(type), &payload);
    size_t size = event_encode(&head, &payload, out, EVENT_ENCODED_MAX);
    MUST(size > 0);
    return span_of(out, size);
}

static void payload_seeds(const char *directory)
{
    const struct out out = {directory, "payload"};
    uint8_t bytes[EVENT_ENCODED_MAX + 1];
    uint8_t encoded[EVENT_ENCODED_MAX];

    for (size_t i = 0; i < N_ELEMENTS(payload_rows); i++) {
        struct wire_event event;
        struct span whole = make_event(payload_rows[i].type, encoded);
        MUST(wire_decode_as(WIRE_event, whole, &event) == WIRE_OK);
        bytes[0] = (uint8_t)payload_rows[i].type;
        memcpy(bytes + 1, event.payload.data, event.payload.size);
        put(&out, payload_rows[i].name, span_of(bytes, event.payload.size + 1));
    }
}

static struct span make_bundle(uint32_t n_events, uint8_t out[SAMPLE_BUNDLE_BYTES])
{
    static const uint8_t seed[32] = {1};
    uint8_t secret[64];
    uint8_t events[2][EVENT_ENCODED_MAX];
    struct bundle_draft draft = {.chain = sample_chain(), .space = text_of("kernel")};
    const struct span spans[] = {make_event(EVENT_LeaseIssued, events[0]),
                                 make_event(EVENT_LeaseReleased, events[1])};

    MUST(crypto_sign_seed_keypair(draft.actor.b, secret, seed) == 0);
    draft.expiry_height = 100;
    draft.events = spans;
    draft.n_events = n_events;
    size_t size = bundle_sign(&draft, secret, out, SAMPLE_BUNDLE_BYTES, NULL);
    MUST(size > 0);
    return span_of(out, size);
}

static void bundle_seeds(const char *directory)
{
    uint8_t one[SAMPLE_BUNDLE_BYTES];
    uint8_t two[SAMPLE_BUNDLE_BYTES];

    put(&(struct out){directory, "bundle"}, "one", make_bundle(1, one));
    put(&(struct out){directory, "bundle"}, "two", make_bundle(2, two));
}

static void outcomes_seeds(const char *directory)
{
    static const struct {
        const char *name;
        uint32_t n_events;
        const char *codes;
    } rows[] = {{"applied", 1, "\0"}, {"rejected", 2, "\0\7"}};
    uint8_t event[EVENT_ENCODED_MAX];
    uint8_t bundle[SAMPLE_BUNDLE_BYTES];
    uint8_t bytes[2 + SAMPLE_BUNDLE_BYTES + 2 * EVENT_ENCODED_MAX];

    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct span bundle_record = make_bundle(rows[i].n_events, bundle);
        bytes[0] = (uint8_t)(bundle_record.size >> 8);
        bytes[1] = (uint8_t)bundle_record.size;
        memcpy(bytes + 2, bundle_record.data, bundle_record.size);
        struct writer writer =
            writer_of(bytes + 2 + bundle_record.size, sizeof(bytes) - 2 - bundle_record.size);
        writer_array(&writer, 3);
        writer_u64(&writer, 1);
        writer_bin(&writer, span_of(rows[i].codes, rows[i].n_events));
        writer_array(&writer, 1);
        writer_array(&writer, 3);
        writer_u64(&writer, rows[i].n_events);
        writer_str(&writer, text_of("kernel"));
        writer_bin(&writer, make_event(EVENT_LeaseExpired, event));
        MUST(!writer.overflow);
        put(&(struct out){directory, "outcomes"}, rows[i].name,
            span_of(bytes, 2 + bundle_record.size + writer.size));
    }
}

/* ---- messages and certificates ---- */

static void frame_seeds(const char *directory)
{
    const struct out out = {directory, "frame"};
    for (size_t i = 0; i < N_ELEMENTS(samples); i++) {
        struct wire_message message = {.id = samples[i].id};
        samples[i].fill(&message.proposal);
        MUST(samples[i].same(&message.proposal, &message.proposal));
        put_message(&out, samples[i].id, &message.proposal);
    }
}

#define PUT_CERT(out, name, kind, cert)                                                            \
    put(out, name, span_of(bytes, kind##_encode((cert), bytes, sizeof(bytes))))

static void certificate_seeds(const char *directory)
{
    const struct out out = {directory, "certificate"};
    const struct entry root = {.kind = ENTRY_ROOT};
    uint8_t bytes[ENTRY_BYTES_MAX];

    PUT_CERT(&out, "qc", qc, &good.qc);
    PUT_CERT(&out, "cc", cc, &good.cc);
    PUT_CERT(&out, "tc", tc, &good.tc);
    PUT_CERT(&out, "entry_tc", entry, &good.entry_tc);
    PUT_CERT(&out, "entry_handoff", entry, &good.handoff);
    PUT_CERT(&out, "entry_root", entry, &root);
    PUT_CERT(&out, "by_cc", commit_proof, &good.by_cc);
    PUT_CERT(&out, "by_child", commit_proof, &good.by_child);
    put_message(&out, WIRE_vote, &good.vote);
    put_message(&out, WIRE_commit_vote, &good.commit_vote);
    put_message(&out, WIRE_checkpoint, &good.checkpoint);
}

/* Those that hold more than their sample shows. */
static void message_seeds(const char *directory)
{
    const struct out out = {directory, "message"};
    uint8_t header[HEADER_BYTES_MAX], qc[QC_BYTES_MAX], entry[ENTRY_BYTES_MAX];
    uint8_t bundle[SAMPLE_BUNDLE_BYTES], inner[FUZZ_BYTES_MAX], block[FUZZ_BYTES_MAX];
    struct wire_proposal proposal = {
        .header = span_of(header, header_encode(&good.handoff.handoff_header, header)),
        .justify = span_of(qc, qc_encode(&good.qc, qc, sizeof(qc))),
        .entry = span_of(entry, entry_encode(&good.handoff, entry, sizeof(entry))),
        .bundles = span_of(good.qc.block.b, 32)};
    struct wire_timeout timeout = good.timeout;
    timeout.high_qc = proposal.justify;
    const struct wire_certificate certificate = {CERTIFICATE_ENTRY, proposal.entry};
    const struct span bundles[] = {make_bundle(1, bundle)};
    const struct wire_bundles list = {{1, bundles, {NULL, 0}}};
    const struct wire_sync_block sync = {
        span_of(inner, wire_encode(WIRE_proposal, &proposal, inner, sizeof(inner))), list.bundles};
    const struct span blocks[] = {
        span_of(block, wire_encode(WIRE_sync_block, &sync, block, sizeof(block)))};
    const struct wire_range range = {.from_height = 1, .blocks = {1, blocks, {NULL, 0}}};

    put_message(&out, WIRE_proposal, &proposal);
    put_message(&out, WIRE_timeout, &timeout);
    put_message(&out, WIRE_certificate, &certificate);
    put_message(&out, WIRE_bundles, &list);
    put_message(&out, WIRE_range, &range);
}

static void client_seeds(const char *directory)
{
    const struct out out = {directory, "client"};
    uint8_t bundle[SAMPLE_BUNDLE_BYTES];
    const struct wire_submit submit = {1, make_bundle(2, bundle)};
    const struct wire_query query = {2, text_of("status"), text_of("{}")};
    const struct wire_answer answer = {2, text_of("OK"), text_of("{\"height\":7}")};
    put_message(&out, WIRE_submit, &submit);
    put_message(&out, WIRE_query, &query);
    put_message(&out, WIRE_answer, &answer);
}

/* ---- what a node keeps ---- */

static void safety_seeds(const char *directory)
{
    uint8_t bytes[RECORD_BYTES_MAX];
    size_t size = safety_encode(&record, bytes, sizeof(bytes));
    put(&(struct out){directory, "safety"}, "plain", span_of(bytes, size));
    record.entry = good.handoff;
    size = safety_encode(&record, bytes, sizeof(bytes));
    put(&(struct out){directory, "safety"}, "handoff", span_of(bytes, size));
}

static void intent_seeds(const char *directory)
{
    const struct {
        const char *name;
        struct intent intent;
    } rows[] = {
        {"proposal", block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 4}, 'B')},
        {"vote", block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'B')},
        {"commit_vote", block_intent(INTENT_COMMIT_VOTE, (struct rank){2, 5, 2}, 'A')},
        {"timeout", {.kind = INTENT_TIMEOUT, .timeout = good.timeout}},
        {"checkpoint", {.kind = INTENT_CHECKPOINT, .checkpoint = good.checkpoint}},
    };
    uint8_t bytes[INTENT_BYTES_MAX];
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        put(&(struct out){directory, "intent"}, rows[i].name,
            span_of(bytes, intent_encode(&rows[i].intent, bytes)));
}

static void slot_file_seeds(const char *directory)
{
    /* Magic, counter, length 3, no checksum, record. */
    static const uint8_t slot[59] = {'a', 'p', 'm',      '2',        's',        'l',
                                     'o', 't', [23] = 3, [56] = 'a', [57] = 'b', [58] = 'c'};
    uint8_t bytes[3 + 2 * sizeof(slot)] = {3, 0, sizeof(slot)};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *at = bytes + 3 + sizeof(slot) * i;
        memcpy(at, slot, sizeof(slot));
        at[15] = (uint8_t)(i + 1);
    }
    put(&(struct out){directory, "slot_file"}, "both", span_of(bytes, sizeof(bytes)));
    bytes[0] = 1;
    put(&(struct out){directory, "slot_file"}, "torn", span_of(bytes, sizeof(bytes)));
    bytes[0] = 7;
    put(&(struct out){directory, "slot_file"}, "cut_off", span_of(bytes, sizeof(bytes)));
}

static void key_file_seeds(const char *directory)
{
    static const uint8_t secret[32] = {1, 2, 3};
    char text[PKCS8_PEM_BYTES_MAX];
    size_t size = pkcs8_encode(PKCS8_ED25519, secret, text);
    put(&(struct out){directory, "key_file"}, "ed25519", span_of(text, size));
    size = pkcs8_encode(PKCS8_X25519, secret, text);
    put(&(struct out){directory, "key_file"}, "x25519", span_of(text, size));
}

/* ---- what people write ---- */

static void text_seeds(const char *directory)
{
    const struct out events = {directory, "event_json"};
    const struct out settings = {directory, "settings"};

    put_text(&events, "issued",
             "{\"type\":\"LeaseIssued\",\"namespace\":\"kernel\",\"payload\":"
             "{\"resource\":\"db/primary\",\"holder\":\"svc-a\",\"ttl_ms\":60000}}");
    put_text(&events, "granted",
             "{\"type\":\"CapabilityGranted\",\"payload\":{\"capability_id\":\"c1\",\"subject\":"
             "\"0707070707070707070707070707070707070707070707070707070707070707\","
             "\"rights\":[\"lease/issue\"],\"expires_at_ms\":1800000000000}}");
    put_text(&events, "revoked",
             "{\"type\":\"CapabilityRevoked\",\"payload\":{\"capability_id\":\"c1\"}}");
    put_text(&settings, "nested", "round:\n  timeout: 1s\nport: 9090\nlog_level: info\n");
    put_text(&settings, "flat", "round_timeout: 1500ms # longer\n\"stall-timeout\": '2s'\n");
    put_text(&settings, "list", "a: [1, 2]\nb: &x {c: *x}\n");
}

static struct sign_pair pair_of(uint8_t n)
{
    const uint8_t seed[32] = {n};
    struct sign_pair pair;
    MUST(crypto_sign_seed_keypair(pair.public_key.b, pair.secret, seed) == 0);
    return pair;
}

static void fill_card(uint8_t i, struct card *card)
{
    struct sign_pair pair = pair_of((uint8_t)(100 + i));
    *card = (struct card){.key = pair.public_key, .client_port = CARD_CLIENT_PORT};
    card->instance.b[0] = card->feed.b[0] = (uint8_t)(i + 1);
    (void)snprintf(card->id, sizeof(card->id), "n%u", i);
    (void)snprintf(card->address, sizeof(card->address), "127.0.11.%u", i + 1u);
    for (unsigned s = 0; s < CARD_SERVICES_N; s++) {
        card->services[s].port = card_service_port((enum card_service)s);
        card->services[s].curve.b[0] = (uint8_t)(i * CARD_SERVICES_N + s + 1);
    }
    card_sign(card, &pair);
}

static void put_json(const struct out *out, const char *name, json_t *json)
{
    MUST(json != NULL);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    MUST(text != NULL);
    put_text(out, name, text);
    free(text);
}

static void genesis_seeds(const char *directory)
{
    const struct sign_pair t0 = pair_of(200);
    struct genesis *plan = genesis_new();
    struct why why;
    json_t *json = NULL;

    (void)snprintf(plan->name, sizeof(plan->name), "fuzz");
    plan->created_ms = 1700000000000;
    plan->t0[0] = t0.public_key;
    plan->n_t0 = plan->t0_threshold = 1;
    plan->n_validators = GENESIS_VALIDATORS_MIN;
    for (uint8_t i = 0; i < GENESIS_VALIDATORS_MIN; i++)
        fill_card(i, &plan->cards[i]);
    put_json(&(struct out){directory, "card"}, "card", card_to_json(&plan->cards[0]));
    plan->actors[0] = (struct genesis_actor){.capability = "root/kernel",
                                             .space = "kernel",
                                             .key = t0.public_key,
                                             .rights = {{"lease", "*"}},
                                             .n_rights = 1};
    plan->n_actors = plan->n_schemas = 1;
    (void)snprintf(plan->schemas[0].type, sizeof(plan->schemas[0].type), "LeaseIssued");
    MUST(genesis_create(plan, &json, &why) == APM_OK);
    MUST(genesis_sign(json, &t0, &why) == APM_OK);
    put_json(&(struct out){directory, "genesis"}, "four", json);
    genesis_destroy(&plan);
}

int main(int argc, char **argv)
{
    MUST(argc == 2 && sodium_init() >= 0);
    safety_fixture();
    frame_seeds(argv[1]);
    message_seeds(argv[1]);
    certificate_seeds(argv[1]);
    client_seeds(argv[1]);
    bundle_seeds(argv[1]);
    payload_seeds(argv[1]);
    outcomes_seeds(argv[1]);
    safety_seeds(argv[1]);
    intent_seeds(argv[1]);
    slot_file_seeds(argv[1]);
    key_file_seeds(argv[1]);
    text_seeds(argv[1]);
    genesis_seeds(argv[1]);
    evidence_seeds(argv[1]);
    epoch_seeds(argv[1]);
}
