#include "common/ledger/ledger.h"

#include "common/hash.h"
#include "common/must.h"

struct be64 {
    uint8_t b[8];
};

static struct be64 be64_of(uint64_t value)
{
    struct be64 bytes;

    for (unsigned int i = 0; i < sizeof(bytes.b); i++)
        bytes.b[i] = (uint8_t)(value >> (56 - 8 * i));
    return bytes;
}

static struct span be64_span(const struct be64 *bytes)
{
    return span_of(bytes->b, sizeof(bytes->b));
}

static struct span hash_span(const struct hash *hash)
{
    return span_of(hash->b, sizeof(hash->b));
}

/* A name as it is hashed: its length in one byte, then its bytes, so that it ends
 * where it says. */
struct counted_name {
    uint8_t b[1 + ID_BYTES_MAX];
    size_t size;
};

static struct counted_name counted(const struct ledger_head *head)
{
    struct counted_name name = {{0}, 0};
    size_t size = strlen(head->space);

    name.b[0] = (uint8_t)size;
    memcpy(name.b + 1, head->space, size);
    name.size = 1 + size;
    return name;
}

void ledger_init(struct ledger *ledger)
{
    ledger->n = 0;
}

/* What a head can hold as its name. A zero byte would let two names be one. */
static bool is_name(struct span space)
{
    return space.size > 0 && space.size <= ID_BYTES_MAX &&
           memchr(space.data, 0, space.size) == NULL;
}

/* Bytewise, a prefix first. */
static int name_cmp(const struct ledger_head *head, struct span space)
{
    size_t size = strlen(head->space);
    int order = memcmp(head->space, space.data, size < space.size ? size : space.size);

    return order != 0 ? order : u64_cmp(size, space.size);
}

/* Where the name stands, or would. */
static uint32_t place_of(const struct ledger *ledger, struct span space)
{
    uint32_t low = 0;
    uint32_t high = ledger->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (name_cmp(&ledger->heads[middle], space) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct ledger *ledger, uint32_t place, struct span space)
{
    return place < ledger->n && name_cmp(&ledger->heads[place], space) == 0;
}

const struct ledger_head *ledger_find(const struct ledger *ledger, struct span space)
{
    if (!is_name(space))
        return NULL;
    uint32_t place = place_of(ledger, space);
    return is_at(ledger, place, space) ? &ledger->heads[place] : NULL;
}

struct ledger_head *ledger_head_of(struct ledger *ledger, struct span space)
{
    if (!is_name(space))
        return NULL;

    uint32_t place = place_of(ledger, space);
    struct ledger_head *head = &ledger->heads[place];
    if (is_at(ledger, place, space))
        return head;
    if (ledger->n == NAMESPACES_MAX)
        return NULL;

    memmove(head + 1, head, (ledger->n - place) * sizeof(*head));
    ledger->n++;
    *head = (struct ledger_head){0};
    memcpy(head->space, space.data, space.size);
    merkle_frontier_init(&head->tree);
    return head;
}

struct hash ledger_leaf(const struct ledger_head *head, const struct ledger_record *record)
{
    const struct counted_name name = counted(head);
    const struct be64 seq = be64_of(head->n_records);
    const struct be64 height = be64_of(record->height);
    const struct be64 index = be64_of(record->index);
    const struct span parts[] = {
        span_of(name.b, name.size), be64_span(&seq),           be64_span(&height),
        be64_span(&index),          span_of(&record->code, 1), hash_span(&record->subject),
    };

    return hash_tagged("apm2/record/1", parts, N_ELEMENTS(parts));
}

void ledger_append(struct ledger_head *head, const struct ledger_record *record)
{
    const struct hash leaf = ledger_leaf(head, record);
    const struct span parts[] = {hash_span(&head->chain), hash_span(&leaf)};
    const struct hash tree_leaf = merkle_leaf(hash_span(&leaf));

    head->chain = hash_tagged("apm2/chain/1", parts, N_ELEMENTS(parts));
    merkle_frontier_append(&head->tree, &tree_leaf);
    head->n_records++;
    MUST(head->n_records == head->tree.n);
}

struct hash ledger_subject(const struct hash *bundle, uint64_t position, struct span event)
{
    const struct be64 place = be64_of(position);
    const struct span parts[] = {hash_span(bundle), be64_span(&place), event};

    return hash_tagged("apm2/event/1", parts, N_ELEMENTS(parts));
}

struct hash ledger_derived_subject(struct span event)
{
    return hash_tagged("apm2/derived/1", &event, 1);
}

static struct hash head_hash(const struct ledger_head *head)
{
    const struct counted_name name = counted(head);
    const struct be64 n_records = be64_of(head->n_records);
    const struct hash tree = merkle_frontier_root(&head->tree);
    const struct span parts[] = {span_of(name.b, name.size), be64_span(&n_records),
                                 hash_span(&head->chain), hash_span(&tree)};

    return hash_tagged("apm2/head/1", parts, N_ELEMENTS(parts));
}

struct hash ledger_root(const struct ledger *ledger)
{
    struct merkle_frontier frontier;

    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < ledger->n; i++) {
        struct hash head = head_hash(&ledger->heads[i]);
        struct hash leaf = merkle_leaf(hash_span(&head));
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}

struct hash state_root_of(const struct hash *authority_root, const struct hash *ledgers_root)
{
    const struct span parts[] = {hash_span(authority_root), hash_span(ledgers_root)};

    return hash_tagged("apm2/state/1", parts, N_ELEMENTS(parts));
}
