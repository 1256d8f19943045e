/*
 * command - the command table and the line a user typed, matched against it.
 *
 * Pure: parsing reads argv and nothing else. An invocation borrows argv and the
 * tables. Options may stand anywhere, before and after the command's words.
 */
#ifndef APM2_CLI_COMMAND_H
#define APM2_CLI_COMMAND_H

#include "common/ids.h"
#include "common/limits.h"
#include "services/cli/commands.def"

#define OPTION_ENUM(name, shorthand, argument, help) OPTION_##name,
enum option { OPTIONS(OPTION_ENUM) OPTION_END };
#undef OPTION_ENUM

#define OPT(name) (UINT64_C(1) << OPTION_##name)

/* Options that may be repeated keep every value in order. */
#define REPEATS_MAX 128u
#define WORDS_MAX 80u

struct option_info {
    const char *name; /* as in the table: '_' is typed as '-' */
    char shorthand;   /* 0 = none */
    const char *argument;
    const char *help;
};
extern const struct option_info option_table[OPTION_END];

struct invocation;

struct command {
    const char *words;
    const char *positionals;
    uint32_t min, max;
    uint64_t options;
    const char *summary;
    const char *details;
    int (*run)(const struct invocation *invocation); /* returns the exit code */
};
extern const struct command command_table[];
extern const uint32_t n_commands;

struct invocation {
    const struct command *command;
    const char *option[OPTION_END]; /* the last value; "" for a switch; NULL = not given */
    const char *args[WORDS_MAX];    /* positionals */
    uint32_t n_args;
    struct {
        enum option option;
        const char *value;
    } repeats[REPEATS_MAX]; /* every option with a value, in order */
    uint32_t n_repeats;
};

#define PARSE_MESSAGE_BYTES 512u

enum parse_verdict {
    PARSE_OK,
    PARSE_EMPTY, /* no command at all */
    PARSE_BAD,   /* message says what is wrong and what was meant */
};

/* argv without the program's name. On PARSE_BAD ret_message is set and the options
 * read so far are in ret_invocation (so that --json and --help still count). */
enum parse_verdict command_parse(int n, char *const *argv, struct invocation *ret_invocation,
                                 char ret_message[PARSE_MESSAGE_BYTES]);

bool has_option(const struct invocation *invocation, enum option option);

/* The command of exactly these words, NULL if none. */
const struct command *command_find(const char *words);

/* Edits between two words (Damerau-Levenshtein, adjacent swaps count once). */
uint32_t edit_distance(const char *a, const char *b);

/* One per row, in cmd_<name>.c; a missing one does not link. */
#define COMMAND_PROTOTYPE(name, ...) int cmd_##name(const struct invocation *invocation);
COMMANDS(COMMAND_PROTOTYPE)
#undef COMMAND_PROTOTYPE

#endif
