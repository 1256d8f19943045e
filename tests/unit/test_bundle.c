#include "common/bundle.h"

#include <sodium.h>

#include "common/hash.h"
#include "common/merkle/merkle.h"
#include "tests/support/unit.h"

/* A bundle of three events, signed; every test bends a copy of it. */
static struct fixture {
    uint8_t secret[64];
    uint8_t event_bytes[3][512];
    struct span events[3];
    struct bundle_draft draft;
    uint8_t bytes[2048];
    size_t size;
    struct hash id;
} fix;

static const uint8_t empty_map[] = {0x80};

static size_t encode_event(struct span payload, uint8_t *out, size_t capacity)
{
    struct wire_event event = {
        .type = span_of("LeaseIssued", 11),
        .canonicalizer = span_of("msgpack", 7),
        .canonicalizer_version = 1,
        .hlc_wall_ms = 1700000000000,
        .payload = payload,
    };
    return wire_encode(WIRE_event, &event, out, capacity);
}

static void sign_a_bundle(void)
{
    static const uint8_t seed[32] = {1};

    fix.draft = (struct bundle_draft){
        .chain = {{0xc4}},
        .space = span_of("kernel", 6),
        .nonce = 9,
        .expiry_height = 100,
        .events = fix.events,
        .n_events = 3,
    };
    ck_assert_int_eq(crypto_sign_seed_keypair(fix.draft.actor.b, fix.secret, seed), 0);
    for (uint8_t i = 0; i < 3; i++) {
        const uint8_t payload[] = {0x81, 0xa1, 'i', i};
        size_t size = encode_event(span_of(payload, 4), fix.event_bytes[i], 512);
        fix.events[i] = span_of(fix.event_bytes[i], size);
    }
    fix.size = bundle_sign(&fix.draft, fix.secret, fix.bytes, sizeof(fix.bytes), &fix.id);
    ck_assert_uint_gt(fix.size, 0);
}

static enum bundle_verdict parse(struct span bytes)
{
    struct bundle_view bundle;
    return bundle_parse(bytes, &fix.draft.chain, &bundle);
}

/* Signs what the draft says now, into memory that has room for anything. */
static enum bundle_verdict sign_and_parse(void)
{
    static uint8_t out[2 * BUNDLE_BYTES_MAX];
    size_t size = bundle_sign(&fix.draft, fix.secret, out, sizeof(out), NULL);
    ck_assert_uint_gt(size, 0);
    return parse(span_of(out, size));
}

START_TEST(a_signed_bundle_is_good)
{
    struct bundle_view bundle;
    struct span bytes = span_of(fix.bytes, fix.size);

    ck_assert_int_eq(bundle_parse(bytes, &fix.draft.chain, &bundle), BUNDLE_OK);
    ck_assert_int_eq(bundle_verify(&bundle, &fix.draft.chain), BUNDLE_OK);
    ck_assert(hash_eq(&bundle.id, &fix.id));
    ck_assert(span_eq(bundle.bytes, bytes));
    ck_assert(span_eq(bundle.body.space, fix.draft.space));
    ck_assert(key_eq(&bundle.body.actor, &fix.draft.actor));
    ck_assert_uint_eq(bundle.body.nonce, 9);

    size_t cursor = 0;
    struct span event;
    for (size_t i = 0; i < 3; i++) {
        ck_assert(blobs_next(&bundle.events, &cursor, &event));
        ck_assert(span_eq(event, fix.events[i]));
    }
    ck_assert(!blobs_next(&bundle.events, &cursor, &event));
}
END_TEST

START_TEST(a_reopened_bundle_is_the_parsed_one)
{
    struct bundle_view parsed;
    struct span bytes = span_of(fix.bytes, fix.size);
    ck_assert_int_eq(bundle_parse(bytes, &fix.draft.chain, &parsed), BUNDLE_OK);

    struct bundle_view again = bundle_reopen(bytes);
    ck_assert(hash_eq(&again.id, &parsed.id));
    ck_assert(span_eq(again.bytes, bytes));
    ck_assert(memcmp(&again.signature, &parsed.signature, sizeof(again.signature)) == 0);
    ck_assert_uint_eq(again.body.nonce, parsed.body.nonce);
    ck_assert_uint_eq(again.events.n, parsed.events.n);
    ck_assert(span_eq(again.events.raw, parsed.events.raw));
}
END_TEST

START_TEST(id_and_signature_are_what_the_header_says)
{
    struct wire_bundle record;
    uint8_t statement[14 + 32 + 32] = "apm2/bundle/1";

    ck_assert_int_eq(wire_decode_as(WIRE_bundle, span_of(fix.bytes, fix.size), &record), WIRE_OK);
    struct hash id = hash_bytes(record.body);
    ck_assert(hash_eq(&id, &fix.id));
    memcpy(statement + 14, fix.draft.chain.b, 32);
    memcpy(statement + 46, fix.id.b, 32);
    ck_assert_int_eq(crypto_sign_verify_detached(record.signature.b, statement, sizeof(statement),
                                                 fix.draft.actor.b),
                     0);
}
END_TEST

START_TEST(the_root_is_rfc_9162)
{
    struct hash leaf[3];
    for (size_t i = 0; i < 3; i++)
        leaf[i] = merkle_leaf(fix.events[i]);
    struct hash left = merkle_node(&leaf[0], &leaf[1]);
    struct hash want = merkle_node(&left, &leaf[2]);
    struct hash got = bundle_events_root(fix.events, 3);

    ck_assert(hash_eq(&got, &want));
}
END_TEST

/* Nothing in a bundle can be changed unseen. */
START_TEST(any_changed_byte_is_noticed)
{
    for (size_t at = 0; at < fix.size; at++) {
        struct bundle_view bundle;
        fix.bytes[at] ^= 0x01;
        struct span bytes = span_of(fix.bytes, fix.size);
        bool is_good = bundle_parse(bytes, &fix.draft.chain, &bundle) == BUNDLE_OK &&
                       bundle_verify(&bundle, &fix.draft.chain) == BUNDLE_OK;
        ck_assert_msg(!is_good, "byte %zu", at);
        fix.bytes[at] ^= 0x01;
    }
}
END_TEST

START_TEST(a_bundle_cut_anywhere_is_malformed)
{
    for (size_t cut = 0; cut < fix.size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy + 1, fix.bytes, cut);
        ck_assert_int_eq(parse(span_of(copy + 1, cut)), BUNDLE_MALFORMED);
        free(copy);
    }
}
END_TEST

START_TEST(another_chain_is_refused_twice)
{
    struct hash other = {{0x07}};
    struct bundle_view bundle;
    struct span bytes = span_of(fix.bytes, fix.size);

    ck_assert_int_eq(bundle_parse(bytes, &other, &bundle), BUNDLE_WRONG_CHAIN);
    ck_assert_int_eq(bundle_parse(bytes, &fix.draft.chain, &bundle), BUNDLE_OK);
    ck_assert_int_eq(bundle_verify(&bundle, &other), BUNDLE_BAD_SIGNATURE);
}
END_TEST

START_TEST(another_key_is_refused)
{
    struct bundle_view bundle;

    ck_assert_int_eq(bundle_parse(span_of(fix.bytes, fix.size), &fix.draft.chain, &bundle),
                     BUNDLE_OK);
    bundle.body.actor.b[0] ^= 1;
    ck_assert_int_eq(bundle_verify(&bundle, &fix.draft.chain), BUNDLE_BAD_SIGNATURE);
}
END_TEST

START_TEST(no_events_is_empty)
{
    fix.draft.n_events = 0;
    ck_assert_int_eq(sign_and_parse(), BUNDLE_EMPTY);
}
END_TEST

/* Rewrites the signed record's outer layer with these events. */
static enum bundle_verdict parse_with(const struct span *events, uint32_t n_events)
{
    static uint8_t out[2 * BUNDLE_BYTES_MAX];
    struct wire_bundle record;
    struct span bytes = span_of(fix.bytes, fix.size);

    ck_assert_int_eq(wire_decode_as(WIRE_bundle, bytes, &record), WIRE_OK);
    record.events = (struct blobs){.n = n_events, .items = events};
    size_t size = wire_encode(WIRE_bundle, &record, out, sizeof(out));
    ck_assert_uint_gt(size, 0);
    return parse(span_of(out, size));
}

START_TEST(other_events_than_signed_are_refused)
{
    const struct span swapped[] = {fix.events[1], fix.events[0], fix.events[2]};

    ck_assert_int_eq(parse_with(fix.events, 3), BUNDLE_OK);
    ck_assert_int_eq(parse_with(swapped, 3), BUNDLE_BAD_ROOT);
    ck_assert_int_eq(parse_with(fix.events, 2), BUNDLE_MALFORMED);
}
END_TEST

/* Payloads that are not one map, walkable and nothing else. */
static const struct payload_row {
    const char *label;
    const char *hex;
    enum bundle_verdict want;
} payload_rows[] = {
    {"an empty map", "80", BUNDLE_OK},
    {"nothing", "", BUNDLE_BAD_EVENT},
    {"an array", "90", BUNDLE_BAD_EVENT},
    {"a map and a byte", "8000", BUNDLE_BAD_EVENT},
    {"a map cut short", "81a161", BUNDLE_BAD_EVENT},
    {"an integer too long", "81a161cc05", BUNDLE_BAD_EVENT},
    {"a map of 4 G", "dfffffffff", BUNDLE_BAD_EVENT},
};

START_TEST(payloads)
{
    const struct payload_row *row = &payload_rows[_i];
    uint8_t payload[16];
    size_t size = strlen(row->hex) / 2;

    ck_assert(hex_decode(row->hex, size, payload));
    size = encode_event(span_of(payload, size), fix.event_bytes[1], 512);
    fix.events[1].size = size;
    enum bundle_verdict got = sign_and_parse();
    ck_assert_msg(got == row->want, "%s: %s", row->label, bundle_verdict_text(got));
}
END_TEST

static enum bundle_verdict parse_nested(size_t depth)
{
    uint8_t payload[128] = {0x81, 0xa1, 'd'};

    memset(payload + 3, 0x91, depth - 2);
    payload[depth + 1] = 0x90;
    size_t size = encode_event(span_of(payload, depth + 2), fix.event_bytes[0], 512);
    fix.events[0].size = size;
    return sign_and_parse();
}

START_TEST(depth_is_bounded)
{
    ck_assert_int_eq(parse_nested(EVENT_DEPTH_MAX), BUNDLE_OK);
    ck_assert_int_eq(parse_nested(EVENT_DEPTH_MAX + 1), BUNDLE_BAD_EVENT);
}
END_TEST

START_TEST(an_event_that_is_no_event)
{
    fix.events[2] = span_of(empty_map, 1);
    ck_assert_int_eq(sign_and_parse(), BUNDLE_BAD_EVENT);
}
END_TEST

START_TEST(sizes_are_bounded)
{
    static uint8_t big[BUNDLE_BYTES_MAX + 1];
    static struct span many[BUNDLE_EVENTS_MAX + 1];
    uint8_t out[64];

    ck_assert_int_eq(parse(span_of(big, sizeof(big))), BUNDLE_TOO_LARGE);
    fix.events[0] = span_of(big, EVENT_BYTES_MAX + 1);
    ck_assert_int_eq(sign_and_parse(), BUNDLE_TOO_LARGE);

    for (size_t i = 0; i < N_ELEMENTS(many); i++)
        many[i] = fix.events[1];
    fix.draft.events = many;
    fix.draft.n_events = BUNDLE_EVENTS_MAX;
    ck_assert_int_eq(sign_and_parse(), BUNDLE_OK);
    fix.draft.n_events++;
    ck_assert_uint_eq(bundle_sign(&fix.draft, fix.secret, big, sizeof(big), NULL), 0);
    fix.draft.n_events = 1;
    ck_assert_uint_eq(bundle_sign(&fix.draft, fix.secret, out, sizeof(out), NULL), 0);
    fix.draft.space = span_of(big, ID_BYTES_MAX + 1);
    ck_assert_uint_eq(bundle_sign(&fix.draft, fix.secret, big, sizeof(big), NULL), 0);
}
END_TEST

/* Over the limit on the wire, which the encoder would not write: 1001 as array 16. */
START_TEST(too_many_events_on_the_wire)
{
    static uint8_t out[4096];
    static const uint8_t head[] = {0xdc, 0x03, 0xe9};
    struct wire_bundle record = {.signature = {{0}}};

    size_t size = wire_encode(WIRE_bundle, &record, out, sizeof(out));
    ck_assert_uint_gt(size, 0);
    memcpy(out + size - 1, head, sizeof(head));
    ck_assert_int_eq(parse(span_of(out, sizeof(out))), BUNDLE_TOO_LARGE);
}
END_TEST

UNIT_MAIN("bundle", sign_a_bundle, NULL, {
    tcase_add_test(tc, a_signed_bundle_is_good);
    tcase_add_test(tc, a_reopened_bundle_is_the_parsed_one);
    tcase_add_test(tc, id_and_signature_are_what_the_header_says);
    tcase_add_test(tc, the_root_is_rfc_9162);
    tcase_add_test(tc, any_changed_byte_is_noticed);
    tcase_add_test(tc, a_bundle_cut_anywhere_is_malformed);
    tcase_add_test(tc, another_chain_is_refused_twice);
    tcase_add_test(tc, another_key_is_refused);
    tcase_add_test(tc, no_events_is_empty);
    tcase_add_test(tc, other_events_than_signed_are_refused);
    tcase_add_loop_test(tc, payloads, 0, N_ELEMENTS(payload_rows));
    tcase_add_test(tc, depth_is_bounded);
    tcase_add_test(tc, an_event_that_is_no_event);
    tcase_add_test(tc, sizes_are_bounded);
    tcase_add_test(tc, too_many_events_on_the_wire);
})
