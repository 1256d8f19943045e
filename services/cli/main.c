/* apm2: what operators and clients type. The commands are in commands.def. */
#include "services/cli/help.h"
#include "services/cli/say.h"

#include <sodium.h>

#include "common/must.h"

int main(int argc, char **argv)
{
    struct invocation invocation;
    char message[PARSE_MESSAGE_BYTES];
    MUST(sodium_init() >= 0); /* before the first hash: it picks the fast paths */
    enum parse_verdict verdict = command_parse(argc - 1, argv + 1, &invocation, message);

    if (verdict != PARSE_BAD && has_option(&invocation, OPTION_help))
        return help_print(stdout, invocation.command);
    if (verdict == PARSE_EMPTY) {
        (void)help_print(stderr, NULL);
        return apm_err_exit(APM_ERR_USAGE);
    }
    if (verdict == PARSE_BAD)
        return say_usage(&invocation, "%s", message);
    return invocation.command->run(&invocation);
}
