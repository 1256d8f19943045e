#include "services/cli/command.h"

#define OPTION_ROW(name, shorthand, argument, help) {#name, shorthand, argument, help},
const struct option_info option_table[OPTION_END] = {OPTIONS(OPTION_ROW)};
#undef OPTION_ROW

_Static_assert(OPTION_END <= 64, "options are bits of one u64");

#define COMMAND_ROW(name, words, positionals, min, max, options, summary, details)                 \
    {words, positionals, min, max, options, summary, details, cmd_##name},
const struct command command_table[] = {COMMANDS(COMMAND_ROW)};
#undef COMMAND_ROW

const uint32_t n_commands = N_ELEMENTS(command_table);
