#include "services/cli/command.h"

#include <stdarg.h>
#include <stdio.h>

#define WORD_BYTES_MAX 64u

struct parse {
    const char *words[WORDS_MAX];
    uint32_t n_words;
    bool only_words; /* after "--" */
    struct invocation *invocation;
    char *message;
};

__attribute__((format(printf, 2, 3))) static enum parse_verdict bad(struct parse *parse,
                                                                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(parse->message, PARSE_MESSAGE_BYTES, format, args);
    va_end(args);
    return PARSE_BAD;
}

bool has_option(const struct invocation *invocation, enum option option)
{
    return invocation->option[option] != NULL;
}

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

uint32_t edit_distance(const char *a, const char *b)
{
    uint32_t rows[3][WORD_BYTES_MAX + 1];
    size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a > WORD_BYTES_MAX || n_b > WORD_BYTES_MAX)
        return UINT32_MAX;

    for (uint32_t j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        uint32_t *now = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= n_b; j++) {
            uint32_t cost = a[i - 1] != b[j - 1];
            now[j] = min3(above[j] + 1, now[j - 1] + 1, above[j - 1] + cost);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return rows[n_a % 3][n_b];
}

/* "--t0-key" matches the row t0_key. */
static bool is_option_name(const char *typed, size_t n, const char *name)
{
    if (strlen(name) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        char want = name[i] == '_' ? '-' : name[i];
        if (typed[i] != want)
            return false;
    }
    return true;
}

static enum option option_by_name(const char *typed, size_t n)
{
    for (uint32_t i = 0; i < OPTION_END; i++) {
        if (is_option_name(typed, n, option_table[i].name))
            return (enum option)i;
    }
    return OPTION_END;
}

static enum option option_by_letter(char letter)
{
    for (uint32_t i = 0; i < OPTION_END; i++) {
        if (option_table[i].shorthand != 0 && option_table[i].shorthand == letter)
            return (enum option)i;
    }
    return OPTION_END;
}

static void spell_option(const char *name, char out[WORD_BYTES_MAX])
{
    size_t i = 0;
    for (; name[i] != 0 && i + 1 < WORD_BYTES_MAX; i++)
        out[i] = name[i] == '_' ? '-' : name[i];
    out[i] = 0;
}

static enum parse_verdict bad_option(struct parse *parse, const char *typed)
{
    uint32_t best_distance = 3;
    char best[WORD_BYTES_MAX] = "";
    for (uint32_t i = 0; i < OPTION_END; i++) {
        char name[WORD_BYTES_MAX];
        spell_option(option_table[i].name, name);
        uint32_t distance = edit_distance(typed + 2, name);
        if (distance < best_distance) {
            best_distance = distance;
            memcpy(best, name, sizeof(best));
        }
    }
    if (best[0] != 0)
        return bad(parse, "unknown option %s; did you mean --%s?", typed, best);
    return bad(parse, "unknown option %s", typed);
}

static enum parse_verdict give(struct parse *parse, enum option option, const char *value)
{
    struct invocation *invocation = parse->invocation;
    invocation->option[option] = value;
    if (option_table[option].argument == NULL)
        return PARSE_OK;
    if (invocation->n_repeats == REPEATS_MAX)
        return bad(parse, "too many options");
    invocation->repeats[invocation->n_repeats].option = option;
    invocation->repeats[invocation->n_repeats].value = value;
    invocation->n_repeats++;
    return PARSE_OK;
}

/* Reads one option at argv[*i] and, if it takes one, its value. */
static enum parse_verdict read_option(struct parse *parse, int n, char *const *argv, int *i)
{
    const char *typed = argv[*i];
    bool is_long = typed[1] == '-';
    const char *equals = is_long ? strchr(typed, '=') : NULL;
    size_t n_name =
        equals != NULL ? (size_t)(equals - typed) - 2 : strlen(typed) - (is_long ? 2 : 1);

    enum option option = OPTION_END;
    if (is_long)
        option = option_by_name(typed + 2, n_name);
    else if (n_name == 1)
        option = option_by_letter(typed[1]);
    if (option == OPTION_END)
        return is_long ? bad_option(parse, typed) : bad(parse, "unknown option %s", typed);

    if (option_table[option].argument == NULL) {
        if (equals != NULL)
            return bad(parse, "%.*s takes no value", (int)(equals - typed), typed);
        return give(parse, option, "");
    }
    if (equals != NULL)
        return give(parse, option, equals + 1);
    if (*i + 1 >= n)
        return bad(parse, "%s needs a value: %s %s", typed, typed, option_table[option].argument);
    *i += 1;
    return give(parse, option, argv[*i]);
}

static enum parse_verdict split(struct parse *parse, int n, char *const *argv)
{
    for (int i = 0; i < n; i++) {
        const char *typed = argv[i];
        bool is_option = !parse->only_words && typed[0] == '-' && typed[1] != 0;
        if (is_option && strcmp(typed, "--") == 0) {
            parse->only_words = true;
            continue;
        }
        if (is_option) {
            enum parse_verdict verdict = read_option(parse, n, argv, &i);
            if (verdict != PARSE_OK)
                return verdict;
            continue;
        }
        if (parse->n_words == WORDS_MAX)
            return bad(parse, "too many words");
        parse->words[parse->n_words++] = typed;
    }
    return PARSE_OK;
}

/* How many of the typed words the command's own words take up; 0 = another command. */
static uint32_t words_matched(const struct parse *parse, const char *words)
{
    uint32_t n = 0;
    while (*words != 0) {
        size_t length = strcspn(words, " ");
        if (n == parse->n_words || strlen(parse->words[n]) != length ||
            memcmp(parse->words[n], words, length) != 0)
            return 0;
        n++;
        words += length;
        words += *words == ' ';
    }
    return n;
}

static uint32_t count_words(const char *words)
{
    uint32_t n = 1;
    for (; *words != 0; words++)
        n += *words == ' ';
    return n;
}

/* The first n typed words with single spaces. */
static void join_words(const struct parse *parse, uint32_t n, char out[WORD_BYTES_MAX + 1])
{
    size_t size = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < n && i < parse->n_words; i++) {
        int more = snprintf(out + size, WORD_BYTES_MAX + 1 - size, "%s%s", i > 0 ? " " : "",
                            parse->words[i]);
        if (more < 0 || size + (size_t)more > WORD_BYTES_MAX)
            return;
        size += (size_t)more;
    }
}

static enum parse_verdict unknown_command(struct parse *parse)
{
    char typed[WORD_BYTES_MAX + 1];
    const struct command *best = NULL;
    uint32_t best_distance = 4; /* farther is no typo */

    for (uint32_t i = 0; i < n_commands; i++) {
        join_words(parse, count_words(command_table[i].words), typed);
        uint32_t distance = edit_distance(typed, command_table[i].words);
        if (distance < best_distance) {
            best_distance = distance;
            best = &command_table[i];
        }
    }
    join_words(parse, parse->n_words < 2 ? parse->n_words : 2, typed);
    if (best != NULL) {
        join_words(parse, count_words(best->words), typed);
        return bad(parse, "unknown command \"%s\"; did you mean \"%s\"?", typed, best->words);
    }
    return bad(parse, "unknown command \"%s\"", typed);
}

/* "consensus" alone: name what may follow. */
static bool list_group(struct parse *parse)
{
    size_t n_group = strlen(parse->words[0]);
    size_t size = 0;
    for (uint32_t i = 0; i < n_commands; i++) {
        const char *words = command_table[i].words;
        if (strncmp(words, parse->words[0], n_group) != 0 || words[n_group] != ' ')
            continue;
        const char *start = size == 0 ? "say which: " : ", ";
        int more =
            snprintf(parse->message + size, PARSE_MESSAGE_BYTES - size, "%s%s", start, words);
        if (more < 0 || size + (size_t)more >= PARSE_MESSAGE_BYTES)
            return true;
        size += (size_t)more;
    }
    return size > 0;
}

/* The command that the first typed words name; how many words that are, 0 = none. */
static uint32_t find_command(struct parse *parse)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < n_commands; i++) {
        uint32_t n = words_matched(parse, command_table[i].words);
        if (n > best) {
            best = n;
            parse->invocation->command = &command_table[i];
        }
    }
    return best;
}

static enum parse_verdict match_command(struct parse *parse, uint32_t *ret_n_words)
{
    uint32_t best = find_command(parse);
    if (best > 0) {
        *ret_n_words = best;
        return PARSE_OK;
    }
    if (parse->n_words == 1 && list_group(parse))
        return PARSE_BAD;
    return unknown_command(parse);
}

static enum parse_verdict check_options(struct parse *parse)
{
    const struct invocation *invocation = parse->invocation;
    for (uint32_t i = 0; i < OPTION_END; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (invocation->option[i] == NULL ||
            ((invocation->command->options | COMMON_OPTIONS) & bit))
            continue;
        char name[WORD_BYTES_MAX];
        spell_option(option_table[i].name, name);
        return bad(parse, "\"%s\" takes no --%s", invocation->command->words, name);
    }
    return PARSE_OK;
}

static enum parse_verdict take_positionals(struct parse *parse, uint32_t n_words)
{
    struct invocation *invocation = parse->invocation;
    const struct command *command = invocation->command;

    for (uint32_t i = n_words; i < parse->n_words; i++)
        invocation->args[invocation->n_args++] = parse->words[i];
    if (has_option(invocation, OPTION_help))
        return PARSE_OK;
    if (invocation->n_args < command->min)
        return bad(parse, "\"%s\" needs %s", command->words, command->positionals);
    if (invocation->n_args > command->max)
        return bad(parse, "\"%s\" does not take \"%s\"", command->words,
                   invocation->args[command->max]);
    return PARSE_OK;
}

enum parse_verdict command_parse(int n, char *const *argv, struct invocation *ret_invocation,
                                 char ret_message[PARSE_MESSAGE_BYTES])
{
    struct parse parse = {.invocation = ret_invocation, .message = ret_message};
    *ret_invocation = (struct invocation){0};
    ret_message[0] = 0;

    enum parse_verdict verdict = split(&parse, n, argv);
    if (verdict != PARSE_OK) {
        (void)find_command(&parse); /* whose help to name */
        return verdict;
    }
    if (parse.n_words == 0)
        return PARSE_EMPTY;

    uint32_t n_words = 0;
    verdict = match_command(&parse, &n_words);
    if (verdict == PARSE_OK)
        verdict = check_options(&parse);
    if (verdict == PARSE_OK)
        verdict = take_positionals(&parse, n_words);
    return verdict;
}

const struct command *command_find(const char *words)
{
    for (uint32_t i = 0; i < n_commands; i++) {
        if (strcmp(command_table[i].words, words) == 0)
            return &command_table[i];
    }
    return NULL;
}
