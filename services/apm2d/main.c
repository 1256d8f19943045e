/*
 * apm2d: keeps the processes of a development cluster alive. `apm2 dev up` starts it;
 * its log is <dir>/apm2d.log. No protocol code and no ZeroMQ here: it forks.
 */
#include <stdio.h>
#include <string.h>

#include "services/apm2d/watcher.h"

int main(int argc, char **argv)
{
    const char *dir = NULL;
    struct roster_programs programs = {0};
    const struct {
        const char *name;
        const char **value;
    } flags[] = {
        {"--dir", &dir},
        {"--apm2", &programs.apm2},
        {"--consensus", &programs.consensus},
        {"--postgres", &programs.postgres},
    };

    for (int i = 1; i + 1 < argc; i += 2) {
        for (size_t j = 0; j < N_ELEMENTS(flags); j++) {
            if (strcmp(argv[i], flags[j].name) == 0)
                *flags[j].value = argv[i + 1];
        }
    }
    for (size_t j = 0; j < N_ELEMENTS(flags); j++) {
        if (*flags[j].value == NULL) {
            (void)fprintf(stderr, "apm2d: %s is missing (apm2 dev up starts apm2d)\n",
                          flags[j].name);
            return apm_err_exit(APM_ERR_USAGE);
        }
    }
    return watcher_run(dir, &programs);
}
