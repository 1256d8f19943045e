/*
 * life - what a supervisor decides about one process: when it is started, asked to
 * stop, killed, started again, given up.
 *
 * Pure: no clock, no process, no chance. Every function tells what to do about the
 * process now; the caller does it and reports back what came of it. Times are
 * milliseconds of one clock that never steps.
 *
 *   stopped -> starting -> up -> stopping -> stopped
 *                 \        |  \-> hung (silent, killed) --\
 *                  \--- it died unasked ------------------+-> waiting -> starting
 *                                                          \-> failed, fenced
 *
 * A process that dies unasked is started again after 0.5 s, doubling to 30 s, with up
 * to a fifth more so that several do not return in step; a life of a minute forgives
 * what was before. Five such ends within a minute are a crash loop: FAILED, until
 * somebody asks.
 */
#ifndef APM2_LIFE_H
#define APM2_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#define LIFE_BACKOFF_MIN_MS 500u
#define LIFE_BACKOFF_MAX_MS 30000u
#define LIFE_CRASHES_MAX 5u
#define LIFE_CRASHES_WINDOW_MS 60000u
#define LIFE_EXIT_FENCED 75

#define LIFE_STATES(X)                                                                             \
    X(STOPPED, "stopped")                                                                          \
    X(STARTING, "starting") /* runs, has not said READY yet */                                     \
    X(UP, "up")                                                                                    \
    X(STOPPING, "stopping")                                                                        \
    X(HUNG, "hung")       /* was silent too long: killed, its end is awaited */                    \
    X(WAITING, "waiting") /* died; to be started at next_start_ms */                               \
    X(DONE, "done")       /* a one-shot that succeeded */                                          \
    X(FENCED, "fenced")   /* exit 75: somebody else owns the node */                               \
    X(FAILED, "failed")   /* crash loop */

#define LIFE_STATE_ENUM(name, text) LIFE_##name,
enum life_state { LIFE_STATES(LIFE_STATE_ENUM) };
#undef LIFE_STATE_ENUM

const char *life_state_text(enum life_state state);

/* What to do about the process now. */
enum life_order {
    LIFE_LEAVE,
    LIFE_LAUNCH,
    LIFE_ASK,  /* its stop signal */
    LIFE_KILL, /* it did not stop within its grace */
    LIFE_END,  /* it hangs: SIGKILL */
};

struct life_rules {
    uint64_t grace_ms;   /* to stop in, before it is killed */
    uint64_t silence_ms; /* killed when silent for so long; 0: it never says anything */
    uint64_t start_ms;   /* the same until it is ready */
    bool is_one_shot;    /* exit 0 means DONE */
    bool may_be_fenced;  /* exit 75 is final */
};

struct life {
    struct life_rules rules;
    enum life_state state;
    bool is_again; /* STOPPING, to be started at once */
    uint64_t started_ms;
    uint64_t heard_ms;      /* STARTING, UP */
    uint64_t next_start_ms; /* WAITING */
    uint64_t kill_at_ms;    /* STOPPING; HUNG: when it was killed */
    uint64_t backoff_ms;    /* of the last crash; 0 = none lately */
    uint64_t crashes_ms[LIFE_CRASHES_MAX];
    uint32_t n_crashes;  /* ever: the latest is at (n_crashes - 1) % LIFE_CRASHES_MAX */
    uint32_t n_forgiven; /* of them, by somebody who asked for a new start */
};

/* How a process ended. */
struct life_end {
    bool has_exited; /* else by a signal */
    int code;
};

/* What somebody asks for. */
enum life_order life_start(struct life *life, uint64_t now_ms);
enum life_order life_stop(struct life *life, uint64_t now_ms);
enum life_order life_restart(struct life *life, uint64_t now_ms);

/* What came of LIFE_LAUNCH. `random`: for the jitter. */
void life_launched(struct life *life, uint64_t now_ms);
void life_not_launched(struct life *life, uint32_t random, uint64_t now_ms);

/* It said that it is ready, or that it is alive. */
void life_heard(struct life *life, bool is_ready, uint64_t now_ms);

enum life_order life_ended(struct life *life, struct life_end end, uint32_t random,
                           uint64_t now_ms);

/* When life_deadline_ms has come (UINT64_MAX: never). */
enum life_order life_turn(struct life *life, uint64_t now_ms);
uint64_t life_deadline_ms(const struct life *life);

/* There is a process. */
bool life_has_process(const struct life *life);
/* Neither running nor about to. */
bool life_is_down(const struct life *life);
/* It hangs and does not even die. */
bool life_is_overdue(const struct life *life, uint64_t now_ms);

#endif
