#include "services/cli/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

static bool in_dir(const char *dir, struct programs *programs)
{
    int n = snprintf(programs->initdb, CLUSTER_PATH_MAX, "%s/initdb", dir);
    int m = snprintf(programs->postgres, CLUSTER_PATH_MAX, "%s/postgres", dir);
    return n < (int)CLUSTER_PATH_MAX && m < (int)CLUSTER_PATH_MAX && is_program(programs->initdb) &&
           is_program(programs->postgres);
}

static bool in_debian_dirs(struct programs *programs)
{
    for (int version = 30; version >= POSTGRES_VERSION_MIN; version--) {
        char dir[64];
        (void)snprintf(dir, sizeof(dir), "/usr/lib/postgresql/%d/bin", version);
        if (in_dir(dir, programs))
            return true;
    }
    return false;
}

static bool in_path(struct programs *programs)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != 0) {
        char dir[CLUSTER_PATH_MAX];
        size_t n = strcspn(path, ":");
        (void)snprintf(dir, sizeof(dir), "%.*s", (int)n, path);
        if (n > 0 && in_dir(dir, programs))
            return true;
        path += n;
        path += *path == ':';
    }
    return false;
}

static enum apm_err find_postgres(struct programs *programs, struct complaint *complaint)
{
    const char *given = getenv("APM2_POSTGRES_BIN");
    if (given != NULL && given[0] != 0) {
        if (in_dir(given, programs))
            return APM_OK;
        return complain(complaint, APM_ERR_CONFIG,
                        "APM2_POSTGRES_BIN=%s holds no initdb and postgres", given);
    }
    if (in_debian_dirs(programs) || in_path(programs))
        return APM_OK;
    (void)complain(complaint, APM_ERR_CONFIG,
                   "PostgreSQL %d or newer is not installed (no initdb found)",
                   POSTGRES_VERSION_MIN);
    complain_hint(complaint, "apt-get install postgresql, or set APM2_POSTGRES_BIN");
    return APM_ERR_CONFIG;
}

static enum apm_err not_found(const char *program, struct complaint *complaint)
{
    (void)complain(complaint, APM_ERR_CONFIG, "%s is not beside this program", program);
    complain_hint(complaint, "ninja -C build, or install all of APM2");
    return APM_ERR_CONFIG;
}

enum apm_err programs_find(struct programs *ret_programs, struct complaint *ret_complaint)
{
    if (!program_find("apm2d", "apm2d", ret_programs->apm2d))
        return not_found("apm2d", ret_complaint);
    for (enum node_service i = 0; i < NODE_SERVICE_END; i++) {
        char program[64], path[PROGRAM_PATH_MAX];
        (void)snprintf(program, sizeof(program), "apm2-%s", node_service_name(i));
        if (!program_find(node_service_name(i), program, path))
            return not_found(program, ret_complaint);
    }
    return find_postgres(ret_programs, ret_complaint);
}
