/*
 * core_rig - four real cores joined by hand: a net that takes one millisecond a hop,
 * and a disk that is instant unless a test holds it.
 *
 * Not the simulator: nothing is random, everything is counted. rig_start() is the
 * setup; afterwards all four are admitted, idle and in term 1. One rig per process.
 */
#ifndef APM2_TESTS_CORE_RIG_H
#define APM2_TESTS_CORE_RIG_H

#include <check.h>
#include <stdlib.h>

#include "common/hash.h"
#include "tests/support/core_letter.h"
#include "tests/support/fake_sig.h"

#define RIG_N 4u
#define RIG_PATIENCE_MS 1000u
#define RIG_LETTERS_MAX 512u
#define RIG_BLOCKS_MAX 256u
#define RIG_QUEUE_MAX 64u

struct place {
    struct core *core;
    bool is_cut;     /* neither hears nor is heard */
    bool is_holding; /* persists are not completed */
    bool is_waiting; /* a bundle is here that no block it knows holds */
    struct input queue[RIG_QUEUE_MAX];
    uint32_t n_queue;
    struct input held[RIG_QUEUE_MAX]; /* completions that wait for rig_release */
    uint32_t n_held;
    struct executed_root executed;
    struct hash committed;
    struct safety_record record; /* as last persisted */
    uint32_t n_intents[INTENT_CHECKPOINT + 1];
    uint32_t n_sent[SEND_EPOCH_PROOF + 1];
    enum note_reason timed_out, entered, observing;
};

static struct {
    struct validator_set set;
    uint64_t now_ms;
    struct place places[RIG_N];
    struct actions actions;
    uint32_t actions_max; /* of one step, so far */
    struct letter letters[RIG_LETTERS_MAX];
    uint32_t n_letters;
    struct proposal proposals[RIG_BLOCKS_MAX];
    uint32_t n_proposals;
} rig;

static inline void rig_queue(uint32_t at, const struct input *input)
{
    struct place *place = &rig.places[at];
    ck_assert_uint_lt(place->n_queue, RIG_QUEUE_MAX);
    place->queue[place->n_queue++] = *input;
}

/* Does a bundle wait at a place that no block there holds? */
static inline void rig_wait(uint32_t at, bool is_waiting)
{
    struct input input = {.kind = INPUT_PENDING, .from = VALIDATOR_NONE};

    rig.places[at].is_waiting = is_waiting;
    input.pending.any = is_waiting;
    input.pending.oldest_ms = rig.now_ms;
    rig_queue(at, &input);
}

static inline uint32_t rig_find(const struct hash *id)
{
    for (uint32_t i = 0; i < rig.n_proposals; i++) {
        if (hash_eq(&rig.proposals[i].id, id))
            return i;
    }
    ck_abort_msg("a block that nobody made");
}

static inline void rig_post(uint32_t from, const struct action *action)
{
    rig.places[from].n_sent[action->send.kind]++;
    for (uint32_t to = 0; to < RIG_N; to++) {
        bool is_meant = action->send.to == TO_ALL ? to != from : to == action->send.to;
        if (!is_meant || rig.places[from].is_cut || rig.places[to].is_cut)
            continue;
        ck_assert_uint_lt(rig.n_letters, RIG_LETTERS_MAX);
        struct letter *letter = &rig.letters[rig.n_letters++];
        *letter = (struct letter){.to = to, .input.from = from};
        letter_write(letter, &rig.set, action);
    }
}

static inline void rig_persist(uint32_t at, const struct action *action)
{
    struct place *place = &rig.places[at];
    struct input done = {.kind = INPUT_PERSISTED, .from = VALIDATOR_NONE};
    uint8_t statement[STATEMENT_BYTES_MAX];

    if (action->persist.own != NULL) {
        ck_assert_uint_lt(rig.n_proposals, RIG_BLOCKS_MAX);
        rig.proposals[rig.n_proposals++] = *action->persist.own;
        rig_wait(at, false);
    }
    place->record = *action->persist.record;
    done.persisted.token = action->persist.token;
    done.persisted.n_sigs = action->persist.n_intents;
    for (uint32_t i = 0; i < action->persist.n_intents; i++) {
        const struct intent *intent = &action->persist.intents[i];
        size_t size = intent_statement(&rig.set.chain, intent, statement);
        done.persisted.sigs[i] = fake_sign(&rig.set.keys[at], span_of(statement, size));
        place->n_intents[intent->kind]++;
    }
    if (place->is_holding)
        place->held[place->n_held++] = done;
    else
        rig_queue(at, &done);
}

static inline void rig_commit(uint32_t at, const struct action *action)
{
    struct place *place = &rig.places[at];
    const struct span parts[] = {span_of(place->executed.root.b, 32),
                                 span_of(action->commit.block.b, 32)};
    struct input executed = {.kind = INPUT_EXECUTED, .from = VALIDATOR_NONE};

    ck_assert_uint_eq(action->commit.height, place->executed.height + 1);
    place->committed = action->commit.block;
    place->executed.height++;
    place->executed.root = hash_tagged("test/state", parts, N_ELEMENTS(parts));
    executed.executed.height = place->executed.height;
    executed.executed.root = place->executed.root;
    rig_queue(at, &executed);
}

static inline void rig_note(struct place *place, const struct action *action)
{
    if (action->note.kind == NOTE_TIMED_OUT)
        place->timed_out = action->note.reason;
    if (action->note.kind == NOTE_TERM_ENTERED)
        place->entered = action->note.reason;
    if (action->note.kind == NOTE_OBSERVING)
        place->observing = action->note.reason;
}

static inline void rig_act(uint32_t at, const struct action *action)
{
    struct input input = {.from = VALIDATOR_NONE};

    switch (action->kind) {
    case ACTION_PERSIST:
        rig_persist(at, action);
        break;
    case ACTION_SEND:
        rig_post(at, action);
        break;
    case ACTION_BUILD:
        input.kind = INPUT_BUILT;
        input.built.parent = action->build.parent;
        input.built.payload_root = action->build.parent;
        input.built.is_empty = action->build.must_be_empty || !rig.places[at].is_waiting;
        rig_queue(at, &input);
        break;
    case ACTION_NEED_PAYLOAD:
        input.kind = INPUT_PAYLOAD;
        input.payload.block = action->need.block;
        input.payload.is_valid = true;
        rig_queue(at, &input);
        break;
    case ACTION_NEED_BLOCK:
        input.kind = INPUT_PROPOSAL;
        input.proposal = &rig.proposals[rig_find(&action->need.block)];
        rig_queue(at, &input);
        break;
    case ACTION_COMMIT:
        rig_commit(at, action);
        break;
    case ACTION_NOTE:
        rig_note(&rig.places[at], action);
        break;
    case ACTION_ACCUSE:
        ck_abort_msg("all are honest");
    case ACTION_NEED_CONFIG:
    case ACTION_EPOCH:
        ck_abort_msg("the rig stays in one epoch");
    case ACTION_SYNC:
    case ACTION_FORGET:
    case ACTION_CHECKPOINT:
        break;
    }
}

static inline void rig_step(uint32_t at, const struct input *input)
{
    struct input now = *input;

    now.now_ms = rig.now_ms;
    now.wall_ms = UINT64_C(1000000) + rig.now_ms;
    core_step(rig.places[at].core, &now, &rig.actions);
    if (rig.actions.n > rig.actions_max)
        rig.actions_max = rig.actions.n;
    for (uint32_t i = 0; i < rig.actions.n; i++)
        rig_act(at, &rig.actions.list[i]);
}

/* What is queued, and whatever that brings about at once. */
static inline void rig_settle(uint32_t at)
{
    struct place *place = &rig.places[at];

    while (place->n_queue > 0) {
        struct input next = place->queue[0];
        memmove(place->queue, place->queue + 1, --place->n_queue * sizeof(next));
        rig_step(at, &next);
    }
}

static inline void rig_input(uint32_t at, const struct input *input)
{
    rig_queue(at, input);
    rig_settle(at);
}

static inline void rig_open(struct letter *letter)
{
    struct input *input = letter_open(letter);

    if (input->kind == INPUT_PROPOSAL) {
        input->proposal = &rig.proposals[rig_find(&letter->block)];
        if (!input->proposal->is_payload_empty)
            rig_wait(letter->to, false);
    }
    rig_input(letter->to, input);
}

/* Everything under way arrives; what that sends is under way afterwards. */
static inline void rig_hop(void)
{
    uint32_t n = rig.n_letters;

    rig.now_ms++;
    for (uint32_t i = 0; i < n; i++)
        rig_open(&rig.letters[i]);
    rig.n_letters -= n;
    memmove(rig.letters, rig.letters + n, rig.n_letters * sizeof(rig.letters[0]));
}

static inline void rig_pass_ms(uint64_t ms)
{
    const struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};

    for (; ms > 0; ms--) {
        rig_hop();
        for (uint32_t i = 0; i < RIG_N; i++) {
            if (rig.now_ms >= core_deadline_ms(rig.places[i].core))
                rig_input(i, &tick);
        }
    }
}

static inline void rig_release(uint32_t at)
{
    struct place *place = &rig.places[at];

    place->is_holding = false;
    for (uint32_t i = 0; i < place->n_held; i++)
        rig_queue(at, &place->held[i]);
    rig_settle(at);
    place->n_held = 0;
}

/* A bundle reaches everybody's mempool. */
static inline void rig_request(void)
{
    for (uint32_t i = 0; i < RIG_N; i++) {
        rig_wait(i, true);
        rig_settle(i);
    }
}

static inline struct core_view rig_look(uint32_t at)
{
    struct core_view view;
    core_look(rig.places[at].core, &view);
    return view;
}

static inline struct core_config rig_config(uint32_t at, uint64_t patience_ms)
{
    return (struct core_config){.set = rig.set,
                                .self = at,
                                .genesis_root = {{7}},
                                .round_timeout_ms = patience_ms,
                                .heartbeat_ms = 200,
                                .stall_timeout_ms = 2000,
                                .backoff_max_ms = 5000,
                                .nonce = 100 + at};
}

/* Below a heartbeat: it times out although its leader is well. */
static inline void rig_set_patience(uint32_t at, uint64_t patience_ms)
{
    struct core_config config = rig_config(at, patience_ms);
    core_configure(rig.places[at].core, &config);
}

/* A core that lost everything but the record, before its first step. */
static inline void rig_boot_with(uint32_t at, const struct safety_record *record)
{
    struct core_config config = rig_config(at, RIG_PATIENCE_MS);
    struct tip root = {.rank = {1, 0, 0}, .block = rig.set.root, .author = VALIDATOR_NONE};
    struct place *place = &rig.places[at];

    free(place->core);
    *place = (struct place){.core = calloc(1, core_size()), .executed = {0, {{7}}}};
    ck_assert_ptr_nonnull(place->core);
    core_init(place->core, &config, record, &root, &place->executed);
}

/* And one at the start of everything. */
static inline void rig_boot(uint32_t at)
{
    static struct safety_record record;
    struct qc root_qc = qc_of_root(&rig.set);
    struct hash instance = {{9}};

    safety_init(&record, &instance, &root_qc);
    rig_boot_with(at, &record);
}

static inline void rig_start(void)
{
    rig.set = (struct validator_set){
        .chain = {{1}}, .epoch = 1, .root = {{2}}, .n = RIG_N, .check = fake_check};
    rig.now_ms = 5000; /* monotonic clocks do not begin with the process */
    for (uint32_t i = 0; i < RIG_N; i++)
        rig.set.keys[i] = fake_key(i);
    for (uint32_t i = 0; i < RIG_N; i++)
        rig_boot(i);
    rig_pass_ms(5);
}

static inline void rig_end(void)
{
    for (uint32_t i = 0; i < RIG_N; i++)
        free(rig.places[i].core);
}

#endif
