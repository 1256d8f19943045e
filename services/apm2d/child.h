/*
 * child - one supervised process: what life.h decides, done to a real one.
 *
 * Its output goes to a log file, to a journal stream of its own, or to ours. A child
 * that speaks is given NOTIFY_SOCKET and says READY=1, WATCHDOG=1 and STATUS= there
 * (notify.h). Children die with us (PR_SET_PDEATHSIG).
 *
 * Embedded; strings are borrowed. Nothing blocks: the owner calls child_turn when
 * child_deadline_ms has come, and child_exited for what waitpid returned.
 */
#ifndef APM2_CHILD_H
#define APM2_CHILD_H

#include "common/err.h"
#include "common/ids.h"
#include "services/apm2d/life.h"

#include <sys/types.h>

#define CHILD_ARGS_MAX 12u
#define CHILD_STATUS_BYTES 96u

struct child {
    const char *node;
    const char *service;              /* "consensus" */
    const char *argv[CHILD_ARGS_MAX]; /* argv[0] == NULL: there is no such child */
    const char *log_path;             /* NULL: the journal, or where our own output goes */
    const char *notify_path;          /* NULL: it says nothing */
    const char *user;                 /* run as this user; NULL = as we are */
    int stop_signal;
    int kill_signal;   /* after the grace */
    int orphan_signal; /* when we die */
    bool has_reload;   /* SIGHUP means something to it */
    bool is_held;      /* somebody stopped it alone: not started with its node */

    struct life life;                /* its rules are the owner's to set */
    pid_t pid;                       /* while life_has_process */
    bool is_killed;                  /* kill_signal was tried */
    bool was_hung;                   /* its last end was ours */
    bool has_exited;                 /* last_status means something */
    int last_status;                 /* of waitpid */
    char status[CHILD_STATUS_BYTES]; /* its own words */
};

bool child_exists(const struct child *child);

void child_start(struct child *child, uint64_t now_ms);
void child_stop(struct child *child, uint64_t now_ms);
void child_restart(struct child *child, uint64_t now_ms);

/* Hands SIGHUP on to a child that is up. */
void child_reload(const struct child *child);

/* True when the pid was this child's. */
bool child_exited(struct child *child, pid_t pid, int status, uint64_t now_ms);

/* What it said over its notify socket, lines of NAME=value. */
void child_said(struct child *child, const char *words, uint64_t now_ms);

void child_turn(struct child *child, uint64_t now_ms);
uint64_t child_deadline_ms(const struct child *child);

/* "killed by signal 9", "exit 78", "silent, killed"; "" before the first end. */
void child_last_exit(const struct child *child, char *out, size_t capacity);

#endif
