/* The argument parser, against the real command table. */
#include "tests/support/golden.h"
#include "tests/support/unit.h"

#include "services/cli/command.h"
#include "services/cli/help.h"
#include "services/cli/parse_value.h"

static enum parse_verdict parse(const char *line, struct invocation *invocation, char *message)
{
    static char copy[512];
    char *argv[32];
    int n = 0;
    (void)snprintf(copy, sizeof(copy), "%s", line);
    char *rest = copy;
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        if (word[0] != 0)
            argv[n++] = word;
    }
    return command_parse(n, argv, invocation, message);
}

static const struct good {
    const char *line;
    const char *words;
    uint32_t n_args;
    enum option option; /* OPTION_END = none */
    const char *value;
} good_rows[] = {
    {"consensus status", "consensus status", 0, OPTION_END, NULL},
    {"consensus validators --json", "consensus validators", 0, OPTION_json, ""},
    {"--json consensus validators", "consensus validators", 0, OPTION_json, ""},
    {"consensus --json validators", "consensus validators", 0, OPTION_json, ""},
    {"--node n3 consensus status", "consensus status", 0, OPTION_node, "n3"},
    {"consensus status --node=n3", "consensus status", 0, OPTION_node, "n3"},
    {"consensus metrics --period 300", "consensus metrics", 0, OPTION_period, "300"},
    {"consensus genesis create --t0-key a", "consensus genesis create", 0, OPTION_t0_key, "a"},
    {"dev logs n1 n2 -f", "dev logs", 2, OPTION_follow, ""},
    {"dev down n2", "dev down", 1, OPTION_END, NULL},
    {"event submit -", "event submit", 1, OPTION_END, NULL},
    {"event submit -- --odd-name", "event submit", 1, OPTION_END, NULL},
    {"event submit f --bundle 10 --bundle 20", "event submit", 1, OPTION_bundle, "20"},
    {"lease issue db/primary --holder= --ttl 1s", "lease issue", 1, OPTION_holder, ""},
    {"lease issue --help", "lease issue", 0, OPTION_help, ""},
    {"help consensus status", "help", 2, OPTION_END, NULL},
};

START_TEST(understood)
{
    const struct good *row = &good_rows[_i];
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];

    ck_assert_msg(parse(row->line, &invocation, message) == PARSE_OK, "%s: %s", row->line, message);
    ck_assert_str_eq(invocation.command->words, row->words);
    ck_assert_uint_eq(invocation.n_args, row->n_args);
    if (row->option != OPTION_END)
        ck_assert_str_eq(invocation.option[row->option], row->value);
}
END_TEST

static const struct wrong {
    const char *line;
    const char *message;
} wrong_rows[] = {
    {"consensus statsu",
     "unknown command \"consensus statsu\"; did you mean \"consensus status\"?"},
    {"consenus status", "unknown command \"consenus status\"; did you mean \"consensus status\"?"},
    {"dve up", "unknown command \"dve up\"; did you mean \"dev up\"?"},
    {"frobnicate", "unknown command \"frobnicate\""},
    {"key", "say which: key new, key list, key show, key rotate"},
    {"consensus status --jsno", "unknown option --jsno; did you mean --json?"},
    {"consensus status --frobnicate", "unknown option --frobnicate"},
    {"consensus status -q", "unknown option -q"},
    {"consensus status --fresh", "\"consensus status\" takes no --fresh"},
    {"consensus status extra", "\"consensus status\" does not take \"extra\""},
    {"consensus metrics --period", "--period needs a value: --period SECONDS"},
    {"consensus status --json=yes", "--json takes no value"},
    {"event submit", "\"event submit\" needs FILE|-"},
    {"event submit a b", "\"event submit\" does not take \"b\""},
};

START_TEST(refused_with_a_reason)
{
    const struct wrong *row = &wrong_rows[_i];
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];

    ck_assert_msg(parse(row->line, &invocation, message) == PARSE_BAD, "%s", row->line);
    ck_assert_str_eq(message, row->message);
}
END_TEST

START_TEST(nothing_is_no_command)
{
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];
    ck_assert_int_eq(parse("", &invocation, message), PARSE_EMPTY);
    ck_assert_int_eq(parse("--json", &invocation, message), PARSE_EMPTY);
    ck_assert(has_option(&invocation, OPTION_json));
}
END_TEST

START_TEST(repeated_options_keep_their_order)
{
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];
    ck_assert_int_eq(
        parse("consensus genesis create --card a --name x --card b", &invocation, message),
        PARSE_OK);
    ck_assert_uint_eq(invocation.n_repeats, 3);
    ck_assert_str_eq(invocation.repeats[0].value, "a");
    ck_assert_int_eq(invocation.repeats[1].option, OPTION_name);
    ck_assert_str_eq(invocation.repeats[2].value, "b");
}
END_TEST

/* No argv, however long, may write past an invocation. */
START_TEST(too_much_is_refused)
{
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];
    char *argv[2 * REPEATS_MAX + 10];
    int n = 0;
    char word[] = "n1", option[] = "--card", value[] = "x";
    for (; n < (int)WORDS_MAX + 1; n++)
        argv[n] = word;
    ck_assert_int_eq(command_parse(n, argv, &invocation, message), PARSE_BAD);
    for (n = 0; n < (int)(2 * REPEATS_MAX + 4); n += 2) {
        argv[n] = option;
        argv[n + 1] = value;
    }
    ck_assert_int_eq(command_parse(n, argv, &invocation, message), PARSE_BAD);
    char long_word[5000];
    memset(long_word, 'x', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = 0;
    argv[0] = long_word;
    ck_assert_int_eq(command_parse(1, argv, &invocation, message), PARSE_BAD);
}
END_TEST

/* What the table must be like for the parser and the help to work. */
START_TEST(the_table_is_sound)
{
    for (uint32_t i = 0; i < n_commands; i++) {
        const struct command *command = &command_table[i];
        ck_assert_msg(command->min <= command->max, "%s", command->words);
        ck_assert_msg(command->max < WORDS_MAX - 4, "%s", command->words);
        ck_assert_msg(command->summary[0] != 0, "%s", command->words);
        ck_assert_msg((command->options & COMMON_OPTIONS) == 0, "%s", command->words);
        ck_assert_msg((command->max > 0) == (command->positionals[0] != 0), "%s", command->words);
        ck_assert_ptr_eq(command_find(command->words), command);
    }
    for (uint32_t i = 0; i < OPTION_END; i++) {
        for (uint32_t j = 0; j < i; j++)
            ck_assert_msg(option_table[i].shorthand == 0 ||
                              option_table[i].shorthand != option_table[j].shorthand,
                          "-%c twice", option_table[i].shorthand);
    }
}
END_TEST

/* The overview, then each command's page. */
static void put_help(FILE *out)
{
    ck_assert_int_eq(help_print(out, NULL), 0);
    for (uint32_t i = 0; i < n_commands; i++) {
        (void)fprintf(out, "\n---- apm2 help %s\n", command_table[i].words);
        ck_assert_int_eq(help_print(out, &command_table[i]), 0);
    }
}

START_TEST(help_names_every_command_and_option)
{
    static char text[65536];
    FILE *out = fmemopen(text, sizeof(text), "w");
    ck_assert_ptr_nonnull(out);
    put_help(out);
    (void)fclose(out);
    for (uint32_t i = 0; i < n_commands; i++)
        ck_assert_msg(strstr(text, command_table[i].words) != NULL, "%s", command_table[i].words);
    for (uint32_t i = 0; i < OPTION_END; i++) {
        char option[OPTION_TEXT_BYTES];
        help_option_text((enum option)i, option);
        ck_assert_msg(strstr(text, option) != NULL, "%s", option);
    }
}
END_TEST

/* What users read changes on purpose only. */
START_TEST(help_is_as_released)
{
    golden_check("help.txt", put_help);
}
END_TEST

/* A refused line still names the command whose help explains it. */
START_TEST(a_refusal_knows_its_command)
{
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];
    ck_assert_int_eq(parse("lease issue db --tll 5s", &invocation, message), PARSE_BAD);
    ck_assert_ptr_nonnull(invocation.command);
    ck_assert_str_eq(invocation.command->words, "lease issue");
    ck_assert_int_eq(parse("--tll lease issue", &invocation, message), PARSE_BAD);
    ck_assert_ptr_null(invocation.command);
}
END_TEST

static const struct distance {
    const char *a, *b;
    uint32_t want;
} distances[] = {
    {"", "", 0},       {"abc", "abc", 0},       {"abc", "abd", 1}, {"abc", "ab", 1},
    {"abc", "acb", 1}, {"status", "statsu", 1}, {"", "abc", 3},    {"kitten", "sitting", 3},
};

START_TEST(edits_are_counted)
{
    const struct distance *row = &distances[_i];
    ck_assert_uint_eq(edit_distance(row->a, row->b), row->want);
    ck_assert_uint_eq(edit_distance(row->b, row->a), row->want);
}
END_TEST

static const struct duration {
    const char *text;
    bool ok;
    uint64_t ms;
} durations[] = {
    {"500ms", true, 500},
    {"10s", true, 10000},
    {"2m", true, 120000},
    {"1h", true, 3600000},
    {"0s", true, 0},
    {"10", false, 0},
    {"s", false, 0},
    {"-1s", false, 0},
    {"1.5s", false, 0},
    {"10 s", false, 0},
    {"", false, 0},
    {"10sx", false, 0},
    {"99999999999999999999s", false, 0},
    {"18446744073709551615d", false, 0},
};

START_TEST(durations_need_units)
{
    const struct duration *row = &durations[_i];
    uint64_t ms = 7;
    ck_assert_msg(text_to_ms(row->text, &ms) == row->ok, "%s", row->text);
    ck_assert_uint_eq(ms, row->ok ? row->ms : 7);
}
END_TEST

UNIT_MAIN("commands", NULL, NULL, {
    tcase_add_loop_test(tc, understood, 0, N_ELEMENTS(good_rows));
    tcase_add_loop_test(tc, refused_with_a_reason, 0, N_ELEMENTS(wrong_rows));
    tcase_add_test(tc, nothing_is_no_command);
    tcase_add_test(tc, repeated_options_keep_their_order);
    tcase_add_test(tc, too_much_is_refused);
    tcase_add_test(tc, the_table_is_sound);
    tcase_add_test(tc, help_names_every_command_and_option);
    tcase_add_test(tc, help_is_as_released);
    tcase_add_test(tc, a_refusal_knows_its_command);
    tcase_add_loop_test(tc, edits_are_counted, 0, N_ELEMENTS(distances));
    tcase_add_loop_test(tc, durations_need_units, 0, N_ELEMENTS(durations));
})
