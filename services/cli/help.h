/*
 * help - the command table as text, as a man page and as shell completion.
 */
#ifndef APM2_CLI_HELP_H
#define APM2_CLI_HELP_H

#include <stdio.h>

#include "services/cli/command.h"

/* One command, or the overview when NULL. Returns 0. */
int help_print(FILE *out, const struct command *command);

/* "--t0-key PEM" into out. */
#define OPTION_TEXT_BYTES 64u
void help_option_text(enum option option, char out[OPTION_TEXT_BYTES]);

#endif
