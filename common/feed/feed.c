#include "common/feed/feed.h"

#include <sodium.h>

#include "common/hash.h"
#include "common/hlc.h"
#include "common/must.h"

#define FEED_ID_TAG "apm2/feed/1"
#define FEED_HEAD_TAG "apm2/head/1"
/* bin 8 header and 64 bytes: the last field of a head. */
#define SIGNATURE_BYTES 66u
#define RECORD_DEPTH 2u

_Static_assert(sizeof(FEED_HEAD_TAG) + 2 * sizeof(struct hash) <= FEED_STATEMENT_BYTES,
               "a statement fits");

const char *feed_verdict_text(enum feed_verdict verdict)
{
    static const char *const texts[] = {
        [FEED_OK] = "ok",
        [FEED_MALFORMED] = "malformed",
        [FEED_BAD_SIGNATURE] = "bad signature",
        [FEED_OTHER_FEED] = "record of another feed",
        [FEED_WRONG_SEQ] = "numbers with a gap",
        [FEED_CLOCK] = "stamps out of order",
        [FEED_WRONG_ROOT] = "records do not reach the signed root",
    };
    return texts[verdict];
}

/* ---- names ---- */

struct hash feed_id(const struct feed_name *name)
{
    uint8_t bytes[2 * (ID_BYTES_MAX + 2) + 16];
    struct writer writer = writer_of(bytes, sizeof(bytes));

    writer_array(&writer, 3);
    writer_str(&writer, name->space);
    writer_str(&writer, name->author);
    writer_u64(&writer, name->incarnation);
    MUST(!writer.overflow);
    const struct span part = span_of(bytes, writer.size);
    return hash_tagged(FEED_ID_TAG, &part, 1);
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == ':' || c == '/';
}

bool feed_text_is_valid(struct span text, size_t max, bool may_be_empty)
{
    if (text.size > max || (text.size == 0 && !may_be_empty))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (!is_name_byte(text.data[i]))
            return false;
    return true;
}

uint64_t feed_hlc(uint64_t wall_ms, uint64_t counter)
{
    return wall_ms << 16 | (counter & HLC_COUNTER_MAX);
}

uint64_t feed_hlc_ms(uint64_t hlc)
{
    return hlc >> 16;
}

/* ---- heads ---- */

size_t feed_head_encode(const struct wire_feed_head *head, uint8_t out[FEED_HEAD_BYTES_MAX])
{
    return wire_encode(WIRE_feed_head, head, out, FEED_HEAD_BYTES_MAX);
}

size_t feed_head_statement(const struct hash *chain, struct span head,
                           uint8_t out[FEED_STATEMENT_BYTES])
{
    MUST(head.size > SIGNATURE_BYTES);
    struct hash digest = hash_bytes(span_of(head.data, head.size - SIGNATURE_BYTES));

    memcpy(out, FEED_HEAD_TAG, sizeof(FEED_HEAD_TAG));
    size_t at = sizeof(FEED_HEAD_TAG);
    memcpy(out + at, chain->b, sizeof(chain->b));
    at += sizeof(chain->b);
    memcpy(out + at, digest.b, sizeof(digest.b));
    return at + sizeof(digest.b);
}

void feed_head_seal(uint8_t *head, size_t size, const struct sig *sig)
{
    MUST(size > SIGNATURE_BYTES);
    memcpy(head + size - sizeof(sig->b), sig->b, sizeof(sig->b));
}

enum feed_verdict feed_head_decode(struct span bytes, struct wire_feed_head *ret_head)
{
    struct wire_feed_head head;

    if (bytes.size > FEED_HEAD_BYTES_MAX ||
        wire_decode_as(WIRE_feed_head, bytes, &head) != WIRE_OK ||
        !feed_text_is_valid(head.space, ID_BYTES_MAX, false) ||
        !feed_text_is_valid(head.author, ID_BYTES_MAX, false) || head.size == 0 ||
        head.size > INT64_MAX || head.hlc_max > INT64_MAX || head.incarnation > INT64_MAX)
        return FEED_MALFORMED;
    *ret_head = head;
    return FEED_OK;
}

enum feed_verdict feed_head_verify(const struct hash *chain, const struct key *author,
                                   struct span bytes)
{
    uint8_t statement[FEED_STATEMENT_BYTES];
    size_t size = feed_head_statement(chain, bytes, statement);
    const uint8_t *sig = bytes.data + bytes.size - sizeof(struct sig);

    return crypto_sign_verify_detached(sig, statement, size, author->b) == 0 ? FEED_OK
                                                                             : FEED_BAD_SIGNATURE;
}

struct feed_name feed_head_name(const struct wire_feed_head *head)
{
    return (struct feed_name){head->space, head->author, head->incarnation};
}

/* ---- records ---- */

void feed_edge_init(struct feed_edge *edge)
{
    merkle_frontier_init(&edge->tree);
    edge->hlc_max = 0;
}

bool feed_records_next(struct span records, size_t *cursor, struct span *ret_record)
{
    if (*cursor >= records.size)
        return false;
    struct reader reader = reader_of(span_of(records.data + *cursor, records.size - *cursor));
    const uint8_t *start = reader.at;

    if (reader_peek(&reader) != READER_ARRAY)
        return false;
    reader_skip(&reader, RECORD_DEPTH);
    if (reader.verdict != WIRE_OK)
        return false;
    *ret_record = span_of(start, (size_t)(reader.at - start));
    *cursor += ret_record->size;
    return true;
}

static bool is_record(const struct wire_feed_record *record)
{
    return feed_text_is_valid(record->kind, ID_BYTES_MAX, false) &&
           feed_text_is_valid(record->key, OBSERVATION_KEY_BYTES_MAX, true) &&
           record->hlc <= INT64_MAX;
}

static bool is_of_feed(const struct wire_feed_record *record, const struct wire_feed_head *head)
{
    return span_eq(record->space, head->space) && span_eq(record->author, head->author) &&
           record->incarnation == head->incarnation;
}

enum feed_verdict feed_edge_take(struct feed_edge *edge, const struct wire_feed_head *head,
                                 struct span record, struct wire_feed_record *ret_record)
{
    struct wire_feed_record decoded;

    if (wire_decode_as(WIRE_feed_record, record, &decoded) != WIRE_OK || !is_record(&decoded))
        return FEED_MALFORMED;
    if (!is_of_feed(&decoded, head))
        return FEED_OTHER_FEED;
    if (decoded.seq != edge->tree.n + 1 || decoded.seq > head->size)
        return FEED_WRONG_SEQ;
    if (decoded.hlc <= edge->hlc_max)
        return FEED_CLOCK;
    struct hash leaf = merkle_leaf(record);
    merkle_frontier_append(&edge->tree, &leaf);
    edge->hlc_max = decoded.hlc;
    *ret_record = decoded;
    return FEED_OK;
}

enum feed_verdict feed_edge_reaches(const struct feed_edge *edge, const struct wire_feed_head *head)
{
    if (edge->tree.n != head->size)
        return FEED_WRONG_SEQ;
    struct hash root = merkle_frontier_root(&edge->tree);
    if (!hash_eq(&root, &head->root))
        return FEED_WRONG_ROOT;
    return edge->hlc_max == head->hlc_max ? FEED_OK : FEED_CLOCK;
}

enum feed_verdict feed_edge_take_chunk(struct feed_edge *edge, const struct wire_feed_head *head,
                                       struct span records, uint32_t *ret_n)
{
    struct feed_edge next = *edge;
    size_t cursor = 0;
    struct span record;
    uint32_t n = 0;

    while (feed_records_next(records, &cursor, &record)) {
        struct wire_feed_record decoded;
        enum feed_verdict verdict =
            n == CHUNK_RECORDS_MAX ? FEED_MALFORMED : feed_edge_take(&next, head, record, &decoded);
        if (verdict != FEED_OK)
            return verdict;
        n++;
    }
    if (cursor != records.size || n == 0)
        return FEED_MALFORMED;
    enum feed_verdict verdict = feed_edge_reaches(&next, head);
    if (verdict == FEED_OK) {
        *edge = next;
        *ret_n = n;
    }
    return verdict;
}

size_t feed_edge_encode(const struct feed_edge *edge, uint8_t out[FEED_EDGE_BYTES_MAX])
{
    size_t size = 0;

    for (unsigned i = 0; i < 64; i++) {
        if ((edge->tree.n >> i & 1) == 0)
            continue;
        memcpy(out + size, edge->tree.edge[i].b, sizeof(struct hash));
        size += sizeof(struct hash);
    }
    return size;
}

bool feed_edge_decode(uint64_t size, uint64_t hlc_max, struct span bytes,
                      struct feed_edge *ret_edge)
{
    struct feed_edge edge;
    size_t at = 0;

    feed_edge_init(&edge);
    edge.tree.n = size;
    edge.hlc_max = hlc_max;
    for (unsigned i = 0; i < 64; i++) {
        if ((size >> i & 1) == 0)
            continue;
        if (bytes.size - at < sizeof(struct hash))
            return false;
        memcpy(edge.tree.edge[i].b, bytes.data + at, sizeof(struct hash));
        at += sizeof(struct hash);
    }
    if (at != bytes.size)
        return false;
    *ret_edge = edge;
    return true;
}
