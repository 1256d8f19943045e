/*
 * apm2d: keeps the services of a node alive, or of all nodes of a development cluster.
 * No protocol code and no ZeroMQ here: it forks.
 */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "services/apm2d/host.h"
#include "services/apm2d/watcher.h"

static const char usage[] =
    "apm2d --config FILE              keeps the node alive that FILE configures\n"
    "apm2d --dir DIR --postgres FILE  the development cluster in DIR: apm2 dev up starts it\n";

int main(int argc, char **argv)
{
    const char *config = NULL;
    struct roster_source source = {0};
    const struct {
        const char *name;
        const char **value;
    } flags[] = {
        {"--config", &config},
        {"--dir", &source.dir},
        {"--postgres", &source.postgres},
    };
    bool is_good = argc % 2 == 1;

    for (int i = 1; i + 1 < argc; i += 2) {
        size_t j = 0;
        while (j < N_ELEMENTS(flags) && strcmp(argv[i], flags[j].name) != 0)
            j++;
        if (j < N_ELEMENTS(flags))
            *flags[j].value = argv[i + 1];
        else
            is_good = false;
    }
    bool is_host = config != NULL && source.dir == NULL && source.postgres == NULL;
    bool is_dev = config == NULL && source.dir != NULL && source.postgres != NULL;
    if (!is_good || (!is_host && !is_dev)) {
        (void)fputs(usage, stderr);
        return apm_err_exit(APM_ERR_USAGE);
    }
    log_init("apm2d", "");
    return is_dev ? watcher_run(source.dir, &source) : host_run(config);
}
