#include "services/cli/help.h"

#define WRAP_COLUMNS 92u

void help_option_text(enum option option, char out[OPTION_TEXT_BYTES])
{
    const struct option_info *info = &option_table[option];
    (void)snprintf(out, OPTION_TEXT_BYTES, "--%s%s%s", info->name,
                   info->argument != NULL ? " " : "", info->argument != NULL ? info->argument : "");
    size_t n_name = strlen(info->name);
    for (size_t i = 0; i < n_name; i++) {
        if (out[2 + i] == '_')
            out[2 + i] = '-';
    }
}

static void print_options(FILE *out, uint64_t options)
{
    for (uint32_t i = 0; i < OPTION_END; i++) {
        if ((options & (UINT64_C(1) << i)) == 0)
            continue;
        char text[OPTION_TEXT_BYTES], shorthand[8] = "    ";
        help_option_text((enum option)i, text);
        if (option_table[i].shorthand != 0)
            (void)snprintf(shorthand, sizeof(shorthand), "-%c, ", option_table[i].shorthand);
        (void)fprintf(out, "  %s%-24s %s\n", shorthand, text, option_table[i].help);
    }
}

static void print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text != 0) {
        size_t n = strcspn(text, " ");
        if (column > 0 && column + 1 + n > WRAP_COLUMNS) {
            (void)fputc('\n', out);
            column = 0;
        }
        (void)fprintf(out, "%s%.*s", column > 0 ? " " : "", (int)n, text);
        column += n + (column > 0);
        text += n;
        text += *text == ' ';
    }
    (void)fputc('\n', out);
}

static void print_one(FILE *out, const struct command *command)
{
    (void)fprintf(out, "apm2 %s - %s\n\nusage: apm2 %s", command->words, command->summary,
                  command->words);
    if (command->positionals[0] != 0)
        (void)fprintf(out, " %s", command->positionals);
    if (command->options != 0)
        (void)fputs(" [options]", out);
    (void)fputs("\n\n", out);
    if (command->details[0] != 0) {
        print_wrapped(out, command->details);
        (void)fputc('\n', out);
    }
    if (command->options != 0) {
        (void)fputs("options:\n", out);
        print_options(out, command->options);
        (void)fputc('\n', out);
    }
    (void)fputs("with every command:\n", out);
    print_options(out, COMMON_OPTIONS);
}

static void print_overview(FILE *out)
{
    (void)fputs("apm2 - operate and use an APM2 cluster\n\n"
                "usage: apm2 COMMAND [options]\n\ncommands:\n",
                out);
    for (uint32_t i = 0; i < n_commands; i++) {
        char line[96];
        const struct command *command = &command_table[i];
        (void)snprintf(line, sizeof(line), "%s %s", command->words, command->positionals);
        (void)fprintf(out, "  %-34s %s\n", line, command->summary);
    }
    (void)fputs("\nwith every command:\n", out);
    print_options(out, COMMON_OPTIONS);
    (void)fputs("\nexit codes: 0 ok, 1 error or rejected, 2 unhealthy, 64 usage, 69 unreachable,\n"
                "75 fenced, 77 denied, 78 configuration\n",
                out);
}

int help_print(FILE *out, const struct command *command)
{
    if (command != NULL)
        print_one(out, command);
    else
        print_overview(out);
    return 0;
}
