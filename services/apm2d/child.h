/*
 * child - one supervised process: started, watched, restarted, stopped.
 *
 * A child that dies unasked is restarted after 0.5 s, doubling to 30 s with jitter;
 * five lives in a row shorter than 10 s make it FAILED until somebody starts it
 * again. Exit 75 (fenced) is never answered with a restart. A child that does not
 * stop within its grace is killed. Children die with us (PR_SET_PDEATHSIG).
 *
 * Embedded; strings are borrowed. Nothing blocks: the owner calls child_turn when
 * child_deadline_ms has come, and child_exited for what waitpid returned.
 */
#ifndef APM2_CHILD_H
#define APM2_CHILD_H

#include "common/err.h"
#include "common/ids.h"

#include <sys/types.h>

#define CHILD_ARGS_MAX 12u

#define CHILD_STATES(X)                                                                            \
    X(STOPPED, "stopped")                                                                          \
    X(UP, "up")                                                                                    \
    X(STOPPING, "stopping")                                                                        \
    X(WAITING, "waiting") /* died; to be restarted at next_start_ms */                             \
    X(DONE, "done")       /* a one-shot that succeeded */                                          \
    X(FENCED, "fenced")   /* exit 75: somebody else owns the node */                               \
    X(FAILED, "failed")   /* crash loop */

#define CHILD_STATE_ENUM(name, text) CHILD_##name,
enum child_state { CHILD_STATES(CHILD_STATE_ENUM) };
#undef CHILD_STATE_ENUM

const char *child_state_text(enum child_state state);

struct child {
    const char *node;
    const char *service; /* "consensus" */
    const char *argv[CHILD_ARGS_MAX];
    const char *log_path;
    const char *user; /* run as this user; NULL = as we are */
    int stop_signal;
    int kill_signal;   /* after grace_ms */
    int orphan_signal; /* when we die */
    uint64_t grace_ms;
    bool is_one_shot; /* exit 0 means DONE */

    enum child_state state;
    pid_t pid; /* UP, STOPPING */
    uint64_t started_ms;
    uint64_t next_start_ms; /* WAITING */
    uint64_t kill_at_ms;    /* STOPPING */
    uint32_t n_short_lives; /* in a row */
    uint32_t n_restarts;
    int last_status; /* of waitpid */
    bool has_exited; /* last_status means something */
};

void child_start(struct child *child, uint64_t now_ms);
void child_stop(struct child *child, uint64_t now_ms);

/* It is neither running nor about to. */
bool child_is_down(const struct child *child);

/* True when the pid was this child's. */
bool child_exited(struct child *child, pid_t pid, int status, uint64_t now_ms);

void child_turn(struct child *child, uint64_t now_ms);
uint64_t child_deadline_ms(const struct child *child);

/* "killed by signal 9", "exit 78"; "" before the first end. */
void child_last_exit(const struct child *child, char *out, size_t capacity);

#endif
