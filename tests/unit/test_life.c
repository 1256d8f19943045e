/* What a supervisor decides: as tables of what happens, and what is to be done then. */
#include "tests/support/unit.h"

#include "common/ids.h"
#include "services/apm2d/life.h"

enum step_kind { THE_END, START, STOP, RESTART, LAUNCHED, READY, ALIVE, EXIT, SIGNAL, TURN };

/* At a time something happens; then this is the order and the state. */
struct step {
    uint64_t at_ms;
    enum step_kind kind;
    int code;
    enum life_order order;
    enum life_state state;
};

#define STEPS_MAX 16

struct script {
    const char *label;
    struct life_rules rules;
    struct step steps[STEPS_MAX]; /* the rest is THE_END */
};

#define SERVICE                                                                                    \
    {                                                                                              \
        .grace_ms = 1000, .silence_ms = 15000, .start_ms = 60000, .may_be_fenced = true            \
    }
#define SIBLING                                                                                    \
    {                                                                                              \
        .grace_ms = 1000, .silence_ms = 15000, .start_ms = 60000                                   \
    }
#define MUTE                                                                                       \
    {                                                                                              \
        .grace_ms = 1000                                                                           \
    }
#define ONE_SHOT                                                                                   \
    {                                                                                              \
        .grace_ms = 1000, .is_one_shot = true                                                      \
    }

static const struct script scripts[] = {
    {"a service is up once it says so",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {900, ALIVE, 0, LIFE_LEAVE, LIFE_STARTING},
      {1000, READY, 0, LIFE_LEAVE, LIFE_UP},
      {1000, START, 0, LIFE_LEAVE, LIFE_UP}}},
    {"what says nothing is up at once",
     MUTE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_UP},
      {9000000, TURN, 0, LIFE_LEAVE, LIFE_UP}}},
    {"silent for 15 s: killed, then started like after any crash",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, READY, 0, LIFE_LEAVE, LIFE_UP},
      {5000, ALIVE, 0, LIFE_LEAVE, LIFE_UP},
      {19999, TURN, 0, LIFE_LEAVE, LIFE_UP},
      {20000, TURN, 0, LIFE_END, LIFE_HUNG},
      {20001, TURN, 0, LIFE_LEAVE, LIFE_HUNG},
      {20002, ALIVE, 0, LIFE_LEAVE, LIFE_HUNG},
      {20010, SIGNAL, 9, LIFE_LEAVE, LIFE_WAITING},
      {20509, TURN, 0, LIFE_LEAVE, LIFE_WAITING},
      {20510, TURN, 0, LIFE_LAUNCH, LIFE_WAITING},
      {20510, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING}}},
    {"a start may take a minute of silence, not more",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {59999, TURN, 0, LIFE_LEAVE, LIFE_STARTING},
      {60000, TURN, 0, LIFE_END, LIFE_HUNG}}},
    {"exit 75 of a validator is final, until somebody asks",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, EXIT, 75, LIFE_LEAVE, LIFE_FENCED},
      {90000, TURN, 0, LIFE_LEAVE, LIFE_FENCED},
      {90000, RESTART, 0, LIFE_LAUNCH, LIFE_FENCED}}},
    {"exit 75 of a sibling is a crash",
     SIBLING,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, EXIT, 75, LIFE_LEAVE, LIFE_WAITING}}},
    {"exit 0 that nobody asked for is a crash",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, EXIT, 0, LIFE_LEAVE, LIFE_WAITING}}},
    {"a one-shot that succeeds is done",
     ONE_SHOT,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_UP},
      {10, EXIT, 0, LIFE_LEAVE, LIFE_DONE}}},
    {"a one-shot that fails is tried again",
     ONE_SHOT,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_UP},
      {10, EXIT, 1, LIFE_LEAVE, LIFE_WAITING}}},
    {"asked to stop, then killed, again and again",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {100, STOP, 0, LIFE_ASK, LIFE_STOPPING},
      {200, STOP, 0, LIFE_LEAVE, LIFE_STOPPING},
      {1099, TURN, 0, LIFE_LEAVE, LIFE_STOPPING},
      {1100, TURN, 0, LIFE_KILL, LIFE_STOPPING},
      {1101, TURN, 0, LIFE_LEAVE, LIFE_STOPPING},
      {2100, TURN, 0, LIFE_KILL, LIFE_STOPPING},
      {2101, SIGNAL, 9, LIFE_LEAVE, LIFE_STOPPED},
      {9000, TURN, 0, LIFE_LEAVE, LIFE_STOPPED}}},
    {"a restart stops it and starts it at once",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, READY, 0, LIFE_LEAVE, LIFE_UP},
      {100, RESTART, 0, LIFE_ASK, LIFE_STOPPING},
      {110, RESTART, 0, LIFE_LEAVE, LIFE_STOPPING},
      {150, EXIT, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {150, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {160, STOP, 0, LIFE_ASK, LIFE_STOPPING},
      {170, EXIT, 0, LIFE_LEAVE, LIFE_STOPPED}}},
    {"the last word counts: a start while it stops",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, STOP, 0, LIFE_ASK, LIFE_STOPPING},
      {20, START, 0, LIFE_LEAVE, LIFE_STOPPING},
      {30, EXIT, 0, LIFE_LAUNCH, LIFE_STOPPED}}},
    {"the last word counts: a stop while it restarts",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, RESTART, 0, LIFE_ASK, LIFE_STOPPING},
      {20, STOP, 0, LIFE_LEAVE, LIFE_STOPPING},
      {30, EXIT, 0, LIFE_LEAVE, LIFE_STOPPED}}},
    {"a restart of what waits does not wait",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, EXIT, 1, LIFE_LEAVE, LIFE_WAITING},
      {11, RESTART, 0, LIFE_LAUNCH, LIFE_WAITING},
      {11, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING}}},
    {"a stop while it waits cancels the start",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {10, EXIT, 1, LIFE_LEAVE, LIFE_WAITING},
      {11, STOP, 0, LIFE_LEAVE, LIFE_STOPPED},
      {99000, TURN, 0, LIFE_LEAVE, LIFE_STOPPED}}},
    {"a stop of what hangs waits for its end",
     SERVICE,
     {{0, START, 0, LIFE_LAUNCH, LIFE_STOPPED},
      {0, LAUNCHED, 0, LIFE_LEAVE, LIFE_STARTING},
      {60000, TURN, 0, LIFE_END, LIFE_HUNG},
      {60001, STOP, 0, LIFE_LEAVE, LIFE_STOPPING},
      {60002, SIGNAL, 9, LIFE_LEAVE, LIFE_STOPPED}}},
};

static enum life_order do_step(struct life *life, const struct step *step)
{
    switch (step->kind) {
    case START:
        return life_start(life, step->at_ms);
    case STOP:
        return life_stop(life, step->at_ms);
    case RESTART:
        return life_restart(life, step->at_ms);
    case LAUNCHED:
        life_launched(life, step->at_ms);
        return LIFE_LEAVE;
    case READY:
        life_heard(life, true, step->at_ms);
        return LIFE_LEAVE;
    case ALIVE:
        life_heard(life, false, step->at_ms);
        return LIFE_LEAVE;
    case EXIT:
    case SIGNAL: {
        struct life_end end = {step->kind == EXIT, step->code};
        return life_ended(life, end, 0, step->at_ms);
    }
    case TURN:
        return life_turn(life, step->at_ms);
    case THE_END:
        break;
    }
    return LIFE_LEAVE;
}

START_TEST(decisions)
{
    const struct script *script = &scripts[_i];
    struct life life = {.rules = script->rules};

    for (const struct step *step = script->steps; step->kind != THE_END; step++) {
        int n = (int)(step - script->steps);
        enum life_order order = do_step(&life, step);
        ck_assert_msg(order == step->order, "%s, step %d: order %d, want %d", script->label, n,
                      (int)order, (int)step->order);
        ck_assert_msg(life.state == step->state, "%s, step %d: %s, want %s", script->label, n,
                      life_state_text(life.state), life_state_text(step->state));
    }
}
END_TEST

static void begin(struct life *life)
{
    *life = (struct life){.rules = SERVICE};
    ck_assert_int_eq(life_start(life, 0), LIFE_LAUNCH);
    life_launched(life, 0);
}

/* Lives so long, dies, waits as long as it is told to; returns the pause. */
static uint64_t live_and_die(struct life *life, uint64_t life_ms, uint32_t random)
{
    struct life_end end = {true, 1};
    uint64_t died_ms = life->started_ms + life_ms;
    ck_assert_int_eq(life_ended(life, end, random, died_ms), LIFE_LEAVE);
    if (life->state != LIFE_WAITING)
        return 0;
    uint64_t next_ms = life_deadline_ms(life);
    ck_assert_int_eq(life_turn(life, next_ms - 1), LIFE_LEAVE);
    ck_assert_int_eq(life_turn(life, next_ms), LIFE_LAUNCH);
    life_launched(life, next_ms);
    return next_ms - died_ms;
}

START_TEST(five_crashes_in_a_minute_are_a_loop)
{
    static const uint64_t pauses_ms[] = {500, 1000, 2000, 4000};
    struct life life;
    begin(&life);
    for (size_t i = 0; i < N_ELEMENTS(pauses_ms); i++)
        ck_assert_uint_eq(live_and_die(&life, 1000, 0), pauses_ms[i]);
    ck_assert_uint_eq(live_and_die(&life, 1000, 0), 0);
    ck_assert_int_eq(life.state, LIFE_FAILED);
    ck_assert(life_is_down(&life));
    ck_assert_uint_eq(life_deadline_ms(&life), UINT64_MAX);
    ck_assert_int_eq(life_turn(&life, 10000000), LIFE_LEAVE);
}
END_TEST

START_TEST(slower_crashes_end_at_half_a_minute)
{
    static const uint64_t pauses_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct life life;
    begin(&life);
    for (size_t i = 0; i < N_ELEMENTS(pauses_ms); i++)
        ck_assert_uint_eq(live_and_die(&life, 20000, 0), pauses_ms[i]);
    ck_assert_uint_eq(life.n_crashes, N_ELEMENTS(pauses_ms));
}
END_TEST

START_TEST(a_minute_forgives)
{
    struct life life;
    begin(&life);
    for (int i = 0; i < 3; i++)
        (void)live_and_die(&life, 1000, 0);
    ck_assert_uint_eq(live_and_die(&life, 60000, 0), 500);
    ck_assert_uint_eq(live_and_die(&life, 59999, 0), 1000);
}
END_TEST

START_TEST(who_asks_forgives)
{
    struct life life;
    begin(&life);
    for (int i = 0; i < 4; i++)
        (void)live_and_die(&life, 1000, 0);
    ck_assert_int_eq(life_restart(&life, 20000), LIFE_ASK);
    ck_assert_int_eq(life_ended(&life, (struct life_end){true, 0}, 0, 20001), LIFE_LAUNCH);
    life_launched(&life, 20001);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_ne(live_and_die(&life, 1000, 0), 0);
    ck_assert_uint_eq(live_and_die(&life, 1000, 0), 0);
    ck_assert_int_eq(life.state, LIFE_FAILED);
}
END_TEST

START_TEST(the_pause_has_up_to_a_fifth_of_jitter)
{
    uint64_t least_ms = UINT64_MAX, most_ms = 0;
    for (uint32_t random = 0; random < 1000; random++) {
        struct life life;
        begin(&life);
        uint64_t pause_ms = live_and_die(&life, 1000, random);
        least_ms = pause_ms < least_ms ? pause_ms : least_ms;
        most_ms = pause_ms > most_ms ? pause_ms : most_ms;
    }
    ck_assert_uint_eq(least_ms, 500);
    ck_assert_uint_eq(most_ms, 600);
}
END_TEST

START_TEST(what_cannot_be_launched_counts_as_a_crash)
{
    struct life life = {.rules = SERVICE};
    for (int i = 0; i < 4; i++) {
        life_not_launched(&life, 0, 1000);
        ck_assert_int_eq(life.state, LIFE_WAITING);
    }
    life_not_launched(&life, 0, 1000);
    ck_assert_int_eq(life.state, LIFE_FAILED);
}
END_TEST

START_TEST(only_what_resists_its_kill_is_overdue)
{
    struct life life;
    begin(&life);
    ck_assert(!life_is_overdue(&life, 10000000));
    ck_assert_int_eq(life_turn(&life, 60000), LIFE_END);
    ck_assert(!life_is_overdue(&life, 60001));
    ck_assert(life_is_overdue(&life, 66000));
    (void)life_ended(&life, (struct life_end){false, 9}, 0, 66001);
    ck_assert(!life_is_overdue(&life, 10000000));
}
END_TEST

UNIT_MAIN("life", NULL, NULL, {
    tcase_add_loop_test(tc, decisions, 0, N_ELEMENTS(scripts));
    tcase_add_test(tc, five_crashes_in_a_minute_are_a_loop);
    tcase_add_test(tc, slower_crashes_end_at_half_a_minute);
    tcase_add_test(tc, a_minute_forgives);
    tcase_add_test(tc, who_asks_forgives);
    tcase_add_test(tc, the_pause_has_up_to_a_fifth_of_jitter);
    tcase_add_test(tc, what_cannot_be_launched_counts_as_a_crash);
    tcase_add_test(tc, only_what_resists_its_kill_is_overdue);
})
