/*
 * core_solo - one core alone, and whatever a test makes up as its peers' words.
 *
 * A core is given verified input: certificates have signers, not signatures. The words
 * themselves are in core_solo_blocks.h.
 * Persists are completed and committed blocks executed at once unless a test holds them.
 * The log keeps what the last solo_say brought about; what its actions point to is good
 * until the next. solo_start() is the setup: validator 0 of 4, admitted, in term 1, whose
 * leader is 1. One per process.
 */
#ifndef APM2_TESTS_CORE_SOLO_H
#define APM2_TESTS_CORE_SOLO_H

#include <check.h>
#include <stdlib.h>

#include "services/consensus/core/core.h"
#include "tests/support/fake_sig.h"

#define SOLO_N 4u
#define SOLO_LEADER 1u /* of term 1 */
#define SOLO_PATIENCE_MS 1000u
#define SOLO_BEAT_MS 200u
#define SOLO_WALL_MS UINT64_C(1000000000) /* ahead of now_ms */
#define SOLO_LOG_MAX 512u
#define SOLO_QUORUM 0xeu /* 1, 2 and 3 */

static struct {
    struct core *core;
    struct core_config config;
    struct tip tip; /* at the start */
    uint64_t now_ms;
    bool is_holding; /* persists wait */
    bool is_slow;    /* nothing is executed */
    struct actions actions;
    uint32_t n_log;
    struct action log[SOLO_LOG_MAX];
    uint32_t n_waiting;
    struct input waiting[32]; /* completions of ours */
    struct executed_root executed;
    bool is_asked; /* a payload on build_parent was asked for, and is not answered */
    struct hash build_parent;
} solo;

static const struct hash solo_genesis_root = {{7}};

static inline void solo_wait(const struct input *input)
{
    ck_assert_uint_lt(solo.n_waiting, N_ELEMENTS(solo.waiting));
    solo.waiting[solo.n_waiting++] = *input;
}

static inline void solo_act(const struct action *action)
{
    struct input done = {.from = VALIDATOR_NONE};

    ck_assert_uint_lt(solo.n_log, SOLO_LOG_MAX);
    solo.log[solo.n_log++] = *action;
    if (action->kind == ACTION_BUILD) {
        solo.is_asked = true;
        solo.build_parent = action->build.parent;
    }
    if (action->kind == ACTION_PERSIST) {
        done.kind = INPUT_PERSISTED;
        done.persisted.token = action->persist.token;
        done.persisted.n_sigs = action->persist.n_intents;
        solo_wait(&done);
    }
    if (action->kind == ACTION_COMMIT && !solo.is_slow) {
        done.kind = INPUT_EXECUTED;
        done.executed.height = action->commit.height;
        done.executed.root = solo_genesis_root; /* empty blocks change nothing */
        solo_wait(&done);
    }
}

static inline void solo_step(const struct input *input)
{
    struct input now = *input;

    now.now_ms = solo.now_ms;
    now.wall_ms = SOLO_WALL_MS + solo.now_ms;
    core_step(solo.core, &now, &solo.actions);
    for (uint32_t i = 0; i < solo.actions.n; i++)
        solo_act(&solo.actions.list[i]);
}

/* Completions that wait, and what they bring about. */
static inline void solo_settle(void)
{
    for (uint32_t i = 0; i < solo.n_waiting;) {
        struct input next = solo.waiting[i];
        if (next.kind == INPUT_PERSISTED && solo.is_holding) {
            i++;
            continue;
        }
        memmove(solo.waiting + i, solo.waiting + i + 1, (--solo.n_waiting - i) * sizeof(next));
        solo_step(&next);
        i = 0;
    }
}

static inline void solo_say(const struct input *input)
{
    solo.n_log = 0;
    solo_step(input);
    solo_settle();
}

static inline void solo_tick(uint64_t ms)
{
    const struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};

    solo.now_ms += ms;
    solo_say(&tick);
}

/* ---- what came of it ---- */

static inline const struct action *solo_seen(enum action_kind kind)
{
    for (uint32_t i = 0; i < solo.n_log; i++)
        if (solo.log[i].kind == kind)
            return &solo.log[i];
    return NULL;
}

static inline const struct action *solo_sent(enum send_kind kind)
{
    for (uint32_t i = 0; i < solo.n_log; i++)
        if (solo.log[i].kind == ACTION_SEND && solo.log[i].send.kind == kind)
            return &solo.log[i];
    return NULL;
}

static inline uint32_t solo_count(enum action_kind kind)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < solo.n_log; i++)
        n += solo.log[i].kind == kind;
    return n;
}

/* The reason noted with `kind`; REASON_END: there is no such note. */
static inline enum note_reason solo_noted(enum note_kind kind)
{
    for (uint32_t i = 0; i < solo.n_log; i++)
        if (solo.log[i].kind == ACTION_NOTE && solo.log[i].note.kind == kind)
            return solo.log[i].note.reason;
    return REASON_END;
}

/* The statement of this kind that was signed; NULL: none. */
static inline const struct intent *solo_signed(enum intent_kind kind)
{
    for (uint32_t i = 0; i < solo.n_log; i++) {
        if (solo.log[i].kind != ACTION_PERSIST)
            continue;
        for (uint32_t j = 0; j < solo.log[i].persist.n_intents; j++)
            if (solo.log[i].persist.intents[j].kind == kind)
                return &solo.log[i].persist.intents[j];
    }
    return NULL;
}

static inline struct core_view solo_look(void)
{
    struct core_view view;
    core_look(solo.core, &view);
    return view;
}

/* ---- the start ---- */

/* With this record and tip, not admitted yet. */
static inline void solo_boot(const struct safety_record *record)
{
    const struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};

    free(solo.core);
    solo.core = calloc(1, core_size());
    ck_assert_ptr_nonnull(solo.core);
    solo.n_waiting = 0;
    core_init(solo.core, &solo.config, record, &solo.tip, &solo.executed);
    solo_say(&tick);
}

static inline void solo_admit(void)
{
    struct input answer = {.kind = INPUT_RANK_ANSWER};

    answer.rank_answer.nonce = solo.config.nonce;
    for (answer.from = 1; answer.from < 3; answer.from++)
        solo_say(&answer);
    ck_assert(solo_look().is_admitted);
}

static inline void solo_configure(uint32_t n)
{
    struct validator_set *set = &solo.config.set;

    solo.config = (struct core_config){.self = 0,
                                       .genesis_root = solo_genesis_root,
                                       .round_timeout_ms = SOLO_PATIENCE_MS,
                                       .heartbeat_ms = SOLO_BEAT_MS,
                                       .stall_timeout_ms = 2 * SOLO_PATIENCE_MS,
                                       .backoff_max_ms = 5 * SOLO_PATIENCE_MS,
                                       .nonce = 77};
    *set = (struct validator_set){
        .chain = {{1}}, .epoch = 1, .root = {{2}}, .n = n, .check = fake_check};
    for (uint32_t i = 0; i < n; i++)
        set->keys[i] = fake_key(i);
    solo.tip = (struct tip){.rank = {1, 0, 0}, .block = set->root, .author = VALIDATOR_NONE};
    solo.executed = (struct executed_root){0, solo_genesis_root};
    solo.now_ms = 5000;
}

/* Nothing signed yet. */
static inline struct safety_record solo_record(void)
{
    struct safety_record record;
    struct hash instance = {{9}};
    struct qc root = qc_of_root(&solo.config.set);

    safety_init(&record, &instance, &root);
    return record;
}

static inline void solo_start_as(uint32_t self)
{
    solo_configure(SOLO_N);
    solo.config.self = self;
    struct safety_record record = solo_record();
    solo_boot(&record);
    solo_admit();
}

static inline void solo_start(void)
{
    solo_start_as(0);
}

static inline void solo_end(void)
{
    free(solo.core);
}

#endif
