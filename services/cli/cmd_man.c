#include "services/cli/help.h"

/* Text in roff: a leading dot or quote and every backslash would be commands. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", stdout);
    for (; *text != 0; text++) {
        if (*text == '-')
            (void)fputs("\\-", stdout);
        else if (*text == '\\')
            (void)fputs("\\e", stdout);
        else
            (void)fputc(*text, stdout);
    }
}

static void print_options(uint64_t options)
{
    for (uint32_t i = 0; i < OPTION_END; i++) {
        if ((options & (UINT64_C(1) << i)) == 0)
            continue;
        char text[OPTION_TEXT_BYTES];
        help_option_text((enum option)i, text);
        (void)fputs(".TP\n.B ", stdout);
        if (option_table[i].shorthand != 0)
            (void)printf("\\-%c, ", option_table[i].shorthand);
        print_roff(text);
        (void)fputc('\n', stdout);
        print_roff(option_table[i].help);
        (void)fputc('\n', stdout);
    }
}

int cmd_man(const struct invocation *invocation)
{
    (void)invocation;
    (void)fputs(".TH APM2 1 \"\" \"apm2 " APM2_VERSION "\"\n"
                ".SH NAME\napm2 \\- operate and use an APM2 cluster\n"
                ".SH SYNOPSIS\n.B apm2\n.I COMMAND\n[options]\n.SH COMMANDS\n",
                stdout);
    for (uint32_t i = 0; i < n_commands; i++) {
        const struct command *command = &command_table[i];
        (void)fputs(".SS ", stdout);
        print_roff(command->words);
        (void)fputc(' ', stdout);
        print_roff(command->positionals);
        (void)fputc('\n', stdout);
        print_roff(command->summary);
        (void)fputs(".\n", stdout);
        print_roff(command->details);
        (void)fputc('\n', stdout);
        print_options(command->options);
    }
    (void)fputs(".SH OPTIONS\nWith every command:\n", stdout);
    print_options(COMMON_OPTIONS);
    (void)fputs(".SH EXIT STATUS\n0 ok, 1 error or rejected, 2 unhealthy, 64 usage, "
                "69 unreachable, 75 fenced, 77 denied, 78 configuration.\n",
                stdout);
    return 0;
}
