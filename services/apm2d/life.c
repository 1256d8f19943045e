#include "services/apm2d/life.h"

#include "common/must.h"

/* SIGKILL works at once, unless the kernel itself is stuck with the process. */
#define OVERDUE_MS 5000u

const char *life_state_text(enum life_state state)
{
#define LIFE_STATE_TEXT(name, text) text,
    static const char *const texts[] = {LIFE_STATES(LIFE_STATE_TEXT)};
#undef LIFE_STATE_TEXT
    return texts[state];
}

bool life_has_process(const struct life *life)
{
    return life->state == LIFE_STARTING || life->state == LIFE_UP || life->state == LIFE_STOPPING ||
           life->state == LIFE_HUNG;
}

bool life_is_down(const struct life *life)
{
    return !life_has_process(life) && life->state != LIFE_WAITING;
}

/* Whoever asks has mended something, or wants to see it fail again. */
static void forgive(struct life *life)
{
    life->n_forgiven = life->n_crashes;
    life->backoff_ms = 0;
}

enum life_order life_start(struct life *life, uint64_t now_ms)
{
    (void)now_ms;
    if (life->state == LIFE_STOPPING)
        life->is_again = true;
    if (life_has_process(life))
        return LIFE_LEAVE;
    forgive(life);
    return LIFE_LAUNCH;
}

enum life_order life_stop(struct life *life, uint64_t now_ms)
{
    life->is_again = false;
    if (life->state == LIFE_STOPPING)
        return LIFE_LEAVE;
    if (!life_has_process(life)) {
        life->state = LIFE_STOPPED;
        return LIFE_LEAVE;
    }
    enum life_order order = life->state == LIFE_HUNG ? LIFE_LEAVE : LIFE_ASK;
    life->state = LIFE_STOPPING;
    life->kill_at_ms = now_ms + life->rules.grace_ms;
    return order;
}

enum life_order life_restart(struct life *life, uint64_t now_ms)
{
    if (!life_has_process(life))
        return life_start(life, now_ms);
    forgive(life);
    enum life_order order = life_stop(life, now_ms);
    life->is_again = true;
    return order;
}

void life_launched(struct life *life, uint64_t now_ms)
{
    MUST(!life_has_process(life));
    life->state = life->rules.silence_ms > 0 ? LIFE_STARTING : LIFE_UP;
    life->started_ms = now_ms;
    life->heard_ms = now_ms;
}

static void note_crash(struct life *life, uint64_t now_ms)
{
    bool was_long = now_ms - life->started_ms >= LIFE_CRASHES_WINDOW_MS;
    uint64_t next_ms = life->backoff_ms * 2;
    if (was_long || next_ms < LIFE_BACKOFF_MIN_MS)
        next_ms = LIFE_BACKOFF_MIN_MS;
    life->backoff_ms = next_ms < LIFE_BACKOFF_MAX_MS ? next_ms : LIFE_BACKOFF_MAX_MS;
    life->crashes_ms[life->n_crashes % LIFE_CRASHES_MAX] = now_ms;
    life->n_crashes++;
}

static bool is_crash_loop(const struct life *life)
{
    if (life->n_crashes - life->n_forgiven < LIFE_CRASHES_MAX)
        return false;
    uint64_t last_ms = life->crashes_ms[(life->n_crashes - 1) % LIFE_CRASHES_MAX];
    uint64_t first_ms = life->crashes_ms[life->n_crashes % LIFE_CRASHES_MAX];
    return last_ms - first_ms < LIFE_CRASHES_WINDOW_MS;
}

static void crashed(struct life *life, uint32_t random, uint64_t now_ms)
{
    note_crash(life, now_ms);
    uint64_t jitter_ms = random % (life->backoff_ms / 5 + 1);
    life->state = is_crash_loop(life) ? LIFE_FAILED : LIFE_WAITING;
    life->next_start_ms = now_ms + life->backoff_ms + jitter_ms;
}

void life_not_launched(struct life *life, uint32_t random, uint64_t now_ms)
{
    life->started_ms = now_ms;
    crashed(life, random, now_ms);
}

void life_heard(struct life *life, bool is_ready, uint64_t now_ms)
{
    life->heard_ms = now_ms;
    if (is_ready && life->state == LIFE_STARTING)
        life->state = LIFE_UP;
}

enum life_order life_ended(struct life *life, struct life_end end, uint32_t random, uint64_t now_ms)
{
    MUST(life_has_process(life));
    if (life->state == LIFE_STOPPING) {
        bool is_again = life->is_again;
        life->state = LIFE_STOPPED;
        life->is_again = false;
        return is_again ? LIFE_LAUNCH : LIFE_LEAVE;
    }
    if (life->rules.is_one_shot && end.has_exited && end.code == 0) {
        life->state = LIFE_DONE;
        return LIFE_LEAVE;
    }
    crashed(life, random, now_ms);
    if (life->rules.may_be_fenced && end.has_exited && end.code == LIFE_EXIT_FENCED)
        life->state = LIFE_FENCED;
    return LIFE_LEAVE;
}

/* When a process that says nothing more is taken for hung. */
static uint64_t silent_at_ms(const struct life *life)
{
    if (life->rules.silence_ms == 0)
        return UINT64_MAX;
    if (life->state == LIFE_STARTING)
        return life->heard_ms + life->rules.start_ms;
    return life->state == LIFE_UP ? life->heard_ms + life->rules.silence_ms : UINT64_MAX;
}

uint64_t life_deadline_ms(const struct life *life)
{
    if (life->state == LIFE_WAITING)
        return life->next_start_ms;
    if (life->state == LIFE_STOPPING)
        return life->kill_at_ms;
    return silent_at_ms(life);
}

enum life_order life_turn(struct life *life, uint64_t now_ms)
{
    if (now_ms < life_deadline_ms(life))
        return LIFE_LEAVE;
    if (life->state == LIFE_WAITING)
        return LIFE_LAUNCH;
    if (life->state == LIFE_STOPPING) {
        life->kill_at_ms = now_ms + life->rules.grace_ms;
        return LIFE_KILL;
    }
    life->state = LIFE_HUNG;
    life->kill_at_ms = now_ms;
    return LIFE_END;
}

bool life_is_overdue(const struct life *life, uint64_t now_ms)
{
    return life->state == LIFE_HUNG && now_ms - life->kill_at_ms > OVERDUE_MS;
}
