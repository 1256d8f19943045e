#include "tests/fuzz/form.h"

#define PRINT_BYTES 2048u
#define SCRATCH_BYTES (16u * KIB)
#define DEPTH_MAX 4u

static void check_print(const struct wire_message *message, size_t capacity)
{
    char text[PRINT_BYTES];
    size_t length = wire_print(message, text, capacity);
    MUST(length < capacity && text[length] == 0 && strlen(text) == length);
}

bool form_check(struct span input, struct wire_message *ret_message)
{
    if (wire_decode(input, ret_message) != WIRE_OK)
        return false;
    uint8_t bytes[FUZZ_BYTES_MAX];
    enum wire_id id = ret_message->id;
    const void *body = &ret_message->proposal; /* the union's members share its address */

    size_t size = wire_encode(id, body, bytes, input.size);
    MUST(size == input.size && memcmp(bytes, input.data, size) == 0);
    MUST(wire_encoded_max(id, body) >= size);
    MUST(wire_encode(id, body, bytes, size - 1) == 0);
    check_print(ret_message, PRINT_BYTES);
    check_print(ret_message, 16);
    return true;
}

/* ---- the mutator ---- */

struct change {
    struct fuzz_mutation *mutation;
    uint32_t field; /* how many fields to pass by */
    uint32_t depth;
    uint8_t scratch[SCRATCH_BYTES]; /* for the changed field's bytes */
    struct span item;               /* a changed list of blobs */
};

static uint64_t draw(struct fuzz_mutation *mutation, uint64_t n)
{
    mutation->random = mutation->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (mutation->random >> 33) % n;
}

static size_t mutate_at(struct fuzz_mutation *mutation, uint32_t depth, struct span input,
                        uint8_t *out, size_t capacity);

/* As a record if it is one, else as bytes. */
static struct span change_span(struct change *change, struct span bytes, size_t limit)
{
    size_t capacity = limit < SCRATCH_BYTES ? limit : SCRATCH_BYTES;
    size_t size = 0;

    if (bytes.size > capacity)
        return bytes;
    if (change->depth < DEPTH_MAX && draw(change->mutation, 4) > 0)
        size = mutate_at(change->mutation, change->depth + 1, bytes, change->scratch, capacity);
    if (size == 0 && capacity > 0) {
        if (bytes.size > 0)
            memcpy(change->scratch, bytes.data, bytes.size);
        size = change->mutation->mutate(change->scratch, bytes.size, capacity);
    }
    return span_of(change->scratch, size);
}

static void change_u64(struct change *change, uint64_t *value, size_t limit)
{
    static const uint64_t edges[] = {0,   1,     127,   128,        255,
                                     256, 65535, 65536, UINT32_MAX, UINT64_MAX};
    (void)limit;
    if (draw(change->mutation, 2) == 0)
        *value = edges[draw(change->mutation, N_ELEMENTS(edges))];
    else
        *value += draw(change->mutation, 5) - 2;
}

static void change_rank(struct change *change, struct rank *rank, size_t limit)
{
    uint64_t *const parts[] = {&rank->epoch, &rank->term, &rank->seq};
    change_u64(change, parts[draw(change->mutation, 3)], limit);
}

static void change_raw(struct change *change, uint8_t *bytes, size_t size)
{
    bytes[draw(change->mutation, size)] ^= (uint8_t)(1u << draw(change->mutation, 8));
}

static void change_hash(struct change *change, struct hash *hash, size_t limit)
{
    (void)limit;
    change_raw(change, hash->b, sizeof(hash->b));
}

static void change_key(struct change *change, struct key *key, size_t limit)
{
    (void)limit;
    change_raw(change, key->b, sizeof(key->b));
}

static void change_sig(struct change *change, struct sig *sig, size_t limit)
{
    (void)limit;
    change_raw(change, sig->b, sizeof(sig->b));
}

static void change_bytes(struct change *change, struct span *bytes, size_t limit)
{
    *bytes = change_span(change, *bytes, limit);
}

static void change_str(struct change *change, struct span *text, size_t limit)
{
    *text = change_span(change, *text, limit);
}

static void change_hashes(struct change *change, struct span *hashes, size_t limit)
{
    *hashes = change_span(change, *hashes, limit * sizeof(struct hash));
    hashes->size -= hashes->size % sizeof(struct hash);
}

/* The list becomes its first item, changed: what it holds matters more than how many. */
static void change_blobs(struct change *change, struct blobs *blobs, size_t limit)
{
    size_t cursor = 0;
    (void)limit;
    if (!blobs_next(blobs, &cursor, &change->item))
        change->item = (struct span){0};
    change->item = change_span(change, change->item, SCRATCH_BYTES);
    *blobs = (struct blobs){.n = 1, .items = &change->item};
}

#define COUNT(S, kind, field, limit) +1u
#define CHANGE(S, kind, name, limit)                                                               \
    if (change->field-- == 0)                                                                      \
        change_##kind(change, &msg->name, (limit));
#define CHANGER(number, name)                                                                      \
    static void change_##name##_message(struct change *change, void *body)                         \
    {                                                                                              \
        struct wire_##name *msg = body;                                                            \
        change->field = (uint32_t)draw(change->mutation, 0u FIELDS_##name(COUNT, name));           \
        FIELDS_##name(CHANGE, name)                                                                \
    }
WIRE_ALL(CHANGER)

static const struct changer {
    enum wire_id id;
    void (*change)(struct change *change, void *body);
} changers[] = {
#define CHANGER_ROW(number, name) {WIRE_##name, change_##name##_message},
    WIRE_ALL(CHANGER_ROW)};

static size_t mutate_at(struct fuzz_mutation *mutation, uint32_t depth, struct span input,
                        uint8_t *out, size_t capacity)
{
    struct wire_message message;
    struct change change = {.mutation = mutation, .depth = depth};

    if (wire_decode(input, &message) != WIRE_OK)
        return 0;
    for (size_t i = 0; i < N_ELEMENTS(changers); i++) {
        if (changers[i].id == message.id)
            changers[i].change(&change, &message.proposal);
    }
    return wire_encode(message.id, &message.proposal, out, capacity);
}

size_t form_mutate(struct fuzz_mutation *mutation, struct span input, uint8_t *out, size_t capacity)
{
    return mutate_at(mutation, 0, input, out, capacity);
}
