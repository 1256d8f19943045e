#include "services/consensus/witness.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/must.h"

/* Ranks remembered, and bytes of one message. */
struct form {
    enum wire_id what;
    uint32_t depth;
    uint32_t bytes_max;
};

static const struct form forms[] = {
    {WIRE_vote, 1024, 272},
    {WIRE_commit_vote, 1024, 176},
    {WIRE_timeout, 64, 176},
    {WIRE_signed_header, 512, 640},
};

#define FORMS N_ELEMENTS(forms)

/* Above this many validators each is remembered a quarter as long. */
#define VALIDATORS_FEW 16u

struct entry_head {
    struct rank rank;
    uint32_t size; /* 0: free */
};

/* How high a validator had come, once a second: the oldest says how high it was when. */
#define MARKS 6u
#define MARK_MS (WITNESS_OLD_MS / (MARKS - 1))

struct track {
    struct rank newest;
    struct {
        struct rank rank;
        uint64_t at_ms;
    } marks[MARKS]; /* newest first */
    struct entry_head *heads;
    uint8_t *bytes;
};

struct witness {
    uint32_t n_validators;
    uint32_t depths[FORMS];
    uint64_t n;
    struct track *tracks; /* n_validators rows of FORMS */
};

struct witness *witness_new(uint32_t n_validators)
{
    struct witness *witness = mem_new(1, sizeof(*witness));

    witness->n_validators = n_validators;
    witness->tracks = mem_new((size_t)n_validators * FORMS, sizeof(*witness->tracks));
    for (uint32_t f = 0; f < FORMS; f++) {
        uint32_t depth = forms[f].depth / (n_validators > VALIDATORS_FEW ? 4 : 1);
        witness->depths[f] = depth;
        for (uint32_t v = 0; v < n_validators; v++) {
            struct track *track = &witness->tracks[v * FORMS + f];
            track->heads = mem_new(depth, sizeof(*track->heads));
            track->bytes = mem_new(depth, forms[f].bytes_max);
        }
    }
    return witness;
}

void witness_destroy(struct witness **witness)
{
    if (*witness == NULL)
        return;
    for (size_t i = 0; i < (size_t)(*witness)->n_validators * FORMS; i++) {
        free((*witness)->tracks[i].heads);
        free((*witness)->tracks[i].bytes);
    }
    free((*witness)->tracks);
    free(*witness);
    *witness = NULL;
}

/* FORMS: no type that is watched. */
static uint32_t form_of(enum wire_id what)
{
    uint32_t f = 0;

    while (f < FORMS && forms[f].what != what)
        f++;
    return f;
}

/* A term's ranks lie side by side; terms are spread so that they do not cover each other. */
static uint32_t place_of(const struct witness *witness, uint32_t form, struct rank rank)
{
    return (uint32_t)((rank.epoch * 131 + rank.term * 37 + rank.seq) % witness->depths[form]);
}

static void mark(struct track *track, struct rank rank, uint64_t now_ms)
{
    if (rank_cmp(rank, track->newest) > 0)
        track->newest = rank;
    if (now_ms < track->marks[0].at_ms + MARK_MS && track->marks[0].at_ms != 0)
        return;
    memmove(&track->marks[1], &track->marks[0], sizeof(track->marks[0]) * (MARKS - 1));
    track->marks[0].rank = track->newest;
    track->marks[0].at_ms = now_ms;
}

static bool is_old(const struct track *track, struct rank rank, uint64_t now_ms)
{
    for (uint32_t i = 0; i < MARKS; i++) {
        if (track->marks[i].at_ms != 0 && track->marks[i].at_ms + WITNESS_OLD_MS <= now_ms &&
            rank_cmp(rank, track->marks[i].rank) < 0)
            return true;
    }
    return false;
}

enum witness_verdict witness_see(struct witness *witness, const struct witnessed *seen,
                                 uint64_t now_ms, struct span *ret_earlier)
{
    uint32_t f = form_of(seen->what);

    MUST(f < FORMS && seen->validator < witness->n_validators);
    if (seen->bytes.size == 0 || seen->bytes.size > forms[f].bytes_max)
        return WITNESS_NEW; /* longer than an honest one ever is: nothing to compare */
    struct track *track = &witness->tracks[seen->validator * FORMS + f];
    uint32_t place = place_of(witness, f, seen->rank);
    struct entry_head *head = &track->heads[place];
    uint8_t *bytes = track->bytes + (size_t)place * forms[f].bytes_max;

    mark(track, seen->rank, now_ms);
    if (head->size != 0 && rank_eq(head->rank, seen->rank)) {
        struct span earlier = span_of(bytes, head->size);
        if (span_eq(earlier, seen->bytes))
            return is_old(track, seen->rank, now_ms) ? WITNESS_REPLAYED : WITNESS_AGAIN;
        *ret_earlier = earlier;
        return WITNESS_DIFFERS;
    }
    if (head->size != 0 && rank_cmp(head->rank, seen->rank) > 0)
        return WITNESS_NEW; /* an old one must not wipe out what may still be contradicted */
    witness->n += head->size == 0;
    head->rank = seen->rank;
    head->size = (uint32_t)seen->bytes.size;
    memcpy(bytes, seen->bytes.data, seen->bytes.size);
    return WITNESS_NEW;
}

struct span witness_find(const struct witness *witness, enum wire_id what, uint64_t validator,
                         struct rank rank)
{
    uint32_t f = form_of(what);

    if (f == FORMS || validator >= witness->n_validators)
        return span_of(NULL, 0);
    const struct track *track = &witness->tracks[validator * FORMS + f];
    uint32_t place = place_of(witness, f, rank);
    if (track->heads[place].size == 0 || !rank_eq(track->heads[place].rank, rank))
        return span_of(NULL, 0);
    return span_of(track->bytes + (size_t)place * forms[f].bytes_max, track->heads[place].size);
}

uint64_t witness_n(const struct witness *witness)
{
    return witness->n;
}
