#include "services/cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

static bool is_yes(const char *answer)
{
    return strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0;
}

static enum apm_err ask_person(const char *what, struct complaint *complaint)
{
    char answer[16] = "";
    (void)fprintf(stderr, "%s. Go on? [y/N] ", what);
    (void)fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) != NULL && is_yes(answer))
        return APM_OK;
    return complain(complaint, APM_ERR_FAILED, "nothing was changed");
}

enum apm_err confirm(const struct invocation *invocation, const char *what,
                     struct complaint *ret_complaint)
{
    if (has_option(invocation, OPTION_yes))
        return APM_OK;
    if (!say_is_json(invocation) && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
        return ask_person(what, ret_complaint);
    (void)complain(ret_complaint, APM_ERR_USAGE, "%s, and nobody is here to ask", what);
    complain_hint(ret_complaint, "the same command with --yes");
    return APM_ERR_USAGE;
}
