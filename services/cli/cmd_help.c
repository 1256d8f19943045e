#include "services/cli/help.h"
#include "services/cli/say.h"

int cmd_help(const struct invocation *invocation)
{
    char words[PARSE_MESSAGE_BYTES] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < invocation->n_args && size < sizeof(words); i++)
        size += (size_t)snprintf(words + size, sizeof(words) - size, "%s%s", i > 0 ? " " : "",
                                 invocation->args[i]);
    if (size == 0)
        return help_print(stdout, NULL);

    const struct command *command = command_find(words);
    if (command != NULL)
        return help_print(stdout, command);

    /* A group or a typo: the parser knows how to say it. */
    struct invocation meant;
    char message[PARSE_MESSAGE_BYTES];
    char *typed[WORDS_MAX];
    for (uint32_t i = 0; i < invocation->n_args; i++)
        typed[i] = (char *)(uintptr_t)invocation->args[i];
    (void)command_parse((int)invocation->n_args, typed, &meant, message);
    meant.command = NULL;
    return say_usage(&meant, "%s", message[0] != 0 ? message : "no such command");
}
