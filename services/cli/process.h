/*
 * process - run a program to its end: as another user, with given input, its output
 * into a file or the terminal.
 */
#ifndef APM2_CLI_PROCESS_H
#define APM2_CLI_PROCESS_H

#include "services/cli/say.h"

#include <sys/types.h>

struct process {
    const char *const *argv; /* argv[0] is the path; ends with NULL */
    const char *user;        /* NULL or "" = as we are */
    const char *input;       /* NULL = none; at most a pipe's 64 KiB */
    const char *log_path;    /* output is appended here */
};

/* -1 when it cannot be started. */
pid_t process_start(const struct process *process);

/* True when it ended with exit code 0. */
bool process_wait(pid_t pid);

/* The last `n_lines` of a file, for messages; "" when it cannot be read. */
void process_log_tail(const char *path, uint32_t n_lines, char *out, size_t capacity);

#endif
