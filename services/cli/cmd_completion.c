#include "services/cli/help.h"
#include "services/cli/say.h"

static void print_options(uint64_t options, const char *before, const char *between)
{
    for (uint32_t i = 0; i < OPTION_END; i++) {
        if ((options & (UINT64_C(1) << i)) == 0)
            continue;
        char text[OPTION_TEXT_BYTES];
        help_option_text((enum option)i, text);
        (void)printf("%s%.*s%s", before, (int)strcspn(text, " "), text, between);
    }
}

/* Words follow words: offer whatever continues some command's spelling. */
static void print_bash(void)
{
    (void)fputs("_apm2() {\n"
                "    local line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" at=${COMP_WORDS[COMP_CWORD]}\n"
                "    local words=() command\n"
                "    while IFS= read -r command; do\n"
                "        [[ -z $line ]] && words+=(\"${command%% *}\")\n"
                "        [[ -n $line && $command == \"$line \"* ]] && {\n"
                "            command=${command#\"$line \"}; words+=(\"${command%% *}\"); }\n"
                "    done <<'COMMANDS'\n",
                stdout);
    for (uint32_t i = 0; i < n_commands; i++)
        (void)printf("%s\n", command_table[i].words);
    (void)fputs("COMMANDS\n    case $line in\n", stdout);
    for (uint32_t i = 0; i < n_commands; i++) {
        (void)printf("    \"%s\"*) words+=(", command_table[i].words);
        print_options(command_table[i].options, "", " ");
        (void)fputs(") ;;\n", stdout);
    }
    (void)fputs("    esac\n    words+=(", stdout);
    print_options(COMMON_OPTIONS, "", " ");
    (void)fputs(")\n    mapfile -t COMPREPLY < <(compgen -W \"${words[*]}\" -- \"$at\")\n}\n"
                "complete -o default -F _apm2 apm2\n",
                stdout);
}

static void print_fish(void)
{
    for (uint32_t i = 0; i < n_commands; i++) {
        const struct command *command = &command_table[i];
        const char *last = strrchr(command->words, ' ');
        int n_before = last != NULL ? (int)(last - command->words) : 0;
        (void)printf("complete -c apm2 -f -n 'test (string join \" \" (commandline -opc)[2..]) = "
                     "\"%.*s\"' -a '%s' -d '%s'\n",
                     n_before, command->words, last != NULL ? last + 1 : command->words,
                     command->summary);
    }
    for (uint32_t i = 0; i < OPTION_END; i++) {
        char text[OPTION_TEXT_BYTES];
        help_option_text((enum option)i, text);
        (void)printf("complete -c apm2 -l '%.*s' -d '%s'\n", (int)strcspn(text + 2, " "), text + 2,
                     option_table[i].help);
    }
}

int cmd_completion(const struct invocation *invocation)
{
    const char *shell = invocation->args[0];
    if (strcmp(shell, "bash") == 0) {
        print_bash();
        return 0;
    }
    if (strcmp(shell, "zsh") == 0) {
        (void)fputs("autoload -U +X bashcompinit && bashcompinit\n", stdout);
        print_bash();
        return 0;
    }
    if (strcmp(shell, "fish") == 0) {
        print_fish();
        return 0;
    }
    return say_usage(invocation, "no completion for \"%s\": bash, zsh or fish", shell);
}
