/*
 * say - how the command talks: data to stdout, everything else to stderr.
 *
 * With --json an error is one JSON object on stderr: {"code", "message", "hint"}.
 * Progress and colour only on a terminal.
 */
#ifndef APM2_CLI_SAY_H
#define APM2_CLI_SAY_H

#include "common/err.h"
#include "services/cli/command.h"

/* What went wrong, and what to type or look at next (NULL = nothing to add). */
struct complaint {
    enum apm_err err;
    char message[1024];
    char hint[512];
};

/* Fill a complaint; return its err. Later calls replace earlier ones. */
enum apm_err complain(struct complaint *complaint, enum apm_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void complain_hint(struct complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints it and returns the exit code of its err; prints nothing for APM_OK. */
int say_complaint(const struct invocation *invocation, const struct complaint *complaint);

/* Usage errors without a struct: prints, returns 64. */
int say_usage(const struct invocation *invocation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool say_is_json(const struct invocation *invocation);
bool say_has_colour(const struct invocation *invocation);
bool say_has_progress(void);

/* One line of progress on stderr: replaces the last on a terminal, appends otherwise.
 * say_progress_end leaves the last line standing. */
void say_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_progress_end(void);

#endif
